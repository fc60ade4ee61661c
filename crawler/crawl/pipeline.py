"""The pipeline as one page: `crawl` turns slots into checks, `record` hands checks to one writer.

The two halves meet in a channel of checks and nowhere else, so that the first may run in other processes or on other
machines. Only the flow lives here: who walks which queue, when a queue is left alone, in what order checks are kept.
What a check is belongs to `checker`, what is due to `schedule`, what a run is to `session`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

import trio

from crawler.core.model import Check, Failure, Link, Slot, SlotGivenUp, State
from crawler.crawl.stop import Stop

BATCH = 64  # checks written in one transaction at most; what has piled up behind a slow disk is taken together

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Walk:
    """What the workers of one crawl share."""

    check: Callable[[Link], Awaitable[Check]]
    crashed: Callable[[Link, Exception], Check]
    refused: Callable[[Slot], None]  # called at every refusal of a slot
    answered: Callable[[Slot], None]
    leave: Callable[[Slot], Awaitable[None]]  # a slot is done with
    stop: Stop = field(default_factory=Stop)
    given_up: list[SlotGivenUp] = field(default_factory=list)
    internal_errors: int = 0


@dataclass(slots=True)
class Queue:
    """The rest of a slot's links, shared by its `per_host` workers, and its refusals in a row."""

    slot: Slot
    links: Iterator[Link]
    left: int
    refusals: int = 0
    closed: bool = False


async def crawl(slots: Sequence[Slot], walk: Walk, send: trio.MemorySendChannel[Check]) -> None:
    """Check the links of all slots side by side; the limiter inside `walk.check` keeps each slot polite."""
    async with send, trio.open_nursery() as nursery:
        for slot in slots:
            nursery.start_soon(crawl_slot, slot, walk, send.clone())


async def crawl_slot(slot: Slot, walk: Walk, send: trio.MemorySendChannel[Check]) -> None:
    """Check one slot's links in order, `per_host` of them at once."""
    queue = Queue(slot, iter(slot.links), len(slot.links))
    async with send:
        async with trio.open_nursery() as nursery:
            for _ in range(min(slot.politeness.per_host, len(slot.links))):
                nursery.start_soon(work, queue, walk, send.clone())
        await walk.leave(slot)


async def work(queue: Queue, walk: Walk, send: trio.MemorySendChannel[Check]) -> None:
    """One worker of a slot: link after link until the queue is empty, the site refuses us, or the run stops."""
    async with send:
        for link in queue.links:
            check = await check_link(link, walk)
            queue.left -= 1
            with trio.CancelScope(shield=True):  # the recorder always listens, and what was fetched is kept
                await send.send(check)
            if refused_too_often(queue, check, walk) or walk.stop.reason:
                return


async def check_link(link: Link, walk: Walk) -> Check:
    """One check, whatever happens in it: one poison page must not end every night's run."""
    try:
        return await walk.check(link)
    except Exception as error:  # the program's only broad except; cancellation passes through it
        log.exception("internal error at %s", link.fetch_url)
        walk.internal_errors += 1
        return walk.crashed(link, error)


def refused_too_often(queue: Queue, check: Check, walk: Walk) -> bool:
    """Count refusals in a row; past the slot's patience its other links stay due."""
    slot = queue.slot
    if check.fetch.failure is Failure.HELD_BACK and not check.fetch.redirects:
        _give_up(queue, Failure.HELD_BACK, walk)
        return True
    if check.verdict.state is not State.BLOCKED:
        queue.refusals = 0
        walk.answered(slot)
        return queue.closed
    queue.refusals += 1
    walk.refused(slot)
    if queue.refusals == slot.politeness.patience:
        _give_up(queue, check.verdict.reason, walk)
    return queue.closed


def _give_up(queue: Queue, reason: str, walk: Walk) -> None:
    if not queue.closed and queue.left:
        walk.given_up.append(SlotGivenUp(queue.slot.key, reason, queue.left))
    queue.closed = True


async def record(receive: trio.MemoryReceiveChannel[Check], keep: Callable[[list[Check]], Awaitable[None]]) -> None:
    """The one writer. `keep` is shielded: a deadline cannot split a result."""
    async with receive:
        async for check in receive:
            batch = [check]
            while len(batch) < BATCH:
                try:
                    batch.append(receive.receive_nowait())
                except (trio.WouldBlock, trio.EndOfChannel):
                    break
            with trio.CancelScope(shield=True):
                await keep(batch)

"""The pipeline as one page: `crawl` turns slots into checks, `record` hands checks to one writer.

The two halves meet in a channel of checks and nowhere else, so that the first may run in other processes or on other
machines. Only the flow lives here: who walks which queue, when a queue is left alone, in what order checks are kept.
What a check is belongs to `checker`, what is due to `schedule`, what a run is to `session`.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import trio

from crawler.core.model import Check, Failure, History, Link, State, Verdict
from crawler.core.results import SlotGivenUp
from crawler.core.slots import Slot
from crawler.crawl.stop import Stop

SEEN = 50  # living links of a walk, the newest, that may be asked about their slot
BATCH = 64  # checks written in one transaction at most; what has piled up behind a slow disk is taken together
BATCH_BYTES = 8 * 1024 * 1024  # of bodies; a batch ends at the one that passes them, so that memory stays flat

log = logging.getLogger(__name__)


async def _no_warm_up(_: int) -> None:
    """For readers that are there already."""


@dataclass(slots=True)
class Walk:
    """What the workers of one crawl share."""

    check: Callable[[Link], Awaitable[Check]]
    crashed: Callable[[Link, Exception], Check]
    refused: Callable[[Slot], None]  # called at every refusal of a slot
    answered: Callable[[Slot], None]
    leave: Callable[[Slot], Awaitable[None]]  # a slot is done with
    stop: Stop = field(default_factory=Stop)
    warm_up: Callable[[int], Awaitable[None]] = _no_warm_up  # told how many pages there may be
    hold: Callable[[], AbstractContextManager[None]] = nullcontext  # round a check, until it is handed over
    opinion: Callable[[Link, History, Verdict], Awaitable[str]] | None = None  # who else is asked (`crawl.opinion`)
    given_up: list[SlotGivenUp] = field(default_factory=list)
    left_alone: Callable[[SlotGivenUp], None] = lambda _: None  # called when a slot is given up
    internal_errors: int = 0
    requests: int = 0  # that other processes sent


@dataclass(slots=True)
class Queue:
    """The rest of a slot's links, shared by its `per_host` workers, and its refusals in a row."""

    slot: Slot
    links: Iterator[Link]
    left: int
    refusals: int = 0
    closed: bool = False
    spare: int = 0  # canaries that may still be asked
    canaries: deque[Link] = field(default_factory=deque)
    seen: deque[Link] = field(default_factory=lambda: deque(maxlen=SEEN))  # alive in this walk, the first one first

    def is_in_doubt(self) -> bool:
        """Whether one more refusal would close the slot, while links wait whose refusal would count."""
        patience = self.slot.politeness.patience
        return patience > 1 and self.refusals == patience - 1 and self.left > len(self.slot.walls)


async def crawl(slots: Sequence[Slot], walk: Walk, send: trio.MemorySendChannel[Check]) -> None:
    """Check the links of all slots side by side, begun in order; the limiter inside `walk.check` keeps each polite."""
    async with send, trio.open_nursery() as nursery:
        for slot in slots:
            nursery.start_soon(crawl_slot, slot, walk, send.clone())
            await trio.lowlevel.checkpoint()  # tasks that are started together run in any order


async def crawl_slot(slot: Slot, walk: Walk, send: trio.MemorySendChannel[Check]) -> None:
    """Check one slot's links in order, `per_host` of them at once."""
    queue = Queue(slot, iter(slot.links), len(slot.links), spare=slot.spare, canaries=deque(slot.canaries))
    async with send:
        async with trio.open_nursery() as nursery:
            for _ in range(min(slot.politeness.per_host, len(slot.links))):
                nursery.start_soon(work, queue, walk, send.clone())
        await walk.leave(slot)


async def work(queue: Queue, walk: Walk, send: trio.MemorySendChannel[Check]) -> None:
    """One worker of a slot: link after link until the queue is empty, the site refuses us, or the run stops."""
    async with send:
        while True:
            if queue.is_in_doubt() and await asked_about_slot(queue, walk, send):
                return
            link = next(queue.links, None)
            if link is None or await ended_with(link, queue, walk, send):
                return


async def ended_with(link: Link, queue: Queue, walk: Walk, send: trio.MemorySendChannel[Check]) -> bool:
    """Check one link of a queue and hand its check over; True where the walk ends with it.

    Apart from the loop, in which a body would live on until the next one has come.
    """
    with walk.hold():
        check = await check_link(link, walk)
        queue.left -= 1
        if check.verdict.state is State.ALIVE:
            queue.seen.append(link)
        await keep(check, send)
    return refused_too_often(queue, check, walk) or walk.stop.reason is not None


async def asked_about_slot(queue: Queue, walk: Walk, send: trio.MemorySendChannel[Check]) -> bool:
    """Ask a link that was alive last whether the slot refuses us or only some of its links; True where the walk ends.

    One of the plan is recorded as any other check; one that was seen in this very walk only answers the question.
    """
    if queue.spare <= 0 or not (queue.canaries or queue.seen):
        return False
    queue.spare -= 1
    planned = bool(queue.canaries)
    with walk.hold():
        check = await check_link(queue.canaries.popleft() if planned else queue.seen.popleft(), walk)
        if planned:
            await keep(check, send)
    return refused_too_often(queue, check, walk) or walk.stop.reason is not None


async def keep(check: Check, send: trio.MemorySendChannel[Check]) -> None:
    """Hand a check over; what was fetched is kept, whatever ends the walk."""
    with trio.CancelScope(shield=True):  # the recorder always listens
        await send.send(check)


async def check_link(link: Link, walk: Walk) -> Check:
    """One check, whatever happens in it: one poison page must not end every night's run."""
    try:
        return await walk.check(link)
    except Exception as error:  # the pipeline's only broad except; cancellation passes through it
        log.exception("internal error at %s", link.fetch_url)
        walk.internal_errors += 1
        return walk.crashed(link, error)


def refused_too_often(queue: Queue, check: Check, walk: Walk) -> bool:
    """Count refusals in a row; past the slot's patience its other links stay due."""
    slot = queue.slot
    if check.fetch.failure is Failure.HELD_BACK and not check.fetch.redirects:
        _give_up(queue, Failure.HELD_BACK, walk)
        return True
    if check.verdict.state is State.BLOCKED and check.link.canonical_url in slot.walls:
        return queue.closed
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
        walk.left_alone(walk.given_up[-1])
    queue.closed = True


async def record(receive: trio.MemoryReceiveChannel[Check], keep: Callable[[list[Check]], Awaitable[None]]) -> None:
    """The one writer. `keep` is shielded: a deadline cannot split a result."""
    async with receive:
        async for check in receive:
            batch, size = [check], len(check.fetch.body)
            while len(batch) < BATCH and size < BATCH_BYTES:
                try:
                    batch.append(receive.receive_nowait())
                except (trio.WouldBlock, trio.EndOfChannel):
                    break
                size += len(batch[-1].fetch.body)
            with trio.CancelScope(shield=True):
                await keep(batch)
            del check, batch  # bodies do not live on until the next one comes

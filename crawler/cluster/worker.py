"""What a Dask worker runs for a run: it crawls the slots that it is dealt, and sends checks back in batches.

It writes nothing, plans nothing, and asks only hosts whose slot it owns: a redirect into another slot goes to the
coordinator. Where nobody hears it any more it stops by itself, before its slots are dealt to others.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import trio

from crawler.cluster.messages import (
    BATCH,
    BATCH_BYTES,
    BEAT,
    LEASE,
    CheckBatch,
    Deal,
    Down,
    End,
    Halt,
    HopAnswered,
    HopAsked,
    OpinionAnswered,
    OpinionAsked,
    RunSetup,
    SlotDone,
    packed,
    unpacked,
)
from crawler.core.model import Check, Fetch, History, Link, Verdict
from crawler.crawl.checker import Checker
from crawler.crawl.context import utc_now
from crawler.crawl.job import politeness_for
from crawler.crawl.pipeline import Walk, crawl_slot
from crawler.crawl.readers import open_readers
from crawler.crawl.stop import Stop
from crawler.fetch import Fetcher, Request, open_fetcher
from crawler.sites import load_sites

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.schedule.politeness import PolitenessOf

SILENCE = 0.6 * LEASE  # seconds without a message that arrived, after which a worker stops

Item = Check | SlotDone | HopAsked | HopAnswered | OpinionAsked


def version() -> str:
    """The version of the crawler that this process runs."""
    import crawler

    return str(crawler.__version__)


def serve(wanted: str, session: str, up_name: str, down_name: str, data: bytes) -> str:
    """Crawl for one run until its coordinator ends it; "" then, and the version of this crawler where it is another."""
    if version() != wanted:
        return version()
    from distributed import Queue, get_client

    process: Any = multiprocessing.current_process()
    process._config["daemon"] = False  # noqa: SLF001  # Dask's nanny makes daemons of workers, which may have no readers
    client = get_client()
    up, down = (Queue(name, client=client) for name in (up_name, down_name))  # type: ignore[no-untyped-call]  # Dask has no types here
    trio.run(work, session, unpacked(data), up, down)
    return ""


@dataclass(slots=True)
class Waiting:
    """A question to the coordinator, or its own to a worker; None where the one who was asked could not answer."""

    event: trio.Event = field(default_factory=trio.Event)
    answer: Fetch | str | None = None


@dataclass(slots=True)
class Desk:
    """What the tasks of one worker share."""

    session: str
    politeness: PolitenessOf
    items: trio.MemorySendChannel[Item]
    owned: dict[str, int] = field(default_factory=dict)  # slot to requests of other slots' chains under way in it
    histories: dict[str, History] = field(default_factory=dict)
    asked: dict[str, Waiting] = field(default_factory=dict)
    questions: int = 0

    def elsewhere(self, url: str) -> Any:
        """Who asks this URL: None where its slot is ours."""
        return None if self.politeness(url).slot in self.owned else self.ask_owner

    async def ask_owner(self, request: Request) -> Fetch:
        """One GET by whoever owns its slot."""
        fetch = await self._answer_to(lambda ident: HopAsked(ident, request))
        assert isinstance(fetch, Fetch), "the coordinator always finds an owner"
        return fetch

    async def opinion(self, link: Link, history: History, verdict: Verdict) -> str:
        """Who else agrees that a link is dead."""
        return str(await self._answer_to(lambda ident: OpinionAsked(ident, link, history, verdict)))

    def told(self, ident: str, answer: Fetch | str | None) -> None:
        """The coordinator's answer to a question."""
        if waiting := self.asked.get(ident):
            waiting.answer = answer
            waiting.event.set()

    async def _answer_to(self, question: Callable[[str], Item]) -> Fetch | str | None:
        self.questions += 1
        ident = f"{self.session}/{self.questions}"
        waiting = self.asked[ident] = Waiting()
        try:
            await self.items.send(question(ident))
            await waiting.event.wait()
        finally:
            del self.asked[ident]
        return waiting.answer


async def work(session: str, setup: RunSetup, up: Any, down: Any) -> None:
    """Open what crawling needs, and serve until the end."""
    sites = load_sites(setup.documents)
    send, receive = trio.open_memory_channel[Item](BATCH)
    desk = Desk(session, politeness_for(setup.settings, sites), send)
    opened = open_fetcher(
        setup.settings.fetch, desk.politeness, now=utc_now, random=random.random, elsewhere=desk.elsewhere
    )
    async with open_readers(setup.settings, sites) as reader, opened as fetcher:
        checker = Checker(
            fetcher, reader, sites, setup.settings, desk.politeness, desk.histories, now=utc_now,
            run_id=setup.run_id, depth=setup.depth, opinion=desk.opinion if setup.opinions else None,
        )  # fmt: skip
        walk = Walk(
            check=checker,
            crashed=checker.internal_error,
            refused=lambda slot: fetcher.refused(slot.key),
            answered=lambda slot: fetcher.answered(slot.key),
            leave=lambda slot: fetcher.close_slot(slot.key),
            stop=Stop(),
            hold=fetcher.hold,
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(send_up, desk, walk, fetcher, receive, up, nursery.cancel_scope))
            await receive_down(desk, walk, fetcher, down, nursery)
            nursery.cancel_scope.cancel()


async def receive_down(desk: Desk, walk: Walk, fetcher: Fetcher, down: Any, nursery: trio.Nursery) -> None:
    """Do what the coordinator says, until it says that the run is over."""
    while True:
        for message in await received(down):
            match message:
                case Deal():
                    fetcher.recall([message.state] if message.state else [])
                    desk.histories |= message.histories
                    desk.owned[message.slot.key] = 0
                    nursery.start_soon(crawl_one, message, desk, walk, fetcher)
                case Halt():
                    walk.stop.ask(message.reason)
                case HopAsked():
                    nursery.start_soon(ask_hop, message, desk, fetcher)
                case HopAnswered():
                    desk.told(message.ident, message.fetch)
                case OpinionAnswered():
                    desk.told(message.ident, message.agreed)
                case End():
                    return


async def received(down: Any) -> list[Down]:
    """The next messages; none after a while."""

    def get() -> list[Down]:
        try:
            data = down.get(timeout=BEAT)
        except TimeoutError:
            return []
        messages: list[Down] = unpacked(data)
        return messages

    return await trio.to_thread.run_sync(get, abandon_on_cancel=True)


async def crawl_one(deal: Deal, desk: Desk, walk: Walk, fetcher: Fetcher) -> None:
    """Crawl a slot, and give it back when nothing of ours is under way in it."""
    key = deal.slot.key
    await crawl_slot(deal.slot, walk, desk.items.clone())
    while desk.owned[key]:  # noqa: ASYNC110  # a few times a run, for a moment
        await trio.sleep(0.05)
    del desk.owned[key]
    given_up = tuple(one for one in walk.given_up if one.slot == key)
    walk.given_up = [one for one in walk.given_up if one.slot != key]
    state = next(state for state in fetcher.slot_states_of([key]))
    for link in deal.slot.links:
        desk.histories.pop(link.canonical_url, None)
    await desk.items.send(SlotDone(key, state, given_up))


async def ask_hop(asked: HopAsked, desk: Desk, fetcher: Fetcher) -> None:
    """One GET for the chain of another worker, in the time of our slot."""
    slot = desk.politeness(asked.request.url).slot
    fetch = None
    if slot in desk.owned:
        desk.owned[slot] += 1
        try:
            fetch = await fetcher.hop(asked.request)
        finally:
            desk.owned[slot] -= 1
    await desk.items.send(HopAnswered(asked.ident, fetch))


async def send_up(
    desk: Desk, walk: Walk, fetcher: Fetcher, receive: trio.MemoryReceiveChannel[Item], up: Any, scope: trio.CancelScope
) -> None:
    """Send what happened in batches; where they do not arrive, end the worker's part of the run."""
    reported, sent, heard_at = 0, 0, time.monotonic()
    while True:
        items = await gathered(receive)
        if time.monotonic() - heard_at > SILENCE:  # this process stood still, and its slots are others' by now
            scope.cancel()
        errors, requests = walk.internal_errors - reported, fetcher.requests - sent
        batch = CheckBatch(desk.session, internal_errors=errors, requests=requests)
        reported, sent = walk.internal_errors, fetcher.requests
        for item in items:
            match item:
                case Check():
                    batch.checks.append(item)
                case SlotDone():
                    batch.done.append(item)
                case OpinionAsked():
                    batch.opinions.append(item)
                case _:
                    batch.hops.append(item)
        batch.states.extend(fetcher.slot_states_of({check.link.slot for check in batch.checks}))
        with trio.move_on_after(SILENCE) as heard:
            await trio.to_thread.run_sync(up.put, packed(batch), abandon_on_cancel=True)
            heard_at = time.monotonic()
        if heard.cancelled_caught:
            scope.cancel()


async def gathered(receive: trio.MemoryReceiveChannel[Item]) -> list[Item]:
    """What there is to send: at once where somebody waits for it, else after a while of gathering."""
    items: list[Item] = []
    size, until = 0, time.monotonic() + BEAT
    with trio.move_on_after(BEAT):
        while len(items) < BATCH and size < BATCH_BYTES:
            item = await receive.receive()
            items.append(item)
            size += len(item.fetch.body) + len(item.readable) if isinstance(item, Check) else 0
            if not isinstance(item, Check) or time.monotonic() > until:
                break
    return items

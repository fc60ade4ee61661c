"""The coordinator of a run: deals slots to workers, hands their checks to the recorder, and owns all other slots.

Every slot has one owner at any time: the worker that it was dealt to, or this process. A worker that is lost, or not
heard of for `LEASE` seconds, loses its slots; what it had not sent is asked again by others, and what it sends later
is not taken. The budget, signals and the outage watch are the run's own: they reach workers as `Halt` and `End`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import trio

from crawler.cluster.messages import (
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
    packed,
    unpacked,
)
from crawler.cluster.worker import Waiting, serve, version
from crawler.core.config import site_documents
from crawler.core.counts import Counted
from crawler.core.errors import ClusterError
from crawler.core.model import Check, Fetch, Link, Slot, SlotState
from crawler.core.results import SlotGivenUp
from crawler.crawl.checker import best_title_match
from crawler.crawl.pipeline import crawl
from crawler.crawl.session import needs_browser
from crawler.fetch import Request
from crawler.schedule.history import first_seen, remember

if TYPE_CHECKING:
    from crawler.crawl.hosts import Hosts
    from crawler.crawl.job import Job, Prepared
    from crawler.crawl.observer import Observer
    from crawler.crawl.pipeline import Walk
    from crawler.fetch import Fetcher
    from crawler.fetch.request import Ask

OPEN: Final = 256  # slots that one worker has at a time: four times its concurrency, so that waits overlap; a guess
NOBODY: Final = 30.0  # seconds without any worker after which the rest is left for the next run
LOOK: Final = 1.0  # seconds between two questions who the workers are
GLANCE: Final = 0.25  # seconds after which signals and workers that are awaited are looked for
ANSWER: Final = 15.0  # seconds within which a scheduler answers; past them it is lost
LOST: Final = "cluster-lost"

T = TypeVar("T")


@dataclass(slots=True)
class Session:
    """One worker's part of the run."""

    ident: str
    address: str
    queue: Any  # of Dask, to the worker
    future: Any
    heard: float  # when it was heard last
    slots: dict[str, dict[str, Link]] = field(default_factory=dict)  # by slot: links that are still to come
    outbox: list[Down] = field(default_factory=list)
    wake: trio.Event = field(default_factory=trio.Event)
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)

    def tell(self, message: Down) -> None:
        """Put a message into its queue, in order."""
        self.outbox.append(message)
        self.wake.set()


class Coordinator:
    """Crawls a plan on the workers of a Dask client (`crawl.job.CrawlSpread`)."""

    def __init__(self, client: Any, observer: Observer) -> None:
        self.client = client
        self.observer = observer
        self.sessions: dict[str, Session] = {}  # by address
        self.owners: dict[str, Session] = {}  # by slot
        self.refused: set[str] = set()  # addresses of workers of another version, and of those that failed
        self.waiting: deque[Slot] = deque()
        self.states: dict[str, SlotState] = {}
        self.asked: dict[str, Waiting] = {}
        self.name = ""
        self.up: Any = None
        self.lost = False

    async def crawl(
        self, job: Job, ready: Prepared, fetcher: Fetcher, walk: Walk, hosts: Hosts, send: trio.MemorySendChannel[Check]
    ) -> None:
        """Have the plan crawled; every check goes to `send`, which is closed at the end. Raises ClusterError."""
        self.name = f"crawler-{uuid.uuid4().hex}"
        self.up = await self.dask(partial(_queue, self.client, f"{self.name}-up"))
        own = [slot for slot in ready.plan.slots if any(needs_browser(link, ready) for link in slot.links)]
        kept = {slot.key for slot in own}
        self.waiting = deque(slot for slot in ready.plan.slots if slot.key not in kept)
        self.states = {state.slot: state for state in fetcher.slot_states()}
        part = _Part(self, job, ready, fetcher, walk, hosts, send)
        async with send, trio.open_nursery() as here:
            here.start_soon(crawl, own, walk, send.clone())  # the browser is this process's
            try:
                async with trio.open_nursery() as nursery:
                    part.nursery = nursery
                    nursery.start_soon(part.receive)
                    await part.supervise()
                    nursery.cancel_scope.cancel()
            finally:
                with trio.CancelScope(shield=True), trio.move_on_after(ANSWER):
                    await self._end()

    def elsewhere(self, url: str) -> Ask | None:
        """Who asks this URL while its slot is a worker's."""
        return self.ask if self.slot_of and self.slot_of(url) in self.owners else None

    slot_of: Callable[[str], str] | None = None
    hop: Ask | None = None

    async def ask(self, request: Request) -> Fetch:
        """One GET by whoever owns its slot now, be it this process."""
        assert self.slot_of is not None
        assert self.hop is not None
        while True:
            owner = self.owners.get(self.slot_of(request.url))
            if owner is None:
                return await self.hop(request)
            ident = f"{owner.ident}/{uuid.uuid4().hex}"
            waiting = self.asked[ident] = Waiting()
            owner.tell(HopAsked(ident, request))
            try:
                await waiting.event.wait()
            finally:
                del self.asked[ident]
            if isinstance(waiting.answer, Fetch):
                return waiting.answer

    async def dask(self, call: Callable[[], T]) -> T:
        """A call of Dask in a thread. Raises ClusterError where the scheduler is gone or does not answer."""
        try:
            with trio.fail_after(ANSWER):
                return await trio.to_thread.run_sync(call, abandon_on_cancel=True)
        except (OSError, trio.TooSlowError, asyncio.CancelledError, RuntimeError, ValueError) as error:
            if isinstance(error, TimeoutError) and self.client.status == "running":
                raise
            raise ClusterError(f"the scheduler is gone ({type(error).__name__})") from error

    async def _end(self) -> None:
        for session in self.sessions.values():
            session.scope.cancel()
        if self.lost:
            return
        for session in self.sessions.values():
            with trio.move_on_after(2.0):
                try:
                    await self.dask(partial(session.queue.put, packed([End()])))
                except (ClusterError, TimeoutError):
                    return


@dataclass(slots=True)
class _Part:
    """A coordinator at work on one plan."""

    all: Coordinator
    job: Job
    ready: Prepared
    fetcher: Fetcher
    walk: Walk
    hosts: Hosts
    send: trio.MemorySendChannel[Check]
    nursery: trio.Nursery = field(init=False)
    slots: dict[str, Slot] = field(init=False)  # of the plan, by key
    halted: bool = False
    alone_since: float = field(default_factory=trio.current_time)
    look_at: float = 0.0  # when the scheduler is asked again who its workers are
    through: trio.Event = field(default_factory=trio.Event)  # slots came back: others may be dealt

    def __post_init__(self) -> None:
        self.slots = {slot.key: slot for slot in self.ready.plan.slots}
        self.all.slot_of = lambda url: self.ready.politeness(url).slot
        self.all.hop = self.fetcher.hop

    # Workers

    async def supervise(self) -> None:
        """Take workers in, notice lost ones, deal slots, until all slots are through."""
        try:
            while self.open():
                if trio.current_time() >= self.look_at or not self.all.sessions:
                    await self._look_at_workers()
                    self.look_at = trio.current_time() + LOOK
                self._deal()
                if self.walk.stop.reason and not self.halted:
                    self._halt(self.walk.stop.reason)
                self.through = trio.Event()
                with trio.move_on_after(GLANCE):
                    await self.through.wait()
        except ClusterError as error:
            self.all.lost = True
            self._give_up(str(error))

    def open(self) -> bool:
        """Whether there is something left to crawl."""
        if self.halted:
            return bool(self.all.owners)
        return bool(self.all.waiting or self.all.owners)

    async def _look_at_workers(self) -> None:
        here, now = self.all, trio.current_time()
        present = await here.dask(partial(_workers, here.client))
        for address, session in list(here.sessions.items()):
            if session.future.status in ("error", "cancelled", "finished"):
                self._refuse(session)
            elif address not in present or now - session.heard > LEASE:
                self._lose(session, "is gone" if address not in present else f"was not heard of for {LEASE:g} s")
        for address in present - here.sessions.keys() - here.refused:
            await self._take_in(address)
        if here.sessions:
            self.alone_since = now
        elif here.refused and not present - here.refused:
            raise ClusterError("no worker of this cluster can take part")
        elif now - self.alone_since > NOBODY:
            raise ClusterError(f"no worker joined for {NOBODY:g} s")

    async def _take_in(self, address: str) -> None:
        here = self.all
        ident = uuid.uuid4().hex
        names = (f"{here.name}-up", f"{here.name}-{ident}")
        settings = self.job.settings
        opinions = self.walk.opinion is not None
        setup = RunSetup(self.ready.run.id, settings, site_documents(settings), self.job.depth, opinions)
        queue = await here.dask(partial(_queue, here.client, names[1]))
        submit = partial(
            here.client.submit, serve, version(), ident, *names, packed(setup),
            workers=[address], allow_other_workers=False, pure=False, retries=0, key=f"crawl-{ident}",
        )  # fmt: skip
        future = await here.dask(submit)
        session = Session(ident, address, queue, future, trio.current_time() + LEASE)
        here.sessions[address] = session
        self.nursery.start_soon(self._send_down, session)

    async def _send_down(self, session: Session) -> None:
        """What a worker is told, in order; where it cannot be told, its lease ends."""
        with session.scope:
            while True:
                await session.wake.wait()
                session.wake = trio.Event()
                messages, session.outbox = session.outbox, []
                try:
                    await self.all.dask(partial(session.queue.put, packed(messages)))
                except (ClusterError, TimeoutError):
                    return

    def _refuse(self, session: Session) -> None:
        """A worker whose task is over though the run is not: another version, or a fault."""
        self.all.refused.add(session.address)
        future = session.future
        if future.status == "finished" and (other := future.result(timeout=ANSWER)):
            why = f"runs crawler {other}, and this is {version()}: it takes no part"
        elif future.status == "error":
            why = f"takes no part: {_line(future.exception(timeout=ANSWER))}"
        else:
            why = "let go of its work"
        self._lose(session, why)

    def _lose(self, session: Session, why: str) -> None:
        """Slots of a lost worker go back into the line, without what has come; their intervals begin anew."""
        here = self.all
        here.sessions.pop(session.address, None)
        session.scope.cancel()
        self.nursery.start_soon(self._dismiss, session)
        self.job.observer.say(f"worker {session.address} {why}")
        now = self.job.now()
        for key, links in session.slots.items():
            here.owners.pop(key, None)
            state = here.states.get(key) or SlotState(key)
            here.states[key] = replace(state, last_start=now)
            self.fetcher.recall([here.states[key]])
            if links:
                here.waiting.appendleft(replace(self.slots[key], links=tuple(links.values())))
        session.slots.clear()  # a batch of it may be half taken, waiting for the recorder: the rest is not its any more
        for ident, waiting in here.asked.items():
            if ident.startswith(f"{session.ident}/"):
                waiting.event.set()  # nobody answers: whoever waits asks the next owner

    async def _dismiss(self, session: Session) -> None:
        """Whatever a lost worker still does, it is told to stop."""
        try:
            await self.all.dask(partial(session.queue.put, packed([End()])))
        except (ClusterError, TimeoutError):
            return

    # Slots

    def _deal(self) -> None:
        """The longest slots first, each to the worker that has the fewest links before it."""
        here = self.all
        while here.waiting and not self.halted:
            free = [s for s in here.sessions.values() if len(s.slots) < OPEN and s.heard <= trio.current_time()]
            if not free:
                return
            slot = here.waiting.popleft()
            session = min(free, key=lambda one: sum(map(len, one.slots.values())))
            session.slots[slot.key] = {link.canonical_url: link for link in slot.links}
            here.owners[slot.key] = session
            known = {x.canonical_url: h for x in slot.links if (h := self.ready.histories.get(x.canonical_url))}
            here.states[slot.key] = self.fetcher.slot_states_of([slot.key])[0]
            session.tell(Deal(slot, known, here.states[slot.key]))

    def _halt(self, reason: str) -> None:
        self.halted = True
        for session in self.all.sessions.values():
            session.tell(Halt(reason))

    def _give_up(self, why: str) -> None:
        """What is left stays due: the run ends incomplete."""
        here = self.all
        left = {slot.key: len(slot.links) for slot in here.waiting}
        for session in here.sessions.values():
            left |= {key: len(links) for key, links in session.slots.items() if links}
        self.job.observer.warn(
            f"{why}: {Counted(sum(left.values())):link stays|links stay} due, what was received is kept"
        )
        self.walk.given_up.extend(SlotGivenUp(key, LOST, number) for key, number in sorted(left.items()))
        self.walk.internal_errors += 1
        here.waiting.clear()
        here.owners.clear()

    # What workers say

    async def receive(self) -> None:
        """Take batches as they come."""
        while True:
            try:
                data = await self.all.dask(partial(self.all.up.get, timeout=BEAT))
            except TimeoutError:
                continue
            except ClusterError:
                await trio.sleep(BEAT)  # `supervise` hears the same, and ends the run
                continue
            await self._take(unpacked(data))

    async def _take(self, batch: CheckBatch) -> None:
        self.walk.requests += batch.requests
        session = next((s for s in self.all.sessions.values() if s.ident == batch.session), None)
        if session is None:
            return  # lost: its slots are others'
        session.heard = trio.current_time()
        self.walk.internal_errors += batch.internal_errors
        for state in batch.states:
            self.all.states[state.slot] = state
        self.fetcher.recall(batch.states)
        for check in batch.checks:
            links = session.slots.get(check.link.slot, {})
            if links.pop(check.link.canonical_url, None):
                with trio.CancelScope(shield=True):
                    await self.send.send(self._folded(check))
        for done in batch.done:
            if session.slots.pop(done.key, None) is None:
                continue
            self.all.states[done.key] = done.state
            self.fetcher.recall([done.state])
            self.walk.given_up.extend(done.given_up)
            await self.walk.leave(self.slots[done.key])
            self.all.owners.pop(done.key, None)
            self.through.set()
        self._pass_hops(session, batch.hops)
        for asked in batch.opinions:
            self.nursery.start_soon(self._answer_opinion, session, asked)

    def _folded(self, check: Check) -> Check:
        """The check with the history that this process makes of it: it alone knows what all hosts answered."""
        link = check.link
        before = self.ready.histories.get(link.canonical_url) or first_seen(link.canonical_url, link.url, check.at)
        after = remember(
            before, check.fetch, check.page, check.verdict, check.at, self.job.settings.schedule,
            title_match=best_title_match(link, check.page), around=self.hosts.around(link), said=check.said,
        )  # fmt: skip
        return replace(check, history=after)

    def _pass_hops(self, session: Session, hops: Iterable[HopAsked | HopAnswered]) -> None:
        for hop in hops:
            if isinstance(hop, HopAsked):
                self.nursery.start_soon(self._answer_hop, session, hop)
            elif waiting := self.all.asked.get(hop.ident):
                waiting.answer = hop.fetch
                waiting.event.set()

    async def _answer_hop(self, session: Session, hop: HopAsked) -> None:
        session.tell(HopAnswered(hop.ident, await self.all.ask(hop.request)))

    async def _answer_opinion(self, session: Session, asked: OpinionAsked) -> None:
        assert self.walk.opinion is not None, "who sent it was told that somebody is asked"
        agreed = await self.walk.opinion(asked.link, asked.history, asked.verdict)
        session.tell(OpinionAnswered(asked.ident, agreed))


def _queue(client: Any, name: str) -> Any:
    from distributed import Queue

    return Queue(name, client=client)  # type: ignore[no-untyped-call]  # Dask has no types here


def _workers(client: Any) -> set[str]:
    """Addresses of the workers that the scheduler has now."""
    found = client.sync(client.scheduler.identity, n_workers=-1)
    return set(found["workers"])


def _line(error: object) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]

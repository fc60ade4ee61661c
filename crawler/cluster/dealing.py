"""One plan dealt to the workers of a cluster: who joins, who is lost, which slot goes where, what comes back.

Every slot has one owner at any time: the worker that it was dealt to, or this process. A worker that is lost, or not
heard of for `LEASE` seconds, loses its slots; what it had not sent is asked again by others, and what it sends later
is not taken. The budget, signals and the outage watch are the run's own: they reach workers as `Halt` and `End`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from crawler.cluster.ledger import ANSWER, Ledger, Session, queue_of, workers_of
from crawler.cluster.messages import (
    BEAT,
    LEASE,
    CheckBatch,
    Deal,
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
from crawler.cluster.worker import serve, version
from crawler.core.config import site_documents
from crawler.core.counts import Counted
from crawler.core.errors import ClusterError, summary
from crawler.core.model import Check
from crawler.core.results import SlotGivenUp
from crawler.core.slots import Slot, SlotState
from crawler.crawl.checker import best_title_match
from crawler.schedule.history import first_seen, remember

if TYPE_CHECKING:
    from crawler.crawl.job import CrawlWork

OPEN: Final = 256  # slots that one worker has at a time: four times its concurrency, so that waits overlap; a guess
NOBODY: Final = 30.0  # seconds without any worker after which the rest is left for the next run
LOOK: Final = 1.0  # seconds between two questions who the workers are
GLANCE: Final = 0.25  # seconds after which signals and workers that are awaited are looked for
LOST: Final = "cluster-lost"


@dataclass(slots=True)
class Dealing:
    """The deal of one plan: slots to workers, their checks to the recorder."""

    ledger: Ledger
    work: CrawlWork
    send: trio.MemorySendChannel[Check]
    nursery: trio.Nursery = field(init=False)
    slots: dict[str, Slot] = field(init=False)  # of the plan, by key
    halted: bool = False
    alone_since: float = field(default_factory=trio.current_time)
    look_at: float = 0.0  # when the scheduler is asked again who its workers are
    through: trio.Event = field(default_factory=trio.Event)  # slots came back: others may be dealt

    def __post_init__(self) -> None:
        self.slots = {slot.key: slot for slot in self.work.ready.plan.slots}
        self.ledger.slot_of = lambda url: self.work.ready.politeness(url).slot
        self.ledger.hop = self.work.fetcher.hop

    # Workers

    async def supervise(self) -> None:
        """Take workers in, notice lost ones, deal slots, until all slots are through."""
        try:
            while self.open():
                if trio.current_time() >= self.look_at or not self.ledger.sessions:
                    await self._look_at_workers()
                    self.look_at = trio.current_time() + LOOK
                self._deal()
                if self.work.walk.stop.reason and not self.halted:
                    self._halt(self.work.walk.stop.reason)
                self.through = trio.Event()
                with trio.move_on_after(GLANCE):
                    await self.through.wait()
        except ClusterError as error:
            self.ledger.lost = True
            self._give_up(str(error))

    def open(self) -> bool:
        """Whether there is something left to crawl."""
        if self.halted:
            return bool(self.ledger.owners)
        return bool(self.ledger.waiting or self.ledger.owners)

    async def _look_at_workers(self) -> None:
        ledger, now = self.ledger, trio.current_time()
        present = await ledger.dask(partial(workers_of, ledger.client))
        for address, session in list(ledger.sessions.items()):
            if session.future.status in ("error", "cancelled", "finished"):
                self._refuse(session)
            elif address not in present or now - session.heard > LEASE:
                self._lose(session, "is gone" if address not in present else f"was not heard of for {LEASE:g} s")
        for address in present - ledger.sessions.keys() - ledger.refused:
            await self._take_in(address)
        if ledger.sessions:
            self.alone_since = now
        elif ledger.refused and not present - ledger.refused:
            raise ClusterError("no worker of this cluster can take part")
        elif now - self.alone_since > NOBODY:
            raise ClusterError(f"no worker joined for {NOBODY:g} s")

    async def _take_in(self, address: str) -> None:
        ledger = self.ledger
        ident = uuid.uuid4().hex
        names = (f"{ledger.name}-up", f"{ledger.name}-{ident}")
        settings = self.work.job.settings
        opinions = self.work.walk.opinion is not None
        setup = RunSetup(self.work.ready.run.id, settings, site_documents(settings), self.work.job.depth, opinions)
        queue = await ledger.dask(partial(queue_of, ledger.client, names[1]))
        submit = partial(
            ledger.client.submit, serve, version(), ident, *names, packed(setup),
            workers=[address], allow_other_workers=False, pure=False, retries=0, key=f"crawl-{ident}",
        )  # fmt: skip
        future = await ledger.dask(submit)
        session = Session(ident, address, queue, future, trio.current_time() + LEASE)
        ledger.sessions[address] = session
        self.nursery.start_soon(self._send_down, session)

    async def _send_down(self, session: Session) -> None:
        """What a worker is told, in order; where it cannot be told, its lease ends."""
        with session.scope:
            while True:
                await session.wake.wait()
                session.wake = trio.Event()
                messages, session.outbox = session.outbox, []
                try:
                    await self.ledger.dask(partial(session.queue.put, packed(messages)))
                except (ClusterError, TimeoutError):
                    return

    def _refuse(self, session: Session) -> None:
        """A worker whose task is over though the run is not: another version, or a fault."""
        self.ledger.refused.add(session.address)
        future = session.future
        if future.status == "finished" and (other := future.result(timeout=ANSWER)):
            why = f"runs crawler {other}, and this is {version()}: it takes no part"
        elif future.status == "error":
            why = f"takes no part: {summary(future.exception(timeout=ANSWER))}"
        else:
            why = "let go of its work"
        self._lose(session, why)

    def _lose(self, session: Session, why: str) -> None:
        """Slots of a lost worker go back into the line, without what has come; their intervals begin anew."""
        ledger = self.ledger
        ledger.sessions.pop(session.address, None)
        session.scope.cancel()
        self.nursery.start_soon(self._dismiss, session)
        self.work.job.observer.say(f"worker {session.address} {why}")
        now = self.work.job.now()
        for key, links in session.slots.items():
            ledger.owners.pop(key, None)
            state = ledger.states.get(key) or SlotState(key)
            ledger.states[key] = replace(state, last_start=now)
            self.work.fetcher.recall([ledger.states[key]])
            if links:
                ledger.waiting.appendleft(replace(self.slots[key], links=tuple(links.values())))
        session.slots.clear()  # a batch of it may be half taken, waiting for the recorder: the rest is not its any more
        for ident, waiting in ledger.asked.items():
            if ident.startswith(f"{session.ident}/"):
                waiting.event.set()  # nobody answers: whoever waits asks the next owner

    async def _dismiss(self, session: Session) -> None:
        """Whatever a lost worker still does, it is told to stop."""
        try:
            await self.ledger.dask(partial(session.queue.put, packed([End()])))
        except (ClusterError, TimeoutError):
            return

    # Slots

    def _deal(self) -> None:
        """The longest slots first, each to the worker that has the fewest links before it."""
        ledger = self.ledger
        while ledger.waiting and not self.halted:
            free = [s for s in ledger.sessions.values() if len(s.slots) < OPEN and s.heard <= trio.current_time()]
            if not free:
                return
            slot = ledger.waiting.popleft()
            session = min(free, key=lambda one: sum(map(len, one.slots.values())))
            session.slots[slot.key] = {link.canonical_url: link for link in slot.links}
            ledger.owners[slot.key] = session
            known = {x.canonical_url: h for x in slot.links if (h := self.work.ready.histories.get(x.canonical_url))}
            ledger.states[slot.key] = self.work.fetcher.slot_states_of([slot.key])[0]
            session.tell(Deal(slot, known, ledger.states[slot.key]))

    def _halt(self, reason: str) -> None:
        self.halted = True
        for session in self.ledger.sessions.values():
            session.tell(Halt(reason))

    def _give_up(self, why: str) -> None:
        """What is left stays due: the run ends incomplete."""
        ledger = self.ledger
        left = {slot.key: len(slot.links) for slot in ledger.waiting}
        for session in ledger.sessions.values():
            left |= {key: len(links) for key, links in session.slots.items() if links}
        self.work.job.observer.warn(
            f"{why}: {Counted(sum(left.values())):link stays|links stay} due, what was received is kept"
        )
        self.work.walk.given_up.extend(SlotGivenUp(key, LOST, number) for key, number in sorted(left.items()))
        self.work.walk.internal_errors += 1
        ledger.waiting.clear()
        ledger.owners.clear()

    # What workers say

    async def receive(self) -> None:
        """Take batches as they come."""
        while True:
            try:
                data = await self.ledger.dask(partial(self.ledger.up.get, timeout=BEAT))
            except TimeoutError:
                continue
            except ClusterError:
                await trio.sleep(BEAT)  # `supervise` hears the same, and ends the run
                continue
            await self._take(unpacked(data))

    async def _take(self, batch: CheckBatch) -> None:
        self.work.walk.requests += batch.requests
        session = next((s for s in self.ledger.sessions.values() if s.ident == batch.session), None)
        if session is None:
            return  # lost: its slots are others'
        session.heard = trio.current_time()
        self.work.walk.internal_errors += batch.internal_errors
        for state in batch.states:
            self.ledger.states[state.slot] = state
        self.work.fetcher.recall(batch.states)
        for check in batch.checks:
            links = session.slots.get(check.link.slot, {})
            if links.pop(check.link.canonical_url, None):
                with trio.CancelScope(shield=True):
                    await self.send.send(self._folded(check))
        for done in batch.done:
            if session.slots.pop(done.key, None) is None:
                continue
            self.ledger.states[done.key] = done.state
            self.work.fetcher.recall([done.state])
            self.work.walk.given_up.extend(done.given_up)
            await self.work.walk.leave(self.slots[done.key])
            self.ledger.owners.pop(done.key, None)
            self.through.set()
        self._pass_hops(session, batch.hops)
        for asked in batch.opinions:
            self.nursery.start_soon(self._answer_opinion, session, asked)

    def _folded(self, check: Check) -> Check:
        """The check with the history that this process makes of it: it alone knows what all hosts answered."""
        link = check.link
        before = self.work.ready.histories.get(link.canonical_url) or first_seen(link.canonical_url, link.url, check.at)
        after = remember(
            before, check.fetch, check.page, check.verdict, check.at, self.work.job.settings.schedule,
            title_match=best_title_match(link, check.page), around=self.work.hosts.around(link), said=check.said,
        )  # fmt: skip
        return replace(check, history=after)

    def _pass_hops(self, session: Session, hops: Iterable[HopAsked | HopAnswered]) -> None:
        for hop in hops:
            if isinstance(hop, HopAsked):
                self.nursery.start_soon(self._answer_hop, session, hop)
            elif waiting := self.ledger.asked.get(hop.ident):
                waiting.answer = hop.fetch
                waiting.event.set()

    async def _answer_hop(self, session: Session, hop: HopAsked) -> None:
        session.tell(HopAnswered(hop.ident, await self.ledger.ask(hop.request)))

    async def _answer_opinion(self, session: Session, asked: OpinionAsked) -> None:
        assert self.work.walk.opinion is not None, "who sent it was told that somebody is asked"
        agreed = await self.work.walk.opinion(asked.link, asked.history, asked.verdict)
        session.tell(OpinionAnswered(asked.ident, agreed))

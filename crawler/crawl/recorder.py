"""Keeping what a walk brings: looks as they come, failures when the run itself has been judged.

The one place that hands looks to the archive. Which link is looked at, and what a check concludes, is not decided here;
whether a run's failures may be believed is (by `network`'s rules).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import trio

from crawler.core.model import Check, Failure, History, Page, SlotState, Snapshot, State
from crawler.crawl.job import Job
from crawler.crawl.pictures import PictureKeeper
from crawler.crawl.pipeline import Walk, look_at
from crawler.judge.redirects import shared_target
from crawler.schedule.history import remember
from crawler.schedule.outage import CANARIES, Watch, canaries, is_network_failure
from crawler.sites import OTHER

SAVE_SLOTS = 5.0  # seconds between two times that the slots' politeness is written; a kill forgets no more than that


@dataclass(slots=True)
class Keeper:
    """Keeps looks as they come; failures that our own line could explain wait until the run is judged."""

    job: Job
    histories: dict[str, History]
    watch: Watch
    before: Mapping[str, History]
    held: list[Check] = field(default_factory=list)
    redirected: list[Check] = field(default_factory=list)  # without their bodies
    fetched: int = 0
    requests: int = 0
    kept_bytes: int = 0
    network_down: bool = False
    pictures: PictureKeeper | None = None
    thread: trio.CapacityLimiter = field(default_factory=lambda: trio.CapacityLimiter(1))
    slot_states: Callable[[], list[SlotState]] = list
    hurry: Callable[[], None] = lambda: None
    started: float = field(default_factory=trio.current_time)
    saved_slots: float = float("-inf")

    async def keep(self, batch: list[Check]) -> None:
        """Take a batch of checks: bytes and rows are on disk when this returns."""
        now: list[Check] = []
        later: list[Check] = []
        for check in batch:
            self.watch.saw(check.link, check.fetch)
            self.fetched += check.fetch.failure is not Failure.HELD_BACK
            self.requests += check.fetch.requests
            if check.fetch.failure is not Failure.HELD_BACK:
                (later if is_network_failure(check.fetch) else now).append(check)
        self.held += later
        self.redirected += [without_body(x) for x in now if x.fetch.redirects and x.link.site == OTHER]
        await self.write(now)
        for check in batch:
            self.job.observe(check)
        if self.watch.hopeless(trio.current_time() - self.started):
            self.job.stop.ask("network-down")
            self.hurry()

    async def write(self, checks: list[Check]) -> None:
        """Record looks in the one worker thread that writes."""
        if not checks:
            return
        snapshots = await self.in_thread(self._record, checks, self._states_to_save())
        for check, snapshot in zip(checks, snapshots, strict=True):
            kept = snapshot or check.history.snapshot
            self.histories[check.link.canonical_url] = replace(check.history, snapshot=kept)
            if snapshot and not snapshot.revisit:
                self.kept_bytes += len(check.fetch.body)
                if self.pictures and check.verdict.state is State.ALIVE:
                    self.pictures.offer(snapshot.id, check.fetch.final_url, check.page)

    async def in_thread(self, function: Callable[..., Any], *args: object) -> Any:
        """Run a function in the one thread that writes."""
        run_sync = self.job.run_sync or trio.to_thread.run_sync
        return await run_sync(function, *args, limiter=self.thread)

    def _states_to_save(self) -> list[SlotState]:
        now = trio.current_time()
        if now - self.saved_slots < SAVE_SLOTS:
            return []
        self.saved_slots = now
        return self.slot_states()

    def _record(self, checks: list[Check], states: list[SlotState]) -> list[Snapshot | None]:
        snapshots = self.job.memory.record(checks)
        if states:
            self.job.memory.put_slots(states)
        return snapshots


def without_body(check: Check) -> Check:
    """A check that is only remembered for where it ended."""
    return replace(check, fetch=replace(check.fetch, body=b""), page=Page())


async def settle(job: Job, walk: Walk, keeper: Keeper) -> None:
    """Judge the run itself, with canaries where it knows too little, then keep or drop its network failures."""
    watch = keeper.watch
    if watch.wants_canary() and not job.stop.reason:
        for link in canaries(job.links, keeper.histories, watch.answered | watch.failed, CANARIES):
            watch.known.add(link.host)
            await keeper.keep([await look_at(link, walk)])
    if not watch.is_down():
        await keeper.write(keeper.held)
        await keeper.write(amended_by_company(keeper.redirected, keeper.before, job))
        return
    keeper.network_down = True
    now = job.now()
    doubted = [
        replace(keeper.histories[check.link.canonical_url], doubted_at=now)
        for check in keeper.held
        if check.link.canonical_url in keeper.histories
    ]
    keeper.histories |= {history.canonical_url: history for history in doubted}
    job.memory.put_histories(doubted)


def amended_by_company(checks: Sequence[Check], before: Mapping[str, History], job: Job) -> list[Check]:
    """Looks judged again in the light of each other: many links of a host that end on one page have no page."""
    by_host: dict[str, list[Check]] = {}
    for check in checks:
        by_host.setdefault(check.link.host, []).append(check)
    amended = []
    for members in by_host.values():
        verdicts = shared_target(members)
        for check in members:
            if verdict := verdicts.get(check.link.canonical_url):
                history = before.get(check.link.canonical_url) or check.history
                after = remember(history, check.fetch, check.page, verdict, check.at, job.settings.schedule)
                amended.append(replace(check, verdict=verdict, history=after))
    return amended

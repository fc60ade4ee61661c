"""The recording half of a run: checks go to the archive as they come, failures once the run itself was judged.

The one place that hands checks to the archive. Which link is checked, and what a check concludes, is not decided here;
whether a run's failures may be believed is decided by the rules of `schedule.outage`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import trio

from crawler.core.model import Check, Failure, History, Page, SlotState, Snapshot, State
from crawler.judge.redirects import shared_target
from crawler.schedule.history import remember
from crawler.schedule.outage import Watch, is_network_failure
from crawler.sites import OTHER

if TYPE_CHECKING:
    from crawler.crawl.job import Job
    from crawler.crawl.pictures import PictureKeeper

SAVE_SLOTS = 5.0  # seconds between two times that the slots' politeness is written; a kill forgets no more than that


class WritingThread:
    """The one thread in which everything is written; `run_sync` is trio's, or a stand-in that stays in line."""

    def __init__(self, run_sync: Callable[..., Any] | None = None) -> None:
        self._run_sync = run_sync or trio.to_thread.run_sync
        self._thread = trio.CapacityLimiter(1)

    async def __call__(self, function: Callable[..., Any], *args: object) -> Any:
        """Run a function there; its value comes back."""
        return await self._run_sync(function, *args, limiter=self._thread)


@dataclass(frozen=True, slots=True)
class RecorderTools:
    """What a recorder works with, made before it."""

    write: WritingThread
    slot_states: Callable[[], list[SlotState]]
    give_up: Callable[[], None]  # called when nothing can be reached: the run is to end
    pictures: PictureKeeper | None = None


@dataclass(slots=True)
class Recorder:
    """Records checks as they come; failures that our own line could explain wait until the run is judged."""

    job: Job
    histories: dict[str, History]  # by canonical URL; what is recorded replaces what was known
    watch: Watch
    tools: RecorderTools
    before: Mapping[str, History] = field(init=False)
    held: list[Check] = field(default_factory=list)
    redirected: list[Check] = field(default_factory=list)  # without their bodies
    fetched: int = 0  # links
    requests: int = 0
    kept_bytes: int = 0
    network_down: bool = False
    started: float = field(default_factory=trio.current_time)
    saved_slots: float = float("-inf")

    def __post_init__(self) -> None:
        self.before = dict(self.histories)

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
            self.job.observer.checked(check)
        if self.watch.hopeless(trio.current_time() - self.started):
            self.tools.give_up()

    async def write(self, checks: list[Check]) -> None:
        """Record checks in the one thread that writes."""
        if not checks:
            return
        snapshots = await self.tools.write(self._record, checks, self._states_to_save())
        for check, snapshot in zip(checks, snapshots, strict=True):
            kept = snapshot or check.history.snapshot
            self.histories[check.link.canonical_url] = replace(check.history, snapshot=kept)
            if snapshot and not snapshot.revisit:
                self.kept_bytes += len(check.fetch.body)
                if self.tools.pictures and check.verdict.state is State.ALIVE:
                    self.tools.pictures.offer(snapshot.id, check.fetch.final_url, check.page)

    async def settle(self) -> None:
        """The run is over: keep its network failures, or drop them all where the run is not believed."""
        if not self.watch.is_down():
            await self.write(self.held)
            await self.write(amended_by_company(self.redirected, self.before, self.job))
            return
        self.network_down = True
        now = self.job.now()
        doubted = [
            replace(self.histories[check.link.canonical_url], doubted_at=now)
            for check in self.held
            if check.link.canonical_url in self.histories
        ]
        self.histories |= {history.canonical_url: history for history in doubted}
        self.job.memory.put_histories(doubted)

    def _states_to_save(self) -> list[SlotState]:
        now = trio.current_time()
        if now - self.saved_slots < SAVE_SLOTS:
            return []
        self.saved_slots = now
        return self.tools.slot_states()

    def _record(self, checks: list[Check], states: list[SlotState]) -> list[Snapshot | None]:
        snapshots = self.job.memory.record(checks)
        if states:
            self.job.memory.put_slots(states)
        return snapshots


def without_body(check: Check) -> Check:
    """A check that is only remembered for where it ended."""
    return replace(check, fetch=replace(check.fetch, body=b""), page=Page())


def amended_by_company(checks: Sequence[Check], before: Mapping[str, History], job: Job) -> list[Check]:
    """Checks judged again in the light of each other: many links of a host that end on one page have no page."""
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

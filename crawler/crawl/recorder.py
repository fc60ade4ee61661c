"""The recording half of a run: every check goes to the archive as it comes, and counts once it is believed.

The one place that hands checks to the archive. Which link is checked, and what a check concludes, is not decided here;
whether a check may be believed is decided by the rules of `schedule.outage` and `schedule.stretch`. What says what it
said before counts at once; all else is recorded as *held*, and counts when its ten minutes are over or when the run
ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import trio

from crawler.core.model import Check, Confidence, Failure, History, Page, Snapshot, State
from crawler.core.slots import SlotState
from crawler.crawl.hosts import Hosts
from crawler.crawl.lazy import Remembered, before_of
from crawler.schedule.fingerprint import forms
from crawler.schedule.history import first_seen, remember
from crawler.schedule.outage import Watch, is_network_failure
from crawler.schedule.stretch import HIJACKED, STRETCH, Seen, Stretch, seen
from crawler.sites import OTHER

if TYPE_CHECKING:
    from crawler.crawl.indexing import Indexer
    from crawler.crawl.job import Job
    from crawler.crawl.pictures import PictureKeeper

BARE_STATUS = "generic/status-"  # how the rule of a refusal begins that nothing but its status tells: a filter's, too
NO_PAGE = Page()
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
    """Records checks as they come, and lets them count when the stretch of the run that they belong to is believed."""

    job: Job
    histories: Remembered  # by canonical URL; what counts replaces what was known
    watch: Watch
    tools: RecorderTools
    hosts: Hosts = field(default_factory=Hosts)
    run_id: str = ""
    before: Mapping[str, History] = field(init=False)
    stretch: Stretch = field(default_factory=Stretch)
    seen: list[Seen] = field(default_factory=list)
    hijack: Callable[[Check], Awaitable[bool]] | None = None  # is a name that does not exist answered with this page?
    waiting: deque[Check] = field(default_factory=deque)  # recorded, until their ten minutes are over; without bodies
    held: list[Check] = field(default_factory=list)  # recorded, until the run ends; without bodies
    redirected: list[tuple[Check, bool]] = field(default_factory=list)  # and whether its words of old are gone
    fetched: int = 0  # links
    kept_bytes: int = 0
    network_down: bool = False
    indexer: Indexer | None = None
    started: float = field(default_factory=trio.current_time)
    saved_slots: float = float("-inf")

    def __post_init__(self) -> None:
        self.before = before_of(self.histories)

    async def keep(self, batch: list[Check]) -> None:
        """Take a batch of checks: bytes and rows are on disk when this returns."""
        taken = []
        for check in batch:
            self.watch.saw(check.link, check.fetch)
            self.fetched += check.fetch.failure is not Failure.HELD_BACK
            if check.fetch.failure is not Failure.HELD_BACK:
                held = self._is_to_be_held(check)
                taken.append(check if check.held is held else replace(check, held=held))
        self._remember_redirects(taken)
        await self.write(taken)
        for check in batch:
            self.job.observer.checked(check)
        await self._count_the_old()
        if self.watch.hopeless(trio.current_time() - self.started):
            self.tools.give_up()

    def _is_to_be_held(self, check: Check) -> bool:
        """Whether this check could be the answer of somebody who answers for everybody, or our own line's failure."""
        known = self.before.get(check.link.canonical_url)
        doubted = known is not None and known.reason == HIJACKED
        one = seen(check, known or first_seen(check.link.canonical_url, check.link.url, check.at))
        is_wall = check.verdict.state is State.BLOCKED and not check.verdict.evidence.rule.startswith(BARE_STATUS)
        if not is_wall:  # a wall that a rule knows is the site's own
            self.seen.append(one)
            self.stretch.saw(one)
        if is_network_failure(check.fetch):
            return True
        return bool(check.said) and not is_wall and (one.changed or not one.remembered or doubted)

    def _remember_redirects(self, checks: Iterable[Check]) -> None:
        for check in checks:
            if check.fetch.redirects and check.link.site == OTHER and not is_network_failure(check.fetch):
                # Only here, since a short check mostly does without the judge in this process.
                from crawler.judge.second_evidence import is_missing

                known = self.before.get(check.link.canonical_url)
                lost = known is not None and known.last_alive is not None and is_missing(known.page_title, check.page)
                self.redirected.append((without_body(check, check.history), lost))

    async def write(self, checks: list[Check]) -> None:
        """Record checks in the one thread that writes."""
        if not checks:
            return
        snapshots = await self.tools.write(self._record, checks, self._states_to_save())
        if self.indexer:
            self.indexer.recorded()
        for check, snapshot in zip(checks, snapshots, strict=True):
            history = replace(check.history, snapshot=snapshot) if snapshot else check.history
            if not check.held:
                self._counts(check, history)
            elif is_network_failure(check.fetch):
                self.held.append(without_body(check, history))
            else:
                self.waiting.append(without_body(check, history))
            if snapshot and not snapshot.revisit:
                self.kept_bytes += len(check.fetch.body)
                if self.tools.pictures and check.verdict.state is State.ALIVE:
                    self.tools.pictures.offer(snapshot.id, check.fetch.final_url, check.page)

    def _counts(self, check: Check, history: History) -> None:
        self.histories[check.link.canonical_url] = history
        self.hosts.counted(check)

    async def _count_the_old(self) -> None:
        """Let checks count whose ten minutes are over; what those ten minutes say against waits for the run's end."""
        now = self.job.now()
        believed: list[Check] = []
        while self.waiting and now - self.waiting[0].at > STRETCH:
            check = self.waiting.popleft()
            sure = not self.stretch.is_open(check.said) and self.stretch.believes(check.said, check.at)
            (believed if sure else self.held).append(check)
        await self._settle(believed, believed=True)

    async def _settle(self, checks: Sequence[Check], *, believed: bool) -> None:
        if believed and self.hijack:
            hijacked = [check for check in checks if await self.hijack(check)]
            await self._settle(hijacked, believed=False)
            await self.write([self._as_hijacked(check) for check in hijacked])
            theirs = {check.link.canonical_url for check in hijacked}
            checks = [check for check in checks if check.link.canonical_url not in theirs]
        if not checks:
            return
        keys = list(dict.fromkeys(check.link.canonical_url for check in checks))
        await self.tools.write(lambda: self.job.memory.settle(self.run_id, keys, believed=believed))
        if believed:
            for check in checks:
                self._counts(check, check.history)
            return
        now = self.job.now()
        doubted = {key: replace(self.histories[key], doubted_at=now) for key in keys if key in self.histories}
        self.histories |= doubted
        await self.tools.write(self.job.memory.put_histories, list(doubted.values()))

    def _as_hijacked(self, check: Check) -> Check:
        """The check with what it is worth: the name system answered, and not the host."""
        from crawler.judge.verdicts import verdict

        matched = "a name that cannot exist has the same address and the same page"
        rule, low = f"generic/{HIJACKED}", Confidence.LOW
        found = verdict(check.fetch, State.UNKNOWN, HIJACKED, rule, matched, confidence=low)
        first = self.before.get(check.link.canonical_url) or check.history
        after = remember(first, check.fetch, Page(), found, check.at, self.job.settings.schedule, said=check.said)
        return replace(check, verdict=found, history=after, held=False)

    def judged_again(self, impossible: str) -> None:
        """Hold every check so far against what a name that cannot exist was answered with."""
        self.stretch = Stretch(impossible)
        for one in self.seen:
            self.stretch.saw(one)
        self.stretch.conclude(self.seen)

    async def settle(self, refuted: frozenset[str] = frozenset()) -> None:
        """The run is over: let what is believed count, and drop the rest.

        `refuted` are fingerprints, or their sorts, that canaries gave, too: nothing that said them is believed.
        """
        down, cut_at = self.watch.is_down(), self.watch.last_answer if self.watch.may_be_cut else None
        good: list[Check] = []
        bad: list[Check] = []
        for check in (*self.held, *self.waiting):
            lost = is_network_failure(check.fetch) and (down or (cut_at is not None and check.at >= cut_at))
            doubted = not refuted.isdisjoint(forms(check.said)) or not self.stretch.believes(check.said, check.at)
            (bad if lost or doubted else good).append(check)
        self.held, self.waiting = [], deque()
        self.network_down = down or bool(bad)
        await self._settle(bad, believed=False)
        await self._settle(good, believed=True)
        await self._look_again_at_missing_names(good)
        dropped = {check.link.canonical_url for check in bad}
        amended = amended_by_company(self.redirected, self.before, self.job)
        await self.write([check for check in amended if check.link.canonical_url not in dropped])

    async def _look_again_at_missing_names(self, checks: Iterable[Check]) -> None:
        """Fold checks of names that two look-ups of this run did not find once more, with that known."""
        folded = []
        for check in checks:
            key = check.link.canonical_url
            if key in self.hosts.gone:
                first = self.before.get(key) or first_seen(key, check.link.url, check.at)
                around, schedule = self.hosts.around(check.link), self.job.settings.schedule
                folded.append(
                    remember(first, check.fetch, check.page, check.verdict, check.at, schedule, around=around)
                )
        self.histories |= {history.canonical_url: history for history in folded}
        if folded:
            await self.tools.write(self.job.memory.put_histories, folded)

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


def without_body(check: Check, history: History) -> Check:
    """A check that is only remembered for what it concluded and where it ended, with what is remembered after it."""
    fetch = replace(check.fetch, body=b"")
    return replace(check, fetch=fetch, page=NO_PAGE, readable="", payload="", packed=None, history=history)


def amended_by_company(checks: Sequence[tuple[Check, bool]], before: Mapping[str, History], job: Job) -> list[Check]:
    """Checks judged again in the light of each other: many links of a host that end on one page have no page."""
    if not checks:
        return []
    from crawler.judge.redirects import shared_target
    from crawler.judge.second_evidence import WORDS

    by_host: dict[str, list[Check]] = {}
    lost = {check.link.canonical_url for check, words_are_gone in checks if words_are_gone}
    for check, _ in checks:
        by_host.setdefault(check.link.host, []).append(check)
    amended = []
    for members in by_host.values():
        verdicts = shared_target(members)
        for check in members:
            if found := verdicts.get(check.link.canonical_url):
                history = before.get(check.link.canonical_url) or check.history
                if check.link.canonical_url in lost:
                    found = replace(found, evidence=replace(found.evidence, agreed=WORDS))
                after = remember(history, check.fetch, check.page, found, check.at, job.settings.schedule)
                amended.append(replace(check, verdict=found, history=after, held=False))
    return amended

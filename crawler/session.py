"""One run from plan to settled memory: opens the fetcher, walks the slots, keeps what comes, heeds signals and budget.

Composition of the pipeline with the edges lives here. What a look is belongs to `visit`, what a report says of the
run to `report`, what the user typed to `cli`.
"""

from __future__ import annotations

import random
import signal
import string
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import trio

from crawler.errors import CrawlerError
from crawler.fetch import Fetcher, open_fetcher
from crawler.judge.redirects import shared_target
from crawler.memory import first_seen, remember
from crawler.model import Failure, History, Link, Look, Page, Politeness, Run, SlotState, Snapshot, State
from crawler.network import CANARIES, Watch, canaries, is_network_failure, known_hosts
from crawler.pictures import PictureKeeper
from crawler.pipeline import Stop, Walk, crawl, look_at, record
from crawler.plan import Budget, Plan, make_plan
from crawler.politeness import PolitenessOf, politeness_of
from crawler.sites import OTHER, Sites
from crawler.url import host_of
from crawler.visit import Visitor

if TYPE_CHECKING:
    from crawler.settings import Settings

GRACE = 10.0  # seconds that open fetches get to finish after a signal or the end of the budget
COOL_DOWN = timedelta(hours=2)  # how long a slot that refused us `patience` times is left alone; a guess
LETTERS = 25  # of a sibling probe; Bar-Yossef et al. 2004


class Memory(Protocol):
    """What a session needs of an archive; `Forgetful` is one that keeps nothing."""

    def histories(self) -> dict[str, History]:
        """All memories by canonical URL."""

    def slots(self) -> list[SlotState]:
        """Politeness that outlives a run."""

    def record(self, looks: Sequence[Look]) -> list[Snapshot | None]:
        """Keep looks; what is returned is on disk."""

    def put_histories(self, histories: Iterable[History], links: Mapping[str, Link] | None = None) -> None:
        """Replace memories without a look; `links` tell site and host of new ones."""

    def put_slots(self, states: Iterable[SlotState]) -> None:
        """Replace the politeness to remember."""

    def put_image(self, capture_id: int, url: str, content_type: str, body: bytes) -> None:
        """Keep a picture of a capture."""

    def begin_run(self, run: Run) -> None:
        """A run begins."""

    def end_run(self, run: Run) -> None:
        """A run ended; what it tells is final."""


@dataclass(slots=True)
class Job:
    """What to do: links, rules, limits, and where it is kept."""

    command: str
    links: Sequence[Link]
    settings: Settings
    sites: Sites
    memory: Memory
    now: Callable[[], datetime]
    budget: Budget = field(default_factory=Budget)
    observe: Callable[[Look], None] = lambda _: None
    planned: Callable[[Plan], None] = lambda _: None
    stop: Stop = field(default_factory=Stop)
    handle_signals: bool = True
    open_fetcher: Callable[..., AbstractAsyncContextManager[Fetcher]] = open_fetcher
    run_sync: Callable[..., Awaitable[Any]] = trio.to_thread.run_sync  # a simulation keeps its memory in line


@dataclass(slots=True)
class Outcome:
    """What a run did, and what is remembered after it."""

    run: Run
    plan: Plan
    histories: dict[str, History]
    before: dict[str, History]


def politeness_for(settings: Settings, sites: Sites) -> PolitenessOf:
    """The rules for the slot of any URL, redirect targets included."""
    known: dict[str, Politeness] = {}

    def resolve(url: str) -> Politeness:
        try:
            host = host_of(url)
        except ValueError:  # a malformed URL: never asked for, but it needs rules like any other
            host = ""
        if host not in known:
            slot, site = sites.slot_of(url), sites.for_host(host)
            known[host] = politeness_of(slot, host, settings.fetch, settings.host, site)
        return known[host]

    return resolve


def run_job(job: Job) -> Outcome:
    """Run a job to its end; returns also after a signal or a spent budget."""
    try:
        return trio.run(run_session, job)
    except BaseExceptionGroup as group:  # nurseries wrap what a task raises; one line is what the user needs
        ours = [error for error in _leaves(group) if isinstance(error, CrawlerError)]
        if ours:
            raise ours[0] from group
        raise


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        leaf
        for error in group.exceptions
        for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]


async def run_session(job: Job) -> Outcome:
    """Plan, visit, settle."""
    started = job.now()
    histories = job.memory.histories()
    before = dict(histories)
    histories |= remember_new(job, histories, started)
    politeness = politeness_for(job.settings, job.sites)
    states = {state.slot: state for state in job.memory.slots()}
    plan = make_plan(job.links, histories, started, politeness, job.budget, states)
    job.planned(plan)
    run = Run(id=run_id(started, job.command), command=job.command, started_at=started)
    keeper = Keeper(job, histories, Watch(known_hosts(_planned(plan), histories)), dict(histories))
    job.memory.begin_run(run)
    walked = await visit_all(job, run, plan, keeper, politeness, states) if plan.slots else None
    run = _closed(run, job, plan, keeper, walked)
    job.memory.end_run(run)
    return Outcome(run, plan, histories, before)


def remember_new(job: Job, histories: Mapping[str, History], now: datetime) -> dict[str, History]:
    """Links that the archive never saw, remembered from the moment they were found."""
    new = {x.canonical_url: x for x in job.links if x.site != "local" and x.canonical_url not in histories}
    told = {key: first_seen(key, link.url, now) for key, link in new.items()}
    job.memory.put_histories(told.values(), new)
    return told


async def visit_all(
    job: Job, run: Run, plan: Plan, keeper: Keeper, politeness: PolitenessOf, states: Mapping[str, SlotState]
) -> Walk:
    """Open the fetcher, walk the plan, and judge the run."""
    opened = job.open_fetcher(job.settings.fetch, politeness, now=job.now, states=states.values(), random=random.random)
    async with opened as fetcher:
        visitor = Visitor(
            fetcher, job.sites, job.settings, politeness, keeper.histories, job.now, random_letters, run.id
        )
        walk = Walk(
            visit=visitor,
            crashed=visitor.internal_error,
            refused=lambda slot: fetcher.refused(slot.key),
            answered=lambda slot: fetcher.answered(slot.key),
            leave=lambda slot: fetcher.close_slot(slot.key),
            stop=job.stop,
        )
        keeper.slot_states = fetcher.slot_states
        if job.settings.archive.images != "none":
            keeper.pictures = PictureKeeper(fetcher, job.sites, job.settings.archive, job.memory, keeper.in_thread)
        await walk_plan(plan, walk, keeper, job)
        await settle(job, walk, keeper)
        for refusal in walk.given_up:
            fetcher.cool_down(refusal.slot, job.now() + COOL_DOWN)
        job.memory.put_slots(fetcher.slot_states())
        return walk


async def walk_plan(plan: Plan, walk: Walk, keeper: Keeper, job: Job) -> None:
    """Crawl under the wishes to stop: the budget, signals, a network that is gone."""
    send, receive = trio.open_memory_channel[Look](0)
    async with trio.open_nursery() as watchers:
        with trio.CancelScope() as scope:
            keeper.hurry = lambda: hurry(scope)
            if job.budget.seconds:
                watchers.start_soon(heed_budget, job.budget.seconds, walk.stop, scope)
            if job.handle_signals and threading.current_thread() is threading.main_thread():
                watchers.start_soon(heed_signals, walk.stop, scope)
            async with trio.open_nursery() as nursery:
                if keeper.pictures:
                    nursery.start_soon(keeper.pictures.run)
                nursery.start_soon(record_all, receive, keeper)
                await crawl(plan.slots, walk, send)
        watchers.cancel_scope.cancel()


async def record_all(receive: trio.MemoryReceiveChannel[Look], keeper: Keeper) -> None:
    """Record to the last look, also when the walk is cancelled, and then tell the picture keeper that no more come."""
    with trio.CancelScope(shield=True):
        await record(receive, keeper.keep)
    if keeper.pictures:
        await keeper.pictures.send.aclose()


def hurry(scope: trio.CancelScope) -> None:
    """Open fetches have `GRACE` seconds from now."""
    scope.deadline = min(scope.deadline, trio.current_time() + GRACE)


async def heed_budget(seconds: float, stop: Stop, scope: trio.CancelScope) -> None:
    """When the time is spent, no new link is begun."""
    await trio.sleep(seconds)
    stop.ask("budget")
    hurry(scope)


async def heed_signals(stop: Stop, scope: trio.CancelScope) -> None:
    """The first SIGINT or SIGTERM ends the run in good order, the second at once."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            if stop.reason == "signal":
                scope.cancel()
            stop.ask("signal")
            stop.reason = "signal"
            hurry(scope)


@dataclass(slots=True)
class Keeper:
    """Keeps looks as they come; failures that our own line could explain wait until the run is judged."""

    job: Job
    histories: dict[str, History]
    watch: Watch
    before: Mapping[str, History]
    held: list[Look] = field(default_factory=list)
    redirected: list[Look] = field(default_factory=list)  # without their bodies
    fetched: int = 0
    requests: int = 0
    kept_bytes: int = 0
    network_down: bool = False
    pictures: PictureKeeper | None = None
    thread: trio.CapacityLimiter = field(default_factory=lambda: trio.CapacityLimiter(1))
    slot_states: Callable[[], list[SlotState]] = list
    hurry: Callable[[], None] = lambda: None
    started: float = field(default_factory=trio.current_time)

    async def keep(self, batch: list[Look]) -> None:
        """Take a batch of looks: bytes and rows are on disk when this returns."""
        now: list[Look] = []
        later: list[Look] = []
        for look in batch:
            self.watch.saw(look.link, look.fetch)
            self.fetched += look.fetch.failure is not Failure.HELD_BACK
            self.requests += look.fetch.requests
            if look.fetch.failure is not Failure.HELD_BACK:
                (later if is_network_failure(look.fetch) else now).append(look)
        self.held += later
        self.redirected += [without_body(x) for x in now if x.fetch.redirects and x.link.site == OTHER]
        await self.write(now)
        for look in batch:
            self.job.observe(look)
        if self.watch.hopeless(trio.current_time() - self.started):
            self.job.stop.ask("network-down")
            self.hurry()

    async def write(self, looks: list[Look]) -> None:
        """Record looks in the one worker thread that writes."""
        if not looks:
            return
        states = self.slot_states()
        snapshots = await self.in_thread(self._record, looks, states)
        for look, snapshot in zip(looks, snapshots, strict=True):
            kept = snapshot or look.history.snapshot
            self.histories[look.link.canonical_url] = replace(look.history, snapshot=kept)
            if snapshot and not snapshot.revisit:
                self.kept_bytes += len(look.fetch.body)
                if self.pictures and look.verdict.state is State.ALIVE:
                    self.pictures.offer(snapshot.id, look.fetch.final_url, look.page)

    async def in_thread(self, function: Callable[..., Any], *args: object) -> Any:
        """Run a function in the one thread that writes."""
        return await self.job.run_sync(function, *args, limiter=self.thread)

    def _record(self, looks: list[Look], states: list[SlotState]) -> list[Snapshot | None]:
        snapshots = self.job.memory.record(looks)
        self.job.memory.put_slots(states)
        return snapshots


def without_body(look: Look) -> Look:
    """A look that is only remembered for where it ended."""
    return replace(look, fetch=replace(look.fetch, body=b""), page=Page())


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
        replace(keeper.histories[look.link.canonical_url], doubted_at=now)
        for look in keeper.held
        if look.link.canonical_url in keeper.histories
    ]
    keeper.histories |= {history.canonical_url: history for history in doubted}
    job.memory.put_histories(doubted)


def amended_by_company(looks: Sequence[Look], before: Mapping[str, History], job: Job) -> list[Look]:
    """Looks judged again in the light of each other: many links of a host that end on one page have no page."""
    by_host: dict[str, list[Look]] = {}
    for look in looks:
        by_host.setdefault(look.link.host, []).append(look)
    amended = []
    for members in by_host.values():
        verdicts = shared_target(members)
        for look in members:
            if verdict := verdicts.get(look.link.canonical_url):
                history = before.get(look.link.canonical_url) or look.history
                after = remember(history, look.fetch, look.page, verdict, look.at, job.settings.schedule)
                amended.append(replace(look, verdict=verdict, history=after))
    return amended


def _planned(plan: Plan) -> list[Link]:
    return [link for slot in plan.slots for link in slot.links]


def _closed(run: Run, job: Job, plan: Plan, keeper: Keeper, walked: Walk | None) -> Run:
    """The run's own summary."""
    given_up = (*plan.left, *(walked.given_up if walked else ()))
    stopped = "network-down" if keeper.network_down else job.stop.reason
    return replace(
        run,
        finished_at=job.now(),
        complete=not given_up and not stopped,
        fetched=keeper.fetched,
        requests=keeper.requests + (keeper.pictures.requests if keeper.pictures else 0),
        kept_bytes=keeper.kept_bytes,
        network="down" if keeper.network_down else "ok",
        slots_given_up=given_up,
        stopped_by=stopped,
        internal_errors=walked.internal_errors if walked else 0,
    )


def run_id(started: datetime, command: str) -> str:
    """Sortable, unique enough: the archive's lock lets one run at a time write."""
    return f"{started:%Y%m%dT%H%M%SZ}-{command}-{random.randrange(16**4):04x}"  # noqa: S311 (not a secret)


def random_letters() -> str:
    """The letters of a sibling probe."""
    return "".join(random.choices(string.ascii_lowercase, k=LETTERS))  # noqa: S311 (not a secret)

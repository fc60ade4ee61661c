"""A job and its outcome: what is to be checked, what came of it, and the way from one to the other.

Planning happens here, without the network stack: a run in which nothing is due never waits for it to be imported.
Walking the plan is `session`'s, the way from a job to its outcome `runner`'s.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from crawler.archive.noted import NotedLinks
from crawler.core.counts import Counted
from crawler.core.model import LOCAL, Check, History, Link, Snapshot, State
from crawler.core.results import Run
from crawler.core.slots import Politeness, SlotState
from crawler.core.url import host_of
from crawler.crawl.lazy import Memories, Remembered, memories_of, named
from crawler.crawl.listing import Listing
from crawler.crawl.observer import SILENT, Observer
from crawler.crawl.stop import Stop
from crawler.crawl.tasks import Depth
from crawler.schedule.clock import corrected, corrected_slots
from crawler.schedule.history import first_seen
from crawler.schedule.plan import Budget, Plan, make_plan
from crawler.schedule.politeness import PolitenessOf, politeness_of
from crawler.schedule.walls import after_run

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from trio import MemorySendChannel

    from crawler.archive.deferred import DeferredTerms
    from crawler.archive.nouns import OpenSegment
    from crawler.core.settings import Settings
    from crawler.crawl.hosts import Hosts
    from crawler.crawl.pipeline import Walk
    from crawler.crawl.readers import Reader
    from crawler.fetch import Fetcher
    from crawler.fetch.request import Ask
    from crawler.sites import Sites


class Memory(Protocol):
    """What a session needs of an archive; `edit.Borrowed` is one that keeps nothing of its own."""

    def histories(self) -> dict[str, History]:
        """All memories by canonical URL."""

    def slots(self) -> list[SlotState]:
        """Politeness that outlives a run."""

    def record(self, checks: Sequence[Check]) -> list[Snapshot | None]:
        """Keep checks; what is returned is on disk."""

    def settle(self, run: str, canonical_urls: Sequence[str], *, believed: bool) -> None:
        """Held checks of a run count from now on, or never will."""

    def open_segment(self) -> OpenSegment | None:
        """For which segment records may be packed ahead; None for none. Asked beside the thread that writes."""

    def deferring_terms(self) -> AbstractContextManager[DeferredTerms | None]:
        """In the block search terms are made by who takes them from what it gives; None: there are none to be made."""

    def put_histories(self, histories: Iterable[History], links: Mapping[str, Link] | None = None) -> None:
        """Replace memories without a check; `links` tell site and host of new ones."""

    def put_slots(self, states: Iterable[SlotState]) -> None:
        """Replace the politeness to remember."""

    def put_image(self, capture_id: int, url: str, content_type: str, body: bytes) -> None:
        """Keep a picture of a capture."""

    def begin_run(self, run: Run) -> None:
        """A run begins."""

    def end_run(self, run: Run) -> None:
        """A run ended; what it tells is final."""


class CrawlSpread(Protocol):
    """The crawling half in other processes: what `pipeline.crawl` does, with every check handed back."""

    async def crawl(self, work: CrawlWork, send: MemorySendChannel[Check]) -> None:
        """Check the links of all slots of the plan; `send` is closed at the end."""

    def elsewhere(self, url: str) -> Ask | None:
        """Who asks this URL while its slot is another process's; None: this process may."""


async def in_line(function: Callable[..., Any], *args: object, **_: object) -> Any:
    """What stands in for a thread: for memories that write nothing, and where virtual time must not pass meanwhile."""
    return function(*args)


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
    observer: Observer = SILENT
    stop: Stop = field(default_factory=Stop)
    handle_signals: bool = True
    open_fetcher: Callable[..., AbstractAsyncContextManager[Fetcher]] | None = None  # None: the real web
    run_sync: Callable[..., Awaitable[Any]] | None = None  # None: a thread; a simulation keeps its memory in line
    reader: Reader | None = None  # None: processes under [read]; a simulation reads in this one
    depth: Depth = Depth.PAGE  # how much of each page is read
    spread: CrawlSpread | None = None  # None: this process crawls


@dataclass(slots=True)
class Prepared:
    """A job that is ready to be walked."""

    run: Run
    plan: Plan
    histories: Remembered  # by canonical URL; a walk replaces what it learns
    before: Remembered
    politeness: PolitenessOf
    states: dict[str, SlotState]


@dataclass(frozen=True, slots=True)
class CrawlWork:
    """A prepared job with what its crawl stands on, which other processes may do (`CrawlSpread`)."""

    job: Job
    ready: Prepared
    fetcher: Fetcher
    walk: Walk
    hosts: Hosts


@dataclass(slots=True)
class Outcome:
    """What a run did, and what is remembered after it."""

    run: Run
    plan: Plan
    histories: Remembered
    before: Remembered


def prepare_job(job: Job) -> Prepared:
    """Recall, plan, and tell the archive that a run begins."""
    started = job.now()
    many = memories_of(job.memory)
    before: Remembered = job.memory.histories() if many is None else many
    suspicious = before if many is None else {h.canonical_url: h for h in many.index.seen_after(started)}
    if ahead := corrected(suspicious, started):
        latest = max(suspicious[key].checked_at or suspicious[key].first_seen for key in ahead)
        job.observer.say(
            f"{Counted(len(ahead)):link was|links were} checked up to {latest:%Y-%m-%d}, says a clock that was wrong:"
            " all are due"
        )
        before = before | ahead
    new = remember_new(job, before, started)
    histories = before | new
    politeness = politeness_for(job.settings, job.sites)
    states = {state.slot: state for state in corrected_slots(job.memory.slots(), started)}
    links: Sequence[Link] | Listing = job.links
    due: Set[str] | None = None
    if isinstance(histories, Memories):
        due = histories.index.due(started) | set(ahead) | set(new)
        may_be_asked = named(job.links, due)
        histories.load(link.canonical_url for link in may_be_asked)
        if isinstance(job.links, NotedLinks):
            links = Listing(job.links, histories, may_be_asked)
    plan = make_plan(links, histories, started, politeness, job.budget, states, due_keys=due)
    if isinstance(histories, Memories) and job.budget.all:
        histories.load(link.canonical_url for slot in plan.slots for link in slot.links)
    job.observer.planned(plan)
    run = Run(id=run_id(started, job.command), command=job.command, started_at=started)
    job.memory.begin_run(run)
    return Prepared(run, plan, histories, before, politeness, states)


def finish_job(job: Job, ready: Prepared, run: Run) -> Outcome:
    """Close the run's own summary and tell the archive; what a whole run teaches of walls is remembered."""
    longest = job.settings.schedule.alive_max
    links: Sequence[Link] = job.links
    if isinstance(ready.histories, Memories):  # nothing else can have changed, or be a wall of a slot that did
        links = named(links, ready.histories.index.walls() | ready.histories.changed.keys())
        ready.histories.load(link.canonical_url for link in links)
    if walls := after_run(links, ready.before, ready.histories, run.started_at, longest):
        ready.histories |= walls
        job.memory.put_histories(list(walls.values()))
    given_up = (*ready.plan.left, *run.slots_given_up)
    complete = not (given_up or run.stopped_by or ready.plan.limited)
    run = replace(run, finished_at=job.now(), slots_given_up=given_up, complete=complete)
    job.memory.end_run(run)
    return Outcome(run, ready.plan, ready.histories, ready.before)


def why_unchecked(outcome: Outcome) -> dict[str, History]:
    """Memories of links without a check, with the reason why there is none: for reports, never kept."""
    plan = outcome.plan
    planned = {link.canonical_url for slot in plan.slots for link in slot.links}
    unchecked = {}
    over = planned.union(plan.limited) if outcome.run.stopped_by == "budget" else plan.limited
    for key in over:
        history = outcome.histories.get(key)
        if history is not None and history.checked_at is None:
            unchecked[key] = replace(history, reason="over-budget")
    for key in plan.skipped:
        unchecked[key] = replace(outcome.histories[key], state=State.UNCHECKED, reason="excluded")
    return unchecked


def remember_new(job: Job, histories: Mapping[str, History], now: datetime) -> dict[str, History]:
    """Links that the archive never saw, remembered from the moment they were found."""
    if isinstance(histories, Memories) and isinstance(job.links, NotedLinks):
        new = {link.canonical_url: link for link in job.links.new()}
    else:
        keys = (link.canonical_url for link in job.links if link.site != LOCAL)
        known = set(histories.index.known_of(keys)) if isinstance(histories, Memories) else histories
        new = {x.canonical_url: x for x in job.links if x.site != LOCAL and x.canonical_url not in known}
    first = {key: first_seen(key, link.url, now) for key, link in new.items()}
    job.memory.put_histories(first.values(), new)
    return first


def politeness_for(settings: Settings, sites: Sites) -> PolitenessOf:
    """The rules for the slot of any URL, redirect targets included."""
    known: dict[str, Politeness] = {}

    def resolve(url: str) -> Politeness:
        host = host_of(url)  # "" for a malformed URL: never asked for, but it needs rules like any other
        if host not in known:
            slot, site = sites.slot_of(url), sites.for_host(host)
            known[host] = politeness_of(slot, host, settings.fetch, settings.host, site)
        return known[host]

    return resolve


def run_id(started: datetime, command: str) -> str:
    """Sortable, unique enough: the archive's lock lets one run at a time write."""
    return f"{started:%Y%m%dT%H%M%SZ}-{command}-{random.randrange(16**4):04x}"  # noqa: S311 (not a secret)

"""A month of nightly runs in virtual time, over a web whose fates are known: no network, no waiting.

    python -m benchmarks.month [NOTES] [--nights 30] [--links 0] [--budget 28800]

Links come from a folder of notes, or are made up. Hosts flake, wall, die and come back by a seeded plan; every
verdict is held against the truth, and every request against its slot's interval. Prints what a night cost, and ends
with 1 when any promise was broken.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import trio
from trio.testing import MockClock

from crawler.core.config import site_documents
from crawler.core.model import Check, Fetch, History, Link, Run, SlotState, Snapshot, State
from crawler.core.settings import FetchSettings, Settings
from crawler.crawl.examine import examine
from crawler.crawl.job import Job, Outcome, finish_job, politeness_for, prepare_job
from crawler.crawl.readers import InlineReader
from crawler.crawl.session import walk_job
from crawler.fetch import open_fetcher
from crawler.notes.links import link_of, link_up, read_notes
from crawler.schedule.plan import Budget, Plan
from crawler.sites import Sites, load_sites
from crawler.testing import pages

START = datetime(2026, 1, 1, 3, tzinfo=UTC)
DAY = 86400.0
MOMENT = 0.01  # days round a look in which its page may have died or come back
LATENCY = 0.3  # seconds; what a Chinese site takes to answer


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one link: it dies on a day (never: None), by a notice or in silence, and may return."""

    dies: float | None = None
    silently: bool = False  # no answer any more, instead of a 404 or the site's own notice
    returns: float | None = None

    def alive(self, day: float) -> bool:
        """Is the page there on this day?"""
        return self.dies is None or day < self.dies or (self.returns is not None and day >= self.returns)


@dataclass(frozen=True, slots=True)
class Weather:
    """What a host is like: how often it fails for no reason, and from which day to which it walls robots."""

    flaky: float = 0.0
    walled: tuple[float, float] = (0.0, 0.0)


@dataclass(slots=True)
class World:
    """The web of the simulation and its truth."""

    links: Sequence[Link]
    seed: int = 1
    fates: dict[str, Fate] = field(default_factory=dict)
    weather: dict[str, Weather] = field(default_factory=dict)
    outages: tuple[tuple[float, float], ...] = ((9.0, 11.0),)  # days in which our own line is dead
    log: list[tuple[float, str]] = field(default_factory=list)  # (seconds since START, URL) of every request
    started: float = 0.0  # seconds between START and the current night's zero
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        for link in self.links:
            self.fates[link.fetch_url] = self._fate()
            self.weather.setdefault(link.host, self._weather())

    def _fate(self) -> Fate:
        chance, day = self.dice.random(), self.dice.uniform(0, 25)
        if chance < 0.80:
            return Fate()
        if chance < 0.90:
            return Fate(dies=day)
        if chance < 0.97:
            return Fate(dies=day, silently=True)
        return Fate(dies=day, silently=self.dice.random() < 0.5, returns=day + self.dice.uniform(1, 12))

    def _weather(self) -> Weather:
        chance = self.dice.random()
        if chance < 0.15:
            return Weather(flaky=self.dice.uniform(0.05, 0.3))
        if chance < 0.25:
            day = self.dice.uniform(0, 20)
            return Weather(walled=(day, day + self.dice.uniform(1, 8)))
        return Weather()

    def now(self) -> datetime:
        """The wall clock of the simulation."""
        return START + timedelta(seconds=self.started + trio.current_time())

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """What the web answers at this moment."""
        url = str(request.url)
        seconds = self.started + trio.current_time()
        day = seconds / DAY
        self.log.append((seconds, url))
        await trio.sleep(LATENCY)
        if any(start <= day < end for start, end in self.outages):
            raise httpx.ConnectError("network is unreachable")
        fate, weather = self.fates.get(url, Fate()), self.weather.get(request.url.host, Weather())
        if weather.walled[0] <= day < weather.walled[1]:
            return httpx.Response(403, text="<title>403 Forbidden</title>", headers=HTML)
        if self.dice.random() < weather.flaky:
            raise httpx.ReadTimeout("flaky")
        if fate.alive(day):
            return httpx.Response(200, content=alive_page(url), headers=HTML)
        if fate.silently:
            raise httpx.ConnectError("gone")
        return dead_page(url)


HTML = {"Content-Type": "text/html; charset=utf-8"}


def alive_page(url: str) -> bytes:
    """A living article in its site's markup."""
    number = sum(url.encode()) % 97
    article = pages.Article(url, f"文章 {number}", "作者", (f"第{number}段。" * 20,))
    if "mp.weixin.qq.com" in url:
        return pages.weixin_article(article)
    if "zhuanlan.zhihu.com/p/" in url:
        return pages.zhihu_column(article)
    return pages.blog_article(article)


def is_playable(link: Link, sites: Sites) -> bool:
    """Can this simulation play the link's site, that is, does the judge see a living page in what it serves?"""
    body = alive_page(link.fetch_url)
    answer = Fetch(link.fetch_url, link.fetch_url, START, status=200, headers=tuple(HTML.items()), body=body)
    return examine(link, answer, sites)[2].state is State.ALIVE


def dead_page(url: str) -> httpx.Response:
    """The site's own way to say that an article is gone."""
    if "mp.weixin.qq.com" in url:
        return httpx.Response(200, content=pages.weixin_notice("该内容已被发布者删除"), headers=HTML)
    return httpx.Response(404, text="<title>404 Not Found</title>", headers=HTML)


class Transport(httpx.AsyncBaseTransport):
    """The world as httpx sees it."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        return await self.world.answer(request)


@dataclass(slots=True)
class Notebook:
    """A memory without a disk."""

    told: dict[str, History] = field(default_factory=dict)
    states: dict[str, SlotState] = field(default_factory=dict)
    captures: int = 0

    def histories(self) -> dict[str, History]:
        """All memories."""
        return dict(self.told)

    def slots(self) -> list[SlotState]:
        """All slots."""
        return list(self.states.values())

    def record(self, checks: Sequence[Check]) -> list[Snapshot | None]:
        """Remember looks; a capture where a living page gave text."""
        return [self._record(check) for check in checks]

    def _record(self, check: Check) -> Snapshot | None:
        before = self.told.get(check.link.canonical_url)
        snapshot = before.snapshot if before else None
        taken = None
        if check.page.digest:
            same = snapshot is not None and snapshot.digest == check.page.digest
            self.captures += 1
            page = check.page
            taken = Snapshot(self.captures, check.at, page.title, len(page.text), page.digest, same)
        self.told[check.link.canonical_url] = replace(check.history, snapshot=taken or snapshot)
        return taken

    def put_histories(self, histories: Iterable[History], links: Mapping[str, Link] | None = None) -> None:
        """Replace memories; what an archive wants of `links` is not kept here."""
        del links
        self.told |= {history.canonical_url: history for history in histories}

    def put_slots(self, states: Iterable[SlotState]) -> None:
        """Replace slots."""
        self.states |= {state.slot: state for state in states}

    def begin_run(self, run: Run) -> None:
        """Runs are not kept."""

    def end_run(self, run: Run) -> None:
        """Runs are not kept."""


async def in_line(function: Any, *args: Any, **_: Any) -> Any:
    """Instead of a thread: virtual time must not pass while a disk works."""
    return function(*args)


def one_night(world: World, notebook: Notebook, rules: tuple[Settings, Sites], budget: float) -> Outcome:
    """One run in virtual time."""
    settings, sites = rules
    job = Job(
        "run", world.links, settings, sites, notebook, world.now, Budget(seconds=budget), handle_signals=False,
        open_fetcher=partial(open_fetcher, transport=Transport(world)), run_sync=in_line,
        reader=InlineReader(sites),
    )  # fmt: skip

    async def whole() -> Outcome:
        ready = prepare_job(job)
        run = await walk_job(job, ready) if ready.plan.slots else ready.run
        return finish_job(job, ready, run)

    return trio.run(whole, clock=MockClock(autojump_threshold=0))


@dataclass(slots=True)
class Promises:
    """What must hold on every morning."""

    broken: list[str] = field(default_factory=list)
    last_seen_alive: dict[str, float] = field(default_factory=dict)

    def check(self, world: World, notebook: Notebook, outcome: Outcome) -> None:
        """Hold every verdict that this night made against the truth."""
        for link in world.links:
            history = notebook.told.get(link.canonical_url)
            if history is None or history.checked_at is None or history.checked_at < outcome.run.started_at:
                continue
            day = (history.checked_at - START).total_seconds() / DAY
            fate = world.fates[link.fetch_url]
            before, after = fate.alive(day - MOMENT), fate.alive(day + MOMENT)
            if history.state is State.DEAD and before and after:
                self.broken.append(f"night of day {day:.1f}: {link.fetch_url} lives and was called dead")
            if history.state is State.ALIVE and not before and not after:
                self.broken.append(f"night of day {day:.1f}: {link.fetch_url} is dead and was called alive")

    def check_intervals(self, world: World, rules: tuple[Settings, Sites]) -> None:
        """No slot was ever asked faster than its interval."""
        politeness = politeness_for(*rules)
        last: dict[str, float] = defaultdict(lambda: float("-inf"))
        for at, url in sorted(world.log):
            polite = politeness(url)
            if at - last[polite.slot] < polite.interval - 1e-6:
                self.broken.append(f"{polite.slot} was asked {at - last[polite.slot]:.3f} s after the request before")
            last[polite.slot] = at

    def check_pace(self, plan: Plan, seconds: float) -> str:
        """A night that asks everything takes what its longest slot takes, and hardly more."""
        bound = max((len(s.links) - 1) * s.politeness.interval for s in plan.slots) if plan.slots else 0.0
        if bound > 600 and seconds > bound * 1.02 + 5:
            self.broken.append(f"a night took {seconds:.0f} s, its longest slot {bound:.0f} s")
        return f"{seconds / bound:.3f}" if bound else "-"

    def check_deaths(self, world: World, notebook: Notebook, rules: Settings, nights: int) -> None:
        """Every death was found within the days that the schedule promises."""
        schedule = rules.schedule
        promised = (schedule.alive_max + schedule.confirmations * (schedule.confirm_after + schedule.suspect)) / DAY
        for link in world.links:
            fate, history = world.fates[link.fetch_url], notebook.told[link.canonical_url]
            waited = nights - 1 - (fate.dies if fate.dies is not None else nights)
            if not fate.alive(nights - 1) and waited > promised and history.state is not State.DEAD:
                self.broken.append(f"{link.fetch_url} is dead for {waited:.0f} days and is {history.state}")


def made_up(sites: Sites, count: int) -> list[Link]:
    """Links in the shape of the author's: over half of them to one slow site."""
    urls = [f"https://mp.weixin.qq.com/s/{n:022d}" for n in range(count * 54 // 100)]
    urls += [f"https://blog{n % (count // 10 + 1)}.example/posts/{n}" for n in range(count - len(urls))]
    return [link_of(url, sites) for url in urls]


def simulate(
    links: Sequence[Link], rules: tuple[Settings, Sites], nights: int, budget: float
) -> tuple[World, Promises]:
    """Run every night, one a day; returns the world with its request log, and the promises broken."""
    world, notebook, promises = World(links), Notebook(), Promises()
    for night in range(nights):
        world.started = night * DAY
        asked, began = len(world.log), time.process_time()
        outcome = one_night(world, notebook, rules, budget)
        promises.check(world, notebook, outcome)
        run = outcome.run
        seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at else 0.0
        pace = promises.check_pace(outcome.plan, seconds) if run.stopped_by is None else "-"
        states: dict[str, int] = defaultdict(int)
        for history in notebook.told.values():
            states[str(history.state)] += 1
        print(
            f"night {night:2}: {run.fetched:5} links, {len(world.log) - asked:5} requests, {seconds / 3600:5.2f} h "
            f"({pace} of the longest slot), "
            f"{time.process_time() - began:.1f} s of CPU, network {run.network}, {dict(sorted(states.items()))}",
            file=sys.stderr,
        )
    promises.check_intervals(world, rules)
    promises.check_deaths(world, notebook, rules[0], nights)
    return world, promises


def main() -> int:
    """The command line of the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notes", nargs="?", type=Path)
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--links", type=int, default=2000, help="how many links to make up, or to take of the notes")
    parser.add_argument("--budget", type=float, default=8 * 3600.0, help="seconds a night")
    options = parser.parse_args()
    settings = Settings(fetch=FetchSettings(retries=1))
    sites = load_sites(site_documents(settings))
    links = made_up(sites, options.links)
    if options.notes:
        found = link_up(read_notes([options.notes], settings.notes).occurrences, sites)
        found = [link for link in found if link.host]
        links = [link for link in found if is_playable(link, sites)][: options.links or None]
        print(f"{len(found) - len(links)} of {len(found)} links left out (sites that are not played, or --links)")
    world, promises = simulate(links, (settings, sites), options.nights, options.budget)
    slots = defaultdict(int)
    for link in links:
        slots[link.slot] += 1
    print(f"{len(links)} links in {len(slots)} slots, {options.nights} nights, {len(world.log)} requests")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")
    print(f"promises broken: {len(promises.broken)}")
    for line in promises.broken[:20]:
        print(f"  {line}")
    return 1 if promises.broken else 0


if __name__ == "__main__":
    sys.exit(main())

"""A month, or a year, of nightly runs in virtual time, over a web whose fates are known: no network, no waiting.

    python -m benchmarks.month [NOTES] [--nights 30] [--links 0] [--budget 28800] [--rough]

Links come from a folder of notes, or are made up. Hosts flake, wall, die and come back by a seeded plan; every
verdict is held against the truth, and every request against its slot's interval. With --rough some servers never get
on with our client, some are behind a firewall for weeks, hosts vanish, and on some nights a portal answers for all of
them. Prints what a night cost, and ends with 1 when any promise was broken.
"""

from __future__ import annotations

import argparse
import errno
import random
import resource
import socket
import ssl
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import trio
from trio.testing import MockClock

from crawler.core.config import site_documents
from crawler.core.model import Check, Fetch, History, Link, Proof, Snapshot, State
from crawler.core.proof import GUESSES
from crawler.core.results import Run
from crawler.core.settings import FetchSettings, Settings
from crawler.core.slots import SlotState
from crawler.crawl.examine import examine
from crawler.crawl.job import Job, Outcome, finish_job, in_line, politeness_for, prepare_job
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
    """What a host is like: how often it fails for no reason, when it walls robots, how our client gets on with it.

    Pairs are the days from which to which. `broken` names what our client meets there at every check of those days.
    """

    flaky: float = 0.0
    walled: tuple[float, float] = (0.0, 0.0)
    broken: str = ""  # a row of BROKEN: what is no fault of the page
    broken_days: tuple[float, float] = (0.0, 0.0)
    vanishes: float | None = None  # the day on which the host goes for good
    vanishing: str = ""  # a row of VANISHED


@dataclass(slots=True)
class World:
    """The web of the simulation and its truth."""

    links: Sequence[Link]
    seed: int = 1
    fates: dict[str, Fate] = field(default_factory=dict)
    weather: dict[str, Weather] = field(default_factory=dict)
    outages: tuple[tuple[float, float], ...] = ((9.0, 11.0),)  # days in which our own line is dead
    rough: bool = False  # broken clients, firewalls, portals and hosts that vanish, too
    days: float = 30.0  # over which misfortunes are spread
    log: list[tuple[float, str]] = field(default_factory=list)  # (seconds since START, URL) of every request
    started: float = 0.0  # seconds between START and the current night's zero
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        for link in self.links:
            self.fates[link.fetch_url] = self._fate()
            self.weather.setdefault(link.host, self._weather())
        if self.rough:
            for host in self.weather:
                self.weather[host] = self._rough_weather(self.weather[host])

    def _rough_weather(self, weather: Weather) -> Weather:
        chance, day = self.dice.random(), self.dice.uniform(2, self.days)
        if chance < 0.40:
            long = self.dice.choice((3.0, 60.0, self.days))
            return replace(weather, broken=self.dice.choice(list(BROKEN)), broken_days=(day, day + long))
        if chance < 0.55:
            return replace(weather, vanishes=day, vanishing=self.dice.choice(list(VANISHED)))
        return weather

    def portal(self, day: float) -> tuple[int, str] | None:
        """What the network answers for every host on some nights."""
        if not self.rough or int(day) % 13 != 7:
            return None
        return PORTALS[int(day) // 13 % len(PORTALS)]

    def lives(self, url: str, host: str, day: float) -> bool:
        """Is the page there for everybody else on this day?"""
        vanishes = self.weather[host].vanishes
        return self.fates[url].alive(day) and (vanishes is None or day < vanishes)

    def walled_off(self, host: str, day: float, silent: float) -> bool:
        """Is the host silent towards us for so long that it may be taken for dead?"""
        weather = self.weather[host]
        return weather.broken in SILENT and weather.broken_days[0] + silent <= day + 1

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
        if (portal := self.portal(day)) is not None:
            return httpx.Response(portal[0], text=portal[1], headers=HTML)
        fate, weather = self.fates.get(url, Fate()), self.weather.get(request.url.host, Weather())
        if weather.vanishes is not None and day >= weather.vanishes:
            return VANISHED[weather.vanishing](url)
        if weather.broken and weather.broken_days[0] <= day < weather.broken_days[1]:
            return BROKEN[weather.broken](url)
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


def answers(status: int, text: str = "") -> Callable[[str], httpx.Response]:
    """A server that answers so to everybody who is like us."""
    return lambda _: httpx.Response(status, text=text or f"<title>{status}</title>", headers=HTML)


def fails(error: httpx.TransportError, cause: BaseException | None = None) -> Callable[[str], httpx.Response]:
    """A connection that comes to nothing."""

    def fail(_: str) -> httpx.Response:
        raise error from cause

    return fail


def titled(says: str, url: str) -> httpx.Response:
    """A page that looks like one that is gone, and still names the article."""
    return httpx.Response(200, text=PAGE.format(says) + title_of(url), headers=HTML)


def incomplete_chain() -> ssl.SSLCertVerificationError:
    """What OpenSSL raises where a server leaves out an intermediate certificate."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = 20, "unable to get local issuer certificate"
    return error


NO_NAME = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
BAD_NAME_SERVER = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
PAGE = "<title>{0}</title><h1>{0}</h1><p>One moment, or log in to see all of it.</p>"

# What is no knowledge of page or host, however often it comes.
BROKEN: dict[str, Callable[[str], httpx.Response]] = {
    "tls": fails(httpx.ConnectError("x"), incomplete_chain()),
    "not http": fails(httpx.RemoteProtocolError("illegal header line")),
    "426": answers(426),
    "421": answers(421),
    "409": answers(409),
    "400": answers(400),
    "408": answers(408),
    "loop": lambda _: httpx.Response(302, headers={"Location": "/posts/1"}),
    "no target": lambda _: httpx.Response(302),
    "soft 404": lambda url: httpx.Response(200, text=PAGE.format("404 Not Found") + title_of(url), headers=HTML),
    "parked": lambda url: httpx.Response(
        200, text=PAGE.format("This domain is for sale") + title_of(url), headers=HTML
    ),
    "503": answers(503),
    "502": answers(502),
    "challenge": answers(503, "<title>Just a moment...</title><script>window._cf_chl_opt={}</script>"),
    "name server": fails(httpx.ConnectError("x"), BAD_NAME_SERVER),
    "firewall": fails(httpx.ConnectTimeout("silence")),
    "reset": fails(httpx.ReadError("x"), ConnectionResetError(errno.ECONNRESET, "reset")),
}
SILENT = frozenset(("firewall", "reset", "name server", "503", "502"))  # nothing of the host is heard

# How hosts go for good.
VANISHED: dict[str, Callable[[str], httpx.Response]] = {
    "no name": fails(httpx.ConnectError("x"), NO_NAME),
    "refused": fails(httpx.ConnectError("x"), ConnectionRefusedError(errno.ECONNREFUSED, "refused")),
    "500": answers(500),
    "404": answers(404),
}

PORTALS = (
    (200, PAGE.format("Hotel WiFi")),
    (404, PAGE.format("Not in this network")),
    (503, PAGE.format("Filter")),
    (511, PAGE.format("Network authentication required")),
    (404, "<title>404 Not Found</title><center><h1>404 Not Found</h1></center>"),
)


def title_of(url: str) -> str:
    """What the living page is called."""
    return f"文章 {sum(url.encode()) % 97}"


def alive_page(url: str) -> bytes:
    """A living article in its site's markup."""
    number = sum(url.encode()) % 97
    article = pages.Article(url, title_of(url), "作者", (f"第{number}段。" * 20,))
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

    kept: dict[str, History] = field(default_factory=dict)
    held: dict[str, History] = field(default_factory=dict)  # what does not count yet
    states: dict[str, SlotState] = field(default_factory=dict)
    captures: int = 0

    def histories(self) -> dict[str, History]:
        """All memories."""
        return dict(self.kept)

    def slots(self) -> list[SlotState]:
        """All slots."""
        return list(self.states.values())

    def record(self, checks: Sequence[Check]) -> list[Snapshot | None]:
        """Remember looks; a capture where a living page gave text."""
        return [self._record(check) for check in checks]

    def _record(self, check: Check) -> Snapshot | None:
        before = self.kept.get(check.link.canonical_url)
        snapshot = before.snapshot if before else None
        taken = None
        if check.page.digest:
            same = snapshot is not None and snapshot.digest == check.page.digest
            self.captures += 1
            page = check.page
            taken = Snapshot(self.captures, check.at, page.title, len(page.text), page.digest, same)
        kept = self.held if check.held else self.kept
        kept[check.link.canonical_url] = replace(check.history, snapshot=taken or snapshot)
        return taken

    def settle(self, run: str, canonical_urls: Sequence[str], *, believed: bool) -> None:
        """Held checks count, or never will."""
        del run
        for key in canonical_urls:
            history = self.held.pop(key)
            if believed:
                self.kept[key] = history

    def open_segment(self) -> None:
        """There is none."""

    def deferring_terms(self) -> AbstractContextManager[None]:
        """There is nothing to search."""
        return nullcontext()

    def put_histories(self, histories: Iterable[History], links: Mapping[str, Link] | None = None) -> None:
        """Replace memories; what an archive wants of `links` is not kept here."""
        del links
        self.kept |= {history.canonical_url: history for history in histories}

    def put_slots(self, states: Iterable[SlotState]) -> None:
        """Replace slots."""
        self.states |= {state.slot: state for state in states}

    def put_image(self, capture_id: int, url: str, content_type: str, body: bytes) -> None:
        """Pictures are not kept."""

    def begin_run(self, run: Run) -> None:
        """Runs are not kept."""

    def end_run(self, run: Run) -> None:
        """Runs are not kept."""


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
    silent: float = 90.0  # days
    last_seen_alive: dict[str, float] = field(default_factory=dict)
    failing: dict[str, list[float]] = field(default_factory=dict)  # days of checks that saw page or host fail

    def check(self, world: World, notebook: Notebook, outcome: Outcome) -> None:
        """Hold every verdict that this night made against the truth."""
        for link in world.links:
            history = notebook.kept.get(link.canonical_url)
            if history is None or history.checked_at is None or history.checked_at < outcome.run.started_at:
                continue
            day = (history.checked_at - START).total_seconds() / DAY
            before, after = (world.lives(link.fetch_url, link.host, day + shift) for shift in (-MOMENT, MOMENT))
            self._find_late_deaths(link, history, day, alive=before or after)
            excused = world.walled_off(link.host, day, self.silent)
            if history.state is State.DEAD and before and after and not excused:
                self.broken.append(f"night of day {day:.1f}: {link.fetch_url} lives and was called dead")
            if history.state is State.ALIVE and not before and not after:
                self.broken.append(f"night of day {day:.1f}: {link.fetch_url} is dead and was called alive")

    def _find_late_deaths(self, link: Link, history: History, day: float, *, alive: bool) -> None:
        """A death of page or host is found within ten days of the second check that saw it."""
        if alive or history.state is State.DEAD:
            self.failing.pop(link.canonical_url, None)
            return
        guess = history.reason in GUESSES
        if history.state is State.SUSPECT and history.evidence.proof in (Proof.PAGE, Proof.HOST) and not guess:
            days = self.failing.setdefault(link.canonical_url, [])
            days.append(day)
            if len(days) > 1 and day - days[1] > 10:
                self.broken.append(
                    f"night of day {day:.1f}: {link.fetch_url} is gone, and {history.state} for too long"
                )

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
            fate, history = world.fates[link.fetch_url], notebook.kept[link.canonical_url]
            waited = nights - 1 - (fate.dies if fate.dies is not None else nights)
            hidden = fate.silently or world.rough  # what is silent while its host answers is never known to be dead
            if not hidden and not fate.alive(nights - 1) and waited > promised and history.state is not State.DEAD:
                self.broken.append(f"{link.fetch_url} is dead for {waited:.0f} days and is {history.state}")


def made_up(sites: Sites, count: int) -> list[Link]:
    """Links in the shape of the author's: over half of them to one slow site."""
    urls = [f"https://mp.weixin.qq.com/s/{n:022d}" for n in range(count * 54 // 100)]
    urls += [f"https://blog{n % (count // 10 + 1)}.example/posts/{n}" for n in range(count - len(urls))]
    return [link_of(url, sites) for url in urls]


def simulate(
    links: Sequence[Link], rules: tuple[Settings, Sites], nights: int, budget: float, *, rough: bool = False
) -> tuple[World, Promises]:
    """Run every night, one a day; returns the world with its request log, and the promises broken."""
    world, notebook, promises = World(links, rough=rough, days=float(nights)), Notebook(), Promises()
    for night in range(nights):
        world.started = night * DAY
        asked, began = len(world.log), time.process_time()
        outcome = one_night(world, notebook, rules, budget)
        promises.check(world, notebook, outcome)
        run = outcome.run
        seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at else 0.0
        pace = promises.check_pace(outcome.plan, seconds) if run.stopped_by is None else "-"
        states: dict[str, int] = defaultdict(int)
        for history in notebook.kept.values():
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
    parser.add_argument("--rough", action="store_true", help="broken clients, firewalls, portals, vanishing hosts")
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
    world, promises = simulate(links, (settings, sites), options.nights, options.budget, rough=options.rough)
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

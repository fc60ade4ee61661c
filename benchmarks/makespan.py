"""How long a run takes beside the least time that politeness leaves: over a real host mix, and over real sockets.

    python -m benchmarks.makespan [NOTES] [--links 0] [--loopback]

The bound is that of the slot whose requests take longest: as many intervals as it was asked, less one, and one answer.
Requests are those that the run sent, redirects, retries and canaries among them, so that no run can be below it.
The first table is of the links of NOTES (without: of 2,000 made up), all due at once, in virtual time on a day of calm
and on one on which a tenth of the hosts are walled, a seventh fail one time in seven, and some links are gone. With
--loopback a second one is measured with real sockets and clocks: the command itself over a stand-in web with TLS, of
one host with 200 links and 40 with 20, every 0.3 seconds one; some answers are reset at first, and one host is a wall.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.month import DAY, LATENCY, Notebook, Weather, World, is_playable, made_up, one_night
from crawler.core.config import site_documents
from crawler.core.model import Link
from crawler.core.settings import FetchSettings, Settings
from crawler.crawl.job import politeness_for
from crawler.notes.links import link_up, read_notes
from crawler.sites import load_sites
from crawler.testing import pages
from crawler.testing.answer import Fault, StandInAnswer, StandInPlan, StandInRequest
from crawler.testing.web import serving

INTERVAL = 0.3  # seconds, on loopback
BIG, HOSTS, EACH = 200, 40, 20  # links of one host, and of each of so many others
ROUGH_DAY = 12  # of the month, on which its weather is at its worst
HEAD = "| what | links | requests | took, s | bound, s | ratio |\n|---|--:|--:|--:|--:|--:|"


def bound_of(asked: Iterable[tuple[str, float]], latency: float) -> float:
    """The least time for requests to slots with intervals, as pairs."""
    starts: dict[str, list[float]] = defaultdict(list)
    for slot, interval in asked:
        starts[slot].append(interval)
    return max((len(of) - 1) * max(of) + latency for of in starts.values())


def told(what: str, links: int, requests: int, took: float, bound: float) -> str:
    """A row of the table."""
    return f"| {what} | {links:,} | {requests:,} | {took:,.1f} | {bound:,.1f} | {took / bound:.3f} |"


def virtual(what: str, links: list[Link], *, rough: bool) -> str:
    """One run over all links in virtual time."""
    settings = Settings(fetch=FetchSettings(retries=1))
    rules = settings, load_sites(site_documents(settings))
    world = World(links)
    world.started = ROUGH_DAY * DAY
    if not rough:
        world.fates.clear()
        world.weather = dict.fromkeys(world.weather, Weather())
    outcome = one_night(world, Notebook(), rules, 0)
    run, politeness = outcome.run, politeness_for(*rules)
    if run.finished_at is None:
        raise SystemExit("the run did not end")
    asked = [(polite.slot, polite.interval) for _, url in world.log for polite in [politeness(url)]]
    took = (run.finished_at - run.started_at).total_seconds()
    return told(what, run.fetched, len(asked), took, bound_of(asked, LATENCY))


def article(url: str) -> bytes:
    """A page of its own for each address."""
    words = [f"{abs(hash((url, n))):x}" for n in range(40)]
    return pages.blog_article(
        pages.Article(url, f"Title {words[0]}", "Ann", (" ".join(words[:20]), " ".join(words[20:])))
    )


def loopback() -> Iterable[str]:
    """The command over a stand-in web; from its first request to its last, and from its start to its end."""
    urls = [f"https://great.example/{n}" for n in range(BIG)]
    urls += [f"https://h{host}.example/{n}" for host in range(HOSTS) for n in range(EACH)]
    answers = {url: StandInAnswer(article(url), delay=0.05) for url in urls}
    answers |= {url: StandInAnswer(article(url), fail_first=1, fail_with=Fault.RESET) for url in urls[::40]}
    answers |= {url: StandInAnswer(b"<title>403 Forbidden</title>", 403) for url in urls if "//h7." in url}
    with (
        tempfile.TemporaryDirectory(prefix="makespan-") as name,
        serving(StandInPlan(answers), Path(name) / "ca") as web,
    ):
        folder = Path(name)
        (folder / "notes.md").write_text("\n\n".join(urls) + "\n", encoding="utf-8")
        resolve = "\n".join(f"{json.dumps(host)} = {json.dumps(to)}" for host, to in web.resolve.items())
        (folder / "crawler.toml").write_text(
            f'[notes]\npaths = ["notes.md"]\n[fetch]\ninterval = {INTERVAL}\nretries = 1\n'
            f"ca_bundle = {json.dumps(str(web.ca_bundle))}\n[fetch.resolve]\n{resolve}\n",
            encoding="utf-8",
        )
        began = time.monotonic()
        subprocess.run([sys.executable, "-m", "crawler", "run", "--quiet"], cwd=folder, check=True)
        whole = time.monotonic() - began
        log = [
            request for request in web.log if urlsplit(request.url).hostname in {urlsplit(url).hostname for url in urls}
        ]
        bound = bound_of([(request.host, INTERVAL) for request in started(log)], 0.05)
        asking = max(request.at for request in log) - min(request.at for request in log) + 0.05
        yield told("loopback, from the first request to the last", len(urls), len(log), asking, bound)
        yield told("loopback, the whole command", len(urls), len(log), whole, bound)


def started(log: list[StandInRequest]) -> Iterable[StandInRequest]:
    """Requests that took a turn: one that a kept-open connection lost is sent again at once, as browsers do."""
    last: dict[str, StandInRequest] = {}
    for request in log:
        before = last.get(request.host)
        last[request.host] = request
        if before is None or before.url != request.url or request.at - before.at > INTERVAL / 2:
            yield request


def main() -> int:
    """The command line of the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notes", nargs="?", type=Path)
    parser.add_argument("--links", type=int, default=2000, help="how many links to make up, or to take of the notes")
    parser.add_argument("--loopback", action="store_true", help="also with real sockets, for a minute")
    options = parser.parse_args()
    settings = Settings()
    sites = load_sites(site_documents(settings))
    links = made_up(sites, options.links)
    if options.notes:
        found = link_up(read_notes([options.notes], settings.notes).occurrences, sites)
        links = [link for link in found if link.host and is_playable(link, sites)][: options.links or None]
    print(HEAD)
    rows: list[Callable[[], Iterable[str]]] = [
        lambda: [virtual("calm", links, rough=False)],
        lambda: [virtual("walls, retries, dead links", links, rough=True)],
    ]
    for row in [*rows, *([loopback] if options.loopback else [])]:
        for line in row():
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What a run costs for each remembered link, and how near it comes to the time that politeness leaves.

    python -m benchmarks.scale [--links 10000 100000] [--share 0.01] [--svg docs/scale.svg]

For each number of links (ten a host) an archive is made and three things are measured, each in a process of its own
with the real planner, slots, limiter and recorder, in virtual time where it would wait: recalling and planning where
nothing is due; a run in which `--share` of the links is due; and how long that run takes against the longest slot's
links times its interval, the least that is polite. Prints a Markdown table, and draws a plot where asked.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import trio
from trio.testing import MockClock

from crawler.archive import Archive
from crawler.core.config import site_documents
from crawler.core.model import Confidence, Evidence, Fetch, History, Link, Page, State, Verdict
from crawler.core.settings import ArchiveSettings, FetchSettings, Settings
from crawler.crawl.job import Job, finish_job, in_line, prepare_job
from crawler.crawl.readers import InlineReader
from crawler.crawl.results import place_of
from crawler.crawl.session import walk_job
from crawler.fetch import open_fetcher
from crawler.schedule.history import first_seen, remember
from crawler.sites import load_sites
from crawler.testing import pages

NOW = datetime(2026, 1, 1, 3, tzinfo=UTC)
PER_HOST = 10
STAMP = "scale"
LATENCY = 0.3  # seconds
BIG = 0.02  # of the links stand on one host, as more than half do in the author's notes


def link_number(n: int, total: int) -> Link:
    """Links of one great host, and ten on each other one."""
    host = "great.example" if n < BIG * total else f"h{n // PER_HOST}.example"
    url = f"https://{host}/posts/{n}"
    return Link(url, url, url, "other", host, host)


def remembered(link: Link, at: datetime) -> History:
    """A link that was alive."""
    verdict = Verdict(State.ALIVE, "ok", Confidence.HIGH, Evidence(rule="generic/ok", http_status=200))
    fetch = Fetch(link.url, link.url, at, status=200)
    page = Page(title="A title")
    return remember(first_seen(link.canonical_url, link.url, at), fetch, page, verdict, at, Settings().schedule)


def fill(folder: Path, total: int, share: float) -> None:
    """An archive of so many links, of which a share is due."""
    with Archive.open(folder, ArchiveSettings(), now=lambda: NOW) as archive:
        step = max(1, round(1 / share)) if share else 0
        for start in range(0, total, 20_000):
            links = [link_number(n, total) for n in range(start, min(start + 20_000, total))]
            late = timedelta(days=100)
            made = [
                remembered(x, NOW - late if step and n % step == 0 else NOW) for n, x in enumerate(links, start=start)
            ]
            archive.put_histories(made, {x.canonical_url: x for x in links})
        archive.put_noted(STAMP, Links(total), place_of)


class Web(httpx.AsyncBaseTransport):
    """Every page is an article of its own."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer after a while."""
        await trio.sleep(LATENCY)
        url = str(request.url)
        words = [f"{abs(hash((url, n))):x}" for n in range(40)]
        article = pages.Article(url, f"Title {words[0]}", "Ann", (" ".join(words[:20]), " ".join(words[20:])), "x")
        return httpx.Response(200, content=pages.blog_article(article), headers={"Content-Type": "text/html"})


def measure(folder: Path) -> dict[str, float]:
    """One run over the archive: what planning and the whole cost, and how long it took in virtual time."""
    settings = Settings(fetch=FetchSettings(retries=0, concurrency=512), archive=ArchiveSettings(images="none"))
    sites = load_sites(site_documents(settings))
    with Archive.open(folder, settings.archive, now=lambda: NOW) as archive:
        began = cpu()
        links = archive.noted(STAMP)
        if links is None:
            raise SystemExit("the links of the notes were not kept")

        def now() -> datetime:
            return NOW + timedelta(seconds=trio.current_time() - zero)

        job = Job(
            "run", links, settings, sites, archive, lambda: NOW, handle_signals=False, run_sync=in_line,
            open_fetcher=partial(open_fetcher, transport=Web()), reader=InlineReader(sites),
        )  # fmt: skip
        ready = prepare_job(job)
        planned = cpu() - began
        slots = ready.plan.slots
        bound = max([(len(s.links) - 1) * s.politeness.interval + LATENCY for s in slots], default=0.0)
        took, zero = 0.0, 0.0

        async def whole() -> float:
            nonlocal zero
            zero = trio.current_time()
            job.now = now
            await walk_job(job, ready)
            return trio.current_time() - zero

        if ready.plan.slots:
            took = trio.run(whole, clock=MockClock(autojump_threshold=0))
        job.now = lambda: NOW
        finish_job(job, ready, ready.run)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"due": ready.plan.links, "plan": planned, "cpu": cpu() - began, "peak": peak, "bound": bound, "took": took}


class Links(Sequence[Link]):
    """The links of notes, made while they are read."""

    def __init__(self, total: int) -> None:
        self.total = total

    def __getitem__(self, at: Any) -> Any:
        return link_number(range(self.total)[at], self.total)

    def __len__(self) -> int:
        return self.total


def cpu() -> float:
    """Seconds of CPU so far."""
    return time.process_time()


def main() -> int:
    """The command line of the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--links", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(Path(options.measure))))
        return 0
    print(
        "| links | due | planning, CPU s | µs a link | the run, CPU s | peak MB | takes, s | least polite, s | ratio |"
    )
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    points = []
    for total in options.links:
        for share in (0.0, options.share):
            with tempfile.TemporaryDirectory(prefix="scale-") as folder:
                fill(Path(folder), total, share)
                command = [sys.executable, "-m", "benchmarks.scale", "--measure", folder]
                found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            ratio = f"{found['took'] / found['bound']:.3f}" if found["bound"] else "–"
            print(
                f"| {total:,} | {found['due']:,} | {found['plan']:.2f} | {found['plan'] / total * 1e6:.1f}"
                f" | {found['cpu']:.1f} | {found['peak']:.0f} | {found['took']:.0f} | {found['bound']:.0f} | {ratio} |",
                flush=True,
            )
            if not share:
                points.append((total, found["plan"] / total * 1e6))
    if options.svg:
        draw(points, options.svg)
    return 0


def draw(points: list[tuple[int, float]], file: Path) -> None:
    """Cost for each link over the number of links."""
    import pygal

    chart = pygal.XY(
        title="CPU for each link where nothing is due, µs", x_title="links, powers of ten", show_legend=False,
        range=(0, 2 * max(cost for _, cost in points)), width=640, height=320,
    )  # fmt: skip
    chart.add("µs a link", [(math.log10(total), cost) for total, cost in points])
    file.write_bytes(chart.render())


if __name__ == "__main__":
    sys.exit(main())

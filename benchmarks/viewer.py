"""How soon the viewer's pages are there on 25,000 links and 20,000 snapshots. Target: each under 200 ms.

    python -m benchmarks.viewer [FOLDER] [--links 25000] [--snapshots 20000] [--rounds 15]

Posts and an archive are made up in FOLDER (kept and used again; without it, a temporary one). Prints the milliseconds
from a request to the last byte for each page, in this process and without a browser, and what making the lists takes.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import msgspec
import trio

from benchmarks.archive import made_up
from benchmarks.nothing_due import write_posts
from crawler.archive import Archive
from crawler.core.model import Check, Confidence, Evidence, Fetch, History, Link, Page, State, Verdict
from crawler.core.results import Run
from crawler.core.settings import ArchiveSettings, NotesSettings, Settings
from crawler.crawl.context import Context, sites_of
from crawler.crawl.reading import read_links
from crawler.serve.access import Access
from crawler.serve.app import make_app
from crawler.serve.library import Library
from crawler.serve.pages.start import warm

NOW = datetime(2026, 1, 20, tzinfo=UTC)
BATCH = 200
RUNS = 365  # nights, so that the chart of health has its points
MIX = [(State.ALIVE, "content")] * 15 + [
    (State.DEAD, "deleted-by-author"), (State.DEAD, "not-found"), (State.SUSPECT, "timeout"),
    (State.BLOCKED, "captcha"), (State.UNKNOWN, "new-notice"),
]  # fmt: skip


def fill(settings: Settings, snapshots: int) -> None:
    """An archive that knows every link of the posts, with a page of 3,000 characters for the first ones."""
    generator = random.Random(7)
    path = Path(settings.archive.path)
    with Archive.open(path, settings.archive, now=lambda: NOW, command="benchmark") as archive:
        links = read_links(Context(settings, sites_of(settings), archive, lambda: NOW), ()).links
        for start in range(0, len(links), BATCH):
            archive.record(
                [_check(link, start + n, snapshots, generator) for n, link in enumerate(links[start : start + BATCH])]
            )
        for night in range(RUNS):
            at = NOW - timedelta(days=RUNS - night)
            run = Run(f"{at:%Y%m%d}-run", "run", at, at + timedelta(hours=2), fetched=1_000, requests=1_200)
            archive.begin_run(run)
            archive.end_run(run)


def _check(link: Link, number: int, snapshots: int, generator: random.Random) -> Check:
    state, reason = generator.choice(MIX)
    at = NOW - timedelta(days=generator.random() * 60)
    text = made_up(generator, 3_000) if number < snapshots else ""
    evidence = Evidence(rule=f"{link.site}/{reason}", matched="#js_content", http_status=200, final_url=link.fetch_url)
    title = made_up(generator, 20)
    history = History(
        link.canonical_url, at - timedelta(days=900), link.url, state, reason, Confidence.HIGH, evidence, checked_at=at,
        last_alive=at, page_title=title, previous_state=State.ALIVE, changed_at=at, next_due=at + timedelta(days=7),
    )  # fmt: skip
    fetch = Fetch(link.fetch_url, link.fetch_url, at, 0.2, 200, body=text.encode())
    page = Page(title=title, text=text, digest=f"sha256:{number:064x}" if text else "")
    return Check(link, at, fetch, page, Verdict(State.ALIVE, "content", evidence=evidence), history, "run", text)


def pages(library: Library) -> Iterator[tuple[str, str]]:
    """Every kind of page, each on the most there is to show."""
    catalog = library.lists().catalog
    note = catalog.notes("", "worst", 1, 0)[0].path
    link = quote(catalog.in_note(note, 1)[0][1].key, safe="")
    yield from {
        "start": "/",
        "notes": "/notes",
        "one note": f"/notes/{quote(note)}",
        "links": "/links",
        "links, one site": "/links?site=weixin",
        "links, words": f"/links?q={quote('标题第')}",
        "links, last page": "/links?page=500",
        "links, by title": "/links?order=title",
        "one link": f"/link?url={link}",
        "its copy": "/snapshot/1",
        "search, one character": f"/search?q={quote('一')}",
        "search, two words": f"/search?q={quote(made_up(random.Random(7), 4))}",
        "what would help": "/waiting",
        "runs": "/runs",
        "feed": "/feed.xml?state=dead",
    }.items()


async def measure(library: Library, rounds: int) -> None:
    """Ask for each page in turn, the first time told apart."""
    app = make_app(library, Access())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1:8765") as client:
        print(f"{'page':24}{'first':>9}{'median':>9}{'worst':>9}   milliseconds")
        for name, address in pages(library):
            taken = []
            for _ in range(rounds):
                started = time.perf_counter()
                answer = await client.get(address)
                taken.append((time.perf_counter() - started) * 1000)
                answer.raise_for_status()
            first, rest = taken[0], taken[1:]
            print(
                f"{name:24}{first:9.1f}{statistics.median(rest):9.1f}{max(rest):9.1f}   {len(answer.content):,} bytes"
            )


def settings_in(folder: Path) -> Settings:
    """Settings of an archive and notes in one folder."""
    return msgspec.structs.replace(
        Settings(),
        notes=NotesSettings(paths=(str(folder / "notes"),)),
        archive=ArchiveSettings(path=str(folder / "archive")),
    )


def main() -> None:
    """Make what is missing, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--links", type=int, default=25_000)
    parser.add_argument("--snapshots", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        settings = settings_in(folder)
        if not (folder / "notes").exists():
            folder.mkdir(parents=True, exist_ok=True)
            write_posts(folder / "notes", options.links)
            fill(settings, options.snapshots)
        started = time.perf_counter()
        library = Library(settings, sites_of(settings), (), lambda: NOW)
        print(f"lists made in {time.perf_counter() - started:.2f} s")
        warm(library)
        try:
            trio.run(measure, library, options.rounds)
        finally:
            library.close()


if __name__ == "__main__":
    main()

"""A nightly run in which nothing is due: notes unchanged, every link remembered. Target: under 1.5 s on a core.

    python -m benchmarks.nothing_due [NOTES] [--links 25000] [--runs 5] [--formats json]

Without NOTES, 817 posts with 25,000 links are made up. Prints seconds of wall and CPU, and the peak of memory, for each
run of `crawler run --format FORMAT --output FILE`, start-up included: first one that reads the notes anew, then
`--runs` of each format, and one (of the first format) after one note was edited, without a link that is new.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from crawler.archive import Archive
from crawler.core.config import site_documents
from crawler.core.model import Confidence, Evidence, Fetch, Page, State, Verdict
from crawler.core.settings import Settings
from crawler.notes.links import link_up, read_notes
from crawler.schedule.history import first_seen, remember
from crawler.sites import load_sites

POSTS = 817


def write_posts(folder: Path, links: int) -> None:
    """Posts in the author's shape: a URL, an empty line, its title."""
    folder.mkdir()
    for post in range(POSTS):
        lines = [f"# Post {post}", ""]
        for n in range(post, links, POSTS):
            host = f"blog{n % 1800}.example/posts/{n}"
            if n % 100 < 54:
                host = f"mp.weixin.qq.com/s/{n:022d}"
            elif n % 100 < 77:
                host = f"zhuanlan.zhihu.com/p/{10_000_000 + n}"
            lines += [f"https://{host}", "", f"文章标题第{n}号", ""]
        (folder / f"2020-{post % 12 + 1}-{post % 28 + 1}-post-{post}.md").write_text("\n".join(lines), encoding="utf-8")


def edit_post(folder: Path) -> None:
    """One post is edited: its last link goes, one of another post comes, and all others move."""
    one, other = sorted(folder.iterdir())[:2]
    lines = one.read_text(encoding="utf-8").splitlines()
    taken = next(line for line in other.read_text(encoding="utf-8").splitlines() if line.startswith("https://"))
    one.write_text("\n".join([lines[0], "", taken, "", *lines[1:-4]]), encoding="utf-8")


def remember_all(notes: Path, archive: Path) -> int:
    """An archive that looked at every link of the notes an hour ago."""
    settings = Settings()
    sites = load_sites(site_documents(settings))
    at = datetime.now(UTC) - timedelta(hours=1)
    alive = Verdict(State.ALIVE, "ok", Confidence.HIGH, Evidence(rule="generic/ok", http_status=200))
    links = [x for x in link_up(read_notes([notes], settings.notes).occurrences, sites) if x.site != "local"]
    with Archive.open(archive, settings.archive, write=True, command="benchmark", now=lambda: at) as store:
        told = []
        for link in links:
            fetch = Fetch(link.fetch_url, link.fetch_url, at, status=200)
            history = first_seen(link.canonical_url, link.url, at)
            told.append(remember(history, fetch, Page(title="标题"), alive, at, settings.schedule, title_match=1.0))
        store.put_histories(told, {link.canonical_url: link for link in links})
    return len(links)


def main() -> int:
    """The command line of the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notes", nargs="?", type=Path)
    parser.add_argument("--links", type=int, default=25_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--formats", nargs="+", default=["json"])
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="nothing-due-"))
    try:
        notes = options.notes or folder / "notes"
        if not options.notes:
            write_posts(notes, options.links)
        with ProcessPoolExecutor(1) as apart:  # a child's peak of memory begins with what its parent holds
            print(f"{apart.submit(remember_all, notes, folder / 'archive').result()} links remembered")
        command = [sys.executable, "-m", "crawler", "run", notes, "--archive", folder / "archive", "--quiet"]
        # Compiled once, as an installed package is, whatever this machine says of writing bytecode.
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        env |= {"CRAWLER_DEBUG": "1", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
        nights = [("notes read anew", options.formats[0])]
        nights += [("nothing changed", form) for form in options.formats for _ in range(options.runs)]
        nights += [("one note changed", options.formats[0])] * (not options.notes)  # whose own notes stay as they are
        for what, form in nights:
            if what == "one note changed":
                edit_post(notes)
            words = [*command, "--format", form, "--output", folder / f"report.{form}"]
            began = time.perf_counter()
            process = subprocess.Popen([str(word) for word in words], env=env)
            _, status, used = os.wait4(process.pid, 0)  # of this child alone: the first one needs most memory
            if status:
                raise SystemExit(f"crawler run ended with {os.waitstatus_to_exitcode(status)}")
            seconds, cpu = time.perf_counter() - began, used.ru_utime + used.ru_stime
            print(f"{form}, {what}: {seconds:.2f} s, {cpu:.2f} s of CPU, {used.ru_maxrss // 1024} MB", flush=True)
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

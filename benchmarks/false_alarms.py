"""How many living pages the rules for any host would call broken: none, if they are good.

    python -m benchmarks.false_alarms FOLDER… [--except FILE] [--verbose]

Every .html and .htm file under each FOLDER is judged as if a host without a site file had answered 200 with it. Test
pages of article extractors (trafilatura, newspaper4k, goose3, GeneralNewsExtractor) make good folders: they were all
living pages when they were saved, a few error pages among them. FILE lists those few, one path a line, relative to its
FOLDER; they are left out. Each page that is dead, suspect or blocked is printed with the rule that said so, and makes
the exit status 1; pages that are unknown are counted.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from crawler.core.model import Fetch, Link, State, Verdict
from crawler.judge import judge
from crawler.page.document import Document

WHEN = datetime(2026, 1, 2, tzinfo=UTC)
ADDRESS = "https://living.example/2026/01/an-article-of-that-day.html"
ALARMS = (State.DEAD, State.SUSPECT, State.BLOCKED)


def pages(folders: list[Path], left_out: frozenset[str]) -> Iterator[tuple[Path, bytes]]:
    """Every page once, whatever it is called and wherever it lies."""
    seen = set()
    for folder in folders:
        for file in sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".html", ".htm") and p.is_file()):
            body = file.read_bytes()
            digest = hashlib.sha256(body).digest()
            if str(file.relative_to(folder)) not in left_out and digest not in seen and body.strip():
                seen.add(digest)
                yield file, body


def verdict_of(body: bytes) -> Verdict:
    """What the rules say of a body that came with 200 from a host of no site file."""
    headers = (("Content-Type", "text/html"),)
    fetch = Fetch(ADDRESS, ADDRESS, WHEN, status=200, headers=headers, body=body)
    link = Link(ADDRESS, ADDRESS, ADDRESS, "other", "living.example", "living.example")
    return judge(link, fetch, Document(body, "text/html", ADDRESS), None)


def main(arguments: list[str] | None = None) -> int:
    """Judge every page of the folders; 1 where one is called dead, suspect or blocked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--except", dest="left_out", type=Path, metavar="FILE", help="paths that are no living pages")
    parser.add_argument("--verbose", action="store_true", help="print unknown pages too")
    options = parser.parse_args(arguments)
    if missing := [folder for folder in options.folders if not folder.is_dir()]:
        parser.error(f"no such folder: {missing[0]}")
    left_out = frozenset(options.left_out.read_text("utf-8").split("\n") if options.left_out else ())
    counts: Counter[str] = Counter()
    alarms, started = 0, time.perf_counter()
    for file, body in pages(options.folders, left_out):
        verdict = verdict_of(body)
        counts[f"{verdict.state}/{verdict.reason}"] += 1
        alarm = verdict.state in ALARMS
        alarms += alarm
        if alarm or (options.verbose and verdict.state is State.UNKNOWN):
            print(file, f"{verdict.state}/{verdict.reason}", verdict.evidence.rule, verdict.evidence.matched, sep="\t")
    for name, count in counts.most_common():
        print(f"{count:6d}  {name}")
    seconds = time.perf_counter() - started
    print(f"{counts.total()} pages in {seconds:.1f} s, {alarms} called dead, suspect or blocked")
    return 1 if alarms else 0


if __name__ == "__main__":
    sys.exit(main())

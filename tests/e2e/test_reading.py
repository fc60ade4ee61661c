"""Pages that no parser gets through: they cost themselves alone, and a signal ends a run in the middle of them."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crawler.testing import pages
from crawler.testing.answer import StandInAnswer, StandInPlan
from crawler.testing.pages import Article

if TYPE_CHECKING:
    from conftest import Stage

GOOD = [f"https://good{n % 4}.example/{n}" for n in range(40)]
BOMBS = {
    f"https://good{n % 4}.example/bomb{n}": html
    for n, html in enumerate((
        "<!-->" + "<div>" * 150_000,
        "<div>" + "".join(f"<b id={i}>" for i in range(500)) + "</div>" + "</i>" * 500 + "<div>x</div>" * 60_000,
        "".join(f"<p><b id={i}>" for i in range(40_000)),
        "<table><tr><td>" * 60_000 + "x",
    ))
}  # fmt: skip
ENDLESS = "https://good0.example/bomb0"
SOME_WORDS = "Words that stand here for an article of some length. " * 20


def article(url: str) -> StandInAnswer:
    words = (f"All that is said at {url}.", SOME_WORDS)
    return StandInAnswer(pages.blog_article(Article(url, f"Article {url}", "Ann", words, "Good")))


def world() -> StandInPlan:
    bombs = {url: StandInAnswer(html.encode()) for url, html in BOMBS.items()}
    return StandInPlan({**{url: article(url) for url in GOOD}, **bombs})


def test_bombs_among_good_pages_cost_themselves_alone(staged: Callable[..., Stage]) -> None:
    stage = staged(world(), {"read": {"seconds": 0.5, "processes": 2}})
    stage.note("links.md", "\n\n".join((*BOMBS, *GOOD)))

    report = stage.report("run")

    assert report.of_state("alive") >= set(GOOD)
    assert report.verdicts[ENDLESS] == ("unknown", "too-complex")
    assert {report.states[url] for url in BOMBS} <= {"alive", "unknown"}  # some may be read within the limits
    kept = stage.crawler("show", ENDLESS, "--raw")
    assert kept.returncode == 0, kept.stderr
    assert kept.stdout == BOMBS[ENDLESS]


def test_a_signal_ends_a_run_whose_readers_are_busy_with_bombs(staged: Callable[..., Stage]) -> None:
    stage = staged(world(), {"read": {"seconds": 300, "processes": 1}})
    stage.note("links.md", "\n\n".join((*GOOD[:4], ENDLESS)))
    with stage.start("run", "--format", "json", "--output", "report.json") as process:
        wait_for(lambda: stage.web.asked(ENDLESS) and all(stage.web.asked(url) for url in GOOD[:4]))
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        process.communicate(timeout=45)
        took = time.monotonic() - started

    assert process.returncode == 3
    assert took < 30  # ten seconds of grace for what is open, five for readers, and a busy machine
    report = stage.written()
    assert report.whole["run"]["stopped_by"] == "signal"
    assert report.states[ENDLESS] in ("unchecked", "unknown")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_page_that_kills_its_reader_twice_is_an_internal_error_of_its_own(staged: Callable[..., Stage]) -> None:
    stage = staged(world(), {"read": {"seconds": 300, "processes": 1}})
    stage.note("links.md", "\n\n".join((ENDLESS, *GOOD[:4])))
    killed: set[int] = set()
    with stage.start("run", "--format", "json", "--output", "report.json") as process:
        while len(killed) < 2:
            wait_for(lambda: busy_readers(process.pid) - killed)
            for reader in busy_readers(process.pid) - killed:
                killed.add(reader)
                os.kill(reader, signal.SIGKILL)
        _, err = process.communicate(timeout=60)

    report = stage.written()
    assert report.verdicts[ENDLESS] == ("unknown", "internal-error")
    assert report.of_state("alive") == set(GOOD[:4])
    assert report.whole["run"]["internal_errors"] == 1
    assert process.returncode == 3, err


def wait_for(there: Callable[[], object]) -> None:
    deadline = time.monotonic() + 45
    while not there():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def busy_readers(crawler: int) -> set[int]:
    """Readers (children of a child of the crawler) that have worked for two seconds."""
    parents, worked = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(folder.name)] = int(fields[1])
        worked[int(folder.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return {pid for pid, parent in parents.items() if parents.get(parent) == crawler and worked[pid] > 2}

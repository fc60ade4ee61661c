"""Handing on all of the archive, or a part of it, through the real command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from crawler.core.counts import Counted
from crawler.testing import pages
from crawler.testing.answer import StandInAnswer, StandInPlan
from crawler.testing.pages import Article

if TYPE_CHECKING:
    from conftest import Stage

pytestmark = pytest.mark.slow

WORDS = ("A bridge is a short road.", "It ends where it began to be needed.", "Nobody lives on it.")
BRIDGES, FERRIES = (
    Article(f"https://blog.example/{name}", f"On small {name}", "Ann", WORDS, account="Ann's")
    for name in ("bridges", "ferries")
)
PLAN = StandInPlan(answers={post.url: StandInAnswer(pages.blog_article(post)) for post in (BRIDGES, FERRIES)})


@pytest.fixture(scope="module")
def stage(staged_once: Callable[..., Stage]) -> Stage:
    """Two posts that were kept, each named in a note of its own."""
    made = staged_once(PLAN)
    made.note("bridges.md", f"[bridges]({BRIDGES.url})")
    made.note("ferries.md", f"[ferries]({FERRIES.url})")
    made.report("run")
    return made


@pytest.mark.parametrize(
    ("named", "pages"),
    [
        ((), 2),
        ((BRIDGES.url,), 1),
        (("notes/ferries.md",), 1),
        (("notes",), 2),
        ((BRIDGES.url, "notes/ferries.md"), 2),
        (("--url", FERRIES.url), 1),
    ],
)
def test_links_and_notes_say_what_is_handed_on(stage: Stage, named: tuple[str, ...], pages: int) -> None:
    done = stage.crawler("export", "--markdown", f"md-{hash(named)}", *named)
    assert (done.returncode, done.stdout.split("\t")[1], done.stderr) == (0, f"{Counted(pages):page}\n", "")


def test_links_that_were_never_kept_are_named_and_nothing_is_written(stage: Stage) -> None:
    unknown = ("https://never.example/", "https://never.example/b")
    done = stage.crawler("export", unknown[0], "--html", "none", "--url", unknown[1])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"crawler: nothing to write: the archive holds no copy of {unknown[0]}, {unknown[1]}\n"
    assert not (stage.folder / "none").exists()


@pytest.mark.parametrize("known", [BRIDGES.url, "notes/bridges.md"])
def test_of_several_links_the_known_are_written_and_the_unknown_named(stage: Stage, known: str) -> None:
    done = stage.crawler("export", known, "https://never.example/", "--markdown", f"some-{hash(known)}")
    assert (done.returncode, done.stdout.split("\t")[1]) == (1, "1 pages\n")
    assert done.stderr == "crawler: https://never.example/: the archive holds no copy of it\n"


def test_a_damaged_page_is_told_and_the_others_are_handed_on(staged: Callable[..., Stage]) -> None:
    stage = staged(PLAN, {"archive": {"codec": "gz"}})
    stage.note("a.md", BRIDGES.url)
    stage.report("run")
    (segment,) = (stage.folder / "archive").rglob("*.warc.gz")
    whole = bytearray(segment.read_bytes())
    stage.note("b.md", FERRIES.url)
    stage.report("run")
    grown = bytearray(segment.read_bytes())
    grown[len(whole) - 2_000 : len(whole) - 500] = bytes(1_500)
    segment.write_bytes(grown)
    done = stage.crawler("export", "--html", "out", "--wacz", "out.wacz")
    assert (done.returncode, done.stdout) == (1, "out.wacz\t1 page\nout\t1 page\n")
    assert f"crawler: {BRIDGES.url} of " in done.stderr
    assert "`crawler verify` tells more" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("--wacz", "notes"), ("--html", "crawler.toml"), ("--wacz",)])
def test_wrong_usage_is_one_clear_line(stage: Stage, arguments: tuple[str, ...]) -> None:
    done = stage.crawler("export", *arguments)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)

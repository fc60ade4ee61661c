"""A person's word on a link, through the real command line: above every check, in every report, and in the segments."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from crawler.testing import pages
from crawler.testing.answer import StandInAnswer, StandInPlan
from crawler.testing.pages import Article

if TYPE_CHECKING:
    from conftest import Stage

pytestmark = pytest.mark.slow

LIVE = Article("https://blog.example/live", "On rivers", "Ann", ("Rivers bend.",) * 9)
GONE = "https://blog.example/gone"
PLAN = StandInPlan({LIVE.url: StandInAnswer(pages.blog_article(LIVE)), GONE: StandInAnswer(b"<p>no", status=404)})


@pytest.fixture
def stage(staged: Callable[..., Stage]) -> Stage:
    stage = staged(PLAN)
    stage.configure()
    stage.note("a.md", f"{LIVE.url}\n\n{GONE}\n")
    assert stage.report("run").verdicts == {LIVE.url: ("alive", "ok"), GONE: ("dead", "not-found")}
    return stage


def test_a_word_stands_above_every_check_until_it_is_taken_back(stage: Stage) -> None:
    assert stage.crawler("mark", GONE, "fine").stdout == f"alive (marked-fine)\t{GONE}\n"
    assert stage.crawler("mark", LIVE.url, "dead").returncode == 0
    said = {LIVE.url: ("dead", "marked-dead"), GONE: ("alive", "marked-fine")}
    assert stage.report("report").verdicts == said
    assert stage.report("run", "--all").verdicts == said
    shown = stage.crawler("show", GONE).stdout
    assert "your word\tfine" in shown
    assert "checks say dead (not-found)" in shown
    assert stage.crawler("verify", "--rebuild").returncode == 0
    assert stage.report("report").verdicts == said

    assert stage.crawler("mark", GONE, "clear").stdout == f"dead (not-found)\t{GONE}\n"
    assert stage.crawler("mark", LIVE.url, "clear").returncode == 0
    assert stage.report("report").verdicts == {LIVE.url: ("alive", "ok"), GONE: ("dead", "not-found")}


def test_what_is_no_url_and_no_word_is_one_clear_line(stage: Stage) -> None:
    for arguments in (("mark", "nonsense", "fine"), ("mark", GONE, "perhaps"), ("mark", GONE)):
        done = stage.crawler(*arguments)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1


def test_show_answers_what_was_seen_what_that_proves_and_what_would_settle_it(stage: Stage) -> None:
    shown = dict(line.split("\t", 1) for line in stage.crawler("show", GONE).stdout.splitlines() if "\t" in line)
    assert shown["proof"] == "page"
    assert "HTTP 404" in shown["seen"]
    assert shown["proves"] == "The site itself says that the page is gone, on one day."
    assert shown["settles"] == "A second check on another day will settle it."

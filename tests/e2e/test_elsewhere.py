"""`[wayback] suggest` through the real command line, with a stand-in for the Internet Archive."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from crawler.testing import pages
from crawler.testing.answer import StandInAnswer, StandInPlan
from crawler.testing.wayback import OFFLINE, StandInCapture, StandInWayback

if TYPE_CHECKING:
    from conftest import Stage

pytestmark = pytest.mark.slow

ENDPOINT = "http://archive.example"
DELETED = "https://mp.weixin.qq.com/s/Wayback0000000000_01"
GONE = "https://blog.example/gone"
TITLE = "茶是怎样做成的"
ARTICLE = pages.weixin_article(pages.Article(DELETED, TITLE, "作者", ("第一段。" * 30, "第二段。" * 30)))
NOTICE = pages.weixin_notice("该内容已被发布者删除")


@pytest.fixture
def archive() -> StandInWayback:
    """The nearest capture is a notice, the next one the Archive's own trouble; the good one is not the nearest."""
    return StandInWayback(
        [
            StandInCapture(DELETED, "20210506120000", NOTICE),
            StandInCapture(DELETED, "20210503000000", b"x", instead=OFFLINE),
            StandInCapture(DELETED, "20210501000000", ARTICLE),
            StandInCapture(GONE, "20210506000000", b"<title>404 Not Found</title>", status=404),
        ]
    )


@pytest.fixture
def stage(staged: Callable[..., Stage], archive: StandInWayback) -> Stage:
    """A web with two dead pages, and an Archive that has one of them."""
    answers = {DELETED: StandInAnswer(NOTICE), GONE: StandInAnswer(b"<p>gone", status=410)}
    stage = staged(StandInPlan(answers=answers, handlers={"archive.example": archive}))
    stage.configure({"wayback": {"suggest": True, "endpoint": ENDPOINT}})
    stage.note("2021-05-06-post.md", f"[{TITLE}]({DELETED})\n\n{GONE}\n")
    return stage


def test_a_run_finds_captures_of_the_dead_that_show_them_and_remembers_them(
    stage: Stage, archive: StandInWayback
) -> None:
    report = stage.report("run")

    (found,) = report[DELETED]["suggestions"]
    assert found == {
        "kind": "wayback", "url": f"{ENDPOINT}/web/20210501000000/{DELETED}", "captured_at": "2021-05-01T00:00:00Z",
        "status": 200, "title": TITLE, "title_match": 1.0,
    }  # fmt: skip
    assert report[GONE]["suggestions"] == []
    assert set(archive.looked_up()) == {DELETED, GONE}

    asked = len(archive.asked)
    again = stage.report("run")
    kept = stage.report("report")
    assert again[DELETED]["suggestions"] == kept[DELETED]["suggestions"] == [found]
    assert len(archive.asked) == asked, "nothing is asked twice"

    fixed = stage.crawler("fix", "--unconfirmed")
    assert f"]({found['url']})" in fixed.stdout
    assert len(archive.asked) == asked


def test_fix_asks_for_itself_and_remembers_what_it_heard(stage: Stage, archive: StandInWayback) -> None:
    stage.configure()
    stage.report("run")
    assert archive.asked == []
    stage.configure({"wayback": {"suggest": True, "endpoint": ENDPOINT}})

    fixed = stage.crawler("fix", "--unconfirmed")
    assert f"]({ENDPOINT}/web/20210501000000/{DELETED})" in fixed.stdout, fixed.stderr
    asked = len(archive.asked)
    assert asked
    assert stage.crawler("fix", "--unconfirmed").stdout == fixed.stdout
    assert len(archive.asked) == asked


def test_captures_are_brought_into_the_archive(stage: Stage, archive: StandInWayback) -> None:
    done = stage.crawler("import", "--from", "wayback", "notes")
    assert done.returncode == 1, done.stderr
    assert f"snapshot 1 of {DELETED} as of 2021-05-01" in done.stdout
    assert (
        f"{GONE}: no capture at the Internet Archive shows the page" in done.stderr or "has no capture" in done.stderr
    )
    assert "第一段" in stage.crawler("show", DELETED, "--text").stdout

    again = stage.crawler("import", "--from", "wayback", DELETED)
    assert "there already" in again.stdout, again.stderr
    report = stage.report("run")
    assert report.states[DELETED] == "dead", "what was brought from the past says nothing of today"
    assert report[DELETED]["snapshot"]["captured_at"] == "2021-05-01T00:00:00Z"


def test_a_check_asks_nobody(stage: Stage, archive: StandInWayback) -> None:
    stage.crawler("check", "--all")
    assert archive.asked == []


def test_an_archive_that_is_down_is_no_failure_of_the_run(stage: Stage) -> None:
    stage.configure({"wayback": {"suggest": True, "endpoint": "http://127.0.0.1:9"}})
    report = stage.report("run")
    assert report.states[DELETED] == "dead"
    assert report[DELETED]["suggestions"] == []

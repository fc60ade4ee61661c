"""`[wayback] suggest` through the real command line, with a stand-in for the Internet Archive."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from crawler.testing import pages
from crawler.testing.answer import StandInAnswer, StandInPlan, redirect

if TYPE_CHECKING:
    from conftest import Stage

pytestmark = pytest.mark.slow

DELETED = "https://mp.weixin.qq.com/s/Wayback0000000000_01"
GONE = "https://blog.example/gone"
PLAN = StandInPlan(
    answers={
        DELETED: StandInAnswer(pages.weixin_notice("该内容已被发布者删除")),
        GONE: StandInAnswer(b"<p>gone", status=410),
    }
)


@pytest.fixture
def stage(staged: Callable[..., Stage]) -> Stage:
    """A web whose own address plays the Internet Archive: it has one of the two pages."""
    stage = staged(PLAN)
    endpoint = "http://" + stage.web.resolve["blog.example:80"]
    captured = f"{endpoint}/web/20210501000000/{DELETED}"
    stage.web.put(f"{endpoint}/web/20210506000000/{DELETED}", redirect(captured))
    stage.configure({"wayback": {"suggest": True, "endpoint": endpoint}})
    stage.note("2021-05-06-post.md", f"{DELETED}\n\n{GONE}\n")
    return stage


def questions(stage: Stage) -> list[str]:
    return [request.target for request in stage.web.log if request.target.startswith("/web/")]


def test_a_run_finds_captures_of_the_dead_and_remembers_them(stage: Stage) -> None:
    report = stage.report("run")

    (found,) = report[DELETED]["suggestions"]
    assert found["kind"] == "wayback"
    assert found["url"].endswith(f"/web/20210501000000/{DELETED}")
    assert found["captured_at"] == "2021-05-01T00:00:00Z"
    assert report[GONE]["suggestions"] == []
    assert set(questions(stage)) == {f"/web/20210506000000/{url}" for url in (DELETED, GONE)}

    again = stage.report("run")
    kept = stage.report("report")
    assert again[DELETED]["suggestions"] == kept[DELETED]["suggestions"] == [found]
    assert len(questions(stage)) == 2, "nothing is asked twice"

    fixed = stage.crawler("fix", "--unconfirmed")
    assert f"+{found['url']}" in fixed.stdout


def test_a_check_asks_nobody(stage: Stage) -> None:
    stage.crawler("check", "--all")
    assert questions(stage) == []


def test_an_archive_that_is_down_is_no_failure_of_the_run(stage: Stage) -> None:
    stage.configure({"wayback": {"suggest": True, "endpoint": "http://127.0.0.1:9"}})
    report = stage.report("run")
    assert report.states[DELETED] == "dead"
    assert report[DELETED]["suggestions"] == []

"""The scheduled run, from a folder of notes to a report, through the real command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from crawler.testing import pages
from crawler.testing.answer import Fault, StandInAnswer, StandInPlan, broken, redirect
from crawler.testing.pages import Article

if TYPE_CHECKING:
    from conftest import Report, Stage

pytestmark = pytest.mark.slow

TEXT = ("这一段文字只为测试而写，说的是雨后的石板路。", "第二段补充一点：石板路通向一座没有名字的桥。")
ALIVE = Article("https://mp.weixin.qq.com/s/E2Ealive000000000000_1", "石板路与桥", "甲", TEXT, account="桥边")
COLUMN = Article("https://zhuanlan.zhihu.com/p/700200300", "桥的力学", "乙", TEXT)
POST = Article("https://blog.example/bridges", "On small bridges", "Ann", ("A bridge is a short road.",) * 3, "Ann's")
DELETED = "https://mp.weixin.qq.com/s/E2Edeleted0000000000_2"
FLAKY = "https://flaky.example/post"
GONE = "https://blog.example/gone"

PLAN = StandInPlan(
    answers={
        ALIVE.url: StandInAnswer(pages.weixin_article(ALIVE), encoding="gzip"),
        DELETED: StandInAnswer(pages.weixin_notice("该内容已被发布者删除")),
        COLUMN.url: StandInAnswer(pages.zhihu_column(COLUMN), encoding="br"),
        POST.url: StandInAnswer(pages.blog_article(POST), encoding="zstd", etag='"1"'),
        FLAKY: StandInAnswer(
            pages.blog_article(replace(POST, url=FLAKY)), fail_first=1, fail_with=StandInAnswer(b"<p>busy", status=503)
        ),
        GONE: StandInAnswer(b"<p>gone", status=410),
        "https://moved.example/old": redirect("https://moved.example/new", 301),
        "https://moved.example/new": StandInAnswer(pages.blog_article(replace(POST, url="https://moved.example/new"))),
    }
)
NOTE = f"""\
# 桥

{ALIVE.url}

石板路与桥

{DELETED}

断桥

{COLUMN.url}

桥的力学

[a post]({POST.url}), [one that stumbles]({FLAKY}), [one that is gone]({GONE})
and [one that moved](https://moved.example/old).

![a picture](missing.png)
"""
LIVING = {ALIVE.url, COLUMN.url, POST.url, FLAKY, "https://moved.example/old"}


@pytest.fixture
def stage(staged: Callable[..., Stage]) -> Stage:
    stage = staged(PLAN)
    stage.note("桥.md", NOTE)
    return stage


@pytest.fixture(scope="module")
def ran(staged_once: Callable[..., Stage]) -> tuple[Stage, Report]:
    """One run that several tests look at."""
    stage = staged_once(PLAN)
    stage.note("桥.md", NOTE)
    return stage, stage.report("run")


def test_a_run_says_what_is_true_of_every_link(ran: tuple[Stage, Report]) -> None:
    _, report = ran

    assert report.of_state("alive") == LIVING
    assert report.verdicts[DELETED] == ("dead", "deleted-by-author")
    assert report.verdicts[GONE] == ("dead", "gone")
    assert report.verdicts["missing.png"] == ("dead", "missing-file")
    assert report["https://moved.example/old"]["moved_to"] == "https://moved.example/new"
    assert report.whole["run"]["complete"] is True


def test_the_report_has_the_promised_shape(ran: tuple[Stage, Report]) -> None:
    report = ran[1].whole

    assert report["schema"] == "crawler.report/1"
    assert set(report["counts"]) == {"alive", "dead", "suspect", "blocked", "unknown", "unchecked"}
    assert report["counts"]["alive"] == len(LIVING)
    assert report["by_site"]["weixin"]["dead"] == 1
    assert {"id", "command", "started_at", "finished_at", "complete", "fetched", "requests", "kept_bytes", "network",
            "slots_given_up", "stopped_by"} <= report["run"].keys()  # fmt: skip
    missing = report["links"][0]
    (place,) = missing["occurrences"]
    assert (missing["state"], missing["site"], place["path"], place["kind"]) == ("dead", "local", "桥.md", "local")
    assert place["line"] == NOTE.splitlines().index("![a picture](missing.png)") + 1


def test_titles_text_and_snapshot_of_a_living_page_are_told(ran: tuple[Stage, Report]) -> None:
    found = ran[1][ALIVE.url]

    assert (found["note_title"], found["page_title"]) == ("石板路与桥", "石板路与桥")
    assert found["title_match"] == 1.0
    assert found["snapshot"]["text_chars"] >= len("".join(TEXT)) - 2
    assert found["occurrences"][0]["line"] == 3


def test_one_get_for_each_living_link_and_nothing_else(ran: tuple[Stage, Report]) -> None:
    stage, _ = ran

    assert {request.method for request in stage.web.log} == {"GET"}
    assert not [request for request in stage.web.log if request.target == "/robots.txt"]
    assert {url: len(stage.web.asked(url)) for url in LIVING - {FLAKY}} == dict.fromkeys(LIVING - {FLAKY}, 1)


def test_a_retry_heals_a_flaky_host(ran: tuple[Stage, Report]) -> None:
    stage, report = ran

    assert report.states[FLAKY] == "alive"
    assert [request.status for request in stage.web.asked(FLAKY)] == [503, 200]


def test_a_second_run_at_once_asks_nothing_and_forgets_nothing(stage: Stage) -> None:
    first = stage.report("run")
    asked = len(stage.web.log)

    second = stage.report("run")

    assert len(stage.web.log) == asked
    assert second.verdicts == first.verdicts
    assert second[ALIVE.url]["snapshot"] == first[ALIVE.url]["snapshot"]
    assert second.whole["run"]["requests"] == 0


def test_all_asks_again_whatever_is_due(stage: Stage) -> None:
    stage.report("run")
    stage.report("run", "--all")

    assert len(stage.web.asked(ALIVE.url)) == 2


def test_a_report_and_a_search_come_from_the_archive_alone(ran: tuple[Stage, Report]) -> None:
    stage, _ = ran
    asked = len(stage.web.log)

    report = stage.report("report")
    found = stage.crawler("search", "石板路")

    assert report.of_state("alive") == LIVING
    assert ALIVE.url in found.stdout
    assert stage.crawler("verify").returncode == 0
    assert len(stage.web.log) == asked


def test_a_link_that_dies_between_two_runs_is_news_with_its_snapshot_kept(stage: Stage) -> None:
    stage.report("run")
    stage.web.put(ALIVE.url, StandInAnswer(pages.weixin_notice("该内容已被发布者删除")))

    found = stage.report("run", "--all")[ALIVE.url]

    assert (found["state"], found["reason"]) == ("dead", "deleted-by-author")
    assert found["snapshot"]["title"] == "石板路与桥"
    assert found["last_alive_at"] is not None


def test_fail_on_turns_findings_into_an_exit_code(stage: Stage) -> None:
    assert stage.crawler("run").returncode == 0
    assert stage.crawler("run", "--fail-on", "dead").returncode == 1
    assert stage.crawler("check", "--offline", "--fail-on", "blocked").returncode == 0


def test_a_captcha_wall_closes_its_slot_and_the_rest_stays_as_remembered(staged: Callable[..., Stage]) -> None:
    urls = [f"https://mp.weixin.qq.com/s/E2Ewalled{n:013d}" for n in range(12)]
    shell = pages.weixin_captcha(urls[0])
    wall = "https://mp.weixin.qq.com/mp/wappoc_appmsgcaptcha?poc_token=1"
    stage = staged(
        StandInPlan({**{url: redirect(wall) for url in urls}, wall: StandInAnswer(shell)}), {"fetch": {"patience": 3}}
    )
    stage.note("wall.md", "\n\n".join(urls))

    report = stage.report("run")

    assert report.whole["counts"]["dead"] == 0
    assert len(report.of_state("blocked")) < len(urls)
    assert report.whole["run"]["complete"] is False
    (given_up,) = report.whole["run"]["slots_given_up"]
    assert given_up["slot"] == "weixin"
    assert given_up["left"] == len(report.of_state("unchecked"))


def test_secrets_of_the_sharer_never_reach_a_report(staged: Callable[..., Stage]) -> None:
    url = (
        "https://mp.weixin.qq.com/s?__biz=MzA5MDAwMDAwMQ==&mid=2247480001&idx=1&sn=abcd&key=SECRET1&pass_ticket=SECRET2"
    )
    stage = staged(StandInPlan({url: StandInAnswer(pages.weixin_article(Article(url, "题", "甲", TEXT)))}))
    stage.note("shared.md", url)

    done = stage.crawler("run", "--format", "json", "--format", "markdown", "--verbose")

    assert done.returncode == 0
    assert "SECRET" not in done.stdout + done.stderr
    assert "SECRET" in stage.web.log[0].target


def test_links_on_a_pipe_are_one_a_line(ran: tuple[Stage, Report]) -> None:
    done = ran[0].crawler("links")

    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert {len(row) for row in rows} == {6}
    assert rows[0] == ["桥.md", "3", "1", ALIVE.url, "bare", "石板路与桥"]
    assert len(rows) == 8


def test_a_site_that_never_answers_is_suspect(staged: Callable[..., Stage]) -> None:
    stage = staged(
        StandInPlan({"https://asleep.example/": broken(Fault.HANG), POST.url: StandInAnswer(pages.blog_article(POST))})
    )
    stage.configure({"fetch": {"timeout": 0.5, "retries": 0}})
    stage.note("asleep.md", f"https://asleep.example/\n\n{POST.url}\n")

    assert stage.report("run").verdicts["https://asleep.example/"] == ("suspect", "timeout")


def test_several_formats_go_to_several_files(stage: Stage) -> None:
    done = stage.crawler("run", "--format", "json", "--output", "a.json", "--format", "html", "--output", "a.html")

    assert done.returncode == 0
    assert json.loads((stage.folder / "a.json").read_text(encoding="utf-8"))["counts"]["alive"] == len(LIVING)
    assert "<html" in (stage.folder / "a.html").read_text(encoding="utf-8")
    assert done.stdout == ""

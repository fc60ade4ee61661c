"""What is remembered and kept, asked by commands that send nothing: show, search, explain, rejudge, report, verify."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from crawler.testing import pages
from crawler.testing.answer import StandInAnswer, StandInPlan
from crawler.testing.pages import Article

if TYPE_CHECKING:
    from conftest import Stage

pytestmark = pytest.mark.slow

FIRST = ("石板路在雨后发亮。", "路的尽头是一座桥。", "桥没有名字。")
ARTICLE = Article("https://mp.weixin.qq.com/s/E2Ekept0000000000000_1", "石板路与桥", "甲", FIRST, account="桥边")
LATER = replace(ARTICLE, paragraphs=("石板路在雨后发亮。", "路的尽头是一座桥。", "今年有人给桥起了名字。"))
NOTICE = "https://mp.weixin.qq.com/s/E2Enotice00000000000_2"
POST = Article("https://blog.example/bridges", "On small bridges", "Ann", ("A bridge is a short road.",) * 3, "Ann's")
RULE = '[[row]]\nid = "bound"\nstate = "dead"\nreason = "removed-for-violation"\nnotice = ["装订"]\n'


@pytest.fixture(scope="module")
def stage(staged_once: Callable[..., Stage]) -> Stage:
    """Two runs over an article that changed between them, a notice that no rule knows, and a blog's post."""
    plan = StandInPlan(
        {
            ARTICLE.url: StandInAnswer(pages.weixin_article(ARTICLE)),
            NOTICE: StandInAnswer(pages.weixin_notice("本篇正在装订成册")),
            POST.url: StandInAnswer(pages.blog_article(POST)),
        }
    )
    stage = staged_once(plan, {"archive": {"images": "none"}})
    stage.note("bridges.md", f"{ARTICLE.url}\n\n石板路与桥\n\n{NOTICE}\n\n[a post]({POST.url})\n")
    assert stage.crawler("run").returncode == 0
    stage.web.put(ARTICLE.url, StandInAnswer(pages.weixin_article(LATER)))
    assert stage.crawler("run", "--all").returncode == 0
    return stage


def lines(stage: Stage, *arguments: str) -> list[list[str]]:
    done = stage.crawler(*arguments)
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_show_tells_state_snapshots_and_checks_a_thing_a_line(stage: Stage) -> None:
    told = lines(stage, "show", ARTICLE.url)
    assert ["url", ARTICLE.url] in told
    assert ["title", "石板路与桥"] in told
    assert [row[0] for row in told].count("snapshot") == 2
    assert [row[0] for row in told].count("check") == 2


def test_the_newest_text_the_readable_copy_and_the_raw_bytes_come_back(stage: Stage) -> None:
    assert "今年有人给桥起了名字。" in stage.crawler("show", ARTICLE.url, "--text").stdout
    readable = stage.crawler("show", ARTICLE.url, "--html").stdout
    assert readable.startswith("<!DOCTYPE html>")
    assert "<script" not in readable
    assert stage.crawler("show", ARTICLE.url, "--raw").stdout.encode() == pages.weixin_article(LATER)


def test_an_older_snapshot_is_shown_when_it_is_named(stage: Stage) -> None:
    first = next(row[1] for row in lines(stage, "show", ARTICLE.url) if row[0] == "snapshot")
    assert "桥没有名字。" in stage.crawler("show", ARTICLE.url, "--text", "--snapshot", first).stdout
    assert "no such snapshot" in stage.crawler("show", ARTICLE.url, "--text", "--snapshot", "9999").stderr


def test_a_diff_between_snapshots_is_by_sentence(stage: Stage) -> None:
    told = stage.crawler("show", ARTICLE.url, "--diff").stdout.splitlines()
    assert "- 桥没有名字。" in told
    assert "+ 今年有人给桥起了名字。" in told
    assert not any(line.startswith(("- 石板路", "+ 石板路")) for line in told)


def test_a_link_that_nobody_knows_is_a_clear_line(stage: Stage) -> None:
    done = stage.crawler("show", "https://nowhere.example/")
    assert done.returncode == 2
    assert "knows no link" in done.stderr


def test_search_finds_chinese_words_titles_of_notes_and_filters(stage: Stage) -> None:
    assert [row[0] for row in lines(stage, "search", "桥")][:1] == [ARTICLE.url]
    assert [row[0] for row in lines(stage, "search", "名字", "site:weixin")] == [ARTICLE.url]
    every = lines(stage, "search", "名字", "site:weixin", "--snapshots")
    assert [row[0] for row in every] == [ARTICLE.url] * 2
    assert every[0][1] >= every[1][1], "what the page says now comes first, each with its date"
    told = json.loads(stage.crawler("search", "名字", "--snapshots", "--format", "json").stdout)
    assert [hit["current"] for hit in told] == [True, False]
    assert [row[0] for row in lines(stage, "search", "short", "road")] == [POST.url]
    assert lines(stage, "search", "short", "-road", "--limit", "5") == []
    assert [row[0] for row in lines(stage, "search", "-zeppelin", "short")] == [POST.url]
    assert lines(stage, "search", "zeppelin") == []
    hit = json.loads(stage.crawler("search", "名字", "--format", "json").stdout)[0]
    start, end = hit["spans"][0]
    assert hit["snippet"][start:end] == "名字"


def test_explain_shows_every_row_that_was_tried_and_the_verdict(stage: Stage) -> None:
    told = stage.crawler("explain", NOTICE).stdout
    assert "weixin/deleted-by-author" in told
    assert "unknown (unseen-notice)" in told
    assert "本篇正在装订成册" in told
    assert "HIT  weixin/article" in stage.crawler("explain", ARTICLE.url).stdout


def test_explain_reads_a_saved_page_under_the_address_that_is_given(stage: Stage) -> None:
    saved = stage.folder / "saved.html"
    saved.write_bytes(pages.weixin_notice("该内容已被发布者删除"))
    assert "dead (deleted-by-author)" in stage.crawler("explain", "saved.html", "--url", NOTICE).stdout
    without = stage.crawler("explain", "saved.html")
    assert (without.returncode, "--url" in without.stderr) == (2, True)


def test_a_rule_of_the_users_own_is_tried_on_what_was_kept_and_recorded_only_with_write(stage: Stage) -> None:
    sites = stage.folder / "sites"
    sites.mkdir()
    (sites / "weixin.toml").write_text(f'hosts = ["mp.weixin.qq.com"]\n{RULE}', encoding="utf-8")
    (stage.folder / "with-sites.toml").write_text(
        (stage.folder / "crawler.toml").read_text(encoding="utf-8") + '\n[sites]\npath = "sites"\n', encoding="utf-8"
    )
    asked = len(stage.web.log)
    tried = stage.crawler("rejudge", "--config", "with-sites.toml")
    assert "unknown (unseen-notice) -> dead (removed-for-violation) by weixin/bound" in tried.stdout
    assert "1 link would be corrected" in tried.stderr
    assert stage.report("report")[NOTICE]["state"] == "unknown"
    assert stage.crawler("rejudge", "--write", "--config", "with-sites.toml").returncode == 0
    assert stage.report("report")[NOTICE]["state"] == "dead"
    assert len(stage.web.log) == asked


def test_a_report_without_a_run_is_the_memory(stage: Stage) -> None:
    report = stage.report("report")
    assert report[ARTICLE.url]["state"] == "alive"
    assert report[ARTICLE.url]["snapshot"]["text_chars"] > 10
    assert report.whole["trend"]


def test_an_archive_that_is_not_there_is_an_empty_one_for_reports_alone(stage: Stage) -> None:
    for command in (["search", "桥"], ["show", ARTICLE.url], ["export", "--warc", "out"], ["verify"]):
        done = stage.crawler(*command, "--archive", "nowhere")
        assert (done.returncode, "holds no archive" in done.stderr) == (2, True), command
    assert stage.report("report", "--archive", "nowhere").of_state("unchecked") == {ARTICLE.url, NOTICE, POST.url}
    assert not (stage.folder / "nowhere").exists()


def test_the_archive_agrees_with_itself_also_after_its_index_was_made_anew(stage: Stage) -> None:
    before = stage.report("report").verdicts
    assert stage.crawler("verify").returncode == 0
    assert stage.crawler("verify", "--rebuild").returncode == 0
    assert stage.report("report").verdicts == before
    assert [row[0] for row in lines(stage, "search", "名字", "site:weixin")] == [ARTICLE.url]

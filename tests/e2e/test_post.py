"""A whole post in the author's shape, 69 links, against the stand-in web: the dead are flagged, and only those."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from crawler.testing import pages
from crawler.testing.answer import Fault, StandInAnswer, StandInPlan, redirect
from crawler.testing.pages import Article

if TYPE_CHECKING:
    from conftest import Report, Stage

pytestmark = pytest.mark.slow

TOPICS = ["降噪", "分离", "唤醒", "转写", "合成", "韵律", "声纹", "标点", "翻译", "评测"]


def weixin(n: int) -> Article:
    """A short link with the awkward characters that real tokens have: "_" and "-" at any place, "__" among them."""
    token = f"{'_-aZ'[n % 4]}Post__{n:02d}-{'kQ' * 6}"[:22].ljust(22, "x")
    title = f"{TOPICS[n % 10]}笔记（{'一二三四五六'[n // 10]}）"
    return Article(
        f"https://mp.weixin.qq.com/s/{token}", title, "听者", (f"{title}：先说结论，再说过程。",) * 3, "录音棚"
    )


def column(n: int) -> Article:
    return Article(
        f"https://zhuanlan.zhihu.com/p/8001002{n:02d}", f"专栏文章之{TOPICS[n]}", "作者", ("正文在此。",) * 4
    )


def blog(n: int) -> Article:
    return Article(f"https://blog{n}.example/audio/{n}", f"Audio note {n}", "Ann", ("Words about sound.",) * 4, "Audio")


WEIXIN = [weixin(n) for n in range(54)]
COLUMNS = [column(n) for n in range(9)]
BLOGS = [blog(n) for n in range(6)]
ARTICLES = [*WEIXIN, *COLUMNS, *BLOGS]

DEAD = {WEIXIN[3].url, WEIXIN[17].url, WEIXIN[40].url, WEIXIN[41].url, COLUMNS[2].url, BLOGS[5].url}
BLOCKED = {WEIXIN[29].url, COLUMNS[7].url}
FLAKY = BLOGS[1].url


def plan() -> StandInPlan:
    deleted = StandInAnswer(pages.weixin_notice("该内容已被发布者删除"))
    captcha = "https://mp.weixin.qq.com/mp/wappoc_appmsgcaptcha?poc_token=1"
    answers = {
        **{article.url: StandInAnswer(pages.weixin_article(article), encoding="gzip") for article in WEIXIN},
        **{article.url: StandInAnswer(pages.zhihu_column(article)) for article in COLUMNS},
        **{article.url: StandInAnswer(pages.blog_article(article)) for article in BLOGS},
        **{url: deleted for url in DEAD if "mp.weixin" in url},
        WEIXIN[41].url: StandInAnswer(pages.weixin_notice("此内容因违规无法查看", "涉嫌违反相关法律法规和政策")),
        COLUMNS[2].url: StandInAnswer(pages.zhihu_not_found(), status=404),
        BLOGS[5].url: StandInAnswer(b"<p>nothing here", status=404),
        WEIXIN[29].url: redirect(captcha),
        captcha: StandInAnswer(pages.weixin_captcha(WEIXIN[29].url)),
        COLUMNS[7].url: StandInAnswer(pages.zhihu_wall(), status=403),
        FLAKY: StandInAnswer(pages.blog_article(BLOGS[1]), fail_first=1, fail_with=Fault.RESET),
    }
    return StandInPlan(answers)


@pytest.fixture(scope="module")
def ran(staged_once: Callable[..., Stage]) -> tuple[Stage, Report]:
    """The run that the tests look at."""
    stage = staged_once(plan())
    front = "---\nlayout: post\ntitle:  录音笔记（四）\ncategory: audio \n---\n\n* toc\n{:toc}\n\n# 录音\n\n"
    stage.note("audio.md", front + "".join(f"{article.url}\n\n{article.title}\n\n" for article in ARTICLES))
    return stage, stage.report("run")


def test_the_dead_of_69_links_are_flagged_and_only_those(ran: tuple[Stage, Report]) -> None:
    _, report = ran

    assert len(report.states) == 69
    assert report.of_state("dead") == DEAD
    assert report.of_state("blocked") == BLOCKED
    assert report.of_state("alive") == {article.url for article in ARTICLES} - DEAD - BLOCKED


def test_each_living_link_costs_one_get_and_has_the_authors_title(ran: tuple[Stage, Report]) -> None:
    stage, report = ran

    living = report.of_state("alive") - {FLAKY}
    assert {len(stage.web.asked(url)) for url in living} == {1}
    assert len(stage.web.asked(FLAKY)) == 2
    assert {report[url]["note_title"] for url in living} == {report[url]["page_title"] for url in living}
    assert all(report[url]["title_match"] == 1.0 and report[url]["snapshot"] for url in living)


def test_the_second_run_at_once_sends_nothing_and_forgets_nothing(ran: tuple[Stage, Report]) -> None:
    stage, first = ran
    asked = len(stage.web.log)

    assert stage.report("run").verdicts == first.verdicts
    assert len(stage.web.log) == asked

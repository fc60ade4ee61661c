"""Archiving again by hand: one link, a batch, with cookies, in a browser; and what changed since."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from crawler.core.errors import BrowserError
from crawler.fetch.browser import find_browser
from crawler.testing import pages
from crawler.testing.answer import StandInAnswer, StandInPlan, StandInRequest
from crawler.testing.pages import Article

if TYPE_CHECKING:
    from conftest import Stage

pytestmark = pytest.mark.slow

TEXT = ("第一段说的是山里的旧邮局。", "第二段说邮局每周只开一天。", "第三段说信都由一只狗送。")
ARTICLE = Article("https://mp.weixin.qq.com/s/Rearchive0000000000_1", "山里的邮局", "甲", TEXT, account="山里")
DELETED = "https://mp.weixin.qq.com/s/Rearchive0000000000_2"
BROKEN = "https://broken.example/post"
MEMBERS = "https://members.example/letter"
SHELL = "https://app.example/letter"
PROSE = ("A letter takes a week to cross the mountain.", "The dog knows the way, and the postman does not.") * 3
LETTER = Article(MEMBERS, "A letter", "Ann", PROSE, account="Members")


def members_only(request: StandInRequest) -> bytes:
    if "pass=secret-word" in request.header("cookie"):
        return pages.blog_article(LETTER)
    return b"<!doctype html><title>Log in</title><h1>Log in</h1><form><input type=password name=p></form>"


def written_by_script(article: Article) -> bytes:
    """A page whose words come from a script alone."""
    words = "".join(f"<p>{paragraph}" for paragraph in article.paragraphs)
    return (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{article.title}</title></head>"
        "<body><div id=app></div><noscript>You need to enable JavaScript to run this app.</noscript><script>"
        "const app = document.getElementById('app');"
        f"setTimeout(() => app.innerHTML = `<article><h1>A letter</h1>{words}</article>`, 200)"
        "</script></body></html>"
    ).encode()


PLAN = StandInPlan(
    answers={
        ARTICLE.url: StandInAnswer(pages.weixin_article(ARTICLE)),
        DELETED: StandInAnswer(pages.weixin_notice("该内容已被发布者删除")),
        BROKEN: StandInAnswer(b"<p>busy", status=503),
        MEMBERS: StandInAnswer(members_only),
        SHELL: StandInAnswer(written_by_script(replace(LETTER, url=SHELL))),
    }
)


@pytest.fixture
def stage(staged: Callable[..., Stage]) -> Stage:
    return staged(PLAN)


def test_an_unchanged_page_and_a_changed_one_say_so(stage: Stage) -> None:
    first = stage.crawler("rearchive", ARTICLE.url)
    assert first.returncode == 0, first.stderr
    assert "alive (content)" in first.stdout
    assert "snapshot 1, the first" in first.stdout

    again = stage.crawler("rearchive", ARTICLE.url)
    assert "unchanged since 20" in again.stdout

    edited = replace(ARTICLE, paragraphs=(TEXT[0], "第二段改了：邮局已经关门。", TEXT[2], "第四段是新的。"))
    stage.web.put(ARTICLE.url, StandInAnswer(pages.weixin_article(edited)))
    changed = stage.crawler("rearchive", ARTICLE.url)
    assert ": +2 -1 sentences since 20" in changed.stdout

    stage.web.put(ARTICLE.url, StandInAnswer(pages.weixin_notice("该内容已被发布者删除")))
    gone = stage.crawler("rearchive", ARTICLE.url)
    assert "dead (deleted-by-author)" in gone.stdout
    assert "nothing new kept; snapshot 3 of 20" in gone.stdout


def test_one_failing_link_does_not_end_a_batch_and_the_rest_of_a_note_is_asked_too(stage: Stage) -> None:
    stage.note("post.md", f"{BROKEN}\n\n{DELETED}\n\n{ARTICLE.url}\n")

    done = stage.crawler("rearchive", "notes/post.md", MEMBERS)

    assert done.returncode == 0, done.stderr
    told = {line.split("  ")[1]: line for line in done.stdout.splitlines()}
    assert told.keys() == {BROKEN, DELETED, ARTICLE.url, MEMBERS}
    assert told[BROKEN].startswith("suspect (server-error)")
    assert told[DELETED].startswith("dead (deleted-by-author)")
    assert "the first" in told[ARTICLE.url]


def test_it_asks_whatever_is_due_and_sends_no_validators_for_a_page_it_never_kept(stage: Stage) -> None:
    stage.crawler("rearchive", ARTICLE.url)
    stage.crawler("rearchive", ARTICLE.url)
    assert len(stage.web.asked(ARTICLE.url)) == 2


def test_cookies_of_a_file_go_to_their_own_host_and_into_no_archive(stage: Stage) -> None:
    before = stage.crawler("rearchive", MEMBERS)
    assert "blocked (login-required)" in before.stdout
    stage.folder.joinpath("cookies.txt").write_text(
        "# Netscape HTTP Cookie File\nmembers.example\tFALSE\t/\tTRUE\t0\tpass\tsecret-word\n"
    )

    done = stage.crawler("rearchive", MEMBERS, ARTICLE.url, "--cookies", "cookies.txt")

    assert done.returncode == 0, done.stderr
    assert f"alive (ok)  {MEMBERS}" in done.stdout
    assert not stage.web.asked(ARTICLE.url)[-1].header("cookie")
    kept = b"".join(file.read_bytes() for file in stage.folder.joinpath("archive").rglob("*") if file.is_file())
    assert b"secret-word" not in kept


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["no such file.md"], "no such file.md"),
        (["https://exa mple/"], "is not a URL that can be fetched"),
        ([ARTICLE.url, "--cookies", "missing.txt"], "cannot read"),
        ([ARTICLE.url, "--profile", "p"], "give --browser too"),
    ],
)
def test_what_cannot_be_asked_for_is_one_clear_line(stage: Stage, arguments: list[str], line: str) -> None:
    done = stage.crawler("rearchive", *arguments)
    assert done.returncode == 2
    assert line in done.stderr
    assert done.stderr.count("crawler: ") == 1


def test_without_a_browser_the_line_says_what_to_install(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRAWLER_BROWSER", "no-such-browser")
    done = stage.crawler("rearchive", SHELL, "--browser")
    assert done.returncode == 2
    assert "install Chromium" in done.stderr
    assert not stage.web.log


@pytest.mark.browser
def test_a_browser_brings_what_scripts_write(stage: Stage) -> None:
    try:
        find_browser(os.environ)
    except BrowserError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(f"rearchive --browser is not tested: {error}")
    plain = stage.crawler("rearchive", SHELL)
    assert "alive" not in plain.stdout

    done = stage.crawler("rearchive", SHELL, BROKEN, "--browser")

    assert done.returncode == 0, done.stderr
    assert f"alive (ok)  {SHELL}" in done.stdout
    assert f"suspect (server-error)  {BROKEN}" in done.stdout
    assert "The dog knows the way" in stage.crawler("show", SHELL, "--text").stdout


@pytest.mark.browser
def test_what_a_browser_read_stays_and_the_next_run_shows_it_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        find_browser(os.environ)
    except BrowserError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(f"runs with a browser are not tested: {error}")
    stage.note("post.md", f"{SHELL}\n")
    stage.configure({"host.'app.example'": {"browser": True}})
    assert stage.report("run").states[SHELL] == "alive", "[host] browser = true"

    stage.configure()
    again = stage.report("run", "--all")
    assert again.states[SHELL] == "alive", "a link that a browser read is shown to it again"
    assert "The dog knows the way" in stage.crawler("show", SHELL, "--text").stdout

    monkeypatch.setenv("CRAWLER_BROWSER", "no-such-browser")
    without = stage.crawler("run", "--all")
    assert without.returncode == 0, without.stderr
    assert "1 link needs a browser" in without.stderr
    assert "The dog knows the way" in stage.crawler("show", SHELL, "--text").stdout

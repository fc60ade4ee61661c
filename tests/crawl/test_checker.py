"""One look at one link: what is asked, in what order, and what becomes of the answers."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from crawler.core.config import site_documents
from crawler.core.model import Check, Failure, Fetch, History, Kind, Link, Occurrence, Page, Redirect, Snapshot, State
from crawler.core.settings import FetchSettings, Settings
from crawler.core.slots import Politeness
from crawler.crawl.checker import MAX_MOVES, Checker, best_title_match, conditions
from crawler.crawl.examine import examine
from crawler.crawl.readers import InlineReader
from crawler.fetch import Request
from crawler.schedule.history import first_seen
from crawler.sites import load_sites
from crawler.testing import pages

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SITES = load_sites(site_documents(Settings()))
HTML = (("Content-Type", "text/html; charset=utf-8"),)
OLD, NEW = (f"https://mp.weixin.qq.com/s/{name * 22}" for name in "on")
BLOG = "https://blog.example/posts/1"


def link(url: str, title: str = "") -> Link:
    who = SITES.identify(url)
    written = Occurrence("a.md", 1, 1, url, url, Kind.BARE, title)
    return Link(url, who.canonical_url, who.fetch_url, who.site, who.host, who.slot, (written,))


def article(url: str, title: str = "一个标题") -> bytes:
    return pages.weixin_article(pages.Article(url, title, "作者", ("第一段。" * 30, "第二段。" * 30)))


def moved(target: str) -> bytes:
    return f"<html><title>账号已迁移</title><script>var transferTargetLink = '{target}';</script></html>".encode()


class Web:
    """Plain answers by URL, and what was asked."""

    def __init__(self, answers: Mapping[str, bytes | int | Fetch]) -> None:
        self.answers = answers
        self.asked: list[Request] = []

    async def __call__(self, request: Request) -> Fetch:
        self.asked.append(request)
        answer = self.answers.get(request.url, 404)
        if isinstance(answer, Fetch):
            return answer
        body, status = (answer, 200) if isinstance(answer, bytes) else (b"", answer)
        return Fetch(request.url, request.url, NOW, status=status, headers=HTML, body=body, requests=1)


async def examined(web: Web, at: Link, history: History | None = None, *, probe: bool = False) -> Check:
    settings = Settings(fetch=FetchSettings(probe=probe))
    histories = {at.canonical_url: history} if history else {}
    return await Checker(
        web, InlineReader(SITES), SITES, settings, Politeness, histories, now=lambda: NOW, run_id="run-1"
    )(at)


async def test_a_living_article_is_read_judged_and_remembered_in_one_request() -> None:
    web = Web({OLD: article(OLD)})
    check = await examined(web, link(OLD, "一个标题"))
    assert (check.verdict.state, check.page.title, len(web.asked)) == (State.ALIVE, "一个标题", 1)
    assert check.history.title_match == pytest.approx(1.0)
    assert check.history.last_alive == NOW
    assert "<h1>一个标题</h1>" in check.readable
    assert check.run_id == "run-1"


async def test_an_account_that_moved_is_followed_to_its_article() -> None:
    check = await examined(Web({OLD: moved(NEW), NEW: article(NEW)}), link(OLD))
    assert (check.verdict.state, check.verdict.reason, check.verdict.moved_to) == (State.ALIVE, "account-migrated", NEW)
    assert check.fetch.url == OLD
    assert check.fetch.final_url == NEW
    assert check.fetch.redirects == (Redirect(200, OLD),)
    assert check.fetch.requests == 2


async def test_an_article_that_died_after_it_moved_is_dead() -> None:
    check = await examined(Web({OLD: moved(NEW), NEW: pages.weixin_notice("该内容已被发布者删除")}), link(OLD))
    assert (check.verdict.state, check.verdict.reason) == (State.DEAD, "deleted-by-author")


async def test_moves_in_a_circle_and_moves_without_end_are_suspect() -> None:
    circle = await examined(Web({OLD: moved(NEW), NEW: moved(OLD)}), link(OLD))
    assert (circle.verdict.state, circle.verdict.reason) == (State.SUSPECT, "redirect-loop")
    chain = [f"https://mp.weixin.qq.com/s/{n:022d}" for n in range(MAX_MOVES + 3)]
    web = Web({here: moved(there) for here, there in itertools.pairwise(chain)})
    endless = await examined(web, link(chain[0]))
    assert (endless.verdict.state, endless.verdict.reason) == (State.SUSPECT, "too-many-moves")
    assert len(web.asked) == MAX_MOVES + 1


async def test_a_move_to_another_site_is_not_followed() -> None:
    web = Web({OLD: moved("https://evil.example/s/x")})
    check = await examined(web, link(OLD))
    assert len(web.asked) == 1
    assert check.verdict.state is State.SUSPECT


def known(url: str, **facts: Any) -> History:
    history = first_seen(link(url).canonical_url, url, NOW)
    kept = Snapshot(1, NOW, "t", 10, "sha256:1")
    return replace(
        history, state=State.ALIVE, etag='"1"', last_modified="x", honours_validators=True, snapshot=kept,
        page_title="t", **facts,
    )  # fmt: skip


async def test_a_page_that_honours_its_validators_is_asked_with_them_and_304_is_alive() -> None:
    web = Web({BLOG: 304})
    check = await examined(web, link(BLOG), known(BLOG))
    assert dict(web.asked[0].headers) == {"If-None-Match": '"1"', "If-Modified-Since": "x"}
    assert (check.verdict.state, check.verdict.reason, check.page) == (State.ALIVE, "not-modified", Page())
    assert (check.history.page_title, check.readable) == ("t", "")


def test_validators_are_sent_only_where_they_proved_true_and_the_text_is_kept() -> None:
    assert conditions(known(BLOG))
    assert not conditions(replace(known(BLOG), honours_validators=False))
    assert not conditions(replace(known(BLOG), snapshot=None))
    assert not conditions(replace(known(BLOG), state=State.SUSPECT))


@pytest.mark.parametrize(
    ("conditional", "plain", "state"), [(404, 200, "alive"), (412, 200, "alive"), (404, 404, "dead")]
)
async def test_an_error_that_conditions_may_have_caused_is_asked_for_without_them(
    conditional: int, plain: int, state: str
) -> None:
    asked: list[Request] = []

    async def web(request: Request) -> Fetch:
        asked.append(request)
        status = conditional if request.headers else plain
        return Fetch(request.url, request.url, NOW, status=status, headers=HTML, body=blog("It lives"), requests=1)

    at = link(BLOG)
    check = await Checker(
        web, InlineReader(SITES), SITES, Settings(), Politeness, {at.canonical_url: known(BLOG)}, now=lambda: NOW,
    )(at)  # fmt: skip
    assert (check.verdict.state, check.fetch.requests, len(asked)) == (state, 2, 2)


@pytest.mark.parametrize(
    ("secure", "said"),
    [
        (200, "alive/ok"),
        (403, "blocked/forbidden"),
        (503, "suspect/server-error"),
        (Failure.TLS, "suspect/tls-error"),
        (404, "suspect/connection-refused"),
        (Failure.REFUSED, "suspect/connection-refused"),
    ],
)
async def test_where_nobody_listens_at_http_the_host_is_heard_at_https(secure: int | Failure, said: str) -> None:
    plain = BLOG.replace("https", "http")

    def failed(url: str, failure: Failure) -> Fetch:
        return Fetch(url, url, NOW, failure=failure, error="no connection")

    there = failed(BLOG, secure) if isinstance(secure, Failure) else blog("It lives") if secure == 200 else secure
    web = Web({plain: failed(plain, Failure.REFUSED), BLOG: there})
    check = await examined(web, link(plain))
    assert (f"{check.verdict.state}/{check.verdict.reason}", check.fetch.url) == (said, plain)
    assert [request.url for request in web.asked] == [plain, BLOG]


async def test_a_port_that_is_named_is_asked_alone() -> None:
    odd = "http://blog.example:8080/x"
    web = Web({odd: Fetch(odd, odd, NOW, failure=Failure.REFUSED, error="connection refused")})
    assert (await examined(web, link(odd))).verdict.reason == "connection-refused"
    assert len(web.asked) == 1


async def test_a_wall_is_not_asked_twice_for_its_conditions() -> None:
    web = Web({BLOG: 403})
    assert (await examined(web, link(BLOG), known(BLOG))).verdict.state is State.BLOCKED
    assert len(web.asked) == 1


async def test_a_304_that_nobody_asked_for_is_not_taken_for_life() -> None:
    assert (await examined(Web({BLOG: 304}), link(BLOG))).verdict.state is not State.ALIVE


def blog(text: str) -> bytes:
    paragraphs = "".join(f"<p>{text} {n}, and a few words more so that it reads like an article.</p>" for n in range(9))
    return f"<html><title>{text}</title><body><article><h1>{text}</h1>{paragraphs}</article></body></html>".encode()


async def test_a_directory_that_answers_anything_is_found_by_one_probe() -> None:
    same = blog("Nothing to see here")
    urls = [f"https://shop.example/things/{n}" for n in range(2)]
    web = Web(dict.fromkeys([*urls, f"https://shop.example/things/{'x' * 25}"], same))
    checker = Checker(
        web, InlineReader(SITES), SITES, Settings(fetch=FetchSettings(probe=True)), Politeness, {}, now=lambda: NOW,
        letters=lambda: "x" * 25,
    )  # fmt: skip
    checks = [await checker(link(url)) for url in urls]
    assert [check.verdict.state for check in checks] == [State.SUSPECT, State.SUSPECT]
    assert len(web.asked) == 3


async def test_a_sibling_that_is_not_found_leaves_a_page_alive_and_no_probe_is_sent_unasked() -> None:
    web = Web({BLOG: blog("A real page")})
    assert (await examined(web, link(BLOG), probe=True)).verdict.state is State.ALIVE
    assert len(web.asked) == 2
    quiet = Web({BLOG: blog("A real page")})
    await examined(quiet, link(BLOG))
    assert len(quiet.asked) == 1


async def test_a_site_with_rules_is_never_probed() -> None:
    web = Web({OLD: article(OLD)})
    await examined(web, link(OLD), probe=True)
    assert len(web.asked) == 1


def test_a_short_link_is_judged_by_the_rules_of_the_site_where_it_ends() -> None:
    short = link("https://t.example/abc")
    fetched = Fetch(
        short.fetch_url, OLD, NOW, status=200, headers=HTML, body=pages.weixin_notice("该内容已被发布者删除"),
        redirects=(Redirect(302, short.fetch_url),),
    )  # fmt: skip
    _, _, verdict = examine(short, fetched, SITES)
    assert (verdict.state, verdict.reason) == (State.DEAD, "deleted-by-author")


async def test_a_large_page_is_read_in_a_thread_with_the_same_result() -> None:
    padding = b"<!--" + b"x" * 300_000 + b"-->"
    check = await examined(Web({OLD: article(OLD) + padding}), link(OLD))
    assert (check.verdict.state, check.page.title) == (State.ALIVE, "一个标题")


def test_the_best_of_several_note_titles_counts() -> None:
    at = link(BLOG, "注意力机制综述")
    other = replace(at.occurrences[0], note_title="完全不同的话题")
    both = replace(at, occurrences=(other, *at.occurrences))
    assert best_title_match(both, Page(title="注意力机制综述")) == pytest.approx(1.0)
    assert best_title_match(both, Page()) is None


async def test_a_crash_stands_as_an_unknown_check_with_its_cause() -> None:
    checker = Checker(Web({}), InlineReader(SITES), SITES, Settings(), Politeness, {}, now=lambda: NOW)
    check = checker.internal_error(link(BLOG), RuntimeError("boom\nsecond line"))
    assert (check.fetch.failure, check.verdict.state) == (Failure.INTERNAL, State.UNKNOWN)
    assert check.verdict.evidence.error == "RuntimeError: boom"


async def test_a_page_that_its_author_hid_is_dead_when_seen_so_on_two_days() -> None:
    shell = '<html><title></title><body><div id="app">根据作者隐私设置，无法查看该内容</div></body></html>'.encode()
    check = await examined(Web({OLD: shell}), link(OLD))
    assert (check.verdict.state, check.verdict.reason, check.verdict.confirmations) == (
        State.SUSPECT,
        "private",
        2,
    )


def sends_on(target: str, text: str = "Redirecting") -> bytes:
    return f'<title>R</title><meta http-equiv="refresh" content="0; url={target}"><p>{text}</p>'.encode()


async def test_a_page_that_sends_its_reader_on_is_followed_and_the_hop_is_evidence() -> None:
    other = "https://blog.example/articles/ferry"
    check = await examined(Web({BLOG: sends_on(other), other: blog("The ferry crosses the river. " * 20)}), link(BLOG))
    assert (check.verdict.state, check.fetch.final_url) == (State.ALIVE, other)
    assert check.verdict.evidence.redirects == (Redirect(200, BLOG),)
    assert "ferry crosses" in check.page.text
    assert check.fetch.requests == 2


async def test_what_a_refresh_leads_to_is_judged_as_any_redirect_would_be() -> None:
    home = "https://blog.example/"
    check = await examined(Web({BLOG: sends_on("/"), home: blog("Welcome to the ferry. " * 20)}), link(BLOG))
    assert (check.verdict.state, check.verdict.reason) == (State.SUSPECT, "redirected-to-home")
    gone = await examined(Web({BLOG: sends_on("/gone")}), link(BLOG))
    assert (gone.verdict.state, gone.verdict.reason) == (State.DEAD, "not-found")


async def test_refreshes_in_a_circle_are_suspect_unless_there_is_something_to_read() -> None:
    other = "https://blog.example/b"
    circle = await examined(Web({BLOG: sends_on(other), other: sends_on(BLOG)}), link(BLOG))
    assert (circle.verdict.state, circle.verdict.reason) == (State.SUSPECT, "redirect-loop")
    show = {BLOG: sends_on(other, "A picture. " * 50), other: sends_on(BLOG, "Another picture. " * 50)}
    assert (await examined(Web(show), link(BLOG))).verdict.state is State.ALIVE


async def test_a_wall_that_refreshes_is_a_wall() -> None:
    wall = b'<title>Just a moment...</title><meta http-equiv="refresh" content="5; url=/x?__cf_chl=1"><p>Wait</p>'
    web = Web({BLOG: wall})
    assert (await examined(web, link(BLOG))).verdict.state is State.BLOCKED
    assert len(web.asked) == 1

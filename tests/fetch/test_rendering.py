"""Pages as a browser shows them: through the guard, in their slot's time, and as what the wire said."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from crawler.core.errors import BrowserError
from crawler.core.model import Failure, Fetch, Redirect
from crawler.core.settings import FetchSettings
from crawler.core.slots import Politeness
from crawler.fetch import Request
from crawler.fetch.browser import Rendered, find_browser
from crawler.fetch.browser.dom import SCREENS
from crawler.fetch.rendering import Renderer, as_fetch, browser_cookies, browser_opener, wants_plain
from crawler.testing.answer import StandInAnswer, StandInPlan, redirect
from crawler.testing.web import Web, serving

NOW = datetime(2026, 1, 2, tzinfo=UTC)
MADE = "<div id=a></div><script>setTimeout(() => document.querySelector('#a').textContent = 'written by a script', 400)"
SHELL = f"<!doctype html><html><head><meta charset=gbk></head><body>{MADE}</script>".encode()
LOUD = b"<!doctype html><p>before<script>alert(1); document.write('<p>after')</script><img src='/never.png'>"
COOKIE = "document.write(document.cookie)"

PLAN = StandInPlan(
    answers={
        "https://js.example/shell": StandInAnswer(SHELL, headers=(("Set-Cookie", "seen=1"),)),
        "https://js.example/hop": redirect("https://js.example/shell", 301),
        "https://js.example/goes-on": StandInAnswer(b"<script>location = '/shell'</script>"),
        "https://js.example/loud": StandInAnswer(LOUD),
        "https://js.example/data": StandInAnswer(b'{"a": 1}', content_type="application/json"),
        "https://js.example/gone": StandInAnswer(b"", status=410),
        "https://js.example/inwards": redirect("http://10.0.0.1/"),
        "https://js.example/reaches-in": StandInAnswer(b"<p>words<img src='http://127.0.0.1:%d/x.png'>"),
        "https://js.example/cookies": StandInAnswer(f"<p><script>{COOKIE}</script>".encode()),
        "http://plain.example/": StandInAnswer(b"<h1>plain</h1>"),
    },
    untrusted=frozenset({"bad.example"}),
    refused=frozenset({"nobody.example"}),
)


@pytest.fixture(scope="module")
def program() -> str:
    try:
        return find_browser(os.environ)
    except BrowserError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(f"pages are not shown in a browser: {error}")


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with serving(PLAN, tmp_path_factory.mktemp("web") / "ca.pem") as served:
        yield served


def settings(web: Web, **others: Any) -> FetchSettings:
    told = FetchSettings(ca_bundle=str(web.ca_bundle), resolve=dict(web.resolve))
    return msgspec.structs.replace(told, **others)


def shown(renderer: Renderer, url: str) -> Fetch:
    async def show() -> Fetch:
        with trio.fail_after(90):
            fetch = await renderer(Request(url))
        assert fetch is not None
        return fetch

    return trio.run(show)


@pytest.fixture
def renderer(program: str, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Renderer:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # by which its browsers are known from those of others
    return Renderer(program, "", settings(web), lambda: NOW)


def processes(folder: Path) -> set[str]:
    """The browsers that run on profiles below a folder."""
    lines = (Path(entry, "cmdline") for entry in Path("/proc").glob("[0-9]*"))
    read = (file.read_text("utf-8", "replace") for file in lines if file.exists())
    return {line for line in read if f"{folder}/crawler-browser-" in line}


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "hops"),
    [("shell", ()), ("hop", (Redirect(301, "https://js.example/hop"),)),
     ("goes-on", (Redirect(200, "https://js.example/goes-on"),))],
)  # fmt: skip
def test_what_scripts_write_is_kept_with_the_answer_of_the_server(
    renderer: Renderer, path: str, hops: tuple[Redirect, ...], tmp_path: Path
) -> None:
    fetch = shown(renderer, f"https://js.example/{path}")
    assert (fetch.status, fetch.final_url, fetch.redirects) == (200, "https://js.example/shell", hops)
    assert b">written by a script</div>" in fetch.body
    assert fetch.header("content-type") == "text/html; charset=utf-8"
    assert fetch.header("x-rendered-by").startswith(("Chrom", "Edg"))
    assert not processes(tmp_path), "nothing of the browser stays"


@pytest.mark.browser
@pytest.mark.slow
def test_dialogs_and_missing_pictures_do_not_stop_a_page(renderer: Renderer) -> None:
    assert b"<p>after" in shown(renderer, "https://js.example/loud").body


@pytest.mark.browser
@pytest.mark.slow
def test_what_is_no_page_comes_as_its_bytes_and_a_status_without_a_body_counts(renderer: Renderer) -> None:
    data = shown(renderer, "https://js.example/data")
    assert (data.body, data.header("content-type")) == (b'{"a": 1}', "application/json")
    assert shown(renderer, "https://js.example/gone").status == 410
    assert b"<h1>plain</h1>" in shown(renderer, "http://plain.example/").body


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize(
    ("url", "failure"),
    [
        ("http://127.0.0.1:8000/", Failure.NOT_PUBLIC),
        ("https://js.example/inwards", Failure.REDIRECTED_TO_PRIVATE),
        ("https://bad.example/", Failure.TLS),
        ("https://nobody.example/", Failure.REFUSED),
    ],
)
def test_a_broken_web_is_a_value(renderer: Renderer, url: str, failure: Failure) -> None:
    fetch = shown(renderer, url)
    assert fetch.failure is failure, fetch.error


@pytest.mark.browser
@pytest.mark.slow
def test_a_page_reaches_no_private_address_either(renderer: Renderer, web: Web) -> None:
    asked: list[bool] = []

    async def listen() -> Fetch:
        async def heard(stream: trio.SocketStream) -> None:
            asked.append(True)
            await stream.aclose()

        async with trio.open_nursery() as nursery:
            (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
            port = listener.socket.getsockname()[1]
            web.put(
                "https://js.example/reaches-in", StandInAnswer(b"<p>words<img src='http://127.0.0.1:%d/x.png'>" % port)
            )
            nursery.start_soon(trio.serve_listeners, heard, [listener])
            with trio.fail_after(90):
                fetch = await renderer(Request("https://js.example/reaches-in"))
                assert fetch is not None
            nursery.cancel_scope.cancel()
        return fetch

    assert b"<p>words" in trio.run(listen).body
    assert not asked


@pytest.mark.browser
@pytest.mark.slow
def test_cookies_of_a_file_go_to_their_own_hosts(program: str, web: Web, tmp_path: Path) -> None:
    file = tmp_path / "cookies.txt"
    file.write_text(
        "# Netscape HTTP Cookie File\n"
        "js.example\tFALSE\t/\tTRUE\t0\tmine\tyes\n"
        "other.example\tFALSE\t/\tTRUE\t0\tnot\tno\n"
    )
    renderer = Renderer(program, "", settings(web), lambda: NOW, browser_cookies(str(file)))
    assert b"mine=yes</p>" in shown(renderer, "https://js.example/cookies").body


@pytest.mark.browser
@pytest.mark.slow
def test_a_profile_remembers_the_cookies_of_earlier_pages(program: str, web: Web, tmp_path: Path) -> None:
    keeps = StandInAnswer(
        b"<script>document.cookie = 'visits=1; max-age=9999'; document.write('<p>' + document.cookie)</script>"
    )
    web.put("https://js.example/cookies", keeps)
    renderer = Renderer(program, str(tmp_path / "profile"), settings(web), lambda: NOW)
    shown(renderer, "https://js.example/cookies")
    web.put("https://js.example/cookies", PLAN.answers["https://js.example/cookies"])
    assert b"visits=1" in shown(renderer, "https://js.example/cookies").body


def test_a_browser_that_does_not_start_is_one_clear_line(tmp_path: Path) -> None:
    program = tmp_path / "broken"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(BaseExceptionGroup) as caught:
        trio.run(Renderer(str(program), "", FetchSettings(), lambda: NOW).check)
    error = caught.value.exceptions[0]
    assert isinstance(error, BrowserError)
    assert "does not start" in str(error)


def test_without_a_browser_the_line_says_what_to_install() -> None:
    with pytest.raises(BrowserError, match="apt-get install chromium"):
        find_browser({"PATH": "/nonexistent"})
    with pytest.raises(BrowserError, match="CRAWLER_BROWSER=nothing-of-the-kind is no program"):
        find_browser({"CRAWLER_BROWSER": "nothing-of-the-kind"})


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        ("net::ERR_CERT_DATE_INVALID", Failure.TLS),
        ("net::ERR_SSL_PROTOCOL_ERROR", Failure.TLS),
        ("net::ERR_CONNECTION_RESET", Failure.RESET),
        ("net::ERR_TOO_MANY_REDIRECTS", Failure.TOO_MANY_REDIRECTS),
        ("net::ERR_SOMETHING_NEW", Failure.PROTOCOL),
        ("no page after 60 s", Failure.TIMEOUT),
        ("the browser ended", Failure.INTERNAL),
    ],
)
def test_what_the_browser_calls_a_failure_has_a_name_of_ours(error: str, failure: Failure) -> None:
    fetch = as_fetch("https://a.example/", Rendered("https://a.example/", error=error), {}, 100, NOW)
    assert (fetch.failure, fetch.error, fetch.body) == (failure, error, b"")


def test_a_page_larger_than_any_may_be_is_too_large() -> None:
    page = Rendered("https://a.example/", status=200, body=b"x" * 101)
    assert as_fetch("https://a.example/", page, {}, 100, NOW).failure is Failure.TOO_LARGE


def test_a_page_that_goes_on_to_no_web_address_is_a_failure() -> None:
    page = Rendered("about:blank", status=200, body=b"<html>")
    assert as_fetch("https://a.example/", page, {}, 100, NOW).failure is Failure.UNSUPPORTED_SCHEME


WORDS = b"<p>" + b"A long enough text that a reader has something to read. " * 8
FRAME = b"<p>the words of a frame"
LATE = b"<div id=a>Loading</div><script>setTimeout(() => { a.innerHTML = 'written after four seconds' }, 4000)</script>"
SHADOW = (
    b"<x-note><b slot=said>words in a slot</b></x-note><script>"
    b"customElements.define('x-note', class extends HTMLElement {"
    b"constructor() { super(); const s = this.attachShadow({mode: 'open'});"
    b"s.innerHTML = '<p>words in the shadow</p><slot name=said></slot>'; } })</script>" + WORDS
)
LONG = WORDS + (
    b"<div style='height:3000px'></div><div id=end></div><div style='height:90000px'></div><script>"
    b"new IntersectionObserver(seen => { if (seen[0].isIntersecting) end.innerHTML = '<p>more words</p>' }, {})"
    b".observe(end)</script>"
)
HARD = StandInPlan(
    answers={
        "https://hard.example/late": StandInAnswer(LATE),
        "https://hard.example/shadow": StandInAnswer(SHADOW),
        "https://hard.example/frames": StandInAnswer(
            WORDS + b"<iframe src='/frame'></iframe><iframe src='https://other.hard.example/frame'></iframe>"
            b"<iframe src='https://foreign.example/frame'></iframe><p>after the frames"
        ),
        "https://hard.example/frame": StandInAnswer(FRAME),
        "https://other.hard.example/frame": StandInAnswer(b"<p>words of a neighbour"),
        "https://foreign.example/frame": StandInAnswer(b"<p>words of a stranger"),
        "https://hard.example/feed": StandInAnswer(LONG),
        "https://hard.example/zip": StandInAnswer(
            b"PK\3\4zip",
            content_type="application/zip",
            headers=(("Content-Disposition", "attachment; filename=a.zip"),),
        ),
        "https://hard.example/nothing": StandInAnswer(status=204),
        "https://hard.example/radio": StandInAnswer(endless=1 << 20, content_type="audio/mpeg", drip=0.2),
        "https://hard.example/hangs": StandInAnswer(WORDS + b"<script>for (;;) {}</script>"),
        "https://hard.example/agent": StandInAnswer(
            lambda r: f"<p>key={r.header('x-key')}|{r.header('accept-language')}".encode() + WORDS
        ),
    }
)


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with serving(HARD, tmp_path_factory.mktemp("hard") / "ca.pem") as served:
        yield served


def fetched(program: str, told: FetchSettings, url: str) -> Fetch:
    """As `rearchive --browser` asks for it: what the browser cannot show is fetched without it."""

    async def ask() -> Fetch:
        opener = browser_opener(program, "", [url], lambda: NOW)
        async with opener(
            told, lambda _: Politeness("s", interval=0, timeout=3), now=lambda: NOW, random=lambda: 0.5
        ) as fetch:
            with trio.fail_after(100):
                return await fetch(url)

    return trio.run(ask)


@pytest.mark.browser
@pytest.mark.slow
def test_a_slow_timer_is_waited_for_where_a_page_shows_next_to_nothing(program: str, hard: Web) -> None:
    assert b"written after four seconds" in fetched(program, settings(hard), "https://hard.example/late").body


@pytest.mark.browser
@pytest.mark.slow
def test_shadow_trees_stand_in_their_places(program: str, hard: Web) -> None:
    page = fetched(program, settings(hard), "https://hard.example/shadow")
    assert b'<p>words in the shadow</p><b slot="said">words in a slot</b>' in page.body
    assert "1 shadow tree" in page.header("x-rendered-by")


@pytest.mark.browser
@pytest.mark.slow
def test_frames_of_the_same_site_are_read_and_no_others(program: str, hard: Web) -> None:
    page = fetched(program, settings(hard), "https://hard.example/frames")
    order = [b"the words of a frame", b"words of a neighbour", b"after the frames"]
    places = [page.body.find(words) for words in order]
    assert -1 not in places
    assert places == sorted(places)
    assert b"words of a stranger" not in page.body
    assert "2 frames" in page.header("x-rendered-by")


@pytest.mark.browser
@pytest.mark.slow
def test_what_scrolling_loads_is_read_up_to_a_bound(program: str, hard: Web) -> None:
    page = fetched(program, settings(hard), "https://hard.example/feed")
    assert b"more words" in page.body
    assert f"{SCREENS} screens scrolled" in page.header("x-rendered-by")


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "status", "body"),
    [("zip", 200, b"PK\3\4zip"), ("nothing", 204, b""), ("hangs", 200, WORDS)],
)
def test_what_a_browser_cannot_show_is_fetched_without_it(
    program: str, hard: Web, path: str, status: int, body: bytes
) -> None:
    fetch = fetched(program, settings(hard), f"https://hard.example/{path}")
    assert (fetch.status, fetch.failure) == (status, None)
    assert fetch.body.startswith(body)


@pytest.mark.browser
@pytest.mark.slow
def test_a_stream_without_end_is_judged_by_what_came(program: str, hard: Web) -> None:
    fetch = fetched(program, settings(hard, retries=0), "https://hard.example/radio")
    assert (fetch.status, fetch.header("content-type")) == (200, "audio/mpeg")


@pytest.mark.browser
@pytest.mark.slow
def test_headers_go_to_the_pages_own_address_and_languages_as_in_plain_requests(program: str, hard: Web) -> None:
    page = fetched(program, settings(hard, headers={"X-Key": "secret"}), "https://hard.example/agent")
    assert b"<p>key=secret|zh-CN,zh;q=0.9,en;q=0.8" in page.body


@pytest.mark.browser
@pytest.mark.slow
def test_robots_are_honoured_where_they_are_honoured_at_all(program: str, tmp_path: Path) -> None:
    plan = StandInPlan(
        answers={
            "https://robots.example/robots.txt": StandInAnswer(
                b"User-agent: *\nDisallow: /no", content_type="text/plain"
            ),
            "https://robots.example/no": StandInAnswer(WORDS),
        }
    )
    with serving(plan, tmp_path / "ca.pem") as web:
        fetch = fetched(program, settings(web, robots=True), "https://robots.example/no")
        assert fetch.failure is Failure.ROBOTS
        assert not web.asked("https://robots.example/no")


@pytest.mark.parametrize(
    ("page", "plain"),
    [
        (Rendered(URL := "https://a.example/", error="net::ERR_ABORTED"), True),
        (Rendered(URL, error="net::ERR_INVALID_HTTP_RESPONSE"), True),
        (Rendered(URL, error="no page after 60 s", seen=200), True),
        (Rendered(URL, error="the browser ended", seen=200), True),
        (Rendered(URL, error="no page after 60 s"), False),
        (Rendered(URL, error="net::ERR_CONNECTION_RESET"), False),
        (Rendered(URL, error="the browser ended"), False),
        (Rendered(URL, status=200, seen=200), False),
    ],
)
def test_an_answer_that_was_seen_or_an_error_that_only_the_browser_knows_is_asked_for_plainly(
    page: Rendered, plain: bool
) -> None:
    assert wants_plain(page, {}) is plain
    assert not wants_plain(page, {"a.example": (Failure.REFUSED, "refused")})

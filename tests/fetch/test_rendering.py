"""Pages as a browser shows them: through the guard, in their slot's time, and as what the wire said."""

from __future__ import annotations

import os
import stat
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
from crawler.fetch import Request
from crawler.fetch.browser import Rendered, find_browser
from crawler.fetch.rendering import Renderer, as_fetch, browser_cookies
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
            return await renderer(Request(url))

    return trio.run(show)


@pytest.fixture
def renderer(program: str, web: Web) -> Renderer:
    return Renderer(program, "", settings(web), lambda: NOW)


def processes() -> set[str]:
    """The browsers of ours that run."""
    lines = (Path(entry, "cmdline") for entry in Path("/proc").glob("[0-9]*"))
    return {
        line for file in lines if file.exists() and "crawler-browser-" in (line := file.read_text("utf-8", "replace"))
    }


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "hops"),
    [("shell", ()), ("hop", (Redirect(301, "https://js.example/hop"),)),
     ("goes-on", (Redirect(200, "https://js.example/goes-on"),))],
)  # fmt: skip
def test_what_scripts_write_is_kept_with_the_answer_of_the_server(
    renderer: Renderer, path: str, hops: tuple[Redirect, ...]
) -> None:
    fetch = shown(renderer, f"https://js.example/{path}")
    assert (fetch.status, fetch.final_url, fetch.redirects) == (200, "https://js.example/shell", hops)
    assert b">written by a script</div>" in fetch.body
    assert fetch.header("content-type") == "text/html; charset=utf-8"
    assert fetch.header("x-rendered-by").startswith(("Chrom", "Edg"))
    assert not processes(), "nothing of the browser stays"


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
def test_a_profile_remembers(program: str, web: Web, tmp_path: Path) -> None:
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
        ("no page after 60 seconds", Failure.TIMEOUT),
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

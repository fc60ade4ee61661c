"""Showing a page, told by a browser that is a plain function over a pair of memory streams."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
import trio.testing

from crawler.fetch.browser import PageRequest, Rendered, show
from crawler.fetch.browser.pipe import BrowserGone, Pipe

URL = "https://a.example/"
Event = tuple[str, dict[str, Any]]
Answer = dict[str, Any] | str | None


def document(url: str, status: int = 200, kind: str = "text/html", ident: str = "1") -> list[Event]:
    """What is told of a page that is asked for and answers."""
    response = {"url": url, "status": status, "mimeType": kind, "headers": {"X": "1\n2"}}
    return [
        ("Network.requestWillBeSent", told(ident, request={"url": url})),
        ("Network.responseReceived", told(ident, response=response)),
        ("Network.loadingFinished", {"requestId": ident}),
    ]


def told(ident: str, **more: Any) -> dict[str, Any]:
    return {"requestId": ident, "type": "Document", "frameId": "main", **more}


LOADED: Event = ("Page.loadEventFired", {})
PLAIN: dict[str, Answer] = {
    "Browser.getVersion": {"product": "Chrome/1", "userAgent": "Mozilla HeadlessChrome/1"},
    "Target.createTarget": {"targetId": "t"},
    "Target.attachToTarget": {"sessionId": "s"},
    "Page.getFrameTree": {"frameTree": {"frame": {"id": "main"}}},
    "DOM.getDocument": {"root": {"nodeId": 7}},
    "DOM.getOuterHTML": {"outerHTML": "<html>页"},
    "Network.getResponseBody": {"body": "AAE=", "base64Encoded": True},
}


class Browser:
    """Answers commands by `answers` (text: an error; None: never), and tells `events` when asked to navigate."""

    def __init__(self, events: list[Event], answers: dict[str, Answer] | None = None) -> None:
        self.events = events
        self.answers = PLAIN | (answers or {})
        self.asked: list[dict[str, Any]] = []

    async def serve(self, stream: trio.StapledStream[Any, Any]) -> None:
        rest = b""
        while data := await stream.receive_some():
            *lines, rest = (rest + data).split(b"\0")
            for line in lines:
                asked = json.loads(line)
                self.asked.append(asked)
                if asked["method"] == "Page.navigate":
                    for method, params in self.events:
                        await self.say(stream, {"method": method, "params": params})
                answer = self.answers.get(asked["method"], {})
                if isinstance(answer, str):
                    await self.say(stream, {"id": asked["id"], "error": {"message": answer}})
                elif answer is not None:
                    await self.say(stream, {"id": asked["id"], "result": answer})

    async def say(self, stream: trio.StapledStream[Any, Any], message: dict[str, Any]) -> None:
        await stream.send_all(json.dumps(message).encode() + b"\0")

    def methods(self) -> list[str]:
        return [asked["method"] for asked in self.asked]


async def shown(browser: Browser, deadline: float = 60.0) -> Rendered:
    ours, theirs = trio.testing.memory_stream_pair()
    pipe = Pipe(ours.send_stream, ours.receive_stream, 1 << 20)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pipe.listen)
        nursery.start_soon(browser.serve, theirs)
        page = await show(pipe, PageRequest(URL, deadline, ({"name": "a"},)))
        nursery.cancel_scope.cancel()
    return page


async def test_a_page_is_read_when_it_is_quiet(autojump_clock: trio.testing.MockClock) -> None:
    browser = Browser([*document(URL), LOADED])
    page = await shown(browser)
    assert (page.url, page.status, page.content_type) == (URL, 200, "text/html; charset=utf-8")
    assert (page.body, page.browser, page.settled) == ("<html>页".encode(), "Chrome/1", True)
    assert page.headers == (("X", "1"), ("X", "2"))
    agent = next(a for a in browser.asked if a["method"] == "Network.setUserAgentOverride")
    assert agent["params"] == {"userAgent": "Mozilla Chrome/1"}
    assert "Network.setCookies" in browser.methods()


async def test_redirects_and_scripts_that_go_on_are_hops(autojump_clock: trio.testing.MockClock) -> None:
    before = {"url": URL, "status": 301}
    second = f"{URL}b"
    events = [
        ("Network.requestWillBeSent", told("1", request={"url": URL})),
        ("Network.requestWillBeSent", told("1", request={"url": second}, redirectResponse=before)),
        *document(second)[1:],
        *document(f"{URL}c", ident="2"),
        LOADED,
    ]
    page = await shown(Browser(events))
    assert (page.url, page.hops) == (f"{URL}c", ((301, URL), (200, second)))


async def test_what_another_frame_is_answered_is_not_the_page(autojump_clock: trio.testing.MockClock) -> None:
    frame = {"requestId": "9", "type": "Document", "frameId": "other", "response": {"url": "x", "status": 500}}
    page = await shown(Browser([*document(URL), ("Network.responseReceived", frame), LOADED]))
    assert page.status == 200


async def test_a_page_that_is_never_quiet_is_read_all_the_same(autojump_clock: trio.testing.MockClock) -> None:
    endless = ("Network.requestWillBeSent", {"requestId": "2", "type": "XHR", "request": {"url": "x"}})
    assert not (await shown(Browser([*document(URL), endless, LOADED]))).settled
    assert not (await shown(Browser(document(URL)))).settled, "nor does one that never ends loading"


async def test_dialogs_are_waved_away(autojump_clock: trio.testing.MockClock) -> None:
    browser = Browser([*document(URL), ("Page.javascriptDialogOpening", {}), LOADED],
                      {"Page.handleJavaScriptDialog": "No dialog is showing"})  # fmt: skip
    assert (await shown(browser)).status == 200
    assert "Page.handleJavaScriptDialog" in browser.methods()


async def test_bytes_of_what_is_no_page(autojump_clock: trio.testing.MockClock) -> None:
    page = await shown(Browser([*document(URL, kind="application/pdf"), LOADED]))
    assert (page.body, page.content_type) == (b"\0\1", "application/pdf")


@pytest.mark.parametrize(
    ("events", "answers", "error"),
    [
        ([], {"Page.navigate": {"errorText": "net::ERR_NAME_NOT_RESOLVED"}}, "net::ERR_NAME_NOT_RESOLVED"),
        ([], {"Page.navigate": "Cannot navigate to invalid URL"}, "Page.navigate: Cannot navigate to invalid URL"),
        ([], {"Page.navigate": None}, "no page after 60 s"),
        ([LOADED], {}, "no answer came"),
        ([*document(URL), ("Inspector.targetCrashed", {})], {}, "the page crashed the browser"),
        ([e for n in range(30) for e in document(f"{URL}{n}", ident=str(n))], {}, "net::ERR_TOO_MANY_REDIRECTS"),
        ([*document(URL), LOADED], {"DOM.getOuterHTML": {"outerHTML": "x" * (1 << 20)}}, "a message of over 1 MB"),
        ([*document(URL), LOADED], {"DOM.getDocument": "no document"}, "DOM.getDocument: no document"),
    ],
)
async def test_what_goes_wrong_is_told_and_nothing_is_raised(
    autojump_clock: trio.testing.MockClock, events: list[Event], answers: dict[str, Answer], error: str
) -> None:
    page = await shown(Browser(events, answers))
    assert (page.error, page.status, page.body) == (error, 0, b"")


async def test_a_status_without_a_body_is_an_answer(autojump_clock: trio.testing.MockClock) -> None:
    failed: dict[str, Answer] = {"Page.navigate": {"errorText": "net::ERR_HTTP_RESPONSE_CODE_FAILURE"}}
    page = await shown(Browser(document(URL, status=410), failed))
    assert (page.status, page.error, page.body) == (410, "", b"")


async def test_whoever_waits_hears_when_the_browser_ends() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    pipe = Pipe(ours.send_stream, ours.receive_stream, 1 << 20)
    heard: list[str] = []

    async def ask() -> None:
        try:
            await pipe.ask("Browser.getVersion")
        except BrowserGone as error:
            heard.append(str(error))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pipe.listen)
        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        await theirs.aclose()
    await ask()
    assert heard == ["the browser ended"] * 2


async def test_nonsense_from_the_browser_is_passed_over() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    pipe = Pipe(ours.send_stream, ours.receive_stream, 1 << 20)
    nonsense = (b"{", b"[1]", b'"x"', b'{"id": 77}', b'{"id": "1"}', b'{"method": 1}', b"[" * 9000, b"\xff")
    answers: list[object] = []

    async def ask() -> None:
        answers.append(await pipe.ask("Browser.getVersion"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        await theirs.send_all(b"\0".join(nonsense) + b'\0{"id": 1, "result": []}\0')
        await theirs.send_stream.aclose()
        nursery.start_soon(pipe.listen)
    assert answers == [{}]

"""One page shown by a running browser: asked for, waited for until it is quiet, and read as HTML.

What the browser says of the answer (status, headers, hops) is recorded as it says it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import trio

from crawler.fetch.browser.pipe import BrowserGone, Pipe, Refused

LOAD = 25.0  # seconds after which a page that never finishes loading is read as it stands
SETTLE = 10.0  # seconds after its load in which a page may become quiet
QUIET = 1.5  # seconds without a request and without a load that make a page quiet; timers of scripts are about one
TICK = 0.1  # seconds between two tests of whether it is quiet
MOST_HOPS = 20  # redirects and scripts that go on elsewhere; Chromium itself follows as many redirects
HTML = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One page to show."""

    url: str
    deadline: float  # seconds, all in all
    cookies: tuple[Mapping[str, object], ...] = ()  # as Network.setCookies takes them
    user_agent: str = ""  # "": the browser's own, as it calls itself with a window


@dataclass(frozen=True, slots=True)
class Rendered:
    """What was shown: `status` 0 and an `error` where no page came. `hops` are (status, URL) of each redirect."""

    url: str
    status: int = 0
    content_type: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    hops: tuple[tuple[int, str], ...] = ()
    body: bytes = b""
    browser: str = ""
    error: str = ""  # "net::ERR_…", or a line of ours
    settled: bool = True


@dataclass(slots=True)
class _Watch:
    """What the browser tells while it loads."""

    frame: str = ""
    url: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)  # the last answer of the page itself
    request: str = ""  # the id of its request
    hops: list[tuple[int, str]] = field(default_factory=list)
    open: set[str] = field(default_factory=set)
    error: str = ""
    last: float = 0.0
    loaded: bool = False
    dialog: bool = False

    def heard(self, method: str, event: Mapping[str, Any]) -> None:
        ident = str(event.get("requestId", ""))
        match method:
            case "Network.requestWillBeSent":
                self.open.add(ident)
                self.last = trio.current_time()
                if self._is_page(event):
                    self._asked(ident, event)
            case "Network.responseReceived" if self._is_page(event):
                self.document, self.request = _dict(event.get("response")), ident
            case "Network.loadingFinished" | "Network.loadingFailed":
                self.open.discard(ident)
                self.last = trio.current_time()
                if method == "Network.loadingFailed" and event.get("type") == "Document" and ident == self.request:
                    self.error = str(event.get("errorText", ""))
            case "Page.loadEventFired":
                self.loaded, self.last = True, trio.current_time()
            case "Page.javascriptDialogOpening":
                self.dialog = True
            case "Inspector.targetCrashed":
                self.error = "the page crashed the browser"
            case _:
                pass

    def _is_page(self, event: Mapping[str, Any]) -> bool:
        return event.get("type") == "Document" and event.get("frameId") == self.frame

    def _asked(self, ident: str, event: Mapping[str, Any]) -> None:
        self.url = str(_dict(event.get("request")).get("url", ""))
        self.request, self.error = ident, ""
        before = _dict(event.get("redirectResponse"))
        if before:
            self.hops.append((_status(before), str(before.get("url", ""))))
        elif self.document:  # a script went on to another address: a hop that no status tells
            self.hops.append((_status(self.document), str(self.document.get("url", ""))))
        self.document, self.loaded = {}, False
        if len(self.hops) > MOST_HOPS:
            self.error = "net::ERR_TOO_MANY_REDIRECTS"

    def is_quiet(self) -> bool:
        return self.loaded and not self.open and trio.current_time() - self.last >= QUIET


async def show(pipe: Pipe, wanted: PageRequest) -> Rendered:
    """Show a page and read it. Raises nothing for what a page does; a browser that ends is an error of the page."""
    watch = _Watch(url=wanted.url)
    pipe.heard = watch.heard
    try:
        with trio.move_on_after(wanted.deadline):
            return await _show(pipe, wanted, watch)
    except (BrowserGone, Refused) as error:
        return Rendered(watch.url, hops=tuple(watch.hops), error=f"{error}")
    return Rendered(watch.url, hops=tuple(watch.hops), error=f"no page after {wanted.deadline:g} seconds")


async def _show(pipe: Pipe, wanted: PageRequest, watch: _Watch) -> Rendered:
    version = await pipe.ask("Browser.getVersion")
    target = await pipe.ask("Target.createTarget", {"url": "about:blank"})
    attached = await pipe.ask("Target.attachToTarget", {"targetId": target.get("targetId"), "flatten": True})
    session = str(attached.get("sessionId", ""))
    await _prepare(pipe, wanted, session, str(version.get("userAgent", "")))
    frames = await pipe.ask("Page.getFrameTree", session=session)
    watch.frame = str(_dict(_dict(frames.get("frameTree")).get("frame")).get("id", ""))
    watch.last = trio.current_time()
    gone = await pipe.ask("Page.navigate", {"url": wanted.url}, session)
    error = str(gone.get("errorText", ""))
    settled = bool(error) or await _settle(pipe, watch, session)
    error = error or watch.error
    if error and _status(watch.document) >= 400:  # without a body: the browser shows a page of its own
        return _told(watch, str(version.get("product", "")), b"", "", settled=True)
    if error or not watch.document:
        return Rendered(watch.url, hops=tuple(watch.hops), error=error or "no answer came")
    return await _read(pipe, watch, session, str(version.get("product", "")), settled=settled)


async def _prepare(pipe: Pipe, wanted: PageRequest, session: str, agent: str) -> None:
    await pipe.ask("Browser.setDownloadBehavior", {"behavior": "deny"})
    for domain in ("Network", "Page", "Inspector"):
        await pipe.ask(f"{domain}.enable", session=session)
    agent = wanted.user_agent or agent.replace("Headless", "")
    await pipe.ask("Network.setUserAgentOverride", {"userAgent": agent}, session)
    if wanted.cookies:
        await pipe.ask("Network.setCookies", {"cookies": list(wanted.cookies)}, session)


async def _settle(pipe: Pipe, watch: _Watch, session: str) -> bool:
    """Wait for the load and then for quiet; False where it never came. Dialogs are waved away."""
    has_loaded = False
    with trio.move_on_after(LOAD) as waiting:
        while not watch.is_quiet() and not watch.error:
            await trio.sleep(TICK)
            if watch.dialog:
                watch.dialog = False
                await _wave_away(pipe, session)
            if watch.loaded and not has_loaded:
                has_loaded = True
                waiting.deadline = trio.current_time() + SETTLE
    return not waiting.cancelled_caught


async def _wave_away(pipe: Pipe, session: str) -> None:
    try:
        await pipe.ask("Page.handleJavaScriptDialog", {"accept": False}, session)
    except Refused:
        pass  # it went away by itself


async def _read(pipe: Pipe, watch: _Watch, session: str, browser: str, *, settled: bool) -> Rendered:
    """The page's present HTML, else (a picture, a PDF, JSON) the bytes of the answer."""
    kind = str(watch.document.get("mimeType", ""))
    if kind in HTML:
        root = _dict((await pipe.ask("DOM.getDocument", {"depth": 0}, session)).get("root"))
        html = await pipe.ask("DOM.getOuterHTML", {"nodeId": root.get("nodeId")}, session)
        body, content_type = str(html.get("outerHTML", "")).encode("utf-8", "replace"), f"{kind}; charset=utf-8"
    else:
        body, content_type = (
            _bytes(await pipe.ask("Network.getResponseBody", {"requestId": watch.request}, session)),
            kind,
        )
    return _told(watch, browser, body, content_type, settled=settled)


def _told(watch: _Watch, browser: str, body: bytes, content_type: str, *, settled: bool) -> Rendered:
    return Rendered(
        url=str(watch.document.get("url") or watch.url),
        status=_status(watch.document),
        content_type=content_type,
        headers=tuple(
            (str(name), line)
            for name, value in _dict(watch.document.get("headers")).items()
            for line in str(value).split("\n")
        ),
        hops=tuple(watch.hops),
        body=body,
        browser=browser,
        settled=settled,
    )


def _bytes(answer: Mapping[str, Any]) -> bytes:
    body = str(answer.get("body", ""))
    try:
        return base64.b64decode(body) if answer.get("base64Encoded") else body.encode("utf-8", "replace")
    except binascii.Error:
        return b""


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _status(response: Mapping[str, Any]) -> int:
    status = response.get("status")
    return status if isinstance(status, int) else 0

"""One page shown by a running browser: asked for, waited for until it is quiet, and read as HTML.

What the browser says of the answer (status, headers, hops) is recorded as it says it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import trio

from crawler.fetch.browser.dom import ENOUGH, Screen
from crawler.fetch.browser.pipe import BrowserGone, Pipe, Refused, mapping

LOAD = 25.0  # seconds after which a page that never finishes loading is read as it stands
SETTLE = 10.0  # seconds after its load in which a page may become quiet, where nobody says otherwise
QUIET = 1.5  # seconds without a request, a load or a change that make a page quiet; timers of scripts are about one
TICK = 0.1  # seconds between two times that this is asked
HEAVY = ("video/", "audio/", "multipart/")  # may never end, and the browser shows nothing of it that can be read
ABORTED = "net::ERR_ABORTED"  # Chromium's word where it saves what comes, and for 204 and 205
SCROLLING = 12.0  # seconds for scrolling and for what that loads
MOST_HOPS = 20  # redirects and scripts that go on elsewhere; Chromium itself follows as many redirects
HTML = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One page to show."""

    url: str
    deadline: float  # seconds, all in all
    cookies: tuple[Mapping[str, object], ...] = ()  # as Network.setCookies takes them
    user_agent: str = ""  # "": the browser's own, as it calls itself with a window
    headers: tuple[tuple[str, str], ...] = ()  # sent to the page's own scheme, host and port alone
    languages: str = ""  # Accept-Language
    settle: float = SETTLE  # seconds after its load in which the page may become quiet


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
    seen: int = 0  # the status that the page itself was answered with, also where nothing could be shown of it
    screens: int = 0  # that were scrolled through
    shadows: int = 0  # shadow trees that were put in their places
    frames: int = 0  # frames of the same site


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
    is_saved: bool = False  # the browser takes it for a download
    pause: Callable[[tuple[str, Mapping[str, Any]]], None] = lambda _: None  # a request that waits for our headers

    def heard(self, method: str, event: Mapping[str, Any]) -> None:
        ident = str(event.get("requestId", ""))
        match method:
            case "Network.requestWillBeSent":
                self.open.add(ident)
                self.last = trio.current_time()
                if self._is_page(event):
                    self._asked(ident, event)
            case "Network.responseReceived" if self._is_page(event):
                self.document, self.request = mapping(event.get("response")), ident
            case "Network.loadingFinished" | "Network.loadingFailed":
                self.open.discard(ident)
                self.last = trio.current_time()
                if method == "Network.loadingFailed" and event.get("type") == "Document" and ident == self.request:
                    self.error = str(event.get("errorText", ""))
            case "Page.loadEventFired":
                self.loaded, self.last = True, trio.current_time()
            case "Page.javascriptDialogOpening":
                self.dialog = True
            case "Page.downloadWillBegin" | "Browser.downloadWillBegin":
                self.is_saved = True
            case "Fetch.requestPaused":
                self.pause((ident, event))
            case "Inspector.targetCrashed":
                self.error = "the page crashed the browser"
            case _:
                pass

    def _is_page(self, event: Mapping[str, Any]) -> bool:
        return event.get("type") == "Document" and event.get("frameId") == self.frame

    def _asked(self, ident: str, event: Mapping[str, Any]) -> None:
        self.url = str(mapping(event.get("request")).get("url", ""))
        self.request, self.error = ident, ""
        before = mapping(event.get("redirectResponse"))
        if before:
            self.hops.append((_status(before), str(before.get("url", ""))))
        elif self.document:  # a script went on to another address: a hop that no status tells
            self.hops.append((_status(self.document), str(self.document.get("url", ""))))
        self.document, self.loaded = {}, False
        if len(self.hops) > MOST_HOPS:
            self.error = "net::ERR_TOO_MANY_REDIRECTS"

    def is_quiet(self) -> bool:
        return self.loaded and not self.open and trio.current_time() - self.last >= QUIET

    def is_heavy(self) -> bool:
        return str(self.document.get("mimeType", "")).startswith(HEAVY)

    def failed(self, error: str) -> Rendered:
        return Rendered(self.url, hops=tuple(self.hops), error=error, seen=_status(self.document))


async def show(pipe: Pipe, wanted: PageRequest) -> Rendered:
    """Show a page and read it. Raises nothing for what a page does; a browser that ends is an error of the page."""
    watch = _Watch(url=wanted.url)
    pipe.heard = watch.heard
    try:
        with trio.move_on_after(wanted.deadline):
            return await _show(pipe, wanted, watch)
    except (BrowserGone, Refused) as error:
        return watch.failed(f"{error}")
    return watch.failed(f"no page after {wanted.deadline:g} s")


async def _show(pipe: Pipe, wanted: PageRequest, watch: _Watch) -> Rendered:
    version = await pipe.ask("Browser.getVersion")
    target = await pipe.ask("Target.createTarget", {"url": "about:blank"})
    attached = await pipe.ask("Target.attachToTarget", {"targetId": target.get("targetId"), "flatten": True})
    session = str(attached.get("sessionId", ""))
    await _prepare(pipe, wanted, session, str(version.get("userAgent", "")))
    frames = await pipe.ask("Page.getFrameTree", session=session)
    watch.frame = str(mapping(mapping(frames.get("frameTree")).get("frame")).get("id", ""))
    watch.last = trio.current_time()
    send, paused = trio.open_memory_channel[tuple[str, Mapping[str, Any]]](float("inf"))
    watch.pause = send.send_nowait
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_add_headers, pipe, paused, session, wanted.headers)
        try:
            shown = await _navigated(pipe, wanted, watch, Screen(pipe, session, watch.frame))
        except (BrowserGone, Refused) as error:
            shown = watch.failed(f"{error}")
        nursery.cancel_scope.cancel()
    return replace(shown, browser=str(version.get("product", ""))) if shown.status else shown


async def _navigated(pipe: Pipe, wanted: PageRequest, watch: _Watch, screen: Screen) -> Rendered:
    gone = await pipe.ask("Page.navigate", {"url": wanted.url}, screen.session)
    error = str(gone.get("errorText", ""))
    settled = bool(error) or await _settle(pipe, watch, screen, wanted.settle)
    error = error or watch.error
    if watch.is_saved or watch.is_heavy():
        return watch.failed(ABORTED)
    if error and _status(watch.document) >= 400:  # without a body: the browser shows a page of its own
        return _answered(watch, b"", "", settled=True)
    if error or not watch.document:
        return watch.failed(error or "no answer came")
    return await _read(pipe, watch, screen, settled=settled)


async def _add_headers(
    pipe: Pipe,
    paused: trio.MemoryReceiveChannel[tuple[str, Mapping[str, Any]]],
    session: str,
    ours: tuple[tuple[str, str], ...],
) -> None:
    """Send each request to the page's own origin on with our headers beside the browser's."""
    names = {name.lower() for name, _ in ours}
    async for ident, told in paused:
        theirs = mapping(mapping(told.get("request")).get("headers")).items()
        sent = [(name, value) for name, value in theirs if name.lower() not in names]
        headers = [{"name": name, "value": str(value)} for name, value in (*sent, *ours)]
        try:
            await pipe.ask("Fetch.continueRequest", {"requestId": ident, "headers": headers}, session)
        except (BrowserGone, Refused):
            pass  # the page gave it up meanwhile


async def _prepare(pipe: Pipe, wanted: PageRequest, session: str, agent: str) -> None:
    await pipe.ask("Browser.setDownloadBehavior", {"behavior": "deny"})
    for domain in ("Network", "Page", "Inspector"):
        await pipe.ask(f"{domain}.enable", session=session)
    agent = wanted.user_agent or agent.replace("Headless", "")
    languages = {"acceptLanguage": wanted.languages} if wanted.languages else {}
    await pipe.ask("Network.setUserAgentOverride", {"userAgent": agent, **languages}, session)
    if wanted.headers:
        pattern = {"urlPattern": f"{_origin(wanted.url)}/*", "requestStage": "Request"}
        await pipe.ask("Fetch.enable", {"patterns": [pattern]}, session)
    if wanted.cookies:
        await pipe.ask("Network.setCookies", {"cookies": list(wanted.cookies)}, session)


async def _settle(pipe: Pipe, watch: _Watch, screen: Screen, seconds: float) -> bool:
    """Wait for the load, then for quiet of network and document; False where it never came. Dialogs are dismissed.

    A page that shows next to nothing has the whole time: what a timer of its scripts writes is its text.
    """
    has_loaded, known, has_text = False, "", False
    with trio.move_on_after(LOAD) as waiting:
        while not watch.error and not watch.is_saved and not watch.is_heavy():
            await trio.sleep(TICK)
            if watch.dialog:
                watch.dialog = False
                await _dismiss_dialog(pipe, screen.session)
            if watch.loaded and not has_loaded:
                has_loaded = True
                waiting.deadline = trio.current_time() + seconds
            if not watch.is_quiet():
                continue
            if str(watch.document.get("mimeType", "")) not in HTML or _status(watch.document) >= 400:
                break
            state, characters = await screen.state()
            has_text = characters >= ENOUGH
            if state == known and has_text:
                break
            watch.last, known = trio.current_time(), state
    return not waiting.cancelled_caught or (has_loaded and not has_text and not watch.open)


async def _dismiss_dialog(pipe: Pipe, session: str) -> None:
    try:
        await pipe.ask("Page.handleJavaScriptDialog", {"accept": False}, session)
    except Refused:
        pass  # it was closed already


async def _read(pipe: Pipe, watch: _Watch, screen: Screen, *, settled: bool) -> Rendered:
    """The page's present HTML, else (a picture, a PDF, JSON) the bytes of the answer."""
    kind = str(watch.document.get("mimeType", ""))
    if kind not in HTML:
        answer = await pipe.ask("Network.getResponseBody", {"requestId": watch.request}, screen.session)
        return _answered(watch, _bytes(answer), kind, settled=settled)
    screens = 0
    if _status(watch.document) < 400 and watch.loaded:
        with trio.move_on_after(SCROLLING):
            screens = await screen.scroll()
            while screens and not watch.is_quiet():  # noqa: ASYNC110 - quiet is time that passes, no event
                await trio.sleep(TICK)
    found = await screen.flattened()
    if found is not None and (found.shadows or found.frames):
        shown = _answered(watch, found.html.encode("utf-8", "replace"), f"{kind}; charset=utf-8", settled=settled)
        return replace(shown, screens=screens, shadows=found.shadows, frames=found.frames)
    root = mapping((await pipe.ask("DOM.getDocument", {"depth": 0}, screen.session)).get("root"))
    html = await pipe.ask("DOM.getOuterHTML", {"nodeId": root.get("nodeId")}, screen.session)
    body = str(html.get("outerHTML", "")).encode("utf-8", "replace")
    return replace(_answered(watch, body, f"{kind}; charset=utf-8", settled=settled), screens=screens)


def _answered(watch: _Watch, body: bytes, content_type: str, *, settled: bool) -> Rendered:
    return Rendered(
        url=str(watch.document.get("url") or watch.url),
        status=_status(watch.document),
        content_type=content_type,
        headers=tuple(
            (str(name), line)
            for name, value in mapping(watch.document.get("headers")).items()
            for line in str(value).split("\n")
        ),
        hops=tuple(watch.hops),
        body=body,
        settled=settled,
        seen=_status(watch.document),
    )


def _origin(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].partition('?')[0].rpartition('@')[2]}"


def _bytes(answer: Mapping[str, Any]) -> bytes:
    body = str(answer.get("body", ""))
    try:
        return base64.b64decode(body) if answer.get("base64Encoded") else body.encode("utf-8", "replace")
    except binascii.Error:
        return b""


def _status(response: Mapping[str, Any]) -> int:
    status = response.get("status")
    return status if isinstance(status, int) else 0

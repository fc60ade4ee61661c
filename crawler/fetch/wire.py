"""The innermost layer: one request over the transport, one `Fetch` back, within its time and size.

Headers are put together here, and foreign errors become failures here. Nothing waits for politeness, follows a
redirect or tries again.
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_to_bytes

import ada_url
import httpx
import trio

from crawler.fetch.body import ACCEPT_ENCODING, Body, TooLarge, read_body
from crawler.fetch.cookies import Jars
from crawler.fetch.redirect import REDIRECTS
from crawler.fetch.request import Headers, Now, Request
from crawler.fetch.trouble import WEB_ERRORS, WebTrouble, explain
from crawler.model import Failure, Fetch, Politeness
from crawler.politeness import PolitenessOf
from crawler.settings import Fetch as FetchSettings

# Names the project honestly; the first word is what servers look for that send old browsers a stripped page.
USER_AGENT = "Mozilla/5.0 (compatible; linkhealth-crawler/0.1; +https://pypi.org/project/linkhealth-crawler/)"
DEFAULTS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8",
    "Accept-Encoding": ACCEPT_ENCODING,
}
NO_BODY = Body(b"", 0)
IDLE = 20.0  # seconds without a byte of the body (guess; browsers wait far longer, but for one page)
REDIRECT_BODY = 64 * 1024  # bytes of a redirect's own page that are worth reading to keep the connection
REDIRECT_PATIENCE = 2.0  # seconds to wait for them
_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})
_SECRET = re.compile(r"(?i)auth|cookie|token|secret|(?:^|-)key(?:$|-)")


@dataclass(frozen=True, slots=True)
class Wire:
    """Sends one request; called with a Request, gives a Fetch."""

    transport: httpx.AsyncBaseTransport
    settings: FetchSettings
    politeness: PolitenessOf
    jars: Jars
    now: Now

    async def __call__(self, request: Request) -> Fetch:
        """One attempt, never longer than the slot's `timeout`."""
        rules = self.politeness(request.url)
        started_at, started = self.now(), trio.current_time()
        try:
            prepared = self._prepare(request, rules)
        except (httpx.InvalidURL, UnicodeError) as error:
            failure = WebTrouble(Failure.MALFORMED_URL, f"not a URL that can be sent: {error}")
            return _Answer(failure=failure).as_fetch(request, (), started_at, 0.0)
        answer = _Answer()
        with trio.move_on_after(rules.timeout) as total:
            try:
                await self._exchange(prepared, rules, answer)
            except WEB_ERRORS as error:
                answer.failure = WebTrouble(*explain(error))
        if total.cancelled_caught:
            answer.failure = WebTrouble(Failure.TIMEOUT, f"not through after {rules.timeout:g} seconds")
        sent = _shown(prepared.headers)
        return answer.as_fetch(request, sent, started_at, trio.current_time() - started)

    def _prepare(self, request: Request, rules: Politeness) -> httpx.Request:
        url = ada_url.URL(request.url)
        prepared = httpx.Request(
            "GET",
            httpx.URL(url.href),
            headers=self._headers(request, url, rules),
            extensions={
                "slot": rules.slot,
                "timeout": {"connect": rules.connect_timeout},
                "target": f"{url.pathname}{url.search}".encode("ascii"),  # as WHATWG writes it, not as httpx quotes it
            },
        )
        self.jars.add_to(prepared, rules.slot)
        return prepared

    def _headers(self, request: Request, url: ada_url.URL, rules: Politeness) -> dict[str, str]:
        """Ours, then [fetch] headers, then those of the site or host, then the request's own; later ones win."""
        merged: dict[str, tuple[str, str]] = {}
        own = self.settings.headers.items()
        if request.foreign:
            own = {name: value for name, value in own if name.lower() not in _CREDENTIALS}.items()
        basic = _basic(url)
        layers = (
            (("User-Agent", self.settings.user_agent or USER_AGENT), *DEFAULTS.items()),
            own,
            (("Authorization", basic),) if basic else (),
            rules.headers,
            request.headers,
        )
        for layer in layers:
            for name, value in layer:
                merged[name.lower()] = (name, value)
        return dict(merged.values())

    async def _exchange(self, request: httpx.Request, rules: Politeness, answer: _Answer) -> None:
        response = await self.transport.handle_async_request(request)
        try:
            response.request = request
            self.jars.take_from(response, rules.slot)
            answer.status = response.status_code
            answer.headers = tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in response.headers.raw)
            await self._read(response, answer)
        finally:
            with trio.CancelScope(shield=True):  # closing only hands the connection back, or drops it
                await response.aclose()

    async def _read(self, response: httpx.Response, answer: _Answer) -> None:
        status, limit = response.status_code, int(self.settings.max_body)
        length = response.headers.get("content-length", "")
        announced = int(length) if length.isascii() and length.isdigit() and len(length) < 20 else None
        if status in REDIRECTS and "location" in response.headers:
            if (announced or 0) <= REDIRECT_BODY:
                await _skim(response)
            return
        if announced is not None and announced > limit and status < 400:
            answer.failure = WebTrouble(Failure.TOO_LARGE, _too_large(status, announced, limit))
            return
        framed = announced is not None or "transfer-encoding" in response.headers
        codings = ",".join(response.headers.get_list("content-encoding"))
        try:
            answer.body = await read_body(_Unhurried(response), codings, limit, framed=framed)
        except TooLarge as error:
            answer.body = Body(error.body, error.wire_bytes)
            if status < 400:  # the status of an error page says enough
                answer.failure = WebTrouble(Failure.TOO_LARGE, _too_large(status, None, limit))


@dataclass(slots=True)
class _Answer:
    """What came so far, also when the rest did not."""

    status: int | None = None
    headers: Headers = ()
    body: Body = NO_BODY
    failure: WebTrouble | None = None

    def as_fetch(self, request: Request, sent: Headers, started_at: datetime, seconds: float) -> Fetch:
        failed = self.failure is not None
        return Fetch(
            url=request.url,
            final_url=request.url,
            started_at=started_at,
            seconds=seconds,
            status=None if failed else self.status,
            failure=self.failure.failure if self.failure else None,
            error=self.failure.text if self.failure else "",
            headers=self.headers,
            request_headers=sent,
            body=b"" if failed else self.body.content,
            requests=0 if self.failure and self.failure.failure in _NEVER_SENT else 1,
            wire_bytes=self.body.wire_bytes,
        )


_NEVER_SENT = frozenset({Failure.NOT_PUBLIC, Failure.MALFORMED_URL})


async def _skim(response: httpx.Response) -> None:
    """Read past the page of a redirect, so that the connection can be used again; whatever is wrong with it."""
    with trio.move_on_after(REDIRECT_PATIENCE):
        try:
            await read_body(_Unhurried(response), "", REDIRECT_BODY, framed=True)
        except (*WEB_ERRORS, TooLarge):
            return


class _Unhurried:
    """The body's chunks, each within IDLE seconds of the one before. Not a generator: it may be left half-way."""

    def __init__(self, response: httpx.Response) -> None:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._chunks = response.stream.__aiter__()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        with trio.move_on_after(IDLE):
            return await anext(self._chunks)
        raise WebTrouble(Failure.TIMEOUT, f"no byte of the body for {IDLE:g} seconds")


def _too_large(status: int, announced: int | None, limit: int) -> str:
    size = f"{announced} bytes" if announced is not None else f"more than {limit} bytes"
    return f"answered {status} with {size}; [fetch] max_body is {limit}"


def _basic(url: ada_url.URL) -> str:
    """Credentials written into the URL itself, as curl sends them; "" where there are none."""
    if not url.username and not url.password:
        return ""
    pair = unquote_to_bytes(url.username) + b":" + unquote_to_bytes(url.password)
    return "Basic " + base64.b64encode(pair).decode("ascii")


def _shown(headers: httpx.Headers) -> Headers:
    """Request headers as they may be kept: without anybody's secrets."""
    return tuple(
        (name, "REDACTED" if _SECRET.search(name) else value)
        for name, value in ((k.decode("latin-1"), v.decode("latin-1")) for k, v in headers.raw)
    )

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
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import httpx
import trio

from crawler.core.model import Failure, Fetch, Politeness
from crawler.core.settings import FetchSettings
from crawler.fetch.body import ACCEPT_ENCODING, Body, TooLarge, read_body
from crawler.fetch.cookies import Jars
from crawler.fetch.redirect import REDIRECTS
from crawler.fetch.request import Headers, Now, Request
from crawler.fetch.trouble import WEB_ERRORS, WebTrouble, explain
from crawler.schedule.politeness import PolitenessOf

# Names the project honestly; the first word is what servers look for that send old browsers a stripped page.
USER_AGENT = "Mozilla/5.0 (compatible; linkhealth-crawler/0.1; +https://pypi.org/project/linkhealth-crawler/)"
DEFAULTS = {
    "accept": ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    "accept-language": ("Accept-Language", "zh-CN,zh;q=0.9,en;q=0.8"),
    "accept-encoding": ("Accept-Encoding", ACCEPT_ENCODING),
}
_NOTHING = httpx.ByteStream(b"")  # a GET has no body
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
        """One attempt, never longer than the slot's `timeout`; the URL is in its WHATWG form."""
        rules = self.politeness(request.url)
        started_at, started = self.now(), trio.current_time()
        try:
            prepared = self._prepare(request, rules)
        except (httpx.InvalidURL, UnicodeError) as error:
            failure = WebTrouble(Failure.MALFORMED_URL, f"not a URL that can be sent: {error}")
            return _Answer(failure=failure).as_fetch(request, (), started_at, 0.0)
        answer = _Answer()
        with trio.move_on_after(rules.timeout) as timer:
            try:
                await self._exchange(prepared, rules.slot, answer, timer)
            except WEB_ERRORS as error:
                answer.failure = WebTrouble(*explain(error))
        seconds = trio.current_time() - started
        if timer.cancelled_caught:
            slow = f"not through after {rules.timeout:g} seconds"
            idle = f"no byte of the body for {IDLE:g} seconds"
            answer.failure = WebTrouble(Failure.TIMEOUT, slow if seconds >= rules.timeout else idle)
        return answer.as_fetch(request, _shown(prepared.headers.raw), started_at, seconds)

    def _prepare(self, request: Request, rules: Politeness) -> httpx.Request:
        origin, slash, rest = request.url.partition("#")[0].partition("://")[2].partition("/")
        credentials, _, host = origin.rpartition("@")
        prepared = httpx.Request(
            "GET",
            request.url,
            headers=self._headers(request, host, credentials, rules),
            stream=_NOTHING,
            extensions={
                "slot": rules.slot,
                "timeout": {"connect": rules.connect_timeout},
                "target": (slash + rest).encode("ascii"),  # as WHATWG writes it, not as httpx would quote it
            },
        )
        self.jars.add_to(prepared, rules.slot)
        return prepared

    def _headers(self, request: Request, host: str, credentials: str, rules: Politeness) -> list[tuple[bytes, bytes]]:
        """Ours, then [fetch] headers, then those of the site or host, then the request's own; later ones win."""
        merged = {"host": ("Host", host), "user-agent": ("User-Agent", self.settings.user_agent or USER_AGENT)}
        merged |= DEFAULTS
        if credentials:
            merged["authorization"] = ("Authorization", _basic(credentials))
        for name, value in self.settings.headers.items():
            if not (request.foreign and name.lower() in _CREDENTIALS):
                merged[name.lower()] = (name, value)
        for name, value in (*rules.headers, *request.headers):
            merged[name.lower()] = (name, value)
        return [(name.encode("ascii"), _header_bytes(value)) for name, value in merged.values()]

    async def _exchange(self, request: httpx.Request, slot: str, answer: _Answer, timer: trio.CancelScope) -> None:
        response = await self.transport.handle_async_request(request)
        try:
            answer.status = response.status_code
            answer.headers = tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in response.headers.raw)
            fields = {name.lower(): value for name, value in answer.headers}
            if "set-cookie" in fields:
                response.request = request
                self.jars.take_from(response, slot)
            await self._read(response, fields, answer, timer)
        finally:
            await response.aclose()

    async def _read(
        self, response: httpx.Response, fields: dict[str, str], answer: _Answer, timer: trio.CancelScope
    ) -> None:
        status, limit = response.status_code, int(self.settings.max_body)
        length = fields.get("content-length", "")
        announced = int(length) if length.isascii() and length.isdigit() and len(length) < 20 else None
        if status in REDIRECTS and "location" in fields:
            if (announced or 0) <= REDIRECT_BODY:
                await _skim(response)
            return
        if announced is not None and announced > limit and status < 400:
            answer.failure = WebTrouble(Failure.TOO_LARGE, _too_large(status, announced, limit))
            return
        framed = announced is not None or "transfer-encoding" in fields
        codings = ",".join(response.headers.get_list("content-encoding")) if "content-encoding" in fields else ""
        try:
            answer.body = await read_body(_Unhurried(response, timer), codings, limit, framed=framed)
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
            await read_body(_chunks_of(response), "", REDIRECT_BODY, framed=True)
        except (*WEB_ERRORS, TooLarge):
            return


class _Unhurried:
    """The body's chunks, each within IDLE seconds of the one before: brings the attempt's deadline forward.

    Not a generator, since it may be left half-way, and not a scope for each chunk, which is slow.
    """

    def __init__(self, response: httpx.Response, timer: trio.CancelScope) -> None:
        self._chunks = _chunks_of(response)
        self._timer = timer
        self._total = timer.deadline
        self._last = float("-inf")

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        now = trio.current_time()
        if now - self._last > 1.0:  # moving a deadline costs something too, so to the second is exact enough
            self._last = now
            self._timer.deadline = min(self._total, now + IDLE)
        return await anext(self._chunks)


def _chunks_of(response: httpx.Response) -> AsyncIterator[bytes]:
    assert isinstance(response.stream, httpx.AsyncByteStream)
    return response.stream.__aiter__()


def _too_large(status: int, announced: int | None, limit: int) -> str:
    size = f"{announced} bytes" if announced is not None else f"more than {limit} bytes"
    return f"answered {status} with {size}; [fetch] max_body is {limit}"


def _header_bytes(value: str) -> bytes:
    """Latin-1 as received (an ETag goes back as it came), else UTF-8 as browsers send it."""
    value = value.strip()
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8")


def _basic(credentials: str) -> str:
    """The user and password written into the URL itself, as curl sends them."""
    user, _, password = credentials.partition(":")
    pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return "Basic " + base64.b64encode(pair).decode("ascii")


def _shown(headers: list[tuple[bytes, bytes]]) -> Headers:
    """Request headers as they may be kept: without anybody's secrets."""
    return tuple(
        (name, "REDACTED" if _is_secret(name) else value.decode("latin-1"))
        for name, value in ((k.decode("latin-1"), v) for k, v in headers)
    )


@lru_cache(maxsize=256)
def _is_secret(name: str) -> bool:
    return _SECRET.search(name) is not None

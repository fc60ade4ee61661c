"""The innermost layer: one request over the transport, one `Fetch` back, within its time and size.

Headers are put together here, and foreign errors become failures here. Nothing waits for politeness, follows a
redirect or tries again.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_to_bytes

import trio

from crawler.core.model import Cut, Failure, Fetch
from crawler.core.settings import FetchSettings
from crawler.core.slots import Politeness
from crawler.fetch.body import ACCEPT_ENCODING, BodyBuffer, TooLarge, unknown_coding
from crawler.fetch.cookies import Jars
from crawler.fetch.credentials import headers_for, is_secret
from crawler.fetch.errors import WEB_ERRORS, WebError, explain
from crawler.fetch.holding import BodyBudget
from crawler.fetch.redirect import REDIRECTS
from crawler.fetch.request import Headers, Now, Request, Transport, WireRequest, WireResponse, split_url
from crawler.schedule.politeness import PolitenessOf

# Names the project honestly; the first word is what servers look for that send old browsers a stripped page.
USER_AGENT = "Mozilla/5.0 (compatible; linkhealth-crawler/0.1; +https://pypi.org/project/linkhealth-crawler/)"
DEFAULTS = {
    "accept": ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    "accept-language": ("Accept-Language", "zh-CN,zh;q=0.9,en;q=0.8"),
    "accept-encoding": ("Accept-Encoding", ACCEPT_ENCODING),
}
IDLE = 20.0  # seconds without a byte of the body (guess; browsers wait far longer, but for one page)
REDIRECT_BODY = 64 * 1024  # bytes of a redirect's own page that are worth reading to keep the connection
REDIRECT_PATIENCE = 2.0  # seconds to wait for them
FIRST_PART = 1024 * 1024  # bytes read of an announced body over max_body that is no text: a part of a film is no copy
_TEXT = ("text/", "application/xhtml", "application/xml", "application/json")
# A page under a coding that nobody knows is one all the same: browsers take such a body as it is.
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<[!?a-zA-Z]")
_NOT_ONE_LINE = re.compile(r"[\0\r\n]+")
# Where no connection came about, nothing was sent.
UNSENT = (Failure.NOT_PUBLIC, Failure.NO_SUCH_HOST, Failure.DNS, Failure.REFUSED, Failure.UNREACHABLE)
_CUTS = {Failure.RESET: Cut.RESET, Failure.BAD_ENCODING: Cut.BAD_CODING, Failure.TIMEOUT: Cut.TIMEOUT}


@dataclass(frozen=True, slots=True)
class Wire:
    """Sends one request; called with a Request, gives a Fetch."""

    transport: Transport
    settings: FetchSettings
    politeness: PolitenessOf
    jars: Jars
    now: Now
    budget: BodyBudget

    async def __call__(self, request: Request) -> Fetch:
        """One attempt, never longer than the slot's `timeout`; the URL is in its WHATWG form."""
        rules = self.politeness(request.url)
        started_at, started = self.now(), trio.current_time()
        prepared = self._prepare(request, rules)
        answer = _Answer()
        with trio.move_on_after(rules.timeout) as timer:
            try:
                await self._exchange(prepared, answer, timer)
            except WEB_ERRORS as error:
                answer.fail(*explain(error))
        seconds = trio.current_time() - started - answer.stood
        if timer.cancelled_caught:
            slow = f"not through after {rules.timeout:g} s"
            idle = f"no byte of the body for {IDLE:g} s"
            answer.fail(Failure.TIMEOUT, slow if seconds >= rules.timeout else idle)
        return answer.as_fetch(request, _shown(prepared.headers), started_at, seconds)

    def _prepare(self, request: Request, rules: Politeness) -> WireRequest:
        scheme, credentials, host, port, authority, target = split_url(request.url)
        url = f"{scheme}://{authority}{target}"
        headers = self._headers(request, authority, credentials, rules)
        if "cookie" not in (name.lower() for name, _ in headers):
            cookie = self.jars.header_for(url)
            headers += [("Cookie", cookie)] if cookie else []
        return WireRequest(
            url=url,
            scheme=scheme,
            host=host,
            port=port,
            target=target,
            headers=[(name.encode("ascii"), _header_bytes(value)) for name, value in headers],
            slot=rules.slot,
            connect_timeout=rules.connect_timeout,
        )

    def _headers(self, request: Request, authority: str, credentials: str, rules: Politeness) -> list[tuple[str, str]]:
        """Ours, then [fetch] headers, then those of the site or host, then the request's own; later ones win."""
        merged = {"host": ("Host", authority), "user-agent": ("User-Agent", self.settings.user_agent or USER_AGENT)}
        merged |= DEFAULTS
        if credentials:
            merged["authorization"] = ("Authorization", _basic(credentials))
        for name, value in headers_for(request, self.settings.headers.items(), rules.headers):
            merged[name.lower()] = (name, value)
        return list(merged.values())

    async def _exchange(self, request: WireRequest, answer: _Answer, timer: trio.CancelScope) -> None:
        response = await self.transport.send(request)
        try:
            answer.status, answer.headers = response.status, response.headers
            answer.framed = response.framed
            fields = {name.lower(): value for name, value in response.headers}
            if "set-cookie" in fields:
                self.jars.take_from(response.headers, request.url)
            await self._read(response, fields, answer, timer)
        finally:
            await response.aclose()

    async def _read(
        self, response: WireResponse, fields: dict[str, str], answer: _Answer, timer: trio.CancelScope
    ) -> None:
        status, limit = response.status, int(self.settings.max_body)
        length = fields.get("content-length", "")
        announced = int(length) if length.isascii() and length.isdigit() and len(length) < 20 else None
        if status in REDIRECTS and fields.get("location"):
            if (announced or 0) <= REDIRECT_BODY:
                await _skim(response)
            return
        is_text = fields.get("content-type", "text/").lower().startswith(_TEXT)
        over = announced is not None and announced > limit
        codings = ",".join(value for name, value in response.headers if name.lower() == "content-encoding")
        unknown = unknown_coding(codings)
        limit_here = min(limit, FIRST_PART) if over and not is_text else limit
        body = answer.body = BodyBuffer("" if unknown else codings, limit_here)
        reader = _Unhurried(response, timer)
        try:
            with self.budget.coming():
                while chunk := await reader.read():
                    before = body.size
                    if unknown and not before and not _MARKUP.match(chunk):
                        raise WebError(Failure.BAD_ENCODING, unknown)
                    body.feed(chunk)
                    answer.framed = response.framed
                    if self.budget.grow(body.size - before):
                        answer.stood += await reader.paused(self.budget.stand)
        except TooLarge:
            answer.cut = Cut.TOO_LARGE
            answer.error = _too_large(status, announced if over else None, limit)
            return
        if not body.is_whole():
            answer.cut, answer.error = Cut.RESET, "the compressed body broke off before its end"


@dataclass(slots=True)
class _Answer:
    """What came so far, also when the rest did not."""

    status: int | None = None
    headers: Headers = ()
    body: BodyBuffer | None = None
    framed: bool = True
    failure: Failure | None = None
    error: str = ""
    cut: Cut = Cut.NOT
    stood: float = 0.0  # seconds that we had no room for more of it

    def fail(self, failure: Failure, text: str) -> None:
        """Before the head came, this is all that is known; after it, the answer was seen, and is cut."""
        self.error = text
        if self.status is None:
            self.failure = failure
        elif not self.cut:
            late = Cut.TIMEOUT if self.framed else Cut.ENDLESS
            self.cut = late if failure is Failure.TIMEOUT else _CUTS.get(failure, Cut.RESET)

    def as_fetch(self, request: Request, sent: Headers, started_at: datetime, seconds: float) -> Fetch:
        return Fetch(
            url=request.url,
            final_url=request.url,
            started_at=started_at,
            seconds=seconds,
            status=self.status,
            failure=self.failure,
            error=self.error,
            headers=self.headers,
            request_headers=sent,
            body=self.body.content if self.body else b"",
            requests=0 if self.failure in UNSENT else 1,
            wire_bytes=self.body.wire_bytes if self.body else 0,
            cut=self.cut,
        )


async def _skim(response: WireResponse) -> None:
    """Read past the page of a redirect, so that the connection can be used again; whatever is wrong with it."""
    with trio.move_on_after(REDIRECT_PATIENCE):
        try:
            left = REDIRECT_BODY
            while left > 0 and (chunk := await response.read()):
                left -= len(chunk)
        except WEB_ERRORS:
            return


class _Unhurried:
    """The body's chunks, each within IDLE seconds of the one before: brings the attempt's deadline forward.

    Not a scope for each chunk, which is slow.
    """

    def __init__(self, response: WireResponse, timer: trio.CancelScope) -> None:
        self._response = response
        self._timer = timer
        self._total = timer.deadline
        self._last = -math.inf

    async def read(self) -> bytes:
        now = trio.current_time()
        if now - self._last > 1.0:  # moving a deadline costs something too, so to the second is exact enough
            self._last = now
            self._timer.deadline = min(self._total, now + IDLE)
        return await self._response.read()

    async def paused(self, wait: Callable[[], Awaitable[None]]) -> float:
        """Wait for what is no fault of the web: the clock stands still meanwhile. Seconds that it took."""
        begun = trio.current_time()
        self._timer.deadline = math.inf
        await wait()
        waited = trio.current_time() - begun
        self._total += waited
        self._timer.deadline, self._last = self._total, -math.inf
        return waited


def _too_large(status: int, announced: int | None, limit: int) -> str:
    size = f"{announced} bytes" if announced is not None else f"more than {limit} bytes"
    return f"answered {status} with {size}; [fetch] max_body is {limit}"


def _header_bytes(value: str) -> bytes:
    """Latin-1 as received (an ETag goes back as it came), else UTF-8 as browsers send it; always one line."""
    value = _NOT_ONE_LINE.sub(" ", value).strip(" \t")
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace")


def _basic(credentials: str) -> str:
    """The user and password written into the URL itself, as curl sends them."""
    user, _, password = credentials.partition(":")
    pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return "Basic " + base64.b64encode(pair).decode("ascii")


def _shown(headers: list[tuple[bytes, bytes]]) -> Headers:
    """Request headers as they may be kept: without anybody's secrets."""
    return tuple(
        (name, "REDACTED" if is_secret(name) else value.decode("latin-1"))
        for name, value in ((k.decode("latin-1"), v) for k, v in headers)
    )

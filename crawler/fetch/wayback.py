"""The Internet Archive's index and its captures: which there are of a page, and the bytes of one.

What its APIs take and answer lives here; what a capture shows is for the judge, and offering pages is `savepage`'s.
Requests go through a `Send` that the caller gives; `open_sender` makes one. A broken archive is a value: nothing here
raises for what comes over the wire.

Facts: the CDX server's README (github.com/internetarchive/wayback, wayback-cdx-server), Memento (RFC 7089). The archive
answers 403 and 451 for what it may not show, and for a capture of an error it repeats that error's status; only
`Memento-Datetime` tells such a capture from an error of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin, urlsplit

import trio

from crawler.core.url import is_http, redact, without_fragment

if TYPE_CHECKING:
    from crawler.core.settings import FetchSettings

ENDPOINT = "https://web.archive.org"
TIMEOUT = 45.0  # seconds for one request; the archive often takes twenty
MAX_CAPTURE = 16 * 1024 * 1024  # bytes of one capture that are read: as much as `[fetch] max_body` is by default
LIMIT = 200  # captures of one answer
INDEX_PAUSE = 1.25  # seconds between two questions to the index; the client of EDGI asks 0.8 a second
PAUSE = 0.5  # seconds between two other requests
BACK_OFF = 10.0  # seconds after a 429 that names no time
MAX_WAIT = 60.0  # seconds that a Retry-After is waited for


@dataclass(frozen=True, slots=True)
class WaybackRequest:
    """One request; redirects are not followed. `form` makes it a POST."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class WaybackAnswer:
    """What came back; status 0 where nothing did. Header names are lower-case. `whole` is False for a cut body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = True


Send = Callable[[WaybackRequest], Awaitable[WaybackAnswer]]


@dataclass(frozen=True, slots=True)
class WaybackCapture:
    """A page as the archive keeps it, and what its index says of it (status None: nothing)."""

    url: str  # where it can be read
    captured_at: datetime
    original: str = ""  # the address that was captured
    status: int | None = None
    media_type: str = ""
    digest: str = ""


class LookupOutcome(StrEnum):
    """What the archive's answer is worth. All but SILENT are answers, and may be remembered."""

    FOUND = "found"
    NONE = "none"
    EXCLUDED = "excluded"  # it has or had the page, and may not show it
    SILENT = "silent"  # it could not say, or has asked us to wait


@dataclass(frozen=True, slots=True)
class Lookup:
    """Captures in the order of the index."""

    outcome: LookupOutcome
    captures: tuple[WaybackCapture, ...] = ()


@dataclass(frozen=True, slots=True)
class CaptureContent:
    """What a capture holds: the page's own status, headers (names in lower case) and body.

    `location`: where a captured redirect led. `status` 0 unless `outcome` is FOUND.
    """

    outcome: LookupOutcome
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    captured_at: datetime | None = None
    location: str = ""


class CaptureKind(Enum):
    """Filters of the index: regular expressions that a whole field has to match."""

    PAGES = ("statuscode:200", "mimetype:(text/.*|application/xhtml.xml)")
    REDIRECTS = ("statuscode:30[12378]",)
    ALL = ()


_STAMP = re.compile(r"/web/(\d{4,14})(?:[a-z]{2}_)?/(.+)", re.DOTALL)
_TOO_BUSY = frozenset((0, 401, 407, 408, 425, 429))  # 401: it wants a login, which says nothing of the page


async def captures(
    send: Send,
    url: str,
    endpoint: str = ENDPOINT,
    *,
    kind: CaptureKind = CaptureKind.PAGES,
    near: datetime | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Lookup:
    """What the index has of one URL, of that kind, nearest to `near` first; at most `LIMIT`.

    Nothing is asked about a URL that holds a secret of the person who shared it.
    """
    if not may_be_sent(url):
        return Lookup(LookupOutcome.NONE)
    query = [("url", _sendable(url)), ("output", "json"), ("fl", "timestamp,original,mimetype,statuscode,digest")]
    query += [("filter", text) for text in kind.value]
    query += [("from", _stamp(since))] if since else []
    query += [("to", _stamp(until))] if until else []
    query += [("sort", "closest"), ("closest", _stamp(near))] if near else []
    answer = await send(WaybackRequest(f"{endpoint}/cdx/search/cdx?{urlencode([*query, ('limit', str(LIMIT))])}"))
    if answer.status != 200:
        return Lookup(_refusal(answer))
    rows = json_of(answer) if answer.body.strip() else []
    if not isinstance(rows, list):
        return Lookup(LookupOutcome.SILENT)
    found = [capture for capture in _rows(endpoint, rows) if _is_within(capture, kind, since, until)]
    if near is not None:
        found.sort(key=lambda capture: abs((capture.captured_at - near).total_seconds()))
    return Lookup(LookupOutcome.FOUND if found else LookupOutcome.NONE, tuple(found[:LIMIT]))


def _refusal(answer: WaybackAnswer) -> LookupOutcome:
    """What a status that is no success says of the URL that was asked about."""
    match answer.status:
        case 403 | 451:
            return LookupOutcome.EXCLUDED
        case status if status in _TOO_BUSY or not 400 <= status < 500:
            return LookupOutcome.SILENT
        case _:
            return LookupOutcome.NONE


def _rows(endpoint: str, rows: list[Any]) -> list[WaybackCapture]:
    """The first row names the columns, as asked for or not."""
    if not rows or not isinstance(rows[0], list):
        return []
    names = [str(name) for name in rows[0]]
    named = (dict(zip(names, map(str, row), strict=False)) for row in rows[1 : LIMIT + 1] if isinstance(row, list))
    return [capture for capture in (_row(endpoint, row) for row in named) if capture is not None]


def _row(endpoint: str, row: Mapping[str, str]) -> WaybackCapture | None:
    status = row.get("statuscode", "")
    found = capture_at(endpoint, f"{endpoint}/web/{row.get('timestamp', '')}/{row.get('original', '')}")
    if found is None or not is_http(found.original):
        return None
    return replace(
        found,
        status=int(status) if re.fullmatch(r"\d{3}", status) else None,
        media_type=row.get("mimetype", "").lower(),
        digest=row.get("digest", ""),
    )


def _is_within(capture: WaybackCapture, kind: CaptureKind, since: datetime | None, until: datetime | None) -> bool:
    """Whether a capture is what was asked for: mirrors of the archive do not know every filter."""
    if (since and capture.captured_at < since) or (until and capture.captured_at > until):
        return False
    match kind:
        case CaptureKind.PAGES:
            is_text = capture.media_type.startswith("text/") or capture.media_type == "application/xhtml+xml"
            return capture.status == 200 and is_text
        case CaptureKind.REDIRECTS:
            return capture.status in (301, 302, 303, 307, 308)
        case CaptureKind.ALL:
            return True


async def read_capture(send: Send, capture: WaybackCapture, endpoint: str = ENDPOINT) -> CaptureContent:
    """The bytes of a capture as they were captured (`id_`); a redirect to the same capture's exact time is followed."""
    address = f"{endpoint}/web/{_stamp(capture.captured_at)}id_/{_sendable(capture.original)}"
    answer = await send(WaybackRequest(address))
    location = urljoin(address, answer.headers.get("location", "")) if 300 <= answer.status < 400 else ""
    moved = capture_at(endpoint, location)
    if moved and same_page(moved.original, capture.original) and moved.captured_at != capture.captured_at:
        answer = await send(WaybackRequest(f"{endpoint}/web/{_stamp(moved.captured_at)}id_/{moved.original}"))
        if 300 <= answer.status < 400:
            return CaptureContent(LookupOutcome.NONE)
        return _content(answer, moved, "", endpoint)
    return _content(answer, capture, moved.original if moved else location, endpoint)


def _content(answer: WaybackAnswer, capture: WaybackCapture, location: str, endpoint: str) -> CaptureContent:
    taken = _memento_time(answer)
    if 300 <= answer.status < 400:
        own = (urlsplit(endpoint).hostname, "archive.org", "www.archive.org")
        if not is_http(location) or urlsplit(location).hostname in own:
            return CaptureContent(LookupOutcome.SILENT)  # to its login, its home, its status page
    elif taken is None and answer.status != 200:
        return CaptureContent(_refusal(answer))
    elif not answer.whole or (taken is None and _is_archives_own(answer.body)):
        return CaptureContent(LookupOutcome.SILENT)
    orig = {name.removeprefix(_ORIG): value for name, value in answer.headers.items() if name.startswith(_ORIG)}
    headers = tuple((name, value) for name, value in (orig | dict(answer.headers)).items() if name in _KEPT)
    at = taken or capture.captured_at
    return CaptureContent(LookupOutcome.FOUND, answer.status, headers, answer.body, at, location)


_ORIG = "x-archive-orig-"  # before the headers that were captured
_KEPT = frozenset(("content-type", "content-language", "last-modified", "refresh", "link", "server"))

_TITLE = re.compile(rb"<title[^>]*>([^<]{0,300})", re.IGNORECASE)
_HEADING = re.compile(rb"<h1[^>]*>(.{0,300}?)</h1", re.IGNORECASE | re.DOTALL)
_ITSELF = re.compile(rb"internet archive|wayback machine|archive\.org", re.IGNORECASE)
_TROUBLE = re.compile(
    rb"off ?-?line|unavailable|maintenance|log ?in|sign ?in|be right back|error|problem|too many requests",
    re.IGNORECASE,
)


def _is_archives_own(body: bytes) -> bool:
    """Whether the archive speaks of a trouble of its own; what a capture shows has `Memento-Datetime`."""
    start = body[: 64 * 1024]
    names = b" ".join(found[1] for found in (*_TITLE.finditer(start), *_HEADING.finditer(start)))
    if not _ITSELF.search(names) and not (len(start) < 4096 and _ITSELF.search(start)):
        return False
    return bool(_TROUBLE.search(names) or (len(start) < 4096 and _TROUBLE.search(start)))


def capture_at(endpoint: str, address: str) -> WaybackCapture | None:
    """The capture that an address of the archive names; None for addresses of anything else."""
    found = _STAMP.match(address.removeprefix(endpoint)) if address.startswith(f"{endpoint}/") else None
    taken = _time(found[1]) if found else None
    return WaybackCapture(f"{endpoint}/web/{found[1]}/{found[2]}", taken, found[2]) if found and taken else None


_SAME = re.compile(r"^https?:/{1,3}(?:www\d?\.)?([^/?#:]*)(?::(?:80|443))?/*", re.IGNORECASE)


def same_page(first: str, second: str) -> bool:
    """Whether two addresses are one to the archive: scheme, www, case, default port, closing slash are forgiven."""
    return _key(first) == _key(second)


def _key(url: str) -> str:
    from urllib.parse import unquote

    rest = unquote(without_fragment(url)).casefold()
    path, _, query = _SAME.sub(r"\1/", rest).partition("?")
    return f"{path.rstrip('/')}?{'&'.join(sorted(query.split('&')))}"


def _time(stamp: str) -> datetime | None:
    """Time stamps are YYYYMMDDhhmmss, and may be cut after any field."""
    try:
        return datetime.strptime(stamp + "00000101000000"[len(stamp) :], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _stamp(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y%m%d%H%M%S}"


def _memento_time(answer: WaybackAnswer) -> datetime | None:
    try:
        written = answer.headers.get("memento-datetime", "")
        return datetime.strptime(written, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError:
        return None


def _sendable(url: str) -> str:
    return without_fragment(url).replace(" ", "%20")


def may_be_sent(url: str) -> bool:
    """Whether others may see this URL: it is one of the web, without a secret of its sharer."""
    return is_http(url) and redact(url) == url


def json_of(answer: WaybackAnswer) -> Any:
    """The body as JSON, None where it is none."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def retry_after(answer: WaybackAnswer) -> float:
    """Seconds that the answer asks to wait; 0 where it names none."""
    written = answer.headers.get("retry-after", "")
    return float(written) if re.fullmatch(r"\d{1,6}", written) else 0.0


def paced(send: Send) -> Send:
    """The same `send`, one request at a time with pauses between them, and with the longer ones that it is told."""
    turn = trio.Lock()
    ready = {"at": 0.0}

    async def patient(request: WaybackRequest) -> WaybackAnswer:
        async with turn:
            await trio.sleep_until(ready["at"])
            answer = await send(request)
            pause = INDEX_PAUSE if "/cdx/" in request.url else PAUSE
            if answer.status in (429, 503):
                pause = max(pause, min(retry_after(answer) or (BACK_OFF if answer.status == 429 else 0), MAX_WAIT))
            ready["at"] = trio.current_time() + pause
            return answer

    return patient


@asynccontextmanager
async def open_sender(fetch: FetchSettings, endpoint: str = ENDPOINT) -> AsyncIterator[Send]:
    """A `Send` under `[fetch]`'s guard, proxy and authorities: every answer has a deadline and a size, and no answer
    is a status of 0.
    """
    from crawler.fetch.side import open_side_client

    limit = max(MAX_CAPTURE, int(fetch.max_body))
    async with open_side_client(fetch, endpoint, seconds=TIMEOUT) as opened:
        client = replace(opened, limit=limit)

        async def send(request: WaybackRequest) -> WaybackAnswer:
            form = (("Content-Type", "application/x-www-form-urlencoded"),) if request.form else ()
            body = urlencode(request.form).encode("ascii") if request.form else b""
            answer = await client("POST" if request.form else "GET", request.url, (*request.headers, *form), body)
            return WaybackAnswer(answer.status, answer.headers, answer.body, len(answer.body) < limit)

        yield send

"""Asking the Internet Archive: which capture is nearest to a date, and please save this page.

What its APIs take and answer lives here. Whether to ask at all is the user's choice (`[wayback]`, off by default),
and never a check's. Requests go through a `Send` that the caller gives; `open_sender` makes one. A broken archive is
a value: nothing here raises for what comes over the wire.

Facts: Save Page Now 2 API (Vangelis Banos, 2025-10-22), Memento (RFC 7089), the CDX server's README.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin

import trio

from crawler.core.errors import ConfigError
from crawler.core.url import is_http, redact, without_fragment

if TYPE_CHECKING:
    from crawler.core.settings import FetchSettings

ENDPOINT = "https://web.archive.org"
TIMEOUT = 60.0  # seconds for one request; the archive often takes twenty
ANONYMOUS_INTERVAL = 60 / 4  # seconds between two submissions: four a minute without keys
KEYED_INTERVAL = 60 / 12  # twelve a minute with keys
POLL_INTERVAL = 5.0  # seconds between two questions about a job; what the API's own example waits
PATIENCE = 180.0  # seconds for one job; a capture may take two minutes, and then some in the queue
BACK_OFF = 60.0  # seconds after an answer that says we ask too much, where no Retry-After says better
TRIES = 3  # of one URL that is turned away because of us, not of it
AT_ONCE = 6  # jobs that run side by side, under the archive's limit of an account; a guess


@dataclass(frozen=True, slots=True)
class Ask:
    """One request; redirects are not followed. `form` makes it a POST."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class WaybackAnswer:
    """What came back; status 0 where nothing did. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


Send = Callable[[Ask], Awaitable[WaybackAnswer]]


@dataclass(frozen=True, slots=True)
class WaybackCapture:
    """A page as the archive keeps it."""

    url: str  # where it can be read
    captured_at: datetime


@dataclass(frozen=True, slots=True)
class Lookup:
    """`captures`, nearest or oldest first; `answered` is False where the archive could not say."""

    captures: tuple[WaybackCapture, ...] = ()
    answered: bool = True


_STAMP = re.compile(r"/web/(\d{4,14})[a-z_]*/(.+)", re.DOTALL)


async def nearest(send: Send, url: str, when: datetime, endpoint: str = ENDPOINT) -> Lookup:
    """The capture nearest to a time: the archive redirects from any time stamp to the one it has.

    Nothing is asked about a URL that holds a secret of the person who shared it.
    """
    if not _may_be_sent(url):
        return Lookup()
    asked = f"{endpoint}/web/{_stamp(when)}/{_sendable(url)}"
    answer = await send(Ask(asked))
    if answer.status in (301, 302, 303, 307, 308):
        location = answer.headers.get("location", "")
        found = _capture(endpoint, urljoin(asked, location)) if location else None
        return Lookup((found,)) if found else Lookup()
    if answer.status == 200 and (found := _capture(endpoint, asked)):
        return Lookup((replace(found, captured_at=_memento_time(answer) or found.captured_at),))
    return Lookup(answered=answer.status in (200, 404))


async def captures(send: Send, url: str, endpoint: str = ENDPOINT, limit: int = 1000) -> Lookup:
    """All captures of a page that answered 200, oldest first, one a day."""
    if not _may_be_sent(url):
        return Lookup()
    query = {"url": _sendable(url), "output": "json", "fl": "timestamp,original", "filter": "statuscode:200"}
    query |= {"collapse": "timestamp:8", "limit": str(limit)}
    answer = await send(Ask(f"{endpoint}/cdx/search/cdx?{urlencode(query)}"))
    rows = _json(answer)
    if answer.status != 200 or not isinstance(rows, list):
        return Lookup(answered=False)
    found = (_row(endpoint, row) for row in rows[1 : limit + 1])  # the first row names the columns
    return Lookup(tuple(capture for capture in found if capture))


def _row(endpoint: str, row: object) -> WaybackCapture | None:
    match row:
        case [str() as stamp, str() as original, *_]:
            return _capture(endpoint, f"{endpoint}/web/{stamp}/{original}")
        case _:
            return None


def _capture(endpoint: str, address: str) -> WaybackCapture | None:
    """The capture that an address of the archive names; None for addresses of anything else."""
    found = _STAMP.match(address.removeprefix(endpoint)) if address.startswith(f"{endpoint}/") else None
    taken = _time(found[1]) if found else None
    return WaybackCapture(f"{endpoint}/web/{found[1]}/{found[2]}", taken) if found and taken else None


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


def _may_be_sent(url: str) -> bool:
    return is_http(url) and redact(url) == url


def _json(answer: WaybackAnswer) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


class SaveOutcome(StrEnum):
    """What became of a submission."""

    SAVED = "saved"  # or saved lately: `capture` says when
    LATER = "later"  # this time it failed; the page may be submitted again in another run
    REFUSED = "refused"  # the archive will not take this URL
    STOPPED = "stopped"  # the archive takes nothing more from us today; the rest was not asked


@dataclass(frozen=True, slots=True)
class Submission:
    """One page that was offered. `reason` is the archive's own slug ("not-found"), or ours."""

    url: str
    outcome: SaveOutcome
    reason: str = ""
    message: str = ""
    capture: WaybackCapture | None = None
    wait: float = 0.0  # seconds after which the same may be asked again in this run; 0: not in this run


# `status_ext` of the API's table. What is not listed is transient: their browser, their queue, the page's server.
_REFUSALS = {"blocked-url", "invalid-url-syntax", "invalid-url", "filesize-limit", "ftp-access-denied"}
_LIMITS_OF_OURS = {"max-daily-bandwidth", "max-daily-bandwidth-from-ip", "blocked-client-ip"}
_TOO_FAST = {"user-session-limit", "celery", "no-browsers-available"}


@dataclass(frozen=True, slots=True)
class Service:
    """The archive as one user reaches it."""

    send: Send
    endpoint: str = ENDPOINT
    keys: str = ""  # "access:secret"
    recent: str = "30d"  # a page saved within this time is not saved again; "3d 5h 20m" or seconds

    @property
    def interval(self) -> float:
        """Seconds between the starts of two submissions."""
        return KEYED_INTERVAL if self.keys else ANONYMOUS_INTERVAL

    def headers(self) -> tuple[tuple[str, str], ...]:
        """What every request to the API carries."""
        plain = (("Accept", "application/json"),)
        return (*plain, ("Authorization", f"LOW {self.keys}")) if self.keys else plain


def read_keys(setting: str, environment: Mapping[str, str]) -> str:
    """The keys that `[wayback] keys` means: "access:secret", or "env:NAME". Raises ConfigError."""
    name = setting.removeprefix("env:") if setting.startswith("env:") else ""
    keys = environment.get(name, "") if name else setting
    if name and not keys:
        raise ConfigError(f"[wayback] keys: the variable {name} is not set")
    if keys and not re.fullmatch(r"[!-9;-~]+:[!-~]+", keys):
        raise ConfigError("[wayback] keys: must be access:secret, as https://archive.org/account/s3.php shows them")
    return keys


async def submit(service: Service, urls: Iterable[str], done: Callable[[Submission], None]) -> None:
    """Offer pages in order, at the archive's pace; `done` hears of each as soon as its fate is known."""
    batch = _Batch(service, iter(dict.fromkeys(urls)), done)
    async with trio.open_nursery() as nursery:
        for _ in range(AT_ONCE):
            nursery.start_soon(batch.work)


class _Batch:
    """The URLs that several workers share, and the pace that binds them all."""

    def __init__(self, service: Service, urls: Iterator[str], done: Callable[[Submission], None]) -> None:
        self.service = service
        self.urls = urls
        self.done = done
        self.next_start = 0.0
        self.is_stopped = False

    async def work(self) -> None:
        for url in self.urls:
            if not _may_be_sent(url):
                fate = Submission(url, SaveOutcome.REFUSED, "not-public", "no http, or it holds a secret of its sharer")
            elif self.is_stopped:
                fate = Submission(url, SaveOutcome.STOPPED, "not-asked")
            else:
                fate = await self.save(url)
            self.is_stopped |= fate.outcome is SaveOutcome.STOPPED
            self.done(fate)

    async def save(self, url: str) -> Submission:
        """One page; asked again where it was turned away because we asked too much."""
        for _ in range(TRIES):
            await self.turn()
            submission = await _save_once(self.service, url)
            if not submission.wait:
                break
            self.next_start = max(self.next_start, trio.current_time() + submission.wait)
        return submission

    async def turn(self) -> None:
        start = max(trio.current_time(), self.next_start)
        self.next_start = start + self.service.interval
        await trio.sleep_until(start)


async def _save_once(service: Service, url: str) -> Submission:
    form = (("url", without_fragment(url)), ("if_not_archived_within", service.recent), ("skip_first_archive", "1"))
    answer = await service.send(Ask(f"{service.endpoint}/save", service.headers(), form))
    said = _json(answer)
    job = said.get("job_id") if isinstance(said, dict) else None
    if isinstance(job, str) and re.fullmatch(r"[\w-]{1,100}", job):
        return await _follow(service, url, job)
    return _turned_away(url, answer, said if isinstance(said, dict) else {})


async def _follow(service: Service, url: str, job: str) -> Submission:
    """Ask about a job until it ends. Its status can be "pending" for minutes, and is forgotten after an hour."""
    with trio.move_on_after(PATIENCE):
        while True:
            await trio.sleep(POLL_INTERVAL)
            answer = await service.send(Ask(f"{service.endpoint}/save/status/{job}", service.headers()))
            said = _json(answer)
            if answer.status == 200 and isinstance(said, dict) and said.get("status") == "success":
                return _saved(service, url, said)
            if isinstance(said, dict) and said.get("status") == "error":
                return _turned_away(url, answer, said)
    return Submission(url, SaveOutcome.LATER, "still-running", f"job {job} did not end in {PATIENCE:.0f} s")


def _saved(service: Service, url: str, said: Mapping[str, Any]) -> Submission:
    stamp, original = str(said.get("timestamp", "")), str(said.get("original_url") or url)
    capture = _capture(service.endpoint, f"{service.endpoint}/web/{stamp}/{original}")
    if capture is None:
        return Submission(url, SaveOutcome.LATER, "unreadable-answer", f"time stamp {stamp[:20]!r}")
    return Submission(url, SaveOutcome.SAVED, capture=capture)


def _turned_away(url: str, answer: WaybackAnswer, said: Mapping[str, Any]) -> Submission:
    reason = str(said.get("status_ext") or "").removeprefix("error:")
    message = " ".join(str(said.get("message") or "").split())[:300]
    if not reason:
        return _without_reason(url, answer, message)
    if reason in _REFUSALS:
        return Submission(url, SaveOutcome.REFUSED, reason, message)
    if reason in _LIMITS_OF_OURS:
        return Submission(url, SaveOutcome.STOPPED, reason, message)
    return Submission(url, SaveOutcome.LATER, reason, message, wait=BACK_OFF if reason in _TOO_FAST else 0.0)


def _without_reason(url: str, answer: WaybackAnswer, message: str) -> Submission:
    """What the status alone says, where the answer is not the API's JSON."""
    match answer.status:
        case 401 | 403:
            return Submission(
                url, SaveOutcome.STOPPED, "keys-needed", message or "the archive asks for keys that it knows"
            )
        case 429:
            return Submission(url, SaveOutcome.LATER, "rate-limited", message, wait=_retry_after(answer))
        case 0:
            return Submission(url, SaveOutcome.LATER, "no-answer", message)
        case _:
            return Submission(url, SaveOutcome.LATER, "unreadable-answer", message or f"status {answer.status}")


def _retry_after(answer: WaybackAnswer) -> float:
    seconds = answer.headers.get("retry-after", "")
    return min(float(seconds), 10 * BACK_OFF) if re.fullmatch(r"\d{1,6}", seconds) else BACK_OFF


@asynccontextmanager
async def open_sender(fetch: FetchSettings, endpoint: str = ENDPOINT) -> AsyncIterator[Send]:
    """A `Send` under `[fetch]`'s guard, proxy and authorities: every answer has a deadline and a size, and no answer
    is a status of 0.
    """
    from crawler.fetch.side import open_side_client

    async with open_side_client(fetch, endpoint, seconds=TIMEOUT) as client:

        async def send(ask: Ask) -> WaybackAnswer:
            form = (("Content-Type", "application/x-www-form-urlencoded"),) if ask.form else ()
            body = urlencode(ask.form).encode("ascii") if ask.form else b""
            answer = await client("POST" if ask.form else "GET", ask.url, (*ask.headers, *form), body)
            return WaybackAnswer(answer.status, answer.headers, answer.body)

        yield send

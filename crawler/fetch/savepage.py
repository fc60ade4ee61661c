"""Save Page Now: offering pages to the Internet Archive, at its pace, and following what becomes of each.

Which pages are offered is the caller's. A broken archive is a value: nothing here raises for what comes over the wire.

Facts: Save Page Now 2 API (Vangelis Banos, 2025-10-22).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import trio

from crawler.core.errors import ConfigError
from crawler.core.url import without_fragment
from crawler.fetch.wayback import (
    ENDPOINT,
    Send,
    WaybackAnswer,
    WaybackCapture,
    WaybackRequest,
    capture_at,
    json_of,
    may_be_sent,
    retry_after,
)

ANONYMOUS_INTERVAL = 60 / 4  # seconds between two submissions: four a minute without keys
KEYED_INTERVAL = 60 / 12  # twelve a minute with keys
POLL_INTERVAL = 5.0  # seconds between two questions about a job; what the API's own example waits
PATIENCE = 180.0  # seconds for one job; a capture may take two minutes, and then some in the queue
BACK_OFF = 60.0  # seconds when told that we ask too much, where no Retry-After says better
TRIES = 3  # of one URL that is turned away because of us, not of it
AT_ONCE = 6  # jobs that run side by side, under the archive's limit of an account; a guess


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
        told = (("Accept", "application/json"),)
        return (*told, ("Authorization", f"LOW {self.keys}")) if self.keys else told


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
            if not may_be_sent(url):
                told = Submission(url, SaveOutcome.REFUSED, "not-public", "no http, or it holds a secret of its sharer")
            elif self.is_stopped:
                told = Submission(url, SaveOutcome.STOPPED, "not-asked")
            else:
                told = await self.save(url)
            self.is_stopped |= told.outcome is SaveOutcome.STOPPED
            self.done(told)

    async def save(self, url: str) -> Submission:
        """One page; asked again where it was turned away because we asked too much."""
        for _ in range(TRIES):
            await self.turn()
            told = await _save_once(self.service, url)
            if not told.wait:
                break
            self.next_start = max(self.next_start, trio.current_time() + told.wait)
        return told

    async def turn(self) -> None:
        start = max(trio.current_time(), self.next_start)
        self.next_start = start + self.service.interval
        await trio.sleep_until(start)


async def _save_once(service: Service, url: str) -> Submission:
    form = (("url", without_fragment(url)), ("if_not_archived_within", service.recent), ("skip_first_archive", "1"))
    answer = await service.send(WaybackRequest(f"{service.endpoint}/save", service.headers(), form))
    told = json_of(answer)
    job = told.get("job_id") if isinstance(told, dict) else None
    if isinstance(job, str) and re.fullmatch(r"[\w-]{1,100}", job):
        return await _follow(service, url, job)
    return _turned_away(url, answer, told if isinstance(told, dict) else {})


async def _follow(service: Service, url: str, job: str) -> Submission:
    """Look at a job until it ends. Its status can be "pending" for minutes, and is forgotten after an hour."""
    with trio.move_on_after(PATIENCE):
        while True:
            await trio.sleep(POLL_INTERVAL)
            answer = await service.send(WaybackRequest(f"{service.endpoint}/save/status/{job}", service.headers()))
            told = json_of(answer)
            if answer.status == 200 and isinstance(told, dict) and told.get("status") == "success":
                return _saved(service, url, told)
            if isinstance(told, dict) and told.get("status") == "error":
                return _turned_away(url, answer, told)
    return Submission(url, SaveOutcome.LATER, "still-running", f"job {job} did not end in {PATIENCE:.0f} s")


def _saved(service: Service, url: str, told: Mapping[str, object]) -> Submission:
    stamp, original = str(told.get("timestamp", "")), str(told.get("original_url") or url)
    capture = capture_at(service.endpoint, f"{service.endpoint}/web/{stamp}/{original}")
    if capture is None:
        return Submission(url, SaveOutcome.LATER, "unreadable-answer", f"time stamp {stamp[:20]!r}")
    return Submission(url, SaveOutcome.SAVED, capture=capture)


def _turned_away(url: str, answer: WaybackAnswer, told: Mapping[str, object]) -> Submission:
    reason = str(told.get("status_ext") or "").removeprefix("error:")
    message = " ".join(str(told.get("message") or "").split())[:300]
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
            return Submission(url, SaveOutcome.LATER, "rate-limited", message, wait=_asked_wait(answer))
        case 0:
            return Submission(url, SaveOutcome.LATER, "no-answer", message)
        case _:
            return Submission(url, SaveOutcome.LATER, "unreadable-answer", message or f"status {answer.status}")


def _asked_wait(answer: WaybackAnswer) -> float:
    return min(retry_after(answer) or BACK_OFF, 10 * BACK_OFF)

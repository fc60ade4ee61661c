"""What of a check is kept: a pure decision, made before anything is written.

How what is kept becomes records is `records`', how records are written `writing`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from crawler.core.model import Check, State

NOTICE_LIMIT: Final = 1024 * 1024  # bytes; the largest notice seen is 38 kB, an unknown one may carry a shell

KeepRaw = Literal["changed", "all", "none"]


@dataclass(frozen=True, slots=True)
class Known:
    """A capture of the same link with text or bytes of its own."""

    id: int
    base: int  # the capture that holds its text: itself, or what it is a revisit of
    notice: bool
    state: str
    reason: str
    content: str  # digest of the text; of the bytes where there is no text
    payload: str  # digest of the body, "" where no raw bytes were kept
    has_text: bool = True  # of its own or its base's; what a guess condemned was kept without


@dataclass(frozen=True, slots=True)
class Keep:
    """What to write: raw bytes (`same_bytes`: as a revisit record that points at a capture), text, or only a row."""

    notice: bool = False
    revisit_of: int | None = None
    raw: bool = False
    same_bytes: int | None = None
    text: bool = False


def content_digest(check: Check, payload: str) -> str:
    """What makes two captures the same page: their text, or where a page has none, their bytes."""
    return check.page.digest or payload


def decide(check: Check, payload: str, known: Sequence[Known], keep_raw: KeepRaw) -> Keep | None:
    """What to keep of a check, None for nothing but the check; `known` is oldest first."""
    status, verdict = check.fetch.status, check.verdict
    if status is None:
        return None
    pages = [capture for capture in known if not capture.notice]
    if status == 304:
        return Keep(revisit_of=pages[-1].base) if pages and verdict.state is State.ALIVE else None
    if not check.fetch.body or (check.fetch.cut and pages):
        return None  # what came of a cut body is kept where there is nothing else, and displaces nothing
    if pages and check.history.rendered and not check.fetch.header("x-rendered-by"):
        return None  # nor does what the page is without its scripts
    match verdict.state:
        case State.ALIVE | State.UNKNOWN:
            return _page(check, payload, pages, keep_raw)
        case State.SUSPECT if status < 300:  # a guess that the page is gone: were it wrong, these bytes are the page
            return _page(check, payload, pages, keep_raw)
        case State.DEAD:
            return _notice(check, known, keep_raw)
        case _:
            return None


def _page(check: Check, payload: str, pages: Sequence[Known], keep_raw: KeepRaw) -> Keep:
    content = content_digest(check, payload)
    same = next((capture for capture in reversed(pages) if capture.content == content), None)
    text = same is None and bool(check.page.text) and check.verdict.state is not State.SUSPECT
    if same is None:
        return Keep(raw=keep_raw != "none", text=text)
    if not same.has_text and check.page.text and check.verdict.state is not State.SUSPECT:
        equal = next((capture.id for capture in reversed(pages) if capture.payload == payload), None)
        return Keep(raw=keep_raw != "none", same_bytes=equal, text=True)
    if keep_raw == "all":
        equal = next((capture.id for capture in reversed(pages) if capture.payload == payload), None)
        return Keep(revisit_of=same.base, raw=True, same_bytes=equal)
    return Keep(revisit_of=same.base)


def _notice(check: Check, known: Sequence[Known], keep_raw: KeepRaw) -> Keep | None:
    """The first notice of each reason is kept: evidence for the day when a rule proves wrong."""
    seen = any(capture.notice and capture.reason == check.verdict.reason for capture in known)
    if seen or keep_raw == "none" or len(check.fetch.body) > NOTICE_LIMIT:
        return None
    return Keep(notice=True, raw=True)


def distinct(checks: Sequence[Check]) -> Iterator[list[Check]]:
    """Batches in which no link stands twice, so that each check sees what the one before it kept."""
    batch: dict[str, Check] = {}
    for check in checks:
        if check.link.canonical_url in batch:
            yield list(batch.values())
            batch = {}
        batch[check.link.canonical_url] = check
    if batch:
        yield list(batch.values())

"""What is asked of a reader process, and what it answers: frozen data that travel between processes.

Kept apart from `examine`, which does the work: whoever only asks needs neither the parser nor the judge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol, Self, runtime_checkable

from crawler.archive.nouns import OpenSegment
from crawler.core.model import Fetch, Link, PackedCapture, Page, State, Verdict

PAGE_STATES = (State.ALIVE, State.UNKNOWN)  # of what is kept as a page, with its text; of imports only without --force


class Depth(StrEnum):
    """How much of a page is read."""

    HEAD = "head"  # the verdict, and what stands in the page's head: title, author, date
    VERDICT = "verdict"  # the whole page, for a verdict as at PAGE; of the page only what HEAD gives comes back
    PAGE = "page"  # text and pictures too, and the copy for readers


@runtime_checkable
class HasBody(Protocol):
    """A task whose body may travel by another way than the rest of it."""

    @property
    def body(self) -> bytes:
        """The bytes that are read."""

    def with_body(self, body: bytes) -> Self:
        """The same task with another body."""


@dataclass(frozen=True, slots=True)
class ReadTask:
    """One answer to read. `known_digest` is of the text that is kept already: its readable copy is not made again."""

    link: Link
    fetched: Fetch
    at: datetime
    accept: tuple[int, ...] = ()  # statuses that count as alive on this host
    known_digest: str = ""
    depth: Depth = Depth.PAGE
    anyway: bool = False  # read the page also where the rules see none
    recorded: bool = True  # as it is read: make its digest, which an import makes by itself
    segment: OpenSegment | None = None  # make and pack the records of what is new for this one

    @property
    def body(self) -> bytes:
        """That of the answer."""
        return self.fetched.body

    def with_body(self, body: bytes) -> ReadTask:
        """The same task with another body."""
        return replace(self, fetched=replace(self.fetched, body=body))


@dataclass(frozen=True, slots=True)
class ProbeTask:
    """An answer, and that of a sibling that cannot exist."""

    fetched: Fetch
    probe: Fetch


@dataclass(frozen=True, slots=True)
class PageContent:
    """What the records of a page are made of (`archive.records`)."""

    link: Link
    at: datetime
    fetch: Fetch
    page: Page
    readable: str


@dataclass(frozen=True, slots=True)
class PageReading:
    """What an answer means. `readable` is "" where there is nothing to read or the copy is kept already."""

    page: Page
    verdict: Verdict
    readable: str = ""
    refresh: str = ""  # where the page sends its reader within seconds; "" nowhere, or where that is not to be followed
    shows: bool = False  # such a page has something to read all the same
    said: str = ""  # fingerprint of the answer (`schedule.fingerprint`)
    payload: str = ""  # "sha256:<hex>" of the body, where it may be kept; "" where that is not known
    packed: PackedCapture | None = None  # the records of a new page, where its task had a segment for them

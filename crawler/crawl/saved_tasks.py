"""A page from a file, as it travels to a reader: its pictures are looked for and it is read in one turn.

Pure functions of the page, its folder and the site rules. Who runs them where is `worker`'s and `readahead`'s, what
becomes of the reading `saved_checks`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from crawler.archive.interchange.saved import SavedImage, SavedPage
from crawler.archive.nouns import OpenSegment
from crawler.archive.packing import pack
from crawler.core.model import Fetch, Link, Redirect
from crawler.crawl.tasks import PAGE_STATES, PageContent, PageReading, ReadTask


@dataclass(frozen=True, slots=True)
class Address:
    """One address that a saved page stands under, when it was taken there, and the redirects that led from it."""

    link: Link
    at: datetime
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class SavedTask:
    """A page, the folder in which its pictures may lie, its address where that is known, and where it will be kept."""

    page: SavedPage
    folder: str
    address: Address | None
    segment: OpenSegment | None = None

    @property
    def body(self) -> bytes:
        """That of the page."""
        return self.page.body

    def with_body(self, body: bytes) -> SavedTask:
        """The same task with another body."""
        return replace(self, page=replace(self.page, body=body))


@dataclass(frozen=True, slots=True)
class SavedReading:
    """What a reader made of a page: pictures, the markup that shows them, and its reading where it has an address."""

    images: tuple[SavedImage, ...] = ()
    shown: bytes = b""
    reading: PageReading | None = None

    def of(self, page: SavedPage) -> SavedPage:
        """The page with what came of it."""
        return replace(page, images=self.images, shown=self.shown)


def with_records(task: SavedTask, reading: PageReading) -> PageReading:
    """The reading with the records of its page, where that will be kept as one and it is known where."""
    if task.segment is None or task.address is None or reading.verdict.state not in PAGE_STATES:
        return reading
    at = task.address
    content = PageContent(at.link, at.at, answered(task.page, at), reading.page, reading.readable)
    return replace(reading, packed=pack(content, task.segment))


def task_of(page: SavedPage, address: Address) -> ReadTask:
    """The reading of a saved page as if its address had been answered with 200 after its redirects."""
    return ReadTask(address.link, as_shown(answered(page, address), page), address.at, recorded=False)


def answered(page: SavedPage, address: Address) -> Fetch:
    """A saved page as an answer."""
    headers = (
        ("Content-Type", page.content_type or "text/html"),
        ("X-Imported-By", f"crawler import {page.source}".rstrip()),
    )
    asked, hops = address.link.fetch_url, address.redirects
    final = page.url if hops and page.url else asked
    return Fetch(asked, final, address.at, status=200, headers=headers, body=page.body, redirects=hops)


def as_shown(fetched: Fetch, page: SavedPage) -> Fetch:
    """The answer with the markup in which pictures have addresses; what is kept are the bytes that were brought."""
    if not page.shown:
        return fetched
    return replace(fetched, body=page.shown, headers=(("Content-Type", "text/html; charset=utf-8"),))

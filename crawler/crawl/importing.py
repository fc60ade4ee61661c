"""A page that a person brings becomes a check of the time when it was saved, and is kept as one.

What a capture from the past may say of today lives here; which bytes are a saved page is `saved`'s and
`export.incoming`'s to tell, and what the user typed is `cli`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from crawler.core.model import Check, Confidence, Fetch, History, Link, Snapshot, State, Verdict
from crawler.core.url import host_of, is_http
from crawler.crawl.examine import examine, site_of
from crawler.crawl.pictures import MOST, MOST_BYTES, is_placeholder, kind_of
from crawler.page import read_page
from crawler.page.readable import readable_html
from crawler.schedule.history import first_seen, remember_past

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.archive import Archive
    from crawler.archive.interchange.saved import SavedPage
    from crawler.core.settings import Settings
    from crawler.sites import Sites

WEB_BEGAN = datetime(1991, 8, 6, tzinfo=UTC)  # no page was saved before; a file that says so does not know
BROUGHT = (State.ALIVE, State.UNKNOWN)  # what may be kept as a page without being told to


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of an imported page. `snapshot` is None where the one of an article seen alive stays."""

    check: Check
    snapshot: Snapshot | None
    again: bool = False  # it was there already, from the same time


def time_of(page: SavedPage, file_changed: datetime, now: datetime) -> datetime:
    """When a page was saved: as it says, else when its file was written; never in the future."""
    told = page.saved_at if page.saved_at and page.saved_at >= WEB_BEGAN else file_changed
    return min(told, now)


def check_saved(
    page: SavedPage, link: Link, at: datetime, rules: tuple[Settings, Sites], history: History | None, now: datetime
) -> Check:
    """The check that a saved page stands for, judged as if it had been answered with 200."""
    settings, sites = rules
    headers = (("Content-Type", page.content_type or "text/html"), ("X-Imported-By", "crawler import"))
    fetched = Fetch(link.fetch_url, link.fetch_url, at, status=200, headers=headers, body=page.body)
    _, read, verdict = examine(link, fetched, sites)
    known = history or first_seen(link.canonical_url, link.url, now)
    after = remember_past(known, fetched, read, verdict, at, settings.schedule)
    readable = readable_html(read, link.fetch_url, at) if read.html or read.text else ""
    return Check(link, at, fetched, read, verdict, after, "import", readable)


def is_page(check: Check) -> bool:
    """Do the rules see a page in it, and neither a notice nor a wall?"""
    return check.verdict.state in BROUGHT


def forced(check: Check, history: History | None, sites: Sites, now: datetime) -> Check:
    """The same bytes as a page that nobody knows, since its reader says that it is one; memory stays as it was."""
    site = site_of(check.link, check.fetch, sites)
    document, _, verdict = examine(check.link, check.fetch, sites)
    page = read_page(document, site, check.fetch.final_url)
    after = history or first_seen(check.link.canonical_url, check.link.url, now)
    readable = readable_html(page, check.link.fetch_url, check.at) if page.html or page.text else ""
    unknown = Verdict(State.UNKNOWN, verdict.reason, Confidence.LOW, verdict.evidence)
    return replace(check, page=page, verdict=unknown, history=after, readable=readable)


def keep(check: Check, page: SavedPage, settings: Settings, archive: Archive) -> Kept:
    """Keep the page and its pictures. A snapshot of later stays the one that reports offer."""
    for known in archive.snapshots(check.link.canonical_url):
        if known.captured_at == check.at and known.digest == check.page.digest:
            return Kept(check, known, again=True)
    (snapshot,) = archive.record([check])
    newest = check.history.snapshot
    if snapshot and newest and newest.captured_at > snapshot.captured_at:
        archive.put_histories([check.history], {check.link.canonical_url: check.link})
    if snapshot and not snapshot.revisit and settings.archive.images != "none":
        archive.put_images(snapshot.id, pictures(page, settings.archive.max_image))
    return Kept(check, snapshot)


def pictures(page: SavedPage, largest: int) -> Iterator[tuple[str, str, bytes]]:
    """What came with a page and is a picture, as (URL, content type, body), within the bounds of a page."""
    left, count = MOST_BYTES, 0
    for image in page.images:
        kind = kind_of(image.body)
        if not kind or len(image.body) > min(largest, left) or _is_guard(image.url, image.body):
            continue
        left, count = left - len(image.body), count + 1
        if count > MOST:
            return
        yield image.url, kind, image.body


def _is_guard(url: str, body: bytes) -> bool:
    try:
        return is_http(url) and is_placeholder(host_of(url), body)
    except ValueError:
        return False

"""A page that a person brings becomes a check of the time when it was saved, and is kept as one.

What a capture from the past may say of today lives here; which files and pages there are is `importing`'s business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from crawler.core.model import Check, Confidence, Fetch, State, Verdict
from crawler.core.url import MAX_URL, host_of, is_http
from crawler.crawl.examine import PageReading, ReadTask, examine, site_of
from crawler.crawl.pictures import is_placeholder, kind_of
from crawler.page import read_page
from crawler.page.document import Document
from crawler.page.readable import readable_html
from crawler.schedule.history import first_seen, remember_past

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.archive import Archive
    from crawler.archive.interchange.saved import SavedPage
    from crawler.core.model import History, Link, Redirect, Snapshot
    from crawler.crawl.context import Context

Read = Callable[[ReadTask], PageReading]
WEB_BEGAN = datetime(1991, 8, 6, tzinfo=UTC)  # no page was saved before; a file that says so does not know
HEAD = 64 * 1024  # bytes in which a page says what it calls itself; few enough for any parser
MAX_PICTURES = 500  # of one page, all of which lie in the file already
MAX_BYTES = 256 * 1024 * 1024  # of one page's pictures together; a guess
BROUGHT = (State.ALIVE, State.UNKNOWN)  # what may be kept as a page without `--force`


def time_of(page: SavedPage, file_changed: datetime, now: datetime) -> datetime:
    """When a page was saved: as it says, else when its file was written; never in the future."""
    saved = page.saved_at if page.saved_at and page.saved_at >= WEB_BEGAN else file_changed
    return min(saved, now)


def own_address(page: SavedPage) -> str:
    """What a page calls itself: its canonical link or og:url; "" where it says nothing. A hint, never believed."""
    from crawler.page.metadata import read_head

    document = Document(page.body[:HEAD], page.content_type)
    head = read_head(document.tree)
    found = head.canonical or head.first("og:url")
    return found if is_http(found) and len(found) <= MAX_URL else ""


def check_saved(
    page: SavedPage, link: Link, at: datetime, context: Context, history: History | None,
    redirects: tuple[Redirect, ...], read: Read,
) -> Check:  # fmt: skip
    """The check that a saved page stands for, judged as if it had been answered with 200 after these redirects."""
    headers = (
        ("Content-Type", page.content_type or "text/html"),
        ("X-Imported-By", f"crawler import {page.source}".rstrip()),
    )
    final = page.url if redirects and page.url else link.fetch_url
    fetched = Fetch(link.fetch_url, final, at, status=200, headers=headers, body=page.body, redirects=redirects)
    reading = read(ReadTask(link, _as_shown(fetched, page), at))
    known = history or first_seen(link.canonical_url, link.url, context.now())
    after = remember_past(known, fetched, reading.page, reading.verdict, at, context.settings.schedule)
    return Check(link, at, fetched, reading.page, reading.verdict, after, "import", reading.readable)


def _as_shown(fetched: Fetch, page: SavedPage) -> Fetch:
    """The answer with the markup in which pictures have addresses; what is kept are the bytes that were brought."""
    if not page.shown:
        return fetched
    return replace(fetched, body=page.shown, headers=(("Content-Type", "text/html; charset=utf-8"),))


def is_page(check: Check) -> bool:
    """Do the rules see a page in it, and neither a notice nor a wall?"""
    return check.verdict.state in BROUGHT


def forced(check: Check, page: SavedPage, history: History | None, context: Context) -> Check:
    """The same bytes as a page that nobody knows, since its reader says that it is one; memory stays as it was."""
    shown = _as_shown(check.fetch, page)
    site = site_of(check.link, shown, context.sites)
    document, _, verdict = examine(check.link, shown, context.sites)
    read = read_page(document, site, shown.final_url)
    after = history or first_seen(check.link.canonical_url, check.link.url, context.now())
    readable = readable_html(read, check.link.fetch_url, check.at) if read.html or read.text else ""
    unknown = Verdict(State.UNKNOWN, verdict.reason, Confidence.LOW, verdict.evidence)
    return replace(check, page=read, verdict=unknown, history=after, readable=readable)


def keep(check: Check, page: SavedPage, archive: Archive) -> tuple[Snapshot | None, bool]:
    """Keep the page and its pictures: the snapshot, and whether it was there already, from the same time.

    A snapshot of later stays the one that reports offer; None where the one of an article seen alive stays.
    """
    for known in archive.snapshots(check.link.canonical_url):
        if known.captured_at == check.at and known.digest == check.page.digest:
            _keep_pictures(page, known, archive)
            return known, True
    (snapshot,) = archive.record([check])
    newest = check.history.snapshot
    if snapshot and newest and newest.captured_at > snapshot.captured_at:
        archive.put_histories([check.history], {check.link.canonical_url: check.link})
    if snapshot:
        _keep_pictures(page, snapshot, archive)
    return snapshot, False


def _keep_pictures(page: SavedPage, snapshot: Snapshot, archive: Archive) -> None:
    """The pictures that the capture, or the one whose text it shares, has not yet; whatever `[archive] images` says."""
    capture = archive.snapshot(snapshot.id)
    holder = (capture.revisit_of if capture else None) or snapshot.id
    known = {image.url for image in archive.images(holder)}
    fresh = [picture for picture in pictures(page) if picture[0] not in known]
    if fresh:
        archive.put_images(holder, fresh)


def pictures(page: SavedPage) -> Iterator[tuple[str, str, bytes]]:
    """What came with a page and is a picture, as (URL, content type, body), within the bounds of a page."""
    left, count = MAX_BYTES, 0
    for image in page.images:
        kind = kind_of(image.body)
        if not kind or len(image.body) > left or _is_guard(image.url, image.body):
            continue
        left, count = left - len(image.body), count + 1
        if count > MAX_PICTURES:
            return
        yield image.url, kind, image.body


def _is_guard(url: str, body: bytes) -> bool:
    try:
        return is_http(url) and is_placeholder(host_of(url), body)
    except ValueError:
        return False

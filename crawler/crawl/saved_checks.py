"""A page that a person saved becomes a check of that time, and is kept as one.

What a capture from the past may say of today lives here; which files and pages there are is `importing`'s business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from crawler.core.errors import CrawlerError
from crawler.core.model import Check, Confidence, State, Verdict
from crawler.core.url import MAX_URL, host_of, is_http
from crawler.crawl.pictures import is_placeholder, kind_of
from crawler.crawl.readers import PastLimits, ReaderDied
from crawler.crawl.saved_tasks import Address, answered, as_shown, task_of
from crawler.crawl.tasks import PAGE_STATES, PageReading, ReadTask
from crawler.schedule.history import first_seen, remember_past

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.archive import Archive
    from crawler.archive.interchange.saved import SavedPage
    from crawler.core.model import History, Snapshot
    from crawler.crawl.context import Context

T = TypeVar("T")

WEB_BEGAN = datetime(1991, 8, 6, tzinfo=UTC)  # no page was saved before; a file that says so does not know
BATCH = 32  # pages kept in one transaction
BATCH_BYTES = 16 * 1024 * 1024  # of their bodies
HEAD = 64 * 1024  # bytes in which a page says what it calls itself; few enough for any parser
MAX_PICTURES = 500  # of one page, all of which lie in the file already
MAX_BYTES = 256 * 1024 * 1024  # of one page's pictures together; a guess


class Readers(Protocol):
    """What reads pages here: `SyncReaders`, or what stands before them."""

    def read(self, task: ReadTask) -> PageReading:
        """Read one answer. Raises ReaderDied."""

    def call(self, function: Callable[..., T], *args: object) -> T:
        """Run a function on foreign bytes. Raises PastLimits, ReaderDied, and what the function raises."""


def time_of(page: SavedPage, file_changed: datetime, now: datetime) -> datetime:
    """When a page was saved: as it says, else when its file was written; never in the future."""
    saved = page.saved_at if page.saved_at and page.saved_at >= WEB_BEGAN else file_changed
    return min(saved, now)


def size_of(page: SavedPage) -> int:
    """Bytes of a page and its pictures."""
    return len(page.body) + sum(len(image.body) for image in page.images)


def own_address(page: SavedPage, readers: Readers) -> str:
    """What a page calls itself: its canonical link or og:url; "" where it says nothing. A hint, never believed."""
    try:
        found = readers.call(_address_in, page.body[:HEAD], page.content_type)
    except (PastLimits, ReaderDied):
        return ""
    return found if is_http(found) and len(found) <= MAX_URL else ""


def _address_in(head: bytes, content_type: str) -> str:
    from crawler.page.document import Document
    from crawler.page.metadata import read_head

    found = read_head(Document(head, content_type).tree)
    return found.canonical or found.first("og:url")


def check_saved(
    page: SavedPage, address: Address, context: Context, history: History | None, readers: Readers
) -> Check:  # fmt: skip
    """The check that a saved page stands for. Raises ReaderDied."""
    link, at = address.link, address.at
    fetched = answered(page, address)
    reading = readers.read(task_of(page, address))
    known = history or first_seen(link.canonical_url, link.url, context.now())
    after = remember_past(known, fetched, reading.page, reading.verdict, at, context.settings.schedule)
    return Check(
        link, at, fetched, reading.page, reading.verdict, after, "import", reading.readable, packed=reading.packed
    )


def is_page(check: Check) -> bool:
    """Do the rules see a page in it, and neither a notice nor a wall?"""
    return check.verdict.state in PAGE_STATES


def forced(
    check: Check, page: SavedPage, history: History | None, context: Context, readers: Readers
) -> Check:  # fmt: skip
    """The same bytes as a page that nobody knows, since its reader says that it is one; memory stays as it was."""
    reading = readers.read(ReadTask(check.link, as_shown(check.fetch, page), check.at, anyway=True, recorded=False))
    after = history or first_seen(check.link.canonical_url, check.link.url, context.now())
    unknown = Verdict(State.UNKNOWN, reading.verdict.reason, Confidence.LOW, reading.verdict.evidence)
    return replace(check, page=reading.page, verdict=unknown, history=after, readable=reading.readable, packed=None)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a page: its snapshot (None: the one of an article seen alive stays), or why it was not kept."""

    snapshot: Snapshot | None = None
    again: bool = False  # it was there already, from the same time
    error: Exception | None = None


@dataclass(slots=True)
class Batch:
    """Pages that are kept together, since each transaction costs more than a page in it."""

    archive: Archive
    _waiting: dict[str, tuple[Check, SavedPage, Callable[[Recorded], None]]] = field(default_factory=dict)
    _bytes: int = 0

    def holds(self, canonical_url: str) -> bool:
        """Whether a page of this link waits, of which the archive does not know yet."""
        return canonical_url in self._waiting

    def add(self, check: Check, page: SavedPage, tell: Callable[[Recorded], None]) -> None:
        """Keep a page and its pictures, now or with those that follow; `tell` hears what became of it."""
        if self.holds(check.link.canonical_url):
            self.flush()
        self._waiting[check.link.canonical_url] = (check, page, tell)
        self._bytes += len(page.body)
        if len(self._waiting) >= BATCH or self._bytes >= BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Keep what waits. Raises ArchiveError."""
        waiting = list(self._waiting.values())
        self._waiting, self._bytes = {}, 0
        known = [known_snapshot(check, self.archive) for check, _, _ in waiting]
        fresh = [one for one, there in zip(waiting, known, strict=True) if there is None]
        kept = iter(record_each(self.archive, [check for check, _, _ in fresh]))
        for (check, page, tell), there in zip(waiting, known, strict=True):
            outcome = Recorded(there, again=True) if there else next(kept)
            if outcome.snapshot and not outcome.again:
                _keep_newest(check, outcome.snapshot, self.archive)
            if outcome.snapshot and page.images:
                _keep_pictures(page, outcome.snapshot, self.archive)
            tell(outcome)


def known_snapshot(check: Check, archive: Archive) -> Snapshot | None:
    """The snapshot of this very page from this very time, where there is one."""
    known = archive.snapshots(check.link.canonical_url)
    return next((one for one in known if one.captured_at == check.at and one.digest == check.page.digest), None)


def record_each(archive: Archive, checks: list[Check]) -> list[Recorded]:
    """Record checks together; one that cannot be recorded costs itself alone. Raises CrawlerError."""
    if not checks:
        return []
    try:
        return [Recorded(snapshot) for snapshot in archive.record(checks)]
    except CrawlerError:
        raise
    except Exception as error:
        if len(checks) == 1:
            return [Recorded(error=error)]
        return [kept for check in checks for kept in record_each(archive, [check])]


def _keep_newest(check: Check, snapshot: Snapshot, archive: Archive) -> None:
    """A snapshot of later stays the one that reports offer."""
    newest = check.history.snapshot
    if newest and newest.captured_at > snapshot.captured_at:
        archive.put_histories([check.history], {check.link.canonical_url: check.link})


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

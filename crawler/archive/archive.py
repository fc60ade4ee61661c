"""The archive as everybody else sees it: one folder, one writer, any number of readers.

What can be asked of it and told to it lives here. How a write is ordered is `writing`'s; how records, rows, frames and
files look is that of the modules below.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from crawler.archive import (
    disk,
    documents,
    facts,
    indexonly,
    noted,
    opening,
    queries,
    records,
    schema,
    search,
    texts,
    tiers,
    warc,
)
from crawler.archive.answers import KeptAnswer, as_fetched
from crawler.archive.due import Planning
from crawler.archive.index import Index
from crawler.archive.journal import HealthLine, HistoryLine, Line, RunLine, SettledLine
from crawler.archive.keep import distinct
from crawler.archive.lock import Lock, is_held
from crawler.archive.noted import LinkUp, NotedLinks, NoteState
from crawler.archive.nouns import Capture, HeldCheck, Hit, Moved, NoteEntry, PastCheck, StoredImage, holder_of
from crawler.archive.objects import check_url
from crawler.archive.offload import offload
from crawler.archive.opening import named_errors
from crawler.archive.order import horizon
from crawler.archive.segments import INDEX, LOCK, SegmentReader
from crawler.core.errors import ArchiveError, ArchiveGone, StoreError
from crawler.core.model import Check, Fetch, History, Link, Occurrence, Snapshot, State
from crawler.core.results import Health, Run
from crawler.core.settings import ArchiveSettings
from crawler.core.slots import SlotState

if TYPE_CHECKING:
    from crawler.archive.deferred import DeferredTerms
    from crawler.archive.nouns import OpenSegment
    from crawler.archive.writing import ArchiveWriter

T = TypeVar("T")

_LINES = 2_000  # journal lines in one record; 25,000 new links make 13 records, each a few MB at most


def _utc_now() -> datetime:
    return datetime.now(UTC)


@named_errors
class Archive:
    """One archive folder. Not for use by two threads at once; from one after the other is fine."""

    def __init__(
        self, path: Path, options: ArchiveSettings, db: sqlite3.Connection, now: Callable[[], datetime]
    ) -> None:
        self.path = path
        self._options = options
        self._db = db
        self._now = now
        self._remote = tiers.Remote(path, options)
        self._store = tiers.opened(path, self._remote, db)
        self._reader = SegmentReader(self._store)
        self._text_of = texts.text_reader(db, self._reader)
        self._index = Index(db, self._text_of, now)
        self.notices: tuple[str, ...] = ()
        self.store_error: StoreError | None = None  # why the object store could not be asked when this was opened
        self._lock: Lock | None = None
        self._identity = opening.identity(path / INDEX)
        self._writer: ArchiveWriter | None = None
        self._copied = False

    @classmethod
    def open(
        cls,
        path: Path,
        options: ArchiveSettings | None = None,
        *,
        write: bool = True,
        wait: bool | float = False,
        command: str = "run",
        now: Callable[[], datetime] = _utc_now,
    ) -> Archive:
        """Open a folder; for writing it is made where missing, and locked (`wait`: seconds, True for ever).

        A missing or empty folder opened for reading is an empty archive. Segments whose index is missing, empty or
        damaged are an error for reading, and are taken in for writing; `notices` tells of that, and of whatever else
        was brought into agreement. Raises ArchiveBusy, ArchiveError, ArchiveDamaged, ConfigError.
        """
        options = options or ArchiveSettings()
        if options.store:
            check_url(options.store)
        if not write:
            return cls(path, options, opening.reading(path), now)
        lock = opening.locked(path, command, wait, now)
        try:
            notices = opening.with_index(path, options, now)
            db = schema.open_writer(path / INDEX)
        except BaseException:
            lock.release()
            raise
        archive = cls(path, options, db, now)
        archive._lock = lock
        try:
            with disk.translated(path):
                from crawler.archive.recovery import Recovery  # readers do without

                listed = archive._list_objects()
                recovered = Recovery(path, archive._index, archive._reader).run()
                archive.notices = (*notices, *listed, *recovered.lines())
                archive._begin_writing()
        except BaseException:
            archive.close()
            raise
        return archive

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of everything; twice is fine."""
        if self._writer:
            with contextlib.suppress(ArchiveGone):  # reported already, by what was done last
                self._writer.shelf.close()
        self._reader.close()
        self._store.close()
        self._remote.close()
        self._db.close()
        if self._lock:
            self._lock.release()

    def _begin_writing(self) -> None:
        from crawler.archive.shelf import Shelf  # readers do without
        from crawler.archive.writing import ArchiveWriter

        shelf = Shelf(self.path, self._options.codec, self._db, self._reader, self._now)
        shelf.go_on()
        self._writer = ArchiveWriter(
            path=self.path, options=self._options, db=self._db, reader=self._reader, index=self._index, shelf=shelf,
            now=self._now, identity=self._identity,
        )  # fmt: skip
        if documents.has_deferred(self._db):  # whoever deferred terms was killed
            with self._writer.transaction():
                self._index.make_searchable()

    def _list_objects(self) -> list[str]:
        """Have the index know what the object store holds; a line for what is gone, and where it cannot be asked."""
        try:
            listing = self._remote.listing()
            return tiers.adopt(self._store, listing) if listing else []
        except StoreError as error:
            self.store_error = error
            return [f"{error}: sealed segments stay here for now, and those there cannot be read"]

    def offload(self, *, keep_local: bool | None = None) -> Iterator[Moved]:
        """Move sealed segments to the object store, oldest first; each is told when it is done.

        `keep_local` (default: the setting) leaves the files here. Raises StoreError; what was told before is done.
        """
        self._writable()
        keep = self._options.keep_local if keep_local is None else keep_local
        return offload(self.path, self._db, self._store, keep_local=keep)

    # Search terms of many pages at once

    @contextlib.contextmanager
    def deferring_terms(self) -> Iterator[DeferredTerms]:
        """In the block the terms of new texts are left to who takes them from what it gives, and at last to its end.

        Until then no word finds these texts. What a block that did not end well leaves is made when the archive is
        opened for writing.
        """
        from crawler.archive.deferred import DeferredTerms

        deferred = DeferredTerms(self._writable())
        self._index.deferred = deferred
        try:
            yield deferred
            deferred.finish()
        finally:
            self._index.deferred = None

    # What is remembered of links

    def histories(self) -> dict[str, History]:
        """Memory of every link, by canonical URL."""
        return queries.histories(self._db)

    def history(self, canonical_url: str) -> History | None:
        """Memory of one link."""
        return queries.history(self._db, canonical_url)

    def planning(self) -> Planning:
        """What planning asks about many links at once; answers are as fresh as the archive."""
        return Planning(self._db)

    def checks(self, canonical_url: str, limit: int = 0) -> list[PastCheck]:
        """Every check of a link, newest first; `limit` 0: all."""
        return queries.checks(self._db, canonical_url, limit, self._horizon())

    def open_segment(self) -> OpenSegment:
        """For which segment records may be packed ahead (`packing.pack`)."""
        return self._writable().open_segment()

    def record(self, checks: Sequence[Check]) -> list[Snapshot | None]:
        """Keep checks: bytes first, then every row in one transaction. When this returns, it is on the disk.

        Gives the snapshot of each check that has one; the stored history carries it. Raises ArchiveFull, ArchiveError;
        then nothing of this call was kept, and the archive goes on being usable.
        """
        return [snapshot for batch in distinct(checks) for snapshot in self._writable().record(batch)]

    def settle(self, run: str, canonical_urls: Sequence[str], *, believed: bool) -> None:
        """The held checks of a run on these links count from now on (`believed`), or never will."""
        for start in range(0, len(canonical_urls), _LINES):
            line = SettledLine(run=run, links=list(canonical_urls[start : start + _LINES]), believed=believed)
            if self._writer:
                self._writable().write([line])
            else:
                self._settle_in_a_copy(line)

    def _settle_in_a_copy(self, line: SettledLine) -> None:
        """A reader changes nothing: from here on it reads a copy of the index, in memory."""
        if not self._copied:
            copy = schema.open_memory()
            self._db.backup(copy)
            self._db.close()
            self._db, self._copied = copy, True
            self._store.objects = tiers.ObjectRows(copy)
            self._text_of = texts.text_reader(copy, self._reader)
            self._index = Index(copy, self._text_of, self._now)
        with schema.transaction(self._db, self.path, self._index.forget_cache):
            self._index.apply(line, 0, 0)

    def is_being_written(self) -> bool:
        """Whether another process has this archive open for writing."""
        return self._writer is None and is_held(self.path / LOCK)

    def held(self) -> list[HeldCheck]:
        """What a killed run recorded and never judged, with its other checks, in the order of time."""
        return queries.held(self._db)

    def put_histories(self, histories: Iterable[History], links: Mapping[str, Link] | None = None) -> None:
        """Remember links without a check: first seen, or judged anew. `links` (by canonical URL) tell site and host."""
        known = links or {}
        lines: list[Line] = []
        for history in histories:
            link = known.get(history.canonical_url)
            site, host = (link.site, link.host) if link else ("", "")
            lines.append(HistoryLine(history=records.redacted(history, link.url if link else ""), site=site, host=host))
        for start in range(0, len(lines), _LINES):
            self._writable().write(lines[start : start + _LINES])

    def put_readings(self, readings: Iterable[tuple[int, State, str, str]]) -> None:
        """Captures read otherwise by today's rules: (capture, state, reason, title).

        Only the index holds it. The segments keep what was concluded on the day, and a rebuild what they hold.
        """
        with self._writable().transaction():
            for ident, state, reason, title in readings:
                self._index.put_reading(ident, state, reason, title)

    # Notes

    def notes(self) -> dict[str, NoteEntry]:
        """What note files said when they were read last, by path."""
        return indexonly.notes(self._db)

    def put_notes(self, entries: Iterable[NoteEntry], forget: Iterable[str] = ()) -> None:
        """Remember note files as read, and forget others."""
        with self._writable().transaction():
            indexonly.put_notes(self._db, entries, forget)

    def noted(self, stamp: str) -> NotedLinks | None:
        """The links of the notes that `put_noted` kept under this stamp; None where another or none is kept."""
        return noted.read(self._db, stamp)

    def put_noted(self, stamp: str, notes: Iterable[NoteState], links: Iterable[Link]) -> None:
        """Keep the links of all these notes; `stamp` is what else they were made from."""
        with self._writable().transaction():
            noted.put(self._db, stamp, notes, links)

    def change_noted(
        self, changed: Mapping[NoteState, Sequence[Occurrence]], gone: Iterable[str], link_up: LinkUp
    ) -> None:
        """Bring the kept links to notes of which some changed or are new, with all that is written there, or gone."""
        with self._writable().transaction():
            noted.change(self._db, changed, gone, link_up)

    def derived(self, name: str, stamp: str, kind: type[T]) -> list[T]:
        """What `put_derived` keeps under this name, if it was derived under this very stamp."""
        return indexonly.derived(self._db, name, stamp, kind)

    def put_derived(self, name: str, stamp: str, values: Mapping[str, object]) -> None:
        """Keep by key what costs time to work out; `stamp` is what else it depends on, other stamps are forgotten."""
        with self._writable().transaction():
            indexonly.put_derived(self._db, name, stamp, values)

    # Runs and slots

    def begin_run(self, run: Run) -> None:
        """A run began; one that is never ended was killed."""
        self._writable().write([RunLine(run=run)])

    def end_run(self, run: Run) -> None:
        """A run ended; how many links are in which state now is the next point of the chart of health."""
        at = run.finished_at or self._now()
        self._writable().write([RunLine(run=run), HealthLine(run=run.id, at=at, counts=queries.counts(self._db))])

    def runs(self, limit: int = 0) -> list[Run]:
        """Runs, newest first; `limit` 0: all."""
        return queries.runs(self._db, limit)

    @property
    def archive_id(self) -> str:
        """The archive's own random id, which its segments carry, too: a UUID as 32 hex digits; "" before it has one."""
        return facts.get(self._db, facts.LINEAGE)

    def health(self, site: str | None = None) -> list[Health]:
        """Links by state at the end of each run, oldest first; of one site, or of all (None)."""
        return queries.health(self._db, site)

    def slots(self) -> list[SlotState]:
        """Politeness as the last run left it."""
        return indexonly.slots(self._db)

    def put_slots(self, states: Iterable[SlotState]) -> None:
        """Remember slots for the next run."""
        with self._writable().transaction():
            indexonly.put_slots(self._db, states)

    # Captures

    def snapshots(self, canonical_url: str) -> list[Snapshot]:
        """Kept captures of a link, oldest first."""
        return queries.snapshots(self._db, canonical_url, self._horizon())

    def snapshot(self, ident: int) -> Capture | None:
        """One capture with what is known of its page."""
        return queries.capture(self._db, ident)

    def captures(self, canonical_url: str | None = None) -> Iterator[Capture]:
        """All captures in the order of the segments, kept notices included; or those of one link, oldest first.

        Read the bytes of each with `fetched` or `body`; writing in between is fine.
        """
        if canonical_url is None:
            return queries.captures(self._db)
        return iter(queries.captures_of(self._db, canonical_url, self._horizon()))

    def text(self, ident: int) -> str:
        """The text of a capture, "" where it has none. Raises ArchiveDamaged."""
        return self._block(queries.places(self._db, ident).text).decode("utf-8", "replace")

    def readable(self, ident: int) -> str | None:
        """The readable copy. Raises ArchiveDamaged."""
        place = queries.places(self._db, ident).readable
        return self._block(place).decode("utf-8", "replace") if place else None

    def body(self, ident: int) -> bytes | None:
        """The raw bytes, decoded from the wire; None where none were kept. Raises ArchiveDamaged."""
        place = queries.places(self._db, ident).response
        return warc.split_http(self._block(place))[2] if place else None

    def fetched(self, ident: int) -> Fetch | None:
        """A capture as the fetch that brought it, to be judged again; None where no raw bytes were kept."""
        capture = self.snapshot(ident)
        place = queries.places(self._db, ident).response
        return as_fetched(_known(capture), self._reader.record(*place)) if capture and place else None

    def answer(self, capture: Capture) -> KeptAnswer | None:
        """The same for another process to read; what lies in the object store is read here.

        Raises ArchiveDamaged, StoreError.
        """
        ident = holder_of(capture)
        holder = capture if ident == capture.id else self.snapshot(ident)
        place = queries.places(self._db, ident).response
        if holder is None or place is None:
            return None
        if folder := self._store.folder_of(place[0]):
            return KeptAnswer(_known(holder), str(folder), *place)
        return KeptAnswer(as_fetched(_known(holder), self._reader.record(*place)))

    def put_images(self, capture_id: int, images: Iterable[tuple[str, str, bytes]]) -> None:
        """Keep pictures (URL, content type, body) with a capture; equal bytes are stored once.

        Raises ArchiveFull, ArchiveError; then none of them was kept.
        """
        self._writable().put_images(capture_id, images)

    def put_image(self, capture_id: int, url: str, content_type: str, body: bytes) -> None:
        """`put_images` for one."""
        self.put_images(capture_id, [(url, content_type, body)])

    def images(self, ident: int) -> list[StoredImage]:
        """Pictures kept with a capture."""
        return queries.images(self._db, ident)

    def image(self, digest: str) -> bytes | None:
        """The bytes of a picture. Raises ArchiveDamaged."""
        place = queries.picture_place(self._db, digest)
        return warc.split_http(self._block(place))[2] if place else None

    def search(self, query: str, limit: int = 20, *, snapshots: bool = False) -> list[Hit]:
        """Every kept text searched: current texts first, best first, then earlier ones, each with its time.

        Earlier texts of a page whose current one matches are hits with `snapshots` only. Raises UsageError for a filter
        that cannot be.
        """
        text_of = documents.unless_away(self._text_of)
        return search.find(self._db, query, limit, lambda ident: text_of(ident) or "", snapshots=snapshots)

    def _horizon(self) -> int:
        return horizon(self._now())

    def _writable(self) -> ArchiveWriter:
        if self._writer is None:
            raise ArchiveError(f"{self.path} was opened for reading only")
        return self._writer

    def _block(self, place: queries.Where | None) -> bytes:
        return self._reader.record(*place).block if place else b""


def _known(capture: Capture) -> Fetch:
    """What the index knows of the fetch that brought a capture."""
    return Fetch(
        url=capture.url, final_url=capture.final_url, started_at=capture.at, status=capture.status,
        redirects=capture.redirects,
    )  # fmt: skip

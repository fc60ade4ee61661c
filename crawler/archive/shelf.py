"""The shelf: which segment of an archive is open, and when the next one begins.

Decides when to roll (size, day, a dictionary that has become worth its price). What is written is the archive's
business, bytes are `segments`', and what is done at opening with what lies there is `recovery`'s.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from crawler.archive import dictionary, disk, facts, queries, segments, warc
from crawler.archive.codec import PAGE_MIN, Gz, Zst, zstd
from crawler.archive.journal import CaptureLine, Span
from crawler.archive.packing import Made
from crawler.archive.records import Append
from crawler.archive.recovery import next_number
from crawler.archive.segments import SegmentReader, Writer
from crawler.archive.times import from_micros, micros
from crawler.core.errors import ArchiveDamaged, ArchiveError, StoreError
from crawler.core.model import PackedCapture

_RECENT: Final = 5_000  # captures that tell which hosts are busy
SETTLED: Final = 16 * dictionary.PRICE  # bytes of a segment without a dictionary whose pages hardly repeat each other


class Shelf:
    """Gives the open segment, making and closing segments as needed."""

    def __init__(
        self, path: Path, codec: str, db: sqlite3.Connection, reader: SegmentReader, now: Callable[[], datetime]
    ) -> None:
        self.max_size = segments.MAX_SIZE
        self._path = path  # of the archive, for errors
        self.codec = codec
        self._db = db
        self._store = reader.store
        self._reader = reader
        self._now = now
        self._writer: Writer | None = None
        self._meter = dictionary.Meter()

    def go_on(self) -> None:
        """After recovery: go on with the open segment where that makes sense, and close all others."""
        rows = self._db.execute("SELECT id, name, codec, size, opened_at, dictionary FROM segments WHERE NOT closed")
        for ident, name, codec, size, opened_at, has_dictionary in rows.fetchall():
            at = from_micros(opened_at)
            if codec == self.codec and self._writer is None and not self._is_over(size, at):
                packer = self._reader.packer(name)
                self._writer = Writer(ident, name, self._store, packer, size, at, bool(has_dictionary))
            else:
                self._db.execute("UPDATE segments SET closed = 1 WHERE id = ?", (ident,))

    @property
    def segment(self) -> int:
        """Number of the open segment."""
        return self._open.id

    def make_ready(self) -> None:
        """Before a batch: roll where the open segment is full, of another day, or in want of a dictionary."""
        writer = self._writer
        if writer and self._is_over(writer.size, writer.opened_at):
            self._roll(None)
        elif writer and not writer.dictionary and self._meter.worth_it:
            seen, self._meter = self._meter.pages(), dictionary.Meter()
            if made := self._dictionary(seen):
                self._roll(made)
        if self._writer is None:
            self._begin(None)

    @contextlib.contextmanager
    def batch(self) -> Iterator[Append]:
        """Appending; when the block ends well the batch is acknowledged, otherwise it never happened."""
        if self._writer is None:
            self.make_ready()
        writer = self._open
        try:
            yield writer.add
        except BaseException:
            with contextlib.suppress(ArchiveError):  # the next opening cuts it; what went wrong first is reported
                writer.undo()
            raise
        writer.commit()

    def append(self, record: bytes) -> Span:
        """Add a record to the open batch."""
        return self._open.add(record)

    def open_segment(self) -> str:
        """Its name; "" where none is open."""
        return self._writer.name if self._writer else ""

    @property
    def takes_large(self) -> bool:
        """Whether large pages may be packed for the open segment: it has its dictionary, or will have none."""
        writer = self._writer
        return writer is not None and (writer.dictionary or writer.size >= SETTLED)

    def put(self, packed: PackedCapture, made: Made, ident: int) -> CaptureLine | None:
        """Add the frames of a capture to the open batch; None where they were packed for another segment."""
        writer = self._open
        if packed.codec != self.codec or packed.segment not in ("", writer.name):
            return None
        return made.placed(ident, [writer.add_frame(frame) for frame in packed.frames])

    def sync(self) -> int:
        """The open batch is on the disk; the size to acknowledge."""
        return self._open.sync()

    def saw(self, host: str, size: int, span: Span) -> None:
        """A page's bytes were written to the open segment: what a dictionary would have saved is counted."""
        if not self._open.dictionary and self.codec == "zst" and size >= PAGE_MIN:
            self._meter.saw(host, (self._open.name, span))

    def close(self) -> None:
        """Close the open file; the segment stays open in the index, the next run goes on with it."""
        if self._writer:
            self._writer.close()
            self._writer = None

    @property
    def _open(self) -> Writer:
        if self._writer is None:
            raise ArchiveError("no segment is open")
        return self._writer

    def _is_over(self, size: int, opened_at: datetime) -> bool:
        return size >= self.max_size or opened_at.date() != self._now().date()

    def _roll(self, made: zstd.ZstdDict | None) -> None:
        writer = self._open
        with disk.translated(self._path):
            self._db.execute("UPDATE segments SET closed = 1 WHERE id = ?", (writer.id,))
        self.close()
        self._begin(made)

    def _begin(self, made: zstd.ZstdDict | None) -> None:
        """A new segment: header written and synced, then its row; a kill in between leaves a file of a header only."""
        at = self._now()
        number = next_number(self._db, self._store.sizes())
        name = segments.name_of(self.codec, number, at)
        lineage = facts.get(self._db, facts.LINEAGE)
        head = segments.header(self.codec, name, at, made, lineage)
        self._store.create(name, head)
        try:
            with disk.translated(self._path):
                cursor = self._db.execute(
                    "INSERT INTO segments (name, codec, size, head, opened_at, dictionary, number, lineage)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (name, self.codec, len(head), len(head), micros(at), made is not None, number, lineage),
                )
        except BaseException:
            self._store.remove(name)
            raise
        packer = Gz() if self.codec == "gz" else Zst(made)
        self._writer = Writer(cursor.lastrowid or 0, name, self._store, packer, len(head), at, made is not None)

    def _dictionary(self, seen: list[queries.Where]) -> zstd.ZstdDict | None:
        """Of pages that were `seen` to cost much, and then of those that are known to."""
        hosts = queries.busiest_hosts(self._db, _RECENT)
        chosen = dictionary.choose(hosts, lambda host, number: queries.newest_pages(self._db, host, number))
        known = (place for ident in chosen if (place := queries.places(self._db, ident).response))
        return dictionary.build(self._bodies(dict.fromkeys([*seen, *known])))

    def _bodies(self, places: Iterable[queries.Where]) -> Iterator[bytes]:
        for place in places:
            with contextlib.suppress(ArchiveDamaged, StoreError):  # a dictionary is made of what can be read
                yield warc.split_http(self._reader.record(*place).block)[2]

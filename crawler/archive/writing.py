"""How the archive is written: records appended, synced, then one transaction with every row and the segment's new size.

This order lives here and nowhere else. How records, rows, frames and files look does not, nor what is asked of an
archive (`archive`).
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from crawler.archive import disk, facts, opening, queries, records, retention, schema, texts, warc
from crawler.archive.index import Index
from crawler.archive.journal import CheckLine, ImageLine, Line, SettledLine
from crawler.archive.keep import decide
from crawler.archive.nouns import OpenSegment
from crawler.archive.order import horizon
from crawler.archive.packing import made_of
from crawler.archive.segments import FOLDER, INDEX, SegmentReader
from crawler.archive.shelf import Shelf
from crawler.core.errors import StoreError
from crawler.core.model import Check, Snapshot, State
from crawler.core.settings import ArchiveSettings


@dataclass(frozen=True, slots=True)
class _Picture:
    url: str  # as its record has it
    content_type: str
    body: bytes


@dataclass(slots=True, kw_only=True)
class ArchiveWriter:
    """Writes batches to an archive that is locked for us; each is kept whole or not at all."""

    path: Path
    options: ArchiveSettings
    db: sqlite3.Connection
    reader: SegmentReader
    index: Index
    shelf: Shelf
    now: Callable[[], datetime]
    identity: tuple[int, int]  # of the index's file, when it was opened
    _text_of: Callable[[int], str | None] = field(init=False)
    _next: int = field(init=False)  # number of the next capture

    def __post_init__(self) -> None:
        self._text_of = texts.text_reader(self.db, self.reader)
        self._next = facts.next_capture(self.db)

    def record(self, checks: Sequence[Check]) -> list[Snapshot | None]:
        """One batch of checks, no two of them of one link; the snapshot of each that has one."""
        self.shelf.make_ready()
        lines: list[Line] = []
        snapshots: list[Snapshot | None] = []
        first = self._next
        try:
            with self.shelf.batch() as append:
                for check in checks:
                    line, snapshot = self._line(check, append)
                    lines.append(line)
                    snapshots.append(snapshot)
                self._commit(lines)
        except BaseException:
            self._next = first
            raise
        return snapshots

    def _line(self, check: Check, append: records.Append) -> tuple[CheckLine, Snapshot | None]:
        """Append what is kept of a check; its journal line, and its snapshot."""
        body = check.fetch.body
        made = made_of(check.packed) if check.packed else None
        known_digest = made.line.payload if made else check.payload
        payload = (known_digest or warc.sha256(body)) if body else ""  # of a check without its body, none
        known = queries.known(self.db, check.link.canonical_url, horizon(self.now()))
        keep = decide(check, payload, known, self.options.keep_raw)
        capture, snapshot = None, None
        if keep:
            if check.packed and made and made.keep == keep:
                capture = self.shelf.put(check.packed, made, self._next)
            if capture is None:
                original = self._original(keep.same_bytes)
                capture = records.write_capture(check, keep, self._next, payload, original, append)
            self._next += 1
            if capture.response:
                self.shelf.saw(check.link.host, capture.raw_bytes, capture.response)
            had_alive = any(one.state == State.ALIVE for one in known)
            if records.is_snapshot(check, capture, had_alive):
                snapshot = records.snapshot_of(check, capture)
        history = records.redacted(check.history, check.link.url)
        if snapshot:
            history = replace(history, snapshot=snapshot)
        return records.line_of(check, capture, history), snapshot

    def _image_line(
        self, capture: int, picture: _Picture, append: records.Append, batch: Mapping[str, ImageLine]
    ) -> ImageLine:
        """Append a picture, or where it is known under another URL, a revisit of it; its journal line."""
        url, content_type, body = picture.url, picture.content_type, picture.body
        digest = warc.sha256(body)
        span = None
        if not any(line.digest == digest for line in batch.values()):
            place = queries.picture_place(self.db, digest)
            if place is None:
                span = append(records.image_record(url, content_type, body, self.now()))
            elif (original := self._original_at(place)) and original.target != url:
                append(records.image_revisit(url, content_type, digest, len(body), self.now(), original))
        return ImageLine(capture=capture, url=url, digest=digest, content_type=content_type, size=len(body), span=span)

    def _original(self, ident: int | None) -> records.Original | None:
        place = queries.places(self.db, ident).response if ident else None
        return self._original_at(place) if place else None

    def _original_at(self, place: queries.Where) -> records.Original | None:
        """What a revisit record names; None, and no such record, where an object store does not give it now."""
        try:
            headers = self.reader.record(*place).headers
        except StoreError:
            return None
        return records.Original(headers["warc-record-id"], headers["warc-target-uri"], headers["warc-date"])

    def open_segment(self) -> OpenSegment:
        """For which segment records are packed ahead."""
        name, raw = self.shelf.open_segment(), self.options.keep_raw != "none"
        return OpenSegment(str(self.path / FOLDER), name, self.shelf.codec, raw, self.shelf.takes_large)

    def write(self, lines: Sequence[Line]) -> None:
        """Lines that bring no records of their own."""
        self.shelf.make_ready()
        with self.shelf.batch():
            self._commit(list(lines))

    def _commit(self, lines: list[Line]) -> None:
        """The batch's journal, the sync, and the transaction."""
        place, _ = self.shelf.append(records.journal_record(lines, self.now()))
        size = self.shelf.sync()
        until = horizon(self.now())
        with self.transaction():
            for line in lines:
                if isinstance(line, SettledLine) and not line.believed:
                    facts.keep_numbers(self.db)
                self.index.apply(line, self.shelf.segment, place)
                if self.options.max_snapshots:
                    for link in queries.links_with_captures(self.db, line):
                        retention.thin(self.db, link, self.options.max_snapshots, until, self._text_of)
            self.db.execute("UPDATE segments SET size = ? WHERE id = ?", (size, self.shelf.segment))

    def transaction(self) -> contextlib.AbstractContextManager[None]:
        """Rows without records, all of them or none; refused where another file has taken the index's place."""
        self.check_place()
        return schema.transaction(self.db, self.path, self.index.forget_cache)

    def check_place(self) -> None:
        """Raises ArchiveGone where another file has taken the index's place."""
        if opening.identity(self.path / INDEX) != self.identity:
            raise disk.gone(self.path / INDEX)

    def put_images(self, capture_id: int, images: Iterable[tuple[str, str, bytes]]) -> None:
        """Pictures of a capture (URL, content type, body), as one batch."""
        self.shelf.make_ready()
        lines: dict[str, ImageLine] = {}
        with self.shelf.batch() as append:
            for url, content_type, body in images:
                picture = _Picture(warc.uri(url, picture=True), content_type, body)
                line = self._image_line(capture_id, picture, append, lines)
                lines.setdefault(line.url, line)
            self._commit(list(lines.values()))

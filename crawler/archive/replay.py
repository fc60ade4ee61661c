"""Segments to rows: the journal inside them read again, for a rebuild and after a crash.

A segment is to the index what a write-ahead log is to a database: what was synced there is kept, even where the index
never heard of it (a kill or a power cut between sync and commit, an index put back from an older backup).
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from crawler.archive import journal, queries, scan, schema, segments
from crawler.archive.index import Index
from crawler.archive.nouns import Damage
from crawler.archive.segments import SegmentReader
from crawler.archive.times import micros
from crawler.core.errors import ArchiveDamaged


def replay_tail(index: Index, reader: SegmentReader, path: Path, segment: int, start: int) -> int:
    """Apply whole batches that lie behind `start`; the end of the last one. What is left behind it was never whole."""
    end = start
    with scan.mapped(path) as data:
        for piece in scan.pieces(reader.codec(path.name), data, start):
            if piece.problem or piece.record is None:
                break
            if piece.is_journal:
                with schema.transaction(index.db, path, index.forget_cache):
                    _apply(index, piece, segment)
                    index.db.execute("UPDATE segments SET size = ? WHERE id = ?", (piece.end, segment))
                end = piece.end
    return end


def add_segment(db: sqlite3.Connection, path: Path, *, closed: bool) -> int:
    """A row for a segment file that has none; its size is that of its header. Raises ArchiveDamaged."""
    start = scan.start_of(path)
    reader = SegmentReader(path.parent)
    try:
        with scan.mapped(path) as data:
            first = next(scan.pieces(reader.codec(path.name), data, start), None)
    finally:
        reader.close()
    if first is None or first.record is None or first.record.type != "warcinfo":
        raise ArchiveDamaged(f"{path} does not begin as a segment does")
    row = (
        path.name,
        segments.codec_name(path.name),
        first.end,
        first.end,
        micros(_opened(path.name)),
        start > 0,
        closed,
    )
    (ident,) = db.execute("SELECT coalesce(max(id), 0) + 1 FROM segments").fetchone()
    db.execute(
        "INSERT INTO segments (id, name, codec, size, head, opened_at, dictionary, closed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (ident, *row),
    )
    return int(ident)


def rebuild(target: sqlite3.Connection, folder: Path, index: Index, reader: SegmentReader) -> Iterator[Damage]:
    """Fill an empty index from all segments; yields what could not be read. Closed segments keep their torn ends."""
    for path in segments.files(folder):
        try:
            with schema.transaction(target, path, index.forget_cache):
                ident = add_segment(target, path, closed=True)
        except ArchiveDamaged as error:
            yield Damage(path.name, str(error))
            continue
        yield from _replay_all(index, reader, path, ident)


def _replay_all(index: Index, reader: SegmentReader, path: Path, segment: int) -> Iterator[Damage]:
    """One transaction a segment; damaged pieces are passed over, batches on both sides of them count."""
    damage: list[Damage] = []
    with scan.mapped(path) as data, schema.transaction(index.db, path, index.forget_cache):
        end = 0
        for piece in scan.pieces(reader.codec(path.name), data, scan.start_of(path)):
            if piece.problem:
                damage.append(Damage(f"{path.name} at byte {piece.offset}", piece.problem))
            if piece.record is None:
                continue
            end = piece.end
            if piece.is_journal:
                try:
                    _apply(index, piece, segment)
                except (ArchiveDamaged, sqlite3.IntegrityError) as error:
                    damage.append(Damage(f"{path.name} at byte {piece.offset}", f"journal: {error}"))
        index.db.execute("UPDATE segments SET size = ? WHERE id = ?", (end, segment))
    yield from damage


def text_reader(db: sqlite3.Connection, reader: SegmentReader) -> Callable[[int], str | None]:
    """Reads the text of a capture back; None where it cannot be read any more, "" where there never was one."""

    def text_of(ident: int) -> str | None:
        place = queries.places(db, ident).text
        try:
            return reader.record(*place).block.decode("utf-8", "replace") if place else ""
        except ArchiveDamaged:
            return None

    return text_of


def carry_over(target: sqlite3.Connection, old: Path) -> None:
    """Notes cache and slots are in no segment: taken from the old index while it can be read."""
    with contextlib.suppress(sqlite3.Error):
        target.execute("ATTACH ? AS old", (str(old),))
        try:
            for table in ("notes", "slots"):
                target.execute(f"INSERT OR IGNORE INTO {table} SELECT * FROM old.{table}")  # noqa: S608  # our names
        finally:
            target.execute("DETACH old")


def _apply(index: Index, piece: scan.Piece, segment: int) -> None:
    assert piece.record is not None
    for line in journal.decode(piece.record.block):
        index.apply(line, segment)


def _opened(name: str) -> datetime:
    try:
        return datetime.strptime(name[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)

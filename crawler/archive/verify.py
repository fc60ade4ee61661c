"""Every record, digest and row of an archive checked against each other; mended where asked.

What is checked: each frame of each segment (whole, digests right), each segment's end, each row that points at a
record. Whole records that no row points at are counted as orphans and are harmless: thinned snapshots leave them.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from crawler.archive import disk, replay, scan, schema, segments
from crawler.archive.index import Index
from crawler.archive.lock import Lock
from crawler.archive.nouns import Damage, VerifyReport
from crawler.archive.segments import FOLDER, INDEX, LOCK, SegmentReader
from crawler.core.errors import ArchiveDamaged, ArchiveError

_POINTERS: Final = (
    "SELECT 'captures', id, response_at, response_len FROM captures WHERE response_at IS NOT NULL AND segment = :s"
    " UNION ALL SELECT 'captures', id, text_at, text_len FROM captures WHERE text_at IS NOT NULL AND segment = :s"
    " UNION ALL SELECT 'captures', id, readable_at, readable_len FROM captures"
    " WHERE readable_at IS NOT NULL AND segment = :s"
    " UNION ALL SELECT 'pictures', id, at, length FROM pictures WHERE segment = :s"
)
_DANGLING: Final = (
    "SELECT id, 'its segment is not known' FROM captures WHERE segment NOT IN (SELECT id FROM segments)"
    " UNION ALL SELECT id, 'what it is a revisit of is gone' FROM captures WHERE revisit_of IS NOT NULL"
    " AND revisit_of NOT IN (SELECT id FROM captures)"
)
_CONTENT = frozenset({"response", "resource", "conversion"})


@dataclass(slots=True)
class _Audit:
    """What was seen so far."""

    db: sqlite3.Connection
    folder: Path
    repair: bool
    damage: list[Damage] = field(default_factory=list)
    segments: int = 0
    records: int = 0
    orphans: int = 0

    def found(self, where: str, what: str) -> None:
        self.damage.append(Damage(where, what, self.repair))


def verify(path: Path, *, repair: bool = False, rebuild: bool = False) -> VerifyReport:
    """Check an archive under its lock. `repair` cuts torn ends and drops rows that point nowhere; `rebuild` makes the
    index again from the segments first, and keeps the old one as index.sqlite.old.

    Raises ArchiveBusy, ArchiveError; damage is a value.
    """
    if not (path / FOLDER).is_dir() and not (path / INDEX).exists():
        return VerifyReport()
    with _locked(path, needed=repair or rebuild):
        damage = tuple(_rebuild(path)) if rebuild else ()
        report = _verify(path, repair)
    if not rebuild:
        return report
    told = {(one.where, one.what) for one in report.damage}
    others = tuple(one for one in damage if (one.where, one.what) not in told)
    return VerifyReport(
        report.segments, report.records, report.captures, report.orphans, (*others, *report.damage), rebuilt=True
    )


@contextlib.contextmanager
def _locked(path: Path, *, needed: bool) -> Iterator[None]:
    lock = Lock(path / LOCK)
    try:
        lock.take("verify", datetime.now(UTC))
    except ArchiveError as error:
        if needed or error.exit_code != ArchiveError.exit_code:
            raise  # busy, or somebody wants to write; a folder that nobody may write needs no lock
    try:
        yield
    finally:
        lock.release()


def _verify(path: Path, repair: bool) -> VerifyReport:
    if not (path / INDEX).exists():
        files = len(list(segments.files(path / FOLDER)))
        missing = Damage(INDEX, f"is missing beside {files} segments: run `crawler verify --rebuild`")
        return VerifyReport(damage=(missing,) if files else ())
    try:
        db = schema.open_writer(path / INDEX) if repair else schema.open_reader(path / INDEX)
    except ArchiveDamaged as error:
        return VerifyReport(damage=(Damage(INDEX, str(error)),))
    with contextlib.closing(db):
        audit = _Audit(db, path / FOLDER, repair)
        try:
            return _audited(audit)
        except sqlite3.DatabaseError as error:
            audit.damage.append(Damage(INDEX, f"{error}: run `crawler verify --rebuild`"))
            return VerifyReport(segments=audit.segments, records=audit.records, damage=tuple(audit.damage))


def _audited(audit: _Audit) -> VerifyReport:
    for (told,) in audit.db.execute("PRAGMA quick_check"):
        if told != "ok":
            audit.damage.append(Damage(INDEX, f"{told}: run `crawler verify --rebuild`"))
    rows = audit.db.execute("SELECT id, name, size FROM segments ORDER BY id").fetchall()
    for ident, name, size in rows:
        _check_segment(audit, ident, name, size)
    _check_strangers(audit, {name for _, name, _ in rows})
    _check_dangling(audit)
    (captures,) = audit.db.execute("SELECT count(*) FROM captures").fetchone()
    return VerifyReport(audit.segments, audit.records, captures, audit.orphans, tuple(audit.damage))


def _check_segment(audit: _Audit, ident: int, name: str, size: int) -> None:
    path = audit.folder / name
    audit.segments += 1
    good: dict[int, int] = {}
    if not path.exists():
        audit.found(name, "is missing: put it back from a backup")
    else:
        _check_end(audit, ident, path, size)
        good = _check_records(audit, ident, path, size)
    _check_rows(audit, ident, name, good)
    if audit.repair and not path.exists():
        audit.db.execute("DELETE FROM segments WHERE id = ?", (ident,))


def _check_end(audit: _Audit, ident: int, path: Path, size: int) -> None:
    """The file's end against the index; bytes behind it were never acknowledged, bytes before it must be there."""
    there = path.stat().st_size
    if there > size:
        audit.found(path.name, f"{there - size} bytes behind its acknowledged end at byte {size}")
        if audit.repair:
            with disk.told(path), path.open("r+b") as file:
                file.truncate(size)
    elif there < size:
        audit.found(path.name, f"ends at byte {there}, the index knows {size}")
        if audit.repair:
            end = _whole_until(path)
            with disk.told(path), path.open("r+b") as file:
                file.truncate(end)
            audit.db.execute("UPDATE segments SET size = ? WHERE id = ?", (end, ident))


def _whole_until(path: Path) -> int:
    """The end of the last whole record."""
    end = 0
    with _pieces(path, None) as found:
        for piece in found:
            end = piece.end if piece.record is not None else end
    return end


def _check_records(audit: _Audit, ident: int, path: Path, size: int) -> dict[int, int]:
    """Every record up to the acknowledged end; lengths of the good ones that hold content, by offset."""
    good: dict[int, int] = {}
    scars = dict(audit.db.execute("SELECT at, length FROM scars WHERE segment = ?", (ident,)))
    try:
        with _pieces(path, size) as found:
            for piece in found:
                if piece.problem:
                    _found_piece(audit, ident, path, piece, scars)
                    continue
                audit.records += 1
                if piece.record and piece.record.type in _CONTENT:
                    good[piece.offset] = piece.length
    except ArchiveDamaged as error:
        audit.found(path.name, str(error))
    return good


def _found_piece(audit: _Audit, ident: int, path: Path, piece: scan.Piece, scars: dict[int, int]) -> None:
    if scars.get(piece.offset) == piece.length:
        return
    audit.found(f"{path.name} at byte {piece.offset}", f"{piece.problem} ({piece.length} bytes)")
    if audit.repair:
        audit.db.execute("INSERT OR REPLACE INTO scars VALUES (?, ?, ?)", (ident, piece.offset, piece.length))


def _check_rows(audit: _Audit, ident: int, name: str, good: dict[int, int]) -> None:
    """Every row that points into the segment; `good` loses what is pointed at, and what is left is orphans."""
    bad: set[tuple[str, int]] = set()
    seen: set[int] = set()
    for table, row, at, length in audit.db.execute(_POINTERS, {"s": ident}):
        if good.get(at) == length:
            seen.add(at)
        elif (table, row) not in bad:
            bad.add((table, row))
            audit.found(f"{table} row {row}", f"points at no whole record of {name} (byte {at})")
    audit.orphans += len(good.keys() - seen)
    if audit.repair:
        for table, row in bad:
            _drop(audit.db, table, row)


def _check_strangers(audit: _Audit, known: set[str]) -> None:
    for path in segments.files(audit.folder):
        if path.name not in known:
            what = "is not in the index: the next run takes it in, or run `crawler verify --rebuild`"
            audit.damage.append(Damage(path.name, what))


def _check_dangling(audit: _Audit) -> None:
    """Rows whose base is gone; dropping one may leave others, which stand behind it."""
    while rows := audit.db.execute(_DANGLING).fetchall():
        for row, what in rows:
            audit.found(f"captures row {row}", what)
            if audit.repair:
                _drop(audit.db, "captures", row)
        if not audit.repair:
            return


def _drop(db: sqlite3.Connection, table: str, row: int) -> None:
    """Forget a capture or a picture; the terms of its text stay behind and lead nowhere."""
    if table == "pictures":
        db.execute("DELETE FROM images WHERE picture = ?", (row,))
        db.execute("DELETE FROM pictures WHERE id = ?", (row,))
    else:
        db.execute("DELETE FROM documents WHERE capture = ?", (row,))
        db.execute("DELETE FROM images WHERE capture = ?", (row,))
        db.execute("DELETE FROM captures WHERE id = ?", (row,))


@contextlib.contextmanager
def _pieces(path: Path, stop: int | None) -> Iterator[Iterator[scan.Piece]]:
    reader = SegmentReader(path.parent)
    try:
        start = scan.start_of(path)
        with (
            scan.mapped(path) as data,
            contextlib.closing(scan.pieces(reader.codec(path.name), data, start, stop)) as found,
        ):
            yield found
    finally:
        reader.close()


def _rebuild(path: Path) -> Iterator[Damage]:
    """A new index beside the old one, which is replaced only when the new one is whole."""
    new, old = path / f"{INDEX}.new", path / INDEX
    if old.exists():
        with contextlib.suppress(ArchiveDamaged):  # another program's file, or a newer crawler's, is not for us to move
            schema.open_reader(old).close()
    _remove(new)
    db = schema.open_writer(new)
    reader = SegmentReader(path / FOLDER)
    try:
        db.execute("PRAGMA synchronous = OFF")  # synced once, at the end
        replay.carry_over(db, old)
        index = Index(db, replay.text_reader(db, reader))
        yield from replay.rebuild(db, path / FOLDER, index, reader)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        reader.close()
        db.close()
    with disk.told(path):
        disk.sync_file(new)
        if old.exists():
            old.replace(path / f"{INDEX}.old")
        _remove(old)
        new.replace(old)
        disk.sync_folder(path)


def _remove(index: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        index.with_name(index.name + suffix).unlink(missing_ok=True)

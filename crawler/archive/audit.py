"""What is wrong with an archive: found, and not mended here."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Container
from dataclasses import dataclass, field, replace
from typing import Final

from crawler.archive import scan
from crawler.archive.journal import SPANS
from crawler.archive.nouns import Damage
from crawler.archive.segments import INDEX, SegmentReader
from crawler.archive.spread import Spread, pieces
from crawler.core.counts import Counted
from crawler.core.errors import ArchiveDamaged

_DANGLING: Final = (
    "SELECT id, 'what it is a revisit of is gone' FROM captures WHERE revisit_of IS NOT NULL"
    " AND revisit_of NOT IN (SELECT id FROM captures)"
)
_CONTENT: Final = frozenset({"response", "resource", "conversion"})


@dataclass(frozen=True, slots=True)
class Pointer:
    """A place of a row at which no whole record lies; `what` is one of SPANS, or "picture"."""

    what: str
    row: int
    segment: str
    at: int


@dataclass(slots=True)
class Audit:
    """One pass over everything; afterwards the fields tell what was found."""

    db: sqlite3.Connection
    reader: SegmentReader
    spread: Spread
    changed: Container[str] = ()  # segments in a store that are not what was uploaded; grows while they are read
    trusting: bool = False  # segments in an object store are not read: its word on them is taken
    segments: int = 0
    records: int = 0
    captures: int = 0
    orphans: int = 0
    notices: list[str] = field(default_factory=list)
    other: list[Damage] = field(default_factory=list)  # of the index as a whole
    missing: dict[str, int] = field(default_factory=dict)  # segments that are not there, with their row
    short: list[Damage] = field(default_factory=list)
    scars: list[tuple[int, str, scan.Piece]] = field(default_factory=list)  # row and name of the segment, the place
    pointers: list[Pointer] = field(default_factory=list)
    dangling: list[tuple[int, str]] = field(default_factory=list)
    noted: bool = False  # the scars are remembered now
    dropped: bool = False  # rows that pointed nowhere are mended now

    def run(self) -> None:
        """Check everything. Raises sqlite3.DatabaseError where the index cannot be read."""
        for (said,) in self.db.execute("PRAGMA quick_check"):
            if said != "ok":
                self.other.append(Damage(INDEX, f"{said}: run `crawler verify --rebuild`"))
        sizes = self.reader.store.sizes()
        rows = self.db.execute("SELECT id, name, size FROM segments ORDER BY number, name").fetchall()
        for ident, name, size in rows:
            self._check_segment(ident, name, size, sizes.get(name))
        known = {name for _, name, _ in rows}
        self.notices += [
            f"{name}: not yet in the index; the next command that writes takes it in"
            for name in sizes
            if name not in known
        ]
        self.dangling = self.db.execute(_DANGLING).fetchall()
        (self.captures,) = self.db.execute("SELECT count(*) FROM captures").fetchone()

    def damage(self) -> list[Damage]:
        """Everything that was found, and what was mended of it."""
        lost = [
            Damage(name, "is missing: put it back from a backup", self.dropped, loses=True) for name in self.missing
        ]
        scars = [
            Damage(f"{name} at byte {piece.offset}", f"{piece.problem} ({Counted(piece.length):byte})", self.noted)
            for _, name, piece in self.scars
        ]
        pointers = [
            Damage(
                _row(one),
                f"its {one.what} is no whole record of {one.segment} (byte {one.at})",
                self.dropped,
                loses=True,
            )
            for one in self.pointers
        ]
        dangling = [Damage(f"captures row {row}", what, self.dropped, loses=True) for row, what in self.dangling]
        return [
            *self.other,
            *lost,
            *(replace(one, repaired=self.noted) for one in self.short),
            *scars,
            *pointers,
            *dangling,
        ]

    def _check_segment(self, ident: int, name: str, size: int, there: int | None) -> None:
        self.segments += 1
        if self.trusting and there is not None and self.reader.store.is_away(name):
            if name in self.changed:
                self.other.append(Damage(name, "has another size or ETag than when it was uploaded"))
            return
        good: dict[int, int] = {}
        if there is None:
            self.missing[name] = ident
        else:
            if there < size:
                self.short.append(Damage(name, f"ends at byte {there}, the index knows {size}"))
            elif there > size:
                self.notices.append(
                    f"{name}: {Counted(there - size):byte} behind byte {size} not yet in the index; the next command"
                    " that writes takes in what is whole of them"
                )
            good = self._check_records(ident, name, size)
            if name in self.changed and not any(found == name for _, found, _ in self.scars):
                self.other.append(Damage(name, "is not what was uploaded: its SHA-256 is another"))
        self._check_rows(ident, name, size, good)

    def _check_records(self, ident: int, name: str, size: int) -> dict[int, int]:
        """Every record; lengths of the good ones that hold content, by offset. Damage counts up to the known end.

        Behind it may lie records that were taken in by themselves, since their journal is damaged (`salvage`).
        """
        good: dict[int, int] = {}
        scars = dict(self.db.execute("SELECT at, length FROM scars WHERE segment = ?", (ident,)))
        try:
            start = self.reader.start(name)
        except ArchiveDamaged:
            start = 0
        with contextlib.closing(pieces(self.reader, name, start, self.spread)) as found:
            for piece in found:
                if piece.problem:
                    if piece.offset < size and scars.get(piece.offset) != piece.length:
                        self.scars.append((ident, name, scan.Piece(piece.offset, piece.length, None, piece.problem)))
                    continue
                self.records += 1
                if piece.record and piece.record.type in _CONTENT:
                    good[piece.offset] = piece.length
        return good

    def _check_rows(self, ident: int, name: str, size: int, good: dict[int, int]) -> None:
        """Every row that points into the segment; what no row points at is orphans."""
        seen: set[int] = set()
        queries = {what: f"SELECT id, {what}_at, {what}_len FROM captures" for what in SPANS}  # ours  # noqa: S608
        queries["picture"] = "SELECT id, at, length FROM pictures"
        for what, select in queries.items():
            column = "at" if what == "picture" else f"{what}_at"
            for row, at, length in self.db.execute(f"{select} WHERE segment = ? AND {column} IS NOT NULL", (ident,)):
                if good.get(at) == length:
                    seen.add(at)
                elif name not in self.missing:
                    self.pointers.append(Pointer(what, row, name, at))
        self.orphans += sum(at < size for at in good.keys() - seen)


def _row(pointer: Pointer) -> str:
    return f"{'pictures' if pointer.what == 'picture' else 'captures'} row {pointer.row}"

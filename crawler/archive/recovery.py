"""What is done at opening: segments and index are brought into agreement, and nothing that can be read is lost.

Segments that the index does not know, and whole batches that it has not heard of, are taken in. A torn last batch,
which was never acknowledged, is moved into a file of its own. What is missing is named and left as it is.
"""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from crawler.archive import facts, replay, scan, schema
from crawler.archive.index import Index
from crawler.archive.merging import Merger
from crawler.archive.nouns import Damage
from crawler.archive.segments import SegmentReader
from crawler.archive.store import number_of
from crawler.core.counts import Counted
from crawler.core.errors import ArchiveDamaged, ArchiveError, StoreError


@dataclass(slots=True)
class Recovered:
    """What was done, a line each (`notices`), and what is damaged or missing (`damage`)."""

    notices: list[str] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)

    def lines(self) -> Iterable[str]:
        """All of it for people."""
        yield from self.notices
        yield from (f"{one.where}: {one.what}" for one in self.damage)


@dataclass(frozen=True, slots=True)
class _Row:
    ident: int
    name: str
    size: int
    closed: bool


class Recovery:
    """One recovery, under the archive's lock. `force`: a short or missing open segment is closed, not refused."""

    def __init__(self, path: Path, index: Index, reader: SegmentReader, *, force: bool = False) -> None:
        self.path = path
        self.db = index.db
        self.reader = reader
        self.store = reader.store
        self.force = force
        self.done = Recovered()
        self.sizes = self.store.sizes()
        name_archive(self.db)
        self.merger = Merger(index, self.sizes)

    def run(self) -> Recovered:
        """Everything. Raises ArchiveDamaged where bytes of the open segment are missing that the index knows."""
        rows = [
            _Row(*row) for row in self.db.execute("SELECT id, name, size, closed FROM segments ORDER BY number, name")
        ]
        known = {row.name for row in rows}
        strangers = [name for name in self.sizes if name not in known and not self.store.is_settled(name)]
        for row in rows:  # first what is ours: the sequence decides which memory is the newer one
            self._agree(row)
        for name in strangers:
            try:
                self._take_in_stranger(name)
            except StoreError as error:
                self.done.notices.append(f"{name} is not in the index, and cannot be taken in now: {error}")
        if strangers:
            with self._transaction():
                self.merger.settle()
        return self.done

    def _transaction(self) -> contextlib.AbstractContextManager[None]:
        return schema.transaction(self.db, self.path, self.merger.forget_cache)

    def _take_in_stranger(self, name: str) -> None:
        with self._transaction():
            added = replay.add_segment(self.db, self.reader, name)
            self.merger.forget_cache()
            taken = self._take_in(name, *added, known=False) if added else None
        if added is None and self.store.is_away(name):
            self.done.notices.append(f"{name} in the object store holds no whole record: it is left alone")
        elif added is None:
            aside = self.store.set_aside(name, 0)
            self.done.notices.append(f"{name} holds no whole record: moved aside as {aside}")
        elif taken and taken.batches:
            self.done.notices.append(f"{name} was not in the index: {Counted(taken.batches):batch|batches} taken in")

    def _take_in(self, name: str, ident: int, start: int, *, known: bool) -> replay.Taken:
        """A part of a segment, from `start` on, inside a transaction."""
        taken = replay.take_in(self.merger, self.reader, name, ident, start, known=known)
        made = replay.salvage_loose(self.merger, self.reader, name, ident, taken)
        self.merger.settle(final=False)
        self.db.execute("UPDATE segments SET size = ? WHERE id = ?", (taken.end, ident))
        self.done.damage += taken.damage
        if made:
            pages = f"{Counted(made):page} taken in from the records alone"
            self.done.notices.append(f"{name}: {pages}, since a journal is damaged")
        return taken

    def _agree(self, row: _Row) -> None:
        """A segment that the index knows: longer, shorter or missing."""
        there = self.sizes.get(row.name)
        if not row.closed and self.store.is_away(row.name):  # an index from before it was sealed
            self.db.execute("UPDATE segments SET closed = 1 WHERE id = ?", (row.ident,))
            row = replace(row, closed=True)
        if there is None:
            self._miss(row, "is missing: put it back from a backup")
        elif there < row.size:
            self._miss(row, f"has {Counted(there):byte}, the index knows {row.size}: put it back from a backup")
        elif there > row.size and not self.store.is_settled(row.name):
            try:
                self._take_in_tail(row)
            except StoreError as error:
                self.done.notices.append(f"{row.name} holds more than the index knows, not to be read now: {error}")

    def _miss(self, row: _Row, what: str) -> None:
        if row.closed or self.force:
            self.done.damage.append(Damage(row.name, what))
        else:
            raise ArchiveDamaged(f"{self.path / row.name} {what}, or run `crawler verify --repair`")
        self.db.execute("UPDATE segments SET closed = 1 WHERE id = ?", (row.ident,))
        if self.force and row.name in self.sizes:
            self.db.execute("UPDATE segments SET size = ? WHERE id = ?", (self._whole_until(row.name), row.ident))

    def _whole_until(self, name: str) -> int:
        """The end of the last whole record."""
        end = 0
        with contextlib.suppress(ArchiveDamaged), self.store.view(name) as data:
            start = end = self.reader.start(name)
            with contextlib.closing(scan.pieces(self.reader.codec(name), data, start)) as found:
                for piece in found:
                    end = piece.end if piece.record is not None else end
        return end

    def _take_in_tail(self, row: _Row) -> None:
        """What lies behind the size that the index knows; a closed segment keeps its torn end where it is."""
        with self._transaction():
            taken = self._take_in(row.name, row.ident, row.size, known=True)
            if not taken.torn:  # never written to again: what is damaged may still be read by others
                self.db.execute("UPDATE segments SET closed = 1 WHERE id = ?", (row.ident,))
        if taken.batches:
            batches = f"{Counted(taken.batches):batch|batches}"
            self.done.notices.append(f"{row.name}: {batches} that the index did not know taken in")
        if taken.rest and taken.torn and not row.closed:
            try:
                aside = self.store.set_aside(row.name, taken.end)
                self.done.notices.append(
                    f"{row.name}: {Counted(taken.rest):byte} of a batch that was never acknowledged moved aside as"
                    f" {aside}"
                )
            except ArchiveError as error:
                self.db.execute("UPDATE segments SET closed = 1 WHERE id = ?", (row.ident,))
                self.done.notices.append(f"{row.name}: its torn end stays where it is ({error})")


def name_archive(db: sqlite3.Connection, name: str = "") -> None:
    """Give an archive its name, which its segments carry, if it has none; rows of segments without one are its own."""
    if not facts.get(db, facts.LINEAGE):
        facts.put(db, facts.LINEAGE, name or uuid.uuid4().hex)
    db.execute("UPDATE segments SET lineage = ? WHERE lineage = ''", (facts.get(db, facts.LINEAGE),))


def next_number(db: sqlite3.Connection, sizes: Iterable[str]) -> int:
    """The number of the next segment: above all that are known, here or on the disk."""
    (last,) = db.execute("SELECT coalesce(max(number), 0) FROM segments").fetchone()
    return 1 + max((int(last), *map(number_of, sizes)))

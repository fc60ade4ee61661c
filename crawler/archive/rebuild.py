"""The index made again: from the segments, then from what a readable old index knew beyond them.

The new index is made beside the old one, which is kept and replaced only when the new one is whole and on the disk.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from crawler.archive import (
    carry,
    disk,
    documents,
    queries,
    recovery,
    replay,
    scan,
    schema,
    segments,
    texts,
    tiers,
)
from crawler.archive.index import Index
from crawler.archive.merging import Merger
from crawler.archive.nouns import Damage
from crawler.archive.segments import FOLDER, INDEX, SegmentReader
from crawler.archive.spread import Spread, trees
from crawler.archive.store import sequence
from crawler.core.counts import Counted
from crawler.core.errors import ArchiveDamaged
from crawler.core.files import sync_folder
from crawler.core.settings import ArchiveSettings

_FIRST: Final = 64 * 1024  # bytes in which the first record, a warcinfo, surely lies


def rebuild(
    path: Path, now: Callable[[], datetime], spread: Spread | None = None, remote: tiers.Remote | None = None
) -> list[Damage]:
    """Make the index anew, under the lock; what could not be read. The old one becomes index.sqlite.old.

    What lies in the archive's object store is read as well. Raises ArchiveError; then the old index is as it was.
    """
    new, old = path / f"{INDEX}.new", path / INDEX
    schema.refuse_links(old)
    if old.exists():
        with contextlib.suppress(ArchiveDamaged):  # another program's file, or a newer crawler's, is not for us to move
            schema.open_reader(old, as_is=True).close()
    _remove(new)
    db = schema.open_writer(new)
    store = tiers.opened(path, remote or tiers.Remote(path, ArchiveSettings()), db)
    reader = SegmentReader(store)
    try:
        if listing := store.remote.listing():
            tiers.adopt(store, listing)
        db.execute("PRAGMA synchronous = OFF")  # synced once, at the end
        damage = _fill(path, db, reader, now, spread or Spread(path / FOLDER))
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        reader.close()
        store.close()
        db.close()
    _put_in_place(path, new, old)
    return damage


def _fill(
    path: Path, db: sqlite3.Connection, reader: SegmentReader, now: Callable[[], datetime], spread: Spread
) -> list[Damage]:
    index = Index(db, texts.text_reader(db, reader), now, terms=False)
    sizes = reader.store.sizes()
    lineages = {name: _lineage(reader, name) for name in sizes}
    own = carry.lineage(path / INDEX) or _most_common(lineages.values())
    recovery.name_archive(db, own)
    merger = Merger(index, sizes)
    damage: list[Damage] = []
    taken: list[tuple[str, int, replay.Taken]] = []
    for name in sorted(sizes, key=lambda name: (lineages[name] not in ("", merger.lineage), sequence(name))):
        with schema.transaction(db, path, merger.forget_cache):
            added = replay.add_segment(db, reader, name)
            merger.forget_cache()
            if added is None:
                damage.append(Damage(name, "holds no whole record"))
                continue
            found = replay.take_in(merger, reader, name, *added, spread=spread)
            merger.settle(final=False)
            db.execute("UPDATE segments SET size = ? WHERE id = ?", (found.end, added[0]))
        damage += found.damage
        taken.append((name, added[0], found))
    with schema.transaction(db, path, merger.forget_cache):
        damage += carry.carry_over(merger, reader, path / INDEX)
    with schema.transaction(db, path, merger.forget_cache):
        for name, ident, found in taken:
            made = replay.salvage_loose(merger, reader, name, ident, found)
            if made:
                damage.append(
                    Damage(name, f"{Counted(made):page} taken in from the records alone, since a journal is damaged")
                )
        merger.settle()
    with schema.transaction(db, path, merger.forget_cache):
        place_of = partial(_text_place, db)
        documents.fill(db, index.read_text, lambda known: trees(reader, known, place_of, spread))
    return damage


def _text_place(db: sqlite3.Connection, capture: int) -> queries.Where | None:
    return queries.places(db, capture).text


def _lineage(reader: SegmentReader, name: str) -> str:
    """The archive that a segment names, "" where it cannot be read or names none."""
    with contextlib.suppress(ArchiveDamaged):
        start = reader.start(name)
        head = reader.store.read(name, 0, start + _FIRST)
        first = next(scan.pieces(reader.codec(name), memoryview(head), start), None)
        if first and first.record and first.record.type == "warcinfo":
            return segments.lineage_of(first.record)
    return ""


def _most_common(lineages: Iterable[str]) -> str:
    counted = Counter(filter(None, lineages))
    return counted.most_common(1)[0][0] if counted else ""


def _put_in_place(path: Path, new: Path, old: Path) -> None:
    with disk.translated(path):
        disk.sync_file(new)
        if old.exists():
            kept = path / f"{INDEX}.old"
            _remove(kept)
            for suffix in ("-wal", "-shm"):  # a damaged index may have the rest of its rows there
                with contextlib.suppress(FileNotFoundError):
                    old.with_name(old.name + suffix).replace(kept.with_name(kept.name + suffix))
            old.replace(kept)
        _remove(old)
        new.replace(old)
        sync_folder(path)


def _remove(index: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        index.with_name(index.name + suffix).unlink(missing_ok=True)

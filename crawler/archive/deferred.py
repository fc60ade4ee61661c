"""Search terms of many new texts made at once, by others: what an import defers while it keeps pages.

Which documents there are is `index`'s; that a killed import leaves nothing unsearched is `documents.ready`'s.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from crawler.archive import documents, queries, schema, spread, termtrees
from crawler.archive.segments import INDEX

if TYPE_CHECKING:
    from crawler.archive.writing import ArchiveWriter

Grow = Callable[[Iterable[spread.Part]], Iterable[documents.Grown]]
WORTH: Final = 64  # texts, from which it is worth to have others make their terms


def make_terms(writer: ArchiveWriter, grow: Grow) -> None:
    """Make what was deferred. `grow` does what `spread.grow` does of each part. Raises what it raises, ArchiveError."""
    known = documents.due(writer.db)
    parts = spread.in_parts(writer.reader, known, lambda ident: queries.places(writer.db, ident).text)
    if len(known) < WORTH or not _put(writer, parts, grow):
        with writer.transaction():
            documents.fill_due(writer.db, writer.index.read_text)
    writer.index.forget_cache()


def _put(writer: ArchiveWriter, parts: Iterable[spread.Part], grow: Grow) -> bool:
    """Put trees in on a connection of their own, as FTS5 wants it; False where they do not fit."""
    writer.check_place()
    with contextlib.closing(schema.open_writer(writer.path / INDEX)) as db:
        return _put_all(db, writer.path, parts, grow)


def _put_all(db: sqlite3.Connection, path: Path, parts: Iterable[spread.Part], grow: Grow) -> bool:
    with schema.transaction(db, path, lambda: None):
        if fits := termtrees.fits(db):
            documents.fill_due_with(db, grow(parts))
    return fits

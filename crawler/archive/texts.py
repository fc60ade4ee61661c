"""Texts of captures read back from their segments, for the search index."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

from crawler.archive import queries
from crawler.core.errors import ArchiveDamaged

if TYPE_CHECKING:
    from crawler.archive.segments import SegmentReader


def text_reader(db: sqlite3.Connection, reader: SegmentReader) -> Callable[[int], str | None]:
    """Reads the text of a capture back; None where it cannot be read any more, "" where there never was one."""

    def text_of(ident: int) -> str | None:
        place = queries.places(db, ident).text or queries.held_text(db, ident)
        try:
            if place is None:
                return "" if db.execute("SELECT 1 FROM captures WHERE id = ?", (ident,)).fetchone() else None
            return reader.record(*place).block.decode("utf-8", "replace")
        except ArchiveDamaged:
            return None

    return text_of

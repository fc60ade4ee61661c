"""Texts of captures read back from their segments, for the search index."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

from crawler.archive import queries
from crawler.core.errors import ArchiveDamaged, StoreError

if TYPE_CHECKING:
    from crawler.archive.segments import SegmentReader

log = logging.getLogger(__name__)


def text_reader(db: sqlite3.Connection, reader: SegmentReader) -> Callable[[int], str | None]:
    """Reads the text of a capture back; None where it cannot be read any more, "" where there never was one."""

    def text_of(ident: int) -> str | None:
        place = queries.places(db, ident).text
        try:
            return reader.record(*place).block.decode("utf-8", "replace") if place else ""
        except ArchiveDamaged:
            return None

    return text_of


def unless_away(text_of: Callable[[int], str | None]) -> Callable[[int], str | None]:
    """For who writes: a text that an object store does not give now counts as one that cannot be read, with a line.

    What is recorded must not wait for a store. The old words of such a text stay in the search tables and lead nowhere.
    """
    told = False

    def text_or_none(ident: int) -> str | None:
        nonlocal told
        try:
            return text_of(ident)
        except StoreError as error:
            if not told:
                log.warning("crawler: %s; the search has old words of changed pages until `verify --rebuild`", error)
            told = True
            return None

    return text_or_none

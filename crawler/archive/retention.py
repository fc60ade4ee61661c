"""Fewer snapshots of one link: the first, the last, and the changes between that matter most.

Only rows go; the records stay in their segments as orphans, since segments are append-only, and a rebuild brings the
rows back.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from crawler.archive import documents
from crawler.archive.facts import keep_numbers
from crawler.archive.queries import IN_ORDER
from crawler.core.errors import StoreError

_COMPARED: Final = 5_000  # characters of each text; 0.5 ms a pair, and a change that matters shows in them


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    revisit_of: int | None
    bytes_of: int | None


def thin(db: sqlite3.Connection, link: int, limit: int, now: int, text_of: Callable[[int], str | None]) -> None:
    """Leave at most `limit` snapshots of a link; at least first and last, what that stands on, and what is searched.

    `text_of` may raise StoreError.
    """
    found = db.execute(
        f"SELECT c.id, c.revisit_of, c.bytes_of FROM captures c WHERE c.link = ? AND NOT c.notice {IN_ORDER}",  # noqa: S608  # ours
        (link, now),
    )
    rows = [_Row(*row) for row in found]
    surplus = len(rows) - max(limit, 2)
    if surplus > 0:
        keep_numbers(db)
        searched = db.execute("SELECT capture FROM documents WHERE link = ?", (link,)).fetchone()
        with contextlib.suppress(StoreError):  # texts that are away cannot be compared: the next check catches up
            for row in droppable(rows, text_of, searched[0] if searched else None)[:surplus]:
                _drop(db, row, text_of)


def droppable(rows: Sequence[_Row], text_of: Callable[[int], str | None], searched: int | None = None) -> list[_Row]:
    """What may go, least interesting first: sightings of unchanged text, then texts that changed little.

    `searched`: the capture whose text is the current one in search, whose terms can be taken out with it alone.
    """
    last = rows[-1]
    needed = {rows[0].id, last.id, last.revisit_of, last.bytes_of, searched}
    leant_on = {other for row in rows for other in (row.revisit_of, row.bytes_of) if other}
    sightings = [row for row in rows if row.revisit_of and row.id not in needed | leant_on]
    texts = [row for row in rows if row.revisit_of is None]
    changes = {row.id: _change(before, row, text_of) for before, row in pairwise(texts)}
    rest = [row for row in texts if row.id not in needed | leant_on]
    return sightings + sorted(rest, key=lambda row: changes.get(row.id, 0.0))


def _change(before: _Row, after: _Row, text_of: Callable[[int], str | None]) -> float:
    """How much two texts differ, 0 to 1."""
    from rapidfuzz.distance import Indel

    old, new = ((text_of(row.id) or "")[:_COMPARED] for row in (before, after))
    return Indel.normalized_distance(old, new)


def _drop(db: sqlite3.Connection, row: _Row, text_of: Callable[[int], str | None]) -> None:
    documents.drop_earlier(db, row.id, text_of)
    db.execute("DELETE FROM images WHERE capture = ?", (row.id,))
    db.execute("DELETE FROM captures WHERE id = ?", (row.id,))

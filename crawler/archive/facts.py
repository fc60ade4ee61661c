"""Facts of an archive as a whole: its name, and which numbers of captures were given.

A name and a text each; what is known of links, captures and runs stands in tables of its own.
"""

from __future__ import annotations

import sqlite3
from typing import Final

LINEAGE: Final = "lineage"  # the name of this archive, which its segments carry
LAST_CAPTURE: Final = "last-capture"  # the highest number of a capture that was dropped


def get(db: sqlite3.Connection, name: str) -> str:
    """A fact by its name, "" for none."""
    row = db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return row[0] if row else ""


def put(db: sqlite3.Connection, name: str, value: str) -> None:
    """Remember a fact, inside the caller's transaction or by itself."""
    db.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, value))


def next_capture(db: sqlite3.Connection) -> int:
    """The number of the next capture: above all that were ever given, also to captures that are gone."""
    dropped = get(db, LAST_CAPTURE)
    rows = db.execute("SELECT max(id) FROM captures UNION ALL SELECT max(capture) FROM held").fetchall()
    return 1 + max(int(dropped or 0), *(number or 0 for (number,) in rows))


def keep_numbers(db: sqlite3.Connection) -> None:
    """Before captures are dropped: a number is never given twice."""
    put(db, LAST_CAPTURE, str(next_capture(db) - 1))

"""What stands in the index alone and in no segment: the cache of notes, what was derived, the slots' politeness.

All of it can be had again by reading notes and asking hosts; a rebuild takes it from the old index (`carry`). The cache
of the notes' links has a module of its own (`noted`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

import msgspec

from crawler.archive.index import pack
from crawler.archive.nouns import NoteEntry
from crawler.archive.queries import array, no_garbage
from crawler.core.slots import SlotState

TABLES: Final = ("notes", "slots", "derived")

_unpack_note = msgspec.msgpack.Decoder(NoteEntry).decode
_unpack_slot = msgspec.msgpack.Decoder(SlotState).decode
T = TypeVar("T")


def notes(db: sqlite3.Connection) -> dict[str, NoteEntry]:
    """What note files said when they were read last, by path."""
    with no_garbage():
        return {path: _sharing(_unpack_note(data)) for path, data in db.execute("SELECT path, data FROM notes")}


def _sharing(note: NoteEntry) -> NoteEntry:
    """The note, in whose occurrences equal strings are one; unpacked, each has its own copy of the path."""
    for one in note.occurrences:
        object.__setattr__(one, "path", note.path)  # frozen for everybody else: nobody has seen it yet
        if one.raw == one.url:
            object.__setattr__(one, "raw", one.url)
    return note


def put_notes(db: sqlite3.Connection, entries: Iterable[NoteEntry], forget: Iterable[str]) -> None:
    """Remember note files as read, and forget others, inside the caller's transaction."""
    db.executemany("DELETE FROM notes WHERE path = ?", ((path,) for path in forget))
    db.executemany(
        "INSERT OR REPLACE INTO notes (path, data) VALUES (?, ?)", ((entry.path, pack(entry)) for entry in entries)
    )


def derived(db: sqlite3.Connection, name: str, stamp: str, kind: type[T]) -> list[T]:
    """What was derived under this name and stamp, by key."""
    rows = db.execute("SELECT data FROM derived WHERE name = ? AND stamp = ? ORDER BY key", (name, stamp))
    with no_garbage():
        return msgspec.msgpack.decode(array([data for (data,) in rows]), type=list[kind])  # type: ignore[valid-type]  # a type given at run time


def put_derived(db: sqlite3.Connection, name: str, stamp: str, values: Mapping[str, object]) -> None:
    """Keep values by key under this name and stamp, and forget those of others, inside the caller's transaction."""
    db.execute("DELETE FROM derived WHERE name = ? AND stamp <> ?", (name, stamp))
    db.executemany(
        "INSERT OR REPLACE INTO derived (name, stamp, key, data) VALUES (?, ?, ?, ?)",
        ((name, stamp, key, pack(value)) for key, value in values.items()),
    )


def slots(db: sqlite3.Connection) -> list[SlotState]:
    """Politeness as the last run left it."""
    return [_unpack_slot(data) for (data,) in db.execute("SELECT data FROM slots ORDER BY slot")]


def put_slots(db: sqlite3.Connection, states: Iterable[SlotState]) -> None:
    """Remember slots for the next run, inside the caller's transaction."""
    rows = ((state.slot, pack(state)) for state in states)
    db.executemany("INSERT OR REPLACE INTO slots (slot, data) VALUES (?, ?)", rows)

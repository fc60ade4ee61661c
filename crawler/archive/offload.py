"""Sealed segments moved to the object store: uploaded, checked there, recorded, and only then removed here.

A kill at any moment loses nothing: an upload that was cut leaves no object and is begun again, one that was not
recorded is found there and recorded, and a file goes only after the record is on the disk.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from crawler.archive import disk, schema
from crawler.archive.nouns import Moved
from crawler.archive.objects import StoredObject, measured
from crawler.archive.tiers import TieredStore
from crawler.core.errors import ArchiveDamaged


def offload(path: Path, db: sqlite3.Connection, store: TieredStore, *, keep_local: bool) -> Iterator[Moved]:
    """Move each sealed segment of the folder, under the archive's lock; one that cannot be moved is told and left.

    Segments that were uploaded before and are to stay here are passed over. Raises StoreError, ArchiveError.
    """
    remote = store.asked()
    for (name,) in db.execute("SELECT name FROM segments WHERE closed ORDER BY number, name").fetchall():
        known = store.objects.get(name)
        if not os.path.lexists(store.folder / name) or (keep_local and known and known.digest):
            continue
        with disk.translated(path), os.fdopen(disk.open_file(store.folder / name, os.O_RDONLY), "rb") as file:
            made = measured(file)
            try:
                one, sent = remote.upload(name, file, made)
            except ArchiveDamaged as error:
                moved = Moved(name, made.size, sent=False, here=True, problem=str(error))
            else:
                _record(path, db, store, one)
                if not keep_local:
                    store.remove(name)
                moved = Moved(name, made.size, sent, here=keep_local)
        yield moved


def _record(path: Path, db: sqlite3.Connection, store: TieredStore, one: StoredObject) -> None:
    """Note an upload; when this returns, the note survives a power cut, which other commits need not (`schema`)."""
    db.execute("PRAGMA synchronous = FULL")
    try:
        with schema.transaction(db, path, lambda: None):
            store.objects[one.name] = one
    finally:
        db.execute("PRAGMA synchronous = NORMAL")

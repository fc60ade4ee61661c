"""Sealed segments moved to the object store: uploaded, checked there, recorded, and only then removed here.

A kill at any moment loses nothing: an upload that was cut leaves no object and is begun again, one that was not
recorded is found there and recorded, and a file goes only after the record is on the disk.
"""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from crawler.archive import disk, schema
from crawler.archive.lease import Lease, written_by
from crawler.archive.nouns import Moved
from crawler.archive.objects import StoredObject, measured
from crawler.archive.tiers import TieredStore
from crawler.core.errors import ArchiveDamaged


def offload(path: Path, db: sqlite3.Connection, store: TieredStore, *, keep_local: bool) -> Iterator[Moved]:
    """Move each sealed segment of the folder, under the archive's lock; one that cannot be moved is told and left.

    Segments that were uploaded before and are to stay here are passed over. While there is something to move, nobody
    else writes to the store. Raises StoreError, ArchiveError.
    """
    remote = store.asked()
    sealed = db.execute("SELECT name FROM segments WHERE closed ORDER BY number, name").fetchall()
    waiting = [name for (name,) in sealed if _is_to_move(name, store, keep_local=keep_local)]
    if not waiting:
        return
    with written_by(remote, f"{socket.gethostname()}, {path.absolute()}") as lease:
        for name in waiting:
            yield _moved(path, db, store, name, lease, keep_local=keep_local)


def _is_to_move(name: str, store: TieredStore, *, keep_local: bool) -> bool:
    known = store.objects.get(name)
    return os.path.lexists(store.folder / name) and not (keep_local and known and known.digest)


def _moved(
    path: Path, db: sqlite3.Connection, store: TieredStore, name: str, lease: Lease, *, keep_local: bool
) -> Moved:
    lease.prove()
    with disk.translated(path), os.fdopen(disk.open_file(store.folder / name, os.O_RDONLY), "rb") as file:
        made = measured(file)
        try:
            one, sent = store.asked().upload(name, file, made)
        except ArchiveDamaged as error:
            return Moved(name, made.size, sent=False, here=True, problem=str(error))
        lease.prove()
        _record(path, db, store, one)
        if not keep_local:
            store.remove(name)
        return Moved(name, made.size, sent, here=keep_local)


def _record(path: Path, db: sqlite3.Connection, store: TieredStore, one: StoredObject) -> None:
    """Note an upload; when this returns, the note survives a power cut, which other commits need not (`schema`)."""
    db.execute("PRAGMA synchronous = FULL")
    try:
        with schema.transaction(db, path, lambda: None):
            store.objects[one.name] = one
    finally:
        db.execute("PRAGMA synchronous = NORMAL")

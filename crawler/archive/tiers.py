"""Segments in two places: files of the archive's folder, and for sealed ones an object store.

A file of the folder always comes first. What lies in the store alone is read in ranges through the cache, or, where all
of it is wanted, from a whole copy, both of them `cache`'s. Which objects there are is told by a table of the index
(`ObjectRows`); when segments are moved is `offload`'s business.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from crawler.archive.cache import BlockCache, WholeCopies
from crawler.archive.objects import ObjectListing, ObjectStore, StoredObject
from crawler.archive.segments import FOLDER
from crawler.archive.store import LocalStore, sequence
from crawler.core.counts import Counted
from crawler.core.errors import ArchiveDamaged, StoreRefused
from crawler.core.settings import ArchiveSettings

CACHE: Final = "cache"  # in the archive's folder


class ObjectRows(MutableMapping[str, StoredObject]):
    """The index's table of objects: which segments the store at `url` holds, as they were uploaded or read."""

    def __init__(self, db: sqlite3.Connection, url: str = "") -> None:
        self._db = db
        self._url = url

    @property
    def last_url(self) -> str:
        """Where the objects were when they were noted, "" where there are none."""
        row = self._db.execute("SELECT url FROM objects ORDER BY rowid DESC LIMIT 1").fetchone()
        return str(row[0]) if row else ""

    def __getitem__(self, name: str) -> StoredObject:
        row = self._db.execute("SELECT name, size, etag, digest FROM objects WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise KeyError(name)
        return StoredObject(*row)

    def __setitem__(self, name: str, one: StoredObject) -> None:
        row = (name, self._url, one.size, one.etag, one.digest)
        self._db.execute("INSERT OR REPLACE INTO objects (name, url, size, etag, digest) VALUES (?, ?, ?, ?, ?)", row)

    def __delitem__(self, name: str) -> None:
        self._db.execute("DELETE FROM objects WHERE name = ?", (name,))

    def __iter__(self) -> Iterator[str]:
        return iter([name for (name,) in self._db.execute("SELECT name FROM objects")])

    def __len__(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM objects").fetchone()[0])


class Remote:
    """The object store of an archive, if one is set, and what this process has read of it."""

    def __init__(self, path: Path, options: ArchiveSettings) -> None:
        """Nothing is asked yet. Raises ConfigError."""
        self.url = options.store
        self.client = ObjectStore(options.store) if options.store else None
        self.blocks = BlockCache(path / CACHE, options.cache)
        self.copies = WholeCopies(path / CACHE, options.cache)

    def listing(self) -> ObjectListing | None:
        """What lies there; None where no store is set. Raises StoreError."""
        return self.client.listing() if self.client else None

    def close(self) -> None:
        """Remove whole copies."""
        self.copies.close()


class TieredStore(LocalStore):
    """The segments of an archive, wherever they lie. New ones are written to the folder."""

    def __init__(
        self, path: Path, remote: Remote, objects: MutableMapping[str, StoredObject], last_url: str = ""
    ) -> None:
        """`last_url`: where the objects were, for whoever has not set a store. `remote` is closed by who opened it."""
        super().__init__(path / FOLDER)
        self.remote = remote
        self.objects = objects
        self.last_url = last_url
        self.changed: set[str] = set()  # segments whose bytes are not those that were uploaded

    def sizes(self) -> dict[str, int]:
        """All segments with their sizes; of one that lies in both places, the file's."""
        found = {name: one.size for name, one in self.objects.items()} | super().sizes()
        return {name: found[name] for name in sorted(found, key=sequence)}

    def read(self, name: str, offset: int, length: int) -> bytes:
        """A range of a file, of a whole copy, or of an object. Also raises StoreError."""
        if not self.is_away(name):
            try:
                return super().read(name, offset, length)
            except ArchiveDamaged:
                if not self.is_away(name):  # else another process moved it just now
                    raise
        if name in self.remote.copies:
            return self.remote.copies.files.read(name, offset, length)
        return self.remote.blocks.read(self.objects[name], offset, length, self.asked().range)

    @contextlib.contextmanager
    def view(self, name: str) -> Iterator[memoryview]:
        """A file as memory; an object is copied whole first. Also raises StoreError."""
        if not self.is_away(name):
            with super().view(name) as data:
                yield data
            return
        one = self.objects[name]
        digest = self.remote.copies.make(one, self.asked().download)
        if not one.digest:
            self.objects[name] = replace(one, digest=digest)
        elif digest != one.digest:
            self.changed.add(name)
        with self.remote.copies.files.view(name) as data:
            yield data

    def folder_of(self, name: str) -> Path | None:
        """The folder of the file, or of the whole copy; None where a segment is in the store alone."""
        if not self.is_away(name):
            return self.folder
        return self.remote.copies.files.folder if name in self.remote.copies else None

    def is_settled(self, name: str) -> bool:
        """Whether a segment is in the store alone, and was uploaded or read by this archive: it holds nothing new."""
        return self.is_away(name) and bool(self.objects[name].digest)

    def is_away(self, name: str) -> bool:
        """Whether a segment lies in the object store alone."""
        if name in self._reading or name in self._writing or os.path.lexists(self.folder / name):
            return False
        return name in self.objects

    def asked(self) -> ObjectStore:
        """The object store. Raises StoreRefused where none is set."""
        if self.remote.client is None:
            raise StoreRefused(
                f"sealed segments of this archive lie at {self.last_url or 'a store'}: set [archive] store to it"
            )
        return self.remote.client


def opened(path: Path, remote: Remote, db: sqlite3.Connection) -> TieredStore:
    """The segments of an archive by its index."""
    rows = ObjectRows(db, remote.url)
    return TieredStore(path, remote, rows, rows.last_url)


def joined(listing: ObjectListing, objects: Mapping[str, StoredObject]) -> dict[str, StoredObject]:
    """What is listed, with the digests that the index knows."""
    return {
        name: replace(one, digest=objects[name].digest) if name in objects else one
        for name, one in listing.segments.items()
    }


def altered(listing: ObjectListing, objects: Mapping[str, StoredObject]) -> set[str]:
    """Segments of which the store itself says that they are not what the index noted: another size, or another ETag."""
    return {
        name
        for name, one in objects.items()
        if (now := listing.segments.get(name)) and (now.size, now.etag) != (one.size, one.etag)
    }


def adopt(store: TieredStore, listing: ObjectListing) -> list[str]:
    """Have the index know what is listed; a line for each segment that is not there any more.

    An object beside a file of its name is left to `offload`, which compares the two. One that is gone is forgotten
    where its file is here, so that it is uploaded again, and where nobody has read it.
    """
    for name, one in listing.segments.items():
        if name not in store.objects and not os.path.lexists(store.folder / name):
            store.objects[name] = one
    for name in [name for name in store.objects if name not in listing.segments and not store.is_settled(name)]:
        del store.objects[name]
    if moved := moved_elsewhere(store, listing):
        return [moved]
    url = store.asked().url
    gone = [name for name in store.objects if name not in listing.segments]
    return [f"{name}: is missing at {url}: put it back from a backup" for name in gone]


def moved_elsewhere(store: TieredStore, listing: ObjectListing) -> str:
    """Why another store than this one must be meant, "" if it is right: nothing that was moved lies in it."""
    away = [name for name in store.objects if store.is_away(name)]
    url = store.asked().url
    if not away or url == store.last_url or any(name in listing.segments for name in away):
        return ""
    return (
        f"none of {Counted(len(away)):sealed segment} lies at {url}: moved to {store.last_url} before;"
        " set [archive] store"
    )

"""How an archive is opened: its lock, its index, and what SQLite's errors become.

What is in the archive, and how it is read and written, is the business of `archive`.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from crawler.archive import disk, scan, schema
from crawler.archive.lock import Lock
from crawler.archive.objects import ObjectStore
from crawler.archive.segments import FOLDER, INDEX, LOCK, SegmentReader
from crawler.archive.store import LocalStore
from crawler.core.errors import ArchiveDamaged, ArchiveError
from crawler.core.settings import ArchiveSettings

C = TypeVar("C")


def reading(path: Path) -> sqlite3.Connection:
    """The index of an archive for reading, an empty one where there is no archive. Raises ArchiveError."""
    with disk.translated(path):
        if path.exists() and not path.is_dir():
            raise ArchiveError(f"{path} is a file: an archive is a folder")
    if why := is_needed(path):
        raise ArchiveDamaged(f"{path / INDEX} {why} beside segments: run `crawler verify --rebuild`")
    if (path / INDEX).exists() and (path / INDEX).stat().st_size:
        return schema.open_reader(path / INDEX)
    return schema.open_memory()


def with_index(path: Path, options: ArchiveSettings, now: Callable[[], datetime]) -> list[str]:
    """Make an index that cannot be used anew, from the segments beside it and in the store; what to say of it."""
    why = is_needed(path, options.store)
    if not why:
        return []
    from crawler.archive.rebuild import rebuild  # rarely
    from crawler.archive.tiers import Remote

    with contextlib.closing(Remote(path, options)) as remote:
        damage = rebuild(path, now, remote=remote)
    return [f"{path / INDEX} {why}: made anew from the segments", *(f"{one.where}: {one.what}" for one in damage)]


def identity(index: Path) -> tuple[int, int]:
    """What file a name leads to; zeros for none."""
    try:
        found = index.lstat()
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino


def locked(path: Path, command: str, wait: bool | float, now: Callable[[], datetime]) -> Lock:
    """The lock of an archive, whose folder is made where missing. Raises ArchiveBusy, ArchiveError."""
    try:
        (path / FOLDER).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArchiveError(f"{path} cannot be made an archive: {error.strerror}; choose another --archive") from error
    lock = Lock(path / LOCK)
    lock.take(command, now(), wait)
    return lock


def holds_archive(path: Path, store: str = "") -> bool:
    """Whether there is an archive at all: an index, or a segment, here or at the URL of an object store.

    The store is asked only where there is nothing here. Raises ArchiveError for a path that cannot be looked at,
    StoreError, ConfigError.
    """
    with disk.translated(path):
        here = (path / INDEX).exists() or bool(LocalStore(path / FOLDER).sizes())
    return here or bool(store and ObjectStore(store).listing().segments)


def named_errors(cls: type[C]) -> type[C]:
    """A class decorator: what SQLite raises in a public method becomes an error of ours that names the archive."""
    for name, method in list(vars(cls).items()):
        if inspect.isfunction(method) and not name.startswith("_") and name != "close":
            setattr(cls, name, _naming(method))
    return cls


def _naming(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def named(self: Any, *args: Any, **more: Any) -> Any:
        try:
            found = method(self, *args, **more)
        except sqlite3.DatabaseError as error:
            raise disk.of_sqlite(self.path, error) from error
        return _each(self.path, found) if inspect.isgenerator(found) else found

    return named


def _each(path: Path, found: Iterator[Any]) -> Iterator[Any]:
    with disk.translated(path):
        yield from found


def is_needed(path: Path, store: str = "") -> str:
    """Why the index of an archive cannot be used beside its segments, "" where it can, or where there are none.

    `store` is the URL of an object store, which is asked only where nothing else tells. Raises ArchiveError for another
    program's file, and for a newer crawler's; StoreError.
    """
    folder = LocalStore(path / FOLDER)
    try:
        some = any(_holds_something(folder, name, size) for name, size in folder.sizes().items())
    finally:
        folder.close()
    why = _unusable(path) if some or store else ""
    return why if some or (why and ObjectStore(store).listing().segments) else ""


def _unusable(path: Path) -> str:
    """Why an index cannot be used, "" where it can."""
    index = path / INDEX
    if not index.exists():
        return "is missing"
    if not index.stat().st_size:
        return "is empty"
    try:
        with contextlib.closing(schema.open_reader(index, as_is=True)) as db, disk.translated(path):
            tables = db.execute("SELECT count(*) FROM sqlite_master WHERE name IN ('segments', 'links')").fetchone()[0]
            known = (
                tables == 2
                and db.execute(  # one that was cut off before its first table is empty, too
                    "SELECT EXISTS (SELECT 1 FROM segments) OR EXISTS (SELECT 1 FROM links)"
                ).fetchone()[0]
            )
    except ArchiveDamaged as error:
        return f"is damaged ({error.__cause__ or error})"
    return "" if known else "is empty"


def _holds_something(store: LocalStore, name: str, size: int) -> bool:
    """Whether there is more in a segment than a header, with which it begins before its first batch."""
    reader = SegmentReader(store)
    try:
        with store.view(name) as data:
            first = next(scan.pieces(reader.codec(name), data, reader.start(name)), None)
            return first is not None and (first.record is None or first.end < size)
    except ArchiveDamaged:
        return size > 0

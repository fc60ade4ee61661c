"""Files of the archive as the operating system gives them: opened without following links, errors translated.

No format is known here: what stands in a file is its reader's business.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from crawler.core.errors import ArchiveDamaged, ArchiveError, ArchiveFull, ArchiveGone

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_GONE = frozenset({errno.ENOENT, errno.ESTALE, errno.ENODEV})
_DAMAGED = ("malformed", "not a database", "corrupt")  # of SQLite's messages; SQLITE_CORRUPT and SQLITE_NOTADB


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Translate errors of reading and writing: ArchiveFull where space is out, ArchiveGone where `path` is no longer
    there, ArchiveDamaged for a damaged page of SQLite, ArchiveError for the rest.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise _full(path) from error
        if error.errno in _GONE:
            raise gone(path) from error
        raise ArchiveError(f"{path} cannot be read or written: {error.strerror or error}") from error
    except sqlite3.DatabaseError as error:
        raise of_sqlite(path, error) from error


def of_sqlite(path: Path, error: sqlite3.DatabaseError) -> ArchiveError:
    """What an error of SQLite means for the archive at `path`."""
    said = str(error)
    if "full" in said:
        return _full(path)
    if any(word in said for word in _DAMAGED):
        return ArchiveDamaged(
            f"{path}: a page of index.sqlite is damaged ({said}): run `crawler verify --rebuild`, which makes it anew"
        )
    if not path.exists():
        return gone(path)
    return ArchiveError(f"{path} cannot be read or written: {said}")


def gone(path: Path) -> ArchiveGone:
    """The error for a file or folder that was there when the archive was opened."""
    return ArchiveGone(f"{path} is no longer there: what was kept went with it; is its disk still mounted?")


def open_file(path: Path, flags: int) -> int:
    """A descriptor of a regular file; links, folders and devices are refused. Raises OSError, ArchiveError."""
    try:
        fd = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ArchiveError(f"{path} is a symbolic link, which nothing in an archive may be: remove it") from error
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise ArchiveError(f"{path} is no regular file: remove it")
    return fd


def refuse_link(path: Path) -> None:
    """For files that another library opens. Raises ArchiveError."""
    if path.is_symlink():
        raise ArchiveError(f"{path} is a symbolic link, which nothing in an archive may be: remove it")


def is_same(path: Path, fd: int) -> bool:
    """Whether the open file is still the one that its name leads to."""
    try:
        named, opened = path.lstat(), os.fstat(fd)
    except OSError:
        return False
    return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)


def write_all(fd: int, data: bytes, offset: int) -> None:
    """All of `data` at `offset`; a disk may take a part only."""
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, offset)
        view, offset = view[written:], offset + written


def sync_file(path: Path) -> None:
    """What was written to a file under any handle is on the disk."""
    fd = open_file(path, os.O_RDWR)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _full(path: Path) -> ArchiveFull:
    return ArchiveFull(f"no space left for {path}: make room and run again; everything reported as kept is safe")

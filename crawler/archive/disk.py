"""Files of the archive as the operating system gives them: its errors become ours here."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from crawler.core.errors import ArchiveError, ArchiveFull

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Translate errors of reading and writing: ArchiveFull where space is out, ArchiveError for the rest."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise _full(path) from error
        raise ArchiveError(f"{path} cannot be read or written: {error.strerror or error}") from error
    except sqlite3.OperationalError as error:
        if "full" in str(error):
            raise _full(path) from error
        raise ArchiveError(f"{path} cannot be read or written: {error}") from error


def write_all(fd: int, data: bytes, offset: int) -> None:
    """All of `data` at `offset`; a disk may take a part only."""
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, offset)
        view, offset = view[written:], offset + written


def sync_file(path: Path) -> None:
    """What was written to a file under any handle is on the disk."""
    _sync(path, os.O_RDWR)


def sync_folder(folder: Path) -> None:
    """A new file's name is safe only when its folder is."""
    _sync(folder, os.O_RDONLY)


def _sync(path: Path, flags: int) -> None:
    fd = os.open(path, flags)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _full(path: Path) -> ArchiveFull:
    return ArchiveFull(f"no space left for {path}: make room and run again; everything reported as kept is safe")

"""Replacing a file in one step: a reader, a crash or a power cut meets the old file or the new one, never a part.

The one atomic writer of the program: notes, reports, feeds and exports go through it. What is written is not decided
here, and no error is translated: an OSError is the caller's to explain.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

TEMPORARY: Final = ".crawler-new-"  # begins the names of files that are not finished
FOLDERS: Final = ("crawler-browser-", "crawler-import-", "crawler-base-")  # begin names of temporary folders
STALE: Final = 86400.0  # seconds after which an unfinished file belongs to a command that was killed; a guess

# What a folder's fsync may answer where the file system knows no such thing (fsync(2); network and FUSE mounts).
_NO_FOLDER_SYNC: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM})


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """A file for writing that takes the place of `path` when the block ends well, and vanishes when it does not.

    A symbolic link at `path` is replaced, never written through. An existing file keeps its mode and, where we may, its
    owner; a new one gets what the umask leaves of 0666. `durable`: the bytes and the name are on the disk afterwards;
    without it a power cut may leave the old file, or an empty one. Raises OSError.
    """
    _sweep(path.parent)
    temporary = path.with_name(f"{TEMPORARY}{os.urandom(8).hex()}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        with os.fdopen(fd, "wb") as file:
            yield file
            file.flush()
            _like(path, file.fileno())
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def replace_file(path: Path, data: bytes, *, durable: bool = True) -> None:
    """`replacing` for a file whose content is in memory. Raises OSError."""
    with replacing(path, durable=durable) as file:
        file.write(data)


def sync_folder(folder: Path) -> None:
    """The names in a folder are on the disk; file systems that cannot promise it are left alone. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(fd)


def is_replaceable(path: Path) -> bool:
    """Whether `path` is a regular file, or nothing yet; /dev/stdout and named pipes can only be written to."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return True
    return stat.S_ISREG(mode)


def _like(path: Path, fd: int) -> None:
    """Give the new file the mode and owner of the one that it replaces."""
    try:
        old = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(old.st_mode):
        return
    new = os.fstat(fd)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        with contextlib.suppress(PermissionError):
            os.fchown(fd, old.st_uid, old.st_gid)
    os.fchmod(fd, stat.S_IMODE(old.st_mode))  # after fchown, which clears the set-id bits


def sweep_temporary_folders(place: Path | None = None) -> None:
    """Remove temporary folders of commands that were killed more than a day ago; those of others are left alone.

    `place` defaults to the system's folder for temporary files. Never raises: it is housekeeping.
    """
    old = time.time() - STALE
    with contextlib.suppress(OSError), os.scandir(place or tempfile.gettempdir()) as entries:
        for entry in entries:
            if not entry.name.startswith(FOLDERS):
                continue
            with contextlib.suppress(OSError):
                seen = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid() and seen.st_mtime < old:
                    shutil.rmtree(entry.path, ignore_errors=True)


@functools.lru_cache(maxsize=1024)
def _sweep(folder: Path) -> None:
    """Remove what killed commands left unfinished in a folder; once a process: exports write thousands."""
    old = time.time() - STALE
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(TEMPORARY):
                with contextlib.suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_mtime < old:
                        os.unlink(entry.path)  # noqa: PTH108  # a name of scandir

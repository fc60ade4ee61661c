"""One writer at a time: a lock on a file that dies with the process that holds it, and says who that is.

What the holder may do is not known here.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from crawler.archive import disk
from crawler.core.errors import ArchiveBusy, ArchiveError

POLL = 0.2  # seconds between two tries while waiting; a guess: soon enough for a person, idle enough for a machine
_MAX = 4096  # bytes of the file that are looked at


class Lock:
    """An exclusive `flock` on `path`; the kernel lets go of it when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1

    def take(
        self,
        command: str,
        since: datetime,
        wait: bool | float = False,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the lock; `wait`: False not at all, True for ever, a number of seconds that long. Raises ArchiveBusy."""
        fd = self._open()
        until = None if wait is True else clock() + float(wait)
        while not _locked(fd):
            if until is not None and clock() >= until:
                os.close(fd)
                raise ArchiveBusy(f"{self.path.parent} is in use by {self.holder()}: wait for it, or use --wait")
            sleep(POLL)
        if not _is_ours(fd):
            os.close(fd)
            raise ArchiveError(f"{self.path} was not written by this crawler: move it away")
        me = {"pid": os.getpid(), "host": socket.gethostname(), "command": command, "since": since.isoformat()}
        with contextlib.suppress(OSError):  # a full disk: the holder's name is for messages, and decides nothing
            os.ftruncate(fd, 0)
            os.pwrite(fd, json.dumps(me).encode(), 0)
        self._fd = fd

    def release(self) -> None:
        """Let go; the file stays, since removing it would let two processes lock two files of one name."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = -1

    def holder(self) -> str:
        """Who holds the lock, for people."""
        try:
            fd = disk.open_file(self.path, os.O_RDONLY)
            try:
                who = json.loads(os.pread(fd, _MAX, 0))
            finally:
                os.close(fd)
            return f"process {who['pid']} on {who['host']} ({who['command']}, since {who['since']})"
        except (OSError, ArchiveError, ValueError, KeyError, TypeError):
            return "another process"

    def _open(self) -> int:
        try:
            return disk.open_file(self.path, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise ArchiveError(f"{self.path.parent} cannot be written: {error.strerror}; is it yours?") from error


def _is_ours(fd: int) -> bool:
    """Whether the file may be written over: a hard link may have made another file of ours to lose."""
    content = os.pread(fd, _MAX, 0)
    return not content.strip(b"\0") or content.startswith(b'{"pid"')


def is_held(path: Path) -> bool:
    """Whether some process holds the lock now; a reader asks this, and holds nothing afterwards."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
    return False


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

"""Memory by which much reaches a reader, or comes from it: written once, read once, and no file of any folder.

Through a pipe 2.4 MB go in forty pieces, each with a turn of both processes, and lie in memory four times; a message of
sixteen small pages takes ten turns back, in which its reader stands still. A lane is an anonymous file that the reader
opens by way of /proc; nothing is left of it when this process dies, however it does. Who uses which lane when is
`readers`'s.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

KEPT = 4 * 1024 * 1024  # bytes of a lane that stay for what comes next


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a reader finds what was sent."""

    path: str
    size: int

    def fetch(self) -> bytes:
        """The bytes. Raises OSError where they cannot be had."""
        with Path(self.path).open("rb", buffering=0) as file:
            return _read(file.fileno(), self.size)

    def answer(self, data: bytes) -> int:
        """Put an answer in its place, for `Lane.received`; its size. Raises OSError."""
        with Path(self.path).open("r+b", buffering=0) as file:
            _write(file.fileno(), data)
        return len(data)


class Lane:
    """Holds one thing at a time. Making one raises OSError or AttributeError where the system knows no such files."""

    def __init__(self) -> None:
        self._file = os.memfd_create("lane", os.MFD_CLOEXEC)

    def send(self, data: bytes) -> Sent:
        """Put something in, in place of what was there before. Raises OSError."""
        _write(self._file, data)
        return Sent(f"/proc/{os.getpid()}/fd/{self._file}", len(data))

    def received(self, size: int) -> bytes:
        """What a reader answered. Raises OSError where that is not there."""
        return _read(self._file, size)

    def rest(self) -> None:
        """All was read: what a very large thing took is given back."""
        if os.fstat(self._file).st_size > KEPT:
            os.ftruncate(self._file, KEPT)

    def close(self) -> None:
        """Once is enough, and needed."""
        os.close(self._file)


def _write(file: int, data: bytes) -> None:
    view, at = memoryview(data), 0
    while at < len(view):
        at += os.pwrite(file, view[at:], at)


def _read(file: int, size: int) -> bytes:
    data = os.pread(file, size, 0)
    while len(data) < size and (more := os.pread(file, size - len(data), len(data))):
        data += more
    if len(data) < size:
        raise OSError(f"{size - len(data)} of {size} bytes of what was sent are missing")
    return data

"""Memory by which a large body reaches a reader: written once here, read once there, and no file of any folder.

Through a pipe 2.4 MB go in forty pieces, each with a turn of both processes, and lie in memory four times. A lane is an
anonymous file that the reader opens by way of /proc; nothing is left of it when this process dies, however it does.
Small ones travel together (`together`). Who uses which lane when is `readers`'s.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

KEPT = 4 * 1024 * 1024  # bytes of a lane that stay for the next body


@dataclass(frozen=True, slots=True)
class SentBody:
    """Where a reader finds a body."""

    path: str
    size: int

    def fetch(self) -> bytes:
        """The bytes. Raises OSError where they cannot be had."""
        parts: list[bytes] = []
        left = self.size
        with Path(self.path).open("rb", buffering=0) as file:
            while left and (part := file.read(left)):
                parts.append(part)
                left -= len(part)
        if left:
            raise OSError(f"{left} of {self.size} bytes of a body are missing")
        return parts[0] if len(parts) == 1 else b"".join(parts)


class Lane:
    """Holds one body at a time. Making one raises OSError or AttributeError where the system knows no such files."""

    def __init__(self) -> None:
        self._file = os.memfd_create("body", os.MFD_CLOEXEC)

    def send(self, body: bytes) -> SentBody:
        """Put a body in, in place of the one before. Raises OSError."""
        view, at = memoryview(body), 0
        while at < len(view):
            at += os.pwrite(self._file, view[at:], at)
        return SentBody(f"/proc/{os.getpid()}/fd/{self._file}", len(body))

    def rest(self) -> None:
        """The body was read: what a very large one took is given back."""
        if os.fstat(self._file).st_size > KEPT:
            os.ftruncate(self._file, KEPT)

    def close(self) -> None:
        """Once is enough, and needed."""
        os.close(self._file)

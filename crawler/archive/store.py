"""Where segments live: appending, syncing, reading a range, listing.

`SegmentStore` is all that the archive asks of the place; `LocalStore` is a folder of files, `tiers` adds an object
store for sealed ones. What the bytes mean is not known here. Nothing but `undo`, which takes back what was never
acknowledged, makes a file shorter without keeping what was cut.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Protocol

from crawler.archive import disk
from crawler.core.errors import ArchiveDamaged, ArchiveError
from crawler.core.files import sync_folder

SUFFIXES: Final = (".warc.gz", ".warc.zst")
_OPEN_FILES: Final = 64
_NUMBER: Final = re.compile(r"-(\d+)\.warc\.(?:gz|zst)$")
_CHUNK: Final = 4 * 1024 * 1024  # bytes copied at a time when a tail is set aside


class SegmentStore(Protocol):
    """A place of named, append-only byte strings. All methods raise ArchiveError and its kinds."""

    def sizes(self) -> dict[str, int]:
        """All segments with their sizes in bytes, in order (`sequence`)."""
        ...

    def read(self, name: str, offset: int, length: int) -> bytes:
        """A range; fewer bytes where the segment ends before. Raises ArchiveDamaged where there is no such segment."""
        ...

    def view(self, name: str) -> AbstractContextManager[memoryview]:
        """All bytes of a segment, to be scanned; nobody may write it meanwhile."""
        ...

    def create(self, name: str, head: bytes) -> None:
        """A new segment; when this returns, its name and head survive a power cut. On an error nothing stays."""
        ...

    def append(self, name: str, data: bytes, offset: int) -> None:
        """Write behind `offset`, where the caller knows that the segment ends; safe only after `sync`."""
        ...

    def sync(self, name: str) -> None:
        """What was appended survives a power cut. Raises ArchiveGone where the segment is not in its place any more."""
        ...

    def undo(self, name: str, offset: int) -> None:
        """Forget what was appended behind `offset` and never acknowledged."""
        ...

    def set_aside(self, name: str, offset: int) -> str:
        """Move what lies behind `offset` into a file of its own, and tell its name; at 0 the whole segment."""
        ...

    def remove(self, name: str) -> None:
        """Remove a segment in which nothing was ever acknowledged, or of which there is a checked copy elsewhere."""
        ...

    def folder_of(self, name: str) -> Path | None:
        """The folder in which a file of a segment's name holds it; None where there is none on this machine."""
        ...

    def is_away(self, name: str) -> bool:
        """Whether a segment lies somewhere else than all others, and can only be read."""
        ...

    def is_settled(self, name: str) -> bool:
        """Whether a segment that is away was read before, and can hold nothing new."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


def number_of(name: str) -> int:
    """The number in a segment's name; 0 where it has none."""
    found = _NUMBER.search(name)
    return int(found[1]) if found else 0


def sequence(name: str) -> tuple[int, str]:
    """A sort key: by number, since the clock that the name begins with may have been wrong."""
    return number_of(name), name


class LocalStore:
    """Segments as files of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._reading: OrderedDict[str, int] = OrderedDict()
        self._writing: dict[str, int] = {}

    def sizes(self) -> dict[str, int]:
        """Segment files with their sizes; what is no regular file is passed over."""
        found = {}
        with disk.translated(self.folder), contextlib.suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.endswith(SUFFIXES) and entry.is_file(follow_symlinks=False):
                    found[entry.name] = entry.stat(follow_symlinks=False).st_size
        return {name: found[name] for name in sorted(found, key=sequence)}

    def read(self, name: str, offset: int, length: int) -> bytes:
        """A range of a file."""
        fd = self._reader(name)
        with disk.translated(self.folder / name):
            return os.pread(fd, length, offset)

    @contextlib.contextmanager
    def view(self, name: str) -> Iterator[memoryview]:
        """A file as memory. Only under the archive's lock: a file that is cut meanwhile would end the process."""
        fd = self._reader(name)
        with disk.translated(self.folder / name):
            size = os.fstat(fd).st_size
            if not size:
                yield memoryview(b"")
                return
            with mmap.mmap(fd, size, access=mmap.ACCESS_READ) as whole, memoryview(whole) as view:
                yield view

    def create(self, name: str, head: bytes) -> None:
        """A new file with its head, synced with its name."""
        path = self.folder / name
        try:
            with disk.translated(path):
                fd = self._writing[name] = disk.open_file(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
                disk.write_all(fd, head, 0)
                os.fsync(fd)
                sync_folder(self.folder)
        except Exception:
            if name in self._writing:
                self.remove(name)
            raise

    def append(self, name: str, data: bytes, offset: int) -> None:
        """Write at the file's end."""
        with disk.translated(self.folder / name):
            disk.write_all(self._writer(name), data, offset)

    def sync(self, name: str) -> None:
        """fdatasync, and a test that the file is still where readers will search for it."""
        fd = self._writer(name)
        with disk.translated(self.folder / name):
            os.fdatasync(fd)
        if not disk.is_same(self.folder / name, fd):
            raise disk.gone(self.folder / name)

    def undo(self, name: str, offset: int) -> None:
        """Cut the file."""
        with disk.translated(self.folder / name):
            os.ftruncate(self._writer(name), offset)

    def set_aside(self, name: str, offset: int) -> str:
        """NAME.torn-at-OFFSET gets the bytes, is synced with its name, and only then is the file cut."""
        aside = self._free_name(f"{name}.torn-at-{offset}")
        path = self.folder / name
        self._forget(name)
        with disk.translated(path):
            if offset == 0:
                path.rename(self.folder / aside)
            else:
                self._copy_tail(name, offset, self.folder / aside)
                os.ftruncate(self._writer(name), offset)
                os.fsync(self._writer(name))
            sync_folder(self.folder)
        return aside

    def remove(self, name: str) -> None:
        """Unlink the file."""
        self._forget(name)
        (self.folder / name).unlink(missing_ok=True)

    def folder_of(self, name: str) -> Path | None:  # noqa: ARG002  # all are in one
        """The folder."""
        return self.folder

    def is_away(self, name: str) -> bool:  # noqa: ARG002  # as above
        """Never."""
        return False

    def is_settled(self, name: str) -> bool:  # noqa: ARG002  # as above
        """Never: a file may have grown."""
        return False

    def close(self) -> None:
        """Close all files."""
        for fd in (*self._reading.values(), *self._writing.values()):
            os.close(fd)
        self._reading.clear()
        self._writing.clear()

    def _copy_tail(self, name: str, offset: int, aside: Path) -> None:
        source = self._writer(name)
        target = disk.open_file(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            at = 0
            while chunk := os.pread(source, _CHUNK, offset + at):
                disk.write_all(target, chunk, at)
                at += len(chunk)
            os.fsync(target)
            sync_folder(self.folder)
        except BaseException:
            aside.unlink(missing_ok=True)  # the segment still has it all
            raise
        finally:
            os.close(target)

    def _free_name(self, name: str) -> str:
        taken = (f"{name}-{n}" if n > 1 else name for n in range(1, 10_000))
        return next(free for free in taken if not os.path.lexists(self.folder / free))

    def _forget(self, name: str) -> None:
        for known in (self._reading, self._writing):
            if name in known:
                os.close(known.pop(name))

    def _writer(self, name: str) -> int:
        if name not in self._writing:
            with disk.translated(self.folder / name):
                self._writing[name] = disk.open_file(self.folder / name, os.O_RDWR)
        return self._writing[name]

    def _reader(self, name: str) -> int:
        if name in self._reading:
            self._reading.move_to_end(name)
            return self._reading[name]
        try:
            fd = disk.open_file(self.folder / name, os.O_RDONLY)
        except (OSError, ArchiveError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise ArchiveDamaged(f"segment {name} cannot be read ({why}): put it back from a backup") from error
        self._reading[name] = fd
        while len(self._reading) > _OPEN_FILES:
            os.close(self._reading.popitem(last=False)[1])
        return fd

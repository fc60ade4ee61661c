"""What was read of segments that lie elsewhere, kept on this machine, as files of one folder.

Blocks of them (`BlockCache`) are only a help: one whose checksum is wrong is fetched again, a folder that cannot be
written is done without, all may be deleted at any time, and the oldest go when the bound is passed. Whole copies
(`WholeCopies`) are made where all of a segment is wanted, and go when the work is done.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from crawler.archive import disk
from crawler.archive.objects import StoredObject
from crawler.archive.store import LocalStore
from crawler.core.errors import ArchiveError
from crawler.core.files import replace_file, replacing

BLOCK: Final = 256 * 1024  # bytes: a text is 10 kB; a page of WeChat 25-40 kB, packed
MOST: Final = 16  # blocks that are asked for at a time: 4 MB
_SUM: Final = 32  # bytes of a file's head: SHA-256 of what follows
_FILE: Final = re.compile(r".+\.warc\.(?:gz|zst)~[0-9a-f]{12}\.\d+")
_LEFT: Final = 0.9  # of the bound, after the oldest went

Fetch = Callable[[str, int, int], bytes]  # name, offset, length


class BlockCache:
    """Reads ranges through the cache. `limit`: bytes on the disk; 0: none are kept."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self._limit = limit
        self._fresh: dict[str, bytes] = {}  # file names -> blocks of the last request
        self._next = ""  # the block behind them
        self._ahead = 1  # blocks to ask for; grows while reading goes straight on
        self._size: int | None = None  # of the folder, as far as this process knows

    def read(self, one: StoredObject, offset: int, length: int, fetch: Fetch) -> bytes:
        """A range of a segment; fewer bytes where it ends before. Raises what `fetch` raises."""
        end = min(offset + length, one.size)
        if offset >= end:
            return b""
        first, last = offset // BLOCK, (end - 1) // BLOCK
        whole = b"".join(self._block(one, number, last, fetch) for number in range(first, last + 1))
        return whole[offset - first * BLOCK : end - first * BLOCK]

    def _block(self, one: StoredObject, number: int, last: int, fetch: Fetch) -> bytes:
        name = _file_name(one, number)
        block = self._fresh.get(name) or self._kept(name)
        if block is not None:
            return block
        self._ahead = min(self._ahead * 2, MOST) if name == self._next else 1
        count = min(max(last - number + 1, self._ahead), MOST)
        start = number * BLOCK
        data = fetch(one.name, start, min(count * BLOCK, one.size - start))
        self._fresh = {
            _file_name(one, number + n): data[n * BLOCK : (n + 1) * BLOCK] for n in range(-(-len(data) // BLOCK))
        }
        self._next = _file_name(one, number + len(self._fresh))
        for fresh, content in self._fresh.items():
            self._keep(fresh, content)
        return self._fresh[name]

    def _kept(self, name: str) -> bytes | None:
        """A block of the disk, if it is what was put there."""
        path = self.folder / name
        try:
            fd = disk.open_file(path, os.O_RDONLY)
        except (OSError, ArchiveError):
            return None
        with os.fdopen(fd, "rb") as file, contextlib.suppress(OSError):
            data = file.read(_SUM + BLOCK + 1)
            if hashlib.sha256(data[_SUM:]).digest() == data[:_SUM]:
                with contextlib.suppress(OSError):  # of a folder that is read-only
                    os.utime(fd)
                return data[_SUM:]
        return None

    def _keep(self, name: str, block: bytes) -> None:
        if not self._limit:
            return
        with contextlib.suppress(OSError):  # read-only, full: it was only a help
            self.folder.mkdir(exist_ok=True)
            if self.folder.is_symlink():
                return
            replace_file(self.folder / name, hashlib.sha256(block).digest() + block, durable=False)
            if self._size is None:
                self._size = sum(size for _, size, _ in self._files())
            else:
                self._size += _SUM + len(block)
            if self._size > self._limit:
                self._make_room()

    def _make_room(self) -> None:
        files = sorted(self._files())
        size = sum(size for _, size, _ in files)
        for _, taken, path in files:
            if size <= self._limit * _LEFT:
                break
            with contextlib.suppress(OSError):
                path.unlink()
                size -= taken
        self._size = size

    def _files(self) -> list[tuple[float, int, Path]]:
        """Last use, size and path of all blocks of the folder, whoever put them there."""
        found = []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if _FILE.fullmatch(entry.name):
                    with contextlib.suppress(OSError):  # another process made room
                        stat = entry.stat(follow_symlinks=False)
                        found.append((stat.st_mtime, stat.st_size, Path(entry.path)))
        return found


class WholeCopies:
    """Segments copied whole by this process, until `close`. `limit`: bytes on the disk; one is always kept."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.files = LocalStore(folder)
        self._limit = limit
        self._made: dict[str, tuple[int, str]] = {}  # size and SHA-256; the least recently wanted first

    def __contains__(self, name: str) -> bool:
        return name in self._made

    def make(self, one: StoredObject, download: Callable[[StoredObject, Callable[[bytes], object]], str]) -> str:
        """Have a copy, for which others make room; the SHA-256 of its bytes. Raises what `download` raises."""
        size, digest = self._made.pop(one.name, (one.size, ""))
        if not digest:
            while self._made and size + sum(taken for taken, _ in self._made.values()) > self._limit:
                oldest = next(iter(self._made))
                del self._made[oldest]
                self.files.remove(oldest)
            folder = self.files.folder
            with disk.translated(folder):
                folder.mkdir(exist_ok=True)
                disk.refuse_link(folder)
                if not self._made:
                    self._remove_left_over()
                with replacing(folder / one.name, durable=False) as file:
                    digest = download(one, file.write)
        self._made[one.name] = size, digest
        return digest

    def _remove_left_over(self) -> None:
        """Whole copies of a process that was killed; the caller holds the archive's lock, so that none is in use."""
        for name in self.files.sizes():
            self.files.remove(name)

    def close(self) -> None:
        """Remove all copies."""
        self.files.close()
        for name in self._made:
            self.files.remove(name)
        self._made.clear()


def _file_name(one: StoredObject, number: int) -> str:
    """Names the segment, which bytes of that name are meant, and the block."""
    version = hashlib.sha256(f"{one.etag}:{one.size}".encode()).hexdigest()[:12]
    return f"{one.name}~{version}.{number}"

"""Packed files as a stream of bytes that survives damage: gzip members, zstd frames, or nothing at all.

What cannot be unpacked becomes a `Gap` in the stream, and reading goes on at the next member. Every size is bounded
while it streams. What the bytes mean is not known here.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Final, Protocol

from crawler.archive.codec import SKIPPABLE_HEAD, read_dictionary, zstd
from crawler.archive.segments import MAX_DICTIONARY
from crawler.core.counts import Counted
from crawler.core.errors import ArchiveDamaged

CHUNK: Final = 64 * 1024  # bytes read at once
FEED: Final = 16 * 1024  # bytes given to an unpacker at once
STEP: Final = 1024 * 1024  # bytes unpacked at once
MAX_UNPACKED: Final = 64 * 1024**3  # bytes of one stream; a gigabyte of our own segments unpacks to forty
MAX_RATIO: Final = 250  # how much smaller than itself a stream of some size may be packed; web archives reach 40
RATIO_FROM: Final = 32 * 1024 * 1024  # bytes; below it nothing can be harmed
MAX_GAPS: Final = 1_000  # damaged places of one file, after which it is given up
MAX_REREAD: Final = 2 * 1024**3  # bytes read again behind damaged places, after which a file is given up
GZIP: Final = b"\x1f\x8b\x08"
ZSTD: Final = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes that could not be unpacked; `inside` a member whose first bytes came already, and may be damaged too."""

    what: str
    inside: bool


class Unpacker(Protocol):
    """What zlib's and zstd's decompressors have in common, once `_Gzip` adapted the former."""

    eof: bool
    unused_data: bytes

    def feed(self, data: bytes) -> bytes:
        """At most `STEP` bytes; b"" goes on with what is pending."""
        ...

    def pending(self) -> bool:
        """More output may come without more input."""
        ...


class _Gzip:
    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(31)
        self.eof, self.unused_data = False, b""

    def feed(self, data: bytes) -> bytes:
        out = self._zlib.decompress(self._zlib.unconsumed_tail + data, STEP)
        self.eof, self.unused_data = self._zlib.eof, self._zlib.unused_data
        return out

    def pending(self) -> bool:
        return bool(self._zlib.unconsumed_tail)


class _Zstd:
    def __init__(self, dictionary: zstd.ZstdDict | None) -> None:
        self._zstd = zstd.ZstdDecompressor(zstd_dict=dictionary.as_digested_dict if dictionary else None)
        self.eof, self.unused_data = False, b""

    def feed(self, data: bytes) -> bytes:
        out = self._zstd.decompress(data, STEP)
        self.eof = self._zstd.eof
        self.unused_data = self._zstd.unused_data if self.eof else b""
        return out

    def pending(self) -> bool:
        return not self._zstd.eof and not self._zstd.needs_input


def unpacked(file: IO[bytes], name: str = "") -> Iterator[bytes | Gap]:
    """The bytes of a seekable file in pieces, whatever it is packed with; its first bytes tell, else its name."""
    head = file.read(SKIPPABLE_HEAD)
    file.seek(0)
    if head.startswith(GZIP) or (name.endswith(".gz") and not head.startswith((b"WARC/", b"filedesc:"))):
        return gzip_members(file)
    if head.startswith(ZSTD) or name.endswith(".zst"):
        return _bounded(_frames(file, head))
    return plain(file)


def plain(file: IO[bytes]) -> Iterator[bytes | Gap]:
    """The bytes of a file as they are."""
    return _bounded(iter(lambda: file.read(CHUNK), b""))


def gzip_members(file: IO[bytes]) -> Iterator[bytes | Gap]:
    """The bytes of every whole gzip member of a file, whatever lies between them."""
    return _bounded(_members(file, GZIP, _Gzip))


def _frames(file: IO[bytes], head: bytes) -> Iterator[bytes | Gap]:
    """zstd, with the dictionary of the IIPC draft in the leading skippable frame where there is one."""
    size = int.from_bytes(head[4:], "little") if len(head) == SKIPPABLE_HEAD else 0
    dictionary, taken = None, 0
    try:
        dictionary, taken = read_dictionary(file.read(min(size, MAX_DICTIONARY) + SKIPPABLE_HEAD), MAX_DICTIONARY)
    except ArchiveDamaged as error:
        yield Gap(str(error), inside=False)
    file.seek(taken)
    yield from _members(file, ZSTD, lambda: _Zstd(dictionary))


def _bounded(pieces: Iterator[bytes | Gap]) -> Iterator[bytes | Gap]:
    total = 0
    for piece in pieces:
        yield piece
        total += len(piece) if isinstance(piece, bytes) else 0
        if total > MAX_UNPACKED:
            yield Gap(f"it unpacks to over {MAX_UNPACKED / 2**30:,.0f} GB; the rest is left out", inside=True)
            return


def _members(file: IO[bytes], magic: bytes, new: Callable[[], Unpacker]) -> Iterator[bytes | Gap]:
    """Member after member; behind a damaged one, the next place where one begins."""
    source = _Input(file)
    gaps, named, total = 0, False, 0
    while gaps < MAX_GAPS and source.reread < MAX_REREAD:
        start = source.at
        skipped, blank = source.skip_to(magic)
        if skipped and not blank and not named:
            gaps += 1
            yield Gap(f"{Counted(skipped):byte} at {start:,}: no packed data", inside=False)
        if not source.fill(1):
            return
        start, named = source.at, False
        try:
            unpacker, begun = new(), False
            for piece in _member(source, unpacker):
                begun, total = True, total + len(piece)
                yield piece
                if total > RATIO_FROM and total > MAX_RATIO * source.read:
                    yield Gap(f"it unpacks to over {MAX_RATIO} times its size; the rest is left out", inside=True)
                    return
            if not unpacker.eof:
                yield Gap(f"the file ends within the packed data that begins at {start:,}", inside=begun)
                return
            source.give_back(unpacker.unused_data)
        except (zlib.error, zstd.ZstdError) as error:
            gaps, named = gaps + 1, True
            yield Gap(f"packed data at {start:,} cannot be unpacked ({error})", inside=begun)
            source.rewind(start + len(magic))
    yield Gap("too much of it is damaged; the rest is left out", inside=True)


def _member(source: _Input, unpacker: Unpacker) -> Iterator[bytes]:
    """The bytes of one member, up to its end or that of the file."""
    while not unpacker.eof:
        data = source.take()
        if not data:
            return
        while True:
            if piece := unpacker.feed(data):
                yield piece
            if unpacker.eof or not unpacker.pending():
                break
            data = b""


class _Input:
    """A seekable file read forward. `read`: bytes of it so far; `reread`: bytes read more than once."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._data = b""
        self._next = 0  # in _data
        self._begins = file.tell()  # offset of _data in the file
        self.reread = 0

    @property
    def at(self) -> int:
        """Offset of the next byte."""
        return self._begins + self._next

    @property
    def read(self) -> int:
        """Bytes looked at, each as often as it was."""
        return self.at + self.reread

    def fill(self, size: int) -> bool:
        """Whether that many bytes follow."""
        while len(self._data) - self._next < size:
            more = self._file.read(CHUNK)
            if not more:
                return False
            self._begins, self._data, self._next = self.at, self._data[self._next :] + more, 0
        return True

    def take(self) -> bytes:
        """The next few bytes, b"" at the end. Few, because a member's unpacker copies what is not its own."""
        self.fill(1)
        data = self._data[self._next : self._next + FEED]
        self._next += len(data)
        return data

    def give_back(self, data: bytes) -> None:
        """The end of what was taken last."""
        self._next -= len(data)

    def rewind(self, offset: int) -> None:
        """Go back."""
        self.reread += max(self.at - offset, 0)
        self._file.seek(offset)
        self._data, self._next, self._begins = b"", 0, offset

    def skip_to(self, magic: bytes) -> tuple[int, bool]:
        """Go to the next `magic`, or to the end: how many bytes were passed over, and whether all of them were NUL."""
        skipped, blank = 0, True
        while self.fill(len(magic)) or self.fill(1):
            found = self._data.find(magic, self._next)
            stop = found if found >= 0 else max(len(self._data) - len(magic) + 1, self._next + 1)
            blank = blank and not self._data[self._next : stop].strip(b"\0")
            skipped += stop - self._next
            self._next = stop
            if found >= 0:
                break
        return skipped, blank

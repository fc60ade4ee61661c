"""Packed files as a stream of bytes that survives damage: gzip members, zstd frames, or nothing at all.

What cannot be unpacked becomes a `Gap` in the stream, and reading goes on at the next member. A member that unpacks and
differs from its check sum is given as it is, with a gap behind it that says so. Every size is bounded while it streams.
What the bytes mean is not known here.
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
_CHECKS: Final = ("data check", "length check", "header crc", "checksum")  # in the errors of zlib and zstd
_GZIP_NAMES: Final = (0x08, 0x10)  # flags of a file name and a comment, each of which ends with NUL (RFC 1952, 2.3)
_ZSTD_CHECKED: Final = 0x04  # flag of the frame header, which is the byte behind the magic (RFC 8878, 3.1.1.1.1)


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes that could not be unpacked; `inside` a member whose first bytes came already, and may be damaged too.

    `unchecked`: nothing speaks against those but a check sum that is wrong, or that the file ends.
    """

    what: str
    inside: bool
    unchecked: bool = False


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


@dataclass(frozen=True, slots=True)
class _Packing:
    """One way to pack: how a member begins, what unpacks one, also past its check sum, and how long that is."""

    magic: bytes
    trailer: int  # bytes
    new: Callable[[bool], Unpacker]  # whether to check


class _Gzip:
    def __init__(self, *, checked: bool = True) -> None:
        self._zlib = zlib.decompressobj(31 if checked else -15)
        self._begun = checked
        self.eof, self.unused_data = False, b""

    def feed(self, data: bytes) -> bytes:
        if not self._begun:
            data, self._begun = data[_gzip_header(data) :], True
        out = self._zlib.decompress(self._zlib.unconsumed_tail + data, STEP)
        self.eof, self.unused_data = self._zlib.eof, self._zlib.unused_data
        return out

    def pending(self) -> bool:
        return bool(self._zlib.unconsumed_tail)


def _gzip_header(data: bytes) -> int:
    """Bytes of a member's header (RFC 1952, 2.3), all of which zlib saw before. Raises zlib.error."""
    flags, at = data[3], 10
    if flags & 0x04:  # fields of other programs
        at += 2 + int.from_bytes(data[at : at + 2], "little")
    for name in _GZIP_NAMES:
        if flags & name:
            at = data.find(b"\0", at) + 1 or len(data)
    at += 2 if flags & 0x02 else 0  # the header's own check sum
    if at >= len(data):
        raise zlib.error("a header that is too long")
    return at


class _Zstd:
    def __init__(self, dictionary: zstd.ZstdDict | None, *, checked: bool = True) -> None:
        self._zstd = zstd.ZstdDecompressor(zstd_dict=dictionary.as_digested_dict if dictionary else None)
        self._begun = checked
        self.eof, self.unused_data = False, b""

    def feed(self, data: bytes) -> bytes:
        if not self._begun:
            at = len(ZSTD)
            data, self._begun = data[:at] + bytes((data[at] & ~_ZSTD_CHECKED,)) + data[at + 1 :], True
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
    return _bounded(_members(file, _Packing(GZIP, 8, lambda checked: _Gzip(checked=checked))))


def _frames(file: IO[bytes], head: bytes) -> Iterator[bytes | Gap]:
    """zstd, with the dictionary of the IIPC draft in the leading skippable frame where there is one."""
    size = int.from_bytes(head[4:], "little") if len(head) == SKIPPABLE_HEAD else 0
    dictionary, taken = None, 0
    try:
        dictionary, taken = read_dictionary(file.read(min(size, MAX_DICTIONARY) + SKIPPABLE_HEAD), MAX_DICTIONARY)
    except ArchiveDamaged as error:
        yield Gap(str(error), inside=False)
    file.seek(taken)
    yield from _members(file, _Packing(ZSTD, 4, lambda checked: _Zstd(dictionary, checked=checked)))


def _bounded(pieces: Iterator[bytes | Gap]) -> Iterator[bytes | Gap]:
    total = 0
    for piece in pieces:
        yield piece
        total += len(piece) if isinstance(piece, bytes) else 0
        if total > MAX_UNPACKED:
            yield Gap(f"it unpacks to over {MAX_UNPACKED / 2**30:,.0f} GB; the rest is left out", inside=True)
            return


def _members(file: IO[bytes], packing: _Packing) -> Iterator[bytes | Gap]:
    """Member after member; behind a damaged one, the next place where one begins."""
    source, magic = _Input(file), packing.magic
    gaps, named, total = 0, False, 0
    while gaps < MAX_GAPS and source.reread < MAX_REREAD:
        start = source.at
        skipped, blank = source.skip_to(magic)
        if skipped and not blank and not named:
            gaps += 1
            yield Gap(f"{Counted(skipped):byte} at {start:,}: no packed data", inside=False)
        if not source.fill(1):
            return
        start, named, given = source.at, False, 0
        try:
            unpacker = packing.new(True)
            for piece in _member(source, unpacker):
                given, total = given + len(piece), total + len(piece)
                yield piece
                if total > RATIO_FROM and total > MAX_RATIO * source.read:
                    yield Gap(f"it unpacks to over {MAX_RATIO} times its size; the rest is left out", inside=True)
                    return
            if not unpacker.eof:
                what = f"the file ends within the packed data that begins at {start:,}"
                yield Gap(what, inside=given > 0, unchecked=True)
                return
            source.give_back(unpacker.unused_data)
        except (zlib.error, zstd.ZstdError) as error:
            gaps, named = gaps + 1, True
            if any(check in str(error) for check in _CHECKS):
                yield from _unchecked(source, packing, start, given)
            else:
                yield Gap(f"packed data at {start:,} cannot be unpacked ({error})", inside=given > 0)
                source.rewind(start + len(magic))
    yield Gap("too much of it is damaged; the rest is left out", inside=True)


def _unchecked(source: _Input, packing: _Packing, start: int, given: int) -> Iterator[bytes | Gap]:
    """A member whose check sum is wrong: what of it was not `given` yet, as it is.

    zlib and zstd keep what they unpacked last for themselves when they find that out, so it is unpacked once more.
    Data with a hole may seem to end, too, somewhere in the next member: that one is then looked for.
    """
    source.rewind(start)
    unpacker, passed = packing.new(False), 0
    try:
        for piece in _member(source, unpacker):
            if new := piece[max(given - passed, 0) :]:
                yield new
            passed += len(piece)
    except (zlib.error, zstd.ZstdError) as error:
        yield Gap(f"packed data at {start:,} cannot be unpacked ({error})", inside=passed > 0)
        source.rewind(start + len(packing.magic))
        return
    source.give_back(unpacker.unused_data)
    yield Gap(f"the check sum of the packed data at {start:,} is wrong", inside=passed > 0, unchecked=True)
    behind = source.peek(packing.trailer + len(packing.magic))
    if behind[packing.trailer :] not in (b"", packing.magic) and not behind.startswith(packing.magic):
        source.rewind(start + len(packing.magic))


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

    def peek(self, size: int) -> bytes:
        """The next bytes, without taking them; fewer at the end."""
        self.fill(size)
        return self._data[self._next : self._next + size]

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

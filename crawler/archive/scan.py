"""A segment read from end to end: every frame, and the gaps where there is none.

Damage in the middle must not hide what lies behind it: after bytes that are no frame, the next one is searched for.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from crawler.archive import warc
from crawler.archive.codec import Codec, Gz
from crawler.archive.journal import TARGET
from crawler.core.errors import ArchiveDamaged

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_GZIP_MAGIC = b"\x1f\x8b\x08"
_WINDOW = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Piece:
    """What stands at one place of a segment: a record, or bytes that are none (`record` None, `problem` tells why)."""

    offset: int
    length: int
    record: warc.Record | None
    problem: str = ""

    @property
    def end(self) -> int:
        """Where the next piece begins."""
        return self.offset + self.length

    @property
    def is_journal(self) -> bool:
        """Whether it tells of the records before it."""
        return self.record is not None and self.record.type == "metadata" and self.record.target == TARGET


def pieces(codec: Codec, data: memoryview, start: int, stop: int | None = None) -> Generator[Piece]:
    """Everything from `start` to `stop` (None: the end), in order, without holes."""
    stop = len(data) if stop is None else min(stop, len(data))
    at = start
    while at < stop:
        piece = _piece(codec, data[at:stop], at)
        if piece.record is None:
            # A damaged frame may claim more bytes than it has: a whole record inside of them ends it.
            reach = piece.length or stop - at
            length = _next_frame(codec, data[at:stop], reach)
            missing = "ends in the middle of a record" if at + length == stop else "no record here"
            piece = Piece(at, length, None, piece.problem or missing)
        yield piece
        at = piece.end


def ranges(codec: Codec, data: memoryview, start: int, size: int) -> Iterator[tuple[int, int]]:
    """Ranges of some frames each, with about `size` bytes of records, up to the first place where no frame begins.

    Of gzip, whose frames tell their length only by being unpacked, one range.
    """
    if isinstance(codec, Gz):
        if start < len(data):
            yield start, len(data)
        return
    begin = at = start
    unpacked = 0
    while at < len(data) and (length := codec.length(data[at:])):
        unpacked += codec.unpacked_length(data[at:])
        at += length
        if unpacked >= size:
            yield begin, at
            begin, unpacked = at, 0
    if at > begin:
        yield begin, at


def _piece(codec: Codec, data: memoryview, at: int) -> Piece:
    """The frame at the beginning of `data`; without record and problem where there is none."""
    length = codec.length(data)
    if not length:
        return Piece(at, 0, None)
    try:
        record = warc.parse_record(codec.unpack(bytes(data[:length])))
    except ArchiveDamaged as error:
        return Piece(at, length, None, str(error))
    return Piece(at, length, record, warc.check_digests(record))


def _next_frame(codec: Codec, data: memoryview, reach: int) -> int:
    """Bytes up to the next frame that holds a record and begins before `reach`; `reach` where there is none."""
    magic = _GZIP_MAGIC if isinstance(codec, Gz) else _ZSTD_MAGIC
    for at in _found(magic, data, reach):
        if _piece(codec, data[at:], at).record is not None:
            return at
    return reach


def _found(magic: bytes, data: memoryview, reach: int) -> Iterator[int]:
    """Where `magic` begins, from the second byte up to `reach`; a megabyte is copied at a time."""
    start = 1
    while start < reach:
        part = bytes(data[start : min(start + _WINDOW, reach) + len(magic) - 1])
        at = part.find(magic)
        while at >= 0:
            yield start + at
            at = part.find(magic, at + 1)
        start += _WINDOW

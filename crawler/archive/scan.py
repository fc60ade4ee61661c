"""A segment read from end to end: every frame, and the gaps where there is none.

Damage in the middle must not hide what lies behind it: after bytes that are no frame, the next one is searched for.
"""

from __future__ import annotations

import contextlib
import mmap
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from crawler.archive import disk, segments, warc
from crawler.archive.codec import Codec, Gz
from crawler.archive.journal import TARGET
from crawler.core.errors import ArchiveDamaged

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_GZIP_MAGIC = b"\x1f\x8b\x08"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a segment: a record, or bytes that are none (`record` None, `problem` tells why)."""

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


@contextlib.contextmanager
def mapped(path: Path) -> Iterator[memoryview]:
    """A file as memory. Only under the archive's lock: nobody may cut it meanwhile."""
    with disk.told(path), path.open("rb") as file:
        size = path.stat().st_size
        if not size:
            yield memoryview(b"")
            return
        with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as whole:
            view = memoryview(whole)
            try:
                yield view
            finally:
                view.release()


def start_of(path: Path) -> int:
    """Where the first record lies: behind a dictionary, if there is one. Raises ArchiveDamaged."""
    with disk.told(path), path.open("rb") as file:
        return 0 if segments.codec_name(path.name) == "gz" else segments.read_head(file.fileno())[1]


def pieces(codec: Codec, data: memoryview, start: int, stop: int | None = None) -> Generator[Piece]:
    """Everything from `start` to `stop` (None: the end), in order, without holes."""
    at, stop = start, len(data) if stop is None else min(stop, len(data))
    while at < stop:
        piece = _piece(codec, data[at:stop], at)
        if piece.record is None and not piece.problem:
            length = _next_frame(codec, data[at:stop])
            what = "ends in the middle of a record" if at + length == stop else "no record here"
            piece = Piece(at, length, None, what)
        yield piece
        at = piece.end


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


def _next_frame(codec: Codec, data: memoryview) -> int:
    """Bytes up to the next frame that holds a record, or up to the end."""
    magic = _GZIP_MAGIC if isinstance(codec, Gz) else _ZSTD_MAGIC
    whole = bytes(data)
    at = whole.find(magic, 1)
    while at > 0:
        if _piece(codec, data[at:], at).record is not None:
            return at
        at = whole.find(magic, at + 1)
    return len(whole)

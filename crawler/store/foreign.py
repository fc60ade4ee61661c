"""WARC files that others wrote, read record by record: gzip, zstd or plain, whole or cut off, honest or not.

A stream with caps: a record's head and block are bounded, what is larger is passed over, and a file that stops making
sense ends the reading with a word about where. Nothing is written here.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from crawler.errors import ArchiveDamaged
from crawler.store import disk, segments, warc
from crawler.store.codec import zstd

MAX_BLOCK: Final = 64 * 1024 * 1024  # bytes of one record that are held in memory; larger ones are passed over
MAX_UNPACKED: Final = 64 * 1024**3  # bytes of one file in all: a small file may claim to be endless
_CHUNK = 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGICS = (b"\x28\xb5\x2f\xfd", b"\x5d\x2a\x4d\x18")


@dataclass(frozen=True, slots=True)
class Page:
    """A response record taken apart; `body` is as stored, still content-encoded where the headers say so."""

    url: str
    date: str  # WARC-Date
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def records(path: Path, max_block: int = MAX_BLOCK) -> Iterator[warc.Record]:
    """Every record of at most `max_block` bytes, in order.

    Raises ArchiveDamaged at the first place that is no WARC; what came before it has been given. Raises ArchiveError
    where the file cannot be read.
    """
    with disk.told(path), path.open("rb") as file:
        stream = _Stream(_unpacked(file))
        try:
            while (head := _head(stream)) is not None:
                length = _length(head)
                block = _block(stream, length, keep=length <= max_block)
                if block is not None:
                    yield warc.Record(head, block)
        except (ArchiveDamaged, zstd.ZstdError, zlib.error, EOFError) as error:
            raise ArchiveDamaged(f"{path} stops being a WARC file: {error}") from error


def pages(path: Path, max_block: int = MAX_BLOCK) -> Iterator[Page]:
    """Every HTTP response of a file; records that hold something else are passed over. Raises as `records`."""
    for record in records(path, max_block):
        if record.type == "response" and record.target.strip("<>").lower().startswith(("http://", "https://")):
            with contextlib.suppress(ArchiveDamaged):
                status, headers, body = warc.split_http(record.block)
                yield Page(record.target.strip("<>"), record.headers.get("warc-date", ""), status, headers, body)


class _Stream:
    """Bytes as asked for, out of chunks as they come."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = filter(None, chunks)
        self._held = b""
        self._at = 0  # up to where `_held` was given
        self._left = MAX_UNPACKED

    def read(self, size: int) -> bytes:
        """At most `size` bytes, none at the end."""
        if self._at == len(self._held):
            self._more()
        taken = self._held[self._at : self._at + size]
        self._at += len(taken)
        return taken

    def line(self, limit: int) -> bytes:
        """Up to the next line feed, the end, or `limit` bytes."""
        while (end := self._held.find(b"\n", self._at)) < 0 and len(self._held) - self._at < limit:
            if not self._more():
                break
        return self.read(min(end + 1 - self._at, limit) if end >= 0 else limit)

    def _more(self) -> bool:
        chunk = next(self._chunks, b"")
        self._held, self._at = self._held[self._at :] + chunk, 0
        self._left -= len(chunk)
        if self._left < 0:
            raise ArchiveDamaged(f"unpacks to over {MAX_UNPACKED} bytes")
        return bool(chunk)


def _unpacked(file: BinaryIO) -> Iterator[bytes]:
    magic = file.read(4)
    if magic.startswith(_GZIP_MAGIC):
        file.seek(0)
        return _inflated(file)
    if magic in _ZSTD_MAGICS:
        dictionary, start = segments.read_head(file.fileno())
        file.seek(start)
        return _decompressed(file, dictionary)
    file.seek(0)
    return iter(lambda: file.read(_CHUNK), b"")


def _inflated(file: BinaryIO) -> Iterator[bytes]:
    """gzip members one after another, zero bytes between them allowed."""
    packed = file.read(_CHUNK)
    while packed:
        member = zlib.decompressobj(31)
        while not member.eof:
            if not packed:
                raise EOFError("ends in the middle of a gzip member")
            yield member.decompress(packed, _CHUNK)
            packed = member.unconsumed_tail or (b"" if member.eof else file.read(_CHUNK))
        packed = member.unused_data.lstrip(b"\0") or file.read(_CHUNK).lstrip(b"\0")


def _decompressed(file: BinaryIO, dictionary: zstd.ZstdDict | None) -> Iterator[bytes]:
    """zstd frames one after another."""
    packed = file.read(_CHUNK)
    while packed:
        frame = zstd.ZstdDecompressor(zstd_dict=dictionary)
        while not frame.eof:
            if frame.needs_input and not packed:
                raise EOFError("ends in the middle of a zstd frame")
            yield frame.decompress(packed, _CHUNK)
            packed = file.read(_CHUNK) if frame.needs_input and not frame.eof else b""
        packed = frame.unused_data or file.read(_CHUNK)


def _head(stream: _Stream) -> dict[str, str] | None:
    """Named fields of the next record; None at the end of the file."""
    first = b"\r\n"
    for _ in range(64):  # records end in two empty lines; some writers put more
        first = stream.line(warc.MAX_HEAD)
        if first.strip():
            break
    if not first.strip():
        return None
    if not first.startswith(b"WARC/"):
        raise ArchiveDamaged(f"a record begins with {first[:20]!r}")
    lines, size = [b""], 0
    while (line := stream.line(warc.MAX_HEAD)).strip():
        size += len(line)
        if size > warc.MAX_HEAD:
            raise ArchiveDamaged(f"a record's head has over {warc.MAX_HEAD} bytes")
        lines.append(line.rstrip(b"\r\n"))
    return warc.parse_headers(b"\r\n".join(lines))


def _length(head: dict[str, str]) -> int:
    said = head.get("content-length", "")
    if not said.isascii() or not said.isdigit() or len(said) > 15:
        raise ArchiveDamaged(f"a record says it has {said or 'no'} bytes")
    return int(said)


def _block(stream: _Stream, length: int, *, keep: bool) -> bytes | None:
    """The record's block, read in chunks so that a lie about its length costs nothing; None where it is not kept."""
    taken: list[bytes] = []
    left = length
    while left:
        chunk = stream.read(min(left, _CHUNK))
        if not chunk:
            raise ArchiveDamaged(f"ends {left} bytes before a record does")
        left -= len(chunk)
        if keep:
            taken.append(chunk)
    return b"".join(taken) if keep else None

"""Segments: append-only files of packed records, one of them open for writing.

How bytes get to the disk and back lives here. What a record says is `warc`'s business, which rows point at it the
index's: a segment's size in the index is the truth, and whatever lies behind it was never acknowledged.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from crawler.archive import codec as codecs
from crawler.archive import disk, warc
from crawler.archive.codec import Codec, Gz, Zst, zstd
from crawler.archive.journal import Span
from crawler.core.errors import ArchiveDamaged

FOLDER: Final = "segments"  # in the archive's folder, as are the next two
INDEX: Final = "index.sqlite"
LOCK: Final = "lock"
MAX_SIZE: Final = 1024**3  # bytes; ARCHIVE: segments of 1 GB
MAX_DICTIONARY: Final = 8 * 1024 * 1024  # bytes unpacked; the IIPC draft's limit
_OPEN_FILES = 64
_OPEN_DICTIONARIES = 4  # up to 8 MB each
_WRITE_BEHIND = 4 * 1024 * 1024  # bytes packed and not yet handed to the system


def name_of(codec: str, number: int, at: datetime) -> str:
    """A file name that sorts by time."""
    return f"{at:%Y%m%d%H%M%S}-{number:04d}.warc.{codec}"


def codec_name(name: str) -> str:
    """The codec that a segment's file name tells."""
    return name.rpartition(".")[2]


def header(codec: str, name: str, at: datetime, dictionary: zstd.ZstdDict | None) -> bytes:
    """What a segment begins with: dictionary frame (zst) and warcinfo record."""
    packer: Codec = Gz() if codec == "gz" else Zst(dictionary)
    fields = {
        "software": "linkhealth-crawler",
        "format": "WARC File Format 1.1",
        "conformsTo": "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
        "description": "bodies are stored decoded; headers of the wire as x-orig-*",
    }
    block = "".join(f"{key}: {value}\r\n" for key, value in fields.items()).encode()
    info = warc.format_record(
        "warcinfo", warc.record_id(), at, block, "application/warc-fields", [("WARC-Filename", name)]
    )
    return (codecs.dictionary_frame(dictionary) if dictionary else b"") + packer.pack(info)


@dataclass(slots=True)
class Writer:
    """The segment that is open for writing; `size` is what the index acknowledges."""

    id: int
    path: Path
    codec: Codec
    size: int
    opened_at: datetime
    dictionary: bool = False
    _fd: int = -1
    _end: int = 0  # where the next frame will lie
    _written: int = 0  # up to where the system has it
    _behind: list[bytes] = field(default_factory=list)

    @classmethod
    def create(cls, ident: int, path: Path, head: bytes, codec: Codec, at: datetime, dictionary: bool) -> Writer:
        """A new file with its header, synced with its name. Raises ArchiveFull, ArchiveError; then no file stays."""
        try:
            with disk.told(path):
                fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
                disk.write_all(fd, head, 0)
                os.fsync(fd)
                disk.sync_folder(path.parent)
        except Exception:
            path.unlink(missing_ok=True)
            raise
        return cls(ident, path, codec, len(head), at, dictionary, fd, len(head), len(head))

    @classmethod
    def reopen(cls, ident: int, path: Path, codec: Codec, size: int, at: datetime, dictionary: bool) -> Writer:
        """Go on writing a segment behind its acknowledged size."""
        with disk.told(path):
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        return cls(ident, path, codec, size, at, dictionary, fd, size, size)

    def add(self, record: bytes, *, page: bool = False) -> Span:
        """Append a record (`page`: it holds a whole page); it is on disk only after `sync`."""
        frame = self.codec.pack(record, page=page)
        span = (self._end, len(frame))
        self._behind.append(frame)
        self._end += len(frame)
        if self._end - self._written > _WRITE_BEHIND:
            self._flush()
        return span

    def sync(self) -> int:
        """Everything added is on the disk; the size to acknowledge."""
        self._flush()
        with disk.told(self.path):
            os.fdatasync(self._fd)
        return self._end

    def commit(self) -> None:
        """The index has acknowledged what was synced."""
        self.size = self._end

    def undo(self) -> None:
        """Cut back to the acknowledged size: what was added since never happened."""
        self._behind.clear()
        self._end = self._written = self.size
        with disk.told(self.path):
            os.ftruncate(self._fd, self.size)

    def close(self) -> None:
        """Close the file; what was not committed is cut off."""
        if self._fd >= 0:
            if self._end != self.size:
                self.undo()
            os.close(self._fd)
            self._fd = -1

    def _flush(self) -> None:
        data = b"".join(self._behind)
        with disk.told(self.path):
            disk.write_all(self._fd, data, self._written)
        self._behind.clear()
        self._written += len(data)


@dataclass(slots=True)
class _Open:
    fd: int
    codec: Codec


class SegmentReader:
    """Random access to records of any segment; keeps a few files and their dictionaries open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._dictionaries: OrderedDict[str, zstd.ZstdDict | None] = OrderedDict()

    def record(self, name: str, span: Span) -> warc.Record:
        """The record at a place. Raises ArchiveDamaged where there is none."""
        return warc.parse_record(self.unpacked(name, span))

    def unpacked(self, name: str, span: Span) -> bytes:
        """The bytes of the record at a place."""
        offset, length = span
        segment = self._segment(name)
        with disk.told(self.folder / name):
            frame = os.pread(segment.fd, length, offset)
        if len(frame) < length:
            raise ArchiveDamaged(f"{name} ends before byte {offset + length}: run `crawler verify`")
        try:
            return segment.codec.unpack(frame)
        except ArchiveDamaged as error:
            raise ArchiveDamaged(f"{name} at byte {offset}: {error}; run `crawler verify`") from error

    def codec(self, name: str) -> Codec:
        """The codec to read a segment with."""
        return self._segment(name).codec

    def packer(self, name: str) -> Codec:
        """The codec to go on writing a segment with. Raises ArchiveDamaged."""
        return Gz() if codec_name(name) == "gz" else Zst(self._dictionary(name))

    def close(self) -> None:
        """Close all files."""
        for segment in self._open.values():
            os.close(segment.fd)
        self._open.clear()
        self._dictionaries.clear()

    def _segment(self, name: str) -> _Open:
        if name in self._open:
            self._open.move_to_end(name)
            return self._open[name]
        segment = self._open[name] = self._opened(name)
        while len(self._open) > _OPEN_FILES:
            os.close(self._open.popitem(last=False)[1].fd)
        return segment

    def _opened(self, name: str) -> _Open:
        try:
            fd = os.open(self.folder / name, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise ArchiveDamaged(
                f"segment {name} cannot be read ({error.strerror}): put it back from a backup"
            ) from error
        return _Open(fd, Gz() if codec_name(name) == "gz" else Zst(load=lambda: self._dictionary(name)))

    def _dictionary(self, name: str) -> zstd.ZstdDict | None:
        if name in self._dictionaries:
            self._dictionaries.move_to_end(name)
            return self._dictionaries[name]
        found = self._dictionaries[name] = read_head(self._segment(name).fd)[0]
        while len(self._dictionaries) > _OPEN_DICTIONARIES:
            self._dictionaries.popitem(last=False)
        return found


def read_head(fd: int) -> tuple[zstd.ZstdDict | None, int]:
    """The dictionary of a zst segment, and where its first record lies."""
    head = os.pread(fd, codecs.SKIPPABLE_HEAD, 0)
    if int.from_bytes(head[:4], "little") != codecs.DICTIONARY_MAGIC:
        return None, 0
    length = codecs.SKIPPABLE_HEAD + min(int.from_bytes(head[4:8], "little"), MAX_DICTIONARY)
    return codecs.read_dictionary(os.pread(fd, length, 0), MAX_DICTIONARY)


def files(folder: Path) -> Iterable[Path]:
    """All segment files, oldest first."""
    return sorted(path for path in folder.glob("*.warc.*") if codec_name(path.name) in {"gz", "zst"})

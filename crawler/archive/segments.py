"""Segments: append-only strings of packed records, one of them open for writing.

How records become bytes of a segment and come back lives here. Where the bytes live is `store`'s business, what a
record says is `warc`'s, which rows point at it the index's.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from crawler.archive import codec as codecs
from crawler.archive import warc
from crawler.archive.codec import Codec, Gz, Zst, zstd
from crawler.archive.journal import Span
from crawler.archive.store import LocalStore, SegmentStore
from crawler.core.errors import ArchiveDamaged

FOLDER: Final = "segments"  # in the archive's folder, as are the next two
INDEX: Final = "index.sqlite"
LOCK: Final = "lock"
MAX_SIZE: Final = 1024**3  # bytes: the size that the WARC standard (ISO 28500, annex C) recommends
MAX_DICTIONARY: Final = 8 * 1024 * 1024  # bytes unpacked; the IIPC draft's limit
_LINEAGE = "urn:crawler:archive:"
_OPEN_DICTIONARIES = 4  # up to 8 MB each
_WRITE_BEHIND = 4 * 1024 * 1024  # bytes packed and not yet handed to the system


def name_of(codec: str, number: int, at: datetime) -> str:
    """A file name: when the segment was begun, for people, and its number, which is its place in the order."""
    return f"{at:%Y%m%d%H%M%S}-{number:04d}.warc.{codec}"


def codec_name(name: str) -> str:
    """The codec that a segment's file name tells."""
    return name.rpartition(".")[2]


def header(codec: str, name: str, at: datetime, dictionary: zstd.ZstdDict | None, lineage: str = "") -> bytes:
    """What a segment begins with: dictionary frame (zst) and warcinfo record.

    `lineage` names the archive that writes it: segments of two archives may come to lie in one folder.
    """
    packer: Codec = Gz() if codec == "gz" else Zst(dictionary)
    fields = {
        "software": "linkhealth-crawler",
        "format": "WARC File Format 1.1",
        "conformsTo": "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
        **({"isPartOf": f"{_LINEAGE}{lineage}"} if lineage else {}),
        "description": "bodies are stored decoded; headers of the wire as x-orig-*",
    }
    block = "".join(f"{key}: {value}\r\n" for key, value in fields.items()).encode()
    info = warc.format_record(
        "warcinfo", warc.record_id(), at, block, "application/warc-fields", [("WARC-Filename", name)]
    )
    return (codecs.dictionary_frame(dictionary) if dictionary else b"") + packer.pack(info)


def lineage_of(info: warc.Record) -> str:
    """The archive that a segment's warcinfo record names, "" where an older version wrote none."""
    named = warc.parse_headers(b"\r\n" + info.block).get("ispartof", "")
    return named.removeprefix(_LINEAGE) if named.startswith(_LINEAGE) else ""


@dataclass(slots=True)
class Writer:
    """The segment that is open for writing; `size` is what the index acknowledges."""

    id: int
    name: str
    store: SegmentStore
    codec: Codec
    size: int
    opened_at: datetime
    dictionary: bool = False
    _end: int = field(init=False)  # where the next frame will lie
    _written: int = field(init=False)  # up to where the store has it
    _behind: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._end = self._written = self.size

    def add(self, record: bytes, *, page: bool = False) -> Span:
        """Append a record (`page`: it holds a whole page); it is on disk only after `sync`."""
        return self.add_frame(self.codec.pack(record, page=page))

    def add_frame(self, frame: bytes) -> Span:
        """Append a record that was packed as `codec` packs it."""
        span = (self._end, len(frame))
        self._behind.append(frame)
        self._end += len(frame)
        if self._end - self._written > _WRITE_BEHIND:
            self._flush()
        return span

    def sync(self) -> int:
        """Everything added is on the disk; the size to acknowledge."""
        self._flush()
        self.store.sync(self.name)
        return self._end

    def commit(self) -> None:
        """The index has acknowledged what was synced."""
        self.size = self._end

    def undo(self) -> None:
        """Cut back to the acknowledged size: what was added since never happened."""
        self._behind.clear()
        self._end = self._written = self.size
        self.store.undo(self.name, self.size)

    def close(self) -> None:
        """What was not committed is cut off."""
        if self._end != self.size:
            self.undo()

    def _flush(self) -> None:
        data = b"".join(self._behind)
        self.store.append(self.name, data, self._written)
        self._behind.clear()
        self._written += len(data)


@lru_cache(maxsize=2)
def local_reader(folder: Path) -> SegmentReader:
    """Reads files of a folder: that of the segments, or that of copies from an object store. One for each process."""
    return SegmentReader(LocalStore(folder))


class SegmentReader:
    """Random access to records of any segment; keeps a few dictionaries open."""

    def __init__(self, store: SegmentStore) -> None:
        self.store = store
        self._codecs: dict[str, Codec] = {}
        self._dictionaries: OrderedDict[str, zstd.ZstdDict | None] = OrderedDict()

    def record(self, name: str, span: Span) -> warc.Record:
        """The record at a place. Raises ArchiveDamaged where there is none."""
        return warc.parse_record(self.unpacked(name, span))

    def unpacked(self, name: str, span: Span) -> bytes:
        """The bytes of the record at a place."""
        offset, length = span
        frame = self.store.read(name, offset, length)
        if len(frame) < length:
            raise ArchiveDamaged(f"{name} ends before byte {offset + length}: run `crawler verify`")
        try:
            return self.codec(name).unpack(frame)
        except ArchiveDamaged as error:
            raise ArchiveDamaged(f"{name} at byte {offset}: {error}; run `crawler verify`") from error

    def codec(self, name: str) -> Codec:
        """The codec to read a segment with."""
        if name not in self._codecs:
            self._codecs[name] = Gz() if codec_name(name) == "gz" else Zst(load=lambda: self._dictionary(name))
        return self._codecs[name]

    def packer(self, name: str) -> Codec:
        """The codec to go on writing a segment with. Raises ArchiveDamaged."""
        return Gz() if codec_name(name) == "gz" else Zst(self._dictionary(name))

    def start(self, name: str) -> int:
        """Where the first record lies: behind a dictionary, if there is one. Raises ArchiveDamaged."""
        return 0 if codec_name(name) == "gz" else self._head(name)[1]

    def close(self) -> None:
        """Forget all dictionaries."""
        self._dictionaries.clear()

    def _dictionary(self, name: str) -> zstd.ZstdDict | None:
        if name in self._dictionaries:
            self._dictionaries.move_to_end(name)
            return self._dictionaries[name]
        found = self._dictionaries[name] = self._head(name)[0]
        while len(self._dictionaries) > _OPEN_DICTIONARIES:
            self._dictionaries.popitem(last=False)
        return found

    def _head(self, name: str) -> tuple[zstd.ZstdDict | None, int]:
        """The dictionary of a zst segment, and where its first record lies."""
        head = self.store.read(name, 0, codecs.SKIPPABLE_HEAD)
        if int.from_bytes(head[:4], "little") != codecs.DICTIONARY_MAGIC:
            return None, 0
        length = codecs.SKIPPABLE_HEAD + min(int.from_bytes(head[4:8], "little"), MAX_DICTIONARY)
        return codecs.read_dictionary(self.store.read(name, 0, length), MAX_DICTIONARY)

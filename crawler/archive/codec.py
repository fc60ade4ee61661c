"""Frames: one WARC record packed by itself, so that it can be read back alone.

Two codecs with one interface: `Gz` (a gzip member per record) and `Zst` (a zstd frame per record, the dictionary in a
leading skippable frame, as the IIPC draft "WARC-Zstandard" has it). What a record says is `warc`'s business, where it
lies in a file is `segments`'.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Final, Protocol

from crawler.core.errors import ArchiveDamaged

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["LEVEL", "Codec", "Gz", "Zst", "dictionary_frame", "read_dictionary", "zstd"]

MAX_RECORD: Final = 96 * 1024 * 1024  # bytes unpacked; above max_body (16 MB) and any batch of checks that we write
DICTIONARY_MAGIC: Final = 0x184D2A5D  # of the skippable frame that holds it; IIPC draft, section "Dictionary Frame"
SKIPPABLE_HEAD: Final = 8  # bytes: magic and length

MAX_FRAME_HEAD: Final = 18  # bytes (RFC 8878, 3.1.1)
PAGE_MIN: Final = 12 * 1024  # bytes; below it a dictionary saves 3 KB at most, and costs 80 µs (measured)

_SMALL = 32 * 1024  # bytes; above it level 10 pays (8 % on 60 kB), below it costs four times the CPU for 5 %
_LEVEL_SMALL = 3
LEVEL = 10  # with whole pages as dictionary level 3 is eight times worse (190 KB against 25 KB a page, measured)
# zstd.h: ZSTD_c_forceAttachDict = ZSTD_dictForceAttach. Else the tables of a dictionary are copied for each frame above
# 32 kB, some MB of them: 1.3 ms of a page, which is not smaller by that (measured with two to four whole pages).
_ATTACH_DICTIONARY: Final = 1001
_GZIP = 31  # zlib's window bits for a gzip member
_FEED = 64 * 1024


class Codec(Protocol):
    """How records of one segment are packed."""

    def pack(self, record: bytes, *, page: bool = False) -> bytes:
        """The record as one frame; `page` where it holds a whole page, for which dictionaries are made."""
        ...

    def unpack(self, frame: bytes) -> bytes:
        """The record of exactly one frame. Raises ArchiveDamaged."""
        ...

    def length(self, data: memoryview) -> int:
        """Bytes of the first frame in `data`; 0 where it is not whole, or no frame begins there."""
        ...

    def unpacked_length(self, data: memoryview) -> int:
        """Bytes of the record in the first frame, as far as the frame says it without being unpacked; else 0."""
        ...


class Gz:
    """A gzip member per record; every WARC tool reads it."""

    def pack(self, record: bytes, *, page: bool = False) -> bytes:  # noqa: ARG002  # gzip knows no dictionaries
        """The record as one gzip member."""
        return zlib.compress(record, 6, _GZIP)

    def unpack(self, frame: bytes) -> bytes:
        """The record of one member; its CRC is checked."""
        unpacker = zlib.decompressobj(_GZIP)
        try:
            record = unpacker.decompress(frame, MAX_RECORD + 1)
        except zlib.error as error:
            raise ArchiveDamaged(f"gzip member does not unpack: {error}") from error
        if not unpacker.eof or unpacker.unused_data:
            raise ArchiveDamaged("gzip member is cut off, too large, or has more behind it")
        return record

    def length(self, data: memoryview) -> int:
        """A gzip member tells its length only by being unpacked."""
        unpacker = zlib.decompressobj(_GZIP)
        taken = unpacked = 0
        try:
            for start in range(0, len(data), _FEED):
                chunk = data[start : start + _FEED]
                unpacked += len(unpacker.decompress(chunk, MAX_RECORD))
                taken += len(chunk)
                if unpacker.eof:
                    return taken - len(unpacker.unused_data)
                if unpacked > MAX_RECORD or unpacker.unconsumed_tail:
                    return 0
        except zlib.error:
            return 0
        return 0

    def unpacked_length(self, data: memoryview) -> int:  # noqa: ARG002  # its last bytes say it, modulo 2**32
        """Nothing is said at the beginning of a member."""
        return 0


class Zst:
    """A zstd frame per record, with content size and checksum; `dictionary` is a finished one, or None.

    For reading, `load` brings the dictionary when a frame asks for one: most records do without.
    """

    def __init__(
        self, dictionary: zstd.ZstdDict | None = None, load: Callable[[], zstd.ZstdDict | None] | None = None
    ) -> None:
        self.dictionary = dictionary
        self._load = load or (lambda: dictionary)
        self._digested = dictionary.as_digested_dict if dictionary else None
        self._small = _compressor(_LEVEL_SMALL)
        self._large = _compressor(LEVEL)
        self._page: zstd.ZstdCompressor | None = None  # made at the first use: digesting takes 60 ms

    def pack(self, record: bytes, *, page: bool = False) -> bytes:
        """The record as one frame; whole pages by the dictionary, which has nothing to say of others."""
        if page and self._digested and len(record) >= PAGE_MIN:
            packer = self._page = self._page or _compressor(LEVEL, self._digested)
        else:
            packer = self._small if len(record) < _SMALL else self._large
        return packer.compress(record, packer.FLUSH_FRAME)

    def unpack(self, frame: bytes) -> bytes:
        """The record of one frame; its checksum is checked."""
        try:
            info = zstd.get_frame_info(frame)
            if info.decompressed_size is None or info.decompressed_size > MAX_RECORD:
                raise ArchiveDamaged(f"zstd frame of {info.decompressed_size} bytes: none of ours")
            dictionary = self._load() if info.dictionary_id else None
            unpacker = zstd.ZstdDecompressor(zstd_dict=dictionary.as_digested_dict if dictionary else None)
            record = unpacker.decompress(frame)
        except zstd.ZstdError as error:
            raise ArchiveDamaged(f"zstd frame does not unpack: {error}") from error
        if not unpacker.eof or unpacker.unused_data:
            raise ArchiveDamaged("zstd frame is cut off, or has more behind it")
        return record

    def length(self, data: memoryview) -> int:
        """A zstd frame's blocks tell their lengths, so nothing is unpacked."""
        if len(data) < SKIPPABLE_HEAD:
            return 0
        try:
            return zstd.get_frame_size(data)
        except zstd.ZstdError:
            return 0

    def unpacked_length(self, data: memoryview) -> int:
        """A frame of ours says it, and others may."""
        try:
            return min(zstd.get_frame_info(data[:MAX_FRAME_HEAD]).decompressed_size or 0, MAX_RECORD)
        except zstd.ZstdError:
            return 0


def _compressor(level: int, dictionary: object = None) -> zstd.ZstdCompressor:
    options: dict[int, int] = {zstd.CompressionParameter.compression_level: level}
    options[zstd.CompressionParameter.checksum_flag] = 1
    if dictionary is not None:
        try:
            return _made({**options, _ATTACH_DICTIONARY: 1}, dictionary)
        except (ValueError, zstd.ZstdError):  # zstd calls the parameter experimental, and may take it back
            pass
    return _made(options, dictionary)


def _made(options: dict[int, int], dictionary: object) -> zstd.ZstdCompressor:
    return zstd.ZstdCompressor(options=options, zstd_dict=dictionary)  # type: ignore[arg-type]  # digested: a tuple


def dictionary_frame(dictionary: zstd.ZstdDict) -> bytes:
    """The skippable frame that opens a segment; the dictionary inside is compressed, as the draft allows."""
    packed = zstd.compress(dictionary.dict_content, LEVEL)
    return DICTIONARY_MAGIC.to_bytes(4, "little") + len(packed).to_bytes(4, "little") + packed


def read_dictionary(head: bytes, limit: int) -> tuple[zstd.ZstdDict | None, int]:
    """The dictionary at the beginning of a segment (None where there is none) and the bytes that it takes there.

    `limit` is the most that it may unpack to. Raises ArchiveDamaged.
    """
    if len(head) < SKIPPABLE_HEAD or int.from_bytes(head[:4], "little") != DICTIONARY_MAGIC:
        return None, 0
    end = SKIPPABLE_HEAD + int.from_bytes(head[4:8], "little")
    packed = head[SKIPPABLE_HEAD:end]
    if len(head) < end:
        raise ArchiveDamaged("the dictionary is cut off")
    try:
        if packed[:4] == b"\x28\xb5\x2f\xfd":
            packed = zstd.ZstdDecompressor().decompress(packed, max_length=limit + 1)
        if len(packed) > limit:
            raise ArchiveDamaged(f"a dictionary of over {limit} bytes")
        return zstd.ZstdDict(packed), end
    except (zstd.ZstdError, ValueError) as error:
        raise ArchiveDamaged(f"the dictionary is damaged: {error}") from error

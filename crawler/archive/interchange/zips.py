"""Zip files from strangers: only stored and deflated members, and nothing that unpacks to more than it may.

A directory is measured before `zipfile` reads it, a member while it streams. What members mean is not known here.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Final

from crawler.archive.interchange.unlisted import HEADER, LENGTH, Unlisted, members_of
from crawler.core.errors import UsageError

MAX_DIRECTORY: Final = 32 * 1024 * 1024  # bytes of a zip's directory; half a million names
MAX_RATIO: Final = 250  # how much smaller than itself a member of some size may be packed; HTML reaches 20
RATIO_FROM: Final = 32 * 1024 * 1024  # bytes; below it nothing can be harmed
_STEP: Final = 1024 * 1024
_END: Final = b"PK\x05\x06"
_END_64: Final = b"PK\x06\x06"
_METHODS: Final = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))

DAMAGE: Final = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, OSError, RuntimeError)


Package = zipfile.ZipFile | Unlisted


def open_zip(file: IO[bytes]) -> Package:
    """A zip file whose directory is of a size that people have; where it has none, what its members say of themselves.

    Raises UsageError, and `DAMAGE` as zipfile does.
    """
    size = _directory_size(file)
    if size > MAX_DIRECTORY:
        raise UsageError(f"a zip file with a directory of {size >> 20:,} MB")
    file.seek(0)
    try:
        package = zipfile.ZipFile(file)
    except zipfile.BadZipFile:
        if (unlisted := members_of(file)) is not None:
            return unlisted
        raise
    if sum(info.compress_size for info in package.infolist()) > file.seek(0, 2):
        raise UsageError("a zip file with members that overlap, or are not there")
    return package


def _directory_size(file: IO[bytes]) -> int:
    """Bytes of the central directory as its end record says (APPNOTE.TXT, 4.3.14 and 4.3.16); 0 where there is none."""
    end = file.seek(0, 2)
    file.seek(max(end - 66_000, 0))
    tail = file.read(66_000)
    at = tail.rfind(_END)
    if at < 0:
        return 0
    small = int.from_bytes(tail[at + 12 : at + 16], "little")
    at_64 = tail.rfind(_END_64, 0, at)
    large = int.from_bytes(tail[at_64 + 40 : at_64 + 48], "little") if at_64 >= 0 else 0
    return max(large, 0 if small == 0xFFFFFFFF else small)


def read_member(package: Package, name: str, limit: int) -> bytes:
    """A whole member of at most `limit` bytes. Raises UsageError for what is too large or packed otherwise."""
    return b"".join(member_pieces(package, name, limit))


def member_pieces(package: Package, name: str, limit: int) -> Iterator[bytes]:
    """A member in pieces. Raises UsageError as soon as it is too large, or packed too well to be true.

    One that is damaged gives all that can be unpacked before `DAMAGE` is raised, which does not name it.
    """
    info = package.getinfo(name)
    if info.compress_type not in _METHODS:
        raise UsageError(f"{name} is packed by method {info.compress_type}; stored and deflated members are read")
    if info.flag_bits & 1:
        raise UsageError(f"{name} is encrypted")
    total, crc = 0, 0
    for piece in _unpacked(package, info):
        total, crc = total + len(piece), zlib.crc32(piece, crc)
        if total > limit:
            raise UsageError(f"{name} unpacks to more than {limit / 2**20:,.0f} MB")
        if total > RATIO_FROM and total > MAX_RATIO * max(info.compress_size, 1):
            raise UsageError(f"{name} unpacks to over {MAX_RATIO} times its size")
        yield piece
    if crc != info.CRC:
        raise zipfile.BadZipFile("its checksum is wrong")


def _unpacked(package: Package, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The bytes of a member behind its own header (APPNOTE.TXT, 4.3.7); `zipfile` gives none of what is damaged."""
    file = package.fp
    if file is None:
        raise ValueError("the zip file is closed")
    file.seek(info.header_offset)
    head = file.read(LENGTH)
    if not head.startswith(HEADER) or len(head) < LENGTH:
        raise zipfile.BadZipFile("no member begins where it should")
    names = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    at, left = info.header_offset + LENGTH + names, info.compress_size
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS) if info.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0:
        file.seek(at)
        data = file.read(min(left, _STEP))
        if not data:
            raise EOFError("the file ends within it")
        at, left = at + len(data), left - len(data)
        if unpacker is None:
            yield data
        while unpacker is not None and data:
            yield unpacker.decompress(data, _STEP)
            data = unpacker.unconsumed_tail
    if unpacker is not None:
        yield unpacker.flush()

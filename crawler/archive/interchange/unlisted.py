"""Zip files without a directory: cut off, or still being written. Their members are found by their own headers.

A file is read forward once, within bounds; what members mean, and how their bytes are unpacked, is not known here.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Final

HEADER: Final = b"PK\x03\x04"
LENGTH: Final = 30  # bytes of a member's own header, before its names
MAX_MEMBERS: Final = 65_536  # headers looked at, whole or not
MAX_UNPACKED: Final = 4 * 1024**3  # bytes that are unpacked to find where members end that do not tell
_DESCRIPTOR: Final = b"PK\x07\x08"
_STEP: Final = 1024 * 1024
_UNKNOWN: Final = 0xFFFFFFFF  # of a size that stands in the extra field (APPNOTE.TXT, 4.5.3)
_AFTER: Final = 0x08  # the flag of a member whose sizes stand behind it (4.4.4)


@dataclass(slots=True)
class Unlisted:
    """What is asked of a `zipfile.ZipFile`, of a file whose directory is missing. The last member may be cut off."""

    fp: IO[bytes] | None
    members: dict[str, zipfile.ZipInfo]

    def infolist(self) -> list[zipfile.ZipInfo]:
        """The members in their order."""
        return list(self.members.values())

    def namelist(self) -> list[str]:
        """Their names."""
        return list(self.members)

    def getinfo(self, name: str) -> zipfile.ZipInfo:
        """One member. Raises KeyError."""
        return self.members[name]

    def __enter__(self) -> Unlisted:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.fp = None  # the file is the caller's


def members_of(file: IO[bytes]) -> Unlisted | None:
    """The members that have headers; None of a file that begins with none."""
    size = file.seek(0, 2)
    file.seek(0)
    if file.read(4) != HEADER:
        return None
    found: dict[str, zipfile.ZipInfo] = {}
    at, budget = 0, MAX_UNPACKED
    for _ in range(MAX_MEMBERS):
        if not (0 <= at < size and budget > 0):
            break
        info, start = _member(file, at)
        if info is None:
            at = _next(file, at + 1)
            continue
        if info.flag_bits & _AFTER and not info.compress_size:
            info.compress_size, info.file_size, info.CRC = _measured(file, start, size, info, budget)
            budget -= info.file_size
        found.setdefault(info.filename, info)
        at = _next(file, start + info.compress_size)
    return Unlisted(file, found) if found else None


def _member(file: IO[bytes], at: int) -> tuple[zipfile.ZipInfo | None, int]:
    """The member whose header is at `at`, and where its bytes begin; None where the header is not whole."""
    file.seek(at)
    head = file.read(LENGTH)
    names, extras = int.from_bytes(head[26:28], "little"), int.from_bytes(head[28:30], "little")
    rest = file.read(names + extras)
    if len(head) < LENGTH or not head.startswith(HEADER) or len(rest) < names + extras:
        return None, at
    flags = int.from_bytes(head[6:8], "little")
    name = rest[:names].decode("utf-8" if flags & 0x800 else "cp437", "replace")
    if not name:
        return None, at
    info = zipfile.ZipInfo(name)
    info.flag_bits, info.header_offset = flags, at
    info.compress_type = int.from_bytes(head[8:10], "little")
    info.CRC = int.from_bytes(head[14:18], "little")
    info.compress_size, info.file_size = (int.from_bytes(head[n : n + 4], "little") for n in (18, 22))
    if _UNKNOWN in (info.compress_size, info.file_size):
        _take_large_sizes(info, rest[names:])
    return info, at + LENGTH + names + extras


def _take_large_sizes(info: zipfile.ZipInfo, extra: bytes) -> None:
    at = 0
    while at + 4 <= len(extra):
        kind, length = (int.from_bytes(extra[n : n + 2], "little") for n in (at, at + 2))
        if kind == 1 and length >= 16:
            info.file_size, info.compress_size = (int.from_bytes(extra[n : n + 8], "little") for n in (at + 4, at + 12))
        at += 4 + length


def _measured(file: IO[bytes], start: int, size: int, info: zipfile.ZipInfo, budget: int) -> tuple[int, int, int]:
    """Packed size, size and checksum of a member that does not tell them: up to the end of what is packed there.

    A stored one ends where its descriptor tells of as many bytes; what does not end goes on to the end of the file.
    """
    if info.compress_type != zipfile.ZIP_DEFLATED:
        at = start
        while (at := _next(file, at, _DESCRIPTOR)) >= 0:
            file.seek(at + 4)
            told = [int.from_bytes(file.read(4), "little") for _ in range(3)]
            if told[1] == told[2] == at - start:
                return told[1], told[2], told[0]
            at += 1
        return size - start, size - start, 0
    unpacker, crc, total = zlib.decompressobj(-zlib.MAX_WBITS), 0, 0
    file.seek(start)
    try:
        while not unpacker.eof and total <= budget and (data := unpacker.unconsumed_tail or file.read(_STEP)):
            piece = unpacker.decompress(data, _STEP)
            crc, total = zlib.crc32(piece, crc), total + len(piece)
    except zlib.error:
        return size - start, total, 0
    if not unpacker.eof:
        return size - start, total, 0
    return file.tell() - len(unpacker.unused_data) - start, total, crc


def _next(file: IO[bytes], at: int, mark: bytes = HEADER) -> int:
    """Where the next member, or another mark, begins from `at` on; less than 0 where none does."""
    file.seek(at)
    if file.read(len(mark)) == mark:  # nearly always; what follows reads much
        return at
    file.seek(at)
    before = b""
    while data := file.read(_STEP):
        found = (before + data).find(mark)
        if found >= 0:
            return at - len(before) + found
        at, before = at + len(data), (before + data)[-len(mark) + 1 :]
    return -1

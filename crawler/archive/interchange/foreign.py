"""Records of other people's WARC and ARC files, read past any damage.

A record that is not whole costs itself alone and is named; what lies behind it is found by where the next one begins.
Which records are pages is `incoming`'s business. The formats: https://iipc.github.io/warc-specifications/ and
https://archive.org/web/researcher/ArcFileFormat.php
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from crawler.archive import warc
from crawler.archive.interchange.unpack import Gap
from crawler.core.counts import Counted

MAX_RECORD: Final = 64 * 1024 * 1024  # bytes of one record; longer ones are films
MAX_HEAD: Final = 256 * 1024  # bytes of one header block
MAX_FIELDS: Final = 1_000  # lines of one header block
MAX_WASTED: Final = 4 * 1024**3  # bytes looked at in records that were not whole, after which a file is given up
MAX_JUNK: Final = 32 * 1024 * 1024  # bytes of no record that are passed over in a packed file that is smaller itself
TAIL: Final = 6 * 1024  # bytes in which the beginning of a record must fit, to be found behind junk

_WARC = rb"(?i:WARC)/[01]\.\d{1,2}[ \t\r]*\n"
_ARC = rb"(?:https?|ftp|dns|filedesc|warcinfo):[^\r\n]{1,5000} [0-9A-Fa-f.:-]{1,45} \d{14} [^\r\n]{0,400}?\d{1,15}\r?\n"
_BEGIN = re.compile(_WARC + b"|" + _ARC)
_LATER = re.compile(rb"(?<=\n)(?:" + _WARC + b"|" + _ARC + b")|" + _WARC + rb"(?=[A-Za-z-]{1,40}:)")
_NEXT = re.compile(rb"\r?\n\r?\n(?=WARC/[01]\.\d{1,2}\r?\n)")
_HEAD_END = re.compile(rb"\r*\n\r*\n")
_HTTP_LENGTH = re.compile(rb"(?i)\ncontent-length:[ \t]*(\d{1,12})[ \t]*\r?\n")
_URL_SAFE: Final = str.maketrans("-_", "+/")
_BLANK = re.compile(rb"[\r\n]*")

Say = Callable[[str], None]


def records(pieces: Iterator[bytes | Gap], lost: Say, size: int = 0) -> Iterator[warc.Record]:
    """Every whole record; `lost` hears of each that is not, and of bytes that belong to none.

    `size`: bytes of the file; what is unpacked from it may hold no more junk than that (`MAX_JUNK`), or it is a bomb.
    """
    stream = _Stream(pieces)
    after_loss, room = False, max(size, MAX_JUNK)
    while stream.goes_on(lost):
        if stream.wasted > MAX_WASTED:
            lost("too much of it is damaged; the rest is left out")
            return
        if not _BEGIN.match(stream.peek(TAIL)):
            skipped = stream.skip_to_record(room)
            room -= skipped
            if room < 0:
                lost(f"over {max(size, MAX_JUNK):,} bytes of it are no record; the rest is left out")
                return
            if not after_loss:
                lost(f"{Counted(skipped):byte} of no record")
            after_loss = False
            continue
        record = _record(stream, lost)
        after_loss = record is None or not stream.peek(1).startswith((b"\r", b"\n"))
        if record is not None:
            yield record


def begins_record(data: bytes) -> bool:
    """Whether bytes begin as a record does."""
    return _BEGIN.match(data[:TAIL].lstrip(b"\r\n")) is not None


def _record(stream: _Stream, lost: Say) -> warc.Record | None:
    """The record that begins here; None for one that is not whole, of which something was said."""
    head, length, headers = _head(stream)
    if length is None:
        lost("a record without a length" if head else "a record whose header does not end")
        stream.drop(5)
        return None
    name = f"the record of {headers.get('warc-target-uri') or headers.get('warc-type') or 'nothing'}"
    if length > MAX_RECORD:
        lost(f"{name} has {length >> 20:,} MB; records of at most {MAX_RECORD >> 20} MB are read")
        stream.drop(head)
        stream.drop(length)
        return None
    block = stream.peek(head + length)[head:]
    record = warc.Record(headers, block)
    whole = len(block) == length and _ends_well(stream, head + length, record)
    damaged = _ends_in_damage(stream, head + length)
    if whole:
        if not damaged and _digest(record) is False:
            lost(f"{name} differs from its digest; it is taken as it is")
        stream.drop(head + length)
        if damaged:
            stream.pass_gap(lost, f"{name} is whole by its {'digest' if _agrees(record) else 'length'}, and taken")
        return record
    doubted = len(block) == length and damaged and _agrees(record) is False
    if len(block) < length:
        lost(f"{name} says it has {Counted(length):byte}, and has {len(block):,}")
    else:
        lost(f"{name} {'differs from its digest' if doubted else 'does not end where its length says'}")
    if not doubted and (inner := _inner_length(stream, head, record) or _counted_in_characters(stream, head, length)):
        block = stream.peek(head + inner)[head:]
        stream.drop(head + inner)
        return warc.Record(headers, block)
    stream.wasted += len(block)
    stream.drop(5)  # what was taken for its block may hold whole records
    return None


def _inner_length(stream: _Stream, head: int, record: warc.Record) -> int:
    """Bytes of a block whose HTTP response is whole by its own Content-Length; 0 where it is not."""
    if not record.block.startswith(b"HTTP/"):
        return 0
    end = _HEAD_END.search(record.block, 0, MAX_HEAD)
    said = _HTTP_LENGTH.search(record.block, 0, end.end()) if end else None
    size = end.end() + int(said[1]) if end and said else 0
    if size <= len(record.block):
        return size
    longer = size <= MAX_RECORD and len(stream.peek(head + size)) == head + size
    return size if longer and _ends_well(stream, head + size, record) else 0


def _counted_in_characters(stream: _Stream, head: int, length: int) -> int:
    """Bytes of a block whose length counts what a JavaScript string does, units of UTF-16; 0 where it does not."""
    block = stream.peek(min(head + 3 * length, MAX_RECORD) + TAIL)[head:]  # a unit has three bytes of UTF-8 at most
    end = _NEXT.search(block, length)
    size = end.start() if end else len(block.rstrip(b"\r\n"))
    try:
        units = len(block[:size].decode().encode("utf-16-le")) // 2
    except UnicodeDecodeError:
        return 0
    return size if units == length else 0


def _head(stream: _Stream) -> tuple[int, int | None, dict[str, str]]:
    """Bytes of the header, length of the block, fields; 0 where no header ends, None where none tells a length."""
    start = stream.peek(TAIL)
    line, _, _ = start.partition(b"\n")
    if start[:5].upper() != b"WARC/":
        return _arc_head(line)
    found = _HEAD_END.search(start) or _HEAD_END.search(stream.peek(MAX_HEAD))
    if found is None:
        return 0, None, {}
    lines = stream.peek(found.start()).replace(b"\r", b"").split(b"\n")
    if len(lines) > MAX_FIELDS:
        return found.end(), None, {}
    headers = warc.parse_headers(b"\r\n".join(_unfolded(lines)))
    if "warc-target-uri" in headers:
        headers["warc-target-uri"] = _target(headers["warc-target-uri"])
    length = headers.get("content-length", "")
    return found.end(), int(length) if re.fullmatch(r"\d{1,15}", length, re.ASCII) else None, headers


def _target(written: str) -> str:
    """An address without the angle brackets of wget 1.14 to 1.20, and without the spaces of old crawlers."""
    return written.strip("<> ").replace(" ", "%20")


def _unfolded(lines: list[bytes]) -> Iterator[bytes]:
    """Header lines, those that go on in the next one joined (WARC 1.0, 4)."""
    joined = b""
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            joined += b" " + line.strip()
            continue
        yield from (joined,) if joined else ()
        joined = line
    yield joined


def _arc_head(line: bytes) -> tuple[int, int | None, dict[str, str]]:
    """URL, address, date, type, …, length, divided by single spaces (version 1 and 2); old URLs have spaces too."""
    text = line.decode("utf-8", "replace").strip()
    found = re.match(r"(\S.*?) ([0-9A-Fa-f.:-]+) (\d{14}) (.*?) ?(\d+)$", text)
    if found is None:
        return len(line) + 1, None, {}
    url, _, date, kind, length = found.groups()
    headers = {
        "warc-type": "warcinfo" if url.startswith(("filedesc:", "warcinfo:")) else "response",
        "warc-target-uri": _target(url),
        "warc-date": date,
        "content-type": kind.split(" ")[0],
    }
    return len(line) + 1, int(length), headers


def _ends_well(stream: _Stream, end: int, record: warc.Record) -> bool:
    """Does a record end where its length says: a blank line, the next record or the end, and no damage just there?"""
    if _ends_in_damage(stream, end):
        agrees = _agrees(record)
        return stream.unchecked if agrees is None else agrees
    rest = stream.peek(end + TAIL)[end:]
    blank = _BLANK.match(rest)
    after = blank.end() if blank else 0
    if after == len(rest) or _BEGIN.match(rest, after):
        return True
    return rest.startswith((b"\r\n\r\n", b"\n\n")) or _digest(record) is True


def _ends_in_damage(stream: _Stream, end: int) -> bool:
    """Whether nothing but blank lines follows before what the record was packed in is damaged, or not checked."""
    rest = stream.peek(end + TAIL)[end:]
    return not rest.strip(b"\r\n") and stream.damaged_behind(end + len(rest))


def _digest(record: warc.Record) -> bool | None:
    """Whether the block is what WARC-Block-Digest says; None where it says nothing that we know."""
    return _is_digest(record.headers.get("warc-block-digest", ""), record.block)


def _agrees(record: warc.Record) -> bool | None:
    """As `_digest`; where nothing is said of the block, of the payload of a response.

    Writers do not agree on whether chunks are of the payload: one in chunks that differs says nothing.
    """
    block, said = _digest(record), record.headers.get("warc-payload-digest", "")
    head = _HEAD_END.search(record.block, 0, MAX_HEAD)
    if block is not None or record.type != "response" or not head:
        return block
    same = _is_digest(said, record.block[head.end() :])
    return same or (None if b"chunked" in head.string[: head.end()].lower() else same)


def _is_digest(written: str, data: bytes) -> bool | None:
    """Whether data has a digest; None where it is of a kind that we do not know."""
    kind, _, said = written.partition(":")
    if kind.lower() not in ("sha1", "sha256", "md5") or not said:
        return None
    digest = hashlib.new(kind.lower(), data, usedforsecurity=False).digest()
    return said.lower() == digest.hex() or digest in _unpacked(said)


def _unpacked(text: str) -> Iterator[bytes]:
    """What a digest says in base 32, as most write it, and in base 64."""
    try:
        yield base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        pass
    try:
        yield base64.b64decode(text.translate(_URL_SAFE) + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        pass


def date_of(written: str) -> datetime | None:
    """WARC-Date of any precision (WARC 1.1, 5.4), or the fourteen digits of ARC; UTC where no zone is named."""
    digits = re.fullmatch(
        r"(\d{4})-?(\d\d)?-?(\d\d)?T?(\d\d)?:?(\d\d)?:?(\d\d)?(?:\.\d+)?Z?", written.strip(), re.ASCII
    )
    try:
        if digits is None:
            found = datetime.fromisoformat(written.strip())
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        if "." in written:
            return datetime.fromisoformat(written.strip().removesuffix("Z")).replace(tzinfo=UTC)
        year, month, day, hour, minute, second = (int(part or 0) for part in digits.groups())
        return datetime(year, month or 1, day or 1, hour, minute, second, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


class _Stream:
    """Bytes looked at before they are taken, and the gaps between them."""

    def __init__(self, pieces: Iterator[bytes | Gap]) -> None:
        self._pieces = pieces
        self._data = bytearray()
        self._gap: Gap | None = None
        self._ended = False
        self.wasted = 0

    def peek(self, size: int) -> bytes:
        """The next `size` bytes without taking them; fewer before a gap and at the end."""
        while len(self._data) < size and not self._gap and not self._ended:
            piece = next(self._pieces, None)
            if piece is None:
                self._ended = True
            elif isinstance(piece, Gap):
                self._gap = piece
            else:
                self._data += piece
        return bytes(memoryview(self._data)[:size])

    def drop(self, size: int) -> None:
        """Take bytes without looking at them; at a gap or the end, what there is."""
        while size > 0 and self.peek(1):
            taken = min(size, len(self._data))
            del self._data[:taken]
            size -= taken

    def goes_on(self, lost: Say) -> bool:
        """Pass over blank lines and gaps, naming the latter: does something follow?"""
        while True:
            while found := _BLANK.match(self.peek(TAIL)):
                if not found.end():
                    break
                self.drop(found.end())
            if self._data:
                return True
            if self._gap is None:
                return False
            lost(self._gap.what)
            self._gap = None

    @property
    def unchecked(self) -> bool:
        """Whether nothing speaks against the bytes before the next gap but that they could not be checked."""
        return self._gap is not None and self._gap.unchecked

    def pass_gap(self, lost: Say, said: str) -> None:
        """Go on behind the next gap, naming it together with what became of the bytes before it."""
        if self._gap is not None:
            lost(f"{self._gap.what}: {said}")
            self._gap = None

    def damaged_behind(self, size: int) -> bool:
        """Do the bytes end there because what they were packed in is damaged?"""
        return len(self._data) <= size and self._gap is not None and self._gap.inside

    def skip_to_record(self, room: int) -> int:
        """Go to where the next record begins, to a gap, or to the end; how many bytes were passed over.

        More than `room`: it was given up there.
        """
        skipped = 0
        while skipped <= room and self.peek(4 * TAIL):
            found = _LATER.search(self._data)
            if found:
                del self._data[: found.start()]
                return skipped + found.start()
            whole = self._gap is not None or self._ended
            passed = len(self._data) if whole else max(len(self._data) - TAIL, 1)
            del self._data[:passed]
            skipped += passed
        return skipped

"""The records of a capture made and packed by the process that read the page, as compressing costs more than all else.

What is packed is what is kept of a page that is new; where more is known of it, `writing` makes its records itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec

from crawler.archive.codec import PAGE_MIN, Codec, Gz
from crawler.archive.journal import CaptureLine, Span
from crawler.archive.keep import Keep
from crawler.archive.records import Content, write_capture
from crawler.archive.segments import codec_name, local_reader
from crawler.archive.warc import sha256

SPANS = ("response", "text", "readable")


@dataclass(frozen=True, slots=True)
class OpenSegment:
    """The segment that is being written, and whether raw bytes are kept."""

    folder: str
    name: str
    raw: bool


@dataclass(frozen=True, slots=True)
class PackedCapture:
    """Frames, and the line that speaks of them by their numbers; `segment`: whose dictionary was used, "" none."""

    codec: str
    segment: str
    keep: Keep
    line: CaptureLine
    frames: list[bytes]

    def placed(self, ident: int, spans: list[Span]) -> CaptureLine:
        """The line for a capture whose frames lie at these places."""
        numbers = {name: getattr(self.line, name) for name in SPANS}
        known = {name: spans[number[0]] for name, number in numbers.items() if number is not None}
        return msgspec.structs.replace(self.line, id=ident, **known)


def pack(content: Content, segment: OpenSegment) -> PackedCapture:
    """Make and pack the records of a page of which nothing is known yet."""
    codec = _packer(Path(segment.folder), segment.name)
    frames: list[bytes] = []
    asked = False

    def append(record: bytes, *, page: bool = False) -> Span:
        nonlocal asked
        asked = asked or (page and len(record) >= PAGE_MIN and not isinstance(codec, Gz))
        frames.append(codec.pack(record, page=page))
        return len(frames) - 1, 0

    keep = Keep(raw=segment.raw, text=bool(content.page.text))
    line = write_capture(content, keep, 0, sha256(content.fetch.body), None, append)
    return PackedCapture(codec_name(segment.name), segment.name if asked else "", keep, line, frames)


@lru_cache(maxsize=1)
def _packer(folder: Path, name: str) -> Codec:
    return local_reader(folder).packer(name)

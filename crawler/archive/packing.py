"""The records of a capture made and packed by the process that read the page, as compressing costs more than all else.

What is packed is what is kept of a page that is new; where more is known of it, `writing` makes its records itself.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from crawler.archive.codec import PAGE_MIN, Codec, Gz, Zst, zstd
from crawler.archive.journal import SPANS, CaptureLine, Span
from crawler.archive.keep import Keep
from crawler.archive.nouns import OpenSegment
from crawler.archive.records import Content, write_capture
from crawler.archive.segments import local_reader
from crawler.archive.warc import sha256
from crawler.core.errors import ArchiveError
from crawler.core.model import PackedCapture


class Made(NamedTuple):
    """What is kept of a capture, and its line, whose places are numbers of frames."""

    keep: Keep
    line: CaptureLine

    def placed(self, ident: int, spans: list[Span]) -> CaptureLine:
        """The line for a capture whose frames lie at these places."""
        numbers = {name: getattr(self.line, name) for name in SPANS}
        known = {name: spans[number[0]] for name, number in numbers.items() if number is not None}
        return msgspec.structs.replace(self.line, id=ident, **known)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Made).decode


def made_of(packed: PackedCapture) -> Made:
    """What was made of a capture where it was packed."""
    return _decode(packed.made)


def pack(content: Content, segment: OpenSegment, payload: str = "") -> PackedCapture | None:
    """Make and pack the records of a page of which nothing is known yet; None where that is left to the writer.

    `payload`: the digest of its body, where that is known.
    """
    try:
        return _pack(content, segment, payload)
    except (OSError, ArchiveError):  # the segment is gone: its writer says so
        return None
    except (MemoryError, zstd.ZstdError):  # a reader may take less memory than its writer
        return None


def _pack(content: Content, segment: OpenSegment, payload: str) -> PackedCapture | None:
    codec = _packer(Path(segment.folder), segment.name, segment.codec)
    is_plain = isinstance(codec, Gz)
    if segment.raw and not is_plain and not segment.large and len(content.fetch.body) >= PAGE_MIN:
        return None  # once the segment has its dictionary, it would be packed twice
    frames: list[bytes] = []
    asked = False

    def append(record: bytes, *, page: bool = False) -> Span:
        nonlocal asked
        asked = asked or (page and len(record) >= PAGE_MIN and not is_plain)
        frames.append(codec.pack(record, page=page))
        return len(frames) - 1, 0

    keep = Keep(raw=segment.raw, text=bool(content.page.text))
    line = write_capture(content, keep, 0, payload or sha256(content.fetch.body), None, append)
    made = _encode(Made(keep, line))
    return PackedCapture(segment.codec, segment.name if asked else "", made, frames)


@lru_cache(maxsize=1)
def _packer(folder: Path, name: str, codec: str) -> Codec:
    if name:
        return local_reader(folder).packer(name)
    return Gz() if codec == "gz" else Zst(None)

"""What a segment tells of itself: lines of JSON in `metadata` records, from which the index can be made again.

Each batch of checks ends with one such record. A line holds what the rows hold, and where in the same segment the
records of its capture lie. Only the lines' shape lives here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

import msgspec

from crawler.core.errors import ArchiveDamaged
from crawler.core.model import History, Redirect
from crawler.core.results import Run

CONTENT_TYPE: Final = "application/x-ndjson; profile=crawler.journal/1"
TARGET: Final = "urn:crawler:journal"

Span = tuple[int, int]  # offset in the segment's file, length there
SPANS: Final = ("response", "text", "readable")  # the fields of a `CaptureLine` that are one; of rows NAME_at, NAME_len


class CaptureData(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True):
    """What is known of a captured page beyond what rows are found by."""

    final_url: str
    content_type: str
    status: int
    title: str = ""
    author: str = ""
    published: str = ""
    text_chars: int = 0
    charset: str = ""
    lead_image: str = ""
    page_url: str = ""
    redirects: tuple[Redirect, ...] = ()


class CaptureLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A capture that a check brought; spans are None where nothing was written."""

    id: int
    data: CaptureData
    notice: bool = False
    revisit_of: int | None = None
    bytes_of: int | None = None  # the capture whose record holds the same bytes
    digest: str = ""  # of the page's text, as the page says it
    payload: str = ""  # "sha256:<hex>" of the body that was looked at
    raw_bytes: int = 0
    response: Span | None = None
    text: Span | None = None
    readable: Span | None = None


class CheckLine(msgspec.Struct, frozen=True, omit_defaults=True, tag="look"):  # the tag of older versions stays
    """One check and what it left in memory."""

    site: str
    host: str
    run: str
    at: datetime
    verdict: str
    reason: str
    rule: str
    history: History
    status: int | None = None
    error: str = ""
    final_url: str = ""  # "": the link's own
    seconds: float = 0.0
    bytes: int = 0
    names: str = ""  # the titles that the author of the notes wrote, one a line
    capture: CaptureLine | None = None
    said: str = ""  # fingerprint of the answer
    held: bool = False  # counts only when a `SettledLine` says so


class SettledLine(msgspec.Struct, frozen=True, omit_defaults=True, tag="settled"):
    """Held checks of a run that count from now on, or never will."""

    run: str
    links: list[str]  # canonical URLs
    believed: bool


class HistoryLine(msgspec.Struct, frozen=True, omit_defaults=True, tag="history"):
    """Memory that changed without a check: a link seen for the first time, or judged anew."""

    history: History
    site: str = ""
    host: str = ""


class RunLine(msgspec.Struct, frozen=True, omit_defaults=True, tag="run"):
    """A run that began, or ended."""

    run: Run


class HealthLine(msgspec.Struct, frozen=True, omit_defaults=True, tag="health"):
    """How many links of which site were in which state at the end of a run."""

    run: str
    at: datetime
    counts: list[tuple[str, str, int]]  # site, state, links


class ImageLine(msgspec.Struct, frozen=True, omit_defaults=True, tag="image"):
    """A picture kept with a capture; `span` is None where the same picture was there already."""

    capture: int
    url: str
    digest: str
    content_type: str
    size: int
    span: Span | None = None


Line = CheckLine | SettledLine | HistoryLine | RunLine | HealthLine | ImageLine

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


def encode(lines: Iterable[Line]) -> bytes:
    """Lines as the block of one journal record."""
    return _encoder.encode_lines(lines)


def decode(block: bytes) -> Iterator[Line]:
    """The lines of a journal record. Raises ArchiveDamaged; unknown keys of a newer writer are passed over."""
    for line in block.splitlines():
        try:
            yield _decoder.decode(line)
        except (msgspec.DecodeError, ValueError) as error:
            raise ArchiveDamaged(f"a journal line cannot be read: {error}") from error

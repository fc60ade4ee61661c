"""Captures made of the records themselves, where the journal that spoke of them is damaged.

A response record tells what was fetched, when and from where; the text and the readable copy beside it refer to it.
What nobody wrote into a record (verdict, history, titles of the notes) is lost, and the captures say so by their
reason, `recovered`; the link is due at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import unescape
from typing import Final

from crawler.archive import facts, warc
from crawler.archive.index import unpack_history
from crawler.archive.journal import CaptureData, CaptureLine, CheckLine
from crawler.archive.merging import SALVAGED, Merger
from crawler.archive.segments import SegmentReader
from crawler.core.errors import ArchiveDamaged
from crawler.core.model import History, Snapshot, State
from crawler.core.url import host_of

_TEXT: Final = "urn:text:"
_READABLE: Final = "urn:readable:"
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Loose:
    """A whole record that no journal speaks of: where it lies, and its headers."""

    offset: int
    length: int
    headers: Mapping[str, str]

    @property
    def span(self) -> tuple[int, int]:
        """Offset and length."""
        return self.offset, self.length


@dataclass(frozen=True, slots=True)
class _Response:
    """A loose response with what it says, and the loose records that refer to it."""

    record: Loose
    companions: Sequence[Loose]
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    @property
    def content_type(self) -> str:
        return next((value for key, value in self.headers if key.lower() == "content-type"), "")


def put(merger: Merger, reader: SegmentReader, name: str, segment: int, loose: Sequence[Loose]) -> int:
    """Rows for what is known of loose records; how many captures were made. Inside the caller's transaction."""
    requested = {record.headers.get("warc-concurrent-to") for record in _of_type(loose, "request")}
    made = 0
    for record in _of_type(loose, "response"):
        ident = record.headers.get("warc-record-id", "")
        if _is_known(merger, segment, record):
            continue
        try:
            answer = warc.split_http(reader.record(name, record.span).block)
        except ArchiveDamaged:
            continue  # it was whole a moment ago: a disk that is failing, and `verify` will tell
        companions = [
            r for r in loose if ident in (r.headers.get("warc-refers-to"), r.headers.get("warc-concurrent-to"))
        ]
        response = _Response(record, companions, *answer)
        if ident not in requested:  # a picture: whose it was, only its journal said
            _put_picture(merger, segment, response)
            continue
        line = _line(merger, reader, name, response)
        if line is not None:
            merger.replay(line, segment, record.offset)
            made += 1
    return made


def _of_type(loose: Iterable[Loose], kind: str) -> list[Loose]:
    return [record for record in loose if record.headers.get("warc-type") == kind]


def _is_known(merger: Merger, segment: int, record: Loose) -> bool:
    """Whether a row points at it: an index that was not lost knows more than the record."""
    row = merger.db.execute(
        "SELECT 1 FROM captures WHERE segment = ? AND response_at = ?"
        " UNION ALL SELECT 1 FROM pictures WHERE segment = ? AND at = ?",
        (segment, record.offset, segment, record.offset),
    ).fetchone()
    return row is not None


def _put_picture(merger: Merger, segment: int, picture: _Response) -> None:
    merger.db.execute(
        "INSERT OR IGNORE INTO pictures (digest, segment, at, length, content_type, size) VALUES (?, ?, ?, ?, ?, ?)",
        (
            bytes.fromhex(warc.sha256(picture.body)[7:]),
            segment,
            *picture.record.span,
            picture.content_type,
            len(picture.body),
        ),
    )


def _line(merger: Merger, reader: SegmentReader, name: str, response: _Response) -> CheckLine | None:
    """The line that the journal may have held, with what can still be known."""
    record, companions, status, body = response.record, response.companions, response.status, response.body
    at = _date(record.headers.get("warc-date", ""))
    target = record.headers.get("warc-target-uri", "")
    if at is None or not target:
        return None
    text = next((r for r in companions if r.headers.get("warc-target-uri", "").startswith(_TEXT)), None)
    readable = next((r for r in companions if r.headers.get("warc-target-uri", "").startswith(_READABLE)), None)
    url = text.headers["warc-target-uri"].removeprefix(_TEXT) if text else target
    canonical = record.headers.get(warc.IDENTITY.lower(), "")
    known = _known_link(merger, canonical, url, target)
    content = reader.record(name, text.span).block.decode("utf-8", "replace") if text else ""
    title = _title(reader, name, readable)
    digest = _digest(content)
    capture = CaptureLine(
        id=facts.next_capture(merger.db),
        data=CaptureData(
            final_url="" if target == url else target,
            content_type=response.content_type[:200],
            status=status,
            title=title,
            text_chars=len(content),
        ),
        notice=status >= 400,
        digest=digest,
        payload=warc.sha256(body),
        raw_bytes=len(body),
        response=record.span,
        text=text.span if text else None,
        readable=readable.span if readable else None,
    )
    snapshot = None if capture.notice else Snapshot(capture.id, at, title, len(content), digest)
    fresh = History(canonical or url, at, url, State.UNKNOWN, SALVAGED, page_title=title, snapshot=snapshot)
    history = replace(known, snapshot=known.snapshot or snapshot) if known else fresh
    return CheckLine(
        site="", host=host_of(url), run=SALVAGED, at=at, verdict=State.UNKNOWN.value, reason=SALVAGED, rule="",
        history=history, status=status, bytes=len(body), capture=capture,
    )  # fmt: skip


def _known_link(merger: Merger, *urls: str) -> History | None:
    """What is remembered of the link that has one of these addresses."""
    for url in filter(None, urls):
        row = merger.db.execute(
            "SELECT history FROM links WHERE canonical_url = ? OR url = ? ORDER BY canonical_url = ? DESC LIMIT 1",
            (url, url, url),
        ).fetchone()
        if row:
            return unpack_history(row[0])
    return None


def _title(reader: SegmentReader, name: str, readable: Loose | None) -> str:
    if readable is None:
        return ""
    found = _TITLE.search(reader.record(name, readable.span).block.decode("utf-8", "replace"))
    return " ".join(unescape(found[1]).split()) if found else ""


def _digest(text: str) -> str:
    """The digest that a page of this text has."""
    from crawler.page import digest_of

    return digest_of(text)


def _date(said: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)

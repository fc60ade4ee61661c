"""Segments to rows: the journal inside them read again, for a rebuild, after a crash, and when segments come in late.

A segment is to the index what a write-ahead log is to a database: what was synced there is kept, even where the index
never heard of it. Reading goes on behind damage; where a journal cannot be read, the records before it speak for
themselves (`salvage`).
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from crawler.archive import facts, journal, salvage, scan, segments
from crawler.archive.journal import SPANS, Span
from crawler.archive.merging import Merger
from crawler.archive.nouns import Damage
from crawler.archive.salvage import Loose
from crawler.archive.segments import SegmentReader
from crawler.archive.spread import Spread, pieces
from crawler.archive.store import number_of
from crawler.archive.times import micros
from crawler.core.counts import Counted
from crawler.core.errors import ArchiveDamaged

STRANGER = "unnamed"  # the lineage of segments of an older version that are another archive's


@dataclass(slots=True)
class Taken:
    """What was read from a part of a segment. `end`: behind the last whole batch."""

    end: int
    batches: int = 0
    damage: list[Damage] = field(default_factory=list)
    loose: list[Loose] = field(default_factory=list)  # records that no journal speaks of
    rest: int = 0  # bytes behind `end`
    torn: bool = False  # the rest is whole records and perhaps a cut one: a batch that was never acknowledged


def take_in(
    merger: Merger, reader: SegmentReader, name: str, segment: int, start: int, *, known: bool = False,
    spread: Spread | None = None,
) -> Taken:  # fmt: skip
    """Replay everything of a segment from `start` on; inside the caller's transaction.

    `known`: the index says where the acknowledged part ends, so a torn batch behind it was not acknowledged. Without an
    index nobody can tell it from one whose journal is damaged, and its whole records speak for themselves.
    Damaged places are noted as scars, so that they are reported once.
    """
    taken = Taken(start)
    waiting: list[Span] = []  # records since the last journal
    damaged: list[scan.Piece] = []  # likewise
    stop = start
    with contextlib.closing(pieces(reader, name, start, spread or Spread(Path()))) as found:
        for piece in found:
            stop = piece.end
            if piece.record is None or piece.problem:
                damaged.append(piece)
                continue
            if not piece.is_journal:
                waiting.append((piece.offset, piece.length))
                continue
            spans, problem = _replay(merger, piece, segment, set(waiting))
            if problem:
                damaged.append(scan.Piece(piece.offset, piece.length, None, problem))
            taken.batches += 1
            taken.end = piece.end
            _note(merger.db, segment, name, damaged, taken)
            if damaged:
                taken.loose += _loose(reader, name, [span for span in waiting if span[0] not in spans])
            waiting, damaged = [], []
    taken.rest = stop - taken.end
    at_end = bool(damaged) and damaged[-1].end == stop and damaged[-1].problem == "ends in the middle of a record"
    taken.torn = not damaged or (len(damaged) == 1 and at_end)
    if taken.torn and damaged and waiting and not known:
        what = f"a batch without its journal ({Counted(taken.rest):byte}): damaged, or never acknowledged"
        taken.damage.append(Damage(f"{name} at byte {taken.end}", what))
        taken.loose += _loose(reader, name, waiting)
    if not taken.torn:
        _note(merger.db, segment, name, damaged, taken)
        taken.loose += _loose(reader, name, waiting)
        taken.end, taken.rest = stop, 0
    return taken


def _loose(reader: SegmentReader, name: str, spans: Iterable[Span]) -> Iterator[Loose]:
    for span in spans:
        with contextlib.suppress(ArchiveDamaged):  # it was whole a moment ago: a disk that is failing
            yield Loose(*span, reader.record(name, span).headers)


def _replay(merger: Merger, piece: scan.Piece, segment: int, whole: Collection[Span]) -> tuple[set[int], str]:
    """Where the records lie that a journal speaks of, and what is wrong with it; no row will point at a damaged one."""
    assert piece.record is not None
    spans: set[int] = set()
    try:
        for line in journal.decode(piece.record.block):
            merger.replay(_without_damaged(line, whole), segment, piece.offset)
            spans |= set(_offsets(line))
    except ArchiveDamaged as error:
        return spans, f"journal: {error}"
    return spans, ""


def _without_damaged(line: journal.Line, whole: Collection[Span]) -> journal.Line:
    match line:
        case journal.CheckLine(capture=capture) if capture:
            spans = {name: span for name in SPANS if (span := getattr(capture, name)) is not None}
            broken = {name: None for name, span in spans.items() if span not in whole}
            if broken and len(broken) == len(spans) and capture.revisit_of is None:
                return msgspec.structs.replace(line, capture=None)
            return msgspec.structs.replace(line, capture=msgspec.structs.replace(capture, **broken)) if broken else line
        case journal.ImageLine(span=span) if span and span not in whole:
            return msgspec.structs.replace(line, span=None)
        case _:
            return line


def _offsets(line: journal.Line) -> Iterable[int]:
    match line:
        case journal.CheckLine(capture=capture) if capture:
            return [span[0] for name in SPANS if (span := getattr(capture, name))]
        case journal.ImageLine(span=span) if span:
            return [span[0]]
        case _:
            return []


def _note(db: sqlite3.Connection, segment: int, name: str, damaged: Iterable[scan.Piece], taken: Taken) -> None:
    for piece in damaged:
        taken.damage.append(Damage(f"{name} at byte {piece.offset}", f"{piece.problem} ({Counted(piece.length):byte})"))
        db.execute("INSERT OR REPLACE INTO scars VALUES (?, ?, ?)", (segment, piece.offset, piece.length))


def salvage_loose(merger: Merger, reader: SegmentReader, name: str, segment: int, taken: Taken) -> int:
    """Captures made of records whose journal is damaged; how many."""
    return salvage.put(merger, reader, name, segment, taken.loose)


def add_segment(db: sqlite3.Connection, reader: SegmentReader, name: str) -> tuple[int, int] | None:
    """A closed row for a segment that has none: its number in the index, and where its records begin.

    None where not one whole record can be found in it.
    """
    damaged = 0
    try:
        start = reader.start(name)
    except ArchiveDamaged:
        start = 0
    info, first = None, None
    with reader.store.view(name) as data:
        for piece in scan.pieces(reader.codec(name), data, start):
            if piece.record is not None:
                first = piece
                info = piece.record if piece.record.type == "warcinfo" else None
                break
            damaged += 1
    if first is None:
        return None
    begin = first.end if info and not damaged else start
    row = (
        name,
        segments.codec_name(name),
        begin,
        begin,
        micros(_opened(name)),
        start > 0,
        number_of(name),
        _lineage(db, name, segments.lineage_of(info) if info else ""),
    )
    (ident,) = db.execute("SELECT coalesce(max(id), 0) + 1 FROM segments").fetchone()
    db.execute(
        "INSERT INTO segments (id, name, codec, size, head, opened_at, dictionary, closed, number, lineage)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?)",
        (ident, *row),
    )
    return int(ident), begin


def _lineage(db: sqlite3.Connection, name: str, said: str) -> str:
    """Of which archive a segment is; one that does not say is ours, unless its number is taken."""
    own = facts.get(db, facts.LINEAGE)
    if said:
        return said
    taken = db.execute(
        "SELECT 1 FROM segments WHERE number = ? AND lineage IN ('', ?) AND name <> ?", (number_of(name), own, name)
    ).fetchone()
    return STRANGER if taken else own


def _opened(name: str) -> datetime:
    try:
        return datetime.strptime(name[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)

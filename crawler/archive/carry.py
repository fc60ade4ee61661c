"""What an old index knew and the segments do not tell (any more), carried over into a new one.

The cache of notes and the slots' politeness are in no segment at all; memories, checks and captures are missing where
a journal is damaged or a segment is gone. A damaged old index is read as far as it can be.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from crawler.archive import disk, documents, due, facts, indexonly, schema, warc
from crawler.archive.index import unpack_history, unpack_run
from crawler.archive.merging import Merger
from crawler.archive.nouns import Damage
from crawler.archive.order import Position, combined, supersedes
from crawler.archive.segments import INDEX, SegmentReader
from crawler.core.errors import ArchiveDamaged, ArchiveError

_MADE_ANEW: Final = (documents.STAMP, documents.DEFERRED)  # of `derived`: said of search tables, which are not copied


@dataclass(slots=True)
class _Carrier:
    old: sqlite3.Connection
    merger: Merger
    reader: SegmentReader
    segments: dict[int, int] = field(default_factory=dict)  # numbers of rows: old -> new
    links: dict[int, int] = field(default_factory=dict)
    runs: dict[int, int] = field(default_factory=dict)
    captures: dict[int, int] = field(default_factory=dict)
    pictures: dict[int, int] = field(default_factory=dict)

    @property
    def db(self) -> sqlite3.Connection:
        """The new index."""
        return self.merger.db


def lineage(old: Path) -> str:
    """The name of the archive, as its old index has it; "" where that cannot be read."""
    with contextlib.suppress(ArchiveError, sqlite3.Error), contextlib.closing(_opened(old)) as db:
        return facts.get(db, facts.LINEAGE)
    return ""


def carry_over(merger: Merger, reader: SegmentReader, old: Path) -> list[Damage]:
    """Copy what is not there yet, inside the caller's transaction; what of the old index cannot be read."""
    if not old.exists():
        return []
    try:
        db = _opened(old)
    except ArchiveError:
        return [Damage(INDEX, "cannot be read: what it knew beyond the segments (the cache of notes, pauses) is lost")]
    damage = []
    with contextlib.closing(db):
        carrier = _Carrier(db, merger, reader)
        for what, copy in _STEPS:
            try:
                copy(carrier)
            except sqlite3.DatabaseError as error:
                damage.append(Damage(INDEX, f"{what}: not all of them can be read ({error})"))
    return damage


def _opened(old: Path) -> sqlite3.Connection:
    if not old.exists():
        raise ArchiveError(f"{old} is missing")
    with disk.translated(old):
        return schema.open_reader(old)


def _facts(carrier: _Carrier) -> None:
    for name, value in carrier.old.execute("SELECT name, value FROM facts"):
        if not facts.get(carrier.db, name):
            facts.put(carrier.db, name, value)
    for row in carrier.old.execute("SELECT scope, old, new FROM renumbered"):
        carrier.db.execute("INSERT OR IGNORE INTO renumbered (scope, old, new) VALUES (?, ?, ?)", row)


def _tables(carrier: _Carrier) -> None:
    for table in indexonly.TABLES:
        for row in carrier.old.execute(f"SELECT * FROM {table}"):  # noqa: S608  # our names
            marks = ", ".join("?" * len(row))
            if table != "derived" or row[0] not in _MADE_ANEW:
                carrier.db.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)  # noqa: S608  # our names


def _segments(carrier: _Carrier) -> None:
    """Rows of segments, also of missing ones: should they be put back, their captures are there."""
    columns = "name, codec, size, head, opened_at, dictionary, number, lineage"
    for ident, *row in carrier.old.execute(f"SELECT id, {columns} FROM segments"):  # noqa: S608  # ours
        there = carrier.db.execute("SELECT id FROM segments WHERE name = ?", (row[0],)).fetchone()
        if there is None:
            cursor = carrier.db.execute(
                f"INSERT INTO segments ({columns}, closed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)",  # noqa: S608  # ours
                row,
            )
            there = (cursor.lastrowid,)
        carrier.segments[ident] = there[0]
    carrier.merger.forget_cache()


def _objects(carrier: _Carrier) -> None:
    """What lies in an object store that could not be listed, since none is set."""
    for row in carrier.old.execute("SELECT name, url, size, etag, digest FROM objects"):
        carrier.db.execute("INSERT OR IGNORE INTO objects (name, url, size, etag, digest) VALUES (?, ?, ?, ?, ?)", row)


def _links(carrier: _Carrier) -> None:
    columns = "id, canonical_url, url, site, host, state, history, segment, place"
    for ident, key, *rest, segment, place in carrier.old.execute(f"SELECT {columns} FROM links"):  # noqa: S608  # ours
        there = carrier.db.execute(
            "SELECT id, history, segment, place FROM links WHERE canonical_url = ?", (key,)
        ).fetchone()
        segment = carrier.segments.get(segment, 0)
        if there is None:
            cursor = carrier.db.execute(
                f"INSERT INTO links (canonical_url, url, site, host, state, history, segment, place, {due.NAMES})"  # noqa: S608  # names of columns
                f" VALUES (?, ?, ?, ?, ?, ?, ?, ?, {due.MARKS})",
                (key, *rest, segment, place, *due.columns(unpack_history(rest[-1]))),
            )
            carrier.links[ident] = cursor.lastrowid or 0
            continue
        carrier.links[ident] = there[0]
        if there[1] != rest[-1]:
            _merge_history(carrier, there, rest[-1], segment, place)


def _merge_history(carrier: _Carrier, there: tuple[Any, ...], blob: bytes, segment: int, place: int) -> None:
    mine, theirs = unpack_history(there[1]), unpack_history(blob)
    own = carrier.merger.lineage
    at = carrier.merger.position(segment, place) or Position("", 0, "", 0, own=False)
    before = carrier.merger.position(there[2], there[3])
    if supersedes(theirs, at, mine, before, carrier.merger.index.now()):
        carrier.merger.put_history(there[0], combined(theirs, mine))
    elif before and before.lineage != own:
        carrier.merger.put_history(there[0], combined(mine, theirs))


def _runs(carrier: _Carrier) -> None:
    for ident, name, data in carrier.old.execute("SELECT id, name, data FROM runs ORDER BY id"):
        number = carrier.runs[ident] = carrier.merger.index.run_number(name)
        (blob,) = carrier.db.execute("SELECT data FROM runs WHERE id = ?", (number,)).fetchone()
        if data is not None and (blob is None or unpack_run(blob).finished_at is None):
            carrier.db.execute("UPDATE runs SET data = ? WHERE id = ?", (data, number))
    for run, *row in carrier.old.execute("SELECT run, at, site, state, links FROM health"):
        if run in carrier.runs:
            carrier.db.execute(
                "INSERT OR IGNORE INTO health (run, at, site, state, links) VALUES (?, ?, ?, ?, ?)",
                (carrier.runs[run], *row),
            )


def _checks(carrier: _Carrier) -> None:
    columns = "at, state, verdict, reason, rule, status, error, final_url, seconds, bytes"
    for link, run, at, *row in carrier.old.execute(f"SELECT link, run, {columns} FROM checks ORDER BY id"):  # noqa: S608  # ours
        if link not in carrier.links or run not in carrier.runs:
            continue
        place = (carrier.links[link], carrier.runs[run], at)
        there = carrier.db.execute("SELECT 1 FROM checks WHERE link = ? AND run = ? AND at = ?", place).fetchone()
        if there is None:
            carrier.db.execute(
                f"INSERT INTO checks (link, run, {columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608  # ours
                (*place, *row),
            )


_CAPTURE_COLUMNS: Final = (
    "at, segment, revisit_of, bytes_of, notice, state, reason, digest, payload, response_at, response_len, text_at,"
    " text_len, readable_at, readable_len, raw_bytes, data"
)
_FIRST_PLACE: Final = 7  # of response_at, counted from revisit_of


def _captures(carrier: _Carrier) -> None:
    rows = carrier.old.execute(f"SELECT id, link, payload, {_CAPTURE_COLUMNS} FROM captures ORDER BY id")  # noqa: S608  # ours
    for ident, link, payload, at, segment, *row in rows:
        if link not in carrier.links or segment not in carrier.segments:
            continue
        there = carrier.db.execute(
            "SELECT id FROM captures WHERE link = ? AND at = ? AND payload IS ?", (carrier.links[link], at, payload)
        ).fetchone()
        if there is None:
            whole = _without_broken_places(carrier, carrier.segments[segment], row)
            if whole is not None:
                carrier.captures[ident] = _insert_capture(carrier, ident, link, (at, carrier.segments[segment], *whole))
        else:
            carrier.captures[ident] = there[0]


def _without_broken_places(carrier: _Carrier, segment: int, row: list[Any]) -> list[Any] | None:
    """The row without places of a segment where no whole record lies; None where nothing is left of it."""
    (name,) = carrier.db.execute("SELECT name FROM segments WHERE id = ?", (segment,)).fetchone()
    if name not in carrier.merger.present:
        return row  # the segment may be put back
    places = [n for n in range(_FIRST_PLACE, _FIRST_PLACE + 6, 2) if row[n] is not None]
    broken = [n for n in places if not _is_whole(carrier.reader, name, (row[n], row[n + 1]))]
    if broken and broken == places and row[0] is None:
        return None
    return [None if n in broken or n - 1 in broken else value for n, value in enumerate(row)]


def _is_whole(reader: SegmentReader, name: str, span: tuple[int, int]) -> bool:
    try:
        return not warc.check_digests(reader.record(name, span))
    except ArchiveDamaged:
        return False


def _insert_capture(carrier: _Carrier, ident: int, link: int, row: tuple[Any, ...]) -> int:
    taken = carrier.db.execute("SELECT 1 FROM captures WHERE id = ?", (ident,)).fetchone()
    number = facts.next_capture(carrier.db) if taken else ident
    marks = ", ".join("?" * (len(row) + 2))
    carrier.db.execute(
        f"INSERT INTO captures (id, link, {_CAPTURE_COLUMNS}) VALUES ({marks})",  # noqa: S608  # ours
        (number, carrier.links[link], *row),
    )
    carrier.merger.leave_open(carrier.links[link])
    return number


def _images(carrier: _Carrier) -> None:
    for ident, digest, segment, *row in carrier.old.execute(
        "SELECT id, digest, segment, at, length, content_type, size FROM pictures"
    ):
        there = carrier.db.execute("SELECT id FROM pictures WHERE digest = ?", (digest,)).fetchone()
        if there is None and segment in carrier.segments:
            cursor = carrier.db.execute(
                "INSERT INTO pictures (digest, segment, at, length, content_type, size) VALUES (?, ?, ?, ?, ?, ?)",
                (digest, carrier.segments[segment], *row),
            )
            there = (cursor.lastrowid,)
        if there is not None:
            carrier.pictures[ident] = there[0]
    for capture, url, picture in carrier.old.execute("SELECT capture, url, picture FROM images"):
        if capture in carrier.captures and picture in carrier.pictures:
            carrier.db.execute(
                "INSERT OR IGNORE INTO images (capture, url, picture) VALUES (?, ?, ?)",
                (carrier.captures[capture], url, carrier.pictures[picture]),
            )


_STEPS: Final[tuple[tuple[str, Callable[[_Carrier], None]], ...]] = (
    ("facts", _facts),
    ("caches", _tables),
    ("segments", _segments),
    ("objects", _objects),
    ("links", _links),
    ("runs", _runs),
    ("checks", _checks),
    ("captures", _captures),
    ("pictures", _images),
)

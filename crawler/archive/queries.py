"""Rows to nouns: everything that is asked of the index, search aside. Nothing is written here."""

from __future__ import annotations

import contextlib
import gc
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import msgspec

from crawler.archive import journal
from crawler.archive.index import packed_digest, unpack_history, unpack_run, unpacked_digest
from crawler.archive.journal import CaptureData, CaptureLine, CheckLine, Line, SettledLine, Span
from crawler.archive.keep import Known
from crawler.archive.nouns import Capture, HeldCheck, PastCheck, StoredImage
from crawler.archive.times import from_micros
from crawler.core.model import History, Snapshot, State
from crawler.core.results import Health, Run

_unpack_histories = msgspec.msgpack.Decoder(list[History]).decode
_unpack_data = msgspec.msgpack.Decoder(CaptureData).decode

_PAGE = 500  # captures read at a time, so that a long walk over them holds no read lock
_CAPTURE = (
    "SELECT c.id, l.url, l.canonical_url, l.site, l.host, c.at, c.state, c.reason, c.digest, c.revisit_of, c.notice,"
    " c.response_at IS NOT NULL OR c.bytes_of IS NOT NULL, c.data FROM captures c JOIN links l ON l.id = c.link "
)
IN_ORDER: Final = "ORDER BY c.at <= ?, c.at, c.id"  # oldest first; times after the parameter are a wrong clock's
Where = tuple[str, Span]  # segment file, place in it


@dataclass(frozen=True, slots=True)
class Places:
    """Where the records of a capture lie, revisits resolved; None where there is none."""

    response: Where | None
    text: Where | None
    readable: Where | None


def histories(db: sqlite3.Connection) -> dict[str, History]:
    """Memory of every link, by canonical URL."""
    with no_garbage():
        blobs = [blob for (blob,) in db.execute("SELECT history FROM links")]
        return {history.canonical_url: history for history in _unpack_histories(array(blobs))}


def array(blobs: Sequence[bytes]) -> bytes:
    """One array of all, to be decoded by one call: a fifth faster than one by one."""
    return b"".join((b"\xdd", len(blobs).to_bytes(4, "big"), *blobs))  # 0xdd: MessagePack's "array 32"


@contextlib.contextmanager
def no_garbage() -> Iterator[None]:
    """Let the collector rest: of 25,000 histories none is garbage, and looking for some takes a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def history(db: sqlite3.Connection, canonical_url: str) -> History | None:
    """Memory of one link."""
    row = db.execute("SELECT history FROM links WHERE canonical_url = ?", (canonical_url,)).fetchone()
    return unpack_history(row[0]) if row else None


def checks(db: sqlite3.Connection, canonical_url: str, limit: int, now: int) -> list[PastCheck]:
    """Every check of a link, newest first; `limit` 0: all. Times after `now` are a wrong clock's, and come last."""
    rows = db.execute(
        "SELECT k.at, k.state, k.verdict, k.reason, k.rule, k.status, k.error, coalesce(k.final_url, l.url), k.seconds,"
        " k.bytes, r.name FROM checks k JOIN links l ON l.id = k.link JOIN runs r ON r.id = k.run"
        " WHERE l.canonical_url = ? ORDER BY k.at > ?, k.at DESC, k.id DESC LIMIT ?",
        (canonical_url, now, limit or -1),
    )
    return [PastCheck(from_micros(at), State(state), State(verdict), *rest) for at, state, verdict, *rest in rows]


def held(db: sqlite3.Connection) -> list[HeldCheck]:
    """Checks whose run never judged them, and the others of the same runs, in the order of time."""
    waiting = [
        HeldCheck(
            line.run,
            line.history.canonical_url,
            line.host,
            line.at,
            line.said,
            line.error,
            State(line.verdict),
            held=True,
        )
        for (blob,) in db.execute("SELECT line FROM held ORDER BY id")
        for line in journal.decode(blob)
        if isinstance(line, CheckLine)
    ]
    counted = [
        HeldCheck(run, url, host, from_micros(at), "", error, State(verdict), held=False)
        for run in {one.run for one in waiting}
        for url, host, at, error, verdict in db.execute(
            "SELECT l.canonical_url, l.host, k.at, k.error, k.verdict FROM checks k JOIN links l ON l.id = k.link"
            " WHERE k.run = (SELECT id FROM runs WHERE name = ?)",
            (run,),
        )
    ]
    return sorted((*waiting, *counted), key=lambda one: one.at)


def runs(db: sqlite3.Connection, limit: int) -> list[Run]:
    """Runs, newest first; `limit` 0: all."""
    # Runs of segments that came in late have numbers below 1, the first of them the largest (`Index.run_number`).
    rows = db.execute(
        "SELECT data FROM runs WHERE data IS NOT NULL ORDER BY id < 1, CASE WHEN id < 1 THEN id ELSE -id END LIMIT ?",
        (limit or -1,),
    )
    return [unpack_run(data) for (data,) in rows]


def health(db: sqlite3.Connection, site: str | None) -> list[Health]:
    """How many links were in which state at the end of each run, oldest first; of one site, or of all (None)."""
    where, values = ("WHERE site = ?", (site,)) if site else ("", ())
    rows = db.execute(
        f"SELECT run, at, state, sum(links) FROM health {where} GROUP BY run, state ORDER BY at, run",  # noqa: S608  # ours
        values,
    ).fetchall()
    points = groupby(rows, key=lambda row: row[:2])
    return [Health(from_micros(at), tuple((State(row[2]), row[3]) for row in group)) for (_, at), group in points]


def counts(db: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """Links by site and state, now."""
    return db.execute("SELECT site, state, count(*) FROM links GROUP BY site, state").fetchall()


def snapshots(db: sqlite3.Connection, canonical_url: str, now: int) -> list[Snapshot]:
    """Kept captures of a link, oldest first; notices of its death left out."""
    rows = db.execute(f"{_CAPTURE} WHERE l.canonical_url = ? AND NOT c.notice {IN_ORDER}", (canonical_url, now))
    return [snapshot_of(_capture(row)) for row in rows]


def snapshot_of(capture: Capture) -> Snapshot:
    """A capture as reports show it."""
    return Snapshot(
        capture.id, capture.at, capture.title, capture.text_chars, capture.digest, capture.revisit
    )  # fmt: skip


def capture(db: sqlite3.Connection, ident: int) -> Capture | None:
    """One capture."""
    row = db.execute(f"{_CAPTURE} WHERE c.id = ?", (ident,)).fetchone()
    return _capture(row) if row else None


def captures(db: sqlite3.Connection) -> Iterator[Capture]:
    """All captures in the order in which they were kept, which is that of the segments."""
    last = 0
    while rows := db.execute(f"{_CAPTURE} WHERE c.id > ? ORDER BY c.id LIMIT ?", (last, _PAGE)).fetchall():
        yield from map(_capture, rows)
        last = rows[-1][0]


def captures_of(db: sqlite3.Connection, canonical_url: str, now: int) -> list[Capture]:
    """Captures of one link, oldest first, notices included."""
    rows = db.execute(f"{_CAPTURE} WHERE l.canonical_url = ? {IN_ORDER}", (canonical_url, now))
    return [_capture(row) for row in rows]


def _capture(row: Sequence[Any]) -> Capture:
    ident, url, canonical, site, host, at, state, reason, digest, revisit_of, notice, raw, blob = row
    data: CaptureData = _unpack_data(blob)
    return Capture(
        id=ident,
        url=url,
        canonical_url=canonical,
        site=site,
        host=host,
        at=from_micros(at),
        status=data.status,
        final_url=data.final_url or url,
        content_type=data.content_type,
        state=State(state),
        reason=reason,
        title=data.title,
        author=data.author,
        published=data.published,
        digest=unpacked_digest(digest),
        text_chars=data.text_chars,
        charset=data.charset,
        lead_image=data.lead_image,
        page_url=data.page_url,
        redirects=data.redirects,
        revisit_of=revisit_of,
        notice=bool(notice),
        raw=bool(raw),
    )


_PLACES: Final = (
    "SELECT s.name, c.response_at, c.response_len, c.text_at, c.text_len, c.readable_at, c.readable_len, c.revisit_of,"
    " c.bytes_of FROM captures c LEFT JOIN segments s ON s.id = c.segment WHERE c.id = ?"
)
_STEPS: Final = 3  # a revisit, what it is a revisit of, what has its bytes; damage cannot make a circle


def places(db: sqlite3.Connection, ident: int, steps: int = _STEPS) -> Places:
    """Where a capture's records lie; what a revisit has not itself is its base's."""
    row = db.execute(_PLACES, (ident,)).fetchone() if steps else None
    if row is None:
        return Places(None, None, None)
    name, *columns, revisit_of, bytes_of = row
    response, text, readable = (
        (name, (columns[at], columns[at + 1])) if name and columns[at] is not None else None for at in (0, 2, 4)
    )
    if bytes_of:
        response = response or places(db, bytes_of, steps - 1).response
    if revisit_of:
        base = places(db, revisit_of, steps - 1)
        return Places(response or base.response, text or base.text, readable or base.readable)
    return Places(response, text, readable)


def known(db: sqlite3.Connection, canonical_url: str, now: int) -> list[Known]:
    """Captures of a link with text or bytes of their own, oldest first."""
    select = (
        "SELECT c.id, coalesce(c.revisit_of, c.id), c.notice, c.state, c.reason, coalesce(c.digest, c.payload),"
        " CASE WHEN c.response_at IS NULL THEN NULL ELSE c.payload END,"
        " EXISTS (SELECT 1 FROM captures b WHERE b.id = coalesce(c.revisit_of, c.id) AND b.text_at IS NOT NULL)"
        " FROM captures c JOIN links l ON l.id = c.link WHERE l.canonical_url = ?"
        " AND (c.revisit_of IS NULL OR c.response_at IS NOT NULL) "
    )
    rows = db.execute(select + IN_ORDER, (canonical_url, now))
    return [
        Known(ident, base, bool(notice), state, reason, unpacked_digest(content), unpacked_digest(payload), bool(text))
        for ident, base, notice, state, reason, content, payload, text in rows
    ]


def images(db: sqlite3.Connection, ident: int) -> list[StoredImage]:
    """Pictures kept with a capture, or with the one that it is a revisit of."""
    rows = db.execute(
        "SELECT i.url, p.content_type, p.digest, p.size FROM images i JOIN pictures p ON p.id = i.picture"
        " WHERE i.capture IN (?, (SELECT revisit_of FROM captures WHERE id = ?)) ORDER BY p.id",
        (ident, ident),
    )
    return [StoredImage(url, kind, unpacked_digest(digest), size) for url, kind, digest, size in rows]


def busiest_hosts(db: sqlite3.Connection, recent: int) -> list[tuple[str, int]]:
    """Hosts with two pages or more among the newest `recent` captures with raw bytes, by bytes, most first."""
    return db.execute(
        "SELECT l.host, sum(c.raw_bytes) AS taken FROM (SELECT link, raw_bytes FROM captures"
        " WHERE response_at IS NOT NULL AND NOT notice ORDER BY id DESC LIMIT ?) c JOIN links l ON l.id = c.link"
        " GROUP BY l.host HAVING count(*) > 1 ORDER BY taken DESC",
        (recent,),
    ).fetchall()


def newest_pages(db: sqlite3.Connection, host: str, number: int) -> list[int]:
    """The newest captures with raw bytes of a host."""
    rows = db.execute(
        "SELECT c.id FROM captures c JOIN links l ON l.id = c.link WHERE l.host = ? AND c.response_at IS NOT NULL"
        " AND NOT c.notice ORDER BY c.id DESC LIMIT ?",
        (host, number),
    )
    return [ident for (ident,) in rows]


def held_text(db: sqlite3.Connection, ident: int) -> Where | None:
    """Where the text of a capture lies whose check is held."""
    rows = db.execute(
        "SELECT s.name, h.line FROM held h JOIN segments s ON s.id = h.segment WHERE h.capture = ?", (ident,)
    ).fetchall()
    lines = ((name, line) for name, blob in rows for line in journal.decode(blob) if isinstance(line, CheckLine))
    return next(((name, line.capture.text) for name, line in lines if line.capture and line.capture.text), None)


def picture_place(db: sqlite3.Connection, digest: str) -> Where | None:
    """Where the record of a picture lies."""
    row = db.execute(
        "SELECT s.name, p.at, p.length FROM pictures p JOIN segments s ON s.id = p.segment WHERE p.digest = ?",
        (packed_digest(digest),),
    ).fetchone()
    return (row[0], (row[1], row[2])) if row else None


def links_with_captures(db: sqlite3.Connection, line: Line) -> list[int]:
    """Numbers of the links that may have one more capture since this line was applied."""
    match line:
        case CheckLine(held=False, capture=CaptureLine() as capture):
            rows = db.execute("SELECT link FROM captures WHERE id = ?", (capture.id,)).fetchall()
        case SettledLine(believed=True, links=urls):
            rows = [row for url in urls for row in db.execute("SELECT id FROM links WHERE canonical_url = ?", (url,))]
        case _:
            return []
    return [int(ident) for (ident,) in rows]

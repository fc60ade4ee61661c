"""Lines of a segment that may come late, twice, or from another archive: taken in without a loss on either side.

A segment that was lost and put back, segments of two archives in one folder, a copy that was completed later, an index
that is behind or gone: each is a segment whose lines are replayed. What is known is not written again, a capture whose
number is taken gets a new one, and an older memory does not displace a newer one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, assert_never

import msgspec

from crawler.archive import documents, due, facts, queries
from crawler.archive.documents import IndexedText
from crawler.archive.index import Index, pack, packed_digest, spans_of, unpack_data, unpack_history, unpack_run
from crawler.archive.journal import (
    CaptureLine,
    CheckLine,
    HealthLine,
    HistoryLine,
    ImageLine,
    Line,
    RunLine,
    SettledLine,
)
from crawler.archive.order import Position, combined, horizon, supersedes
from crawler.archive.times import micros
from crawler.core.model import History, State
from crawler.core.results import Run

SALVAGED: Final = "recovered"  # the reason of captures that were made of bare records


@dataclass(frozen=True, slots=True)
class _Segment:
    """A segment's place in the order of memory."""

    number: int
    name: str
    lineage: str


class Merger:
    """Replays lines into an index, inside the caller's transaction; `settle` mends references to what came later.

    `present` are the names of the segments that can be read.
    """

    def __init__(self, index: Index, present: Collection[str] = ()) -> None:
        self.index = index
        self.db = index.db
        self.lineage: Final = facts.get(index.db, facts.LINEAGE)
        self.present = frozenset(present)
        self._segments: dict[int, _Segment] = {}
        self._unresolved: dict[int, str] = {}  # links with references that lead nowhere yet, and their notes' titles

    def forget_cache(self) -> None:
        """After a rollback: rows that were just made are gone."""
        self.index.forget_cache()
        self._segments.clear()

    def replay(self, line: Line, segment: int, place: int) -> None:
        """Make the rows of a line that was written before, as far as they are not there."""
        match line:
            case CheckLine(held=True):
                self._replay_held(line, segment, place)
            case CheckLine():
                self._replay_check(line, segment, segment, place)
            case SettledLine():
                for held_in, held in self.index.take_held(line):
                    self._replay_check(held, held_in, segment, place)
            case HistoryLine():
                link = self._replay_link(line.history, line.site, line.host, segment, place)
                self._note_snapshot(link, line.history)
            case RunLine():
                self._replay_run(line.run, segment)
            case HealthLine():
                self.index.run_number(line.run, late=self._is_late(segment))
                self.index.put_health(line)
            case ImageLine():
                self._replay_image(line, segment)
            case _:
                assert_never(line)

    def settle(self, *, final: bool = True) -> None:
        """After a segment: references to captures that came later. `final`: what leads nowhere now never will."""
        for link, names in sorted(self._unresolved.items()):
            self._settle_references(link)
            self._settle_snapshot(link, final)
            self._settle_document(link, names)
        if final:
            self._unresolved.clear()

    # Links

    def _replay_link(self, history: History, site: str, host: str, segment: int, place: int) -> int:
        row = self.db.execute(
            "SELECT id, history, segment, place FROM links WHERE canonical_url = ?", (history.canonical_url,)
        ).fetchone()
        if row is None:
            link = self.index.insert_link(history, site, host, segment, place)
        else:
            link, old = row[0], unpack_history(row[1])
            at, before = self.position(segment, place), self.position(row[2], row[3])
            assert at is not None
            if supersedes(history, at, old, before, self.index.now()):
                foreign = before is not None and before.lineage != at.lineage
                known = combined(history, old) if foreign else history
                self.index.update_link(link, known, site=site, host=host, segment=segment, place=place)
            else:
                self.put_history(link, combined(old, history))
        return int(link)

    def _note_snapshot(self, link: int, history: History, names: str = "") -> None:
        """A memory that names a capture by a number that is not, or not yet, that capture's."""
        snapshot = history.snapshot
        if snapshot and not self._is_capture_of(link, snapshot.id, snapshot.captured_at):
            self._unresolved[link] = names or self._unresolved.get(link, "")

    def put_history(self, link: int, history: History) -> None:
        """Amend what is remembered; where it was written stays."""
        self.db.execute(
            f"UPDATE links SET state = ?, history = ?, {due.ASSIGNED} WHERE id = ?",  # noqa: S608  # names of columns
            (history.state.value, pack(history), *due.columns(history), link),
        )

    # The order of memory

    def _segment(self, ident: int) -> _Segment | None:
        if ident not in self._segments:
            rows = self.db.execute("SELECT id, number, name, lineage FROM segments")
            self._segments = {row[0]: _Segment(row[1], row[2], row[3] or self.lineage) for row in rows}
        return self._segments.get(ident)

    def position(self, ident: int, place: int) -> Position | None:
        """Where a memory was written; None where that is not known."""
        segment = self._segment(ident) if ident else None
        if segment is None:
            return None
        return Position(segment.lineage, segment.number, segment.name, place, segment.lineage == self.lineage)

    def _is_late(self, ident: int) -> bool:
        """Whether newer segments of this archive are known already, or the segment is another archive's."""
        segment = self._segment(ident)
        mine = [other for other in self._segments.values() if other.lineage == self.lineage]
        return segment is not None and (
            segment.lineage != self.lineage or any(other.number > segment.number for other in mine)
        )

    def leave_open(self, link: int) -> None:
        """Have `settle` choose among the references of a link."""
        self._unresolved.setdefault(link, "")

    def _scope(self, ident: int) -> str:
        """Within what a capture's number means one thing: another archive, or one late segment of this one."""
        segment = self._segment(ident)
        assert segment is not None
        return segment.name if segment.lineage == self.lineage else segment.lineage

    # Checks and captures

    def _replay_held(self, line: CheckLine, segment: int, place: int) -> None:
        """Put a check by, unless it is held already; one that counts by now is replayed like any other."""
        key = (line.run, line.history.canonical_url)
        counts = self.db.execute(
            "SELECT 1 FROM checks c JOIN links l ON l.id = c.link"
            " WHERE c.run = (SELECT id FROM runs WHERE name = ?) AND l.canonical_url = ? AND c.at = ?",
            (*key, micros(line.at)),
        ).fetchone()
        if counts:
            self._replay_check(line, segment, segment, place)
        elif not self.db.execute("SELECT 1 FROM held WHERE run = ? AND url = ?", key).fetchone():
            self.index.hold(line, segment)

    def _replay_check(self, line: CheckLine, captured_in: int, segment: int, place: int) -> None:
        link = self._replay_link(line.history, line.site, line.host, segment, place)
        run = self.index.run_number(line.run, late=self._is_late(segment))
        there = self.db.execute(
            "SELECT 1 FROM checks WHERE link = ? AND at = ? AND run = ?", (link, micros(line.at), run)
        ).fetchone()
        if not there:
            self.index.insert_check(link, line)
        if line.capture:
            self._replay_capture(link, line, line.capture, captured_in)
        self._note_snapshot(link, line.history, line.names)

    def _replay_capture(self, link: int, line: CheckLine, capture: CaptureLine, segment: int) -> None:
        scope = self._scope(segment)
        self._forget_salvaged(link, capture, segment)
        if known := self._same_capture(link, line, capture):
            if known != capture.id:
                self._renumber(scope, capture.id, known)
            self._take_over(known, capture, segment)
            return
        ident = self._renumbered(scope, capture.id) or capture.id
        if self.db.execute("SELECT 1 FROM captures WHERE id = ?", (ident,)).fetchone():
            ident = facts.next_capture(self.db)
        if ident != capture.id:
            self._renumber(scope, capture.id, ident)
        base = self._resolved(link, scope, capture.revisit_of, capture.digest)
        bytes_of = self._resolved(link, scope, capture.bytes_of, "", capture.payload)
        capture = msgspec.structs.replace(capture, id=ident, revisit_of=base, bytes_of=bytes_of)
        self.index.insert_capture(link, line, capture, segment)
        if link in self._unresolved:
            self._unresolved[link] = line.names or self._unresolved[link]
        else:
            self.index.put_document(link, line, capture)

    def _forget_salvaged(self, link: int, capture: CaptureLine, segment: int) -> None:
        """What was made of the bare record while its journal was not to be had (`salvage`)."""
        if capture.response is None:
            return
        row = self.db.execute(
            "SELECT id, at FROM captures WHERE segment = ? AND response_at = ? AND reason = ?",
            (segment, capture.response[0], SALVAGED),
        ).fetchone()
        if row:
            search_row = self.db.execute("SELECT capture FROM documents WHERE link = ?", (link,)).fetchone()
            if search_row == (row[0],):
                self.index.drop_document(link, row[0])
            self.index.drop_earlier(row[0])
            self.db.execute("DELETE FROM checks WHERE link = ? AND at = ? AND reason = ?", (link, row[1], SALVAGED))
            self.db.execute("DELETE FROM captures WHERE id = ?", (row[0],))

    def _same_capture(self, link: int, line: CheckLine, capture: CaptureLine) -> int:
        """The number under which this very capture is known, 0 for none."""
        row = self.db.execute(
            "SELECT id FROM captures WHERE link = ? AND at = ? AND payload IS ? AND notice = ?",
            (link, micros(line.at), packed_digest(capture.payload), capture.notice),
        ).fetchone()
        return int(row[0]) if row else 0

    def _take_over(self, ident: int, capture: CaptureLine, segment: int) -> None:
        """Let a known capture point here, where its own segment is not to be had."""
        row = self.db.execute(
            "SELECT s.name FROM captures c LEFT JOIN segments s ON s.id = c.segment WHERE c.id = ?", (ident,)
        ).fetchone()
        if row and row[0] not in self.present:
            self.db.execute(
                "UPDATE captures SET segment = ?, response_at = ?, response_len = ?, text_at = ?, text_len = ?,"
                " readable_at = ?, readable_len = ? WHERE id = ?",
                (segment, *spans_of(capture), ident),
            )

    def _renumber(self, scope: str, old: int, new: int) -> None:
        self.db.execute("INSERT OR REPLACE INTO renumbered (scope, old, new) VALUES (?, ?, ?)", (scope, old, new))

    def _renumbered(self, scope: str, old: int) -> int:
        row = self.db.execute("SELECT new FROM renumbered WHERE scope = ? AND old = ?", (scope, old)).fetchone()
        return int(row[0]) if row else 0

    def _resolved(self, link: int, scope: str, old: int | None, digest: str, payload: str = "") -> int | None:
        """What a reference to a capture of the same link means; left as it is, and noted, where it is not there yet."""
        if old is None:
            return None
        for ident in (self._renumbered(scope, old), old):
            row = self.db.execute("SELECT link, digest, payload FROM captures WHERE id = ?", (ident,)).fetchone()
            same = row and row[0] == link and (not digest or row[1] == packed_digest(digest))
            if same and (not payload or row[2] == packed_digest(payload)):
                return ident
        self._unresolved.setdefault(link, "")
        return old

    def _is_capture_of(self, link: int, ident: int, at: datetime) -> bool:
        row = self.db.execute("SELECT link, at FROM captures WHERE id = ?", (ident,)).fetchone()
        return row is not None and row == (link, micros(at))

    def _settle_references(self, link: int) -> None:
        rows = self.db.execute(
            "SELECT id, digest, payload, revisit_of, bytes_of FROM captures WHERE link = ?"
            " AND (revisit_of IS NOT NULL OR bytes_of IS NOT NULL)", (link,),
        ).fetchall()  # fmt: skip
        for ident, digest, payload, revisit_of, bytes_of in rows:
            base = self._counterpart(link, revisit_of, "digest", digest, "revisit_of IS NULL")
            source = self._counterpart(link, bytes_of, "payload", payload, "response_at IS NOT NULL")
            if (base, source) != (revisit_of, bytes_of):
                self.db.execute("UPDATE captures SET revisit_of = ?, bytes_of = ? WHERE id = ?", (base, source, ident))

    def _counterpart(self, link: int, ident: int | None, column: str, value: bytes | None, what: str) -> int | None:
        """The capture that a reference must mean: of this link, with this very content."""
        if ident is None:
            return None
        rows = self.db.execute(
            f"SELECT id FROM captures WHERE link = ? AND NOT notice AND {what} AND (? IS NULL OR {column} = ?)"  # noqa: S608  # ours
            " ORDER BY id = ? DESC, at DESC LIMIT 1",
            (link, value, value, ident),
        ).fetchone()
        return int(rows[0]) if rows else ident

    def _settle_snapshot(self, link: int, final: bool) -> None:
        (blob,) = self.db.execute("SELECT history FROM links WHERE id = ?", (link,)).fetchone()
        history = unpack_history(blob)
        if history.snapshot is None or self._is_capture_of(link, history.snapshot.id, history.snapshot.captured_at):
            return
        row = self.db.execute(
            "SELECT id FROM captures WHERE link = ? AND at = ? AND NOT notice",
            (link, micros(history.snapshot.captured_at)),
        ).fetchone()
        if row:
            self.put_history(link, replace(history, snapshot=replace(history.snapshot, id=row[0])))
        elif final:
            url = history.canonical_url
            kept = queries.snapshots(self.db, url, horizon(self.index.now()))
            self.put_history(link, replace(history, snapshot=kept[-1] if kept else None))

    def _settle_document(self, link: int, names: str) -> None:
        """Search the newest article of a link, and its other texts as earlier ones."""
        row = self.db.execute(
            "SELECT id, coalesce(revisit_of, id), data FROM captures WHERE link = ? AND NOT notice"
            " AND (text_at IS NOT NULL OR revisit_of IS NOT NULL)"
            " ORDER BY state = ? DESC, at <= ? DESC, at DESC LIMIT 1",
            (link, State.ALIVE.value, horizon(self.index.now())),
        ).fetchone()
        if row is None:
            return
        data = unpack_data(row[2])
        old = self.db.execute("SELECT capture, names FROM documents WHERE link = ?", (link,)).fetchone()
        text = self.index.text_of(row[1])
        if text is not None and not (old and old[0] == row[1]):
            documents.retire(self.db, link)
            self.index.drop_earlier(row[1])
            said = "\n".join(filter(None, (data.author, names)))
            document = IndexedText(row[1], data.title, said or (old[1] if old else ""))
            self.index.replace_document(link, document, text)
        for _, left_out in list(documents.left_out(self.db, link)):
            self.index.put_earlier(link, left_out)

    # Runs and pictures

    def _replay_run(self, run: Run, segment: int) -> None:
        """What is known of a run stays, unless only its beginning was known."""
        number = self.index.run_number(run.id, late=self._is_late(segment))
        (blob,) = self.db.execute("SELECT data FROM runs WHERE id = ?", (number,)).fetchone()
        if blob is None or unpack_run(blob).finished_at is None:
            self.index.put_run(run)

    def _replay_image(self, line: ImageLine, segment: int) -> None:
        renumbered = self._renumbered(self._scope(segment), line.capture)
        if line.span:
            row = self.db.execute(
                "SELECT p.id, s.name FROM pictures p LEFT JOIN segments s ON s.id = p.segment WHERE p.digest = ?",
                (packed_digest(line.digest),),
            ).fetchone()
            if row and row[1] not in self.present:
                self.db.execute(
                    "UPDATE pictures SET segment = ?, at = ?, length = ? WHERE id = ?", (segment, *line.span, row[0])
                )
        self.index.put_image(msgspec.structs.replace(line, capture=renumbered or line.capture), segment)

"""Journal lines to rows: the one way into the index, for a fresh batch and for a rebuild alike.

Every method runs inside the caller's transaction. Reading rows back is `queries`' business.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Protocol, assert_never

import msgspec

from crawler.archive import documents, due, journal
from crawler.archive.documents import IndexedText
from crawler.archive.journal import (
    CaptureData,
    CaptureLine,
    CheckLine,
    HealthLine,
    HistoryLine,
    ImageLine,
    Line,
    RunLine,
    SettledLine,
    Span,
)
from crawler.archive.order import horizon
from crawler.archive.times import micros
from crawler.core.model import History, State
from crawler.core.results import Run
from crawler.schedule.history import revised

pack = msgspec.msgpack.Encoder().encode
unpack_history = msgspec.msgpack.Decoder(History).decode
unpack_data = msgspec.msgpack.Decoder(CaptureData).decode
unpack_run = msgspec.msgpack.Decoder(Run).decode


class Deferred(Protocol):
    """Is told of new texts, whose terms are made later and by others (`deferred`); inside of transactions."""

    def hold(self, document: IndexedText, segment: int, span: Span) -> None:
        """The text of a held check, which is to be searched as soon as it counts."""

    def settled(self, capture: int) -> None:
        """A check is not held any more: its capture counts, or never will."""

    def add(self, document: IndexedText) -> None:
        """A text that is searched from now on and has no terms yet."""

    def forget(self) -> None:
        """After a rollback: what was told last may not be so."""


class Index:
    """Writes rows of fresh lines, which are the newest there are; what was written before is `merging`'s business.

    `text_of` reads the text of a capture back from the segments, None where it is gone, StoreError where a store does
    not give it now. Without `terms` the search index only learns which documents there are, and `documents.fill` makes
    their terms afterwards, all at once.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        text_of: Callable[[int], str | None],
        now: Callable[[], datetime],
        *,
        terms: bool = True,
    ) -> None:
        self.db = db
        self.read_text = text_of
        self.text_of = documents.unless_away(text_of)
        self.terms = terms
        self.now = now
        self._runs: dict[str, int] = {}
        self._searchable = False
        self.deferred: Deferred | None = None

    def forget_cache(self) -> None:
        """After a rollback: run numbers and captures may not exist, nor search tables of this version."""
        self._runs.clear()
        self._searchable = False
        if self.deferred:
            self.deferred.forget()

    def apply(self, line: Line, segment: int, place: int) -> None:
        """Make the rows that a fresh line stands for."""
        match line:
            case CheckLine(held=True):
                self.hold(line, segment)
                capture = line.capture
                if self.deferred and capture and capture.text and not capture.notice:
                    self.deferred.hold(_document(capture.id, line, capture), segment, capture.text)
            case CheckLine():
                self._check(line, segment, segment, place)
            case SettledLine():
                for held_in, held in self.take_held(line, keep_terms=True):
                    self._check(held, held_in, segment, place)
            case HistoryLine():
                self._link(line.history, line.site, line.host, segment, place)
            case RunLine():
                self.put_run(line.run)
            case HealthLine():
                self.put_health(line)
            case ImageLine():
                self.put_image(line, segment)
            case _:
                assert_never(line)

    # Checks that do not count yet

    def hold(self, line: CheckLine, segment: int) -> None:
        """Put a check by, as it is, until a line settles it."""
        capture = line.capture.id if line.capture else None
        self.db.execute(
            "INSERT INTO held (run, url, segment, capture, line) VALUES (?, ?, ?, ?, ?)",
            (line.run, line.history.canonical_url, segment, capture, journal.encode([line])),
        )

    def take_held(self, settled: SettledLine, *, keep_terms: bool = False) -> list[tuple[int, CheckLine]]:
        """The checks that count from now on, each with the segment that its capture lies in; none is held any more.

        With `keep_terms` what is in the search index of them stays there, for `put_document`.
        """
        believed = []
        for url in settled.links:
            key = (settled.run, url)
            rows = self.db.execute("SELECT segment, capture, line FROM held WHERE run = ? AND url = ? ORDER BY id", key)
            for segment, capture, blob in rows.fetchall():
                lines = [line for line in journal.decode(blob) if isinstance(line, CheckLine)]
                if self.deferred and capture is not None:
                    self.deferred.settled(capture)
                if not (settled.believed and keep_terms):
                    for line in lines:
                        self._forget_terms(line)
                if settled.believed:
                    believed += [(segment, msgspec.structs.replace(line, held=False)) for line in lines]
            self.db.execute("DELETE FROM held WHERE run = ? AND url = ?", key)
        return believed

    def _forget_terms(self, line: CheckLine) -> None:
        """Take out what was put into the search index while a check was held; what cannot be read leads nowhere."""
        capture = line.capture
        if not self.terms or capture is None or capture.text is None or not documents.has_terms(self.db, capture.id):
            return
        if (text := self.text_of(capture.id)) is not None:
            documents.drop_terms(self.db, _document(capture.id, line, capture), text)

    def _check(self, line: CheckLine, captured_in: int, segment: int, place: int) -> None:
        link = self._link(line.history, line.site, line.host, segment, place)
        self.insert_check(link, line)
        if line.capture:
            self.insert_capture(link, line, line.capture, captured_in)
            self.put_document(link, line, line.capture)

    # Links

    def _link(self, history: History, site: str, host: str, segment: int, place: int) -> int:
        """Remember a link, whatever was remembered of it; its number."""
        row = self.db.execute("SELECT id FROM links WHERE canonical_url = ?", (history.canonical_url,)).fetchone()
        if row is None:
            return self.insert_link(history, site, host, segment, place)
        self.update_link(row[0], history, site=site, host=host, segment=segment, place=place)
        return int(row[0])

    def insert_link(self, history: History, site: str, host: str, segment: int, place: int) -> int:
        """A link that was not known; its number. `segment` and `place` are where its memory was written."""
        history = revised(history)  # a segment may hold deaths as an older version saw them
        cursor = self.db.execute(
            f"INSERT INTO links (canonical_url, url, site, host, state, history, segment, place, {due.NAMES})"  # noqa: S608  # names of columns
            f" VALUES (?, ?, ?, ?, ?, ?, ?, ?, {due.MARKS})",
            (history.canonical_url, history.url, site, host, history.state.value, pack(history), segment, place,
             *due.columns(history)),
        )  # fmt: skip
        return cursor.lastrowid or 0

    def update_link(self, link: int, history: History, *, site: str, host: str, segment: int, place: int) -> None:
        """Replace the memory of a link."""
        history = revised(history)
        self.db.execute(
            "UPDATE links SET url = ?, site = CASE ? WHEN '' THEN site ELSE ? END,"  # noqa: S608  # names of columns
            " host = CASE ? WHEN '' THEN host ELSE ? END, state = ?, history = ?, segment = ?, place = ?,"
            f" {due.ASSIGNED} WHERE id = ?",
            (history.url, site, site, host, host, history.state.value, pack(history), segment, place,
             *due.columns(history), link),
        )  # fmt: skip

    # Checks and captures

    def insert_check(self, link: int, line: CheckLine) -> None:
        """One row of the list of checks."""
        self.db.execute(
            "INSERT INTO checks (link, run, at, state, verdict, reason, rule, status, error, final_url, seconds, bytes)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (link, self.run_number(line.run), micros(line.at), line.history.state.value, line.verdict, line.reason,
             line.rule, line.status, line.error, line.final_url or None, line.seconds, line.bytes),
        )  # fmt: skip

    def insert_capture(self, link: int, line: CheckLine, capture: CaptureLine, segment: int) -> None:
        """A capture under the number that its line has, which must be free."""
        # No INSERT OR REPLACE: SQLite guards it by a savepoint, at which FTS5 writes all it has gathered (240 µs)
        self.db.execute(
            "INSERT INTO captures (id, link, at, segment, revisit_of, bytes_of, notice, state, reason,"
            " digest, payload, response_at, response_len, text_at, text_len, readable_at, readable_len,"
            " raw_bytes, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (capture.id, link, micros(line.at), segment, capture.revisit_of, capture.bytes_of, capture.notice,
             line.verdict, line.reason, packed_digest(capture.digest), packed_digest(capture.payload),
             *spans_of(capture), capture.raw_bytes, pack(capture.data)),
        )  # fmt: skip

    def put_reading(self, ident: int, state: State, reason: str, title: str) -> None:
        """Another state, reason and title of a capture."""
        row = self.db.execute("SELECT data FROM captures WHERE id = ?", (ident,)).fetchone()
        if row is not None:
            data = pack(msgspec.structs.replace(unpack_data(row[0]), title=title))
            self.db.execute(
                "UPDATE captures SET state = ?, reason = ?, data = ? WHERE id = ?", (state.value, reason, data, ident)
            )

    def make_searchable(self) -> None:
        """See to it that the search tables are of this version, once, before the first document is put in or out."""
        if self.terms and not self._searchable:
            documents.ready(self.db, self.read_text)
            self._searchable = True

    def put_document(self, link: int, line: CheckLine, capture: CaptureLine) -> None:
        """A kept text is searched: as the current one of its link, or as an earlier one.

        Beside an article that was seen alive, what an unsure check saw is not searched.
        """
        if capture.notice or (capture.text is None and capture.revisit_of is None):
            return
        self.make_searchable()
        base = capture.revisit_of or capture.id
        document = _document(base, line, capture)
        termed = base == capture.id and self.terms and documents.has_terms(self.db, base)  # since the check was held
        old = self._document(link)
        if old is None or old.capture != base:
            state, at = self._state_and_time(old.capture) if old else ("", 0)
            if line.verdict != State.ALIVE and state == State.ALIVE:
                if termed:
                    self._forget_terms(line)
                return
            if micros(line.at) < at <= horizon(self.now()):  # a time that has not come yet is a wrong clock's
                if base == capture.id:
                    self.put_earlier(link, document, termed=termed)
                return
            if old and line.verdict == State.ALIVE != state:
                self.drop_document(link, old.capture)
                self._drop_unsure(link)
            documents.retire(self.db, link)
            documents.recall(self.db, base)
            old = self._document(link)
        if old != document:
            self._put_current(link, document, known=old is not None, termed=termed)

    def _put_current(self, link: int, document: IndexedText, *, known: bool, termed: bool) -> None:
        """A text as the current one; `known` where it is that already, under another title or names."""
        base = document.capture
        if not self.terms or (termed and not known) or self._defers(document):
            if known:
                self.drop_document(link, base)
            documents.put_row(self.db, link, document)
            return
        found = self.text_of(base)
        if found is not None:  # else what is there stays
            if known:
                self.drop_document(link, base)
            documents.put(self.db, link, document, found)

    def _defers(self, document: IndexedText) -> bool:
        """Whether the terms of a capture, which has none yet, are made later."""
        if self.deferred is None or documents.has_terms(self.db, document.capture):
            return False
        self.deferred.add(document)
        return True

    def _drop_unsure(self, link: int) -> None:
        """Earlier texts of a link go that were not seen alive."""
        found = self.db.execute(
            "SELECT e.capture FROM earlier e JOIN captures c ON c.id = e.capture WHERE e.link = ? AND c.state <> ?",
            (link, State.ALIVE.value),
        ).fetchall()
        for (capture,) in found:
            self.drop_earlier(capture)

    def _document(self, link: int) -> IndexedText | None:
        """The current text of a link."""
        row = self.db.execute("SELECT capture, title, names FROM documents WHERE link = ?", (link,)).fetchone()
        return IndexedText(*row) if row else None

    def put_earlier(self, link: int, document: IndexedText, *, termed: bool = False) -> None:
        """A text that is searched beside the current one of its link, if it is not yet; `termed`: its terms are in."""
        capture = document.capture
        if self.db.execute("SELECT 1 FROM earlier WHERE capture = ?", (capture,)).fetchone():
            return
        if not self.terms or termed or self._defers(document):
            documents.put_earlier_row(self.db, link, document)
            return
        found = self.text_of(capture)
        if found is not None:
            documents.put_earlier(self.db, link, document, found)

    def drop_document(self, link: int, capture: int) -> None:
        """A link's document is searched no more; `capture` is the one whose text it is."""
        self.make_searchable()
        documents.drop(self.db, link, self.text_of(capture) if self.terms else None)

    def drop_earlier(self, capture: int) -> None:
        """A text is searched no more, if it is beside the current one of its link."""
        self.make_searchable()
        documents.drop_earlier(self.db, capture, self.text_of if self.terms else lambda _: None)

    def replace_document(self, link: int, document: IndexedText, text: str) -> None:
        """What is searched of a link from now on."""
        self.make_searchable()
        if self.terms:
            documents.put(self.db, link, document, text)
        else:
            documents.put_row(self.db, link, document)

    def _state_and_time(self, capture: int) -> tuple[str, int]:
        """Of a capture; "" and 0 for one that is gone."""
        row = self.db.execute("SELECT state, at FROM captures WHERE id = ?", (capture,)).fetchone()
        return row or ("", 0)

    def run_number(self, name: str, *, late: bool = False) -> int:
        """Number of a run, by which runs are ordered; one that comes in `late` gets one below all others."""
        if name not in self._runs:
            ident = "(SELECT min(0, coalesce(min(id), 0)) - 1 FROM runs)" if late else "NULL"
            self.db.execute(f"INSERT OR IGNORE INTO runs (id, name) VALUES ({ident}, ?)", (name,))  # noqa: S608  # ours
            (self._runs[name],) = self.db.execute("SELECT id FROM runs WHERE name = ?", (name,)).fetchone()
        return self._runs[name]

    def put_run(self, run: Run) -> None:
        """What is known of a run."""
        self.db.execute("UPDATE runs SET data = ? WHERE id = ?", (pack(run), self.run_number(run.id)))

    def put_health(self, line: HealthLine) -> None:
        """The counts of a run, in place of earlier ones."""
        run = self.run_number(line.run)
        self.db.execute("DELETE FROM health WHERE run = ?", (run,))
        self.db.executemany(
            "INSERT INTO health (run, at, site, state, links) VALUES (?, ?, ?, ?, ?)",
            [(run, micros(line.at), *count) for count in line.counts],
        )

    def put_image(self, line: ImageLine, segment: int) -> None:
        """A picture of a capture; where the same bytes lie already, they are not counted twice."""
        digest = packed_digest(line.digest)
        if line.span:
            self.db.execute(
                "INSERT OR IGNORE INTO pictures (digest, segment, at, length, content_type, size)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (digest, segment, *line.span, line.content_type, line.size),
            )
        self.db.execute(
            "INSERT OR REPLACE INTO images (capture, url, picture) SELECT ?, ?, id FROM pictures WHERE digest = ?",
            (line.capture, line.url, digest),
        )


def _document(ident: int, line: CheckLine, capture: CaptureLine) -> IndexedText:
    """A capture as a check has its text searched: by its title, its author, and what notes call the link."""
    return IndexedText(ident, capture.data.title, "\n".join(filter(None, (capture.data.author, line.names))))


def spans_of(capture: CaptureLine) -> tuple[int | None, ...]:
    """Response, text and readable copy, each as offset and length."""
    none = (None, None)
    return (*(capture.response or none), *(capture.text or none), *(capture.readable or none))


def packed_digest(digest: str) -> bytes | None:
    """A digest as rows hold it: 32 bytes for "sha256:<hex>", the text's bytes for any other, None for ""."""
    kind, _, value = digest.partition(":")
    if kind == "sha256" and len(value) == 64:
        try:
            return bytes.fromhex(value)
        except ValueError:
            pass
    return digest.encode() or None


def unpacked_digest(blob: bytes | None) -> str:
    """The digest as pages and records write it."""
    if blob is None:
        return ""
    return f"sha256:{blob.hex()}" if len(blob) == 32 else blob.decode("utf-8", "replace")

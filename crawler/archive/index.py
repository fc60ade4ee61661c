"""Journal lines to rows: the one way into the index, for a fresh batch and for a rebuild alike.

Every method runs inside the caller's transaction. Reading rows back is `queries`' business.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import assert_never

import msgspec

from crawler.archive import search
from crawler.archive.journal import CaptureLine, CheckLine, HealthLine, HistoryLine, ImageLine, Line, RunLine
from crawler.archive.times import micros
from crawler.core.model import History, Run, State

pack = msgspec.msgpack.Encoder().encode
unpack_history = msgspec.msgpack.Decoder(History).decode
unpack_run = msgspec.msgpack.Decoder(Run).decode


class Index:
    """Writes rows; `text_of` reads the text of a capture back from the segments, None where it is gone."""

    def __init__(self, db: sqlite3.Connection, text_of: Callable[[int], str | None]) -> None:
        self.db = db
        self._text_of = text_of
        self._runs: dict[str, int] = {}

    def forget_cache(self) -> None:
        """After a rollback: run numbers may not exist."""
        self._runs.clear()

    def apply(self, line: Line, segment: int, text: str | None = None) -> None:
        """Make the rows that a line of a segment stands for; `text` saves reading a new capture's text back."""
        match line:
            case CheckLine():
                self._check(line, segment, text)
            case HistoryLine():
                self._history(line)
            case RunLine():
                self._run(line.run)
            case HealthLine():
                self._health(line)
            case ImageLine():
                self._image(line, segment)
            case _:
                assert_never(line)

    def _check(self, line: CheckLine, segment: int, text: str | None) -> None:
        history = line.history
        link, old = self._link(history, line.site, line.host)
        before = (old.state if old else State.UNCHECKED).value
        titles = (old.page_title, history.page_title) if old else ("", "")
        retitled = all(titles) and titles[0] != titles[1]
        self.db.execute(
            "INSERT INTO looks (link, run, at, before, state, verdict, reason, rule, status, error, final_url, seconds,"
            " bytes, titles) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (link, self._run_number(line.run), micros(line.at), before if before != history.state.value else None,
             history.state.value, line.verdict, line.reason, line.rule, line.status, line.error, line.final_url or None,
             line.seconds, line.bytes, pack(titles) if retitled else None),
        )  # fmt: skip
        if line.capture:
            self._capture(link, line, line.capture, segment)
            self._document(link, line, line.capture, text)

    def _history(self, line: HistoryLine) -> None:
        self._link(line.history, line.site, line.host)

    def _link(self, history: History, site: str, host: str) -> tuple[int, History | None]:
        """Number of a link, and what was remembered of it before; None for a new one."""
        key, blob = history.canonical_url, pack(history)
        row = self.db.execute("SELECT id, history FROM links WHERE canonical_url = ?", (key,)).fetchone()
        if row is None:
            cursor = self.db.execute(
                "INSERT INTO links (canonical_url, url, site, host, state, history) VALUES (?, ?, ?, ?, ?, ?)",
                (key, history.url, site, host, history.state.value, blob),
            )
            return cursor.lastrowid or 0, None
        self.db.execute(
            "UPDATE links SET url = ?, site = CASE ? WHEN '' THEN site ELSE ? END,"
            " host = CASE ? WHEN '' THEN host ELSE ? END, state = ?, history = ? WHERE id = ?",
            (history.url, site, site, host, host, history.state.value, blob, row[0]),
        )
        return row[0], unpack_history(row[1])

    def _capture(self, link: int, line: CheckLine, capture: CaptureLine, segment: int) -> None:
        # No INSERT OR REPLACE: SQLite guards it by a savepoint, at which FTS5 writes all it has gathered (240 µs)
        self.db.execute(
            "INSERT INTO captures (id, link, at, segment, revisit_of, bytes_of, notice, state, reason,"
            " digest, payload, response_at, response_len, text_at, text_len, readable_at, readable_len,"
            " raw_bytes, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (capture.id, link, micros(line.at), segment, capture.revisit_of, capture.bytes_of, capture.notice,
             line.verdict, line.reason, packed_digest(capture.digest), packed_digest(capture.payload),
             *(capture.response or (None, None)), *(capture.text or (None, None)), *(capture.readable or (None, None)),
             capture.raw_bytes, pack(capture.data)),
        )  # fmt: skip

    def _document(self, link: int, line: CheckLine, capture: CaptureLine, text: str | None) -> None:
        """The current text of a link is searched; neither an unsure look nor an older page displaces an article."""
        if capture.notice or (capture.text is None and capture.revisit_of is None):
            return
        base = capture.revisit_of or capture.id
        names = "\n".join(filter(None, (capture.data.author, line.names)))
        old = self.db.execute("SELECT capture, title, names FROM documents WHERE link = ?", (link,)).fetchone()
        if old:
            if old == (base, capture.data.title, names):
                return
            if old[0] != base and self._displaces_not(line, old[0]):
                return
            search.drop(self.db, link, self._text_of(old[0]))
        found = text if text is not None else self._text_of(base)
        if found is not None:
            search.put(self.db, link, base, capture.data.title, names, found)

    def _displaces_not(self, line: CheckLine, current: int) -> bool:
        """Does the current capture stay: seen alive when this check is unsure, or newer than a page now imported?"""
        row = self.db.execute("SELECT state, at FROM captures WHERE id = ?", (current,)).fetchone()
        if row is None:
            return False
        state, at = row
        return bool((line.verdict != State.ALIVE and state == State.ALIVE) or at > micros(line.at))

    def _run_number(self, name: str) -> int:
        if name not in self._runs:
            self.db.execute("INSERT OR IGNORE INTO runs (name) VALUES (?)", (name,))
            (self._runs[name],) = self.db.execute("SELECT id FROM runs WHERE name = ?", (name,)).fetchone()
        return self._runs[name]

    def _run(self, run: Run) -> None:
        self.db.execute("UPDATE runs SET data = ? WHERE id = ?", (pack(run), self._run_number(run.id)))

    def _health(self, line: HealthLine) -> None:
        run = self._run_number(line.run)
        self.db.execute("DELETE FROM health WHERE run = ?", (run,))
        self.db.executemany(
            "INSERT INTO health (run, at, site, state, links) VALUES (?, ?, ?, ?, ?)",
            [(run, micros(line.at), *count) for count in line.counts],
        )

    def _image(self, line: ImageLine, segment: int) -> None:
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

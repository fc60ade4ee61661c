"""Full-text search over the current text of every link: one document a link, in the capture's transaction.

The index is contentless: it holds terms, not text, so taking a document out needs the very text that went in, which
the segments still have. Terms and queries are made in `words`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Final

from crawler.errors import UsageError
from crawler.model import State
from crawler.store import words
from crawler.store.nouns import Hit
from crawler.store.times import from_micros, micros

_WEIGHTS: Final = "10.0, 6.0, 1.0"  # title; author and note titles; text. A guess: a title says what a page is about


def put(db: sqlite3.Connection, link: int, capture: int, title: str, names: str, text: str) -> None:
    """Make a capture the document of its link; a document that was there must have been taken out with `drop`."""
    db.execute("INSERT INTO documents (link, capture, title, names) VALUES (?, ?, ?, ?)", (link, capture, title, names))
    db.execute(
        "INSERT INTO words (rowid, title, names, text) VALUES (?, ?, ?, ?)",
        (capture, words.terms(title), words.terms(names), words.terms(text)),
    )


def drop(db: sqlite3.Connection, link: int, text: str | None) -> None:
    """Take a link's document out; `text` None (it cannot be read any more) leaves its terms, which lead nowhere."""
    row = db.execute("SELECT capture, title, names FROM documents WHERE link = ?", (link,)).fetchone()
    if row is None:
        return
    db.execute("DELETE FROM documents WHERE link = ?", (link,))
    if text is not None:
        db.execute(
            "INSERT INTO words (words, rowid, title, names, text) VALUES ('delete', ?, ?, ?, ?)",
            (row[0], words.terms(row[1]), words.terms(row[2]), words.terms(text)),
        )


def find(db: sqlite3.Connection, query: str, limit: int, text_of: Callable[[int], str]) -> list[Hit]:
    """The best hits first; a query of filters only lists the newest. Raises UsageError for a date that is none."""
    try:
        asked = words.parse_query(query)
    except ValueError as error:
        raise UsageError(str(error)) from error
    where, values = _filters(asked)
    if not asked.match and not where:
        return []
    sql = _ranked(where) if asked.match else _newest(where)
    rows = db.execute(sql, [*([asked.match] if asked.match else []), *values, max(limit, 0)]).fetchall()
    return [_hit(row, asked, text_of) for row in rows]


def _ranked(where: list[str]) -> str:
    """Without filters only the best rows are joined: a common word has ten thousand hits, a screen has twenty."""
    rank = f"bm25(words, {_WEIGHTS})"
    columns = "l.url, l.canonical_url, c.id, c.at, l.state, l.site, d.title"
    joins = "JOIN documents d ON d.capture = w.rowid JOIN captures c ON c.id = d.capture JOIN links l ON l.id = d.link"
    conditions = "".join(f" AND {condition}" for condition in where)
    return (
        f"SELECT {columns}, {rank} AS score FROM words w {joins} WHERE words MATCH ?{conditions} "  # noqa: S608  # ours
        "ORDER BY score LIMIT ?"
    )


def _newest(where: list[str]) -> str:
    return (
        "SELECT l.url, l.canonical_url, c.id, c.at, l.state, l.site, d.title, 0.0 "  # noqa: S608  # conditions are ours
        "FROM documents d JOIN captures c ON c.id = d.capture JOIN links l ON l.id = d.link "
        f"WHERE {' AND '.join(where)} ORDER BY c.at DESC LIMIT ?"
    )


def _filters(asked: words.Query) -> tuple[list[str], list[object]]:
    where: list[str] = []
    values: list[object] = []
    for site in asked.sites:
        where.append("(l.site = ? OR l.host = ? OR substr(l.host, -length(?)) = ?)")
        values += [site, site, f".{site}", f".{site}"]
    if asked.states:
        where.append(f"l.state IN ({','.join('?' * len(asked.states))})")
        values += asked.states
    if asked.before:
        where.append("c.at < ?")
        values.append(micros(datetime.combine(asked.before, time(), UTC)))
    if asked.after:
        where.append("c.at >= ?")
        values.append(micros(datetime.combine(asked.after, time(), UTC)))
    return where, values


def _hit(
    row: tuple[str, str, int, int, str, str, str, float], asked: words.Query, text_of: Callable[[int], str]
) -> Hit:
    url, canonical, capture, at, state, site, title, rank = row
    line, spans = words.snippet(text_of(capture), asked.needles)
    return Hit(url, canonical, capture, from_micros(at), State(state), site, title, line, spans, rank)

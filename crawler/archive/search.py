"""Full-text search over the current text of every link: one document a link, in the capture's transaction.

The index is contentless: it holds terms, not text, so taking a document out needs the very text that went in, which
the segments still have. Terms and queries are made in `words`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Final

from crawler.archive import words
from crawler.archive.nouns import Hit
from crawler.archive.times import from_micros, micros
from crawler.core.errors import UsageError
from crawler.core.model import State

_WEIGHTS: Final = "1.0, 10.0, 6.0"  # text; title; author and note titles. A guess: a title says what a page is about
_SPARE: Final = 20  # hits looked at beyond what is asked for: terms of lost documents lead nowhere
_COLUMNS: Final = "l.url, l.canonical_url, c.id, c.at, l.state, l.site, d.title"
_JOINS: Final = "JOIN captures c ON c.id = d.capture JOIN links l ON l.id = d.link"


def put(db: sqlite3.Connection, link: int, capture: int, title: str, names: str, text: str) -> None:
    """Make a capture the document of its link; a document that was there must have been taken out with `drop`."""
    db.execute("INSERT INTO documents (link, capture, title, names) VALUES (?, ?, ?, ?)", (link, capture, title, names))
    db.execute(
        "INSERT INTO words (rowid, text, title, names) VALUES (?, ?, ?, ?)",
        (capture, words.terms(text), words.terms(title), words.terms(names)),
    )


def drop(db: sqlite3.Connection, link: int, text: str | None) -> None:
    """Take a link's document out; `text` None (it cannot be read any more) leaves its terms, which lead nowhere."""
    row = db.execute("SELECT capture, title, names FROM documents WHERE link = ?", (link,)).fetchone()
    if row is None:
        return
    db.execute("DELETE FROM documents WHERE link = ?", (link,))
    if text is not None:
        db.execute(
            "INSERT INTO words (words, rowid, text, title, names) VALUES ('delete', ?, ?, ?, ?)",
            (row[0], words.terms(text), words.terms(row[1]), words.terms(row[2])),
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
    rows = db.execute(sql, {**values, "match": asked.match, "limit": max(limit, 0)}).fetchall()
    return [_hit(row, asked, text_of) for row in rows]


def _ranked(where: list[str]) -> str:
    """Without filters only the best rows are joined: a common word has ten thousand hits, a screen has twenty."""
    few = "" if where else f"ORDER BY rank LIMIT :limit + {_SPARE}"
    best = f"SELECT rowid, rank FROM words WHERE words MATCH :match AND rank MATCH 'bm25({_WEIGHTS})' {few}"  # noqa: S608  # ours
    return (
        f"SELECT {_COLUMNS}, b.rank FROM ({best}) b JOIN documents d ON d.capture = b.rowid {_JOINS}"  # noqa: S608  # ours
        f" WHERE {' AND '.join(['TRUE', *where])} ORDER BY b.rank LIMIT :limit"
    )


def _newest(where: list[str]) -> str:
    return (
        f"SELECT {_COLUMNS}, 0.0 FROM documents d {_JOINS}"  # noqa: S608  # conditions are ours
        f" WHERE {' AND '.join(where)} ORDER BY c.at DESC LIMIT :limit"
    )


def _filters(asked: words.Query) -> tuple[list[str], dict[str, object]]:
    where: list[str] = []
    values: dict[str, object] = {}
    for n, site in enumerate(asked.sites):
        where.append(
            f"(l.site = :site{n} OR l.host = :site{n} OR substr(l.host, -length(:site{n}) - 1) = '.' || :site{n})"
        )
        values[f"site{n}"] = site
    if asked.states:
        values |= {f"state{n}": state for n, state in enumerate(asked.states)}
        where.append(f"l.state IN ({', '.join(f':state{n}' for n in range(len(asked.states)))})")
    if asked.before:
        where.append("c.at < :before")
        values["before"] = micros(datetime.combine(asked.before, time(), UTC))
    if asked.after:
        where.append("c.at >= :after")
        values["after"] = micros(datetime.combine(asked.after, time(), UTC))
    return where, values


def _hit(
    row: tuple[str, str, int, int, str, str, str, float], asked: words.Query, text_of: Callable[[int], str]
) -> Hit:
    url, canonical, capture, at, state, site, title, rank = row
    line, spans = words.snippet(text_of(capture), asked.needles)
    return Hit(url, canonical, capture, from_micros(at), State(state), site, title, line, spans, rank)

"""Full-text search over the current text of every link: one document a link, in the capture's transaction.

The index is contentless: it holds terms, not text, so taking a document out needs the very text that went in, which
the segments still have. Terms and queries are made in `words`; an index whose terms another version made is filled
anew by the next writer (`ready`), and searched by its own terms until then.

`words` answers words and phrases, by rank; `characters` says which documents hold a single Chinese character, which
in `words` is the beginning of a thousand terms.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, time
from typing import Final

from crawler.archive import words
from crawler.archive.nouns import Hit
from crawler.archive.times import from_micros, micros
from crawler.archive.words import NewText
from crawler.core.errors import UsageError
from crawler.core.model import IndexTerms, State

_WEIGHTS: Final = "1.0, 10.0, 6.0"  # text; title; author and note titles. A guess: a title says what a page is about
_SPARE: Final = 20  # hits looked at beyond what is asked for: terms of lost documents lead nowhere
_NEWEST: Final = 500  # documents with a common character among which those with it in their title come first
_COLUMNS: Final = "l.url, l.canonical_url, c.id, c.at, l.state, l.site, d.title"
_JOINS: Final = "JOIN captures c ON c.id = d.capture JOIN links l ON l.id = d.link"
_GATHERED: Final = 32 * 1024 * 1024  # bytes of terms that FTS5 sorts at once in a fill; by default it is 1 MB
_USUAL: Final = 1024 * 1024  # what FTS5 begins with
STAMP: Final = "search-terms"  # in `derived`: which version made the terms of this index
_TABLES: Final = """
DROP TABLE IF EXISTS words;
DROP TABLE IF EXISTS characters;
CREATE VIRTUAL TABLE words USING fts5 (text, title, names, content='', tokenize="unicode61 remove_diacritics 2");
CREATE VIRTUAL TABLE characters USING fts5 (text, content='', detail=none, columnsize=0, tokenize="unicode61");
"""


def is_ready(db: sqlite3.Connection) -> bool:
    """Whether the terms of this index are made as `words` makes them."""
    return (
        db.execute("SELECT 1 FROM derived WHERE name = ? AND stamp = ?", (STAMP, words.stamp())).fetchone() is not None
    )


def ready(db: sqlite3.Connection, text_of: Callable[[int], str | None]) -> None:
    """See to it that the terms are of this version: an older index is filled anew from the texts.

    Inside the caller's transaction. `text_of` gives the text of a capture, None where it is gone.
    """
    if not is_ready(db):
        fill(db, lambda captures: map(_new_text, map(text_of, captures)))


def _new_text(text: str | None) -> NewText | None:
    return None if text is None else NewText(text)


def fill(db: sqlite3.Connection, texts_of: Callable[[Sequence[int]], Iterable[NewText | None]]) -> None:
    """Make all terms anew, inside the caller's transaction; `texts_of` gives the texts of captures, None for lost ones.

    In the order of captures, which is the cheapest for the index.
    """
    for statement in _TABLES.strip().split("\n"):
        db.execute(statement)
    _gather(db, _GATHERED)
    known = db.execute("SELECT capture, title, names FROM documents ORDER BY capture").fetchall()
    found = texts_of([capture for capture, _, _ in known])
    for (capture, title, names), text in zip(known, found, strict=True):
        if text is None:
            db.execute("DELETE FROM documents WHERE capture = ?", (capture,))
        else:
            _put_terms(db, capture, title, names, text.text, text.terms)
    _gather(db, _USUAL)
    db.execute("DELETE FROM derived WHERE name = ?", (STAMP,))
    db.execute("INSERT INTO derived (name, stamp, key, data) VALUES (?, ?, '', '')", (STAMP, words.stamp()))


def _gather(db: sqlite3.Connection, size: int) -> None:
    """How many bytes of terms FTS5 gathers in memory before it writes them, sorted: the more, the less is merged."""
    for table in ("words", "characters"):
        db.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('hashsize', ?)", (size,))  # noqa: S608  # ours


def put(
    db: sqlite3.Connection, link: int, capture: int, title: str, names: str, text: str, ready: IndexTerms | None = None
) -> None:
    """Make a capture the document of its link; a document that was there must have been taken out with `drop`.

    `ready` are the terms of the text, where they are made already.
    """
    put_row(db, link, capture, title, names)
    _put_terms(db, capture, title, names, text, ready)


def put_row(db: sqlite3.Connection, link: int, capture: int, title: str, names: str) -> None:
    """Make a capture the document of its link, whose terms `fill` makes later."""
    db.execute("INSERT INTO documents (link, capture, title, names) VALUES (?, ?, ?, ?)", (link, capture, title, names))


def _put_terms(
    db: sqlite3.Connection, capture: int, title: str, names: str, text: str, ready: IndexTerms | None = None
) -> None:
    ready = ready or words.index_terms(text)
    db.execute(
        "INSERT INTO words (rowid, text, title, names) VALUES (?, ?, ?, ?)",
        (capture, ready.text, words.terms(title), words.terms(names)),
    )
    if characters := words.characters_of(title, names, text, ready):
        db.execute("INSERT INTO characters (rowid, text) VALUES (?, ?)", (capture, characters))


def drop(db: sqlite3.Connection, link: int, text: str | None) -> None:
    """Take a link's document out; `text` None (it cannot be read any more) leaves its terms, which lead nowhere."""
    row = db.execute("SELECT capture, title, names FROM documents WHERE link = ?", (link,)).fetchone()
    if row is None:
        return
    capture, title, names = row
    db.execute("DELETE FROM documents WHERE link = ?", (link,))
    if text is None:
        return
    made = words.index_terms(text)
    db.execute(
        "INSERT INTO words (words, rowid, text, title, names) VALUES ('delete', ?, ?, ?, ?)",
        (capture, made.text, words.terms(title), words.terms(names)),
    )
    if characters := words.characters_of(title, names, text, made):
        db.execute("INSERT INTO characters (characters, rowid, text) VALUES ('delete', ?, ?)", (capture, characters))


def find(db: sqlite3.Connection, query: str, limit: int, text_of: Callable[[int], str]) -> list[Hit]:
    """The best hits first; a query of filters only lists the newest.

    Raises UsageError for a date or a state that is none.
    """
    current = is_ready(db)
    try:
        asked = words.parse_query(query, simplify=current)
    except ValueError as error:
        raise UsageError(str(error)) from error
    where, values = _filters(asked)
    if not asked.match and not where:
        return []
    values |= {"limit": max(limit, 0), "match": asked.match}
    if current and (asked.singles or asked.without):
        values |= {"match": asked.ranked, "singles": asked.singles, "without": asked.without}
        sql = _with_characters(asked, where)
    else:
        sql = _ranked(where) if asked.match else _newest(where)
    return [_hit(row, asked, text_of) for row in db.execute(sql, values)]


def _ranked(where: list[str], also: str = "") -> str:
    """Without filters only the best rows are joined: a common word has ten thousand hits, a screen has twenty."""
    few = "" if where else f"ORDER BY rank LIMIT :limit + {_SPARE}"
    best = f"SELECT rowid, rank FROM words WHERE words MATCH :match AND rank MATCH 'bm25({_WEIGHTS})' {also} {few}"  # noqa: S608  # ours
    return (
        f"SELECT {_COLUMNS}, b.rank FROM ({best}) b JOIN documents d ON d.capture = b.rowid {_JOINS}"  # noqa: S608  # ours
        f" WHERE {' AND '.join(['TRUE', *where])} ORDER BY b.rank LIMIT :limit"
    )


def _with_characters(asked: words.Query, where: list[str]) -> str:
    """Documents that hold, or do not hold, single characters; where nothing else is asked, by `_common`."""
    holding = "IN (SELECT rowid FROM characters WHERE characters MATCH :singles)"
    lacking = "NOT IN (SELECT rowid FROM characters WHERE characters MATCH :without)"
    if not asked.ranked:
        return _common(asked, where, f"AND d.capture {lacking}" if asked.without else "")
    # The sign keeps SQLite from asking `words` for each of the rows alone.
    also = [f"AND +rowid {clause}" for clause, said in ((holding, asked.singles), (lacking, asked.without)) if said]
    return _ranked(where, " ".join(also))


def _common(asked: words.Query, where: list[str], also: str) -> str:
    """Of the newest documents with these characters first those that have one of them in the title, then by time.

    A rank would have to be worked out for each of a hundred thousand documents, and tell little.
    """
    titled = " OR ".join(f"instr(title, '{single}')" for single in asked.singles if single not in '" AND')
    newest = (
        f"SELECT {_COLUMNS} FROM (SELECT rowid FROM characters WHERE characters MATCH :singles ORDER BY rowid DESC) b"  # noqa: S608  # ours
        f" CROSS JOIN documents d ON d.capture = b.rowid {_JOINS} WHERE {' AND '.join(['TRUE', *where])} {also}"
        f" LIMIT {_NEWEST} + :limit"
    )
    return f"SELECT *, 0.0 FROM ({newest}) ORDER BY ({titled}) DESC, at DESC, id DESC LIMIT :limit"  # noqa: S608  # Chinese characters


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

"""Full-text search over every kept text.

What pages say now is found first, then what they said on other days; which texts there are is `documents`'s. Queries
are made in `words`. Of its tables `words` answers words and phrases, by rank; `characters` says which documents hold a
single Chinese character, which in `words` is the beginning of a thousand terms.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Final

from crawler.archive import documents, words
from crawler.archive.nouns import Hit
from crawler.archive.times import from_micros, micros
from crawler.core.errors import UsageError
from crawler.core.model import State

_WEIGHTS: Final = "1.0, 10.0, 6.0"  # text; title; author and note titles. A guess: a title says what a page is about
_SPARE: Final = 20  # hits looked at beyond what is asked for: terms of lost documents lead nowhere
_NEWEST: Final = 500  # documents with a common character among which those with it in their title come first
_COLUMNS: Final = "l.id AS link, l.url, l.canonical_url, c.id, c.at, l.state, l.site, d.title"
_JOINS: Final = "JOIN captures c ON c.id = d.capture JOIN links l ON l.id = d.link"

_Row = tuple[int, str, str, int, int, str, str, str, float]  # link, URLs, capture, at, state, site, title, rank


def find(
    db: sqlite3.Connection, query: str, limit: int, text_of: Callable[[int], str], *, snapshots: bool = False
) -> list[Hit]:
    """The best hits first, those in current texts before others; a query of filters only lists the newest.

    Earlier texts are searched of pages whose current one does not match, or with `snapshots` of all; each is a hit of
    its own. Where that is less than `limit`, words also count where a number is written to them: asked for all at once,
    a common word would take half as long again. Raises UsageError for a date or a state that is none.
    """
    current = documents.is_ready(db)
    try:
        asked, wider = (words.parse_query(query, simplify=current, numbered=numbered) for numbered in (False, True))
    except ValueError as error:
        raise UsageError(str(error)) from error
    hits = _found(db, asked, limit, text_of, snapshots=snapshots)
    if len(hits) < limit and wider.match != asked.match:
        known = {hit.capture_id if snapshots else hit.canonical_url for hit in hits}
        others = _found(db, wider, limit + len(hits), text_of, snapshots=snapshots)
        hits += [hit for hit in others if (hit.capture_id if snapshots else hit.canonical_url) not in known]
        hits = sorted(hits[:limit], key=lambda hit: not hit.current)
    return hits


def _found(
    db: sqlite3.Connection, asked: words.Query, limit: int, text_of: Callable[[int], str], *, snapshots: bool
) -> list[Hit]:
    current = documents.is_ready(db)
    where, values = _filters(asked)
    if not asked.match and not where:
        return []
    earlier = db.execute("SELECT 1 FROM earlier LIMIT 1").fetchone() is not None
    mixed = earlier or db.execute("SELECT 1 FROM held LIMIT 1").fetchone() is not None
    singly = current and bool(asked.singles or asked.without)
    values |= {"match": asked.ranked, "singles": asked.singles, "without": asked.without} if singly else {}
    values.setdefault("match", asked.match)

    def rows(texts: str, left: int) -> list[_Row]:
        if singly:
            sql = _with_characters(texts, asked, where, mixed=mixed)
        else:
            sql = _ranked(texts, where, mixed=mixed) if asked.match else _newest(texts, where)
        return db.execute(sql, values | {"limit": left}).fetchall() if left > 0 else []

    found = rows("documents", limit)
    hits = [_hit(row, asked, text_of, current=True) for row in found]
    if earlier and len(hits) < limit:
        shown = "" if snapshots else ", ".join(str(row[0]) for row in found)
        others = rows(f"(SELECT * FROM earlier WHERE link NOT IN ({shown}))", limit - len(hits))  # noqa: S608  # numbers
        hits += [_hit(row, asked, text_of, current=False) for row in others]
    return hits


def _ranked(texts: str, where: list[str], also: str = "", *, mixed: bool) -> str:
    """Without filters only the best rows are joined: a common word has ten thousand hits, a screen has twenty.

    `mixed`: there are terms of other texts, too, earlier ones or of checks that are held, and only `texts` count.
    """
    by_rank = "+rank" if also else "rank"  # the sign: FTS5 would rank all rows before they are filtered
    few = "" if where else f"ORDER BY {by_rank} LIMIT :limit + {_SPARE}"
    if mixed and not where:
        also += f" AND EXISTS (SELECT 1 FROM {texts} t WHERE t.capture = +words.rowid)"  # noqa: S608  # ours
    best = f"SELECT rowid, rank FROM words WHERE words MATCH :match AND rank MATCH 'bm25({_WEIGHTS})' {also} {few}"  # noqa: S608  # ours
    return (
        f"SELECT {_COLUMNS}, b.rank FROM ({best}) b JOIN {texts} d ON d.capture = b.rowid {_JOINS}"  # noqa: S608  # ours
        f" WHERE {' AND '.join(['TRUE', *where])} ORDER BY b.rank LIMIT :limit"
    )


def _with_characters(texts: str, asked: words.Query, where: list[str], *, mixed: bool) -> str:
    """Texts that hold, or do not hold, single characters; where nothing else is asked, by `_common`."""
    holding = "IN (SELECT rowid FROM characters WHERE characters MATCH :singles)"
    lacking = "NOT IN (SELECT rowid FROM characters WHERE characters MATCH :without)"
    if not asked.ranked:
        return _common(texts, asked, where, f"AND d.capture {lacking}" if asked.without else "")
    # The sign keeps SQLite from asking `words` for each of the rows alone.
    also = [f"AND +rowid {clause}" for clause, said in ((holding, asked.singles), (lacking, asked.without)) if said]
    return _ranked(texts, where, " ".join(also), mixed=mixed)


def _common(texts: str, asked: words.Query, where: list[str], also: str) -> str:
    """Of the newest texts with these characters first those that have one of them in the title, then by time.

    A rank would have to be worked out for each of a hundred thousand texts, and tell little.
    """
    titled = " OR ".join(f"instr(title, '{single}')" for single in asked.singles if single not in '" AND')
    newest = (
        f"SELECT {_COLUMNS} FROM (SELECT rowid FROM characters WHERE characters MATCH :singles ORDER BY rowid DESC) b"  # noqa: S608  # ours
        f" CROSS JOIN {texts} d ON d.capture = b.rowid {_JOINS} WHERE {' AND '.join(['TRUE', *where])} {also}"
        f" LIMIT {_NEWEST} + :limit"
    )
    return f"SELECT *, 0.0 FROM ({newest}) ORDER BY ({titled}) DESC, at DESC, id DESC LIMIT :limit"  # noqa: S608  # Chinese characters


def _newest(texts: str, where: list[str]) -> str:
    return (
        f"SELECT {_COLUMNS}, 0.0 FROM {texts} d {_JOINS}"  # noqa: S608  # conditions are ours
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


def _hit(row: _Row, asked: words.Query, text_of: Callable[[int], str], *, current: bool) -> Hit:
    _, url, canonical, capture, at, state, site, title, rank = row
    line, spans = words.snippet(text_of(capture), asked.needles)
    return Hit(url, canonical, capture, from_micros(at), State(state), site, title, line, spans, rank, current)

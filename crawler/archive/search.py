"""Full-text search over every kept text, written in the capture's transaction.

`documents` names the current text of each link, `earlier` the others that were kept of it; both have their terms in the
same tables, by the number of their capture. What pages say now is found first, then what they said on other days.

The index is contentless: it holds terms, not text, so taking a document out needs the very text that went in, which
the segments still have. Terms and queries are made in `words`; an index whose terms another version made is filled
anew by the next writer (`ready`), and searched by its own terms until then.

`words` answers words and phrases, by rank; `characters` says which documents hold a single Chinese character, which
in `words` is the beginning of a thousand terms.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Final

import msgspec

from crawler.archive import termtrees, words
from crawler.archive.journal import CaptureData
from crawler.archive.nouns import Hit
from crawler.archive.times import from_micros, micros
from crawler.core.counts import Counted
from crawler.core.errors import StoreError, UsageError
from crawler.core.model import IndexTerms, State

_WEIGHTS: Final = "1.0, 10.0, 6.0"  # text; title; author and note titles. A guess: a title says what a page is about
_SPARE: Final = 20  # hits looked at beyond what is asked for: terms of lost documents lead nowhere
_NEWEST: Final = 500  # documents with a common character among which those with it in their title come first
_COLUMNS: Final = "l.id AS link, l.url, l.canonical_url, c.id, c.at, l.state, l.site, d.title"
_JOINS: Final = "JOIN captures c ON c.id = d.capture JOIN links l ON l.id = d.link"
log = logging.getLogger(__name__)

STAMP: Final = "search-terms"  # in `derived`: which version made the terms of this index
WHOLE: Final = "search-earlier"  # in `derived`: `earlier` knows the texts that were kept before there was such a table
DUE: Final = "search-due"  # in `derived`: some documents have no terms yet
_TABLES: Final = f"""
DROP TABLE IF EXISTS words;
DROP TABLE IF EXISTS characters;
{termtrees.TABLES.strip()}
"""


Document = tuple[int, str, str]  # capture, title, names
_Row = tuple[int, str, str, int, int, str, str, str, float]  # link, URLs, capture, at, state, site, title, rank
_data_of = msgspec.msgpack.Decoder(CaptureData).decode


# How FTS5 writes, on which what it finds does not depend: trees of one size that are merged into one. By its own 4 a
# text of 1,800 terms takes 1.3 ms, by 16 1.1; a query looks into each tree: 0.65 ms in place of 0.4 among 3,000 texts.
_PACE: Final = {"automerge": 16}


@dataclass(frozen=True, slots=True)
class Grown:
    """The trees of some documents, and those whose texts cannot be read."""

    trees: termtrees.Trees
    lost: list[int]


def is_ready(db: sqlite3.Connection) -> bool:
    """Whether the terms of this index are made as `words` makes them."""
    return _stamped(db, STAMP, words.stamp())


def _stamped(db: sqlite3.Connection, name: str, stamp: str) -> bool:
    return db.execute("SELECT 1 FROM derived WHERE name = ? AND stamp = ?", (name, stamp)).fetchone() is not None


def _put_stamp(db: sqlite3.Connection, name: str, stamp: str) -> None:
    _drop_stamp(db, name)
    db.execute("INSERT INTO derived (name, stamp, key, data) VALUES (?, ?, '', '')", (name, stamp))


def _drop_stamp(db: sqlite3.Connection, name: str) -> None:
    db.execute("DELETE FROM derived WHERE name = ?", (name,))


def ready(db: sqlite3.Connection, text_of: Callable[[int], str | None]) -> None:
    """See to it that the terms are of this version: an older index is filled anew from the texts.

    Inside the caller's transaction. `text_of` gives the text of a capture, None where it is gone; it may raise
    StoreError: what is away is taken in by the first writer that can read it.
    """
    away: list[int] = []

    def text_or_none(capture: int) -> str | None:
        try:
            return text_of(capture)
        except StoreError:
            away.append(capture)
            return None

    if not is_ready(db):
        fill(db, text_or_none)
    elif is_due(db):
        fill_due(db, text_or_none)
    if not _stamped(db, WHOLE, ""):
        for link, capture, title, names in list(left_out(db)):
            if (text := text_or_none(capture)) is not None:
                put_earlier(db, link, capture, title, names, text)
        _put_stamp(db, WHOLE, "")
    _set_pace(db)
    if away:
        texts = f"{Counted(len(away)):text in the object store cannot|texts in the object store cannot}"
        log.warning("crawler: %s be read now; a later run tries again", texts)
        _drop_stamp(db, WHOLE)


def _set_pace(db: sqlite3.Connection) -> None:
    for table in ("words", "characters"):
        known = dict(db.execute(f"SELECT k, v FROM {table}_config"))  # noqa: S608  # ours
        for name, value in _PACE.items():
            if known.get(name) != value:
                db.execute(f"INSERT INTO {table} ({table}, rank) VALUES (?, ?)", (name, value))  # noqa: S608  # ours


def unless_away(text_of: Callable[[int], str | None]) -> Callable[[int], str | None]:
    """A text that an object store does not give now counts as one that cannot be read, with a line.

    What is recorded must not wait for a store, nor must hits whose texts are here.
    """
    told = False

    def text_or_none(ident: int) -> str | None:
        nonlocal told
        try:
            return text_of(ident)
        except StoreError as error:
            if not told:
                log.warning("crawler: %s; texts that lie there are left out of the search for now", error)
            told = True
            return None

    return text_or_none


def left_out(db: sqlite3.Connection, link: int | None = None) -> Iterator[tuple[int, int, str, str]]:
    """Kept texts that are in neither table, of one link or of all: link, capture, title, names.

    Of a link that was seen alive, only what was.
    """
    found = db.execute(
        "SELECT link, id, data FROM captures c WHERE text_at IS NOT NULL AND NOT notice AND (?1 IS NULL OR link = ?1)"
        " AND id NOT IN (SELECT capture FROM documents) AND id NOT IN (SELECT capture FROM earlier) AND (state = ?2"
        " OR NOT EXISTS (SELECT 1 FROM captures o WHERE o.link = c.link AND o.state = ?2 AND NOT o.notice))",
        (link, State.ALIVE.value),
    )
    for owner, capture, blob in found:
        data = _data_of(blob)
        yield owner, capture, data.title, data.author


TreesOf = Callable[[Sequence[Document]], Iterable[Grown]]


def fill(db: sqlite3.Connection, text_of: Callable[[int], str | None], trees_of: TreesOf | None = None) -> None:
    """Make all terms anew, inside the caller's transaction; `text_of` gives the text of a capture, None for a lost one.

    `trees_of` makes those of many at once, on a connection on which nothing was searched yet. In the order of captures,
    the cheapest for the index.
    """
    known = _begin_filling(db)
    if trees_of and termtrees.fits(db):
        fill_due_with(db, trees_of(known))
    else:
        for capture, title, names in known:
            if (text := text_of(capture)) is None:
                _leave_out(db, capture)
            else:
                put_terms(db, capture, title, names, text)
    _put_stamp(db, STAMP, words.stamp())
    _put_stamp(db, WHOLE, "")
    _drop_stamp(db, DUE)


def put_due(db: sqlite3.Connection) -> None:
    """Note that documents may have no terms yet: `fill_due` makes them, or the next writer (`ready`)."""
    _put_stamp(db, DUE, "")


def is_due(db: sqlite3.Connection) -> bool:
    """Whether documents may have no terms yet."""
    return _stamped(db, DUE, "")


def due(db: sqlite3.Connection) -> list[Document]:
    """Documents and earlier texts that have no terms yet, in the order of captures."""
    lacking = "SELECT capture, title, names FROM {} WHERE capture NOT IN (SELECT id FROM words_docsize)"
    both = " UNION ALL ".join(map(lacking.format, ("documents", "earlier")))
    return db.execute(f"{both} ORDER BY capture").fetchall()


def fill_due(db: sqlite3.Connection, text_of: Callable[[int], str | None]) -> None:
    """Make the terms that are lacking, inside the caller's transaction."""
    for capture, title, names in due(db):
        if (text := text_of(capture)) is None:
            _leave_out(db, capture)
        else:
            put_terms(db, capture, title, names, text)
    _drop_stamp(db, DUE)


def fill_due_with(db: sqlite3.Connection, grown: Iterable[Grown]) -> None:
    """The same from trees of all that is `due`, on a connection on which nothing was searched yet."""
    for some in grown:
        termtrees.put(db, some.trees)
        for capture in some.lost:
            _leave_out(db, capture)
    termtrees.merge(db)
    _drop_stamp(db, DUE)


def _begin_filling(db: sqlite3.Connection) -> list[Document]:
    """Tables without terms; what is to stand in them, in the order of captures."""
    for statement in _TABLES.strip().split("\n"):
        db.execute(statement)
    db.executemany("INSERT INTO earlier (link, capture, title, names) VALUES (?, ?, ?, ?)", list(left_out(db)))
    columns = "SELECT capture, title, names FROM"
    return db.execute(f"{columns} documents UNION ALL {columns} earlier ORDER BY capture").fetchall()


def _leave_out(db: sqlite3.Connection, capture: int) -> None:
    db.execute("DELETE FROM documents WHERE capture = ?", (capture,))
    db.execute("DELETE FROM earlier WHERE capture = ?", (capture,))


def put(
    db: sqlite3.Connection, link: int, capture: int, title: str, names: str, text: str, ready: IndexTerms | None = None
) -> None:
    """Make a capture the document of its link; a document that was there must have been taken out with `drop`.

    `ready` are the terms of the text, where they are made already.
    """
    put_row(db, link, capture, title, names)
    put_terms(db, capture, title, names, text, ready)


def put_row(db: sqlite3.Connection, link: int, capture: int, title: str, names: str) -> None:
    """Make a capture the document of its link, whose terms `fill` makes later."""
    db.execute("INSERT INTO documents (link, capture, title, names) VALUES (?, ?, ?, ?)", (link, capture, title, names))


def put_earlier(
    db: sqlite3.Connection, link: int, capture: int, title: str, names: str, text: str, ready: IndexTerms | None = None
) -> None:
    """Make a capture's text one of a link's earlier ones, among which it must not be yet."""
    put_earlier_row(db, link, capture, title, names)
    put_terms(db, capture, title, names, text, ready)


def put_earlier_row(db: sqlite3.Connection, link: int, capture: int, title: str, names: str) -> None:
    """Make a capture's text one of a link's earlier ones, whose terms `fill` makes later."""
    db.execute("INSERT INTO earlier (link, capture, title, names) VALUES (?, ?, ?, ?)", (link, capture, title, names))


def retire(db: sqlite3.Connection, link: int) -> None:
    """The current text of a link becomes one of its earlier ones; its terms stay as they are."""
    _move(db, "documents", "earlier", "link", link)


def recall(db: sqlite3.Connection, capture: int) -> None:
    """An earlier text becomes the current one of its link, where it is one; a current one must have gone before."""
    _move(db, "earlier", "documents", "capture", capture)


def _move(db: sqlite3.Connection, source: str, target: str, key: str, value: int) -> None:
    # Not INSERT … SELECT: that takes a savepoint, at each of which FTS5 writes out what it has gathered.
    columns, where = "link, capture, title, names", f"FROM {source} WHERE {key} = ?"
    row = db.execute(f"SELECT {columns} {where}", (value,)).fetchone()  # names of ours
    if row:
        db.execute(f"DELETE {where}", (value,))
        db.execute(f"INSERT INTO {target} ({columns}) VALUES (?, ?, ?, ?)", row)  # noqa: S608  # as above


def put_terms(
    db: sqlite3.Connection, capture: int, title: str, names: str, text: str, ready: IndexTerms | None = None
) -> None:
    """The terms of a capture that has none; they are found once it is among the documents or the earlier texts."""
    termtrees.put_one(db, words.terms_of(capture, title, names, text, ready))


def drop(db: sqlite3.Connection, link: int, text: str | None) -> None:
    """Take a link's document out; `text` None (it cannot be read any more) leaves its terms, which lead nowhere."""
    row = db.execute("SELECT capture, title, names FROM documents WHERE link = ?", (link,)).fetchone()
    if row is None:
        return
    capture, title, names = row
    db.execute("DELETE FROM documents WHERE link = ?", (link,))
    if text is not None and has_terms(db, capture):
        drop_terms(db, capture, title, names, text)


def drop_earlier(db: sqlite3.Connection, capture: int, text_of: Callable[[int], str | None]) -> None:
    """Take an earlier text out, where it is one."""
    row = db.execute("SELECT title, names FROM earlier WHERE capture = ?", (capture,)).fetchone()
    if row is None:
        return
    title, names = row
    db.execute("DELETE FROM earlier WHERE capture = ?", (capture,))
    if has_terms(db, capture) and (text := text_of(capture)) is not None:
        drop_terms(db, capture, title, names, text)


def has_terms(db: sqlite3.Connection, capture: int) -> bool:
    """Whether there are terms of a capture, found or not."""
    return db.execute("SELECT 1 FROM words WHERE rowid = ?", (capture,)).fetchone() is not None


def drop_terms(db: sqlite3.Connection, capture: int, title: str, names: str, text: str) -> None:
    """Take the terms of a capture out, which must be those of exactly this."""
    made = words.terms_of(capture, title, names, text)
    db.execute(
        "INSERT INTO words (words, rowid, text, title, names) VALUES ('delete', ?, ?, ?, ?)",
        (capture, made.text, made.title, made.names),
    )
    if made.characters:
        db.execute(
            "INSERT INTO characters (characters, rowid, text) VALUES ('delete', ?, ?)", (capture, made.characters)
        )


def find(
    db: sqlite3.Connection, query: str, limit: int, text_of: Callable[[int], str], *, snapshots: bool = False
) -> list[Hit]:
    """The best hits first, those in current texts before others; a query of filters only lists the newest.

    Earlier texts are searched of pages whose current one does not match, or with `snapshots` of all; each is a hit of
    its own. Where that is less than `limit`, words also count where a number is written to them: asked for all at once,
    a common word would take half as long again. Raises UsageError for a date or a state that is none.
    """
    current = is_ready(db)
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
    current = is_ready(db)
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

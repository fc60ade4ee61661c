"""The texts that can be searched and their terms, kept in the capture's transaction.

`documents` names the current text of each link, `earlier` the others that were kept of it; both have their terms in the
same tables, by the number of their capture. The index is contentless: it holds terms, not text, so taking a document
out needs the very text that went in, which the segments still have. Terms are made in `words`; an index whose terms
another version made is filled anew by the next writer (`ready`). Finding a text is `search`'s.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from crawler.archive import termtrees, words
from crawler.archive.journal import CaptureData
from crawler.core.counts import Counted
from crawler.core.errors import StoreError
from crawler.core.model import State

log = logging.getLogger(__name__)

STAMP: Final = "search-terms"  # in `derived`: which version made the terms of this index
WHOLE: Final = "search-earlier"  # in `derived`: `earlier` knows the texts that were kept before there was such a table
DEFERRED: Final = "search-due"  # in `derived`: some documents have no terms yet
_TABLES: Final = f"""
DROP TABLE IF EXISTS words;
DROP TABLE IF EXISTS characters;
{termtrees.TABLES.strip()}
"""
# How FTS5 writes, on which what it finds does not depend: trees of one size that are merged into one. By its own 4 a
# text of 1,800 terms takes 1.3 ms, by 16 1.1; a query looks into each tree: 0.65 ms in place of 0.4 among 3,000 texts.
_PACE: Final = {"automerge": 16}

_data_of = msgspec.msgpack.Decoder(CaptureData).decode


class IndexedText(NamedTuple):
    """A capture whose text can be searched, with its page's title, and the names under which it is found as well."""

    capture: int
    title: str
    names: str  # author and titles in notes


@dataclass(frozen=True, slots=True)
class MadeTrees:
    """The search trees of some documents, and those whose texts cannot be read."""

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
    elif has_deferred(db):
        fill_deferred(db, text_or_none)
    if not _stamped(db, WHOLE, ""):
        for link, document in list(left_out(db)):
            if (text := text_or_none(document.capture)) is not None:
                put_earlier(db, link, document, text)
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


def left_out(db: sqlite3.Connection, link: int | None = None) -> Iterator[tuple[int, IndexedText]]:
    """Kept texts that are in neither table, of one link or of all, each with its link.

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
        yield owner, IndexedText(capture, data.title, data.author)


TreesOf = Callable[[Sequence[IndexedText]], Iterable[MadeTrees]]


def fill(db: sqlite3.Connection, text_of: Callable[[int], str | None], trees_of: TreesOf | None = None) -> None:
    """Make all terms anew, inside the caller's transaction; `text_of` gives the text of a capture, None for a lost one.

    `trees_of` makes those of many at once, on a connection on which nothing was searched yet. In the order of captures,
    the cheapest for the index.
    """
    known = _begin_filling(db)
    if trees_of and termtrees.fits(db):
        put_trees(db, trees_of(known))
    else:
        fill_with(db, known, text_of)
    _put_stamp(db, STAMP, words.stamp())
    _put_stamp(db, WHOLE, "")
    _drop_stamp(db, DEFERRED)


def note_deferred(db: sqlite3.Connection) -> None:
    """Note that documents may have no terms yet: `fill_deferred` makes them, or the next writer (`ready`)."""
    _put_stamp(db, DEFERRED, "")


def has_deferred(db: sqlite3.Connection) -> bool:
    """Whether documents may have no terms yet."""
    return _stamped(db, DEFERRED, "")


def without_terms(db: sqlite3.Connection) -> list[IndexedText]:
    """Documents and earlier texts that have no terms yet, in the order of captures."""
    without = "SELECT capture, title, names FROM {} WHERE capture NOT IN (SELECT id FROM words_docsize)"
    both = " UNION ALL ".join(map(without.format, ("documents", "earlier")))
    return [IndexedText(*row) for row in db.execute(f"{both} ORDER BY capture")]


def forget_deferred(db: sqlite3.Connection) -> None:
    """Note that all terms are there."""
    _drop_stamp(db, DEFERRED)


def fill_deferred(db: sqlite3.Connection, text_of: Callable[[int], str | None]) -> None:
    """Make the terms that were deferred, inside the caller's transaction."""
    fill_with(db, without_terms(db), text_of)
    _drop_stamp(db, DEFERRED)


def still_without_terms(
    db: sqlite3.Connection, texts: Iterable[IndexedText], held: Container[int]
) -> list[IndexedText]:
    """Those of some texts that have no terms yet, and are searched as they are here or wait for that in `held`."""
    columns = "SELECT title, names FROM"
    both = f"{columns} documents WHERE capture = ?1 UNION ALL {columns} earlier WHERE capture = ?1"
    found = []
    for text in texts:
        known = db.execute(both, (text.capture,)).fetchone()
        if (known == text[1:] if known else text.capture in held) and not has_terms(db, text.capture):
            found.append(text)
    return found


def put_trees(db: sqlite3.Connection, made: Iterable[MadeTrees]) -> None:
    """Put trees in, on a connection on which nothing was searched yet, inside the caller's transaction."""
    for some in made:
        termtrees.put(db, some.trees)
        for capture in some.lost:
            _leave_out(db, capture)
    termtrees.merge(db)


def _begin_filling(db: sqlite3.Connection) -> list[IndexedText]:
    """Tables without terms; what is to stand in them, in the order of captures."""
    for statement in _TABLES.strip().split("\n"):
        db.execute(statement)
    for link, document in list(left_out(db)):
        put_earlier_row(db, link, document)
    columns = "SELECT capture, title, names FROM"
    both = db.execute(f"{columns} documents UNION ALL {columns} earlier ORDER BY capture")
    return [IndexedText(*row) for row in both]


def fill_with(db: sqlite3.Connection, documents: Iterable[IndexedText], text_of: Callable[[int], str | None]) -> None:
    """Make the terms of documents that have none, one by one; those whose text is gone are left out."""
    for document in documents:
        if (text := text_of(document.capture)) is None:
            _leave_out(db, document.capture)
        else:
            put_terms(db, document, text)


def _leave_out(db: sqlite3.Connection, capture: int) -> None:
    db.execute("DELETE FROM documents WHERE capture = ?", (capture,))
    db.execute("DELETE FROM earlier WHERE capture = ?", (capture,))


def put(db: sqlite3.Connection, link: int, document: IndexedText, text: str) -> None:
    """Make a capture the document of its link; a document that was there must have been taken out with `drop`."""
    put_row(db, link, document)
    put_terms(db, document, text)


def put_row(db: sqlite3.Connection, link: int, document: IndexedText) -> None:
    """Make a capture the document of its link, whose terms `fill` makes later."""
    db.execute("INSERT INTO documents (link, capture, title, names) VALUES (?, ?, ?, ?)", (link, *document))


def put_earlier(db: sqlite3.Connection, link: int, document: IndexedText, text: str) -> None:
    """Make a capture's text one of a link's earlier ones, among which it must not be yet."""
    put_earlier_row(db, link, document)
    put_terms(db, document, text)


def put_earlier_row(db: sqlite3.Connection, link: int, document: IndexedText) -> None:
    """Make a capture's text one of a link's earlier ones, whose terms `fill` makes later."""
    db.execute("INSERT INTO earlier (link, capture, title, names) VALUES (?, ?, ?, ?)", (link, *document))


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


def put_terms(db: sqlite3.Connection, document: IndexedText, text: str) -> None:
    """The terms of a capture that has none; they are found once it is among the documents or the earlier texts."""
    termtrees.put_one(db, words.terms_of(*document, text))


def drop(db: sqlite3.Connection, link: int, text: str | None) -> None:
    """Take a link's document out; `text` None (it cannot be read any more) leaves its terms, which lead nowhere."""
    row = db.execute("SELECT capture, title, names FROM documents WHERE link = ?", (link,)).fetchone()
    if row is None:
        return
    document = IndexedText(*row)
    db.execute("DELETE FROM documents WHERE link = ?", (link,))
    if text is not None and has_terms(db, document.capture):
        drop_terms(db, document, text)


def drop_earlier(db: sqlite3.Connection, capture: int, text_of: Callable[[int], str | None]) -> None:
    """Take an earlier text out, where it is one."""
    row = db.execute("SELECT capture, title, names FROM earlier WHERE capture = ?", (capture,)).fetchone()
    if row is None:
        return
    db.execute("DELETE FROM earlier WHERE capture = ?", (capture,))
    if has_terms(db, capture) and (text := text_of(capture)) is not None:
        drop_terms(db, IndexedText(*row), text)


def has_terms(db: sqlite3.Connection, capture: int) -> bool:
    """Whether there are terms of a capture, found or not."""
    return db.execute("SELECT 1 FROM words WHERE rowid = ?", (capture,)).fetchone() is not None


def drop_terms(db: sqlite3.Connection, document: IndexedText, text: str) -> None:
    """Take the terms of a capture out, which must be those of exactly this."""
    made = words.terms_of(*document, text)
    db.execute(
        "INSERT INTO words (words, rowid, text, title, names) VALUES ('delete', ?, ?, ?, ?)",
        (document.capture, made.text, made.title, made.names),
    )
    if made.characters:
        db.execute(
            "INSERT INTO characters (characters, rowid, text) VALUES ('delete', ?, ?)",
            (document.capture, made.characters),
        )

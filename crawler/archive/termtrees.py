"""Terms of many texts made into a finished b-tree of FTS5, elsewhere and at once, and put into an index as it is.

FTS5 keeps terms in several b-trees, one for each transaction that wrote some, and merges them by and by. Making one
takes a millisecond a text, which only the one writer of an index could spend; a tree that was made in memory, by any
process, goes in as rows. What trees look like is FTS5's legacy format, which all its versions read (SQLite,
ext/fts5/fts5_index.c, "There are two versions of the format"): a tree gets another number and is listed, its pages stay
as they are. Where a library does otherwise or guards these tables (`fits`), texts go in one by one (`put_one`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from crawler.archive.words import Terms

TABLES: Final = """
CREATE VIRTUAL TABLE words USING fts5 (text, title, names, content='', tokenize="unicode61 remove_diacritics 2");
CREATE VIRTUAL TABLE characters USING fts5 (text, content='', detail=none, columnsize=0, tokenize="unicode61");
"""
_NAMES: Final = ("words", "characters")
_SIZED: Final = ("words",)  # those that note how many words each text has
_AVERAGES, _STRUCTURE = 1, 10  # rows of a table's pages: its counts, and the list of its trees
_TREE_SHIFT: Final = 37  # of a page's number: that of its tree stands above
_COOKIE: Final = 4  # bytes before the list
_OLD: Final = 2  # the level where trees stand that FTS5 has merged twice, which are about as large as ours
_MANY: Final = 16  # trees that are merged into one, as each search looks into all; see `documents` on pace
_HASH: Final = 4 * 1024 * 1024  # bytes that FTS5 gathers before it writes; with 64 MB it takes a third longer


@dataclass(frozen=True, slots=True)
class Tree:
    """The one tree of a table, and what that table knows of its texts; rows as FTS5 has them."""

    number: int
    last: int  # page
    averages: bytes
    pages: list[tuple[int, bytes]]
    starts: list[tuple[bytes, int]]  # the term by which a page is found
    sizes: list[tuple[int, bytes]]


Trees = dict[str, Tree]


def make(terms: Iterable[Terms]) -> Trees:
    """A tree for each table in which something of these texts stands."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    try:
        db.executescript(TABLES)
        for name in _NAMES:
            _command(db, name, "hashsize", _HASH)
            _command(db, name, "automerge", 0)
        db.execute("BEGIN")
        for one in terms:
            put_one(db, one)
        for name in _NAMES:
            _command(db, name, "optimize")  # merges all there is
        db.execute("COMMIT")
        return {name: tree for name in _NAMES if (tree := _tree(db, name))}
    finally:
        db.close()


def put_one(db: sqlite3.Connection, terms: Terms) -> None:
    """One text into an index, as FTS5 does it."""
    db.execute(
        "INSERT INTO words (rowid, text, title, names) VALUES (?, ?, ?, ?)",
        (terms.capture, terms.text, terms.title, terms.names),
    )
    if terms.characters:
        db.execute("INSERT INTO characters (rowid, text) VALUES (?, ?)", (terms.capture, terms.characters))


def fits(db: sqlite3.Connection) -> bool:
    """Whether trees can be put into this index, inside the caller's transaction."""
    try:
        for name in _NAMES:
            db.execute(f"UPDATE {name}_data SET block = block WHERE id = {_STRUCTURE}")  # noqa: S608  # ours
        return all(_Levels.read(_block(db, name, _STRUCTURE)) for name in _NAMES)
    except sqlite3.OperationalError:  # SQLITE_DBCONFIG_DEFENSIVE, which some systems set for all programs
        return False


def put(db: sqlite3.Connection, trees: Trees) -> None:
    """Trees into an index that they fit, none of whose texts was ever there, inside the caller's transaction.

    FTS5 remembers its trees as long as no other connection writes: on this one it must not have been used before.
    """
    for name, tree in trees.items():
        levels = _Levels.read(_block(db, name, _STRUCTURE))
        assert levels is not None
        number = levels.free_number()
        shift = (number - tree.number) << _TREE_SHIFT
        pages = ((ident + shift, block) for ident, block in tree.pages)
        starts = ((number, term, page) for term, page in tree.starts)
        db.executemany(f"INSERT INTO {name}_data (id, block) VALUES (?, ?)", pages)  # noqa: S608  # ours
        db.executemany(f"INSERT INTO {name}_idx (segid, term, pgno) VALUES (?, ?, ?)", starts)  # noqa: S608  # ours
        if name in _SIZED:
            db.executemany(f"INSERT INTO {name}_docsize (id, sz) VALUES (?, ?)", tree.sizes)  # noqa: S608  # ours
        levels.add(number, tree.last)
        _set_block(db, name, _STRUCTURE, levels.packed())
        _set_block(db, name, _AVERAGES, _sum(_block(db, name, _AVERAGES), tree.averages))


def merge(db: sqlite3.Connection) -> None:
    """Make one tree of many; afterwards `put` needs another connection."""
    for name in _NAMES:
        levels = _Levels.read(_block(db, name, _STRUCTURE))
        if levels and max(map(len, levels.trees), default=0) >= _MANY:
            _command(db, name, "merge", 1 << 30)  # pages: as many as there are


def _tree(db: sqlite3.Connection, name: str) -> Tree | None:
    levels = _Levels.read(_block(db, name, _STRUCTURE))
    trees = [tree for level in levels.trees for tree in level] if levels else []
    if not trees:
        return None
    ((number, first, last),) = trees
    assert first == 1
    return Tree(
        number,
        last,
        _block(db, name, _AVERAGES),
        db.execute(f"SELECT id, block FROM {name}_data WHERE id > {_STRUCTURE}").fetchall(),  # noqa: S608  # ours
        db.execute(f"SELECT term, pgno FROM {name}_idx").fetchall(),  # noqa: S608  # ours
        db.execute(f"SELECT id, sz FROM {name}_docsize").fetchall() if name in _SIZED else [],  # noqa: S608  # ours
    )


@dataclass(slots=True)
class _Levels:
    """The list of trees: number, first and last page of each, the older the higher its level, newest last in each."""

    cookie: bytes
    counter: int  # pages written so far, by which FTS5 paces its merges
    merging: list[int]  # trees of a level that are being merged
    trees: list[list[tuple[int, int, int]]]

    @classmethod
    def read(cls, block: bytes) -> _Levels | None:
        """None where the list is not of the legacy format."""
        try:
            numbers = _varints(block[_COOKIE:])
            count, total, counter = next(numbers), next(numbers), next(numbers)
            merging: list[int] = []
            trees: list[list[tuple[int, int, int]]] = []
            for _ in range(count):
                merging.append(next(numbers))
                trees.append([(next(numbers), next(numbers), next(numbers)) for _ in range(next(numbers))])
        except (StopIteration, RuntimeError, IndexError):
            return None
        whole = sum(map(len, trees)) == total and next(numbers, None) is None
        return cls(block[:_COOKIE], counter, merging, trees) if whole else None

    def free_number(self) -> int:
        """The least number that no tree has."""
        used = {number for level in self.trees for number, _, _ in level}
        return next(number for number in range(1, len(used) + 2) if number not in used)

    def add(self, number: int, last: int) -> None:
        """A tree newer than all others; high up where nothing lies below, so that it is merged with its like."""
        while len(self.trees) <= _OLD:
            self.trees.append([])
            self.merging.append(0)
        level = 0 if any(self.trees[:_OLD]) or any(self.merging) else _OLD
        self.trees[level].append((number, 1, last))

    def packed(self) -> bytes:
        """As FTS5 reads it."""
        numbers = [len(self.trees), sum(map(len, self.trees)), self.counter]
        for merging, level in zip(self.merging, self.trees, strict=True):
            numbers += [merging, len(level), *(number for tree in level for number in tree)]
        return self.cookie + b"".join(map(_varint, numbers))


def _sum(one: bytes, other: bytes) -> bytes:
    """How many texts there are, and how many words in each column."""
    return b"".join(_varint(a + b) for a, b in zip(_varints(one), _varints(other), strict=True)) if one else other


def _varints(block: bytes) -> Iterator[int]:
    """SQLite's numbers: seven bits a byte, the highest first, eight in a ninth byte."""
    value, length = 0, 0
    for byte in block:
        length += 1
        if length == 9:
            yield value << 8 | byte
            value, length = 0, 0
        elif byte < 0x80:
            yield value << 7 | byte
            value, length = 0, 0
        else:
            value = value << 7 | (byte & 0x7F)


def _varint(value: int) -> bytes:
    """A number below 2**56."""
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(0x80 | (value & 0x7F))
    return bytes(reversed(parts))


def _block(db: sqlite3.Connection, name: str, ident: int) -> bytes:
    (block,) = db.execute(f"SELECT block FROM {name}_data WHERE id = ?", (ident,)).fetchone()  # noqa: S608  # ours
    return bytes(block)


def _set_block(db: sqlite3.Connection, name: str, ident: int, block: bytes) -> None:
    db.execute(f"UPDATE {name}_data SET block = ? WHERE id = ?", (block, ident))  # noqa: S608  # ours


def _command(db: sqlite3.Connection, name: str, what: str, value: int | None = None) -> None:
    db.execute(f"INSERT INTO {name} ({name}, rank) VALUES (?, ?)", (what, value))  # noqa: S608  # ours

"""The links of all notes as they were linked up last: what a run over unchanged notes asks instead of unpacking them.

A table in order of first writing, and one of its hosts, kept under a stamp of what they were made from. How notes
become links is `notes`'s, what is remembered of a link is in the other tables.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, overload

import msgspec

from crawler.archive.due import AT_ONCE, batched, marks
from crawler.core.model import LOCAL, History, Link

_LINK: Final = "SELECT n.id, n.data FROM noted n"
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Link).decode
_unpack_history = msgspec.msgpack.Decoder(History).decode


@dataclass(frozen=True, slots=True)
class NotedHost:
    """The links of one host in one slot: how many, and the address of the first."""

    slot: str
    host: str
    site: str
    url: str
    links: int


def put(db: sqlite3.Connection, stamp: str, links: Sequence[Link], place: Callable[[Link], Any]) -> None:
    """Replace what is kept, inside the caller's transaction; `place` is the sort key of a link in reports."""
    rank = {at: n for n, at in enumerate(sorted(range(len(links)), key=lambda at: place(links[at])))}
    for table in ("noted", "noted_hosts", "noted_stamp"):
        db.execute(f"DELETE FROM {table}")  # noqa: S608  # the names above
    db.executemany(
        "INSERT INTO noted (id, canonical_url, site, host, slot, place, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (at + 1, link.canonical_url, link.site, link.host, link.slot, rank[at], _pack(link))
            for at, link in enumerate(links)
        ),
    )
    sizes = Counter((link.slot, link.host, link.site) for link in links)
    first = {(x.slot, x.host, x.site): x.fetch_url for x in reversed(links)}
    db.executemany(
        "INSERT INTO noted_hosts (slot, host, site, url, links) VALUES (?, ?, ?, ?, ?)",
        [(*key, first[key], size) for key, size in sizes.items()],
    )
    db.execute("INSERT INTO noted_stamp (stamp) VALUES (?)", (stamp,))


def read(db: sqlite3.Connection, stamp: str) -> NotedLinks | None:
    """The links that are kept under this stamp; None where another or none is kept."""
    known = db.execute("SELECT 1 FROM noted_stamp WHERE stamp = ?", (stamp,)).fetchone()
    return NotedLinks(db) if known else None


class NotedLinks(Sequence[Link]):
    """Links in order of first writing, unpacked while they are read, some hundred at a time."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._count = sum(self.sites().values())

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Link]:
        return self._pages("n.id")

    @overload
    def __getitem__(self, at: int) -> Link: ...
    @overload
    def __getitem__(self, at: slice) -> list[Link]: ...
    def __getitem__(self, at: int | slice) -> Link | list[Link]:
        numbers = range(len(self))[at]
        if isinstance(numbers, range):
            return [self[n] for n in numbers]
        return self._all(f"{_LINK} WHERE n.id = ?", (numbers + 1,))[0]

    def in_place(self) -> Iterator[Link]:
        """All links in the order that reports give to links of one state."""
        return self._pages("n.place")

    def of(self, keys: Iterable[str]) -> list[Link]:
        """The links with these canonical URLs, in order of first writing."""
        rows: list[tuple[int, bytes]] = []
        for some in batched(keys, AT_ONCE):
            rows += self._db.execute(f"{_LINK} WHERE n.canonical_url IN ({marks(some)})", some).fetchall()
        return [_unpack(blob) for _, blob in sorted(rows)]

    def of_slot(self, slot: str) -> Iterator[Link]:
        """The links of a slot in order of first writing."""
        last = 0
        question = f"{_LINK} WHERE n.slot = ? AND n.id > ? ORDER BY n.id LIMIT ?"
        while rows := self._db.execute(question, (slot, last, AT_ONCE)).fetchall():
            yield from [_unpack(blob) for _, blob in rows]
            last = rows[-1][0]

    def local(self) -> list[Link]:
        """The links to files."""
        return self._all(f"{_LINK} WHERE n.slot = ? ORDER BY n.id", (LOCAL,))

    def sites(self) -> dict[str, int]:
        """How many links each site has."""
        return dict(self._db.execute("SELECT site, sum(links) FROM noted_hosts GROUP BY site").fetchall())

    def hosts(self) -> Iterator[NotedHost]:
        """Hosts in order of first writing."""
        rows = self._db.execute("SELECT slot, host, site, url, links FROM noted_hosts ORDER BY id").fetchall()
        return (NotedHost(*row) for row in rows)

    def new(self) -> list[Link]:
        """The links to the web that are not remembered."""
        missing = "NOT EXISTS (SELECT 1 FROM links l WHERE l.canonical_url = n.canonical_url)"
        return self._all(f"{_LINK} WHERE n.slot <> ? AND {missing} ORDER BY n.id", (LOCAL,))

    def placed(self, keys: Iterable[str]) -> dict[str, tuple[int, str]]:
        """Place in reports and site by canonical URL; of what stands in no note, nothing."""
        found: dict[str, tuple[int, str]] = {}
        for some in batched(keys, AT_ONCE):
            question = f"SELECT canonical_url, place, site FROM noted WHERE canonical_url IN ({marks(some)})"  # noqa: S608  # marks
            found.update((key, (place, site)) for key, place, site in self._db.execute(question, some))
        return found

    def living(self, slot: str) -> Iterator[tuple[Link, History]]:
        """The living links of a slot, those first whose last check is longest ago."""
        ids = self._db.execute(
            "SELECT l.id, n.id FROM noted n JOIN links l ON l.canonical_url = n.canonical_url"
            " WHERE n.slot = ? AND l.state = 'alive' ORDER BY l.seen, n.id",
            (slot,),
        ).fetchall()
        for link, number in ids:
            (history,) = self._db.execute("SELECT history FROM links WHERE id = ?", (link,)).fetchone()
            yield self[number - 1], _unpack_history(history)

    def last_seen(self) -> Iterator[Link]:
        """The living links, those first whose last check is the most recent."""
        question = (
            "SELECT n.id FROM links l CROSS JOIN noted n ON n.canonical_url = l.canonical_url"
            " WHERE l.state = 'alive' ORDER BY l.seen DESC"
        )
        return (self[number - 1] for (number,) in self._db.execute(question))

    def _all(self, question: str, values: Sequence[object]) -> list[Link]:
        return [_unpack(blob) for _, blob in self._db.execute(question, values)]

    def _pages(self, column: str) -> Iterator[Link]:
        question = f"SELECT {column}, n.data FROM noted n WHERE {column} > ? ORDER BY {column} LIMIT ?"  # noqa: S608  # ours
        last = -1
        while rows := self._db.execute(question, (last, AT_ONCE)).fetchall():
            yield from [_unpack(blob) for _, blob in rows]
            last = rows[-1][0]

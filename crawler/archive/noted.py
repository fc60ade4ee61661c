"""The links of all notes as they were linked up last: what a run asks instead of unpacking notes that did not change.

Kept note by note, so that a note that changed, came or went changes the links that it names and no others. What is
written in a note, and which occurrences are one link, is `notes`'s; what is remembered of a link is in other tables.

Links stand in order of first writing: by the name of the note, then by the place in its text. Places in reports are by
site, then the same.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, overload

import msgspec

from crawler.archive.due import AT_ONCE, batched, marks
from crawler.core.model import LOCAL, History, Link, Occurrence

TABLES: Final = ("noted", "noted_in", "noted_notes", "noted_hosts", "noted_stamp")
# A link and the note that it is first written in; notes by name outside, so that no answer need be sorted.
_FROM: Final = "FROM noted_notes f CROSS JOIN noted n ON n.note = f.id"
_WITH_NOTE: Final = "FROM noted n JOIN noted_notes f ON f.id = n.note"
_ORDER: Final = "ORDER BY f.name, n.start, n.stop"
_PLACE_BITS: Final = 32  # of a place in reports that tell where in its note a link stands; notes end at 32 MB
_COLUMNS: Final = "canonical_url, site, host, slot, note, start, stop, data"
_PUT_HOST: Final = (
    "INSERT INTO noted_hosts (slot, host, site, links, url, note, start, stop) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_PUT_INSIDE: Final = "INSERT INTO noted_in (note, link) VALUES (?, ?)"  # that a link is written in a note
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Link).decode
_unpack_history = msgspec.msgpack.Decoder(History).decode

LinkUp = Callable[[list[Occurrence]], list[Link]]  # occurrences in order of writing -> links in order of first writing
Group = tuple[str, str, str]  # slot, host, site


@dataclass(frozen=True, slots=True)
class NoteState:
    """A note file as it was when its links were kept."""

    name: str
    size: int  # bytes; less than 0: to be read again, whatever the file looks like
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class NotedHost:
    """The links of one host in one slot: how many, and the address of the first."""

    slot: str
    host: str
    site: str
    fetch_url: str
    links: int


def put(db: sqlite3.Connection, stamp: str, notes: Iterable[NoteState], links: Iterable[Link]) -> None:
    """Replace what is kept, inside the caller's transaction. `links` are those of these notes, in any order."""
    for table in TABLES:
        db.execute(f"DELETE FROM {table}")  # noqa: S608  # the names above
    ids = {note.name: number for number, note in enumerate(sorted(notes, key=lambda note: note.name), start=1)}
    db.executemany(
        "INSERT INTO noted_notes (id, name, size, mtime_ns) VALUES (?, ?, ?, ?)",
        ((ids[note.name], note.name, note.size, note.mtime_ns) for note in notes),
    )
    groups: dict[Group, tuple[tuple[int, int, int], str]] = {}  # where each begins, and with which address
    sizes: Counter[Group] = Counter()
    for some in batched(enumerate(links, start=1), AT_ONCE):
        rows = [(number, *_row(link, ids)) for number, link in some]
        db.executemany(f"INSERT INTO noted (id, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)  # noqa: S608  # ours
        inside = [(note, number) for number, link in some for note in {ids[o.path] for o in link.occurrences}]
        db.executemany(_PUT_INSIDE, inside)
        for _, link in some:
            first = link.occurrences[0]
            group, begins = _group(link), (ids[first.path], first.start, first.end)
            sizes[group] += 1
            if group not in groups or begins < groups[group][0]:
                groups[group] = begins, link.fetch_url
    db.executemany(
        _PUT_HOST,
        ((*group, sizes[group], url, *begins) for group, (begins, url) in groups.items()),
    )
    db.execute("INSERT INTO noted_stamp (stamp) VALUES (?)", (stamp,))


def change(
    db: sqlite3.Connection,
    changed: Mapping[NoteState, Sequence[Occurrence]],
    gone: Iterable[str],
    link_up: LinkUp,
) -> None:
    """Bring what is kept to notes of which some changed or are new and some are gone, in the caller's transaction.

    Then it is what `put` would keep, but for numbers. `changed` gives all that is written in those notes now.
    """
    names = {note.name for note in changed} | set(gone)
    touched: dict[str, _Kept] = {}
    before = _ids(db, names)
    for notes in batched(before.values(), AT_ONCE):
        where = f"n.id IN (SELECT link FROM noted_in WHERE note IN ({marks(notes)}))"  # noqa: S608  # marks
        touched.update(_kept(db, where, notes))
    written = [occurrence for found in changed.values() for occurrence in found]
    also = [link.canonical_url for link in link_up(written) if link.canonical_url not in touched]
    for keys in batched(also, AT_ONCE):
        touched.update(_kept(db, f"n.canonical_url IN ({marks(keys)})", keys))
    rest = [o for kept in touched.values() for o in kept.link.occurrences if o.path not in names]
    links = link_up(sorted([*rest, *written], key=lambda o: (o.path, o.start, o.end)))

    db.executemany("DELETE FROM noted_in WHERE note = ?", [(note,) for note in before.values()])
    db.executemany("DELETE FROM noted_notes WHERE id = ?", [(before[name],) for name in before.keys() & set(gone)])
    db.executemany(
        "INSERT INTO noted_notes (name, size, mtime_ns) VALUES (?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns",
        [(note.name, note.size, note.mtime_ns) for note in changed],
    )
    ids = _ids(db, {o.path for link in links for o in link.occurrences})
    fresh = {note.name for note in changed}
    for link in links:
        kept = touched.get(link.canonical_url)
        number = _put_row(db, kept.id if kept else None, _row(link, ids))
        inside = {ids[o.path] for o in link.occurrences if o.path in fresh}
        db.executemany(_PUT_INSIDE, [(note, number) for note in inside])
    lost = touched.keys() - {link.canonical_url for link in links}
    db.executemany("DELETE FROM noted WHERE id = ?", [(touched[key].id,) for key in lost])
    for group in dict.fromkeys(_group(link) for link in (*(kept.link for kept in touched.values()), *links)):
        _tell_host(db, group)


@dataclass(frozen=True, slots=True)
class _Kept:
    id: int
    link: Link


def _kept(db: sqlite3.Connection, where: str, values: Sequence[object]) -> Iterator[tuple[str, _Kept]]:
    for number, blob in db.execute(f"SELECT n.id, n.data FROM noted n WHERE {where}", values).fetchall():  # noqa: S608  # ours
        link = _unpack(blob)
        yield link.canonical_url, _Kept(number, link)


def _ids(db: sqlite3.Connection, names: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in batched(names, AT_ONCE):
        found.update(db.execute(f"SELECT name, id FROM noted_notes WHERE name IN ({marks(some)})", some).fetchall())  # noqa: S608  # marks
    return found


Row = tuple[str, str, str, str, int, int, int, bytes]


def _row(link: Link, ids: Mapping[str, int]) -> Row:
    first = link.occurrences[0]
    return (
        link.canonical_url, link.site, link.host, link.slot, ids[first.path], first.start, first.end, _pack(link)
    )  # fmt: skip


def _put_row(db: sqlite3.Connection, number: int | None, row: Row) -> int:
    if number is None:
        cursor = db.execute(f"INSERT INTO noted ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608  # ours
        return int(cursor.lastrowid or 0)
    db.execute(f"UPDATE noted SET ({_COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?", (*row, number))  # noqa: S608  # ours
    return number


def _group(link: Link) -> Group:
    return link.slot, link.host, link.site


def _tell_host(db: sqlite3.Connection, group: Group) -> None:
    """Count the links of one host in one slot again, and find the first of them."""
    where = "n.slot = ? AND n.host = ? AND n.site = ?"
    (links,) = db.execute(f"SELECT count(*) FROM noted n WHERE {where}", group).fetchone()  # noqa: S608  # ours
    db.execute("DELETE FROM noted_hosts WHERE slot = ? AND host = ? AND site = ?", group)
    if links:
        question = f"SELECT n.id, n.note, n.start, n.stop {_WITH_NOTE} WHERE {where} {_ORDER} LIMIT 1"
        number, *begins = db.execute(question, group).fetchone()
        (blob,) = db.execute("SELECT data FROM noted WHERE id = ?", (number,)).fetchone()
        db.execute(
            _PUT_HOST,
            (*group, links, _unpack(blob).fetch_url, *begins),
        )


def read(db: sqlite3.Connection, stamp: str) -> NotedLinks | None:
    """The links that are kept under this stamp; None where another or none is kept."""
    known = db.execute("SELECT 1 FROM noted_stamp WHERE stamp = ?", (stamp,)).fetchone()
    return NotedLinks(db) if known else None


class NotedLinks(Sequence[Link]):
    """Links in order of first writing, unpacked while they are read, some hundred at a time; as they are now."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._count = sum(self.sites().values())

    def notes(self) -> set[NoteState]:
        """The notes that the links are of."""
        return {NoteState(*row) for row in self._db.execute("SELECT name, size, mtime_ns FROM noted_notes")}

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Link]:
        name, start, stop = "", -1, -1
        question = (
            f"SELECT f.name, n.start, n.stop, n.data {_FROM}"
            f" WHERE f.name >= ? AND (f.name > ? OR (n.start, n.stop) > (?, ?)) {_ORDER} LIMIT ?"
        )
        while rows := self._db.execute(question, (name, name, start, stop, AT_ONCE)).fetchall():
            yield from [_unpack(blob) for *_, blob in rows]
            name, start, stop, _ = rows[-1]

    @overload
    def __getitem__(self, at: int) -> Link: ...
    @overload
    def __getitem__(self, at: slice) -> list[Link]: ...
    def __getitem__(self, at: int | slice) -> Link | list[Link]:
        numbers = range(len(self))[at]
        if isinstance(numbers, range):
            return [self[n] for n in numbers]
        return self._all(f"SELECT n.data {_FROM} {_ORDER} LIMIT 1 OFFSET ?", (numbers,))[0]

    def in_place(self) -> Iterator[Link]:
        """All links in the order that reports give to links of one state."""
        question = (
            f"SELECT f.name, n.start, n.canonical_url, n.data {_FROM} AND n.site = ?"
            " WHERE f.name >= ? AND (f.name > ? OR (n.start, n.canonical_url) > (?, ?))"
            " ORDER BY f.name, n.start, n.canonical_url LIMIT ?"
        )
        for site in sorted(self.sites()):
            name, start, key = "", -1, ""
            while rows := self._db.execute(question, (site, name, name, start, key, AT_ONCE)).fetchall():
                yield from [_unpack(blob) for *_, blob in rows]
                name, start, key, _ = rows[-1]

    def of(self, keys: Iterable[str]) -> list[Link]:
        """The links with these canonical URLs, in order of first writing."""
        rows: list[tuple[str, int, int, bytes]] = []
        for some in batched(keys, AT_ONCE):
            question = f"SELECT f.name, n.start, n.stop, n.data {_WITH_NOTE} WHERE n.canonical_url IN ({marks(some)})"
            rows += self._db.execute(question, some).fetchall()
        return [_unpack(blob) for *_, blob in sorted(rows)]

    def of_slot(self, slot: str) -> Iterator[Link]:
        """The links of a slot in order of first writing."""
        ids = self._db.execute(f"SELECT n.id {_WITH_NOTE} WHERE n.slot = ? {_ORDER}", (slot,)).fetchall()
        return (self._at(number) for (number,) in ids)

    def local(self) -> list[Link]:
        """The links to files."""
        return list(self.of_slot(LOCAL))

    def sites(self) -> dict[str, int]:
        """How many links each site has."""
        return dict(self._db.execute("SELECT site, sum(links) FROM noted_hosts GROUP BY site").fetchall())

    def hosts(self) -> Iterator[NotedHost]:
        """Hosts in order of first writing."""
        question = (
            "SELECT h.slot, h.host, h.site, h.url, h.links FROM noted_hosts h JOIN noted_notes f ON f.id = h.note"
            " ORDER BY f.name, h.start, h.stop"
        )
        return (NotedHost(*row) for row in self._db.execute(question).fetchall())

    def new(self) -> list[Link]:
        """The links to the web that are not remembered."""
        missing = "NOT EXISTS (SELECT 1 FROM links l WHERE l.canonical_url = n.canonical_url)"
        return self._all(f"SELECT n.data {_FROM} WHERE n.slot <> ? AND {missing} {_ORDER}", (LOCAL,))

    def placed(self, keys: Iterable[str]) -> dict[str, tuple[int, str]]:
        """Place in reports and site by canonical URL; of what stands in no note, nothing.

        Of two links at one place, that with the lower canonical URL comes first.
        """
        found: dict[str, tuple[int, str]] = {}
        sites, notes = self._sites, self._notes
        for some in batched(keys, AT_ONCE):
            question = f"SELECT canonical_url, site, note, start FROM noted WHERE canonical_url IN ({marks(some)})"  # noqa: S608  # marks
            for key, site, note, start in self._db.execute(question, some):
                rank, name = sites[site]
                found[key] = ((rank * len(notes) + notes[note] << _PLACE_BITS) + start, name)
        return found

    def living(self, slot: str) -> Iterator[tuple[Link, History]]:
        """The living links of a slot, those first whose last check is longest ago."""
        ids = self._db.execute(
            f"SELECT l.id, n.id {_WITH_NOTE} JOIN links l ON l.canonical_url = n.canonical_url"
            " WHERE n.slot = ? AND l.state = 'alive' ORDER BY l.seen, f.name, n.start, n.stop",
            (slot,),
        ).fetchall()
        for link, number in ids:
            (history,) = self._db.execute("SELECT history FROM links WHERE id = ?", (link,)).fetchone()
            yield self._at(number), _unpack_history(history)

    def last_seen(self) -> Iterator[Link]:
        """The living links, those first whose last check is the most recent."""
        question = (
            "SELECT n.id FROM links l CROSS JOIN noted n ON n.canonical_url = l.canonical_url"
            " WHERE l.state = 'alive' ORDER BY l.seen DESC"
        )
        return (self._at(number) for (number,) in self._db.execute(question))

    @cached_property
    def _sites(self) -> dict[str, tuple[int, str]]:
        """The rank of a site among all, and its one name."""
        return {site: (rank, site) for rank, site in enumerate(sorted(self.sites()))}

    @cached_property
    def _notes(self) -> dict[int, int]:
        """The rank of a note among all, by its number."""
        rows = self._db.execute("SELECT id FROM noted_notes ORDER BY name")
        return {number: rank for rank, (number,) in enumerate(rows)}

    def _at(self, number: int) -> Link:
        (blob,) = self._db.execute("SELECT data FROM noted WHERE id = ?", (number,)).fetchone()
        return _unpack(blob)

    def _all(self, question: str, values: Sequence[object]) -> list[Link]:
        return [_unpack(blob) for (blob,) in self._db.execute(question, values)]

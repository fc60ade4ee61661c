"""All links in one table that is filtered, counted and paged in SQL: what a viewer lists.

A catalog lives in memory, is made from what the notes hold and the archive remembers, and never changes; a newer one
takes its place. It is no part of the archive: nothing here is stored. Names of the table's columns stay in this module.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from crawler.archive.browse import CaptureRow
from crawler.archive.listed import NOWHERE, ORDERS, UNDATED, Filters, ListedLink, NoteHealth, NotePlace
from crawler.archive.times import from_micros, micros
from crawler.core.display import storable
from crawler.core.model import Confidence, History, Link, State
from crawler.core.url import redact

MAX_PLACES: Final = 1_000  # places of one link that are shown

_ORDERS: Final = dict(
    zip(
        ORDERS,
        (
            "l.rank, l.site, l.path, l.line, l.id",
            "l.path, l.line, l.id",
            "l.changed_at DESC, l.id",
            "l.checked_at DESC, l.id",
            "l.title COLLATE NOCASE, l.id",
        ),
        strict=True,
    )
)

_SCHEMA = """
CREATE TABLE links (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, url TEXT NOT NULL, site TEXT NOT NULL, host TEXT NOT NULL,
  state TEXT NOT NULL, rank INTEGER NOT NULL, reason TEXT NOT NULL, confidence TEXT NOT NULL, title TEXT NOT NULL,
  note_title TEXT NOT NULL, page_title TEXT NOT NULL, checked_at INTEGER, changed_at INTEGER, previous TEXT,
  last_alive INTEGER, first_seen INTEGER, next_due INTEGER, moved_to TEXT NOT NULL, path TEXT NOT NULL,
  line INTEGER NOT NULL, places INTEGER NOT NULL, snapshot INTEGER, words TEXT NOT NULL);
CREATE TABLE places (
  link INTEGER NOT NULL, path TEXT NOT NULL, line INTEGER NOT NULL, position INTEGER NOT NULL, year TEXT NOT NULL,
  kind TEXT NOT NULL, title TEXT NOT NULL);
CREATE TABLE captures (id INTEGER PRIMARY KEY, link INTEGER NOT NULL, at INTEGER NOT NULL);
"""
_INDEXES = """
CREATE INDEX links_by_rank ON links (rank, site, path, line, id);
CREATE INDEX links_by_change ON links (changed_at DESC, id);
CREATE INDEX places_of_link ON places (link);
CREATE INDEX places_of_path ON places (path, line, position);
CREATE INDEX captures_by_time ON captures (at);
"""
_ENTRY: Final = (
    "l.key, l.url, l.site, l.host, l.state, l.reason, l.confidence, l.title, l.note_title, l.page_title,"
    " l.checked_at, l.changed_at, l.previous, l.last_alive, l.next_due, l.moved_to, l.path, l.line, l.places,"
    " l.snapshot, l.id"
)


class Catalog:
    """Every link of the notes and of the archive; links that stand in no note are listed only when asked for."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._turn = threading.Lock()  # one connection, and readers in several threads
        self.has_notes = bool(self._one("SELECT EXISTS (SELECT 1 FROM places)"))

    @classmethod
    def build(
        cls,
        links: Sequence[Link],
        histories: Mapping[str, History],
        owners: Mapping[str, tuple[str, str]],
        captures: Iterable[CaptureRow],
        year_of: Callable[[str], str],
    ) -> Catalog:
        """From the links of the notes, memories by canonical URL, and what the archive holds.

        `owners`: site and host by canonical URL, for links that stand in no note. `year_of`: the year of a note's path.
        """
        db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        db.executescript(_SCHEMA)
        db.execute("BEGIN")
        numbers = _put_links(db, links, histories, owners)
        paths = {o.path for link in links for o in link.occurrences}
        years = {path: (storable(path), year_of(path)) for path in paths}
        db.executemany(
            "INSERT INTO places VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (numbers[storable(redact(link.canonical_url))], years[o.path][0], o.line, o.column, years[o.path][1],
                 o.kind.value, storable(o.note_title))
                for link in links for o in link.occurrences
            ),
        )  # fmt: skip
        db.executemany(
            "INSERT INTO captures VALUES (?, ?, ?)",
            (
                (row.id, numbers[row.canonical_url], micros(row.at))
                for row in captures
                if not row.notice and not row.revisit and row.canonical_url in numbers
            ),
        )
        db.execute("COMMIT")
        db.executescript(_INDEXES)
        return cls(db)

    # Links

    def count(self, filters: Filters) -> int:
        """How many links the filters leave."""
        where, values = self._where(filters)
        return int(self._one(f"SELECT count(*) FROM links l WHERE {where}", values))  # noqa: S608  # conditions are ours

    def entries(self, filters: Filters, limit: int, offset: int = 0) -> list[ListedLink]:
        """The links that the filters leave, in their order."""
        where, values = self._where(filters)
        order = _ORDERS.get(filters.order, _ORDERS["state"])
        sql = f"SELECT {_ENTRY} FROM links l WHERE {where} ORDER BY {order} LIMIT :limit OFFSET :offset"  # noqa: S608  # as above
        return [_entry(row) for row in self._all(sql, {**values, "limit": limit, "offset": offset})]

    def facet(self, name: str, filters: Filters) -> list[tuple[str, int]]:
        """How many links of a list have which state, site, reason or year, most first."""
        where, values = self._where(filters)
        if name == "year":
            sql = (
                "SELECT p.year, count(DISTINCT l.id) FROM links l JOIN places p ON p.link = l.id"  # noqa: S608  # as above
                f" WHERE {where} GROUP BY p.year ORDER BY p.year DESC"
            )
            return [(year or UNDATED, count) for year, count in self._all(sql, values)]
        column = {"state": "l.state", "site": "l.site", "reason": "l.reason"}[name]
        sql = f"SELECT {column}, count(*) AS n FROM links l WHERE {where} GROUP BY 1 ORDER BY n DESC, 1"  # noqa: S608  # as above
        return [(value, count) for value, count in self._all(sql, values)]

    def by_site(self) -> dict[str, dict[State, int]]:
        """Listed links by site and state."""
        where, values = self._where(Filters())
        found: dict[str, dict[State, int]] = {}
        for site, state, count in self._all(
            f"SELECT l.site, l.state, count(*) FROM links l WHERE {where} GROUP BY 1, 2",  # noqa: S608  # as above
            values,
        ):
            found.setdefault(site, dict.fromkeys(State, 0))[State(state)] = count
        return found

    def entry(self, url: str) -> ListedLink | None:
        """One link by its canonical URL, or by its address as a note has it."""
        for column in ("key", "url"):
            for row in self._all(f"SELECT {_ENTRY} FROM links l WHERE l.{column} = ? LIMIT 1", (url,)):  # noqa: S608  # as above
                return _entry(row)
        return None

    def places(self, key: str) -> list[NotePlace]:
        """Where a link is written, by path and line."""
        rows = self._all(
            "SELECT p.path, p.line, p.kind, p.title FROM places p JOIN links l ON l.id = p.link WHERE l.key = ?"
            " ORDER BY p.path, p.line, p.position LIMIT ?",
            (key, MAX_PLACES),
        )
        return [NotePlace(*row) for row in rows]

    def returned(self, since: datetime, limit: int) -> list[ListedLink]:
        """Listed links that were dead and were seen alive since then, the newest first."""
        where, values = self._where(Filters(states=(State.ALIVE.value,), since=since))
        sql = (
            f"SELECT {_ENTRY} FROM links l WHERE {where} AND l.previous = 'dead'"  # noqa: S608  # as above
            " ORDER BY l.changed_at DESC, l.id LIMIT :limit"
        )
        return [_entry(row) for row in self._all(sql, {**values, "limit": limit})]

    # Snapshots

    def saved(self, since: datetime) -> int:
        """How many pages were kept since then."""
        return int(self._one("SELECT count(*) FROM captures WHERE at >= ?", (micros(since),)))

    def newest_saved(self, since: datetime, limit: int) -> list[tuple[ListedLink, int, datetime]]:
        """The pages kept last, with the number of the snapshot and its time."""
        rows = self._all(
            f"SELECT {_ENTRY}, c.id, c.at FROM captures c JOIN links l ON l.id = c.link WHERE c.at >= ?"  # noqa: S608  # as above
            " ORDER BY c.at DESC, c.id DESC LIMIT ?",
            (micros(since), limit),
        )
        return [(_entry(row[:-2]), row[-2], from_micros(row[-1])) for row in rows]

    @property
    def snapshots(self) -> int:
        """How many snapshots there are, revisits not counted."""
        return int(self._one("SELECT count(*) FROM captures"))

    @property
    def loose(self) -> int:
        """How many links stand in no note."""
        return int(self._one("SELECT count(*) FROM links WHERE places = 0")) if self.has_notes else 0

    # Notes

    def note_count(self, query: str = "") -> int:
        """How many notes have links, those whose path holds `query`."""
        return int(self._one("SELECT count(DISTINCT path) FROM places WHERE instr(lower(path), ?)", (query.lower(),)))

    def notes(self, query: str, order: str, limit: int, offset: int) -> list[NoteHealth]:
        """Notes with their health; `order`: "worst" first, by "path", or the "newest" year and path first."""
        by = {"path": "path", "newest": "year DESC, path DESC"}.get(
            order, "sum(state = 'dead') DESC, sum(state = 'suspect') DESC, n DESC, path"
        )
        counts = ", ".join(f"sum(state = '{state}')" for state in State)
        rows = self._all(
            f"SELECT path, year, count(*) AS n, {counts} FROM"  # noqa: S608  # as above
            " (SELECT DISTINCT p.path, p.year, l.id, l.state FROM places p JOIN links l ON l.id = p.link"
            f" WHERE instr(lower(p.path), ?)) GROUP BY path ORDER BY {by} LIMIT ? OFFSET ?",
            (query.lower(), limit, offset),
        )
        return [NoteHealth(path, year, n, dict(zip(State, states, strict=True))) for path, year, n, *states in rows]

    def in_note(self, path: str, limit: int, offset: int = 0) -> list[tuple[NotePlace, ListedLink]]:
        """The links of one note in the order in which they are written; none for an unknown note."""
        rows = self._all(
            f"SELECT p.path, p.line, p.kind, p.title, {_ENTRY} FROM places p JOIN links l ON l.id = p.link"  # noqa: S608  # as above
            " WHERE p.path = ? ORDER BY p.line, p.position LIMIT ? OFFSET ?",
            (path, limit, offset),
        )
        return [(NotePlace(*row[:4]), _entry(row[4:])) for row in rows]

    def place_count(self, path: str) -> int:
        """How many places of links a note has."""
        return int(self._one("SELECT count(*) FROM places WHERE path = ?", (path,)))

    def health_of(self, path: str) -> NoteHealth | None:
        """How many links of one note are in which state; None for an unknown note."""
        states = dict.fromkeys(State, 0)
        rows = self._all(
            "SELECT l.state, count(DISTINCT l.id), max(p.year) FROM places p JOIN links l ON l.id = p.link"
            " WHERE p.path = ? GROUP BY l.state",
            (path,),
        )
        for state, count, _ in rows:
            states[State(state)] = count
        return NoteHealth(path, rows[0][2], sum(states.values()), states) if rows else None

    # How questions are asked

    def _where(self, filters: Filters) -> tuple[str, dict[str, object]]:
        """Conditions in SQL, and their values."""
        terms: list[str] = []
        values: dict[str, object] = {}
        if filters.states:
            values |= {f"state{n}": state for n, state in enumerate(filters.states)}
            terms.append(f"l.state IN ({', '.join(f':state{n}' for n in range(len(filters.states)))})")
        for name in ("site", "reason"):
            if value := getattr(filters, name):
                terms.append(f"l.{name} = :{name}")
                values[name] = value
        if filters.since:
            terms.append("l.changed_at >= :since")
            values["since"] = micros(filters.since)
        if filters.kept in ("yes", "no"):
            terms.append(f"l.snapshot IS {'NOT ' if filters.kept == 'yes' else ''}NULL")
        if filters.waiting_at:
            terms.append("(l.next_due IS NULL OR l.next_due < :waiting) AND l.site <> 'local'")
            values["waiting"] = micros(filters.waiting_at)
        for n, word in enumerate(filters.query.lower().split()[:16]):
            terms.append(f"instr(l.words, :word{n})")
            values[f"word{n}"] = word
        terms += self._place_terms(filters, values)
        return " AND ".join(terms) or "TRUE", values

    def _place_terms(self, filters: Filters, values: dict[str, object]) -> Iterator[str]:
        if filters.year:
            yield "l.id IN (SELECT link FROM places WHERE year = :year)"
            values["year"] = "" if filters.year == UNDATED else filters.year
        if filters.note == NOWHERE:
            yield "l.places = 0"
        elif filters.note:
            within = "substr(path, 1, length(:note)) = :note" if filters.note.endswith("/") else "path = :note"
            yield f"l.id IN (SELECT link FROM places WHERE {within})"  # noqa: S608  # as above
            values["note"] = filters.note
        elif self.has_notes and not filters.query:  # who searches for an address wants it wherever it stands
            yield "l.places > 0"

    def _all(self, sql: str, values: Any = ()) -> list[tuple[Any, ...]]:
        with self._turn:
            return self._db.execute(sql, values).fetchall()

    def _one(self, sql: str, values: Any = ()) -> Any:
        return self._all(sql, values)[0][0]


def _put_links(
    db: sqlite3.Connection,
    links: Sequence[Link],
    histories: Mapping[str, History],
    owners: Mapping[str, tuple[str, str]],
) -> dict[str, int]:
    """Rows of all links; their numbers by canonical URL."""
    numbers: dict[str, int] = {}
    rows = []
    for link in links:
        key = storable(redact(link.canonical_url))
        if key not in numbers:
            numbers[key] = len(numbers) + 1
            history = histories.get(link.canonical_url) or histories.get(key)
            rows.append(_row(numbers[key], key, link, history))
    for key, history in histories.items():
        if redact(key) not in numbers:
            numbers[redact(key)] = len(numbers) + 1
            site, host = owners.get(key, ("", ""))
            loose = Link(history.url or key, key, "", site, host, "")
            rows.append(_row(numbers[redact(key)], redact(key), loose, history))
    db.executemany(f"INSERT INTO links VALUES ({', '.join('?' * 24)})", rows)  # noqa: S608  # as above
    return numbers


_RANKS = {state: rank for rank, state in enumerate(State)}


def _row(number: int, key: str, link: Link, history: History | None) -> tuple[object, ...]:
    state = history.state if history else State.UNCHECKED
    page_title = history.page_title if history else ""
    note_title = storable(link.note_title)
    first = min(((storable(o.path), o.line) for o in link.occurrences), default=("", 0))
    url = storable(redact(link.url))
    words = f"{url}\n{note_title}\n{page_title}\n{first[0]}".lower()
    return (
        number, key, url, link.site, link.host, state.value, _RANKS[state],
        history.reason if history else "never-checked",
        (history.confidence if history else Confidence.LOW).value,
        note_title or page_title, note_title, page_title,
        _micros(history.checked_at if history else None), _micros(history.changed_at if history else None),
        history.previous_state.value if history and history.previous_state else None,
        _micros(history.last_alive if history else None), _micros(history.first_seen if history else None),
        _micros(history.next_due if history else None), redact(history.moved_to or "") if history else "",
        first[0], first[1], len(link.occurrences),
        history.snapshot.id if history and history.snapshot else None, words,
    )  # fmt: skip


def _micros(at: datetime | None) -> int | None:
    return micros(at) if at else None


def _entry(row: Sequence[Any]) -> ListedLink:
    (key, url, site, host, state, reason, confidence, title, note_title, page_title, checked, changed, previous,
     alive, due, moved_to, path, line, places, snapshot, _) = row  # fmt: skip
    return ListedLink(
        key, url, site, host, State(state), reason, Confidence(confidence), title, note_title, page_title,
        _time(checked), _time(changed), State(previous) if previous else None, _time(alive), _time(due),
        moved_to, path, line, places, snapshot,
    )  # fmt: skip


def _time(value: object) -> datetime | None:
    return from_micros(value) if isinstance(value, int) else None

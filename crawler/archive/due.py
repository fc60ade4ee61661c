"""What planning asks of the index about many links at once: which are due, which are known, who answered when.

Answered from columns and their indexes, so that a run unpacks the histories of the links it will ask, and no others.
How rows are written is `index`'s, what due means is `schedule.plan`'s.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple, TypeVar

import msgspec

from crawler.archive.times import from_micros, micros
from crawler.core.model import History, State
from crawler.core.url import host_of
from crawler.schedule.plan import due_at, late_at
from crawler.schedule.proof import last_answer
from crawler.schedule.walls import is_known_wall

T = TypeVar("T")
AT_ONCE: Final = 500  # keys in one question; SQLite takes 32,766, and beyond some hundred nothing is gained

_HISTORY: Final = "SELECT history FROM links WHERE"
_unpack = msgspec.msgpack.Decoder(History).decode


class Columns(NamedTuple):
    """What a memory's row says without being unpacked; moments in microseconds."""

    due: int  # 0: at once
    seen: int
    answered: int | None
    late: int | None  # when it will have waited too long; None: never
    wall: bool  # a known one
    told: bool  # reports name it even where it lives


NAMES: Final = ", ".join(Columns._fields)
MARKS: Final = ", ".join("?" * len(Columns._fields))
ASSIGNED: Final = ", ".join(f"{name} = ?" for name in Columns._fields)


def columns(history: History) -> Columns:
    """The columns of a memory's row."""
    from crawler.page.titles import differs  # here, since readers of an archive do without `page`

    due, answered, late = due_at(history), last_answer(history), late_at(history)
    seen = max(history.first_seen, history.checked_at or history.first_seen)
    return Columns(
        due=micros(due) if due else 0,
        seen=micros(seen),
        answered=micros(answered) if answered else None,
        late=micros(late) if late else None,
        wall=is_known_wall(history),
        told=bool(history.evidence.notice) or (history.state is State.ALIVE and differs(history.title_match)),
    )


def fill(db: sqlite3.Connection) -> None:
    """Work the columns out for every row, a batch at a time, inside the caller's transaction."""
    last = 0
    while rows := db.execute("SELECT id, history FROM links WHERE id > ? ORDER BY id LIMIT 2000", (last,)).fetchall():
        values = [(*columns(_unpack(blob)), ident) for ident, blob in rows]
        db.executemany(f"UPDATE links SET {ASSIGNED} WHERE id = ?", values)  # noqa: S608  # names of columns
        last = rows[-1][0]


class Planning:
    """One index, asked about many links at once."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def count(self) -> int:
        """How many links are remembered."""
        return int(self._db.execute("SELECT count(*) FROM links").fetchone()[0])

    def due(self, now: datetime) -> set[str]:
        """Canonical URLs of the remembered links that may be asked now."""
        return {key for (key,) in self._db.execute("SELECT canonical_url FROM links WHERE due <= ?", (micros(now),))}

    def late(self, now: datetime) -> set[str]:
        """Canonical URLs of the remembered links that have waited too long, or will have in this second."""
        return {key for (key,) in self._db.execute("SELECT canonical_url FROM links WHERE late <= ?", (micros(now),))}

    def walls(self) -> set[str]:
        """Canonical URLs of the known walls."""
        return {key for (key,) in self._db.execute("SELECT canonical_url FROM links WHERE wall")}

    def told(self) -> set[str]:
        """Canonical URLs of links that reports name also where they live."""
        return {key for (key,) in self._db.execute("SELECT canonical_url FROM links WHERE told")}

    def seen_after(self, at: datetime) -> list[History]:
        """Memories of links that were found or checked later than `at`."""
        return [_unpack(blob) for (blob,) in self._db.execute(f"{_HISTORY} seen > ?", (micros(at),))]

    def histories_of(self, keys: Iterable[str]) -> Iterator[History]:
        """Memories of these links, in no order; of those that are not remembered, none."""
        for some in batched(keys, AT_ONCE):
            rows = self._db.execute(f"{_HISTORY} canonical_url IN ({marks(some)})", some).fetchall()
            yield from [_unpack(blob) for (blob,) in rows]

    def known_of(self, keys: Iterable[str]) -> Iterator[str]:
        """Which of these links are remembered."""
        for some in batched(keys, AT_ONCE):
            question = f"SELECT canonical_url FROM links WHERE canonical_url IN ({marks(some)})"  # noqa: S608  # marks
            yield from [key for (key,) in self._db.execute(question, some).fetchall()]

    def not_alive(self) -> dict[str, State]:
        """The states of the links whose state is another than alive."""
        rows = self._db.execute("SELECT canonical_url, state FROM links WHERE state <> 'alive'")
        return {key: State(state) for key, state in rows}

    def answers(self) -> dict[str, datetime]:
        """When each host answered last; links that were kept without a host count for the host of their URL."""
        latest: dict[str, int] = dict(
            self._db.execute(
                "SELECT host, max(answered) FROM links WHERE host <> '' AND answered IS NOT NULL GROUP BY host"
            ).fetchall()
        )
        for url, at in self._db.execute("SELECT url, answered FROM links WHERE host = '' AND answered IS NOT NULL"):
            if host := host_of(url):
                latest[host] = max(at, latest.get(host, at))
        return {host: from_micros(at) for host, at in latest.items()}


def marks(values: Sequence[object]) -> str:
    """A question mark for each value of a question."""
    return ",".join("?" * len(values))


def batched(things: Iterable[T], size: int) -> Iterator[Sequence[T]]:
    """The things in pieces of `size`."""
    rest = iter(things)
    while some := tuple(islice(rest, size)):
        yield some

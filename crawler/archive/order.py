"""Which of two memories of a link is the newer one, and what they make together: pure.

Within one archive the sequence of its segments decides, never the wall clock, which may have been wrong for a night.
Between two archives whose segments lie in one folder there is no common sequence: the times of the checks decide, and a
time in the future counts as none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from crawler.archive.times import micros
from crawler.core.model import History

SKEW: Final = timedelta(days=2)  # how far ahead an honest clock may be: days and time zones confused; a guess


def horizon(now: datetime) -> int:
    """The last moment, in microseconds, that an honest clock may have written; later ones are a wrong clock's."""
    return micros(now + SKEW)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a memory was written: of which archive, in which segment, at which byte of it."""

    lineage: str
    number: int  # of the segment
    name: str
    place: int
    own: bool  # written by the archive that asks


def supersedes(new: History, at: Position, old: History, before: Position | None, now: datetime) -> bool:
    """Whether `new` is to be remembered in place of `old`; `before` None: where `old` was written is not known."""
    if before is not None and at.lineage == before.lineage:
        return (at.number, at.name, at.place) >= (before.number, before.name, before.place)
    mine, other = last_known(new, now), last_known(old, now)
    if mine == other:
        return at.own and not (before is not None and before.own)
    return mine > other


def last_known(history: History, now: datetime) -> float:
    """When a memory was made, in seconds since 1970; below 0 for a time that has not come yet."""
    at = history.checked_at or history.first_seen
    return -1.0 if at > now + SKEW else at.timestamp()


def combined(newer: History, older: History) -> History:
    """The newer memory, with what only the older one knew."""
    lived = [at for at in (newer.last_alive, older.last_alive) if at]
    return replace(
        newer,
        first_seen=min(newer.first_seen, older.first_seen),
        last_alive=max(lived, default=None),
        snapshot=newer.snapshot or older.snapshot,
        elsewhere=newer.elsewhere or older.elsewhere,
        page_title=newer.page_title or older.page_title,
    )

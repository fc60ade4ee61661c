"""The nouns of a run and of its report: what was done, and what is told of each link.

Only frozen data lives here, as in `model`, whose nouns these are made of. Times are aware UTC datetimes, durations
seconds, sizes bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from crawler.core.model import History, Link, State


@dataclass(frozen=True, slots=True)
class SlotGivenUp:
    """A slot that was left alone before its links were through."""

    slot: str
    reason: str
    left: int  # links that stay due


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a command that checks links."""

    id: str
    command: str
    started_at: datetime
    finished_at: datetime | None = None
    complete: bool = True
    fetched: int = 0  # links
    requests: int = 0
    kept_bytes: int = 0
    network: str = "ok"  # ok | down
    slots_given_up: tuple[SlotGivenUp, ...] = ()
    stopped_by: str | None = None  # budget | signal | network-down
    internal_errors: int = 0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Where the content of a link that fails can still be read."""

    kind: str  # snapshot | wayback | moved
    url: str
    captured_at: datetime | None = None
    status: int | None = None  # of a capture elsewhere, its title, and how well that fits the notes' titles
    title: str = ""
    title_match: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A link and what is remembered of it: one row of a report."""

    link: Link
    history: History
    suggestions: tuple[Suggestion, ...] = ()
    known_before: bool = False  # the archive had checked it before a `check` looked at it: a note, not a state


class ChangeKind(StrEnum):
    """What can be new about a link since the last run; the order is that of reports."""

    NEWLY_DEAD = "newly-dead"
    FOUND_DEAD = "found-dead"  # dead at the first check
    BACK_FROM_THE_DEAD = "back-from-the-dead"
    MOVED = "moved"  # a permanent new address that was not known before
    TITLE_CHANGED = "title-changed"
    STATE_CHANGED = "state-changed"  # any other change of state


@dataclass(frozen=True, slots=True)
class Change:
    """One piece of news of a link; `before` and `after` are states, titles for `TITLE_CHANGED`, URLs for `MOVED`."""

    kind: ChangeKind
    canonical_url: str
    at: datetime
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Health:
    """How many links were in which state at the end of one run: a point of the chart of health over time."""

    at: datetime
    counts: tuple[tuple[State, int], ...]


@dataclass(frozen=True, slots=True)
class Round:
    """How long it takes to check every link of a site once, at today's politeness and budget."""

    site: str
    links: int
    seconds: float  # of asking; waits between runs not counted
    runs: int | None = None  # runs it takes at the budget of one; None: no budget


@dataclass(frozen=True, slots=True)
class FaultyNote:
    """A note that cannot be read, or not whole, and why."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """Results of a run, ready to be written in any format; `findings` are in report order."""

    generated_at: datetime
    run: Run
    findings: Sequence[Finding]  # a tuple, or for large archives one that is made while it is read
    changes: tuple[Change, ...] = ()
    trend: tuple[Health, ...] = ()  # oldest first
    rounds: tuple[Round, ...] = ()
    overdue: tuple[str, ...] = ()  # canonical URLs of links that have waited too long
    damaged_notes: tuple[FaultyNote, ...] = ()  # that were read although some of their bytes mean nothing
    skipped_notes: tuple[FaultyNote, ...] = ()  # that could not be read; a folder stands for all notes in it
    archive_id: str = ""  # of the archive that remembers this, as `Archive.archive_id`

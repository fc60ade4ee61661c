"""What lists show, and what they are narrowed to: the nouns of the `catalog`, which fills and asks its tables.

Declarations only; columns and SQL stay in the catalog.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from crawler.core.model import Confidence, State

NOWHERE: Final = "none"  # the value of the filter `note` for links that stand in no note
UNDATED: Final = "none"  # the value of the filter `year` for notes without one
FACETS: Final = ("state", "site", "reason", "year")
ORDERS: Final = ("state", "note", "changed", "checked", "title")  # of links
NOTE_ORDERS: Final = ("worst", "path", "newest")


@dataclass(frozen=True, slots=True)
class ListedLink:
    """One link as a list shows it."""

    key: str  # canonical URL
    url: str  # as first written, secrets of sharers replaced
    site: str
    host: str
    state: State
    reason: str
    confidence: Confidence
    title: str  # the note's, else the page's; "" none
    note_title: str
    page_title: str
    checked_at: datetime | None
    changed_at: datetime | None
    previous: State | None
    last_alive: datetime | None
    next_due: datetime | None
    moved_to: str
    path: str  # of the first place, "" where it stands in no note
    line: int
    places: int
    snapshot: int | None


@dataclass(frozen=True, slots=True)
class NotePlace:
    """One place in a note, as the page of a link or of a note shows it."""

    path: str
    line: int
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class NoteHealth:
    """A note with how many of its links are in which state."""

    path: str
    year: str
    links: int
    states: Mapping[State, int]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of links is narrowed to; "" and () mean no narrowing."""

    states: tuple[str, ...] = ()
    site: str = ""
    reason: str = ""
    note: str = ""  # a path, a folder that ends with "/", or NOWHERE
    year: str = ""
    query: str = ""
    since: datetime | None = None  # the state changed since then
    kept: str = ""  # "yes": a snapshot is kept, "no": none is
    waiting_at: datetime | None = None  # due before this moment
    order: str = "state"

"""The nouns of politeness: how a slot may be asked, what of it outlives a run, which of its links a plan checks.

Only frozen data lives here, as in `model`. What is due is `schedule.plan`'s, waiting for a turn is `fetch.limit`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from crawler.core.model import Link


@dataclass(frozen=True, slots=True)
class SlotState:
    """Politeness that outlives a run: when a slot was last asked, and how much it slows us."""

    slot: str
    last_start: datetime | None = None
    not_before: datetime | None = None  # Retry-After or a cool-down
    slowdown: float = 1.0  # multiplies the interval
    requests_today: int = 0
    today: str = ""  # the UTC date that requests_today counts


@dataclass(frozen=True, slots=True)
class Politeness:
    """How one slot may be asked, after configuration, site files and defaults were laid over each other."""

    slot: str
    per_host: int = 1  # links of the slot in flight at once
    interval: float = 1.0  # seconds, least time between two starts
    timeout: float = 30.0  # seconds, one attempt in all
    connect_timeout: float = 10.0
    patience: int = 5  # refusals in a row before the slot is left alone; 0 never
    max_per_run: int = 0  # links; 0 no limit
    max_per_day: int = 0  # requests; 0 no limit
    headers: tuple[tuple[str, str], ...] = ()
    accept: tuple[int, ...] = ()  # statuses that count as alive on this host
    skip: bool = False
    browser: bool = False  # its pages are shown by a browser


@dataclass(frozen=True, slots=True)
class Slot:
    """A politeness queue with the links to check, in order; known walls stand last."""

    key: str
    site: str
    politeness: Politeness
    links: tuple[Link, ...]
    walls: frozenset[str] = frozenset()  # canonical URLs whose refusals say nothing about the slot
    # Not due, alive at their last check: they tell a wall of the slot from one of links.
    canaries: tuple[Link, ...] = ()
    spare: int = 0  # checks that canaries may cost

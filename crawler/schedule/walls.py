"""Links that meet a wall while their slot answers others: known walls, and how rarely they are asked. Pure.

A wall mostly says something about our address, seldom about one link. So a link is a *known wall* only after it was
refused in `KNOWN` runs in which another link of its slot was seen. Known walls come last, at most `MOST` a slot and
night, ever more rarely; their refusals say nothing about the slot. When one of them opens, all of its slot are due.
Which links a run asks is `plan`'s business, what a single check does to a memory `history`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from crawler.core.model import History, Link, Proof, State
from crawler.core.settings import DAY

KNOWN: Final = 2  # refusals, each in a run in which another link of the slot was seen
MOST: Final = 3  # known walls of one slot that one night asks
SLACK: Final = 0.1 * DAY  # seconds that a known wall may be asked early, since nightly runs do not start on the second


def is_known_wall(history: History | None) -> bool:
    """Whether a link is refused although its slot answers others."""
    return history is not None and history.walled >= KNOWN


def was_refused(history: History | None) -> bool:
    """Whether the last check of a link met a wall; memories of older versions tell it by their state alone."""
    return history is not None and (history.refused > 0 or history.state is State.BLOCKED)


def asked_today(members: Iterable[History | None], now: datetime) -> int:
    """How many known walls were asked on this UTC day already, which is the day that `max_per_day` counts, too."""
    return sum(
        1
        for history in members
        if history is not None
        and is_known_wall(history)
        and history.checked_at is not None
        and history.checked_at.date() == now.date()
    )


def was_seen(history: History, since: datetime) -> bool:
    """Whether the site showed the page, or its own word that the page is gone, at a check since that time."""
    if history.checked_at is None or history.checked_at < since or history.refused:
        return False
    if history.last_alive is not None and history.last_alive >= since:
        return True
    return history.state is State.DEAD and history.evidence.proof is Proof.PAGE


def after_run(
    links: Iterable[Link],
    before: Mapping[str, History],
    after: Mapping[str, History],
    started: datetime,
    longest: float,
) -> dict[str, History]:
    """The memories that a whole run changes beside its single checks, by canonical URL.

    `started` is when the run began, `longest` the longest interval in seconds. What was refused while its slot was
    seen is one refusal nearer to a known wall. Known walls are due so rarely that `MOST` of them a night are enough.
    """
    pairs = [(link, known) for link in links if (known := after.get(link.canonical_url)) is not None]
    seen = {link.slot for link, history in pairs if was_seen(history, started)}
    opened = {
        link.slot
        for link, history in pairs
        if link.slot in seen and was_seen(history, started) and is_known_wall(before.get(link.canonical_url))
    }
    changed: dict[str, History] = {}
    for link, history in pairs:
        if link.slot in seen and _is_refused_in(history, started):
            changed[link.canonical_url] = replace(history, walled=history.walled + 1)
    now_known = [(link, changed.get(link.canonical_url, history)) for link, history in pairs]
    walls = [(link, history) for link, history in now_known if is_known_wall(history)]
    of_slot = Counter(link.slot for link, _ in walls)
    for link, history in walls:
        key = link.canonical_url
        if link.slot in opened:
            changed[key] = replace(history, next_due=None)
        elif key in changed:
            changed[key] = _rarely(history, min((-(-of_slot[link.slot] // MOST) + 1) * DAY, longest))
    return changed


def _is_refused_in(history: History, started: datetime) -> bool:
    return history.refused > 0 and history.checked_at is not None and history.checked_at >= started


def _rarely(history: History, least: float) -> History:
    """A known wall with an interval (seconds) of at least `least`."""
    if history.checked_at is None:
        return history
    interval = max(history.interval, least)
    return replace(history, interval=interval, next_due=history.checked_at + timedelta(seconds=interval))

"""Times that a wrong clock wrote: what is remembered from the future is corrected, so that nothing waits for it. Pure.

A machine whose clock ran ahead for a night (an empty battery, 2036) leaves memories that say "checked in 2036, due in
2036" and slots that may not be asked before. They count as due now; what was concluded stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from crawler.core.model import History
from crawler.core.slots import SlotState

AHEAD: Final = timedelta(days=1)  # honest clocks of two machines may be that far apart: wrong zones are; a guess


def is_ahead(at: datetime | None, now: datetime) -> bool:
    """Whether a time that was written down has not come yet."""
    return at is not None and at > now + AHEAD


def corrected(histories: Mapping[str, History], now: datetime) -> dict[str, History]:
    """The memories that were made in the future, due now and with no time after `now`."""
    return {
        key: replace(
            history,
            first_seen=min(history.first_seen, now),
            checked_at=_not_after(history.checked_at, now),
            last_alive=_not_after(history.last_alive, now),
            first_failed=_not_after(history.first_failed, now),
            counted_at=_not_after(history.counted_at, now),
            changed_at=_not_after(history.changed_at, now),
            doubted_at=_not_after(history.doubted_at, now),
            next_due=None,
        )
        for key, history in histories.items()
        if is_ahead(history.checked_at, now) or is_ahead(history.first_seen, now)
    }


def corrected_slots(states: Iterable[SlotState], now: datetime) -> list[SlotState]:
    """Politeness without the pauses that a clock from the future asked for."""
    return [
        replace(state, last_start=None, not_before=None, requests_today=0, today="")
        if is_ahead(state.last_start, now)
        else state
        for state in states
    ]


def _not_after(at: datetime | None, now: datetime) -> datetime | None:
    return min(at, now) if at is not None else None

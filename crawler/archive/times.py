"""Times as the index holds them: whole microseconds since 1970, UTC.

Nothing else is known of time here: which times to believe is `order`'s.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """An aware time as the index holds it."""
    return (at - _EPOCH) // _MICRO


def from_micros(value: int) -> datetime:
    """The time again, exactly."""
    return _EPOCH + value * _MICRO

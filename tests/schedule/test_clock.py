"""Times that a wrong clock wrote count as due, and nothing else changes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from crawler.core.model import History, Link, State
from crawler.core.slots import Politeness, SlotState
from crawler.schedule.clock import corrected, corrected_slots
from crawler.schedule.plan import make_plan

NOW = datetime(2026, 1, 2, tzinfo=UTC)
FAR = datetime(2036, 1, 2, tzinfo=UTC)
URL = "https://a.example/"
PAST = NOW - timedelta(days=3)
HONEST = History(URL, PAST, URL, State.ALIVE, checked_at=PAST, last_alive=PAST, next_due=NOW + timedelta(days=4))
AHEAD = replace(HONEST, checked_at=FAR, last_alive=FAR, counted_at=FAR, next_due=FAR + timedelta(days=7))


def planned(history: History, states: list[SlotState] | None = None) -> int:
    link = Link(URL, URL, URL, "other", "a.example", "a.example")
    histories = {URL: history} | corrected({URL: history}, NOW)
    slots = {state.slot: state for state in corrected_slots(states or [], NOW)}
    return make_plan([link], histories, NOW, lambda _: Politeness("a.example"), states=slots).links


def test_a_link_that_was_checked_in_the_future_is_due() -> None:
    assert (planned(HONEST), planned(AHEAD)) == (0, 1)


def test_its_times_are_not_after_now_and_its_state_stays() -> None:
    (history,) = corrected({URL: AHEAD}, NOW).values()
    assert (history.state, history.checked_at, history.last_alive, history.counted_at) == (State.ALIVE, NOW, NOW, NOW)
    assert history.first_seen == PAST


def test_honest_memories_are_left_alone() -> None:
    assert corrected({URL: HONEST, "other": replace(HONEST, checked_at=NOW + timedelta(hours=2))}, NOW) == {}


def test_a_slot_that_was_asked_in_the_future_is_not_closed_until_then() -> None:
    due = replace(HONEST, next_due=NOW)
    closed = SlotState("a.example", last_start=FAR, not_before=FAR + timedelta(hours=2))
    assert planned(due, [closed]) == 1
    assert planned(due, [replace(closed, last_start=PAST, not_before=NOW + timedelta(hours=2))]) == 0

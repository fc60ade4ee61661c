"""The limiter: when a slot may start its next request, and how many may be in flight. Politeness lives here only.

A start waits for its turn in the slot (first come, first served), a place in it, the interval since the start
before, any pause the site asked for, room for what it will bring (`holding`), and last of all one of the run's places,
so that nobody holds one of those while merely waiting. There, a slot that was asked before goes first: a run ends when
its longest slot does. What means "refused" is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import trio

from crawler.core.counts import Counted
from crawler.core.model import Failure, Fetch
from crawler.core.slots import Politeness, SlotState
from crawler.fetch.holding import BodyBudget
from crawler.fetch.request import Ask, Now, Request
from crawler.fetch.retry_after import asked_pause
from crawler.schedule.politeness import PolitenessOf

LONGEST_PAUSE = 180.0  # seconds; a slot that asked for more is not waited for within a fetch (guess)
SLOWEST = 16.0  # times the interval, after four refusals in a row (guess)
GOOD_IN_A_ROW = 5  # good answers that halve the slowdown again (guess)


@dataclass(slots=True)
class _Slot:
    """What the limiter knows of one slot; times are trio's, dates the wall clock's."""

    key: str
    places: trio.CapacityLimiter
    turn: trio.Lock = field(default_factory=trio.Lock)
    interval: float = 0.0  # the longest of its hosts
    last_start: float = float("-inf")
    last_start_at: datetime | None = None
    not_before: float = float("-inf")
    not_before_at: datetime | None = None
    slowdown: float = 1.0
    good: int = 0
    today: str = ""
    requests_today: int = 0
    is_begun: bool = False  # asked in this run

    def due(self) -> float:
        return max(self.last_start + self.interval * self.slowdown, self.not_before)


class _RunPlaces:
    """What may be in flight in a run; slots under way stand in line before those that begin, in order of coming."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._under_way = trio.lowlevel.ParkingLot()
        self._beginning = trio.lowlevel.ParkingLot()

    async def acquire(self, slot: _Slot) -> None:
        """Take a place, without a round through the scheduler where one is free."""
        if self._free:
            self._free -= 1
        else:  # whoever gives a place back hands it to the first in line
            await (self._under_way if slot.is_begun else self._beginning).park()

    def release(self) -> None:
        """Give a place back."""
        line = self._under_way or self._beginning
        if line:
            line.unpark()
        else:
            self._free += 1


class Limiter:
    """All slots of a run."""

    def __init__(self, concurrency: int, now: Now, budget: BodyBudget, states: Iterable[SlotState] = ()) -> None:
        self._run_places = _RunPlaces(concurrency)
        self._budget = budget
        self._now = now
        self._slots: dict[str, _Slot] = {}
        self.requests = 0  # that sites saw, those included whose answer nobody waited for
        self.recall(states)

    def limit(self, ask: Ask, politeness: PolitenessOf) -> Ask:
        """The layer: `ask`, each request in its slot's time."""

        async def limited(request: Request) -> Fetch:
            rules = politeness(request.url)
            slot = self._slot_for(rules)
            fetch = await self._in_turn(slot, rules, request, ask)
            pause = asked_pause(fetch, self._now())
            if pause is not None:
                self.cool_down(slot.key, pause)
            return fetch

        return limited

    def refused(self, key: str) -> None:
        """Ask at half the pace from now on, down to a sixteenth."""
        slot = self._slot(key)
        slot.slowdown, slot.good = min(slot.slowdown * 2, SLOWEST), 0

    def answered(self, key: str) -> None:
        """A good answer; some in a row double the pace again, up to the configured one."""
        slot = self._slot(key)
        slot.good += 1
        if slot.good >= GOOD_IN_A_ROW:
            slot.slowdown, slot.good = max(slot.slowdown / 2, 1.0), 0

    def cool_down(self, key: str, until: datetime) -> None:
        """No start before `until`; an earlier promise is never shortened."""
        slot = self._slot(key)
        if slot.not_before_at is None or until > slot.not_before_at:
            slot.not_before_at = until
            slot.not_before = self._on_trio_clock(until)

    def recall(self, states: Iterable[SlotState]) -> None:
        """What is remembered of slots: by an earlier run, or by another process that asked them until now."""
        for state in states:
            self._recall(state)

    def states(self) -> list[SlotState]:
        """Every slot as it should be remembered."""
        return [self.state(key) for key in self._slots]

    def state(self, key: str) -> SlotState:
        """One slot as it should be remembered."""
        slot = self._slot(key)
        return SlotState(
            slot=key,
            last_start=slot.last_start_at,
            not_before=slot.not_before_at,
            slowdown=slot.slowdown,
            requests_today=slot.requests_today,
            today=slot.today,
        )

    async def _in_turn(self, slot: _Slot, rules: Politeness, request: Request, ask: Ask) -> Fetch:
        """Ask while holding a place in the slot and one in the run."""
        self._budget.ask_again()
        await _take(slot.places)
        try:
            held_back = await self._wait_for_turn(slot, rules)
            if held_back:
                return self._unsent(request, held_back)
            try:
                fetch = await ask(request)
            finally:
                self._run_places.release()
            self.requests += fetch.requests - 1  # refused before it was sent, or several hops of a browser
            return fetch
        finally:
            slot.places.release()

    async def _wait_for_turn(self, slot: _Slot, rules: Politeness) -> str:
        """Wait until the slot may start one more request and take a run place; or say why it may not."""
        await _take(slot.turn)
        try:
            while True:
                if reason := self._why_not(slot, rules):
                    return reason
                await _sleep_until(slot.due())
                await self._budget.start()
                await self._run_places.acquire(slot)
                if slot.due() <= trio.current_time():
                    break
                self._run_places.release()  # a pause was asked for while we stood in line
            self._count(slot)
        finally:
            slot.turn.release()
        return ""

    def _why_not(self, slot: _Slot, rules: Politeness) -> str:
        if slot.not_before - trio.current_time() > LONGEST_PAUSE:
            return f"{slot.key} asked for no requests before {slot.not_before_at:%Y-%m-%d %H:%M} UTC"
        if rules.max_per_day and slot.today == self._today() and slot.requests_today >= rules.max_per_day:
            return f"{slot.key} was asked {Counted(slot.requests_today):time} today, its limit"
        return ""

    def _count(self, slot: _Slot) -> None:
        at = self._now()
        today = f"{at:%Y-%m-%d}"
        if slot.today != today:
            slot.today, slot.requests_today = today, 0
        slot.requests_today += 1
        slot.is_begun = True
        slot.last_start, slot.last_start_at = trio.current_time(), at
        self.requests += 1

    def _unsent(self, request: Request, reason: str) -> Fetch:
        return Fetch(
            url=request.url, final_url=request.url, started_at=self._now(), failure=Failure.HELD_BACK, error=reason
        )

    def _slot_for(self, rules: Politeness) -> _Slot:
        """The slot with these rules laid over those of its other hosts: the strictest count."""
        slot = self._slots.get(rules.slot)
        if slot is None:
            slot = self._slots[rules.slot] = _Slot(rules.slot, trio.CapacityLimiter(rules.per_host))
        if rules.interval > slot.interval:
            slot.interval = rules.interval
        if rules.per_host < slot.places.total_tokens:
            slot.places.total_tokens = rules.per_host
        return slot

    def _slot(self, key: str) -> _Slot:
        return self._slots.get(key) or self._slots.setdefault(key, _Slot(key, trio.CapacityLimiter(float("inf"))))

    def _recall(self, state: SlotState) -> None:
        slot = self._slot(state.slot)
        slot.slowdown = min(max(state.slowdown, 1.0), SLOWEST)
        slot.today, slot.requests_today = state.today, state.requests_today
        if state.not_before is not None and state.not_before > self._now():
            self.cool_down(state.slot, state.not_before)
        if state.last_start is not None:
            slot.last_start_at = min(state.last_start, self._now())  # a clock that was set back must not stop us
            slot.last_start = self._on_trio_clock(slot.last_start_at)

    def _on_trio_clock(self, at: datetime) -> float:
        return trio.current_time() + (at - self._now()) / timedelta(seconds=1)

    def _today(self) -> str:
        return f"{self._now():%Y-%m-%d}"


async def _take(gate: trio.CapacityLimiter | trio.Lock) -> None:
    """Without a round through the scheduler where nobody stands in line; both queues are first come, first served."""
    try:
        gate.acquire_nowait()
    except trio.WouldBlock:
        await gate.acquire()


async def _sleep_until(when: float) -> None:
    if when > trio.current_time():
        await trio.sleep_until(when)

"""How many bytes of answers a run holds at once: fetched, and not yet read and recorded.

Readers and the recorder may be slower than the web, and each slot has a page in hand. What a check fetched is its hold
until it is handed over (`BodyBudget.hold`). Two things keep all holds together near the limit: while they are past it
no request is begun (`start`, asked by the limiter), and answers that are coming stand still (`grow`, asked by the
wire) until others are handed over. A few go on all the same, the oldest ones: readers have something to read, and
every answer comes to its end, however large it is. Who has counted bytes waits for readers, the recorder and the web,
and never for a turn: there is no circle.

What is fetched outside of a check, pictures for one, is not counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import islice

import trio

LIMIT = 48 * 1024 * 1024  # bytes: twenty of the largest pages that are common, or 5,000 small ones
AHEAD = 8  # answers that readers have before them, or will have, whatever room there is
PATIENCE = 10.0  # seconds that one answer may stand still in all; servers give up after 30 to 60 (guess)


@dataclass(slots=True, eq=False)
class _Hold:
    """What one check has fetched and not handed over yet."""

    budget: BodyBudget
    size: int = 0  # bytes
    patience: float = PATIENCE  # seconds that are left of it


_current: ContextVar[_Hold | None] = ContextVar("hold", default=None)


@dataclass(slots=True, eq=False)
class BodyBudget:
    """The bytes of all holds of a run."""

    limit: int = LIMIT
    ahead: int = AHEAD
    held: int = 0  # bytes
    _coming: dict[_Hold, None] = field(default_factory=dict)  # whose answer is on its way, the oldest first
    _whole: set[_Hold] = field(default_factory=set)  # whose answer has come
    _standing: trio.lowlevel.ParkingLot = field(default_factory=trio.lowlevel.ParkingLot)  # answers that wait for room
    _starting: trio.lowlevel.ParkingLot = field(default_factory=trio.lowlevel.ParkingLot)  # requests that do

    @contextmanager
    def hold(self) -> Iterator[None]:
        """What this task fetches in this block is held until its end."""
        hold = _Hold(self)
        token = _current.set(hold)
        try:
            yield
        finally:
            _current.reset(token)
            self._let_go(hold)

    def ask_again(self) -> None:
        """One more request of this check stands in line: what it holds by now was read, and is counted no more."""
        if hold := self._hold():
            self._let_go(hold)

    async def start(self) -> None:
        """Wait until one more request may be begun."""
        if self._hold() and (self.held >= self.limit or self._starting):
            await self._starting.park()

    @contextmanager
    def coming(self) -> Iterator[None]:
        """An answer is being read in this block."""
        hold = self._hold()
        if hold is None:
            yield
            return
        self._coming[hold] = None
        try:
            yield
        finally:
            del self._coming[hold]
            if hold.size:
                self._whole.add(hold)
            self._standing.unpark_all()  # another one is the oldest now

    def grow(self, size: int) -> bool:
        """So many bytes more are held; whether the answer is to stand still now (`stand`)."""
        hold = self._hold()
        if hold is None:
            return False
        hold.size += size
        self.held += size
        return self._must_stand(hold)

    async def stand(self) -> None:
        """Wait for room, or for its turn to go on without."""
        hold, begun = self._hold(), trio.current_time()
        if hold is None:
            return
        with trio.move_on_after(hold.patience):
            while self._must_stand(hold):
                await self._standing.park()
        hold.patience -= trio.current_time() - begun

    def _hold(self) -> _Hold | None:
        """That of this task; a check may also ask by another fetcher, which counts for itself."""
        hold = _current.get()
        return hold if hold is not None and hold.budget is self else None

    def _must_stand(self, hold: _Hold) -> bool:
        if self.held <= self.limit or hold.patience <= 0:
            return False
        return hold not in islice(self._coming, max(0, self.ahead - len(self._whole)))

    def _let_go(self, hold: _Hold) -> None:
        if not hold.size:
            return
        self.held -= hold.size
        hold.size = 0
        self._whole.discard(hold)
        if self.held < self.limit // 2:  # far from full
            self._starting.unpark_all()
        elif self.held < self.limit:  # one for one, so that they do not all come at once
            self._starting.unpark()
        self._standing.unpark_all()

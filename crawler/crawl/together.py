"""Small pages that wait for a reader travel there together: one message there and one back costs as much as one page's.

Only who travels with whom lives here. Nobody waits for company: a page that finds a reader free is read at once. What a
page may cost, and what becomes of one that is past its limits, is `readers`'s and `worker`'s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from crawler.crawl.tasks import PageReading, ReadTask

SMALL = 64 * 1024  # bytes of a body; what is larger takes so long to read that a message of its own does not count
MOST_BYTES = 4 * SMALL  # of pages that travel together where nobody waits for the first
MOST = 16  # pages of one message: a few milliseconds each, so that nobody waits long for the last of them


@dataclass(slots=True, eq=False)
class _Waiting:
    task: ReadTask
    woken: trio.Event = field(default_factory=trio.Event)
    leads: bool = False  # woken to take others along; else woken because it was taken along
    reading: PageReading | None = None


class Together:
    """Gathers tasks while all readers are busy.

    `read_many` reads some in a reader that is free, which `limiter` counts; None stands for what it could not read.
    """

    def __init__(
        self, read_many: Callable[[Sequence[ReadTask]], Awaitable[Sequence[PageReading | None]]],
        limiter: trio.CapacityLimiter,
    ) -> None:  # fmt: skip
        self._read_many = read_many
        self._limiter = limiter
        self._idle = self._readers = int(limiter.total_tokens)  # readers for which nobody of us waits
        self._queue: deque[_Waiting] = deque()

    async def read(self, task: ReadTask) -> PageReading | None:
        """The reading of one task; None: it is to be read alone."""
        one = _Waiting(task)
        if self._idle:
            self._idle -= 1
        else:
            await self._wait(one)
            if not one.leads:
                return one.reading
        taken = [one]
        try:
            async with self._limiter:
                more = min(MOST - 1, -(-len(self._queue) // self._readers))  # the other readers want work, too
                taken += [self._queue.popleft() for _ in range(more)]
                for waiting, reading in zip(taken, await self._read_many([w.task for w in taken]), strict=True):
                    waiting.reading = reading
        finally:  # also where this task is cancelled: the others are read alone, then
            for waiting in taken[1:]:
                waiting.woken.set()
            self._pass_on()
        return one.reading

    async def _wait(self, one: _Waiting) -> None:
        """Until somebody took this one along, or it is its turn to take others along."""
        self._queue.append(one)
        try:
            await one.woken.wait()
        except trio.Cancelled:
            if one in self._queue:
                self._queue.remove(one)
            elif one.leads:  # its turn came in the moment in which it gave up
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        if not self._queue:
            self._idle += 1
            return
        first = self._queue.popleft()
        first.leads = True
        first.woken.set()

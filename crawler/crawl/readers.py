"""Who reads pages: processes of their own, so that no page can hang a run and all cores are used.

A reader gets bytes and gives a verdict; it knows nothing of slots, requests or the archive. `ReaderPool` is the real
one, which reads in this process where no other can be had; `InlineReader` always does: for simulations in virtual time.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import trio

from crawler.crawl import forkserver
from crawler.crawl.lanes import Lane
from crawler.crawl.tasks import HasBody, PageReading, ProbeTask, ReadTask
from crawler.crawl.together import SMALL, Together
from crawler.crawl.worker import (
    Encoded,
    Limits,
    compare_one,
    decoded_readings,
    decoded_saved_readings,
    encoded,
    read_kept,
    read_many,
    read_one,
    read_saved,
    read_sent,
    ready,
    retire,
    sees,
    start,
    start_in_line,
)

if TYPE_CHECKING:
    from trio_parallel import WorkerContext

    from crawler.core.model import Verdict
    from crawler.core.settings import ReadSettings, Settings
    from crawler.crawl.kept_tasks import KeptTask
    from crawler.crawl.saved_tasks import SavedReading, SavedTask
    from crawler.sites import Sites

S = TypeVar("S")
T = TypeVar("T")

WALL = 10.0  # times the CPU seconds: a page on a busy machine is not to blame for its neighbours
FEW = 8  # pages that one reader reads in less time than another one takes to start
IDLE = 600.0  # seconds after which an idle reader ends by itself
STARTING = 60.0  # seconds that the first reader may take to start, on the busiest machine
GRACE = 5.0  # seconds that readers get to end at the end of a run

log = logging.getLogger(__name__)


class Reader(Protocol):
    """Reads answers, several at once where it can."""

    async def read(self, task: ReadTask) -> PageReading:
        """What an answer means; `unknown`/`too-complex` past the limits. Raises ReaderDied."""

    async def compare(self, task: ProbeTask) -> Verdict | None:
        """Whether an answer is like its probe's; None also past the limits. Raises ReaderDied."""

    async def work(self, function: Callable[..., T], *args: object) -> T:
        """Run a function on bytes of our own, which have no limits but that of wall time.

        Raises PastLimits, ReaderDied, and what the function raises.
        """

    async def warm_up(self, pages: int) -> None:
        """Start as many readers as that many pages keep busy, so that the first ones need not wait."""


class ReaderDied(Exception):
    """A reader ended twice over one page, and not by its limits: a fault of ours."""


class PastLimits(Exception):
    """A page took more CPU, time or memory than one page may."""


NO_READER = (PastLimits, ReaderDied, OSError, EOFError, RuntimeError)
"""What keeps a reader from work that this process can do; from OSError on where no process can be started any more."""


class InlineReader:
    """Reads in this process, without limits."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites

    async def read(self, task: ReadTask) -> PageReading:
        """Read at once."""
        from crawler.crawl.examine import read, with_records

        return with_records(task, read(task, self._sites))

    async def compare(self, task: ProbeTask) -> Verdict | None:
        """Compare at once."""
        from crawler.crawl.examine import compare_probe

        return compare_probe(task)

    async def work(self, function: Callable[..., T], *args: object) -> T:
        """Run it at once."""
        return function(*args)

    async def warm_up(self, pages: int) -> None:
        """There is nothing to start."""


class ReaderPool:
    """Reads in worker processes, each page within its limits; workers are started when they are needed first."""

    def __init__(self, workers: WorkerContext, settings: ReadSettings, sites: Sites) -> None:
        self._workers = workers
        self._settings = settings
        self._sites = sites
        self._limiter = trio.CapacityLimiter(process_count(settings))
        self._together = Together(self._read_many, self._limiter)
        self._first = trio.Lock()
        self._lanes: list[Lane] = []  # that nobody uses now; all of them, or none where readers cannot see them
        self._tried = False
        self._in_line = False  # no process can be had: pages are read in this one

    async def read(self, task: ReadTask) -> PageReading:
        """Read in a worker."""
        if not self._tried:
            await self._try()
        if len(task.fetched.body) <= SMALL and not self._in_line:
            reading = await self._together.read(task)
            if reading is not None:
                return reading
        try:
            return await self.call(read_one, task)
        except PastLimits as error:
            from crawler.crawl.examine import too_complex

            return too_complex(task, self._sites, str(error))

    async def read_kept(self, tasks: Sequence[KeptTask]) -> Sequence[PageReading | None]:
        """Judge some kept pages in one worker; None is to be read alone, as `read_many` has it."""
        return await self._in_one(read_kept, tasks, decoded_readings)

    async def read_saved(self, tasks: Sequence[SavedTask]) -> Sequence[SavedReading | None]:
        """The same of pages that were saved."""
        return await self._in_one(read_saved, tasks, decoded_saved_readings)

    async def _in_one(
        self, function: Callable[..., Encoded], tasks: Sequence[object], decode: Callable[[Encoded], list[T | None]]
    ) -> Sequence[T | None]:
        """Run a function of many tasks in one worker, as soon as one is free."""
        if not self._tried:
            await self._try()
        if self._in_line:
            return decode(function(list(tasks)))
        async with self._limiter:
            return await self._many(function, tasks, decode)

    async def compare(self, task: ProbeTask) -> Verdict | None:
        """Compare in a worker."""
        try:
            return await self.call(compare_one, task)
        except PastLimits:
            return None

    async def work(self, function: Callable[..., T], *args: object) -> T:
        """Run a function in a worker, or in a thread, where no process can be had: it may take a quarter second."""
        if self._in_line:
            return await trio.to_thread.run_sync(function, *args)
        return await self.call(function, *args)

    async def call(self, function: Callable[..., T], *args: object) -> T:
        """Run a function in a worker; once more where the worker died of something else than the limits.

        Raises PastLimits, ReaderDied, and what the function raises.
        """
        from trio_parallel import BrokenWorkerError

        if not self._tried:
            await self._try()
        if self._in_line:
            return function(*args)
        for attempt in (1, 2):
            try:
                return await self._timed(function, *args)
            except trio.TooSlowError:
                raise PastLimits(f"not read within {WALL * self._settings.seconds:g} s") from None
            except MemoryError:
                raise PastLimits(f"not read within {self._settings.memory} bytes of memory") from None
            except BrokenWorkerError as error:
                code = getattr(error.args[-1], "exitcode", None)
                if code == -signal.SIGPROF:
                    raise PastLimits(f"not read within {self._settings.seconds:g} s of CPU") from None
                log.warning("a reader died with exit code %s (try %d)", code, attempt)
        raise ReaderDied(f"a reader process died twice over this page, at last with exit code {code}")

    async def _timed(self, function: Callable[..., T], *args: object) -> T:
        """One try, under the limit of wall time; waiting for a free worker does not count."""
        async with self._limiter:
            return await self._in_time(function, *args)

    async def _in_time(self, function: Callable[..., T], *args: object) -> T:
        """The same for who has a free worker already."""
        with trio.fail_after(WALL * self._settings.seconds), self._sent(args) as sent:
            result: T = await self._workers.run_sync(
                function, *sent, kill_on_cancel=True, limiter=trio.CapacityLimiter(1)
            )
            return result

    async def _read_many(self, tasks: Sequence[ReadTask]) -> Sequence[PageReading | None]:
        """Read some pages in a worker that is free; None stands for one that is to be read alone."""
        return await self._many(read_many, tasks, decoded_readings)

    async def _many(
        self, function: Callable[..., Encoded], tasks: Sequence[object], decode: Callable[[Encoded], list[T | None]]
    ) -> Sequence[T | None]:
        """Where the worker dies or takes too long, None for all: the one to blame then meets its limits alone."""
        from trio_parallel import BrokenWorkerError

        message = encoded(tasks)
        try:
            if function is not read_many or len(tasks) == 1 or not self._lanes or not isinstance(message, bytes):
                return decode(await self._in_time(function, message))
            with self._lane() as lane:
                found = await self._in_time(read_sent, lane.send(message))
                return decode(lane.received(found) if isinstance(found, int) else found)
        except (BrokenWorkerError, trio.TooSlowError, OSError):
            return [None] * len(tasks)

    @contextmanager
    def _sent(self, args: tuple[object, ...]) -> Iterator[tuple[object, ...]]:
        """The arguments for a worker, a large body by a lane."""
        match args:
            case (HasBody() as task,) if self._lanes and len(task.body) > SMALL:
                with self._lane() as lane:
                    yield task.with_body(b""), lane.send(task.body)
            case _:
                yield args

    @contextmanager
    def _lane(self) -> Iterator[Lane]:
        """A lane that nobody else uses meanwhile; there are as many of them as workers at work."""
        lane = self._lanes.pop()
        try:
            yield lane
        finally:
            lane.rest()
            self._lanes.append(lane)

    async def _open_lanes(self) -> None:
        """Make lanes, if a worker sees what is in one."""
        try:
            for _ in range(process_count(self._settings)):
                self._lanes.append(Lane())
            sent = self._lanes[0].send(b"seen")
            seen = await self._workers.run_sync(sees, sent, kill_on_cancel=True, limiter=trio.CapacityLimiter(1))
        except (AttributeError, OSError):  # bodies go through pipes, then
            seen = False
        if not seen:
            self.close()

    def close(self) -> None:
        """Let go of the lanes."""
        while self._lanes:
            self._lanes.pop().close()

    async def _try(self) -> None:
        """Find out, once, whether processes can be had; without them pages are read in this one, and a line says so."""
        from trio_parallel import BrokenWorkerError

        async with self._first:
            if self._tried:
                return
            try:
                with trio.fail_after(STARTING):
                    await self._workers.run_sync(ready, kill_on_cancel=True, limiter=trio.CapacityLimiter(1))
                    await self._open_lanes()
            except (BrokenWorkerError, OSError, ImportError, RuntimeError, trio.TooSlowError) as error:
                log.warning(
                    "no process can be started to read pages in (%s): they are read in this one, without limits of"
                    " time and memory", " ".join(str(error).split())[:200] or type(error).__name__,
                )  # fmt: skip
                start_in_line(self._sites)
                self._in_line = True
            self._tried = True

    async def warm_up(self, pages: int) -> None:
        """Start as many workers as that many pages keep busy, one for `FEW`: the first ones do not wait for it."""
        self._limiter.total_tokens = 1 if pages <= FEW else process_count(self._settings)
        await self._try()
        wanted = 0 if self._in_line else int(self._limiter.total_tokens)
        async with trio.open_nursery() as nursery:
            for _ in range(wanted if wanted > 1 else 0):
                nursery.start_soon(self._start_one)

    async def _start_one(self) -> None:
        from trio_parallel import BrokenWorkerError

        with suppress(BrokenWorkerError):  # the page that needs it will hear of it
            await self._workers.run_sync(ready, kill_on_cancel=True, limiter=self._limiter)


def process_count(settings: ReadSettings) -> int:
    """How many readers there are: as configured, else one for each core that this process may use, at least one."""
    if settings.processes:
        return settings.processes
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, cores or 1)


@asynccontextmanager
async def open_readers(settings: Settings, sites: Sites) -> AsyncIterator[ReaderPool]:
    """A pool of readers under these settings; its processes end with the block."""
    from trio_parallel import BrokenWorkerError, WorkerType, open_worker_context

    limits = Limits(settings.read.seconds, int(settings.read.memory))
    options: dict[str, Any] = {}
    if "FORKSERVER" in WorkerType.__members__:
        forkserver.start()
        options["worker_type"] = WorkerType.FORKSERVER
    init = partial(start, sites.documents, limits)
    try:
        async with open_worker_context(
            idle_timeout=IDLE, init=init, retire=retire, grace_period=GRACE, **options
        ) as workers:
            pool = ReaderPool(workers, settings.read, sites)
            try:
                yield pool
            finally:
                pool.close()
    except BrokenWorkerError as error:  # at the end: what was to be read has been read
        log.warning("readers did not end in good order: %s", error)

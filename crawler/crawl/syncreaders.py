"""The readers for use cases that are plain functions: import, rejudge, verify and export.

The same pool as `readers`', in a thread of its own; what one page costs at most is decided there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import trio

from crawler.core.lookahead import in_order
from crawler.crawl.readers import ReaderPool, open_readers, process_count
from crawler.crawl.tasks import PageReading, ReadTask
from crawler.crawl.together import MOST, MOST_BYTES
from crawler.crawl.worker import call_limited, read_saved_one

if TYPE_CHECKING:
    from crawler.core.settings import ReadSettings, Settings
    from crawler.crawl.kept_tasks import KeptTask
    from crawler.crawl.saved_tasks import SavedReading, SavedTask
    from crawler.sites import Sites

S = TypeVar("S")
T = TypeVar("T")


class SyncReaders:
    """The same pool for use cases that are plain functions: it lives in a thread of its own."""

    def __init__(
        self, pool: ReaderPool, token: trio.lowlevel.TrioToken, threads: ThreadPoolExecutor, settings: ReadSettings
    ) -> None:
        self._pool = pool
        self._token = token
        self._threads = threads
        self.ahead = 2 * process_count(settings)  # how many readings are worth asking for before the first is done

    def read(self, task: ReadTask) -> PageReading:
        """Read one answer. Raises ReaderDied."""
        return trio.from_thread.run(self._pool.read, task, trio_token=self._token)

    def read_saved(self, tasks: Sequence[SavedTask]) -> Sequence[SavedReading | None]:
        """Read some saved pages in one worker; None stands for one that is to be read alone."""
        return trio.from_thread.run(self._pool.read_saved, tasks, trio_token=self._token)

    def read_saved_one(self, task: SavedTask) -> SavedReading:
        """Read one saved page. Raises PastLimits, ReaderDied."""
        return trio.from_thread.run(self._pool.call, read_saved_one, task, trio_token=self._token)

    def call(self, function: Callable[..., T], *args: object) -> T:
        """Run a function in a worker. Raises PastLimits, ReaderDied, and what the function raises."""
        result: T = trio.from_thread.run(self._pool.call, call_limited, function, *args, trio_token=self._token)
        return result

    def work(self, function: Callable[..., T], *args: object) -> T:
        """Run a function on bytes of our own in a worker, without the limits of a page but that of wall time.

        Raises PastLimits, ReaderDied, and what the function raises.
        """
        result: T = trio.from_thread.run(self._pool.work, function, *args, trio_token=self._token)
        return result

    def begin(self, work: Callable[..., T], *args: object) -> Future[T]:
        """Begin some work that calls `read` and `call`, in a thread; as many pieces run at once as `ahead` says."""
        return self._threads.submit(work, *args)

    def in_order(self, work: Callable[[S], T], items: Iterable[S]) -> Iterator[tuple[S, T]]:
        """Do some work for each item on all workers; results come in order, and no more than a few are held at once.

        Raises what the work raises, at its item.
        """
        return in_order(lambda item: self.begin(work, item), items, self.ahead - 1)

    def read_kept(self, tasks: Iterable[KeptTask]) -> Iterator[tuple[KeptTask, PageReading | None]]:
        """Judge many kept pages on all workers, in order; several together, as a turn costs as much as a page.

        None stands for one that is to be read alone.
        """
        for some, found in self.in_order(self._read_kept, _gathered(tasks)):
            yield from zip(some, found, strict=True)

    def _read_kept(self, tasks: Sequence[KeptTask]) -> Sequence[PageReading | None]:
        return trio.from_thread.run(self._pool.read_kept, tasks, trio_token=self._token)


def _gathered(tasks: Iterable[KeptTask]) -> Iterator[list[KeptTask]]:
    """Tasks by as many as are worth one turn."""
    some: list[KeptTask] = []
    size = 0
    for task in tasks:
        if some and (len(some) == MOST or size + task.size > MOST_BYTES):
            yield some
            some, size = [], 0
        some.append(task)
        size += task.size
    if some:
        yield some


@contextmanager
def open_sync_readers(settings: Settings, sites: Sites) -> Iterator[SyncReaders]:
    """Readers for a plain function, until the block ends."""
    opened: Future[tuple[ReaderPool, trio.lowlevel.TrioToken, trio.Event]] = Future()

    async def serve() -> None:
        async with open_readers(settings, sites) as pool:
            done = trio.Event()
            opened.set_result((pool, trio.lowlevel.current_trio_token(), done))
            await done.wait()

    def run() -> None:
        try:
            trio.run(serve)
        except BaseException as error:
            if opened.done():
                raise
            opened.set_exception(error)

    with ThreadPoolExecutor(1) as thread:
        served = thread.submit(run)
        pool, token, done = opened.result()
        try:
            with ThreadPoolExecutor(2 * process_count(settings.read)) as threads:
                yield SyncReaders(pool, token, threads, settings.read)
        finally:
            trio.from_thread.run_sync(done.set, trio_token=token)
            served.result()

"""Pages of files read on all readers while pages before them are kept: small ones travel together.

Which pages there are and what becomes of them is `importing`'s; what one costs at most is `readers`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.archive.interchange.embedded import with_pictures
from crawler.archive.interchange.files import FilesBeside
from crawler.crawl.readers import PastLimits, ReaderDied
from crawler.crawl.saved_tasks import SavedReading, SavedTask, task_of
from crawler.crawl.together import MOST, MOST_BYTES, SMALL

if TYPE_CHECKING:
    from crawler.archive.interchange.saved import SavedPage
    from crawler.crawl.syncreaders import SyncReaders
    from crawler.crawl.tasks import PageReading


@dataclass(frozen=True, slots=True)
class Read:
    """What readers made of a page; `reading` is None where its address is not known."""

    page: SavedPage
    reading: PageReading | None = None
    flaw: str = ""

    @classmethod
    def of(cls, task: SavedTask, found: SavedReading) -> Read:
        """What came of one turn."""
        return cls(found.of(task.page), found.reading)


@dataclass(slots=True)
class _Group:
    """Small pages that travel together."""

    tasks: list[SavedTask] = field(default_factory=list)
    size: int = 0
    readings: Future[Sequence[SavedReading | None]] | None = None  # once they are on their way


class ReadAhead:
    """Begins readings, each of which is had by calling what `begin` gave."""

    def __init__(self, readers: SyncReaders) -> None:
        self._readers = readers
        self._group = _Group()
        self.most = readers.ahead * MOST  # pages that are worth beginning before the first is kept

    def begin(self, task: SavedTask) -> Callable[[], Read]:
        """Have one page read. What is given waits for its reading, and raises ReaderDied."""
        size = len(task.page.body) + sum(len(image.body) for image in task.page.images)
        if size > SMALL:
            return self._readers.begin(self._read, task).result
        group = self._group
        group.tasks.append(task)
        group.size += size
        if len(group.tasks) == MOST or group.size > MOST_BYTES:
            self._send()
        return partial(self._of_group, group, len(group.tasks) - 1)

    def _send(self) -> Future[Sequence[SavedReading | None]]:
        group, self._group = self._group, _Group()
        group.readings = self._readers.begin(self._readers.read_saved, tuple(group.tasks))
        return group.readings

    def _of_group(self, group: _Group, number: int) -> Read:
        readings = group.readings or self._send()
        task, reading = group.tasks[number], readings.result()[number]
        return self._read_alone(task) if reading is None else Read.of(task, reading)

    def _read(self, task: SavedTask) -> Read:
        """In a thread: a large page in one turn."""
        try:
            reading = self._readers.read_saved_one(task)
        except (PastLimits, ReaderDied):
            return self._read_alone(task)
        return Read.of(task, reading)

    def _read_alone(self, task: SavedTask) -> Read:
        """In two turns, so that pictures nobody gets through cost themselves alone."""
        page, flaw = task.page, ""
        try:
            page = self._readers.call(with_pictures, page, FilesBeside(Path(task.folder)))
        except (PastLimits, ReaderDied) as error:
            flaw = f"its pictures: {error}"
        reading = self._readers.read(task_of(page, task.address)) if task.address else None
        return Read(page, reading, flaw)

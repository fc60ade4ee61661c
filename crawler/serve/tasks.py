"""Work that takes longer than a page: started by a form, done one after the other in a thread, watched on a page.

What the work is belongs to `actions`. The archive has one writer, so there is never more than one task at it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final

from crawler.core.display import clipped, plain
from crawler.core.errors import CrawlerError, UsageError
from crawler.core.model import State
from crawler.core.url import redact
from crawler.crawl.observer import Observer

if TYPE_CHECKING:
    from crawler.core.model import Check
    from crawler.schedule.plan import Plan

KEPT: Final = 50  # tasks that are remembered
MAX_WAITING: Final = 10  # that have not begun
MAX_LINES: Final = 500  # of what a task tells
MAX_LINE: Final = 500  # characters
LEAVE: Final = 10.0  # seconds that a task gets to finish when the viewer ends


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a task tells; `key` is the link that it is about, "" for none."""

    text: str
    state: State | None = None
    key: str = ""


@dataclass(slots=True)
class Task:
    """One piece of work, and how far it is."""

    id: int
    kind: str  # a key of the phrases: "rearchive", "import"
    about: str
    back: str  # the page that it was started from
    total: int = 0
    done: int = 0
    state: str = "waiting"  # waiting | running | done | failed
    error: str = ""
    lines: list[Line] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self.state in ("done", "failed")

    def tell(self, line: Line) -> None:
        """Add a line, while there is room."""
        if len(self.lines) < MAX_LINES:
            self.lines.append(line)


class TaskObserver(Observer):
    """Writes down how far a use case is."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def say(self, line: str) -> None:
        """A line for people."""
        self._task.tell(Line(clipped(plain(line), MAX_LINE)))

    def planned(self, plan: Plan) -> None:
        """So many links will be checked."""
        self._task.total = plan.links

    def checked(self, check: Check) -> None:  # noqa: ARG002 - the observer's signature
        """One more is done."""
        self._task.done += 1
        self._task.total = max(self._task.total, self._task.done)


Work = Callable[[Observer], Iterable[Line]]


class Tasks:
    """The tasks of one viewer. Every method may be called from any thread."""

    def __init__(self, afterwards: Callable[[], None]) -> None:
        """`afterwards` is called behind each task: lists are out of date."""
        self._afterwards = afterwards
        self._numbers = count(1)
        self._tasks: OrderedDict[int, Task] = OrderedDict()
        self._turn = threading.Lock()
        self._door = threading.Lock()
        self._threads: dict[int, threading.Thread] = {}

    def start(self, kind: str, about: str, back: str, work: Work) -> Task:
        """Begin, as soon as it is its turn. Raises UsageError where too much waits already."""
        with self._door:
            if sum(not task.is_over for task in self._tasks.values()) >= MAX_WAITING:
                raise UsageError(f"{MAX_WAITING} tasks are waiting already; wait for one of them to end")
            task = Task(next(self._numbers), kind, clipped(plain(redact(about)), MAX_LINE), back)
            self._tasks[task.id] = task
            while len(self._tasks) > KEPT:
                self._tasks.popitem(last=False)
            thread = threading.Thread(target=self._do, args=(task, work), name=f"task {task.id}", daemon=True)
            self._threads[task.id] = thread
        thread.start()
        return task

    def get(self, number: int) -> Task | None:
        """One of the last tasks."""
        return self._tasks.get(number)

    def close(self) -> None:
        """Let what is at work finish, for a while: what it wrote is safe in any case."""
        for thread in list(self._threads.values()):
            thread.join(LEAVE)

    def _do(self, task: Task, work: Work) -> None:
        with self._turn:
            task.state = "running"
            try:
                for line in work(TaskObserver(task)):
                    task.tell(line)
                self._afterwards()
                task.state = "done"
            except CrawlerError as error:
                task.error, task.state = str(error), "failed"
            finally:
                if not task.is_over:  # a fault of ours: the thread's traceback is printed, and the page says so
                    task.error, task.state = "internal error", "failed"
                self._threads.pop(task.id, None)

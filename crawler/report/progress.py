"""What is shown while links are looked at: a bar on a terminal, plain lines elsewhere, on stderr.

A run tells a `Progress` its plan and then every check; it neither waits for it nor asks it anything. The time that is
left is that of the slowest slot, since slots are walked side by side and each keeps its own pace.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from crawler.core.counts import Counted
from crawler.core.display import redacted
from crawler.core.model import Check, State
from crawler.core.results import SlotGivenUp
from crawler.core.url import redact
from crawler.report.figures import duration, number
from crawler.schedule.plan import Plan

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

LINE_EVERY = 10.0  # seconds between two plain lines, at least; often enough to see that a job lives
BAR_EVERY = 0.2  # seconds between two changes of the bar; rich draws it no more often
LINE_LINKS = 100  # links after which a plain line comes sooner
LONG = 3600.0  # seconds from which a first run is told how to try a part of it; a guess
BAR_WIDTH = 12  # cells of the bar at least; words beside it give way first
BESIDE = 12  # cells between the columns, and for " left"

NO_ESCAPES = ("dumb", "unknown")  # values of TERM of terminals that know none

Clock = Callable[[], float]


class Progress(Protocol):
    """Whoever watches a run."""

    def planned(self, plan: Plan) -> None:
        """What will be looked at; comes once, before the first check."""

    def checked(self, check: Check) -> None:
        """One link was looked at and is remembered."""

    def left_alone(self, slot: SlotGivenUp) -> None:
        """A slot was given up: the rest of its links is not checked."""


class Silent:
    """Nobody watches."""

    def planned(self, plan: Plan) -> None:
        """Nothing is shown."""

    def checked(self, check: Check) -> None:
        """Nothing is shown."""

    def left_alone(self, slot: SlotGivenUp) -> None:
        """Nothing is shown."""


@dataclass(slots=True)
class Pace:
    """How far a run is: checks by state, and the seconds that its slowest slot still takes. `clock` is in seconds."""

    clock: Clock
    started: float = 0.0
    total: int = 0
    states: Counter[State] = field(default_factory=Counter)
    answered: bool = False  # whether anybody answered so far
    _left: dict[str, int] = field(default_factory=dict)
    _done: Counter[str] = field(default_factory=Counter)
    _interval: dict[str, float] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """Checks so far."""
        return sum(self.states.values())

    def begin(self, plan: Plan) -> None:
        """Start the clock on this plan."""
        self.started = self.clock()
        self.total = plan.links
        self._left = {slot.key: len(slot.links) for slot in plan.slots}
        self._interval = {slot.key: slot.politeness.interval for slot in plan.slots}

    def count(self, check: Check) -> None:
        """One check more; a check that no plan held (a canary) makes the total grow."""
        slot = check.link.slot
        self.answered = self.answered or check.fetch.status is not None or bool(check.fetch.redirects)
        self.states[check.history.state] += 1
        self._done[slot] += 1
        self._left[slot] = max(0, self._left.get(slot, 0) - 1)
        self.total = max(self.total, self.done)

    def left_alone(self, slot: SlotGivenUp) -> None:
        """Links of a slot that was given up are no work any more."""
        self._left[slot.slot] = 0
        self.total = max(self.done, self.total - slot.left)

    def left(self) -> float:
        """Seconds until the slowest slot is through, from its interval or, where that is slower, from its pace."""
        elapsed = self.clock() - self.started
        return max(
            (
                left * max(self._interval.get(slot, 0.0), elapsed / self._done[slot] if self._done[slot] else 0.0)
                for slot, left in self._left.items()
            ),
            default=0.0,
        )

    def tally(self, room: int = 1000) -> str:
        """The states so far: "3 dead, 1 suspect, 40 alive", as many of them as `room` cells hold.

        With no answer from anybody the states would tell of our own line, so they are not counted yet.
        """
        if self.done and not self.answered:
            words = ["no answer from anybody yet"]
        else:
            words = [f"{number(self.states[state])} {state}" for state in State if self.states[state]]
        while words and len(", ".join(words)) > room:
            words.pop()
        return ", ".join(words)


def beginning(plan: Plan, seconds: float) -> str:
    """What is to be done and how long it takes at least; for a first run that is long, why, and how to try a part."""
    line = f"{Counted(plan.links):link} to check, {duration(seconds)} at least"
    if not plan.first or seconds < LONG:
        return line
    slowest = plan.slots[0]
    why = f"{number(len(slowest.links))} of {slowest.key} at {duration(slowest.politeness.interval)} each"
    return f"{line} ({why}). Try a part first: --max-links 50 or --budget 10m; what is left stays due"


@dataclass(slots=True)
class LineProgress:
    """Plain lines for logs: one at the start, then one every ten seconds, sooner after a hundred links."""

    write: Callable[[str], object]
    pace: Pace
    _last: float = 0.0
    _shown: int = 0

    def planned(self, plan: Plan) -> None:
        """Say what is to be done, and how long it takes at least."""
        self.pace.begin(plan)
        self._last = self.pace.started
        if self.pace.total:
            self.write(f"{beginning(plan, self.pace.left())}\n")

    def left_alone(self, slot: SlotGivenUp) -> None:
        """The estimate is of the rest."""
        self.pace.left_alone(slot)

    def checked(self, check: Check) -> None:
        """Write a line where one is due."""
        self.pace.count(check)
        now = self.pace.clock()
        finished = self.pace.done == self.pace.total
        if finished or now - self._last >= LINE_EVERY or self.pace.done - self._shown >= LINE_LINKS:
            self._last, self._shown = now, self.pace.done
            left = "" if finished else f", {duration(self.pace.left())} left"
            self.write(f"{number(self.pace.done)}/{number(self.pace.total)}: {self.pace.tally()}{left}\n")


@dataclass(slots=True)
class Bar:
    """A bar that moves, with a count for each state and the time that is left."""

    display: RichProgress
    pace: Pace
    _task: TaskID | None = None
    _shown: float = float("-inf")

    def planned(self, plan: Plan) -> None:
        """Show an empty bar."""
        self.pace.begin(plan)
        if self.pace.total:
            if plan.first and self.pace.left() >= LONG:
                self.display.console.print(beginning(plan, self.pace.left()), markup=False, highlight=False)
            self._task = self.display.add_task("", total=self.pace.total, tally="", left=duration(self.pace.left()))

    def left_alone(self, slot: SlotGivenUp) -> None:
        """The estimate is of the rest."""
        self.pace.left_alone(slot)

    def checked(self, check: Check) -> None:
        """Move on by one."""
        self.pace.count(check)
        now = self.pace.clock()
        finished = self.pace.done == self.pace.total
        if self._task is not None and (finished or now - self._shown >= BAR_EVERY):  # the time left costs a sum
            self._shown = now
            left = duration(self.pace.left())
            room = self.display.console.width - BAR_WIDTH - 2 * len(str(self.pace.total)) - len(left) - BESIDE
            self.display.update(
                self._task,
                completed=self.pace.done,
                total=self.pace.total,
                tally=self.pace.tally(room),
                left=left,
            )


@dataclass(slots=True)
class Events:
    """For programs that read logs: a JSON object a line, one for the plan and one for each check."""

    write: Callable[[str], object]

    def planned(self, plan: Plan) -> None:
        """How much is to be done."""
        self.write(event("plan", links=plan.links, slots=len(plan.slots)))

    def left_alone(self, slot: SlotGivenUp) -> None:
        """That a slot is done with, and why."""
        self.write(event("left-alone", slot=slot.slot, reason=slot.reason, left=slot.left))

    def checked(self, check: Check) -> None:
        """What one check said, and what is remembered of the link after it."""
        fetch = check.fetch
        self.write(
            event(
                "check",
                url=redact(check.link.url),
                site=check.link.site,
                state=check.history.state,
                verdict=check.verdict.state,
                reason=check.verdict.reason,
                status=fetch.status,
                error=fetch.error,
                requests=fetch.requests,
                seconds=round(fetch.seconds, 3),
                bytes=len(fetch.body),
            )
        )


def event(name: str, **facts: object) -> str:
    """One line of a JSON log; control characters are escaped, so that a page's words cannot forge a line.

    Secrets in texts are replaced.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    safe = {key: redacted(value) if isinstance(value, str) else value for key, value in facts.items()}
    return json.dumps({"time": now, "event": name, **safe}).replace("##[", "##\\u005b") + "\n"


@contextmanager
def open_progress(*, quiet: bool = False, log: str = "text", clock: Clock = time.monotonic) -> Iterator[Progress]:
    """Who watches a run that people started: a bar where stderr is a terminal, lines elsewhere, nobody if `quiet`.

    `log` "json" gives events instead, quiet or not: who asks for a log wants it whole.
    """
    if log == "json":
        yield Events(_to_stderr)
    elif quiet:
        yield Silent()
    elif sys.stderr.isatty() and os.environ.get("TERM", "") not in NO_ESCAPES:
        with _display() as display:
            yield Bar(display, Pace(clock))
    else:
        yield LineProgress(_to_stderr, Pace(clock))


def _to_stderr(line: str) -> None:
    try:
        sys.stderr.write(line)
        sys.stderr.flush()
    except (OSError, ValueError):  # who watches went away; the run goes on
        pass


def _display() -> RichProgress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as RichProgress
    from rich.table import Column

    fixed = Column(no_wrap=True)
    return RichProgress(
        BarColumn(bar_width=None),
        MofNCompleteColumn(table_column=fixed.copy()),
        TextColumn("{task.fields[tally]}", markup=False, table_column=fixed.copy()),
        TextColumn("{task.fields[left]} left", markup=False, table_column=fixed.copy()),
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=5,
    )

"""What a terminal shows of a use case at work: lines of talk, and a bar or lines of progress, on stderr."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from crawler.crawl.observer import Observer

if TYPE_CHECKING:
    from crawler.cli.options import GlobalOptions
    from crawler.core.model import Check
    from crawler.core.results import SlotGivenUp
    from crawler.report.progress import Progress
    from crawler.schedule.plan import Plan


class TerminalObserver(Observer):
    """Says lines on stderr unless --quiet, and passes checks on to what shows progress."""

    def __init__(self, options: GlobalOptions, progress: Progress | None = None) -> None:
        self._options = options
        self._progress = progress

    def say(self, line: str) -> None:
        """A line on stderr."""
        self._options.say(f"crawler: {line}")

    def warn(self, line: str) -> None:
        """A line on stderr, also with --quiet."""
        replace(self._options, quiet=False).say(f"crawler: {line}")

    def planned(self, plan: Plan) -> None:
        """The bar begins."""
        if self._progress:
            self._progress.planned(plan)

    def checked(self, check: Check) -> None:
        """The bar moves on."""
        if self._progress:
            self._progress.checked(check)

    def left_alone(self, slot: SlotGivenUp) -> None:
        """The bar's estimate loses the rest of a slot."""
        if self._progress:
            self._progress.left_alone(slot)


@contextmanager
def watching(options: GlobalOptions) -> Iterator[TerminalObserver]:
    """A bar on a terminal, plain lines elsewhere, nothing with --quiet, until the block ends."""
    from crawler.report.progress import open_progress

    with open_progress(quiet=options.quiet, log=options.log) as progress:
        yield TerminalObserver(options, progress)


def log_as(options: GlobalOptions, log: str) -> GlobalOptions:
    """Options whose talk, and what modules log, goes to stderr as text or as JSON lines."""
    if log == "json":
        from crawler.report.progress import event

        class Lines(logging.Formatter):
            def format(self, record: logging.LogRecord) -> str:
                trace = self.formatException(record.exc_info) if record.exc_info else ""
                return event("log", level=record.levelname.lower(), text=record.getMessage(), traceback=trace).strip()

        handler = logging.StreamHandler()
        handler.setFormatter(Lines())
        logging.getLogger("crawler").addHandler(handler)
    return replace(options, log=log)

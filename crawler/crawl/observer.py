"""Who watches a use case: what it says while it works, and how far it is.

Nothing here prints. The command line shows a bar or lines, a viewer its own page, a script nothing at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawler.core.model import Check
    from crawler.core.results import SlotGivenUp
    from crawler.schedule.plan import Plan

NO_NETWORK = "no network: nothing that failed counts, nothing was called dead"  # said by a run and a check


class Observer:
    """Watches a use case; every method does nothing until a subclass says otherwise. None may raise or wait."""

    def say(self, line: str) -> None:
        """One line for people: a note that is skipped, a network that is down."""

    def warn(self, line: str) -> None:
        """One line that is shown even to those who asked for silence: a note with bytes that mean nothing."""

    def planned(self, plan: Plan) -> None:
        """What will be checked; comes once a run, before its first check."""

    def checked(self, check: Check) -> None:
        """One link was checked, and the check is recorded."""

    def left_alone(self, slot: SlotGivenUp) -> None:
        """A slot was given up in mid-run: the rest of its links is not checked any more."""


SILENT = Observer()

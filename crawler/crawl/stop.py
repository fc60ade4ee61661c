"""The wish to end a run early, which everything that crawls heeds.

Who wishes it (a signal, a budget) and what is done then stands where it is heeded.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Stop:
    """The wish to end a run early: no new link is begun after it, open ones may finish."""

    reason: str | None = None  # budget | signal | network-down

    def ask(self, reason: str) -> None:
        """The first reason stays."""
        self.reason = self.reason or reason

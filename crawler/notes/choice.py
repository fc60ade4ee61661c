"""What `[notes] ignore` leaves out, and what `[notes] rewrite` lets a target stand for.

Pure: patterns are regular expressions that may match anywhere in a target; the first rule that matches acts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from crawler.core.errors import ConfigError
from crawler.core.model import Kind, Occurrence
from crawler.core.settings import NotesSettings
from crawler.notes.targets import target


@dataclass(frozen=True, slots=True)
class Chosen:
    """What became of one occurrence; `rule` says what acted, "" where nothing did. None: it is left out."""

    before: Occurrence
    after: Occurrence | None
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The patterns, compiled."""

    ignore: tuple[re.Pattern[str], ...] = ()
    rewrite: tuple[tuple[re.Pattern[str], str], ...] = ()

    @staticmethod
    def of_settings(options: NotesSettings) -> Choice:
        """Raises ConfigError for a pattern that cannot be compiled or a replacement that names no group."""
        ignore = tuple(_compiled(pattern, "ignore") for pattern in options.ignore)
        rewrite = tuple((_compiled(pattern, "rewrite"), to) for pattern, to in options.rewrite.items())
        for pattern, to in rewrite:
            _check_replacement(pattern, to)
        return Choice(ignore, rewrite)

    def of(self, found: Iterable[Occurrence]) -> list[Occurrence]:
        """The occurrences that stay, with the targets that they stand for."""
        if not self.ignore and not self.rewrite:
            return list(found)
        return [chosen.after for o in found if (chosen := self.decide(o)).after is not None]

    def decide(self, occurrence: Occurrence) -> Chosen:
        """What becomes of one occurrence. Patterns of `ignore` see the target as written and as rewritten."""
        after, rule = self._rewritten(occurrence)
        for pattern in self.ignore:
            if pattern.search(occurrence.url) or pattern.search(after.url):
                return Chosen(occurrence, None, f"[notes] ignore {pattern.pattern!r}")
        return Chosen(occurrence, after, rule)

    def _rewritten(self, occurrence: Occurrence) -> tuple[Occurrence, str]:
        for pattern, to in self.rewrite:
            if match := pattern.search(occurrence.url):
                url = occurrence.url[: match.start()] + match.expand(to) + occurrence.url[match.end() :]
                kind = Kind.INLINE if occurrence.kind is Kind.LOCAL else occurrence.kind
                found = target(url, kind) or (url, Kind.LOCAL)
                return replace(occurrence, url=found[0], kind=found[1]), f"[notes] rewrite {pattern.pattern!r}"
        return occurrence, ""


def _compiled(pattern: str, option: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"[notes] {option}: {pattern!r} is no regular expression: {error}") from None


def _check_replacement(pattern: re.Pattern[str], to: str) -> None:
    try:
        re.compile(f"(?:{pattern.pattern})|").match("").expand(to)  # type: ignore[union-attr] # it matches nothing
    except (re.error, IndexError) as error:
        raise ConfigError(f"[notes] rewrite: {to!r} cannot replace {pattern.pattern!r}: {error}") from None

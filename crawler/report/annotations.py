"""What formats for code reviews share: one item for each place that a link is written in, with its weight.

Files and lines only; links that are alive or were not looked at are no findings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from crawler.core.model import State
from crawler.report.advice import to_do
from crawler.report.options import ReportOptions
from crawler.report.parts import LinkPart, OccurrencePart, ReportDocument
from crawler.report.phrases import evidence, offers
from crawler.report.reasons import reason_name
from crawler.report.words import Language, words


class Level(StrEnum):
    """How much an item weighs."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Item:
    """One place of one link that fails."""

    link: LinkPart
    occurrence: OccurrencePart
    level: Level
    file: str  # as the code host knows it: from the repository's root


def items(document: ReportDocument, options: ReportOptions) -> Iterator[Item]:
    """Every place of every link that is not in order, errors first."""
    found = [
        Item(link, occurrence, level, options.notes_folder + occurrence.path)
        for link in document.links
        if (level := level_of(link.state, options)) is not None
        for occurrence in link.occurrences
    ]
    yield from sorted(found, key=lambda item: list(Level).index(item.level))


def level_of(state: State, options: ReportOptions) -> Level | None:
    """An error is what the user's --fail-on names; other states that are not in order are warnings; None: nothing."""
    if state in options.fail_on:
        return Level.ERROR
    match state:
        case State.DEAD | State.SUSPECT | State.UNKNOWN | State.BLOCKED:
            return Level.WARNING
        case State.UNCHECKED | State.ALIVE:
            return None
        case _:
            assert_never(state)


def headline(link: LinkPart, language: Language) -> str:
    """The state and the reason: "dead: deleted by its author"."""
    return f"{words(language).states[link.state]}: {reason_name(link.reason, language)}"


def message(link: LinkPart, language: Language) -> str:
    """Everything that an author needs to act, on one line."""
    say = words(language)
    parts = [headline(link, language), link.url]
    if link.note_title:
        parts.append(f"“{link.note_title}”")
    if seen := evidence(link):
        parts.append(f"{say.evidence}: {seen}")
    parts += [f"{say.read_instead}: {offer.url}" for offer in offers(link)]
    if link.moved_to:
        parts.append(f"{say.moved_to}: {link.moved_to}")
    if do := to_do(link, language):
        parts.append(do)
    return " · ".join(parts)

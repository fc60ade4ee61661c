"""Whether a second kind of evidence agrees with a guess that a page is gone.

A soft 404, a parked domain, a redirect home and a shared target are guesses. Each has a kind of evidence that raised
it, and only one of another kind supports it: the note's title, the words of a page once seen alive, or a probe. Pure;
asking the probe is the caller's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from crawler.core.model import History, Page, State, Verdict
from crawler.core.proof import GUESSES
from crawler.page.titles import DIFFERS, letters, title_match

TITLE = "title"  # nothing on the page fits what the author of the note called it
WORDS = "words"  # the title that the page had when it was alive is gone
PROBE = "probe"  # a sibling that cannot exist is answered alike

RAISED_BY = {"generic/probe": PROBE, "generic/shared-target": TITLE}
"""The kind of evidence that raised a guess, where it is one of those above: it cannot support itself."""

ENOUGH = 4  # letters or digits that a title must have to be missed on a page; a guess


def with_second_evidence(
    verdict: Verdict, titles: Iterable[str], history: History, page: Page, probe: Verdict | None
) -> Verdict:
    """The verdict with the second kind of evidence that agrees; unchanged where none does, or where it is no guess.

    `titles`: what the notes call the link; `probe`: the verdict of a sibling probe, None where it found nothing.
    """
    if verdict.state is not State.SUSPECT or verdict.reason not in GUESSES:
        return verdict
    found = {
        PROBE: probe is not None,
        TITLE: _are_all_missing(titles, page),
        WORDS: history.last_alive is not None and is_missing(history.page_title, page),
    }
    raised = RAISED_BY.get(verdict.evidence.rule)
    agreed = next((kind for kind, agrees in found.items() if agrees and kind != raised), "")
    return replace(verdict, evidence=replace(verdict.evidence, agreed=agreed)) if agreed else verdict


def _are_all_missing(titles: Iterable[str], page: Page) -> bool:
    telling = [title for title in titles if _tells(title)]
    return bool(telling) and all(is_missing(title, page) for title in telling)


def is_missing(title: str, page: Page) -> bool:
    """Whether a title that says something is neither the page's own nor anywhere in its text."""
    if not _tells(title):
        return False
    match = title_match(title, page.title)
    if match is not None and match >= DIFFERS:
        return False
    return letters(title) not in letters(page.title + page.text)


def _tells(title: str) -> bool:
    return len(letters(title)) >= ENOUGH and title_match(title, title) is not None

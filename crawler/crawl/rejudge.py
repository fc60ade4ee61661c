"""Kept bytes judged again with today's rules: no request is sent.

A use case, callable without a terminal: composition of the archive's captures with `checker.examine` and
`schedule.history`. A better rule corrects the past, and the history of links whose last check it changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crawler.core.model import Fetch, History, Link, Page, State, Verdict
from crawler.crawl.checker import examine
from crawler.notes.links import link_of
from crawler.schedule.history import remember

if TYPE_CHECKING:
    from crawler.archive import Capture
    from crawler.core.settings import Schedule
    from crawler.crawl.context import Context
    from crawler.sites import Sites


@dataclass(frozen=True, slots=True)
class Rejudged:
    """A capture that today's rules read otherwise than the rules of its day."""

    capture: Capture
    verdict: Verdict
    title: str
    history: History | None  # the link's memory after the correction; None where a later check stands above it

    @property
    def state_changed(self) -> bool:
        """Another state or reason, not only another title."""
        return (self.verdict.state, self.verdict.reason) != (self.capture.state, self.capture.reason)


@dataclass(frozen=True, slots=True)
class RejudgeResult:
    """How many captures were judged, those that are read otherwise now, and how many links that corrects."""

    judged: int
    changed: tuple[Rejudged, ...]
    corrected: int


def rejudge(context: Context, url: str | None = None, *, write: bool = False) -> RejudgeResult:
    """Judge all kept captures again, or those of one URL; `write` records the corrected histories."""
    archive, sites = context.archive, context.sites
    key = sites.identify(url).canonical_url if url else None
    found = list(
        rejudged(archive.captures(key), archive.fetched, archive.histories(), sites, context.settings.schedule)
    )
    changed = tuple(item for item in found if item is not None)
    corrected = [item.history for item in changed if item.history is not None]
    if write:
        archive.put_histories(corrected)
    return RejudgeResult(len(found), changed, len(corrected))


def rejudged(
    captures: Iterable[Capture],
    fetched: Callable[[int], Fetch | None],
    histories: Mapping[str, History],
    sites: Sites,
    schedule: Schedule,
) -> Iterator[Rejudged | None]:
    """Judge every capture whose bytes are kept: what changed, or None for each that did not.

    A capture seen again with the same text is judged by the bytes of the first.
    """
    judged: dict[int, tuple[Fetch, Page, Verdict]] = {}  # by the capture that holds the bytes; bodies left out
    for capture in captures:
        ident = capture.id if capture.raw or capture.revisit_of is None else capture.revisit_of
        if ident not in judged:
            kept = fetched(ident)
            if kept is None:
                continue
            _, page, verdict = examine(link_of_capture(capture, sites), kept, sites)
            judged[ident] = replace(kept, body=b""), replace(page, text="", html=""), verdict
        kept, page, verdict = judged[ident]
        changed = (verdict.state, verdict.reason) != (capture.state, capture.reason)
        if not changed and page.title == capture.title:
            yield None
            continue
        history = histories.get(capture.canonical_url)
        after = None
        if history and history.checked_at == capture.at:
            after = remember(
                before_check(history), kept, page, verdict, capture.at, schedule, title_match=history.title_match
            )
            after = replace(after, snapshot=history.snapshot, first_seen=history.first_seen)
        yield Rejudged(capture, verdict, page.title, after)


def link_of_capture(capture: Capture, sites: Sites) -> Link:
    """The link that a capture was taken of."""
    return replace(link_of(capture.url, sites), canonical_url=capture.canonical_url)


def before_check(history: History) -> History:
    """The memory as it was before its last check, as far as it can be told.

    Where the last check changed the state, that state's counters began with it; where it did not, one more or less
    counted check is what remains of the old reading.
    """
    if history.changed_at != history.checked_at:
        return history
    return replace(
        history,
        state=history.previous_state or State.UNCHECKED,
        interval=0.0,
        failures=0,
        first_failed=None,
        counted_at=None,
        last_alive=None if history.last_alive == history.checked_at else history.last_alive,
    )

"""Kept bytes judged again with today's rules: no request is sent.

A use case, callable without a terminal: composition of the archive's captures with `examine.examine` and
`schedule.history`. A better rule corrects the past, and the history of links whose last check it changes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import tee
from typing import TYPE_CHECKING

from crawler.core.model import Fetch, History, Link, Page, State, Verdict
from crawler.crawl.examine import read
from crawler.crawl.readers import open_sync_readers
from crawler.crawl.tasks import Depth, PageReading, ReadTask
from crawler.notes.links import link_of
from crawler.schedule.history import remember

if TYPE_CHECKING:
    from crawler.archive import Capture
    from crawler.core.settings import Schedule
    from crawler.crawl.context import Context
    from crawler.sites import Sites


ReadAll = Callable[[Iterable[ReadTask]], Iterator[tuple[ReadTask, PageReading]]]
"""Reads answers; they come back in order, each with its task."""


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
    with open_sync_readers(context.settings, sites) as readers:
        found = list(
            rejudged(
                archive.captures(key),
                archive.fetched,
                archive.histories(),
                sites,
                context.settings.schedule,
                readers.map,
            )
        )
    changed = tuple(item for item in found if item is not None)
    corrected = [item.history for item in changed if item.history is not None]
    if write:
        archive.put_histories(corrected)
        archive.put_readings((item.capture.id, item.verdict.state, item.verdict.reason, item.title) for item in changed)
    return RejudgeResult(len(found), changed, len(corrected))


def rejudged(
    captures: Iterable[Capture],
    fetched: Callable[[int], Fetch | None],
    histories: Mapping[str, History],
    sites: Sites,
    schedule: Schedule,
    read_all: ReadAll | None = None,
) -> Iterator[Rejudged | None]:
    """Judge every capture whose bytes are kept: what changed, or None for each that did not.

    A capture seen again with the same text is judged by the bytes of the first. `read_all` reads many answers in order;
    without it they are read here.
    """
    captures, ahead = tee(captures)
    kept = _KeptAnswers(ahead, fetched, sites)
    readings = (read_all or partial(_read_here, sites=sites))(kept.tasks())
    judged: dict[int, tuple[Fetch, PageReading]] = {}  # by the capture that holds the bytes; bodies left out
    for capture in captures:
        ident = _holder(capture)
        while ident not in judged and ident not in kept.without_bytes:
            task, reading = next(readings, (None, None))
            if task is None or reading is None:
                break
            judged[kept.next_id()] = replace(task.fetched, body=b""), reading
        if ident not in judged:
            continue
        yield _compared(capture, *judged[ident], histories.get(capture.canonical_url), schedule)


def _compared(
    capture: Capture, kept: Fetch, reading: PageReading, history: History | None, schedule: Schedule
) -> Rejudged | None:
    page, verdict = reading.page, reading.verdict
    if (verdict.state, verdict.reason) == (capture.state, capture.reason) and page.title == capture.title:
        return None
    after = None
    if history and history.checked_at == capture.at and not says_so(history, verdict, page):
        before = before_check(history)
        after = remember(before, kept, page, verdict, capture.at, schedule, title_match=history.title_match)
        after = replace(after, snapshot=history.snapshot, first_seen=history.first_seen)
    return Rejudged(capture, verdict, page.title, after)


def says_so(history: History, verdict: Verdict, page: Page) -> bool:
    """Whether a memory holds this very reading already: folded in once more, it would count as another check."""
    same = (history.reason, history.evidence.rule) == (verdict.reason, verdict.evidence.rule)
    return same and (not page.title or history.page_title == page.title)


def _holder(capture: Capture) -> int:
    """The capture that holds the bytes by which this one is judged."""
    return capture.id if capture.raw or capture.revisit_of is None else capture.revisit_of


def _read_here(tasks: Iterable[ReadTask], *, sites: Sites) -> Iterator[tuple[ReadTask, PageReading]]:
    return ((task, read(task, sites)) for task in tasks)


class _KeptAnswers:
    """The answers behind captures, each once, in the order in which they are needed first."""

    def __init__(self, captures: Iterable[Capture], fetched: Callable[[int], Fetch | None], sites: Sites) -> None:
        self._captures = captures
        self._fetched = fetched
        self._sites = sites
        self._given: deque[int] = deque()
        self.without_bytes: set[int] = set()

    def tasks(self) -> Iterator[ReadTask]:
        """What is to be read."""
        seen: set[int] = set()
        for capture in self._captures:
            ident = _holder(capture)
            if ident in seen:
                continue
            seen.add(ident)
            answer = self._fetched(ident)
            if answer is None:
                self.without_bytes.add(ident)
                continue
            self._given.append(ident)
            yield ReadTask(link_of_capture(capture, self._sites), answer, capture.at, depth=Depth.VERDICT)

    def next_id(self) -> int:
        """The capture whose reading comes next."""
        return self._given.popleft()


def link_of_capture(capture: Capture, sites: Sites) -> Link:
    """The link that a capture was taken of."""
    return replace(link_of(capture.url, sites), canonical_url=capture.canonical_url)


def before_check(history: History) -> History:
    """The memory as it was before its last check, as far as it is known.

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

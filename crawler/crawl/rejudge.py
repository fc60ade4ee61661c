"""Kept bytes judged again with today's rules: no request is sent.

A use case, callable without a terminal: composition of the archive's captures with `examine`, in readers, and
`schedule.history`. A better rule corrects the past, and the history of links whose last check it changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import tee
from typing import TYPE_CHECKING, Protocol

from crawler.archive.nouns import holder_of
from crawler.core.model import Fetch, History, Page, State, Verdict
from crawler.crawl.kept_tasks import KeptTask, read_task
from crawler.crawl.syncreaders import open_sync_readers
from crawler.schedule.history import remember

if TYPE_CHECKING:
    from crawler.archive import Capture
    from crawler.archive.answers import KeptAnswer
    from crawler.core.settings import Schedule
    from crawler.crawl.context import Context
    from crawler.crawl.tasks import PageReading


ReadAll = Callable[[Iterable["KeptTask"]], Iterator[tuple["KeptTask", "PageReading"]]]
"""Judges kept pages; they come back in order, each with its task."""


class KeptPages(Protocol):
    """What is asked of an archive here."""

    def answer(self, capture: Capture) -> KeptAnswer | None:
        """The answer by which a capture is judged; None where no bytes were kept."""

    def fetched(self, ident: int) -> Fetch | None:
        """The whole answer of a capture that holds bytes."""

    def history(self, canonical_url: str) -> History | None:
        """What is remembered of a link."""


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

    def read_all(tasks: Iterable[KeptTask]) -> Iterator[tuple[KeptTask, PageReading]]:
        for task, reading in readers.read_kept(tasks):
            if reading is None:
                kept = archive.fetched(task.capture) or task.answer.known
                reading = readers.read(read_task(task, kept, sites))
            yield task, reading

    with open_sync_readers(context.settings, sites) as readers:
        schedule = context.settings.schedule
        found = list(rejudged(archive.captures(key), archive, schedule, read_all))
    changed = tuple(item for item in found if item is not None)
    corrected = [item.history for item in changed if item.history is not None]
    if write:
        archive.put_histories(corrected)
        archive.put_readings((item.capture.id, item.verdict.state, item.verdict.reason, item.title) for item in changed)
    return RejudgeResult(len(found), changed, len(corrected))


def rejudged(
    captures: Iterable[Capture],
    archive: KeptPages,
    schedule: Schedule,
    read_all: ReadAll,
) -> Iterator[Rejudged | None]:
    """Judge every capture whose bytes are kept: what changed, or None for each that did not.

    A capture seen again with the same text is judged by the bytes of the first.
    """
    captures, ahead = tee(captures)
    kept = _KeptAnswers(ahead, archive)
    readings = read_all(kept.tasks())
    judged: dict[int, tuple[KeptTask, PageReading]] = {}  # by the capture that holds the bytes
    for capture in captures:
        ident = holder_of(capture)
        while ident not in judged and ident not in kept.without_bytes:
            task, reading = next(readings, (None, None))
            if task is None or reading is None:
                break
            judged[task.capture] = task, reading
        if ident not in judged:
            continue
        yield _compared(capture, *judged[ident], archive, schedule)


def _compared(
    capture: Capture, task: KeptTask, reading: PageReading, archive: KeptPages, schedule: Schedule
) -> Rejudged | None:
    page, verdict = reading.page, reading.verdict
    if (verdict.state, verdict.reason) == (capture.state, capture.reason) and page.title == capture.title:
        return None
    after = None
    history = archive.history(capture.canonical_url)
    if history and history.checked_at == capture.at and not says_so(history, verdict, page):
        before = before_check(history)
        kept = archive.fetched(task.capture) or task.answer.known
        after = remember(before, kept, page, verdict, capture.at, schedule, title_match=history.title_match)
        after = replace(after, snapshot=history.snapshot, first_seen=history.first_seen)
    return Rejudged(capture, verdict, page.title, after)


def says_so(history: History, verdict: Verdict, page: Page) -> bool:
    """Whether a memory holds this very reading already: folded in once more, it would count as another check."""
    same = (history.reason, history.evidence.rule) == (verdict.reason, verdict.evidence.rule)
    return same and (not page.title or history.page_title == page.title)


class _KeptAnswers:
    """The answers behind captures, each once, in the order in which they are needed first."""

    def __init__(self, captures: Iterable[Capture], archive: KeptPages) -> None:
        self._captures = captures
        self._archive = archive
        self.without_bytes: set[int] = set()

    def tasks(self) -> Iterator[KeptTask]:
        """What is to be read."""
        seen: set[int] = set()
        for capture in self._captures:
            ident = holder_of(capture)
            if ident in seen:
                continue
            seen.add(ident)
            answer = self._archive.answer(capture)
            if answer is None:
                self.without_bytes.add(ident)
            else:
                yield KeptTask(ident, capture.url, capture.canonical_url, capture.at, answer)


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

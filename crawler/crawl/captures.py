"""Which capture of the Internet Archive really shows a page: candidates are read and judged as the page would be.

The nearest to a date that is a living page under our rules wins, within a bound of tries. Which links are asked about,
and what is remembered, is `crawl.wayback`'s; how the Archive is asked `fetch.wayback`'s.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from crawler.core.model import Fetch, History, Link, Page, Redirect, State
from crawler.core.url import host_of, registrable
from crawler.crawl.tasks import PageReading, ReadTask
from crawler.fetch.wayback import (
    CaptureContent,
    CaptureKind,
    LookupOutcome,
    Send,
    WaybackCapture,
    captures,
    read_capture,
    same_page,
)
from crawler.page.titles import DIFFERS, title_match

TRIES = 6  # captures of one link that are read
REDIRECTS = 2  # captured redirects of one link that are followed
HOPS = 3  # of one captured redirect
SECONDS = 120.0  # for one link in all
SAVED_AFTER = timedelta(days=1)  # a capture that we asked for right after the page was seen alive shows it, too
SHARED = 0.3  # of a title's words: a page that holds fewer is about something else; a guess

Read = Callable[[ReadTask], Awaitable[PageReading]]


@dataclass(frozen=True, slots=True)
class CaptureQuestion:
    """A link, and the time whose capture is wanted; none younger than `until` counts."""

    link: Link
    history: History
    when: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class FoundCapture:
    """A capture that shows the page: the answer that it stands for, and what that says."""

    capture: WaybackCapture
    fetched: Fetch
    page: Page
    title_match: float | None
    reading: PageReading | None = None  # all that readers made of it


@dataclass(frozen=True, slots=True)
class CaptureSearch:
    """`outcome`: found, none, unfit (captures, none of which shows the page), excluded, silent."""

    outcome: str
    found: FoundCapture | None = None


def question_about(link: Link, history: History, when: datetime) -> CaptureQuestion:
    """The question about a link: not younger than when it was seen alive last, else than its first failure."""
    until = history.last_alive or history.first_failed
    saved = history.elsewhere
    taken = saved.captured_at if saved and saved.outcome == "saved" else None
    if until and taken and until <= taken <= until + SAVED_AFTER:
        until = taken
    return CaptureQuestion(link, history, when, until)


@dataclass(slots=True)
class CaptureFinder:
    """Asks about one link after the other."""

    send: Send
    read: Read
    endpoint: str

    async def __call__(self, question: CaptureQuestion) -> CaptureSearch:
        """The capture that shows the page, in bounded time and tries."""
        import trio

        search = _Search(self, question)
        with trio.move_on_after(SECONDS):
            found = await search.run()
            return CaptureSearch("found" if found else search.outcome(), found)
        return CaptureSearch("silent")


@dataclass(slots=True)
class _Search:
    finder: CaptureFinder
    question: CaptureQuestion
    tries: int = TRIES
    digests: set[str] = field(default_factory=set)  # of captures that were read: the same bytes are not read again
    heard: set[LookupOutcome] = field(default_factory=set)
    unfit: bool = False

    async def run(self) -> FoundCapture | None:
        about = self.question
        asked = [about.link.fetch_url]
        if about.history.moved_to:
            asked.append(about.history.moved_to)
        for url in asked:
            hops = (Redirect(301, about.link.fetch_url),) if url != about.link.fetch_url else ()
            if found := await self._pages(url, about.when, hops):
                return found
        return await self._redirected() if LookupOutcome.EXCLUDED not in self.heard else None

    def outcome(self) -> str:
        """What is known where no capture was found."""
        if LookupOutcome.SILENT in self.heard:
            return "silent"
        if LookupOutcome.EXCLUDED in self.heard:
            return "excluded"
        return "unfit" if self.unfit else "none"

    async def _pages(self, url: str, near: datetime, hops: tuple[Redirect, ...]) -> FoundCapture | None:
        """The first capture of one address that shows the page, nearest first."""
        for capture in await self._listed(url, CaptureKind.PAGES, near):
            if self.tries <= 0:
                break
            if capture.digest and capture.digest in self.digests:
                continue
            self.tries -= 1
            if (content := await self._content(capture)) is None:
                continue
            if content.status == 200:
                self.digests.add(capture.digest)
            if found := await self._judged(capture, content, hops):
                return found
        return None

    async def _redirected(self) -> FoundCapture | None:
        """What the page redirected to when the Archive captured it."""
        about = self.question
        listed = await self._listed(about.link.fetch_url, CaptureKind.REDIRECTS, about.when)
        for first in list(listed)[:REDIRECTS]:
            capture = first
            hops: tuple[Redirect, ...] = ()
            for _ in range(HOPS):
                content = await self._content(capture)
                if content is None or not content.location or same_page(content.location, capture.original):
                    break
                hops = (*hops, Redirect(content.status, capture.original))
                if found := await self._pages(content.location, capture.captured_at, hops):
                    return found
                onward = await self._listed(content.location, CaptureKind.REDIRECTS, capture.captured_at)
                capture = next(iter(onward), capture)
                if capture.original == hops[-1].url:
                    break
        return None

    async def _listed(self, url: str, kind: CaptureKind, near: datetime) -> Iterable[WaybackCapture]:
        found = await captures(
            self.finder.send, url, self.finder.endpoint, kind=kind, near=near, until=self.question.until
        )
        if found.outcome is not LookupOutcome.FOUND:
            self.heard.add(found.outcome)
        return [capture for capture in found.captures if same_page(capture.original, url)]

    async def _content(self, capture: WaybackCapture) -> CaptureContent | None:
        content = await read_capture(self.finder.send, capture, self.finder.endpoint)
        if content.outcome is LookupOutcome.FOUND:
            return content
        self.heard.add(content.outcome)
        return None

    async def _judged(
        self, capture: WaybackCapture, content: CaptureContent, hops: tuple[Redirect, ...]
    ) -> FoundCapture | None:
        """The capture, where our own rules see a living page in it that is about what the notes say."""
        about, at = self.question, content.captured_at or capture.captured_at
        if content.status != 200 or not content.body or (about.until and at > about.until):
            self.unfit = True
            return None
        final = capture.original if hops else about.link.fetch_url
        fetched = Fetch(
            about.link.fetch_url, final, at, status=200, redirects=hops, headers=content.headers, body=content.body
        )
        reading = await self.finder.read(ReadTask(about.link, fetched, at))
        if reading.verdict.state is not State.ALIVE or not shows_the_page(about, fetched, reading.page):
            self.unfit = True
            return None
        fit = max((score for _, score in _scores(about, reading.page)), default=None)
        return FoundCapture(replace(capture, captured_at=at), fetched, reading.page, fit, reading)


def shows_the_page(question: CaptureQuestion, fetched: Fetch, page: Page) -> bool:
    """Whether a capture is about what the notes and earlier checks call the page, as far as they say something.

    Behind a redirect to another site a title that fits is asked for: old names are bought for the links to them.
    """
    scores = list(_scores(question, page))
    fits = any(score >= DIFFERS or _is_about(title, page) for title, score in scores)
    site = registrable(host_of(fetched.final_url))
    if any(registrable(host_of(hop.url)) != site for hop in fetched.redirects):
        return fits
    return fits or not scores


def _scores(question: CaptureQuestion, page: Page) -> Iterator[tuple[str, float]]:
    titles = {o.note_title for o in question.link.occurrences if o.note_title}
    if question.history.last_alive and question.history.page_title:
        titles.add(question.history.page_title)
    for title in sorted(titles):
        if (score := title_match(title, page.title or title)) is not None:
            yield title, score if page.title else 0.0


_EVERYWHERE = frozenset(
    "the and for with from into about this that how what why are was you your not all can has".split()
)


def _is_about(title: str, page: Page) -> bool:
    """Whether enough of a title's words (pairs of Chinese characters) stand on the page."""
    text = f"{page.title}\n{page.text}".casefold()
    folded = title.casefold()
    words = set(re.findall(r"[a-z0-9]{3,}", folded)) - _EVERYWHERE
    words |= {run[i : i + 2] for run in re.findall(r"[^\W\da-z_]{2,}", folded) for i in range(len(run) - 1)}
    return bool(words) and sum(word in text for word in words) >= SHARED * len(words)

"""One check of one link: fetch, read, judge, follow what moved, probe where asked, fold into its history.

Composition for a single link lives here; which links, in what order, and what becomes of the result is not its
business. A check never raises for a broken web.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import trio

from crawler.core.model import (
    Check,
    Confidence,
    Evidence,
    Failure,
    Fetch,
    History,
    Link,
    Page,
    Redirect,
    State,
    Verdict,
)
from crawler.fetch import Request
from crawler.judge import judge
from crawler.judge.probe import judge_probe, probe_url
from crawler.page import read_page
from crawler.page.document import Document
from crawler.page.readable import readable_html
from crawler.page.titles import title_match
from crawler.schedule.history import first_seen, remember

if TYPE_CHECKING:
    from crawler.core.settings import Settings
    from crawler.schedule.politeness import PolitenessOf
    from crawler.sites import Site, Sites

MAX_MOVES = 5  # account migrations followed in a row; longer chains were never seen
LARGE = 200_000  # bytes; parsing a larger body takes long enough to leave the event loop for a thread


@dataclass(slots=True)
class Checker:
    """Everything one check needs; called with a link, it returns the check."""

    fetch: Callable[[Request], Awaitable[Fetch]]
    sites: Sites
    settings: Settings
    politeness: PolitenessOf
    histories: Mapping[str, History]
    now: Callable[[], datetime]
    letters: Callable[[], str]  # 25 random letters for a sibling probe
    run_id: str = ""
    threads: trio.CapacityLimiter = field(default_factory=lambda: trio.CapacityLimiter(1))
    probes: dict[str, tuple[Fetch, Document]] = field(default_factory=dict)

    async def __call__(self, link: Link) -> Check:
        """Check one link once."""
        history = self.histories.get(link.canonical_url) or first_seen(link.canonical_url, link.url, self.now())
        fetched, page, verdict = await self._check(link, history)
        return self._conclude(link, history, fetched, page, verdict)

    def internal_error(self, link: Link, error: Exception) -> Check:
        """The check that stands for a crash of ours: it says nothing of the page."""
        now = self.now()
        history = self.histories.get(link.canonical_url) or first_seen(link.canonical_url, link.url, now)
        what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        fetched = Fetch(link.fetch_url, link.fetch_url, now, failure=Failure.INTERNAL, error=what)
        verdict = Verdict(State.UNKNOWN, Failure.INTERNAL, Confidence.LOW, Evidence(rule="internal-error", error=what))
        return self._conclude(link, history, fetched, Page(), verdict)

    def _conclude(self, link: Link, history: History, fetched: Fetch, page: Page, verdict: Verdict) -> Check:
        now = self.now()
        match = best_title_match(link, page)
        after = remember(history, fetched, page, verdict, now, self.settings.schedule, title_match=match)
        readable = self._readable(history, fetched, page, now)
        return Check(link, now, fetched, page, verdict, after, self.run_id, readable)

    def _readable(self, history: History, fetched: Fetch, page: Page, now: datetime) -> str:
        """The copy for readers, made where the text is new: an unchanged one is kept already."""
        known = history.snapshot is not None and history.snapshot.digest == page.digest
        return readable_html(page, fetched.final_url, now) if (page.html or page.text) and not known else ""

    async def _check(self, link: Link, history: History) -> tuple[Fetch, Page, Verdict]:
        validators = conditions(history)
        fetched = await self.fetch(Request(link.fetch_url, validators))
        if fetched.status == 304 and validators:
            return fetched, Page(), not_modified(fetched)
        document, page, verdict = await self._examine(link, fetched)
        seen = {link.fetch_url, fetched.final_url}
        for _ in range(MAX_MOVES):
            if not verdict.follow:
                break
            if verdict.follow in seen:
                return fetched, page, replace(verdict, state=State.SUSPECT, reason="redirect-loop", follow=None)
            seen.add(verdict.follow)
            target = verdict.follow
            onward = await self.fetch(Request(target))
            fetched = joined(fetched, onward)
            document, page, verdict = await self._examine(replace(link, fetch_url=target), fetched)
            if verdict.state is State.ALIVE:
                verdict = replace(verdict, reason="account-migrated", moved_to=target)
        if verdict.follow:
            verdict = replace(verdict, state=State.SUSPECT, reason="too-many-moves", follow=None)
        if self.settings.fetch.probe and verdict.state is State.ALIVE and not self.sites.for_url(fetched.final_url):
            verdict = await self._probed(fetched, document) or verdict
        return fetched, page, verdict

    async def _examine(self, link: Link, fetched: Fetch) -> tuple[Document, Page, Verdict]:
        if len(fetched.body) < LARGE:
            return self._read(link, fetched)
        return await trio.to_thread.run_sync(self._read, link, fetched, limiter=self.threads)

    def _read(self, link: Link, fetched: Fetch) -> tuple[Document, Page, Verdict]:
        return examine(link, fetched, self.sites, self.politeness(link.fetch_url).accept)

    async def _probed(self, fetched: Fetch, document: Document) -> Verdict | None:
        """Ask once a directory for a sibling that cannot exist: an answer like the page's own is a soft 404."""
        directory = fetched.final_url.split("?")[0].rpartition("/")[0]
        if directory not in self.probes:
            address = probe_url(fetched.final_url, self.letters())
            if address is None:
                return None
            answer = await self.fetch(Request(address))
            self.probes[directory] = (answer, document_of(answer))
        return judge_probe(fetched, document, *self.probes[directory])


def examine(link: Link, fetched: Fetch, sites: Sites, accept: tuple[int, ...] = ()) -> tuple[Document, Page, Verdict]:
    """Read and judge one answer; the page is read only where there is one."""
    document = document_of(fetched)
    site = site_of(link, fetched, sites)
    verdict = judge(link, fetched, document, site, accept)
    worth_reading = fetched.body and verdict.state in (State.ALIVE, State.UNKNOWN, State.SUSPECT)
    page = read_page(document, site, fetched.final_url) if worth_reading else Page()
    return document, page, verdict


def site_of(link: Link, fetched: Fetch, sites: Sites) -> Site | None:
    """The site whose rules judge an answer: the asked one's, else (a short link, say) that of where it ended."""
    return sites.for_url(link.fetch_url) or sites.for_url(fetched.final_url)


def document_of(fetched: Fetch) -> Document:
    """The body of an answer, ready to be parsed once."""
    return Document(fetched.body, fetched.header("content-type"), fetched.final_url)


def conditions(history: History) -> tuple[tuple[str, str], ...]:
    """Validators to ask with, where this link proved that they follow its text and the text is kept."""
    if not (history.honours_validators and history.snapshot and history.state is State.ALIVE):
        return ()
    headers = (("If-None-Match", history.etag), ("If-Modified-Since", history.last_modified))
    return tuple((name, value) for name, value in headers if value)


def not_modified(fetched: Fetch) -> Verdict:
    """A 304 to validators that proved true: the page is as it was when we read it."""
    evidence = Evidence(
        rule="generic/not-modified", http_status=304, final_url=fetched.final_url, redirects=fetched.redirects
    )
    return Verdict(State.ALIVE, "not-modified", Confidence.HIGH, evidence)


def joined(first: Fetch, onward: Fetch) -> Fetch:
    """One fetch out of a page that told where its article went, and the fetch of that place."""
    hop = Redirect(first.status or 0, first.final_url)
    return replace(
        onward,
        url=first.url,
        started_at=first.started_at,
        seconds=first.seconds + onward.seconds,
        redirects=(*first.redirects, hop, *onward.redirects),
        requests=first.requests + onward.requests,
        wire_bytes=first.wire_bytes + onward.wire_bytes,
    )


def best_title_match(link: Link, page: Page) -> float | None:
    """How well the page's title fits the best of the titles that the author wrote for the link."""
    titles = {o.note_title for o in link.occurrences if o.note_title}
    scores = [title_match(title, page.title) for title in titles] if page.title else []
    return max((score for score in scores if score is not None), default=None)

"""One check of one link: fetch, read, judge, follow what moved, probe where asked, fold into its history.

Composition for a single link lives here; which links, in what order, and what becomes of the result is not its
business. A check never raises for a broken web.
"""

from __future__ import annotations

import random
import string
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from crawler.core.errors import summary
from crawler.core.model import (
    Check,
    Confidence,
    Evidence,
    Failure,
    Fetch,
    History,
    Link,
    Page,
    Proof,
    Redirect,
    State,
    Verdict,
)
from crawler.core.proof import GUESSES, OF_THE_HOST, OF_THE_PAGE
from crawler.core.url import https_of
from crawler.crawl.hosts import Hosts
from crawler.crawl.opinion import Opinion, wants_opinion
from crawler.crawl.tasks import Depth, PageReading, ProbeTask, ReadTask
from crawler.fetch import Request
from crawler.page.titles import title_match
from crawler.schedule.history import first_seen, remember

if TYPE_CHECKING:
    from crawler.archive.nouns import OpenSegment
    from crawler.core.settings import Settings
    from crawler.crawl.readers import Reader
    from crawler.schedule.politeness import PolitenessOf
    from crawler.sites import Sites

MAX_MOVES = 5  # account migrations followed in a row; longer chains were never seen
MAY_BE_THE_CONDITION = frozenset((400, 412)) | OF_THE_PAGE | OF_THE_HOST
MAX_REFRESHES = 5  # pages in a row that send their reader on by themselves

LETTERS = 25  # random ones in a sibling probe; Bar-Yossef et al. 2004, section 3.2


def random_letters() -> str:
    """A name that nobody gave to anything."""
    return "".join(random.choices(string.ascii_lowercase, k=LETTERS))  # noqa: S311 (not a secret)


@dataclass(slots=True)
class Checker:
    """Everything one check needs; called with a link, it returns the check."""

    fetch: Callable[[Request], Awaitable[Fetch]]
    reader: Reader
    sites: Sites
    settings: Settings
    politeness: PolitenessOf
    histories: Mapping[str, History]
    _: KW_ONLY
    now: Callable[[], datetime]
    run_id: str = ""
    depth: Depth = Depth.PAGE
    hosts: Hosts = field(default_factory=Hosts)
    opinion: Opinion | None = None
    segment: Callable[[], OpenSegment | None] = lambda: None  # for which readers pack what will be kept
    letters: Callable[[], str] = random_letters  # of a sibling probe
    probes: dict[str, Fetch] = field(default_factory=dict, init=False)  # by directory

    async def __call__(self, link: Link) -> Check:
        """Check one link once."""
        history = self.histories.get(link.canonical_url) or first_seen(link.canonical_url, link.url, self.now())
        fetched, reading = await self._check(link, history)
        return self._remembered(link, history, fetched, reading)

    def internal_error(self, link: Link, error: Exception) -> Check:
        """The check that stands for a crash of ours: it says nothing of the page."""
        now = self.now()
        history = self.histories.get(link.canonical_url) or first_seen(link.canonical_url, link.url, now)
        what = summary(error)
        fetched = Fetch(link.fetch_url, link.fetch_url, now, failure=Failure.INTERNAL, error=what)
        verdict = Verdict(State.UNKNOWN, Failure.INTERNAL, Confidence.LOW, Evidence(rule="internal-error", error=what))
        return self._remembered(link, history, fetched, PageReading(Page(), verdict))

    def _remembered(self, link: Link, history: History, fetched: Fetch, reading: PageReading) -> Check:
        now, page, verdict, said = self.now(), reading.page, reading.verdict, reading.said
        after = remember(
            history, fetched, page, verdict, now, self.settings.schedule,
            title_match=best_title_match(link, page), around=self.hosts.around(link), said=said,
        )  # fmt: skip
        return Check(
            link, now, fetched, page, verdict, after, self.run_id, reading.readable, said, payload=reading.payload,
            packed=reading.packed,
        )  # fmt: skip

    async def _check(self, link: Link, history: History) -> tuple[Fetch, PageReading]:
        validators = conditions(history)
        fetched = await self.fetch(Request(link.fetch_url, validators))
        if fetched.status == 304 and validators:
            return fetched, PageReading(Page(), not_modified(fetched), said=history.said)
        if validators and fetched.status in MAY_BE_THE_CONDITION:
            # What failed may be the condition (RFC 9110, 13.1): the page is asked for as a browser would ask.
            fetched = summed(fetched, await self.fetch(Request(link.fetch_url)))
        fetched = await self._over_https(fetched)
        fetched, reading = await self._followed(link, fetched, history)
        probe = await self._probe_verdict(fetched, reading.verdict)
        if probe and reading.verdict.state is State.ALIVE:
            reading = with_verdict(reading, probe)
        if self.depth is Depth.PAGE:  # of a head alone, nobody can tell what the page does not say
            from crawler.judge.second_evidence import with_second_evidence

            titles = {o.note_title for o in link.occurrences if o.note_title}
            agreed = with_second_evidence(reading.verdict, titles, history, reading.page, probe)
            reading = reading if agreed is reading.verdict else with_verdict(reading, agreed)
        return fetched, await self._with_opinion(link, history, reading)

    async def _over_https(self, fetched: Fetch) -> Fetch:
        """What the host says at https where nobody listens at http, as browsers ask then; a 404 decides nothing."""
        secure = https_of(fetched.final_url) if fetched.failure is Failure.REFUSED else None
        if secure is None:
            return fetched
        answer = await self.fetch(Request(secure))
        if answer.status in OF_THE_PAGE or (answer.status is None and answer.failure is not Failure.TLS):
            return summed(answer, fetched)
        found = replace(answer, url=fetched.url, redirects=(*fetched.redirects, *answer.redirects))
        return summed(fetched, found)

    async def _with_opinion(self, link: Link, history: History, reading: PageReading) -> PageReading:
        """The reading with who else agrees that the page is gone, where the user wants somebody to be asked."""
        verdict = reading.verdict
        if self.opinion is None or not wants_opinion(verdict, history, self.now(), self.settings.schedule):
            return reading
        agreed = await self.opinion(link, history, verdict)
        return with_verdict(reading, replace(verdict, evidence=replace(verdict.evidence, agreed=agreed)))

    async def _followed(self, link: Link, fetched: Fetch, history: History) -> tuple[Fetch, PageReading]:
        """What was answered in the end, after the moves that pages themselves name."""
        fetched, reading = await self._read_on(link, fetched, history)
        seen = {link.fetch_url, fetched.final_url}
        for _ in range(MAX_MOVES):
            target = reading.verdict.follow
            if not target:
                return fetched, reading
            if target in seen:
                return fetched, ended(reading, "redirect-loop")
            seen.add(target)
            fetched = joined(fetched, await self.fetch(Request(target)))
            fetched, reading = await self._read_on(replace(link, fetch_url=target), fetched, history)
            if reading.verdict.state is State.ALIVE:
                reading = with_verdict(reading, replace(reading.verdict, reason="account-migrated", moved_to=target))
        return fetched, ended(reading, "too-many-moves") if reading.verdict.follow else reading

    async def _read_on(self, link: Link, fetched: Fetch, history: History) -> tuple[Fetch, PageReading]:
        """What an answer means, after the refreshes of a few seconds by which pages send their reader on."""
        reading = await self._read(link, fetched, history)
        seen = {link.fetch_url, fetched.final_url}
        for _ in range(MAX_REFRESHES):
            target = reading.refresh
            if not target:
                return fetched, reading
            if target in seen:
                return fetched, reading if reading.shows else ended(reading, "redirect-loop")
            seen.add(target)
            fetched = joined(fetched, await self.fetch(Request(target)))
            reading = await self._read(link, fetched, history)
        return fetched, ended(reading, "too-many-redirects") if reading.refresh else reading

    async def _read(self, link: Link, fetched: Fetch, history: History) -> PageReading:
        accept = self.politeness(link.fetch_url).accept
        known = history.snapshot.digest if history.snapshot is not None else ""
        task = ReadTask(link, fetched, self.now(), accept, known, self.depth, segment=self.segment())
        if fetched.body:
            return await self.reader.read(task)
        from crawler.crawl.examine import read  # parser and judge wait for an answer that needs them in this process

        return read(task, self.sites)  # nothing foreign to parse

    async def _probe_verdict(self, fetched: Fetch, verdict: Verdict) -> Verdict | None:
        """What a sibling probe says, where the user wants one: of living pages, and of guesses that it may support."""
        wanted = verdict.state is State.ALIVE or verdict.reason in GUESSES
        if not self.settings.fetch.probe or not wanted or self.sites.for_url(fetched.final_url):
            return None
        return await self._probed(fetched)

    async def _probed(self, fetched: Fetch) -> Verdict | None:
        """Ask once a directory for a sibling that cannot exist: an answer like the page's own is a soft 404."""
        from crawler.judge.probe import probe_url

        directory = fetched.final_url.split("?")[0].rpartition("/")[0]
        if directory not in self.probes:
            address = probe_url(fetched.final_url, self.letters())
            if address is None:
                return None
            self.probes[directory] = await self.fetch(Request(address))
        return await self.reader.compare(ProbeTask(fetched, self.probes[directory]))


def with_verdict(reading: PageReading, verdict: Verdict) -> PageReading:
    """The same page under another verdict."""
    return replace(reading, verdict=verdict)


def ended(reading: PageReading, reason: str) -> PageReading:
    """A page that leads on and on: `suspect`, and not followed further."""
    evidence = replace(reading.verdict.evidence, proof=Proof.CLIENT)
    found = replace(reading.verdict, state=State.SUSPECT, reason=reason, follow=None, evidence=evidence)
    return with_verdict(reading, found)


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


def summed(first: Fetch, second: Fetch) -> Fetch:
    """The second of two answers, with what both cost."""
    return replace(second, requests=first.requests + second.requests, wire_bytes=first.wire_bytes + second.wire_bytes)


def joined(first: Fetch, onward: Fetch) -> Fetch:
    """One fetch out of a page that names where its article went, and the fetch of that place."""
    hop = Redirect(first.status or 0, first.final_url)
    return replace(
        summed(first, onward),
        url=first.url,
        started_at=first.started_at,
        seconds=first.seconds + onward.seconds,
        redirects=(*first.redirects, hop, *onward.redirects),
    )


def best_title_match(link: Link, page: Page) -> float | None:
    """How well the page's title fits the best of the titles that the author wrote for the link."""
    titles = {o.note_title for o in link.occurrences if o.note_title}
    scores = [title_match(title, page.title) for title in titles] if page.title else []
    return max((score for score in scores if score is not None), default=None)

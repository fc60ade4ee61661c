"""A second opinion on deaths that only the way there suggests, and on guesses: `[fetch] second_opinion`.

Who is asked, and what counts as agreeing, lives here. What an opinion is worth is `schedule.proof`'s table.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import trio

from crawler.core.model import History, Link, Proof, State, Verdict
from crawler.core.proof import GUESSES
from crawler.crawl.tasks import ReadTask
from crawler.fetch import Request

if TYPE_CHECKING:
    from crawler.core.settings import Schedule
    from crawler.crawl.job import Job
    from crawler.crawl.readers import Reader
    from crawler.fetch.rendering import Renderer
    from crawler.fetch.wayback import Lookup
    from crawler.schedule.politeness import PolitenessOf

SECONDS = 45.0  # for one opinion of the Internet Archive
MOST = 50  # opinions in one run
GONE = (404, 410)

Opinion = Callable[[Link, History, Verdict], Awaitable[str]]
"""Who else agrees that a link is dead: "wayback", "browser", or "" for nobody."""


def wants_opinion(verdict: Verdict, history: History, now: datetime, schedule: Schedule) -> bool:
    """Whether another's word could settle it: a suspect by its way or a guess, whose first failure is days old."""
    open_question = verdict.evidence.proof is Proof.WAY or verdict.reason in GUESSES
    if verdict.state is not State.SUSPECT or not open_question or verdict.evidence.agreed:
        return False
    since = history.first_failed
    return since is not None and now - since >= timedelta(seconds=float(schedule.confirm_after))


def archive_agrees(found: Lookup, url: str) -> bool:
    """Whether all captures of the page since its first failure are of an absence, one at least."""
    from crawler.fetch.wayback import same_page

    own = [capture for capture in found.captures if same_page(capture.original, url)]
    return bool(own) and all(capture.status in GONE for capture in own)


@asynccontextmanager
async def open_opinion(job: Job, politeness: PolitenessOf, reader: Reader) -> AsyncIterator[Opinion | None]:
    """Who is asked in a run; None where nobody is. Raises BrowserError where a browser is wanted and there is none."""
    match job.settings.fetch.second_opinion:
        case "wayback":
            from crawler.crawl.wayback import is_public  # these wait for the rare run that asks somebody
            from crawler.fetch.wayback import CaptureKind, captures, open_sender, paced

            endpoint = job.settings.wayback.endpoint.rstrip("/")
            async with open_sender(job.settings.fetch, endpoint) as send:
                patient, left = paced(send), iter(range(MOST))

                async def ask(link: Link, history: History, _verdict: Verdict) -> str:
                    if not is_public(link) or next(left, None) is None:
                        return ""
                    with trio.move_on_after(SECONDS):
                        found = await captures(
                            patient, link.fetch_url, endpoint, kind=CaptureKind.ALL, since=history.first_failed
                        )
                        return "wayback" if archive_agrees(found, link.fetch_url) else ""
                    return ""

                yield ask
        case "browser":
            yield _browser(job, politeness, reader)
        case "none":
            yield None


def _browser(job: Job, politeness: PolitenessOf, reader: Reader) -> Opinion:
    import os

    from crawler.fetch.browser import find_browser
    from crawler.fetch.rendering import Renderer, browser_cookies

    fetch = job.settings.fetch
    renderer = Renderer(find_browser(os.environ), "", fetch, job.now, browser_cookies(fetch.cookies), politeness)
    left = iter(range(MOST))

    async def ask(link: Link, _history: History, verdict: Verdict) -> str:
        if next(left, None) is None:
            return ""
        await trio.sleep(politeness(link.fetch_url).interval)
        return "browser" if await _sees_the_same(renderer, reader, job, link, verdict) else ""

    return ask


async def _sees_the_same(renderer: Renderer, reader: Reader, job: Job, link: Link, verdict: Verdict) -> bool:
    fetched = await renderer(Request(link.fetch_url))
    if fetched is None:
        return False  # something answered
    from crawler.crawl.examine import read

    task = ReadTask(link, fetched, job.now())
    seen = (await reader.read(task) if fetched.body else read(task, job.sites)).verdict
    if verdict.evidence.proof is Proof.WAY:
        return seen.state is State.SUSPECT and seen.evidence.proof is Proof.WAY
    return seen.state is State.SUSPECT and seen.reason == verdict.reason

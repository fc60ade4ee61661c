"""How the rules judge one page: a saved file, a kept answer, or one polite GET that is recorded nowhere.

A use case, callable without a terminal. The trace of the rules is `judge.explain`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.core.errors import ConfigError, UsageError
from crawler.core.model import Fetch, Link, Page, Verdict
from crawler.core.url import is_http
from crawler.crawl.context import open_archive, sites_of, utc_now
from crawler.crawl.examine import document_of, site_of
from crawler.crawl.readers import PastLimits
from crawler.crawl.syncreaders import SyncReaders, open_sync_readers
from crawler.crawl.tasks import ReadTask
from crawler.judge import check_site
from crawler.judge.explain import explain as trace
from crawler.notes.links import link_of
from crawler.page import read_page
from crawler.page.document import Document
from crawler.sites import failed_examples, load_sites

if TYPE_CHECKING:
    from crawler.core.settings import Settings
    from crawler.judge import TraceStep
    from crawler.sites import Site, Sites


@dataclass(frozen=True, slots=True)
class Explanation:
    """One answer, what it means, and the rules in the order in which they were tried."""

    link: Link
    fetched: Fetch
    page: Page
    verdict: Verdict
    steps: Sequence[TraceStep]


@dataclass(frozen=True, slots=True)
class ExplainOptions:
    """Where a page comes from. `url` and `status` are a file's; `anew` fetches what the archive has, too."""

    url: str | None = None
    status: int = 200
    anew: bool = False


def explain(
    settings: Settings,
    target: str,
    options: ExplainOptions = ExplainOptions(),
    now: Callable[[], datetime] = utc_now,
) -> Explanation:
    """Judge `target`, a file or a URL. A URL is taken from the archive where it is kept, else fetched.

    Raises UsageError for a target that is neither, ConfigError for a site file that says something wrongly.
    """
    sites = sites_of(settings)
    with open_sync_readers(settings, sites) as readers:
        if Path(target).is_file():
            link, fetched = from_file(Path(target), options, sites, now(), readers)
        elif is_http(target):
            link = link_of(target, sites)
            kept = None if options.anew else from_archive(link, settings)
            fetched = kept or fetch_now(link, settings, sites, now)
        else:
            raise UsageError(f"{target!r} is neither a file nor a URL")
        reading = readers.read(ReadTask(link, fetched, now()))
        try:
            steps = readers.call(trace_of, link, fetched, site_of(link, fetched, sites))
        except PastLimits:
            steps = []
    return Explanation(link, fetched, reading.page, reading.verdict, steps)


def trace_of(link: Link, fetched: Fetch, site: Site | None) -> list[TraceStep]:
    """Each rule that was tried on an answer, in order."""
    return trace(link, fetched, document_of(fetched), site)


@dataclass(frozen=True, slots=True)
class SiteFilesChecked:
    """How many site files, rules and examples there are, and what is wrong with them, a line each."""

    files: int
    rules: int
    examples: int
    problems: tuple[str, ...]


def check_site_files(settings: Settings) -> SiteFilesChecked:
    """Try every pattern and selector of every site file, and every example. Raises ConfigError for unreadable files."""
    from crawler.core.config import site_documents

    sites = load_sites(site_documents(settings))
    problems = []
    for site in sites:
        try:
            check_site(site)
        except ConfigError as error:
            problems.append(str(error))
    rules, examples = (sum(map(len, lists)) for lists in zip(*((s.rules, s.examples) for s in sites), strict=True))
    return SiteFilesChecked(len(list(sites)), rules, examples, (*problems, *failed_examples(sites)))


def from_file(
    file: Path, options: ExplainOptions, sites: Sites, now: datetime, readers: SyncReaders
) -> tuple[Link, Fetch]:
    """A saved page, as if it had been answered just now."""
    try:
        body = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    url = options.url
    if not url:
        try:
            url = readers.call(canonical_url, body)
        except PastLimits as error:
            raise UsageError(f"{file} does not tell its address ({error}); give it with --url") from None
    if not url:
        raise UsageError(f"{file} does not tell its address; give it with --url")
    link = link_of(url, sites)
    headers = (("Content-Type", "text/html"),)
    return link, Fetch(link.fetch_url, link.fetch_url, now, status=options.status, headers=headers, body=body)


def canonical_url(body: bytes) -> str:
    """What a page calls itself, "" where it does not say."""
    return read_page(Document(body, "text/html", ""), None, "", whole=False).canonical_url


def from_archive(link: Link, settings: Settings) -> Fetch | None:
    """The newest kept answer of a link, None where none has bytes."""
    with open_archive(settings, "explain", write=False) as archive:
        kept = [archive.fetched(capture.id) for capture in archive.captures(link.canonical_url) if capture.raw]
    return next((fetched for fetched in reversed(kept) if fetched is not None), None)


def fetch_now(link: Link, settings: Settings, sites: Sites, now: Callable[[], datetime]) -> Fetch:
    """One polite GET, recorded nowhere."""
    import random

    import trio

    from crawler.crawl.job import politeness_for
    from crawler.fetch import open_fetcher

    async def ask() -> Fetch:
        politeness = politeness_for(settings, sites)
        async with open_fetcher(settings.fetch, politeness, now=now, random=random.random) as fetcher:
            return await fetcher(link.fetch_url)

    return trio.run(ask)

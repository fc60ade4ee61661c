"""Re-archiving by hand: these links, or all links of these notes, are fetched now, whatever is due.

A use case, callable without a terminal; which browser shows pages, and with which profile, is the caller's to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.core.counts import Counted
from crawler.core.errors import UsageError
from crawler.core.model import Link, Snapshot
from crawler.core.results import Finding
from crawler.core.url import is_http
from crawler.crawl.observer import SILENT, Observer
from crawler.crawl.reading import FoundLinks, read_links
from crawler.crawl.run import RunResult, check_links
from crawler.notes.links import NotesRead, link_of
from crawler.page.sentences import SentenceChange, sentence_diff
from crawler.schedule.plan import Budget

if TYPE_CHECKING:
    from crawler.archive import Archive
    from crawler.core.settings import Settings
    from crawler.crawl.context import Context
    from crawler.crawl.run import Opener


@dataclass(frozen=True, slots=True)
class Browser:
    """An installed browser that shows the pages; `profile` is a folder, "" for a fresh one."""

    program: str
    profile: str = ""


def rearchive(
    context: Context, targets: Sequence[str], observer: Observer = SILENT, browser: Browser | None = None
) -> RunResult:
    """Fetch the links that `targets` name (URLs, note files, folders) now, and keep a new snapshot of each.

    Raises UsageError for a target that is neither, NotesError, and what the archive raises.
    """
    found = wanted_links(context, targets, observer)
    opener = opener_for(context, browser, found) if browser else None
    return check_links(context, "rearchive", found, Budget(all=True), observer, open_fetcher=opener)


def opener_for(context: Context, browser: Browser, found: FoundLinks) -> Opener:
    """The fetcher with a browser for the links that were found."""
    from crawler.fetch.rendering import browser_opener

    return browser_opener(browser.program, browser.profile, [link.fetch_url for link in found.links], context.now)


def wanted_links(context: Context, targets: Sequence[str], observer: Observer = SILENT) -> FoundLinks:
    """The links that targets name: URLs as they are, and all links of the notes among them. Raises UsageError."""
    urls = [target for target in targets if is_http(target)]
    paths = [Path(target) for target in targets if not is_http(target)]
    for path, target in zip(paths, (t for t in targets if not is_http(t)), strict=True):
        if not path.exists() and looks_like_address(target):
            raise UsageError(f"{target}: no such note file or folder; did you mean https://{target.lstrip('/')}?")
    found = read_links(context, paths, observer) if paths else FoundLinks(NotesRead())
    links: dict[str, Link] = {link.canonical_url: link for link in found.links}
    for url in urls:
        link = link_of(url, context.sites)
        if not link.host:
            raise UsageError(f"{url!r} is not a URL that can be fetched")
        links.setdefault(link.canonical_url, link)
    return FoundLinks(found.notes, list(links.values()), found.local_histories)


def looks_like_address(target: str) -> bool:
    """Whether a word that is no URL could be one without its scheme: its first part is a registrable domain."""
    from publicsuffixlist import PublicSuffixList

    host = target.removeprefix("//").split("/")[0].split("?")[0].partition(":")[0].lower()
    if "/" not in target.removeprefix("//") and host.rpartition(".")[2] in NOTE_ENDINGS:
        return False  # "notes.md": Moldova's domain, but rather a note that is misspelt
    return PublicSuffixList(accept_unknown=False).privatesuffix(host) is not None


NOTE_ENDINGS = frozenset({"md", "org"})


def what_was_kept(result: RunResult, finding: Finding, archive: Archive) -> str:
    """What the run kept of a link, against the snapshot before it: one line for people."""
    before = result.outcome.before.get(finding.link.canonical_url)
    return kept(finding.history.snapshot, before.snapshot if before else None, archive)


def kept(now: Snapshot | None, before: Snapshot | None, archive: Archive) -> str:
    """One snapshot against the one before it: one line for people."""
    if now is None:
        return "nothing kept"
    if before is None:
        return f"snapshot {now.id}, the first, {Counted(now.text_chars):character}"
    if now.id == before.id and now.captured_at == before.captured_at:
        return f"nothing new kept; snapshot {before.id} of {before.captured_at:%Y-%m-%d} stays"
    if now.digest == before.digest:
        return f"unchanged since {before.captured_at:%Y-%m-%d}"
    edits = sentence_diff(archive.text(before.id), archive.text(now.id))
    gone = sum(len(edit.old) for edit in edits if edit.change is not SentenceChange.SAME)
    came = sum(len(edit.new) for edit in edits if edit.change is not SentenceChange.SAME)
    return f"snapshot {now.id}: +{came} -{gone} sentences since {before.captured_at:%Y-%m-%d}"


def with_cookies(settings: Settings, cookies: Path | None) -> Settings:
    """The settings with another cookie file; None leaves them as they are."""
    import msgspec

    if cookies is None:
        return settings
    return msgspec.structs.replace(settings, fetch=msgspec.structs.replace(settings.fetch, cookies=str(cookies)))

"""What redirects alone tell on any host: moved for good, sent home, sent to an error page.

A redirect that only repairs an address (https, www, a slash, a language) says nothing. Walls are `walls`'s.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from crawler.core.model import Check, Confidence, Fetch, State, Verdict
from crawler.judge.verdicts import verdict
from crawler.judge.walls import wall_kind

PERMANENT = frozenset((301, 308))
SHARED = 3  # distinct links on one target from which it is no page of theirs
SHORTER = 2  # path segments that a redirect must cut off to count as sent home

_HOME_FILE = re.compile(r"(?i)(?:index|default|home|main|welcome)(?:\.[a-z]{3,5})?")
_LANGUAGE = re.compile(r"(?i)(?:[a-z]{2}|[a-z]{2}[-_][a-z]{2,4}|chinese|english|intl)")
_ERROR_SEGMENT = re.compile(
    r"(?i)(?:.{0,12}[_-])?(?:404|error[-_]?404|404[-_]?error|(?:page|file)?[-_]?not[-_]?found|nopage)"
    r"(?:[-_].{0,12})?(?:\.[a-z]{3,5})?"
)
_NO_PAGE = re.compile(r"(?i)consent|cookie|gdpr|privacy|age[-_]?(?:gate|check|verification)|geo|region|country|locale")


def moved_to(fetch: Fetch) -> str | None:
    """Where a page went for good: every hop said so, and the last address is another one; else None."""
    if not fetch.redirects or not all(hop.status in PERMANENT for hop in fetch.redirects):
        return None
    if fetch.final_url == fetch.url or wall_kind(fetch.final_url):
        return None
    return fetch.final_url


def redirect_verdict(asked: str, fetch: Fetch) -> Verdict | None:
    """The verdict where redirects led away from the asked page; None where they may have led to it."""
    if not fetch.redirects:
        return None
    try:
        start, end = urlsplit(asked), urlsplit(fetch.final_url)
    except ValueError:
        return None
    if (segments := _segments(end)) and _ERROR_SEGMENT.fullmatch(segments[-1]) and not _is_error_page(start):
        return verdict(fetch, State.SUSPECT, "soft-404", "generic/redirected-to-error", fetch.final_url)
    if _sent_home(start, end):
        return verdict(fetch, State.SUSPECT, "redirected-to-home", "generic/redirected-to-home", fetch.final_url)
    if _cut_short(start, end):
        return verdict(
            fetch,
            State.SUSPECT,
            "redirected-to-home",
            "generic/redirected-up",
            fetch.final_url,
            confidence=Confidence.LOW,
        )
    return None


def _is_error_page(url: SplitResult) -> bool:
    segments = _segments(url)
    return bool(segments) and _ERROR_SEGMENT.fullmatch(segments[-1]) is not None


def _segments(url: SplitResult) -> list[str]:
    return [segment for segment in url.path.split("/") if segment]


def is_root(url: SplitResult) -> bool:
    """Whether an address is a first page: no path, an index file, a language; and no query or `#/` that names more."""
    segments = _segments(url)
    if segments and _LANGUAGE.fullmatch(segments[0]):
        segments = segments[1:]
    if segments and _HOME_FILE.fullmatch(segments[-1]):
        segments = segments[:-1]
    return not segments and not _names_more(url)


def _names_more(url: SplitResult) -> bool:
    """Whether query or fragment name a page: `?p=12`, `#/post/3`; not `?from=link` or `#top`."""
    return bool(re.search(r"(?:^|&)[^=&]*=[^&]*\d", url.query)) or url.fragment.startswith(("/", "!"))


def _sent_home(start: SplitResult, end: SplitResult) -> bool:
    if is_root(start) or not is_root(end):
        return False
    if _site(start) == _site(end):
        return True
    # A short link, or a project that got a domain of its own, may well mean a front page.
    segments = _segments(start)
    named = any(len(s) > 2 and s.lower().partition(".")[0] in (end.hostname or "") for s in segments)
    return len(segments) >= SHORTER and not named


def _cut_short(start: SplitResult, end: SplitResult) -> bool:
    """Whether a redirect led up to a folder of the same host: /blog/2015/03/title to /blog/."""
    if _site(start) != _site(end) or _names_more(end):
        return False
    before, after = _segments(start), _segments(end)
    while before and _HOME_FILE.fullmatch(before[-1]):
        before = before[:-1]
    if not after or before[: len(after)] != after or len(before) - len(after) < SHORTER:
        return False
    return not any(letter.isdigit() for letter in after[-1])


def _site(url: SplitResult) -> str:
    """The host without the prefixes that redirects add and drop."""
    return re.sub(r"^(?:www|m|wap|mobile|en|zh|cn)\.", "", (url.hostname or "").lower())


def shared_target(checks: Iterable[Check]) -> dict[str, Verdict]:
    """Verdicts, by canonical URL, for living links of one host that all ended on one address: it is nobody's page.

    `looks` are those of one host in one run; links without redirects, and walls, are none of it.
    """
    landed: dict[str, dict[str, Check]] = defaultdict(dict)
    for check in checks:
        if check.verdict.state is State.ALIVE and check.fetch.redirects and _lands_elsewhere(check):
            landed[check.fetch.final_url.partition("#")[0]][check.link.canonical_url] = check
    return {
        link: _shared(check, f"{len(group)} links ended on {target}")
        for target, group in landed.items()
        if len(group) >= SHARED and not _NO_PAGE.search(target)
        for link, check in group.items()
    }


def _shared(check: Check, matched: str) -> Verdict:
    rule = "generic/shared-target"
    return verdict(check.fetch, State.SUSPECT, "shared-target", rule, matched, confidence=Confidence.LOW)


def _lands_elsewhere(check: Check) -> bool:
    try:
        start, end = urlsplit(check.link.fetch_url), urlsplit(check.fetch.final_url)
    except ValueError:
        return False
    return (_site(start), _segments(start), start.query) != (_site(end), _segments(end), end.query)

"""What redirects alone tell on any host: moved for good, sent home, sent to an error page.

A redirect that only repairs an address (https, www, a slash, a language) says nothing. Walls are `walls`'s; that a
page's own refresh is a redirect too is in `refresh`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from crawler.core.counts import Counted
from crawler.core.model import Check, Confidence, Fetch, State, Verdict
from crawler.judge.content import folded
from crawler.judge.verdicts import verdict
from crawler.judge.walls import wall_kind
from crawler.page.document import Document
from crawler.page.titles import title_match

PERMANENT = frozenset((301, 308))
SHARED = 3  # distinct links on one target from which it is no page of theirs
SHORTER = 2  # path segments that a redirect must cut off to count as sent home
FITS = 0.6  # title match from which a page shows what a note calls it; `crawler.page.titles`

_HOME_FILE = re.compile(r"(?i)(?:index|default|home|main|welcome)(?:\.[a-z]{3,5})?")
_LOCALE = re.compile(r"(?i)(?:[a-z]{2}[-_](?:[a-z]{2,4}|\d{3})|chinese|english|intl)")
_TWO_LETTERS = re.compile(r"(?i)[a-z]{2}")
# First segments that are languages on nearly every site; any other two letters may be a page, as /cv and /me are.
_USUAL = frozenset("en zh cn tw hk jp ja ko kr de fr es pt it ru uk us pl nl sv tr vi id th ar".split())
_VERSION = re.compile(
    r"(?i)(?:v\d+|\d{1,2}|\d+(?=[._-]))(?:[._-](?:\d+|x))*(?:[._-]?(?:a|b|rc|alpha|beta|dev|lts|final|stable|post)[._-]?\d*)?"
    r"|latest|stable|current|master|main|trunk|head|dev|devel|develop|development|nightly|next|edge|canary|unstable|release|lts"
)
_SITE_TITLE = re.compile(r"\W+")
_ERROR_SEGMENT = re.compile(
    r"(?i)(?:.{0,12}[_-])?(?:404|error[-_]?404|404[-_]?error|(?:page|file)?[-_]?not[-_]?found|nopage)"
    r"(?:[-_].{0,12})?(?:\.[a-z]{3,5})?"
)
# The picture that a host of pictures shows in the place of one that is gone: /removed.png, /photo_unavailable_m.gif.
_NO_PICTURE = re.compile(
    r"(?i)(?:(?:photo|image|img|pic(?:ture)?|file)?[-_]?(?:removed|deleted|unavailable|not[-_]?(?:found|available))"
    r"|no[-_]?(?:photo|image|img|pic(?:ture)?)(?:[-_]?(?:found|available))?)(?:[-_][a-z]{1,3})?\.(?:png|gif|jpe?g|webp|svg)"
)
# A page for errors of every kind is told which one; ASP.NET names the address that was asked.
_ANY_ERROR = re.compile(r"(?i)(?:generic|custom)?errors?(?:[-_]?page)?(?:\.[a-z]{3,5})?")
_MISSING_QUERY = re.compile(r"(?i)(?:^|[=&])404(?:&|$|;)|not[-_]?found")
_NO_PAGE = re.compile(r"(?i)consent|cookie|gdpr|privacy|age[-_]?(?:gate|check|verification)|geo|region|country|locale")


def moved_to(fetch: Fetch) -> str | None:
    """Where a page went for good: every hop said so, and the last address is another one; else None."""
    if not fetch.redirects or not all(hop.status in PERMANENT for hop in fetch.redirects):
        return None
    if fetch.final_url == fetch.url or wall_kind(fetch.final_url):
        return None
    return fetch.final_url


def redirect_verdict(asked: str, fetch: Fetch, document: Document) -> Verdict | None:
    """The verdict where redirects led away from the asked page to `document`; None where they may have led to it."""
    if not fetch.redirects:
        return None
    try:
        start, end = urlsplit(asked), urlsplit(fetch.final_url)
    except ValueError:
        return None
    if _is_version_move(start, end):
        return None
    if _is_error_page(end) and not _is_error_page(start):
        return verdict(fetch, State.SUSPECT, "soft-404", "generic/redirected-to-error", fetch.final_url)
    if _sent_home(start, end, languages_of(document)):
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
    last = (_segments(url) or [""])[-1]
    if _ERROR_SEGMENT.fullmatch(last) is not None or _NO_PICTURE.fullmatch(last) is not None:
        return True
    return _ANY_ERROR.fullmatch(last) is not None and _MISSING_QUERY.search(url.query) is not None


def _segments(url: SplitResult) -> list[str]:
    return [segment for segment in url.path.split("/") if segment]


def languages_of(document: Document) -> frozenset[str]:
    """The two-letter languages that a page says it is in or has translations in (`lang`, `hreflang`), lower case."""
    if not document.is_html:
        return frozenset()
    tree = document.tree
    said = [node.attributes.get("lang") or node.attributes.get("xml:lang") for node in tree.css("html, body")[:2]]
    said += [node.attributes.get("hreflang") for node in tree.css("link[hreflang], a[hreflang]")[:100]]
    return frozenset(value.strip().lower()[:2] for value in said if value)


def is_root(url: SplitResult, languages: frozenset[str] = _USUAL) -> bool:
    """Whether an address is a first page: no path, an index file, a language; and no query or `#/` that names more.

    A first segment of two letters is a language only where it is one of `languages`: `/cv` is a page on most sites,
    though `cv` is Chuvash too.
    """
    segments = _segments(url)
    if segments and _is_language(segments[0], languages):
        segments = segments[1:]
    if segments and _HOME_FILE.fullmatch(segments[-1]):
        segments = segments[:-1]
    return not segments and not _names_more(url)


def _is_language(segment: str, languages: frozenset[str]) -> bool:
    if _LOCALE.fullmatch(segment):
        return True
    # Servers name countries and scripts too: /cn/ stands for zh, /jp/ for ja.
    alias = {"cn": "zh", "tw": "zh", "hk": "zh", "jp": "ja", "kr": "ko"}.get(segment.lower(), segment.lower())
    return _TWO_LETTERS.fullmatch(segment) is not None and (segment.lower() in languages or alias in languages)


def _names_more(url: SplitResult) -> bool:
    """Whether query or fragment name a page: `?p=12`, `#/post/3`; not `?from=link` or `#top`."""
    return bool(re.search(r"(?:^|&)[^=&]*=[^&]*\d", url.query)) or url.fragment.startswith(("/", "!"))


def _sent_home(start: SplitResult, end: SplitResult, languages: frozenset[str]) -> bool:
    if is_root(start, languages | _USUAL) or not is_root(end, languages):
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


def _is_version_move(start: SplitResult, end: SplitResult) -> bool:
    """Whether only a version in the path became another one, or went: /docs/1.0/a to /docs/stable/a or /docs/a.

    The rest of the path is kept, or was empty.
    """
    if _site(start) != _site(end):
        return False
    before, after = _without_index(start), _without_index(end)
    for position, segment in enumerate(before):
        if not _VERSION.fullmatch(segment):
            continue
        head, rest = before[:position], before[position + 1 :]
        if after == head + rest and (rest or (head and _is_surely_version(segment))):
            return True
        other = after[position] if len(after) > position and after[:position] == head else ""
        if not _VERSION.fullmatch(other) or not (_is_surely_version(segment) or _is_surely_version(other)):
            continue
        kept = after[position + 1 :]
        if kept == rest or (not rest and len(kept) <= 1):
            return True
    return False


def _is_surely_version(segment: str) -> bool:
    """Whether a segment is a version and not just the number of something."""
    return not segment.isdecimal()


def _without_index(url: SplitResult) -> list[str]:
    segments = _segments(url)
    return segments[:-1] if segments and _HOME_FILE.fullmatch(segments[-1]) else segments


def _site(url: SplitResult) -> str:
    """The host without the prefixes that redirects add and drop."""
    return re.sub(r"^(?:www|m|wap|mobile|en|zh|cn)\.", "", (url.hostname or "").lower())


def shared_target(checks: Iterable[Check]) -> dict[str, Verdict]:
    """Verdicts, by canonical URL, for living links of one host that all ended on one address: it is nobody's page.

    `checks` are those of one host in one run; links without redirects, and walls, are none of it. A link whose note's
    title is what the page shows did get there, and so did one that only moved to another version of its page.
    """
    landed: dict[str, dict[str, Check]] = defaultdict(dict)
    for check in checks:
        if check.verdict.state is State.ALIVE and check.fetch.redirects and _lands_elsewhere(check):
            landed[check.fetch.final_url.partition("#")[0]][check.link.canonical_url] = check
    return {
        link: _shared(check, f"{Counted(len(group)):link} ended on {target}")
        for target, group in landed.items()
        if len(group) >= SHARED and not _NO_PAGE.search(target)
        for link, check in group.items()
        if not _shows_its_title(check)
    }


def _shows_its_title(check: Check) -> bool:
    """Whether the page shows what the note calls the link; the site's own name, which every page shows, is no proof."""
    titles = {occurrence.note_title for occurrence in check.link.occurrences if occurrence.note_title}
    return any(
        (title_match(title, check.page.title) or 0.0) >= FITS for title in titles if not _names_site(title, check)
    )


def _names_site(title: str, check: Check) -> bool:
    """Whether a title is no more than the name of the site, as its host has it."""
    letters = _SITE_TITLE.sub("", folded(title))
    return len(letters) < SHARED or letters in _SITE_TITLE.sub("", check.fetch.final_url.lower().split("/")[2])


def _shared(check: Check, matched: str) -> Verdict:
    rule = "generic/shared-target"
    return verdict(check.fetch, State.SUSPECT, "shared-target", rule, matched, confidence=Confidence.LOW)


def _lands_elsewhere(check: Check) -> bool:
    try:
        start, end = urlsplit(check.link.fetch_url), urlsplit(check.fetch.final_url)
    except ValueError:
        return False
    if _is_version_move(start, end):
        return False
    return (_site(start), _segments(start), start.query) != (_site(end), _segments(end), end.query)

"""The sibling probe of Bar-Yossef et al. 2004 ("Sic transit gloria telae"): a soft 404 answers everything alike.

A neighbour that cannot exist (the same directory and 25 random letters) is asked for; where it is answered like the
page itself, the page is not there. Randomness and fetching are the caller's. A finding is `suspect`, never more.
Walls and forms answer every address alike too, and say nothing of any.
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from rapidfuzz import fuzz

from crawler.core.model import Confidence, Fetch, State, Verdict
from crawler.judge.redirects import is_root
from crawler.judge.verdicts import verdict
from crawler.judge.walls import is_form, wall_kind, wall_of
from crawler.page.document import Document

ALIKE = 0.95  # least similarity of two texts that are one page
COMPARED = 20_000  # characters of each text


def probe_url(url: str, letters: str) -> str | None:
    """A sibling of `url` that cannot exist; None for roots, whose siblings say nothing of them."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or is_root(parts) or parts.path in ("", "/"):
        return None
    directory = parts.path.rstrip("/").rpartition("/")[0]
    return urlunsplit((parts.scheme, parts.netloc, f"{directory}/{letters}", "", ""))


def judge_probe(fetch: Fetch, document: Document, probe: Fetch, probe_document: Document) -> Verdict | None:
    """The verdict where page and probe got the same answer; None where the probe proves nothing."""
    if probe.status is None or not 200 <= probe.status < 300 or not document.is_html:
        return None
    if len(fetch.redirects) != len(probe.redirects) or _proves_nothing(probe, probe_document, document):
        return None
    if fetch.redirects and fetch.final_url == probe.final_url:
        return _found(fetch, f"{probe.url} ended on the same address")
    text, other = (d.visible_text(COMPARED) for d in (document, probe_document))
    likeness = fuzz.ratio(text, other) / 100 if text and other else 0.0
    return _found(fetch, f"{probe.url} shows the same text, {likeness:.2f}") if likeness >= ALIKE else None


def _proves_nothing(probe: Fetch, probe_document: Document, document: Document) -> bool:
    """Whether the neighbour met a wall, or page or neighbour is a form."""
    walled = wall_kind(probe.final_url) or wall_of(probe, probe_document)
    return bool(walled) or is_form(document) or is_form(probe_document)


def _found(fetch: Fetch, matched: str) -> Verdict:
    return verdict(fetch, State.SUSPECT, "soft-404", "generic/probe", matched, confidence=Confidence.MEDIUM)

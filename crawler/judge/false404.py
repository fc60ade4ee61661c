"""Pages that answer 404 and are there all the same: servers that show the article under it, and apps that draw it.

The status is the site's word on the page, so that this wants more than a doubt: the article's own title over an
article's text, or the recipe by which a host of static files hands an address to an app. Other 404s are `status`'s.
"""

from __future__ import annotations

from crawler.core.model import Confidence, Fetch, Link, Proof, State, Verdict
from crawler.core.patterns import LazyPattern
from crawler.judge.content import has_prose
from crawler.judge.redirects import FITS
from crawler.judge.verdicts import verdict
from crawler.page.document import Document
from crawler.page.titles import letters, title_match

NOT_FOUND = 404
LITTLE = 100  # visible characters of a page that only hands its address on
# What goes into 404.html so that GitHub Pages serves an app of one page: the address is kept and the app loaded.
# https://github.com/rafgraph/spa-github-pages and its forerunner, which keeps the address in the session.
_HANDS_ON = LazyPattern(
    r"sessionStorage\.redirect\s*=\s*(?:window\.)?location\.href"
    r"|\.replace\(\s*[\w.]{1,40}\.protocol\b[^<>]{0,400}\bpathname\b"
)
MAX_SCRIPT = 20_000  # characters of a page that may be one of these recipes
LETTERS = 4  # of a title that says something


def false404_of(link: Link, fetch: Fetch, document: Document) -> Verdict | None:
    """The verdict of a 404 whose page may be there; None for all others."""
    if fetch.status != NOT_FOUND or not document.is_html:
        return None
    if _is_handed_on(document):
        rule = "generic/404-app"
        return verdict(fetch, State.UNKNOWN, "needs-javascript", rule, "status 404, an app's address is kept")
    if _shows_its_article(link, fetch, document):
        matched = f"status 404, title: {document.title}"
        return verdict(
            fetch, State.SUSPECT, "not-found", "generic/404-with-page", matched,
            confidence=Confidence.LOW, proof=Proof.CLIENT,
        )  # fmt: skip
    return None


def _is_handed_on(document: Document) -> bool:
    if len(document.html) > MAX_SCRIPT or len(document.visible_text(LITTLE + 1)) > LITTLE:
        return False
    return _HANDS_ON.search(document.html) is not None


def _shows_its_article(link: Link, fetch: Fetch, document: Document) -> bool:
    """Whether an article stands there under the title that a note gives to the link, and not just the site's name."""
    titles = {occurrence.note_title for occurrence in link.occurrences if occurrence.note_title}
    address = letters(fetch.final_url)
    telling = [title for title in titles if len(name := letters(title)) >= LETTERS and name not in address]
    if not any((title_match(title, document.title) or 0.0) >= FITS for title in telling):
        return False
    return has_prose(document)

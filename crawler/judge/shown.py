"""Pages under a failing status that are there all the same: servers that show the article, and apps that draw it.

The status is the server's word on the page or on itself, so that this wants more than a doubt: the article's own title
over an article's text, or the recipe by which a host of static files hands an address to an app. All else is
`status`'s.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from crawler.core.model import Confidence, Fetch, Link, Proof, State, Verdict
from crawler.core.patterns import LazyPattern
from crawler.judge.content import PROSE, content_text, has_prose, weight
from crawler.judge.redirects import FITS
from crawler.judge.verdicts import verdict
from crawler.page.document import Document
from crawler.page.titles import letters, title_match

NOT_FOUND = 404
# 410 is none of them: nobody says by mistake that a page was removed for good.
REASONS = {NOT_FOUND: "not-found", 500: "server-error", 501: "server-error", 505: "server-error"}
LITTLE = 100  # visible characters of a page that only hands its address on
# What goes into 404.html so that GitHub Pages serves an app of one page: the address is kept and the app loaded.
# https://github.com/rafgraph/spa-github-pages and its forerunner, which keeps the address in the session.
_HANDS_ON = LazyPattern(
    r"sessionStorage\.redirect\s*=\s*(?:window\.)?location\.href"
    r"|\.replace\(\s*[\w.]{1,40}\.protocol\b[^<>]{0,400}\bpathname\b"
    # the same for a site that moved: every address is handed on to another host
    r"|\blocation(?:\.replace\(|\.assign\(|(?:\.href)?\s*=(?!=))\s*['\"]https?://[\w.-]{3,100}/?['\"]\s*\+[^;<>]{0,200}"
    r"\bpathname\b"
    r"|\blocation(?:\.replace\(|\.assign\(|(?:\.href)?\s*=(?!=))\s*[\w.]{0,20}location\.href\.replace\("
)
MAX_SCRIPT = 20_000  # characters of a page that may be one of these recipes
LETTERS = 4  # of a title that says something
WORDS = 3  # of an address that say what stands there; guess
_BETWEEN_WORDS = re.compile(r"[-_+. ]+")


def shown_of(link: Link, fetch: Fetch, document: Document) -> Verdict | None:
    """The verdict of a failing answer whose page may be there; None for all others."""
    status = fetch.status or 0
    if status not in REASONS or not document.is_html:
        return None
    if status == NOT_FOUND and _is_handed_on(document):
        rule = "generic/404-app"
        return verdict(fetch, State.UNKNOWN, "needs-javascript", rule, "status 404, a script hands the address on")
    return with_page(fetch, f"title: {document.title}") if _shows_its_article(link, fetch, document) else None


def with_page(fetch: Fetch, seen: str) -> Verdict:
    """The verdict of a failing answer under which the page was seen; the status is one of `REASONS`."""
    status = fetch.status or 0
    rule, matched = f"generic/{status}-with-page", f"status {status}, {seen}"
    return verdict(fetch, State.SUSPECT, REASONS[status], rule, matched, confidence=Confidence.LOW, proof=Proof.CLIENT)


def _is_handed_on(document: Document) -> bool:
    if len(document.html) > MAX_SCRIPT or len(document.visible_text(LITTLE + 1)) > LITTLE:
        return False
    return _HANDS_ON.search(document.html) is not None


def _shows_its_article(link: Link, fetch: Fetch, document: Document) -> bool:
    """Whether an article stands there under the title that a note or the address gives it, not just the site's name."""
    titles = {occurrence.note_title for occurrence in link.occurrences if occurrence.note_title}
    site = letters(fetch.final_url.rstrip("/").rpartition("/")[0])  # host and folders, which may name the site
    telling = [title for title in titles if len(name := letters(title)) >= LETTERS and name not in site]
    telling += [said for url in (fetch.url, fetch.final_url) if (said := _said_by(url))]
    if not any((title_match(title, document.title) or 0.0) >= FITS for title in telling):
        return False
    # A site that has no such page may still show much of itself; a server that broke shows next to nothing.
    broke = fetch.status != NOT_FOUND and weight(content_text(document, PROSE)) >= PROSE
    return broke or has_prose(document)


def _said_by(url: str) -> str:
    """The words at the end of an address, which many sites make of the title; "" for fewer than say something."""
    last = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2]
    words = [word for word in _BETWEEN_WORDS.split(last) if word.isalpha()]
    return " ".join(words) if len(words) >= WORDS else ""

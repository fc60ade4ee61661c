"""What the bytes mean: `read_page` turns a Document into a Page.

A site's own sources come first (fields), then what the page says of itself (metadata) and where its prose is
(main_text). Nothing here fetches, judges, or knows a site by name, and nothing raises on hostile input.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

from crawler.core.model import Page
from crawler.core.url import host_of
from crawler.page.blocks import Layout, read_layout
from crawler.page.images import absolute, distinct
from crawler.page.kinds import of_bytes, read_file
from crawler.page.readable import copied, readable_html

if TYPE_CHECKING:
    from crawler.page.document import Document
    from crawler.page.fields import Fields
    from crawler.page.metadata import Head
    from crawler.sites import Site

__all__ = ["digest_of", "read_page", "readable_html"]

MAX_LEFT = 20_000  # characters kept of a page in which nothing reads like an article
MIN_DATA = 600  # characters from which JSON-LD holds an article and no summary of one; guess
LONGER = 2.0  # how many times as long as the text of the page it must be to be believed
BEGINNING = 150  # visible lines in which author and time are looked for
# Chinese punctuation as NFKC writes it. Put in first: a text that has no other wide letters is only looked at then,
# and normalising costs ten times as much.
_PUNCTUATION = tuple(zip("，：；！？（）", ",:;!?()", strict=True))


def read_page(document: Document, site: Site | None, url: str, *, whole: bool = True) -> Page:
    """The article of one answer. `url` is what relative addresses are joined to.

    Without `whole` only its title, which costs a third. What is no HTML is read by its kind (kinds); archives and films
    give an empty Page.
    """
    if not document.is_html:
        page = read_file(document, url)
        return page if page.digest else replace(page, digest=digest_of(page.text) or _digest_of_file(document, page))
    return _read_html(document, site, url) if whole else _read_title(document, site, url)


def digest_of(text: str) -> str:
    """`sha256:<hex>` of a text, blind to width of letters and to white space; "" for no text."""
    for wide, plain in _PUNCTUATION:
        text = text.replace(wide, plain)
    folded = " ".join(unicodedata.normalize("NFKC", text).split())
    return f"sha256:{hashlib.sha256(folded.encode('utf-8', 'replace')).hexdigest()}" if folded else ""


def _digest_of_file(document: Document, page: Page) -> str:
    """Of a file that has a name and no words: a scan is another one when its bytes are."""
    return of_bytes(document.body) if page.title or page.limited else ""


def _read_title(document: Document, site: Site | None, url: str) -> Page:
    """The title alone: a check that keeps nothing needs no more."""
    from crawler.page.fields import read_fields
    from crawler.page.headline import page_title
    from crawler.page.metadata import read_head

    title = read_fields(document, site, url).title if site is not None else ""
    host = host_of(_base_of(document, url))
    title = title or page_title(document.tree, read_head(document.tree), document.title, host)
    return Page(title=title, charset=document.charset)


def _read_html(document: Document, site: Site | None, url: str) -> Page:
    # selectolax is slow to import, and commands that only read notes never need it
    from crawler.page.fields import Fields, read_fields
    from crawler.page.headline import page_title
    from crawler.page.metadata import is_chinese, lead_image, page_author, page_published, read_head
    from crawler.page.times import timestamp

    tree, head, base = document.tree, read_head(document.tree), _base_of(document, url)
    fields = read_fields(document, site, url) if site is not None else Fields()
    layout = read_layout(tree.body) if tree.body is not None else Layout([], [])
    article = _article(fields, layout, base, head)
    beginning = "\n".join(block.text for block in layout.blocks[:BEGINNING])
    published = fields.published if timestamp(fields.published) else page_published(tree, head, beginning)
    chinese = bool(published) and is_chinese(tree, article.text or beginning)
    return Page(
        title=fields.title or page_title(tree, head, document.title, host_of(base)),
        author=fields.author or page_author(tree, head, beginning),
        published=timestamp(published, chinese=chinese),
        text=article.text,
        digest=digest_of(article.text),
        images=_joined(article.images, _absolute(fields.images, base)),
        lead_image=absolute(fields.lead_image, base) or absolute(lead_image(head), base),
        canonical_url=absolute(fields.canonical or head.canonical or head.first("og:url"), base),
        html=article.html,
        charset=document.charset,
    )


@dataclass(frozen=True, slots=True)
class _Article:
    text: str
    html: str
    images: tuple[str, ...]


def _article(fields: Fields, layout: Layout, base: str, head: Head) -> _Article:
    """Text, markup and pictures from where the site keeps them, else from where the prose is, else all there is."""
    from crawler.page.main_text import find_main

    main = None if fields.text else find_main(layout, head.first("description", "og:description"))
    from_data = "" if fields.text else _text_of_data(head)
    if len(from_data) > LONGER * len(main.text if main is not None else ""):
        return _Article(from_data, "".join(f"<p>{escape(line)}</p>" for line in from_data.split("\n")), ())
    if main is not None:
        nodes, dropped, text = [*main.lead, main.node], main.dropped, main.text
    elif fields.fragments:
        nodes = [fragment.node for fragment in fields.fragments]
        dropped = frozenset().union(*(fragment.dropped for fragment in fields.fragments))
        text = fields.text
    else:
        return _of_pictures(layout, base)
    copy = copied(nodes, base, dropped)
    return _Article(text, copy.html, copy.images)


def _text_of_data(head: Head) -> str:
    """The article as JSON-LD has it, for pages that a script builds; "" where it is no more than a summary."""
    from crawler.page.document import Document, text_of

    body = head.data.get("articleBody")
    if not isinstance(body, str) or len(body) < MIN_DATA:
        return ""
    if "<" not in body:
        return "\n".join(filter(None, (" ".join(line.split()) for line in body.splitlines())))
    tree = Document(body.encode("utf-8", "replace"), "text/html; charset=utf-8").tree
    return text_of(tree.body) if tree.body is not None else ""


def _of_pictures(layout: Layout, base: str) -> _Article:
    """A page in which nothing reads like an article: all its words, and its pictures where those are what it shows."""
    from crawler.page.main_text import furniture

    text = layout.text[:MAX_LEFT]
    if not layout.boxes:
        return _Article(text, "", ())
    copy = copied([layout.boxes[0].node], base, furniture(layout))
    return _Article(text, copy.html, copy.images) if copy.images else _Article(text, "", ())


def _absolute(targets: Iterable[str], base: str) -> tuple[str, ...]:
    plain = (target.replace("&amp;amp;", "&").replace("&amp;", "&") for target in targets)  # of scripts, escaped twice
    return distinct(url for target in plain if (url := absolute(target, base)))


def _joined(shown: tuple[str, ...], named: tuple[str, ...]) -> tuple[str, ...]:
    """The pictures of the markup, then those that only the site's own sources name: query strings tell none apart."""
    known = {url.partition("?")[0] for url in shown}
    return distinct((*shown, *(url for url in named if url.partition("?")[0] not in known)))


def _base_of(document: Document, url: str) -> str:
    """What relative addresses are joined to: `<base href>`, itself joined to the page's URL."""
    node = document.tree.css_first("base[href]")
    return (absolute(node.attributes.get("href") or "", url) if node is not None else "") or url

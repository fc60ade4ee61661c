"""What the bytes mean: `read_page` turns a Document into a Page.

A site's own sources come first (fields), then what the page says of itself (metadata) and where its prose is
(main_text). Nothing here fetches, judges, or knows a site by name, and nothing raises on hostile input.
"""

from __future__ import annotations

import hashlib
import unicodedata
from html import escape
from typing import TYPE_CHECKING

from crawler.model import Page
from crawler.page.blocks import MAX_CHARS, Layout, read_layout
from crawler.page.images import absolute, images_of
from crawler.page.readable import readable_html, sanitised

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

    from crawler.page.document import Document
    from crawler.sites import Site

__all__ = ["digest_of", "read_page", "readable_html"]

BEGINNING = 150  # visible lines in which author and time are looked for
_PLAIN = ("text/plain", "text/markdown", "text/x-markdown", "text/csv", "text/x-rst", "text/x-python", "text/x-c")


def read_page(document: Document, site: Site | None, url: str) -> Page:
    """The article of one answer. `url` is what relative addresses are joined to.

    A body that is no page gives its text where it is plain text, and an empty Page else (PDF, pictures, archives).
    """
    return _read_html(document, site, url) if document.is_html else _read_plain(document)


def digest_of(text: str) -> str:
    """`sha256:<hex>` of a text, blind to width of letters and to white space; "" for no text."""
    folded = " ".join(unicodedata.normalize("NFKC", text).split())
    return f"sha256:{hashlib.sha256(folded.encode('utf-8', 'replace')).hexdigest()}" if folded else ""


def _read_plain(document: Document) -> Page:
    kind = document.content_type.partition(";")[0].strip().lower()
    if kind not in _PLAIN or b"\0" in document.body[:1_024]:
        return Page()
    text = "\n".join(line.rstrip() for line in document.html[:MAX_CHARS].splitlines()).strip("\n")
    return Page(text=text, digest=digest_of(text), html=f"<pre>{escape(text)}</pre>", charset=document.charset)


def _read_html(document: Document, site: Site | None, url: str) -> Page:
    from crawler.page.main_text import find_main  # selectolax is slow to import, and `links` never needs it
    from crawler.page.metadata import (
        is_chinese,
        lead_image,
        page_author,
        page_published,
        page_title,
        read_head,
    )

    tree = document.tree
    head = read_head(tree)
    base = _base_of(document, url)
    layout = read_layout(tree.body) if tree.body is not None else Layout([], [])
    main = find_main(layout)
    nodes: list[LexborNode] = [main.node] if main is not None else []
    dropped = main.dropped if main is not None else frozenset()
    text = main.text if main is not None else layout.text
    beginning = "\n".join(block.text for block in layout.blocks[:BEGINNING])
    return Page(
        title=page_title(tree, head, document.title),
        author=page_author(tree, head, beginning),
        published=page_published(tree, head, beginning, chinese=is_chinese(tree, text or beginning)),
        text=text,
        digest=digest_of(text),
        images=images_of(nodes, base, dropped),
        lead_image=absolute(lead_image(head), base),
        canonical_url=absolute(head.canonical or head.first("og:url"), base),
        html=sanitised(nodes, base, dropped),
        charset=document.charset,
    )


def _base_of(document: Document, url: str) -> str:
    """What relative addresses are joined to: `<base href>`, itself joined to the page's URL."""
    node = document.tree.css_first("base[href]")
    return (absolute(node.attributes.get("href") or "", url) if node is not None else "") or url

"""What of a page is its content: the measures by which walls, soft 404s and shells tell themselves from articles.

Everything is judged by visible text and by elements, never by bytes. Nothing here knows a wording or gives a verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.core.patterns import LazyPattern
from crawler.judge.wall_signs import NOTICES
from crawler.page.document import Document, text_of
from crawler.page.nodes import ancestors, is_hidden

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

# Elements that carry an article, or that quote: on such a page a wording may be what the page is about.
ARTICLE = (
    "article, blockquote, pre, [itemprop=articleBody], .entry-content, .post-content, .post-body, .article-content, "
    ".markdown-body, meta[property='og:type'][content=article i], meta[property='article:published_time']"
)
# Menus, footers and side columns, and lists of links: what stands round the content of every page of a site.
AROUND = ("nav", "footer", "aside", "[role=navigation]", "[role=contentinfo]", "[role=search]", "li > a")
PARAGRAPH = 100  # characters from which a <p> is prose and not a label or a teaser; guess
PROSE = 1_000  # characters of such paragraphs side by side that make an article; guess
MAX_BOXES = 5  # boxes for notices looked at on one page
MAX_PARAGRAPHS = 400  # looked at on one page
_CJK = LazyPattern(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_TITLE_PART = LazyPattern(
    r"\s*(?:[-_|–—·•»«›／]|::|(?<=\s)/(?=\s))\s+|\s+[-_|–—·•»«›]\s*|[_|｜]|\s[-–—]+\s"
    r"|(?<=[\u4e00-\u9fff])-(?=[\u4e00-\u9fff])"
)
_COLON = LazyPattern(r"(?<=\w):\s+|：")


def shows_article(document: Document) -> bool:
    """Whether the page has an element that carries an article or quotes something."""
    key = ("shows_article",)
    if key not in document.memo:  # several rules ask
        document.memo[key] = document.tree.css_first(ARTICLE) is not None
    return bool(document.memo[key])


def content_text(document: Document, limit: int) -> str:
    """What a reader sees without menus, footers and lists of links; at most `limit` characters."""
    return document.visible_text(limit, AROUND)


def has_prose(document: Document) -> bool:
    """Whether paragraphs that stand side by side hold as much text as an article does.

    Teasers, menus and cookie notices do not: they are short, are links, or stand each in a box of its own.
    """
    lengths: dict[int, int] = {}
    for node in document.tree.css("p")[:MAX_PARAGRAPHS]:
        length = weight(text_of(node, limit=4 * PROSE)) - sum(weight(a.text()) for a in node.css("a"))
        if length >= PARAGRAPH and node.parent is not None:
            box = node.parent.mem_id
            lengths[box] = lengths.get(box, 0) + length
            if lengths[box] >= PROSE:
                return True
    return False


def notices_of(document: Document) -> list[str]:
    """What the boxes say in which forums give a notice in the place of the thread, folded; hidden ones say nothing."""
    key = ("notices",)
    if key not in document.memo:  # walls ask, and soft 404s
        document.memo[key] = _notices_of(document)
    return list(document.memo[key])


def _notices_of(document: Document) -> list[str]:
    boxes = [node for node in document.tree.css(NOTICES)[:MAX_BOXES] if not _is_hidden(node)]
    return [text for node in boxes if (text := "\n".join(map(folded, text_of(node, limit=600).splitlines())))]


def _is_hidden(node: LexborNode) -> bool:
    return any(is_hidden(each.attributes) for each in (node, *ancestors(node)))


def weight(text: str) -> int:
    """How long a text is to a reader: an ideograph or kana says as much as two or three letters."""
    return len(text) + len(_CJK.findall(text))


def title_parts(title: str) -> list[str]:
    """The parts of a `<title>`: what the page is called, and what the site is called, in whatever order."""
    return [part for part in (part.strip() for part in _TITLE_PART.split(title)) if part]


def before_colons(parts: list[str]) -> list[str]:
    """The parts of a title cut at their colons, too: sites write "Page not found: Details"."""
    return [cut for part in parts for cut in (piece.strip() for piece in _COLON.split(part)) if cut]


def headings(document: Document, most: int = 5) -> list[str]:
    """The first headings of a page, white space folded."""
    return [one_line(node) for node in document.tree.css("h1, h2, h3")[:most]]


def one_line(node: LexborNode) -> str:
    """The text of an element, white space folded."""
    return " ".join(text_of(node, limit=2_000).split())


def folded(text: str) -> str:
    """How wordings are compared: case, white space, typographic apostrophes and dots do not count."""
    return " ".join(text.replace("…", "...").replace("’", "'").replace("‘", "'").split()).casefold()

"""The article's title out of all that a page calls one: what a reader sees, without site, section and counters.

A heading that readers see wins over what is written for search engines. A heading of the site, of a dialog or of a
section within the article never does; which heading is which is told by what the page declares (Open Graph, JSON-LD,
`<title>`), and by where it stands. What names a site is known by headline's neighbour, masthead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from itertools import chain, islice, pairwise

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.page.blocks import tidy
from crawler.page.document import text_of
from crawler.page.masthead import NO_TITLE, Masthead, ends, folded, home_names, is_home_link, parts, without_section
from crawler.page.metadata import Head
from crawler.page.nodes import ancestors

MAX_TITLE = 500  # characters
MAX_HEADINGS = 20  # elements looked at
MAX_INSIDE = 60  # nodes inside of one
MAX_AROUND = 8  # elements round a heading that are asked what they are
ALIKE = 0.5  # share of the shorter title's words from which two titles are about the same thing
SURE = 0.8  # share from which a heading is the other part of a title; guess
HEADED = 6  # letters from which a heading that calls itself the title is believed without likeness; guess
SAID = 4  # words from which the only heading is believed without likeness; guess
MAX_KICKER = 24  # characters of what a heading may have before its title; guess
LONG = 120  # characters from which several sentences are no title; guess
PARAGRAPH = 80  # characters of text before a heading from which it heads a section

_COUNTER = re.compile(
    r"^\s*[(（\[【](?:\d{1,2}|99\+)(?:\s*[条封][^)）\]】]{0,16}|\s*(?:new|unread)[^)）\]】]{0,12})?[)）\]】]\s*(?=\S)"
)
_ENTITY = re.compile(r"&(?:#\d{2,6}|#x[\da-fA-F]{2,5}|amp|quot|apos|lt|gt|nbsp|[lr][sd]quo|[mn]dash|hellip);")
_SIGNS = " :|·•–—-"
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+: \S")  # as GitHub, GitLab and Gitee call one
_LABEL = re.compile(r"[\w ]{2,12}[:：]\s*")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_RUN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]|[^\W_]+")
_TITLED = re.compile(
    r"(?i)(?:^|[\s_-])(?:entry|post|article|story|page|content|blog|node|news)?[_-]?_?(?:title|headline|heading)(?=[\s_-]|$)"
)
_LOGO = re.compile(
    r"(?i)(?:^|[\s_-])(?:logo\w*|brand(?:ing)?|site-?(?:title|name|branding)|navbar|masthead|blog-?title)(?=[\s_-]|$)"
)
_APART = re.compile(
    r"(?i)(?:^|\s)(?:(?:modal|popup|pop-up|overlay|cookies?|consent|offcanvas)(?=[\s_-]|$)|(?:footer|sidebar)(?=\s|$))"
)
_SUBTITLE = re.compile(r"(?i)(?:^|\s)(?:block|d-block|[\w-]*(?:sub-?(?:title|heading|head|line)|tagline))(?=\s|$)")
_SENTENCE = re.compile(r"[.!?](?:\s|$)|[。！？]")
_APART_TAGS = frozenset(("nav", "aside", "footer", "dialog", "template", "noscript"))
_NO_ARTICLE = frozenset(("website", "product", "og:product"))  # their headings are slogans
_PAPER = ("citation_title", "dc.title", "dcterms.title")
_HOLDERS = frozenset(("article", "main"))
_HEADLINES = '[itemprop~="headline"], h2.entry-title, h2.post-title, .entry-title h2, .post-title h2'


@dataclass(frozen=True, slots=True)
class Heading:
    """An `<h1>` or what calls itself the headline."""

    text: str
    node: LexborNode
    logo: bool = False  # it stands where sites put their own name
    titled: bool = False  # its class or itemprop says that it is the title
    held: bool = False  # it stands in an `<article>` or `<main>`
    linked: bool = False  # all of it is a link to a page: perhaps to another article


def page_title(tree: LexborHTMLParser, head: Head, document_title: str, host: str = "") -> str:
    """The article's title. `host` helps to know the site's name where it stands in a title."""
    full = _plain(document_title or head.first("title"))
    named = (head.first("og:title"), _headline(head), head.first("twitter:title", "headline"), head.first(*_PAPER))
    declared = [title for name in named if (title := _plain(name))]
    site = Masthead(head, host)
    site.learn(full, declared)
    for name in home_names(tree, host):
        site.learn_home(name, full, declared)
    found = headings(tree)
    for heading in found:
        if _names_site(heading, [*declared, full], site, tree):
            site.add(heading.text)
    found = [heading for heading in found if not site.is_name(heading.text)]
    if all(heading.logo for heading in found):
        found += _other_headings(tree) or (_lone_heading(tree) if site.is_name(full) and not declared else [])
    titles = [site.cut(title) for title in declared if not site.is_name(title)]
    article = head.first("og:type").lower() not in _NO_ARTICLE
    page = _declared(titles, "" if site.is_name(full) else full, site, article=article)
    seen = _plausible(found, page)
    best = next((title for title in (*titles, site.cut(full)) if _REPOSITORY.match(title)), seen)
    if best:
        best = without_section(full, site, sure=True) if best == full else _whole(site.cut(best), titles, full, site)
    elif not titles or (full and not any(named[:2]) and alike(titles[0], full) == 0):
        best = without_section(full, site) or next(iter(declared), "")  # microdata: of a list's first entry
    elif folded(titles[0]) in {folded(full), folded(site.cut(full))}:
        best = without_section(titles[0], site, sure=True)
    else:
        best = _whole(titles[0], titles, full, site)
    if not best:
        best = next((h.text for node in tree.css("h2, h3")[:MAX_HEADINGS] if (h := _heading(node)) is not None), "")
    counted = _COUNTER.match(document_title)
    return f"{counted[0]}{best}" if counted and any(h.text == f"{counted[0]}{best}" for h in found) else best


def headings(tree: LexborHTMLParser) -> list[Heading]:
    """The `<h1>` that readers see."""
    return [h for node in tree.css("h1")[:MAX_HEADINGS] if (h := _heading(node)) is not None]


def _other_headings(tree: LexborHTMLParser) -> list[Heading]:
    """What else calls itself the headline, where it is one: several are a list of articles."""
    nodes = [node for node in tree.css(_HEADLINES)[:MAX_HEADINGS] if node.tag != "h1"]
    found = [h for node in nodes if (h := _heading(node)) is not None]
    return found[:1] if len({h.text for h in found}) == 1 else []


def _lone_heading(tree: LexborHTMLParser) -> list[Heading]:
    """What heads the only article of a page that calls itself by its site's name alone."""
    nodes = tree.css("article h2")[:1] if len(tree.css("article")) == 1 else []
    return [h for node in nodes if (h := _heading(node)) is not None and not h.linked and not _is_preceded(node)]


def _heading(node: LexborNode) -> Heading | None:
    """None for one that is empty, or stands apart from the page's content."""
    names = _names(node)
    logo, held, linked = bool(_LOGO.search(names)) or _leads_home(node), False, False
    for depth, parent in enumerate(islice(ancestors(node), MAX_AROUND)):
        around = _names(parent)
        if parent.tag in _APART_TAGS or (parent.tag != "body" and _APART.search(around)):
            if parent.tag != "nav":
                return None
            logo = True
        # An `<article>`'s classes are its tags and categories: `tag-logo`.
        logo = logo or (
            depth < 3 and ((parent.tag != "article" and bool(_LOGO.search(around))) or is_home_link(parent))
        )
        linked = linked or (parent.tag == "a" and bool(parent.attributes.get("href")))
        held = held or parent.tag in _HOLDERS or parent.attributes.get("role") == "main"
    furniture = frozenset(inner.mem_id for inner in node.css("button, a") if inner.tag == "button" or _is_anchor(inner))
    text = _with_subtitle(_text(node, furniture), node)
    titled = bool(_TITLED.search(names)) or "headline" in (node.attributes.get("itemprop") or "").lower()
    inner_link = node.css_first('a[href]:not([href^="#"])')
    linked = linked or (inner_link is not None and len(folded(inner_link.text())) >= len(folded(text)))
    return Heading(text, node, logo, titled, held, linked) if folded(text) else None


def _with_subtitle(text: str, node: LexborNode) -> str:
    """A heading's text with a space before a sub-title that only a style sheet puts on a line of its own."""
    for inner in node.css("span, small")[:MAX_INSIDE]:
        if inner.tag == "small" or _SUBTITLE.search(_names(inner)):
            place = text.find(_text(inner), 1)
            if place > 0 and text[place - 1].isalnum() and text[place].isalnum():
                return f"{text[:place]} {text[place:]}"
    return text


def _names(node: LexborNode) -> str:
    attributes = node.attributes
    return f"{attributes.get('class') or ''} {attributes.get('id') or ''}"[:300]


def _is_anchor(link: LexborNode) -> bool:
    """Whether a link is the sign behind a heading by which readers copy its address."""
    return not folded(link.text()) and (link.attributes.get("href") or "").startswith("#")


def _leads_home(node: LexborNode) -> bool:
    link = node.css_first("a[href]")
    return link is not None and is_home_link(link)


def _plain(title: str) -> str:
    """One line without the counter of unread messages, and without entities that were escaped twice."""
    title = unescape(title) if _ENTITY.search(title) else title
    if NO_TITLE.match(title):
        return ""
    return _COUNTER.sub("", tidy(title)[:MAX_TITLE])


def _text(node: LexborNode, without: frozenset[int] = frozenset()) -> str:
    """What a reader sees of a heading, on one line; numbers of characters are nothing that anyone writes there."""
    text = text_of(node, without, MAX_TITLE)
    return tidy((unescape(text) if "&#" in text else text).replace("\n", " "))[:MAX_TITLE]


def _headline(head: Head) -> str:
    value = head.data.get("headline")
    return value if isinstance(value, str) else ""


def _names_site(heading: Heading, titles: list[str], site: Masthead, tree: LexborHTMLParser) -> bool:
    """Whether a heading is the part of a title that names the site.

    It stands behind the article's part, or in a masthead, or another heading says the article's part.
    """
    same = folded(heading.text)
    if (heading.titled or not heading.logo) and any(folded(title) == same for title in titles):
        return False
    if any(folded(title).endswith(same) and title.endswith(f"[{heading.text}]") for title in titles):
        return True  # DokuWiki: page [site]
    before, behind = list[str](), list[str]()
    for title in titles:
        first, last = ends(title)
        if same in map(folded, (*first, *last)):
            before += first
            behind += last
    others = [part for part in (*before, *behind) if folded(part) != same]
    if not others or any(site.is_name(part) for part in others):
        return False
    if heading.logo:
        return True
    said = set(map(folded, others))
    elsewhere = any(folded(_text(node)) in said for node in tree.css("h1, h2, h3")[: 2 * MAX_HEADINGS])
    own = heading.titled or heading.held
    if same in map(folded, before):
        return elsewhere and not own
    said_whole = own and len(words(heading.text)) >= SAID
    return elsewhere or not (said_whole or any(folded(title).startswith(same) for title in titles))


@dataclass(frozen=True, slots=True)
class _Declared:
    """What a page calls itself, in the forms that its headings are compared with."""

    titles: list[str]  # of its metadata, without the site's name
    full: str  # `<title>`; "" where that is the site's name
    every: list[str]  # both
    said: set[str]  # the letters of each, with and without site and section
    within: set[str]  # the letters of their parts
    article: bool  # `og:type` does not say that it is anything else


def _declared(titles: list[str], full: str, site: Masthead, *, article: bool) -> _Declared:
    every = [title for title in (*titles, full) if title]
    said = {folded(title) for title in (*every, site.cut(full), without_section(full, site))} - {""}
    within = {folded(part) for title in every for part in parts(title)}
    return _Declared(titles, full, every, said, within, article)


def _plausible(found: list[Heading], page: _Declared) -> str:
    """The heading that is the article's title; "" where none is sure to be."""
    fit: list[tuple[float, int, int, str]] = []
    for place, heading in enumerate(found):
        text = _core(heading, page.said)
        first = all(other.logo for other in found[:place])
        value = _value(heading, text, page, first=first, only=_is_only(heading, found))
        if value is not None:
            fit.append((*value, -place, text))
    return max(fit, default=(0.0, 0, 0, ""))[3]


def _value(heading: Heading, text: str, page: _Declared, *, first: bool, only: bool) -> tuple[float, int] | None:
    """How surely a heading is the article's title, then its length where that counts; None where it is not.

    `first`: only logos stand before it; `only`: no other heading could be the title.
    """
    same = folded(text)
    if same in page.said:
        sure = any(same == folded(title) for title in page.titles)
        return (4.0 if sure else 3.0) - heading.logo, 0
    if _is_paragraph(text) and any(2 * len(title) < len(text) for title in page.every):
        return None
    if any(_opens(text, title) for title in page.every):
        return None  # the series or the blog, of which the title goes on to say more
    foreign = bool(page.titles) and alike(text, page.titles[0]) == 0  # `<title>` names a section, and so does the page
    if same in page.within and not foreign:
        return 2.0 - heading.logo, len(text)  # the article is the longest of crumbs
    likeness = max((alike(text, title) for title in page.every), default=1.0)
    if _is_section(heading, text, likeness, page, first=first) or _is_rather(text, parts(page.full)):
        return None
    alone = only and _stands_alone(heading, text, likeness, page.article)
    if alone or (likeness >= ALIKE and not foreign):
        return likeness - 0.5 * heading.logo - 0.25 * heading.linked, 0
    return None


def _is_section(heading: Heading, text: str, likeness: float, page: _Declared, *, first: bool) -> bool:
    """Whether a heading is that of a section within the article: of some of the title's words, or one of several."""
    same = folded(text)
    if page.every and likeness == 1.0 and all(2 * len(same) < len(folded(title)) for title in page.every):
        opens = any(folded(title).startswith(same) for title in page.every)
        if not (first and (opens or heading.titled or heading.held)):
            return True
    shared = max((len(words(text) & words(title)) for title in page.every), default=0)
    return shared < 2 and not (first or heading.titled)


def _is_paragraph(text: str) -> bool:
    """Whether this says too much for a title: sentences."""
    return len(text) > LONG and len(_SENTENCE.findall(text)) > 1


def _stands_alone(heading: Heading, text: str, likeness: float, article: bool) -> bool:
    """Whether the only heading is believed though it shares few words with what the page declares, or none."""
    if heading.logo or len(folded(text)) < HEADED or _is_preceded(heading.node):
        return False
    # A Chinese sentence with its stop is a slogan or a notice; titles have none.
    said = article and heading.node.tag == "h1" and len(_WORD.findall(text)) >= SAID and text[-1] != "。"
    return said or (heading.titled and likeness > 0)


def _is_only(heading: Heading, found: list[Heading]) -> bool:
    """Whether no other heading could be the title, or no other calls itself so."""
    others = [other for other in found if other is not heading and not other.logo]
    return not others or (heading.titled and not any(other.titled for other in others))


def _is_preceded(node: LexborNode) -> bool:
    """Whether a paragraph stands before a heading: it heads a section then."""
    for around in islice(chain((node,), ancestors(node)), MAX_AROUND):
        if around.tag in {"body", "html"}:
            return False
        if any(_holds_paragraph(before) for before in islice(_elements_before(around), MAX_HEADINGS)):
            return True
    return False


def _elements_before(node: LexborNode) -> Iterator[LexborNode]:
    """The elements before a node in its parent, the nearest first."""
    before = node.prev
    while before is not None:
        if before.is_element_node:
            yield before
        before = before.prev


def _holds_paragraph(node: LexborNode) -> bool:
    paragraphs = [node] if node.tag == "p" else node.css("p")[:MAX_HEADINGS]
    return any(len(text_of(paragraph, limit=PARAGRAPH)) >= PARAGRAPH for paragraph in paragraphs)


def _core(heading: Heading, said: set[str]) -> str:
    """The heading without kicker, date or counter inside of it, where the rest is what the page declares."""
    text = heading.text
    whole = folded(text) in said
    nodes = list(islice(heading.node.traverse(), MAX_INSIDE + 1))
    small = len(nodes) <= MAX_INSIDE  # one that is never closed holds the page
    for node in (node for node in nodes[1:] if small and node.is_element_node):
        inner, rest = _text(node), _text(heading.node, frozenset((node.mem_id,)))
        if whole:
            if 0 < len(inner) <= MAX_KICKER and text.startswith(inner) and folded(rest) in said:
                return rest.lstrip(_SIGNS)
        elif folded(inner) in said:
            return inner
        elif folded(rest) in said:
            return rest.strip(_SIGNS)
    label = _LABEL.match(text)
    return text[label.end() :] if label and not whole and folded(text[label.end() :]) in said else text


def _is_rather(heading: str, title: list[str]) -> bool:
    """Whether a heading is about the last part of a title, and not about its first."""
    if len(title) < 2:
        return False
    same, last = folded(heading), folded(title[-1])
    if last and same.startswith(last) and same != last:
        return True
    return len(same) <= 2 * len(last) and alike(heading, title[-1]) >= SURE and alike(heading, title[0]) < ALIKE


def _opens(heading: str, title: str) -> bool:
    """Whether a title is this heading, a colon, and more than that."""
    rest = title[len(heading) :].lstrip()
    return title.lower().startswith(heading.lower()) and rest[:1] in {":", "："} and len(rest) > len(heading) + 2


def alike(one: str, other: str) -> float:
    """The share of the shorter title's words that the other has too."""
    a, b = words(one), words(other)
    return len(a & b) / min(len(a), len(b)) if a and b else 0.0


@lru_cache(maxsize=64)  # of the few titles of one page, compared again and again
def words(title: str) -> frozenset[str]:
    """The words of a title, lower case; of Chinese every two letters in a row, since single ones are in every title."""
    found = set[str]()
    for run in _RUN.findall(title.lower()):
        found |= {run} if run.isascii() or len(run) < 2 or not _WIDE.match(run) else set(map("".join, pairwise(run)))
    return frozenset(found)


def _whole(first: str, titles: list[str], full: str, site: Masthead) -> str:
    """`first`, or where that is cut (at its end, or at a quotation mark: 163.com's og:title), the longest that goes on.

    What goes on must stand in `<title>` too.
    """
    same = folded(first)
    ellipsis = first.endswith(("…", "..."))
    cut = ellipsis or first[-1:] in "“\"'‘：:"
    others = [*titles, without_section(full, site)] if ellipsis else titles
    longer = [t for t in others if t != full and folded(t).startswith(same) and folded(t) in folded(full)]
    whole = max([first, *longer], key=lambda title: len(folded(title)))
    return whole if cut or whole[len(first) : len(first) + 1] in set("“\"'‘”’") else first

"""The article's title out of all that a page calls one: what a reader sees, without site, section and counters.

A heading that readers see wins over what is written for search engines, where the two are about the same thing. The
name of the site never wins: it is known by Open Graph, by the publisher, by the host, and by where it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.page.blocks import tidy
from crawler.page.document import text_of
from crawler.page.metadata import Head

MAX_TITLE = 500  # characters
MAX_HEADINGS = 20  # h1 elements looked at
ALIKE = 0.5  # share of the shorter title's words from which two titles are about the same thing
LONG_NAME = 5  # letters from which the beginning of a site's name is taken for it: guess
HEADED = 6  # letters from which a heading that calls itself the title is believed without likeness; guess

# Strong separators cut wherever they stand; weak ones only before a known name: `TCP/IP / UDP`, `Rust: a tour`.
_SEPARATOR = re.compile(r"\s*(?:[_|｜–—»«·•]|\s[-/:：]\s|--+|(?<=[\u3000-\u9fff”’》!?])-|-(?=[\u3000-\u9fff]))\s*")
_WEAK = re.compile(r"\s*[/:：]\s*\Z")
_SITE_NAME = re.compile(
    r"(?i)(?:博客|论坛|社区|频道|新闻|日报|知乎|[\u4e00-\u9fff]网|\bblog|\bnews|\.(?:com|cn|net|org|io|de))\S{0,6}$"
)
_COUNTER = re.compile(
    r"^\s*[(（\[【](?:\d{1,2}|99\+)(?:\s*条[^)）\]】]{0,6}|\s*(?:new|unread)[^)）\]】]{0,12})?[)）\]】]\s*(?=\S)"
)
_SAME = re.compile(r"[\W_]+")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]|[^\W_]+")
_TITLED = re.compile(
    r"(?i)(?:^|[\s_-])(?:entry|post|article|story|page|content|blog|node|news)?[_-]?_?(?:title|headline|heading)(?=[\s_-]|$)"
)
_LOGO = re.compile(
    r"(?i)(?:^|[\s_-])(?:logo\w*|brand\w*|site-?(?:title|name|branding)|navbar|masthead|blog-?title)(?=[\s_-]|$)"
)


@dataclass(frozen=True, slots=True)
class Heading:
    """An `<h1>` or what calls itself the headline."""

    text: str
    logo: bool = False  # it stands where sites put their own name
    titled: bool = False  # its class or itemprop says that it is the title


def page_title(tree: LexborHTMLParser, head: Head, document_title: str, host: str = "") -> str:
    """The article's title. `host` helps to know the site's name where it stands in a title.

    Some pages cut theirs at a quotation mark (163.com's og:title): of candidates that agree, the fullest is taken.
    """
    full = _without_counter(tidy(document_title)[:MAX_TITLE])
    sites = _site_names(head, host)
    named = [head.first("og:title"), _string(head.data.get("headline")), head.first("twitter:title", "headline")]
    titles = [t for name in named if name and (t := _without_site(_without_counter(tidy(name)[:MAX_TITLE]), sites))]
    titles = [t for t in titles if not _is_site(t, sites)] or titles
    found = headings(tree)
    sites |= {_same(h.text) for h in found if _is_part_of_site(h, [*titles, full], tree)}
    seen = _plausible(found, [*titles, full], sites)
    if seen:
        return _without_site(_fullest(seen, titles, full), sites)
    if titles:
        return _fullest(titles[0], titles, full)
    return _without_suffix(full, sites) if full else ""


def headings(tree: LexborHTMLParser) -> list[Heading]:
    """The visible `<h1>`, and where there is none, what else calls itself the headline."""
    nodes = tree.css("h1")[:MAX_HEADINGS] or tree.css('[itemprop~="headline"], h2.entry-title, h2.post-title')[:3]
    found = []
    for node in nodes:
        names = f"{node.attributes.get('class') or ''} {node.attributes.get('id') or ''}"
        text = tidy(text_of(node).replace("\n", " "))[:MAX_TITLE]
        if text:
            titled = bool(_TITLED.search(names)) or "headline" in (node.attributes.get("itemprop") or "")
            found.append(Heading(text, _in_logo(node, names), titled))
    return found


def _in_logo(node: LexborNode, names: str) -> bool:
    """Whether a heading stands in a site's masthead, or leads to its start page."""
    if _LOGO.search(names):
        return True
    link = node.css_first("a[href]")
    target = (link.attributes.get("href") or "") if link is not None else ""
    if target.rstrip("/") == "" and link is not None:
        return True
    parent, depth = node.parent, 0
    while parent is not None and depth < 3:
        around = f"{parent.attributes.get('class') or ''} {parent.attributes.get('id') or ''}"
        if parent.tag == "nav" or _LOGO.search(around):
            return True
        parent, depth = parent.parent, depth + 1
    return False


def _plausible(found: list[Heading], titles: list[str], sites: set[str]) -> str:
    """The heading that is the article's title; "" where none is sure to be."""
    titles = [title for title in titles if title]
    fit: list[tuple[float, int, str]] = []
    for place, heading in enumerate(found):
        if _is_site(heading.text, sites):
            continue
        likeness = max((alike(heading.text, title) for title in titles), default=1.0)
        if any(_opens(heading.text, title) for title in titles):
            continue  # the series or the blog, of which the title goes on to say more
        if len(titles) > 1 and alike(heading.text, titles[0]) == 0:
            continue  # `<title>` begins with the blog's name, and so does the page
        alone = (
            likeness > 0
            and heading.titled
            and len(_same(heading.text)) >= HEADED
            and len(found) == 1
            and not heading.logo
        )
        if likeness >= ALIKE or alone:
            fit.append((likeness - 0.5 * heading.logo, -place, heading.text))
    return max(fit, default=(0.0, 0, ""))[2]


def _is_part_of_site(heading: Heading, titles: list[str], tree: LexborHTMLParser) -> bool:
    """Whether a heading is the part of a title that names the site.

    It stands behind the article's part, or in a masthead, or another heading says the article's part.
    """
    same = _same(heading.text)
    for title in titles:
        keys = [_same(part) for part in _parts(title)]
        if len(keys) < 2 or same not in keys or len(set(keys)) < 2:
            continue
        if heading.logo or (same == keys[-1] != keys[0]):
            return True
        others = {key for key in keys if key != same}
        if any(_same(tidy(text_of(node))) in others for node in tree.css("h1, h2")[:MAX_HEADINGS]):
            return True
    return False


def _opens(heading: str, title: str) -> bool:
    """Whether a title is this heading, a colon, and more than that."""
    rest = title[len(heading) :].lstrip()
    return title.lower().startswith(heading.lower()) and rest[:1] in {":", "："} and len(rest) > len(heading) + 2


def _parts(title: str) -> list[str]:
    cuts = [match for match in _SEPARATOR.finditer(title) if match.start() and match.end() < len(title)]
    edges = [0, *(edge for cut in cuts for edge in cut.span()), len(title)]
    return [title[start:end].strip() for start, end in zip(edges[::2], edges[1::2], strict=True)]


def alike(one: str, other: str) -> float:
    """The share of the shorter title's words that the other has too; Chinese letters count as words."""
    a, b = (set(_WORD.findall(title.lower())) for title in (one, other))
    return len(a & b) / min(len(a), len(b)) if a and b else 0.0


def _fullest(first: str, titles: list[str], full: str) -> str:
    """Of titles that begin with `first` and stand in `<title>`, the longest: some are cut at a quotation mark."""
    same = _same(first)
    longer = [t for t in titles if t != full and _same(t).startswith(same) and _same(t) in _same(full)]
    whole = max([first, *longer], key=lambda title: len(_same(title)))
    cut = first.endswith(("…", "...")) or first[-1:] in "“\"'‘：:"
    return whole if cut or whole == first or not _SEPARATOR.match(whole[len(first) :]) else first


def _site_names(head: Head, host: str) -> set[str]:
    """The site's names, folded."""
    publisher = head.data.get("publisher")
    names = [head.first("og:site_name"), head.first("application-name", "al:ios:app_name")]
    if isinstance(publisher, dict):
        names.append(_string(publisher.get("name")))
    host = host.lower().removeprefix("www.").partition(":")[0]
    labels = host.split(".")
    return {same for name in (*names, host, *labels[:-1][-2:]) if len(same := _same(name)) > 1}


def _is_site(title: str, sites: set[str]) -> bool:
    key = _same(title)
    return key in sites or any(
        min(len(key), len(site)) >= LONG_NAME and (key.startswith(site) or site.startswith(key)) for site in sites
    )


def _without_counter(title: str) -> str:
    """Without the number of unread messages that some sites put before their titles."""
    return _COUNTER.sub("", title)


def _without_site(title: str, sites: set[str]) -> str:
    """The title without its last or first part, where that is a name of the site."""
    cuts = [match for match in _SEPARATOR.finditer(title) if match.start() and match.end() < len(title)]
    for cut in cuts[::-1]:
        if _is_site(title[cut.end() :], sites):
            return title[: cut.start()].strip()
    if cuts and _is_site(title[: cuts[0].start()], sites):
        return title[cuts[0].end() :].strip()
    return title


def _without_suffix(title: str, sites: set[str]) -> str:
    """A `<title>` without what its last parts add: section and site, shorter than what stands before them."""
    shorter = _without_site(title, sites)
    if shorter != title:
        return shorter
    cuts = [m for m in _SEPARATOR.finditer(title) if m.start() and m.end() < len(title)]
    for cut in cuts[-3:]:
        before, after = title[: cut.start()], title[cut.end() :]
        if _SITE_NAME.search(after):
            return before
        if not _WEAK.search(cut[0]) and len(before) >= 6 and len(after) <= max(len(before), 12):
            return before
    return title


def _same(text: str) -> str:
    return _SAME.sub("", text).lower()


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""

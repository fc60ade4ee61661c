"""What a page of an unknown site says of itself: author, time, canonical URL, pictures; its title is headline's.

Sources in the order in which they are believed: Open Graph and JSON-LD, then what stands in the page. Sites that
we know bring selectors of their own (fields); the article's text is main_text's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.page.blocks import tidy
from crawler.page.times import timestamp
from crawler.page.titles import letters

MAX_METAS = 500  # meta elements read
MAX_SCRIPTS = 20  # JSON-LD scripts read
MAX_SCRIPT = 1_000_000  # characters of one
MAX_OBJECTS = 2_000  # JSON-LD objects looked at
MAX_NAME = 60  # characters of an author's name

_ARTICLE_TYPES = frozenset(
    "article newsarticle blogposting techarticle report scholarlyarticle socialmediaposting discussionforumposting "
    "reportagenewsarticle analysisnewsarticle opinionnewsarticle liveblogposting videoobject question".split()
)
_PUBLISHED = (
    "article:published_time", "og:published_time", "og:article:published_time", "datepublished", "publishdate",
    "pubdate", "publish_date", "published_time", "publish-date", "parsely-pub-date", "sailthru.date",
    "article.published", "dc.date.issued", "dcterms.created", "dc.date", "dcterms.date", "apub:time", "og:time",
    "weibo: article:create_at",
    "article:create_at", "createtime", "bytedance:published_time", "og:release_date", "dateupdate", "date",
)  # fmt: skip
_NAMES_AUTHOR = (  # of markup at large; WordPress' blocks and themes, forums
    '[itemprop~="author"], [rel~="author"], .author-name, .byline-name, .wp-block-post-author__name, '
    ".wp-block-post-author-name, .vcard .fn, .entry-author, .note-author"
)
_AUTHORS = ("article:author", "author", "og:article:author", "dc.creator", "byl", "parsely-author", "sailthru.author")
_NAMES = re.compile(r"(?:作者|撰文|文)\s*[:：/／]")  # a cheap test for the next
_BYLINE = re.compile(r"(?:^|[\s|｜/（(【])(?:作者|撰文|文)\s*[:：/／]\s*([^\s|｜/（）()【】，,。:：]{2,20})")
_HAN = re.compile("[\u4e00-\u9fff]+")
_KANA_OR_HANGUL = re.compile("[\u3040-\u30ff\uac00-\ud7a3]")


@dataclass(frozen=True, slots=True)
class Head:
    """The machine-readable part of a page. Names are lower case; the first of a name counts."""

    metas: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)  # the JSON-LD object of the article
    canonical: str = ""  # as written

    def first(self, *names: str) -> str:
        """The content of the first of these metas that has any."""
        return next((self.metas[name] for name in names if self.metas.get(name)), "")


def read_head(tree: LexborHTMLParser) -> Head:
    """Metas, JSON-LD and canonical link, wherever in the page they stand."""
    metas: dict[str, str] = {}
    for node in tree.css("meta")[:MAX_METAS]:
        attributes = node.attributes
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop") or ""
        content = tidy((attributes.get("content") or "")[:4_000])
        if name and content:
            metas.setdefault(name.strip().lower(), content)
    link = tree.css_first('link[rel~="canonical"]')
    canonical = ((link.attributes.get("href") if link is not None else "") or "").strip()
    return Head(metas, _article_data(tree), canonical)


def _article_data(tree: LexborHTMLParser) -> Mapping[str, Any]:
    found: Mapping[str, Any] = {}
    for script in tree.css('script[type="application/ld+json"]')[:MAX_SCRIPTS]:
        for item in _objects(script.text()):
            kinds = item.get("@type")
            names = kinds if isinstance(kinds, list) else [kinds]
            if any(isinstance(name, str) and name.lower() in _ARTICLE_TYPES for name in names):
                return item
            if not found and ("headline" in item or "datePublished" in item):
                found = item
    return found


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The objects of one JSON-LD script, outermost first; nothing where it is no JSON."""
    if len(text) > MAX_SCRIPT:
        return
    try:
        waiting = [json.loads(text, strict=False)]
    except (ValueError, RecursionError):
        return
    for _ in range(MAX_OBJECTS):
        if not waiting:
            return
        item = waiting.pop(0)
        if isinstance(item, dict):
            yield item
            waiting += [item[key] for key in ("@graph", "mainEntity", "itemListElement") if key in item]
        elif isinstance(item, list):
            waiting += item[:MAX_OBJECTS]


def page_author(tree: LexborHTMLParser, head: Head, beginning: str) -> str:
    """Who wrote it; `beginning` is the visible text near the title, searched for 作者：."""
    site = letters(head.first("og:site_name", "copyright"))
    named = [_person(head.data.get("author")), *(head.metas.get(name, "") for name in _AUTHORS)]
    named += map(value_of, tree.css(_NAMES_AUTHOR)[:5])
    near = beginning[:1_500]
    if _NAMES.search(near) and (match := _BYLINE.search(near)):
        named.append(match[1])
    for name in (tidy(raw) for raw in named if raw):
        if 1 < len(name) <= MAX_NAME and "://" not in name and letters(name) != site and not name.startswith("@"):
            return re.sub(r"(?i)^(?:by|作者[:：])\s*", "", name)
    return ""


def _person(value: object) -> str:
    """The name in a JSON-LD author, which may be a string, an object or a list of either."""
    people = value if isinstance(value, list) else [value]
    names = [_string(person.get("name")) if isinstance(person, dict) else _string(person) for person in people[:5]]
    return ", ".join(name for name in names if name)


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def page_published(tree: LexborHTMLParser, head: Head, beginning: str) -> str:
    """When it was published, as written there (`times.timestamp` reads it); "" where the page does not tell."""
    written = [_string(head.data.get("datePublished")), *(head.metas.get(name, "") for name in _PUBLISHED)]
    written += map(value_of, tree.css('[itemprop~="datePublished"], time[datetime], time[pubdate]')[:5])
    written += [line for line in beginning.splitlines()[:60] if len(line) < 160]
    return next((raw for raw in written if raw and timestamp(raw)), "")


def is_chinese(tree: LexborHTMLParser, text: str) -> bool:
    """Whether the page is in Chinese, by its `lang` and the letters of `text`: its clock is UTC+8 then."""
    root = tree.css_first("html")
    language = ((root.attributes.get("lang") if root is not None else "") or "").lower()
    sample = text[:2_000]
    if _KANA_OR_HANGUL.search(sample):
        return False
    return language.startswith("zh") or sum(map(len, _HAN.findall(sample))) > len(sample) * 0.3


def lead_image(head: Head) -> str:
    """The picture that stands for the page, as written; "" where it names none."""
    image = head.data.get("image")
    while isinstance(image, list) and image:
        image = image[0]
    named = _string(image.get("url")) if isinstance(image, dict) else _string(image)
    return head.first("og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src") or named


def value_of(node: LexborNode) -> str:
    """The text of a small node that names an author or a time."""
    node = node.css_first('[itemprop~="name"]') or node
    return tidy(node.attributes.get("content") or node.attributes.get("datetime") or node.text(separator=" "))

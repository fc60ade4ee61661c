"""The readable copy: an article's HTML without anything that runs, loads code, or leaves the page unasked.

An allow-list: elements and attributes not named here are dropped, elements keep their text. The result goes into
the archive and is opened by people years later, so it must be whole, plain and harmless by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from html import escape, unescape

from selectolax.lexbor import LexborNode

from crawler.core.marker import HTML_MARK
from crawler.core.model import Page
from crawler.core.url import is_http, redact
from crawler.page.blocks import DRAWN, SILENT, is_next_line
from crawler.page.formulas import drawn_text
from crawler.page.images import (
    BACKGROUNDS,
    HELD,
    absolute,
    background_url,
    distinct,
    drawing_urls,
    held_url,
    image_url,
    is_pixel,
    noscript_urls,
    picture_key,
    source_url,
)
from crawler.page.nodes import walk

MAX_PAINTED = 2_000  # elements with a background
MAX_HTML = 8_000_000  # characters of one fragment

_KEPT = frozenset(
    "p h1 h2 h3 h4 h5 h6 ul ol li dl dt dd blockquote pre code kbd samp var em strong b i u s del ins mark small sub "
    "sup q cite abbr a img figure figcaption table caption thead tbody tfoot tr th td br hr ruby rt rp time details "
    "summary section div span article".split()
)
_VOID = frozenset(("br", "hr", "img"))
_ATTRIBUTES = {
    "a": ("title",), "img": ("alt", "title", "width", "height"), "td": ("colspan", "rowspan"), "ol": ("start",),
    "th": ("colspan", "rowspan"), "time": ("datetime",), "abbr": ("title",), "code": ("class",),
}  # fmt: skip
# The tags of all others, which are written without any; an end tag where there is one.
_BARE = {tag: (f"<{tag}>", "" if tag in _VOID else f"</{tag}>") for tag in _KEPT if tag not in _ATTRIBUTES}
_HEADING = re.compile(r"((?:\s|<(?:div|section|article|span)>)*)<h([1-3])>([^<]*)</h\2>")
_SOURCE = re.compile(r'<img src="([^"]*)"')  # as `copied` writes it
_OWN = frozenset(("img", "amp-img", "source", "script"))  # their addresses are read elsewhere, or are of no picture
_WITH_PICTURES = frozenset(("amp-video", "iframe", "video", "audio", "embed", "noscript", "svg", "object"))

_STYLE = (
    ":root{color-scheme:light dark}body{max-width:42rem;margin:2rem auto;padding:0 1rem;font:1.06rem/1.75 serif;"
    "overflow-wrap:anywhere}h1{line-height:1.3}img{max-width:100%;height:auto}pre{overflow:auto;padding:.8rem;"
    "background:rgba(128,128,128,.12)}blockquote{margin-left:0;padding-left:1rem;border-left:3px solid gray}"
    "table{border-collapse:collapse;display:block;overflow:auto}td,th{border:1px solid gray;padding:.2rem .5rem}"
    "figure{margin:1rem 0}figcaption,p:empty{color:gray;font-size:.9rem;margin:0}"
    "header{color:gray;font-size:.9rem;margin-bottom:2rem}header p{margin:.2rem 0}"
    "@media(prefers-color-scheme:dark){body{background:#161616;"
    "color:#ddd}a{color:#8ab4f8}}"
)
# Nothing loads but kept pictures, which tools for archives serve from their own address, and this style: a picture that
# was not kept shows its words. A script that slipped through would not run.
_POLICY = "default-src 'none'; img-src 'self' data: blob:; style-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class Copy:
    """The HTML of some nodes by the allow-list, and the pictures that it shows, each once, in reading order."""

    html: str
    images: tuple[str, ...]


def copied(nodes: Iterable[LexborNode], base: str, dropped: frozenset[int] = frozenset()) -> Copy:
    """A copy of some nodes, URLs absolute, without the nodes whose `mem_id` is in `dropped`.

    Pictures inside `<noscript>` count where a lazy one stands before them, or where there are no others.
    """
    writer = _Writer(base, dropped)
    for node in nodes:
        writer.write(node)
    return Copy("".join(writer.parts), distinct(writer.shown or writer.spare))


_BACKGROUND = ", ".join(('[style*="url("]', *(f"[{name}]:not(img)" for name in (*BACKGROUNDS, *HELD))))


class _Writer:
    """One fragment in the making: what is written, and which end tags are owed."""

    def __init__(self, base: str, dropped: frozenset[int]) -> None:
        self.parts: list[str] = []
        self._base = base
        self._dropped = dropped
        self._size = 0
        self._open: list[str] = []  # end tags, "" for elements that were dropped but for their text
        self.shown: list[str] = []  # addresses of pictures, as they come
        self.spare: list[str] = []  # of those that only a <noscript> has
        self._known: dict[str, str] = {}  # pictures shown: key -> the address that is kept
        self._waiting = False  # the last picture had no address: a <noscript> after it has
        self._painted: dict[int, LexborNode] = {}  # elements with a background, by mem_id
        self._pre = 0  # the depth at which a <pre> was opened; 0 outside

    def write(self, root: LexborNode) -> None:
        """Copy an element and all in it."""
        self._painted = {node.mem_id: node for node in root.css(_BACKGROUND)[:MAX_PAINTED]}
        walk(root, self._begin, self._close, self._is_full)

    def _is_full(self) -> bool:
        return self._size > MAX_HTML

    def _close(self) -> None:
        self._put(self._open.pop())
        if len(self._open) < self._pre:
            self._pre = 0

    def _begin(self, node: LexborNode) -> LexborNode | None:
        tag = node.tag or ""
        if tag == "-text":
            self._put(escape(node.text_content or "", quote=False))
            return None
        if self._dropped and node.mem_id in self._dropped:
            return None
        if tag in DRAWN and (source := drawn_text(node, tag)) is not None:
            self._put(escape(source, quote=False))
            return None
        if tag == "pre" and not self._pre:
            self._pre = len(self._open) + 1
        if tag in _WITH_PICTURES:
            self._pictures(node, tag)
            return None
        painted = self._painted and node.mem_id in self._painted and tag not in _OWN
        if painted and (url := background_url(node.attributes, self._base) or held_url(node, self._base)):
            self._show(url)
        if self._pre and tag in {"code", "span"} and is_next_line(node, tag, node.attributes):
            self._put("\n")
        if tag in _BARE:
            return self._open_with(node, *_BARE[tag])
        if tag in SILENT or tag[:1] in "-_!":
            return None
        return self._element(node, tag)

    def _pictures(self, node: LexborNode, tag: str) -> None:
        """What shows pictures, or films, in other ways than an `<img>`."""
        if tag == "noscript":
            urls = noscript_urls(node, self._base)
            if self._waiting:
                for url in urls:
                    self._show(url)
            self.spare += urls
            self._waiting = False
        elif tag == "svg":
            for url in drawing_urls(node, self._base):
                self._show(url)
        elif tag == "object":
            target = node.attributes.get("data") or ""
            if (node.attributes.get("type") or "").startswith("image/") and (url := absolute(target, self._base)):
                self._show(url)
        else:
            poster = node.attributes.get("poster") or node.attributes.get("data-poster") or ""
            if poster := absolute(poster, self._base):
                self._show(poster)
            self._player(node)

    def _show(self, url: str, attributes: str = ' alt=""') -> None:
        """A picture, unless this copy shows it already under another address."""
        key = picture_key(url)
        if key not in self._known:
            self._known[key] = url
            self.shown.append(url)
            self._put(f'<img src="{escape(url)}"{attributes}>')

    def _image(self, node: LexborNode) -> None:
        if is_pixel(node):
            return
        url = image_url(node, self._base)
        self._waiting = not url
        if url:
            url = self._known.setdefault(picture_key(url), url)
            self.shown.append(url)
            self._put(f'<img src="{escape(url)}"{self._attributes(node, "img")}>')

    def _element(self, node: LexborNode, tag: str) -> LexborNode | None:
        if tag == "picture" and node.css_first("img") is None and (url := source_url(node, self._base)):
            self._show(url)
            return None
        if tag in {"img", "amp-img"}:
            self._image(node)
            return None
        if tag not in _KEPT:
            return self._open_with(node, "", "")
        return self._open_with(node, f"<{tag}{self._attributes(node, tag)}>", f"</{tag}>")

    def _open_with(self, node: LexborNode, start: str, end: str) -> LexborNode | None:
        """Write an element by its tags: void ones have no end tag; where only the text is kept, both are empty."""
        child = node.child if end or not start else None
        if child is None:
            self._put(start + end)
            return None
        self._put(start)
        self._open.append(end)
        return child

    def _attributes(self, node: LexborNode, tag: str) -> str:
        names, given = _ATTRIBUTES[tag], node.attributes
        pairs = [(name, value[:2_000]) for name in names if (value := given.get(name))]
        if tag == "a" and (target := absolute(given.get("href") or "", self._base)):
            pairs.insert(0, ("href", target))
            pairs.append(("rel", "noreferrer noopener"))
        return "".join(f' {name}="{escape(value)}"' for name, value in pairs)

    def _player(self, node: LexborNode) -> None:
        """A film or a sound becomes a link to it."""
        given = node.attributes
        source = given.get("src") or given.get("data-src") or ""
        if not source and (inner := node.css_first("source[src]")) is not None:
            source = inner.attributes.get("src") or ""
        if target := absolute(source, self._base):
            self._put(f'<p><a href="{escape(target)}" rel="noreferrer noopener">{escape(target)}</a></p>')

    def _put(self, text: str) -> None:
        self._size += len(text)
        self.parts.append(text)


def readable_html(page: Page, url: str, captured_at: datetime) -> str:
    """A complete document of one article, to be kept beside its raw bytes.

    `page.html` must come from `copied` (as `read_page` makes it); everything else is escaped here.
    """
    url, source = redact(url), redact(page.canonical_url or url)
    published = page.published[:16].replace("T", " ")  # for people: to the minute, on the author's own clock
    byline = " · ".join(part for part in (page.author, published) if part)
    captured = f'<time datetime="{captured_at:%Y-%m-%dT%H:%M:%SZ}">{captured_at:%Y-%m-%d %H:%M} UTC</time>'
    link = f'<a href="{escape(url)}" rel="noreferrer noopener">{escape(url)}</a>' if is_http(url) else escape(url)
    return "\n".join(
        (
            "<!DOCTYPE html>",
            f'<html><head><meta charset="utf-8">{HTML_MARK}',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">',
            '<meta name="referrer" content="no-referrer">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<link rel="canonical" href="{escape(source)}">' if is_http(source) else "",
            f"<title>{escape(page.title or url)}</title>",
            f"<style>{_STYLE}</style></head>",
            f"<body><article><h1>{escape(page.title or url)}</h1>",
            f"<header><p>{escape(byline)}</p><p>{link}</p><p>{captured}</p></header>",
            _without_title(page) or "".join(f"<p>{escape(line)}</p>" for line in page.text.splitlines()),
            _unseen_pictures(page),
            "</article></body></html>",
            "",
        )
    )


def _without_title(page: Page) -> str:
    """The markup without the heading that says the title again."""
    heading = _HEADING.match(page.html)
    if heading is None or unescape(heading[3]).strip() != page.title:
        return page.html
    return heading[1] + page.html[heading.end() :]


def _unseen_pictures(page: Page) -> str:
    """The pictures that the markup does not show: those that a script or a `<noscript>` held."""
    shown = {picture_key(unescape(source)) for source in _SOURCE.findall(page.html)}
    unseen = (url for url in page.images if picture_key(url) not in shown)
    return "".join(f'<p><img src="{escape(url)}" alt=""></p>' for url in unseen)

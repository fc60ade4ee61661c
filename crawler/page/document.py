"""A response body, decoded and parsed once for everyone who reads it.

Judging and reading share one Document, so that a page of 4 MB is decoded and parsed once. Nothing here knows a site,
a verdict or what a title means: only bytes, text, tree. Nothing raises on hostile input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, Any

from crawler.page.charset import decode, is_plain_utf8, wide_charset
from crawler.page.nodes import ancestors, is_hidden

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

NUL_IN = 64  # bytes of a page for each stray NUL; guess
SNIFF = 1024  # bytes looked at where no content type tells
SNIFFED = 1445  # bytes looked at where a content type may be wrong: the resource header of WHATWG MIME sniffing
UNSEEN = frozenset(
    {"script", "style", "noscript", "template", "head", "title", "iframe", "svg", "object", "select", "rt", "rp"}
)
BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p "
    "pre section table td th tr ul".split()
)
_HTML_START = re.compile(rb"(?i)<(?:!doctype|!--|html|head|body|title|meta|script|div|p|h1|table|a|style|\?xml)")
# Empty elements of XHTML that an HTML parser would take for the beginning of all that follows.
_SELF_CLOSED = re.compile(
    r"<(script|style|title|textarea|iframe|noscript|object|select|button|div|span|p|a|i|b|em|strong|ul|ol|li|table|"
    r"tr|td|th|h[1-6])((?:\s[^<>]*)?)/>"
)
_BLANK = re.compile(rb"[ \t\r\n\f]*")
_KIND_END = re.compile(r"[;,]")  # the header may have come twice
# https://mimesniff.spec.whatwg.org/#supplied-mime-type-detection-algorithm: as good as none
_UNKNOWN_KINDS = frozenset(("unknown/unknown", "application/unknown", "*/*"))
# Shadow roots that stand in the page's own markup, as SingleFile saves those that scripts made, and servers send them.
_TEMPLATE = re.compile(r"(?i)<(?P<close>/?)template\b(?P<attributes>[^<>]{0,2000})>")
_SHADOW = re.compile(r"(?i)\sshadowroot(?:mode)?\s*=")
# https://mimesniff.spec.whatwg.org/: what no text holds, and how HTML begins where its type is not known. A comment is
# left out, since other markup begins so too.
_BINARY_BYTE = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_HTML_SIGNATURE = re.compile(
    rb"(?i)(?:\xef\xbb\xbf)?[\t\n\x0c\r ]*"
    rb"<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)[ >]"
)
# Formats that are never text: pictures (SVG is text, and so are some that are rare), sound, films, fonts, files.
_BINARY_TYPE = re.compile(
    r"image/(?:png|p?jpe?g|gif|webp|avif|bmp|x-ms-bmp|x-icon|vnd\.microsoft\.icon|tiff|hei[cf]|jxl|\*)"
    r"|(?:audio|video|font)/.*"
    r"|application/(?:pdf|x-pdf|zip|x-zip-compressed|octet-stream|x-download|epub\+zip|x-rar-compressed|gzip)"
    r"|binary/octet-stream"
)
_BINARY_START = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"RIFF", b"\x7fELF")


class Document:
    """One response body. `content_type` is the header's value, `url` where the bytes came from (after redirects)."""

    def __init__(self, body: bytes, content_type: str = "", url: str = "") -> None:
        self.body = body
        self.content_type = content_type
        self.url = url
        self._visible: dict[tuple[str, ...], tuple[float, str]] = {}  # and how many characters were asked for
        self.memo: dict[tuple[str, ...], Any] = {}  # what readers found at some cost, for the next reader

    @cached_property
    def is_html(self) -> bool:
        """Whether this is a page: by content type, by the first bytes where there is none, or a wrong one."""
        kind = _KIND_END.split(self.content_type, maxsplit=1)[0].strip().lower()
        start = self._beginning[:SNIFF]
        if start.startswith(_BINARY_START) or not start.strip():
            return False
        if b"\0" in start and not self._may_hold_nul(start):
            return False
        if kind in ("text/html", "application/xhtml+xml"):
            return True
        if "/" not in kind or kind in _UNKNOWN_KINDS:
            return _HTML_START.search(start) is not None
        return self._is_mislabelled(kind)

    def _is_mislabelled(self, kind: str) -> bool:
        """Whether HTML stands under a content type that HTML cannot be: of a binary format, or JSON."""
        start = self._beginning
        if not (_BINARY_TYPE.fullmatch(kind) or kind.endswith(("/json", "+json"))) or b"%PDF-" in start:
            return False
        return _HTML_SIGNATURE.match(start) is not None and _BINARY_BYTE.search(start) is None

    @property
    def _beginning(self) -> bytes:
        """The first bytes of what is not blank: templates leave hundreds of empty lines before the page."""
        blank = _BLANK.match(self.body)
        begins = blank.end() if blank else 0
        return self.body[begins : begins + SNIFFED]

    @staticmethod
    def _may_hold_nul(start: bytes) -> bool:
        """Whether a page may begin so in spite of its NULs: UTF-16, or a few stray ones, which browsers pass over."""
        if start.startswith((b"\xff\xfe", b"\xfe\xff")) or wide_charset(start):
            return True
        return start.count(0) * NUL_IN <= len(start) and _HTML_START.search(start) is not None

    @cached_property
    def _decoded(self) -> tuple[str, str]:
        return decode(self.body, self.content_type)

    @cached_property
    def _is_plain_utf8(self) -> bool:
        """Nearly every page: a parser takes its bytes, and few that read on want its source as a text."""
        return is_plain_utf8(self.body, self.content_type)

    @property
    def html(self) -> str:
        """The decoded body, as sent."""
        return self._decoded[0]

    @property
    def charset(self) -> str:
        """The Python name of the charset that decoded the body."""
        return "utf-8" if self._is_plain_utf8 else self._decoded[1]

    @cached_property
    def tree(self) -> LexborHTMLParser:
        """The parsed page; an empty one where the body is no HTML."""
        from selectolax.lexbor import LexborHTMLParser  # slow to import, and `links` never needs it

        if not self.is_html:
            return LexborHTMLParser("", scripting=True)
        is_xhtml = self.content_type.lower().startswith("application/xhtml+xml")
        if self._is_plain_utf8 and not is_xhtml and b"shadowroot" not in self.body:
            return LexborHTMLParser(self.body, scripting=True)  # no text of its source is made
        html = _with_shadow_roots(self.html)
        return LexborHTMLParser(_SELF_CLOSED.sub(r"<\1\2></\1>", html) if is_xhtml else html, scripting=True)

    @cached_property
    def title(self) -> str:
        """The text of the first `<title>` outside of pictures, white space collapsed."""
        node = self.tree.css_first("head > title") or next(filter(_is_no_drawing, self.tree.css("title")), None)
        return " ".join(node.text().split()) if node is not None else ""

    def visible_text(self, limit: int | None = None, hidden: tuple[str, ...] = ()) -> str:
        """What a reader sees, a line for each block; without the elements that `hidden` selectors match.

        `limit` is in characters; for each `hidden` no more than what was asked for is read off the page, and once.
        """
        wanted = inf if limit is None else limit
        read, text = self._visible.get(hidden, (-1, ""))
        if read < wanted:
            text = self._see(hidden, limit)
            self._visible[hidden] = (wanted, text)
        return text[:limit]

    def _see(self, hidden: tuple[str, ...], limit: int | None) -> str:
        body = self.tree.body
        if body is None:
            return ""
        skip = frozenset(node.mem_id for node in self.tree.css(", ".join(hidden))) if hidden else frozenset[int]()
        return text_of(body, skip, limit)


def _with_shadow_roots(html: str) -> str:
    """The page with its shadow roots as plain boxes, since a browser shows them and a parser keeps templates apart."""
    if "shadowroot" not in html or not _SHADOW.search(html):
        return html
    open_roots: list[bool] = []

    def box(tag: re.Match[str]) -> str:
        if not tag["close"]:
            open_roots.append(_SHADOW.search(tag["attributes"]) is not None)
            return f"<div{tag['attributes']}>" if open_roots[-1] else tag[0]
        return "</div>" if open_roots and open_roots.pop() else tag[0]

    return _TEMPLATE.sub(box, html)


def _is_no_drawing(node: LexborNode) -> bool:
    """Whether a `<title>` is that of the page, and not one of a picture in it."""
    return all(above.tag != "svg" for above in ancestors(node))


def text_of(root: LexborNode, skip: frozenset[int] = frozenset(), limit: int | None = None) -> str:
    """What a reader sees of an element, a line for each block; `skip` are elements (mem_id) to leave out.

    With a `limit` (in characters) the walk ends where enough was seen: notices are looked for at the top of long pages.
    """
    if limit is None:
        return _lines("".join(_pieces(root, skip)))
    pieces, length, enough = [], 0, limit
    for piece in _pieces(root, skip):
        pieces.append(piece)
        length += len(piece)
        if length > enough:
            text = _lines("".join(pieces))
            if len(text) >= limit:
                return text[:limit]
            enough = 2 * length  # much of it was white space; twice as much next time, so that this stays linear
    return _lines("".join(pieces))


def _lines(text: str) -> str:
    """White space folded, empty lines dropped."""
    return "\n".join(filter(None, (" ".join(line.split()) for line in text.split("\n"))))


def _pieces(root: LexborNode, skip: frozenset[int]) -> Iterator[str]:
    """The texts under `root` in order, with line ends round blocks; by iteration, for depth is the web's choice."""
    node: LexborNode | None = root
    depth = 0
    while node is not None:
        child, tag = None, node.tag
        if tag == "-text":
            yield (node.text_content or "").replace("\n", " ")
        elif node.is_element_node and (not depth or not _unseen(node, tag, skip)):
            if tag in BLOCKS:
                yield "\n"
            child = node.child
        if child is not None:
            node, depth = child, depth + 1
            continue
        after = node.next  # asked once: every step to another node makes an object
        while depth and after is None and node is not None:
            node, depth = node.parent, depth - 1
            after = node.next if node is not None else None
        node = after if depth else None


def _unseen(node: LexborNode, tag: str | None, skip: frozenset[int]) -> bool:
    if tag in UNSEEN or (skip and node.mem_id in skip):
        return True
    attributes = node.attributes
    return bool(attributes) and is_hidden(attributes)

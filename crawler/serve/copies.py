"""Kept pages as a browser may show them: nothing in them runs, and nothing is loaded from anywhere.

The policy alone would do; the markup is cleaned as well, so that a browser without it (or a copy that is saved again)
is safe too. Pictures that were kept stand inside the document, the others become a line with their address.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.core.model import Page
from crawler.core.url import is_http
from crawler.page import readable_html

if TYPE_CHECKING:
    from crawler.archive import Archive, Capture

# A frame of its own origin: no scripts, no forms, no plugins; a link that a person clicks opens a page of its own.
SANDBOX: Final = "allow-popups allow-popups-to-escape-sandbox"
POLICY: Final = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    f"frame-ancestors 'self'; sandbox {SANDBOX}"
)
RAW_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"
MAX_PICTURES: Final = 24 * 1024 * 1024  # bytes of all pictures inside one copy; more are left out, with a line
SHOWN: Final = frozenset(("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"))  # never SVG

_DROPPED = (
    "script, iframe, frame, frameset, object, embed, applet, portal, form, input, button, select, textarea, link, "
    "base, meta[http-equiv], template, svg, math, video, audio, source, noscript"
)
_SENDING = frozenset(("srcset", "ping", "background", "action", "formaction"))


def shown_copy(archive: Archive, capture: Capture) -> str | None:
    """The readable copy of a capture, else one made of its text; None where there is neither. Raises ArchiveDamaged."""
    readable = archive.readable(capture.id)
    if not readable:
        text = archive.text(capture.id)
        if not text:
            return None
        facts = Page(title=capture.title, author=capture.author, published=capture.published, text=text)
        readable = readable_html(facts, capture.url, capture.at)
    return harmless(readable, dict(_pictures(archive, capture.id)))


def _pictures(archive: Archive, ident: int) -> Iterable[tuple[str, str]]:
    """Address and `data:` URL of the pictures that were kept with a capture."""
    left = MAX_PICTURES
    for image in archive.images(ident):
        if image.content_type not in SHOWN or image.size > left:
            continue
        body = archive.image(image.digest)
        if body:
            left -= len(body)
            yield image.url, f"data:{image.content_type};base64,{base64.b64encode(body).decode()}"


def harmless(document: str, pictures: Mapping[str, str]) -> str:
    """A document without anything that runs, loads, or sends; `pictures`: `data:` URLs by address."""
    tree = LexborHTMLParser(document)
    for node in tree.css(_DROPPED):
        node.decompose()
    for node in tree.css("*"):
        for name in list(node.attributes):
            if name.lower().startswith("on") or name.lower() in _SENDING:
                del node.attrs[name]
    for image in tree.css("img"):
        _place(image, pictures)
    for link in tree.css("a[href], area[href]"):
        if is_http(link.attributes.get("href") or ""):
            link.attrs["target"] = "_blank"
            link.attrs["rel"] = "noreferrer noopener"
        elif not (link.attributes.get("href") or "").startswith("#"):
            del link.attrs["href"]
    return tree.html or ""


def _place(image: LexborNode, pictures: Mapping[str, str]) -> None:
    """The kept picture, or a line where it would be, with the address that it had."""
    source = image.attributes.get("src") or ""
    if source in pictures:
        image.attrs["src"] = pictures[source]
        return
    if source.startswith("data:image/") and not source.startswith("data:image/svg"):
        return
    what = escape((image.attributes.get("alt") or "picture")[:200])
    href = f' href="{escape(source)}"' if is_http(source) else ""
    line = LexborHTMLParser(f"<a{href}>[{what}: not kept]</a>").css_first("a")
    assert line is not None
    image.replace_with(line)

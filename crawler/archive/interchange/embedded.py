"""Pictures that came with a saved page, brought under addresses by which the page's readable copy shows them.

A saved page names its pictures in five ways: `data:` URLs, SingleFile's style variables, `cid:` of MHTML, files beside
it, and the addresses of the web. Pure but for `beside`, which reads a file that the page names.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, unquote_to_bytes

from crawler.archive.interchange.saved import SavedImage, SavedPage
from crawler.core.url import is_http, join, normalize, without_fragment
from crawler.page.document import Document
from crawler.page.images import LAZY

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

Beside = Callable[[str], bytes | None]

MAX_PICTURES: Final = 500  # of one page
MAX_ELEMENTS: Final = 5_000  # img elements of one page
MAX_PICTURE: Final = 64 * 1024 * 1024  # bytes of one picture
MADE_UP: Final = "https://saved-picture.invalid/"  # RFC 2606: leads nowhere, for ever; for pictures without an address
_DATA = re.compile(r"data:(image/[\w.+-]{1,60})((?:;[^,;]{0,100}){0,5}),(.*)", re.DOTALL | re.IGNORECASE)
_VARIABLE = re.compile(r"(--sf-img-\d{1,6})\s*:\s*url\(\s*[\"']?(data:[^\"')]*)")
_USE = re.compile(r"var\((--sf-img-\d{1,6})\)")
_SUFFIX: Final = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp",
                  "image/svg+xml": "svg", "image/avif": "avif"}  # fmt: skip
_TINY = 100  # bytes; a data URL below it is the place-holder of a lazy loader
_HINTS = (b"data:image", b"cid:", b"<img", b"<IMG")


def with_pictures(page: SavedPage, beside: Beside) -> SavedPage:
    """The page with every picture that came along under a web address, and `shown` where its markup had to change.

    `beside` gives the bytes of a file that the page names relatively; None for what is not there.
    """
    if not page.content_type.lower().startswith(("text/html", "application/xhtml")):
        return page
    if not any(hint in page.body for hint in _HINTS):
        return page
    document = Document(page.body, page.content_type, page.url or "")
    album = _Album(page, beside, dict(_VARIABLE.findall(document.html)) if "--sf-img-" in document.html else {})
    for node in document.tree.css("img")[:MAX_ELEMENTS]:
        album.take(node)
    shown = (document.tree.html or "").encode("utf-8", "replace") if album.changed else b""
    return replace(page, images=tuple(album.images.values()), shown=shown)


@dataclass(slots=True)
class _Album:
    page: SavedPage
    beside: Beside
    variables: dict[str, str]
    images: dict[str, SavedImage] = field(default_factory=dict)
    changed: bool = False
    _came: dict[str, SavedImage] = field(default_factory=dict)
    _base: str = ""

    def __post_init__(self) -> None:
        self._base = self.page.url or ""
        for image in self.page.images:
            self._came[_plain(image.url)] = image
            if is_http(image.url):
                self.images[image.url] = image

    def take(self, node: LexborNode) -> None:
        """Keep the picture of one element, where it came along."""
        given = node.attributes
        source = (given.get("src") or "").strip()
        style = given.get("style") or ""
        if self.variables and (used := _USE.search(style)):
            source = self.variables.get(used[1], source)
        if not source or len(self.images) >= MAX_PICTURES:
            return
        found = self._found(source)
        if found is None:
            return
        lazy = next((url for name in LAZY if is_http(url := (given.get(name) or "").strip())), "")
        if is_http(source):
            address = _joined(self._base, lazy)
            if address and address not in self.images:
                self.images[address] = replace(found, url=address)
            return
        if is_http(found.url) and not lazy:
            return  # a relative address, under which the page shows it as it is
        address = _joined(self._base, lazy) or made_up(found)
        self.images.setdefault(address, replace(found, url=address))
        if not lazy:
            self._point(node, address)

    def _point(self, node: LexborNode, address: str) -> None:
        """Let the element show the picture by its new address, and by nothing else."""
        for name in ("srcset", "data-srcset", *LAZY):
            if name in node.attributes:
                del node.attrs[name]
        node.attrs["src"] = address
        parent = node.parent
        if parent is not None and parent.tag == "picture":
            for other in parent.css("source"):
                other.decompose()
        self.changed = True

    def _found(self, source: str) -> SavedImage | None:
        """The picture that a source stands for, where it came with the page."""
        if source[:5].lower() == "data:":
            return _of_data(source)
        if (came := self._came.get(_plain(source))) is not None:
            return came
        if is_http(source) or source[:2] == "//":
            return self._came.get(_plain(_joined(self._base, source)))
        joined = self._came.get(_plain(_joined(self._base, source))) if self._base else None
        if joined is not None or ":" in source[:12]:
            return joined
        name = unquote(source.partition("#")[0].partition("?")[0]).removeprefix("./")
        if (came := self._came.get(name)) is not None:
            return came
        body = self.beside(name)
        return SavedImage(source, "", body) if body else None


def made_up(image: SavedImage) -> str:
    """An address for a picture that has none, its ending taken from its bytes."""
    suffix = _SUFFIX.get(image.content_type.partition(";")[0].strip().lower(), "")
    return f"{MADE_UP}{hashlib.sha256(image.body).hexdigest()[:32]}{'.' if suffix else ''}{suffix}"


def _of_data(url: str) -> SavedImage | None:
    found = _DATA.match(url) if len(url) < 2 * MAX_PICTURE else None
    if found is None:
        return None
    kind, parameters, data = found.groups()
    try:
        if parameters.lower().endswith(";base64"):
            body = base64.b64decode("".join(unquote(data).split()) + "==")
        else:
            body = unquote_to_bytes(data)
    except (binascii.Error, ValueError):
        return None
    return SavedImage("", kind.lower(), body) if len(body) >= _TINY else None


def _joined(base: str, target: str) -> str:
    if not target:
        return ""
    try:
        return join(base, target) if base else normalize(target)
    except ValueError:
        return ""


def _plain(url: str) -> str:
    """An address for comparing."""
    if not is_http(url):
        return url
    try:
        return without_fragment(normalize(url))
    except ValueError:
        return without_fragment(url)

"""`--epub FILE`: chosen articles as one book, for reading devices.

EPUB 3.3 (https://www.w3.org/TR/epub-33/): a zip of a package document, a list of contents and an XHTML file for each
article. Written here, since the library for it (ebooklib) is AGPL and brings lxml for what is a hundred lines.
"""

from __future__ import annotations

import re
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.archive.interchange.converting import HERE, Conversion, Workers, converted
from crawler.archive.interchange.names import picture_name
from crawler.archive.interchange.source import CaptureReader, Done, ExportedPage, Picture, new_file
from crawler.core.counts import Counted
from crawler.core.errors import UsageError
from crawler.core.url import is_http

_TYPES: Final = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp"}  # core media types
_ATTRIBUTES: Final = frozenset("href src alt title colspan rowspan datetime start".split())
_VOID: Final = frozenset(("br", "hr", "img"))
_NAME: Final = re.compile(r"[a-z][a-z0-9]{0,20}")
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
_MAX_NODES: Final = 500_000

_CONTAINER: Final = (
    '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
_PAGE: Final = (
    '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml"'
    ' xmlns:epub="http://www.idpf.org/2007/ops"><head><title>{title}</title></head><body>{body}</body></html>\n'
)


def write_epub(
    out: Path, reader: CaptureReader, now: datetime, title: str = "Kept pages", workers: Workers = HERE
) -> Done:
    """Write the newest capture of each article as one book; nothing is written, or replaced, where there is none.

    Raises UsageError where `out` is a folder, ArchiveError where it cannot be written.
    """
    if out.is_dir():
        raise UsageError(f"{out}: is a folder; --epub needs the name of a file")
    left_out: list[str] = []
    pages = _readable(reader, left_out)
    first = next(pages, None)
    if first is None:
        return Done(0, (), tuple(reader.damaged), tuple(left_out))
    with new_file(out) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as book:
        # OCF 4.2.2: the first member, stored, so that the kind of file is known by bytes at a fixed place
        book.writestr(zipfile.ZipInfo("mimetype", now.timetuple()[:6]), "application/epub+zip", zipfile.ZIP_STORED)
        book.writestr("META-INF/container.xml", _CONTAINER)
        made = _Book(book, title, now)
        conversions = (Conversion(page, made.paths(page), None) for page in chain((first,), pages))
        for job, body in converted(reader, xhtml, conversions, workers):
            made.add(job.page, body)
        made.close()
    return Done(made.pages, (out,), tuple(reader.damaged), (*left_out, *reader.notices_left_out()))


def _readable(reader: CaptureReader, left_out: list[str]) -> Iterator[ExportedPage]:
    older = 0
    for captures in reader.articles():
        page = reader.load(captures[0])
        if page and (page.readable or page.text):
            yield page
        elif page:
            left_out.append(f"{page.capture.url}: no text of it was kept; --html hands on its bytes")
        older += len(captures) - 1
    if older:
        left_out.append(f"{Counted(older):older version} of articles; --html, --wacz and --warc hold all")


class _Book:
    """A book in the making: its members, and what lists them."""

    def __init__(self, book: zipfile.ZipFile, title: str, now: datetime) -> None:
        self._book = book
        self._title = title
        self._now = now
        self._entries: list[tuple[str, str]] = []  # file, title
        self._pictures: dict[str, str] = {}  # file -> media type
        self._seeds: list[str] = []

    @property
    def pages(self) -> int:
        """How many articles are in it."""
        return len(self._entries)

    def paths(self, page: ExportedPage) -> dict[str, str]:
        """Where the book holds a page's pictures, by URL; those that no reading device shows are left out."""
        return {picture.url: path for picture in page.pictures if (path := _place(picture)[0])}

    def add(self, page: ExportedPage, body: str) -> None:
        """One article, its body as XHTML, and its pictures."""
        name = f"{len(self._entries) + 1:05d}.xhtml"
        title = page.capture.title or page.capture.url
        for picture in page.pictures:
            self._add_picture(picture)
        self._book.writestr(f"OEBPS/{name}", _PAGE.format(title=_text(title), body=body).encode())
        self._entries.append((name, title))
        self._seeds.append(f"{page.capture.canonical_url} {page.capture.digest}")

    def _add_picture(self, picture: Picture) -> None:
        path, media = _place(picture)
        if path and path not in self._pictures:
            self._pictures[path] = media
            self._book.writestr(f"OEBPS/{path}", picture.body, zipfile.ZIP_STORED)

    def close(self) -> None:
        """Write the list of contents and the package document."""
        items = "".join(f'<li><a href="{name}">{_text(title)}</a></li>' for name, title in self._entries)
        nav = f'<nav epub:type="toc"><h1>{_text(self._title)}</h1><ol>{items}</ol></nav>'
        self._book.writestr("OEBPS/nav.xhtml", _PAGE.format(title=_text(self._title), body=nav).encode())
        self._book.writestr("OEBPS/content.opf", self._package().encode())

    def _package(self) -> str:
        ident = uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(self._seeds))
        pages = "".join(
            f'<item id="p{n}" href="{name}" media-type="application/xhtml+xml"/>'
            for n, (name, _) in enumerate(self._entries)
        )
        pictures = "".join(
            f'<item id="i{n}" href="{path}" media-type="{media}"/>'
            for n, (path, media) in enumerate(self._pictures.items())
        )
        spine = "".join(f'<itemref idref="p{n}"/>' for n in range(len(self._entries)))
        return (
            '<?xml version="1.0" encoding="utf-8"?>\n<package xmlns="http://www.idpf.org/2007/opf" version="3.0"'
            ' unique-identifier="id"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f'<dc:identifier id="id">urn:uuid:{ident}</dc:identifier><dc:title>{_text(self._title)}</dc:title>'
            f'<dc:language>und</dc:language><meta property="dcterms:modified">{self._now:%Y-%m-%dT%H:%M:%SZ}</meta>'
            '</metadata><manifest><item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
            f"{pages}{pictures}</manifest><spine>{spine}</spine></package>\n"
        )


def _place(picture: Picture) -> tuple[str, str]:
    """Path in the book and media type of a picture; "" where EPUB has none for its kind."""
    name = picture_name(picture.digest, picture.content_type)
    media = _TYPES.get(name.rpartition(".")[2], "")
    return (f"images/{name}", media) if media else ("", "")


def _text(text: str) -> str:
    return escape(_NO_XML.sub("", text))


def xhtml(readable: str, pictures: Mapping[str, str]) -> str:
    """The article of a readable copy as well-formed XHTML; pictures by the paths given, others as their words."""
    tree = LexborHTMLParser(readable)
    root = tree.css_first("article") or tree.body
    parts: list[str] = []
    open_tags: list[str] = []
    node: LexborNode | None = root
    for _ in range(_MAX_NODES):
        if node is None:
            break
        child = _begin(node, pictures, parts, open_tags)
        while child is None and node is not None and open_tags:
            if node.next is not None and root is not None and node.mem_id != root.mem_id:
                child = node.next
                break
            node = node.parent
            parts.append(open_tags.pop())
        node = child
    parts.extend(reversed(open_tags))
    return "".join(parts)


def _begin(node: LexborNode, pictures: Mapping[str, str], parts: list[str], open_tags: list[str]) -> LexborNode | None:
    """Write the beginning of a node; its first child where one is to be written next."""
    tag = node.tag or ""
    if tag == "-text":
        parts.append(_text(node.text_content or ""))
        return None
    if not _NAME.fullmatch(tag) or tag in ("script", "style"):
        return None
    if tag == "img":
        source = node.attributes.get("src") or ""
        if source not in pictures:
            parts.append(_text(f"[{node.attributes.get('alt') or 'picture'}: not kept]"))
            return None
    attributes = _attributes(node, tag, pictures)
    if tag in _VOID or node.child is None:
        parts.append(f"<{tag}{attributes}/>" if tag in _VOID else f"<{tag}{attributes}></{tag}>")
        return None
    parts.append(f"<{tag}{attributes}>")
    open_tags.append(f"</{tag}>")
    return node.child


def _attributes(node: LexborNode, tag: str, pictures: Mapping[str, str]) -> str:
    found = []
    for name, value in node.attributes.items():
        if name not in _ATTRIBUTES or value is None or (name == "href" and not is_http(value)):
            continue
        found.append(f" {name}={quoteattr(_NO_XML.sub('', pictures.get(value, value) if name == 'src' else value))}")
    if tag == "img" and "alt" not in node.attributes:
        found.append(' alt=""')
    return "".join(found)

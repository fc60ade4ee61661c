"""`--html DIR`: a folder that opens from disk in any browser: a list with search, and a page for each article.

Nothing in it loads from the network: pictures that were not kept become a line that says so. Search texts lie in
scripts, because a page from disk may not read other files in any other way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.archive.interchange.names import page_name, picture_name
from crawler.archive.interchange.source import CaptureReader, Done, ExportedPage, write_file
from crawler.core import model
from crawler.core.errors import UsageError
from crawler.core.url import is_http
from crawler.page import readable_html

TEXT_CHARS: Final = 20_000  # of one page that are searched; a long article has ten thousand
CHUNK_CHARS: Final = 4_000_000  # of one search script; what a browser reads in a blink
POLICY: Final = "default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'"


def write_html(folder: Path, reader: CaptureReader, now: datetime, title: str = "Kept pages") -> Done:
    """Write or renew index.html, pages/, images/ and the search scripts.

    Pages that say the same as before are not touched. Raises UsageError where `folder` is a file, ArchiveError where
    it cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file; --html needs the name of a folder")
    written: list[Path] = []
    rows: list[str] = []
    texts = _Texts(folder)
    for page in reader.latest():
        if not page.readable and not page.text:
            continue  # a file of another kind: `--warc` and `--wacz` hand on its bytes
        name = f"pages/{page_name(page.capture.canonical_url)}.html"
        pictures = write_pictures(folder, page)
        document = local_document(
            page.readable or plain_copy(page), {url: f"../../{path}" for url, path in pictures.items()}
        )
        written.append(write_file(folder / name, document.encode("utf-8", "replace")))
        rows.append(_row(page, name))
        texts.add(page)
    scripts = texts.close()
    write_file(folder / "search.js", _asset("search.js").encode())
    index = write_file(folder / "index.html", _index(title, now, rows, scripts).encode("utf-8", "replace"))
    return Done(len(rows), (index, *written), tuple(reader.damaged))


def write_pictures(folder: Path, page: ExportedPage) -> dict[str, str]:
    """Write a page's pictures to `images/`; URL -> path from the folder."""
    found: dict[str, str] = {}
    for picture in page.pictures:
        path = f"images/{picture_name(picture.digest, picture.content_type)}"
        write_file(folder / path, picture.body)
        found[picture.url] = path
    return found


def plain_copy(page: ExportedPage) -> str:
    """A copy made of the text, for a capture that was kept without one."""
    capture = page.capture
    facts = model.Page(title=capture.title, author=capture.author, published=capture.published, text=page.text)
    return readable_html(facts, capture.url, capture.at)


def local_document(readable: str, pictures: Mapping[str, str]) -> str:
    """A readable copy whose pictures are files beside it; it loads nothing else."""
    tree = LexborHTMLParser(readable)
    for meta in tree.css('meta[http-equiv="Content-Security-Policy"]'):
        meta.attrs["content"] = POLICY
    for image in tree.css("img"):
        source = image.attributes.get("src") or ""
        if source in pictures:
            image.attrs["src"] = pictures[source]
        elif not source.startswith("data:"):
            image.replace_with(_told_of(image.attributes.get("alt") or "picture", source))
    return tree.html or ""


def _told_of(what: str, source: str) -> LexborNode:
    """A line where a picture would be, with the address that it had."""
    href = escape(source) if is_http(source) else ""
    link = f'<a href="{href}" rel="noreferrer noopener">[{escape(what[:200])}: not kept]</a>'
    node = LexborHTMLParser(link).css_first("a")
    assert node is not None
    return node


def _row(page: ExportedPage, name: str) -> str:
    capture = page.capture
    about = " · ".join(part for part in (capture.author, capture.host, f"{capture.at:%Y-%m-%d}") if part)
    label = escape(capture.title or capture.url)
    return (
        f'<li><a href="{escape(name)}">{label}</a> <span>{escape(about)}</span> '
        f'<a class="web" href="{escape(capture.url)}" rel="noreferrer noopener">{escape(capture.url)}</a></li>'
    )


class _Texts:
    """The texts to search, in scripts of some megabytes, in the order of the list."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._texts: list[str] = []
        self._size = 0
        self._names: list[str] = []

    def add(self, page: ExportedPage) -> None:
        text = " ".join(page.text[:TEXT_CHARS].split()).lower()
        self._texts.append(text)
        self._size += len(text)
        if self._size >= CHUNK_CHARS:
            self._write()

    def close(self) -> list[str]:
        """Write the rest; the names of all scripts."""
        self._write()
        return self._names

    def _write(self) -> None:
        if self._texts:
            name = f"search-{len(self._names) + 1:04d}.js"
            write_file(self._folder / name, f"searchTexts.push({json.dumps(self._texts)});\n".encode())
            self._names.append(name)
            self._texts, self._size = [], 0


def _index(title: str, now: datetime, rows: list[str], scripts: list[str]) -> str:
    facts = {
        "title": escape(title),
        "count": f"{len(rows):,}",
        "date": f"{now:%Y-%m-%d}",
        "scripts": escape(json.dumps(scripts)),
        "rows": "\n".join(rows),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: facts[found[1]], _asset("index.html"))


def _asset(name: str) -> str:
    return files("crawler.archive.interchange").joinpath("templates", name).read_text(encoding="utf-8")

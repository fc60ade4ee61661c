"""What a body is, by content type and first bytes, and how what is no HTML becomes a Page.

One reader for each kind: text, PDF, feeds, JSON, pictures. Whatever is kept has a name and words by which it is found.
Nothing raises on hostile input; a body that a reader cannot read keeps its name, and `limited` says why.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from html import escape
from io import BytesIO
from urllib.parse import unquote

import msgspec

from crawler.core.model import Page
from crawler.core.url import is_http
from crawler.page.document import Document

MAX_TEXT = 2_000_000  # characters of text kept of one file
MAX_LINES = 20_000  # of JSON
TITLE = 120  # characters up to which a first line is taken for a title


class FileKind(StrEnum):
    """What a body is to a reader."""

    HTML = "html"
    TEXT = "text"
    PDF = "pdf"
    FEED = "feed"
    JSON = "json"
    PICTURE = "picture"
    OTHER = "other"


_TEXTS = frozenset(
    "text/plain text/markdown text/x-markdown text/csv text/tab-separated-values text/x-rst text/x-python "
    "text/x-c text/css "
    "text/javascript application/javascript application/x-yaml text/yaml application/toml text/x-tex application/x-tex "
    "text/org text/vtt application/x-subrip application/x-ndjson text/x-diff text/x-sh application/x-sh".split()
)
_XML = re.compile(rb"\s*(?:<\?xml[^>]{0,200}>)?\s*(?:<!--.{0,2000}?-->\s*)*<(?:rss|feed|rdf:RDF|channel)\b", re.DOTALL)
_PICTURES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"\x00\x00\x01\x00")
_UNNAMED = frozenset(
    ("", "application/octet-stream", "binary/octet-stream", "application/x-download", "unknown/unknown")
)


def kind_of(document: Document) -> FileKind:
    """By the content type where it says something, else by the first bytes; a PDF is one whatever it is called."""
    name = document.content_type.partition(";")[0].strip().lower()
    start = document.body[:4_096]
    if document.is_html:
        return FileKind.HTML
    if b"%PDF-" in start[:1_024]:
        return FileKind.PDF
    if name.startswith("image/") or (name in _UNNAMED and _is_picture(start)):
        return FileKind.PICTURE
    if "\0" in start.decode("latin-1") and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return FileKind.OTHER
    may_be_xml = "xml" in name or name == "text/plain" or name in _UNNAMED
    if "rss" in name or "atom+xml" in name or (may_be_xml and _XML.match(start)):
        return FileKind.FEED
    if name.endswith(("/json", "+json")) or (name in _UNNAMED and start.lstrip()[:1] in (b"{", b"[")):
        return FileKind.JSON
    if name in _TEXTS or (name.startswith("text/") and name != "text/html") or name.endswith("/xml"):
        return FileKind.TEXT
    return FileKind.OTHER


def _is_picture(start: bytes) -> bool:
    return (
        start.startswith(_PICTURES) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP") or start[4:12] == b"ftypavif"
    )


def read_file(document: Document, url: str) -> Page:
    """A Page of a body that is no HTML; empty for kinds that have no words (archives, films)."""
    reader = _READERS.get(kind_of(document))
    if reader is None:
        return Page()
    page = reader(document, url)
    return page if page.title else replace(page, title=file_name(url))


def file_name(url: str) -> str:
    """The last step of a URL's path, as a name for what has none; "" where there is none."""
    path = url.partition("#")[0].partition("?")[0].partition("://")[2]
    return " ".join(unquote(path.partition("/")[2].rstrip("/").rpartition("/")[2], errors="replace").split())[:200]


def of_bytes(body: bytes) -> str:
    """The digest of what has no text to compare."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def preformatted(text: str) -> str:
    """Lines as they are."""
    return f"<pre>{escape(text)}</pre>"


def _read_text(document: Document, _url: str) -> Page:
    text = "\n".join(line.rstrip() for line in document.html[:MAX_TEXT].splitlines()).strip("\n")
    return Page(title=_first_line(text), text=text, html=preformatted(text), charset=document.charset)


def _first_line(text: str) -> str:
    """The first line where it can be a title: a Markdown heading, or a short line that stands alone."""
    lines = [line.strip() for line in text[:4_000].splitlines()[:20]]
    heading = next((line for line in lines if re.match(r"#{1,2}\s+\S", line)), "")
    if heading:
        return heading.strip("# ")[:TITLE]
    first = next((line for line in lines if line), "")
    alone = lines.index(first) + 1 >= len(lines) or not lines[lines.index(first) + 1].strip("=-~ ")
    return first if alone and len(first) <= TITLE and any(letter.isalpha() for letter in first) else ""


def _read_json(document: Document, _url: str) -> Page:
    try:
        data = msgspec.json.decode(document.html[:MAX_TEXT].encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return _read_text(document, _url)
    lines: list[str] = []
    _flatten(data, "", lines)
    named = data if isinstance(data, dict) else {}
    title = next((named[key] for key in ("title", "name", "headline") if isinstance(named.get(key), str)), "")
    try:
        shown = msgspec.json.format(msgspec.json.encode(data), indent=2).decode()
    except (RecursionError, ValueError):
        shown = document.html
    return Page(
        title=" ".join(title.split())[:TITLE],
        text="\n".join(lines),
        html=preformatted(shown[:MAX_TEXT]),
        charset=document.charset,
    )


def _flatten(data: object, name: str, lines: list[str]) -> None:
    """A line for each value, with its path; by a stack, for depth is the web's choice."""
    waiting = [(name, data)]
    while waiting and len(lines) < MAX_LINES:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{path}.{key}" if path else str(key), inner) for key, inner in reversed(value.items())]
        elif isinstance(value, list):
            waiting += [(path, inner) for inner in reversed(value)]
        elif value is not None and value != "":
            lines.append(f"{path}: {value}" if path else str(value))


def _read_picture(document: Document, url: str) -> Page:
    import imagesize

    kind = document.content_type.partition(";")[0].strip() or "picture"
    try:
        width, height = imagesize.get(BytesIO(document.body))
    except (ValueError, OSError, SyntaxError):
        width = height = -1
    size = f", {width} x {height}" if width > 0 and height > 0 else ""
    name = file_name(url)
    return Page(
        text="\n".join(filter(None, (name, f"{kind}{size}"))),
        digest=of_bytes(document.body),
        images=(url,) if is_http(url) else (),
        html=f'<p><img src="{escape(url)}" alt="{escape(name)}"></p>' if is_http(url) else "",
    )


def _read_pdf(document: Document, _url: str) -> Page:
    from crawler.page.pdf import read_pdf

    return read_pdf(document.body)


def _read_feed(document: Document, url: str) -> Page:
    from crawler.page.feeds import read_feed

    return read_feed(document, url) or _read_text(document, url)


_READERS: dict[FileKind, Callable[[Document, str], Page]] = {
    FileKind.TEXT: _read_text,
    FileKind.JSON: _read_json,
    FileKind.FEED: _read_feed,
    FileKind.PICTURE: _read_picture,
    FileKind.PDF: _read_pdf,
}

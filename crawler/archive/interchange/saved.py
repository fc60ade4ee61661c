"""Pages that a person saved by hand: what browsers and SingleFile write, read back as a page with its pictures.

Pure: bytes in, `SavedPage` out. Reading files is the caller's work, who asks `check_size` before; zip files may hold
several pages (`zipped`), and WARC, WACZ and HAR are archives of many (`incoming`, `har`). Everything in a file may lie:
its address is never believed over the one that the user gives.
"""

from __future__ import annotations

import plistlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import CloseBoundaryNotFoundDefect
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any
from xml.parsers.expat import ExpatError

from crawler.core.errors import UsageError
from crawler.core.model import Redirect
from crawler.core.url import is_http, join
from crawler.page.charset import wide_charset
from crawler.page.document import Document
from crawler.page.kinds import FileKind, kind_of

MAX_FILE = 128 * 1024 * 1024  # bytes; a saved page with sixty large photos has a hundred megabytes
MAX_PARTS = 5_000  # of one file; a page with more resources was not read by anybody
FORMS = "HTML, MHTML, SingleFile, .webarchive, PDF, WARC, ARC, WACZ and HAR"
_BY_NAME = {  # what is no page but kept all the same, where its bytes agree
    "txt": "text/plain", "text": "text/plain", "md": "text/markdown", "markdown": "text/markdown", "csv": "text/csv",
    "tsv": "text/tab-separated-values", "rst": "text/x-rst", "org": "text/org", "json": "application/json",
    "xml": "text/xml", "rss": "application/rss+xml", "atom": "application/atom+xml",
}  # fmt: skip
DOCUMENTS = frozenset(("pdf", *_BY_NAME))  # endings of files that are kept as they are, pictures aside
_PACKED = {  # first bytes -> what it is packed with, and what unpacks it
    b"\x04\x22\x4d\x18": "lz4 (`lz4 -d`)", b"BZh": "bzip2 (`bunzip2`)", b"\xfd7zXZ\0": "xz (`unxz`)",
    b"7z\xbc\xaf\x27\x1c": "7-Zip (`7z x`)", b"Rar!": "RAR (`unrar x`)",
}  # fmt: skip
HEAD = 64 * 1024  # bytes at the beginning in which a saver's own remarks stand


@dataclass(frozen=True, slots=True)
class SavedImage:
    """A picture that came with the page; `url` is what the page calls it, absolute or "cid:…"."""

    url: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class SavedPage:
    """What was saved. None: the file does not say."""

    url: str | None
    saved_at: datetime | None
    body: bytes  # HTML; PDF where the content type says so
    content_type: str
    images: tuple[SavedImage, ...] = ()
    shown: bytes = b""  # UTF-8 HTML to be read in place of `body`, where pictures got new addresses; b"": `body`
    redirects: tuple[Redirect, ...] = ()  # that led to `url`, the asked address first
    flaws: tuple[str, ...] = ()  # what of it is damaged or missing
    source: str = ""  # the address in another archive that it was brought from


def check_size(name: str, size: int) -> None:
    """Refuse what is too large to be a saved page, before it is read. Raises UsageError."""
    if size > MAX_FILE:
        raise UsageError(f"{name}: {size / 2**20:,.0f} MB; a saved page of at most {MAX_FILE >> 20} MB can be imported")


def read_saved(name: str, data: bytes) -> SavedPage:
    """The page in a file: MHTML, SingleFile, Safari's web archive, plain HTML, or another file that is kept as it is.

    `name` is only for messages; what the file is, its bytes say. Raises UsageError where they say nothing we know.
    """
    check_size(name, len(data))
    head = data[:HEAD].lstrip(b"\xef\xbb\xbf\r\n\t ")
    try:
        if head.startswith(b"bplist00") or (head.startswith(b"<?xml") and b"<!DOCTYPE plist" in head[:1024]):
            return _web_archive(name, data)
        if _is_mhtml(head):
            return _mhtml(name, data)
        if head.startswith(b"%PDF-"):
            return SavedPage(None, None, data, "application/pdf")
    except (LookupError, RecursionError, ExpatError, ValueError) as error:
        raise UsageError(f"{name}: damaged, or not what it says it is: {error}") from error
    kind = _kind_of_file(name, data[:HEAD])
    if _is_html(data[:HEAD]) and not (kind.endswith(("json", "+xml"))):
        return html_page(data)
    if kind:
        return SavedPage(None, None, data, kind)
    packed = next((how for magic, how in _PACKED.items() if data.startswith(magic)), "")
    if packed:
        raise UsageError(f"{name}: is packed with {packed}: unpack it first")
    if not data:
        raise UsageError(f"{name}: no saved page: it is empty")
    raise UsageError(f"{name}: no saved page; {FORMS} can be imported, and text, feeds, JSON and pictures with --url")


def _kind_of_file(name: str, head: bytes) -> str:
    """The content type of a text, feed, JSON file or picture, which are kept as they are; "" for anything else."""
    suffix = name.rpartition(".")[2].lower()
    if suffix in IMAGE_TYPES:
        shown = b"<svg" in head if suffix == "svg" else kind_of(Document(head)) is FileKind.PICTURE
        return IMAGE_TYPES[suffix] if shown else ""
    named = _BY_NAME.get(suffix, "")
    found = kind_of(Document(head, named)) if named else FileKind.OTHER
    if found is FileKind.FEED:
        return "application/rss+xml"
    return named if found in (FileKind.TEXT, FileKind.JSON) else ""


_TAG = re.compile(rb"<\s*(?:!doctype|html|head|body|title|meta|article|div|p|!--)", re.IGNORECASE)
_SAVED_FROM = re.compile(rb"<!--\s*saved from url=\(\d{4,}\)(\S+?)\s*-->")
# Today's remark, and that of 2018, which an option still writes; another leaves out the date.
_SINGLE_FILE = re.compile(
    rb"(?:Page saved with|Archive processed by) SingleFile\w*\s+url:[ \t]*(\S+)"
    rb"(?:\s+saved date:[ \t]*([^\r\n]{1,100}))?"
)
_SAVE_PAGE = re.compile(rb"""<meta name="savepage-(url|date)" content="([^"]{1,4000})\"""")
_SCRAP_BOOK = re.compile(rb"""\sdata-scrapbook-(source|create)="([^"]{1,4000})\"""")
_HTML_TAG = re.compile(rb"(?i)<html\b[^>]{0,20000}")
_MONOLITH = re.compile(rb"<!-- Saved from (\S{1,4000}) at (\S{1,40}) using monolith")
_HTTRACK = re.compile(rb"<!-- Mirrored from (\S{1,4000}) by HTTrack[^>]{0,200}?, (\w{3}, [^>]{1,60}?) -->")
# What browsers, Pocket, Instapaper, Raindrop, Pinboard, Omnivore and their like hand out: links, and no page.
_BOOKMARKS = re.compile(rb"(?i)<!doctype netscape-bookmark-file|<title>\s*(?:pocket export|instapaper)")
_LINK_LIST = re.compile(
    rb"(?i)\A[^\n]{0,500}\b(?:url|href)\b[^\n]{0,500}\n[^\n]{0,2000}https?://|\"(?:url|uri|href|given_url|originalurl)\"\s*:\s*\"https?:"
)
_JS_DATE = re.compile(r"\w{3} (\w{3} \d\d \d{4} \d\d:\d\d:\d\d) GMT([+-]\d{4})")


def _is_html(head: bytes) -> bool:
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff")) or wide_charset(head)
    text = head.replace(b"\0", b"") if wide else head
    return _TAG.search(text) is not None and b"\0" not in text


def html_page(body: bytes) -> SavedPage:
    """HTML as it is, with what its saver wrote into it: most say from where, and many when; Firefox says neither."""
    head = body[:HEAD]
    address, at = _told(head)
    return SavedPage(address_of(unescape(address.decode("utf-8", "replace"))), at, body, "text/html")


def _told(head: bytes) -> tuple[bytes, datetime | None]:
    """Address and time, as SingleFile, Save Page WE, WebScrapBook, monolith, HTTrack, or Chrome and Edge write them."""
    if found := _SINGLE_FILE.search(head) or _MONOLITH.search(head):
        at = found[2] or b""
        return found[1], js_date(at) or _date(at.decode("ascii", "replace"))
    if told := dict(_SAVE_PAGE.findall(head)):
        return told.get(b"url", b""), js_date(told.get(b"date", b""))
    tag = _HTML_TAG.search(head)
    if tag and (told := dict(_SCRAP_BOOK.findall(tag[0]))):
        return told.get(b"source", b""), _date(told.get(b"create", b"")[:14].decode("ascii", "replace"))
    if found := _HTTRACK.search(head):
        address = found[1] if b"://" in found[1] else b"http://" + found[1]
        return address, mail_date(found[2].decode("ascii", "replace"))
    saved_from = _SAVED_FROM.search(head)
    return (saved_from[1] if saved_from else b""), None


def _date(written: str) -> datetime | None:
    """ISO 8601, also as fourteen digits; UTC where no zone is named."""
    try:
        digits = len(written) == 14 and written.isdigit()
        found = datetime.strptime(written, "%Y%m%d%H%M%S") if digits else datetime.fromisoformat(written)  # noqa: DTZ007
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def reads_as_links(page: SavedPage) -> str:
    """What to do with a list of links, which is no page of any address; "" for a page."""
    head = page.body[:HEAD]
    if page.content_type.startswith("text/html"):
        return "`crawler run` reads it as a note" if _BOOKMARKS.search(head) else ""
    listed = page.content_type in ("text/csv", "text/tab-separated-values", "application/json")
    how = "write its addresses into a .txt file, one a line, and `crawler run` reads them as those of a note"
    return how if listed and _LINK_LIST.search(head) else ""


def address_of(written: bytes | str | None) -> str | None:
    """What a saver wrote, where it is an address of the web."""
    text = written.decode("utf-8", "replace") if isinstance(written, bytes) else written or ""
    return text if is_http(text) else None


def js_date(written: bytes) -> datetime | None:
    """What JavaScript's Date prints: "Sat Nov 22 2025 12:34:56 GMT+0800 (China Standard Time)"."""
    found = _JS_DATE.match(written.decode("utf-8", "replace"))
    try:
        return datetime.strptime(f"{found[1]} {found[2]}", "%b %d %Y %H:%M:%S %z").astimezone(UTC) if found else None
    except (ValueError, OverflowError):
        return None


def _is_mhtml(head: bytes) -> bool:
    headers = head.replace(b"\r\n", b"\n").partition(b"\n\n")[0].lower()
    of_mail = b"multipart/related" in headers or b"mime-version:" in headers
    return b"content-type:" in headers and of_mail and not headers.startswith(b"<")


_MAIL_HEAD = re.compile(rb"(?:[^\r\n]+\r?\n)+")
_MAIL_LINE = re.compile(rb"[ \t]|[!-9;-~]+:|From ")


def _without_broken_lines(data: bytes) -> bytes:
    """A mail whose header goes on to its blank line: old Chrome wrote titles of several lines as they were."""
    head = _MAIL_HEAD.match(data, 0, HEAD)
    lines = head[0].splitlines(keepends=True) if head else []
    return b"".join(line for line in lines if _MAIL_LINE.match(line)) + data[head.end() if head else 0 :]


def _mhtml(name: str, data: bytes) -> SavedPage:
    message = BytesParser(policy=compat32).parsebytes(_without_broken_lines(data.lstrip(b"\xef\xbb\xbf\r\n\t ")))
    parts = [part for part in _parts(name, message) if not part.is_multipart()]
    root = _root(message, parts)
    if root is None:
        raise UsageError(f"{name}: this MHTML file holds no HTML page")
    location = _header(root, "Content-Location") or _header(message, "Snapshot-Content-Location")
    url = address_of(location) or address_of(_header(message, "Snapshot-Content-Location"))
    charset = root.get_content_charset()
    content_type = f"text/html; charset={charset}" if charset else "text/html"
    images = (_part_image(part, url) for part in parts if part.get_content_maintype() == "image")
    cut = any(isinstance(defect, CloseBoundaryNotFoundDefect) for defect in message.defects)
    flaws = ("it is cut off before its end; what came is taken",) if cut else ()
    found = tuple(image for image in images if image)
    return SavedPage(url, mail_date(str(message.get("Date", ""))), _payload(root), content_type, found, flaws=flaws)


def _parts(name: str, message: Message) -> Iterator[Message]:
    for number, part in enumerate(message.walk()):
        if number > MAX_PARTS:
            raise UsageError(f"{name}: more than {MAX_PARTS:,} parts; this is no saved page")
        yield part


def _root(message: Message, parts: list[Message]) -> Message | None:
    """The part that `start` names (RFC 2387), else the first HTML one."""
    start = str(message.get_param("start", "") or "")
    pages = [part for part in parts if part.get_content_type() in ("text/html", "application/xhtml+xml")]
    named = (part for part in pages if start and _header(part, "Content-ID") == start)
    return next(named, pages[0] if pages else None)


def _part_image(part: Message, base: str | None) -> SavedImage | None:
    location, ident = _header(part, "Content-Location"), _header(part, "Content-ID").strip("<>")
    try:
        url = join(base, location) if base and location else location
    except ValueError:
        url = ""
    if not url and not ident:
        return None
    return SavedImage(url or f"cid:{ident}", part.get_content_type(), _payload(part))


def _payload(part: Message) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _header(part: Message, name: str) -> str:
    return "".join(str(part.get(name, "")).split())


def mail_date(written: str) -> datetime | None:
    """As RFC 5322 writes it; UTC where no zone is named."""
    try:
        found = parsedate_to_datetime(written)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


IMAGE_TYPES = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
    "avif": "image/avif", "svg": "image/svg+xml", "bmp": "image/bmp", "ico": "image/x-icon",
}  # fmt: skip


def _web_archive(name: str, data: bytes) -> SavedPage:
    """Safari's property list: a main resource, and those that it shows."""
    archive = plistlib.loads(data)
    main = archive.get("WebMainResource") if isinstance(archive, dict) else None
    if not isinstance(main, dict) or not isinstance(main.get("WebResourceData"), bytes):
        raise UsageError(f"{name}: a property list that holds no page")
    charset = str(main.get("WebResourceTextEncodingName") or "")
    content_type = f"text/html; charset={charset}" if re.fullmatch(r"[\w.:-]{1,40}", charset) else "text/html"
    others = archive.get("WebSubresources")
    images = (_resource_image(other) for other in (others[:MAX_PARTS] if isinstance(others, list) else ()))
    url = address_of(_string(main, "WebResourceURL"))
    return SavedPage(url, None, main["WebResourceData"], content_type, tuple(image for image in images if image))


def _resource_image(resource: object) -> SavedImage | None:
    if not isinstance(resource, dict) or not isinstance(resource.get("WebResourceData"), bytes):
        return None
    kind, url = _string(resource, "WebResourceMIMEType"), _string(resource, "WebResourceURL")
    return SavedImage(url, kind, resource["WebResourceData"]) if kind.startswith("image/") and url else None


def _string(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    return value if isinstance(value, str) else ""

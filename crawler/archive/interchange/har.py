"""HAR files, as browsers' developer tools and proxies save them: the answers of a session, bodies included.

http://www.softwareishard.com/blog/har-12-spec/ ; only what a page needs is read. Writers differ: values may be null or
missing, bodies in base 64, still packed, or in files of their own (Playwright's `_file`), the whole in UTF-16.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from crawler.archive.interchange.answers import Answer, Answers, Say
from crawler.archive.interchange.foreign import date_of
from crawler.archive.interchange.incoming import decoded
from crawler.archive.interchange.saved import SavedPage
from crawler.archive.interchange.unpack import GZIP
from crawler.core.counts import Counted
from crawler.core.errors import UsageError
from crawler.core.url import is_http, join
from crawler.page.charset import decode

MAX_DAMAGE: Final = 200  # objects that begin as entries and cannot be read, before the rest of a file is left out
_ENTRY = re.compile(  # how an entry begins; within a string each quotation mark has a backslash before it
    r'\{\s*"(?:_[A-Za-z]\w{0,40}|startedDateTime|pageref|request|response|time|timings|cache|connection|serverIPAddress)"\s*:'
)
START: Final = 4096  # characters in which a HAR file says what it is
PACKED: Final = 256  # characters of a body by which text is told from what is still packed
_PAGES: Final = ("text/html", "application/xhtml", "application/pdf")
_NO_TEXT = re.compile("[\0-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")
_MARKUP = re.compile(r"\ufeff?\s*<")
_BASE64 = re.compile(r"[A-Za-z0-9+/_\s-]+=*\Z")  # of text without space round it
_BINARY: Final = ("image/", "application/pdf")
_URL_SAFE: Final = str.maketrans("-_", "+/")

Beside = Callable[[str], bytes | None]  # a file by the name that an entry has for it; None where it is not there


class _Header(msgspec.Struct):
    name: Any = ""
    value: Any = ""


class _Content(msgspec.Struct):
    mimeType: Any = ""  # noqa: N815 - HAR's names
    text: Any = ""
    encoding: Any = ""
    file: Any = msgspec.field(default="", name="_file")


class _Request(msgspec.Struct):
    url: str = ""
    method: str = "GET"


class _Response(msgspec.Struct):
    status: int | None = 0
    headers: list[_Header] | None = None
    content: _Content | None = None
    redirectURL: Any = ""  # noqa: N815


class _Entry(msgspec.Struct):
    request: _Request
    response: _Response | None  # null or without a status where nothing was answered
    startedDateTime: Any = ""  # noqa: N815


class _Log(msgspec.Struct):
    entries: list[msgspec.Raw]


class _Har(msgspec.Struct):
    log: _Log


def is_har(name: str, head: bytes) -> bool:
    """Whether a file begins as HAR does, in any of Unicode's encodings, or as JSON under a name of HAR."""
    start = _text(head).lstrip("\ufeff \t\r\n")[:START]
    return start.startswith("{") and ('"log"' in start or name.lower().endswith(".har"))


def _text(data: bytes) -> str:
    """JSON as text; UTF-16 and UTF-32 are told by their zeros, with and without a byte order mark."""
    return data.decode(json.detect_encoding(data), "replace")


def _in_utf8(data: bytes, lost: Say, note: Say) -> bytes:
    """The bytes in UTF-8, whatever they are in: editors and some proxies write a charset of their own."""
    name: str = json.detect_encoding(data)
    try:
        text = data.decode(name)
    except UnicodeDecodeError:
        text, name = decode(data) if name.startswith("utf-8") else (data.decode(name, "replace"), name)
        if name == "utf-8" and text.replace("\ufffd", "").isascii():  # each byte beyond ASCII is a letter of its own
            text, name = data.decode("cp1252", "replace"), "windows-1252"
        if name.startswith("utf"):
            lost("some of its characters are broken, and are left out")
        else:
            note(f"it is not written in UTF-8, and was read as {name}")
    else:
        if name == "utf-8":
            return data
    return text.encode("utf-8", "surrogatepass")


def read_har(name: str, data: bytes, lost: Say, note: Say, beside: Beside = lambda _name: None) -> Iterator[SavedPage]:
    """The pages of a HAR file; of a damaged one all entries that are whole. Raises UsageError for what is none.

    `beside`: what an entry keeps in a file of its own.
    """
    with Answers() as answers:
        empty = 0
        for entry in _entries(name, data, lost, note):
            if entry.response and entry.request.method.upper() == "GET" and is_http(entry.request.url):
                empty += _add(entry, entry.response, answers, lost, beside)
        if empty:
            what = "page came without its content|pages came without their content"
            lost(f"{Counted(empty):{what}}; save the file as “HAR with content”")
        yield from answers.pages((), lost, note)


def _entries(name: str, data: bytes, lost: Say, note: Say) -> Iterable[_Entry]:
    """The entries of a file; one that is none is named. Raises UsageError for a file without any list of them."""
    data = _in_utf8(data, lost, note)
    try:
        found: list[Any] = list(msgspec.json.decode(data, type=_Har).log.entries)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:  # or it is laxly written
        text = data.decode("utf-8", "surrogatepass")
        try:
            found = json.loads(text, strict=False)["log"]["entries"]
        except (ValueError, LookupError, TypeError, RecursionError):
            entries = list(_whole_entries(text))
            if not entries:
                raise UsageError(f"{name}: damaged, or no HAR file: {error}") from error
            lost(f"damaged ({error}): its {Counted(len(entries)):whole entry is|whole entries are} taken")
            return entries
        if not isinstance(found, list):
            raise UsageError(f"{name}: damaged, or no HAR file: its entries are no list") from error
    return filter(None, (_read_entry(number, entry, lost) for number, entry in enumerate(found, 1)))


def _read_entry(number: int, entry: object, lost: Say) -> _Entry | None:
    try:
        if isinstance(entry, msgspec.Raw):
            return msgspec.json.decode(entry, type=_Entry, strict=False)
        return msgspec.convert(entry, _Entry, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        lost(f"its entry {number:,} cannot be read: {error}")
        return None


def _whole_entries(text: str) -> Iterator[_Entry]:
    """The entries that can be read of a file that is cut off, or damaged somewhere between them."""
    decode, at, left = json.JSONDecoder().raw_decode, 0, MAX_DAMAGE
    while left and (start := _ENTRY.search(text, at)):
        try:
            found, at = decode(text, start.start())
            yield msgspec.convert(found, _Entry, strict=False)
        except msgspec.ValidationError:
            continue  # a part of a damaged entry
        except (ValueError, RecursionError):
            at, left = start.end(), left - 1


def _add(entry: _Entry, response: _Response, answers: Answers, lost: Say, beside: Beside) -> bool:
    """Take one entry in; True where a page has no body."""
    content, url = response.content or _Content(), entry.request.url
    headers = {str(header.name).lower(): str(header.value) for header in response.headers or ()}
    kind = headers.get("content-type") or _string(content.mimeType)
    try:
        body, is_text = _body(url, kind, content, headers, beside)
    except UsageError as error:
        lost(str(error))
        return False
    if is_text and kind:
        kind = f"{kind.partition(';')[0].strip()}; charset=utf-8"  # JSON holds text: the browser decoded it
    target = _string(response.redirectURL) or headers.get("location", "")
    try:
        location = join(url, target) if target else ""
    except ValueError:
        location = ""
    # A page that was loaded again was not sent again: browsers write what they showed under the 304.
    status = 200 if response.status == 304 and body else response.status or 0
    answers.add(Answer(url, date_of(_string(entry.startedDateTime)), status, kind, location), body, lost)
    return status in (200, 304) and not body and kind.lower().startswith(_PAGES)


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _body(url: str, kind: str, content: _Content, headers: dict[str, str], beside: Beside) -> tuple[bytes, bool]:
    """The bytes of an answer, and whether they are text that was decoded. Raises UsageError.

    What is in base 64 is told by the text: Firefox said so of what was none, BrowserMob did not of what was.
    """
    text, encoding = _string(content.text), _string(content.encoding).strip().lower()
    if named := _string(content.file):
        if (found := beside(named)) is None:
            raise UsageError(f"the body of {url} lies in {named[:300]}, which is not beside the HAR file")
        return _unpacked(url, found, headers), False
    if encoding == "base64" and not _MARKUP.match(text):
        body = _from_base64(text)
        if body is None:
            raise UsageError(f"the body of {url} is damaged")
        return _unpacked(url, body, headers), False
    if encoding not in ("", "base64", "utf-8", "utf8", "text", "plain"):
        raise UsageError(f"the body of {url} is written in {encoding[:40]!r}, which nobody reads; only base64 is")
    if kind.lower().startswith(_PAGES) and _BASE64.match(text.strip()) and _is_page(page := _from_base64(text) or b""):
        return page, False
    if kind.lower().startswith(_BINARY) and not text.startswith("<"):
        try:
            return text.encode("latin-1"), False  # bytes that were taken for characters, one by one
        except UnicodeEncodeError:
            return text.encode("utf-8", "replace"), False
    packed = headers.get("content-encoding") or text.startswith("\x1f\x8b")
    if packed and _NO_TEXT.search(text, 0, PACKED):  # bytes that were taken for characters
        try:
            return _unpacked(url, text.encode("latin-1"), headers), False
        except UnicodeEncodeError:
            raise UsageError(_still_packed(url, headers)) from None
    return text.encode("utf-8", "replace"), True


def _from_base64(text: str) -> bytes | None:
    written = "".join(text.split()).translate(_URL_SAFE).rstrip("=")
    try:
        return base64.b64decode(written + "=" * (-len(written) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _is_page(body: bytes) -> bool:
    return body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"%PDF-"))


def _unpacked(url: str, body: bytes, headers: dict[str, str]) -> bytes:
    """A body without its content coding, which most writers undid and left in the headers. Raises UsageError."""
    coding = headers.get("content-encoding", "") or ("gzip" if body.startswith(GZIP) else "")
    if not coding or body.lstrip().startswith(b"<"):
        return body
    plain = decoded({"content-encoding": coding}, body)
    html = headers.get("content-type", "text/html").lower().startswith("text/html")
    if plain == body and html and _NO_TEXT.search(body[:PACKED].decode("latin-1")):
        raise UsageError(_still_packed(url, headers))
    return plain


def _still_packed(url: str, headers: dict[str, str]) -> str:
    coding = headers.get("content-encoding", "gzip")[:40]
    return f"the body of {url} is still packed ({coding}), and damaged; save that page by itself, or with another tool"

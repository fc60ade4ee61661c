"""HAR files, as browsers' developer tools save them: the answers of a session, bodies included.

http://www.softwareishard.com/blog/har-12-spec/ ; only what a page needs is read.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Final

import msgspec

from crawler.archive.interchange.answers import Answer, Answers, Say
from crawler.archive.interchange.foreign import date_of
from crawler.archive.interchange.saved import SavedPage
from crawler.core.counts import Counted
from crawler.core.errors import UsageError
from crawler.core.url import is_http, join

MAX_DAMAGE: Final = (
    200  # objects that begin as entries and cannot be read, before the rest of a damaged file is left out
)
_ENTRY = re.compile(  # how an entry begins; within a string each quotation mark has a backslash before it
    r'\{\s*"(?:_[A-Za-z]\w{0,40}|startedDateTime|pageref|request|response|time|timings|cache|connection|serverIPAddress)"\s*:'
)
START: Final = 4096  # bytes in which a HAR file says what it is


class _Header(msgspec.Struct):
    name: str = ""
    value: str = ""


class _Content(msgspec.Struct):
    mimeType: str = ""  # noqa: N815 - HAR's names
    text: str = ""
    encoding: str = ""


class _Request(msgspec.Struct):
    url: str = ""
    method: str = "GET"


class _Response(msgspec.Struct):
    status: int = 0
    headers: list[_Header] = []
    content: _Content = msgspec.field(default_factory=_Content)
    redirectURL: str | None = ""  # noqa: N815


class _Entry(msgspec.Struct):
    request: _Request
    response: _Response
    startedDateTime: str = ""  # noqa: N815


class _Log(msgspec.Struct):
    entries: list[_Entry]


class _Har(msgspec.Struct):
    log: _Log


def is_har(head: bytes) -> bool:
    """Whether a file begins as HAR does."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"{") and b'"log"' in start[:START]


def read_har(name: str, data: bytes, lost: Say, note: Say) -> Iterator[SavedPage]:
    """The pages of a HAR file; of a damaged one all entries that are whole. Raises UsageError for what is none."""
    try:
        entries = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_Har, strict=False).log.entries
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        entries = list(_whole_entries(data.decode("utf-8", "replace")))
        if not entries:
            raise UsageError(f"{name}: damaged, or no HAR file: {error}") from error
        lost(f"damaged ({error}): its {Counted(len(entries)):whole entry is|whole entries are} taken")
    with Answers() as answers:
        empty = 0
        for entry in entries:
            if entry.request.method.upper() == "GET" and is_http(entry.request.url):
                empty += _add(entry, answers, lost)
        if empty:
            what = "page came without its content|pages came without their content"
            lost(f"{Counted(empty):{what}}; save the file as “HAR with content”")
        yield from answers.pages((), lost, note)


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


def _add(entry: _Entry, answers: Answers, lost: Say) -> bool:
    """Take one entry in; True where a page has no body."""
    response, content = entry.response, entry.response.content
    headers = {header.name.lower(): header.value for header in response.headers}
    kind = headers.get("content-type") or content.mimeType
    try:
        body = (
            base64.b64decode(content.text) if content.encoding == "base64" else content.text.encode("utf-8", "replace")
        )
    except (binascii.Error, ValueError):
        lost(f"the body of {entry.request.url} is damaged")
        return False
    if content.encoding != "base64" and kind:
        kind = f"{kind.partition(';')[0].strip()}; charset=utf-8"  # JSON holds text: the browser decoded it
    try:
        target = response.redirectURL or headers.get("location", "")
        location = join(entry.request.url, target) if target else ""
    except ValueError:
        location = ""
    at = date_of(entry.startedDateTime)
    answers.add(Answer(entry.request.url, at, response.status, kind, location), body, lost)
    return response.status == 200 and not body and kind.lower().startswith("text/html")

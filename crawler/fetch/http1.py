"""HTTP/1.1 answers as bytes, read as forgivingly as browsers read them. No sockets, no clocks, no URLs.

Where RFC 9112 lets a client choose, and where browsers go beyond it, this does what Chromium does
(net/http/http_stream_parser.cc, http_response_headers.cc, http_chunked_decoder.cc):

* a header line whose name is no token is dropped, a folded line continues the one before it, LF alone ends a line;
* "chunked" anywhere in Transfer-Encoding means chunked, once; codings that it does not know are ignored;
* a Content-Length that is no number, or several that differ, are none: the body then ends with the connection;
* a status line without a status means 200, and a few stray bytes before it are skipped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from crawler.core.model import Failure
from crawler.fetch.errors import WebError

MAX_HEAD = 256 * 1024  # bytes of status line and headers; Chromium's kMaxHeaderBufSize
MAX_INTERIM = 20  # answers of 1xx before the real one (guess)
MAX_CHUNK_LINE = 16 * 1024  # bytes; Chromium's kMaxLineBufLen
MAX_TRAILERS = 64 * 1024  # bytes (guess)
STRAY = 4  # bytes that may stand before "HTTP/"; Chromium's kHttpSlop

Fields = tuple[tuple[str, str], ...]

_BLANK_LINE = re.compile(rb"\n\r?\n")
_START = re.compile(rb"(?i)http|icy[ \t]")  # ICY: what SHOUTcast servers say for HTTP/1.0
_STATUS_LINE = re.compile(r"(?i)(?:http(?:/([0-9]{1,9})(?:\.([0-9]{1,9}))?)?|icy)[^ \t]*[ \t]*([0-9]*)")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2
_CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,15}")
_FIRST_CHUNK = re.compile(rb"[0-9a-fA-F]{1,8}[ \t]*(?:;[^\n]*)?\r?(?:\n|\Z)")
_WITHOUT_BODY = frozenset({101, 204, 205, 304})


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """Status and headers, names as sent, text as Latin-1; `persistent`: the connection may serve more requests."""

    status: int
    fields: Fields
    persistent: bool
    version: tuple[int, int] = (1, 1)

    def values(self, name: str) -> list[str]:
        """All values of a header, comma-separated lists taken apart; `name` in lower case."""
        found = [value for key, value in self.fields if key.lower() == name]
        return [part.strip(" \t") for value in found for part in value.split(",")]


class HeadReader:
    """Bytes of a connection up to the end of the final head; `rest` is what came of the body already."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._interim = 0
        self._taken = 0  # bytes of heads before this one
        self._searched = 0
        self._begun = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing has come so far."""
        return not self._buffer and not self._taken

    @property
    def rest(self) -> bytes:
        """What followed the final head."""
        return bytes(self._buffer)

    def feed(self, data: bytes) -> ResponseHead | None:
        """The final head, once it is whole. Raises WebError PROTOCOL for what is no HTTP."""
        self._buffer += data
        while True:
            if not self._begun and not self._skip_to_start():
                return None
            end = _BLANK_LINE.search(self._buffer, max(0, self._searched - 2))
            if (end.end() if end else len(self._buffer)) + self._taken > MAX_HEAD:
                raise bad_http(f"a header block of more than {MAX_HEAD // 1024} kB")
            if end is None:
                self._searched = len(self._buffer)
                return None
            head = parse_head(self._buffer[: end.start()].decode("latin-1"))
            del self._buffer[: end.end()]
            if not 100 <= head.status < 200 or head.status == 101:
                return head
            self._next_head(end.end())

    def _next_head(self, length: int) -> None:
        self._interim += 1
        if self._interim > MAX_INTERIM:
            raise bad_http(f"more than {MAX_INTERIM} answers of 1xx")
        self._taken, self._searched, self._begun = self._taken + length, 0, False

    def _skip_to_start(self) -> bool:
        """Drop line ends and stray bytes before the status line; False where more is needed to tell."""
        if self._buffer.startswith((b"\r", b"\n")):
            blank = len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))
            del self._buffer[:blank]
            self._taken += blank
        found = _START.search(self._buffer, 0, STRAY + 4)
        if found is not None:
            del self._buffer[: found.start()]
            self._begun = True
        elif len(self._buffer) >= STRAY + 4:
            raise bad_http("the answer does not begin as one of HTTP")
        return self._begun


def parse_head(text: str) -> ResponseHead:
    """Status line and header lines, without the blank line. Raises WebError PROTOCOL for an impossible status."""
    first, *lines = text.split("\n")
    start = _STATUS_LINE.match(first)
    if start is None:
        raise bad_http("the answer does not begin as one of HTTP")
    major, minor, digits = start.groups()
    if digits and (len(digits) != 3 or digits < "100"):
        raise bad_http(f"a status of {digits[:20]}")
    version = (int(major or 1), int(minor or 0))
    fields = _fields(lines)
    return ResponseHead(int(digits or 200), fields, _is_persistent(fields, version), version)


def _fields(lines: list[str]) -> Fields:
    fields: list[tuple[str, str]] = []
    folded: list[str] | None = None  # the parts of the last field's value, None where that line was dropped
    for line in lines:
        if line[:1] in (" ", "\t"):
            if folded is not None:
                folded.append(_value(line))
            continue
        _close(fields, folded)
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t")
        if not colon or not _TOKEN.fullmatch(name):
            folded = None
            continue
        folded = [_value(value)]
        fields.append((name, folded[0]))
    _close(fields, folded)
    return tuple(fields)


def _close(fields: list[tuple[str, str]], folded: list[str] | None) -> None:
    """Join what folded lines added to the last field; RFC 9112, 5.2: with a space each."""
    if folded is not None and len(folded) > 1:
        fields[-1] = (fields[-1][0], " ".join(part for part in folded if part))


def _value(text: str) -> str:
    """Without the white space round it; NUL is dropped and a bare CR a space, so that no field becomes two."""
    text = text.strip(" \t\r")
    if "\r" in text or "\0" in text:
        text = text.replace("\0", "").replace("\r", " ").strip(" \t")
    return text


def _is_persistent(fields: Fields, version: tuple[int, int]) -> bool:
    """Whether the connection stays open (RFC 9112, 9.3); HTTP/1.0 with keep-alive is not worth its code."""
    said = [value.lower() for name, value in fields if name.lower() == "connection"]
    return version >= (1, 1) and not any("close" in value for value in said)


class BodyFrame(Protocol):
    """Where a body ends, by what its head says."""

    complete: bool  # the end came
    framed: bool  # HTTP tells where the end is; else the connection's end is the body's
    broken: str  # why nothing after this can be read, "" while all is well
    excess: bool  # bytes came after the end: the connection is of no further use
    most: int  # bytes to be fed at once, so that no turn takes long

    def feed(self, data: bytes) -> bytes:
        """What of `data` is the body's."""

    def end(self) -> bool:
        """Note that the connection ended; whether the body is whole."""


def body_frame(head: ResponseHead) -> BodyFrame:
    """How the body that answers a GET is delimited (RFC 9112, 6.3)."""
    if head.status in _WITHOUT_BODY:
        return _Counted(0)
    if "chunked" in (coding.lower() for coding in head.values("transfer-encoding")):
        return _Chunked(is_sure=head.version >= (1, 1))
    lengths = set(head.values("content-length"))
    if len(lengths) == 1:
        length = lengths.pop()
        if length.isascii() and length.isdigit() and len(length) < 19:
            return _Counted(int(length))
    return _ToTheEnd()


class _Counted:
    framed = True
    most = 1024 * 1024
    broken = ""

    def __init__(self, length: int) -> None:
        self._left = length
        self.complete = not length
        self.excess = False

    def feed(self, data: bytes) -> bytes:
        if len(data) > self._left:
            data, self.excess = data[: self._left], True
        self._left -= len(data)
        self.complete = not self._left
        return data

    def end(self) -> bool:
        return self.complete


class _ToTheEnd:
    framed = False
    most = 1024 * 1024
    broken = ""
    excess = False
    complete = False

    def feed(self, data: bytes) -> bytes:
        return data

    def end(self) -> bool:
        self.complete = True
        return True


class _Chunked:
    """RFC 9112, 7.1. `is_sure` is False for HTTP/1.0, whose servers may say chunked and send plain bytes."""

    framed = True
    most = 256 * 1024

    def __init__(self, *, is_sure: bool) -> None:
        self.complete = False
        self.broken = ""
        self.excess = False
        self._is_sure = is_sure
        self._is_plain = False
        self._rest = b""  # of a line that is not whole yet
        self._left = 0  # bytes of the present chunk
        self._after_chunk = False
        self._trailers = -1  # bytes of them so far; -1 before the last chunk

    def feed(self, data: bytes) -> bytes:
        if self._rest:
            data, self._rest = self._rest + data, b""
        if not self._is_sure:
            self._decide(data)
        if self._is_plain:
            return data
        out: list[bytes] = []
        at = 0
        while at < len(data) and not self.complete and not self.broken:
            if self._left:
                part = data[at : at + self._left]
                out.append(part)
                at += len(part)
                self._left -= len(part)
                self._after_chunk = not self._left
                continue
            end = data.find(b"\n", at)
            if end < 0:
                self._keep(data[at:])
                break
            self._line(data[at:end].rstrip(b"\r"))
            at = end + 1
        self.excess = self.complete and at < len(data)
        return b"".join(out)

    def end(self) -> bool:
        self.complete = self.complete or self._trailers >= 0 or self._is_plain
        return self.complete

    def _decide(self, data: bytes) -> None:
        """By the first bytes."""
        self._is_sure = True
        self._is_plain = not _FIRST_CHUNK.match(data)
        self.framed = not self._is_plain

    def _keep(self, rest: bytes) -> None:
        self._rest = rest
        if len(rest) > MAX_CHUNK_LINE:
            self.broken = "a line between two chunks without end"

    def _line(self, line: bytes) -> None:
        if self._after_chunk:
            self._after_chunk = False
            if line:
                self.broken = "a chunk that is longer than it says"
        elif self._trailers >= 0:
            self._trailers += len(line) + 2
            self.complete = not line or self._trailers > MAX_TRAILERS
            self.excess = self._trailers > MAX_TRAILERS
        else:
            size = line.partition(b";")[0].strip(b" \t")
            if not _CHUNK_SIZE.fullmatch(size):
                self.broken = "a chunk without a size"
                return
            self._left = int(size, 16)
            if not self._left:
                self._trailers = 0


def bad_http(text: str) -> WebError:
    """The failure of an answer that even browsers would refuse."""
    return WebError(Failure.PROTOCOL, f"not proper HTTP: {text}")

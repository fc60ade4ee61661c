"""Reading a body: content codings undone as it streams, both sides of the decoder capped.

Nothing here knows of status codes, hosts or politeness.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from typing import Protocol

import brotli
import webencodings

from crawler.core.counts import Counted
from crawler.core.model import Failure
from crawler.fetch.errors import WebError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ACCEPT_ENCODING = "gzip, deflate, br, zstd"
MAX_STACKED = 3  # codings on one body; more than two were never seen in the wild (guess)
MAX_MEMBERS = 10_000  # gzip members or zstd frames in one body; 16 MB in bgzip blocks have 256
TRAILER = 8  # bytes of check sum and length behind a gzip stream (RFC 1952)
LARGE = 16 * 1024  # bytes from which a part is kept as it came, and not copied until all are there
STEP = 256 * 1024  # bytes of output asked of a decoder at once
_ZSTD_WINDOW = 23  # log2 of bytes: RFC 9659 allows no more than 8 MB over HTTP

# Written in Content-Encoding by servers that mean "none": what the body is, or how it came to an object store.
_NOT_CODINGS = {"", "identity", "none", "null", "plain", "binary", "7bit", "8bit", "chunked", "aws-chunked"}


class TooLarge(Exception):
    """The cap was passed; `body` is what fitted below it, decoded."""

    def __init__(self, body: bytes, wire_bytes: int) -> None:
        super().__init__(f"more than {Counted(len(body)):byte}")
        self.body = body
        self.wire_bytes = wire_bytes


@dataclass(frozen=True, slots=True)
class Body:
    """A body read to its end: `content` decoded, `wire_bytes` as they came."""

    content: bytes
    wire_bytes: int


class Decoder(Protocol):
    """Undoes one coding, never giving more than asked for at once."""

    def feed(self, data: bytes, limit: int) -> bytes:
        """Decode `data` and at most `limit` bytes of output; b"" input goes on with what is pending."""

    def pending(self) -> bool:
        """Whether more output may come without more input."""

    def finished(self) -> bool:
        """Whether the coded stream reached its proper end."""


class BodyBuffer:
    """A body as it grows; what came is there whenever the rest fails to."""

    def __init__(self, codings: str, limit: int) -> None:
        """`codings` is the Content-Encoding. Raises WebError BAD_ENCODING for one that is unknown."""
        self._decoders = _decoders(codings)
        self._limit = limit
        self._parts: list[bytes] = []  # the large ones; a server may send its megabytes one byte at a time
        self._rest = bytearray()  # what came behind them
        self.size = 0  # bytes that came so far, decoded
        self.wire_bytes = 0

    @property
    def content(self) -> bytes:
        """What came so far, decoded, at most `limit` bytes."""
        whole = b"".join((*self._parts, self._rest))
        return whole if len(whole) <= self._limit else whole[: self._limit]

    def feed(self, chunk: bytes) -> None:
        """Raises TooLarge when wire or decoded bytes pass the limit, WebError BAD_ENCODING for broken codings."""
        self.wire_bytes += len(chunk)
        if not self._decoders:
            self._take(chunk)
        else:
            try:
                # In two parts: what a decoder gives is lost where it fails, and most fail at the check sum.
                for piece in filter(None, (chunk[:-TRAILER], chunk[-TRAILER:])):
                    for part in _cascade(self._decoders, piece, self._limit + 1 - self.size):
                        self._take(part)
            except (zlib.error, brotli.error, zstd.ZstdError) as error:
                text = f"the body is not what its content coding says: {error}"
                raise WebError(Failure.BAD_ENCODING, text) from error
        if self.wire_bytes > self._limit or self.size > self._limit:
            raise TooLarge(self.content, self.wire_bytes)

    def _take(self, part: bytes) -> None:
        self.size += len(part)
        if len(part) < LARGE:
            self._rest += part
            return
        if self._rest:
            self._parts.append(bytes(self._rest))
            self._rest.clear()
        self._parts.append(part)

    def is_whole(self) -> bool:
        """Whether every coded stream inside reached its end."""
        return not self.wire_bytes or all(decoder.finished() for decoder in self._decoders)


async def read_body(chunks: AsyncIterable[bytes], codings: str, limit: int, *, framed: bool) -> Body:
    """Read to the end; `codings` is the Content-Encoding, `framed` whether HTTP itself tells where the body ends.

    Raises TooLarge when wire or decoded bytes pass `limit`, WebError for codings that are unknown or broken.
    """
    body = BodyBuffer(codings, limit)
    async for chunk in chunks:
        body.feed(chunk)
    if not framed and not body.is_whole():
        raise WebError(Failure.RESET, "the body broke off before its end")
    return Body(body.content, body.wire_bytes)


def unknown_coding(codings: str) -> str:
    """Why a body under this Content-Encoding cannot be undone, "" where it can."""
    unknown = next((name for name in _names(codings) if name not in _KNOWN), "")
    return f"unknown content coding {unknown[:40]!r}" if unknown else ""


def _decoders(codings: str) -> list[Decoder]:
    """In the order of undoing: the coding applied last comes off first (RFC 9110, 8.4)."""
    names = _names(codings)
    if len(names) > MAX_STACKED:
        raise WebError(Failure.BAD_ENCODING, f"{len(names)} content codings on one body")
    if unknown := unknown_coding(codings):
        raise WebError(Failure.BAD_ENCODING, unknown)
    return [_KNOWN[name]() for name in reversed(names)]


def _names(codings: str) -> list[str]:
    return [name for name in (part.strip().lower() for part in codings.split(",")) if _is_coding(name)]


def _is_coding(name: str) -> bool:
    """Whether a name may be one of a coding; a media type and a charset are none, as browsers see it too."""
    return name in _KNOWN or not (name in _NOT_CODINGS or "/" in name or webencodings.lookup(name))


def _cascade(decoders: list[Decoder], data: bytes, room: int) -> list[bytes]:
    """One chunk through all decoders, at most `room` bytes out of the last.

    Depth first in small steps, so that a bomb inside a bomb never lies in memory as a whole.
    """
    if not decoders:
        return [data] if data else []
    first, rest = decoders[0], decoders[1:]
    out: list[bytes] = []
    while room > 0:
        decoded = first.feed(data, min(STEP, room) if not rest else STEP)
        for part in _cascade(rest, decoded, room) if decoded else ():
            out.append(part)
            room -= len(part)
        data = b""
        if not first.pending():
            break
    return out


class _Zlib:
    """gzip with any number of members, or deflate with or without its zlib header."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._inflate = zlib.decompressobj(31) if gzip else None
        self._is_raw = False  # deflate without its header has no trailer either
        self._members = 1
        self._rest = b""
        self._full = False  # the last call stopped at its limit, so more output may wait

    def feed(self, data: bytes, limit: int) -> bytes:
        data = self._rest + data if self._rest else data
        self._rest = b""
        if self._inflate is None:
            if not data:
                return b""
            self._is_raw = not _has_zlib_header(data)
            self._inflate = zlib.decompressobj(-15 if self._is_raw else 15)
        elif self._inflate.eof:
            if not (self._gzip and data.startswith(b"\x1f")):
                return b""  # what follows the last member is padding; browsers ignore it too
            self._members = _one_more(self._members)
            self._inflate = zlib.decompressobj(31)
        out = self._inflate.decompress(data, limit)
        self._rest = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
        self._full = len(out) >= limit
        return out

    def pending(self) -> bool:
        return bool(self._rest) or (self._full and not self.finished())

    def finished(self) -> bool:
        if self._inflate is None or self._inflate.eof:
            return self._inflate is not None
        return not self._is_raw and not self._rest and _lacks_trailer(self._inflate)


def _lacks_trailer(inflate: zlib._Decompress) -> bool:
    """Whether all data came, and only the check sum or the length did not: some servers never send them.

    zlib does not tell where it is in a stream, but at its end it calls any wrong trailer one. In the middle of one
    kind of block zeros end the data, in the middle of another ones may: both never do.
    """
    return all(_is_wrong_trailer(inflate.copy(), byte * 8) for byte in (b"\0", b"\xff"))


def _is_wrong_trailer(inflate: zlib._Decompress, trailer: bytes) -> bool:
    try:
        inflate.decompress(trailer, 1024)
    except zlib.error as error:
        return "data check" in str(error) or "length check" in str(error)
    return inflate.eof  # a check sum of zeros can be right


def _one_more(members: int) -> int:
    """Each member costs a copy of what follows it, so a body of empty ones would take minutes."""
    if members == MAX_MEMBERS:
        raise WebError(Failure.BAD_ENCODING, f"more than {MAX_MEMBERS} compressed members in one body")
    return members + 1


def _has_zlib_header(data: bytes) -> bool:
    """Whether data begins as zlib's does (RFC 1950, 2.2): method 8, two bytes that are a multiple of 31.

    Many servers send raw deflate instead.
    """
    return data[0] & 0x0F == 8 and (len(data) < 2 or (data[0] << 8 | data[1]) % 31 == 0)


class _Brotli:
    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()
        self._full = False

    def feed(self, data: bytes, limit: int) -> bytes:
        if self._decompressor.is_finished():
            return b""
        out: bytes = self._decompressor.process(data, output_buffer_limit=limit)
        self._full = not self._decompressor.can_accept_more_data()
        return out

    def pending(self) -> bool:
        return self._full and not self._decompressor.is_finished()

    def finished(self) -> bool:
        return bool(self._decompressor.is_finished())


class _Zstd:
    """Any number of frames; skippable ones are skipped by the library."""

    def __init__(self) -> None:
        self._frame = self._new()
        self._frames = 1
        self._rest = b""

    @staticmethod
    def _new() -> zstd.ZstdDecompressor:
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW})

    def feed(self, data: bytes, limit: int) -> bytes:
        data = self._rest + data if self._rest else data
        self._rest = b""
        if self._frame.eof:
            if not data:
                return b""
            self._frames = _one_more(self._frames)
            self._frame = self._new()
        out = self._frame.decompress(data, limit)
        self._rest = self._frame.unused_data if self._frame.eof else b""
        return out

    def pending(self) -> bool:
        return bool(self._rest) if self._frame.eof else not self._frame.needs_input

    def finished(self) -> bool:
        return self._frame.eof


_KNOWN: dict[str, Callable[[], Decoder]] = {
    "gzip": lambda: _Zlib(gzip=True),
    "x-gzip": lambda: _Zlib(gzip=True),
    "deflate": lambda: _Zlib(gzip=False),
    "br": _Brotli,
    "zstd": _Zstd,
}

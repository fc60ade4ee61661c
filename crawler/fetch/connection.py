"""One connection that speaks HTTP/1.1: a request out, an answer in, and whether it can serve another one.

Bytes are understood in `http1`, connections opened in `connect` and `tls`, kept in `transport`.
"""

from __future__ import annotations

import httpcore
import trio

from crawler.core.model import Failure
from crawler.fetch.connect import GuardedStream
from crawler.fetch.errors import WebError
from crawler.fetch.http1 import BodyFrame, HeadReader, ResponseHead, body_frame

READ = 64 * 1024  # bytes asked of a socket at once, to begin with

NO_ANSWER = "the server closed the connection without an answer"
CUT_HEAD = "the connection was closed within the header block"
CUT_BODY = "the body broke off before its end"


class StaleConnection(Exception):
    """A kept connection turned out to be closed before anything of the answer came."""


class HttpConnection:
    """A stream with its place in the exchange."""

    def __init__(self, stream: GuardedStream) -> None:
        self._stream = stream
        self._frame: BodyFrame | None = None
        self._rest = b""
        self._persistent = True
        self._served = 0
        self._at_once = READ
        self.idle_since = trio.current_time()

    async def ask(self, request: bytes) -> ResponseHead:
        """Send a request, read the head of its answer.

        Raises StaleConnection, WebError, or what the stream raises.
        """
        reader = HeadReader()
        try:
            head = await self._exchange(request, reader)
        except (httpcore.ReadError, httpcore.WriteError, trio.BrokenResourceError, OSError) as error:
            if self._served and reader.is_empty and not isinstance(error, WebError):
                raise StaleConnection from error
            raise
        self._served += 1
        self._persistent = head.persistent
        self._frame = body_frame(head)
        self._at_once = READ
        self._rest = reader.rest
        return head

    async def _exchange(self, request: bytes, reader: HeadReader) -> ResponseHead:
        unsent: Exception | None = None
        try:
            await self._stream.write(request)
        except httpcore.WriteError as error:
            unsent = error  # a server that answers before it has read everything, and closes, has answered
        while True:
            try:
                data = await self._stream.read(READ)
            except httpcore.ReadError as error:
                raise unsent or error from error
            if not data:
                if reader.is_empty and self._served:
                    raise StaleConnection
                raise WebError(Failure.RESET, NO_ANSWER if reader.is_empty else CUT_HEAD)
            head = reader.feed(data)
            if head is not None:
                return head

    @property
    def framed(self) -> bool:
        """Whether HTTP tells where the body ends."""
        return self._frame is None or self._frame.framed

    async def read(self) -> bytes:
        """Some bytes of the body, b"" at its end. Raises WebError RESET where it broke off, BAD_ENCODING for chunks
        that are none.
        """
        frame = self._frame
        assert frame is not None
        while not frame.complete:
            if frame.broken:
                raise WebError(Failure.BAD_ENCODING, f"not proper HTTP: {frame.broken}")
            data, self._rest = self._rest, b""
            if not data:
                data = await self._stream.read(self._at_once)
                if len(data) == self._at_once < frame.most:
                    self._at_once *= 4  # a body of 2.4 MB in forty turns costs twice the CPU
                if not data:
                    self._persistent = False
                    if frame.end():
                        break
                    raise WebError(Failure.RESET, CUT_BODY)
            part = frame.feed(data)
            if part:
                return part
        return b""

    @property
    def is_reusable(self) -> bool:
        """Whether another request may be sent: the answer was read to its end, and nothing came after it."""
        frame = self._frame
        whole = frame is not None and frame.complete and not frame.excess and not self._rest
        return whole and self._persistent

    def has_closed(self) -> bool:
        """Whether the server closed it while it was idle, or sent what nobody asked for."""
        return bool(self._stream.get_extra_info("is_readable"))

    async def aclose(self) -> None:
        """Close at once."""
        await self._stream.aclose()

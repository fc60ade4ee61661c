"""One connection of the stand-in web: requests are read and answers sent with h11, faults included.

Which answer a request gets is decided in `web`; nothing here knows plans or hosts.
"""

from __future__ import annotations

import gzip
import socket
import ssl
import struct
import sys
from http import HTTPStatus

import brotli
import h11
import trio

from crawler.testing.answer import Fault, StandInAnswer, StandInRequest

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

READ = 65536  # bytes asked of a socket at once
PIECE = 65536  # bytes of a body sent at once
DRIPPED = 64  # pieces that a dripping body is cut into at most

CLIENT_WENT = (trio.BrokenResourceError, trio.ClosedResourceError, h11.RemoteProtocolError, ssl.SSLError, OSError)
"""What a client that goes away, or speaks nonsense, raises here: never our failure."""


class Connection:
    """HTTP/1.1 with one client."""

    def __init__(self, stream: trio.SSLStream[trio.SocketStream] | trio.SocketStream) -> None:
        self._stream = stream
        self._h11 = h11.Connection(h11.SERVER)

    async def next_request(self) -> h11.Request | None:
        """The next request, its body read and dropped; None when the client is done. Answer it before the next."""
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
        event = await self._next_event()
        if not isinstance(event, h11.Request):
            return None
        while not isinstance(await self._next_event(), h11.EndOfMessage | h11.ConnectionClosed):
            pass
        return event

    async def send(self, answer: StandInAnswer, request: StandInRequest, status: int) -> None:
        """One whole answer, as slowly as it wishes."""
        if answer.endless:
            return await self._send_padding(answer, status)
        body = b"" if status in {204, 304} else _body(answer, request)
        coding = answer.encoding if body and answer.encoding in request.header("accept-encoding") else ""
        body = _encoded(body, coding)
        headers = _headers(answer, coding)
        if status not in {204, 304}:
            headers.append(("Content-Length", str(len(body))))
        await self._begin(status, headers)
        if request.method != "HEAD":
            await self._send_body(body, answer.drip)
        return await self._write(h11.EndOfMessage())

    async def fail(self, how: Fault) -> None:
        """Break the exchange; the connection is of no use afterwards."""
        match how:
            case Fault.RESET:
                self._reset()
            case Fault.HANG:
                while await self._stream.receive_some(READ):
                    pass
            case Fault.GARBAGE:
                await self._stream.send_all(b"\x00\x01\x02 this is not HTTP\r\n\r\n")
            case Fault.TRUNCATE:
                await self._begin(200, [("Content-Type", "text/html"), ("Content-Length", "100000")])
                await self._write(h11.Data(data=b"<!doctype html><title>cut off</title>"))

    async def aclose(self) -> None:
        """Close without a farewell, as servers in a hurry do."""
        await trio.aclose_forcefully(self._stream)

    async def _next_event(self) -> object:
        while (event := self._h11.next_event()) is h11.NEED_DATA:
            self._h11.receive_data(bytes(await self._stream.receive_some(READ)))
        return event

    async def _begin(self, status: int, headers: list[tuple[str, str]]) -> None:
        reason = HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else "Said"
        await self._write(h11.Response(status_code=status, reason=reason, headers=headers))

    async def _write(self, event: h11.Event) -> None:
        data = self._h11.send(event)
        if data:
            await self._stream.send_all(data)

    async def _send_body(self, body: bytes, drip: float) -> None:
        size = max(1, len(body) // DRIPPED) if drip else PIECE
        for start in range(0, len(body), size):
            await self._write(h11.Data(data=body[start : start + size]))
            if drip:
                await trio.sleep(drip)

    async def _send_padding(self, answer: StandInAnswer, status: int) -> None:
        await self._begin(status, [*_headers(answer, ""), ("Transfer-Encoding", "chunked")])
        for _ in range(0, answer.endless, PIECE):
            await self._write(h11.Data(data=b"A" * PIECE))
        await self._write(h11.EndOfMessage())

    def _reset(self) -> None:
        """Make the coming close a RST: SO_LINGER with a time of zero."""
        transport = self._stream.transport_stream if isinstance(self._stream, trio.SSLStream) else self._stream
        transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _body(answer: StandInAnswer, request: StandInRequest) -> bytes:
    return answer.body if isinstance(answer.body, bytes) else answer.body(request)


def _headers(answer: StandInAnswer, coding: str) -> list[tuple[str, str]]:
    named = [
        ("Content-Type", answer.content_type),
        ("Content-Encoding", coding),
        ("Location", answer.location),
        ("ETag", answer.etag),
        ("Last-Modified", answer.last_modified),
    ]
    return [(name, value) for name, value in named if value] + list(answer.headers)


def _encoded(body: bytes, coding: str) -> bytes:
    match coding:
        case "gzip":
            return gzip.compress(body, 1, mtime=0)
        case "br":
            return bytes(brotli.compress(body, quality=4))
        case "zstd":
            return zstd.compress(body)
        case _:
            return body

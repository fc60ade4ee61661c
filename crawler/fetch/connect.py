"""Opening connections, with httpcore's names for them: guarded addresses, a race between several.

Streams have no timers of their own: deadlines are set once for a whole attempt, in `wire`; setting them again for
every read costs a tenth of the speed.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore
import trio

from crawler.core.model import Failure
from crawler.fetch.errors import WebError
from crawler.fetch.guard import Guard, Route

STAGGER = 0.25  # seconds before the next address is tried beside the first; RFC 8305, 5
MAX_ADDRESSES = 6  # of one host, tried in one attempt (guess)


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens TCP connections where the guard allows it."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's signature)
        local_address: str | None = None,  # noqa: ARG002 (httpcore's signature)
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 (httpcore's signature)
    ) -> GuardedStream:
        """Connect to the first address that answers; names are looked up and checked on the way."""
        try:
            with trio.fail_after(timeout if timeout is not None else float("inf")):
                return GuardedStream(await _connect(await self._guard.route(host, port)))
        except trio.TooSlowError as error:
            raise httpcore.ConnectTimeout from error


async def _connect(route: Route) -> trio.SocketStream:
    if len(route.addresses) == 1:
        return await _connect_one(route.addresses[0], route.port)
    return await _race(route)


async def _connect_one(address: str, port: int) -> trio.SocketStream:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = trio.socket.socket(family, socket.SOCK_STREAM)
    try:
        await sock.connect((address, port))
    except BaseException:
        sock.close()
        raise
    return trio.SocketStream(sock)


async def _race(route: Route) -> trio.SocketStream:
    """Happy eyeballs: start with the best address, add the next after a moment or a failure; the first one wins."""
    won: list[trio.SocketStream] = []
    lost: list[OSError] = []

    async def attempt(address: str, done: trio.Event) -> None:
        try:
            won.append(await _connect_one(address, route.port))
            nursery.cancel_scope.cancel()
        except OSError as error:
            lost.append(error)
        done.set()

    try:
        async with trio.open_nursery() as nursery:
            for address in _alternating(route.addresses)[:MAX_ADDRESSES]:
                done = trio.Event()
                nursery.start_soon(attempt, address, done)
                with trio.move_on_after(STAGGER):
                    await done.wait()
    except BaseException:
        for stream in won:
            stream.socket.close()
        raise
    for stream in won[1:]:
        stream.socket.close()
    if not won:
        raise _telling(lost)
    return won[0]


def _alternating(addresses: tuple[str, ...]) -> list[str]:
    """Families in turn, so that a host whose IPv6 is broken is not given up before its IPv4 was tried."""
    first_is_6 = ":" in addresses[0]
    same = [a for a in addresses if (":" in a) is first_is_6]
    other = [a for a in addresses if (":" in a) is not first_is_6]
    mixed = [a for pair in zip(same, other, strict=False) for a in pair]
    return mixed + same[len(other) :] + other[len(same) :]


def _telling(errors: list[OSError]) -> OSError:
    """The error that says most. A family without a route says least; "refused" is said where every address refused."""
    dull = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
    telling = [error for error in errors if error.errno not in dull]
    return next((error for error in telling if error.errno != errno.ECONNREFUSED), (telling or errors)[0])


Stream = trio.SocketStream | trio.SSLStream[Any]


class GuardedStream(httpcore.AsyncNetworkStream):
    """A trio stream as httpcore wants it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109 (see above)
        """Some bytes, b"" at the end."""
        try:
            return bytes(await self._stream.receive_some(max_bytes))
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 (see above)
        """All of `buffer`."""
        try:
            await self._stream.send_all(buffer)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise httpcore.WriteError(str(error)) from error

    async def aclose(self) -> None:
        """Close at once: saying goodbye in TLS may wait for a peer that does not read."""
        await trio.aclose_forcefully(self._stream)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's signature)
    ) -> GuardedStream:
        """Shake hands as a TLS client; the stream is closed where that fails."""
        try:
            stream = trio.SSLStream(self._stream, ssl_context, server_hostname=server_hostname, https_compatible=True)
        except ValueError as error:  # an empty label, or one of more than 63 characters
            await self.aclose()
            raise WebError(Failure.TLS, "no certificate can be for such a name") from error
        try:
            with trio.fail_after(timeout if timeout is not None else float("inf")):
                await stream.do_handshake()
        except BaseException as error:
            await self.aclose()
            if isinstance(error, trio.TooSlowError):
                raise httpcore.ConnectTimeout from error
            if isinstance(error, trio.BrokenResourceError):
                raise httpcore.ConnectError(str(error)) from error
            raise
        return GuardedStream(stream)

    @property
    def ssl_object(self) -> ssl.SSLObject:
        """The TLS half, where there is one."""
        assert isinstance(self._stream, trio.SSLStream)
        return self._stream._ssl_object  # noqa: SLF001 (trio offers no other way: python-trio/trio#542)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks: is there something to read on an idle connection, and the TLS object."""
        stream = self._stream
        if info == "ssl_object":
            return self.ssl_object if isinstance(stream, trio.SSLStream) else None
        if info != "is_readable":
            return None
        while isinstance(stream, trio.SSLStream):  # two of them where the proxy speaks TLS as well
            stream = stream.transport_stream
        return stream.socket.fileno() < 0 or stream.socket.is_readable()  # closed counts: nobody may use it again

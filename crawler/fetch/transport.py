"""The transport: a few connections for each origin, opened on first use, kept for the next request of the same origin.

Addresses are the guard's business, deadlines and bodies `wire`'s, politeness the limiter's: how many requests are in
flight is not counted here.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import httpcore
import trio

from crawler.core.model import Failure
from crawler.fetch.connect import GuardedBackend, GuardedStream
from crawler.fetch.connection import HttpConnection, StaleConnection
from crawler.fetch.errors import WEB_ERRORS, WebError, explain
from crawler.fetch.exchange import get_small
from crawler.fetch.guard import Guard
from crawler.fetch.http1 import ResponseHead
from crawler.fetch.proxy import Proxy, open_tunnel_through, refused
from crawler.fetch.request import WireRequest, WireResponse
from crawler.fetch.tls import TlsClient

KEEP_ALIVE = 60.0  # seconds; servers close idle connections after 5 (Apache) to 75 (nginx)
STALE_RETRIES = 2  # kept connections that may turn out to be closed before a new one is opened
CERTIFICATE_PATIENCE = 10.0  # seconds for one certificate, redirects included

Origin = tuple[str, str, int]


@dataclass(slots=True)
class _Pool:
    slot: str
    idle: list[HttpConnection] = field(default_factory=list)  # the freshest last
    active: int = 0

    async def take(self) -> HttpConnection | None:
        """The freshest kept connection that is still open."""
        while self.idle:
            connection = self.idle.pop()
            if trio.current_time() - connection.idle_since <= KEEP_ALIVE and not connection.has_closed():
                return connection
            await connection.aclose()
        return None

    async def aclose(self) -> None:
        while self.idle:
            await self.idle.pop().aclose()


class PooledTransport:
    """A `Transport` over sockets; `user_agent` is for the certificates that it has to fetch itself."""

    def __init__(self, guard: Guard, ca_bundle: str, proxy: Proxy | None, max_pools: int, user_agent: str) -> None:
        self._guard = guard
        self._backend = GuardedBackend(guard)
        self._tls = TlsClient(ca_bundle, self._certificate)
        self._proxy = proxy
        self._max_pools = max_pools
        self._user_agent = user_agent
        self._pools: OrderedDict[Origin, _Pool] = OrderedDict()

    async def lookup(self, host: str) -> tuple[str, ...]:
        """The addresses of a name; () where it has none, and where a proxy looks names up."""
        return () if self._proxy else await self._guard.lookup(host)

    async def send(self, request: WireRequest) -> WireResponse:
        """Raises what httpcore, the guard or the system raise; `errors` lists them all."""
        if self._proxy is not None:
            self._guard.refuse_private_name(request.host, request.port)
        pool = self._pool((request.scheme, request.host, request.port), request.slot)
        pool.active += 1
        try:
            await self._close_surplus()
            connection, head = await self._ask(pool, request)
        except BaseException:
            pool.active -= 1
            raise
        return _Response(connection, head, pool)

    async def close_slot(self, slot: str) -> None:
        """Close the connections of a slot, except those in use."""
        for origin in [origin for origin, pool in self._pools.items() if pool.slot == slot and not pool.active]:
            await self._pools.pop(origin).aclose()

    async def aclose(self) -> None:
        """Close everything."""
        while self._pools:
            _, pool = self._pools.popitem()
            await pool.aclose()

    def _pool(self, origin: Origin, slot: str) -> _Pool:
        known = self._pools.get(origin)
        if known is not None:
            self._pools.move_to_end(origin)
            return known
        fresh = self._pools[origin] = _Pool(slot)
        return fresh

    async def _close_surplus(self) -> None:
        """Close the pool that was not used for the longest time; pools in use stay, whatever the bound."""
        if len(self._pools) <= self._max_pools:
            return
        oldest = next((origin for origin, pool in self._pools.items() if not pool.active), None)
        if oldest is not None:
            await self._pools.pop(oldest).aclose()

    async def _ask(self, pool: _Pool, request: WireRequest) -> tuple[HttpConnection, ResponseHead]:
        """Over a kept connection; where the server had closed it, over another one at once, that is all."""
        data = self._encode(request)
        for attempt in range(STALE_RETRIES + 1):
            kept = await pool.take() if attempt < STALE_RETRIES else None
            connection = kept or await self._open(request)
            try:
                head = await connection.ask(data)
                self._refuse_proxys_own(head, request)
            except StaleConnection:
                await connection.aclose()
            except BaseException:
                await connection.aclose()
                raise
            else:
                return connection, head
        raise AssertionError("a new connection is never stale")

    def _encode(self, request: WireRequest) -> bytes:
        target, headers = request.target, request.headers
        if self._proxy is not None and self._proxy.forwards(request.scheme):
            target, headers = request.url, headers + self._proxy.headers
        lines = [f"{request.method} {target} HTTP/1.1".encode("ascii")]
        lines += [name + b": " + value for name, value in headers]
        return b"\r\n".join(lines) + b"\r\n\r\n" + request.body

    def _refuse_proxys_own(self, head: ResponseHead, request: WireRequest) -> None:
        if head.status == 407 and self._proxy is not None and self._proxy.forwards(request.scheme):
            raise refused("it wants a user and password")

    async def _open(self, request: WireRequest) -> HttpConnection:
        async def dial() -> GuardedStream:
            return await self.dial(request.scheme, request.host, request.port, request.connect_timeout)

        if request.scheme == "https":
            return HttpConnection(await self._tls.connect(dial, request.host, request.port, request.connect_timeout))
        return HttpConnection(await dial())

    async def dial(self, scheme: str, host: str, port: int, seconds: float) -> GuardedStream:
        """A connection to a host, or to the proxy that leads there; TLS with the host is still to come."""
        if self._proxy is None:
            return await self._backend.connect_tcp(host, port, seconds)
        self._guard.refuse_private_name(host, port)
        return await self._dial_through(self._proxy, scheme, (host, port), seconds)

    async def _dial_through(self, proxy: Proxy, scheme: str, where: tuple[str, int], seconds: float) -> GuardedStream:
        """A connection by way of the proxy. What fails on the way to it says nothing of the host."""
        try:
            stream = await self._backend.connect_tcp(proxy.host, proxy.port, seconds)
            if proxy.scheme == "https":
                stream = await stream.start_tls(self._tls.context, proxy.host, seconds)
        except WEB_ERRORS as error:
            failure, text = explain(error)
            what = Failure.TIMEOUT if failure is Failure.TIMEOUT else Failure.UNREACHABLE
            raise WebError(what, f"cannot reach the proxy: {text}") from error
        if not proxy.forwards(scheme):
            try:
                with trio.fail_after(seconds):
                    await open_tunnel_through(proxy, stream, *where)
            except BaseException as error:
                await stream.aclose()
                if isinstance(error, trio.TooSlowError):
                    raise httpcore.ConnectTimeout from error
                if isinstance(error, httpcore.NetworkError):
                    raise refused("it broke off the connection") from error
                raise
        return stream

    async def _certificate(self, url: str) -> bytes:
        """What an authority publishes at an address that somebody's certificate names; b"" for anything odd."""
        with trio.move_on_after(CERTIFICATE_PATIENCE):
            try:
                return await get_small(self, url, self._user_agent)
            except WEB_ERRORS:
                return b""
        return b""


class _Response:
    """An answer; closing it gives the connection back, or drops it."""

    def __init__(self, connection: HttpConnection, head: ResponseHead, pool: _Pool) -> None:
        self.status = head.status
        self.headers = head.fields
        self._connection = connection
        self._pool: _Pool | None = pool
        self.read = connection.read

    @property
    def framed(self) -> bool:
        """Whether HTTP tells where the body ends."""
        return self._connection.framed

    async def aclose(self) -> None:
        """Once is enough; more often does no harm."""
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        pool.active -= 1
        if self._connection.is_reusable:
            self._connection.idle_since = trio.current_time()
            pool.idle.append(self._connection)
        else:
            await self._connection.aclose()

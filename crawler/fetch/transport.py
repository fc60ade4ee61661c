"""The transport: one small httpcore pool for each origin, opened on first use, at most so many at once.

Measured on loopback: one pool of 128 connections scans itself for every request and runs at a fifth of the speed of
a pool for each host. Addresses are the guard's business, deadlines and bodies `wire`'s, politeness the limiter's.
"""

from __future__ import annotations

import ssl
from collections import OrderedDict
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import httpcore
import httpx
import trio

from crawler.core.errors import ConfigError
from crawler.fetch.connect import GuardedBackend
from crawler.fetch.guard import Guard
from crawler.fetch.trouble import WEB_ERRORS

if TYPE_CHECKING:
    from crawler.core.settings import FetchSettings

KEEP_ALIVE = 60.0  # seconds; servers close idle connections after 5 (Apache) to 75 (nginx)
STALE_RETRIES = 2  # at-once attempts when a connection that was kept open turns out to be closed
_LEGACY_SERVER_CONNECT = 0x4  # ssl.OP_LEGACY_SERVER_CONNECT, which Python names since 3.12

Origin = tuple[bytes, bytes, int]


@dataclass(slots=True)
class _Pool:
    pool: httpcore.AsyncConnectionPool
    backend: GuardedBackend
    slot: str
    active: int = 0


class PooledTransport(httpx.AsyncBaseTransport):
    """Sends requests; `slot` in their extensions says whose connections they use, for `close_slot`."""

    def __init__(self, guard: Guard, context: ssl.SSLContext, proxy: httpcore.Proxy | None, max_pools: int) -> None:
        self._guard = guard
        self._context = context
        self._proxy = proxy
        self._max_pools = max_pools
        self._pools: OrderedDict[Origin, _Pool] = OrderedDict()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises what httpcore, the guard or the system raise; `trouble` knows them all."""
        url = request.url
        port = url.port if url.port is not None else 443 if url.scheme == "https" else 80
        extensions = dict(request.extensions)
        # Not left in the extensions: a forwarding proxy is asked for the whole URL, and they would win over that.
        target = extensions.pop("target", url.raw_path)
        raw = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=target),
            headers=request.headers.raw,
            extensions=extensions,
        )
        host = url.raw_host.decode("ascii")  # not `url.host`, which decodes punycode and fails on what IDNA forbids
        if self._proxy is not None:
            self._guard.refuse_private_name(host, port)
        pool = self._pool((url.raw_scheme, url.raw_host, port), request.extensions.get("slot", host))
        pool.active += 1
        try:
            await self._close_surplus()
            response = await _send(pool, raw)
        except BaseException:
            pool.active -= 1
            raise
        return httpx.Response(
            response.status, headers=response.headers, stream=_Stream(response, pool), extensions=response.extensions
        )

    async def close_slot(self, slot: str) -> None:
        """Close the connections of a slot, except those in use."""
        for origin in [origin for origin, pool in self._pools.items() if pool.slot == slot and not pool.active]:
            await self._pools.pop(origin).pool.aclose()

    async def aclose(self) -> None:
        """Close everything."""
        while self._pools:
            _, pool = self._pools.popitem()
            await pool.pool.aclose()

    def _pool(self, origin: Origin, slot: str) -> _Pool:
        known = self._pools.get(origin)
        if known is not None:
            self._pools.move_to_end(origin)
            return known
        backend = GuardedBackend(self._guard)
        pool = httpcore.AsyncConnectionPool(
            ssl_context=self._context,
            proxy=self._proxy,
            max_connections=None,  # the limiter counts
            keepalive_expiry=KEEP_ALIVE,
            network_backend=backend,
        )
        fresh = self._pools[origin] = _Pool(pool, backend, slot)
        return fresh

    async def _close_surplus(self) -> None:
        """Close the pool that was not used for the longest time; pools in use stay, whatever the bound."""
        if len(self._pools) <= self._max_pools:
            return
        oldest = next((origin for origin, pool in self._pools.items() if not pool.active), None)
        if oldest is not None:
            await self._pools.pop(oldest).pool.aclose()


async def _send(pool: _Pool, request: httpcore.Request) -> httpcore.Response:
    """Ask once more at once when no new connection was opened: the server had closed the kept one, that is all."""
    for _ in range(STALE_RETRIES):
        opened = pool.backend.opened
        try:
            return await pool.pool.handle_async_request(request)
        except (httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError):
            if pool.backend.opened != opened:
                raise
    return await pool.pool.handle_async_request(request)


class _Stream(httpx.AsyncByteStream):
    """The body as it comes over the wire, its own iterator; closing it gives the connection back, or drops it."""

    def __init__(self, response: httpcore.Response, pool: _Pool) -> None:
        self._response = response
        self._chunks: AsyncIterator[bytes] | None = None
        self._done = False
        self._pool: _Pool | None = pool

    def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._response.stream, AsyncIterable)
        self._chunks = self._response.stream.__aiter__()
        return self

    async def __anext__(self) -> bytes:
        assert self._chunks is not None
        try:
            return await anext(self._chunks)
        except BaseException:
            self._done = True
            raise

    async def aclose(self) -> None:
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        try:
            if self._chunks is not None and not self._done:
                await self._drop(self._chunks)
            await self._response.aclose()
        finally:
            pool.active -= 1

    async def _drop(self, chunks: AsyncIterator[bytes]) -> None:
        """Close the connection under a body that is not read to its end.

        httpcore reads through nested generators, which may not be left half-way: with the connection gone they
        give what is buffered (a read's worth at most) and then end by themselves.
        """
        with trio.CancelScope(shield=True):
            await self._response.extensions["network_stream"].aclose()
            try:
                async for _ in chunks:
                    pass
            except WEB_ERRORS:
                return


def ssl_context(ca_bundle: str) -> ssl.SSLContext:
    """certifi's authorities and those of `ca_bundle`, with what browsers still accept. Raises ConfigError."""
    context = httpx.create_ssl_context()
    context.options |= _LEGACY_SERVER_CONNECT  # servers without secure renegotiation: browsers connect to them
    context.set_ciphers("DEFAULT")  # Python's own list leaves out RSA key exchange, which old sites still need
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # set since Python 3.13; rejects chains that browsers accept
    if ca_bundle:
        try:
            context.load_verify_locations(ca_bundle)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"[fetch] ca_bundle: cannot read certificates from {ca_bundle}: {error}") from error
    return context


def proxy_of(settings: FetchSettings, context: ssl.SSLContext) -> httpcore.Proxy | None:
    """`[fetch] proxy`: http, https or socks5, with user and password in the URL if need be. Raises ConfigError."""
    if not settings.proxy:
        return None
    try:
        proxy = httpx.Proxy(settings.proxy, ssl_context=context if settings.proxy.startswith("https:") else None)
    except (ValueError, httpx.InvalidURL) as error:
        raise ConfigError(f"[fetch] proxy: {error}; write it as http://host:port") from error
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:  # httpcore would say so in mid-run
        raise ConfigError("[fetch] proxy: socks needs one more package: pip install 'httpcore[socks]'")
    return httpcore.Proxy(
        url=httpcore.URL(
            scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=proxy.url.raw_path
        ),
        auth=proxy.raw_auth,
        ssl_context=proxy.ssl_context,
    )

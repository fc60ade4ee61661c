"""Stand-ins for the tests of fetching: a web of plain functions on the test clock, and raw servers on loopback."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import trio

from crawler.core.settings import FetchSettings
from crawler.core.slots import Politeness, SlotState
from crawler.core.url import host_of
from crawler.fetch import Fetcher, open_fetcher
from crawler.fetch.guard import Resolver
from crawler.fetch.request import Ask

EPOCH = datetime(2026, 1, 1, 12, tzinfo=UTC)
Answer = Callable[[httpx.Request], httpx.Response] | Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]


def now() -> datetime:
    """A wall clock that goes with the test clock of trio."""
    return EPOCH + timedelta(seconds=trio.current_time())


def at(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


def polite(**rules: Any) -> Callable[[str], Politeness]:
    """One slot for each host, all with these rules."""
    return lambda url: Politeness(slot=host_of(url), **({"interval": 0.0} | rules))


@asynccontextmanager
async def web(
    answer: Callable[[httpx.Request], httpx.Response]
    | Callable[[httpx.Request], Coroutine[None, None, httpx.Response]],
    politeness: Callable[[str], Politeness] | None = None,
    states: Iterable[SlotState] = (),
    elsewhere: Callable[[str], Ask | None] = lambda _: None,
    **settings: Any,
) -> AsyncIterator[Fetcher]:
    """A fetcher whose web is a function from request to response."""
    async with open_fetcher(
        FetchSettings(**settings),
        politeness or polite(),
        now=now,
        random=lambda: 1.0,
        states=states,
        transport=httpx.MockTransport(answer),
        elsewhere=elsewhere,
    ) as fetcher:
        yield fetcher


@asynccontextmanager
async def loopback(
    politeness: Callable[[str], Politeness] | None = None, resolver: Resolver | None = None, **settings: Any
) -> AsyncIterator[Fetcher]:
    """A fetcher with the real transport that may reach loopback."""
    async with open_fetcher(
        FetchSettings(**({"allow_private": True, "retries": 0} | settings)),
        politeness or polite(),
        now=lambda: datetime.now(UTC),
        random=lambda: 0.0,
        resolver=resolver,
    ) as fetcher:
        yield fetcher


Handler = Callable[[trio.abc.Stream], Awaitable[None]]


@asynccontextmanager
async def server(handler: Handler, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """A raw server: `handler` gets each connection as a stream. Yields its port."""

    async def guarded(stream: trio.abc.Stream) -> None:
        try:
            await handler(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client left

    async with trio.open_nursery() as nursery:
        if tls is None:
            serve: Callable[..., Awaitable[Any]] = partial(trio.serve_tcp, guarded, 0, host=host)
        else:
            serve = partial(trio.serve_ssl_over_tcp, guarded, 0, tls, host=host, https_compatible=True)
        listeners = await nursery.start(serve)
        listener = listeners[0] if tls is None else listeners[0].transport_listener
        yield listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def read_head(stream: trio.abc.Stream) -> bytes:
    """One request's head, b"" when the client has gone."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = await stream.receive_some(65536)
        if not data:
            return b""
        head += data
    return head


def saying(*answers: bytes) -> Handler:
    """Give these answers, byte for byte, to the requests on every connection, then close."""

    async def handler(stream: trio.abc.Stream) -> None:
        for answer in answers:
            if not await read_head(stream):
                return
            await stream.send_all(answer)
        await stream.aclose()

    return handler


def ok(body: bytes = b"hello", *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body

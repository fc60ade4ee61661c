"""The only way out of the browser: a proxy on loopback that connects where its `Connect` allows it.

CONNECT for https and sockets, one forwarded request a connection for http. Nothing is decrypted, kept or judged here.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import trio

HEAD = 64 * 1024  # bytes of one request's head
READ = 64 * 1024  # bytes passed on at once
MAX_BYTES = 256 * 1024 * 1024  # of one page with all that it loads; then nothing more comes
MAX_CONNECTIONS = 256  # at once; a page opens some six for each of its hosts
PATIENCE = 30.0  # seconds for a head and a connection


class ByteStream(Protocol):
    """A connection to a server."""

    async def read(self, max_bytes: int) -> bytes:
        """Some bytes, b"" at the end."""

    async def write(self, buffer: bytes) -> None:
        """All of `buffer`."""

    async def aclose(self) -> None:
        """Close at once."""


Connect = Callable[[str, int], Awaitable[ByteStream | None]]
"""Connects to a host and port; None where that cannot or may not be."""


@dataclass(frozen=True, slots=True)
class Forwarding:
    """A proxy on the way that forwards plain http: how it is reached, and the headers that it wants."""

    connect: Connect
    headers: tuple[tuple[bytes, bytes], ...] = ()


_CONNECT = re.compile(rb"CONNECT \[?([^\s\]]{1,253})\]?:(\d{1,5}) HTTP/1\.1\r\n")
_PLAIN = re.compile(
    rb"([A-Z]{3,10}) http://\[?([^\s/\]:?#@]{1,253}|[0-9A-Fa-f:.]+(?=\]))\]?(?::(\d{1,5}))?([/?]\S*)? HTTP"
)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,12})\r\n", re.IGNORECASE)
_HOP = re.compile(rb"\r\n(?:proxy-)?connection:[^\r\n]*", re.IGNORECASE)


class _Budget:
    """Bytes that may still pass, for all connections together."""

    def __init__(self) -> None:
        self.left = MAX_BYTES

    def spend(self, count: int) -> bool:
        self.left -= count
        return self.left >= 0


@asynccontextmanager
async def open_tunnel(connect: Connect, forwarding: Forwarding | None = None) -> AsyncIterator[str]:
    """A proxy that lives as long as the block; gives its address. `forwarding`: who plain http is handed to."""
    budget = _Budget()

    async def serve(client: trio.SocketStream) -> None:
        try:
            await _serve(client, connect, forwarding, budget)
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # either side went away
        finally:
            await trio.aclose_forcefully(client)

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=MAX_CONNECTIONS)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        yield f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


async def _serve(client: trio.SocketStream, connect: Connect, forwarding: Forwarding | None, budget: _Budget) -> None:
    with trio.move_on_after(PATIENCE) as waiting:
        head, rest = await _read_head(client)
        if found := _CONNECT.match(head):
            server = await connect(found[1].decode("ascii", "replace"), int(found[2]))
            request = b""
        elif found := _PLAIN.match(head):
            way = forwarding.connect if forwarding else connect
            server = await way(found[2].decode("ascii", "replace"), int(found[3] or 80))
            request = _rewritten(head, found, forwarding)
        else:
            return
    if waiting.cancelled_caught or server is None:
        return  # closing without a word is what the browser takes for a failed connection, never for a page
    try:
        if request:
            wanted = _LENGTH.search(head)
            await server.write(request + rest)
            await _pass_on(client, server, budget, (int(wanted[1]) if wanted else 0) - len(rest))
        else:
            await client.send_all(b"HTTP/1.1 200 Connected\r\n\r\n")
            await _pass_on(client, server, budget, budget.left)
    finally:
        await server.aclose()


async def _read_head(client: trio.SocketStream) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data and len(data) < HEAD:
        more = await client.receive_some(READ)
        if not more:
            break
        data += more
    head, end, rest = data.partition(b"\r\n\r\n")
    return head + end, rest


def _rewritten(head: bytes, found: re.Match[bytes], forwarding: Forwarding | None) -> bytes:
    """The request as the server, or a proxy before it, wants it.

    Its answer ends the connection, so that no second request rides along.
    """
    target = found[4] or b"/"
    target = (b"/" if target.startswith(b"?") else b"") + target
    if forwarding is not None:
        name = b"[%b]" % found[2] if b":" in found[2] else found[2]
        target = b"http://" + name + (b":" + found[3] if found[3] else b"") + target
    fields = _HOP.sub(b"", head[head.index(b"\r\n") : -4])
    fields += b"".join(b"\r\n" + name + b": " + value for name, value in (forwarding.headers if forwarding else ()))
    return found[1] + b" " + target + b" HTTP/1.1" + fields + b"\r\nConnection: close\r\n\r\n"


async def _pass_on(client: trio.SocketStream, server: ByteStream, budget: _Budget, upwards: int) -> None:
    """Pass bytes on in both directions until the server has said all; at most `upwards` from the client."""
    async with trio.open_nursery() as nursery:

        async def up() -> None:
            left = upwards
            try:
                while data := await client.receive_some(READ):
                    left -= len(data)
                    if left < 0 or not budget.spend(len(data)):
                        break
                    await server.write(data)
            except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
                pass
            nursery.cancel_scope.cancel()

        async def down() -> None:
            try:
                while (data := await server.read(READ)) and budget.spend(len(data)):
                    await client.send_all(data)
            except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
                pass
            nursery.cancel_scope.cancel()

        nursery.start_soon(up)
        await down()

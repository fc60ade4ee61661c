"""The browser's only way out: what it passes on, and what it refuses without a word."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import trio

from crawler.fetch.browser import ByteStream, open_tunnel, tunnel


@dataclass
class Server:
    """A server that remembers what it is told and answers once, when it has heard `wait_for`."""

    answer: bytes = b"HTTP/1.1 200 OK\r\n\r\nwords"
    wait_for: bytes = b"\r\n\r\n"
    heard: bytes = b""
    asked: list[tuple[str, int]] = field(default_factory=list)
    is_open: bool = True
    ready: trio.Event = field(default_factory=trio.Event)

    async def connect(self, host: str, port: int) -> ByteStream | None:
        await trio.lowlevel.checkpoint()
        self.asked.append((host, port))
        return None if host == "private.example" else self

    async def read(self, max_bytes: int) -> bytes:
        await self.ready.wait()
        answer, self.answer = self.answer, b""
        return answer

    async def write(self, buffer: bytes) -> None:
        await trio.lowlevel.checkpoint()
        self.heard += buffer
        if self.wait_for in self.heard:
            self.ready.set()

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self.is_open = False


@asynccontextmanager
async def dialled(server: Server) -> AsyncIterator[trio.SocketStream]:
    async with (
        open_tunnel(server.connect) as proxy,
        await trio.open_tcp_stream("127.0.0.1", int(proxy.rpartition(":")[2])) as client,
    ):
        yield client


async def said(client: trio.SocketStream) -> bytes:
    """Everything until the tunnel closes."""
    whole = b""
    with trio.fail_after(5):
        try:
            while data := await client.receive_some():
                whole += data
        except trio.BrokenResourceError:
            pass
    return whole


@pytest.mark.parametrize(
    ("target", "asked"), [("a.example:443", ("a.example", 443)), ("[2001:db8::1]:8443", ("2001:db8::1", 8443))]
)
async def test_connect_opens_a_tunnel_for_whatever_is_said(target: str, asked: tuple[str, int]) -> None:
    server = Server(answer=b"\0secret answer", wait_for=b"\1hello")
    async with dialled(server) as client:
        await client.send_all(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        assert await client.receive_some() == b"HTTP/1.1 200 Connected\r\n\r\n"
        await client.send_all(b"\1hello")
        assert await said(client) == b"\0secret answer"
    assert (server.asked, server.heard, server.is_open) == ([asked], b"\1hello", False)


@pytest.mark.parametrize(
    ("url", "asked", "target"),
    [
        ("http://a.example/path?q=1", ("a.example", 80), b"/path?q=1"),
        ("http://a.example:8080", ("a.example", 8080), b"/"),
        ("http://a.example?q", ("a.example", 80), b"/?q"),
        ("http://[2001:db8::1]:81/", ("2001:db8::1", 81), b"/"),
    ],
)
async def test_a_plain_request_goes_on_as_the_server_wants_it(url: str, asked: tuple[str, int], target: bytes) -> None:
    server = Server()
    async with dialled(server) as client:
        head = f"GET {url} HTTP/1.1\r\nHost: a.example\r\nProxy-Connection: keep-alive\r\nAccept: */*\r\n\r\n"
        await client.send_all(head.encode())
        assert await said(client) == b"HTTP/1.1 200 OK\r\n\r\nwords"
    assert server.asked == [asked]
    wanted = b"GET " + target + b" HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    assert server.heard == wanted


async def test_a_body_goes_along_and_a_second_request_does_not() -> None:
    server = Server(wait_for=b"never said")
    second = b"GET http://private.example/ HTTP/1.1\r\n\r\n"
    async with dialled(server) as client:
        head = b"POST http://a.example/ HTTP/1.1\r\nContent-Length: 5\r\n\r\n"
        await client.send_all(head + b"bo")
        await trio.testing.wait_all_tasks_blocked(0.05)
        await client.send_all(b"dy!")
        await trio.testing.wait_all_tasks_blocked(0.05)
        await client.send_all(second)
        assert await said(client) == b""
    assert server.heard.endswith(b"\r\n\r\nbody!")
    assert b"private" not in server.heard


@pytest.mark.parametrize(
    "head",
    [
        b"CONNECT private.example:443 HTTP/1.1\r\n\r\n",
        b"GET http://private.example/ HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: private.example\r\n\r\n",
        b"GET http://user@private.example/ HTTP/1.1\r\n\r\n",
        b"GET ftp://private.example/ HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01 no HTTP at all\r\n\r\n",
        b"GET http://" + b"a" * 70_000,
    ],
)
async def test_what_may_not_be_ends_without_a_word_that_could_be_a_page(head: bytes) -> None:
    server = Server()
    async with dialled(server) as client:
        await client.send_all(head)
        assert await said(client) == b""
    assert server.heard == b""


async def test_a_page_that_loads_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel, "MAX_BYTES", 1000)
    server = Server(answer=b"x" * 2000)
    async with dialled(server) as client:
        await client.send_all(b"GET http://a.example/ HTTP/1.1\r\n\r\n")
        assert await said(client) == b""


async def test_a_server_that_breaks_off_breaks_only_its_own_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server()

    async def broken(max_bytes: int) -> bytes:
        await server.ready.wait()
        raise OSError("reset")

    monkeypatch.setattr(server, "read", broken)
    async with dialled(server) as client:
        await client.send_all(b"GET http://a.example/ HTTP/1.1\r\n\r\n")
        assert await said(client) == b""

"""Ways through a proxy: tunnels, SOCKS, and that a proxy's faults are never the page's."""

import ssl

import pytest
import trio
import trustme
from fetch_web import loopback, ok, read_head, saying, server
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.core.model import Failure
from crawler.fetch.guard import is_public_name

CA = trustme.CA()


def tls(*names: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    CA.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture(scope="module")
def ca_bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    CA.cert_pem.write_to_path(str(file))
    return str(file)


class Relay:
    """A proxy that connects every tunnel to one port of loopback; `asked` is what it was told."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[bytes] = []

    async def http(self, stream: trio.abc.Stream) -> None:
        self.asked.append(await read_head(stream))
        await stream.send_all(b"HTTP/1.1 200 Connection established\r\nX-Odd header\r\n\r\n")
        await self._pump(stream)

    async def socks(self, stream: trio.abc.Stream) -> None:
        methods = await self._exactly(stream, 3)
        await stream.send_all(b"\x05" + methods[2:3])
        if methods[2] == 2:
            _, user = await self._exactly(stream, 2)
            name = await self._exactly(stream, user + 1)
            self.asked.append(name[:-1] + b":" + await self._exactly(stream, name[-1]))
            await stream.send_all(b"\x01\x00")
        _, _, _, kind = await self._exactly(stream, 4)
        length = {1: 4, 4: 16}.get(kind) or (await self._exactly(stream, 1))[0]
        self.asked.append(await self._exactly(stream, length + 2))
        await stream.send_all(b"\x05\x00\x00\x03\x04host\x00\x50")
        await self._pump(stream)

    async def _exactly(self, stream: trio.abc.Stream, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += await stream.receive_some(count - len(data)) or b"\0"
        return data

    async def _pump(self, stream: trio.abc.Stream) -> None:
        async def copy(source: trio.abc.Stream, target: trio.abc.Stream) -> None:
            while data := await source.receive_some(65536):
                await target.send_all(data)
            nursery.cancel_scope.cancel()

        async with await trio.open_tcp_stream("127.0.0.1", self.port) as onward, trio.open_nursery() as nursery:
            nursery.start_soon(copy, stream, onward)
            nursery.start_soon(copy, onward, stream)


async def test_https_goes_through_a_tunnel(ca_bundle: str) -> None:
    async with server(saying(ok(), ok()), tls("one.example")) as port:
        relay = Relay(port)
        async with server(relay.http) as way, loopback(proxy=f"http://me:pw@127.0.0.1:{way}", ca_bundle=ca_bundle) as f:
            fetches = [await f("https://one.example/a"), await f("https://one.example/b")]
    assert [fetch.body for fetch in fetches] == [b"hello"] * 2
    assert len(relay.asked) == 1
    assert relay.asked[0].startswith(b"CONNECT one.example:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6cHc=\r\n" in relay.asked[0]
    assert "pw" not in repr(fetches)


async def test_a_proxy_may_speak_tls_itself(ca_bundle: str) -> None:
    async with server(saying(ok(), ok()), tls("one.example")) as port:
        relay = Relay(port)
        async with (
            server(relay.http, tls("127.0.0.1")) as way,
            loopback(proxy=f"https://127.0.0.1:{way}", ca_bundle=ca_bundle) as fetcher,
        ):
            fetches = [await fetcher(f"https://one.example/{n}") for n in range(2)]
    assert [fetch.status for fetch in fetches] == [200, 200], fetches[0].error
    assert len(relay.asked) == 1  # kept, and used again


@pytest.mark.parametrize(
    ("url", "auth", "asked"),
    [
        ("http://one.example/", "", [b"one.example\x00\x50"]),
        ("http://1.1.1.1:8080/", "", [b"\x01\x01\x01\x01\x1f\x90"]),
        ("http://[2606:4700::1]/", "", [bytes.fromhex("26064700000000000000000000000001") + b"\x00\x50"]),
        ("http://one.example/", "me:pw@", [b"me:pw", b"one.example\x00\x50"]),
    ],
)
async def test_socks_is_spoken_without_another_package(url: str, auth: str, asked: list[bytes]) -> None:
    async with server(saying(ok())) as port:
        relay = Relay(port)
        async with server(relay.socks) as way, loopback(proxy=f"socks5://{auth}127.0.0.1:{way}") as fetcher:
            fetch = await fetcher(url)
    assert (fetch.status, relay.asked) == (200, asked)


@pytest.mark.parametrize(
    "proxy", ["http://127.0.0.1:1", "https://127.0.0.1:1", "socks5://127.0.0.1:1", "http://no-such-proxy.invalid:8080"]
)
@pytest.mark.parametrize("url", ["http://one.example/", "https://one.example/"])
async def test_a_proxy_that_is_not_there_says_nothing_of_the_page(proxy: str, url: str) -> None:
    async with loopback(proxy=proxy) as fetcher:
        fetch = await fetcher(url)
    assert fetch.failure is Failure.UNREACHABLE
    assert "proxy" in fetch.error


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 403 Forbidden\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        b"nonsense, this is",
        b"",
        b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_a_tunnel_that_is_refused_is_the_proxys_doing(answer: bytes) -> None:
    async with server(saying(answer)) as port, loopback(proxy=f"http://127.0.0.1:{port}") as fetcher:
        fetch = await fetcher("https://one.example/")
    assert fetch.failure is Failure.UNREACHABLE
    assert "the proxy refused" in fetch.error


async def test_a_proxy_that_wants_a_password_is_no_login_wall_of_the_page() -> None:
    refusal = b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n"
    async with server(saying(refusal)) as port, loopback(proxy=f"http://127.0.0.1:{port}") as fetcher:
        fetch = await fetcher("http://one.example/")
    assert (fetch.failure, fetch.status) == (Failure.UNREACHABLE, None)


@given(st.binary(max_size=40), st.sampled_from(["socks5", "http"]))
@settings(max_examples=40)
def test_any_bytes_of_a_proxy_are_a_failure_or_an_answer(data: bytes, scheme: str) -> None:
    async def babble(stream: trio.abc.Stream) -> None:
        await stream.receive_some(100)
        await stream.send_all(data)
        await stream.aclose()

    async def run() -> None:
        async with server(babble) as port, loopback(proxy=f"{scheme}://127.0.0.1:{port}") as fetcher:
            for url in ("https://one.example/", "http://one.example/"):
                fetch = await fetcher(url)
                assert fetch.status is not None or fetch.failure is not Failure.INTERNAL

    trio.run(run)


@pytest.mark.parametrize(
    "host",
    (
        "localhost localhost. a.localhost LOCALHOST localhost.localdomain printer.local router x.lan db.internal lvh.me"
        " metadata.google.internal nas.home.arpa a.b.localtest.me 127.0.0.1.nip.io app-10-0-0-1.sslip.io"
        " 169.254.169.254 127.1 [::1] [::ffff:10.0.0.1] 168.63.129.16"
    ).split(),
)
async def test_names_and_addresses_of_localhost_are_refused_before_the_proxy_hears_of_them(host: str) -> None:
    heard: list[bytes] = []

    async def proxy(stream: trio.abc.Stream) -> None:
        heard.append(await read_head(stream))
        await stream.send_all(ok())

    async with server(proxy) as port, loopback(proxy=f"http://127.0.0.1:{port}", allow_private=False) as fetcher:
        fetches = [await fetcher(f"{scheme}://{host}/") for scheme in ("http", "https")]
    assert [fetch.failure for fetch in fetches] == [Failure.NOT_PUBLIC] * 2
    assert heard == []


@pytest.mark.parametrize(
    "host",
    ["one.example", "local.example", "localhost.example", "1.1.1.1", "1.1.1.1.nip.io", "lan.example", "melvh.me"],
)
def test_a_proxy_is_asked_for_names_that_may_be_public(host: str) -> None:
    assert is_public_name(host)


async def test_what_stands_behind_the_port_of_a_proxy_does_not_matter() -> None:
    async with server(saying(ok())) as port, loopback(proxy=f"http://127.0.0.1:{port}/ignored?x=1") as fetcher:
        assert (await fetcher("http://one.example/")).status == 200

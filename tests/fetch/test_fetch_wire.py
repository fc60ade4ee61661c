"""The real transport against raw servers on loopback: what goes over the wire, and every way it can break."""

import gc
import ssl
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest
import trio
import trustme
from fetch_web import loopback, ok, polite, read_head, saying, server

from crawler.core.errors import ConfigError
from crawler.core.model import Cut, Failure, Fetch
from crawler.fetch import Fetcher, Request
from crawler.fetch.wire import FIRST_PART, IDLE

CA = trustme.CA()


def tls_for(*names: str, ca: trustme.CA = CA, **certificate: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert(*names, **certificate).configure_cert(context)
    return context


@pytest.fixture(scope="module")
def ca_bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    CA.cert_pem.write_to_path(str(file))
    return str(file)


def pools_of(fetcher: Fetcher) -> dict[object, Any]:
    """The connection pools of the real transport, by their key."""
    pools: dict[object, Any] = cast(Any, fetcher)._transport._pools
    return pools


async def fetch_raw(handler: Callable[[trio.abc.Stream], Awaitable[None]], **settings: Any) -> Fetch:
    async with server(handler) as port, loopback(**settings) as fetcher:
        return await fetcher(f"http://127.0.0.1:{port}/")


class Recorder:
    """Answers every request alike and keeps the heads; `connections` counts them."""

    def __init__(self, answer: bytes = ok()) -> None:
        self.answer = answer
        self.heads: list[bytes] = []
        self.connections = 0

    async def __call__(self, stream: trio.abc.Stream) -> None:
        self.connections += 1
        while head := await read_head(stream):
            self.heads.append(head)
            await stream.send_all(self.answer)


async def test_a_request_is_honest_and_looks_like_a_browsers() -> None:
    recorder = Recorder()
    async with server(recorder) as port, loopback() as fetcher:
        fetch = await fetcher(Request(f"http://127.0.0.1:{port}/a?b=1|2#c", (("If-None-Match", '"x"'),)))
    lines = recorder.heads[0].decode().split("\r\n")
    assert lines[0] == "GET /a?b=1|2 HTTP/1.1"
    headers = dict(line.split(": ", 1) for line in lines[1:] if line)
    assert headers["Host"] == f"127.0.0.1:{port}"
    assert "linkhealth-crawler" in headers["User-Agent"]
    assert headers["Accept-Language"].startswith("zh-CN")
    assert headers["Accept-Encoding"] == "gzip, deflate, br, zstd"
    assert headers["If-None-Match"] == '"x"'
    assert fetch.request_headers == tuple(headers.items())


async def test_headers_of_host_and_request_win_over_ours() -> None:
    recorder = Recorder()
    rules = polite(headers=(("accept-language", "en"), ("X-Host", "1")))
    async with server(recorder) as port, loopback(rules, headers={"X-All": "2"}, user_agent="mine") as fetcher:
        await fetcher(Request(f"http://127.0.0.1:{port}/", (("X-Host", "3"),)))
    head = recorder.heads[0].decode().lower()
    assert "accept-language: en\r\n" in head
    assert head.count("accept-language") == 1
    assert "x-host: 3\r\n" in head
    assert "x-all: 2\r\n" in head
    assert "user-agent: mine\r\n" in head


async def test_header_values_go_out_as_they_came_in_and_chinese_ones_as_utf_8() -> None:
    recorder = Recorder()
    etag = "caf\u00e9".encode().decode("latin-1")  # as headers of an answer are read
    async with server(recorder) as port, loopback(headers={"X-Name": "\u94fe\u63a5"}) as fetcher:
        await fetcher(Request(f"http://127.0.0.1:{port}/", (("If-None-Match", etag),)))
    assert "If-None-Match: caf\u00e9\r\n".encode() in recorder.heads[0]
    assert "X-Name: \u94fe\u63a5\r\n".encode() in recorder.heads[0]


async def test_hosts_that_idna_forbids_are_asked_all_the_same() -> None:
    recorder = Recorder()
    async with server(recorder) as port, loopback(resolve={"*": f"127.0.0.1:{port}"}) as fetcher:
        for host in ("xn--i-7iq.ws", "a_b.example", "\u2603.example"):
            assert (await fetcher(f"http://{host}/")).status == 200
    assert b"Host: xn--i-7iq.ws\r\n" in recorder.heads[0]


async def test_credentials_in_the_url_are_sent_as_curl_does_and_not_shown() -> None:
    recorder = Recorder()
    async with server(recorder) as port, loopback() as fetcher:
        fetch = await fetcher(f"http://me:p%40ss@127.0.0.1:{port}/")
    assert b"Authorization: Basic bWU6cEBzcw==\r\n" in recorder.heads[0]
    assert ("Authorization", "REDACTED") in fetch.request_headers


async def test_connections_are_kept_and_used_again_until_their_slot_is_closed() -> None:
    recorder = Recorder()
    async with server(recorder) as port, loopback() as fetcher:
        for _ in range(5):
            await fetcher(f"http://127.0.0.1:{port}/")
        assert recorder.connections == 1
        await fetcher.close_slot("127.0.0.1")
        await fetcher(f"http://127.0.0.1:{port}/")
    assert recorder.connections == 2


async def test_a_connection_that_went_stale_is_replaced_at_once() -> None:
    connections = 0

    async def one_answer_each(stream: trio.abc.Stream) -> None:
        nonlocal connections
        connections += 1
        await read_head(stream)
        await stream.send_all(ok())
        await read_head(stream)  # the next request is read and never answered
        await stream.aclose()

    async with server(one_answer_each) as port, loopback() as fetcher:
        for _ in range(3):
            fetch = await fetcher(f"http://127.0.0.1:{port}/")
            assert (fetch.status, fetch.requests) == (200, 1)
    assert connections == 3


async def test_a_server_that_gives_up_on_a_kept_connection_is_asked_over_another_one() -> None:
    """It says 408 into the silence; the next request crosses that on its way and is not what it is about."""
    connections = 0

    async def impatient(stream: trio.abc.Stream) -> None:
        nonlocal connections
        connections += 1
        await read_head(stream)
        await stream.send_all(ok())
        await read_head(stream)
        await stream.send_all(ok(b"", "Connection: close", status="408 Request Timeout"))
        await stream.aclose()

    async with server(impatient) as port, loopback() as fetcher:
        answers = [await fetcher(f"http://127.0.0.1:{port}/") for _ in range(3)]
    assert ([(fetch.status, fetch.requests) for fetch in answers], connections) == ([(200, 1)] * 3, 3)


async def test_few_connections_stay_open_however_many_hosts_there_are(monkeypatch) -> None:
    monkeypatch.setattr("crawler.fetch.MIN_POOLS", 4)
    recorder = Recorder()
    async with server(recorder, host="0.0.0.0") as port, loopback(concurrency=2) as fetcher:
        for n in range(20):
            assert (await fetcher(f"http://127.0.0.{n + 1}:{port}/")).status == 200
        assert len(pools_of(fetcher)) == 4
    assert recorder.connections == 20


async def test_tls_with_a_bundle_of_ones_own(ca_bundle: str) -> None:
    async with server(saying(ok()), tls_for("one.example")) as port:
        resolve = {"one.example:443": f"127.0.0.1:{port}"}
        async with loopback(ca_bundle=ca_bundle, resolve=resolve, allow_private=False) as fetcher:
            fetch = await fetcher("https://one.example/")
    assert (fetch.status, fetch.final_url) == (200, "https://one.example/")


@pytest.mark.parametrize(
    ("context", "bundle", "words"),
    [
        (lambda: tls_for("one.example"), False, "not signed by an authority we know"),
        (lambda: tls_for("other.example"), True, "for another host"),
    ],
)
async def test_why_a_certificate_is_refused_is_told(
    context: Callable[[], ssl.SSLContext], bundle: bool, words: str, ca_bundle: str
) -> None:
    async with server(saying(ok()), context()) as port:
        resolve = {"one.example": f"127.0.0.1:{port}"}
        async with loopback(ca_bundle=ca_bundle if bundle else "", resolve=resolve) as fetcher:
            fetch = await fetcher("https://one.example/")
    assert fetch.failure is Failure.TLS
    assert words in fetch.error


async def test_an_expired_certificate_is_told(ca_bundle: str) -> None:
    from datetime import UTC, datetime

    expired = tls_for(
        "one.example", not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=datetime(2020, 2, 1, tzinfo=UTC)
    )
    async with (
        server(saying(ok()), expired) as port,
        loopback(ca_bundle=ca_bundle, resolve={"one.example": f"127.0.0.1:{port}"}) as fetcher,
    ):
        fetch = await fetcher("https://one.example/")
    assert (fetch.failure, fetch.error) == (Failure.TLS, "certificate has expired")


async def test_plain_http_behind_an_https_link_is_a_tls_failure() -> None:
    async def babble(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await stream.receive_some()

    async with server(babble) as port, loopback() as fetcher:
        fetch = await fetcher(f"https://127.0.0.1:{port}/")
    assert fetch.failure is Failure.TLS


async def reset(stream: trio.abc.Stream) -> None:
    """Close with a RST instead of a FIN."""
    import socket

    assert isinstance(stream, trio.SocketStream)
    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await stream.aclose()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_reset_while_connecting_is_a_reset(scheme: str) -> None:
    async with server(reset) as port, loopback() as fetcher:
        fetch = await fetcher(f"{scheme}://127.0.0.1:{port}/")
    assert fetch.failure is Failure.RESET


@pytest.mark.parametrize(
    ("answer", "failure", "words"),
    [
        (b"", Failure.RESET, "without an answer"),
        (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", Failure.PROTOCOL, "not proper HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000, Failure.PROTOCOL, "not proper HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, Failure.RESET, "within the header block"),
        (b"HTTP/1.1 20 OK\r\n\r\n", Failure.PROTOCOL, "a status of 20"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 50, Failure.PROTOCOL, "answers of 1xx"),
    ],
)
async def test_broken_answers_are_failures_with_words(answer: bytes, failure: Failure, words: str) -> None:
    fetch = await fetch_raw(saying(answer))
    assert fetch.failure is failure
    assert words in fetch.error
    assert fetch.error.isprintable()
    assert len(fetch.error) <= 250


async def test_refused_connections_are_told() -> None:
    async with loopback() as fetcher:
        fetch = await fetcher("http://127.0.0.1:1/")
    assert (fetch.failure, fetch.error) == (Failure.REFUSED, "connection refused")


async def test_a_body_without_length_ends_with_the_connection() -> None:
    fetch = await fetch_raw(saying(b"HTTP/1.0 200 OK\r\n\r\nold style"))
    assert fetch.body == b"old style"


async def test_headers_are_kept_as_sent() -> None:
    fetch = await fetch_raw(saying(ok(b"", "X-Odd: caf\u00e9", "set-cookie: a=1", "Set-Cookie: b=2")))
    assert fetch.headers[1:] == (("X-Odd", "caf\u00c3\u00a9"), ("set-cookie", "a=1"), ("Set-Cookie", "b=2"))


async def test_of_an_announced_film_over_the_cap_only_the_beginning_is_read() -> None:
    async def endless(stream: trio.abc.Stream) -> None:
        await read_head(stream)
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 99999999999\r\n\r\n")
        while True:
            await stream.send_all(b"x" * 65536)

    fetch = await fetch_raw(endless)
    assert (fetch.status, fetch.cut, len(fetch.body)) == (200, Cut.TOO_LARGE, FIRST_PART)
    assert "answered 200 with 99999999999 bytes" in fetch.error
    assert fetch.header("content-type") == "video/mp4"


async def test_an_unannounced_body_is_cut_off_at_the_cap() -> None:
    sent = 0

    async def endless(stream: trio.abc.Stream) -> None:
        nonlocal sent
        await read_head(stream)
        await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await stream.send_all(b"x" * 65536)
            sent += 65536

    fetch = await fetch_raw(endless, max_body=1_000_000)
    assert (fetch.status, fetch.cut, len(fetch.body)) == (200, Cut.TOO_LARGE, 1_000_000)
    assert sent < 20_000_000


async def test_an_error_page_over_the_cap_is_cut_since_its_status_says_enough() -> None:
    fetch = await fetch_raw(saying(ok(b"x" * 2000, status="404 Not Found")), max_body=1000)
    assert (fetch.status, fetch.body) == (404, b"x" * 1000)


async def test_a_redirect_is_followed_whatever_is_wrong_with_its_page() -> None:
    broken = ok(b"garbage", "Content-Encoding: gzip", "Location: /new", status="301 Moved")
    fetch = await fetch_raw(saying(broken, ok(b"there")))
    assert fetch.body == b"there"
    cut_off = b"HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 10\r\n\r\nhalf"
    fetch = await fetch_raw(saying(cut_off))
    assert fetch.final_url.endswith("/new")


async def test_a_304_has_no_body() -> None:
    fetch = await fetch_raw(saying(b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Encoding: gzip\r\n\r\n'))
    assert (fetch.status, fetch.body, fetch.header("etag")) == (304, b"", '"x"')


async def drip(stream: trio.abc.Stream) -> None:
    """A slow loris: one byte every ten seconds, for ever."""
    await read_head(stream)
    await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await trio.sleep(10)
        await stream.send_all(b"x")


async def silent(stream: trio.abc.Stream) -> None:
    await read_head(stream)
    await trio.sleep_forever()


async def stalled(stream: trio.abc.Stream) -> None:
    await read_head(stream)
    await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    await trio.sleep_forever()


async def mute(stream: trio.abc.Stream) -> None:
    await trio.sleep_forever()


@pytest.mark.parametrize(
    ("handler", "scheme", "seconds", "came", "words"),
    [
        (drip, "http", 45, (200, Cut.ENDLESS, b"xxxx"), "not through after 45 s"),
        (silent, "http", 45, (None, Cut.NOT, b""), "not through after 45 s"),
        (stalled, "http", IDLE, (200, Cut.TIMEOUT, b"half"), "no byte of the body"),
        (mute, "https", 5, (None, Cut.NOT, b""), "timed out while connecting"),
    ],
)
async def test_nothing_waits_for_ever(
    handler: Callable[[trio.abc.Stream], Awaitable[None]],
    scheme: str,
    seconds: float,
    came: tuple[int | None, Cut, bytes],
    words: str,
    autojump_clock,
) -> None:
    async with server(handler) as port, loopback(polite(timeout=45.0, connect_timeout=5.0)) as fetcher:
        fetch = await fetcher(f"{scheme}://127.0.0.1:{port}/")
    assert (fetch.status, fetch.cut, fetch.body) == came
    assert fetch.failure is (Failure.TIMEOUT if came[0] is None else None)
    assert words in fetch.error
    assert fetch.seconds == pytest.approx(seconds, abs=0.5)


async def test_cancelled_fetches_leave_no_connection_behind() -> None:
    asked = trio.Event()

    async def silent_once_asked(stream: trio.abc.Stream) -> None:
        await read_head(stream)
        asked.set()
        await trio.sleep_forever()

    async with server(silent_once_asked) as port, loopback() as fetcher:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fetcher, f"http://127.0.0.1:{port}/")
            await asked.wait()
            nursery.cancel_scope.cancel()
        assert [pool.active for pool in pools_of(fetcher).values()] == [0]
    gc.collect()  # an unclosed socket would warn, and warnings are errors


async def test_http_proxies_are_asked_for_the_whole_url_and_private_names_are_still_refused() -> None:
    recorder = Recorder()
    async with (
        server(recorder) as port,
        loopback(proxy=f"http://user:pw@127.0.0.1:{port}", allow_private=False) as fetcher,
    ):
        fetch = await fetcher("http://one.example/page")
        refused = [await fetcher(url) for url in ("http://127.0.0.1/", "http://localhost/", "https://[::1]/")]
    assert fetch.status == 200
    assert recorder.heads[0].startswith(b"GET http://one.example/page HTTP/1.1\r\n")
    assert b"proxy-authorization: basic" in recorder.heads[0].lower()
    assert [r.failure for r in refused] == [Failure.NOT_PUBLIC] * 3
    assert "pw" not in repr(fetch)


async def test_a_proxy_that_refuses_is_told() -> None:
    async with (
        server(saying(b"HTTP/1.1 403 Forbidden\r\n\r\n")) as port,
        loopback(proxy=f"http://127.0.0.1:{port}") as fetcher,
    ):
        fetch = await fetcher("https://one.example/")
    assert fetch.failure is Failure.UNREACHABLE
    assert "proxy" in fetch.error


@pytest.mark.parametrize(
    "bad",
    [
        {"proxy": "ftp://x"},
        {"proxy": "http://[::"},
        {"ca_bundle": "/nowhere/ca.pem"},
    ],
)
async def test_settings_that_cannot_be_used_are_told_before_anything_is_fetched(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=rf"\[fetch\] {next(iter(bad))}"):
        async with loopback(**bad):
            pass


async def test_a_bundle_without_certificates_is_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing here")
    with pytest.raises(ConfigError, match="ca_bundle"):
        async with loopback(ca_bundle=str(tmp_path / "ca.pem")):
            pass


@pytest.mark.parametrize(
    ("url", "failure"),
    [
        ("http://[", Failure.MALFORMED_URL),
        ("", Failure.MALFORMED_URL),
        ("/relative", Failure.MALFORMED_URL),
        ("mailto:x@y.example", Failure.UNSUPPORTED_SCHEME),
        ("javascript:alert(1)", Failure.UNSUPPORTED_SCHEME),
        ("http://one.example/" + "x" * 70_000, Failure.MALFORMED_URL),
    ],
)
async def test_what_cannot_be_asked_is_not(url: str, failure: Failure) -> None:
    async with loopback() as fetcher:
        fetch = await fetcher(url)
        assert fetcher.requests == 0 or failure is Failure.MALFORMED_URL
    assert (fetch.failure, fetch.requests) == (failure, 0)

"""Servers as they really are, on loopback: what browsers read on through, the client does too; nothing ever raises."""

import gzip
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from fetch_web import loopback, ok, polite, read_head, saying, server
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.core.model import Cut, Failure, Fetch
from crawler.fetch.wire import IDLE

Handler = Callable[[trio.abc.Stream], Awaitable[None]]
TEXT = b"<!doctype html><title>A page</title><p>" + " ".join(f"word{n * n}" for n in range(2000)).encode()


async def fetch_raw(handler: Handler, **settings: Any) -> Fetch:
    async with server(handler) as port, loopback(polite(timeout=30.0), **settings) as fetcher:
        return await fetcher(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"hello", "get-ban-to-cache-result/forum.php: userdata not support"),
        ok(b"hello", "X Foo: bar", "no colon", ": empty", "X-Nul: a\0b", " folded"),
        b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
        b"HTTP/1.1 200\r\nContent-Length : 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: br-or-so\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nhello",
        b"\r\nICY 200 OK\r\n\r\nhello",
        b"http/1.0 200 fine\r\n\r\nhello",
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        ok(b"hello", *(f"X-Policy-{n}: {'x' * 1000}" for n in range(200))),
        ok(b"hello", "Set-Cookie: " + "x" * 100_000),
        ok(b"hello", "Content-Encoding: none", "Content-Type: \xff\xfe"),
        ok(b"hello, and what nobody asked for")[:-20],
        ok(b"hello", "Content-Encoding: GZIP;foo").replace(b"hello", b"<p>hello</p>").replace(b": 5", b": 12"),
    ],
)
async def test_answers_that_browsers_show_are_answers(answer: bytes) -> None:
    fetch = await fetch_raw(saying(answer))
    assert (fetch.status, fetch.failure) == (200, None)
    assert fetch.body.removeprefix(b"<p>")[:5] == b"hello"


async def test_bytes_after_the_answer_belong_to_nobody() -> None:
    """The next request gets a connection of its own, not what the last one left over."""
    async with server(saying(ok(b"one") + ok(b"smuggled"))) as port, loopback() as fetcher:
        bodies = [(await fetcher(f"http://127.0.0.1:{port}/")).body for _ in range(2)]
    assert bodies == [b"one", b"one"]


async def test_a_server_that_answers_before_it_reads_and_closes_has_answered() -> None:
    async def hasty(stream: trio.abc.Stream) -> None:
        await stream.send_all(ok(b"busy", status="503 Busy"))
        await stream.aclose()

    fetch = await fetch_raw(hasty)
    assert (fetch.status, fetch.body) == (503, b"busy")


def then(head: bytes, body: bytes, forever: Handler) -> Handler:
    """Head and body at once, and then `forever`."""

    async def handler(stream: trio.abc.Stream) -> None:
        await read_head(stream)
        await stream.send_all(head + body)
        await forever(stream)

    return handler


async def hang(stream: trio.abc.Stream) -> None:
    await trio.sleep_forever()


async def trickle(stream: trio.abc.Stream) -> None:
    while True:
        await trio.sleep(1)
        await stream.send_all(b"x" * 1000)


async def close(stream: trio.abc.Stream) -> None:
    await stream.aclose()


PDF = b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nContent-Length: 12000000\r\n\r\n"
RADIO = b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
OPEN = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"


@pytest.mark.parametrize(
    ("handler", "cut", "body", "seconds"),
    [
        (then(PDF, b"%PDF", trickle), Cut.TIMEOUT, b"%PDF", 30),
        (then(RADIO, b"ID3", trickle), Cut.ENDLESS, b"ID3", 30),
        (then(OPEN, TEXT, hang), Cut.ENDLESS, TEXT, IDLE),
        (then(CHUNKED, b"%x\r\n%s\r\n" % (len(TEXT), TEXT), hang), Cut.TIMEOUT, TEXT, IDLE),
        (then(CHUNKED, b"%x\r\n%s\r\n" % (len(TEXT), TEXT), close), Cut.RESET, TEXT, 0),
        (then(CHUNKED, b"%x\r\n%s\r\nzz\r\n" % (len(TEXT), TEXT), close), Cut.BAD_CODING, TEXT, 0),
        (then(PDF, b"%PDF", close), Cut.RESET, b"%PDF", 0),
        (then(OPEN, b"", hang), Cut.ENDLESS, b"", IDLE),
    ],
)
async def test_after_the_head_the_answer_was_seen_however_the_body_ends(
    handler: Handler, cut: Cut, body: bytes, seconds: float, autojump_clock
) -> None:
    fetch = await fetch_raw(handler)
    assert (fetch.status, fetch.failure, fetch.cut) == (200, None, cut)
    assert fetch.body.startswith(body)
    assert fetch.error
    assert fetch.seconds == pytest.approx(seconds, abs=1.5)


@pytest.mark.parametrize(
    ("answer", "cut"),
    [
        (ok(gzip.compress(TEXT)[:-500], "Content-Encoding: gzip"), Cut.RESET),
        (ok(gzip.compress(b"short")[:-9], "Content-Encoding: gzip"), Cut.RESET),
        (ok(b"plain", "Content-Encoding: gzip"), Cut.BAD_CODING),
        (ok(b"x", "Content-Encoding: pack200-gzip"), Cut.BAD_CODING),
        (ok(gzip.compress(TEXT)[:-8], "Content-Encoding: gzip"), Cut.NOT),
    ],
    ids=["half", "short", "plain", "unknown", "no check sum"],
)
async def test_a_compressed_body_that_is_cut_or_none_is_told_and_one_without_its_check_sum_is_whole(
    answer: bytes, cut: Cut
) -> None:
    fetch = await fetch_raw(saying(answer))
    assert (fetch.status, fetch.cut) == (200, cut)
    assert fetch.body == (TEXT if cut is Cut.NOT else fetch.body)
    assert TEXT.startswith(fetch.body) or b"short".startswith(fetch.body)


async def test_a_large_page_keeps_its_first_part_announced_or_not() -> None:
    for answer in (ok(b"x" * 3000), b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 3000):
        fetch = await fetch_raw(saying(answer), max_body=1000)
        assert (fetch.status, fetch.cut, fetch.body) == (200, Cut.TOO_LARGE, b"x" * 1000)


async def test_a_body_that_broke_off_is_asked_for_again_and_the_whole_one_wins(autojump_clock) -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
    answers = iter([half, ok(b"whole")])

    async def handler(stream: trio.abc.Stream) -> None:
        await read_head(stream)
        await stream.send_all(next(answers))
        await stream.aclose()

    fetch = await fetch_raw(handler, retries=1)
    assert (fetch.body, fetch.cut, fetch.requests) == (b"whole", Cut.NOT, 2)


async def test_a_part_that_was_seen_outlives_a_failure_after_it(autojump_clock) -> None:
    answers = iter([b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", b"", b""])

    async def handler(stream: trio.abc.Stream) -> None:
        await read_head(stream)
        await stream.send_all(next(answers))
        await stream.aclose()

    fetch = await fetch_raw(handler, retries=2)
    assert (fetch.status, fetch.body, fetch.cut, fetch.requests) == (200, b"half", Cut.RESET, 3)


@pytest.mark.parametrize(
    ("location", "asked"),
    [
        ("/文章/".encode("gbk"), b"GET /%CE%C4%D5%C2/ HTTP/1.1"),
        ("/文章/".encode(), b"GET /%E6%96%87%E7%AB%A0/ HTTP/1.1"),
        (b"/caf\xe9?q=\xff#\xfe", b"GET /caf%E9?q=%FF HTTP/1.1"),
        (b"/a b\t/\x0b", b"GET /a%20b/ HTTP/1.1"),
        (b"/" + b"x" * 30_000, b"GET /" + b"x" * 30_000 + b" HTTP/1.1"),
    ],
)
async def test_raw_bytes_of_a_location_are_escaped_as_they_are(location: bytes, asked: bytes) -> None:
    heads: list[bytes] = []

    async def handler(stream: trio.abc.Stream) -> None:
        while head := await read_head(stream):
            heads.append(head)
            moved = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
            await stream.send_all(moved if len(heads) == 1 else ok())

    fetch = await fetch_raw(handler)
    assert (fetch.status, heads[1].split(b"\r\n")[0]) == (200, asked)


@pytest.mark.parametrize(
    "location",
    [b"/" + b"x" * 70_000, b"/" + b"\xff" * 30_000, b"http://\xce\xc4.example/", b"http://[/", b"http://a b/"],
)
async def test_no_location_makes_the_notes_own_url_malformed(location: bytes) -> None:
    fetch = await fetch_raw(saying(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\n\r\n"))
    assert fetch.failure is Failure.PROTOCOL
    assert len(fetch.error) < 200
    assert len(fetch.redirects) == 1


class Recorder:
    """Answers every request alike and keeps the heads."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.heads: list[bytes] = []

    async def __call__(self, stream: trio.abc.Stream) -> None:
        while head := await read_head(stream):
            self.heads.append(head)
            await stream.send_all(self.answer)


@pytest.mark.parametrize(
    ("cookie", "sent"),
    [
        ("nick=张三".encode(), "nick=张三".encode()),
        ("nick=张三".encode("gbk"), "nick=张三".encode("gbk")),
        (b"a=\xa0\x85\xa0; Path=/", b"a=\xa0\x85\xa0"),
        (b"caf\xe9=1", b"caf\xe9=1"),
        (b"a=1\x01", None),
        (b"a=" + b"x" * 6000, None),
        (b"=", None),
        (b"", None),
        (b";;;", None),
    ],
)
async def test_a_cookie_goes_back_as_its_bytes_or_is_left_out(cookie: bytes, sent: bytes | None) -> None:
    recorder = Recorder(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: " + cookie + b"\r\n\r\nhi")
    async with server(recorder) as port, loopback() as fetcher:
        fetches = [await fetcher(f"http://127.0.0.1:{port}/{n}") for n in range(3)]
    assert [fetch.status for fetch in fetches] == [200] * 3
    lines = [line for line in recorder.heads[2].split(b"\r\n") if line.startswith(b"Cookie: ")]
    assert lines == ([b"Cookie: " + sent] if sent else [])


@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "gbk"])
async def test_a_cookie_file_in_any_charset_is_sent_as_its_bytes(charset: str, tmp_path: Path) -> None:
    name = "张三" if charset == "gbk" else "José"
    file = tmp_path / "cookies.txt"
    line = f"127.0.0.1\tFALSE\t/\tFALSE\t0\tuser\t{name}\n"
    file.write_bytes(b"# Netscape HTTP Cookie File\n" + line.encode(charset))
    recorder = Recorder(ok())
    async with server(recorder) as port, loopback(cookies=str(file)) as fetcher:
        fetch = await fetcher(f"http://127.0.0.1:{port}/")
    assert fetch.status == 200
    assert b"\r\nCookie: user=" + name.encode(charset) + b"\r\n" in recorder.heads[0]


PIECES = (
    b"HTTP/1.1 200 OK\r\n|HTTP/1.1 302 x\r\n|Location: /\r\n|\r\n|Transfer-Encoding: chunked\r\n|x|9\r\n|\xff|"
    b"Content-Length: 9\r\n|Content-Encoding: gzip\r\n|Content-Encoding: zstd, br\r\n|\x1f\x8b|Retry-After: 0\r\n|"
    b"Set-Cookie: a=\xff; expires=x; max-age=-9e9; domain=..\r\n|Set-Cookie: ;\x85=; Port=x; Version=9\r\n|"
    b"Location: http://[::\r\n|Location: //\xff\r\n"
)


@given(st.binary(max_size=300) | st.lists(st.sampled_from(PIECES.split(b"|")), max_size=12).map(b"".join))
@settings(max_examples=60)
def test_any_bytes_are_an_answer_or_a_failure_and_never_an_exception(data: bytes) -> None:
    async def run() -> Fetch:
        async with server(saying(data)) as port, loopback(polite(timeout=2.0), max_redirects=2) as fetcher:
            await fetcher(f"http://127.0.0.1:{port}/")
            return await fetcher(f"http://127.0.0.1:{port}/")

    fetch = trio.run(run)
    assert (fetch.status is None) != (fetch.failure is None)
    assert fetch.failure not in (Failure.MALFORMED_URL, Failure.INTERNAL)

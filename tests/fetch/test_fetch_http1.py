"""Bytes in, answers out: h11 as the judge of what is valid, browsers' habits for the rest, and any bytes at all."""

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.model import Failure
from crawler.fetch.errors import WebError
from crawler.fetch.http1 import MAX_HEAD, MAX_INTERIM, HeadReader, ResponseHead, body_frame, parse_head

Result = tuple[int, list[tuple[str, str]], bytes]


def read(data: bytes, step: int = 1 << 16) -> tuple[ResponseHead, bytes, bool]:
    """Head, body and whether it is whole, of a connection that says `data` in pieces and closes."""
    pieces = [data[start : start + step] for start in range(0, len(data), step)]
    reader, head = HeadReader(), None
    while head is None and pieces:
        head = reader.feed(pieces.pop(0))
    assert head is not None, "no head"
    frame = body_frame(head)
    body = b""
    for piece in [reader.rest, *pieces]:
        if piece and not frame.complete and not frame.broken:
            body += frame.feed(piece)
    return head, body, frame.complete or (not frame.broken and frame.end())


def by_h11(data: bytes) -> Result:
    """What h11 makes of it."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a.example")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    connection.receive_data(b"")
    status, headers, body = 0, [], b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        match event:
            case h11.Response(status_code=status):
                raw = event.headers.raw_items()
                headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw]
            case h11.Data(data=part):
                body += bytes(part)
    return status, headers, body


TOKEN = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!#$%&'*+^`|~", min_size=1, max_size=12
)
VALUE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20)
FIELDS = st.lists(
    st.tuples(TOKEN.filter(lambda name: name.lower() not in {"content-length", "transfer-encoding"}), VALUE), max_size=6
)


@st.composite
def valid_answers(draw: st.DrawFn) -> bytes:
    """An answer that RFC 9112 allows, in one of its three framings."""
    status = draw(st.integers(200, 599).filter(lambda n: n != 205))  # of a 205 h11 reads a body that it cannot have
    body = draw(st.binary(max_size=200))
    fields = draw(FIELDS)
    coded = body
    match draw(st.sampled_from(["length", "chunked", "close"])):
        case "length":
            body = b"" if status in (204, 304) else body
            coded = body
            fields.append(("Content-Length", str(len(body))))
        case "chunked":
            sizes = draw(st.lists(st.integers(1, 50), min_size=1, max_size=5))
            coded, rest = b"", body
            while rest:
                size = sizes[len(coded) % len(sizes)]
                coded += b"%x;a=b\r\n" % len(rest[:size]) + rest[:size] + b"\r\n"
                rest = rest[size:]
            coded += b"0\r\nX-Trailer: y\r\n\r\n"
            fields.append(("Transfer-Encoding", "chunked"))
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"]))
    lines = [f"HTTP/1.1 {status} {draw(st.sampled_from(['OK', '', 'Not so']))}", *(f"{n}: {v}" for n, v in fields)]
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    return interim + head + (b"" if status in (204, 304) else coded)


@given(valid_answers(), st.integers(1, 300))
def test_valid_answers_are_read_as_h11_reads_them(data: bytes, step: int) -> None:
    head, body, whole = read(data, step)
    assert (head.status, list(head.fields), body) == by_h11(data)
    assert whole


PIECES = (
    b"HTTP/1.1 200 OK|HTTP/1.0|ICY | |\r\n|\n|:|\0|Transfer-Encoding: chunked|Content-Length: 5|Content-Length: -1|0|"
    b"5\r\nhello\r\n0\r\n\r\n|\xff\xfe|HTTP/1.1 100|X-A: b|\t|;|Connection: close|ffffffffffffffff\r\n|204"
)
NEARLY = st.lists(st.sampled_from(PIECES.split(b"|")), max_size=30).map(b"".join)


@given(st.binary(max_size=400) | NEARLY, st.integers(1, 50))
def test_any_bytes_are_an_answer_or_no_http_however_they_are_cut(data: bytes, step: int) -> None:
    def result(step: int) -> object:
        try:
            return read(data, step)
        except WebError as error:
            return error.failure, error.text
        except AssertionError as error:
            return str(error)

    found = result(step)
    assert found == result(1 << 16)
    assert not isinstance(found, tuple) or isinstance(found[0], ResponseHead) or found[0] is Failure.PROTOCOL


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("HTTP/1.1 200 OK", 200),
        ("HTTP/1.1 404", 404),
        ("HTTP/1.1  301  Moved", 301),
        ("http/1.1 404 lower case", 404),
        ("HTTP/1.1\t503", 503),
        ("HTTP/2 404 Not Found", 404),
        ("HTTP/1 404 Not Found", 404),
        ("HTTP 404 Not Found", 404),
        ("HTTP/1.1 404Not Found", 404),
        ("HTTP/1.1", 200),
        ("HTTP/1.1 OK", 200),
        ("ICY 200 OK", 200),
        ("HTTP/1.1 200 \xe4\xb8\xad\xe6\x96\x87", 200),
        ("HTTP/1.1 999 Request denied", 999),
        ("HTTP/1.1 600 odd", 600),
    ],
)
def test_odd_status_lines_are_read_as_browsers_do(line: str, status: int) -> None:
    assert parse_head(line).status == status


@pytest.mark.parametrize("line", ["HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 099 x", "SSH-2.0-OpenSSH", "<html>"])
def test_a_status_that_cannot_be_is_no_http(line: str) -> None:
    with pytest.raises(WebError, match="not proper HTTP"):
        parse_head(line)


@pytest.mark.parametrize("before", [b"", b"\r\n\r\n", b"\n", b"abc", b"\x00\x01"])
def test_line_ends_and_a_few_stray_bytes_before_the_answer_are_skipped(before: bytes) -> None:
    assert read(before + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 1)[1] == b"hi"


@pytest.mark.parametrize(
    "bad",
    [
        "get-ban-to-cache-result/forum.php: userdata not support",
        "X Foo: bar",
        "no colon at all",
        ": no name",
        "X\x00Y: z",
        "中文: 头".encode().decode("latin-1"),
        "(comment): x",
    ],
)
def test_a_line_that_is_no_header_is_dropped_with_what_continues_it(bad: str) -> None:
    head = parse_head(f"HTTP/1.1 200 OK\r\nA: 1\r\n{bad}\r\n  folded: yes\r\nB: 2")
    assert head.fields == (("A", "1"), ("B", "2"))


def test_folded_lines_spaces_and_control_characters_are_smoothed() -> None:
    head = parse_head("HTTP/1.1 200 OK\n folded: nothing\nA : 1\nB:2\n\t3\n \n  4\nC: x\ry\0z\r\nD:")
    assert head.fields == (("A", "1"), ("B", "2 3 4"), ("C", "x yz"), ("D", ""))


def body_of(*fields: str, body: bytes = b"5\r\nhello\r\n0\r\n\r\n", version: str = "1.1") -> tuple[bytes, bool]:
    head = "\r\n".join([f"HTTP/{version} 200 OK", *fields]).encode() + b"\r\n\r\n"
    return read(head + body)[1:]


@pytest.mark.parametrize(
    "fields",
    [
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked, chunked",),
        ("Transfer-Encoding: Chunked",),
        ("Transfer-Encoding: identity, chunked",),
        ("Transfer-Encoding: utf-8", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 3"),
        ("Content-Length: 3", "transfer-encoding:chunked"),
    ],
)
def test_chunked_is_undone_once_whatever_stands_beside_it(fields: tuple[str, ...]) -> None:
    assert body_of(*fields) == (b"hello", True)


@pytest.mark.parametrize(
    "fields",
    [
        ("Transfer-Encoding: identity", "Content-Length: 5"),
        ("Transfer-Encoding: foo", "Content-Length: 5"),
        ("Content-Length: 5", "Content-Length: 5"),
        ("Content-Length: 5, 5",),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: five",),
        ("Content-Length: -5",),
        ("Content-Length:",),
        ("Transfer-Encoding: foo",),
    ],
)
def test_lengths_that_are_none_leave_the_end_to_the_connection(fields: tuple[str, ...]) -> None:
    assert body_of(*fields, body=b"hello") == (b"hello", True)


@pytest.mark.parametrize(
    ("body", "came", "whole"),
    [
        (b"5\nhello\n0\n\n", b"hello", True),
        (b"5  \r\nhello\r\n0\r\n\r\n", b"hello", True),
        (b"05;name=value\r\nhello\r\n000\r\n\r\n", b"hello", True),
        (b"5\r\nhello\r\n0\r\n", b"hello", True),
        (b"5\r\nhello\r\n", b"hello", False),
        (b"5\r\nhel", b"hel", False),
        (b"5\r\nhello!\r\n0\r\n\r\n", b"hello", False),
        (b"5\r\nhello\r\nxyz\r\n", b"hello", False),
        (b"xyz\r\n", b"", False),
        (b"-5\r\nhello\r\n", b"", False),
        (b"0x5\r\nhello\r\n", b"", False),
    ],
)
def test_chunks_give_what_came_and_tell_whether_that_is_all(body: bytes, came: bytes, whole: bool) -> None:
    assert body_of("Transfer-Encoding: chunked", body=body) == (came, whole)


def test_an_old_server_that_says_chunked_is_believed_where_its_bytes_agree() -> None:
    assert body_of("Transfer-Encoding: chunked", version="1.0") == (b"hello", True)
    assert body_of("Transfer-Encoding: chunked", body=b"<html>", version="1.0") == (b"<html>", True)


@pytest.mark.parametrize("status", [204, 205, 304])
def test_answers_that_cannot_have_a_body_have_none(status: int) -> None:
    assert read(f"HTTP/1.1 {status} x\r\nContent-Length: 5\r\n\r\nhello".encode())[1:] == (b"", True)


def test_a_header_block_may_have_256_kb_and_no_more() -> None:
    line = b"X-Long: " + b"x" * 1000 + b"\r\n"
    most = MAX_HEAD // len(line) - 1
    assert len(read(b"HTTP/1.1 200 OK\r\n" + line * most + b"\r\n", 4096)[0].fields) == most
    with pytest.raises(WebError, match="256 kB"):
        read(b"HTTP/1.1 200 OK\r\n" + line * (most + 2) + b"\r\n", 4096)


def test_interim_answers_are_skipped_but_not_for_ever() -> None:
    interim = b"HTTP/1.1 102 Processing\r\n\r\n"
    assert read(interim * MAX_INTERIM + b"HTTP/1.1 404 x\r\n\r\n")[0].status == 404
    with pytest.raises(WebError, match="1xx"):
        read(interim * (MAX_INTERIM + 1))


@pytest.mark.parametrize(
    ("text", "persistent"),
    [
        ("HTTP/1.1 200 OK", True),
        ("HTTP/1.1 200 OK\r\nConnection: close", False),
        ("HTTP/1.1 200 OK\r\nConnection: Keep-Alive, CLOSE", False),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive", False),
    ],
)
def test_a_connection_is_kept_as_version_and_headers_say(text: str, persistent: bool) -> None:
    assert parse_head(text).persistent is persistent

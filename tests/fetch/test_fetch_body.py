"""Bodies: codings undone, caps kept, bombs defused."""

import gzip
import sys
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable

import brotli
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.model import Failure
from crawler.fetch.body import LARGE, MAX_MEMBERS, BodyBuffer, TooLarge, read_body
from crawler.fetch.errors import WebError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MB = 1024 * 1024


def raw_deflate(data: bytes) -> bytes:
    compress = zlib.compressobj(wbits=-15)
    return compress.compress(data) + compress.flush()


CODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}


def read(body: bytes, codings: str = "", *, step: int = 1 << 16, limit: int = MB, framed: bool = True) -> bytes:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), step):
            yield body[start : start + step]

    async def run() -> bytes:
        return (await read_body(chunks(), codings, limit, framed=framed)).content

    return trio.run(run)


@pytest.mark.parametrize("coding", CODERS)
@pytest.mark.parametrize("step", [1, 7, 1 << 16])
def test_every_coding_is_undone_however_the_bytes_are_cut(coding: str, step: int) -> None:
    text = "页面 page ".encode() * 500
    assert read(CODERS[coding](text), coding.upper(), step=step) == text


@given(st.lists(st.sampled_from([b"", b"small", b"x" * (LARGE - 1), b"y" * LARGE, b"z" * 3 * LARGE])))
def test_a_body_is_its_parts_in_order_however_large_they_are(parts: list[bytes]) -> None:
    body = BodyBuffer("", MB)
    for part in parts:
        body.feed(part)
    assert body.content == b"".join(parts)
    assert body.size == body.wire_bytes == sum(map(len, parts))


@given(
    st.binary(max_size=3000),
    st.lists(st.sampled_from(sorted(CODERS)), max_size=3),
    st.integers(1, 100),
)
def test_stacked_codings_are_undone_from_the_last(data: bytes, codings: list[str], step: int) -> None:
    body = data
    for coding in codings:
        body = CODERS[coding](body)
    assert read(body, ", ".join(codings), step=step) == data


def test_deflate_without_its_header_is_understood() -> None:
    assert read(raw_deflate(b"x" * 1000), "deflate") == b"x" * 1000


def test_members_and_frames_follow_each_other() -> None:
    assert read(gzip.compress(b"a") + gzip.compress(b"b"), "gzip", step=1) == b"ab"
    assert read(zstd.compress(b"a") + zstd.compress(b"b"), "zstd", step=1) == b"ab"


def test_padding_after_the_last_member_is_ignored() -> None:
    assert read(gzip.compress(b"a") + b"\0" * 100, "gzip") == b"a"


@pytest.mark.parametrize(
    "name", ["identity", "none", "utf-8", "", "binary, identity", "text/html", "GB2312", "aws-chunked"]
)
def test_what_is_no_coding_is_taken_as_it_is(name: str) -> None:
    assert read(b"plain", name) == b"plain"


@pytest.mark.parametrize("codings", ["compress", "gzip, pack200", "gzip,gzip,gzip,gzip"])
def test_unknown_and_too_many_codings_are_refused(codings: str) -> None:
    with pytest.raises(WebError) as error:
        read(b"x", codings)
    assert error.value.failure is Failure.BAD_ENCODING


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_a_body_that_is_not_what_it_says_is_refused(coding: str) -> None:
    with pytest.raises(WebError) as error:
        read(b"<html>plain text that is no archive of any kind</html>", coding)
    assert error.value.failure is Failure.BAD_ENCODING


@pytest.mark.parametrize("coding", CODERS)
def test_an_empty_body_has_nothing_to_undo(coding: str) -> None:
    assert read(b"", coding, framed=False) == b""


@pytest.mark.parametrize("coding", CODERS)
def test_a_body_that_breaks_off_is_a_reset_where_only_the_coding_could_tell(coding: str) -> None:
    whole = CODERS[coding](bytes(range(256)) * 100)
    with pytest.raises(WebError) as error:
        read(whole[:-10], coding, framed=False)
    assert error.value.failure is Failure.RESET


def test_a_cut_coding_in_a_whole_body_gives_what_there_is() -> None:
    cut = gzip.compress(b"text " * 1000)[:-8]  # the trailer is missing: some servers never send one
    assert read(cut, "gzip") == b"text " * 1000


def test_what_was_undone_before_a_wrong_check_sum_is_not_lost() -> None:
    coded = gzip.compress(b"text " * 1000)
    body = BodyBuffer("gzip", MB)
    with pytest.raises(WebError):
        body.feed(coded[:-8] + b"\0" * 8)
    assert body.content == b"text " * 1000


@pytest.mark.parametrize("over", [0, 1])
def test_the_cap_is_exact(over: int) -> None:
    body = b"x" * (1000 + over)
    for coding, coded in [("", body), ("gzip", gzip.compress(body)), ("br", brotli.compress(body))]:
        if over:
            with pytest.raises(TooLarge) as error:
                read(coded, coding, limit=1000)
            assert error.value.body == b"x" * 1000
        else:
            assert read(coded, coding, limit=1000) == body


BOMBS = {
    "gzip": gzip.compress(bytes(200 * MB), 6),
    "br": brotli.compress(bytes(200 * MB), quality=3),
    "zstd": zstd.compress(bytes(200 * MB)),
    "gzip, gzip": gzip.compress(gzip.compress(bytes(200 * MB), 6)),
    "gzip, br": brotli.compress(gzip.compress(bytes(200 * MB), 6)),
    "br, gzip, zstd": zstd.compress(gzip.compress(brotli.compress(bytes(200 * MB), quality=3))),
}


@pytest.mark.parametrize("codings", BOMBS)
def test_a_bomb_stops_at_the_cap_and_never_lies_in_memory(codings: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            read(BOMBS[codings], codings, limit=MB)
        assert tracemalloc.get_traced_memory()[1] < 12 * MB
    finally:
        tracemalloc.stop()


def test_a_window_larger_than_http_allows_is_refused() -> None:
    coder = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 27})
    greedy = coder.compress(bytes(MB)) + coder.flush()
    with pytest.raises(WebError) as error:
        read(greedy, "zstd")
    assert error.value.failure is Failure.BAD_ENCODING


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_thousands_of_empty_members_are_refused(coding: str) -> None:
    with pytest.raises(WebError) as error:
        read(CODERS[coding](b"") * (MAX_MEMBERS + 1), coding)
    assert error.value.failure is Failure.BAD_ENCODING


@given(st.binary(max_size=500), st.lists(st.sampled_from(sorted(CODERS)), min_size=1, max_size=3), st.integers(1, 50))
def test_noise_never_raises_anything_else(noise: bytes, codings: list[str], step: int) -> None:
    try:
        read(noise, ",".join(codings), step=step, limit=10_000)
    except (WebError, TooLarge):
        pass

"""Frames, records, the lock and the dictionary, each by itself."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_samples import NOW

from crawler.archive import codec as codec_module
from crawler.archive import dictionary, journal, warc
from crawler.archive.codec import Codec, Gz, Zst, dictionary_frame, read_dictionary
from crawler.archive.lock import Lock
from crawler.core.errors import ArchiveBusy, ArchiveDamaged

CODECS = pytest.mark.parametrize("codec", [Gz(), Zst()], ids=["gz", "zst"])


@CODECS
@given(st.binary(max_size=300))
def test_a_frame_unpacks_to_what_was_packed_and_tells_its_length(codec: Codec, data: bytes) -> None:
    frame = codec.pack(data)
    assert codec.unpack(frame) == data
    assert codec.length(memoryview(frame + b"what follows")) == len(frame)
    assert codec.length(memoryview(frame[:-1])) == 0


@CODECS
def test_what_is_no_whole_frame_is_damage(codec: Codec) -> None:
    frame = codec.pack(b"record" * 100)
    for broken in (b"", b"x", frame[:-1], frame + frame, frame[:-6] + bytes(6)):
        with pytest.raises(ArchiveDamaged):
            codec.unpack(broken)


def test_a_zstd_frame_states_size_and_checksum_as_the_draft_asks() -> None:
    descriptor = Zst().pack(b"record" * 100)[4]
    assert descriptor & 0b100  # RFC 8878, 3.1.1.1.1: content checksum flag
    assert descriptor >> 6 or descriptor & 0b100000  # a content size field


def test_a_dictionary_comes_back_from_its_frame() -> None:
    made = dictionary.build([bytes([n % 7, n % 11]) * 5000 + os.urandom(3000) for n in range(4)])
    assert made is not None
    frame = dictionary_frame(made)
    read, end = read_dictionary(frame + b"records", 10**7)
    assert read is not None
    assert (read.dict_content, end) == (made.dict_content, len(frame))
    assert read_dictionary(b"\x28\xb5\x2f\xfd", 10**7) == (None, 0)
    for broken in (frame[:100], frame[:8] + b"\x28\xb5\x2f\xfd" + frame[12:50] + bytes(len(frame))):
        with pytest.raises(ArchiveDamaged):
            read_dictionary(broken, 10**7)
    with pytest.raises(ArchiveDamaged, match="over 1000 bytes"):
        read_dictionary(frame, 1000)


@pytest.mark.parametrize("parameter", [codec_module._ATTACH_DICTIONARY, 4_000_000], ids=["known", "unknown"])
@pytest.mark.parametrize("size", [20_000, 300_000])
def test_a_page_is_packed_by_its_dictionary_whether_zstd_lets_it_be_attached_or_not(
    monkeypatch: pytest.MonkeyPatch, parameter: int, size: int
) -> None:
    monkeypatch.setattr(codec_module, "_ATTACH_DICTIONARY", parameter)
    shell = os.urandom(size)
    codec = Zst(dictionary.build([shell, shell[::-1]]))
    frame = codec.pack(shell + b"what is new", page=True)
    assert codec.unpack(frame) == shell + b"what is new"
    assert len(frame) < size / 50


def test_a_record_in_two_parts_is_the_record_of_the_whole() -> None:
    parts = warc.format_record("response", "<urn:uuid:1>", NOW, b"head", "application/http", body=b"body" * 10)
    assert parts == warc.format_record("response", "<urn:uuid:1>", NOW, b"head" + b"body" * 10, "application/http")


def test_a_dictionary_holds_whole_pages_up_to_its_limit_and_needs_some() -> None:
    giant = os.urandom(dictionary.MAX_PAGE + 1)
    assert dictionary.build([]) is None
    assert dictionary.build([giant, b""]) is None
    pages = [os.urandom(3_000_000) for _ in range(4)]
    made = dictionary.build(pages)
    assert made is not None
    assert len(made.dict_content) <= dictionary.MAX_SIZE
    assert pages[0] in made.dict_content
    assert pages[3] not in made.dict_content


def test_a_dictionary_is_bought_when_repeated_hosts_have_cost_as_much() -> None:
    meter = dictionary.Meter()
    meter.saw("once.example", ("a", (0, dictionary.PRICE)))
    assert not meter.worth_it
    meter.saw("twice.example", ("a", (1, 1)))
    meter.saw("twice.example", ("b", (2, dictionary.PRICE)))
    assert meter.worth_it
    assert meter.pages() == [("b", (2, dictionary.PRICE)), ("a", (1, 1))]


def test_a_record_comes_back_with_its_headers_and_digests() -> None:
    data = warc.format_record("resource", warc.record_id(), NOW, b"block", "text/plain", [("WARC-Target-URI", "urn:x")])
    record = warc.parse_record(data)
    assert (record.type, record.target, record.block) == ("resource", "urn:x", b"block")
    assert warc.check_digests(record) == ""
    assert warc.check_digests(warc.parse_record(data.replace(b"block\r\n", b"blocK\r\n"))) == "block digest differs"


@pytest.mark.parametrize("data", [b"", b"WARC/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n\r\n\r\n"])
def test_what_is_no_record_is_damage(data: bytes) -> None:
    with pytest.raises(ArchiveDamaged):
        warc.parse_record(data)


def test_a_record_that_lies_about_its_length_is_damage() -> None:
    data = warc.format_record("resource", warc.record_id(), NOW, b"block", "text/plain")
    with pytest.raises(ArchiveDamaged, match="says it has 4 bytes, and has 5"):
        warc.parse_record(data.replace(b"Length: 5", b"Length: 4"))


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_of_a_server_breaks_out_of_its_line(name: str, value: str) -> None:
    head = warc.response_head(200, [(name, value)], 0)
    assert head.count(b"\r\n\r\n") == 1
    assert len(head.split(b"\r\n")) == 5
    assert warc.split_http(head + b"body")[2] == b"body"


def test_a_url_with_a_line_break_stays_on_its_line() -> None:
    assert warc.uri("https://a.example/\r\nX: y") == "https://a.example/%0D%0AX:%20y"
    assert warc.request_block("https://a.example", []).startswith(b"GET / HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://例子.example/工具?a=b", "https://xn--fsqu00a.example/%E5%B7%A5%E5%85%B7?a=b"),
        ("https://[broken/中", "https://[broken/%E4%B8%AD"),
        ("https://mp.weixin.qq.com/s?标=1&key=abc", "https://mp.weixin.qq.com/s?%E6%A0%87=1&key=REDACTED"),
        ('https://a.example/%7e%zz?x="{}|', 'https://a.example/%7e%zz?x="{}|'),
    ],
)
def test_a_url_in_a_header_is_ascii_and_otherwise_as_it_was(url: str, written: str) -> None:
    assert warc.uri(url) == written


def test_a_response_that_is_none_is_damage() -> None:
    with pytest.raises(ArchiveDamaged, match="no HTTP response"):
        warc.split_http(b"hello")


def test_a_journal_line_that_nobody_can_read_is_damage() -> None:
    with pytest.raises(ArchiveDamaged, match="journal line"):
        list(journal.decode(b'{"type": "look"}\n'))


def test_a_lock_waits_as_long_as_it_is_told(tmp_path: Path) -> None:
    holder, waiter = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
    holder.take("run", NOW)
    slept: list[float] = []
    with pytest.raises(ArchiveBusy, match=rf"process {os.getpid()} on "):
        waiter.take("check", NOW, 1.0, sleep=slept.append, clock=lambda: sum(slept))
    assert 0.9 < sum(slept) < 1.5

    waiter.take("check", NOW, wait=True, sleep=lambda _: holder.release())
    assert json.loads((tmp_path / "lock").read_text())["command"] == "check"
    waiter.release()


def test_a_lock_whose_holder_left_no_word_is_still_a_lock(tmp_path: Path) -> None:
    holder = Lock(tmp_path / "lock")
    holder.take("run", NOW)
    (tmp_path / "lock").write_text("[]")
    with pytest.raises(ArchiveBusy, match="another process"):
        Lock(tmp_path / "lock").take("run", NOW)
    holder.release()

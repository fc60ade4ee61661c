"""Files of other tools that are damaged, odd or both: what is whole is read, and every loss is named."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.archive.codec import zstd
from crawler.archive.interchange import foreign, unpack
from crawler.archive.interchange.files import pages_of
from crawler.archive.interchange.foreign import date_of
from crawler.archive.interchange.har import read_har
from crawler.archive.interchange.incoming import read_web_archive
from crawler.core.errors import UsageError
from crawler.core.model import Redirect


def url_of(number: int) -> str:
    return f"https://a.example/{number}"


def html(number: int) -> bytes:
    return f"<html><body><p>page {number}, and some words".encode()


def record(
    url: str, body: bytes, kind: str = "text/html", status: str = "200 OK", fields: str = "", more: str = ""
) -> bytes:
    block = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{fields}\r\n".encode() + body
    head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2025-03-04T05:06:07Z\r\n{more}"
    return f"{head}Content-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n"


RECORDS = [record(url_of(n), html(n)) for n in range(5)]


def read(folder: Path, data: bytes, name: str = "a.warc") -> tuple[list[int], list[str]]:
    """Numbers of the pages that came, and what was lost."""
    path = folder / name
    path.write_bytes(data)
    lost: list[str] = []
    pages = list(read_web_archive(path, lost.append))
    for page in pages:
        assert page.body in {html(n) for n in range(5)}, "no page is anything but whole"
    return [int((page.url or "").rpartition("/")[2]) for page in pages], lost


def packed(kind: str, records: list[bytes]) -> bytes:
    match kind:
        case "gz":
            return b"".join(gzip.compress(r, mtime=0) for r in records)
        case "one-gz":
            return gzip.compress(b"".join(records), mtime=0)
        case "zst":
            checked: Mapping[int, int] = {zstd.CompressionParameter.checksum_flag: 1}
            return b"".join(zstd.compress(r, options=checked) for r in records)
        case _:
            return b"".join(records)


KINDS = ["plain", "gz", "one-gz", "zst"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("before", [b"", b"\r\n\r\n"])
def test_a_web_archive_is_known_by_its_records_whatever_its_name(tmp_path: Path, kind: str, before: bytes) -> None:
    records = [RECORDS[0], before, RECORDS[1]] if kind == "plain" else [before, *RECORDS[:2]]
    (tmp_path / "download").write_bytes(packed(kind, [record for record in records if record]))
    pages = pages_of(tmp_path / "download", pytest.fail, pytest.fail)
    assert [page.url for page in pages] == [url_of(0), url_of(1)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_last_record_costs_itself(tmp_path: Path, kind: str) -> None:
    pages, lost = read(tmp_path, packed(kind, RECORDS)[: -12 if kind == "one-gz" else -30])
    assert pages == [0, 1, 2, 3]
    assert lost


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("junk", [b"junk between records\r\n", b"\0" * 700, b"\r\n\r\nlost\r\n\r\n"])
def test_junk_between_records_costs_nothing(tmp_path: Path, kind: str, junk: bytes) -> None:
    pages, lost = read(tmp_path, packed(kind, [*RECORDS[:2], junk, *RECORDS[2:]]))
    assert pages == [0, 1, 2, 3, 4]
    assert lost


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_junk_between_packed_records_costs_nothing(tmp_path: Path, kind: str) -> None:
    pages, lost = read(tmp_path, packed(kind, RECORDS[:2]) + b"junk" * 50 + packed(kind, RECORDS[2:]))
    assert pages == [0, 1, 2, 3, 4]
    assert len(lost) == 1


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_damaged_frame_costs_its_record(tmp_path: Path, kind: str) -> None:
    before, bad, after = packed(kind, RECORDS[:2]), bytearray(packed(kind, RECORDS[2:3])), packed(kind, RECORDS[3:])
    bad[len(bad) // 2] ^= 0xFF
    pages, lost = read(tmp_path, before + bytes(bad) + after)
    assert [page for page in pages if page != 2] == [0, 1, 3, 4]
    assert lost


def wrong_check(kind: str, data: bytes, part: str = "sum") -> bytes:
    """A packed record whose check sum or length is wrong, or missing."""
    trailer = 8 if kind == "gz" else 4
    match part:
        case "none":
            return data[:-trailer]
        case "length":
            return data[:-1] + bytes((data[-1] ^ 0xFF,))
        case _:
            return data[:-trailer] + bytes((data[-trailer] ^ 0xFF,)) + data[1 - trailer :]


@pytest.mark.parametrize(("kind", "part"), [("gz", "sum"), ("gz", "length"), ("gz", "none"), ("zst", "sum")])
@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_record_that_is_whole_is_kept_where_its_check_sum_alone_is_wrong(
    tmp_path: Path, kind: str, part: str, place: int
) -> None:
    members = [packed(kind, [record]) for record in RECORDS]
    members[place] = wrong_check(kind, members[place], part)
    pages, lost = read(tmp_path, b"".join(members))
    assert pages == [0, 1, 2, 3, 4]
    assert len(lost) == 1
    said = "the file ends within" if (part, place) == ("none", 4) else "the check sum of the packed data"
    assert lost[0].startswith(said)
    assert lost[0].endswith(f"the record of {url_of(place)} is whole by its length, and taken")


@pytest.mark.parametrize("kind", ["gz", "zst"])
@pytest.mark.parametrize("digest", ["block", "payload"])
def test_a_record_that_differs_from_its_digest_is_lost_with_a_wrong_check_sum(
    tmp_path: Path, kind: str, digest: str
) -> None:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(html(1)) + html(1)
    of = block if digest == "block" else html(1)
    said = base64.b32encode(hashlib.sha1(of, usedforsecurity=False).digest()).decode()
    for right, came in ((True, [0, 1, 2]), (False, [0, 2])):
        written = said if right else said[::-1]
        more = f"WARC-{digest.capitalize()}-Digest: sha1:{written}\r\n"
        one = record(url_of(1), html(1), fields=f"Content-Length: {len(html(1))}\r\n", more=more)
        bad = wrong_check(kind, packed(kind, [one]))
        pages, lost = read(tmp_path, packed(kind, RECORDS[:1]) + bad + packed(kind, RECORDS[2:3]))
        assert pages == came
        assert right == any("whole by its digest" in line for line in lost)
        assert right != any("differs from its digest" in line for line in lost)


def test_a_long_record_is_whole_past_a_wrong_check_sum(tmp_path: Path) -> None:
    """What the unpacker gave before it failed is not given twice, nor is what it kept for itself lost."""
    body = b"<html><body><p>" + os.urandom(300_000).hex().encode() + b"0" * 3_000_000
    for kind in ("gz", "zst"):
        bad = wrong_check(kind, packed(kind, [record(url_of(1), body)]))
        path = tmp_path / "a.warc"
        path.write_bytes(packed(kind, RECORDS[:1]) + bad + packed(kind, RECORDS[2:3]))
        assert [page.body for page in read_web_archive(path)] == [html(0), body, html(2)]


@pytest.mark.parametrize("left", range(20, 180, 8))
def test_a_member_that_breaks_off_costs_itself_and_not_the_next(tmp_path: Path, left: int) -> None:
    """Its data go on in the next member as far as an unpacker can tell, and may even seem to end there."""
    members = [packed("gz", [record]) for record in RECORDS]
    pages, lost = read(tmp_path, b"".join([*members[:2], members[2][:left], *members[3:]]))
    assert [page for page in pages if page != 2] == [0, 1, 3, 4]
    assert lost


def test_a_header_of_a_member_with_every_field_is_passed(tmp_path: Path) -> None:
    plain = packed("gz", RECORDS[1:2])
    fields = (5).to_bytes(2, "little") + b"\x1f\x8b\x08xx" + b"name\0" + b"a comment\0"
    bad = wrong_check("gz", plain[:3] + b"\x1c" + plain[4:10] + fields + plain[10:])
    assert read(tmp_path, packed("gz", RECORDS[:1]) + bad + packed("gz", RECORDS[2:3]))[0] == [0, 1, 2]


def test_junk_behind_a_member_whose_check_sum_is_wrong_costs_nothing(tmp_path: Path) -> None:
    members = [packed("gz", [record]) for record in RECORDS]
    data = b"".join([*members[:2], wrong_check("gz", members[2]), b"junk" * 50, *members[3:]])
    assert read(tmp_path, data)[0] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("change", [9, -9, 10**9])
def test_a_length_that_lies_costs_its_record(tmp_path: Path, change: int) -> None:
    length = int(RECORDS[2].split(b"Content-Length: ")[1].split(b"\r\n")[0])
    lying = RECORDS[2].replace(b"Content-Length: %d" % length, b"Content-Length: %d" % (length + change), 1)
    pages, lost = read(tmp_path, b"".join([*RECORDS[:2], lying, *RECORDS[3:]]))
    if change < 10**9:
        assert [page for page in pages if page != 2] == [0, 1, 3, 4]
    else:
        assert pages[:2] == [0, 1]
    assert lost


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_length_that_counts_characters_is_understood(tmp_path: Path, kind: str, place: int) -> None:
    """Scripts take the length of a string, where that of its bytes is meant."""
    body = "<html><body><p>一篇文章，有几个字 🚢\n\n还有一段".encode()
    records = [record(url_of(n), body if n == place else html(n)) for n in range(3)]
    length = int(records[place].split(b"Content-Length: ")[1].split(b"\r\n")[0])
    units = length - len(body) + len(body.decode().encode("utf-16-le")) // 2
    records[place] = records[place].replace(b"Content-Length: %d" % length, b"Content-Length: %d" % units, 1)
    path, lost = tmp_path / "a.warc", list[str]()
    path.write_bytes(packed(kind, records))
    pages = [(page.url, page.body) for page in read_web_archive(path, lost.append)]
    assert pages == [(url_of(n), body if n == place else html(n)) for n in range(3)]
    assert len(lost) == 1
    assert "does not end where its length says" in lost[0]


def test_a_record_whose_answer_is_whole_by_its_own_length_is_taken(tmp_path: Path) -> None:
    whole = record(url_of(1), html(1), fields=f"Content-Length: {len(html(1))}\r\n")
    assert read(tmp_path, RECORDS[0] + whole[:-3])[0] == [0, 1]


def test_addresses_in_angle_brackets_are_addresses(tmp_path: Path) -> None:
    assert read(tmp_path, record(f"<{url_of(3)}>", html(3))) == ([3], [])


def test_a_block_that_differs_from_its_digest_is_taken_and_named(tmp_path: Path) -> None:
    pages, lost = read(tmp_path, record(url_of(1), html(1), more="WARC-Block-Digest: sha1:" + "A" * 32 + "\r\n"))
    assert pages == [1]
    assert "digest" in lost[0]


def test_other_line_ends_and_old_answers_are_read(tmp_path: Path) -> None:
    old = record(url_of(2), html(2)).replace(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 200\r\n")
    length = int(old.split(b"Content-Length: ")[1].split(b"\r\n")[0])
    old = old.replace(b"Content-Length: %d" % length, b"Content-Length: %d" % (length - 3))
    assert read(tmp_path, old + RECORDS[1]) == ([2, 1], [])


def arc(*pages: int, version: int = 1) -> bytes:
    block = b"1 0 Someone\nURL IP-address Archive-date Content-type Archive-length\n\n"
    out = b"filedesc://x.arc 0.0.0.0 20250304050607 text/plain %d\n" % len(block) + block + b"\n"
    for number in pages:
        body = b"HTTP/1.1 200 OK\nContent-Type: text/html\n\n" + html(number)
        middle = "" if version == 1 else "200 - - 0 x.arc "
        head = f"{url_of(number)} 192.0.2.1 20250304050607 text/html {middle}{len(body)}\n"
        out += head.encode() + body + b"\n"
    return out


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("kind", ["plain", "one-gz"])
def test_arc_files_are_read(tmp_path: Path, kind: str, version: int) -> None:
    path = tmp_path / "a.arc"
    path.write_bytes(packed(kind, [arc(0, 1, version=version)]))
    pages = list(read_web_archive(path))
    assert [(page.url, page.body) for page in pages] == [(url_of(n), html(n)) for n in (0, 1)]
    assert str(pages[0].saved_at) == "2025-03-04 05:06:07+00:00"


def test_a_cut_arc_file_costs_its_last_record(tmp_path: Path) -> None:
    pages, lost = read(tmp_path, arc(0, 1, 2)[:-9], "a.arc")
    assert pages == [0, 1]
    assert lost


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("2025-03-04T05:06:07Z", "2025-03-04T05:06:07+00:00"),
        ("2025-03-04T05:06:07.123456Z", "2025-03-04T05:06:07.123456+00:00"),
        ("2025-03-04T05:06:07", "2025-03-04T05:06:07+00:00"),
        ("2025-03-04T07:06:07+02:00", "2025-03-04T05:06:07+00:00"),
        ("20250304050607", "2025-03-04T05:06:07+00:00"),
        ("2025-03", "2025-03-01T00:00:00+00:00"),
        ("2025", "2025-01-01T00:00:00+00:00"),
    ],
)
def test_dates_of_any_precision_are_utc(written: str, read_as: str) -> None:
    found = date_of(written)
    assert found is not None
    assert found.isoformat() == read_as


@given(st.text(max_size=30))
def test_a_date_that_is_none_is_none(written: str) -> None:
    date_of(written)


@given(st.sampled_from(KINDS), st.integers(0, 4000), st.integers(0, 400), st.binary(max_size=20))
def test_damage_of_any_kind_never_makes_a_page_up(
    tmp_path_factory: pytest.TempPathFactory, kind: str, at: int, cut: int, noise: bytes
) -> None:
    data = packed(kind, RECORDS)
    at %= len(data)
    path = tmp_path_factory.getbasetemp() / "noise.warc"
    path.write_bytes(data[:at] + noise + data[at + cut :])
    lost: list[str] = []
    try:
        pages = list(read_web_archive(path, lost.append))
    except UsageError:
        return
    assert len(pages) == 5 or lost or cut >= len(RECORDS[0]) // 2 or kind == "plain"
    assert len(pages) >= 1


# --- WACZ -----------------------------------------------------------------------------------------------------------


def wacz(
    *warcs: bytes, lists: dict[str, list[str]] | None = None, method: int = zipfile.ZIP_STORED, **more: bytes
) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", method) as package:
        for number, data in enumerate(warcs):
            package.writestr(f"archive/{number}.warc", data)
        for name, urls in (lists or {}).items():
            lines = [{"format": "json-pages-1.0", "id": name}, *({"url": url} for url in urls)]
            package.writestr(f"pages/{name}.jsonl", "\n".join(json.dumps(line) for line in lines))
        for name, data in more.items():
            package.writestr(name.replace("__", "."), data)
    return out.getvalue()


def test_extra_pages_are_pages(tmp_path: Path) -> None:
    data = wacz(*RECORDS, lists={"pages": [url_of(0)], "extraPages": [url_of(1), url_of(3)]})
    assert read(tmp_path, data, "a.wacz") == ([0, 1, 3], [])


@pytest.mark.parametrize(
    "listed", ["https://a.example/1/", "https://a.example/1#top", "HTTPS://A.example/1", "http://a.example/1"]
)
def test_a_listed_address_may_be_written_otherwise(tmp_path: Path, listed: str) -> None:
    assert read(tmp_path, wacz(*RECORDS, lists={"pages": [listed]}), "a.wacz") == ([1], [])


def test_a_listed_page_that_is_not_there_is_named(tmp_path: Path) -> None:
    pages, lost = read(tmp_path, wacz(*RECORDS, lists={"pages": [url_of(0), url_of(9)]}), "a.wacz")
    assert pages == [0]
    assert url_of(9) in lost[0]


def test_a_package_in_a_package_is_read(tmp_path: Path) -> None:
    inner = wacz(RECORDS[1], lists={"pages": [url_of(1)]})
    outer = wacz(RECORDS[0], lists={"pages": [url_of(0)]}, one__wacz=inner)
    assert read(tmp_path, outer, "a.wacz") == ([0, 1], [])
    assert read(tmp_path, wacz(one__wacz=inner, two__wacz=wacz(RECORDS[2])), "a.wacz") == ([1], [])


def test_a_package_that_lies_elsewhere_is_named(tmp_path: Path) -> None:
    described = {"profile": "multi-wacz-package", "resources": [{"path": "https://b.example/far.wacz"}]}
    data = wacz(RECORDS[0], datapackage__json=json.dumps(described).encode())
    pages, lost = read(tmp_path, data, "a.wacz")
    assert pages == [0]
    assert "far.wacz" in lost[0]


@pytest.mark.parametrize("kind", ["gz", "plain"])
@pytest.mark.parametrize("left", [0.4, 0.97])
def test_a_package_that_was_cut_off_gives_its_whole_records(tmp_path: Path, left: float, kind: str) -> None:
    data = wacz(packed(kind, RECORDS), lists={"pages": [url_of(0)], "extraPages": [url_of(1)]})
    pages, lost = read(tmp_path, data[: int(len(data) * left)], "a.wacz")
    assert pages == list(range(len(pages)))
    assert len(pages) == 5 if left > 0.9 else 0 < len(pages) < 5
    assert [line[:7] for line in lost] == ["cut off"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_place_in_a_package_costs_what_lies_there(tmp_path: Path, method: int) -> None:
    data = bytearray(wacz(packed("gz", RECORDS), method=method))
    place = data.index(b"archive/0.warc") + len("archive/0.warc") + len(packed("gz", RECORDS[:3])) + 40
    data[place : place + 8] = b"\0" * 8
    pages, lost = read(tmp_path, bytes(data), "a.wacz")
    assert pages[:2] == [0, 1]
    assert method == zipfile.ZIP_DEFLATED or pages == [0, 1, 2, 4]
    assert any("damaged" in line for line in lost)


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    data = wacz(*RECORDS)
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry, count = data[start:end], 50
    tail = bytearray(data[end:])
    tail[8:10] = tail[10:12] = count.to_bytes(2, "little")
    tail[12:16] = (count * len(entry)).to_bytes(4, "little")
    path = tmp_path / "a.wacz"
    path.write_bytes(data[:start] + entry * count + bytes(tail))
    with pytest.raises(UsageError, match="overlap"):
        list(read_web_archive(path))


def test_a_bzip2_package_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.wacz"
    path.write_bytes(wacz(b"\0" * (64 << 20), method=zipfile.ZIP_BZIP2))
    assert path.stat().st_size < 10_000
    with pytest.raises(UsageError, match="stored and deflated"):
        list(read_web_archive(path))


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_bomb_ends_where_it_can_hold_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(foreign, "MAX_JUNK", 1 << 20)
    data = packed(kind, [RECORDS[0], os.urandom(1000) + b"\0" * (48 << 20), RECORDS[1]])
    assert read(tmp_path, data) == ([0], ["over 1,048,576 bytes of it are no record; the rest is left out"])


def test_a_bomb_of_whole_records_ends_by_its_ratio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "RATIO_FROM", 1 << 20)
    data = packed("zst", [RECORDS[0], record(url_of(1), b"", fields="x" * 2000) * 10_000])
    pages, lost = read(tmp_path, data)
    assert pages == [0]
    assert lost[-1] == "it unpacks to over 250 times its size; the rest is left out"


def test_junk_of_a_plain_file_is_passed_over_however_long_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign, "MAX_JUNK", 1 << 20)
    assert read(tmp_path, RECORDS[0] + b"\0" * (3 << 20) + RECORDS[1]) == ([0, 1], ["3,145,728 bytes of no record"])


def test_a_zip_with_a_directory_of_gigabytes_is_refused(tmp_path: Path) -> None:
    data = bytearray(wacz(RECORDS[0]))
    end = data.rindex(b"PK\x05\x06")
    data[end + 12 : end + 16] = (2**31).to_bytes(4, "little")
    path = tmp_path / "a.wacz"
    path.write_bytes(bytes(data))
    with pytest.raises(UsageError, match=r"directory|web archive"):
        list(read_web_archive(path))


# --- what is a page ---------------------------------------------------------------------------------------------------


def of(tmp_path: Path, data: bytes) -> tuple[list[str], list[str]]:
    path, notes = tmp_path / "a.warc", list[str]()
    path.write_bytes(data)
    return [f"{page.url} {page.content_type}" for page in read_web_archive(path, print, notes.append)], notes


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/plain; charset=gbk", "桥与河".encode("gbk")),
        ("text/markdown", b"# Title"),
        ("application/rss+xml", b"<rss><channel/></rss>"),
        ("text/xml", b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"/>'),
        ("application/feed+json", b'{"items": []}'),
        ("text/csv", b"a,b"),
    ],
)
def test_a_file_that_holds_no_page_gives_its_documents(tmp_path: Path, kind: str, body: bytes) -> None:
    document = record(url_of(1), body, kind)
    assert of(tmp_path, document) == ([f"{url_of(1)} {kind}"], [])
    assert of(tmp_path, document + record(url_of(2), b"x = 1", "application/javascript")) == (
        [f"{url_of(1)} {kind}"], [],
    )  # fmt: skip
    assert of(tmp_path, RECORDS[0] + document) == (
        [f"{url_of(0)} text/html"], ["1 answer that is text, a feed or JSON was left out"],
    )  # fmt: skip
    assert of(tmp_path, RECORDS[0] + record("https://a.example/robots.txt", b"x", "text/plain"))[1] == []


@pytest.mark.parametrize("kind", ["image/png", "text/csv", "application/rss+xml"])
def test_what_a_list_of_pages_names_is_a_page_whatever_it_is(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.wacz"
    path.write_bytes(wacz(RECORDS[0], record(url_of(1), b"\x89PNG\r\n\x1a\n", kind), lists={"pages": [url_of(1)]}))
    assert [(page.url, page.content_type) for page in read_web_archive(path)] == [(url_of(1), kind)]


@pytest.mark.parametrize("first", ["response", "request"])
def test_what_answers_a_form_is_not_the_page_at_its_address(tmp_path: Path, first: str) -> None:
    answer = record(url_of(1), html(1), more="WARC-Record-ID: <urn:uuid:1>\r\n")
    sent = record(url_of(1), b"", more="WARC-Record-ID: <urn:uuid:2>\r\nWARC-Concurrent-To: <urn:uuid:1>\r\n")
    sent = sent.replace(b"WARC-Type: response", b"WARC-Type: request").replace(b"HTTP/1.1 200 OK", b"POST / HTTP/1.1")
    both = answer + sent if first == "response" else sent + answer
    assert of(tmp_path, both + RECORDS[2])[0] == [f"{url_of(2)} text/html"]
    asked = both.replace(b"POST / HTTP/1.1", b"GET  / HTTP/1.1")
    assert of(tmp_path, asked)[0] == [f"{url_of(1)} text/html"]


@pytest.mark.parametrize("written", ["hex", "HEX", "base32", "base64", "base64url"])
def test_a_digest_may_be_written_in_any_base(tmp_path: Path, written: str) -> None:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + html(1)
    digest = hashlib.sha1(block, usedforsecurity=False).digest()
    said = {
        "hex": digest.hex(), "HEX": digest.hex().upper(), "base32": base64.b32encode(digest).decode(),
        "base64": base64.b64encode(digest).decode(), "base64url": base64.urlsafe_b64encode(digest).decode().rstrip("="),
    }[written]  # fmt: skip
    good = record(url_of(1), html(1), more=f"WARC-Block-Digest: sha1:{said}\r\n")
    assert read(tmp_path, good) == ([1], [])
    lost = read(tmp_path, record(url_of(2), html(2), more=f"WARC-Block-Digest: sha1:{said}\r\n"))[1]
    assert "differs from its digest" in lost[0]


def test_the_words_of_a_record_may_be_written_small(tmp_path: Path) -> None:
    head, end, body = RECORDS[1].partition(b"\r\n\r\n")
    assert read(tmp_path, RECORDS[0] + head.lower() + end + body + RECORDS[2]) == ([0, 1, 2], [])


# --- redirects and revisits -------------------------------------------------------------------------------------------


def test_a_page_tells_the_redirects_that_led_to_it(tmp_path: Path) -> None:
    moved = record("https://a.example/old", b"", status="301 Moved", fields="Location: /1\r\n")
    before = record("http://a.example/old", b"", status="302 Found", fields="Location: https://a.example/old\r\n")
    path = tmp_path / "a.warc"
    path.write_bytes(before + moved + RECORDS[1])
    (page,) = read_web_archive(path)
    assert page.redirects == (Redirect(302, "http://a.example/old"), Redirect(301, "https://a.example/old"))
    path.write_bytes(wacz(before, moved, *RECORDS, lists={"pages": ["http://a.example/old"]}))
    assert [page.url for page in read_web_archive(path)] == [url_of(1)]


def test_redirects_in_a_circle_end(tmp_path: Path) -> None:
    there = record("https://a.example/x", b"", status="301 Moved", fields="Location: /y\r\n")
    back = record("https://a.example/y", b"", status="301 Moved", fields="Location: /x\r\n")
    pages, lost = read(
        tmp_path, wacz(there, back, RECORDS[0], lists={"pages": ["https://a.example/x", url_of(0)]}), "a.wacz"
    )
    assert (pages, lost) == ([0], [])


def test_a_page_seen_again_is_a_page_of_its_own_time(tmp_path: Path) -> None:
    digest = "WARC-Payload-Digest: sha1:AAAA\r\n"
    again = record(url_of(1), b"", more=digest).replace(b"WARC-Type: response", b"WARC-Type: revisit")
    again = again.replace(b"2025-03-04", b"2025-09-04")
    path = tmp_path / "a.warc"
    path.write_bytes(record(url_of(1), html(1), more=digest) + again)
    pages = list(read_web_archive(path))
    assert [(page.body, page.saved_at.month if page.saved_at else 0) for page in pages] == [(html(1), 3), (html(1), 9)]


def har(numbers: range, *, indent: int | None = None) -> str:
    entries = [
        {
            "_initiator": {"type": "script", "stack": {"callFrames": []}},
            "startedDateTime": "2025-03-04T05:06:07.000Z",
            "request": {"url": url_of(n), "method": "GET", "headers": [{"name": "a", "value": '{"request":'}]},
            "response": {
                "status": 200,
                "headers": [],
                "content": {"mimeType": "text/html", "text": html(n).decode() + '<script>{{{ x = {"request": 1} }'},
            },
        }
        for n in numbers
    ]
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "x"}, "entries": entries}}, indent=indent)


def read_damaged_har(text: str | bytes) -> tuple[list[int], list[str]]:
    lost: list[str] = []
    data = text.encode() if isinstance(text, str) else text
    pages = list(read_har("a.har", data, lost.append, lost.append))
    return [int((page.url or "").rpartition("/")[2]) for page in pages], lost


@pytest.mark.parametrize("indent", [None, 2])
def test_of_a_har_file_that_is_cut_off_what_came_before_is_taken_and_the_loss_is_named(indent: int | None) -> None:
    text = har(range(4), indent=indent)
    for cut in (text.index(url_of(2)), text.index(url_of(3)) + 5, len(text) - 1):
        came, lost = read_damaged_har(text[:cut])
        assert came == list(range(text[:cut].count('"response"')))
        assert len(lost) == 1
        assert f"its {len(came)} whole entries are taken" in lost[0]


def test_a_damaged_entry_of_a_har_file_costs_itself() -> None:
    text = har(range(4))
    at = text.index(url_of(1))
    came, lost = read_damaged_har(f'{text[:at]}\x00\x01"}}{text[at + 9 :]}')
    assert (came, len(lost)) == ([0, 2, 3], 1)


@pytest.mark.parametrize("data", ['{"log": {"entries": [', '{"log": {"entries": [{"request": ' + '{"request":' * 9_000])
def test_a_har_file_without_a_whole_entry_is_refused(data: str) -> None:
    with pytest.raises(UsageError, match=r"a\.har: damaged, or no HAR file"):
        read_damaged_har(data)

"""A WACZ file, judged by the tools of those who made the format."""

import gzip
import hashlib
import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from export_samples import BAD_TITLE, BLOG, MOVED, WEIXIN
from hypothesis import given
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from crawler.archive.interchange import wacz
from crawler.archive.interchange.keys import keys
from crawler.archive.interchange.source import CaptureReader
from crawler.archive.interchange.wacz import write_wacz
from crawler.core.errors import UsageError

NOW = datetime(2026, 2, 3, tzinfo=UTC)


@pytest.fixture
def package(reader: CaptureReader, tmp_path: Path) -> Path:
    done = write_wacz(tmp_path / "out" / "pages.wacz", reader, NOW)
    assert (done.pages, done.damaged) == (4, ())
    return done.files[0]


@pytest.mark.slow
def test_the_validator_of_the_format_calls_it_valid(package: Path) -> None:
    command = [str(Path(sys.executable).parent / "wacz"), "validate", "-f", str(package)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "Valid" in checked.stdout + checked.stderr


def pages(package: Path) -> list[dict[str, Any]]:
    with zipfile.ZipFile(package) as opened:
        return [json.loads(line) for line in opened.read("pages/pages.jsonl").splitlines()]


def test_originals_and_readable_copies_are_listed(package: Path) -> None:
    header, *listed = pages(package)
    assert header["format"] == "json-pages-1.0"
    urls = [page["url"] for page in listed]
    assert urls.count(WEIXIN) == urls.count(f"urn:readable:{WEIXIN}") == 2
    assert BLOG in urls
    assert MOVED in urls
    assert [page["title"] for page in listed if page["url"] == BLOG] == [BAD_TITLE]
    assert any("新的正文" in page.get("text", "") for page in listed)
    assert len({page["id"] for page in listed}) == len(listed) == 8


def index(package: Path) -> list[tuple[str, str, dict[str, str]]]:
    with zipfile.ZipFile(package) as opened:
        lines = gzip.decompress(opened.read("indexes/index.cdx.gz")).decode().splitlines()
    split = (line.split(" ", 2) for line in lines)
    return [(key, stamp, json.loads(fields)) for key, stamp, fields in split]


def test_the_index_is_sorted_and_finds_each_record_by_itself(package: Path) -> None:
    lines = index(package)
    assert [(key, stamp) for key, stamp, _ in lines] == sorted((key, stamp) for key, stamp, _ in lines)
    with zipfile.ZipFile(package) as opened:
        data = opened.read("archive/data.warc.gz")
    for _, _, fields in lines:
        offset, length = int(fields["offset"]), int(fields["length"])
        (record,) = list(ArchiveIterator(BytesIO(data[offset : offset + length])))
        assert record.rec_headers.get_header("WARC-Target-URI") == fields["url"]
        assert fields["digest"].startswith("sha256:")


def test_the_index_of_the_index_finds_each_member(
    reader: CaptureReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wacz, "LINES", 2)
    done = write_wacz(tmp_path / "pages.wacz", reader, NOW)
    with zipfile.ZipFile(done.files[0]) as opened:
        packed, (meta, *blocks) = opened.read("indexes/index.cdx.gz"), opened.read("indexes/index.idx").splitlines()
    assert json.loads(meta.removeprefix(b"!meta 0 "))["format"] == "cdxj-gzip-1.0"
    assert len(blocks) > 2
    for block in blocks:
        key, _, place = block.partition(b" {")
        where = json.loads(b"{" + place)
        member = packed[where["offset"] : where["offset"] + where["length"]]
        assert gzip.decompress(member).startswith(key)
        assert where["digest"] == f"sha256:{hashlib.sha256(member).hexdigest()}"


def test_web_data_is_stored_so_that_viewers_can_read_parts(package: Path) -> None:
    with zipfile.ZipFile(package) as opened:
        stored = {info.filename for info in opened.infolist() if info.compress_type == zipfile.ZIP_STORED}
    assert stored == {"archive/data.warc.gz", "indexes/index.cdx.gz"}


def test_a_folder_is_no_name_for_a_file(reader: CaptureReader, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        write_wacz(tmp_path, reader, NOW)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://www.Example.com/A/?b=2&a=1#part", ["com,example)/a/?a=1&b=2", "com,example)/a?a=1&b=2"]),
        ("http://www2.example.com:8080/", ["com,example:8080)/"]),
        ("https://wwww.example.com/", ["com,example,wwww)/"]),
        ("urn:readable:https://example.com/a", ["urn:readable:https://example.com/a"]),
        ("urn:readable:https://example.com/A", ["urn:readable:https://example.com/A", "urn:readable:https://example.com/a"]),
        ("https://mp.weixin.qq.com/s?__biz=Mz==&mid=1", ["com,qq,weixin,mp)/s?__biz=mz==&mid=1"]),
        ("https://a.example/p?q=%2541", ["example,a)/p?q=%2541", "example,a)/p?q=a"]),
        ("https://a.example/p?sid=0123456789abcdef0123456789abcdef&b",
         ["example,a)/p?b&sid=0123456789abcdef0123456789abcdef", "example,a)/p?b"]),
        ("https://[broken/ x", ["https://[broken/%20x"]),
    ],
)  # fmt: skip
def test_index_keys_are_those_that_viewers_look_up(url: str, found: list[str]) -> None:
    assert list(keys(url)) == found


@given(st.text("htps:/w.?&=#% a中[]\n", max_size=40))
def test_no_address_breaks_the_index(rest: str) -> None:
    assert not any(set(key) & {" ", "\n"} for key in keys(f"https://{rest}"))


@pytest.mark.parametrize("piece", ["cfid=", "sid=0&", "%25", "&", "/", "cfid=1&cftoken="])
def test_a_hostile_address_costs_little(piece: str) -> None:
    assert keys(f"https://a.example/{piece * 5_000}?{piece * 5_000}")

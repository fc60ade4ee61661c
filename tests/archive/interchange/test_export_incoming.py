"""Web archives of other tools, and our own, read back as pages to import."""

import gzip
import zipfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import brotli
import pytest
from export_samples import BLOG, PNG, START, WEIXIN
from hypothesis import given
from hypothesis import strategies as st

from crawler.archive import Archive
from crawler.archive.interchange import answers, incoming, unpack
from crawler.archive.interchange.incoming import read_web_archive
from crawler.archive.interchange.saved import SavedPage
from crawler.archive.interchange.source import CaptureReader
from crawler.archive.interchange.wacz import write_wacz
from crawler.archive.interchange.warc import write_warc
from crawler.core.errors import UsageError

NOW = datetime(2026, 2, 3, tzinfo=UTC)
HTML = b'<html><body>words <img src="https://img.example/a.png?x=1&amp;y=2">'
URL = "https://a.example/page"
PICTURE = "https://img.example/a.png?x=1&y=2"


def foreign(*records: tuple[str, bytes, dict[str, str]], status: str = "200 OK", packed: bool = True) -> bytes:
    """A WARC file as older tools write it: version 1.0, bodies as they came over the wire."""
    out = b""
    for url, body, headers in records:
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        block = f"HTTP/1.1 {status}\r\n{fields}\r\n".encode() + body
        head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2025-03-04T05:06:07Z\r\n"
        record = f"{head}Content-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n"
        out += gzip.compress(record) if packed else record
    return out


PAGE = (URL, HTML, {"Content-Type": "text/html; charset=utf-8"})
IMAGE = (PICTURE, PNG, {"Content-Type": "image/png"})


def read(path: Path, data: bytes) -> list[SavedPage]:
    path.write_bytes(data)
    return list(read_web_archive(path))


@pytest.mark.parametrize("packed", [True, False])
def test_a_page_comes_with_its_address_time_and_pictures(tmp_path: Path, packed: bool) -> None:
    (page,) = read(tmp_path / "a.warc", foreign(IMAGE, PAGE, packed=packed))
    assert (page.url, page.body, page.content_type) == (URL, HTML, "text/html; charset=utf-8")
    assert page.saved_at == datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert [(image.url, image.body) for image in page.images] == [(PICTURE, PNG)]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (gzip.compress(HTML, mtime=0), {"Content-Encoding": "gzip"}),
        (brotli.compress(HTML), {"Content-Encoding": "br"}),
        (HTML, {"Content-Encoding": "gzip"}),
        (
            b"5\r\n" + HTML[:5] + b"\r\n%x;x=y\r\n" % len(HTML[5:]) + HTML[5:] + b"\r\n0\r\n\r\n",
            {"Transfer-Encoding": "chunked"},
        ),
        (HTML, {"Transfer-Encoding": "chunked"}),
    ],
)
def test_bodies_are_read_whether_a_writer_decoded_them_or_not(
    tmp_path: Path, body: bytes, headers: dict[str, str]
) -> None:
    (page,) = read(tmp_path / "a.warc.gz", foreign((URL, body, {"Content-Type": "text/html", **headers})))
    assert page.body == HTML


def test_errors_and_other_things_are_no_pages(tmp_path: Path) -> None:
    assert read(tmp_path / "a.warc.gz", foreign(PAGE, status="404 Not Found")) == []
    assert read(tmp_path / "b.warc.gz", foreign((URL, b"x", {"Content-Type": "text/css"}), IMAGE)) == []


def test_what_we_export_can_be_imported_again(archive: Archive, tmp_path: Path) -> None:
    exported = write_warc(tmp_path / "warc", CaptureReader(archive), NOW).files[0]
    pages = list(read_web_archive(exported))
    assert [page.url for page in pages].count(WEIXIN) == 2
    assert pages[0].saved_at == START


def test_a_wacz_gives_the_pages_that_it_lists(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    write_wacz(tmp_path / "one/a.wacz", CaptureReader(archive, {BLOG}), NOW)
    assert [page.url for page in read_web_archive(tmp_path / "one/a.wacz")] == [BLOG]


def test_our_own_segments_with_their_dictionary_can_be_imported(archive: Archive, tmp_path: Path) -> None:
    archive.close()
    (segment,) = (tmp_path / "archive" / "segments").glob("*.warc.zst")
    assert {page.url for page in read_web_archive(segment)} >= {WEIXIN, BLOG}


def zipped(**files: bytes) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name, data in files.items():
            package.writestr(name.replace("__", "/").replace("_", "."), data)
    return out.getvalue()


def test_a_list_of_pages_that_cannot_be_read_lists_nothing(tmp_path: Path) -> None:
    data = zipped(archive__a_warc=foreign(PAGE, packed=False), pages__pages_jsonl=b"{\n[1]\n" + b"[" * 9_000)
    assert [page.url for page in read(tmp_path / "a.wacz", data)] == [URL]


WHOLE = foreign(PAGE, packed=False)


@pytest.mark.parametrize(
    "data",
    [
        b"words",
        WHOLE[:-400],
        WHOLE.replace(b"Content-Length: ", b"Content-Length: 9", 1),
        WHOLE.replace(b"Content-Length: ", b"Content-Length: -", 1),
        WHOLE.replace(b"Content-Length: ", b"Content-Length: 99999999999", 1),
        WHOLE.replace(b"\r\n", b"\r\nX: y" * 1_001 + b"\r\n", 1),
        foreign(PAGE)[:-20],
        gzip.compress(b"words", mtime=0),
        zipped(page_html=b"x"),
        b"\x28\xb5\x2f\xfd\0\0\0\0",
        b"\x5d\x2a\x4d\x18\xff\xff\xff\x7f",
    ],
)
def test_a_file_whose_lengths_lie_is_one_clear_line(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path / "a.warc.zst", data)
    assert "a.warc.zst: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_gigabytes_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.warc"
    with path.open("wb") as file:
        file.truncate(2 << 30)
    with pytest.raises(UsageError, match="2,048 MB"):
        list(read_web_archive(path))


def test_a_bomb_costs_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "MAX_RECORD", 1 << 20)
    bomb = (URL, gzip.compress(b"\0" * (2 << 20)), {"Content-Type": "text/html", "Content-Encoding": "gzip"})
    assert [page.body for page in read(tmp_path / "a.warc.gz", foreign(bomb, PAGE))] == [HTML]


def test_a_file_that_unpacks_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MAX_UNPACKED", 1000)
    path = tmp_path / "a.warc.gz"
    path.write_bytes(foreign(*[PAGE] * 20))
    lost: list[str] = []
    assert 0 < len(list(read_web_archive(path, lost.append))) < 20
    assert any("unpacks to" in line for line in lost)


def test_more_than_a_disk_should_hold_is_left_out_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MAX_KEPT", 100)
    path = tmp_path / "a.warc.gz"
    path.write_bytes(foreign(PAGE, IMAGE))
    lost: list[str] = []
    (page,) = read_web_archive(path, lost.append)
    assert (page.url, page.images) == (URL, ())
    assert any("the rest is left out" in line for line in lost)


def test_a_bomb_of_small_members_is_read_in_time() -> None:
    members = gzip.compress(b"", mtime=0) * 50_000
    assert list(unpack.unpacked(BytesIO(members))) == []


@given(st.integers(0, len(WHOLE)), st.binary(max_size=30))
def test_no_bytes_do_worse_than_a_usage_error(tmp_path_factory: pytest.TempPathFactory, at: int, noise: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.warc"
    path.write_bytes(WHOLE[:at] + noise + WHOLE[at:])
    try:
        list(read_web_archive(path))
    except UsageError as error:
        assert "noise.warc" in str(error)  # noqa: PT017 - either outcome is right

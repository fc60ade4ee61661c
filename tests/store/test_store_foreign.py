"""WARC files of others: read with caps, and with a clear word where they lie."""

import gzip
import io
from pathlib import Path

import pytest
from store_samples import look_of, open_archive, segments_of
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawler.errors import ArchiveDamaged, ArchiveError
from crawler.store import foreign

# warcio's writer leaves its temporary file to the garbage collector
pytestmark = pytest.mark.filterwarnings(
    "ignore:Unclosed file:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


def written_by_warcio(path: Path, bodies: list[bytes], *, packed: bool = True) -> None:
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=packed)
        for number, body in enumerate(bodies):
            head = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
            url = f"https://a.example/{number}"
            writer.write_record(writer.create_warc_record(url, "response", payload=io.BytesIO(body), http_headers=head))


@pytest.mark.parametrize("packed", [True, False])
def test_responses_that_warcio_wrote_are_read(tmp_path: Path, packed: bool) -> None:
    written_by_warcio(tmp_path / "a.warc", [b"one", b"two" * 100_000], packed=packed)
    pages = list(foreign.pages(tmp_path / "a.warc"))
    assert [(page.url, page.status, page.body) for page in pages] == [
        ("https://a.example/0", 200, b"one"),
        ("https://a.example/1", 200, b"two" * 100_000),
    ]
    assert ("Content-Type", "text/html") in pages[0].headers


@pytest.mark.parametrize("codec", ["zst", "gz"])
def test_our_own_segments_are_read_too(tmp_path: Path, codec: str) -> None:
    with open_archive(tmp_path, codec=codec) as archive:
        archive.record([look_of("a"), look_of("b")])
    (segment,) = segments_of(tmp_path)
    assert [page.body for page in foreign.pages(segment)] == [look_of("a").fetch.body] * 2


def test_all_records_in_one_gzip_member_are_read(tmp_path: Path) -> None:
    written_by_warcio(tmp_path / "plain.warc", [b"one", b"two"], packed=False)
    (tmp_path / "a.warc.gz").write_bytes(gzip.compress((tmp_path / "plain.warc").read_bytes()))
    assert [page.body for page in foreign.pages(tmp_path / "a.warc.gz")] == [b"one", b"two"]


def test_records_above_the_cap_are_passed_over(tmp_path: Path) -> None:
    written_by_warcio(tmp_path / "a.warc.gz", [b"x" * 50_000, b"small"])
    assert [page.body for page in foreign.pages(tmp_path / "a.warc.gz", max_block=10_000)] == [b"small"]


@pytest.mark.parametrize(
    "lie",
    [b"Content-Length: 99999999999999", b"Content-Length: -5", b"Content-Length: " + b"9" * 5000, b"No-Length: 1"],
)
def test_a_lie_about_a_length_ends_the_reading_with_a_word(tmp_path: Path, lie: bytes) -> None:
    (tmp_path / "a.warc").write_bytes(b"WARC/1.0\r\nWARC-Type: response\r\n" + lie + b"\r\n\r\nbody\r\n\r\n")
    with pytest.raises(ArchiveDamaged, match=r"a\.warc stops being a WARC file"):
        list(foreign.records(tmp_path / "a.warc"))


@pytest.mark.parametrize(
    "data", [b"<html>", b"\x1f\x8bnonsense", b"\x28\xb5\x2f\xfdnonsense", b"WARC/1.0\r\n" + b"a: b\r\n" * 100_000]
)
def test_what_is_no_warc_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.warc").write_bytes(data)
    with pytest.raises(ArchiveDamaged, match=r"a\.warc"):
        list(foreign.records(tmp_path / "a.warc"))


def test_records_before_a_cut_are_given(tmp_path: Path) -> None:
    written_by_warcio(tmp_path / "a.warc.gz", [b"one", b"two"])
    data = (tmp_path / "a.warc.gz").read_bytes()
    (tmp_path / "a.warc.gz").write_bytes(data[:-20])
    read = foreign.pages(tmp_path / "a.warc.gz")
    assert next(read).body == b"one"
    with pytest.raises(ArchiveDamaged, match="stops being"):
        list(read)


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="No such file"):
        list(foreign.records(tmp_path / "none.warc"))

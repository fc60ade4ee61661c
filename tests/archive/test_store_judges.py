"""Other people's tools read what we write: warcio and FastWARC, with and without a dictionary."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from fastwarc import ArchiveIterator, ZstdReader
from store_samples import TEXT, check_of, later, link_of, open_archive, segments_of, tool
from warcio.archiveiterator import ArchiveIterator as WarcioIterator

from crawler.archive import dictionary
from crawler.core.model import Cut, State

SHELL = "".join(f"<script>var shared_{n} = {n * 7919};</script>" for n in range(2000))  # what all pages of a site share


def filled(path: Path, codec: str) -> None:
    with open_archive(path, codec=codec, keep_raw="all") as archive:
        headers = (
            ("Content-Encoding", "gzip"),
            ("Content-Length", "7"),
            ("Set-Cookie", "a=SECRET"),
            ("X-Bad", "a\r\nb"),
        )
        archive.record([check_of("a", readable="<p>读</p>", headers=headers), check_of("b", text="")])
        archive.record([check_of("a", at=later(0.1)), check_of("c", state=State.DEAD, reason="not-found", status=404)])
        archive.put_images(1, [("https://img.example/1.jpg", "image/jpeg", b"jpeg")])
        archive.put_images(2, [("https://img.example/2.jpg", "image/jpeg", b"jpeg")])


def test_warcio_checks_every_digest_of_a_gz_segment(tmp_path: Path) -> None:
    filled(tmp_path, "gz")
    (segment,) = segments_of(tmp_path)
    told = tool("warcio", "check", "-v", segment)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "digest pass" in told.stdout
    assert "digest failed" not in told.stdout


@pytest.mark.parametrize("codec", ["gz", "zst"])
def test_fastwarc_checks_every_digest(tmp_path: Path, codec: str) -> None:
    filled(tmp_path, codec)
    (segment,) = segments_of(tmp_path)
    told = tool("fastwarc", "check", segment)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "verified successfully" in told.stdout


def test_records_say_what_warc_1_1_asks_of_them(tmp_path: Path) -> None:
    filled(tmp_path, "gz")
    (segment,) = segments_of(tmp_path)
    with segment.open("rb") as file:
        records = [(r.rec_type, dict(r.rec_headers.headers), r.content_stream().read()) for r in WarcioIterator(file)]
    kinds = [kind for kind, _, _ in records]
    assert kinds[:5] == ["warcinfo", "response", "request", "conversion", "resource"]
    assert kinds.count("revisit") == 2
    response, request, text, readable = (records[n][1] for n in (1, 2, 3, 4))
    assert response["WARC-Target-URI"] == "https://mp.weixin.qq.com/s/a?key=REDACTED"
    assert response["WARC-Date"] == "2026-01-02T03:04:05.678901Z"
    assert request["WARC-Concurrent-To"] == response["WARC-Record-ID"]
    assert text["WARC-Target-URI"] == "urn:text:https://mp.weixin.qq.com/s/a?key=REDACTED"
    assert readable["WARC-Target-URI"] == "urn:readable:https://mp.weixin.qq.com/s/a?key=REDACTED"
    assert records[3][2].decode() == TEXT
    revisit = next(headers for kind, headers, _ in records if kind == "revisit")
    assert revisit["WARC-Refers-To"] == response["WARC-Record-ID"]
    assert revisit["WARC-Refers-To-Date"] == response["WARC-Date"]
    assert revisit["WARC-Payload-Digest"] == response["WARC-Payload-Digest"]


def test_the_head_of_a_response_speaks_of_the_stored_bytes_and_hides_secrets(tmp_path: Path) -> None:
    filled(tmp_path, "gz")
    (segment,) = segments_of(tmp_path)
    data = gzip.decompress(segment.read_bytes())
    assert b"SECRET" not in data
    assert (
        b"x-orig-Content-Encoding: gzip\r\nx-orig-Content-Length: 7\r\nSet-Cookie: REDACTED\r\nX-Bad: a b\r\n" in data
    )
    with segment.open("rb") as file:
        first = next(record for record in WarcioIterator(file) if record.rec_type == "response")
        body = first.content_stream().read()
    assert first.http_headers.get_header("Content-Length") == str(len(body))
    assert body == check_of("a").fetch.body


def test_the_journal_tells_the_verdict_of_each_look(tmp_path: Path) -> None:
    filled(tmp_path, "gz")
    (segment,) = segments_of(tmp_path)
    with segment.open("rb") as file:
        blocks = [r.content_stream().read() for r in WarcioIterator(file) if r.rec_type == "metadata"]
    line = json.loads(blocks[0].splitlines()[0])
    assert (line["type"], line["verdict"], line["reason"], line["rule"]) == ("look", "alive", "ok", "weixin/ok")
    assert line["history"]["canonical_url"] == link_of("a").canonical_url


def test_a_segment_with_a_dictionary_is_small_and_fastwarc_reads_every_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dictionary, "PRICE", 20_000)
    bodies = [f"{SHELL}<p>{n} {TEXT}</p>".encode() for n in range(12)]
    with open_archive(tmp_path) as archive:
        for number, body in enumerate(bodies):
            archive.record([check_of(f"n{number}", text=f"{number} {TEXT}", body=body)])
        assert [archive.body(n + 1) for n in range(12)] == bodies
    _, packed = segments_of(tmp_path)

    assert packed.read_bytes()[:4] == bytes.fromhex("5d2a4d18")
    assert tool("fastwarc", "check", packed).returncode == 0
    with packed.open("rb") as file:
        payloads = [record.reader.read() for record in ArchiveIterator(ZstdReader(file)) if record.is_http]
    assert payloads[-2] == bodies[-1]  # response and request of the last check
    with open_archive(tmp_path, write=False) as archive:
        sizes = dict(archive._db.execute("SELECT id, response_len FROM captures").fetchall())
    assert sizes[12] < sizes[1] / 20


def test_the_record_of_a_cut_body_says_so(tmp_path: Path) -> None:
    part = check_of("part", text="一半")
    with open_archive(tmp_path, codec="gz", keep_raw="all") as archive:
        archive.record([replace(part, fetch=replace(part.fetch, cut=Cut.RESET)), check_of("whole")])
    (segment,) = segments_of(tmp_path)
    with segment.open("rb") as file:
        responses = [record.rec_headers for record in WarcioIterator(file) if record.rec_type == "response"]
    assert [headers.get_header("WARC-Truncated") for headers in responses] == ["disconnect", None]

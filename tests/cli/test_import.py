"""`crawler import`: pages that a person saved, by any tool, become snapshots of the time when they were saved."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawler.archive import Archive
from crawler.cli import run_cli
from crawler.core.model import Confidence, State
from crawler.testing import pages
from crawler.testing.pages import Article

URL = "https://mp.weixin.qq.com/s/Import000000000000000A"
TEXT = ("一封旧信说起河边的灯塔，灯塔每晚只亮一次。", "守灯塔的人把每一次都记在本子上。")
BODY = pages.weixin_article(Article(URL, "灯塔日记", "甲", TEXT, account="河边"))
BLOG = "https://blog.example/lighthouse"
POST = pages.blog_article(Article(BLOG, "The lighthouse", "Ann", ("It shines once a night, and never twice.",) * 3))
PICTURE = pages.picture(7)
SAVED = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)

Import = Callable[..., int]


@pytest.fixture
def bring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Import:
    """Run `crawler import` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_cli(["import", *map(str, arguments)])


def written(name: str, data: bytes) -> Path:
    file = Path(name)
    file.write_bytes(data)
    os.utime(file, (SAVED.timestamp(), SAVED.timestamp()))
    return file


def kept(url: str = URL) -> Archive:
    archive = Archive.open(Path("archive"), write=False)
    assert archive.history(url) is not None
    return archive


def mhtml(body: bytes) -> bytes:
    head = (
        f"From: <Saved by Blink>\r\nSnapshot-Content-Location: {URL}\r\nDate: Mon, 06 May 2024 07:08:09 -0000\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/related; type="text/html"; boundary="b"\r\n\r\n'
    )
    parts = ((f"text/html\r\nContent-Location: {URL}", body), ("image/png\r\nContent-Location: a.png", PICTURE))
    return head.encode() + b"".join(
        f"--b\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: binary\r\n\r\n".encode() + data + b"\r\n"
        for kind, data in parts
    ) + b"--b--\r\n"  # fmt: skip


def warc(*answers: tuple[str, bytes, str], status: str = "200 OK", packed: bool = True) -> bytes:
    """A WARC file as warcio writes it."""
    out = BytesIO()
    writer = WARCWriter(out, gzip=packed)
    for url, body, kind in answers:
        head = StatusAndHeaders(status, [("Content-Type", kind)], protocol="HTTP/1.1")
        told = {"WARC-Date": "2024-05-06T07:08:09Z"}
        record = writer.create_warc_record(url, "response", BytesIO(body), http_headers=head, warc_headers_dict=told)
        writer.write_record(record)
        record.raw_stream.close()  # a temporary file that warcio leaves open
    return out.getvalue()


SINGLE_FILE = b"<!--\n Page saved with SingleFile \n url: %s \n saved date: Mon May 06 2024 07:08:09 GMT+0000 (x)\n-->"


@pytest.mark.parametrize(
    ("name", "data", "options"),
    [
        ("a.html", BODY, ["--url", URL]),
        ("a.html", BODY.replace(b"<head>", b"<head>" + SINGLE_FILE % URL.encode(), 1), []),
        ("a.mhtml", mhtml(BODY), []),
        ("a.warc", warc((URL, BODY, "text/html"), packed=False), []),
        ("a.warc.gz", warc((URL, BODY, "text/html; charset=utf-8")), []),
        ("no-ending", warc((URL, BODY, "text/html")), []),
    ],
)
def test_every_form_of_a_saved_page_becomes_a_snapshot_of_its_own_time(
    bring: Import, name: str, data: bytes, options: list[str]
) -> None:
    assert bring(written(name, data), *options) == 0
    with kept() as archive:
        history = archive.history(URL)
        (snapshot,) = archive.snapshots(URL)
        assert history is not None
        assert (history.state, history.checked_at, history.last_alive) == (State.ALIVE, SAVED, SAVED)
        assert (snapshot.title, snapshot.captured_at) == ("灯塔日记", SAVED)
        assert TEXT[0] in archive.text(snapshot.id)
        assert TEXT[1] in (archive.readable(snapshot.id) or "")
        assert history.next_due is not None
        assert history.next_due < datetime.now(UTC), "a page of years ago is due for a check today"


def test_pictures_come_along_and_what_is_none_does_not(bring: Import) -> None:
    shown = b'<img src="https://img.example/a.png"><img src="https://img.example/b.png">'
    answers = (
        (BLOG, POST.replace(b"</body>", shown + b"</body>"), "text/html"),
        ("https://img.example/a.png", PICTURE, "image/png"),
        ("https://img.example/b.png", b"<html>not here", "image/png"),
    )
    assert bring(written("a.warc.gz", warc(*answers))) == 0
    with kept(BLOG) as archive:
        assert [image.url for image in archive.images(archive.snapshots(BLOG)[0].id)] == ["https://img.example/a.png"]


def test_what_we_export_comes_back(bring: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bring(written("a.warc.gz", warc((URL, BODY, "text/html"), (BLOG, POST, "text/html")))) == 0
    assert run_cli(["export", "--wacz", "all.wacz"]) == 0
    assert run_cli(["import", "all.wacz", "--archive", "second"]) == 0
    with Archive.open(Path("second"), write=False) as archive:
        assert {url: [s.captured_at for s in archive.snapshots(url)] for url in archive.histories()} == {
            URL: [SAVED],
            BLOG: [SAVED],
        }


def test_importing_a_file_twice_keeps_it_once(bring: Import, capsys: pytest.CaptureFixture[str]) -> None:
    file = written("a.warc.gz", warc((URL, BODY, "text/html")))
    assert bring(file) == 0
    assert bring(file) == 0
    assert "there already" in capsys.readouterr().out
    with kept() as archive:
        assert len(archive.snapshots(URL)) == 1


def test_a_page_of_the_past_does_not_raise_the_dead(bring: Import) -> None:
    file = written("a.html", BODY)
    assert bring(file, "--url", URL) == 0
    checked = SAVED + timedelta(days=300)
    with Archive.open(Path("archive")) as archive:
        history = archive.history(URL)
        assert history is not None
        dead = replace(
            history, state=State.DEAD, reason="deleted-by-author", confidence=Confidence.HIGH, checked_at=checked
        )
        archive.put_histories([dead])
    later = written("b.html", BODY.replace(TEXT[0].encode(), "改过的一段。".encode()))
    os.utime(later, (SAVED.timestamp() + 86400,) * 2)

    assert bring(later, "--url", URL) == 0

    with kept() as archive:
        history = archive.history(URL)
        assert history is not None
        assert (history.state, history.reason, history.checked_at) == (State.DEAD, "deleted-by-author", checked)
        assert history.last_alive == SAVED + timedelta(days=1)
        assert history.snapshot is not None
        assert history.snapshot.captured_at == SAVED + timedelta(days=1)


def test_an_older_copy_stands_behind_a_newer_one(bring: Import) -> None:
    assert bring(written("a.html", BODY), "--url", URL) == 0
    older = written("b.html", BODY.replace(TEXT[0].encode(), "最早的一段。".encode()))
    os.utime(older, (SAVED.timestamp() - 86400,) * 2)

    assert bring(older, "--url", URL) == 0

    with kept() as archive:
        history = archive.history(URL)
        assert history is not None
        assert history.snapshot is not None
        assert history.snapshot.captured_at == SAVED
        assert len(archive.snapshots(URL)) == 2


def test_a_date_in_the_future_is_not_believed(bring: Import) -> None:
    head = SINGLE_FILE.replace(b"2024", b"2424") % URL.encode()
    assert bring(written("a.html", BODY.replace(b"<head>", b"<head>" + head, 1))) == 0
    with kept() as archive:
        assert archive.snapshots(URL)[0].captured_at <= datetime.now(UTC)


NOTICE = pages.weixin_notice("该内容已被发布者删除")


def test_a_notice_is_refused_unless_its_reader_insists(bring: Import, capsys: pytest.CaptureFixture[str]) -> None:
    file = written("a.html", NOTICE)
    assert bring(file, "--url", URL) == 2
    told = capsys.readouterr().err
    assert "dead (deleted-by-author" in told
    assert "--force" in told
    assert told.count("\n") == 1

    assert bring(file, "--url", URL, "--force") == 0
    with kept() as archive:
        history = archive.history(URL)
        assert history is not None
        assert history.state is State.UNCHECKED, "what a reader brings by force is no check of the page"
        assert len(archive.snapshots(URL)) == 1


def test_one_bad_page_does_not_end_the_batch(bring: Import, capsys: pytest.CaptureFixture[str]) -> None:
    good = written("good.warc.gz", warc((URL, NOTICE, "text/html"), (BLOG, POST, "text/html")))
    assert bring("missing.html", good, written("bad.html", b"\0\1words")) == 1
    out, err = capsys.readouterr()
    assert f"of {BLOG} as of 2024-05-06" in out
    assert len(err.splitlines()) == 3
    assert "missing.html cannot be read: No such file or directory" in err


@pytest.mark.parametrize(
    ("name", "data", "options", "line"),
    [
        ("a.html", BODY, [], "does not tell where it was saved from; give its address with --url"),
        ("a.html", b"<!DOCTYPE NETSCAPE-Bookmark-file-1><DL>", [], "is a list of links and no saved page: `craw"),
        ("a.html", BODY, ["--url", "not a url"], "is not a URL that a page can have"),
        ("a.html", b"", ["--url", URL], "no saved page"),
        ("a.warc.gz", warc((URL, BODY, "text/html"))[:-40], [], "damaged, or no web archive"),
        ("a.warc.gz", warc((URL, BODY, "text/html"), status="404 Not Found"), [], "holds no page"),
        ("a.warc", warc((URL, BODY, "text/html"), (BLOG, POST, "text/html"), packed=False), ["--url", URL],
         "holds 2 pages"),
        ("a.wacz", b"PK\3\4", [], "damaged, or no web archive"),
        ("a.warc.zst", b"\x28\xb5\x2f\xfd", [], "damaged, or no web archive"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_one_clear_line(
    bring: Import, capsys: pytest.CaptureFixture[str], name: str, data: bytes, options: list[str], line: str
) -> None:
    assert bring(written(name, data), *options) == 2
    told = capsys.readouterr().err
    assert line in told
    assert told.count("\n") == 1


def test_a_device_is_not_read_to_its_end(bring: Import, capsys: pytest.CaptureFixture[str]) -> None:
    assert bring(Path("/dev/null"), "--url", URL) == 2
    assert "/dev/null is no regular file" in capsys.readouterr().err


def test_two_gigabytes_are_refused_before_they_are_read(bring: Import, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.warc", "a.html"):
        with Path(name).open("wb") as file:
            file.truncate(2 << 30)
        assert bring(name, "--url", URL) == 2
    assert capsys.readouterr().err.count("2,048 MB") == 2

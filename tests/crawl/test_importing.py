"""The use case `import`, without a terminal: what is kept, what is lost and why."""

from __future__ import annotations

import base64
import json
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest

from crawler.archive import Archive
from crawler.archive.interchange import files
from crawler.archive.interchange.saved import SavedPage, read_saved
from crawler.core.config import load_settings
from crawler.core.model import Check, State
from crawler.crawl.context import Context, sites_of
from crawler.crawl.folderwatch import FolderWatch
from crawler.crawl.imported import Imported, ImportObserver, KeptPage, LostPage
from crawler.crawl.importing import import_files
from crawler.schedule.plan import due_at
from crawler.testing import pages
from crawler.testing.pages import Article

NOW = datetime(2026, 1, 2, tzinfo=UTC)
URL = "https://blog.example/lighthouse"
OLD = "https://blog.example/old-lighthouse"
WEIXIN = "https://mp.weixin.qq.com/s/Import000000000000000B"
POST = pages.blog_article(Article(URL, "The lighthouse", "Ann", ("It shines once a night, and never twice.",) * 3))
PLACE = b"never twice.</p>"  # in the article
PNG = pages.picture(7)
DATA = "data:image/png;base64," + base64.b64encode(PNG).decode()
Bring = Callable[..., Imported]


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(None)
    with Archive.open(tmp_path / "archive", settings.archive) as archive:
        yield Context(settings, sites_of(settings), archive, lambda: NOW)


def with_images(context: Context, which: str) -> Context:
    import msgspec

    options = msgspec.structs.replace(context.settings.archive, images=which)
    return Context(
        msgspec.structs.replace(context.settings, archive=options), context.sites, context.archive, context.now
    )


def written(name: str, data: bytes) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (NOW.timestamp() - 86_400,) * 2)
    return path


def single_file(url: str, body: bytes) -> bytes:
    told = f"<!--\n Page saved with SingleFile \n url: {url} \n saved date: Mon May 06 2024 07:08:09 GMT+0000 (x)\n-->"
    return body.replace(b"<head>", b"<head>" + told.encode(), 1)


def record(url: str, body: bytes, status: str = "200 OK", fields: str = "Content-Type: text/html\r\n") -> bytes:
    block = f"HTTP/1.1 {status}\r\n{fields}\r\n".encode() + body
    head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2025-03-04T05:06:07Z\r\n"
    return f"{head}Content-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n"


def shown(context: Context, url: str) -> set[str]:
    """Addresses of kept pictures that the readable copy of a link's newest snapshot shows."""
    snapshot = context.archive.snapshots(url)[-1]
    copy = context.archive.readable(snapshot.id) or ""
    return {i.url for i in context.archive.images(snapshot.id) if f'src="{i.url}"' in copy.replace("&amp;", "&")}


SCRIPTS = pages.weixin_article(
    Article(WEIXIN, "灯塔日记", "甲", ("一封旧信说起河边的灯塔，灯塔每晚只亮一次。",), account="河边")
)


def scriptless(picture: str) -> bytes:
    """A WeChat article as a browser saves it: what scripts did stays, the scripts do not."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(SCRIPTS.decode())
    for node in tree.css("script, noscript"):
        node.decompose()
    html = tree.html or ""
    assert "一次。</span>" in html
    return html.replace("一次。</span>", f"一次。</span>{picture}", 1).encode()


def test_a_scriptless_wechat_page_is_alive_and_shows_its_pictures(context: Context) -> None:
    page = scriptless(f'<img data-src="https://mmbiz.qpic.cn/a/640?wx_fmt=png" src="{DATA}">')
    done = import_files(with_images(context, "none"), [written("a.html", single_file(WEIXIN, page))])
    assert (len(done.kept), done.lost) == (1, [])
    history = context.archive.history(WEIXIN)
    assert history is not None
    assert (history.state, history.reason) == (State.ALIVE, "content")
    assert shown(context, WEIXIN) == {"https://mmbiz.qpic.cn/a/640?wx_fmt=png"}


def test_a_page_with_its_folder_of_pictures_is_one_page(context: Context) -> None:
    body = POST.replace(PLACE, PLACE + b'<img src="./saved_files/a.png">', 1)
    assert body != POST
    body = body.replace(b"<head>", b"<head><!-- saved from url=(0031)" + URL.encode() + b" -->", 1)
    written("in/saved.html", body)
    written("in/saved_files/a.png", PNG)
    written("in/saved_files/frame.html", POST)
    done = import_files(context, [Path("in")])
    assert ([page.url for page in done.kept], done.lost) == ([URL], [])
    assert len(shown(context, URL)) == 1


def test_a_page_shows_no_file_outside_of_its_folder(context: Context, tmp_path: Path) -> None:
    written("secret.png", PNG)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/link.png").symlink_to(tmp_path / "secret.png")
    names = ("../secret.png", str(tmp_path / "secret.png"), "link.png", "..%2Fsecret.png", "file:///secret.png")
    body = POST.replace(PLACE, PLACE + "".join(f'<img src="{n}">' for n in names).encode(), 1)
    import_files(context, [written("in/a.html", body)], url=URL)
    assert context.archive.images(context.archive.snapshots(URL)[0].id) == []


def test_a_page_that_moved_is_found_under_both_addresses(context: Context) -> None:
    moved = record(OLD, b"", "301 Moved", f"Location: {URL}\r\n")
    done = import_files(context, [written("a.warc", moved + record(URL, POST))])
    assert [page.url for page in done.kept] == [URL, OLD]
    for url in (URL, OLD):
        (snapshot,) = context.archive.snapshots(url)
        assert "shines once" in context.archive.text(snapshot.id)
    capture = context.archive.snapshot(context.archive.snapshots(OLD)[0].id)
    assert capture is not None
    assert (capture.final_url, [hop.status for hop in capture.redirects]) == (URL, [301])


def test_damage_is_named_and_the_rest_is_kept(context: Context) -> None:
    done = import_files(context, [written("a.warc", record(URL, POST) + record(OLD, POST)[:-40])])
    assert [page.url for page in done.kept] == [URL]
    assert OLD in done.lost[0].why


def test_pages_that_are_refused_leave_nothing_in_the_archive(context: Context) -> None:
    notice = b"<html><head><title>404 Not Found</title></head><body><h1>Not found</h1></body></html>"
    files = [written(f"{n}.html", single_file(f"{URL}/{n}", notice)) for n in range(4)]
    done = import_files(context, files)
    assert ([page.why for page in done.lost], done.kept) == (["no page"] * 4, [])
    assert list((context.archive.path / "segments").iterdir()) == []
    assert len(import_files(context, [*files, written("a.html", single_file(URL, POST))]).kept) == 1


def test_a_har_file_gives_its_pages(context: Context) -> None:
    def entry(url: str, status: int, kind: str, text: str, encoding: str = "", location: str = "") -> dict[str, object]:
        content = {"mimeType": kind, "text": text, "encoding": encoding}
        return {
            "startedDateTime": "2024-05-06T07:08:09.000Z",
            "request": {"method": "GET", "url": url},
            "response": {"status": status, "headers": [], "content": content, "redirectURL": location},
        }

    body = POST.replace(PLACE, PLACE + b'<img src="https://img.example/a.png">', 1).decode()
    entries = [
        entry(OLD, 301, "", "", location=URL),
        entry(URL, 200, "text/html; charset=gbk", body),
        entry("https://img.example/a.png", 200, "image/png", base64.b64encode(PNG).decode(), "base64"),
    ]
    file = written("a.har", json.dumps({"log": {"version": "1.2", "entries": entries}}).encode())
    done = import_files(context, [file])
    assert ([page.url for page in done.kept], done.lost) == ([URL, OLD], [])
    assert shown(context, URL) == {"https://img.example/a.png"}
    assert context.archive.snapshots(URL)[0].captured_at == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


def test_a_pdf_is_kept_under_the_address_that_is_given(context: Context) -> None:
    file = written("a.pdf", b"%PDF-1.7\n1 0 obj\n" + b"x" * 2000)
    assert import_files(context, [file]).kept == []
    done = import_files(context, [file], url="https://a.example/paper.pdf")
    assert len(done.kept) == 1
    capture = context.archive.snapshot(context.archive.snapshots("https://a.example/paper.pdf")[0].id)
    assert capture is not None
    assert capture.content_type.startswith("application/pdf")


def test_a_page_without_an_address_tells_what_it_calls_itself(context: Context) -> None:
    body = POST.replace(b"<head>", b'<head><link rel="canonical" href="https://own.example/x">', 1)
    (lost,) = import_files(context, [written("a.html", body)]).lost
    assert "--url" in lost.why
    assert "https://own.example/x" in lost.why


def test_pictures_that_come_later_are_added(context: Context) -> None:
    warc = written("a.warc", record(URL, POST.replace(PLACE, PLACE + b'<img src="https://img.example/a.png">', 1)))
    import_files(context, [warc])
    picture = record("https://img.example/a.png", PNG, fields="Content-Type: image/png\r\n")
    warc.write_bytes(warc.read_bytes() + picture)
    (kept,) = import_files(context, [warc]).kept
    assert kept.again
    assert shown(context, URL) == {"https://img.example/a.png"}


def test_a_file_that_breaks_a_parser_costs_itself(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = written("good.html", single_file(URL, POST)), written("bad.html", POST)
    read = read_saved

    def breaking(name: str, data: bytes) -> SavedPage:
        if name == "bad.html":
            raise AttributeError("a bug")
        return read(name, data)

    monkeypatch.setattr(files, "read_saved", breaking)
    done = import_files(context, [bad, good])
    assert [page.url for page in done.kept] == [URL]
    assert "internal error" in done.lost[0].why


def test_a_stream_is_a_file_or_a_tar_of_files(context: Context) -> None:
    stream = BytesIO(record(URL, POST) + record(OLD, POST))
    done = import_files(context, [Path("-")], stdin=stream)
    assert [page.url for page in done.kept] == [URL, OLD]
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in ("../../evil.html", "deep/good.html"):
            info = tarfile.TarInfo(name)
            body = single_file(f"https://tar.example/{Path(name).stem}", POST)
            info.size = len(body)
            archive.addfile(info, BytesIO(body))
    done = import_files(context, [Path("-")], stdin=BytesIO(packed.getvalue()))
    assert not list(context.archive.path.parent.parent.glob("evil.html"))
    assert [(page.file, page.url) for page in done.kept] == [("deep/good.html", "https://tar.example/good")]
    assert ["evil" in page.why for page in done.lost] == [True]


def test_a_tar_may_be_named_and_be_cut_off(context: Context) -> None:
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in ("one", "two", "pages.wacz"):
            body = single_file(f"https://tar.example/{name}", POST) + os.urandom(50_000).hex().encode()
            info = tarfile.TarInfo(f"in/{name}.html")
            info.size = len(body)
            archive.addfile(info, BytesIO(body))
    written("saved.tar.gz", packed.getvalue()[:120_000])
    done = import_files(context, [Path("saved.tar.gz")])
    assert [page.file for page in done.kept] == ["saved.tar.gz/in/one.html", "saved.tar.gz/in/two.html"]
    assert ["damaged tar" in page.why for page in done.lost] == [True]


def test_a_tar_that_ends_with_a_zip_is_a_tar(context: Context) -> None:
    zipped, packed = BytesIO(), BytesIO()
    with zipfile.ZipFile(zipped, "w") as package:
        package.writestr("page.html", single_file("https://tar.example/z", POST))
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        info = tarfile.TarInfo("a.zip")
        info.size = len(zipped.getvalue())
        archive.addfile(info, BytesIO(zipped.getvalue()))
    done = import_files(context, [Path("-")], stdin=BytesIO(packed.getvalue()))
    assert [(page.file, page.url) for page in done.kept] == [("a.zip", "https://tar.example/z")]


def test_a_listener_that_went_away_ends_the_import_and_is_no_fault_of_a_file(context: Context) -> None:
    class Gone(ImportObserver):
        def kept(self, page: KeptPage) -> None:
            raise BrokenPipeError

    written("a.warc", record(URL, POST))
    with pytest.raises(BrokenPipeError):
        import_files(context, [Path("a.warc")], observer=Gone())


class Heard(ImportObserver):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def test_files_of_a_folder_that_tell_no_address_are_named_one_by_one(context: Context) -> None:
    written("in/a.html", single_file(URL, POST))
    written("in/deep/b.PDF", b"%PDF-1.7")
    written("in/notes.txt", b"words")
    written("in/style.css", b"p {}")
    done = import_files(context, [Path("in")], observer=(heard := Heard()))
    assert len(done.kept) == 1
    how = "does not tell its address; give it alone with --url, or write it into"
    assert [page.why for page in done.lost] == [f"in/deep/b.PDF {how} in/deep/b.PDF.url"]
    assert heard.lines == [f"in/notes.txt {how} in/notes.txt.url", "in: 1 file is no saved page (.css)"]


@pytest.mark.parametrize(
    ("beside", "told"),
    [
        ("report.pdf.url", b"[InternetShortcut]\r\nIconIndex=0\r\nURL=https://blog.example/r.pdf\r\n"),
        ("report.url", "[InternetShortcut]\r\nURL=https://blog.example/r.pdf\r\n".encode("utf-16")),
        ("report.pdf.url", b"\xef\xbb\xbfhttps://blog.example/r.pdf\n"),
        (
            "report.pdf:Zone.Identifier",
            b"[ZoneTransfer]\r\nZoneId=3\r\nReferrerUrl=https://blog.example/\r\nHostUrl=https://blog.example/r.pdf\r\n",
        ),
    ],
)
def test_what_lies_beside_a_download_tells_its_address(context: Context, beside: str, told: bytes) -> None:
    written("in/report.pdf", b"%PDF-1.7\n1 0 obj\n" + b"x" * 2000)
    written(f"in/{beside}", told)
    done = import_files(context, [Path("in")], observer=(heard := Heard()))
    assert [page.url for page in done.kept] == ["https://blog.example/r.pdf"]
    assert heard.lines == []


def test_an_extended_attribute_tells_a_downloads_address(context: Context) -> None:
    file = written("in/words.txt", b"The ferry leaves at seven.")
    try:
        os.setxattr(file, "user.xdg.origin.url", b"https://blog.example/words.txt")
    except (OSError, AttributeError):
        pytest.skip("this file system keeps no extended attributes")
    assert [page.url for page in import_files(context, [Path("in")]).kept] == ["https://blog.example/words.txt"]


@pytest.mark.parametrize(
    "told", [b"", b"URL=javascript:alert(1)", b"URL=file:///etc/passwd", b"\xff\xfe\x00", b"[x]\nURL="]
)
def test_a_shortcut_that_tells_no_address_of_the_web_is_none(context: Context, told: bytes) -> None:
    written("in/words.txt", b"The ferry leaves at seven.")
    written("in/words.txt.url", told)
    assert import_files(context, [Path("in")]).kept == []


def test_a_folder_that_holds_the_archive_does_not_bring_it_into_itself(context: Context, tmp_path: Path) -> None:
    import_files(context, [written("notes/post.html", single_file(URL, POST))])
    said: list[str] = []

    class Heard(ImportObserver):
        def say(self, line: str) -> None:
            said.append(line)

    again = import_files(context, [tmp_path], observer=Heard())
    assert [page.file for page in again.kept] == [str(tmp_path / "notes" / "post.html")]
    assert [line for line in said if "archive" in line] == [f"{tmp_path}: the archive's own segments are left out"]


def test_a_folder_without_pages_says_so(context: Context) -> None:
    written("in/film.mp4", b"words")
    assert "no file that could be" in import_files(context, [Path("in")]).lost[0].why


def test_a_zip_among_downloads_is_no_fault_and_one_that_is_named_is(context: Context) -> None:
    written("film.zip", b"PK\x05\x06" + b"\0" * 18)
    assert import_files(context, [Path("film.zip")], chosen=False).lost == []
    assert len(import_files(context, [Path("film.zip")]).lost) == 1


def test_a_watched_folder_gives_files_that_came_to_rest(tmp_path: Path) -> None:
    watch = FolderWatch(tmp_path)
    page = tmp_path / "a.html"
    page.write_bytes(b"<p>ha")
    assert watch.settled() == []
    page.write_bytes(b"<p>half of it is there")
    assert watch.settled() == []
    assert watch.settled() == [page]
    assert watch.settled() == []
    (tmp_path / "b.html").write_bytes(b"<p>")
    (tmp_path / "b.html.part").write_bytes(b"<p>more")
    watch.settled()
    assert watch.settled() == []
    os.utime(page, ((NOW + timedelta(days=9)).timestamp(),) * 2)
    watch.settled()
    assert watch.settled() == [page]


def test_a_page_that_no_parser_gets_through_costs_seconds_and_ends_nothing(context: Context) -> None:
    import msgspec

    limits = msgspec.structs.replace(context.settings.read, seconds=1.0)
    settings = msgspec.structs.replace(context.settings, read=limits)
    bounded = Context(settings, context.sites, context.archive, context.now)
    bomb = b"<html><body><!-->" + b"<div>" * 100_000 + b'<img src="a.png">'
    done = import_files(bounded, [written("bomb.warc", record(OLD, bomb) + record(URL, POST))])
    assert [page.url for page in done.kept] == [OLD, URL]
    assert "CPU" in done.lost[0].why
    history = context.archive.history(OLD)
    assert history is not None
    assert (history.state, history.reason) == (State.UNKNOWN, "too-complex")


def test_pages_are_told_of_in_the_order_of_their_files_kept_or_lost(context: Context) -> None:
    """Readers work side by side and pages are kept in batches; what is told of them is in order all the same."""
    lines: list[str] = []

    class Heard(ImportObserver):
        def kept(self, page: KeptPage) -> None:
            lines.append(page.url)

        def lost(self, page: LostPage) -> None:
            lines.append(f"lost {page.file}")

    addresses = [f"https://blog.example/{n}" for n in range(90)]
    for n, url in enumerate(addresses):
        words = (f"Page number {n} has words of its own, {n * 7919}.",) * 3
        body = pages.blog_article(Article(url, f"Page {n}", "Ann", words))
        written(f"in/{n:02d}.html", single_file(url, body) if n % 10 != 5 else body.replace(b"canonical", b"other"))
    done = import_files(context, [Path("in")], observer=Heard())
    assert lines == [f"lost in/{n:02d}.html" if n % 10 == 5 else url for n, url in enumerate(addresses)]
    assert len(done.kept) == 81
    assert all(context.archive.snapshots(page.url) for page in done.kept)


def test_the_same_page_twice_in_one_import_is_kept_once(context: Context) -> None:
    body = single_file(URL, POST)
    done = import_files(context, [written("a.html", body), written("b.html", body)])
    assert [page.again for page in done.kept] == [False, True]
    assert len(context.archive.snapshots(URL)) == 1


def test_a_page_that_cannot_be_recorded_costs_itself_alone(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = Archive.record

    def record_some(archive: Archive, checks: list[Check]) -> object:
        if any(check.link.url == OLD for check in checks):
            raise ZeroDivisionError("a fault of ours")
        return recorded(archive, checks)

    monkeypatch.setattr(Archive, "record", record_some)
    done = import_files(context, [written("a.warc", record(OLD, POST) + record(URL, POST))])
    assert [page.url for page in done.kept] == [URL]
    assert "internal error: ZeroDivisionError" in done.lost[0].why


def test_a_damaged_pdf_is_kept_and_named(context: Context) -> None:
    pytest.importorskip("pypdfium2")
    cut = written("cut.pdf", b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog")
    done = import_files(context, [cut], url="https://a.example/cut.pdf")
    assert len(done.kept) == 1
    assert ["damaged" in lost.why for lost in done.lost] == [True]


def test_a_link_that_only_imports_know_is_due_at_once(context: Context) -> None:
    import_files(context, [written("a.html", POST)], url=URL)
    import_files(context, [written("b.html", POST.replace(PLACE, b"and once more.</p>"))], url=URL)
    history = context.archive.history(URL)
    assert history is not None
    due = due_at(history)
    assert due is not None
    assert due <= NOW

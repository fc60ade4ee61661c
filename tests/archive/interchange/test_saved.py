"""Pages that a person saved, in the forms that browsers write."""

import plistlib
import zipfile
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.archive.interchange import saved, zips
from crawler.archive.interchange.saved import SavedImage, SavedPage, read_saved
from crawler.archive.interchange.zipped import is_zipped, read_zipped
from crawler.core.errors import UsageError

URL = "https://mp.weixin.qq.com/s/AAAAAAAAAAAAAAAAAAAAAA"

SINGLE_FILE = f"""<!DOCTYPE html> <html lang=zh><!--
 Page saved with SingleFile\x20
 url: {URL}\x20
 saved date: Sat Nov 22 2025 12:34:56 GMT+0800 (China Standard Time)
--><meta charset=utf-8><title>标题</title><p>正文""".encode()

MHTML = f"""From: <Saved by Blink>\r
Snapshot-Content-Location: {URL}\r
Subject: =?utf-8?Q?=E6=A0=87=E9=A2=98?=\r
Date: Sat, 22 Nov 2025 04:34:56 -0000\r
MIME-Version: 1.0\r
Content-Type: multipart/related;\r
\ttype="text/html";\r
\tboundary="----MultipartBoundary--x----"\r
\r
\r
------MultipartBoundary--x----\r
Content-Type: text/html\r
Content-ID: <frame-1@mhtml.blink>\r
Content-Transfer-Encoding: quoted-printable\r
Content-Location: {URL}\r
\r
<html><head><meta charset=3D"utf-8"></head><body><p>=E6=AD=A3=E6=96=87</p>=\r
<img src=3D"https://img.example/a.png"><img src=3D"cid:b@x"></body></html>\r
------MultipartBoundary--x----\r
Content-Type: image/png\r
Content-Transfer-Encoding: base64\r
Content-Location: https://img.example/a.png\r
\r
iVBORw0KGgo=\r
------MultipartBoundary--x----\r
Content-Type: image/gif\r
Content-Transfer-Encoding: base64\r
Content-ID: <b@x>\r
\r
R0lGODlh\r
------MultipartBoundary--x----\r
Content-Type: text/css\r
Content-Location: https://a.example/a.css\r
\r
p {{ color: red }}\r
------MultipartBoundary--x------\r
""".encode()


@pytest.mark.parametrize("by", ["Page saved with SingleFile", "Archive processed by SingleFile"])
def test_pages_of_singlefile_tell_their_address_whatever_its_options_leave_out(by: str) -> None:
    page = SINGLE_FILE.replace(b"Page saved with SingleFile", by.encode())
    assert read_saved("a.html", page).url == URL
    assert read_saved("a.html", page).saved_at == read_saved("a.html", SINGLE_FILE).saved_at
    head, _, rest = page.partition(b" saved date:")
    found = read_saved("a.html", head + rest[rest.index(b"\n") + 1 :])
    assert (found.url, found.saved_at) == (URL, None)


def test_a_singlefile_page_tells_its_address_and_when_it_was_saved() -> None:
    page = read_saved("a.html", SINGLE_FILE)
    assert (page.url, page.saved_at) == (URL, datetime(2025, 11, 22, 4, 34, 56, tzinfo=UTC))
    assert (page.body, page.content_type) == (SINGLE_FILE, "text/html")


@pytest.mark.parametrize(
    ("zone", "hour", "day"),
    [("+0000", 12, 22), ("+0800", 4, 22), ("-0500", 17, 22), ("-1200", 0, 23), ("+0530", 7, 22)],
)
def test_the_clock_of_whoever_saved_a_page_is_that_of_the_zone_beside_it(zone: str, hour: int, day: int) -> None:
    minute = 4 if zone == "+0530" else 34
    wanted = datetime(2025, 11, day, hour, minute, 56, tzinfo=UTC)
    assert read_saved("a.html", SINGLE_FILE.replace(b"+0800", zone.encode())).saved_at == wanted
    mail = MHTML.replace(b"04:34:56 -0000", f"12:34:56 {zone}".encode())
    assert read_saved("a.mhtml", mail).saved_at == wanted


def test_a_page_saved_by_chrome_or_edge_tells_its_address() -> None:
    html = f"<!DOCTYPE html>\r\n<!-- saved from url=(0056){URL} -->\r\n<html><body>正文".encode("gb18030")
    page = read_saved("a.html", html)
    assert (page.url, page.saved_at, page.body) == (URL, None, html)


@pytest.mark.parametrize(
    ("told", "at"),
    [
        (
            """<meta name="savepage-url" content="{url}"
><meta name="savepage-date" content="Tue Jul 09 2024 18:34:11 GMT-0500 (Central Daylight Time)">""",
            datetime(2024, 7, 9, 23, 34, 11, tzinfo=UTC),
        ),
        (
            '<html lang="zh" data-scrapbook-source="{url}" data-scrapbook-create="20250606000511374"><head>',
            datetime(2025, 6, 6, 0, 5, 11, tzinfo=UTC),
        ),
        ('<html data-scrapbook-create="2025" data-scrapbook-source="{url}">', None),
        (
            "<!-- Saved from {url} at 2023-12-01T10:30:45Z using monolith v2.7.0 --><html>",
            datetime(2023, 12, 1, 10, 30, 45, tzinfo=UTC),
        ),
        (
            "<html>\n<!-- Mirrored from {url} by HTTrack Website Copier/3.x [X'14], Tue, 07 Jan 2020 10:00:00 GMT -->",
            datetime(2020, 1, 7, 10, tzinfo=UTC),
        ),
        ('<html><meta name="savepage-url" content="{url}"><meta name="savepage-date" content="Unknown">', None),
    ],
)  # fmt: skip
def test_other_savers_tell_the_address_and_when(told: str, at: datetime | None) -> None:
    address = f"{URL}?a=1&b=2"
    html = told.format(url=address.replace("&", "&" if told.startswith("<!-- Saved") else "&amp;")).encode() + b"<p>x"
    page = read_saved("a.html", html)
    assert (page.url, page.saved_at, page.body) == (address, at, html)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"])
def test_a_page_that_says_nothing_of_itself_is_taken_as_it_is(encoding: str) -> None:
    html = "<html><body>正文</body></html>".encode(encoding)
    page = read_saved("a.htm", html)
    assert (page.url, page.body, page.images) == (None, html, ())


def test_an_mhtml_file_gives_page_address_date_and_pictures() -> None:
    page = read_saved("a.mhtml", MHTML)
    assert (page.url, page.saved_at) == (URL, datetime(2025, 11, 22, 4, 34, 56, tzinfo=UTC))
    assert "<p>正文</p><img" in page.body.decode()
    assert page.images == (
        SavedImage("https://img.example/a.png", "image/png", b"\x89PNG\r\n\x1a\n"),
        SavedImage("cid:b@x", "image/gif", b"GIF89a"),
    )


def test_the_charset_of_an_mhtml_part_goes_with_it() -> None:
    data = MHTML.replace(b"Content-Type: text/html\r", b"Content-Type: text/html; charset=gb2312\r")
    assert read_saved("a.mht", data).content_type == "text/html; charset=gb2312"


def test_the_start_parameter_names_the_page_of_an_mhtml_file() -> None:
    other = b"------MultipartBoundary--x----\r\nContent-Type: text/html\r\nContent-ID: <ad@x>\r\n\r\n<p>advert\r\n"
    first, _, rest = MHTML.partition(b"------MultipartBoundary--x----\r\n")
    data = first.replace(b'type="text/html"', b'start="<frame-1@mhtml.blink>"') + other
    assert "正文" in read_saved("a.mht", data + b"------MultipartBoundary--x----\r\n" + rest).body.decode()


@pytest.mark.parametrize("cut", [400, 700, 1000])
def test_an_mhtml_file_cut_short_is_read_as_far_as_it_goes_or_refused(cut: int) -> None:
    with suppress(UsageError):
        assert read_saved("a.mhtml", MHTML[:cut]).body


def zipped(files: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return out.getvalue()


def unzipped(data: bytes) -> SavedPage:
    """The only page of a zip."""
    assert is_zipped(data)
    (page,) = read_zipped("a.zip", data, pytest.fail, pytest.fail)
    return page


def test_singlefiles_zipped_form_is_unpacked() -> None:
    inner = b"<html><body><img src=images/0.png>"
    shell = SINGLE_FILE + b"<script>/* unpacks what follows */</script>"
    data = shell + zipped({"index.html": inner, "images/0.png": b"png", "style.css": b""})
    page = unzipped(data)
    assert (page.url, page.body) == (URL, inner)
    assert page.images == (SavedImage("images/0.png", "image/png", b"png"),)


def test_a_page_that_somebody_zipped_is_unpacked() -> None:
    assert unzipped(zipped({"saved/page.html": SINGLE_FILE})).url == URL


@pytest.mark.parametrize(
    "members",
    [
        {"page.html": b"<p>Text", "page_files/frame.html": b"<p>x", "page_files/0.png": b"png"},
        {"saved/page.html": b"<p>Text", "saved/page_files/a.html": b"<p>x", "saved/page_files/0.png": b"png"},
        {"1503/index.html": b"<p>Text", "1503/page_files/frame.htm": b"<p>x", "1503/page_files/0.png": b"png"},
    ],
)
def test_a_zipped_page_with_its_folder_is_one_page_with_its_pictures(members: dict[str, bytes]) -> None:
    page = unzipped(zipped(members))
    assert page.body == b"<p>Text"
    assert page.images == (SavedImage("page_files/0.png", "image/png", b"png"),)


def test_firefoxs_old_archives_tell_their_address() -> None:
    about = f'<rdf:RDF><RDF:Description><MAF:originalurl RDF:resource="{URL}?a=1&amp;b=2"/></RDF:Description></rdf:RDF>'
    page = unzipped(zipped({"1503/index.html": b"<p>Text", "1503/index.rdf": about.encode()}))
    assert page.url == f"{URL}?a=1&b=2"


def about(**said: str) -> bytes:
    """An index.rdf as Firefox's Mozilla Archive Format add-on and ScrapBook write it."""
    told = "".join(f'    <MAF:{key} RDF:resource="{value}"/>\n' for key, value in said.items())
    return (
        f'<?xml version="1.0"?>\n<RDF:RDF xmlns:MAF="http://maf.mozdev.org/metadata/rdf#">\n{told}</RDF:RDF>'.encode()
    )


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("Tue, 07 Jan 2020 10:00:00 +0100", datetime(2020, 1, 7, 9, tzinfo=UTC)),
        ("Tue, 07 Jan 2020 10:00:00 GMT", datetime(2020, 1, 7, 10, tzinfo=UTC)),
        ("Tue Jan 07 2020 18:00:00 GMT+0800 (CST)", datetime(2020, 1, 7, 10, tzinfo=UTC)),
        ("some day", None),
        ("Tue, 99 Jan 20201 10:00:00 GMT", None),
    ],
)
def test_firefoxs_archives_tell_when_and_in_what_charset_a_page_was_saved(
    written: str, wanted: datetime | None
) -> None:
    told = about(originalurl=URL, archivetime=written, charset="GB18030")
    page = unzipped(zipped({"1503/index.html": "<p>正文".encode("gb18030"), "1503/index.rdf": told}))
    assert (page.url, page.saved_at, page.content_type) == (URL, wanted, "text/html; charset=gb18030")


def test_an_archive_of_several_tabs_holds_several_pages_each_with_its_pictures() -> None:
    files = {}
    for tab in ("1", "2", "3"):
        named = {"indexfilename": "page.xhtml"} if tab == "2" else {}
        files[f"{tab}/index.rdf"] = about(originalurl=f"{URL}/{tab}", charset="no-such", **named)
        files[f"{tab}/{'page.xhtml' if named else 'index.html'}"] = f"<p>Tab {tab}".encode()
        files[f"{tab}/index_files/0.png"] = b"png" + tab.encode()
    del files["3/index.html"]
    lost: list[str] = []
    pages = list(read_zipped("a.maff", zipped(files), lost.append, pytest.fail))
    assert [(page.url, page.body, page.content_type) for page in pages] == [
        (f"{URL}/1", b"<p>Tab 1", "text/html"),
        (f"{URL}/2", b"<p>Tab 2", "text/html"),
    ]
    assert [page.images for page in pages] == [
        (SavedImage("index_files/0.png", "image/png", b"png1"),),
        (SavedImage("index_files/0.png", "image/png", b"png2"),),
    ]
    assert lost == ["3/: a zip file without index.html; unpack it and import the folder"]


def test_a_mail_of_one_part_is_a_page() -> None:
    head = f"MIME-Version: 1.0\r\nContent-Type: text/html; charset=gbk\r\nContent-Location: {URL}\r\n\r\n"
    page = read_saved("a.mht", head.encode() + "<html><p>正文".encode("gbk"))
    assert (page.url, page.content_type) == (URL, "text/html; charset=gbk")
    assert page.body == "<html><p>正文".encode("gbk")


def test_a_title_of_several_lines_does_not_end_the_header_of_an_mhtml_file() -> None:
    broken = MHTML.replace(b"MIME-Version:", b"X-Title: A title\r\nof two lines\r\nMIME-Version:", 1)
    assert broken != MHTML
    assert read_saved("a.mhtml", broken) == read_saved("a.mhtml", MHTML)


def test_empty_lines_before_the_header_of_an_mhtml_file_do_not_end_it() -> None:
    assert read_saved("a.mht", b"\r\n\r\n" + MHTML) == read_saved("a.mht", MHTML)


def test_httrack_leaves_the_scheme_out() -> None:
    html = "<!-- Mirrored from blog.example/a.html by HTTrack Website Copier/3.x [x], Tue, 07 Jan 2020 10:00:00 GMT -->"
    assert read_saved("a.html", html.encode()).url == "http://blog.example/a.html"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("bookmarks.html", b"<!DOCTYPE NETSCAPE-Bookmark-file-1>\n<DL><p><DT><A HREF='http://a.example/'>T</A></DL>"),
        ("ril.html", b"<html><head><title>Pocket Export</title></head><body><a href='http://a.example/'>T</a>"),
        ("pocket.csv", b"title,url,time_added,tags,status\nT,http://a.example/,1580000000,a|b,unread\n"),
        ("insta.csv", b"URL,Title,Selection,Folder,Timestamp\nhttp://a.example/,T,,Unread,1\n"),
        ("pinboard.json", b'[{"href":"http:\\/\\/a.example\\/","description":"T"}]'),
        ("omnivore.json", b'[{"id":"1","title":"T","url":"https://a.example/"}]'),
    ],
)
def test_what_other_keepers_hand_out_as_links_is_known_from_pages(name: str, data: bytes) -> None:
    assert "crawler run" in saved.reads_as_links(read_saved(name, data))


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.html", b"<title>Bookmarks</title><p>x"), ("a.csv", b"a,b\n1,2\n"), ("a.json", b'{"a": "http://a.example/"}')],
)
def test_a_page_and_a_table_are_no_list_of_links(name: str, data: bytes) -> None:
    assert saved.reads_as_links(read_saved(name, data)) == ""


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.txt", "桥与河".encode("gbk"), "text/plain"),
        ("A.MD", b"# Title\n\nWords", "text/markdown"),
        ("a.json", b'{"title": "<p>T</p>"}', "application/json"),
        ("a.xml", b'<?xml version="1.0"?><rss><channel><title>T</title></channel></rss>', "application/rss+xml"),
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0", "image/png"),
        ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><path/></svg>', "image/svg+xml"),
    ],
)
def test_what_is_no_page_is_kept_as_what_it_is(name: str, data: bytes, kind: str) -> None:
    page = read_saved(name, data)
    assert (page.url, page.body, page.content_type) == (None, data, kind)


@pytest.mark.parametrize(
    ("data", "how"),
    [(b"\x04\x22\x4d\x18@\0", "lz4 -d"), (b"BZh91AY", "bunzip2"), (b"\xfd7zXZ\0\0", "unxz"), (b"Rar!\x1a\7", "RAR")],
)
def test_a_packing_that_is_not_read_is_named_with_what_unpacks_it(data: bytes, how: str) -> None:
    with pytest.raises(UsageError, match=how):
        read_saved("a.warc.x", data)


def test_a_pdf_is_a_page_without_an_address() -> None:
    page = read_saved("a.pdf", b"%PDF-1.7 ...")
    assert (page.url, page.content_type) == (None, "application/pdf")


def test_an_mhtml_file_cut_short_gives_what_came_and_says_so() -> None:
    page = read_saved("a.mhtml", MHTML[:-400])
    assert "正文" in page.body.decode()
    assert "cut off" in page.flaws[0]
    assert read_saved("a.mhtml", MHTML).flaws == ()


def test_a_damaged_member_of_a_zip_costs_itself_alone() -> None:
    data = bytearray(zipped({"index.html": b"<p>", "a.png": b"picture" * 90, "b.png": b"other" * 90}))
    at = data.index(b"a.png") + len(b"a.png")
    data[at + 4] ^= 0xFF
    page = unzipped(bytes(data))
    assert [image.url for image in page.images] == ["b.png"]
    assert "a.png" in page.flaws[0]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_that_unpack_without_bounds_are_refused(method: int) -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("index.html", b"<p>" * 100)
    with pytest.raises(UsageError, match="stored and deflated"):
        unzipped(out.getvalue())


def test_a_member_that_says_less_than_it_holds_is_refused_while_it_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "RATIO_FROM", 1 << 20)
    monkeypatch.setattr(zips, "_STEP", 1 << 16)
    with (
        zips.open_zip(BytesIO(zipped({"a": b"\0" * (8 << 20)}))) as archive,
        pytest.raises(UsageError, match="250 times its size"),
    ):
        zips.read_member(archive, "a", 1 << 30)


def test_a_web_archive_may_be_written_as_xml_and_expands_no_entities() -> None:
    main = {"WebResourceData": b"<p>Text", "WebResourceURL": URL, "WebResourceMIMEType": "text/html"}
    data = plistlib.dumps({"WebMainResource": main}, fmt=plistlib.FMT_XML)
    assert (read_saved("a.webarchive", data).url, read_saved("a.webarchive", data).body) == (URL, b"<p>Text")
    bomb = data.replace(b"<!DOCTYPE plist", b"<!DOCTYPE plist [<!ENTITY a 'aaaa'>]", 1)
    for broken in (bomb, data[:200]):
        with pytest.raises(UsageError, match="damaged"):
            read_saved("a.webarchive", broken)


def test_a_web_archive_of_safari_gives_page_and_pictures() -> None:
    main = {"WebResourceURL": URL, "WebResourceData": b"<p>x", "WebResourceTextEncodingName": "UTF-8"}
    picture = {"WebResourceURL": "https://a.example/a.png", "WebResourceMIMEType": "image/png", "WebResourceData": b"p"}
    script = {**picture, "WebResourceMIMEType": "text/javascript"}
    archive = {"WebMainResource": main, "WebSubresources": [picture, script, "odd", {}]}
    page = read_saved("a.webarchive", plistlib.dumps(archive, fmt=plistlib.FMT_BINARY))
    assert (page.url, page.body, page.content_type) == (URL, b"<p>x", "text/html; charset=UTF-8")
    assert [image.url for image in page.images] == ["https://a.example/a.png"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"plain words",
        b"\x89PNG\r\n\x1a\n\0\0<html>",
        b"bplist00\0\0\0",
        plistlib.dumps({"WebMainResource": 1}, fmt=plistlib.FMT_BINARY),
        plistlib.dumps([1], fmt=plistlib.FMT_BINARY),
        b"PK\x03\x04 not really",
        zipped({"page.html": b"<p>", "other.html": b"<p>"}),
        b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\n\r\nwords\r\n--x--",
    ],
)
def test_what_is_no_saved_page_is_one_clear_line(data: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        read_saved("file.bin", data)
    assert str(caught.value).startswith("file.bin: ")
    assert "\n" not in str(caught.value)


def test_a_file_of_gigabytes_is_refused_before_it_is_read() -> None:
    with pytest.raises(UsageError, match="2,048 MB"):
        saved.check_size("huge.html", 2 << 30)


def test_a_bomb_in_a_zip_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.archive.interchange.zipped.MAX_FILE", 1 << 20)
    with pytest.raises(UsageError, match="unpacks to more"):
        unzipped(zipped({"index.html": b"<p>", "a.png": b"\0" * (2 << 20)}))


def test_too_many_parts_and_too_deep_ones_are_refused() -> None:
    flat = b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n" + b"--x\r\n\r\n\r\n" * 6_000
    deep = b"".join(b"Content-Type: multipart/related; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(3_000))
    for data in (flat, b"MIME-Version: 1.0\r\n" + deep):
        with pytest.raises(UsageError, match=r"a\.mht"):
            read_saved("a.mht", data)


@given(st.binary(), st.sampled_from([b"", SINGLE_FILE[:200], MHTML[:600], b"bplist00", b"PK\x03\x04"]))
def test_no_bytes_do_worse_than_a_usage_error(data: bytes, begin: bytes) -> None:
    with suppress(UsageError):
        read_saved("x", begin + data)


def test_a_date_that_cannot_be_is_no_date() -> None:
    assert read_saved("a.html", SINGLE_FILE.replace(b"Nov 22", b"Nov 99")).saved_at is None
    assert read_saved("a.mht", MHTML.replace(b"22 Nov 2025", b"99 Xyz 2025")).saved_at is None

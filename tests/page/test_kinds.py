"""Bodies that are no HTML: each kind has a name and words by which it is found."""

import builtins

import pytest

from crawler.page import read_page
from crawler.page.document import Document
from crawler.page.kinds import FileKind, kind_of
from crawler.page.pdf import joined_lines

URL = "https://x.example/files/link%20rot.bin"
WORDS = b"BT /F 12 Tf 50 300 Td (A paper on link rot and what to do) Tj 0 -20 Td (about it, in two lines.) Tj ET"


def pdf(content: bytes, title: bytes = b"Link Rot") -> bytes:
    """A PDF of one page, written by hand."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 400]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Title(%s)/Author(Ann Lee)/CreationDate(D:20240102030405Z)>>" % title,
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size 7/Root 1 0 R/Info 6 0 R>>\nstartxref\n%d\n%%%%EOF" % len(out)
    return out + b"xref\n0 7\n0000000000 65535 f \n" + table + end


def read(body: bytes, content_type: str):
    return read_page(Document(body, content_type, URL), None, URL)


def test_a_pdf_has_title_author_date_text_and_pages() -> None:
    pytest.importorskip("pypdfium2")
    page = read(pdf(WORDS), "application/pdf")
    assert (page.title, page.author, page.published, page.pages, page.limited) == (
        "Link Rot",
        "Ann Lee",
        "2024-01-02",
        1,
        "",
    )
    assert page.text == "A paper on link rot and what to do about it, in two lines."
    assert page.text in page.html
    assert read(pdf(WORDS), "application/octet-stream") == page


def test_a_pdf_named_by_its_program_is_called_by_its_first_line() -> None:
    pytest.importorskip("pypdfium2")
    assert read(pdf(WORDS, b"Microsoft Word - draft7.doc"), "application/pdf").title.startswith("A paper on link rot")


def test_a_scan_says_that_it_has_pages_and_no_words() -> None:
    pytest.importorskip("pypdfium2")
    page = read(pdf(b"", b""), "application/pdf")
    assert (page.title, page.text, page.limited) == ("link rot.bin", "", "scanned: 1 page without text")
    assert page.digest.startswith("sha256:")


def test_a_broken_pdf_keeps_its_name_and_says_so() -> None:
    page = read(b"%PDF-1.7 and then nothing", "application/pdf")
    assert (page.title, page.text) == ("link rot.bin", "")
    assert page.limited.startswith("pdf: ")


def test_without_the_library_a_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object, **more: object) -> object:
        if name == "pypdfium2":
            raise ImportError(name)
        return real(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    assert "pip install 'linkhealth-crawler[pdf]'" in read(pdf(WORDS), "application/pdf").limited


def test_lines_broken_by_the_margin_are_joined() -> None:
    raw = "The first line of a para-\r\ngraph goes on in the next\r\none.\r\n1. A point\r\n2. Another"
    assert joined_lines(raw) == "The first line of a paragraph goes on in the next one.\n1. A point\n2. Another"
    assert joined_lines("渡船还没有开，等船的人三三两两地\n站着说话。") == "渡船还没有开，等船的人三三两两地站着说话。"


RSS = (
    b'<?xml version="1.0"?><rss version="2.0"><channel><title>River</title><description>All of it</description><item>'
    b"<title>Ferry</title><link>https://x.example/1</link><pubDate>Mon, 06 Jan 2025 10:00:00 GMT</pubDate>"
    b"<description><![CDATA[<p>It <b>leaves</b>.</p>]]></description></item></channel></rss>"
)
ATOM = (
    b'<feed xmlns="http://www.w3.org/2005/Atom"><title>River</title><subtitle>All of it</subtitle><entry><title>Ferry'
    b'</title><link href="/1"/><content type="html">&lt;p&gt;It leaves.&lt;/p&gt;</content></entry></feed>'
)


@pytest.mark.parametrize(
    ("body", "name"), [(RSS, "application/rss+xml"), (ATOM, "application/atom+xml"), (RSS, "text/xml")]
)
def test_a_feed_tells_its_entries(body: bytes, name: str) -> None:
    page = read(body, name)
    assert page.title == "River"
    assert [page.text.splitlines()[i] for i in (0, 1, -1)] == ["All of it", "Ferry", "It leaves."]
    assert '<a href="https://x.example/1"' in page.html


def test_a_feed_with_entities_of_its_own_is_not_expanded() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "ha">]><rss><channel><title>&a;</title></channel></rss>'
    assert "&a;" in read(bomb, "application/rss+xml").text


def test_json_is_named_and_found_by_its_values() -> None:
    page = read('{"title": "Boats", "list": [{"name": "渡船"}, {"name": null}]}'.encode(), "application/json")
    assert (page.title, page.text) == ("Boats", "title: Boats\nlist.name: 渡船")
    assert read(b'{"broken": ', "application/json").text == '{"broken":'


def test_a_picture_is_named_by_its_file_and_told_by_kind_and_size() -> None:
    body = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x20\0\0\0\x10\x08\x02\0\0\0"
    page = read(body, "image/png")
    assert (page.title, page.text, page.images) == ("link rot.bin", "link rot.bin\nimage/png, 32 x 16", (URL,))
    assert f'<img src="{URL}"' in page.html
    assert page.digest != read(body + b"x", "image/png").digest


@pytest.mark.parametrize(
    ("body", "title"),
    [(b"# Boats\n\nWords.", "Boats"), (b"Boats\n=====\nWords.", "Boats"), (b"one,two\n1,2", "link rot.bin")],
)
def test_plain_text_is_named_by_its_heading_or_its_file(body: bytes, title: str) -> None:
    assert read(body, "text/plain").title == title


@pytest.mark.parametrize(
    ("body", "name", "kind"),
    [
        (b"%PDF-1.4", "text/html", FileKind.PDF), (b"\xff\xd8\xff\xe0", "", FileKind.PICTURE),
        (b"[1]", "", FileKind.JSON),
        (b"PK\x03\x04", "application/zip", FileKind.OTHER), (b"a\0b", "text/plain", FileKind.OTHER),
        (b"{}", "text/html", FileKind.HTML),
    ],
)  # fmt: skip
def test_a_kind_is_told_by_type_and_first_bytes(body: bytes, name: str, kind: FileKind) -> None:
    assert kind_of(Document(body, name, URL)) is kind

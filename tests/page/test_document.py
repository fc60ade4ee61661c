"""A body is decoded and parsed once, and no body breaks the reader; what takes too long is ended by its process."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.page.document import Document


def page(html: str, content_type: str = "text/html; charset=utf-8") -> Document:
    return Document(html.encode(), content_type)


@pytest.mark.parametrize(
    ("body", "content_type", "is_html"),
    [
        (b"<p>x", "text/html", True),
        (b"<p>x", "TEXT/HTML; charset=utf-8", True),
        (b"<?xml version='1.0'?><html/>", "application/xhtml+xml", True),
        (b"  <!DOCTYPE html><p>x", "", True),
        (b"just words", "", False),
        (b"words", "text/plain", False),
        (b"{}", "application/json", False),
        (b"%PDF-1.7 ...", "text/html", False),
        (b"\x89PNG\r\n", "text/html", False),
        (b"<p>\x00\x01", "text/html", False),
        (b"", "text/html", False),
        (b"  \n", "text/html", False),
        (b"\r\n" * 5_000 + b"<!doctype html><p>x", "text/html", True),
        (b"\n" * 5_000, "text/html", False),
        (b"\n" * 5_000 + b"\x89PNG\r\n", "text/html", False),
        (b"<!doctype html><p>x", "text/html, text/html", True),
        (b"<!doctype html><p>x", "html; charset=utf-8", True),
        (b"<!doctype html><p>x", "unknown/unknown", True),
        (b"words", "*/*", False),
        (b"<!DOCTYPE html><p>x", "image/png", True),
        (b"\n <html lang=en>", "image/jpeg", True),
        (b"<html>", "application/octet-stream", True),
        (b"<HTML>", "application/pdf", True),
        (b"<head>", "video/mp4", True),
        (b"<!doctype html>", "application/json", True),
        (b"<p >x", "IMAGE/WEBP; q=1", True),
        (b"\x89PNG\r\n\x1a\n<html>", "image/png", False),
        (b"\xff\xd8\xff\xe0\x00<html>", "image/jpeg", False),
        (b"GIF89a<html>", "image/png", False),
        (b"<html>\x00\x01\x02", "image/png", False),
        (b"<html>%PDF-1.4", "application/pdf", False),
        (b"%PDF-1.4\n<html>", "application/octet-stream", False),
        (b"<!-- drawn --><svg>", "image/svg+xml", False),
        (b"<!DOCTYPE html>", "image/svg+xml", False),
        (b"<!-- x --><html>", "image/png", False),
        (b"<html>", "text/plain", False),
        (b"<html>", "text/x-python", False),
        (b"<html>", "application/xml", False),
        (b"<article>", "image/png", False),
        (b"a note with <div> in it", "application/octet-stream", False),
        (b"[1]", "application/json", False),
    ],
)
def test_what_a_browser_shows_as_a_page(body: bytes, content_type: str, is_html: bool) -> None:
    assert Document(body, content_type).is_html is is_html


def test_a_document_without_a_page_has_no_text_and_no_title() -> None:
    document = Document(b"%PDF-1.7", "application/pdf")
    assert (document.title, document.visible_text()) == ("", "")


def test_the_tree_is_made_once() -> None:
    document = page("<p>x")
    assert document.tree is document.tree


def test_the_title_is_that_of_the_head_and_one_line() -> None:
    assert page("<svg><title>icon</title></svg><title>\n a \n b </title>").title in ("a b", "icon")
    assert page("<head><title>\n a \n b </title></head><svg><title>icon</title></svg>").title == "a b"


def test_head_traps_before_the_page_change_nothing() -> None:
    document = page(
        "<!--headTrap<body></body><head></head><html></html>--><!DOCTYPE html><html><head><title>t</title></head>"
        "<body>b</body></html><!--tailTrap<body></body>-->"
    )
    assert (document.title, document.visible_text()) == ("t", "b")


def test_visible_text_has_a_line_for_each_block_and_nothing_hidden() -> None:
    document = page(
        "<title>t</title><p>one <b>bold</b>\n word</p><script>no()</script><style>no</style><!-- no -->"
        "<p hidden>no</p><p style='display: none'>no</p><noscript>no</noscript><div>two<br>three</div><i class=x>no</i>"
    )
    assert document.visible_text(hidden=(".x",)) == "one bold word\ntwo\nthree"
    assert document.visible_text(3, hidden=(".x",)) == "one"


@given(st.text(alphabet="<>/!-ab \"'=divp", max_size=400))
def test_any_markup_is_read(html: str) -> None:
    document = page(html)
    assert len(document.visible_text()) <= len(html)


@pytest.mark.parametrize(
    "body",
    ["<html><title>石</title><p>\0路".encode() + b"x" * 99, "<html><title>石</title>路路路路路".encode("utf-16-be")],
)
def test_a_stray_nul_and_utf_16_without_a_mark_are_pages(body: bytes) -> None:
    document = Document(body, "text/html")
    assert document.is_html
    assert document.title == "石"


@pytest.mark.parametrize(
    "closed", ['<script src="x.js"/>', "<title/>", "<div class='a'/>", "<iframe src='y'/>", "<textarea />"]
)
def test_an_empty_element_of_xhtml_swallows_nothing(closed: str) -> None:
    page = f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{closed}<p>Words.</p><br/><img src="a"/></body></html>'
    document = Document(page.encode(), "application/xhtml+xml")
    assert document.visible_text() == "Words."
    assert document.tree.css("body > p")


@pytest.mark.parametrize("mode", ['shadowrootmode="open"', "shadowroot=open", "class=x shadowrootmode=closed"])
def test_shadow_roots_in_the_markup_are_seen_as_a_browser_shows_them(mode: str) -> None:
    html = (
        f"<my-page><template {mode}><style>p {{}}</style><p>seen</p><template><p>not</p></template>"
        f"<my-part><template {mode}><p>too</p></template></my-part></template></my-page>"
        "<template><p>not</p></template><p>end"
    )
    document = page(html)
    assert document.visible_text() == "seen\ntoo\nend"
    assert document.html == html

"""A body is decoded and parsed once, and no body hangs or breaks the reader."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.page.bombs import MAX_ATTRIBUTES, MAX_DEPTH, defuse
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


BOMB = 300_000  # characters; enough to hang a parser, little enough for a quick test


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * (BOMB // 5),
        "<div></span>" * (BOMB // 12),
        "<span><div></span>" * (BOMB // 18),
        "<div><table><td></div>" * (BOMB // 22),
        "".join(f"<p><b id={i}>" for i in range(BOMB // 12)),
        "".join(f"<b id={i}>" for i in range(400)) + "<p>x" * (BOMB // 4),
        "<a " + " ".join(f"a{i}" for i in range(BOMB // 7)) + ">",
        '<a b=">" ' + " ".join(f"a{i}" for i in range(BOMB // 7)) + ">",
        "<ul><li>" * (BOMB // 8),
        "<svg><g>" * (BOMB // 8),
        '<a b="' * (BOMB // 6),
        "<!--" * (BOMB // 4),
        "<" * BOMB,
        "</p>" * (BOMB // 4),
    ],
)
def test_a_page_made_to_hang_parsers_is_read_anyway(html: str) -> None:
    document = page(html)
    assert len(document.visible_text()) <= len(html)
    assert depth_of(document) < MAX_DEPTH * 4


def depth_of(document: Document) -> int:
    root = document.tree.root
    deepest = max(root.traverse(), key=lambda _: 0, default=None) if root is not None else None
    depth, node = 0, deepest
    while node is not None:
        depth, node = depth + 1, node.parent
    return depth


def test_nesting_within_reason_is_left_untouched() -> None:
    html = "<p>x</p>" * 500 + "<div>" * (MAX_DEPTH - 10) + "x" + "</div>" * (MAX_DEPTH - 10)
    assert defuse(html) is html


def test_tags_in_scripts_and_comments_count_for_nothing() -> None:
    html = "<script>" + "'<div>'+" * 2000 + "</script><!--" + "<div>" * 2000 + "--><p>x</p>"
    assert defuse(html) is html


def test_a_tag_with_too_many_attributes_goes_and_its_text_stays() -> None:
    html = "<p>before<b " + " ".join(f"a{i}=1" for i in range(MAX_ATTRIBUTES + 1)) + ">inside</b>"
    assert page(html + " " * MAX_ATTRIBUTES * 4).visible_text() == "beforeinside"


def test_long_values_are_no_attributes() -> None:
    html = f'<p data-json="{"a b " * 5000}">x</p>' + "<p>y</p>" * 500
    assert defuse(html) is html


@given(st.text(alphabet="<>/!-ab \"'=divp", max_size=400))
def test_any_markup_is_read(html: str) -> None:
    document = page(html)
    document.visible_text()
    assert "".join(defuse(html * 5).split()) in "".join((html * 5).split()) or len(defuse(html * 5)) < len(html * 5)

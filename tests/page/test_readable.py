"""The readable copy is harmless by itself."""

from datetime import UTC, datetime

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.core.model import Page
from crawler.page.readable import copied, readable_html

BASE = "https://blog.example/2020/ferry"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def only(tree: LexborHTMLParser, selector: str) -> LexborNode:
    (node,) = tree.css(selector)
    return node


def clean(html: str) -> str:
    body = LexborHTMLParser(html).body
    assert body is not None
    return copied([body], BASE).html


def test_markup_of_articles_stays() -> None:
    html = '<h2>A</h2><p>b <strong>c</strong><br>d</p><table><tr><td colspan="2">e</td></tr></table><pre>f &lt; g</pre>'
    assert clean(html) == html.replace("<tr>", "<tbody><tr>").replace("</tr>", "</tr></tbody>")


def test_what_runs_or_loads_is_gone() -> None:
    html = (
        '<p onclick="x()" style="background:url(//evil.example)">a</p><script>b()</script><style>c</style>'
        '<form action="/d"><input name="e"><button>f</button>g</form><object data="h"></object>'
        '<svg><script>i</script></svg><a href="javascript:j()">k</a><img src="javascript:l()">'
        '<img src="m.jpg" onerror="n()"><link rel="stylesheet" href="o"><base href="//evil.example/">'
        '<meta http-equiv="refresh" content="0;url=//evil.example"><!--p--><template>q</template>'
    )
    assert clean(
        html
    ) == '<p>a</p>g<a rel="noreferrer noopener">k</a><img src="https://blog.example/2020/m.jpg">'.replace(
        ' rel="noreferrer noopener"', ""
    )


def test_a_frame_with_a_film_becomes_a_link_to_it() -> None:
    assert 'href="https://v.example/1"' in clean('<iframe data-src="https://v.example/1" srcdoc="<script>"></iframe>')


def test_attributes_cannot_break_out() -> None:
    cleaned = clean("""<img src="a.jpg" alt='"><script>x</script>'><a href='https://b.example/"><script>'>c</a>""")
    assert "<script" not in cleaned


def test_a_copy_is_a_whole_document_with_everything_escaped() -> None:
    page = Page(title="<b>&", author='"a"', published="2020-01-02", html="<p>text</p>", canonical_url="javascript:x()")
    html = readable_html(page, 'https://blog.example/?a="><script>', NOW)
    tree = LexborHTMLParser(html)
    assert html.startswith("<!DOCTYPE html>")
    assert "<script" not in html
    assert "javascript:" not in html
    assert "default-src 'none'" in (only(tree, "meta[http-equiv]").attributes["content"] or "")
    assert only(tree, "meta[name=referrer]").attributes["content"] == "no-referrer"
    assert only(tree, "h1").text() == "<b>&"
    assert "2026-01-02T03:04:05Z" in html
    assert 'href="https://blog.example/?a=&quot;&gt;&lt;script&gt;"' in html


def test_a_page_without_markup_shows_its_text() -> None:
    assert "<p>a &lt; b</p><p>c</p>" in readable_html(Page(text="a < b\nc"), "https://blog.example/", NOW)


def test_the_title_is_said_once() -> None:
    page = Page(title="A & B", html=clean("<div><h1>A &amp; B</h1><p>c</p><h1>A &amp; B</h1></div>"))
    tree = LexborHTMLParser(readable_html(page, "https://blog.example/", NOW))
    assert [node.text() for node in tree.css("h1, p")].count("A & B") == 2


def test_pictures_that_only_a_script_named_are_shown_once() -> None:
    shown, named = "https://i.example/a?x=1&y=2", 'https://i.example/b">'
    page = Page(html=clean(f'<p>text<img data-src="{shown}"></p>'), images=(shown, named))
    tree = LexborHTMLParser(readable_html(page, "https://blog.example/", NOW))
    assert [image.attributes["src"] for image in tree.css("img")] == [shown, named]


def test_deep_markup_is_written_without_recursion() -> None:
    assert clean("<div>" * 5_000 + "x").count("<div>") == 5_000


def test_the_time_of_publication_is_written_for_people() -> None:
    page = Page(title="x", author="Ann", published="2025-01-01T17:30:00+08:00", html="<p>text</p>")
    assert "<p>Ann · 2025-01-01 17:30</p>" in readable_html(page, "https://blog.example/", NOW)

"""Links of HTML notes: real tags only, each at its place in the source."""

import pytest

from crawler.core.model import Kind, Note, Occurrence
from crawler.notes.extract import occurrences

PAGE = """<!DOCTYPE html>
<html><head><title>https://example.com/title</title>
<script>document.write('<a href="https://example.com/script">x</a>')</script>
<link rel="stylesheet" href="/style.css"></head>
<body>
<!-- <a href="https://example.com/comment">x</a> -->
<p>看<A HREF='https://example.com/a?x=1&amp;y=2' title="a > b">第一 <b>篇</b></A>，以及https://example.com/bare。</p>
<img src="images/x.png" srcset="https://i.example/1.png 1x, /2.png 2x" alt="图片">
<video poster=/p.jpg><source src="/v.mp4"></video><iframe src="//player.example/1"></iframe>
<pre>https://example.com/code</pre>
<a href="#top">x</a><a href="mailto:a@example.com">y</a><a name="z">https://example.com/named</a>
</body></html>
"""


def found(text: str, *, code: bool = False) -> list[Occurrence]:
    return occurrences(Note("note.html", text), code=code)


def test_every_link_of_a_page_is_found_once_and_in_order() -> None:
    assert [(each.line, each.url, each.kind.value) for each in found(PAGE)] == [
        (7, "https://example.com/a?x=1&y=2", "html"),
        (7, "https://example.com/bare", "bare"),
        (8, "images/x.png", "local"),
        (8, "https://i.example/1.png", "html"),
        (8, "/2.png", "local"),
        (9, "/p.jpg", "local"),
        (9, "/v.mp4", "local"),
        (9, "https://player.example/1", "html"),
        (11, "#top", "local"),
        (11, "https://example.com/named", "bare"),
    ]


def test_places_are_those_of_the_value() -> None:
    first = found(PAGE)[0]
    assert first.raw == "https://example.com/a?x=1&amp;y=2"
    assert PAGE.splitlines()[6][first.column - 1 :].startswith(first.raw)
    assert first.note_title == "第一 篇"


def test_what_stands_within_raw_is_shown() -> None:
    url = "https://a.example/x"
    for text in (f'<a href="{{% raw %}}{url}{{% endraw %}}">a</a>', f"<p>{{% verbatim %}}{url}{{% endverbatim %}}</p>"):
        assert [(each.url, each.raw) for each in found(text)] == [(url, url)]


def test_code_is_there_when_asked_for() -> None:
    assert [each.url for each in found(PAGE, code=True) if each.kind is Kind.CODE] == ["https://example.com/code"]


def test_broken_html_is_read_as_far_as_it_goes() -> None:
    text = '<p><a href="https://example.com/1">x<a href=https://example.com/2>y</p><a href="https://example.com/3'
    assert [each.url for each in found(text)][:2] == ["https://example.com/1", "https://example.com/2"]


def test_the_ending_decides_how_a_note_is_read() -> None:
    text = "`https://example.com/x` [a](b)"
    counts = {path: len(occurrences(Note(path, text))) for path in ("a.md", "a.MDX", "a.txt", "a.htm", "README")}
    assert counts == {"a.md": 1, "a.MDX": 1, "a.txt": 1, "a.htm": 1, "README": 1}


@pytest.mark.parametrize("url", ["https://e.example/?q=1&b=2", "https://e.example/a`b=c"])
def test_a_value_without_quotes_ends_where_browsers_end_it(url: str) -> None:
    text = f"<div><a class=x href={url} title=y>x</a></div>"
    for path in ("a.html", "a.md"):
        assert [(each.kind, each.url) for each in occurrences(Note(path, text))] == [(Kind.HTML, url)]

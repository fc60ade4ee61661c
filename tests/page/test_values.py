"""What each verb of a source gives on a page."""

import pytest

from crawler.core.errors import ConfigError
from crawler.page.document import Document, text_of
from crawler.page.values import read_fragments, read_value, read_values
from crawler.sites.schema import FieldSource

PAGE = Document(
    (
        b'<meta property="og:title" content="Meta"><meta itemprop="id" content="7"><h1>\n Head '
        b"<i class=tag>paid</i></h1>"
        b'<p class=a></p><p class=a>one</p><p class=b data-id="42">two</p><p class=a>three</p>'
        b"<div class=pic><img src=x></div>"
        b"<script>var v = htmlDecode('a &amp; b'); "
        b"window.o = {k: JsDecode('\\x3cp\\x3eb\\x3c/p\\x3e'), l: [{u: '1'}, {u: '2'}]};"
        b"</script><script id=j type=text/json>"
        b'{"a": {"7": {"t": "deep", "ok": true, "none": null, "n": 5, "list": [{"x": 1}, {"x": 2}]}}}</script>'
    ),
    "text/html; charset=utf-8",
)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        (FieldSource(css="h1"), "Head paid"),
        (FieldSource(css="h1", drop=(".tag",)), "Head"),
        (FieldSource(css=".a"), "one"),
        (FieldSource(css=".a, .b", all=True), "one\ntwo\nthree"),
        (FieldSource(css=".b", attr="data-id"), "42"),
        (FieldSource(css='[data-id="{n}"]'), "two"),
        (FieldSource(css='[data-id="{unknown}"]'), ""),
        (FieldSource(meta="og:title"), "Meta"),
        (FieldSource(meta="id"), "7"),
        (FieldSource(var="v"), "a & b"),
        (FieldSource(object="window.o", key="k", html=True), "b"),
        (FieldSource(object="window.o", key="l.u", all=True), "1\n2"),
        (FieldSource(json="#j", path="a.{id}.t"), "deep"),
        (FieldSource(json="#j", path="a.*.ok"), "true"),
        (FieldSource(json="#j", path="a.7"), "object"),
        (FieldSource(json="#j", path="a.7.none"), ""),
        (FieldSource(json="#j", path="a.7.n"), "5"),
        (FieldSource(json="#j", path="a.7.list.*.x", all=True), "1\n2"),
        (FieldSource(json="#j", path="a.7.list.1.x"), "2"),
        (FieldSource(json="h1", path="a"), ""),
        (FieldSource(css="h1", pick="(H.)"), "He"),
        (FieldSource(css="h1", pick="(Z)"), ""),
        (FieldSource(css="h1", strip=("^H", "paid$")), "ead"),
    ],
)
def test_a_source_gives_what_stands_there(source: FieldSource, value: str) -> None:
    assert read_value(PAGE, (source,), {"id": "7", "n": "42"}) == value


def test_the_first_source_that_gives_something_counts() -> None:
    assert read_value(PAGE, (FieldSource(css=".none"), FieldSource(css=".b"), FieldSource(css="h1")), {}) == "two"
    assert read_values(PAGE, (FieldSource(css=".none"), FieldSource(css=".a", all=True)), {}) == ["one", "three"]
    assert read_values(PAGE, (FieldSource(css=".none"),), {}) == []


def test_text_goes_before_pictures_and_pictures_before_nothing() -> None:
    pictures, text = FieldSource(css=".pic"), FieldSource(object="window.o", key="k", html=True)
    assert [text_of(f.node) for f in read_fragments(PAGE, (pictures, text), {})] == ["b"]
    assert [f.node.tag for f in read_fragments(PAGE, (FieldSource(css=".none"), pictures), {})] == ["div"]
    assert read_fragments(PAGE, (FieldSource(css=".none"),), {}) == []


def test_a_bad_selector_is_our_error() -> None:
    with pytest.raises(ConfigError, match="bad selector"):
        read_value(PAGE, (FieldSource(css="p["),), {})

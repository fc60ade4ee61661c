"""What holds for any text at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.model import Kind, Note
from crawler.notes.extract import occurrences
from crawler.notes.found import Lines, Span, cover

MARKS = """( ) [ ] ]( < > ` ``` $ $$ * ** _ __ ~~ & ; \\ | {{ }} {% %} ' " # ! @ ? = / . - , ， 。 （ ） x 中文 é 𠀀
www.a.example :80 &amp; <!-- -->
<a href= </a> <code> </code> [1]: [^1] https:// http://a.example/ \ud800 \x00 \x1a \ufeff""".split()
BLANKS = ["\n", "\n\n", "\r\n", "\r", " ", "    ", "\t", "---\n", "\u3000", "<!-- crawler: ignore -->"]
PIECES = st.sampled_from(MARKS + BLANKS)
TEXTS = st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=40).map("".join))
NAMES = st.sampled_from(["a.md", "a.html", "a.txt"])


@given(TEXTS, NAMES, st.booleans())
def test_every_occurrence_is_a_slice_of_the_note_at_its_place(text: str, path: str, code: bool) -> None:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    found = occurrences(Note(path, text), code=code)
    assert [each.start for each in found] == sorted(each.start for each in found)
    for each in found:
        assert text[each.start : each.end] == each.raw != ""
        first = each.raw.replace("\r\n", "\n").replace("\r", "\n").split("\n")[0]
        assert lines[each.line - 1][each.column - 1 :].startswith(first)
        assert each.url == each.url.strip() != ""
        assert (each.kind is Kind.LOCAL) == (not each.url.lower().startswith(("http:", "https:")))
        assert "\n" not in each.note_title


PLAIN = st.from_regex(
    r"https?://[a-z][a-z0-9]{0,9}\.(?:com|cn|org)(?:/[A-Za-z0-9_%~=-]{1,12}){0,3}/?", fullmatch=True
).filter(lambda url: not url.endswith("~~"))  # which would strike it out


@given(
    PLAIN,
    st.sampled_from(["，", "。", "；", "：", "！", "？", "、", "）", "》", "」", "”", "…", "\u3000", " ", "\n", "\t"]),
)
def test_a_url_between_chinese_marks_is_that_url(url: str, mark: str) -> None:
    for text in (f"见{url}{mark}后文", f"（{url}{mark}", f"{url}{mark}"):
        for path in ("a.md", "a.txt"):
            assert [each.url for each in occurrences(Note(path, text))] == [url]


@given(PLAIN)
def test_link_syntax_around_a_url_gives_that_url(url: str) -> None:
    for text in (
        f"[a]({url})",
        f"<{url}>",
        f"![a]({url})",
        f'<a href="{url}">a</a>',
        f"[a]: {url}",
        f"**{url}**",
        f"({url})",
    ):
        assert [each.url for each in occurrences(Note("a.md", text))] == [url]


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=6))
def test_covering_keeps_length_and_line_ends(text: str, pairs: list[tuple[int, int]]) -> None:
    spans = [Span(min(a, b, len(text)), min(max(a, b), len(text))) for a, b in pairs]
    covered = cover(text, spans, "\0")
    assert len(covered) == len(text)
    assert [c for c in covered if c in "\r\n"] == [c for c in text if c in "\r\n"]
    assert all(new in (old, "\0") for old, new in zip(text, covered, strict=True))


@given(st.lists(st.sampled_from(["a", "\n", "\r", "\r\n", "中"]), max_size=30).map("".join))
def test_lines_know_where_they_begin(text: str) -> None:
    lines = Lines(text)
    assert len(lines.texts) == len(lines.starts)
    for start, line in zip(lines.starts, lines.texts, strict=True):
        assert text[start : start + len(line)] == line
        assert lines.starts[lines.index(start)] == start


HOSTILE = [
    *(
        "(",
        "[",
        "*_",
        "{{",
        "<a ",
        "<!--",
        "<code>",
        "$$ a ",
        ">",
        "http://",
        "http://a.b/x",
        "http://a.b/(=",
        "'http://a.b/x",
    ),
    *("**http://a.b/x ", "*a http://a.b/x* ", "看http://a.b/中，", "&lt;http://a.b/", "https://a.b/x\n", "![](/a b "),
    *("[x]: /a\n", "<!-- crawler: ignore -->\n`x`\n", "{% comment %}\n", '<img srcset="a 1x,'),
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_repetition_is_read_to_its_end(unit: str) -> None:
    text = unit * (40_000 // len(unit))
    for path in ("a.md", "a.html", "a.txt"):
        occurrences(Note(path, text), code=True)

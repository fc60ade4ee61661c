"""Markdown: what comes from outside never becomes markup."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from samples import NOW, RUN, full_report, link

from crawler.core.model import History, State
from crawler.crawl.results import build_report
from crawler.report import FORMATS, ReportOptions

PARSER = MarkdownIt("gfm-like", {"linkify": False, "html": True})


def html_of(title: str, url: str = "https://dead.example/") -> str:
    written = link(url, "other", ("a.md", 1, title))
    history = History(url, NOW, state=State.DEAD, reason="gone", checked_at=NOW)
    report = build_report(RUN, [written], {url: history}, NOW)
    return str(PARSER.render(FORMATS["markdown"].render(report, ReportOptions())))


def cells_of(html: str) -> list[str]:
    return re.findall(r"<td[^>]*>(.*?)</td>", html, re.DOTALL)


@pytest.mark.parametrize(
    "title",
    [
        "a|b|c",
        "`|` and ``code``",
        "[x](javascript:alert(1))",
        "![p](https://evil.example/pixel.png)",
        "<img src=x onerror=alert(1)>",
        "</td></table><script>alert(1)</script>",
        "**bold** _it_ ~~gone~~ $x$",
        "end with a backslash \\",
        "&lt;b&gt; &#35;",
        "<!-- comment",
        "https://evil.example/ www.evil.example",
        "^[1] [^1]: note",
    ],
)
def test_a_title_stays_text_in_its_own_cell(title: str) -> None:
    html = html_of(title)
    cells = cells_of(html)
    row = next(cell for cell in cells if "dead.example" in cell)
    shown = re.fullmatch(r'<a href="https://dead.example/">(.*)</a>', row, re.DOTALL)
    assert shown, row
    assert "<" not in shown[1]
    unescaped = shown[1].replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
    assert unescaped == title


@given(st.text(max_size=80))
def test_no_title_opens_a_tag_or_moves_a_cell(title: str) -> None:
    html = html_of(title)
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    assert {row.count("<t") for row in rows} <= {8, 4}
    assert set(re.findall(r"<(\w+)", html)) <= set(
        "h1 h2 p table thead tbody tr th td a code br sub strong ul li".split()
    )


def test_an_address_that_is_no_web_address_is_text() -> None:
    assert "href" not in cells_of(html_of("", "javascript:alert(1)"))[-4]


def test_a_title_with_an_at_sign_mentions_nobody() -> None:
    html = html_of("thanks to @alice, and to bob@work.example")
    assert "thanks to @\u200dalice, and to bob@work.example" in html


def test_places_are_links_where_the_notes_have_an_address() -> None:
    text = FORMATS["markdown"].render(full_report(), ReportOptions(notes_url="https://x.example/b/main/"))
    assert "](https://x.example/b/main/posts/2016-1-17-word_vectors.markdown#L42)" in text
    assert "](https://x.example/b/main/notes/we%20ird%7C%60na,me%60%3A%25%5Bx%5D.md#L3)" in text


def test_a_local_target_leads_nowhere_since_it_is_relative_to_its_note() -> None:
    written = link("../img/a.png", "local", ("deep/a.md", 1, "picture"))
    history = History("../img/a.png", NOW, state=State.DEAD, reason="missing-file", checked_at=NOW)
    report = build_report(RUN, [written], {"../img/a.png": history}, NOW)
    assert "../img/a.png" not in re.findall(
        r'href="([^"]*)"', str(PARSER.render(FORMATS["markdown"].render(report, ReportOptions())))
    )


def test_commands_in_our_own_sentences_are_code() -> None:
    html = str(PARSER.render(FORMATS["markdown"].render(full_report(), ReportOptions())))
    assert "<code>crawler mark</code>" in html
    assert "<code>crawler explain URL</code>" in html

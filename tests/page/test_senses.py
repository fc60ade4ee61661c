"""Ruby, formulas and code keep their sense, in the text and in the readable copy."""

import pytest

from crawler.page import read_page
from crawler.page.document import Document

URL = "https://blog.example/a"
PROSE = (
    "<p>This is a sentence of an article, which is long enough to be prose, and it goes on for a while, as they do.</p>"
)

KATEX = (
    '<span class="katex"><span class="katex-mathml"><math><semantics><mi>x</mi>'
    '<annotation encoding="application/x-tex">x^2</annotation></semantics></math></span>'
    '<span class="katex-html" aria-hidden="true">x2</span></span>'
)


def read(inner: str):
    end = "And so it ends, with a line of prose. " * 4
    html = f"<!DOCTYPE html><title>T</title><article>{PROSE * 2}{inner}<p>{end}</p></article>"
    page = read_page(Document(html.encode(), "text/html; charset=utf-8", URL), None, URL)
    return page.text.split("\n", 1)[1].rpartition("\n")[0], page.html


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p><ruby>子<rt>こ</rt></ruby>ども</p>", "子ども"),
        ("<p><ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字<rp>(</rp><rt>じ</rt><rp>)</rp></ruby></p>", "漢字"),
    ],
)
def test_readings_of_ruby_are_no_text(html: str, text: str) -> None:
    found, copy = read(html)
    assert found == text
    assert "<rt>" in copy


@pytest.mark.parametrize(
    "code",
    [
        '<pre class="code-snippet__js"><code>a = 1</code><code>&nbsp;&nbsp;b = 2</code></pre>',
        '<pre><code><span class="line">a = 1</span><span class="line">  b = 2</span></code></pre>',
        "<pre>a = 1\n  b = 2</pre>",
        "<pre>a = 1<br>  b = 2</pre>",
        "<pre><div>a = 1</div><div>  b = 2</div></pre>",
    ],
)
def test_a_line_of_code_stays_a_line(code: str) -> None:
    text, copy = read(code)
    assert text == "a = 1\n  b = 2"
    assert "b = 2" in copy.replace("<br>", "\n").replace("</div><div>", "\n").partition("a = 1")[2].partition("\n")[2]


CODE = "a = 1\n  b = 2"
COPY_BUTTON = '<div class="hljs-button signin" data-title="x">复制</div>'


@pytest.mark.parametrize(
    "code",
    [
        f'<pre><i class="x-extension-lang">js</i><div class="x-copyCodeBtn">复制代码</div><code>{CODE}</code></pre>',
        f'<div class="language-js"><b class="copy">复制</b><span class="lang">js</span><pre>{CODE}</pre></div>',
        f"<pre><code>a = 1\n  b = 2\n{COPY_BUTTON}</code></pre>",
        '<div class="highlight"><pre>a = 1\n  b = 2</pre><div class="copy-btn">Copy</div></div>',
    ],
)
def test_buttons_and_names_of_languages_beside_code_are_left_out(code: str) -> None:
    text, _ = read(code)
    assert text == "a = 1\n  b = 2"


def test_numbers_in_elements_of_their_own_one_a_line_are_left_out_of_code() -> None:
    numbered = "<pre><span>1</span> <b>a</b> = 1\n<span>2</span>   b = 2</pre>"
    assert read(numbered)[0] == " a = 1\n   b = 2"
    counted = "<pre><span>1</span> a = 1\n<span>2</span>   b = 2\nand more</pre>"
    assert read(counted)[0] == "1 a = 1\n2   b = 2\nand more"


def test_words_that_are_only_called_copy_stay() -> None:
    assert read("<pre>a</pre><p class='copy'>A short line.</p>")[0].endswith("A short line.")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('<p>A boat <img class="emoji" alt="🚢" src="https://x.example/a.svg"> came.</p>', "A boat 🚢 came."),
        ('<p>A boat <img class="wp-smiley" alt=":)" src="/b.gif">.</p>', "A boat :)."),
        ('<p>A boat <img class="emoji" alt=":sailboat:" title="x" src="/c.png"></p>', "A boat :sailboat:"),
    ],
)
def test_an_emoji_that_is_drawn_is_told_by_its_character(html: str, text: str) -> None:
    found, copy = read(html)
    assert found == text
    assert "<img" not in copy


def test_line_numbers_beside_code_are_left_out() -> None:
    gutter = '<td class="gutter"><pre><span>1</span><br><span>2</span></pre></td>'
    text, copy = read(f'<table><tr>{gutter}<td class="code"><pre>a = 1<br>b = 2</pre></td></tr></table>')
    assert text == "a = 1\nb = 2"
    assert "gutter" not in copy
    assert "<span>1</span>" not in copy


@pytest.mark.parametrize(
    "html",
    [
        '<math alttext="x^2"><mi>x</mi><mn>2</mn></math>',
        "<math><semantics><mi>x</mi><annotation encoding='application/x-tex'>x^2</annotation></semantics></math>",
        '<img class="latex" alt="x^2" src="/eq.png">',
        '<img eeimg="1" alt="x^2" src="https://www.zhihu.com/equation?tex=x^2">',
        '<span class="MathJax_Preview">x2</span><script type="math/tex">x^2</script>',
        KATEX,
    ],
)
def test_a_formula_is_told_by_its_source(html: str) -> None:
    text, copy = read(f"<p>The square {html} of a number.</p>")
    assert text == "The square $x^2$ of a number."
    assert "The square $x^2$ of a number." in copy.replace("<span>", "").replace("</span>", "")

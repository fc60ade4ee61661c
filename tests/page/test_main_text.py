"""The article of pages whose layout tries to hide it, and what stands inside of it and is not of it."""

import pytest

from crawler.page import read_page
from crawler.page.document import Document
from crawler.page.lines import is_byline, is_credit, is_noise, is_pointer

URL = "https://blog.example/2020/ferry"
LINES = [
    "The ferry leaves at seven, when the fog still lies on the river, and nobody on the landing is in a hurry.",
    "He has crossed here for forty years, he says, and knows every bank of sand; but the bridge opens in May.",
    "So he coils the rope, lays it on the bow as on every other day, and waits for the first guest to come down.",
]
ARTICLE = "".join(f"<p>{line}</p>" for line in LINES)


def text_of(body: str, head: str = "<title>The last ferry</title>") -> str:
    html = f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>"
    return read_page(Document(html.encode(), "text/html; charset=utf-8", URL), None, URL).text


@pytest.mark.parametrize(
    "names",
    [
        "l-sidebar-fixed l-article-body", "content-sidebar-wrap", "elementor-widget-wrap",
        "right-sidebar sidebar-included",
        "nav-wrapper", "page-with-footer", "social-layout", "hidden-contents-menu", "overflow-hidden", "popup-page",
    ],
)  # fmt: skip
def test_a_layout_with_a_bad_word_in_its_name_loses_no_text(names: str) -> None:
    side = f"<div class='sidebar'><p>{LINES[0][:60]}, and more of that kind in the side bar.</p></div>"
    assert text_of(f"<div class='{names}'><div>{ARTICLE}</div></div>{side}") == "\n".join(LINES)


def test_boxes_of_one_bad_word_are_believed_together_or_not_at_all() -> None:
    paragraphs = "".join(f"<p class='paywall'>{line}</p>" for line in LINES)
    assert text_of(f"<article><p>{LINES[0][::-1]}, it says here.</p>{paragraphs}</article>").endswith("\n".join(LINES))


def test_comments_are_not_the_article_though_they_are_longer() -> None:
    comments = (
        f"<div class='comments'>{'<p>I took that ferry as a child, it was five cents, and a lot of fun.</p>' * 9}</div>"
    )
    assert text_of(f"<div><div class='post'>{ARTICLE}</div>{comments}</div>") == "\n".join(LINES)


@pytest.mark.parametrize("raw", ["<div>", "<p>Please enable <b>scripts", "<table><tr><td>", "<form><select>"])
def test_noscript_is_raw_text_as_in_browsers(raw: str) -> None:
    assert text_of(f"<noscript>{raw}</noscript><div>{ARTICLE}</div>") == "\n".join(LINES)


def test_parts_that_react_streams_hidden_are_read() -> None:
    assert text_of(
        f'<div><template id="B:0"></template></div><div hidden id="S:0"><div>{ARTICLE}</div></div>'
    ) == "\n".join(LINES)
    assert text_of(f"<div>{ARTICLE}</div><div hidden>Not shown at all.</div>") == "\n".join(LINES)


@pytest.mark.parametrize(
    "noise",
    [
        "<p>Advertisement</p>", "<p>Share this article</p>", "<div>Facebook Twitter WhatsApp E-Mail</div>",
        "<p>Read more: <a href=/x>The bridge is late</a></p>", "<p>Related: The bridge is late</p>",
        "<p>Photo: Getty Images</p>", "<p>Follow us on Twitter and Facebook</p>", "<p>Lesen Sie auch: Die Brücke</p>",
        "<p>相关阅读：大桥通车</p>", "<p>Weitere Informationen</p>", "<p>Das Thema könnte dich auch interessieren:</p>",
        "<p>Le puede interesar: <a href=/x>El puente</a></p>", "<p>Hide Caption</p>", "<p>02:12 - Source: River TV</p>",
        "<p>By subscribing to this letter, you agree to our terms.</p>", "<p>Was this newsletter forwarded to you?</p>",
        "<p>View all posts by Ann Lee</p>", "<p>Zurück zur Übersicht</p>", "<p>Źródło: PAP</p>",
        "<p>Get the latest news straight to your phone with our app.</p>",
        "<figure><img src=a.jpg><figcaption>The landing. Credit: AFP</figcaption></figure>",
        "<form><p>Your e-mail address, please, for our letter:</p></form>",
        "<ul><li><a href=/1>The bridge is late</a></li><li><a href=/2>The old boats</a></li></ul>",
        "<div><h3><a href=/1>The bridge is late</a></h3><p>It costs.</p><h3><a href=/2>Old boats</a></h3></div>",
    ],
)  # fmt: skip
def test_remarks_inside_an_article_are_left_out(noise: str) -> None:
    first, *others = (f"<p>{line}</p>" for line in LINES)
    assert text_of(f"<article>{first}{noise}{''.join(others)}</article>") == "\n".join(LINES)


def test_title_byline_and_date_before_the_first_paragraph_are_left_out() -> None:
    head = "<h1>The last ferry</h1><div>By Ann Lee</div><div>January 6, 2025 · 4 min read</div>"
    assert text_of(f"<article>{head}{ARTICLE}</article>") == "\n".join(LINES)


@pytest.mark.parametrize("name", ["<p>Ann Lee</p>", "<h4>Ann Lee</h4><p>Contributing Writer</p>"])
def test_the_portrait_of_its_author_behind_the_article_is_left_out(name: str) -> None:
    more = "<p>Nobody will miss the bell, which was heard on both banks of the river, day and night.</p>" * 2
    body = f"<article>{ARTICLE}{more}{name}<p>Ann Lee is a writer who lives by the river with two cats.</p></article>"
    assert text_of(body).splitlines()[-1].startswith("Nobody will miss")


def test_a_last_paragraph_about_somebody_stays() -> None:
    more = "<p>Nobody will miss the bell, which was heard on both banks of the river, day and night.</p>" * 2
    last = "Ann Lee is the last to leave, with her two cats and a lamp, and she does not look back once."
    assert text_of(f"<article>{ARTICLE}{more}<p>{last}</p></article>").endswith(last)


def test_a_lead_between_title_and_article_opens_the_text() -> None:
    lead = "For the last time the old ferry crosses the river, and all of the town has come to see it off."
    head = f"<header><h1>The last ferry</h1><p class='standfirst'>{lead}</p></header>"
    assert text_of(f"{head}<div class='article-body'>{ARTICLE}</div>") == "\n".join([lead, *LINES])


LEAD = "A ferryman, a rope and a bridge that opens in May: what will become of the landing, nobody knows."
DESCRIBED = f'<title>The last ferry</title><meta name="description" content="{LEAD[:70]} …">'


def test_a_lead_that_the_head_quotes_opens_the_text_though_no_h1_stands_before_it() -> None:
    told = [f"{day}: {line}" for day in ("On Monday", "On Tuesday") for line in LINES]
    article = "".join(f"<p>{line}</p>" for line in told)
    body = f"<div><h2>The last ferry</h2><p>{LEAD}</p></div><div>Share</div><div class='post-text'>{article}</div>"
    assert text_of(body, DESCRIBED) == "\n".join([LEAD, *told])


def test_of_a_short_article_and_a_list_beside_it_the_one_that_the_head_quotes_is_taken() -> None:
    guides = "".join(
        f"<h3>Guide {n}</h3><p>{line[:90]}, and so on and on, by boat.</p>" for n, line in enumerate(LINES)
    )
    menu = "<ul>" + "<li><a href='/x'>A section of this site</a></li>" * 40 + "</ul>"
    body = f"<div class='a'><p>{LEAD}</p></div>{menu}<div class='b'>{guides}</div>"
    assert text_of(body, DESCRIBED) == LEAD
    assert LEAD not in text_of(body)


def test_what_stands_under_a_heading_for_other_articles_is_left_out() -> None:
    tail = "<h2>Related articles</h2><p>The bridge over the river is late again, and nobody says why.</p>"
    assert text_of(f"<article>{ARTICLE}<h2>In May</h2><p>{LINES[0][::-1]}.</p>{tail}</article>").endswith(
        f"In May\n{LINES[0][::-1]}."
    )


def test_numbered_captions_stay_and_repeated_ones_are_said_once() -> None:
    shown = "<figure><img src=a.jpg><figcaption>Figure 2: the depth of the river.</figcaption></figure>"
    assert "Figure 2: the depth of the river." in text_of(
        f"<article>{ARTICLE}{shown}<p>{LINES[0][::-1]}.</p></article>"
    )
    told = f"<p class='small'>{LINES[1]}</p>"
    assert text_of(f"<article>{ARTICLE}{told}</article>") == "\n".join(LINES)


def test_pictures_with_words_tell_the_story_where_there_is_no_other() -> None:
    story = "".join(
        f"<figure><img src='{i}.jpg'><figcaption>{line}</figcaption></figure>" for i, line in enumerate(LINES)
    )
    assert text_of(f"<article>{story}</article>") == "\n".join(LINES)


def test_an_article_of_short_lines_is_found_by_its_name() -> None:
    verse = "<br>".join(["Fog on the river", "a rope on the bow", "and nobody there"] * 3)
    assert text_of(f"<ul><li><a href=/>Start</a></li></ul><div class='entry-content'><p>{verse}</p></div>").startswith(
        "Fog on the river\na rope"
    )


def test_cells_of_a_row_stand_on_one_line() -> None:
    table = "<table><tr><th>Day</th><th>Time</th></tr><tr><td>Monday</td><td>7:00</td></tr></table>"
    assert "Day | Time\nMonday | 7:00" in text_of(f"<article>{ARTICLE}{table}<p>{LINES[0][::-1]}.</p></article>")


def test_json_ld_tells_the_article_that_a_script_would_show() -> None:
    body = " ".join(LINES * 3)
    data = f'<script type="application/ld+json">{{"@type": "NewsArticle", "articleBody": "{body}"}}</script>'
    assert text_of("<div id=root></div>", data) == body


def test_long_digits_are_no_way_to_hang_the_look_at_lines() -> None:
    line = "1" * 139 + "é"
    assert (is_noise(line), is_pointer(line, linked=False), is_credit(line), is_byline(line)) == (False,) * 4


def test_a_picture_that_a_click_enlarges_stays() -> None:
    html = "<div class='lightbox-wrapper'><a class='lightbox' href='/o.jpg'><img src='/s.jpg' width='690'></a></div>"
    body = f"<!DOCTYPE html><title>The last ferry</title><div class='post'>{ARTICLE}{html}</div>"
    page = read_page(Document(body.encode(), "text/html; charset=utf-8", URL), None, URL)
    assert page.images == ("https://blog.example/s.jpg",)


@pytest.mark.parametrize(
    "markup",
    [
        '<p class="wp-block-post-author__name">Ann Bo</p>',
        '<span class="author vcard"><a class="url fn n">Ann Bo</a></span>',
        '<a class="note-author" href="/people/a">Ann Bo</a>',
    ],
)
def test_markup_at_large_names_the_author(markup: str) -> None:
    body = (
        f"<!DOCTYPE html><title>The last ferry</title><h1>The last ferry</h1>{markup}<div class='post'>{ARTICLE}</div>"
    )
    assert read_page(Document(body.encode(), "text/html; charset=utf-8", URL), None, URL).author == "Ann Bo"


@pytest.mark.parametrize("prompt", ["jp-InputPrompt jp-InputArea-prompt", "prompt input_prompt"])
def test_the_numbers_of_a_notebooks_cells_are_no_text(prompt: str) -> None:
    cells = [f"<div class='cell'><p>{line}</p></div>" for line in LINES]
    code = (
        f"<div class='cell'><div class='{prompt}'>In&nbsp;[1]:</div><div><pre>import boat\nboat.go()</pre></div></div>"
    )
    assert text_of(f"<main>{code.join(cells)}</main>") == "\nimport boat\nboat.go()\n".join(LINES)

"""The title of a page is the article's: not the site's, not the section's, not that of a drawing."""

import pytest

from crawler.page import read_page
from crawler.page.document import Document

URL = "https://www.rivernews.example/2020/ferry"
PARAGRAPH = f"<p>{'Words of the article, which go on and on. ' * 6}</p>"


@pytest.mark.parametrize(
    ("title", "body", "expected"),
    [
        ("The last ferry - River News", "<h1>River News</h1>", "The last ferry"),
        ("River News - The last ferry", "<h1 class='logo'><a href='/'>River News</a></h1>", "The last ferry"),
        ("River Blog | The last ferry", "<h1>River Blog</h1><h2>The last ferry</h2>", "The last ferry"),
        ("The last ferry | RiverNews", "", "The last ferry"),
        ("A ferry and the end of an era (2020)", "<h1>The end of a ferry</h1>", "The end of a ferry"),
        ("TCP/IP / UDP", "", "TCP/IP / UDP"),
        ("TCP/IP / UDP - RiverNews", "<h1>TCP/IP / UDP</h1>", "TCP/IP / UDP"),
        ("(3) The last ferry", "", "The last ferry"),
        ("(99+) The last ferry | RiverNews", "", "The last ferry"),
        ("(500) Days of Summer", "", "(500) Days of Summer"),
        ("(2条消息)渡口的早晨_老周的博客-CSDN博客", "", "渡口的早晨"),
        ("", "<svg><title>Logo</title></svg><p>x</p>", ""),
        ("", "<h1><svg><title>Icon</title></svg>The last ferry</h1>", "The last ferry"),
        ("Our blog: The last ferry", "<h1>Our blog</h1>", "Our blog: The last ferry"),
        ("River News - View topic - The last ferry", "", "The last ferry"),
        ("RiverNews » Blog Archive » The last ferry", "", "The last ferry"),
        ("The last ferry ~ RiverNews", "", "The last ferry"),
        ("A ~ B ~ C", "", "A ~ B ~ C"),
        ("ferry [River Wiki]", "<h1><a href='/doku.php'>River Wiki</a></h1><h1>The ferry</h1>", "The ferry"),
        ("A paper on ferries [PDF]", "", "A paper on ferries [PDF]"),
        ("Untitled Document", "<h1>The last ferry</h1>", "The last ferry"),
        ("无标题文档", "<h2>渡口</h2>", "渡口"),
        ("https://www.rivernews.example/2020/ferry", "<h2>The last ferry</h2>", "The last ferry"),
        ("Untitled, 1920", "", "Untitled, 1920"),
    ],
)  # fmt: skip
def test_the_title_is_that_of_the_article(title: str, body: str, expected: str) -> None:
    html = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{body}<p>Words.</p></body></html>"
    assert read_page(Document(html.encode(), "text/html; charset=utf-8", URL), None, URL).title == expected


@pytest.mark.parametrize("heading", ["Our Blog", "News"])
def test_a_heading_that_is_about_nothing_of_the_title_is_not_believed(heading: str) -> None:
    head = '<title>The last ferry</title><meta property="og:title" content="The last ferry">'
    html = f"<html><head>{head}</head><body><h1>{heading}</h1><p>Words.</p></body></html>"
    assert read_page(Document(html.encode(), "text/html; charset=utf-8", URL), None, URL).title == "The last ferry"


def title_of(title: str, body: str = "", head: str = "", url: str = URL) -> str:
    html = f"<!DOCTYPE html><html><head><title>{title}</title>{head}</head><body>{body}{PARAGRAPH}</body></html>"
    document = Document(html.encode(), "text/html; charset=utf-8", url)
    whole, alone = read_page(document, None, url).title, read_page(document, None, url, whole=False).title
    assert whole == alone
    return whole


def graph(title: str) -> str:
    return f'<meta property="og:title" content="{title}">'


def site(name: str) -> str:
    return f'<meta property="og:site_name" content="{name}">'


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("The last ferry « River News", "The last ferry"),
        ("River News :: The last ferry", "The last ferry"),
        ("The last ferry leaves_Travel_RiverNews", "The last ferry leaves"),
        ("渡口的早晨你见过吗_滚动新闻_河流网", "渡口的早晨你见过吗"),
        ("The last ferry - Travel - River News", "The last ferry - Travel"),
        ("Ferry report | Travel | RiverNews | Europe", "Ferry report"),
        ("River News's notes | The last ferry", "The last ferry"),
        ("my_ferry_module", "my_ferry_module"),
        ("Rivernews 2 - the sequel", "Rivernews 2 - the sequel"),
        ("Tom &amp;amp; Jerry&amp;#8217;s ferry", "Tom & Jerry’s ferry"),
        ("(99+ 封私信 / 80 条消息) 为什么渡口没有船？", "为什么渡口没有船？"),
    ],
)  # fmt: skip
def test_a_title_without_any_heading_loses_site_and_section(title: str, expected: str) -> None:
    head = graph(title) if " - " in title and "River News" not in title else ""
    assert title_of(title, head=head) == expected


@pytest.mark.parametrize(
    ("body", "title", "expected"),
    [
        ("<h1><span>Travel</span> The last ferry</h1>", "The last ferry", "The last ferry"),
        ("<h1><time>Dec 18 2025</time> The last ferry</h1>", "The last ferry | Jo", "The last ferry"),
        ("<h1>The last ferry <small>12 comments</small></h1>", "The last ferry", "The last ferry"),
        ("<h1>Blog: The last ferry</h1>", "The last ferry", "The last ferry"),
        ("<h1>Learn C#<a href='#c'>#</a></h1>", "Learn C#", "Learn C#"),
        ("<h1>Crate ferry <button>Copy path</button></h1>", "ferry - Docs", "Crate ferry"),
        ("<h1>The<br>last ferry</h1>", "The last ferry", "The last ferry"),
        ("<h1>(16) The last ferry</h1>", "(16) The last ferry", "(16) The last ferry"),
        ("<h1>How to write &amp;amp; in HTML</h1>", "Write &amp;amp; in HTML", "How to write &amp; in HTML"),
    ],
)  # fmt: skip
def test_kickers_dates_and_buttons_within_a_heading_are_left_out(body: str, title: str, expected: str) -> None:
    assert title_of(title, body) == expected


@pytest.mark.parametrize(
    ("body", "title", "expected"),
    [
        ("<h1 class='menu-title'>The River Language</h1><main><h2>Ferries?</h2></main>",
         "Ferries? - The River Language", "Ferries?"),
        ("<main><h1>River 2.0 Docs</h1><h1>Install</h1></main>", "Install — River 2.0 Docs", "Install"),
        ("<dialog><h1>Sign up for ferries</h1></dialog><h1>The last ferry</h1>", "Ferry", "The last ferry"),
        ("<h1>Ferries 1: Boats</h1><p>x</p><h1>Boats</h1>", "Ferries 1: Boats | Jo", "Ferries 1: Boats"),
        ("<article><h1>The last ferry</h1></article><h2>All about rivers</h2>", "The last ferry | All about rivers",
         "The last ferry"),
        ("<h1>山西省人民政府网站</h1>", "渡口的早晨 - 山西省人民政府门户网站", "渡口的早晨"),
        ("<h1>Ferry e.V. for old boats</h1>", "Boats and work » Ferry e.V.", "Boats and work"),
        ("<h1>News</h1><main><h1>The long way of the ferry</h1></main>", "Jo: News - The long way of the ferry",
         "The long way of the ferry"),
    ],
)  # fmt: skip
def test_headings_of_site_section_and_dialog_never_win(body: str, title: str, expected: str) -> None:
    assert title_of(title, body) == expected


def test_the_only_heading_is_the_title_though_it_shares_no_word_with_title() -> None:
    heading = "<h1 class='headline'>Who took our boats away?</h1>"
    assert title_of("Ferry gone - River News", heading, graph("Ferry gone")) == "Who took our boats away?"


def test_a_heading_behind_paragraphs_heads_a_section() -> None:
    body = f"<article>{PARAGRAPH}<h1>Who took our boats away?</h1></article>"
    assert title_of("Ferry gone", body, graph("Ferry gone")) == "Ferry gone"


def test_a_slogan_on_a_page_that_is_no_article_is_not_its_title() -> None:
    head = graph("Boat insurance") + '<meta property="og:type" content="website">'
    assert title_of("Boat insurance", "<main><h1>Sleep well on every river</h1></main>", head) == "Boat insurance"


def test_a_post_whose_site_has_the_h1_is_found_by_its_own_heading() -> None:
    body = "<h1>River News</h1><article><h2 class='entry-title'>The last ferry</h2></article>"
    assert title_of("River News", body, graph("River News")) == "The last ferry"


def test_of_a_list_of_articles_no_heading_is_the_title() -> None:
    body = "<h1>River News</h1><h2 class='entry-title'>The last ferry</h2><h2 class='entry-title'>Fog</h2>"
    assert title_of("River News", body) == "River News"


def test_a_cut_title_is_completed_by_another() -> None:
    whole = "The last ferry leaves the harbour"
    assert title_of(f"{whole} | River News", "", graph("The last ferry leaves the…")) == whole


def test_a_repository_is_called_as_its_host_calls_it() -> None:
    head = graph("GitHub - river/ferry: A tool that sails") + site("GitHub")
    body = "<article><h1>Ferry</h1></article>"
    assert title_of("GitHub - river/ferry: A tool that sails", body, head) == "river/ferry: A tool that sails"


@pytest.mark.parametrize("name", ["citation_title", "dc.title", "twitter:title", "title"])
def test_metas_name_a_page_without_a_title(name: str) -> None:
    assert title_of("", head=f'<meta name="{name}" content="The last ferry">') == "The last ferry"


def test_the_headline_of_a_lists_first_entry_is_not_the_title_of_the_page() -> None:
    entry = '<div itemscope><meta itemprop="headline" content="Why no boats?"></div>'
    assert title_of("Ferries - RiverNews", entry) == "Ferries"


def test_a_chinese_sentence_as_the_only_heading_is_a_notice() -> None:
    assert title_of("渡口", "<article><h1>欢迎关注每天的渡船时刻表。</h1></article>", graph("渡口日报")) == "渡口日报"


@pytest.mark.parametrize(
    ("body", "title", "expected"),
    [
        (  # a teaser of another article, which shares more words with the title than its own heading
            "<h1>Old ferries, by boat in the valley</h1><h1><a href='/x'>Where to see ferries in the valley</a></h1>",
            "Where to go by boat in the valley",
            "Old ferries, by boat in the valley",
        ),
        (  # an article's classes are its tags
            "<article class='post tag-brands tag-logo'><h1 class='post-title'>The last ferry</h1></article>",
            "The last ferry | We go on and on about boats. And about ropes.",
            "The last ferry",
        ),
        (
            f"<h1>{'Learn what ferries cost and why. ' * 6}</h1>",
            "What ferries cost | RiverNews",
            "What ferries cost",
        ),
        (
            "<h1>The last ferry<span class='block text-sm'>How a river lost it</span></h1>",
            "The last ferry of the river",
            "The last ferry How a river lost it",
        ),
        (
            "<h1>Pulse!</h1>",
            "River! News | RiverNews.example - The last ferry (and me)",
            "The last ferry (and me)",
        ),
    ],
)
def test_teasers_tags_and_paragraphs_are_not_taken_for_the_title(body: str, title: str, expected: str) -> None:
    assert title_of(title, body) == expected


HOME = "<header><a href='/'>The Quiet Bank</a></header>"
LOGO = "<header><h1><a href='https://www.rivernews.example/'>The Quiet Bank</a></h1></header>"


@pytest.mark.parametrize(
    ("title", "body", "expected"),
    [
        ("The Quiet Bank", f"{HOME}<article><h1>The last ferry</h1>{PARAGRAPH}</article>", "The last ferry"),
        ("The Quiet Bank", f"{LOGO}<article><h2>The last ferry</h2>{PARAGRAPH}</article>", "The last ferry"),
        ("The Quiet Bank » The last ferry", f"{HOME}<h2>The last ferry</h2>{PARAGRAPH}", "The last ferry"),
        ("The Quiet Bank", f"{LOGO}{2 * '<article><h2>A teaser of it</h2></article>'}", "The Quiet Bank"),
        ("The Quiet Bank", f"{LOGO}<article>{PARAGRAPH}<h2>A section</h2></article>", "The Quiet Bank"),
        ("The Quiet Bank | The Quiet Bank", HOME, "The Quiet Bank"),
    ],
)
def test_a_page_that_calls_itself_by_its_sites_name_alone_has_the_title_of_its_article(
    title: str, body: str, expected: str
) -> None:
    html = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{body}</body></html>"
    assert read_page(Document(html.encode(), "text/html; charset=utf-8", URL), None, URL).title == expected

"""The title of a page is the article's: not the site's, not the section's, not that of a drawing."""

import pytest

from crawler.page import read_page
from crawler.page.document import Document

URL = "https://www.rivernews.example/2020/ferry"


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

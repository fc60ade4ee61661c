"""The pictures that a reader sees, by whatever means a page shows them."""

import pytest

from crawler.page import read_page
from crawler.page.document import Document
from crawler.page.images import picture_key

URL = "https://blog.example/a"
PROSE = (
    "<p>This is a sentence of an article, which is long enough to be prose, and it goes on for a while, as they do.</p>"
)


def read(inner: str):
    html = f"<!DOCTYPE html><title>T</title><article>{PROSE * 2}{inner}{PROSE.replace('This', 'That')}</article>"
    return read_page(Document(html.encode(), "text/html; charset=utf-8", URL), None, URL)


@pytest.mark.parametrize(
    "html",
    [
        '<img src="/real.jpg">',
        '<img src="/blank.gif" data-some-loader-src="/real.jpg">',
        '<img src="data:image/gif;base64,x" data-lazy-srcset="/small.jpg 200w, /real.jpg 900w">',
        '<img lazysrc="/real.jpg">',
        '<img src="//simg.example/images/special/1265.gif" real_src="/real.jpg">',
        '<picture><source srcset="/small.jpg 1x, /real.jpg 2x"><img src="data:image/gif;base64,x"></picture>',
        '<picture><source data-srcset="/real.jpg"></picture>',
        '<img class="lazy" src="/loading.gif"><noscript><img src="/real.jpg" width="600"></noscript>',
        '<div style="background-image: url(&quot;/real.jpg&quot;)"></div>',
        '<section data-bg="/real.jpg"></section>',
        '<svg viewBox="0 0 9 9" style="background-image:url(/real.jpg)"></svg>',
        '<svg><image href="/real.jpg"></image></svg>',
        "<svg><foreignObject><p style=\"background:#fff url('/real.jpg') no-repeat\"></p></foreignObject></svg>",
        '<video poster="/real.jpg"><source src="/film.mp4"></video>',
        '<video data-poster="/real.jpg"></video>',
        '<amp-video poster="/real.jpg"></amp-video>',
        '<div class="lazy" data-src="/real.jpg"></div>',
        '<figure data-original="/real.jpg"><figcaption>The landing</figcaption></figure>',
        '<img src="/real.jpg" data-src="/real_{width}x.jpg">',
        '<object data="/real.jpg" type="image/jpeg"></object>',
        '<amp-img src="/real.jpg"></amp-img>',
    ],
)
def test_a_picture_is_found_and_shown_in_its_place(html: str) -> None:
    page = read(html)
    assert page.images == ("https://blog.example/real.jpg",)
    before, _, after = page.html.partition('<img src="https://blog.example/real.jpg"')
    assert "This is" in before
    assert "That is" in after


def test_two_addresses_of_one_picture_are_one_and_the_kept_one_is_shown() -> None:
    one, other = (f"https://mmbiz.qpic.cn/x/{size}" for size in ("640?wx_fmt=png&tp=webp&wx_lazy=1", "0?wx_fmt=png"))
    page = read(f'<img data-src="{one}"><p>and</p><img data-src="{other}">')
    assert page.images == (one,)
    assert other not in page.html


def test_other_parameters_tell_pictures_apart() -> None:
    assert picture_key("https://x.example/show?id=1&w=200") == picture_key("https://x.example/show?id=1&w=900")
    assert picture_key("https://x.example/show?id=1") != picture_key("https://x.example/show?id=2")


def test_a_thumbnail_within_a_box_is_not_shown_beside_its_large_picture() -> None:
    assert read('<a data-src="/large.jpg"><img src="/small.jpg"></a>').images == ("https://blog.example/small.jpg",)


@pytest.mark.parametrize("ending", ["!webp", "!w600", "@!thumb", "@640w_400h.webp", ".webp", "?w=300"])
def test_endings_that_ask_for_another_coding_are_the_same_picture(ending: str) -> None:
    assert picture_key(f"https://x.example/a.jpg{ending}") == picture_key("https://x.example/a.jpg")


def test_counters_and_placeholders_are_no_pictures() -> None:
    assert read('<img src="/t.gif" width="1" height="1"><img src="/images/spacer.gif">').images == ()


def test_a_page_of_pictures_alone_keeps_them_without_logo_and_menu() -> None:
    shown = '<div><img src="/1.jpg"><img data-src="/2.jpg"></div>'
    body = f'<nav><img src="/menu.png"></nav><img class="logo" src="/l.png">{shown}'
    page = read_page(Document(f"<title>Boats</title><body>{body}".encode(), "text/html", URL), None, URL)
    assert page.images == ("https://blog.example/1.jpg", "https://blog.example/2.jpg")
    assert '<img src="https://blog.example/2.jpg">' in page.html


def test_a_style_full_of_addresses_is_read_in_no_time() -> None:
    assert read(f'<p style="background:{"url(" * 20_000}">x</p>').images == ()

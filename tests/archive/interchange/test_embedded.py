"""Pictures that came with a page get addresses under which its readable copy shows them."""

import base64

import pytest

from crawler.archive.interchange.embedded import MADE_UP, with_pictures
from crawler.archive.interchange.saved import SavedImage, SavedPage
from crawler.core.model import Page
from crawler.page import read_page
from crawler.page.document import Document

URL = "https://a.example/page"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 200
DATA = "data:image/png;base64," + base64.b64encode(PNG).decode()
VARIABLE = '<img src="data:image/svg+xml,<svg/>" style="background-image:var(--sf-img-3)!important">'
WORDS = "<article>" + "<p>Some words that make an article of this page, with commas, and stops.</p>" * 5


def saved(markup: str, *images: SavedImage) -> SavedPage:
    return SavedPage(URL, None, f"<html><body>{WORDS}{markup}".encode(), "text/html; charset=utf-8", images)


def nothing(_: str) -> None:
    return None


def read(page: SavedPage) -> Page:
    body = page.shown or page.body
    return read_page(Document(body, "text/html; charset=utf-8", URL), None, URL)


def shown(page: SavedPage) -> set[str]:
    """Addresses that the readable copy shows and that a kept picture has."""
    kept = {image.url for image in page.images if image.body == PNG}
    return {url for url in read(page).images if url in kept}


@pytest.mark.parametrize(
    "markup",
    [
        f'<img src="{DATA}">',
        f'<img src="{DATA}" srcset="{DATA} 2x">',
        f'<picture><source srcset="a.webp"><img src="{DATA}"></picture>',
        f'<style>:root{{--sf-img-3: url("{DATA}")}}</style>{VARIABLE}',
    ],
)
def test_a_picture_inside_the_page_gets_an_address_that_leads_nowhere(markup: str) -> None:
    page = with_pictures(saved(markup), nothing)
    (url,) = shown(page)
    assert url.startswith(MADE_UP)
    assert url.endswith(".png")


def test_a_picture_keeps_the_address_that_its_element_remembers() -> None:
    page = with_pictures(saved(f'<img data-src="https://img.example/a.png" src="{DATA}">'), nothing)
    assert shown(page) == {"https://img.example/a.png"}
    assert page.shown == b"", "the markup shows it already"


def test_a_picture_of_mhtml_is_shown_under_its_lazy_address_too() -> None:
    image = SavedImage("https://img.example/a?wx_fmt=png&tp=webp", "image/png", PNG)
    markup = '<img data-src="https://img.example/a?wx_fmt=png" src="https://img.example/a?wx_fmt=png&amp;tp=webp">'
    page = with_pictures(saved(markup, image), nothing)
    assert shown(page) == {"https://img.example/a?wx_fmt=png"}


@pytest.mark.parametrize(
    ("source", "name"), [("cid:b@x", "cid:b@x"), ("images/0.png", "images/0.png"), ("./images/0.png", "images/0.png")]
)
def test_a_picture_that_came_by_name_is_shown(source: str, name: str) -> None:
    assert len(shown(with_pictures(saved(f'<img src="{source}">', SavedImage(name, "image/png", PNG)), nothing))) == 1


def test_a_picture_beside_the_page_is_asked_for_by_its_plain_name() -> None:
    asked: list[str] = []

    def beside(name: str) -> bytes:
        asked.append(name)
        return PNG

    page = with_pictures(saved('<img src="./%E5%9B%BE_files/a.png?x=1">'), beside)
    assert asked == ["图_files/a.png"]
    assert len(shown(page)) == 1


def test_place_holders_and_pages_without_pictures_stay_as_they_are() -> None:
    for markup in (
        "",
        '<img src="https://img.example/far.png">',
        '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">',
    ):
        page = with_pictures(saved(markup), nothing)
        assert (page.shown, page.images) == (b"", ())


@pytest.mark.parametrize(
    "source", ["data:image/png;base64,%%%", "data:image/png", "data:,", "data:text/html;base64,PGI+"]
)
def test_no_data_url_does_harm(source: str) -> None:
    assert with_pictures(saved(f'<img src="{source}">'), nothing).images == ()


@pytest.mark.parametrize("source", ["/i/a.png", "i/a.png", "./i/a.png", "//a.example/i/a.png"])
def test_a_relative_address_of_a_picture_that_came_is_kept_as_it_is(source: str) -> None:
    came = SavedImage("https://a.example/i/a.png", "image/png", PNG)
    page = with_pictures(saved(f'<img src="{source}">', came), nothing)
    assert page.images == (came,)
    assert page.shown == b""
    assert shown(page) == {came.url}

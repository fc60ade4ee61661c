"""What `--html` wrote, opened from disk: every page is readable, every picture shown, and nobody is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from browsing import chromium, requested
from replay_stage import Kept

from crawler.archive.interchange.names import newest_page
from crawler.testing import scene

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SEARCH = """
const done = arguments[arguments.length - 1], field = document.getElementById('query');
field.value = arguments[0];
field.dispatchEvent(new Event('input', { bubbles: true }));
setTimeout(() => done([...document.querySelectorAll('#list li')].filter((row) => !row.hidden)
  .map((row) => row.querySelector('a').textContent)), 500);
"""
SHOWN = """
return {
  title: document.querySelector('h1').textContent,
  text: document.body.innerText,
  pictures: [...document.images].map((image) => [image.complete, image.naturalWidth]),
  hidden: [...document.querySelectorAll('article *')].filter((e) => getComputedStyle(e).visibility === 'hidden').length,
};
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium("exported folders are not tested in a browser") as running:
        yield running


def test_every_page_is_readable_and_shows_its_pictures(kept: Kept, browser: Chrome) -> None:
    articles = [page for page in kept.pages if page.readable]
    assert len(articles) > 10
    for page in articles:
        file = newest_page(kept.folder / "html", page.capture.canonical_url)
        assert file is not None
        browser.get(file.as_uri())
        shown = browser.execute_script(SHOWN)
        assert shown["title"] == page.capture.title
        assert page.text.splitlines()[-1] in shown["text"]
        assert shown["pictures"] == [[True, 640]] * len(page.pictures)
        assert shown["hidden"] == 0
    assert all(url.startswith("file:") for url in requested(browser))


def test_every_page_that_lives_has_a_readable_copy(kept: Kept) -> None:
    assert [page.capture.url for page in kept.pages if not page.readable] == [f"{scene.SHORT}whisperSmall"]


def test_the_list_is_searched_by_what_pages_say(kept: Kept, browser: Chrome) -> None:
    browser.get((kept.folder / "html" / "index.html").as_uri())
    assert len(browser.execute_async_script(SEARCH, "")) == len({p.capture.canonical_url for p in kept.pages}) - 1
    assert browser.execute_async_script(SEARCH, "四十毫秒的块") == [scene.SPEECH.title]
    assert browser.execute_async_script(SEARCH, "no such words") == []

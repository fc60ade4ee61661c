"""ReplayWeb.page, the viewer of the people who made WACZ, shows our readable copies and asks nobody for anything."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from browsing import chromium, missing
from replay_stage import PATIENCE, VIEWER, Kept, Outside, RangeHandler, listening

from crawler.archive.interchange.records import readable_url
from crawler.testing import pages, scene

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.replay, pytest.mark.browser, pytest.mark.slow]
WITH_PICTURES = (
    scene.SPEECH.url,
    next(iter(scene.WEIXIN_ALIVE[pages.weixin_image_share])).url,
    scene.ZHIHU_COLUMN.url,
    scene.BLOG_ALIVE[0].url,
)

# The innermost document: the viewer nests custom elements and frames.
RELOADED = 15.0  # seconds after which a page that shows nothing is loaded again
SHOWN = """
const inner = (root) => {
  for (const frame of root.querySelectorAll('iframe')) {
    const document = frame.contentDocument;
    if (document) { const found = inner(document); if (found) return found; }
  }
  for (const element of root.querySelectorAll('*'))
    if (element.shadowRoot) { const found = inner(element.shadowRoot); if (found) return found; }
  return root.querySelector('article > h1') ? root : null;
};
const page = inner(document);
return page && page.readyState === 'complete' ? {
  title: page.querySelector('h1').textContent,
  text: page.body.innerText,
  pictures: [...page.images].map((image) => [image.complete, image.naturalWidth, image.naturalHeight]),
} : null;
"""


@pytest.fixture(scope="module")
def outside() -> Outside:
    return Outside()


@pytest.fixture(scope="module")
def browser(outside: Outside) -> Iterator[Chrome]:
    """Chromium to which everything but this machine lies behind a proxy that refuses and notes."""
    with (
        listening(outside.handler) as port,
        chromium("ReplayWeb.page is not tested", f"--proxy-server=127.0.0.1:{port}") as running,
    ):
        yield running


@pytest.fixture(scope="module")
def show(kept: Kept, browser: Chrome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Any]]:
    """Open one address of our WACZ file in the viewer; what is shown there."""
    if not (VIEWER / "sw.js").exists():
        missing("ReplayWeb.page is missing, our WACZ files are not tested with it", "make replay-tools")
    site = tmp_path_factory.mktemp("site")
    (site / "replay").mkdir()
    for name in ("ui.js", "replay/ui.js", "replay/sw.js"):
        shutil.copy(VIEWER / Path(name).name, site / name)
    shutil.copy(kept.wacz, site / "kept.wacz")
    with listening(partial(RangeHandler, directory=str(site))) as port:
        yield partial(opened, browser, site, f"http://localhost:{port}")


def opened(browser: Chrome, site: Path, where: str, url: str) -> Any:
    embedded = f'<replay-web-page source="kept.wacz" embed="replayonly" url="{escape(url)}"></replay-web-page>'
    (site / "index.html").write_text(f'<!DOCTYPE html><meta charset="utf-8"><script src="ui.js"></script>{embedded}')
    browser.get(f"{where}/index.html?{quote(url, safe='')}")  # another address each time: nothing comes from a cache
    until, again = time.monotonic() + PATIENCE, time.monotonic() + RELOADED
    while not (shown := browser.execute_script(SHOWN)):
        assert time.monotonic() < until, f"nothing shown: {browser.get_log('browser')}"
        if time.monotonic() > again:  # the viewer's worker took over too late for this page, on a busy machine
            browser.refresh()
            again += RELOADED
        time.sleep(0.1)
    return shown


@pytest.mark.parametrize("url", WITH_PICTURES)
def test_a_readable_copy_is_shown_with_its_pictures(kept: Kept, show: Callable[[str], Any], url: str) -> None:
    page = kept.page(url)
    shown = show(readable_url(page))
    assert shown["title"] == page.capture.title
    assert page.text.splitlines()[-1] in shown["text"]
    assert shown["pictures"] == [[True, 640, 360]] * len(page.pictures) != []


def test_nobody_outside_is_asked_for_anything(
    show: Callable[[str], Any], browser: Chrome, outside: Outside, tmp_path: Path
) -> None:
    assert outside.strangers() == set()
    (tmp_path / "calls.html").write_text('<img src="http://stranger.example/a.png"><p id="end">')
    browser.get((tmp_path / "calls.html").as_uri())
    assert outside.strangers() == {"stranger.example"}  # whoever is asked is noticed

"""The viewer in a real browser, on a desk and on a phone: clicks, keys, no script, dark mode, and axe."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from browsing import chromium, missing, requested
from viewer_stage import BACK, GONE, WEIXIN, staged

from crawler.archive import Archive

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

pytestmark = pytest.mark.browser

DESK, PHONE = (1280, 900), (390, 844)
PAGES = {
    "start": "/",
    "notes": "/notes",
    "note": "/notes/2019/05-links.md",
    "links": "/links",
    "link": f"/link?url={quote(GONE, safe='')}",
    "snapshots": f"/link?url={quote(WEIXIN, safe='')}",
    "unchecked": f"/link?url={quote('https://new.example/never-checked', safe='')}",
    "diff": f"/diff?url={quote(WEIXIN, safe='')}",
    "search": "/search?q=" + quote("语音"),
    "waiting": "/waiting",
    "runs": "/runs",
    "mend": "/mend?unconfirmed=1",
    "missing": "/nothing",
}
CONFIG = """\
[notes]
paths = ["notes"]
[archive]
path = "archive"
[fetch]
timeout = 1
retries = 0
[fetch.resolve]
"*" = "127.0.0.1:9"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("viewer")
    with staged(made):
        (made / "crawler.toml").write_text(CONFIG, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """The line that the command prints."""
    command = [sys.executable, "-m", "crawler", "serve", "--config", str(folder / "crawler.toml"), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder)
    assert process.stdout
    yield process.stdout.readline().strip()
    process.terminate()
    process.communicate(timeout=60)


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium("the viewer is not tested in a browser", "--lang=en") as running:
        yield running


def root(address: str) -> str:
    return address.partition("?")[0].rstrip("/")


def size(browser: Chrome, width: int, height: int) -> None:
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


@contextmanager
def without_script(browser: Chrome) -> Iterator[None]:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def wait(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """What the condition gives as soon as it is something; pages change while we look."""
    from selenium.common.exceptions import StaleElementReferenceException, WebDriverException

    until = time.monotonic() + seconds
    while True:
        try:
            if found := condition():
                return found
        except (StaleElementReferenceException, WebDriverException):
            pass
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.05)


def find(browser: Chrome, selector: str) -> WebElement:
    return browser.find_element("css selector", selector)


def text(browser: Chrome, selector: str = "main") -> str:
    return find(browser, selector).text


def axe_source() -> str:
    """A newer axe where CRAWLER_AXE names its axe.min.js, else the one of the development group."""
    if named := os.environ.get("CRAWLER_AXE"):
        return Path(named).read_text(encoding="utf-8")
    try:
        import axe_core_python  # type: ignore[import-untyped]  # no types are published
    except ImportError:
        missing("axe is missing, the viewer's pages are not checked with it", "pip install axe-core-python")
    return Path(axe_core_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing_and_nothing_runs_over_the_edge(
    browser: Chrome, address: str, window: tuple[int, int], theme: str
) -> None:
    source = axe_source()
    size(browser, *window)
    browser.get(address)
    for language in ("en", "zh"):
        browser.get(f"{root(address)}/set?theme={theme}&lang={language}")
        for name, page in PAGES.items():
            browser.get(root(address) + page)
            over = browser.execute_script("return document.documentElement.scrollWidth - innerWidth")
            assert over <= 0, f"{name} ({language}) is {over} pixels too wide"
            browser.execute_cdp_cmd("Runtime.evaluate", {"expression": source})
            found = browser.execute_async_script(
                "const done = arguments[0]; axe.run({iframes: false, runOnly: {type: 'tag', values: ['wcag2a',"
                " 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}}).then(r => done(r.violations))"
            )
            told = [(v["id"], [node["html"][:200] for node in v["nodes"][:3]]) for v in found]
            assert not told, f"{name} ({language}): {told}"
    browser.get(f"{root(address)}/set?theme=auto&lang=en")


def test_no_page_breaks_its_own_policy_or_asks_elsewhere(browser: Chrome, address: str) -> None:
    size(browser, *DESK)
    browser.get(address)
    browser.get_log("browser")
    requested(browser)
    for page in PAGES.values():
        browser.get(root(address) + page)
    asked = requested(browser)

    assert all(url.startswith(root(address)) for url in asked if url.startswith("http"))
    logs = [entry["message"] for entry in browser.get_log("browser") if "404" not in entry["message"]]
    assert logs == []


def test_words_filter_a_list_while_they_are_typed_and_the_address_follows(browser: Chrome, address: str) -> None:
    size(browser, *DESK)
    browser.get(root(address) + "/links")
    find(browser, "main input[name=q]").send_keys("消失")
    wait(lambda: "1 link" in text(browser, "#results"))

    assert "一篇消失的文章" in text(browser, "#results")
    assert "back again" not in text(browser, "#results")
    assert quote("消失") in browser.current_url
    browser.refresh()
    assert "一篇消失的文章" in text(browser, "#results")


def test_a_choice_filters_at_once_and_back_takes_it_back(browser: Chrome, address: str) -> None:
    from selenium.webdriver.support.ui import Select

    size(browser, *DESK)
    browser.get(root(address) + "/links")
    Select(find(browser, "select[name=state]")).select_by_value("blocked")
    wait(lambda: "forum.example" in text(browser, "#results") and "1 link" in text(browser, "#results"))
    browser.back()
    wait(lambda: "back again" in text(browser, "#results"))


def test_search_and_reading_a_copy_need_no_mouse(browser: Chrome, address: str) -> None:
    from selenium.webdriver import ActionChains, Keys

    size(browser, *DESK)
    browser.get(root(address) + "/runs")
    ActionChains(browser).send_keys(Keys.TAB).perform()
    assert browser.execute_script("return document.activeElement.className") == "skip"
    ActionChains(browser).key_down(Keys.CONTROL).send_keys("k").key_up(Keys.CONTROL).perform()
    ActionChains(browser).send_keys("语音识别", Keys.ENTER).perform()
    wait(lambda: browser.find_elements("css selector", "mark"))
    browser.execute_script("document.querySelector('[data-first]').focus()")
    ActionChains(browser).send_keys(Keys.ARROW_DOWN).perform()
    assert browser.execute_script("return document.activeElement.className") == "name"
    ActionChains(browser).send_keys(Keys.ENTER).perform()
    wait(lambda: "What was seen" in text(browser))


def test_without_a_script_everything_can_be_read_filtered_and_compared(browser: Chrome, address: str) -> None:
    size(browser, *PHONE)
    with without_script(browser):
        browser.get(root(address) + "/links")
        find(browser, "main input[name=q]").send_keys("消失")
        find(browser, "main form button").click()
        wait(lambda: "1 link" in text(browser, "#results"))
        find(browser, "#results a.name").click()
        wait(lambda: "What it proves" in text(browser))
        browser.get(root(address) + PAGES["snapshots"])
        browser.find_element("link text", "Compare").click()
        wait(lambda: "第二句是旧的。" in text(browser))


def test_the_frame_shows_the_copy_and_nothing_in_it_acts(browser: Chrome, address: str) -> None:
    size(browser, *DESK)
    requested(browser)
    browser.get(f"{root(address)}{PAGES['snapshots']}&snapshot=1")
    browser.execute_script("document.querySelector('iframe').scrollIntoView()")
    frame = find(browser, "iframe")
    browser.switch_to.frame(frame)
    wait(lambda: "text of the copy" in browser.page_source)
    loaded = browser.execute_script("return [...document.images].map(i => i.naturalWidth)")
    browser.switch_to.default_content()
    time.sleep(0.5)

    assert loaded == [1]
    assert not [url for url in requested(browser) if "evil.example" in url or "fine.example" in url]
    assert browser.current_url.startswith(root(address))


def test_dark_mode_follows_the_system_and_the_switch(browser: Chrome, address: str) -> None:
    def ground() -> str:
        return str(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))

    def prefers(scheme: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    size(browser, *DESK)
    browser.get(root(address) + "/set?theme=auto")
    prefers("light")
    light = ground()
    prefers("dark")
    dark = ground()
    browser.get(root(address) + "/set?theme=light")
    forced = ground()
    prefers("light")
    browser.get(root(address) + "/set?theme=auto")

    assert light == forced != dark


def test_a_mend_is_accepted_and_taken_back_by_clicks(browser: Chrome, address: str, folder: Path) -> None:
    note = folder / "notes" / "2019" / "05-links.md"
    before = note.read_bytes()
    size(browser, *PHONE)
    browser.get(address)
    browser.get(root(address) + "/notes/2019/05-links.md")
    browser.find_element("link text", "Propose mends").click()
    wait(lambda: "https://blog.example/b" in text(browser))
    find(browser, "button.main").click()
    wait(lambda: "2019/05-links.md was mended." in text(browser))
    assert b"https://blog.example/b)" in note.read_bytes()
    find(browser, ".good button").click()
    wait(lambda: "links in this note" in text(browser))

    assert note.read_bytes() == before


def test_rearchiving_shows_its_progress_and_its_end(browser: Chrome, address: str, folder: Path) -> None:
    size(browser, *DESK)
    browser.get(address)
    browser.get(f"{root(address)}/link?url={quote(BACK, safe='')}")
    find(browser, ".actions button").click()
    wait(lambda: "Done." in text(browser) or "could not be done" in text(browser), 30)

    assert "blog.example/2019/back" in text(browser)
    with Archive.open(folder / "archive", write=False) as archive:
        assert archive.runs(1)[0].command == "rearchive"

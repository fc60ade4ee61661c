"""The HTML report in headless Chromium: it asks for nothing, and filter and sort do what they say."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import chromium, requested
from samples import full_report

from crawler.report import FORMATS, ReportOptions

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """A headless Chromium; without one the tests are skipped, but never in CI."""
    with chromium("the HTML report is not tested in a browser") as running:
        yield running


@pytest.fixture
def page(browser, tmp_path: Path):  # type: ignore[no-untyped-def]
    """The full report, freshly opened from disk."""
    file = tmp_path / "report.html"
    file.write_text(FORMATS["html"].render(full_report(), ReportOptions()), encoding="utf-8")
    browser.get_log("performance"), browser.get_log("browser")
    browser.get(file.as_uri())
    return browser


def titles(page: Any) -> list[str]:
    return list(
        page.execute_script("return [...document.querySelectorAll('#list [data-f=title]')].map(n => n.textContent)")
    )


def choose(page: Any, script: str) -> list[str]:
    """Do something in the page, wait until the list has followed, and read it."""
    shown: list[str] = page.execute_async_script(
        script + "; const done = arguments[arguments.length - 1];"
        "setTimeout(() => done([...document.querySelectorAll('#list [data-f=title]')].map(n => n.textContent)), 200)"
    )
    return shown


def enter(name: str, value: str) -> str:
    return (
        f"const field = document.querySelector('#controls [name={name}]'); field.value = {json.dumps(value)};"
        "field.dispatchEvent(new Event('input', { bubbles: true }))"
    )


def test_opening_it_asks_for_nothing_and_breaks_no_policy(page) -> None:  # type: ignore[no-untyped-def]
    assert requested(page) == {page.current_url}
    assert page.get_log("browser") == []


def test_it_begins_with_what_is_dead_or_suspect(page) -> None:  # type: ignore[no-untyped-def]
    shown = titles(page)
    assert len(shown) == 5
    assert shown[0] == "词向量的前世今生：从 one-hot 到 word2vec"
    assert shown[-1] == "A deep link"


def test_clicking_a_state_filters_by_it(page) -> None:  # type: ignore[no-untyped-def]
    from selenium.webdriver.common.by import By

    page.find_element(By.CSS_SELECTOR, ".tile.state-suspect").click()
    assert "A deep link" not in titles(page)
    page.find_element(By.CSS_SELECTOR, ".tile.state-dead").click()
    assert len(titles(page)) == len(full_report().findings)
    page.find_element(By.CSS_SELECTOR, ".tile.state-alive").click()
    assert titles(page) == ["怎样理解反向传播？", "机器学习公开课"]
    assert page.find_element(By.ID, "shown").text == "shown: 2 of 10"


def test_typing_filters_by_title_url_note_and_reason(page) -> None:  # type: ignore[no-untyped-def]
    assert choose(page, enter("text", "前世今生")) == ["词向量的前世今生：从 one-hot 到 word2vec"]
    assert choose(page, enter("text", "ZHUANLAN p/251")) == ["https://zhuanlan.zhihu.com/p/25110450"]
    assert choose(page, enter("text", "github_story")) == ["A deep link"]
    assert choose(page, enter("text", "missing-file")) == ["/images/cbow.png"]
    assert choose(page, enter("text", "no such thing")) == []
    assert page.execute_script("return document.getElementById('shown').textContent") == "Nothing matches."


def test_choosing_a_site_leaves_its_links_alone_in_the_list(page) -> None:  # type: ignore[no-untyped-def]
    assert choose(page, enter("site", "zhihu")) == ["https://zhuanlan.zhihu.com/p/25110450"]


def test_sorting_by_note_and_by_last_check(page) -> None:  # type: ignore[no-untyped-def]
    by_note = choose(page, enter("sort", "path"))
    assert by_note[0].startswith("红色")  # notes/… before posts/…
    by_check = choose(page, enter("sort", "checked"))
    assert by_check[-1] == "https://zhuanlan.zhihu.com/p/25110450"


def test_hostile_strings_are_text_in_the_drawn_cards(page) -> None:  # type: ignore[no-untyped-def]
    assert page.execute_script("return document.querySelectorAll('main script, main img, main iframe').length") == 0
    hrefs = page.execute_script(
        "return [...document.querySelectorAll('main a[href]')].map(n => n.getAttribute('href'))"
    )
    assert all(href.startswith(("http://", "https://", "archive/")) for href in hrefs)


def test_cards_drawn_by_the_script_are_those_written_into_the_page(page) -> None:  # type: ignore[no-untyped-def]
    source = FORMATS["html"].render(full_report(), ReportOptions())
    written, drawn = page.execute_script(
        """
        const told = (root) => [...root.querySelectorAll('#list li.card')].map((card) => [
          card.className, card.textContent.replace(/\\s+/g, ' ').trim(),
          [...card.querySelectorAll('a')].map((a) => a.getAttribute('href')),
          [...card.querySelectorAll('[data-f]')].map((field) => field.dataset.f),
        ]);
        return [told(new DOMParser().parseFromString(arguments[0], 'text/html')), told(document)];
        """,
        source,
    )
    assert drawn == written


def test_a_further_page_filters_and_counts_the_links_that_it_holds(  # type: ignore[no-untyped-def]
    browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.report.html.LIMIT", 0)
    monkeypatch.setattr("crawler.report.html_pages.LEAST", 2_000)
    monkeypatch.setattr("crawler.report.html_pages.LIMIT", 4_500)
    pages = {n: "".join(text) for n, text in FORMATS["html"].pages(full_report(), ReportOptions(page_name="r.html"))}
    file = tmp_path / "r-2.html"
    file.write_text(pages[2], encoding="utf-8")
    browser.get(file.as_uri())
    rows, tiles = browser.execute_script(
        "const rows = JSON.parse(document.getElementById('data').textContent).rows;"
        "return [rows.map((row) => row.s), [...document.querySelectorAll('.tile')].map((t) => [+t.dataset.state,"
        " t.querySelector('.figure').textContent, t.disabled, t.offsetHeight > 0])];"
    )
    assert 0 < len(rows) < 10
    assert tiles == [[rank, str(rows.count(rank)), rank not in rows, True] for rank in range(6)]
    sizes = browser.execute_script(
        "return [...document.querySelectorAll('.numbers a')].map((a) => [a.offsetWidth, a.offsetHeight])"
    )
    assert sizes
    assert all(min(size) >= 44 for size in sizes), "a finger needs 44 pixels"


def test_a_phone_shows_every_figure_of_every_site(page) -> None:  # type: ignore[no-untyped-def]
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        figures = page.execute_script(
            "return [...document.querySelectorAll('.sites td[data-of]')].map((cell) => {"
            " const at = cell.getBoundingClientRect(); return [at.left, at.right, at.height]; })"
        )
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert figures
    assert all(left >= 0 and right <= 360 and height > 0 for left, right, height in figures)


def test_nothing_overflows_a_phone(page) -> None:  # type: ignore[no-untyped-def]
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    )
    try:
        assert page.execute_script("return document.documentElement.scrollWidth") <= 360
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

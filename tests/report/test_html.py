"""The HTML report: one file, whole without a script, closed to everything from outside."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from samples import (
    DAY,
    NOW,
    RUN,
    dead_weixin,
    down_report,
    empty_report,
    full_report,
    link,
    living_report,
)

from crawler.core.model import History, State
from crawler.core.results import Health, Report
from crawler.crawl.results import build_report
from crawler.report import FORMATS, ReportOptions
from crawler.report.charts import MAX_POINTS, Years, dead_by_year, health, year_of
from crawler.report.document import readable_document
from crawler.report.html import MAX_PLACES, MAX_WRITTEN
from crawler.report.parts import ReportDocument
from crawler.report.words import CHINESE, ENGLISH


class Outline(HTMLParser):
    """What the tests ask of a page: tags with their attributes, and whether all that was opened was closed."""

    VOID = frozenset({"meta", "link", "input", "br", "path", "rect", "circle"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def written(report=None, **options: object) -> str:  # type: ignore[no-untyped-def]
    return FORMATS["html"].render(report or full_report(), ReportOptions(**options))  # type: ignore[arg-type]


MEGABYTES_5 = 5_000_000


def years_of(document: ReportDocument) -> Years:
    years = Years()
    for one in document.links:
        years.count(one)
    return years


def data_of(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    data: dict[str, object] = json.loads(found[1])
    return data


@pytest.mark.parametrize("make", [full_report, empty_report, living_report, down_report])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_is_well_formed(make: Callable[[], object], language: str) -> None:
    assert Outline(written(make(), language=language)).open == []


def test_nothing_is_loaded_from_anywhere() -> None:
    outline = Outline(written())
    loaded = [
        (tag, attrs) for tag, attrs in outline.tags if "src" in attrs or tag in ("iframe", "img", "object", "use")
    ]
    assert loaded == []
    assert [attrs["href"] for tag, attrs in outline.tags if tag == "link"] == ["data:,"]
    assert "@import" not in written()
    assert "url(" not in written()


def test_the_policy_allows_exactly_the_style_and_the_script_of_the_page() -> None:
    page = written()
    policy = next(a["content"] or "" for t, a in Outline(page).tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        text = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert len(text) == 1
        digest = base64.b64encode(hashlib.sha256(text[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    attributes = [name for _, attrs in Outline(page).tags for name in attrs]
    assert not [name for name in attributes if name == "style" or name.startswith("on")]


def test_links_lead_to_the_web_or_to_relative_files_only() -> None:
    bad = link("javascript:alert(1)", "other", ("a.md", 1, "<b>click</b>"))
    history = History(bad.canonical_url, NOW, state=State.DEAD, reason="malformed-url", checked_at=NOW)
    page = written(build_report(RUN, [bad], {bad.canonical_url: history}, NOW))
    hrefs = [attrs["href"] for tag, attrs in Outline(page).tags if tag == "a" and "href" in attrs]
    assert hrefs == []
    assert data_of(page)["rows"][0]["h"] == "#"  # type: ignore[index]
    assert "<b>click" not in page


def test_the_data_block_cannot_end_its_script() -> None:
    page = written()
    block = page[page.index('id="data">') + 10 :]
    assert "<" not in block[: block.index("</script>")]
    assert len(data_of(page)["rows"]) == len(full_report().findings)  # type: ignore[arg-type]


def test_what_is_dead_or_suspect_can_be_read_without_a_script() -> None:
    page = written()
    whole = page[: page.index('<template id="card">')]
    assert "该内容已被发布者删除" in whole
    assert "https://blog.example.org/2012/03/deep-link.html" in whole
    assert 'href="archive/readable/17.html"' in whole


def test_twenty_five_thousand_links_stay_a_page_that_browsers_open() -> None:
    example, history = dead_weixin()
    links = [link(f"{example.url}&n={i}", "weixin", (f"{i % 800}.md", i + 1, f"标题 {i}")) for i in range(25_000)]
    report = build_report(
        RUN, links, {w.canonical_url: replace(history, canonical_url=w.canonical_url) for w in links}, NOW
    )
    page = written(report)
    assert page.count('<li class="card state-dead">') == MAX_WRITTEN
    assert len(page.encode()) < MEGABYTES_5
    assert "left out here" in page


def long_report(dead: int, alive: int) -> Report:
    """Dead and living links of two sites, each in a few notes, with addresses that grow when they are escaped."""
    example, history = dead_weixin()
    links = [
        link(f"{example.url}&a=1&b=2&n={i}", ("other", "weixin")[i % 2], (f"2019/{i % 800}.md", i + 1, f"标题 {i}"))
        for i in range(dead + alive)
    ]
    states = [State.DEAD] * dead + [State.ALIVE] * alive
    histories = {
        x.canonical_url: replace(history, canonical_url=x.canonical_url, state=state)
        for x, state in zip(links, states, strict=True)
    }
    return build_report(RUN, links, histories, NOW)


def pages_of(report: Report) -> dict[int, str]:
    return {n: "".join(text) for n, text in FORMATS["html"].pages(report, ReportOptions(page_name="r p.html"))}


@pytest.mark.parametrize(("dead", "alive"), [(9_000, 0), (100, 30_000)])
def test_a_list_too_long_for_one_file_goes_on_in_further_ones(dead: int, alive: int) -> None:
    report = long_report(dead, alive)
    pages = pages_of(report)
    assert list(pages) == [*range(len(pages), 0, -1)], "the first is written last"
    assert len(pages) > 1
    assert all(len(page.encode()) < MEGABYTES_5 for page in pages.values())
    shown = [row for n in sorted(pages) for row in data_of(pages[n])["rows"]]  # type: ignore[attr-defined]
    places = [(row["s"], row["w"] != "weixin") for row in shown]
    assert places == sorted(places), "what needs attention first, WeChat before others"
    assert sorted(row["u"] for row in shown) == sorted(row.url for row in readable_document(report).links)
    assert 'href="r%20p-2.html"' in pages[1]
    assert 'href="r%20p.html"' in pages[2]
    assert f"Page 1 of {len(pages)}: links 1 to" in pages[1]
    assert "charts" in pages[1]
    assert '<section class="charts">' not in pages[2]


def test_a_further_page_without_a_script_leads_to_the_first() -> None:
    pages = pages_of(long_report(9_000, 0))
    assert "<noscript><p" in pages[2]
    assert "the first page lists what is dead or suspect" in pages[2]
    assert "the first page lists" not in pages[1]


def test_commands_in_our_own_sentences_are_code_and_backticks_of_strangers_text() -> None:
    assert "<code>crawler explain URL</code>" in written()
    assert "or <code>[fetch] probe</code> can agree" in written()
    assert "`code` txt.exe" in written()


def test_a_short_list_is_one_page_that_speaks_of_no_others() -> None:
    pages = pages_of(full_report())
    assert pages == {1: written()}
    assert "Page 1" not in pages[1]


def test_a_link_in_very_many_notes_does_not_make_a_page_of_its_places() -> None:
    example, history = dead_weixin()
    everywhere = link(example.url, "weixin", *((f"{i}.md", 1, "") for i in range(2 * MAX_PLACES)))
    page = written(build_report(RUN, [everywhere], {everywhere.canonical_url: history}, NOW))
    places = data_of(page)["rows"][0]["p"]  # type: ignore[index]
    assert len(places) == MAX_PLACES + 1
    assert places[-1] == {"p": "… and 1,000 more"}


def test_the_page_speaks_chinese() -> None:
    page = written(language="zh")
    assert '<html lang="zh-Hans">' in page
    assert "链接健康报告" in page
    assert "What changed" not in page


@pytest.mark.parametrize(
    ("path", "year"),
    [
        ("posts/2016-1-17-word_vectors.markdown", "2016"),
        ("2019/03/note.md", "2019"),
        ("notes/20190312 idea.md", "2019"),
        ("2014/2016-05-01-later.md", "2016"),
        ("2018/idea.md", "2018"),
        ("日记/2018年/idea.md", "2018"),
        ("2014.md", "2014"),
        ("top-2000-songs.md", ""),
        ("2015-13-x.md", ""),
        ("id-123420190312.md", ""),
        ("readme.md", ""),
    ],
)
def test_the_year_of_a_note_stands_in_its_path(path: str, year: str) -> None:
    assert year_of(path) == year


def test_charts_tell_their_numbers_in_text_too() -> None:
    document = readable_document(full_report())
    chart = dead_by_year(years_of(document), ENGLISH)
    assert chart
    assert ["2016", "2", "2", "100 %"] in [list(row) for row in chart.rows]
    assert ["2015", "0", "0", "–"] in [list(row) for row in chart.rows]
    assert 'role="img"' in chart.svg
    assert 'aria-label="Dead links by year of the note"' in chart.svg


def test_the_first_and_the_last_date_stand_below_the_chart_of_health() -> None:
    chart = health(readable_document(full_report()).trend, ENGLISH)
    assert chart
    dates = re.findall(r"<text[^>]*>(\d{4}-\d\d-\d\d)</text>", chart.svg)
    assert (dates[0], dates[-1]) == (chart.rows[0][0], chart.rows[-1][0])
    assert 3 <= len(dates) <= 5


def test_charts_hold_shapes_and_text_only() -> None:
    document = readable_document(full_report())
    for chart in (health(document.trend, CHINESE), dead_by_year(years_of(document), CHINESE)):
        assert chart
        assert set(re.findall(r"<(\w+)", chart.svg)) <= {"svg", "g", "path", "rect", "text", "title", "circle"}
        assert not re.search(r"\s(?:style|on\w+|href|id)=", chart.svg)


def test_a_long_history_is_thinned_and_keeps_its_ends() -> None:
    trend = tuple(Health(NOW - (1000 - i) * DAY, ((State.DEAD, i),)) for i in range(1001))
    document = readable_document(replace(full_report(), trend=trend))
    chart = health(document.trend, ENGLISH)
    assert chart
    assert len(chart.rows) == MAX_POINTS
    assert (chart.rows[0][1], chart.rows[-1][1]) == ("0", "1,000")


def test_a_chart_of_one_point_is_not_drawn() -> None:
    document = readable_document(replace(full_report(), trend=full_report().trend[:1]))
    assert health(document.trend, ENGLISH) is None
    assert dead_by_year(years_of(readable_document(living_report())), ENGLISH) is None


def test_both_languages_fill_the_same_braces() -> None:
    for name in ENGLISH.__dataclass_fields__:
        english, chinese = getattr(ENGLISH, name), getattr(CHINESE, name)
        if isinstance(english, str):
            assert set(re.findall(r"\{(\w+)", english)) == set(re.findall(r"\{(\w+)", chinese)), name
        else:
            assert english.keys() == chinese.keys(), name

"""The document that all formats are written from."""

from dataclasses import fields, replace
from pathlib import Path

import msgspec
import pytest
from samples import HOSTILE_TITLE, NOW, RUN, dead_weixin, differs, full_report, link

from crawler.core.errors import UsageError
from crawler.core.model import Evidence, History, State
from crawler.core.results import Change, ChangeKind
from crawler.crawl.results import build_report
from crawler.report import FORMATS, ReportOptions
from crawler.report.document import exact_document, readable_document, short_document
from crawler.report.phrases import in_state, news, site_rank, with_other_title
from crawler.report.words import ENGLISH

REPORT = Path(__file__).parents[2] / "crawler" / "report"


def test_a_partial_document_counts_everything_and_keeps_what_is_to_be_told() -> None:
    whole, partial = readable_document(full_report()), readable_document(full_report(), whole=False)
    assert (partial.counts, partial.by_site, partial.changes) == (whole.counts, whole.by_site, whole.changes)
    assert partial.new_notices == whole.new_notices
    assert {row.canonical_url for row in whole.links} - {row.canonical_url for row in partial.links} == {
        "https://new.example.net/"
    }


def test_programs_get_titles_as_they_are_and_people_get_them_harmless() -> None:
    exact = {row.note_title for row in exact_document(full_report()).links}
    readable = {row.note_title for row in readable_document(full_report()).links}
    assert HOSTILE_TITLE.replace("\udc80", "\ufffd") in exact
    assert not [title for title in readable if title and not title.isprintable()]


def test_a_living_page_with_a_strange_title_differs_and_a_dead_one_has_no_title_to_compare() -> None:
    written, history = differs()

    def told(memory: History) -> bool:
        (row,) = exact_document(build_report(RUN, [written], {memory.canonical_url: memory}, NOW)).links
        return row.title_differs

    assert told(history)
    assert not told(replace(history, title_match=0.8))
    assert not told(replace(history, title_match=None))
    assert not told(replace(history, state=State.DEAD))


def test_the_same_new_wording_on_many_pages_is_one_notice_with_a_count() -> None:
    links = [link(f"https://mp.weixin.qq.com/s/{i}", "weixin") for i in range(7)]
    histories = {
        w.canonical_url: History(w.canonical_url, NOW, state=State.UNKNOWN, evidence=Evidence(notice="新措辞"))
        for w in links
    }
    (notice,) = exact_document(build_report(RUN, links, histories, NOW)).new_notices
    assert (notice.text, notice.count, len(notice.urls)) == ("新措辞", 7, 3)


@pytest.mark.parametrize("field", fields(ENGLISH), ids=lambda field: field.name)
def test_every_phrase_is_used(field: object) -> None:
    name = field.name  # type: ignore[attr-defined]
    sources = [f.read_text("utf-8") for f in REPORT.rglob("*") if f.suffix in (".py", ".html") and f.stem != "words"]
    assert any(f"say.{name}" in text or f"words(language).{name}" in text for text in sources)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("most", [1, 2, 5, 1000])
def test_a_short_document_has_what_comes_first_in_the_whole_one(most: int, whole: bool) -> None:
    example, history = dead_weixin()
    states = list(State)
    sites = ("other", "weixin", "zhihu")
    links = [link(f"{example.url}&n={n}", sites[n % 3], (f"{n % 7}.md", n, "t")) for n in range(200)]
    histories = {
        x.canonical_url: replace(
            history, canonical_url=x.canonical_url, state=states[n % 7 % len(states)], title_match=(0.1, 1.0)[n % 2],
            evidence=replace(history.evidence, notice=f"notice {n % 4}" if n % 5 == 0 else ""),
        )
        for n, x in enumerate(links)
    }  # fmt: skip
    changes = [Change(kind, x.canonical_url, NOW, "", "") for x in links[::3] for kind in ChangeKind]
    report = build_report(RUN, links, histories, NOW, changes=changes)
    full = readable_document(report, whole=whole)
    short, titles = short_document(report, most, site_rank, whole=whole)
    for state in State if whole else set(State) - {State.ALIVE, State.UNCHECKED}:
        assert in_state(short, state)[:most] == in_state(full, state)[:most]
        assert len(in_state(full, state)) == short.counts[state]
    assert with_other_title(short)[:most] == with_other_title(full)[:most]
    assert titles == len(with_other_title(full)) > 0
    assert [(kind, some[:most]) for kind, some in news(short)] == [(kind, some[:most]) for kind, some in news(full)]
    assert msgspec.structs.replace(short, links=()) == msgspec.structs.replace(full, links=())
    assert short.new_notices
    assert len(short.links) <= len(full.links)
    if most == 1:
        assert len(short.links) < 20 < len(full.links)


def test_rows_that_find_no_room_are_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("crawler.report.html_pages.HELD", 1)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="cannot hold the rows of an HTML report"):
        FORMATS["html"].render(full_report(), ReportOptions())

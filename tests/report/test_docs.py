"""docs/reports.md names every format, every key and every kind that reports have."""

import re
from pathlib import Path

import pytest

from crawler.core.model import Failure, Kind, State
from crawler.core.results import ChangeKind
from crawler.report import FORMATS
from crawler.report.json_report import schema
from crawler.report.reasons import REASONS, reason_help, reason_name

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
KEYS = sorted({key for part in schema()["$defs"].values() for key in part.get("properties", ())})


@pytest.mark.parametrize("word", [*KEYS, *FORMATS, *State, *ChangeKind, *Kind])
def test_every_format_and_key_stands_in_the_docs(word: str) -> None:
    assert f"`{word}`" in DOCS


def test_every_reason_of_the_docs_has_words() -> None:
    documented = re.findall(r"^\| `([a-z0-9-]+)` \|", (ROOT / "docs" / "reasons.md").read_text("utf-8"), re.MULTILINE)
    assert set(documented) - REASONS.keys() == set()


def test_every_failure_of_the_wire_has_words() -> None:
    assert [failure for failure in Failure if failure.reason not in REASONS] == []


def test_a_reason_of_a_users_own_site_file_is_shown_by_its_words() -> None:
    assert reason_name("moved-to-paywall", "zh") == "moved to paywall"
    assert "moved to paywall" in reason_help("moved-to-paywall")

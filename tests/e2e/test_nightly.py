"""The nightly run and what stands beside it: one verdict, whose files are whose, what ends before a request."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from crawler.archive import Archive
from crawler.core.settings import ArchiveSettings
from crawler.testing import pages
from crawler.testing.answer import StandInAnswer, StandInPlan

if TYPE_CHECKING:
    from conftest import Stage

pytestmark = pytest.mark.slow

DELETED = "https://mp.weixin.qq.com/s/NIGHTdeleted000000_01"
GONE = "https://blog.example/gone"
NAMELESS = "https://no-such-name.invalid/a"
LIVING = "https://blog.example/alive"
PROSE = "<p>" + "The lamp in the harbour is lit at six, and put out when the last boat is in. " * 20 + "</p>"
PLAN = StandInPlan(
    answers={
        DELETED: StandInAnswer(pages.weixin_notice("该内容已被发布者删除")),
        GONE: StandInAnswer(b"<p>gone", status=404),
        LIVING: StandInAnswer(f"<title>The lamp</title><article><h1>The lamp</h1>{PROSE}</article>".encode()),
    }
)
NOTE = f"{DELETED}\n\n{GONE}\n\n{NAMELESS}\n\n{LIVING}\n"


@pytest.fixture
def stage(staged: Callable[..., Stage]) -> Stage:
    made = staged(PLAN)
    made.note("a.md", NOTE)
    made.note("b.md", f"{LIVING}\n")
    return made


def files(stage: Stage) -> dict[str, bytes]:
    return {
        str(path.relative_to(stage.folder)): path.read_bytes()
        for path in sorted((stage.folder / "archive").rglob("*"))
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))  # SQLite's, for every reader
    }


def reported(stage: Stage, *arguments: str) -> tuple[int, dict[str, tuple[str, str]], dict[str, Any]]:
    done = stage.crawler(*arguments, "--format", "json")
    assert "internal error" not in done.stderr, done.stderr
    report = json.loads(done.stdout)
    return done.returncode, {x["url"]: (x["state"], x["reason"]) for x in report["links"]}, report


def test_check_run_and_report_say_the_same_of_the_same_link(stage: Stage) -> None:
    code, before, first = reported(stage, "check", "notes/a.md")
    assert code == 1
    assert {url for url, (state, _) in before.items() if state == "dead"} == {DELETED, GONE, NAMELESS}
    _, in_run, _ = reported(stage, "run")
    again, after, second = reported(stage, "check", "notes/a.md")
    asked, anew, _ = reported(stage, "check", "notes/a.md", "--all")
    _, remembered, _ = reported(stage, "report")
    assert before == in_run == after == anew == remembered
    assert again == asked == 1
    assert {x["known_before"] for x in first["links"]} == {False}
    assert {x["known_before"] for x in second["links"]} == {True}


def test_check_writes_nothing_into_the_archive(stage: Stage) -> None:
    stage.configure({"report": {"formats": ["html", "json"]}, "notify": {"feed": "feed.xml"}})
    assert reported(stage, "run")[0] == 0
    kept = files(stage)
    stage.web.put(LIVING, StandInAnswer(b"<p>gone", status=410))
    assert reported(stage, "check", "--all")[0] == 1
    assert files(stage) == kept


@pytest.mark.parametrize(
    "command",
    [("run", "notes/b.md"), ("report", "notes/b.md"), ("check",), ("check", "notes/b.md"), ("rearchive", LIVING)],
)
def test_reports_of_all_notes_are_replaced_by_no_report_of_some(stage: Stage, command: tuple[str, ...]) -> None:
    stage.configure({"report": {"formats": ["json"]}, "notify": {"feed": "feed.xml"}})
    stage.crawler("run", "--quiet")
    (stage.folder / "archive" / "report.json").write_text("of all notes")
    (stage.folder / "feed.xml").write_text("of all notes")
    stage.crawler(*command)
    assert (stage.folder / "archive" / "report.json").read_text() == "of all notes"
    assert (stage.folder / "feed.xml").read_text() == "of all notes"


@pytest.mark.parametrize(
    "command", [("run",), ("run", "notes"), ("run", "notes/a.md", "notes/b.md"), ("run", "."), ("report",)]
)
def test_reports_of_all_notes_are_written_where_all_notes_were_read(stage: Stage, command: tuple[str, ...]) -> None:
    stage.configure({"report": {"formats": ["json"]}, "notify": {"feed": "feed.xml"}})
    done = stage.crawler(*command, "--format", "tsv", "--output", os.devnull)
    assert done.returncode == 0, done.stderr
    assert len(json.loads((stage.folder / "archive" / "report.json").read_text())["links"]) == 4
    assert (stage.folder / "feed.xml").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"wayback": {"keys": "env:CRAWLER_UNSET", "submit": True}}, "CRAWLER_UNSET"),
        ({"notify": {"webhook": "env:CRAWLER_UNSET"}}, "CRAWLER_UNSET"),
        ({"notify": {"webhook": "hooks.example"}}, "hooks.example"),
        ({"report": {"formats": ["htlm"]}}, "htlm"),
        ({"notify": {"feed": "crawler.toml/feed.xml"}}, "feed.xml"),
        ({"notify": {"feed": "notes"}}, "notes"),
        ({"report": {"formats": ["html"], "path": "crawler.toml"}}, "report.html"),
    ],
)
def test_what_would_end_a_run_after_its_requests_ends_it_before(
    stage: Stage, options: dict[str, Any], said: str
) -> None:
    stage.configure(options)
    done = stage.crawler("run")
    assert (done.returncode, len(stage.web.log)) == (2, 0)
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [("run",), ("check",), ("report",), ("rearchive", LIVING)])
def test_an_output_that_cannot_be_written_is_found_before_the_first_request(
    stage: Stage, command: tuple[str, ...]
) -> None:
    done = stage.crawler(*command, "--format", "html", "--output", "notes/a.md/report.html")
    assert (done.returncode, len(stage.web.log)) == (2, 0)
    assert "report.html cannot be written" in done.stderr
    assert not (stage.folder / "archive").exists()


def test_a_limit_on_links_leaves_a_run_incomplete(stage: Stage) -> None:
    _, states, report = reported(stage, "run", "--max-links", "1")
    assert report["run"]["complete"] is False
    assert sum(state != "unchecked" for state, _ in states.values()) == 1
    assert {reason for state, reason in states.values() if state == "unchecked"} == {"over-budget"}
    assert reported(stage, "run")[2]["run"]["complete"] is True


@pytest.mark.parametrize("command", ["run", "check", "report"])
def test_a_damaged_note_stands_in_every_report_and_is_said_even_with_quiet(stage: Stage, command: str) -> None:
    stage.note("damaged.md", "Ein Wört.\n".encode() * 40 + b"broken: \xf0\x9f\x98\n\n" + LIVING.encode() + b"\n")
    done = stage.crawler(command, "--quiet", "--format", "json")
    assert "damaged.md" in done.stderr
    (damaged,) = json.loads(done.stdout)["damaged_notes"]
    assert (damaged["path"], bool(damaged["why"])) == ("damaged.md", True)
    for name in ("markdown", "html", "terminal"):
        assert "damaged.md is damaged" in stage.crawler(command, "--quiet", "--format", name).stdout


def test_what_waits_too_long_is_named_near_the_top(stage: Stage) -> None:
    assert reported(stage, "run")[0] == 0
    archive = Archive.open(stage.folder / "archive", ArchiveSettings(), write=True, command="test")
    try:
        history = archive.history(LIVING)
        assert history is not None
        assert history.checked_at is not None
        archive.put_histories([replace(history, checked_at=history.checked_at - timedelta(days=40))])
    finally:
        archive.close()
    _, _, report = reported(stage, "report")
    assert report["overdue"] == [LIVING]
    text = stage.crawler("report", "--format", "terminal").stdout.splitlines()
    place = next(n for n, line in enumerate(text) if LIVING in line)
    assert "Waited too long" in text[place] or "Waited too long" in text[place - 1]
    assert place < 15

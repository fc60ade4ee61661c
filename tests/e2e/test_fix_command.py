"""Mending notes and handing the archive on, through the real command line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from crawler.testing import pages
from crawler.testing.answer import StandInAnswer, StandInPlan, redirect
from crawler.testing.pages import Article

if TYPE_CHECKING:
    from conftest import Stage

pytestmark = pytest.mark.slow

WORDS = ("A bridge is a short road.", "It ends where it began to be needed.", "Nobody lives on it.")
POST = Article("https://blog.example/bridges", "On small bridges", "Ann", WORDS, account="Ann's")
MOVED = Article("https://moved.example/new(1)", "On moving", "Ann", WORDS, account="Ann's")
OLD = "https://moved.example/old"
PLAN = StandInPlan(
    answers={
        POST.url: StandInAnswer(pages.blog_article(POST)),
        OLD: redirect(MOVED.url, 301),
        MOVED.url: StandInAnswer(pages.blog_article(MOVED)),
    }
)
NOTE = f"# 笔记\r\n\r\n[bridges]({POST.url})。\r\n\r\n[moved]({OLD})\r\n\r\n`{OLD}`\r\n"


@pytest.fixture
def stage(staged: Callable[..., Stage]) -> Stage:
    """A post that was kept, and is gone since; and one that moved."""
    made = staged(PLAN)
    made.note("2024-05-06-a.md", NOTE.encode("gb18030"))
    made.report("run")
    made.web.put(POST.url, StandInAnswer(b"<p>gone", status=410))
    made.report("run", "--all")
    return made


def text(stage: Stage) -> str:
    return (stage.folder / "notes" / "2024-05-06-a.md").read_bytes().decode("gb18030")


def test_edits_are_printed_and_made_only_when_asked_for(stage: Stage) -> None:
    done = stage.crawler("export", "--html", "kept")
    assert (done.returncode, done.stdout) == (0, "kept\t2 pages\n")
    ask = ("fix", "--copies", "kept", "--unconfirmed")
    dry = stage.crawler(*ask)
    assert (dry.returncode, text(stage)) == (0, NOTE)
    assert "2 edits in 1 note; --write makes them" in dry.stderr
    assert stage.crawler(*ask, "--write").stdout == dry.stdout
    assert f"[moved]({MOVED.url})\r\n\r\n`{OLD}`\r\n" in text(stage)
    target = text(stage).partition("[bridges](")[2].partition(")")[0]
    assert "Nobody lives on it." in (stage.folder / "notes" / target).read_text()
    again = stage.crawler(*ask, "--write")
    assert (again.stdout, "0 edits" in again.stderr) == ("", True)


def test_the_printed_diff_is_what_writing_does(stage: Stage) -> None:
    note = stage.folder / "notes" / "2024-05-06-a.md"
    note.write_bytes(NOTE.replace("\r", "").encode())
    diff = stage.crawler("fix", "--template", "https://keep.example/{id}", "--unconfirmed").stdout
    subprocess.run(["git", "apply", "-"], input=diff.encode(), cwd=note.parent, check=True, capture_output=True)
    assert "[bridges](https://keep.example/" in note.read_bytes().decode()


def test_only_what_is_named_is_mended(stage: Stage) -> None:
    assert "+[moved]" not in stage.crawler("fix", "--only", "https").stdout
    moved = stage.crawler("fix", "--only", "moved")
    assert "+[moved]" in moved.stdout
    assert "dead" not in moved.stderr


def test_a_death_that_is_not_confirmed_changes_no_note(stage: Stage) -> None:
    done = stage.crawler("fix", "--only", "dead", "--template", "https://keep.example/{id}")
    assert done.stdout == ""
    assert "1 dead link stays, as one day alone says so; --unconfirmed mends such links, too" in done.stderr
    assert "no address to offer" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [("--copies", "kept", "--template", "x"), ("--template", "{oops}"), ("--copies", "nowhere")]
)
def test_wrong_usage_of_fix_is_one_clear_line(stage: Stage, arguments: tuple[str, ...]) -> None:
    done = stage.crawler("fix", *arguments)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_every_form_of_export_is_written(stage: Stage) -> None:
    places = ("--wacz", "out/a.wacz", "--warc", "out/warc", "--html", "out/html", "--markdown", "out/md")
    done = stage.crawler("export", *places)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 4
    assert (stage.folder / "out/html/index.html").is_file()
    assert list((stage.folder / "out/md").glob("*/*.md"))
    one = stage.crawler("export", "--markdown", "one", "--url", POST.url)
    assert one.stdout == "one\t1 page\n"
    assert stage.crawler("import", "out/a.wacz").returncode == 0


def test_an_export_of_nothing_is_wrong_usage(stage: Stage) -> None:
    assert stage.crawler("export").returncode == 2


def test_the_internet_archive_is_asked_for_copies_where_the_command_line_says_so(stage: Stage) -> None:
    stage.configure({"wayback": {"endpoint": "http://127.0.0.1:1"}})
    done = stage.crawler("fix", "--unconfirmed", "--only", "dead", "--copies", "wayback")
    assert (done.returncode, done.stdout) == (0, "")
    assert "asking http://127.0.0.1:1 for captures of 1 dead link" in done.stderr


def test_kept_copies_are_offered_in_the_viewer_that_has_an_address(stage: Stage) -> None:
    unnamed = stage.crawler("fix", "--unconfirmed", "--copies", "kept")
    assert (unnamed.returncode, "[serve] public" in unnamed.stderr) == (2, True)
    stage.configure({"serve": {"public": "https://keep.example/"}})
    done = stage.crawler("fix", "--unconfirmed", "--only", "dead", "--copies", "kept")
    assert "+[bridges](https://keep.example/snapshot/" in done.stdout


def test_the_internet_archive_is_asked_only_where_the_user_said_so(stage: Stage) -> None:
    # The stand-in web is no Internet Archive: an endpoint that answers nothing leaves notes as they are.
    stage.configure({"wayback": {"suggest": True, "endpoint": "http://127.0.0.1:1"}})
    done = stage.crawler("fix", "--unconfirmed", "--only", "dead")
    assert (done.returncode, done.stdout) == (0, "")
    assert "asking http://127.0.0.1:1 for captures of 1 dead link" in done.stderr
    assert json.loads((stage.folder / "report.json").read_text())["counts"]["dead"] == 1

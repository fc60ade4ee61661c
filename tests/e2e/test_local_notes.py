"""Local targets, odd notes and the program's own files, through the real command line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from crawler.testing import pages
from crawler.testing.answer import StandInAnswer, StandInPlan
from crawler.testing.pages import Article

if TYPE_CHECKING:
    from conftest import Stage

pytestmark = pytest.mark.slow

PLAN = StandInPlan(answers={"https://gone.example/x": StandInAnswer(b"<p>gone", status=410)})


def test_states_of_local_targets_stand_in_the_report_and_only_missing_files_fail_a_check(
    staged: Callable[..., Stage],
) -> None:
    stage = staged(PLAN)
    stage.note("hugo.toml", "")
    stage.note("static/img/a.png", b"x")
    stage.note("content/a.md", "# T\n\n![](/img/a.png) [t](/tags/x/) [[To come]] [h](#gone)\n")
    done = stage.crawler("check", "--format", "json")
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert {link["url"]: (link["state"], link["reason"]) for link in report["links"]} == {
        "/img/a.png": ("alive", "ok"),
        "/tags/x/": ("unknown", "generated-page"),
        "To come": ("unknown", "unwritten-note"),
        "#gone": ("suspect", "missing-anchor"),
    }
    stage.note("content/b.md", "![](/img/gone.png)\n")
    assert stage.crawler("check").returncode == 1


def test_the_report_in_the_notes_folder_is_no_note_on_the_next_night(staged: Callable[..., Stage]) -> None:
    stage = staged(PLAN)
    note = stage.note("a.md", "https://gone.example/x\n")
    targets = [str(stage.folder / "notes" / name) for name in ("report.html", "report.md")]
    outputs = ("--format", "html", "--output", targets[0], "--format", "markdown", "--output", targets[1])
    assert stage.crawler("run", *outputs).returncode == 0
    note.write_text("nothing any more\n")
    listed = stage.crawler("links")
    assert (listed.stdout, listed.stderr, listed.returncode) == ("", "", 0)


def test_a_note_with_broken_bytes_is_named_by_a_quiet_check_and_not_mended(staged: Callable[..., Stage]) -> None:
    stage = staged(PLAN)
    stage.note("a.md", "甲乙丙丁 [x](https://gone.example/x) ".encode() + b"\xf0\x9f\x98\n")
    done = stage.crawler("check", "--quiet", "--format", "tsv")
    assert "a.md: not valid UTF-8" in done.stderr
    assert "https://gone.example/x" in done.stdout
    assert "not mended" in stage.crawler("fix", "--unconfirmed").stderr


def test_a_bare_dead_link_gets_a_line_with_its_kept_copy_and_git_applies_it(staged: Callable[..., Stage]) -> None:
    text = ("A bridge is a short road over water.",) * 4
    article = Article("https://blog.example/bridges", "On small bridges", "Ann", text, "Ann's")
    alive = StandInPlan(answers={article.url: StandInAnswer(pages.blog_article(article))})
    stage = staged(alive)
    note = stage.note("a.md", f"{article.url}\n\nOn small bridges\n")
    assert stage.crawler("run").returncode == 0
    assert stage.crawler("export", "--html", "kept").returncode == 0
    mark_dead(stage, article.url)
    done = stage.crawler("fix", "--copies", "kept", "--unconfirmed")
    assert f"+{article.url}\n+[kept copy](../kept/pages/" in done.stdout
    assert "1 bare link would be given a link to the kept copy" in done.stderr
    before = note.read_text()
    subprocess.run(["git", "apply", "-"], cwd=stage.folder / "notes", input=done.stdout.encode(), check=True)
    assert note.read_text() != before
    assert stage.crawler("fix", "--copies", "kept", "--unconfirmed", "--only", "moved").stdout == ""


def mark_dead(stage: Stage, url: str) -> None:
    """The page's server says from now on that it is gone."""
    stage.web.put(url, StandInAnswer(b"<p>gone", status=410))
    assert stage.crawler("run", "--all").returncode == 0

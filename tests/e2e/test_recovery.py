"""The commands beside an archive that was harmed: who refuses, who mends, and what each of them says."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crawler.testing import pages
from crawler.testing.answer import StandInAnswer, StandInPlan
from crawler.testing.pages import Article

if TYPE_CHECKING:
    from conftest import Stage

pytestmark = pytest.mark.slow

POST = Article("https://blog.example/bridges", "On small bridges", "Ann", ("A bridge is a short road.",) * 3, "Ann's")
OTHER = Article("https://blog.example/rivers", "On rivers", "Ann", ("A river is a long lake.",) * 3, "Ann's")


@pytest.fixture
def stage(staged: Callable[..., Stage]) -> Stage:
    """An archive of two posts."""
    plan = StandInPlan({post.url: StandInAnswer(pages.blog_article(post)) for post in (POST, OTHER)})
    stage = staged(plan, {"archive": {"images": "none"}})
    stage.note("a.md", f"[a]({POST.url})\n\n[b]({OTHER.url})\n")
    assert stage.crawler("run").returncode == 0
    return stage


def forget_index(stage: Stage) -> None:
    for file in (stage.folder / "archive").glob("index.sqlite*"):
        file.unlink()


def segment_of(stage: Stage) -> Path:
    return next((stage.folder / "archive" / "segments").glob("*.warc.zst"))


READERS = (
    ["search", "bridge"], ["show", POST.url], ["export", "--warc", "out"], ["report"], ["check"], ["fix"],
    ["rejudge"], ["verify"],
)  # fmt: skip


def test_whoever_only_reads_refuses_segments_without_an_index(stage: Stage) -> None:
    assert stage.crawler("export", "--wacz", "copy.wacz").returncode == 0
    good = (stage.folder / "copy.wacz").read_bytes()
    forget_index(stage)
    for arguments in (*READERS, ["export", "--wacz", "copy.wacz"]):
        done = stage.crawler(*arguments)
        told = done.stdout + done.stderr
        assert (done.returncode, "verify --rebuild" in told) == (2, True), (arguments, told)
    assert (stage.folder / "copy.wacz").read_bytes() == good
    done = stage.crawler("run")
    assert (done.returncode, "made anew" in done.stderr) == (0, True), done.stderr
    assert stage.crawler("search", "bridge").stdout.startswith(POST.url)
    assert stage.crawler("verify").returncode == 0


def test_an_export_of_nothing_replaces_nothing(stage: Stage) -> None:
    assert stage.crawler("export", "--wacz", "copy.wacz").returncode == 0
    good = (stage.folder / "copy.wacz").read_bytes()
    done = stage.crawler("export", "--wacz", "copy.wacz", "https://nowhere.example/")
    assert (done.returncode, "nothing to write" in done.stderr) == (2, True)
    assert (stage.folder / "copy.wacz").read_bytes() == good


def test_an_index_that_lags_is_a_line_and_no_damage(stage: Stage) -> None:
    index = stage.folder / "archive" / "index.sqlite"
    shutil.copy(index, stage.folder / "backup")
    assert stage.crawler("run", "--all").returncode == 0
    forget_index(stage)
    (stage.folder / "backup").replace(index)
    done = stage.crawler("verify")
    assert (done.returncode, "not yet in the index" in done.stderr) == (0, True)
    done = stage.crawler("verify", "--repair")
    assert (done.returncode, "taken in" in done.stderr) == (0, True)
    assert [line.split("\t")[0] for line in stage.crawler("show", POST.url).stdout.splitlines()].count("check") == 2


def test_what_would_be_lost_is_listed_and_done_only_with_yes(stage: Stage) -> None:
    segment = segment_of(stage)
    segment.rename(stage.folder / segment.name)
    for _ in range(2):
        done = stage.crawler("verify", "--repair")
        assert (done.returncode, "--yes" in done.stderr) == (1, True)
        assert f"{segment.name}\tis missing" in done.stdout
    assert "snapshot" in stage.crawler("show", POST.url).stdout
    assert stage.crawler("verify", "--yes").returncode == 2
    assert stage.crawler("verify", "--repair", "--yes").returncode == 1
    assert stage.crawler("verify").returncode == 0
    (stage.folder / segment.name).rename(segment)
    assert segment.name in stage.crawler("run").stderr
    assert stage.crawler("search", "bridge").stdout.startswith(POST.url)


def test_a_lock_that_is_a_link_is_refused_and_its_target_stays(stage: Stage) -> None:
    precious = stage.folder / "precious"
    precious.write_text("do not lose me")
    lock = stage.folder / "archive" / "lock"
    lock.unlink()
    lock.symlink_to(precious)
    for arguments in (["run"], ["verify", "--repair"], ["verify"], ["rearchive", POST.url]):
        done = stage.crawler(*arguments)
        assert (done.returncode, "symbolic link" in done.stderr) == (2, True), (arguments, done.stderr)
    assert precious.read_text() == "do not lose me"


def test_a_missing_archive_is_empty_for_a_check_and_a_usage_error_for_what_reads_it(stage: Stage) -> None:
    for arguments in (["search", "x"], ["show", POST.url], ["export", "--warc", "out"], ["verify"]):
        assert stage.crawler(*arguments, "--archive", "nowhere").returncode == 2
    assert stage.crawler("check", "--offline", "--archive", "nowhere").returncode == 0


def test_a_killed_run_leaves_no_unfinished_report_for_ever(stage: Stage) -> None:
    stale = stage.folder / ".crawler-new-0123456789abcdef"
    stale.write_text("half")
    os.utime(stale, (time.time() - 2 * 86_400,) * 2)
    assert stage.crawler("report", "--format", "json", "--output", "report.json").returncode == 0
    assert not stale.exists()

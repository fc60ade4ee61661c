"""The demonstration prepares its folder, runs the crawler twice, and never touches what is not its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from crawler.core.config import load_settings
from crawler.core.errors import UsageError
from crawler.testing.demo import Telling, run_demo
from crawler.testing.folder import MARK
from crawler.testing.scene import plan


def no_crawl(_: Sequence[str]) -> int:
    return 0


def test_the_crawler_runs_twice_over_the_sample_notes_and_once_more_when_a_page_is_lost(tmp_path: Path) -> None:
    seen: list[Any] = []
    said: list[str] = []

    def crawl(arguments: Sequence[str]) -> int:
        seen.append((arguments[0], load_settings(tmp_path / "demo" / "crawler.toml")))
        return 0

    code = run_demo(tmp_path / "demo", Telling(crawl, said.append, name="./crawler"))

    assert code == 0
    assert [command for command, _ in seen] == ["run", "run", "rearchive", "show", "report"]
    fetch = seen[0][1].fetch
    assert set(fetch.resolve.values()) != set()
    assert Path(fetch.ca_bundle).read_text().startswith("-----BEGIN CERTIFICATE")
    assert {note.suffix for note in (tmp_path / "demo" / "notes").iterdir() if note.is_file()} == {".md"}
    assert "./crawler search" in "\n".join(said)


def test_a_failing_run_ends_the_demonstration_with_its_exit_code(tmp_path: Path) -> None:
    said: list[str] = []

    assert run_demo(tmp_path / "demo", Telling(lambda _: 3, said.append)) == 3
    assert "crawler search" not in "\n".join(said)


def test_an_earlier_demonstration_is_made_anew_and_the_visitors_files_stay(tmp_path: Path) -> None:
    run_demo(tmp_path, Telling(no_crawl, lambda _: None))
    (tmp_path / "archive").mkdir()
    (tmp_path / "notes" / "left-over.md").write_text("old")
    (tmp_path / "mine.txt").write_text("keep me")

    run_demo(tmp_path, Telling(no_crawl, lambda _: None))

    assert not (tmp_path / "archive").exists()
    assert not (tmp_path / "notes" / "left-over.md").exists()
    assert (tmp_path / "mine.txt").read_text() == "keep me"


def test_a_folder_that_holds_something_else_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / MARK).write_text("my own read-me")

    with pytest.raises(UsageError, match="--out"):
        run_demo(tmp_path, Telling(no_crawl, lambda _: None))

    assert (tmp_path / "notes").is_dir()


def test_a_file_is_no_work_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UsageError, match="holds something else"):
        run_demo(tmp_path / "file", Telling(no_crawl, lambda _: None))


def test_a_folder_that_cannot_be_made_is_named() -> None:
    with pytest.raises(UsageError, match="/proc/no-demo-here cannot be written"):
        run_demo(Path("/proc/no-demo-here"), Telling(no_crawl, lambda _: None))


def test_every_page_of_the_scene_has_a_body_or_a_fate() -> None:
    for url, answer in plan().answers.items():
        assert answer.body or answer.location or answer.fail_first, url

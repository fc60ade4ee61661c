"""`crawler init`, as typed."""

import tomllib
from pathlib import Path

import pytest
import yaml

from crawler.cli import run_cli


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    notes = tmp_path / "my notes"
    notes.mkdir()
    (notes / "a.md").write_text("\n\n".join(f"https://mp.weixin.qq.com/s/{i:022}" for i in range(2000)))
    monkeypatch.chdir(notes)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    return notes


def test_it_writes_a_configuration_and_says_what_a_run_costs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["init"]) == 0
    said = capsys.readouterr().out
    assert "1 note, 2,000 links" in said
    assert "weixin  2,000 links x 5 s = 2 h 46 min" in said
    assert "2 nights" in said
    assert "crawler run --max-links 50" in said
    assert tomllib.loads((folder / "crawler.toml").read_text())["notes"]["paths"] == ["."]
    assert run_cli(["links"]) == 0


def test_an_existing_file_is_kept_unless_forced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "crawler.toml").write_text("# mine\n")
    assert run_cli(["init"]) == 2
    assert "--force" in capsys.readouterr().err
    assert (folder / "crawler.toml").read_text() == "# mine\n"
    assert run_cli(["init", "--force", "--quiet"]) == 0
    assert "[notes]" in (folder / "crawler.toml").read_text()


def test_a_timer_and_workflows_are_written_beside_a_configuration_that_stays(folder: Path, tmp_path: Path) -> None:
    (folder / "crawler.toml").write_text("# mine\n")
    assert run_cli(["init", "--timer", "--workflow"]) == 0
    assert (folder / "crawler.toml").read_text() == "# mine\n"
    service = (tmp_path / "home" / "systemd" / "user" / "crawler.service").read_text()
    assert f"WorkingDirectory={folder}\n" in service
    assert "OnCalendar=" in (tmp_path / "home" / "systemd" / "user" / "crawler.timer").read_text()
    for name in ("links.yml", "check-links.yml"):
        assert yaml.safe_load((folder / ".github" / "workflows" / name).read_text())["jobs"]
    assert run_cli(["init", "--workflow"]) == 2


def test_another_folder_may_be_named(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    assert run_cli(["init", str(other), "-q"]) == 0
    assert (other / "crawler.toml").exists()
    assert not (folder / "crawler.toml").exists()

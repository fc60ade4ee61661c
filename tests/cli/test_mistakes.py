"""What people mistype, and what the answer is."""

from pathlib import Path

import pytest

from crawler.cli import run_cli


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "note.md").write_text("[a](missing.png)\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("x.html", "<!doctype html>"),
        ("x.json", "{"),
        ("x.md", "<!--"),
        ("x.svg", "<svg"),
        ("x.SARIF", "{"),
        ("x.xml", "<?xml"),
    ],
)
def test_an_outputs_ending_says_its_format(name: str, begins: str, folder: Path) -> None:
    assert run_cli(["report", "--output", name]) == 0
    assert (folder / name).read_text(encoding="utf-8").startswith(begins)


def test_an_ending_that_names_no_format_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["report", "--output", "x.pdf"]) == 2
    assert ".pdf names none of the formats; say which with --format" in capsys.readouterr().err
    assert run_cli(["links", "--output", "x.html"]) == 2
    assert not list(folder.glob("x.*"))


def test_a_format_that_is_named_counts_whatever_the_ending(folder: Path) -> None:
    assert run_cli(["report", "--format", "json", "--output", "x.html"]) == 0
    assert (folder / "x.html").read_text().startswith("{")


def test_outputs_beyond_the_formats_are_told_by_their_endings(folder: Path) -> None:
    assert run_cli(["report", "-f", "json", "-o", "a.json", "-o", "b.html"]) == 0
    assert (folder / "b.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    "typed", ["mp.weixin.qq.com/s/abc", "//mp.weixin.qq.com/s/abc", "example.com", "www.zhihu.com/question/1?x=y"]
)
def test_an_address_without_its_scheme_is_asked_about(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["rearchive", typed]) == 2
    assert f"did you mean https://{typed.lstrip('/')}?" in capsys.readouterr().err


@pytest.mark.parametrize("typed", ["notes.md", "posts/2020.md", "./example.com", "nothing"])
def test_a_note_that_is_not_there_is_no_address(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["rearchive", typed]) == 2
    assert "did you mean" not in capsys.readouterr().err


def test_a_state_that_is_none_is_answered_with_the_states(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["run", "--quiet"]) == 0
    assert run_cli(["search", "state:ded"]) == 2
    assert "state:dead" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [["verify"], ["search", "x"], ["show", "https://x.example/"], ["export", "--warc", "w"]]
)
def test_a_folder_that_is_no_archive_is_said_to_be_none(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli([*command, "--archive", "nowhere"]) == 2
    assert "holds no archive" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [["run"], ["report"], ["check"], ["search", "x"], ["verify"], ["explain", "https://x.example/"], ["fix"]]
)
def test_a_path_that_no_archive_can_have_is_one_line(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli([*command, "--archive", "a" * 300]) == 2
    assert "cannot be read or written: File name too long" in capsys.readouterr().err


def test_a_new_archive_explains_itself_and_a_readme_that_is_there_stays(folder: Path) -> None:
    assert run_cli(["run", "--quiet"]) == 0
    assert "index.sqlite" in (folder / "archive" / "README.md").read_text(encoding="utf-8")
    (folder / "other").mkdir()
    (folder / "other" / "README.md").write_text("mine")
    assert run_cli(["run", "--quiet", "--archive", "other"]) == 0
    assert (folder / "other" / "README.md").read_text() == "mine"


def test_quiet_prints_no_report_that_was_not_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "crawler.toml").write_text('[report]\nformats = ["json"]\n')
    assert run_cli(["run", "--quiet"]) == 0
    assert run_cli(["check", "--quiet"]) == 1
    assert capsys.readouterr() == ("", "")
    assert (folder / "archive" / "report.json").exists()
    assert run_cli(["run", "--quiet", "--format", "tsv"]) == 0
    assert capsys.readouterr().out.startswith("dead\tmissing-file")


def test_a_quiet_digest_without_news_is_silent(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["run", "--quiet"]) == 0
    assert run_cli(["report", "--since", "7d", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert run_cli(["report", "--since", "7d"]) == 0
    assert "nothing died" in capsys.readouterr().out


@pytest.mark.parametrize("since", ["soon", "2026-13-01", "99999999999999d"])
def test_a_since_that_is_no_time_is_refused(since: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["report", "--since", since]) == 2
    assert "expected a duration such as 7d, or a date" in capsys.readouterr().err


def test_messages_that_cannot_be_sent_are_an_error_before_the_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "crawler.toml").write_text('[notify]\nurls = ["env:NOT_SET_ANYWHERE"]\n')
    assert run_cli(["run", "--quiet"]) == 2
    assert "NOT_SET_ANYWHERE is not set" in capsys.readouterr().err
    assert not (folder / "archive").exists()
    (folder / "crawler.toml").write_text("")
    assert run_cli(["report", "--notify"]) == 2


@pytest.mark.parametrize(("shell", "typed"), [("bash", "complete"), ("zsh", "compdef"), ("fish", "complete")])
def test_shells_are_told_how_to_complete(
    shell: str, typed: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_CRAWLER_COMPLETE", f"{shell}_source")
    monkeypatch.setattr("click.shell_completion.BashComplete._check_version", lambda *_: None)
    with pytest.raises(SystemExit):
        run_cli([])
    assert typed in capsys.readouterr().out


def test_notes_without_a_command_are_told_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["./note.md"]) == 2
    assert "for these notes it is `crawler run ./note.md`" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["links", "check", "run"])
def test_an_address_where_notes_belong_is_told_where_to_go(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli([command, "https://a.example/x"]) == 2
    assert "https://a.example/x is no note: `crawler rearchive URL`" in capsys.readouterr().err

"""`crawler links`, in process."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crawler.cli import cli


def links(folder: Path, *arguments: str, config: str = "") -> Result:
    (folder / "crawler.toml").write_text(config, encoding="utf-8")
    return CliRunner().invoke(cli, ["links", "--config", str(folder / "crawler.toml"), *arguments, str(folder)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.md").write_text("https://a.example/ [b](/docs/b) [c](htps://c.example/x)\n", encoding="utf-8")
    return tmp_path


def test_options_of_the_configuration_and_the_command_line_leave_links_out_and_rewrite_them(folder: Path) -> None:
    config = '[notes]\nignore = ["^htps"]\nrewrite = { "^/docs/" = "https://docs.example/" }\n'
    done = links(folder, "--ignore", "a\\.example", "--verbose", config=config)
    assert done.exit_code == 0
    assert done.stdout == "a.md\t1\t24\thttps://docs.example/b\tinline\tb\n"
    assert "a.md:1:1: https://a.example/ is left out by [notes] ignore 'a\\\\.example'" in done.stderr
    assert "/docs/b is https://docs.example/b by [notes] rewrite '^/docs/'" in done.stderr


def test_what_a_misspelt_target_probably_means_is_said_on_request(folder: Path) -> None:
    assert "https://c.example/x was probably meant" in links(folder, "--verbose").stderr
    assert links(folder).stderr == ""


def test_a_note_with_broken_bytes_is_named_even_with_quiet_and_its_links_are_found(folder: Path) -> None:
    (folder / "b.md").write_bytes("甲乙丙丁 https://b.example/ ".encode() + b"\xf0\x9f\x98\n")
    done = links(folder, "--quiet")
    assert "https://b.example/" in done.stdout
    assert "b.md: not valid UTF-8 (byte" in done.stderr


@pytest.mark.parametrize("config", ['[notes]\nignore = ["("]\n', '[notes]\nrewrite = { "(" = "x" }\n'])
def test_a_pattern_that_cannot_be_is_wrong_usage(folder: Path, config: str) -> None:
    done = links(folder, config=config)
    assert done.exit_code != 0
    assert "[notes]" in str(done.exception) or "[notes]" in done.output


def test_a_file_that_nobody_reads_is_refused(folder: Path) -> None:
    (folder / "x.docx").write_text("https://e.example/", encoding="utf-8")
    done = CliRunner().invoke(cli, ["links", str(folder / "x.docx")])
    assert done.stdout == ""
    assert done.exit_code != 0

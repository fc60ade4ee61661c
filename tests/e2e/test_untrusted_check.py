"""`check --untrusted` on the branch of a stranger: nothing of the tree's configuration, files or archive is obeyed."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from crawler.testing.answer import StandInAnswer, StandInPlan

if TYPE_CHECKING:
    from conftest import Stage

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")]

OLD, NEW, EVIL = "https://blog.example/old", "https://blog.example/new", "https://evil.example/"
PAGE = b"<title>Old page</title><p>" + b"Plain prose that is long enough to be a page. " * 20
PLAN = StandInPlan(
    {OLD: StandInAnswer(PAGE), NEW: StandInAnswer(b"gone", status=404), EVIL: StandInAnswer(b"ok", status=200)}
)


def git(stage: Stage, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@a.example", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=stage.folder, check=True, capture_output=True)


@pytest.fixture
def stage(staged: Callable[..., Stage]) -> Stage:
    """A repository whose base is trusted, with a branch to write on."""
    stage = staged(PLAN)
    stage.note("a.md", f"# A\n\n{OLD}\n")
    (stage.folder / ".gitignore").write_text("archive/\n*.json\n")
    git(stage, "init", "-q", "-b", "main")
    git(stage, "add", "-A")
    git(stage, "commit", "-qm", "base")
    git(stage, "checkout", "-qb", "stranger")
    stage.note("a.md", f"# A\n\n{OLD}\n\n{NEW}\n")
    return stage


def commit(stage: Stage) -> None:
    git(stage, "add", "-A", "-f", "--", ":!report.json")
    git(stage, "commit", "-qm", "stranger")


def check(stage: Stage, *arguments: str) -> tuple[int, dict[str, str], str]:
    done = stage.crawler(
        "check", "--untrusted", "--since", "main", *arguments, "--format", "json", "--output", "report.json"
    )
    states = stage.written().states if done.returncode in (0, 1) else {}
    return done.returncode, states, done.stderr


@pytest.mark.parametrize(
    "lines",
    [
        '[fetch]\nproxy = "http://127.0.0.1:1"',
        '[fetch.resolve]\n"*:443" = "127.0.0.1:1"',
        '[fetch]\nca_bundle = "/dev/null"',
        '[fetch]\ncookies = "/etc/passwd"',
        '[fetch]\nheaders = { Authorization = "x" }',
        "[fetch]\nallow_private = true",
        '[sites]\npath = "mysites"',
        '[archive]\npath = "/tmp/elsewhere"',
        '[report]\nformats = ["html"]\npath = "/tmp/elsewhere"',
        '[notify]\nwebhook = "https://evil.example/"',
        '[wayback]\nkeys = "env:HOME"',
        '[host."blog.example"]\naccept = [404]',
        '[host."blog.example"]\nskip = true',
        '[notes]\npaths = ["/etc"]',
        '[notes]\nignore = ["new"]',
        '[notes]\nrewrite = { "^https://blog.example/new" = "https://blog.example/old" }',
    ],
)
def test_the_configuration_of_a_stranger_changes_nothing_and_is_named(stage: Stage, lines: str) -> None:
    (stage.folder / "mysites").mkdir()
    (stage.folder / "mysites" / "evil.toml").write_text('name = "evil"\nhosts = ["blog.example"]\n')
    (stage.folder / "crawler.toml").write_text(lines + "\n")
    commit(stage)
    code, states, err = check(stage)
    assert (code, states[NEW]) == (1, "dead"), err
    assert "(--untrusted)" in err
    assert all(line.startswith("crawler: ") or line[0].isdigit() for line in err.splitlines())


def test_without_the_option_the_same_configuration_is_obeyed(stage: Stage) -> None:
    text = (stage.folder / "crawler.toml").read_text()
    (stage.folder / "crawler.toml").write_text(f'{text}\n[host."blog.example"]\nskip = true\n')
    commit(stage)
    done = stage.crawler("check", "--since", "main")
    assert done.returncode == 0, done.stdout


def test_site_files_and_certificates_are_those_of_the_base(stage: Stage) -> None:
    git(stage, "checkout", "-q", "-f", "main")
    shutil.copy(stage.folder / "ca.pem", stage.folder / "trusted.pem")
    text = (stage.folder / "crawler.toml").read_text()
    (stage.folder / "crawler.toml").write_text(
        text.replace(f'"ca_bundle" = "{stage.folder}/ca.pem"', '"ca_bundle" = "trusted.pem"')
    )
    assert "trusted.pem" in (stage.folder / "crawler.toml").read_text()
    commit(stage)
    git(stage, "checkout", "-qB", "stranger")
    (stage.folder / "trusted.pem").write_text("nothing")
    stage.note("a.md", f"# A\n\n{OLD}\n\n{NEW}\n")
    commit(stage)
    code, states, err = check(stage)
    assert (code, states[NEW]) == (1, "dead"), err


def test_an_archive_that_came_with_the_tree_is_not_believed(stage: Stage) -> None:
    """It says that a dead link is alive."""
    stage.web.put(NEW, StandInAnswer(PAGE))
    assert stage.crawler("run", "notes").returncode == 0
    stage.web.put(NEW, StandInAnswer(b"gone", status=404))
    commit(stage)
    assert check(stage, "--archive", "archive")[0] == 1
    code, states, err = check(stage)
    assert (code, states[NEW]) == (1, "dead"), err
    assert "is a part of the checked tree and is not believed" in err


def test_an_archive_beside_the_tree_is_believed(stage: Stage) -> None:
    stage.web.put(NEW, StandInAnswer(PAGE))
    assert stage.crawler("run", "notes").returncode == 0
    stage.web.put(NEW, StandInAnswer(b"gone", status=404))
    git(stage, "add", "-A")
    git(stage, "commit", "-qm", "stranger")
    assert check(stage)[:1] == (0,)


def test_a_link_in_the_place_of_the_archive_is_not_followed(stage: Stage) -> None:
    elsewhere = stage.folder.parent / f"{stage.folder.name}-elsewhere"
    elsewhere.mkdir()
    (stage.folder / "archive").symlink_to(elsewhere)
    commit(stage)
    code, _, err = check(stage, "--archive-new")
    assert code == 1, err
    assert not list(elsewhere.iterdir())


def test_a_baseline_is_that_of_the_base(stage: Stage) -> None:
    done = stage.crawler("check", "--since", "main", "--fail-on", "none", "--format", "json", "--output", "known.json")
    assert done.returncode == 0, done.stderr
    (stage.folder / ".gitignore").write_text("archive/\n")
    commit(stage)
    code, _, err = check(stage, "--baseline", "known.json")
    assert code == 2
    assert "the base has no such file" in err
    assert stage.crawler("check", "--since", "main", "--baseline", "known.json").returncode == 0


def test_a_configuration_that_is_a_link_out_of_the_tree_is_ignored(stage: Stage) -> None:
    outside = stage.folder.parent / f"{stage.folder.name}.toml"
    outside.write_text('[host."blog.example"]\nskip = true\n')
    (stage.folder / "crawler.toml").unlink()
    (stage.folder / "crawler.toml").symlink_to(outside)
    commit(stage)
    code, states, err = check(stage)
    assert (code, states[NEW]) == (1, "dead"), err
    assert "leads out of it" in err


def test_paths_that_lead_out_of_the_tree_are_refused(stage: Stage) -> None:
    (stage.folder / "notes" / "out").symlink_to("/etc")
    commit(stage)
    for path in ("notes/out", "/etc", ".."):
        code, _, err = check(stage, "--", path)
        assert code == 2, err


def test_a_configuration_from_elsewhere_is_the_callers_own(stage: Stage) -> None:
    own = stage.folder.parent / f"{stage.folder.name}-own.toml"
    text = (stage.folder / "crawler.toml").read_text().replace('["notes"]', json.dumps([str(stage.folder / "notes")]))
    own.write_text(text)
    (stage.folder / "crawler.toml").write_text('[host."blog.example"]\nskip = true\n')
    commit(stage)
    code, states, err = check(stage, "--config", str(own))
    assert (code, states[NEW]) == (1, "dead"), err


def test_credentials_for_every_host_do_not_go_to_the_strangers(stage: Stage) -> None:
    git(stage, "checkout", "-q", "-f", "main")
    text = (stage.folder / "crawler.toml").read_text()
    (stage.folder / "crawler.toml").write_text(
        text.replace("[fetch]\n", '[fetch]\nheaders = { Authorization = "Bearer s3cret", "X-Note" = "fine" }\n', 1)
    )
    commit(stage)
    git(stage, "checkout", "-qB", "stranger")
    stage.note("a.md", f"# A\n\n{OLD}\n\n{EVIL}\n")
    commit(stage)
    _, _, err = check(stage)
    assert "s3cret" not in err
    (request,) = stage.web.asked(EVIL)
    assert request.header("x-note") == "fine"
    assert not request.header("authorization")


def test_without_a_base_the_defaults_count(stage: Stage) -> None:
    commit(stage)
    done = stage.crawler("check", "--untrusted", "--offline")
    assert done.returncode in (0, 1), done.stderr
    assert "[fetch] resolve of the checked tree is ignored (--untrusted)" in done.stderr

"""The action, the hooks and the workflows agree with the command line and with what the docs say of them."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from crawler.cli.check import command

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")


def load(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


ACTION = load("action.yml")
STEPS = ACTION["runs"]["steps"]
SCRIPT = next(step["run"] for step in STEPS if step.get("id") == "check")
FLAGS = {
    flag
    for option in command.params
    if isinstance(option, click.Option)
    for flag in (*option.opts, *option.secondary_opts)
}


def test_every_input_is_described_used_and_documented() -> None:
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| `([a-z-]+)` \| (.+?) \|", GUIDE, flags=re.MULTILINE))
    assert set(ACTION["inputs"]) <= table.keys()
    for name, told in ACTION["inputs"].items():
        assert told["description"], name
        assert "default" in told, name
        assert f"inputs.{name} " in text, name


def test_the_action_uses_only_options_that_exist() -> None:
    assert set(re.findall(r"--[a-z-]+", SCRIPT)) <= FLAGS


def test_no_input_is_pasted_into_a_script() -> None:
    assert not [step["run"] for step in STEPS if "${{" in step.get("run", "")]


def test_the_archive_is_saved_also_when_the_check_fails() -> None:
    (save,) = (step for step in STEPS if step.get("uses", "").startswith("actions/cache/save"))
    (restore,) = (step for step in STEPS if step.get("uses", "").startswith("actions/cache/restore"))
    assert save["if"].startswith("always()")
    assert save["with"]["path"] == restore["with"]["path"]
    assert restore["with"]["restore-keys"] in (ROOT / "config/github/scheduled.yml").read_text(encoding="utf-8")


def arguments(tmp_path: Path, folder: Path | None = None, **environment: str) -> list[str]:
    """What the action's script calls the crawler with, in that working folder."""
    tool = tmp_path / "crawler" / "bin" / "python"
    tool.parent.mkdir(parents=True)
    tool.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$RUNNER_TEMP/said"\nexit 1\n')
    tool.chmod(0o755)
    inputs = {name.upper().replace("-", "_"): told["default"] for name, told in ACTION["inputs"].items()}
    runner = {"RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": str(tmp_path / "output"), "PATH": os.environ["PATH"]}
    rest = {"BEFORE": "", "DEFAULT_BRANCH": "main", "EVENT": "push"}
    given = {**inputs, **rest, **runner, **environment}
    done = subprocess.run(["bash", "-e", "-c", SCRIPT], env=given, cwd=folder, check=False)
    assert done.returncode == 1
    assert (tmp_path / "output").read_text() == "exit-code=1\n"
    told = (tmp_path / "said").read_text().splitlines()
    assert told[:3] == ["-I", "-m", "crawler"]
    return told[3:]


def test_a_pull_request_is_compared_with_its_base(tmp_path: Path) -> None:
    assert arguments(tmp_path, BEFORE="abc") == shlex.split(
        "check --archive archive --fail-on dead --budget 5m --since abc --format github --"
    )


def test_inputs_become_single_arguments_whatever_they_say(tmp_path: Path) -> None:
    told = arguments(
        tmp_path, PATHS="a b", SINCE="$(touch x)", FORMAT="github json", OUTPUT="- r.json", ARCHIVE_NEW="true",
        CONFIG="my config.toml", MAX_AGE="1h", BASELINE="b.json",
    )  # fmt: skip
    assert told[-3:] == ["--", "a", "b"]
    assert told[told.index("--since") + 1] == "$(touch x)"
    assert told[told.index("--config") + 1] == "my config.toml"
    assert [told[n + 1] for n, word in enumerate(told) if word in ("--format", "--output")] == [
        "github",
        "json",
        "-",
        "r.json",
    ]
    assert "--archive-new" in told


@pytest.mark.parametrize(
    ("environment", "since"),
    [({"BEFORE": "0" * 40}, "origin/main"), ({"SINCE": "none", "BEFORE": "abc"}, None), ({}, None)],
)
def test_where_there_is_nothing_to_compare_with_the_script_knows(
    tmp_path: Path, environment: dict[str, str], since: str | None
) -> None:
    nowhere = tmp_path / "nowhere"  # no repository: what is there must not depend on the checkout that runs this
    nowhere.mkdir()
    told = arguments(tmp_path, nowhere, **environment)
    assert (told[told.index("--since") + 1] if "--since" in told else None) == since


@pytest.mark.parametrize(
    ("environment", "untrusted"),
    [
        ({"EVENT": "pull_request"}, True),
        ({"EVENT": "pull_request_target"}, True),
        ({"EVENT": "push"}, False),
        ({"EVENT": "push", "UNTRUSTED": "true"}, True),
        ({"EVENT": "pull_request", "UNTRUSTED": "false"}, False),
    ],
)
def test_the_tree_of_a_pull_request_is_not_trusted(
    tmp_path: Path, environment: dict[str, str], *, untrusted: bool
) -> None:
    assert ("--untrusted" in arguments(tmp_path, None, **environment)) is untrusted


def test_no_python_of_the_action_imports_from_the_checked_tree() -> None:
    for step in STEPS:
        for line in step.get("run", "").splitlines():
            if "python" in line.lower() and "#" not in line.partition('"')[0]:
                assert " -I -m " in line or "PYTHON=" in line, line


def test_a_module_in_the_checked_tree_is_not_run(tmp_path: Path) -> None:
    """The action calls Python in the checked tree, where a stranger may put a file named like a module."""
    for name in ("venv", "pip", "click", "crawler", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("open('owned', 'w')\n")
    done = subprocess.run(
        [sys.executable, "-I", "-m", "venv", "--help"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("file", ["action.yml", "config/github/check.yml", "config/github/scheduled.yml"])
def test_actions_of_others_are_pinned_by_commit(file: str) -> None:
    used = re.findall(r"uses: (actions/\S+)(.*)", (ROOT / file).read_text(encoding="utf-8"))
    assert used
    for name, comment in used:
        assert re.fullmatch(r"actions/[a-z/-]+@[0-9a-f]{40}", name), name
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), "a person must see which version it is"


def test_the_action_installs_what_the_lock_names_by_hash_alone() -> None:
    script = next(step["run"] for step in STEPS if step.get("name") == "Install the crawler")
    assert "--require-hashes" in script
    assert "--no-deps --no-build-isolation" in script
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = {re.sub(r"[-_.]+", "-", name).lower() for name in re.findall(r"(?m)^([A-Za-z0-9._-]+)==", lock)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needs = (*project["project"]["dependencies"], *project["build-system"]["requires"])
    wanted = [re.split(r"[<>=!;\[ ]", need)[0] for need in needs]
    missing = {re.sub(r"[-_.]+", "-", name).lower() for name in wanted} - locked
    assert not missing, f"run `make lock`: {missing}"
    assert all("--hash=sha256:" in part for part in re.split(r"(?m)^(?=[A-Za-z0-9])", lock) if "==" in part)


def test_hooks_end_their_options_before_the_names_of_files() -> None:
    for hook in load(".pre-commit-hooks.yaml"):
        assert hook["args"][-1] == "--"
    for repo in load("config/pre-commit.example.yaml")["repos"]:
        assert all(hook["args"][-1] == "--" for hook in repo["hooks"] if "args" in hook)


def test_hooks_call_the_check_with_options_that_exist() -> None:
    for hook in load(".pre-commit-hooks.yaml"):
        program, name, *options = shlex.split(hook["entry"])
        assert (program, name) == ("crawler", "check")
        assert set(options) <= FLAGS
        assert hook["id"] in GUIDE


def test_the_hooks_that_examples_use_exist() -> None:
    known = {hook["id"] for hook in load(".pre-commit-hooks.yaml")}
    for repo in load("config/pre-commit.example.yaml")["repos"]:
        assert {hook["id"] for hook in repo["hooks"]} <= known


@pytest.mark.parametrize("file", sorted((ROOT / "config" / "github").glob("*.yml")), ids=lambda f: f.name)
def test_workflows_ask_for_no_more_than_they_need(file: Path) -> None:
    workflow = load(str(file.relative_to(ROOT)))
    assert workflow["permissions"] == {"contents": "read"}
    (job,) = workflow["jobs"].values()
    assert job["timeout-minutes"]
    used: dict[str, object] = next((s["with"] for s in job["steps"] if "linkhealth-crawler@" in s.get("uses", "")), {})
    assert used.keys() <= ACTION["inputs"].keys()


def test_the_check_workflow_fetches_what_it_compares_with() -> None:
    (job,) = load("config/github/check.yml")["jobs"].values()
    assert job["steps"][0]["with"]["fetch-depth"] == 0


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A repository with two commits on main, as a runner has checked it out."""
    folder = tmp_path / "my notes"
    folder.mkdir()
    for name in ("a b.md", "c.md", "deep/d.md", "deep/er/e.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("https://a.example/\n")
    git(folder, "init", "--quiet", "--initial-branch=main")
    for _ in range(2):
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--allow-empty", "--message", "notes")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    return folder


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, check=True, text=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        ("c.md deep", ["c.md", "deep"]),
        ("a b.md", ["a b.md"]),  # it is there by that name
        ("a b.md\nc.md\n", ["a b.md", "c.md"]),
        ("**/*.md", ["a b.md", "c.md", "deep/d.md", "deep/er/e.md"]),
        ("deep/*.md\na*.md", ["deep/d.md", "a b.md"]),
        ("*.rst", ["*.rst"]),  # nothing: the crawler says so
        ("$(touch x) `id`", ["$(touch", "x)", "`id`"]),
    ],
)
def test_paths_may_hold_spaces_and_globs(notes: Path, tmp_path: Path, paths: str, told: list[str]) -> None:
    said = arguments(tmp_path, notes, PATHS=paths)
    assert said[said.index("--") + 1 :] == told
    assert not (notes / "x").exists()


def test_after_a_force_push_the_default_branch_is_compared_with(notes: Path, tmp_path: Path) -> None:
    git(notes, "commit", "--quiet", "--allow-empty", "--message", "on a branch")
    said = arguments(tmp_path, notes, BEFORE="1234567890" * 4)
    assert said[said.index("--since") + 1] == "origin/main"


@pytest.mark.parametrize("before", ["0" * 40, "1234567890" * 4])
def test_a_new_or_rewritten_default_branch_is_checked_whole(notes: Path, tmp_path: Path, before: str) -> None:
    said = arguments(tmp_path, notes, BEFORE=before)
    empty = said[said.index("--since") + 1]
    assert empty == git(notes, "hash-object", "-t", "tree", "/dev/null")


def test_a_commit_that_is_there_is_compared_with(notes: Path, tmp_path: Path) -> None:
    before = git(notes, "rev-parse", "HEAD~1")
    said = arguments(tmp_path, notes, BEFORE=before)
    assert said[said.index("--since") + 1] == before


def test_hooks_run_for_every_commit_since_what_was_deleted_is_named_to_none() -> None:
    for hook in load(".pre-commit-hooks.yaml"):
        assert hook["always_run"]
        assert not hook["pass_filenames"]


def test_the_check_workflow_is_started_by_every_format_of_notes_and_every_picture() -> None:
    started = load("config/github/check.yml")[True]  # YAML 1.1 reads "on" so
    assert not (started["pull_request"] or {}).get("paths")

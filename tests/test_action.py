"""The action, the hooks and the workflows agree with the command line and with what the docs say of them."""

import os
import re
import shlex
import subprocess
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


def arguments(tmp_path: Path, **environment: str) -> list[str]:
    """What the action's script calls the crawler with."""
    tool = tmp_path / "crawler" / "bin" / "crawler"
    tool.parent.mkdir(parents=True)
    tool.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$RUNNER_TEMP/said"\nexit 1\n')
    tool.chmod(0o755)
    inputs = {name.upper().replace("-", "_"): told["default"] for name, told in ACTION["inputs"].items()}
    runner = {"RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": str(tmp_path / "output"), "PATH": os.environ["PATH"]}
    rest = {"BEFORE": "", "DEFAULT_BRANCH": "main"}
    done = subprocess.run(["bash", "-e", "-c", SCRIPT], env={**inputs, **rest, **runner, **environment}, check=False)
    assert done.returncode == 1
    assert (tmp_path / "output").read_text() == "exit-code=1\n"
    return (tmp_path / "said").read_text().splitlines()


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
    told = arguments(tmp_path, **environment)
    assert (told[told.index("--since") + 1] if "--since" in told else None) == since


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

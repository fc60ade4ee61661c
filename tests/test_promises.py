"""Promises between artefacts: what one file says of another is true."""

import ast
import re
import tomllib
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import click
import msgspec
import pytest
from test_layers import ARROWS

import crawler
from crawler.cli import COMMANDS, cli
from crawler.core.config import load_settings
from crawler.core.model import Failure
from crawler.core.settings import Host, Settings
from crawler.report.reasons import REASONS

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "config" / "crawler.toml"
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = "".join(file.read_text(encoding="utf-8") for file in sorted((ROOT / "docs").glob("*.md")))


def options(struct: type[msgspec.Struct]) -> set[str]:
    return {field.name for field in msgspec.structs.fields(struct)}


def shown() -> dict[str, dict[str, object]]:
    """The example file with its commented options put in force."""
    text = re.sub(r"^# (?=[a-z_]+ +=|\[)", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return tomllib.loads(text)


def test_the_example_configuration_says_exactly_the_defaults() -> None:
    assert load_settings(EXAMPLE) == Settings()


def test_the_example_configuration_shows_every_option_and_no_other() -> None:
    tables = {field.name: field.type for field in msgspec.structs.fields(Settings) if field.name != "host"}

    assert shown().keys() == {*tables, "host"}
    for name, table in tables.items():
        assert shown()[name].keys() == options(table), name
    (host,) = shown()["host"].values()
    assert isinstance(host, dict)
    assert host.keys() == options(Host)


def test_commented_options_show_their_defaults_too() -> None:
    assert shown()["notes"]["paths"] == list(Settings().notes.paths)
    assert shown()["archive"]["path"] == Settings().archive.path


def test_every_option_of_the_example_has_its_meaning_beside_it() -> None:
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        if re.match(r"(# )?[a-z_]+ +=", line):
            assert " # " in line.removeprefix("# "), line


def test_every_option_stands_in_the_configuration_guide() -> None:
    guide = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for table in msgspec.structs.fields(Settings):
        kind = Host if table.name == "host" else table.type
        assert f"[{table.name}" in guide
        for option in options(kind):
            assert f"`{option}`" in guide, f"[{table.name}] {option}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_stands_in_the_readme(command: str) -> None:
    assert f"`crawler {command}" in README


def test_the_readme_names_no_command_that_does_not_exist() -> None:
    assert set(re.findall(r"`crawler ([a-z]+)", README)) <= set(COMMANDS)


def reasons_in_code() -> set[str]:
    """Every slug that stands beside a state in the code: `State.DEAD, "gone"`."""
    found = set()
    for file in (ROOT / "crawler").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            row = node.args if isinstance(node, ast.Call) else node.elts if isinstance(node, ast.Tuple) else []
            for state, slug in pairwise(row):
                if ast.unparse(state).startswith("State.") and isinstance(slug, ast.Constant):
                    found.add(str(slug.value))
    return found


def reasons_in_site_files() -> set[str]:
    files = (ROOT / "config" / "sites").glob("*.toml")
    return {row["reason"] for file in files for row in tomllib.loads(file.read_text(encoding="utf-8")).get("rule", [])}


def options_of_commands() -> set[str]:
    context = click.Context(cli)
    commands = [command for name in COMMANDS if (command := cli.get_command(context, name))]
    return {option for command in [cli, *commands] for param in command.get_params(context) for option in param.opts}


def test_every_option_that_the_readme_and_the_docs_name_exists() -> None:
    named = set(re.findall(r"`(--[a-z][a-z-]+)", README + DOCS)) | set(
        re.findall(r"crawler [a-z]+ [^`\n]*?(--[a-z][a-z-]+)", README + DOCS)
    )

    assert named - options_of_commands() - {"--connect-to"} == set()


@pytest.mark.parametrize(
    "slugs", [REASONS.keys(), {failure.reason for failure in Failure}, reasons_in_code(), reasons_in_site_files()]
)
def test_every_reason_stands_in_the_docs(slugs: Iterable[str]) -> None:
    documented = set(
        re.findall(r"^\| `([a-z0-9-]+)` \|", (ROOT / "docs" / "reasons.md").read_text("utf-8"), re.MULTILINE)
    )

    assert set(slugs) - documented == set()
    assert slugs


ROOMS = [room for room in ARROWS if any((ROOT / "crawler" / name).exists() for name in (room, f"{room}.py"))]


@pytest.mark.parametrize("room", ROOMS)
def test_the_architecture_names_every_room(room: str) -> None:
    assert f"`{room}`" in (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("room", ["archive", "crawl", "cluster"])
def test_the_architecture_names_every_module_of_the_large_rooms(room: str) -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = {name for names in re.findall(r"`([a-z_.]+)`", text) for name in names.split(".")}
    assert {file.stem for file in (ROOT / "crawler" / room).glob("*.py")} - {"__init__"} <= named


def test_the_architecture_says_why_each_dependency_is_there() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").partition("## Dependencies")[2]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for requirement in project["dependencies"]:
        name = re.split(r"[^A-Za-z0-9._-]", requirement)[0]
        assert f"`{name}`" in text, name


def test_the_changelog_the_project_and_the_package_name_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[?(\d+\.\d+\.\d+)", changelog, flags=re.MULTILINE)

    assert newest is not None
    assert newest[1] == project["version"] == crawler.__version__


def test_links_between_documents_lead_somewhere() -> None:
    for file in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", file.read_text(encoding="utf-8")):
            assert (file.parent / target).exists(), f"{file.name}: {target}"


def test_nothing_in_the_repository_points_outside_it() -> None:
    for file in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("config/**/*.*")]:
        assert "../shared" not in file.read_text(encoding="utf-8"), file.name


def test_the_reports_schema_is_named_in_the_docs() -> None:
    assert "crawler.report/1" in DOCS

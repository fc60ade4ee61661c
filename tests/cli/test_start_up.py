"""What a command imports before it does anything: start-up time, tested by its cause and not by a clock."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, sys
from pathlib import Path
from crawler.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
files = {name: getattr(module, "__file__", None) or "" for name, module in list(sys.modules.items())}
print("\\n" + json.dumps([sorted({n.split(".")[0] for n, f in files.items() if "site-packages" in f}), list(files)]))
"""
HEAVY = {"trio", "httpx", "httpcore", "ssl", "sqlite3", "asyncio", "multiprocessing"}


def unmeasured() -> dict[str, str]:
    """The environment without coverage, which imports much."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")}


def imported(*arguments: str, folder: Path) -> tuple[set[str], set[str]]:
    """The packages from outside, and all modules, that are loaded when a command has ended."""
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=unmeasured(), capture_output=True, text=True, check=True, timeout=120
    )
    packages, modules = json.loads(done.stdout.splitlines()[-1])
    return set(packages), set(modules)


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_help_loads_click_and_nothing_else(arguments: tuple[str, ...], tmp_path: Path) -> None:
    packages, modules = imported(*arguments, folder=tmp_path)
    assert {p for p in packages if not p.startswith("_")} <= {"click", "coverage"}
    assert {m for m in modules if m.startswith("crawler.") and m.count(".") == 1} <= {"crawler.cli", "crawler.core"}
    assert not modules & HEAVY


def test_links_load_what_reads_notes_and_no_network_archive_or_parser_of_pages(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("[a](https://a.example/x)\n")
    packages, modules = imported("links", "a.md", folder=tmp_path)
    known = {"ada_url", "click", "coverage", "msgspec", "pyromark", "typing_extensions"}
    assert {p for p in packages if not p.startswith("_")} <= known
    rooms = {m.split(".")[1] for m in modules if m.startswith("crawler.")}
    assert rooms <= {"cli", "core", "crawl", "notes", "sites"}
    assert {m for m in modules if m.startswith("crawler.crawl.")} == {"crawler.crawl.extraction"}
    assert not modules & HEAVY


def test_a_hook_with_nothing_to_do_loads_neither_network_nor_archive_nor_rules(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("[a](https://a.example/x)\n")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    packages, modules = imported("check", "--staged", "--offline", folder=tmp_path)
    assert not packages & {"rapidfuzz", "pathspec", "pyromark"}
    assert not modules & (HEAVY - {"sqlite3"})
    assert not {m for m in modules if m.startswith(("crawler.judge", "crawler.fetch"))}
    assert "crawler.archive.archive" not in modules


def test_whoever_only_asks_readers_loads_neither_the_judge_nor_what_few_runs_need() -> None:
    program = "import json, sys, crawler.crawl.session; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    modules = set(json.loads(done.stdout))
    assert not {m for m in modules if m.startswith("crawler.judge")}
    rare = {"crawler.crawl.examine", "crawler.crawl.captures", "crawler.fetch.wayback", "crawler.archive.archive"}
    assert not modules & (rare | {"http.cookiejar", "httpx", "rapidfuzz"})


def test_a_reader_loads_neither_the_archive_nor_the_network() -> None:
    program = (
        "import importlib, json, sys; from crawler.crawl.forkserver import MODULES;"
        "[importlib.import_module(name) for name in MODULES]; print(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=unmeasured(), capture_output=True, text=True, check=True, timeout=120
    )
    modules = set(json.loads(done.stdout))
    assert not modules & {"crawler.archive.archive", "crawler.fetch", "trio", "sqlite3", "httpcore"}

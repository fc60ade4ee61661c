"""The stage of the end-to-end tests: a stand-in web, a folder of notes, and the real command line as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crawler.testing.answer import StandInPlan
from crawler.testing.web import Web, serving

UNMEASURED = Path(__file__).with_name("unmeasured")
PATIENCE = 60.0  # seconds; a process that takes longer hangs
IMPATIENT = {"fetch": {"interval": 0, "timeout": 2, "retries": 1}}


@dataclass(frozen=True)
class Stage:
    """One test's world."""

    folder: Path
    web: Web

    def note(self, name: str, text: str | bytes) -> Path:
        """Write a note."""
        path = self.folder / "notes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def configure(self, options: Mapping[str, Mapping[str, Any]] | None = None) -> Path:
        """Write a configuration that leads to the stand-in web and does not wait."""
        tables: dict[str, dict[str, Any]] = {
            "notes": {"paths": ["notes"]},
            "archive": {"path": "archive"},
            "host.'*.qq.com'": {"interval": 0, "timeout": 2},
            "host.'*.zhihu.com'": {"interval": 0, "timeout": 2},
            **{name: dict(table) for name, table in IMPATIENT.items()},
        }
        for name, table in (options or {}).items():
            tables.setdefault(name, {}).update(table)
        tables["fetch"].setdefault("ca_bundle", str(self.web.ca_bundle))
        tables["fetch.resolve"] = dict(self.web.resolve)
        # A JSON string, number, boolean or flat list is TOML too.
        lines = [
            line
            for name, table in tables.items()
            for line in (f"[{name}]", *(f"{json.dumps(key)} = {json.dumps(value)}" for key, value in table.items()))
        ]
        path = self.folder / "crawler.toml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start `crawler` in the stage's folder; with limits of its own it is not measured, which takes room."""
        hidden = ("COV",) if "preexec_fn" in options else ()
        kept = {n: v for n, v in os.environ.items() if "proxy" not in n.lower() and not n.startswith(hidden)}
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "crawler", *arguments],
            cwd=self.folder,
            env={**kept, "PYTHONPATH": str(UNMEASURED)},
            text=True,
            encoding="utf-8",
            errors="surrogateescape",  # a diff has the encodings of its notes
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )

    def crawler(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run `crawler` to its end."""
        with self.start(*arguments, **options) as process:
            try:
                out, err = process.communicate(timeout=PATIENCE)
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def report(self, *arguments: str, code: int = 0) -> Report:
        """Run a command that reports; its exit code must be `code`."""
        done = self.crawler(*(arguments or ("run",)), "--format", "json", "--output", "report.json")
        assert done.returncode == code, done.stderr
        return self.written()

    def written(self) -> Report:
        """The report that the last command left behind."""
        return Report(json.loads((self.folder / "report.json").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Report:
    """A JSON report, asked by URL."""

    whole: dict[str, Any]

    def __getitem__(self, url: str) -> dict[str, Any]:
        return next(link for link in self.whole["links"] if link["url"] == url)

    @property
    def verdicts(self) -> dict[str, tuple[str, str]]:
        """URL -> (state, reason)."""
        return {link["url"]: (link["state"], link["reason"]) for link in self.whole["links"]}

    @property
    def states(self) -> dict[str, str]:
        """URL -> state."""
        return {link["url"]: link["state"] for link in self.whole["links"]}

    def of_state(self, state: str) -> set[str]:
        """The URLs of one state."""
        return {url for url, found in self.states.items() if found == state}


@contextmanager
def stage_in(
    folder: Path, plan: StandInPlan, options: Mapping[str, Mapping[str, Any]] | None = None
) -> Iterator[Stage]:
    """A stage in a folder, until the block ends."""
    with serving(plan, folder / "ca.pem") as web:
        stage = Stage(folder, web)
        (folder / "notes").mkdir(exist_ok=True)
        stage.configure(options)
        yield stage


@pytest.fixture
def staged(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Build stages; their webs end with the test."""
    with ExitStack() as stack:
        yield lambda plan, options=None: stack.enter_context(stage_in(tmp_path, plan, options))


@pytest.fixture(scope="module")
def staged_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Stage]]:
    """Build stages that all tests of a module look at; such tests change nothing."""
    with ExitStack() as stack:
        yield lambda plan, options=None: stack.enter_context(stage_in(tmp_path_factory.mktemp("stage"), plan, options))

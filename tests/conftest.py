"""What all tests share: where helpers are found, how hypothesis searches, the flag that rewrites golden files."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

# Helpers are modules beside the tests that use them, under names of their own; tests themselves are imported by path.
HERE = Path(__file__).parent
ROOMS = [folder for folder in HERE.iterdir() if folder.is_dir() and folder.name != "pages"]  # pages: samples, no code
HELPERS = {file.parent for room in ROOMS for file in room.rglob("*.py")}
sys.path.extend(str(folder) for folder in sorted(HELPERS) if str(folder) not in sys.path)

# Tests start hundreds of processes: without compiled modules each would compile the program anew, 0.2 s for a run.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# An example has no deadline: on a machine that is busy with something else, the first call of a function (imports,
# compiled patterns) takes seconds, and such a failure says nothing of the code. What must be fast has a benchmark.
hypothesis.settings.register_profile("crawler", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("crawler")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files; review the diff as text")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare text with a golden file, byte for byte; with --update-golden, write it instead."""

    def compare(file: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode("utf-8"))
        assert text == file.read_bytes().decode("utf-8"), f"{file.name} differs; see pytest --update-golden"

    return compare


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: one that is begun last keeps one core busy while the others idle."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud what was not tested here, and what to install: a silent skip would look like a proof."""
    reasons = {report.longrepr[2] for report in terminalreporter.stats.get("skipped", ()) if report.longrepr}
    for reason in sorted(reasons):
        terminalreporter.write_line(f"NOT TESTED: {reason.removeprefix('Skipped: ')}", yellow=True)

"""What the real command line wrote, under the checkers of those who made the formats."""

import shutil
import sys
from pathlib import Path

import pytest
from replay_stage import Kept, run

pytestmark = pytest.mark.slow


def tool(name: str) -> str:
    """A program of our own environment."""
    return str(Path(sys.executable).with_name(name))


@pytest.mark.parametrize("name", ["warcio", "fastwarc"])
def test_every_digest_is_right(kept: Kept, name: str) -> None:
    files = [*kept.warcs, *kept.segments]
    assert len(files) >= 2
    for file in files:
        run(kept.folder, tool(name), "check", str(file))


def test_the_wacz_file_is_valid(kept: Kept) -> None:
    assert "Valid" in run(kept.folder, tool("wacz"), "validate", "-f", str(kept.wacz))


def test_unzip_finds_the_wacz_file_whole(kept: Kept) -> None:
    if not shutil.which("unzip"):
        pytest.skip("unzip is missing: apt-get install unzip")
    assert "No errors detected" in run(kept.folder, "unzip", "-t", str(kept.wacz))

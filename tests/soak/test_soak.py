"""A minute of the soak: nothing that a round needs is left behind by it. `make soak` is the long form."""

import os
from pathlib import Path

import pytest
from soaking import Round, growth, soak

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")]

LINKS = int(os.environ.get("CRAWLER_SOAK_LINKS", "300"))
SECONDS = float(os.environ.get("CRAWLER_SOAK_SECONDS", "10"))


def test_memory_sockets_and_tasks_stay_flat_and_every_link_has_a_verdict(tmp_path: Path) -> None:
    rounds = soak(tmp_path, LINKS, SECONDS)
    assert growth(rounds, memory=1.3) == []
    assert rounds[-1].states["alive"] > LINKS / 3
    assert rounds[-1].states["dead"]
    assert rounds[-1].states["suspect"] + rounds[-1].states["unknown"]


def test_growth_of_any_kind_is_named() -> None:
    flat = Round(1.0, {"alive": 1}, 100.0, 3, 10, 1, 60)
    assert growth([flat, flat, flat]) == []
    leaking = Round(1.0, {"alive": 1}, 300.0, 9, 20, 5, 600)
    assert [text.split()[0] for text in growth([flat, flat, leaking])] == [
        "memory", "sockets", "files", "children", "tasks",
    ]  # fmt: skip

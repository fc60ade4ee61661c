"""A run on many processes is the run on one: same verdicts, one archive, nobody asked too fast, nothing twice."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from crawler.testing import pages
from crawler.testing.answer import StandInAnswer, StandInPlan, redirect
from crawler.testing.pages import Article

pytest.importorskip("distributed")

if TYPE_CHECKING:
    from conftest import Stage

pytestmark = pytest.mark.slow

HOSTS, EACH = 6, 6
INTERVAL = 0.3


def page(url: str) -> StandInAnswer:
    text = (f"The page at {url} tells of bridges, one after the other.",) * 4
    return StandInAnswer(pages.blog_article(Article(url, f"Bridge {url[-3:]}", "Ann", text, "Ann's")))


def links() -> list[str]:
    return [f"https://h{host}.example/{n:03}" for n in range(EACH) for host in range(HOSTS)]


def web() -> StandInPlan:
    answers = {url: page(url) for url in links()}
    for url in links()[::7]:
        answers[url] = StandInAnswer(b"<p>gone", status=410)
    for host in range(HOSTS):  # from every host into the slot of the next one
        target = f"https://h{(host + 1) % HOSTS}.example/moved-{host}"
        answers[f"https://h{host}.example/{2:03}"] = redirect(target, 301)
        answers[target] = page(target)
    return StandInPlan(answers=answers)


PLAN = web()


def prepared(stage: Stage, interval: float = INTERVAL) -> None:
    stage.note("a.md", "\n\n".join(links()))
    stage.configure({"fetch": {"interval": interval, "timeout": 5}, "read": {"processes": 1}})


def verdicts(report: Any) -> dict[str, tuple[str, str, str, int]]:
    return {
        one["url"]: (one["state"], one["reason"], one["evidence"]["final_url"], one["failures"])
        for one in report["links"]
    }


def started(stage: Stage, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "crawler", "run", "--format", "json", *arguments]
    return subprocess.Popen(
        command, cwd=stage.folder, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ended(process: subprocess.Popen[str], code: int = 0) -> tuple[dict[str, Any], str]:
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    return json.loads(out), err


def verified(stage: Stage) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "crawler", "verify"], cwd=stage.folder, capture_output=True, text=True, timeout=60,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def closest(stage: Stage) -> float:
    """The least time between two requests of one host."""
    by_host: dict[str, list[float]] = {}
    for request in stage.web.requests:
        by_host.setdefault(request.host, []).append(request.at)
    return min(b - a for times in by_host.values() for a, b in itertools.pairwise(sorted(times)))


def checks_of(stage: Stage) -> dict[str, int]:
    import sqlite3

    with sqlite3.connect(stage.folder / "archive" / "index.sqlite") as db:
        return dict(
            db.execute("SELECT l.url, count(*) FROM checks k JOIN links l ON l.id = k.link GROUP BY l.url").fetchall()
        )


@contextmanager
def scheduler() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen([*command, "--no-dashboard"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"tcp://127.0.0.1:{port}", process
    finally:
        process.kill()
        process.wait()


@contextmanager
def worker(address: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "crawler.cluster.local", address], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()


def wait_for_requests(stage: Stage, number: int) -> None:
    deadline = time.monotonic() + 40
    while len(stage.web.requests) < number:
        assert time.monotonic() < deadline, "nothing was asked"
        time.sleep(0.05)


@pytest.mark.plan(PLAN)
def test_two_processes_find_what_one_finds(stage: Stage) -> None:
    prepared(stage)
    alone, _ = ended(started(stage, "--archive", "alone"))
    before = len(stage.web.requests)
    stage.web.requests.clear()
    together, _ = ended(started(stage, "--cluster", "local:2"))
    assert verdicts(together) == verdicts(alone)
    assert together["run"]["complete"]
    assert (together["run"]["fetched"], together["run"]["requests"]) == (
        alone["run"]["fetched"], alone["run"]["requests"],
    )  # fmt: skip
    assert len(stage.web.requests) == before, "a hop into another worker's slot was asked twice"
    assert closest(stage) > INTERVAL * 0.9
    assert set(checks_of(stage).values()) == {1}
    verified(stage)

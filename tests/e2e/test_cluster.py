"""A run on many processes is the run on one: same verdicts, one archive, nobody asked too fast, nothing twice."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crawler.core.errors import BrowserError
from crawler.fetch.browser import find_browser
from crawler.testing import pages
from crawler.testing.answer import StandInAnswer, StandInPlan, redirect
from crawler.testing.pages import Article
from crawler.testing.wayback import StandInCapture, StandInWayback

pytest.importorskip("distributed")

if TYPE_CHECKING:
    from conftest import Stage

pytestmark = pytest.mark.slow

HOSTS, EACH = 6, 6
INTERVAL = 0.3


def page(url: str) -> StandInAnswer:
    words = [hashlib.sha256(f"{url}{n}".encode()).hexdigest()[:7] for n in range(60)]  # no two pages are alike
    text = tuple(" ".join(words[n : n + 15]) for n in range(0, 60, 15))
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


def prepared(staged: Callable[..., Stage], interval: float = INTERVAL) -> Stage:
    stage = staged(PLAN)
    stage.note("a.md", "\n\n".join(links()))
    stage.configure({"fetch": {"interval": interval, "timeout": 5}, "read": {"processes": 1}})
    return stage


def verdicts(report: Any) -> dict[str, tuple[str, str, str, int]]:
    return {
        one["url"]: (one["state"], one["reason"], one["evidence"]["final_url"], one["failures"])
        for one in report["links"]
    }


def started(stage: Stage, *arguments: str) -> subprocess.Popen[str]:
    return stage.start("run", "--format", "json", *arguments)


def ended(process: subprocess.Popen[str], code: int = 0) -> tuple[dict[str, Any], str]:
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    return json.loads(out), err


def verified(stage: Stage) -> None:
    done = stage.crawler("verify")
    assert done.returncode == 0, done.stdout + done.stderr


def pace(stage: Stage) -> float:
    """The least mean time between the requests of one host; what delays one of them on a busy machine is shared."""
    by_host: dict[str, list[float]] = {}
    for request in stage.web.log:
        by_host.setdefault(request.host, []).append(request.at)
    return min((max(times) - min(times)) / (len(times) - 1) for times in by_host.values())


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
        assert process.stdin is not None
        process.stdin.close()


def wait_for_requests(stage: Stage, number: int) -> None:
    deadline = time.monotonic() + 40
    while len(stage.web.log) < number:
        assert time.monotonic() < deadline, "nothing was asked"
        time.sleep(0.05)


def test_two_processes_find_what_one_finds(staged: Callable[..., Stage]) -> None:
    stage = prepared(staged)
    alone, _ = ended(started(stage, "--archive", "alone"))
    before = sorted(request.url for request in stage.web.log)
    stage.web.log.clear()
    together, _ = ended(started(stage, "--cluster", "local:2"))
    assert verdicts(together) == verdicts(alone)
    assert together["run"]["complete"]
    assert sorted(request.url for request in stage.web.log) == before, "a hop into another's slot was asked twice"
    for run in (together["run"], alone["run"]):
        assert run["fetched"] == len(links())
        assert run["requests"] == len(before)
    assert pace(stage) > INTERVAL * 0.6  # seen from the other side; two owners of a slot would halve it
    assert set(checks_of(stage).values()) == {1}
    verified(stage)


def test_the_slots_of_a_killed_worker_are_crawled_by_one_that_joins_later(staged: Callable[..., Stage]) -> None:
    stage = prepared(staged, 1.0)
    with scheduler() as (address, _), worker(address) as first:
        run = started(stage, "--cluster", address)
        wait_for_requests(stage, 12)
        with worker(address):
            first.kill()
            report, err = ended(run)
    assert "is gone" in err
    assert set(verdicts(report)) == set(links())
    assert report["run"]["complete"]
    assert {one["state"] for one in report["links"]} == {"alive", "dead"}
    assert set(checks_of(stage).values()) == {1}, "nothing stands twice in the archive"
    verified(stage)


def test_a_worker_that_is_cut_off_loses_its_slots_and_nothing_it_says_later_counts(
    staged: Callable[..., Stage],
) -> None:
    stage = prepared(staged, 1.0)
    with scheduler() as (address, _), worker(address) as first:
        run = started(stage, "--cluster", address)
        wait_for_requests(stage, 10)
        first.send_signal(signal.SIGSTOP)
        with worker(address):
            try:
                report, err = ended(run)
            finally:
                first.send_signal(signal.SIGCONT)
    assert "was not heard of" in err
    assert report["run"]["complete"]
    assert {one["state"] for one in report["links"]} == {"alive", "dead"}
    assert set(checks_of(stage).values()) == {1}
    verified(stage)


def test_a_lost_scheduler_ends_the_run_with_all_that_came(staged: Callable[..., Stage]) -> None:
    stage = prepared(staged, 1.0)
    with scheduler() as (address, process), worker(address):
        run = started(stage, "--cluster", address)
        wait_for_requests(stage, 24)
        process.kill()
        report, err = ended(run, 3)
    assert "the scheduler is gone" in err
    assert "Traceback" not in err
    assert not report["run"]["complete"]
    assert sum(one["left"] for one in report["run"]["slots_given_up"]) > 0
    kept = checks_of(stage)
    assert 0 < len(kept) < len(links())
    assert set(kept.values()) == {1}
    verified(stage)


def test_no_scheduler_is_one_line(staged: Callable[..., Stage]) -> None:
    stage = prepared(staged)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        done = stage.crawler("run", "--cluster", f"tcp://127.0.0.1:{nobody.getsockname()[1]}")
    assert done.returncode == 2
    assert "no Dask scheduler answers" in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize("address", ["local:0", "local:x", "udp://h:1", "tcp://h", "local:999999"])
def test_an_address_that_is_none_is_one_line(staged: Callable[..., Stage], address: str) -> None:
    done = prepared(staged).crawler("run", "--cluster", address)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_signal_ends_the_run_and_its_processes(staged: Callable[..., Stage]) -> None:
    stage = prepared(staged, 1.0)
    run = started(stage, "--cluster", "local:2")
    wait_for_requests(stage, 8)
    proc = Path("/proc")
    children = (proc / f"{run.pid}/task/{run.pid}/children").read_text().split()
    workers = [pid for pid in children if "crawler.cluster.local" in (proc / pid / "cmdline").read_text()]
    assert len(workers) == 2
    run.send_signal(signal.SIGTERM)
    report, _ = ended(run, 3)
    assert report["run"]["stopped_by"] == "signal"
    assert len(checks_of(stage)) >= 6
    assert not any((proc / pid).exists() for pid in workers)
    verified(stage)


def test_a_worker_of_another_version_takes_no_part(staged: Callable[..., Stage]) -> None:
    stage = prepared(staged)
    code = (
        "import sys, crawler; crawler.__version__ = '9.9'; from crawler.cluster import local; local.main(sys.argv[1])"
    )
    with scheduler() as (address, _):
        other = subprocess.Popen(
            [sys.executable, "-c", code, address], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        try:
            report, err = ended(started(stage, "--cluster", address), 3)
        finally:
            other.kill()
            other.wait()
            assert other.stdin is not None
            other.stdin.close()
    assert len([line for line in err.splitlines() if "runs crawler 9.9" in line]) == 1
    assert not report["run"]["complete"]
    assert not stage.web.log


def test_who_else_agrees_is_asked_as_in_a_run_of_one_process(staged: Callable[..., Stage]) -> None:
    down, other = "https://h0.example/down", links()[1]
    captured = StandInWayback(
        [StandInCapture(down, f"{datetime.now(UTC) + timedelta(hours=1):%Y%m%d%H%M%S}", b"", 404)]
    )
    answers = {down: StandInAnswer(b"<p>busy", status=503), other: page(other)}
    stage = staged(StandInPlan(answers=answers, handlers={"archive.example": captured}))
    stage.note("a.md", f"{down}\n\n{other}\n")
    stage.configure(
        {
            "fetch": {"second_opinion": "wayback"}, "schedule": {"confirm_after": 0}, "read": {"processes": 1},
            "wayback": {"endpoint": "http://archive.example"},
        }
    )  # fmt: skip
    found = []
    for archive, cluster in (("alone", ()), ("together", ("--cluster", "local:1"))):
        ended(started(stage, "--archive", archive, *cluster))
        report, _ = ended(started(stage, "--archive", archive, "--all", *cluster))
        found.append(verdicts(report))
        (one,) = (link for link in report["links"] if link["url"] == down)
        assert (one["state"], one["evidence"]["agreed"]) == ("dead", "wayback")
    assert found[0] == found[1]
    assert captured.looked_up() == [down] * 2, "once in each second run"


@pytest.mark.browser
def test_a_page_that_needs_a_browser_is_shown_to_the_coordinators(staged: Callable[..., Stage]) -> None:
    try:
        find_browser(os.environ)
    except BrowserError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(f"clusters with a browser are not tested: {error}")
    shell, words = "https://h0.example/shell", " ".join(f"word{n} of a letter that takes a week." for n in range(40))
    script = f"setTimeout(() => document.body.innerHTML = `<article><h1>A letter</h1><p>{words}</p></article>`, 200)"
    asks = "<noscript>You need to enable JavaScript to run this app.</noscript>"
    body = f"<!doctype html><title>A letter</title><div id=app></div>{asks}<script>{script}</script>"
    stage = staged(StandInPlan(answers={shell: StandInAnswer(body.encode()), links()[1]: page(links()[1])}))
    stage.note("a.md", f"{shell}\n\n{links()[1]}\n")
    stage.configure({"host.'h0.example'": {"browser": True}, "read": {"processes": 1}})
    report, _ = ended(started(stage, "--cluster", "local:1"))
    assert {one["state"] for one in report["links"]} == {"alive"}
    assert "word39 of a letter" in stage.crawler("show", shell, "--text").stdout
    assert stage.crawler("show", links()[1], "--text").returncode == 0
    verified(stage)

"""Bad input, no network, signals and crashes: one clear line, the right exit code, and nothing lost."""

from __future__ import annotations

import json
import resource
import signal
import sqlite3
import time
from collections.abc import Callable
from subprocess import CompletedProcess
from typing import TYPE_CHECKING

import pytest

from crawler.testing import pages
from crawler.testing.answer import StandInAnswer, StandInPlan
from crawler.testing.pages import Article

if TYPE_CHECKING:
    from conftest import Stage

pytestmark = pytest.mark.slow

MANY = 30
URLS = [f"https://slow.example/{n}" for n in range(MANY)]


def post(url: str) -> bytes:
    return pages.blog_article(Article(url, f"Page {url}", "Ann", (f"All that is said at {url}.",) * 4, "Slow"))


SLOW = StandInPlan({url: StandInAnswer(post(url), delay=0.1) for url in URLS})


def assert_one_clear_line(done: CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]


@pytest.fixture
def stage(staged: Callable[..., Stage]) -> Stage:
    stage = staged(SLOW)
    stage.note("slow.md", "\n\n".join(URLS))
    return stage


def wait_for_requests(stage: Stage, number: int) -> None:
    deadline = time.monotonic() + 30
    while len(stage.web.log) < number:
        assert time.monotonic() < deadline, f"only {len(stage.web.log)} requests came"
        time.sleep(0.01)


def test_without_a_network_nothing_is_called_dead_and_the_exit_code_is_3(staged: Callable[..., Stage]) -> None:
    hosts = [f"host{n}.example" for n in range(8)]
    stage = staged(StandInPlan({}, refused=frozenset(hosts)), {"fetch": {"retries": 0}})
    stage.note("offline.md", "\n\n".join(f"https://{host}/" for host in hosts))

    report = stage.report("run", code=3)

    assert report.whole["counts"]["dead"] == 0
    assert report.whole["run"]["network"] == "down"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_finishes_what_is_open_and_writes_the_report(stage: Stage, number: signal.Signals) -> None:
    with stage.start("run", "--format", "json", "--output", "report.json") as process:
        wait_for_requests(stage, 5)
        process.send_signal(number)
        process.communicate(timeout=60)

    report = stage.written()
    assert process.returncode == 3
    assert report.whole["run"]["stopped_by"] == "signal"
    assert report.whole["run"]["complete"] is False
    assert 4 <= len(report.of_state("alive")) < MANY
    assert report.of_state("alive") | report.of_state("unchecked") == set(URLS)


def test_the_run_after_a_signal_goes_on_where_the_last_one_stopped(stage: Stage) -> None:
    with stage.start("run") as process:
        wait_for_requests(stage, 5)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    known = stage.report("report").of_state("alive")

    report = stage.report("run")

    assert report.of_state("alive") == set(URLS)
    assert {len(stage.web.asked(url)) for url in known} == {1}


def test_kill_9_loses_no_acknowledged_look(stage: Stage) -> None:
    with stage.start("run") as process:
        wait_for_requests(stage, 12)
        process.kill()
        process.communicate()
    known = stage.report("report").of_state("alive")

    assert len(known) >= 12 - 4  # one in flight, one on its way to the recorder, two in its hands
    assert stage.report("run").of_state("alive") == set(URLS)
    assert {len(stage.web.asked(url)) for url in known} == {1}
    assert stage.crawler("verify").returncode == 0


def test_two_runs_at_once_the_second_names_the_first(stage: Stage) -> None:
    with stage.start("run") as first:
        wait_for_requests(stage, 2)
        second = stage.crawler("run")
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=60)

    assert_one_clear_line(second, 3, str(first.pid))


def test_a_full_disk_is_one_line_and_keeps_what_was_acknowledged(stage: Stage) -> None:
    def almost_full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (192 * 1024, 192 * 1024))

    stage.note("more.md", "\n\n".join(f"https://slow.example/more{n}" for n in range(60)))
    for n in range(60):
        url = f"https://slow.example/more{n}"
        words = " ".join(f"{n * k * 7919 % 104729:x}" for k in range(1, 4000))
        stage.web.put(url, StandInAnswer(pages.blog_article(Article(url, f"More {n}", "Ann", (words,), "Slow"))))

    done = stage.crawler("run", "--quiet", preexec_fn=almost_full)

    assert done.returncode in {2, 3}, done.stderr
    assert "Traceback" not in done.stderr
    assert stage.crawler("verify").returncode in {0, 1}
    assert stage.report("run").whole["counts"]["alive"] == MANY + 60
    assert stage.crawler("verify").returncode == 0


def test_a_missing_path_is_named(stage: Stage) -> None:
    assert_one_clear_line(stage.crawler("run", "no-such-folder"), 2, "no-such-folder")


def test_an_archive_that_is_a_file_is_named(stage: Stage) -> None:
    (stage.folder / "archive").write_text("not a folder")

    assert_one_clear_line(stage.crawler("run"), 2, "archive")


def test_an_archive_that_cannot_be_made_is_named(stage: Stage) -> None:
    assert_one_clear_line(stage.crawler("run", "--archive", "/proc/no-archive-here"), 2, "/proc/no-archive-here")


def test_a_foreign_database_in_the_archive_is_left_alone(stage: Stage) -> None:
    stage.report("run", "--max-links", "1")
    (index,) = (stage.folder / "archive").glob("*.sqlite")
    for file in (stage.folder / "archive").glob(f"{index.name}*"):
        file.unlink()
    foreign = sqlite3.connect(index)
    foreign.execute("CREATE TABLE recipes (name TEXT)")
    foreign.commit()
    foreign.close()

    assert_one_clear_line(stage.crawler("run"), 2, index.name)
    kept = sqlite3.connect(index)
    assert kept.execute("SELECT name FROM sqlite_master WHERE name = 'recipes'").fetchone() == ("recipes",)
    kept.close()


def test_a_gbk_note_is_read(staged: Callable[..., Stage]) -> None:
    url = "https://slow.example/0"
    stage = staged(SLOW)
    stage.note("旧笔记.md", f"{url}\n\n用国标码写成的旧笔记，标题里有汉字\n".encode("gb18030"))

    report = stage.report("run")

    assert report[url]["note_title"] == "用国标码写成的旧笔记，标题里有汉字"


def test_a_binary_note_is_skipped_by_name_and_the_others_are_read(stage: Stage) -> None:
    stage.note("binary.md", bytes(range(256)) * 64)

    done = stage.crawler("run", "--max-links", "1")

    assert done.returncode == 0
    assert "binary.md" in done.stderr


def test_a_configuration_that_is_not_toml_names_file_and_line(stage: Stage) -> None:
    (stage.folder / "crawler.toml").write_text("[fetch]\ninterval = = 3\n")

    assert_one_clear_line(stage.crawler("run"), 2, "crawler.toml", "line 2")


def test_an_unknown_key_names_the_nearest_known_one(stage: Stage) -> None:
    (stage.folder / "crawler.toml").write_text("[fetch]\nintervall = 3\n")

    assert_one_clear_line(stage.crawler("run"), 2, "crawler.toml", "intervall", "interval")


def test_a_value_of_the_wrong_kind_names_its_key(stage: Stage) -> None:
    (stage.folder / "crawler.toml").write_text('[fetch]\ntimeout = "soon"\n')

    assert_one_clear_line(stage.crawler("run"), 2, "crawler.toml", "timeout", "soon")


def test_a_configuration_that_does_not_exist_is_named(stage: Stage) -> None:
    assert_one_clear_line(stage.crawler("run", "--config", "nowhere.toml"), 2, "nowhere.toml")


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ('state = "dead"\nreason = "gone"\nstatuss = [404]', "status"),
        ('state = "deed"\nreason = "gone"\nstatus = [404]', "deed"),
    ],
)
def test_a_bad_site_rule_names_file_and_key(stage: Stage, row: str, word: str) -> None:
    sites = stage.folder / "sites"
    sites.mkdir()
    (sites / "mine.toml").write_text(f'name = "mine"\nhosts = ["slow.example"]\n\n[[row]]\nid = "x"\n{row}\n')
    stage.configure({"sites": {"path": "sites"}})

    assert_one_clear_line(stage.crawler("run"), 2, "mine.toml", word)


@pytest.mark.parametrize("arguments", [("runn",), ("run", "--no-such-option"), ("run", "--budget", "soon"), ()])
def test_wrong_usage_is_exit_code_2(stage: Stage, arguments: tuple[str, ...]) -> None:
    done = stage.crawler(*arguments)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_an_empty_archive_reports_nothing_and_is_no_error(stage: Stage) -> None:
    done = stage.crawler("report", "--format", "json")

    assert done.returncode == 0
    assert json.loads(done.stdout)["counts"]["alive"] == 0

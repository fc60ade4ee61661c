"""Pages are read in processes of their own: none can hang a run, and a reader that dies costs its own page."""

import os
import platform
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
import trio

from crawler.archive.answers import KeptAnswer
from crawler.core.config import site_documents
from crawler.core.model import Fetch, State
from crawler.core.settings import ReadSettings, Seconds, Settings, Size
from crawler.crawl import forkserver
from crawler.crawl.examine import read
from crawler.crawl.kept_tasks import KeptTask, read_task
from crawler.crawl.readers import (
    FEW,
    InlineReader,
    PastLimits,
    ReaderDied,
    ReaderPool,
    open_readers,
    process_count,
)
from crawler.crawl.syncreaders import open_sync_readers
from crawler.crawl.tasks import Depth, PageReading, ProbeTask, ReadTask
from crawler.notes.links import link_of
from crawler.sites import load_sites

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SITES = load_sites(site_documents(Settings()))
URL = "https://a.example/posts/1"

BOMBS = {
    "a comment that ends at once, then a deep page": "<!-->" + "<div>" * 100_000,
    "deep": "<div>" * 60_000,
    "8 MB of nested tags": "<div>" * 1_600_000,
    "nested tables": "<table><tr><td>" * 20_000 + "x",
    "deep with formatting": "".join(f"<p><b id={i}>" for i in range(25_000)),
    "formatting reopened by each block": "".join(f"<b id={i}>" for i in range(400)) + "<p>x" * 75_000,
    "adopted": "<div>" + "".join(f"<b id={i}>" for i in range(500)) + "</div>" + "</i>" * 500 + "<div>x</div>" * 30_000,
    "attributes": "<a " + " ".join(f"a{i}" for i in range(60_000)) + ">",
    "foreign elements": "<svg><g>" * 37_500,
    "open comments": "<!--" * 75_000,
    "open tags": "<" * 300_000,
}


def task(body: bytes | str, status: int = 200, depth: Depth = Depth.PAGE, digest: str = "") -> ReadTask:
    data = body.encode() if isinstance(body, str) else body
    fetched = Fetch(URL, URL, NOW, status=status, headers=(("Content-Type", "text/html"),), body=data)
    return ReadTask(link_of(URL, SITES), fetched, NOW, known_digest=digest, depth=depth)


ARTICLE = "<title>A title</title><article>" + "<p>Words that stand here for an article of some length.</p>" * 20


@asynccontextmanager
async def readers(seconds: float = 1.0, memory: int = 1 << 30, processes: int = 2) -> AsyncIterator[ReaderPool]:
    settings = Settings(read=ReadSettings(processes=processes, seconds=Seconds(seconds), memory=Size(memory)))
    async with open_readers(settings, SITES) as pool:
        yield pool


async def test_a_page_read_in_a_process_is_the_page_read_here() -> None:
    wanted = [task(ARTICLE), task(ARTICLE, 404), task(ARTICLE, depth=Depth.HEAD), task("%PDF-1.7"), task("<p>")]
    async with readers() as pool:
        for one in wanted:
            assert await pool.read(one) == await InlineReader(SITES).read(one)


async def test_a_reader_makes_the_digest_of_a_body_that_may_be_kept() -> None:
    reader, one = InlineReader(SITES), task(ARTICLE)
    assert (await reader.read(one)).payload == f"sha256:{sha256(one.fetched.body).hexdigest()}"
    assert (await reader.read(task(ARTICLE, depth=Depth.VERDICT))).payload == ""
    assert (await reader.read(task(""))).payload == ""


LARGE_PAGE = f"<script>{'x = 1;' * 200_000}</script>" + ARTICLE


async def test_a_large_page_reaches_its_reader_whole_however_many_are_under_way() -> None:
    pages = [task(LARGE_PAGE.replace("A title", f"Title {n}")) for n in range(12)]
    read: dict[int, str] = {}

    async def one(n: int) -> None:
        read[n] = (await pool.read(pages[n])).page.title

    async with readers() as pool, trio.open_nursery() as nursery:
        for n in range(len(pages)):
            nursery.start_soon(one, n)
    assert read == {n: f"Title {n}" for n in range(len(pages))}


@pytest.mark.parametrize("shared", [True, False], ids=["shared memory", "pipes"])
async def test_small_pages_that_travel_together_are_read_as_each_alone(
    monkeypatch: pytest.MonkeyPatch,
    shared: bool,
) -> None:
    if not shared:
        monkeypatch.delattr(os, "memfd_create")
    pages = [task(ARTICLE.replace("A title", f"Title {n}") + "<p>words of it" * (40 * n)) for n in range(40)]
    read: dict[int, PageReading] = {}

    async def one(n: int) -> None:
        read[n] = await pool.read(pages[n])

    async with readers() as pool, trio.open_nursery() as nursery:
        for n in range(len(pages)):
            nursery.start_soon(one, n)
    here = InlineReader(SITES)
    assert [read[n] for n in range(len(pages))] == [await here.read(page) for page in pages]


async def test_a_large_page_after_one_that_killed_its_reader_is_read_whole() -> None:
    async with readers(seconds=0.5, processes=1) as pool:
        bomb = await pool.read(task("<!-- -->" * 200_000 + BOMBS["deep with formatting"]))
        good = await pool.read(task(LARGE_PAGE))
        large = await pool.read(task(LARGE_PAGE * 4))
        after = await pool.read(task(LARGE_PAGE.replace("A title", "Another")))
    assert bomb.verdict.reason == "too-complex"
    assert (good.page.title, large.page.title, after.page.title) == ("A title", "A title", "Another")


async def test_where_a_system_knows_no_shared_memory_large_pages_go_through_pipes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "memfd_create")
    async with readers(processes=1) as pool:
        assert await pool.read(task(LARGE_PAGE)) == await InlineReader(SITES).read(task(LARGE_PAGE))


async def test_where_readers_cannot_see_into_shared_memory_large_pages_go_through_pipes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 4_000_000)  # as where /proc hides other processes
    async with readers(processes=1) as pool:
        assert await pool.read(task(LARGE_PAGE)) == await InlineReader(SITES).read(task(LARGE_PAGE))


def open_lanes() -> int:
    files = (file for file in Path("/proc/self/fd").iterdir() if file.is_symlink())
    return sum("memfd:lane" in str(file.readlink()) for file in files)


async def test_shared_memory_is_let_go_with_the_readers() -> None:
    async with readers(processes=2) as pool:
        await pool.read(task(LARGE_PAGE))
        assert open_lanes() == 2
    assert open_lanes() == 0


async def test_bombs_cost_their_own_page_and_nothing_else() -> None:
    """All of them at once between good pages: the good ones are read, the bombs are unknown or read, never raised."""
    found: dict[str, State] = {}
    reasons: dict[str, str] = {}

    async def one(name: str, html: str) -> None:
        reading = await pool.read(task(html))
        found[name], reasons[name] = reading.verdict.state, reading.verdict.reason

    async with readers(seconds=0.5) as pool, trio.open_nursery() as nursery:
        for name, html in BOMBS.items():
            nursery.start_soon(one, name, html)
            nursery.start_soon(one, f"good beside {name}", ARTICLE)
    assert {name: found[name] for name in found if name.startswith("good")} == {
        f"good beside {name}": State.ALIVE for name in BOMBS
    }
    assert {found[name] for name in BOMBS} <= {State.ALIVE, State.UNKNOWN}  # some are read within the limits
    assert reasons["a comment that ends at once, then a deep page"] == "too-complex"


async def test_a_page_that_takes_too_much_memory_is_too_complex() -> None:
    async with readers(seconds=20.0, memory=64 << 20, processes=1) as pool:
        reading = await pool.read(task(BOMBS["adopted"]))
        assert (reading.verdict.state, reading.verdict.reason) == (State.UNKNOWN, "too-complex")
        assert (await pool.read(task(ARTICLE))).verdict.state is State.ALIVE


async def test_a_status_that_speaks_for_itself_needs_no_page() -> None:
    async with readers(seconds=0.3, processes=1) as pool:
        reading = await pool.read(task(BOMBS["deep"], status=404))
    assert (reading.verdict.state, reading.verdict.reason) == (State.DEAD, "not-found")


def die_once(marker: str) -> str:
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "read"


def die() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def spin() -> None:
    while True:
        pass


def wait_for_ever() -> None:
    signal.pause()


async def test_a_reader_that_dies_is_replaced_and_its_page_read_again(tmp_path) -> None:
    async with readers(processes=1) as pool:
        assert await pool.call(die_once, str(tmp_path / "died")) == "read"


async def test_a_second_death_costs_that_page_only() -> None:
    async with readers(processes=1) as pool:
        with pytest.raises(ReaderDied):
            await pool.call(die)
        assert (await pool.read(task(ARTICLE))).verdict.state is State.ALIVE


async def test_a_page_that_waits_without_working_is_ended_by_the_wall_clock() -> None:
    async with readers(seconds=0.1, processes=1) as pool:
        with pytest.raises(PastLimits, match="1 s"):
            await pool.call(wait_for_ever)


async def test_a_cancelled_reading_ends_at_once() -> None:
    async with readers(seconds=30.0, processes=1) as pool:
        with trio.move_on_after(0.5) as scope:
            await pool.call(spin)
        assert scope.cancelled_caught


async def test_a_probe_is_compared_in_a_process() -> None:
    page, other = task(ARTICLE).fetched, task("<p>Not here, sorry").fetched
    async with readers(processes=1) as pool:
        alike = await pool.compare(ProbeTask(page, page))
        assert alike is not None
        assert alike.reason == "soft-404"
        assert await pool.compare(ProbeTask(page, other)) is None


def test_plain_functions_read_many_pages_in_order() -> None:
    bodies = [f"<title>Page {n}</title>{ARTICLE}" for n in range(30)]
    settings = Settings(read=ReadSettings(processes=2))
    with open_sync_readers(settings, SITES) as reader:
        titles = [reading.page.title for _, reading in reader.in_order(reader.read, map(task, bodies))]
        assert reader.read(task(ARTICLE)).page.title == "A title"
    assert titles == [f"Page {n}" for n in range(30)]


def test_there_is_a_reader_for_each_core_unless_configured() -> None:
    assert process_count(ReadSettings()) >= 1
    assert process_count(ReadSettings(processes=3)) == 3


def test_what_is_kept_already_gets_no_second_readable_copy() -> None:
    from crawler.crawl.examine import read

    first = read(task(ARTICLE), SITES)
    assert first.readable
    assert read(task(ARTICLE, digest=first.page.digest), SITES).readable == ""


_kept: list[bytearray] = []


def hoard() -> int:
    """What a parser that forgets to free its memory does to a process."""
    _kept.append(bytearray(b"x" * (300 << 20)))
    return os.getpid()


def faults_of_the_third_page() -> int:
    """How many pages of memory the system has to give again for what two rounds before had and freed."""
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        held = [bytearray(b"x" * (7 << 20)) for _ in range(3)]
        del held
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators have rules of their own")
async def test_a_reader_keeps_what_a_large_page_freed_for_the_next_one() -> None:
    async with readers(seconds=20.0, processes=1) as pool:
        assert await pool.call(faults_of_the_third_page) < 500  # of 5,000 that 21 MB are


async def test_a_reader_that_has_grown_makes_place_for_a_fresh_one() -> None:
    async with readers(seconds=20.0, processes=1) as pool:
        first = await pool.call(hoard)
        assert await pool.call(os.getpid) != first
        assert await pool.call(hoard) != first
        assert await pool.call(len, "small again") == 11


async def test_without_processes_pages_are_read_here_and_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from trio_parallel import WorkerContext

    async def refuse(*_: object, **__: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(WorkerContext, "run_sync", refuse)
    async with readers() as pool:
        await pool.warm_up(5)
        assert (await pool.read(task(ARTICLE))).page.title == "A title"
        assert await pool.read(task(ARTICLE)) == await InlineReader(SITES).read(task(ARTICLE))
    lines = [record.message for record in caplog.records if "no process can be started" in record.message]
    assert len(lines) == 1
    assert "[Errno 38] Function not implemented" in lines[0]


async def test_readers_are_started_before_the_first_page_but_one_reads_a_few() -> None:
    async with readers(processes=2) as pool:
        await pool.warm_up(FEW)
        assert pool._workers.statistics().idle_workers == 1
        async with trio.open_nursery() as nursery:
            for _ in range(FEW):
                nursery.start_soon(pool.read, task(ARTICLE))
        assert pool._workers.statistics().idle_workers == 1
        await pool.warm_up(50)
        assert pool._workers.statistics().idle_workers == 2


def test_many_kept_answers_are_judged_in_order_and_a_bomb_among_them_is_left_to_be_read_alone() -> None:
    settings = Settings(read=ReadSettings(processes=2, seconds=Seconds(0.5)))
    pages = [ARTICLE.replace("A title", f"Title {n}") for n in range(40)]
    pages[5] = BOMBS["deep with formatting"]
    pages[30] = LARGE_PAGE
    tasks = [KeptTask(n, URL, URL, NOW, KeptAnswer(task(html).fetched)) for n, html in enumerate(pages)]
    with open_sync_readers(settings, SITES) as pool:
        found = list(pool.read_kept(iter(tasks)))
        alone = pool.read(read_task(tasks[5], tasks[5].answer.read(), SITES))
    assert [one for one, _ in found] == tasks
    assert [n for n, (_, reading) in enumerate(found) if reading is None] == [5]
    expected = [f"Title {n}" if n != 30 else "A title" for n in range(40) if n != 5]
    assert [reading.page.title for _, reading in found if reading] == expected
    assert alone.verdict.reason == "too-complex"


def test_an_answer_read_for_its_verdict_has_the_verdict_and_the_head_of_one_read_whole() -> None:
    for html in (ARTICLE, LARGE_PAGE, "<p>", "%PDF-1.7"):
        whole = read(task(html), SITES)
        alone = read(task(html, depth=Depth.VERDICT), SITES)
        assert (alone.verdict, alone.said, alone.page.title) == (whole.verdict, whole.said, whole.page.title)
        assert alone.page.digest == whole.page.digest
        assert (alone.readable, alone.page.text) == ("", "")


KILLED = """
import os, signal, sys
from multiprocessing import forkserver as server
from crawler.crawl import forkserver
forkserver.start()
_, to_reader = server.connect_to_new_process([])
os.write(to_reader, bytes.fromhex(sys.argv[1]))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not forkserver.is_there(), reason="readers are not forked here")
@pytest.mark.parametrize("sent", ["", "80", "8004950a"], ids=["nothing", "a beginning", "half a message"])
def test_a_program_that_is_killed_while_it_starts_a_reader_leaves_no_traceback(sent: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, sent], capture_output=True, text=True, timeout=60, check=False
    )  # returns when the server and its reader have closed stderr, too
    assert done.returncode == -signal.SIGKILL
    assert done.stderr == ""


def test_an_error_of_a_reader_itself_is_shown() -> None:
    code = "import crawler.crawl.orphaned\nraise ValueError('ours')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "ValueError: ours" in done.stderr

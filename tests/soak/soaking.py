"""Soak: rounds over thousands of links in mixed hostile weather, and what a round leaves behind in the process.

The stand-in web runs in a process of its own, so that only the crawler is measured. `make soak` prints a table;
the suite runs a small one. Nothing leaves loopback.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import trio

from crawler.core.config import convert
from crawler.core.model import Check, State
from crawler.crawl.context import open_context
from crawler.crawl.observer import Observer
from crawler.crawl.run import run
from crawler.schedule.plan import Budget
from crawler.testing.answer import Fault, StandInAnswer, StandInPlan, broken, redirect
from crawler.testing.web import open_web

HOSTS_A_LINK = 50  # links of one host; a guess near what notes hold
HANGS = 100  # links of which one hangs until the deadline, that one link apart
PROSE = "A sentence of plain prose that says a little about nothing in particular, as most sentences do. "


def page(host: int, n: int, extra: str = "", size: int = 20) -> bytes:
    """A page of its own: no two hosts answer alike."""
    text = f"<p>Host {host}, page {n}. {PROSE * size}</p>"
    return f"<!doctype html><title>Page {n} of host {host}</title><article>{text}</article>{extra}".encode()


# Each makes the answer of one link; most are living pages, as most links are.
WEATHER: tuple[Callable[[str, int, int], StandInAnswer], ...] = (
    *([lambda _u, h, n: StandInAnswer(page(h, n))] * 8),
    lambda _u, h, n: StandInAnswer(page(h, n, size=2000)),
    lambda _u, h, n: StandInAnswer(page(h, n), encoding="gzip"),
    lambda _u, h, n: StandInAnswer(page(h, n), status=404),
    lambda _u, h, n: StandInAnswer(page(h, n), status=503),
    lambda u, _h, _n: redirect(f"{u}-moved"),
    lambda u, _h, _n: redirect(u),  # to itself, for ever
    lambda _u, _h, _n: StandInAnswer(status=302, location="http://[::1/" + "x" * 9000),
    lambda _u, _h, _n: broken(Fault.RESET),
    lambda _u, _h, _n: broken(Fault.GARBAGE),
    lambda _u, _h, _n: broken(Fault.TRUNCATE),
    lambda _u, h, n: StandInAnswer(page(h, n), fail_first=1, fail_with=Fault.RESET),
    lambda _u, h, n: StandInAnswer(page(h, n, "<div>" * 3000)),  # deeper than a reader needs
    lambda _u, h, n: StandInAnswer(page(h, n, "<!-->" * 2000)),
    lambda _u, h, n: StandInAnswer(page(h, n), content_type="text/html; charset=gb2312"),
    lambda _u, h, n: StandInAnswer(page(h, n), headers=(("X-Long", "x" * 30_000),)),
    lambda _u, h, n: StandInAnswer(page(h, n, "<title>\x1b[2J\u202e::error::x</title>")),
    lambda _u, _h, _n: StandInAnswer(os.urandom(3000), content_type="text/html"),
    lambda _u, _h, _n: StandInAnswer(os.urandom(3000), headers=(("Content-Encoding", "gzip"),)),
    lambda u, h, n: StandInAnswer(page(h, n, f'<meta http-equiv=refresh content="0;url={u}">')),
    lambda _u, _h, _n: StandInAnswer(endless=3_000_000),
)


def answer_of(url: str, host: int, n: int) -> StandInAnswer:
    """What one link meets; a hanging server is rare, since each costs its deadline."""
    if (host * 7919 + n) % HANGS == 0:
        return broken(Fault.HANG)
    return WEATHER[(host * 31 + n * 7) % len(WEATHER)](url, host, n)


def links_of(count: int) -> list[tuple[str, int, int]]:
    """(URL, host, number) of that many links over many hosts, one in three without TLS."""
    return [
        (f"{'http' if host % 3 == 0 else 'https'}://host{host}.example/{n}", host, n)
        for host, n in (divmod(i, HOSTS_A_LINK) for i in range(count))
    ]


def plan_of(count: int) -> StandInPlan:
    """The whole web of a soak."""
    links = links_of(count)
    answers = {url: answer_of(url, host, n) for url, host, n in links}
    answers |= {f"{url}-moved": StandInAnswer(page(host, n)) for url, host, n in links}
    hosts = sorted({url.split("/")[2] for url, _, _ in links})
    return StandInPlan(answers, refused=frozenset(hosts[5::40]), untrusted=frozenset(hosts[9::40]))


def serve(count: int, ca_bundle: str, channel: Connection) -> None:
    """The web, in a process of its own, until its parent hangs up."""

    async def main() -> None:
        async with open_web(plan_of(count), Path(ca_bundle)) as web:
            channel.send(web.resolve)
            while not await trio.to_thread.run_sync(channel.poll, 1.0, abandon_on_cancel=True):
                web.log.clear()

    trio.run(main)


@contextmanager
def stand_in_web(count: int, ca_bundle: Path) -> Iterator[dict[str, str]]:
    """Where every host is served, until the block ends."""
    mine, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(count, str(ca_bundle), theirs))
    process.start()
    try:
        assert mine.poll(300), "the stand-in web did not come up"
        yield mine.recv()
    finally:
        mine.send("stop")
        process.join(10)
        process.kill()
        mine.close()
        theirs.close()


@dataclass(slots=True)
class Round:
    """What one round over all links left behind."""

    seconds: float
    states: dict[str, int]
    memory: float  # MB of this process after it
    sockets: int  # open descriptors that are sockets, after it
    files: int  # open descriptors of any kind, after it
    children: int  # processes that are left, after it
    tasks: int  # most tasks that lived at one time in it


@dataclass(slots=True)
class Counter(Observer):
    """Counts tasks while a round walks."""

    tasks: int = 0
    done: int = 0
    heard: list[str] = field(default_factory=list)

    def checked(self, check: Check) -> None:
        """One more."""
        self.done += 1
        if self.done % 50 == 0:
            self.tasks = max(self.tasks, trio.lowlevel.current_statistics().tasks_living)


def soak(folder: Path, count: int, seconds: float, tell: Callable[[str], object] = str) -> list[Round]:
    """Rounds over `count` links until `seconds` are over, at least three; each must give every link a verdict."""
    notes = folder / "notes"
    notes.mkdir(parents=True)
    urls = [url for url, _, _ in links_of(count)]
    for at in range(0, count, 500):
        (notes / f"note{at}.md").write_text("\n\n".join(urls[at : at + 500]) + "\n", encoding="utf-8")
    rounds: list[Round] = []
    ends = time.monotonic() + seconds
    with stand_in_web(count, folder / "ca.pem") as resolve:
        settings = convert(configuration(folder, resolve), "soak")
        while len(rounds) < 3 or time.monotonic() < ends:
            started, counter = time.monotonic(), Counter()
            with open_context(settings, "soak", write=True) as context:
                report = run(context, (), Budget(0, all=True), counter).report
            states = {state.value: 0 for state in State}
            for finding in report.findings:
                states[finding.history.state.value] += 1
            assert sum(states.values()) == count, states
            assert not states["unchecked"], states
            assert not report.run.internal_errors
            assert report.run.complete
            rounds.append(Round(time.monotonic() - started, states, *left_behind(), counter.tasks))
            tell(line(len(rounds), rounds[-1]))
    return rounds


def configuration(folder: Path, resolve: dict[str, str]) -> dict[str, object]:
    """No waiting, short deadlines, everything else as shipped."""
    return {
        "notes": {"paths": [str(folder / "notes")]},
        "archive": {"path": str(folder / "archive"), "images": "none"},
        "fetch": {
            "interval": 0, "per_host": 2, "timeout": 3, "connect_timeout": 3, "retries": 1, "patience": 0,
            "max_body": "1MB", "concurrency": 64, "resolve": resolve, "ca_bundle": str(folder / "ca.pem"),
        },
        "schedule": {"confirm_after": 0},
    }  # fmt: skip


def left_behind() -> tuple[float, int, int, int]:
    """Memory in MB, sockets, descriptors and children of this process."""
    gc.collect()  # pipes of processes that ended lie in circles: what only waits for the collector is not left behind
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    memory = int(status.partition("VmRSS:")[2].split()[0]) / 1024
    kinds = []
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - a descriptor of the listing itself is among them
        try:
            kinds.append(os.readlink(f"/proc/self/fd/{name}"))  # noqa: PTH115
        except OSError:  # that of the listing
            continue
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    return memory, sum(kind.startswith("socket:") for kind in kinds), len(kinds), len(children)


HEAD = "round  seconds  links/s      MB  sockets  files  children  tasks  states"


def line(number: int, seen: Round) -> str:
    """A round as a row of the table."""
    states = ", ".join(f"{count} {state}" for state, count in seen.states.items() if count)
    total = sum(seen.states.values())
    return (
        f"{number:5}  {seen.seconds:7.1f}  {total / seen.seconds:7.0f}  {seen.memory:6.1f}  {seen.sockets:7}  "
        f"{seen.files:5}  {seen.children:8}  {seen.tasks:5}  {states}"
    )


def main() -> int:
    """Print the table; 1 where something grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--links", type=int, default=20_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crawler-soak-") as folder:
        sys.stdout.write(HEAD + "\n")
        rounds = soak(Path(folder), chosen.links, chosen.seconds, lambda row: print(row, flush=True))  # noqa: T201
    grown = growth(rounds)
    sys.stdout.write("\n".join(grown or ["flat: memory, sockets, files, children and tasks"]) + "\n")
    return 1 if grown else 0


def growth(rounds: list[Round], memory: float = 1.2) -> list[str]:
    """What is larger at the end than after the second round; the first warms caches up."""
    second, last = rounds[1], rounds[-1]
    limits = {
        "memory": (last.memory, second.memory * memory),
        "sockets": (last.sockets, second.sockets),
        "files": (last.files, second.files),
        "children": (last.children, second.children),
        "tasks": (last.tasks, second.tasks * 1.5 + 10),
    }
    return [f"{name} grew to {now:.0f}, beyond {most:.0f}" for name, (now, most) in limits.items() if now > most]


if __name__ == "__main__":
    sys.exit(main())

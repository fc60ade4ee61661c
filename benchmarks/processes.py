"""What a program and all its processes take, also those that it leaves behind. Linux alone.

`wait4` counts only children that were waited for; workers forked from a server of their own would cost nothing.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread


def become_reaper() -> None:
    """Processes that a contestant leaves behind become our children, so that what they cost is counted."""
    PR_SET_CHILD_SUBREAPER = 36  # noqa: N806 (the name in linux/prctl.h)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_others(server: int = -1) -> None:
    """Wait for what a contestant left behind, a few seconds at most; a `server` and its processes go on."""
    until = time.monotonic() + 15
    while (left := descendants(os.getpid()) - descendants(server) - {server}) and time.monotonic() < until:
        for pid in left:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.02)


def descendants(root: int) -> set[int]:
    """The processes below one, by /proc."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found, more = set(), {root}
    while more := {pid for pid, parent in parents.items() if parent in more}:
        found |= more
    return found


@contextmanager
def peak_memory(server: int) -> Iterator[Callable[[], float]]:
    """Samples the memory of all processes below this one but the server's, shared pages once; MB at the peak."""
    peak, done = [0.0], Event()

    def sample() -> None:
        while not done.wait(0.25):
            total = 0
            for pid in descendants(os.getpid()) - descendants(server) - {server}:
                with suppress(OSError):
                    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                    total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            peak[0] = max(peak[0], total / 1024)

    thread = Thread(target=sample)
    thread.start()
    try:
        yield lambda: peak[0]
    finally:
        done.set()
        thread.join()

"""`local:N`: a scheduler in this process, and N worker processes that are its direct children and end with it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import crawler

END: Final = 5.0  # seconds that workers get to end in good order


@contextmanager
def local_workers(number: int) -> Iterator[str]:
    """The address of a scheduler with so many workers on loopback, until the block ends."""
    from distributed import LocalCluster

    none = {"n_workers": 0, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "protocol": "tcp"}
    with LocalCluster(**none) as cluster:  # type: ignore[no-untyped-call]  # Dask has no types here
        workers: list[subprocess.Popen[bytes]] = []
        try:
            workers.extend(_start(cluster.scheduler_address, number) for _ in range(number))
            yield str(cluster.scheduler_address)
        finally:
            _stop(workers)


def _start(address: str, number: int) -> subprocess.Popen[bytes]:
    """A worker process; the pipe to it is never written to, and its end tells that this process is gone."""
    root = str(Path(crawler.__file__).parent.parent)
    readers = max(1, (os.cpu_count() or 1) // number)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}
    command = [sys.executable, "-m", "crawler.cluster.local", address, str(readers)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environ)  # noqa: S603  # ours


def _stop(workers: list[subprocess.Popen[bytes]]) -> None:
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.close()
    for worker in workers:
        try:
            worker.wait(END)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def main(address: str) -> None:
    """A worker until its scheduler or its parent is gone."""
    from distributed import Worker

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the run ends its workers itself
    threading.Thread(target=_end_with_parent, daemon=True).start()

    async def work() -> None:
        async with Worker(address, nthreads=1, dashboard=False, death_timeout=30) as worker:
            await worker.finished()

    with suppress(OSError):
        asyncio.run(work())


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    from crawler.cluster.dask import quiet

    quiet()
    main(sys.argv[1])

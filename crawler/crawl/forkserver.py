"""The process that readers are forked from: its imports are made once, so that a reader is there in no time.

Kept apart from `readers`, whose own imports it is to run beside.
"""

from __future__ import annotations

import multiprocessing
from contextlib import suppress

SILENCE = "crawler.crawl.orphaned"
MODULES = [  # what the first page would wait for
    "crawler.crawl.worker",
    "crawler.crawl.examine",
    "crawler.page.fields",
    "crawler.page.headline",
    "crawler.page.main_text",
    "crawler.page.metadata",
    "selectolax.lexbor",
]

LIBRARY = "_trio_parallel_workers"  # what a process of trio-parallel imports first; where it is not called so, it waits


def is_there() -> bool:
    """Whether this platform forks from a server."""
    return "forkserver" in multiprocessing.get_all_start_methods()


def start() -> None:
    """Start it, where it does not run yet; its imports take place on another core. What goes wrong shows later."""
    if not is_there():
        return
    from multiprocessing import forkserver

    multiprocessing.set_forkserver_preload([SILENCE, *MODULES, LIBRARY])
    with suppress(OSError, ValueError):
        forkserver.ensure_running()

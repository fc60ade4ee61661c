"""How Dask behaves in processes of ours: whether it is there, how long it waits, what it says."""

from __future__ import annotations

import logging
from typing import Final

from crawler.core.errors import ClusterError

# What Dask does beside, up to a hundred times a second in each process: for tasks and results that a run has not.
IDLE: Final = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.active-memory-manager.start": False,
}
PATIENCE: Final = 10.0  # seconds that a scheduler gets to answer


def quiet() -> None:
    """Dask talks of every lost connection; what matters is told in our own words. Raises ClusterError."""
    try:
        import dask
        import distributed  # noqa: F401  # it sets its loggers up when it is imported
    except ImportError:
        raise ClusterError("--cluster needs Dask: pip install 'linkhealth-crawler[cluster]'") from None
    talkers = ("distributed", "tornado", "asyncio")
    made = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in talkers]
    for name in (*talkers, *made):  # Dask gives some of them levels of their own
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    dask.config.set({"distributed.comm.timeouts.connect": PATIENCE, "distributed.worker.daemon": False, **IDLE})

"""From an address to a coordinator: a scheduler that runs, or workers of this run's own on this machine."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from crawler.cluster.dask import PATIENCE, quiet
from crawler.core.errors import ClusterError, UsageError

if TYPE_CHECKING:
    from crawler.cluster.coordinator import Coordinator

MOST: Final = 256  # processes of `local:N`; a typing mistake should not start thousands

_LOCAL = re.compile(r"local:(\d{1,6})")
_REMOTE = re.compile(r"(?:tcp|tls)://\S+:\d+")


@contextmanager
def open_cluster(address: str) -> Iterator[Coordinator]:
    """Who crawls at this address, until the block ends. Raises UsageError, ClusterError."""
    local = _LOCAL.fullmatch(address)
    if local and not 1 <= int(local[1]) <= MOST:
        raise UsageError(f"--cluster {address}: 1 to {MOST} processes")
    if not local and not _REMOTE.fullmatch(address):
        raise UsageError(f"--cluster {address}: expected tcp://HOST:PORT of a Dask scheduler, or local:N")
    quiet()
    if local:
        from crawler.cluster.local import local_workers

        with local_workers(int(local[1])) as scheduler, _client(scheduler) as client:
            yield _coordinator(client)
    else:
        with _client(address) as client:
            yield _coordinator(client)


def _coordinator(client: Any) -> Coordinator:
    from crawler.cluster.coordinator import Coordinator

    return Coordinator(client)


@contextmanager
def _client(address: str) -> Iterator[Any]:
    from distributed import Client

    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]  # Dask has no types here
    except (OSError, ValueError) as error:
        said = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise ClusterError(f"no Dask scheduler answers at {address}: {said}") from error
    try:
        yield client
    finally:
        try:
            client.close(timeout=2)  # type: ignore[no-untyped-call]  # Dask has no types here
        except (OSError, RuntimeError):  # a lost scheduler has closed it
            logging.getLogger(__name__).debug("the client did not close in good order")

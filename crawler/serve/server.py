"""Hypercorn under trio: a bound socket, the application, and an end in good order at a signal.

The socket is bound here and handed on, so that a taken port is known before anything is promised.
"""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import trio
from hypercorn.config import Config
from hypercorn.trio import serve

from crawler.core.errors import UsageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

BACKLOG: Final = 64
READ_TIMEOUT: Final = 60  # seconds without a byte before a connection is let go
CONNECTIONS: Final = 128


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises UsageError where the port is taken or the address is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.bind((host.strip("[]"), port))
        made.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        made.close()
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{host}:{port} cannot be listened on: {why}; choose another --port or --host") from None
    return made


def run_server(app: ASGIApp, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called when connections are taken."""
    config = Config()
    config.bind = [f"fd://{listening.detach()}"]
    config.include_server_header = False
    config.accesslog = None
    config.errorlog = logging.getLogger("crawler.serve")
    config.keep_alive_timeout = 15
    config.read_timeout = READ_TIMEOUT
    config.graceful_timeout = 2
    config.shutdown_timeout = 5
    config.h11_max_incomplete_size = 160 * 1024  # the longest request line that is answered, and headers
    config.h2_max_concurrent_streams = CONNECTIONS
    trio.run(_serve, app, config, ready)


async def _serve(app: ASGIApp, config: Config, ready: Callable[[], None]) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:

        async def stop() -> None:
            async for _ in signals:
                return

        async with trio.open_nursery() as nursery:

            async def serving(*, task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED) -> None:
                await serve(app, config, shutdown_trigger=stop, task_status=task_status)  # type: ignore[arg-type]  # Hypercorn's own names for ASGI
                nursery.cancel_scope.cancel()

            await nursery.start(serving)
            ready()

"""What every layer of the onion takes and gives: a request in, a `model.Fetch` out; and what the wire below them takes.

Only the shapes that the layers share live here. No layer, no I/O.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from crawler.core.model import Fetch

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One GET.

    `headers` are for the host of `url` alone (validators, Referer): a redirect to another host drops them.
    `foreign` says that a redirect led here from another origin, so headers and credentials of ours stay behind.
    """

    url: str
    headers: Headers = ()
    foreign: bool = False


Ask = Callable[[Request], Awaitable[Fetch]]
"""One layer of the onion: never raises for a broken web."""

Now = Callable[[], datetime]
"""The wall clock, in aware UTC."""

Random = Callable[[], float]
"""A number from 0 up to 1."""


@dataclass(frozen=True, slots=True)
class WireRequest:
    """One request as it goes over the wire. Headers are complete and sendable, `Host` among them."""

    url: str  # WHATWG form, without fragment and credentials
    scheme: str  # "http" or "https"
    host: str  # ASCII, lower case, an IPv6 address without its brackets
    port: int
    target: str  # path and query, ASCII
    headers: list[tuple[bytes, bytes]]
    slot: str  # whose connections it uses
    connect_timeout: float  # seconds, for TCP and for TLS each
    method: str = "GET"
    body: bytes = b""


class WireResponse(Protocol):
    """An answer whose head has come, and whose body is still to be read."""

    status: int
    headers: Headers  # names as sent, text as Latin-1

    @property
    def framed(self) -> bool:
        """Whether HTTP tells where the body ends; else it ends with the connection."""

    async def read(self) -> bytes:
        """Some bytes of the body, b"" at its end; raises what a broken web raises."""

    async def aclose(self) -> None:
        """Give the connection back, or drop it where the body was not read to its end."""


class Transport(Protocol):
    """Sends requests; keeps connections."""

    async def send(self, request: WireRequest) -> WireResponse:
        """Raises one of `errors.WEB_ERRORS` for a broken web."""

    async def close_slot(self, slot: str) -> None:
        """Close the idle connections of a slot."""

    async def aclose(self) -> None:
        """Close everything."""


def split_url(url: str) -> tuple[str, str, str, int, str, str]:
    """(scheme, credentials, host, port, "host:port" as written, target) of an http(s) URL in WHATWG form."""
    scheme, _, rest = url.partition("#")[0].partition("://")
    authority, _, path = rest.partition("/")
    credentials, _, host_port = authority.rpartition("@")
    host, port = host_port, 443 if scheme == "https" else 80
    if not host_port.endswith("]"):
        before, colon, digits = host_port.rpartition(":")
        if colon:
            host, port = before, int(digits)
    return scheme, credentials, host.strip("[]"), port, host_port, "/" + path

"""What every layer of the onion takes and gives: a request in, a `model.Fetch` out.

Only the shapes that the layers share live here. No layer, no I/O.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from crawler.core.model import Fetch

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One GET.

    `headers` are for the host of `url` alone (validators, Referer): a redirect to another host drops them.
    `foreign` says that a redirect led here from another host, so credentials of ours stay behind.
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

"""Which of the user's headers a request carries: each stays with the scheme, host and port that it was meant for.

`[fetch] headers` are meant for the addresses that the notes hold, `[host]` and site headers for their host. A redirect
to another origin takes nothing along but what merely negotiates. Pure; cookies of sites are `cookies`'.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from crawler.fetch.request import Request

# Say how we read, not who we are: these go wherever a redirect leads.
_NEGOTIATION = re.compile(
    r"(?i)accept(?:-.*)?|user-agent|cache-control|pragma|dnt|sec-(?:fetch|ch|gpc)(?:-.*)?|upgrade-insecure-requests|te|priority"
)
_SECRET = re.compile(r"(?i)auth|cookie|token|secret|session|passw|(?:^|-)key(?:$|-)")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# What the connection itself decides; a body or a tunnel that nobody expects would be the result.
_OURS = frozenset({"content-length", "transfer-encoding", "connection", "proxy-authorization", "upgrade", "expect"})


def headers_for(
    request: Request, everywhere: Iterable[tuple[str, str]], of_host: Iterable[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """`[fetch]` headers, then those of the site or host, then the request's own."""
    for name, value in everywhere:
        if _is_sendable(name) and (not request.foreign or _NEGOTIATION.fullmatch(name)):
            yield name, value
    for name, value in of_host:
        if _is_sendable(name) and (not is_secret(name) or _is_at_home(request)):
            yield name, value
    for name, value in request.headers:
        if _is_sendable(name):
            yield name, value


def _is_at_home(request: Request) -> bool:
    """Whether a secret of the host may be sent: to the note's address; after a redirect only by https, default port."""
    scheme, _, rest = request.url.partition("://")
    authority = rest.partition("/")[0].rpartition("@")[2]
    has_port = ":" in authority.rpartition("]")[2]
    return not request.foreign or (scheme == "https" and not has_port)


def _is_sendable(name: str) -> bool:
    return _TOKEN.fullmatch(name) is not None and name.lower() not in _OURS


@lru_cache(maxsize=256)
def is_secret(name: str) -> bool:
    """Whether a header's value must not be shown."""
    return _SECRET.search(name) is not None

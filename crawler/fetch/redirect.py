"""Following redirects as browsers do; every hop goes through the layers below, so through its own host's slot.

Whether a redirect means that a page is gone is the judge's. `<meta http-equiv=refresh>` is a page's content and not
followed here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import ada_url

from crawler.core.model import Failure, Fetch, Redirect
from crawler.fetch.request import Ask, Request

REDIRECTS = frozenset({301, 302, 303, 307, 308})
HTTP = frozenset({"http:", "https:"})

CookiesVersion = Callable[[str], int]
"""A number that changes when the cookies sent with a URL may have changed."""


def follow(ask: Ask, max_redirects: int, cookies_version: CookiesVersion) -> Ask:
    """The layer: `ask`, and ask again where the answer points, at most `max_redirects` times."""

    async def followed(request: Request) -> Fetch:
        hops: list[Redirect] = []
        seen: set[tuple[str, int]] = set()
        requests = wire_bytes = 0
        here = request
        while True:
            state = (here.url, cookies_version(here.url))
            fetch = await ask(here)
            requests += fetch.requests
            wire_bytes += fetch.wire_bytes
            seen.add(state)
            target = _target(fetch)
            if target is not None:
                hops.append(Redirect(fetch.status or 0, here.url))
                fetch, here = _next(fetch, here, target)
                if fetch.failure is None and len(hops) > max_redirects:
                    fetch = _stopped(fetch, Failure.TOO_MANY_REDIRECTS, f"more than {max_redirects} redirects")
                elif fetch.failure is None and (here.url, cookies_version(here.url)) in seen:
                    fetch = _stopped(fetch, Failure.REDIRECT_LOOP, "redirected in a circle")
            if target is None or fetch.failure is not None:
                return _whole(fetch, request, here, tuple(hops), requests, wire_bytes)

    return followed


def _target(fetch: Fetch) -> str | None:
    """The Location of a redirect; an empty one is no redirect to browsers either."""
    if fetch.status not in REDIRECTS:
        return None
    return location_text(fetch.header("Location")) or None


def location_text(raw: str) -> str:
    """Header text is Latin-1 to HTTP libraries, but servers write UTF-8 into Location."""
    raw = raw.strip()
    if raw.isascii():
        return raw
    try:
        return raw.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return raw


def _next(fetch: Fetch, here: Request, target: str) -> tuple[Fetch, Request]:
    """The request that a redirect asks for, or the fetch as failed because it asks for what cannot be."""
    try:
        old, new = ada_url.URL(here.url), ada_url.URL(target, base=here.url)
    except ValueError:
        # Not "malformed-url": the note's own link is well formed, it is the server that talks nonsense.
        return _stopped(fetch, Failure.PROTOCOL, "redirected to an address that cannot be read"), here
    if not new.hash and old.hash:
        new.hash = old.hash  # RFC 9110, 10.2.2: a fragment is inherited
    if new.protocol not in HTTP:
        text = f"redirected to {new.protocol.rstrip(':')}:, which is no web address"
        return _stopped(fetch, Failure.UNSUPPORTED_SCHEME, text), replace(here, url=new.href)
    if new.hostname == old.hostname:
        return fetch, replace(here, url=new.href)
    return fetch, Request(new.href, foreign=True)


def _stopped(fetch: Fetch, failure: Failure, error: str) -> Fetch:
    return replace(fetch, status=None, failure=failure, error=error, body=b"")


def _whole(
    fetch: Fetch, first: Request, last: Request, hops: tuple[Redirect, ...], requests: int, wire_bytes: int
) -> Fetch:
    """The last answer as the answer to the first request."""
    if not hops and fetch.url == fetch.final_url == first.url:
        return fetch
    failure, error = fetch.failure, fetch.error
    if failure is Failure.NOT_PUBLIC and hops:
        failure, error = Failure.REDIRECTED_TO_PRIVATE, f"redirected to an address that is not public: {error}"
    return replace(
        fetch,
        url=first.url,
        final_url=last.url,
        failure=failure,
        error=error,
        redirects=hops,
        requests=requests,
        wire_bytes=wire_bytes,
    )

"""Following redirects as browsers do; every hop goes through the layers below, so through its own host's slot.

Whether a redirect means that a page is gone is the judge's. `<meta http-equiv=refresh>` is a page's content and not
followed here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import ada_url

from crawler.core.counts import Counted
from crawler.core.model import Cut, Failure, Fetch, Redirect
from crawler.core.url import MAX_URL
from crawler.fetch.credentials import is_secret
from crawler.fetch.request import Ask, Request

# 300 names the server's own choice in its Location, which a user agent may follow (RFC 9110, 15.4.1). Firefox does
# (netwerk/protocol/http/nsHttpChannel.cpp, IsRedirectStatus); Chromium shows the list of choices instead
# (net/http/http_response_headers.cc, IsRedirectResponseCode), as Fetch's redirect statuses say. So it is followed, and
# what does not answer there says nothing of the other choices: the 300 itself is the answer then.
CHOICES = 300
REDIRECTS = frozenset({CHOICES, 301, 302, 303, 307, 308})
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
        choices: tuple[Fetch, Request, tuple[Redirect, ...]] | None = None
        while True:
            state = (here.url, cookies_version(here.url))
            fetch = await ask(here)
            requests += fetch.requests
            wire_bytes += fetch.wire_bytes
            seen.add(state)
            target = _target(fetch)
            if target is not None:
                if fetch.status == CHOICES and choices is None:
                    choices = fetch, here, tuple(hops)
                hops.append(Redirect(fetch.status or 0, here.url))
                fetch, here = _next(fetch, here, target)
                if fetch.failure is None and len(hops) > max_redirects:
                    fetch = _stopped(fetch, Failure.TOO_MANY_REDIRECTS, f"more than {Counted(max_redirects):redirect}")
                elif fetch.failure is None and (here.url, cookies_version(here.url)) in seen:
                    fetch = _stopped(fetch, Failure.REDIRECT_LOOP, "redirected in a circle")
            if target is None or fetch.failure is not None:
                end = fetch, here, tuple(hops)
                if choices is not None and (fetch.status is None or not 200 <= fetch.status < 300):
                    end = choices
                return _whole(*end, request, requests, wire_bytes)

    return followed


def _target(fetch: Fetch) -> str | None:
    """The Location of a redirect; an empty one is no redirect to browsers either."""
    if fetch.status not in REDIRECTS:
        return None
    return location_text(fetch.header("Location")) or None


def location_text(raw: str) -> str:
    """The address that a Location (text as Latin-1) means: bytes beyond ASCII are escaped as they are.

    That is what browsers do (Chromium's EscapeNonASCII on the header), whatever charset the server had in mind.
    """
    raw = raw.strip(" \t")
    if raw.isascii():
        return raw
    return "".join(c if c < "\x80" else f"%{byte:02X}" for c in raw for byte in _bytes_of(c))


def _bytes_of(character: str) -> bytes:
    """One byte of a header; more only where somebody made the text otherwise."""
    return character.encode("latin-1" if character <= "\xff" else "utf-8")


def _next(fetch: Fetch, here: Request, target: str) -> tuple[Fetch, Request]:
    """The request that a redirect asks for, or the fetch as failed because it asks for what cannot be."""
    # Not "malformed-url": the note's own link is well formed, it is the server that talks nonsense.
    if len(target) > MAX_URL:
        return _stopped(fetch, Failure.PROTOCOL, f"redirected to an address of {Counted(len(target)):character}"), here
    try:
        old, new = ada_url.URL(here.url), ada_url.URL(target, base=here.url)
    except ValueError:
        return _stopped(fetch, Failure.PROTOCOL, "redirected to an address that cannot be read"), here
    if not new.hash and old.hash:
        new.hash = old.hash  # RFC 9110, 10.2.2: a fragment is inherited
    if new.protocol not in HTTP:
        text = f"redirected to {new.protocol.rstrip(':')}:, which is no web address"
        return _stopped(fetch, Failure.UNSUPPORTED_SCHEME, text), replace(here, url=new.href)
    if len(new.href) > MAX_URL:  # escaping makes it longer
        return _stopped(
            fetch, Failure.PROTOCOL, f"redirected to an address of {Counted(len(new.href)):character}"
        ), here
    if new.origin == old.origin:
        return fetch, replace(here, url=new.href)
    # Validators are of the page, which is the same over https; everything of ours is of the origin.
    headers = here.headers if new.hostname == old.hostname else ()
    return fetch, Request(new.href, tuple((n, v) for n, v in headers if not is_secret(n)), foreign=True)


def _stopped(fetch: Fetch, failure: Failure, error: str) -> Fetch:
    return replace(fetch, status=None, failure=failure, error=error, body=b"", cut=Cut.NOT)


def _whole(
    fetch: Fetch, last: Request, hops: tuple[Redirect, ...], first: Request, requests: int, wire_bytes: int
) -> Fetch:
    """The last answer as the answer to the first request."""
    if not hops and fetch.url == fetch.final_url == first.url and fetch.requests == requests:
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

"""Whole small exchanges over a transport: for what is asked beside the links, each with a bound on its answer.

Time limits are the caller's. No politeness, no cookies, no retries.
"""

from __future__ import annotations

from crawler.core.url import join, normalize
from crawler.fetch.request import Headers, Transport, WireRequest, split_url

CONNECT = 10.0  # seconds, for TCP and for TLS each
MAX_SMALL = 256 * 1024  # bytes of what `get_small` takes; bundles of certificates are under 10 kB
MAX_HOPS = 3
SLOT = "beside"


async def exchange(
    transport: Transport,
    url: str,
    headers: Headers,
    *,
    limit: int,
    method: str = "GET",
    body: bytes = b"",
) -> tuple[int, Headers, bytes]:
    """Status, headers and the first `limit` bytes of the body, codings not undone; redirects are not followed.

    Raises ValueError for what is no http(s) URL, and what a broken web raises.
    """
    url = normalize(url)
    if not url.startswith(("http://", "https://")):
        raise ValueError("no http(s) URL")
    scheme, _, host, port, authority, target = split_url(url)
    sent = [(b"Host", authority.encode("ascii"))]
    sent += [(name.encode("ascii"), value.encode("latin-1", "replace")) for name, value in headers]
    if method != "GET":
        sent.append((b"Content-Length", str(len(body)).encode("ascii")))
    asked = WireRequest(
        f"{scheme}://{authority}{target}", scheme, host, port, target, sent, SLOT, CONNECT, method, body
    )
    response = await transport.send(asked)
    try:
        content = bytearray()
        while len(content) < limit and (part := await response.read()):
            content += part
        return response.status, response.headers, bytes(content[:limit])
    finally:
        await response.aclose()


async def get_small(transport: Transport, url: str, user_agent: str) -> bytes:
    """The body at a plain http address, redirects followed; b"" where there is none, or too much of it."""
    try:
        for _ in range(MAX_HOPS):
            if not normalize(url).startswith("http://"):
                break
            status, headers, body = await exchange(transport, url, (("User-Agent", user_agent),), limit=MAX_SMALL)
            if status == 200:
                return body if len(body) < MAX_SMALL else b""
            location = next((value for name, value in headers if name.lower() == "location"), "")
            if not (300 <= status < 400 and location):
                break
            url = join(url, location)
    except ValueError:
        return b""
    return b""

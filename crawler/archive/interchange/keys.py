"""The keys under which replay tools look an address up in an index: "com,example)/path?a&b".

There are two customs: warcio.js, and with it ReplayWeb.page, keeps a path as it is; pywb and other descendants of the
Wayback Machine fold more together. An index that is to be found by both has a line for each. Nothing else is here.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

import ada_url

from crawler.core.url import is_http

UNESCAPED: Final = "!\"$&'()*+,-./:;<=>?@[\\]^_`{|}~"  # what the Wayback Machine writes as it is
DEPTH: Final = 20  # times that an address may be percent-encoded; each time makes it shorter
MAX_QUERY: Final = 8_000  # characters of a query in which sessions are looked for
_WWW = re.compile(r"www\d*\.")
_SESSIONS: Final = tuple(  # parameters that say who came, not what was asked for; in this order
    re.compile(rf"(.*)(?:{name})(?:&(.*))?", re.IGNORECASE)
    for name in (
        r"jsessionid=[0-9a-z]{32}", r"phpsessid=[0-9a-z]{32}", r"sid=[0-9a-z]{32}",
        r"aspsessionid[a-z]{8}=[a-z]{24}", r"cfid=[^&]+&cftoken=[^&]+",
    )
)  # fmt: skip


def keys(url: str) -> tuple[str, ...]:
    """The keys of one address, one or two; none holds a space or a line break."""
    found = (_browser_key(url), _wayback_key(url))
    return tuple(dict.fromkeys(re.sub(r"\s", "%20", key) for key in found))


def _browser_key(url: str) -> str:
    """As `getSurt` of warcio.js makes it."""
    parts = _parsed(url.lower())
    if parts is None:
        return url
    query = "&".join(sorted(parts.search.removeprefix("?").split("&")))
    return f"{_reversed(parts)}){parts.pathname}{f'?{query}' if parts.search else ''}"


def _wayback_key(url: str) -> str:
    """As the `surt` of the Internet Archive makes it."""
    parts = _parsed(url)
    if parts is not None:
        host, path, query = f"{_reversed(parts)})", parts.pathname, parts.search.removeprefix("?")
    else:
        host, (path, _, query) = "", url.partition("#")[0].partition("?")
    path = _escaped(path).lower()
    if host:
        path = re.sub("/{2,}", "/", path)
    if len(path) > 1:
        path = path.removesuffix("/")
    fields = _without_sessions(_escaped(query)).lower().split("&")
    query = "&".join(sorted(fields, key=lambda field: field.split("=", 1)))
    return f"{host}{path}{f'?{query}' if query else ''}"


def _parsed(url: str) -> ada_url.URL | None:
    """The parts of a web address; None for others, which are their own keys."""
    try:
        return ada_url.URL(url) if is_http(url) else None
    except ValueError:
        return None


def _reversed(parts: ada_url.URL) -> str:
    """ "com,example:8080"; "www.", "www2." and the like name the same site."""
    host = parts.hostname.strip(".")
    if ":" not in host:
        host = ",".join(reversed(_WWW.sub("", host, count=1).split(".") if _WWW.match(host) else host.split(".")))
    return f"{host}:{parts.port}" if parts.port else host


def _escaped(text: str) -> str:
    """Percent-encoded once, however often it was before."""
    data = text.encode("utf-8", "replace")
    for _ in range(DEPTH):
        if (once := unquote_to_bytes(data)) == data:
            break
        data = once
    return quote_from_bytes(data, safe=UNESCAPED)


def _without_sessions(query: str) -> str:
    for pattern in _SESSIONS if len(query) <= MAX_QUERY else ():
        if found := pattern.fullmatch(query):
            query = found[1] + (found[2] or "")
    return query

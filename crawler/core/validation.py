"""What a configuration may not say although each value has the right type: ports, hosts, addresses, times, sizes.

Pure: settings in, the first mistake out; no file is looked at and no name looked up. Types and bounds of single numbers
stand in `settings`, reading and the form of messages in `config`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from crawler.core.settings import MB, Settings
from crawler.core.url import host_of, redact

# A reader above its own start: with 1 MB it dies at the first page, with 2 MB it reads a small one (measured on Linux,
# x86-64). The bound leaves room for pages of a megabyte, which no configuration can mean to refuse.
MIN_MEMORY = 16 * MB
MAX_PROCESSES = 1024  # readers; guess: more than the cores of any machine that this runs on
MAX_SHOWN = 200  # characters of a value in a message
PROXIES = ("http", "https", "socks5", "socks5h")
HOST_PORT = 'HOST:PORT, each half of which may be left out, such as "example.com:443" or "[::1]:8080"'


def mistake(settings: Settings) -> str:
    """The first value that cannot be meant, as `[table] key: expected …, got …`; "" where there is none."""
    return next(_mistakes(settings), "")


def shown(value: object) -> str:
    """A value as a message may show it: as TOML writes it, without secrets, cut where it is long."""
    match value:
        case str():
            text = json.dumps(redact(value), ensure_ascii=False)
        case bool():
            text = str(value).lower()
        case float():
            text = f"{value:g}"
        case list():
            text = "a list"
        case dict():
            text = "a table"
        case _:
            text = str(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def host_port(text: str) -> tuple[str | None, int | None]:
    """Host and port of one side of `[fetch] resolve`, None for a half that is "*" or left out. Raises ValueError."""
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        host, port = text, ""
    if port and not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        raise ValueError(text)
    host = "" if host == "*" else host
    if host and not _is_host(host):
        raise ValueError(text)
    return host.strip("[]").lower() or None, int(port) if port else None


def is_web_address(text: str) -> bool:
    """Whether this is an http(s) URL with a host, and a port that exists, without spaces or control characters."""
    return text.startswith(("http://", "https://")) and _is_plain(text) and bool(host_of(text))


def _mistakes(settings: Settings) -> Iterator[str]:
    yield from _numbers(settings)
    yield from _hosts(settings)
    yield from _addresses(settings)
    if not settings.archive.path:
        yield _told("archive", "path", "the name of a folder", settings.archive.path)
    tables = {"fetch": settings.fetch.headers}
    tables |= {f'host."{host}"': table.headers for host, table in settings.host.items()}
    for table, headers in tables.items():
        if twice := _twice(headers):
            yield _told(table, "headers", "each header once, whatever its capitals", twice)


def _numbers(settings: Settings) -> Iterator[str]:
    fetch, read = settings.fetch, settings.read
    positive = [("fetch", "timeout", fetch.timeout), ("fetch", "connect_timeout", fetch.connect_timeout)]
    positive += [(f'host."{host}"', "timeout", x.timeout) for host, x in settings.host.items() if x.timeout is not None]
    for table, key, seconds in (*positive, ("read", "seconds", read.seconds)):
        if seconds <= 0:
            yield _told(table, key, "more than 0 seconds", seconds)
    if fetch.max_body <= 0:
        yield _told("fetch", "max_body", "more than 0 bytes", fetch.max_body)
    if read.memory < MIN_MEMORY:
        yield _told("read", "memory", f"at least {MIN_MEMORY // MB}MB, which a reader needs for a page", read.memory)
    if read.processes > MAX_PROCESSES:
        yield _told("read", "processes", f"at most {MAX_PROCESSES} processes", read.processes)


def _hosts(settings: Settings) -> Iterator[str]:
    proxy, host = settings.fetch.proxy, settings.serve.host
    if proxy and not _is_proxy(proxy):
        schemes = f"{', '.join(PROXIES[:-1])} or {PROXIES[-1]}"
        yield _told("fetch", "proxy", f'"http://host:port", with {schemes}, and a port from 1 to 65535', proxy)
    for side in (side for pair in settings.fetch.resolve.items() for side in pair):
        try:
            host_port(side)
        except ValueError:
            yield _told("fetch", "resolve", HOST_PORT, side)
    if not _is_host(host):
        yield _told("serve", "host", 'an address or name of this machine, such as "127.0.0.1"', host)


def _addresses(settings: Settings) -> Iterator[str]:
    public, endpoint, webhook = settings.serve.public, settings.wayback.endpoint, settings.notify.webhook
    if public and not (is_web_address(public) and not urlsplit(public).query and not urlsplit(public).fragment):
        yield _told("serve", "public", 'the viewer\'s address, such as "https://links.example/"', public)
    if not is_web_address(endpoint):
        yield _told("wayback", "endpoint", "an http(s) URL", endpoint)
    if webhook and not webhook.startswith("env:") and not is_web_address(webhook):
        yield _told("notify", "webhook", 'an http(s) URL, or "env:NAME" for a variable that holds one', webhook)


def _told(table: str, key: str, expected: str, value: object) -> str:
    return f"[{table}] {key}: expected {expected}, got {shown(value)}"


def _is_plain(text: str) -> bool:
    return text.isprintable() and not any(character.isspace() for character in text)


def _is_host(text: str) -> bool:
    """A name, an IPv4 address or an IPv6 address, with or without brackets."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    written = f"[{bare}]" if ":" in bare else bare
    return _is_plain(text) and not set(bare) & set("/?#@\\[]%") and bool(host_of(f"http://{written}/"))


def _is_proxy(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in PROXIES or port == 0 or parts.path not in ("", "/") or parts.query or parts.fragment:
        return False
    return _is_plain(text) and _is_host(parts.hostname or "")


def _twice(headers: Iterable[str]) -> str:
    seen: set[str] = set()
    for name in headers:
        if name.lower() in seen:
            return name
        seen.add(name.lower())
    return ""

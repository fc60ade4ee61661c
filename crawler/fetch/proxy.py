"""The way through a proxy that the user named: forwarding, CONNECT (RFC 9110, 9.3.6), SOCKS5 (RFC 1928, RFC 1929).

What goes wrong here is the way's fault, never the page's: every failure is UNREACHABLE or TIMEOUT and names the proxy.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address

from crawler.core.errors import ConfigError
from crawler.core.model import Failure
from crawler.fetch.connect import GuardedStream
from crawler.fetch.connection import READ
from crawler.fetch.errors import WebError
from crawler.fetch.http1 import HeadReader

_SOCKS_REPLIES = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "timed out",
    7: "command not supported",
    8: "address type not supported",
}


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where the proxy is and how it knows us."""

    scheme: str  # http, https, socks5, socks5h
    host: str
    port: int
    auth: tuple[bytes, bytes] | None = field(default=None, repr=False)

    def forwards(self, scheme: str) -> bool:
        """Whether it is asked for whole URLs, rather than for a tunnel."""
        return scheme == "http" and not self.is_socks

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS5, which makes a tunnel for everything."""
        return self.scheme.startswith("socks5")

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The credentials that an HTTP proxy is sent."""
        if self.auth is None:
            return []
        return [(b"Proxy-Authorization", b"Basic " + base64.b64encode(b":".join(self.auth)))]


def proxy_of(setting: str) -> Proxy | None:
    """`[fetch] proxy`: http, https or socks5, with user and password in the URL if need be. Raises ConfigError."""
    if not setting:
        return None
    import httpx  # 40 ms, and most configurations name no proxy

    try:
        proxy = httpx.Proxy(setting)
        url = proxy.url
        host = url.raw_host.decode("ascii")
        port = url.port or {"http": 80, "https": 443}.get(url.scheme, 1080)
    except (ValueError, httpx.InvalidURL) as error:
        raise ConfigError(f"[fetch] proxy: {error}; write it as http://host:port") from error
    if not host:
        raise ConfigError("[fetch] proxy: no host in it; write it as http://host:port")
    return Proxy(url.scheme, host, port, proxy.raw_auth)


async def open_tunnel_through(proxy: Proxy, stream: GuardedStream, host: str, port: int) -> None:
    """Make a connection to the proxy one to `host`; raises WebError where the proxy will not."""
    if proxy.is_socks:
        await _socks(proxy, stream, host, port)
    else:
        await _connect(proxy, stream, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")


async def _connect(proxy: Proxy, stream: GuardedStream, authority: str) -> None:
    lines = [f"CONNECT {authority} HTTP/1.1".encode("ascii"), b"Host: " + authority.encode("ascii")]
    lines += [name + b": " + value for name, value in proxy.headers]
    await stream.write(b"\r\n".join(lines) + b"\r\n\r\n")
    reader = HeadReader()
    head = None
    while head is None:
        data = await stream.read(READ)
        if not data:
            raise refused("it closed the connection")
        try:
            head = reader.feed(data)
        except WebError as error:
            raise refused(error.text) from error
    if not 200 <= head.status < 300:
        raise refused(f"it answered {head.status}")


async def _socks(proxy: Proxy, stream: GuardedStream, host: str, port: int) -> None:
    await stream.write(b"\x05\x01\x02" if proxy.auth else b"\x05\x01\x00")
    version, method = await _exactly(stream, 2)
    if version != 5 or method != (2 if proxy.auth else 0):
        raise refused("it wants to know us otherwise" if version == 5 else "it does not speak SOCKS5")
    if proxy.auth:
        user, password = (part[:255] for part in proxy.auth)
        await stream.write(b"\x01" + bytes([len(user)]) + user + bytes([len(password)]) + password)
        if (await _exactly(stream, 2))[1]:
            raise refused("it does not take the user and password")
    await stream.write(b"\x05\x01\x00" + _socks_address(host) + port.to_bytes(2, "big"))
    _, reply, _, kind = await _exactly(stream, 4)
    if reply:
        raise refused(_SOCKS_REPLIES.get(reply, f"reply {reply}"))
    length = {1: 4, 4: 16}.get(kind) or (await _exactly(stream, 1))[0]
    await _exactly(stream, length + 2)  # the proxy's own address and port


def _socks_address(host: str) -> bytes:
    try:
        match ip_address(host):
            case IPv4Address(packed=packed):
                return b"\x01" + packed
            case IPv6Address(packed=packed):
                return b"\x04" + packed
    except ValueError:
        pass
    name = host.encode("ascii")
    if len(name) > 255:
        raise refused("a name of more than 255 characters")
    return b"\x03" + bytes([len(name)]) + name


async def _exactly(stream: GuardedStream, count: int) -> bytes:
    """Byte by byte would be slow, but what follows belongs to somebody else."""
    data = b""
    while len(data) < count:
        part = await stream.read(count - len(data))
        if not part:
            raise refused("it closed the connection")
        data += part
    return data


def refused(why: str) -> WebError:
    """The failure of a proxy."""
    return WebError(Failure.UNREACHABLE, f"the proxy refused: {why}")

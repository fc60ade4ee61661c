"""Names to addresses, and which addresses may be connected to at all: the guard against reaching into private networks.

The check is made on the very address that is then connected to, after DNS, for every connection, so that neither
redirects nor names that change their address between two check-ups get round it.
"""

from __future__ import annotations

import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import trio

from crawler.core.errors import ConfigError
from crawler.core.model import Failure
from crawler.fetch.trouble import WebTrouble

Resolver = Callable[[str], Awaitable[list[str]]]
"""A host name to its addresses, best first, as text. Raises socket.gaierror."""

DNS_TTL = 300.0  # seconds; getaddrinfo does not tell the record's own (guess)
DNS_CACHED = 10_000  # names
DNS_THREADS = 32  # look-ups at once; their own, so that a hanging resolver starves nobody else's threads

# Not for the public, beyond what `ipaddress` of every Python we support knows (its tables were mended in 3.11.10):
# https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry
_SPECIAL = [
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays, withdrawn
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]
_GLOBAL_6 = IPv6Network("2000::/3")  # all that is handed out so far
_SPECIAL_6 = [
    IPv6Network(text)
    for text in ("2001::/23", "2001:db8::/32", "3fff::/20")  # 2001::/23 holds Teredo, ORCHID and benchmarks
]
_NAT64 = IPv6Network("64:ff9b::/96")
_6TO4 = IPv6Network("2002::/16")


def is_public(address: str) -> bool:
    """May the open Internet be behind this address? Addresses that carry an IPv4 one inside are as public as that."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        inner = _inner(ip)
        if inner is None:
            return ip in _GLOBAL_6 and not any(ip in network for network in _SPECIAL_6)
        ip = inner
    return not any(ip in network for network in _SPECIAL)


def _inner(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a mapped (::ffff:0:0/96), NAT64 or 6to4 address leads to."""
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    if ip in _6TO4:
        return ip.sixtofour
    return None


@dataclass(frozen=True, slots=True)
class Route:
    """Where to connect for a host and port: addresses to try in order."""

    addresses: tuple[str, ...]
    port: int


@dataclass(frozen=True, slots=True)
class ConnectTo:
    """One line of `[fetch] resolve`; None stands for any host or port, and for the one asked for."""

    host: str | None
    port: int | None
    to_host: str | None
    to_port: int | None

    def matches(self, host: str, port: int) -> bool:
        """Does this line speak of that host and port?"""
        return self.host in (None, host) and self.port in (None, port)


def connect_to(rules: Mapping[str, str]) -> tuple[ConnectTo, ...]:
    """Read `[fetch] resolve`: "host:port" = "address:port", each half may be empty, as in curl's --connect-to.

    The first line that matches counts. "*" is any host. Raises ConfigError.
    """
    return tuple(ConnectTo(*_host_port(key), *_host_port(value)) for key, value in rules.items())


def _host_port(text: str) -> tuple[str | None, int | None]:
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        host, port = text, ""
    if port and not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise ConfigError(f"[fetch] resolve: {text!r} is not HOST:PORT (an IPv6 address goes in brackets)")
    host = host.strip("[]").lower()
    return (None if host in ("", "*") else host), (int(port) if port else None)


@dataclass(slots=True)
class Guard:
    """Finds where a host may be connected to; the only place that turns names into addresses."""

    resolver: Resolver
    rules: tuple[ConnectTo, ...] = ()
    allow_private: bool = False
    exempt: frozenset[str] = frozenset()  # hosts that the user named: the proxy
    _cache: OrderedDict[str, tuple[float, tuple[str, ...]]] = field(default_factory=OrderedDict)

    async def route(self, host: str, port: int) -> Route:
        """Raises WebTrouble NOT_PUBLIC where no public address is left, socket.gaierror where the name has none."""
        rule = next((rule for rule in self.rules if rule.matches(host.strip("[]"), port)), None)
        if rule is not None:
            addresses = await self._addresses(rule.to_host or host)
            return Route(addresses, rule.to_port or port)
        addresses = await self._addresses(host)
        if self.allow_private or host in self.exempt:
            return Route(addresses, port)
        public = tuple(address for address in addresses if is_public(address))
        if not public:
            raise WebTrouble(Failure.NOT_PUBLIC, f"{host} is at {addresses[0]}, which is not public")
        return Route(public, port)

    def refuse_private_name(self, host: str, port: int) -> None:
        """What can be told without DNS, for requests through a proxy: raises WebTrouble NOT_PUBLIC."""
        if self.allow_private or any(rule.matches(host.strip("[]"), port) for rule in self.rules):
            return
        local = host == "localhost" or host.endswith(".localhost")
        if local or (_is_literal(host) and not is_public(host.strip("[]"))):
            raise WebTrouble(Failure.NOT_PUBLIC, f"{host} is not public")

    async def _addresses(self, host: str) -> tuple[str, ...]:
        if _is_literal(host):
            return (host.strip("[]"),)
        known = self._cache.get(host)
        if known is not None and known[0] > trio.current_time():
            return known[1]
        addresses = tuple(dict.fromkeys(await self.resolver(host)))
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        self._cache[host] = (trio.current_time() + DNS_TTL, addresses)
        self._cache.move_to_end(host)
        if len(self._cache) > DNS_CACHED:
            self._cache.popitem(last=False)
        return addresses


def _is_literal(host: str) -> bool:
    try:
        ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True


def system_resolver() -> Resolver:
    """The system's own name lookup, in threads that a cancelled or timed-out fetch leaves behind."""
    threads = trio.CapacityLimiter(DNS_THREADS)

    async def resolve(host: str) -> list[str]:
        found = await trio.to_thread.run_sync(_look_up, host, abandon_on_cancel=True, limiter=threads)
        return [str(sockaddr[0]) for *_, sockaddr in found]

    return resolve


def _look_up(host: str) -> list[tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str | int, ...]]]:
    try:
        return socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)  # type: ignore[return-value] # typeshed adds the bytes of builds without IPv6
    except UnicodeError as error:  # a label that is empty or too long: no resolver would know it
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from error

"""Names to addresses, and which addresses may be connected to at all: the guard against reaching into private networks.

The check is made on the very address that is then connected to, after DNS, for every connection, so that neither
redirects nor names that change their address between two check-ups get round it.
"""

from __future__ import annotations

import re
import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import cast

import trio

from crawler.core.errors import ConfigError
from crawler.core.model import Failure
from crawler.core.url import registrable
from crawler.core.validation import host_port
from crawler.fetch.errors import NO_DATA, WebError

Resolver = Callable[[str], Awaitable[list[str]]]
"""A host name to its addresses, best first, as text. Raises socket.gaierror."""

DNS_TTL = 300.0  # seconds; getaddrinfo does not tell the record's own (guess)
DNS_CACHED = 10_000  # names
DNS_THREADS = 256  # look-ups at once, given-up ones included: each of 64 requests may leave a few behind that hang
DNS_OF_DOMAIN = 8  # of those, for the names of one domain: a name server that never answers holds up nobody else

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
        # Public by the registry, but answered by the cloud that a machine runs in, with that machine's secrets:
        "168.63.129.16/32",  # Azure: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
        "161.26.0.0/16",  # IBM Cloud's own services: https://cloud.ibm.com/docs/vpc?topic=vpc-service-endpoints-for-vpc
        "166.8.0.0/14",
        "192.80.8.124/32",  # metadata.packet.net, Equinix Metal
    )
]

# Names that are never public, also where a proxy looks them up: RFC 6761, RFC 6762, RFC 8375, ICANN's .internal, and
# what distributions write into /etc/hosts. A name without a dot is the network's own.
_LOCAL_NAMES = ("localhost", "local", "localdomain", "internal", "home.arpa", "intranet", "lan")
_TO_LOOPBACK = ("localtest.me", "lvh.me", "vcap.me", "lacolhost.com", "localho.st")  # public names, for developers
_METADATA_NETS = [
    ip_network(text)
    for text in (
        *("169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32", "192.80.8.124/32"),
        *("fe80::/10", "fd00:ec2::/32", "fd20:ce::/32", "::ffff:0:0/96", "64:ff9b::/96", "2002::/16"),
    )
]
_METADATA = frozenset({"metadata.packet.net", "metadata.platformequinix.com"})
_NAMED_ADDRESS = re.compile(r"(?:^|[.-])(\d{1,3}(?:[.-]\d{1,3}){3})\.(?:nip\.io|sslip\.io|xip\.io|traefik\.me)$")

# https://fetch.spec.whatwg.org/#port-blocking, as of 2025: other protocols' ports, which HTTP could be used to attack
BAD_PORTS = frozenset(
    map(
        int,
        "0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119"
        " 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989"
        " 990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697"
        " 10080".split(),
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")  # all that is handed out so far
_SPECIAL_6 = [
    IPv6Network(text)
    for text in ("2001::/23", "2001:db8::/32", "3fff::/20")  # 2001::/23 holds Teredo, ORCHID and benchmarks
]
_NAT64 = IPv6Network("64:ff9b::/96")
_6TO4 = IPv6Network("2002::/16")


def is_public(address: str) -> bool:
    """Whether an address is one of the open Internet; one that carries an IPv4 address inside is as public as that."""
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
        """Whether this line speaks of that host and port."""
        return self.host in (None, host) and self.port in (None, port)


def connect_to(rules: Mapping[str, str]) -> tuple[ConnectTo, ...]:
    """Read `[fetch] resolve`: "host:port" = "address:port", each half may be empty, as in curl's --connect-to.

    The first line that matches counts. "*" is any host. Raises ConfigError.
    """
    return tuple(ConnectTo(*_host_port(key), *_host_port(value)) for key, value in rules.items())


def _host_port(text: str) -> tuple[str | None, int | None]:
    try:
        return host_port(text)
    except ValueError:
        raise ConfigError(f"[fetch] resolve: {text!r} is not HOST:PORT (an IPv6 address goes in brackets)") from None


@dataclass(slots=True)
class Guard:
    """Finds where a host may be connected to; the only place that turns names into addresses."""

    resolver: Resolver
    rules: tuple[ConnectTo, ...] = ()
    allow_private: bool = False
    exempt: frozenset[str] = frozenset()  # hosts that the user named: the proxy
    _cache: OrderedDict[str, tuple[float, tuple[str, ...]]] = field(default_factory=OrderedDict)

    async def route(self, host: str, port: int) -> Route:
        """Raises WebError NOT_PUBLIC where no public address is left, socket.gaierror where the name has none."""
        rule = next((rule for rule in self.rules if rule.matches(host.strip("[]"), port)), None)
        if rule is not None:
            addresses = await self._addresses(rule.to_host or host)
            return Route(addresses, rule.to_port or port)
        if not (self.allow_private or host in self.exempt):
            refuse_port(port)
        addresses = await self._addresses(host)
        if self.allow_private or host in self.exempt:
            return Route(addresses, port)
        public = tuple(address for address in addresses if is_public(address))
        if not public:
            raise WebError(Failure.NOT_PUBLIC, f"{host} is at {addresses[0]}, which is not public")
        return Route(public, port)

    async def lookup(self, host: str) -> tuple[str, ...]:
        """The addresses that the name system gives; () where it gives none, and for hosts under the user's rules."""
        if any(rule.matches(host, port) for rule in self.rules for port in (80, 443)):
            return ()
        try:
            return await self._addresses(host)
        except OSError:  # socket.gaierror is one
            return ()

    def refuse_private_name(self, host: str, port: int) -> None:
        """What can be refused without DNS, for requests through a proxy: raises WebError NOT_PUBLIC."""
        if self.allow_private or any(rule.matches(host.strip("[]"), port) for rule in self.rules):
            return
        refuse_port(port)
        if not is_public_name(host):
            raise WebError(Failure.NOT_PUBLIC, f"{host} is not public")

    async def _addresses(self, host: str) -> tuple[str, ...]:
        if _is_literal(host):
            return (host.strip("[]"),)
        known = self._cache.get(host)
        if known is not None and known[0] > trio.current_time():
            return known[1]
        addresses = tuple(dict.fromkeys(await self.resolver(host)))
        if not addresses:
            raise socket.gaierror(NO_DATA, "No address associated with hostname")
        self._cache[host] = (trio.current_time() + DNS_TTL, addresses)
        self._cache.move_to_end(host)
        if len(self._cache) > DNS_CACHED:
            self._cache.popitem(last=False)
        return addresses


def refuse_port(port: int) -> None:
    """Raises WebError NOT_PUBLIC for the ports that browsers refuse."""
    if port in BAD_PORTS:
        raise WebError(Failure.NOT_PUBLIC, f"port {port} is not for web pages: browsers refuse it")


def is_public_name(host: str) -> bool:
    """Whether a name may be public; False for what can be refused without looking it up."""
    name = host.strip("[]").rstrip(".").lower()
    if _is_literal(name):
        return is_public(name)
    if "." not in name or name in _METADATA:
        return False
    if any(name == suffix or name.endswith("." + suffix) for suffix in (*_LOCAL_NAMES, *_TO_LOOPBACK)):
        return False
    named = _NAMED_ADDRESS.search(name)
    return named is None or is_public(named[1].replace("-", "."))


def may_be_named(host: str) -> bool:
    """Whether a private host counts where the user's own configuration writes it out (a webhook at 127.0.0.1).

    An address, or localhost; not a name, whose addresses are somebody else's to choose, and not a cloud's metadata.
    """
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost":
        return True
    return _is_literal(name) and not any(ip_address(name.partition("%")[0]) in network for network in _METADATA_NETS)


def _is_literal(host: str) -> bool:
    try:
        ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True


def system_resolver() -> Resolver:
    """The system's own name lookup, in threads that a cancelled or timed-out fetch leaves behind."""
    threads = trio.CapacityLimiter(DNS_THREADS)
    domains: dict[str, _OfDomain] = {}

    async def resolve(host: str) -> list[str]:
        domain = registrable(host, of_registries=True)  # whose name servers are asked
        limiter = domains.setdefault(domain, _OfDomain(threads))
        try:
            found = await trio.to_thread.run_sync(
                _look_up, host, abandon_on_cancel=True, limiter=cast(trio.CapacityLimiter, limiter)
            )
        finally:
            if limiter.is_idle:
                domains.pop(domain, None)
        return [str(sockaddr[0]) for *_, sockaddr in found]

    return resolve


class _OfDomain:
    """A limiter as `trio.to_thread` wants it: a place among the domain's look-ups, then one among all.

    A place is held until its thread ends, also when nobody waits for that any more.
    """

    def __init__(self, everybody: trio.CapacityLimiter) -> None:
        self._own = trio.CapacityLimiter(DNS_OF_DOMAIN)
        self._everybody = everybody

    async def acquire_on_behalf_of(self, borrower: object) -> None:
        await self._own.acquire_on_behalf_of(borrower)
        try:
            await self._everybody.acquire_on_behalf_of(borrower)
        except BaseException:
            self._own.release_on_behalf_of(borrower)
            raise

    def release_on_behalf_of(self, borrower: object) -> None:
        self._everybody.release_on_behalf_of(borrower)
        self._own.release_on_behalf_of(borrower)

    @property
    def is_idle(self) -> bool:
        statistics = self._own.statistics()
        return not statistics.borrowed_tokens and not statistics.tasks_waiting


def _look_up(host: str) -> list[tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str | int, ...]]]:
    try:
        return socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)  # type: ignore[return-value] # typeshed adds the bytes of builds without IPv6
    except UnicodeError as error:  # a label that is empty or too long: no resolver would know it
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from error

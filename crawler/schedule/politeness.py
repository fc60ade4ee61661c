"""How a host may be asked: configuration, site file and defaults laid over each other.

Pure lookups live here; the waiting itself is the limiter's (`fetch`), and nobody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from crawler.core.settings import FetchSettings, Host
from crawler.core.slots import Politeness

PolitenessOf = Callable[[str], Politeness]  # the rules for the slot of a URL


class SitePoliteness(Protocol):
    """What a site file may say of politeness; None where it says nothing."""

    @property
    def per_host(self) -> int | None:
        """As in `slots.Politeness`."""

    @property
    def interval(self) -> float | None:
        """As in `slots.Politeness`."""

    @property
    def timeout(self) -> float | None:
        """As in `slots.Politeness`."""

    @property
    def patience(self) -> int | None:
        """As in `slots.Politeness`."""

    @property
    def max_per_run(self) -> int | None:
        """As in `slots.Politeness`."""

    @property
    def max_per_day(self) -> int | None:
        """As in `slots.Politeness`."""

    @property
    def headers(self) -> Mapping[str, str]:
        """As in `slots.Politeness`."""


def host_rules(host: str, hosts: Mapping[str, Host]) -> list[Host]:
    """The [host] tables that speak of a host, most specific first: exact, then wildcards by length."""
    wildcards = [p for p in hosts if p.startswith("*.") and host.endswith(p[1:])]
    names = [name for name in (host,) if name in hosts] + sorted(wildcards, key=len, reverse=True)
    return [hosts[name] for name in names]


def politeness_of(
    slot: str, host: str, fetch: FetchSettings, hosts: Mapping[str, Host], site: SitePoliteness | None = None
) -> Politeness:
    """Resolve one host: [host] exact, then wildcard, then the site's file, then [fetch]."""
    layers: list[object] = [*host_rules(host, hosts), *([site] if site is not None else []), fetch]

    def first(name: str) -> float:
        return next(float(v) for v in (getattr(layer, name, None) for layer in layers) if v is not None)

    headers: dict[str, str] = {}  # not those of [fetch], which no redirect may carry to another origin
    for layer in reversed(layers[:-1]):
        headers |= getattr(layer, "headers", {})
    tables = host_rules(host, hosts)
    return Politeness(
        slot=slot,
        per_host=max(1, int(first("per_host"))),
        interval=first("interval"),
        timeout=first("timeout"),
        connect_timeout=float(fetch.connect_timeout),
        patience=int(first("patience")),
        max_per_run=int(first("max_per_run")),
        max_per_day=int(first("max_per_day")),
        headers=tuple(headers.items()),
        accept=next((t.accept for t in tables if t.accept), ()),
        skip=any(t.skip for t in tables),
        browser=any(t.browser for t in tables),
    )


def strictest(of_hosts: Iterable[Politeness]) -> Politeness:
    """One politeness for a slot of several hosts: the longest interval and the smallest allowances count."""
    first, *rest = of_hosts
    merged = first
    for other in rest:
        merged = replace(
            merged,
            per_host=min(merged.per_host, other.per_host),
            interval=max(merged.interval, other.interval),
            timeout=max(merged.timeout, other.timeout),
            patience=_smallest_limit(merged.patience, other.patience),
            max_per_run=_smallest_limit(merged.max_per_run, other.max_per_run),
            max_per_day=_smallest_limit(merged.max_per_day, other.max_per_day),
        )
    return merged


def _smallest_limit(one: int, other: int) -> int:
    """0 means no limit."""
    return min(one or other, other or one)

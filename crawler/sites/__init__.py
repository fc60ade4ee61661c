"""What we know of families of hosts, as data: who a URL belongs to, and who it is.

`load_sites` reads site files (config/sites/*.toml) strictly; `Sites.identify` says what a written URL is: its
canonical form (identity, never fetched), what is asked for, its site and its slot. What pages mean lives in `page` and
`judge`; this package never sees a page.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ada_url
import msgspec

from crawler.core.errors import ConfigError
from crawler.core.url import MAX_URL, host_of, without_fragment
from crawler.sites.loading import Loaded, Place, read_documents
from crawler.sites.schema import Example, FieldSource, PageTable, Rule, SiteFile, Sources
from crawler.sites.steps import GROUP, MAX_UNWRAPS, apply, compiled, host_matches, join_query, split_query

__all__ = ["OTHER", "FieldSource", "Identity", "Site", "Sites", "Sources", "failed_examples", "load_sites"]

OTHER = "other"  # the site of a host that no site file owns
TRACKING = "utm_"  # parameters so called are dropped from the identity of every URL; anything more may name a page
# Raised with each change of the code below that gives any URL another identity: remembered ones are then forgotten.
IDENTITY_VERSION = 2
_LIBRARY = str(ada_url.get_version())  # type: ignore[no-untyped-call]  # the library has no types for it


@dataclass(frozen=True, slots=True)
class Site:
    """One site file, loaded: politeness, URL steps, where fields stand, verdict rules in order."""

    name: str
    file: SiteFile
    per_host: int | None
    interval: float | None  # seconds
    timeout: float | None  # seconds
    patience: int | None
    max_per_run: int | None
    max_per_day: int | None
    headers: Mapping[str, str]
    image_referer: str
    page: Mapping[str, Sources] = field(default_factory=dict)
    values: Mapping[str, Sources] = field(default_factory=dict)
    paths: Mapping[Place, str] = field(default_factory=dict)  # which file said what

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Verdict rules, in the order in which they are tried."""
        return self.file.rule

    def path(self, table: str, name: str = "") -> str:
        """The file that says something of this site, for errors: `path("rule", "gone")`."""
        return self.paths.get((table, name)) or self.paths.get(("", ""), f"{self.name}.toml")

    @property
    def examples(self) -> tuple[Example, ...]:
        """What becomes of URLs, for tests."""
        return self.file.example

    def sources(self, name: str) -> Sources:
        """Where a value or a page field stands; empty for names nobody declared."""
        return self.values.get(name) or self.page.get(name, ())

    def owns(self, host: str) -> bool:
        """Whether the site file speaks of this host."""
        return host_matches(host, self.file.hosts)

    def asked(self, url: str) -> tuple[str, dict[str, str]]:
        """What sort of page a URL of this site asks for, and the IDs in it, whatever its form."""
        parsed = _parse(url)
        if parsed is None or not self.owns(parsed.hostname):
            return "", {}
        apply(parsed, self.file.fetch)
        return self.kind_of(_canonical(parsed, self))

    def kind_of(self, canonical_url: str) -> tuple[str, dict[str, str]]:
        """What sort of page a canonical URL asks for, and the IDs in it; "" where no [[kind]] knows it."""
        for kind in self.file.kind:
            if match := compiled(kind.url).fullmatch(canonical_url):
                return kind.name, {name: value for name, value in match.groupdict().items() if value}
        return "", {}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a written URL is."""

    url: str  # as written
    canonical_url: str  # identity, never fetched; the URL as written where it is malformed
    fetch_url: str  # what a request asks for; the URL as written where it is malformed
    site: str
    host: str  # of fetch_url; "" for malformed URLs
    slot: str


class Sites:
    """All site files, and the hosts they own."""

    def __init__(self, sites: Iterable[Site], documents: Sequence[tuple[str, Mapping[str, Any]]] = ()) -> None:
        self.documents = documents  # what they were loaded from, as `load_sites` takes it: for another process
        self.by_name = {site.name: site for site in sites}
        self._exact: dict[str, Site] = {}
        self._wild: list[tuple[str, Site]] = []
        for site in self.by_name.values():
            for host in site.file.hosts:
                if host.startswith("*."):
                    self._wild.append((host[1:], site))
                else:
                    self._exact[host] = site
        self._wild.sort(key=lambda owner: len(owner[0]), reverse=True)

    @property
    def stamp(self) -> str:
        """Changes with everything that identities depend on: the site files' part in them, the library, our code."""
        about = [(site.name, site.file.hosts, site.file.fetch, site.file.canonical) for site in self]
        basis = msgspec.msgpack.encode((IDENTITY_VERSION, _LIBRARY, about))
        return hashlib.sha256(basis).hexdigest()[:16]

    def __iter__(self) -> Iterator[Site]:
        return iter(self.by_name.values())

    def named(self, name: str) -> Site | None:
        """The site of that name."""
        return self.by_name.get(name)

    def for_host(self, host: str) -> Site | None:
        """The site that owns a host: by exact name, else by the longest wildcard."""
        return self._exact.get(host) or next((site for end, site in self._wild if host.endswith(end)), None)

    def for_url(self, url: str) -> Site | None:
        """The site that owns a URL's host; None for malformed URLs and hosts of nobody."""
        return self.for_host(host_of(url))

    def slot_of(self, url: str) -> str:
        """The politeness queue of a URL: the site's name, or the host; "" for malformed URLs."""
        host = host_of(url)
        site = self.for_host(host)
        return site.name if site else host

    def identify(self, raw: str) -> Identity:
        """Who a written URL is. Never raises: a malformed URL is its own canonical form, with host and slot ""."""
        parsed = _parse(raw)
        if parsed is None or parsed.protocol not in ("http:", "https:"):
            return Identity(raw, raw, raw, OTHER, "", "")
        fetch = self._fetched(parsed)
        host = fetch.hostname
        site = self.for_host(host)
        fetch_url = without_fragment(fetch.href)
        canonical = _canonical(fetch, site)
        return Identity(raw, canonical, fetch_url, site.name if site else OTHER, host, site.name if site else host)

    def _fetched(self, url: ada_url.URL) -> ada_url.URL:
        """The URL after every [[fetch]] step, and out of its wrappers."""
        for _ in range(MAX_UNWRAPS):
            site = self.for_host(url.hostname)
            inside = apply(url, site.file.fetch) if site else None
            if inside is None:
                break
            url = ada_url.URL(inside)
        return url


def _parse(url: str) -> ada_url.URL | None:
    try:
        return ada_url.URL(url) if len(url) <= MAX_URL else None
    except ValueError:
        return None


def _canonical(url: ada_url.URL, site: Site | None) -> str:
    """The identity of a URL, which is changed in place; each read of a part crosses into C, so there are few."""
    href = url.href
    if "#" in href and (site is not None or not url.hash.startswith(("#!", "#/"))):  # "#!" and "#/" name pages
        url.hash = ""
    if TRACKING in href:
        url.search = join_query([p for p in split_query(url.search) if not p[0].startswith(TRACKING)])
    if site is not None:
        apply(url, site.file.canonical)
    href = url.href
    return href.removesuffix("?") if href.endswith("?") and not url.search else href


def load_sites(documents: Iterable[tuple[str, Mapping[str, Any]]], *, tried: bool = False) -> Sites:
    """Sites from (file name, parsed TOML) pairs; later files of a name override and extend earlier ones.

    Raises ConfigError naming file, rule and key. Regexes over URLs are compiled here, which takes longer than all else,
    unless they were `tried` before; those over pages, and selectors, are tried by `judge.check_site`, so that commands
    that only read notes load no parser.
    """
    documents = tuple(documents)
    loaded = read_documents(documents)
    _check_owners(loaded.values())
    return Sites([_site(one, tried=tried) for one in loaded.values()], documents)


def _check_owners(loaded: Iterable[Loaded]) -> None:
    """Raise ConfigError where a host belongs to two sites: only one of them can judge it and queue it."""
    owners: dict[str, Loaded] = {}
    for one in loaded:
        for host in one.file.hosts:
            if (owner := owners.setdefault(host, one)) is not one:
                name = owner.file.name
                hint = f"to change what is known of it, call your file {name}.toml"
                raise ConfigError(f"{one.path('', 'hosts')}: hosts: {host!r} belongs to {name}; {hint}")


def _try_patterns(loaded: Loaded) -> None:
    """Raise ConfigError for the first regex over URLs that is none."""
    file = loaded.file
    for table in ("fetch", "canonical"):
        for number, step in enumerate(getattr(file, table), 1):
            where = f"[[{table}]] {number}: path of a step for {', '.join(step.host) or 'all hosts'}"
            groups = _try(loaded.path("", table), where, step.path)
            if any(int(number) > groups for number in GROUP.findall(step.set_path)):
                what = f"set_path {step.set_path!r} names a group that is not there"
                raise ConfigError(f"{loaded.path('', table)}: {where}: {what}")
    for kind in file.kind:
        _try(loaded.path("kind", kind.name), f"[[kind]] {kind.name}", kind.url)


def _site(loaded: Loaded, *, tried: bool) -> Site:
    file, path = loaded.file, loaded.path("", "hosts")
    if not file.hosts:
        raise ConfigError(f'{path}: no hosts: say which hosts the file is about, hosts = ["example.com"]')
    if not tried:
        _try_patterns(loaded)
    polite = file.politeness
    page = {name: _sources(getattr(file.page, name)) for name in PageTable.__struct_fields__}
    return Site(
        name=file.name,
        file=file,
        per_host=polite.per_host,
        interval=polite.interval,
        timeout=polite.timeout,
        patience=polite.patience,
        max_per_run=polite.max_per_run,
        max_per_day=polite.max_per_day,
        headers=polite.headers,
        image_referer=polite.image_referer,
        page=page,
        values={name: _sources(sources) for name, sources in file.value.items()},
        paths=loaded.paths,
    )


def failed_examples(sites: Sites) -> list[str]:
    """What the `[[example]]` tables of all site files promise of URLs and is not so; one line each."""
    failed = []
    for site in sites:
        for example in site.examples:
            identity = sites.identify(example.url)
            kind = site.kind_of(identity.canonical_url)[0] if example.kind is not None else None
            is_so = {"canonical": identity.canonical_url, "fetch": identity.fetch_url, "kind": kind}
            failed += [
                f"{site.path('example', example.url)}: [[example]] {example.url}: {key} is {value!r}, not {said!r}"
                for key, value in is_so.items()
                if (said := getattr(example, key)) is not None and said != value
            ]
    return failed


def _sources(written: Iterable[str | FieldSource]) -> Sources:
    return tuple(FieldSource(css=source) if isinstance(source, str) else source for source in written)


def _try(path: str, where: str, pattern: str) -> int:
    """The number of groups of a regex. Raises ConfigError."""
    try:
        return compiled(pattern).groups
    except re.error as error:
        raise ConfigError(f"{path}: {where}: bad regex {pattern!r}: {error}") from None

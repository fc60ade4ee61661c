"""The verbs that change URLs: what `[[fetch]]` and `[[canonical]]` steps do.

Each verb is one small function over a parsed URL. No verdicts, no pages here.
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from urllib.parse import quote, unquote, unquote_to_bytes

import ada_url

from crawler.core.url import is_http
from crawler.sites.schema import IdentityStep

MAX_UNWRAPS = 5  # wrappers within wrappers; more is a trap
_AMP = re.compile(r"(?i)&(?:amp;)+|(?:\\|%5c)x26(?:amp;)*")
GROUP = re.compile(r"\\(\d)")  # in set_path
_SAFE = "-_.~!*'()/:,;@$="  # left as they are in a parameter's value; "+" is kept apart: it may mean a space

Params = list[tuple[str, str | None]]


@lru_cache(maxsize=2048)  # patterns come from site files: few, and the same again and again
def compiled(pattern: str) -> re.Pattern[str]:
    """A regex of a site file. Raises re.error."""
    return re.compile(pattern)


def host_matches(host: str, patterns: Iterable[str]) -> bool:
    """Whether a host is one of these names, or under one of these `*.` wildcards."""
    return any(host == p or (p.startswith("*.") and host.endswith(p[1:])) for p in patterns)


def apply(url: ada_url.URL, steps: Iterable[IdentityStep]) -> str | None:
    """Change `url` in place by every step that is about it; the URL inside where a step unwraps one."""
    host, path = url.hostname, url.pathname  # kept here, since each read of the parsed URL crosses into C
    for step in steps:
        if step.host and not host_matches(host, step.host):
            continue
        match = compiled(step.path or ".*").fullmatch(path)
        if match is None or (step.params and not _has_params(url, step)):
            continue
        if step.unwrap and (inside := _unwrapped(url, step.unwrap)):
            return inside
        _change(url, step)
        if step.label_to_path:
            url.pathname = f"/{host.partition('.')[0]}{path}"
            path = url.pathname
        if step.set_host and step.set_host != host:
            url.hostname = step.set_host
            host = url.hostname
        if step.set_path and (wanted := _filled(step.set_path, match)) != path:
            url.pathname = wanted
            path = url.pathname
    return None


def _filled(template: str, match: re.Match[str]) -> str:
    r"""The template with its groups; a group that took no part is empty. `match.expand` parses it anew each time."""
    return GROUP.sub(lambda group: match[int(group[1])] or "", template)


def _has_params(url: ada_url.URL, step: IdentityStep) -> bool:
    return {step.alias.get(name, name) for name, value in split_query(url.search) if value}.issuperset(step.params)


def _change(url: ada_url.URL, step: IdentityStep) -> None:
    """The verbs about scheme and query."""
    if step.unescape:
        url.search = _AMP.sub("&", url.search)
    if step.https and url.protocol == "http:":
        url.protocol = "https:"
    if (step.alias or step.drop or step.keep or step.base64) and (before := url.search):
        params = split_query(before)
        for wanted, verb in _QUERY_VERBS:
            if wanted(step):
                params = verb(params, step)
        if (after := join_query(params)) != before:
            url.search = after


def split_query(search: str) -> Params:
    """Name and value of each parameter as written, the value None where there is no "="; empty ones left out."""
    pairs = (part.partition("=") for part in search.removeprefix("?").split("&") if part)
    return [(name, value if equals else None) for name, equals, value in pairs]


def join_query(params: Params) -> str:
    """The query as `url.search` takes it, "?" included: without it a name's own "?" would be lost."""
    query = "&".join(name if value is None else f"{name}={value}" for name, value in params)
    return f"?{query}" if query else ""


def _alias(params: Params, step: IdentityStep) -> Params:
    """Old names become new ones, unless the new one is there."""
    names = {name for name, _ in params}
    return [(new if (new := step.alias.get(n, n)) not in names else n, v) for n, v in params]


def _drop(params: Params, step: IdentityStep) -> Params:
    dropped = names_pattern(step.drop)
    return [(n, v) for n, v in params if not dropped.match(n)]


@lru_cache(maxsize=256)
def names_pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    """Names, or patterns such as "utm_*", as one regex."""
    return re.compile("|".join(fnmatch.translate(name) for name in names))


def _keep(params: Params, step: IdentityStep) -> Params:
    first: dict[str, str | None] = {}
    for name, value in params:
        if value:
            first.setdefault(name, _plain(value))
    return [(name, first[name]) for name in step.keep if name in first]


def _base64(params: Params, step: IdentityStep) -> Params:
    return [(n, _padded(v) if v and n in step.base64 else v) for n, v in params]


_QUERY_VERBS: tuple[tuple[Callable[[IdentityStep], object], Callable[[Params, IdentityStep], Params]], ...] = (
    (lambda step: step.alias, _alias),
    (lambda step: step.drop, _drop),
    (lambda step: step.keep, _keep),
    (lambda step: step.base64, _base64),
)


def _plain(value: str) -> str:
    """One spelling of a percent-encoded value."""
    return "+".join(quote(unquote_to_bytes(part), safe=_SAFE) for part in value.split("+"))


def _padded(value: str) -> str:
    """Base64 with the padding that sharing lost; what is no base64 stays."""
    bare = _plain(value).rstrip("=")
    padded = bare + "=" * (-len(bare) % 4)
    try:
        base64.b64decode(padded, altchars=b"-_" if "-" in bare or "_" in bare else None, validate=True)
    except (binascii.Error, ValueError):
        return value
    return padded


def _unwrapped(url: ada_url.URL, name: str) -> str:
    """The http(s) URL that a parameter holds, "" where it holds none; encoded twice is seen in the wild."""
    raw = next((value for n, value in split_query(url.search) if n == name and value), "")
    for _ in range(3):
        if raw.startswith("//"):
            raw = f"https:{raw}"
        if is_http(raw) and (inside := _href(raw)):
            return inside
        raw = unquote(raw)
    return ""


def _href(raw: str) -> str:
    try:
        return ada_url.URL(raw).href
    except ValueError:
        return ""

"""Whether a site file can be used: what only a page would use is tried before any page comes.

The loader checks what needs no parser (keys, types, regexes over URLs, hosts); selectors, regexes over pages and the
names that rules use are checked here. Every error is a ConfigError that names the file, the place and what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from crawler.core.errors import ConfigError
from crawler.page.values import fill
from crawler.sites import Site
from crawler.sites.schema import FieldSource, Rule
from crawler.sites.steps import compiled

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def check_site(site: Site) -> None:
    """Try every regex, selector and name of a site file. Raises ConfigError naming file, place and what is wrong."""
    _check_regex(site.path("", "follow_only"), "follow_only", site.file.follow_only)
    for key in ("error_zone", "hidden"):
        for css in getattr(site.file, key):
            _check_selector(site, site.path("", key), key, css)
    files = {site.path("rule", rule.id) for rule in site.rules}
    for number, rule in enumerate(site.rules, 1):
        # Where files were laid over each other, a number would be one of no file.
        where = f"[[rule]] {number} ({rule.id})" if len(files) == 1 else f"[[rule]] {rule.id}"
        _check_rule(site, site.path("rule", rule.id), where, rule)
    for table, sources in (("value", site.values), ("page", site.page)):
        for name, listed in sources.items():
            for source in listed:
                _check_source(site, site.path(table, name), f"[{table}] {name}", source)


def _check_rule(site: Site, path: str, where: str, rule: Rule) -> None:
    for pattern in (rule.asked_url, rule.final_url, *rule.header.values(), *rule.matches.values()):
        _check_regex(path, where, pattern)
    for css in (*rule.has, *rule.lacks, *rule.says):
        _check_selector(site, path, where, css)
    _check_ids(site, path, where, (*rule.equals.values(), *rule.differs.values()))
    known = {*site.values, *site.page}
    names = (*rule.equals, *rule.differs, *rule.matches, *rule.filled, *rule.empty, *filter(None, [rule.follow]))
    for name in names:
        if name not in known:
            raise ConfigError(f"{path}: {where}: no [value] and no [page] field is named {name!r}")
    kinds = {kind.name for kind in site.file.kind}
    for kind in rule.kind:
        if kind not in kinds:
            raise ConfigError(f"{path}: {where}: no [[kind]] is named {kind!r}")
    for status in rule.status:
        if not re.fullmatch(r"[1-9](?:\d\d|xx)", str(status)):
            raise ConfigError(f"{path}: {where}: key 'status': {status!r} is neither 404 nor \"4xx\"")
    if rule.notice and not site.file.error_zone:
        raise ConfigError(f"{path}: {where}: key 'notice' needs an error_zone, and the file has none")


def _check_source(site: Site, path: str, where: str, source: FieldSource) -> None:
    for css in (source.css, source.json, *source.drop):
        _check_selector(site, path, where, css)
    _check_ids(site, path, where, (source.path, source.key))
    for pattern in (source.pick, *source.strip):
        _check_regex(path, where, pattern)
    if source.pick and not compiled(source.pick).groups:
        raise ConfigError(f"{path}: {where}: key 'pick': {source.pick!r} has no group")


def _check_selector(site: Site, path: str, where: str, css: str) -> None:
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError  # only commands that judge get here

    _check_ids(site, path, where, (css,))
    try:
        LexborHTMLParser("").css(fill(css, dict.fromkeys(_ids(site), "1")) or "a")
    except SelectolaxError:
        raise ConfigError(f"{path}: {where}: bad selector {css!r}; it must be plain CSS") from None


def _ids(site: Site) -> set[str]:
    """The names of the IDs that the kinds of a site find in URLs."""
    return {name for kind in site.file.kind for name in compiled(kind.url).groupindex}


def _check_ids(site: Site, path: str, where: str, texts: Iterable[str]) -> None:
    for text in texts:
        for name in _PLACEHOLDER.findall(text):
            if name not in _ids(site):
                raise ConfigError(f"{path}: {where}: {{{name}}} in {text!r} is the ID of no [[kind]]")


def _check_regex(path: str, where: str, pattern: str) -> None:
    try:
        compiled(pattern)
    except re.error as error:
        raise ConfigError(f"{path}: {where}: bad regex {pattern!r}: {error}") from None

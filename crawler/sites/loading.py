"""From parsed TOML to site files: strict, and with errors that a person without Python can mend.

Every error is a ConfigError that names file, table (with its number and id), key and the nearest known key. Files of
the same name are laid over each other here, key by key as they were written, so that a later file may say less than an
earlier one as well as more. What a rule means does not live here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import msgspec

from crawler.core.errors import ConfigError
from crawler.core.url import host_of
from crawler.sites.schema import (
    Example,
    FieldSource,
    IdentityStep,
    PageKind,
    PageTable,
    PolitenessTable,
    Rule,
    SiteFile,
    Table,
)

LISTS: dict[str, type[Table]] = {
    "fetch": IdentityStep, "canonical": IdentityStep, "kind": PageKind, "rule": Rule, "example": Example,
}  # fmt: skip
TABLES: dict[str, type[Table]] = {"politeness": PolitenessTable, "page": PageTable}
NAMED = ("rule", "kind")  # lists whose entries have names, which are unique in a file
PLACES = ("css", "meta", "var", "object", "json")
OLD_TABLES = {"row": "rule"}  # how tables were called before; both are read
OLD_KEYS = {"confirm_looks": "confirmations"}  # the same for keys of a [[rule]]
_HOST = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
T = TypeVar("T", bound=Table)
Place = tuple[str, str]  # table and name of an entry: ("rule", "gone"), ("page", "title"), ("", "error_zone")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A site file after everything of its name was laid over each other, and which file said what."""

    file: SiteFile
    paths: Mapping[Place, str] = field(default_factory=dict)

    def path(self, table: str, name: str = "") -> str:
        """The file that says something; the last one of the name where none is known."""
        return self.paths.get((table, name)) or self.paths[("", "")]


def read_documents(documents: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Loaded]:
    """Site files by name; a later document of a name is laid over the earlier ones. Raises ConfigError."""
    files: dict[str, Loaded] = {}
    for path, document in documents:
        file, said = _read(path, document)
        before = files.get(file.name)
        paths = {("", ""): path} | dict.fromkeys(said, path)
        if before is None:
            files[file.name] = Loaded(file, paths)
        else:
            paths = {**before.paths, **paths}
            files[file.name] = Loaded(_lay_over(before.file, file, said), paths)
    return files


def _read(path: str, document: Mapping[str, Any]) -> tuple[SiteFile, frozenset[Place]]:
    """One file, and the places that it says something at."""
    stem = path.replace("\\", "/").rpartition("/")[2].removesuffix(".toml")
    data: dict[str, Any] = {"name": stem, **_renamed(path, document)}
    _known(path, "", data, SiteFile, aliases=OLD_TABLES)
    said = _places(data)
    for key in ("value", "page"):
        if isinstance(data.get(key), dict):
            data[key] = {name: _sources(path, f"[{key}] {name}", sources) for name, sources in data[key].items()}
    for key, struct in TABLES.items():
        if key in data:
            data[key] = _table(path, f"[{key}]", data[key], struct)
    for key, struct in LISTS.items():
        if key in data:
            data[key] = _entries(path, _written(document, key), data[key], struct)
    for key in ("hosts", "error_zone", "hidden"):
        if key in data:
            data[key] = _listed(data[key])
    try:
        file = msgspec.convert(data, SiteFile)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_plain(str(error))}") from None
    _check_names(path, document, file)
    return file, said


def _renamed(path: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with old names of tables replaced."""
    for old, new in OLD_TABLES.items():
        if old in document and new in document:
            raise ConfigError(f"{path}: [[{old}]] is the old name of [[{new}]]; use one of them")
    return {OLD_TABLES.get(key, key): value for key, value in document.items()}


def _written(document: Mapping[str, Any], key: str) -> str:
    """How a table is called in the file itself."""
    return next((old for old, new in OLD_TABLES.items() if new == key and old in document), key)


def _places(data: Mapping[str, Any]) -> frozenset[Place]:
    """Where a document says something: single keys, keys of tables, and entries of lists by name or number."""
    places: set[Place] = {("", key) for key in data}
    for table in ("value", *TABLES):
        if isinstance(data.get(table), dict):
            places |= {(table, key) for key in data[table]}
    for key in LISTS:
        entries = data.get(key)
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict):
                places.add((key, str(entry.get("id") or entry.get("name") or entry.get("url") or "")))
    return frozenset(places)


def _check_names(path: str, document: Mapping[str, Any], file: SiteFile) -> None:
    """Hosts are hosts, reasons and ids are slugs."""
    steps = [(f"[[{key}]] {n}", step) for key in ("fetch", "canonical") for n, step in enumerate(getattr(file, key), 1)]
    for where, hosts in [("hosts", file.hosts), *((f"{where}: host", step.host) for where, step in steps)]:
        for host in hosts:
            _check_host(path, where, host)
    for where, step in steps:
        if step.set_host:
            _check_host(path, f"{where}: set_host", step.set_host)
    key = _written(document, "rule")
    for number, rule in enumerate(file.rule, 1):
        for name, value in (("id", rule.id), ("reason", rule.reason)):
            if not _SLUG.fullmatch(value):
                hint = "lower-case words with hyphens, such as deleted-by-author"
                raise ConfigError(f"{path}: [[{key}]] {number} ({rule.id}): key '{name}': {value!r} is not {hint}")


def _check_host(path: str, where: str, host: str) -> None:
    if _HOST.fullmatch(host):
        return
    bare = host.removeprefix("*.")
    meant = host_of(bare if "://" in bare else f"https://{bare}")
    hint = f"; write {'*.' if host.startswith('*.') else ''}{meant}" if meant and _HOST.fullmatch(meant) else ""
    raise ConfigError(f"{path}: {where}: {host!r} is not the name of a host (no scheme, port or path){hint}")


def _listed(value: Any) -> Any:
    """A single value may be written without its brackets."""
    return [value] if isinstance(value, (str, int, dict)) else value


def _entries(path: str, key: str, entries: Any, struct: type[T]) -> list[T]:
    """The tables of a list; `key` is how the file calls it."""
    if not isinstance(entries, list):
        raise ConfigError(f"{path}: {key} is written as [[{key}]], once for each entry")
    read, seen = [], set()
    for number, entry in enumerate(entries, 1):
        name = entry.get("id") or entry.get("name") or entry.get("url") if isinstance(entry, dict) else None
        where = f"[[{key}]] {number}" + (f" ({name})" if name else "")
        read.append(_table(path, where, entry, struct))
        if OLD_TABLES.get(key, key) in NAMED and name in seen:
            raise ConfigError(f"{path}: {where}: there is another [[{key}]] of that name above")
        seen.add(name)
    return read


def _table(path: str, where: str, data: Any, struct: type[T]) -> T:
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: {where} is not a table")
    if struct is Rule:
        data = {OLD_KEYS.get(key, key): value for key, value in data.items()}
    _known(path, where, data, struct)
    fields = _fields(struct)
    given = {key: _listed(value) if fields[key] and key != "says" else value for key, value in data.items()}
    if isinstance(given.get("says"), dict):
        given["says"] = {css: _listed(wordings) for css, wordings in given["says"].items()}
    try:
        return msgspec.convert(given, struct)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {where}: {_plain(str(error))}") from None


@cache
def _fields(struct: type[Table]) -> Mapping[str, bool]:
    """The keys of a table, and whether each is a list; worked out once, since it is slow."""
    return {f.encode_name: "tuple" in str(f.type) for f in msgspec.structs.fields(struct)}


def _known(
    path: str, where: str, data: Mapping[str, Any], struct: type[Table], aliases: Mapping[str, str] | None = None
) -> None:
    """Raise for the first key that the table does not know."""
    names = _fields(struct)
    for key in data:
        if key not in names:
            near = difflib.get_close_matches(key, [*names, *(aliases or ())], 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"
            raise ConfigError(f"{path}: {where + ': ' if where else ''}unknown key {key!r}; {hint}")


def _plain(message: str) -> str:
    """msgspec's `... - at `$.status[0]`` with the key first."""
    found = re.fullmatch(r"(.*?) - at `\$\.?(.*)`", message)
    return f"key {found[2]!r}: {found[1]}" if found and found[2] else message


def _sources(path: str, where: str, written: Any) -> Any:
    """The sources of one value, each read by itself so that errors name the value."""
    listed = _listed(written)
    return [_source(path, where, one) for one in listed] if isinstance(listed, list) else listed


def _source(path: str, where: str, written: Any) -> Any:
    if not isinstance(written, dict):
        return written
    source = _table(path, where, written, FieldSource)
    if sum(bool(getattr(source, place)) for place in PLACES) != 1:
        raise ConfigError(f"{path}: {where}: a source has exactly one of {', '.join(PLACES)}")
    if bool(source.object) != bool(source.key) or bool(source.json) != bool(source.path):
        raise ConfigError(f"{path}: {where}: 'object' needs 'key', and 'json' needs 'path'")
    return source


def _lay_over(below: SiteFile, above: SiteFile, said: frozenset[Place]) -> SiteFile:
    """What the later file says wins, emptiness and defaults too; its rules of a known id replace, new ones go first."""
    known = {rule.id for rule in below.rule}
    replaced = {rule.id: rule for rule in above.rule}
    rules = [rule for rule in above.rule if rule.id not in known] + [replaced.get(r.id, r) for r in below.rule]
    single = {key: getattr(above, key) for table, key in said if not table and key in _SINGLE}
    return msgspec.structs.replace(
        below,
        **single,
        hosts=tuple(dict.fromkeys((*below.hosts, *above.hosts))),
        politeness=_merge(below.politeness, above.politeness, "politeness", said),
        fetch=(*below.fetch, *above.fetch),
        canonical=(*below.canonical, *above.canonical),
        kind=_kinds(below, above),
        value={**below.value, **above.value},
        page=_merge(below.page, above.page, "page", said),
        rule=tuple(rules),
        example=(*below.example, *above.example),
    )


_SINGLE = ("error_zone", "hidden", "other_pages", "follow_only")


def _kinds(below: SiteFile, above: SiteFile) -> tuple[PageKind, ...]:
    """New kinds first, known ones in the later file's words."""
    replaced = {kind.name: kind for kind in above.kind}
    known = {kind.name for kind in below.kind}
    new = [kind for kind in above.kind if kind.name not in known]
    return (*new, *(replaced.get(kind.name, kind) for kind in below.kind))


def _merge(below: T, above: T, table: str, said: frozenset[Place]) -> T:
    """Key by key what the later table says, also where it says what the default is."""
    return msgspec.structs.replace(below, **{key: getattr(above, key) for name, key in said if name == table})

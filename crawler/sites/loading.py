"""From parsed TOML to site files: strict, and with errors that a person without Python can mend.

Every error is a ConfigError that names file, table (with its number and id), key and the nearest known key. Files of
the same name are laid over each other here. What a rule means does not live here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

import msgspec

from crawler.core.errors import ConfigError
from crawler.sites.schema import (
    Example,
    FieldSource,
    IdentityStep,
    KindRow,
    PageTable,
    PolitenessTable,
    Rule,
    SiteFile,
    Table,
)

LISTS: dict[str, type[Table]] = {
    "fetch": IdentityStep, "canonical": IdentityStep, "kind": KindRow, "row": Rule, "example": Example,
}  # fmt: skip
TABLES: dict[str, type[Table]] = {"politeness": PolitenessTable, "page": PageTable}
PLACES = ("css", "meta", "var", "object", "json")
T = TypeVar("T", bound=Table)


def read_documents(documents: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, SiteFile]:
    """Site files by name; a later document of a name is laid over the earlier ones. Raises ConfigError."""
    files: dict[str, SiteFile] = {}
    for path, document in documents:
        file = _read(path, document)
        before = files.get(file.name)
        files[file.name] = file if before is None else _lay_over(before, file)
    return files


def _read(path: str, document: Mapping[str, Any]) -> SiteFile:
    stem = path.replace("\\", "/").rpartition("/")[2].removesuffix(".toml")
    data: dict[str, Any] = {"name": stem, **document}
    _known(path, "", data, SiteFile)
    for key in ("value", "page"):
        if isinstance(data.get(key), dict):
            data[key] = {name: _sources(path, f"[{key}] {name}", sources) for name, sources in data[key].items()}
    for key, struct in TABLES.items():
        if key in data:
            data[key] = _table(path, f"[{key}]", data[key], struct)
    for key, struct in LISTS.items():
        if key in data:
            data[key] = _rows(path, key, data[key], struct)
    for key in ("hosts", "error_zone", "hidden"):
        if key in data:
            data[key] = _listed(data[key])
    try:
        return msgspec.convert(data, SiteFile)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_plain(str(error))}") from None


def _listed(value: Any) -> Any:
    """A single value may be written without its brackets."""
    return [value] if isinstance(value, (str, int, dict)) else value


def _rows(path: str, key: str, rows: Any, struct: type[T]) -> list[T]:
    if not isinstance(rows, list):
        raise ConfigError(f"{path}: {key} is written as [[{key}]], once for each row")
    read, seen = [], set()
    for number, row in enumerate(rows, 1):
        name = row.get("id") or row.get("name") or row.get("url") if isinstance(row, dict) else None
        where = f"[[{key}]] {number}" + (f" ({name})" if name else "")
        read.append(_table(path, where, row, struct))
        if key in ("row", "kind") and name in seen:
            raise ConfigError(f"{path}: {where}: there is another [[{key}]] of that name above")
        seen.add(name)
    return read


def _table(path: str, where: str, data: Any, struct: type[T]) -> T:
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: {where} is not a table")
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


def _known(path: str, where: str, data: Mapping[str, Any], struct: type[Table]) -> None:
    """Raise for the first key that the table does not know."""
    names = _fields(struct)
    for key in data:
        if key not in names:
            near = difflib.get_close_matches(key, names, 1)
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


def _lay_over(below: SiteFile, above: SiteFile) -> SiteFile:
    """What the later file says wins; its rows of a known id replace, its new rows are tried first."""
    known = {row.id for row in below.row}
    replaced = {row.id: row for row in above.row}
    rows = [row for row in above.row if row.id not in known] + [replaced.get(row.id, row) for row in below.row]
    kinds = {kind.name: kind for kind in (*above.kind, *below.kind)}
    return SiteFile(
        name=below.name,
        hosts=tuple(dict.fromkeys((*below.hosts, *above.hosts))),
        politeness=_merge(below.politeness, above.politeness),
        error_zone=above.error_zone or below.error_zone,
        hidden=above.hidden or below.hidden,
        other_pages=above.other_pages if above.other_pages != "unknown" else below.other_pages,
        follow_only=above.follow_only or below.follow_only,
        fetch=(*below.fetch, *above.fetch),
        canonical=(*below.canonical, *above.canonical),
        kind=tuple(kinds.values()),
        value={**below.value, **above.value},
        page=_merge(below.page, above.page),
        row=tuple(rows),
        example=(*below.example, *above.example),
    )


def _merge(below: T, above: T) -> T:
    """Field by field: what the later table sets to something else than the default."""
    defaults = type(above)()
    said = {f: getattr(above, f) for f in above.__struct_fields__ if getattr(above, f) != getattr(defaults, f)}
    return msgspec.structs.replace(below, **said)

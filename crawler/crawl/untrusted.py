"""The configuration of a check whose work tree comes from a stranger, such as the branch of a pull request.

What of the tree's own configuration could redirect requests, authenticate them, write or read outside of the
repository, or weaken the reader is ignored, each key with a line; the configuration of the commit that the check is
compared with is used instead, its files included, or the default where there is none. Which keys those are stands in
`REFUSED`; what reads git is `notes.git`.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from crawler.core.config import CANDIDATES, checked_toml, convert, found_config, parse_toml, read_toml
from crawler.core.errors import GitError, UsageError
from crawler.core.settings import Settings

ALL = "*"
# Table -> keys that a stranger may not set. [notes] ignore and rewrite are regular expressions, which can hang.
REFUSED: dict[str, tuple[str, ...]] = {
    "notes": ("ignore", "rewrite"),
    "fetch": ("resolve", "proxy", "ca_bundle", "cookies", "headers", "allow_private", "user_agent", "second_opinion"),
    "archive": ("path", "store"),
    "report": ("formats", "path"),
    "notify": (ALL,),
    "wayback": (ALL,),
    "read": (ALL,),
    "serve": (ALL,),
    "sites": (ALL,),
}
REFUSED_OF_HOSTS = ("headers", "accept", "skip", "browser")
INSIDE = (("notes", "paths"), ("notes", "root"))  # allowed, where they stay inside of the repository
# Files that the base's configuration names: those of the repository are read from the base as well.
FILES = (("fetch", "ca_bundle"), ("fetch", "cookies"), ("sites", "path"))
HARMLESS_IN_ARCHIVES = frozenset({"README.md", ".gitignore", ".gitkeep"})

Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Untrusted:
    """What a check of a stranger's tree works with."""

    settings: Settings
    lines: tuple[str, ...]  # what was ignored, for people
    top: Path  # of the repository; the working directory outside of one
    base: str | None  # the commit whose word counts; None: none was named

    def read(self, file: Path) -> bytes:
        """A file that the command line names: of the repository as the base has it. Raises UsageError, OSError."""
        name = _from_top(file, self.top)
        if name.startswith("../"):
            return file.read_bytes()
        from crawler.notes.git import files_at

        found = files_at(self.top, self.base, name) if self.base is not None else {}
        if name not in found:
            raise UsageError(f"{file}: the base has no such file, and --untrusted does not believe the checked tree's")
        return found[name]


def merged(tree: Table, base: Table, top: Path) -> tuple[Table, list[str]]:
    """The tree's configuration with everything refused taken from the base's, and the names of what was ignored.

    Both are parsed files whose paths are absolute.
    """
    result = copy.deepcopy(tree)
    ignored = []
    for table, keys in REFUSED.items():
        names = keys if keys != (ALL,) else tuple(sorted({*tree.get(table, {}), *base.get(table, {})}))
        ignored += [f"[{table}] {key}" for key in names if _replace(result, base, table, key)]
    ignored += _hosts(result, base)
    for table, key in INSIDE:
        if not all(is_inside(path, top) for path in _paths(tree.get(table, {}).get(key))):
            _replace(result, base, table, key)
            ignored.append(f"[{table}] {key}")
    return result, ignored


def _replace(result: Table, base: Table, table: str, key: str) -> bool:
    """Put the base's value, or none, in the place of the tree's; whether that changed what the tree had set."""
    own: Table = result.get(table, {})
    theirs: Table = base.get(table, {})
    changed = key in own and own[key] != theirs.get(key)
    own.pop(key, None)
    if key in theirs:
        result.setdefault(table, own)[key] = theirs[key]
    return changed


def _hosts(result: Table, base: Table) -> Iterator[str]:
    hosts: Table = result.get("host", {})
    trusted: Table = base.get("host", {})
    for host in sorted({*hosts, *trusted}):
        for key in REFUSED_OF_HOSTS:
            value = trusted.get(host, {}).get(key)
            own: Table = hosts.get(host, {})
            if key in own and own.pop(key) != value:
                yield f'[host."{host}"] {key}'
            if value is not None:
                hosts.setdefault(host, own)[key] = value
    if hosts:
        result["host"] = hosts


def _paths(value: object) -> Sequence[str]:
    if isinstance(value, str):
        return (value,) if value else ()
    return [path for path in value if isinstance(path, str)] if isinstance(value, list) else ()


def is_inside(path: str | Path, top: Path) -> bool:
    """Whether a path leads to something in the repository, links followed, and not into git's own folder."""
    real = Path(os.path.realpath(path))
    return real.is_relative_to(top) and ".git" not in real.relative_to(top).parts


@contextmanager
def untrusted_settings(config: Path | None, since: str | None, archive: Path | None) -> Iterator[Untrusted]:
    """The settings of `check --untrusted`, and a folder for the base's files, until the block ends.

    `config` and `archive` are the command line's. Raises ConfigError, and GitError where `since` names no commit.
    """
    from crawler.notes.git import files_at, top_of

    here = Path.cwd()
    try:
        top = top_of(here)
    except GitError:
        if since is not None:
            raise
        top = here.resolve()

    def at_base(path: str) -> dict[str, bytes]:
        return files_at(top, since, path) if since is not None else {}

    file = config or found_config(here)
    with TemporaryDirectory(prefix="crawler-base-") as scratch:
        if file is not None and _from_top(file, top).startswith("../"):  # the caller's own, from elsewhere
            ignored: list[str] = []
            settings = convert(checked_toml(read_toml(file), file), file)
        else:
            own = file if file is not None and is_inside(file, top) else None
            tree = checked_toml(read_toml(own), own) if own is not None else {}
            table, ignored = merged(tree, _base_table(here, config, top, at_base, Path(scratch)), top)
            ignored += [f"{file}, which leads out of it,"] if own is None and file is not None else []
            settings = convert(table, file or CANDIDATES[0])
        lines = [f"{name} of the checked tree is ignored{_instead(since)}" for name in ignored]
        settings, unsent = _without_global_secrets(settings)
        settings, more = _with_archive(settings, archive, here, top, Path(scratch))
        yield Untrusted(settings, (*lines, *unsent, *more), top, since)


def _without_global_secrets(settings: Settings) -> tuple[Settings, list[str]]:
    """Credentials of [fetch] headers go to every host that a note names, so also to the stranger's own."""
    import msgspec

    from crawler.fetch.credentials import is_secret

    secret = [name for name in settings.fetch.headers if is_secret(name)]
    kept = {name: value for name, value in settings.fetch.headers.items() if name not in secret}
    fetch = msgspec.structs.replace(settings.fetch, headers=kept)
    lines = [
        f'[fetch] headers {name} is not sent (--untrusted); [host."…"] headers are, to their host' for name in secret
    ]
    return msgspec.structs.replace(settings, fetch=fetch), lines


def _instead(since: str | None) -> str:
    return f" (--untrusted); {since} says what counts" if since is not None else " (--untrusted)"


def _base_table(
    here: Path, config: Path | None, top: Path, at_base: Callable[[str], dict[str, bytes]], scratch: Path
) -> Table:
    """The base's configuration, its own files laid out in `scratch`; empty where it has none."""
    for candidate in (here / config,) if config is not None else [here / name for name in CANDIDATES]:
        name = _from_top(candidate, top)
        if (data := at_base(name).get(name)) is None:
            continue
        table = checked_toml(parse_toml(data, f"{name} of the base"), candidate)
        for section, key in FILES:
            value = table.get(section, {}).get(key)
            if isinstance(value, str) and value and not _from_top(Path(value), top).startswith("../"):
                table[section][key] = _laid_out(at_base, Path(value), top, scratch)
        return table
    return {}


def _from_top(path: Path, top: Path) -> str:
    return Path(os.path.relpath(os.path.normpath(path.absolute()), top)).as_posix()


def _laid_out(at_base: Callable[[str], dict[str, bytes]], value: Path, top: Path, scratch: Path) -> str:
    """Where a file or folder of the base lies now: in the scratch folder, or, unknown to git, where it always was."""
    name = _from_top(value, top)
    found = at_base(name)
    if not found and not _came_with_tree(top / name, top):  # put there by the caller, and not by the stranger
        return str(value)
    for path, data in found.items():
        place = scratch / path
        if Path(os.path.normpath(place)).is_relative_to(scratch):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
    return str(scratch / name)


def _with_archive(
    settings: Settings, archive: Path | None, here: Path, top: Path, scratch: Path
) -> tuple[Settings, list[str]]:
    """The archive to read; one that came with the checked tree is not believed, and an empty one takes its place."""
    import msgspec

    path, lines = archive or Path(settings.archive.path), []
    if _came_with_tree(here / path, top):
        lines = [f"the archive {path} is a part of the checked tree and is not believed (--untrusted)"]
        path = scratch / "archive"
    return msgspec.structs.replace(settings, archive=msgspec.structs.replace(settings.archive, path=str(path))), lines


def _came_with_tree(path: Path, top: Path) -> bool:
    from crawler.notes.git import tracked

    path = Path(os.path.normpath(path))
    if not path.is_relative_to(top):
        return False
    inside = path.relative_to(top)
    try:
        for part in (*(p for p in inside.parents if p.parts), inside):  # a link on the way is tracked itself
            if part.as_posix() in tracked(top, part):
                return True
        return any(name.rpartition("/")[2] not in HARMLESS_IN_ARCHIVES for name in tracked(top, inside))
    except GitError:
        return False

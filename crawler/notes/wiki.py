"""Notes by their names and aliases, wherever they lie: what `[[wiki links]]` and Obsidian's shortest paths name.

https://help.obsidian.md/links. Names of one folder are read once; whether a link without a note is an error is
decided in `local`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from crawler.notes.routes import front_values
from crawler.notes.walk import head_of, is_note, properties_of, walk


@dataclass(slots=True)
class WikiNames:
    """The files below the notes' root by name, and its notes by alias."""

    root: Path
    partial: bool = False  # a folder could not be read, so that a file that is not found may be there
    _names: dict[str, list[Path]] | None = None
    _aliases: dict[str, Path] | None = None

    def find(self, name: str) -> Path | None:
        """The file of this name, else the note with this alias; None for neither."""
        return self.by_name(name) or self._by_alias(name)

    def by_name(self, name: str) -> Path | None:
        """The file of this name, by as much of its path as is written."""
        wanted = _key(name)
        for file in self._all_names().get(wanted, ()):
            return file
        for file in self._all_names().get(wanted.rpartition("/")[2], ()):
            if _key(file.as_posix()).endswith(f"/{wanted.lstrip('/')}"):
                return file
        return None

    def _all_names(self) -> dict[str, list[Path]]:
        if self._names is None:
            self._names = {}
            for file in walk(self.root, self._is_partial):
                whole = _LOGSEQ_SLASH.sub("/", file.stem) if is_note(file.name) else ""
                for key in dict.fromkeys((_key(file.name), _key(file.stem) if whole else "", _key(whole))):
                    if key:
                        self._names.setdefault(key, []).append(file)
        return self._names

    def _is_partial(self, _: OSError) -> None:
        self.partial = True

    def _by_alias(self, name: str) -> Path | None:
        if self._aliases is None:
            self._aliases = {}
            for file in walk(self.root):
                if is_note(file.name):
                    head = head_of(file) or properties_of(file)
                    for alias in _aliases_in(head) if "alias" in head or "title" in head else ():
                        self._aliases.setdefault(_key(alias), file)
        return self._aliases.get(_key(name))


# Logseq writes a slash in a page's name so; %2F before 2022.
_LOGSEQ_SLASH = re.compile(r"___|%2F", re.IGNORECASE)


def _key(name: str) -> str:
    """Names are compared without case, and as GitHub's wiki writes them: spaces, dashes and underscores are one."""
    name = unicodedata.normalize("NFC", name).casefold()
    stem = PurePosixPath(name)
    if stem.suffix in (".md", ".markdown"):
        name = name[: -len(stem.suffix)]
    return re.sub(r"[ _-]+", "-", name)


def _aliases_in(head: str) -> Iterator[str]:
    values = front_values(head)
    for key in ("aliases", "alias", "title"):
        yield from values.get(key, ())

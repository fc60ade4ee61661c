"""A folder that a browser saves into: which of its files came to rest, and are new.

Only names, sizes and times are looked at; what becomes of a file is `importing`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from crawler.archive.interchange.files import UNFINISHED, tells_address
from crawler.core.errors import UsageError


@dataclass(slots=True)
class FolderWatch:
    """A folder whose new pages are to be imported; asked again and again, it tells which files came to rest."""

    folder: Path
    _seen: dict[Path, tuple[int, int]] = field(default_factory=dict)
    _done: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def settled(self) -> list[Path]:
        """Files that are new or changed and have kept their size and time since the last call."""
        now: dict[Path, tuple[int, int]] = {}
        for file in self._candidates():
            try:
                about = file.stat()
            except OSError:
                continue
            now[file] = (about.st_size, about.st_mtime_ns)
        ready = [
            f for f, state in now.items() if state[0] and self._seen.get(f) == state and self._done.get(f) != state
        ]
        self._seen = now
        self._done = {file: state for file, state in self._done.items() if file in now}
        self._done.update({file: now[file] for file in ready})
        return ready

    def _candidates(self) -> list[Path]:
        """The folder itself, not what lies in it deeper: browsers put single files there."""
        try:
            found = sorted(self.folder.iterdir())
        except OSError as error:
            raise UsageError(f"{self.folder} cannot be read: {error.strerror}") from None
        names = {file.name for file in found}
        return [
            file
            for file in found
            if tells_address(file) and file.is_file() and not file.is_symlink()
            and not any(f"{file.name}{ending}" in names for ending in UNFINISHED)
        ]  # fmt: skip

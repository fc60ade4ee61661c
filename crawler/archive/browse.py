"""An archive opened for browsing: the questions that a viewer asks and a run does not.

Only reading lives here, and only questions about one archive folder. What is listed, filtered and paged over all links
at once is `catalog`'s business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from crawler.archive import disk, opening, schema
from crawler.archive.archive import Archive
from crawler.archive.segments import FOLDER, INDEX
from crawler.archive.times import from_micros
from crawler.core.errors import ArchiveError
from crawler.core.settings import ArchiveSettings


@dataclass(frozen=True, slots=True)
class CaptureRow:
    """One capture as lists need it."""

    id: int
    canonical_url: str
    at: datetime
    notice: bool  # a kept error page: evidence, not a copy of the article
    revisit: bool  # seen again with the same text


class ArchiveBrowser(Archive):
    """An archive opened for reading, with the questions of a viewer. One thread at a time, as every archive."""

    @classmethod
    def open_folder(cls, path: Path, options: ArchiveSettings) -> ArchiveBrowser:
        """Open an archive that must be there. Raises ArchiveError naming what would help, ArchiveDamaged."""
        index = path / INDEX
        with disk.translated(path):
            is_there = index.exists()
        if not is_there:
            if path.exists() and not path.is_dir():
                raise ArchiveError(f"{path} is a file: an archive is a folder; --archive names another")
            if any((path / FOLDER).glob("*.warc.*")):
                raise ArchiveError(f"{path} has no {INDEX} beside its segments: run `crawler verify --rebuild`")
            raise ArchiveError(f"no archive at {path}: `crawler run` makes one, --archive names another folder")
        return cls(path, options, schema.open_reader(index), lambda: datetime.now(UTC))

    @property
    def version(self) -> int:
        """A number that changes whenever another process commits to the index."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    @property
    def is_live(self) -> bool:
        """Whether later commits are seen: an index of an older schema is read from a copy, which never changes."""
        return any(file for _, name, file in self._db.execute("PRAGMA database_list") if name == "main")

    def owners(self) -> dict[str, tuple[str, str]]:
        """Site and host of every link, by canonical URL."""
        rows = self._db.execute("SELECT canonical_url, site, host FROM links")
        return {url: (site, host) for url, site, host in rows}

    def capture_rows(self) -> Iterator[CaptureRow]:
        """Every capture, oldest number first."""
        rows = self._db.execute(
            "SELECT c.id, l.canonical_url, c.at, c.notice, c.revisit_of IS NOT NULL"
            " FROM captures c JOIN links l ON l.id = c.link ORDER BY c.id"
        )
        for ident, url, at, notice, revisit in rows:
            yield CaptureRow(ident, url, from_micros(at), bool(notice), bool(revisit))


def index_identity(path: Path) -> tuple[int, int]:
    """Device and number of the index file, which `verify --rebuild` replaces; (0, 0) where it is gone."""
    return opening.identity(path / INDEX)


def index_state(path: Path) -> tuple[int, ...]:
    """What changes with every commit, seen from outside: for an archive that is read from a copy."""
    found: list[int] = []
    for name in (INDEX, f"{INDEX}-wal"):
        try:
            stat = (path / name).stat()
        except OSError:
            found += (0, 0, 0)
        else:
            found += (stat.st_ino, stat.st_size, stat.st_mtime_ns)
    return tuple(found)

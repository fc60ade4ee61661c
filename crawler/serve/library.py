"""What the viewer reads from: open archives, and the catalog of all links, kept fresh while runs write.

Answers only; which page shows what is `pages`' business. Every method may be called from any thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from queue import Empty, Full, LifoQueue
from typing import TYPE_CHECKING

from crawler.archive.browse import ArchiveBrowser, index_identity, index_state
from crawler.archive.catalog import Catalog
from crawler.core.display import storable
from crawler.core.errors import CrawlerError
from crawler.core.model import LOCAL
from crawler.core.results import Health, Run
from crawler.crawl.context import Context
from crawler.crawl.reading import FoundLinks, read_links
from crawler.notes.files import find_notes, note_paths
from crawler.notes.links import local_checker, local_histories
from crawler.report.charts import year_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.core.settings import Settings
    from crawler.sites import Sites

SPARE = 4  # archives kept open between requests; opening one costs a few milliseconds
NOTES_EVERY = 5.0  # seconds between two scans of the notes' files, at least; a guess
PATIENCE = 0.15  # seconds that a request waits for a newer catalog before it takes the one that is there
SHARE = 10  # of its time at most one part in so many is spent on catalogs while a run writes
MAX_RUNS = 200  # runs that are listed

Stamp = tuple[object, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """What lists are made from, as of one moment; it is itself and no other, so that drawings are kept by it."""

    catalog: Catalog
    health: tuple[Health, ...]  # oldest first
    runs: tuple[Run, ...]  # newest first
    skipped: tuple[str, ...]  # notes that could not be read, a line for each
    files: Mapping[str, Path]  # where notes lie, by name: the only paths that a name from outside leads to
    number: int  # grows with each one, so that what was drawn from one can be kept with it


class Library:
    """The archive and the notes of one viewer."""

    def __init__(self, settings: Settings, sites: Sites, paths: Sequence[Path], now: Callable[[], datetime]) -> None:
        """`paths`: the notes, by default the configured ones. Raises ArchiveError without an archive, NotesError."""
        self.settings = settings
        self.sites = sites
        self.now = now
        self.paths = list(paths)
        self._folder = Path(settings.archive.path)
        self._spare: LifoQueue[tuple[Stamp, ArchiveBrowser]] = LifoQueue(SPARE)
        self._building = threading.Lock()
        self._thread: threading.Thread | None = None
        self._error: CrawlerError | None = None
        self._watch = self._open()
        self._watching = threading.Lock()
        self._identity = index_identity(self._folder)
        self._checked = time.monotonic()
        self._cost = 0.0
        self._stamp: Stamp = ()
        self._read: tuple[Stamp, FoundLinks] | None = None  # what the notes held when they were read last
        self._lists = self._build(0)

    def close(self) -> None:
        """Let go of all archives."""
        if self._thread:
            self._thread.join()
        self._watch.close()
        while True:
            try:
                self._spare.get_nowait()[1].close()
            except Empty:
                return

    @contextmanager
    def archive(self) -> Iterator[ArchiveBrowser]:
        """An open archive for one request. Raises ArchiveError."""
        archive = self._taken() or self._open()
        key = self._key(archive)
        try:
            yield archive
        except BaseException:
            archive.close()
            raise
        try:
            self._spare.put_nowait((key, archive))
        except Full:
            archive.close()

    def lists(self) -> Lists:
        """The newest lists that are ready; a newer one is waited for a moment. Raises what kept it from being made."""
        if self._is_due():
            thread = self._start()
            if thread:
                thread.join(PATIENCE)
        if self._error:
            raise self._error
        return self._lists

    def refresh(self) -> None:
        """Make new lists now: something was just done."""
        if thread := self._start():
            thread.join()

    def _taken(self) -> ArchiveBrowser | None:
        """A spare archive, if what it reads is still what is there."""
        while True:
            try:
                key, archive = self._spare.get_nowait()
            except Empty:
                return None
            if key == self._key(archive):
                return archive
            archive.close()

    def _open(self) -> ArchiveBrowser:
        return ArchiveBrowser.open_folder(self._folder, self.settings.archive)

    def _key(self, archive: ArchiveBrowser) -> Stamp:
        """What must stay the same for an open archive to be used again."""
        return index_identity(self._folder) if archive.is_live else index_state(self._folder)

    def _is_due(self) -> bool:
        """Whether lists may be out of date, and making new ones would not take all our time."""
        since = time.monotonic() - self._checked
        if self._cost > PATIENCE and since < self._cost * SHARE:
            return False
        return since > NOTES_EVERY or self._error is not None or self._archive_stamp() != self._stamp[:2]

    def _archive_stamp(self) -> Stamp:
        identity = index_identity(self._folder)
        with self._watching:
            if identity != self._identity:
                return (identity, -1)
            return (identity, self._watch.version)

    def _start(self) -> threading.Thread | None:
        """Make new lists in a thread of their own; None where one is at it."""
        if not self._building.acquire(blocking=False):
            return self._thread
        self._thread = threading.Thread(target=self._renew, name="catalog", daemon=True)
        self._thread.start()
        return self._thread

    def _renew(self) -> None:
        try:
            self._lists = self._build(self._lists.number + 1)
            self._error = None
        except CrawlerError as error:
            self._error = error
        finally:
            self._building.release()

    def _build(self, number: int) -> Lists:
        """Read notes and archive; the lists that are there, where neither changed."""
        started = time.monotonic()
        self._checked = started
        self._watch_anew()
        stamp = self._archive_stamp()
        with self.archive() as archive:
            files = self._note_files()
            stamp = (*stamp, files)
            if stamp == self._stamp and number:
                return self._lists
            found = self._found_links(archive, files)
            histories = archive.histories() | found.local_histories
            lists = Lists(
                Catalog.build(found.links, histories, archive.owners(), archive.capture_rows(), year_of),
                tuple(archive.health()),
                tuple(archive.runs(MAX_RUNS)),
                tuple(f"{note.path}: {note.why}" for note in found.notes.skipped),
                {storable(note.file.name): note.file.path for note in found.notes.read},
                number,
            )
        self._stamp = stamp
        self._cost = time.monotonic() - started
        return lists

    def _note_files(self) -> Stamp:
        """Which notes there are, and of when. Raises NotesError."""
        options = self.settings.notes
        found = find_notes(note_paths(self.paths, options), options, Path.cwd())
        return tuple((file.name, file.size, file.mtime_ns) for file in found)

    def _found_links(self, archive: ArchiveBrowser, files: Stamp) -> FoundLinks:
        """The links of the notes: those of before where no note changed, as in most of the time that a run writes."""
        if self._read is not None and self._read[0] == files:
            before = self._read[1]
            local = [link for link in before.links if link.site == LOCAL]
            checker = local_checker(before.notes, self.settings.notes)
            return replace(before, local_histories=local_histories(local, checker, self.now()))
        found = read_links(Context(self.settings, self.sites, archive, self.now), self.paths, remember=False)
        self._read = (files, found)
        return found

    def _watch_anew(self) -> None:
        """Follow the index where another one took its place."""
        identity = index_identity(self._folder)
        if identity == self._identity and self._watch.is_live:
            return
        fresh = self._open()
        with self._watching:
            self._watch, old = fresh, self._watch
            self._identity = identity
        old.close()

"""What commands that look at links share: the clock, the archive, the links of the notes, the progress shown.

The impure little things are here so that commands read as their story; decisions are the core's.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.core.model import LOCAL, History, Link, Run
from crawler.notes.links import EXTRACTION, NotesRead, link_up_remembered, local_checker, local_histories, read_notes

if TYPE_CHECKING:
    from crawler.archive import Archive
    from crawler.cli.options import GlobalOptions
    from crawler.core.settings import Settings
    from crawler.report.progress import Progress
    from crawler.sites import Sites


def now() -> datetime:
    """The wall clock, in UTC: the one place where the program reads it."""
    return datetime.now(UTC)


def log_as(options: GlobalOptions, log: str) -> GlobalOptions:
    """Options whose talk, and what modules log, goes to stderr as text or as JSON lines."""
    if log == "json":
        from crawler.report.progress import event

        class Lines(logging.Formatter):
            def format(self, record: logging.LogRecord) -> str:
                trace = self.formatException(record.exc_info) if record.exc_info else ""
                return event("log", level=record.levelname.lower(), text=record.getMessage(), traceback=trace).strip()

        handler = logging.StreamHandler()
        handler.setFormatter(Lines())
        logging.getLogger("crawler").addHandler(handler)
    return replace(options, log=log)


@contextmanager
def open_archive(settings: Settings, command: str, *, write: bool, wait: bool = False) -> Iterator[Archive]:
    """The archive of these settings; a missing one is an empty one."""
    from crawler.archive import Archive

    archive = Archive.open(
        Path(settings.archive.path), settings.archive, write=write, wait=wait, command=command, now=now
    )
    try:
        yield archive
    finally:
        archive.close()


@dataclass(frozen=True, slots=True)
class FoundLinks:
    """The links of a command's notes, and what the disk says of local targets."""

    notes: NotesRead
    links: list[Link]
    local_histories: dict[str, History]


def read_links(
    options: GlobalOptions,
    paths: Sequence[Path],
    settings: Settings,
    sites: Sites,
    archive: Archive,
    *,
    remember: bool = True,
) -> FoundLinks:
    """Read the notes that changed since the archive saw them last, and link all occurrences up."""
    notes = read_notes(paths, settings.notes, archive.notes())
    for skipped in notes.skipped:
        options.say(f"crawler: {skipped.path} is skipped: {skipped.why}")
    if remember:
        remember_notes(notes, archive)
    links = link_up_remembered(notes.occurrences, sites, archive, remember=remember)
    local = [link for link in links if link.site == LOCAL]
    return FoundLinks(notes, links, local_histories(local, local_checker(notes, settings.notes), now()))


def remember_notes(notes: NotesRead, archive: Archive) -> None:
    """Keep what was read anew, so that unchanged files are not read again."""
    from crawler.archive import NoteEntry

    fresh = [
        NoteEntry(note.file.name, note.file.size, note.file.mtime_ns, "", note.occurrences, EXTRACTION)
        for note in notes.read
        if note.fresh
    ]
    if fresh:
        archive.put_notes(fresh)


def last_run(archive: Archive) -> Run:
    """The newest run of the archive, as what a report of it says it is about; an empty one where there is none."""
    runs = archive.runs(1)
    return runs[0] if runs else Run(id="", command="report", started_at=now(), finished_at=now())


@contextmanager
def progress(options: GlobalOptions) -> Iterator[Progress]:
    """What a run shows while it works: a bar on a terminal, plain lines elsewhere, nothing with --quiet."""
    from crawler.report.progress import open_progress

    with open_progress(quiet=options.quiet, log=options.log) as watch:
        yield watch

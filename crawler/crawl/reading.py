"""From note files to links, with what the archive remembers of unchanged files: the first step of most use cases.

Which files are notes and what is written in them is `notes`'s; nothing is fetched here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.core.errors import NotesError
from crawler.core.model import LOCAL, History, Link
from crawler.crawl.extraction import guarded
from crawler.crawl.observer import SILENT, Observer
from crawler.notes.files import find_notes, note_paths
from crawler.notes.links import EXTRACTION, NotesRead, link_up_remembered, local_checker, local_histories, read_notes

if TYPE_CHECKING:
    from crawler.archive import Archive
    from crawler.core.settings import NotesSettings
    from crawler.crawl.context import Context


@dataclass(frozen=True, slots=True)
class FoundLinks:
    """The links of some notes, and what the disk says of local targets, by canonical URL."""

    notes: NotesRead = field(default_factory=NotesRead)
    links: Sequence[Link] = ()
    local_histories: dict[str, History] = field(default_factory=dict)


def read_links(
    context: Context, paths: Sequence[Path], observer: Observer = SILENT, *, remember: bool = True
) -> FoundLinks:
    """The links of `paths` (default: the configured ones); files that the archive saw unchanged are not read again.

    `remember` keeps in the archive what was read. Raises NotesError.
    """
    settings, archive = context.settings, context.archive
    with guarded(settings) as extract:
        notes = read_notes(note_paths(paths, settings.notes), settings.notes, archive.notes(), extract=extract)
    for skipped in notes.skipped:
        observer.say(f"{skipped.path} is skipped: {skipped.why}")
    for damaged in notes.damaged:
        observer.warn(f"{damaged.path}: {damaged.why}; its links are read all the same")
    if remember:
        remember_notes(notes, archive)
    links = link_up_remembered(notes.occurrences, context.sites, archive, remember=remember)
    local = [link for link in links if link.site == LOCAL]
    targets = local_checker(notes, settings.notes)
    histories = local_histories(local, targets, context.now())
    if question := targets.question():
        observer.say(question)
    return FoundLinks(notes, links, histories)


def holds_all_notes(paths: Sequence[Path], settings: NotesSettings) -> bool:
    """Whether these paths (none: the configured ones) hold every configured note. Raises NotesError."""
    if not paths:
        return True
    here = Path.cwd()
    try:
        configured = find_notes(note_paths((), settings), settings, here)
    except NotesError:  # a configured folder that is not here: what was named is not all
        return False
    named = {file.path.resolve() for file in find_notes(paths, settings, here)}
    return all(file.path.resolve() in named for file in configured)


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

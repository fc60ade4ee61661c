"""From note files to links, with what the archive remembers of unchanged files: the first step of most use cases.

Which files are notes and what is written in them is `notes`'s; nothing is fetched here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.core.errors import NotesError
from crawler.core.model import LOCAL, History, Link
from crawler.crawl.extraction import guarded
from crawler.crawl.lazy import MANY
from crawler.crawl.observer import SILENT, Observer
from crawler.crawl.results import place_of
from crawler.notes.files import NoteFile, find_notes, note_paths, notes_root
from crawler.notes.links import (
    EXTRACTION,
    NotesRead,
    ReadNote,
    link_up_remembered,
    local_checker,
    local_histories,
    read_files,
)

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
    context: Context, paths: Sequence[Path], observer: Observer = SILENT, *, remember: bool = True, listed: bool = False
) -> FoundLinks:
    """The links of `paths` (default: the configured ones); files that the archive saw unchanged are not read again.

    `remember` keeps in the archive what was read. With `listed`, many links stay in the archive (`NotedLinks`), and
    where no note changed since, none is unpacked: `notes` tells no occurrences then. Raises NotesError.
    """
    settings, archive = context.settings, context.archive
    where, here = note_paths(paths, settings.notes), Path.cwd()
    files, root = find_notes(where, settings.notes, here), notes_root(where, settings.notes, here)
    stamp = stamp_of(files, root, context) if listed else ""
    if listed and (kept := archive.noted(stamp)) is not None:
        unopened = NotesRead(tuple(ReadNote(file, (), fresh=False) for file in files), root=root)
        return FoundLinks(unopened, kept, said_by_disk(unopened, kept.local(), context, observer))
    with guarded(settings) as extract:
        notes = read_files(files, root, settings.notes, archive.notes(), extract=extract)
    for skipped in notes.skipped:
        observer.say(f"{skipped.path} is skipped: {skipped.why}")
    for damaged in notes.damaged:
        observer.warn(f"{damaged.path}: {damaged.why}; its links are read all the same")
    if remember:
        remember_notes(notes, archive)
    links: Sequence[Link] = link_up_remembered(notes.occurrences, context.sites, archive, remember=remember)
    if listed and remember and len(links) > MANY and not (notes.skipped or notes.damaged):  # those are named each time
        archive.put_noted(stamp, links, place_of)
        links = archive.noted(stamp) or links
    return FoundLinks(notes, links, said_by_disk(notes, links, context, observer))


def stamp_of(files: Sequence[NoteFile], root: Path, context: Context) -> str:
    """What the links of these notes follow from: equal stamps, equal links."""
    options = context.settings.notes
    names = "".join(f"{file.name}\0{file.size}\0{file.mtime_ns}\0{file.unread}\n" for file in files)
    rules = repr((str(root), options.ignore, options.rewrite, EXTRACTION, context.sites.stamp))
    return hashlib.sha256(f"{rules}\n{names}".encode("utf-8", "surrogatepass")).hexdigest()


def said_by_disk(notes: NotesRead, links: Iterable[Link], context: Context, observer: Observer) -> dict[str, History]:
    """What the disk says of the links to files, by canonical URL."""
    local = [link for link in links if link.site == LOCAL]
    targets = local_checker(notes, context.settings.notes, [o for link in local for o in link.occurrences])
    histories = local_histories(local, targets, context.now())
    if question := targets.question():
        observer.say(question)
    return histories


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

"""From note files to links, with what the archive remembers of unchanged files: the first step of most use cases.

Which files are notes and what is written in them is `notes`'s; nothing is fetched here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.archive.noted import NotedLinks, NoteState
from crawler.core.errors import NotesError
from crawler.core.model import LOCAL, History, Link
from crawler.crawl.extraction import guarded
from crawler.crawl.lazy import MANY
from crawler.crawl.observer import SILENT, Observer
from crawler.notes.files import NoteFile, SkippedNote, find_notes, names_within, note_paths, notes_root
from crawler.notes.links import (
    EXTRACTION,
    NotesRead,
    ReadNote,
    link_up,
    link_up_remembered,
    local_checker,
    local_histories,
    read_files,
)

if TYPE_CHECKING:
    from crawler.archive import Archive
    from crawler.core.settings import NotesSettings
    from crawler.crawl.context import Context

FEW = 0.25  # of the notes may have changed for theirs alone to be linked up: a link costs thrice as much there


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

    `remember` keeps in the archive what was read. With `listed`, many links stay in the archive (`NotedLinks`), and no
    note that did not change since is unpacked: `notes` tells no occurrences of it then. Raises NotesError.
    """
    settings, archive = context.settings, context.archive
    where, here = note_paths(paths, settings.notes), Path.cwd()
    files, root = find_notes(where, settings.notes, here), notes_root(where, settings.notes, here)
    if listed and (found := _listed_links(context, files, root, remember=remember)) is not None:
        notes, kept = found
        _name_unreadable(notes, observer)
        return FoundLinks(notes, kept, said_by_disk(notes, kept.local(), context, observer))
    with guarded(settings) as extract:
        notes = read_files(files, root, settings.notes, archive.notes(), extract=extract)
    _name_unreadable(notes, observer)
    if remember:
        remember_notes(notes, archive)
    links: Sequence[Link] = link_up_remembered(notes.occurrences, context.sites, archive, remember=remember)
    if listed and remember and len(links) > MANY and len({file.name for file in files}) == len(files):
        stamp = stamp_of(root, context)
        archive.put_noted(stamp, [_state(note) for note in notes.read], links)
        links = archive.noted(stamp) or links
    return FoundLinks(notes, links, said_by_disk(notes, links, context, observer))


def _listed_links(
    context: Context, files: Sequence[NoteFile], root: Path, *, remember: bool
) -> tuple[NotesRead, NotedLinks] | None:
    """The links that are kept of these notes, once those of notes that changed since are looked for and linked up.

    None where none are kept, or where so much changed (anything, unless it may be remembered) that linking up all of
    them costs less.
    """
    archive, options, stamp = context.archive, context.settings.notes, stamp_of(root, context)
    kept = archive.noted(stamp)
    if kept is None:
        return None
    before, names = kept.notes(), {file.name for file in files}
    changed = [file for file in files if NoteState(file.name, file.size, file.mtime_ns) not in before]
    known = {note.name for note in before}
    gone = known - names - names_within(known, {file.name for file in files if file.unseen})
    if len(changed) + len(gone) > (FEW * len(before) if remember else 0) or len(names) < len(files):
        return None
    with guarded(context.settings) as extract:
        fresh = read_files(changed, root, options, extract=extract)
    gone |= known & {note.path for note in fresh.skipped if not note.unseen}
    read = {note.file.name: note for note in fresh.read}
    if fresh.read or gone:
        remember_notes(fresh, archive, gone)
        written = {_state(note): fresh.choice.of(note.occurrences) for note in fresh.read}
        archive.change_noted(written, gone, partial(link_up, sites=context.sites, known={}))
        kept = archive.noted(stamp) or kept
    unread = {note.path for note in fresh.skipped}
    notes = [read.get(file.name) or ReadNote(file, (), fresh=False) for file in files if file.name not in unread]
    unseen = names_within(known, {note.path for note in fresh.skipped if note.unseen})
    notes += [ReadNote(NoteFile(root / name, name, 0, 0), (), fresh=False) for name in sorted(unseen)]
    return NotesRead(tuple(notes), fresh.skipped, root, fresh.choice), kept


def _state(note: ReadNote) -> NoteState:
    """What tells that a note is as it was; one that is damaged is read, and named, each time."""
    return NoteState(note.file.name, note.file.size if not note.damage else -1, note.file.mtime_ns)


def _name_unreadable(notes: NotesRead, observer: Observer) -> None:
    name_skipped(notes.skipped, observer)
    for damaged in notes.damaged:
        observer.warn(f"{damaged.path}: {damaged.why}; its links are read all the same")


def name_skipped(skipped: Iterable[SkippedNote], observer: Observer) -> None:
    """Say which notes could not be read, and why; a folder among them even where little is said."""
    for note in skipped:
        (observer.warn if note.unseen else observer.say)(f"{note.path} is skipped: {note.why}")


def stamp_of(root: Path, context: Context) -> str:
    """What else than the notes their links follow from: equal stamps and notes, equal links."""
    options = context.settings.notes
    rules = repr((str(root), options.ignore, options.rewrite, EXTRACTION, context.sites.stamp))
    return hashlib.sha256(rules.encode("utf-8", "surrogatepass")).hexdigest()


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


def remember_notes(notes: NotesRead, archive: Archive, gone: Collection[str] = ()) -> None:
    """Keep what was read anew, so that unchanged files are not read again, and nothing of notes that are gone."""
    from crawler.archive import NoteEntry

    fresh = [
        NoteEntry(note.file.name, note.file.size, note.file.mtime_ns, "", note.occurrences, EXTRACTION)
        for note in notes.read
        if note.fresh
    ]
    if fresh or gone:
        archive.put_notes(fresh, gone)

"""Mending notes: edits for dead and moved links are proposed from what the archive knows, and written where wanted.

A use case, callable without a terminal. What an edit is, and what proves it, is `notes.mending`'s.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.core.counts import Counted
from crawler.core.errors import NotesError
from crawler.core.files import replace_file
from crawler.core.model import LOCAL, History, Link, Note, State
from crawler.core.results import Finding, Suggestion
from crawler.crawl.captures import question_about
from crawler.crawl.extraction import guarded
from crawler.crawl.observer import SILENT, Observer
from crawler.crawl.reading import name_skipped
from crawler.crawl.results import wayback_suggestion
from crawler.crawl.wayback import ask_about, is_open, is_public, written_at
from crawler.notes.edits import Edit, Why, apply, proven
from crawler.notes.extract import occurrences
from crawler.notes.files import NoteFile, SkippedNote, find_notes, note_paths, notes_root, read_note
from crawler.notes.formats import format_of
from crawler.notes.git import LineCommits
from crawler.notes.links import link_up
from crawler.notes.mending import MendOptions, propose

if TYPE_CHECKING:
    from crawler.archive import Archive
    from crawler.core.settings import Settings
    from crawler.crawl.context import Context
    from crawler.notes.links import Extract
    from crawler.sites import Sites

MAX_QUESTIONS = 500  # links that the Internet Archive is asked about in one go
SECONDS = 1800.0  # for all of them; a person waits, and may end it


@dataclass(frozen=True, slots=True)
class Mended:
    """A note with the edits that were proposed for it."""

    file: NoteFile
    note: Note
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class MendResult:
    """The notes with edits, what was known of their links, and the memories that hold new answers, by canonical URL."""

    mended: tuple[Mended, ...]
    findings: Mapping[str, Finding]
    learned: Mapping[str, History] = field(default_factory=dict)
    dead_once: int = 0  # dead links that were left, since their death is not confirmed
    dead_without_copy: int = 0  # dead links that may be mended, and have no address to offer


def propose_edits(
    context: Context,
    paths: Sequence[Path] = (),
    how: MendOptions | None = None,
    copies: Path | None = None,
    observer: Observer = SILENT,
) -> MendResult:
    """The edits for the notes of `paths` (default: the configured ones); nothing is written.

    `copies` is a folder that an export wrote: dead links then lead into it. Raises NotesError.
    """
    how = how or MendOptions()
    files = read_files(note_paths(paths, context.settings.notes), context.settings, observer)
    findings = known_findings(files, context.sites, context.archive, how)
    root = notes_root(note_paths(paths, context.settings.notes), context.settings.notes, Path.cwd())
    heads = {file.name: note.text for file, note in files}
    dated = partial(written_at, head_of=lambda name: heads.get(name, ""), commit_of=LineCommits(root))
    asked = with_wayback(context, findings, how, observer, dated)
    mended = (mend(file, note, asked, context.sites, how, copies) for file, note in files)
    learned = {key: f.history for key, f in asked.items() if f.history is not findings[key].history}
    dead = [finding for finding in asked.values() if finding.history.state is State.DEAD]
    wanted = [finding for finding in dead if how.mends_dead(finding.history)]
    return MendResult(
        tuple(item for item in mended if item.edits),
        asked,
        learned,
        len(dead) - len(wanted) if Why.DEAD in how.only else 0,
        sum(not finding.suggestions and _page(finding, copies) is None for finding in wanted),
    )


def read_files(paths: Sequence[Path], settings: Settings, observer: Observer) -> list[tuple[NoteFile, Note]]:
    """Every note, read now: an edit must fit the text as it is."""
    found = []
    with guarded(settings) as extract:
        files = [(file, legible(read_note(file), extract)) for file in find_notes(paths, settings.notes, Path.cwd())]
    for file, note in files:
        if isinstance(note, SkippedNote):
            name_skipped([note], observer)
        elif note.damage:
            form = format_of(note.path)
            how = "" if form and form.flaw else ", save it as UTF-8 first"
            observer.warn(f"{note.path}: {note.damage}; it is not mended{how}")
        else:
            found.append((file, note))
    return found


def legible(note: Note | SkippedNote, extract: Extract) -> Note | SkippedNote:
    """The note, where its links can be found within the limits; it is read here many times after that."""
    found = note if isinstance(note, SkippedNote) else extract(note, False)
    return found if isinstance(found, SkippedNote) else note


def known_findings(
    files: Iterable[tuple[NoteFile, Note]], sites: Sites, archive: Archive, how: MendOptions
) -> dict[str, Finding]:
    """The links that something is known of, by canonical URL, with the copies that are kept."""

    links = link_up((o for _, note in files for o in occurrences(note)), sites)
    histories = archive.histories()
    known = ((link, histories.get(link.canonical_url)) for link in links if link.site != LOCAL)
    return {link.canonical_url: Finding(link, history, kept(link, history, how)) for link, history in known if history}


def kept(link: Link, history: History, how: MendOptions) -> tuple[Suggestion, ...]:
    """The copy that a template leads to, and the capture elsewhere that a run found.

    A copy without a template has no address that a note could link to.
    """

    found = []
    if history.snapshot is not None and how.template:
        found.append(Suggestion("snapshot", link.url, history.snapshot.captured_at))
    if history.elsewhere is not None and history.elsewhere.is_tried:
        found.append(wayback_suggestion(history.elsewhere))
    return tuple(found)


def with_wayback(
    context: Context,
    findings: Mapping[str, Finding],
    how: MendOptions,
    observer: Observer,
    dated: Callable[[Link, History], datetime] = written_at,
) -> dict[str, Finding]:
    """Dead links with the capture nearest to their note's date, where the user lets us ask; each was read and judged.

    What was answered before is not asked again, and the memories that hold new answers stand in the findings.
    """
    wayback = context.settings.wayback
    if not wayback.suggest or Why.DEAD not in how.only:
        return dict(findings)
    dead = [
        f for f in findings.values()
        if f.history.state is State.DEAD
        and is_public(f.link)
        and is_open(f.history, context.now())
        and how.mends_dead(f.history)
    ][:MAX_QUESTIONS]  # fmt: skip
    if not dead:
        return dict(findings)
    links = f"{Counted(len(dead)):dead link}"
    observer.say(f"asking {wayback.endpoint} for captures of {links}; Ctrl-C goes on with what is known")
    answered: dict[str, History] = {}

    def heard(history: History) -> None:
        answered[history.canonical_url] = history

    wanted = [question_about(f.link, f.history, dated(f.link, f.history)) for f in dead]
    ask_about(context, wanted, heard, SECONDS)
    asked = {
        key: replace(findings[key], history=history, suggestions=kept(findings[key].link, history, how))
        for key, history in answered.items()
    }
    return {**findings, **asked}


def mend(
    file: NoteFile, note: Note, findings: Mapping[str, Finding], sites: Sites, how: MendOptions, copies: Path | None
) -> Mended:
    """The edits of one note, proven by reading it again."""

    edits = []
    for occurrence in occurrences(note):
        finding = findings.get(sites.identify(occurrence.url).canonical_url)
        if finding is not None:
            offered = with_copy(finding, file, copies)
            edit = propose(occurrence, offered, how, note.text)
            edits += [edit] if edit else []
    return Mended(file, note, tuple(proven(note, edits)) if edits else ())


def with_copy(finding: Finding, file: NoteFile, copies: Path | None) -> Finding:
    """The finding with its page in an exported folder first, its path as seen from the note."""
    page = _page(finding, copies)
    if page is None:
        return finding
    target = Path(os.path.relpath(page, file.path.parent)).as_posix()
    return replace(finding, suggestions=(Suggestion("snapshot", target), *finding.suggestions))


def _page(finding: Finding, copies: Path | None) -> Path | None:
    """The link's page in an exported folder; None where it has none."""
    from crawler.archive.interchange.names import newest_page

    if copies is None:
        return None
    return newest_page(Path(os.path.abspath(copies)), finding.link.canonical_url)  # noqa: PTH100 - names stay the user's


@dataclass(frozen=True, slots=True)
class Written:
    """A note that was mended: what its file held, and what it holds now."""

    place: Path
    before: bytes
    after: bytes


def write_note(item: Mended) -> Written:
    """Replace a note by its mended text, if it is still what was read. Raises NotesError."""
    before = item.note.text.encode(item.note.encoding)
    after = apply(item.note, item.edits).encode(item.note.encoding)
    written = Written(item.file.path.resolve(), before, after)
    _replace(written.place, before, after)
    return written


def take_back(written: Written) -> None:
    """Put a mended note back as it was, if it is still what was written. Raises NotesError."""
    _replace(written.place, written.after, written.before)


def _replace(place: Path, expected: bytes, data: bytes) -> None:
    """Replace a file in one step, if it still holds what is expected. Raises NotesError."""
    try:
        if place.read_bytes() != expected:
            raise NotesError(f"{place}: changed since it was read; run the command again")
        replace_file(place, data)
    except OSError as error:
        raise NotesError(f"{place}: cannot be written: {error.strerror}") from None

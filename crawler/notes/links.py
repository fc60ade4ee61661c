"""From notes on disk to links: what every command does first.

Composition of `files`, `extract`, `choice`, `sites` and the archive's memory of unchanged files; nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from sys import intern
from typing import TYPE_CHECKING, Protocol, TypeVar

from crawler.core.model import LOCAL, Confidence, Evidence, History, Kind, Link, Note, Occurrence, State
from crawler.notes.choice import Choice
from crawler.notes.files import NoteFile, SkippedNote, find_notes, is_excluded, names_within, notes_root, read_note
from crawler.notes.formats import VERSION
from crawler.notes.targets import is_wiki

if TYPE_CHECKING:
    from crawler.core import settings
    from crawler.notes.local import LocalAnswer, LocalTargets
    from crawler.sites import Identity, Sites

IDENTITIES = "identities"  # what the archive remembers them as
EXTRACTION = VERSION  # rises when extraction finds other links in the same text: notes are then read anew
MANY = 500  # occurrences; below it, working identities out is faster than reading all that are remembered
T = TypeVar("T")

# From a note, and whether links in its code count, to its links; or why they cannot be found.
Extract = Callable[[Note, bool], Sequence[Occurrence] | SkippedNote]


class Remembered(Protocol):
    """What an archive remembers of a note file."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def mtime_ns(self) -> int:
        """Of the last change."""

    @property
    def extraction(self) -> int:
        """Version of the extraction that found them."""

    @property
    def occurrences(self) -> tuple[Occurrence, ...]:
        """What was written in it."""


class Derived(Protocol):
    """What an archive keeps of things worked out before."""

    def derived(self, name: str, stamp: str, kind: type[T]) -> list[T]:
        """The values under this name that were derived under this stamp."""

    def put_derived(self, name: str, stamp: str, values: Mapping[str, object]) -> None:
        """Keep values by key; those of other stamps are forgotten."""


@dataclass(frozen=True, slots=True)
class ReadNote:
    """A note file and all that is written in it; `fresh` where it was read just now and may be remembered."""

    file: NoteFile
    occurrences: tuple[Occurrence, ...]
    fresh: bool
    damage: str = ""  # what was not valid in the note's encoding; such a note is read anew each time, and named


@dataclass(frozen=True, slots=True)
class NotesRead:
    """All notes of a command's paths."""

    read: tuple[ReadNote, ...] = ()
    skipped: tuple[SkippedNote, ...] = ()
    root: Path = Path()  # what the names of notes are relative to
    choice: Choice = Choice()  # noqa: RUF009 - frozen, so that one default may serve all

    @property
    def occurrences(self) -> list[Occurrence]:
        """Every occurrence, note by note, without those that `[notes] ignore` leaves out, as `rewrite` reads them."""
        return self.choice.of(occurrence for note in self.read for occurrence in note.occurrences)

    @property
    def damaged(self) -> list[SkippedNote]:
        """Notes whose links were found although some of their bytes mean nothing."""
        return [SkippedNote(note.file.name, note.damage) for note in self.read if note.damage]


def read_notes(
    paths: Sequence[Path],
    options: settings.NotesSettings,
    remembered: Mapping[str, Remembered] | None = None,
    *,
    code: bool = False,
    extract: Extract | None = None,
) -> NotesRead:
    """Read the notes of `paths`; files that are as remembered (size and time) by this version are not opened.

    `extract` finds the links of a note; None: this process, whatever a hostile text may cost.
    """
    here = Path.cwd()
    files = find_notes(paths, options, here)
    return read_files(files, notes_root(paths, options, here), options, remembered, code=code, extract=extract)


def read_files(
    files: Iterable[NoteFile],
    root: Path,
    options: settings.NotesSettings,
    remembered: Mapping[str, Remembered] | None = None,
    *,
    code: bool = False,
    extract: Extract | None = None,
) -> NotesRead:
    """Read these notes, as `read_notes`. Of notes that cannot be looked into, what is remembered stands."""
    read, skipped = [], []
    for file in files:
        known = (remembered or {}).get(file.name)
        if known and not code and _is_unchanged(known, file):
            read.append(ReadNote(file, known.occurrences, fresh=False))
            continue
        fresh = read_anew(file, extract, code=code)
        if isinstance(fresh, SkippedNote):
            skipped.append(fresh)
        else:
            read.append(fresh)
    if known_still := list(_still_remembered(remembered or {}, skipped, root, options)):
        read = sorted((*read, *known_still), key=lambda note: note.file.name)
    return NotesRead(tuple(read), tuple(skipped), root, Choice.of_settings(options))


def _still_remembered(
    remembered: Mapping[str, Remembered], skipped: Sequence[SkippedNote], root: Path, options: settings.NotesSettings
) -> Iterator[ReadNote]:
    for name in names_within(remembered, {note.path for note in skipped if note.unseen}):
        if not is_excluded(root / name, options, root):
            known = remembered[name]
            yield ReadNote(NoteFile(root / name, name, known.size, known.mtime_ns), known.occurrences, fresh=False)


def _is_unchanged(known: Remembered, file: NoteFile) -> bool:
    return (known.size, known.mtime_ns, known.extraction) == (file.size, file.mtime_ns, EXTRACTION)


def read_anew(file: NoteFile, extract: Extract | None = None, *, code: bool = False) -> ReadNote | SkippedNote:
    """One note, opened and searched for links."""
    note = read_note(file)
    if isinstance(note, SkippedNote):
        return note
    found = (extract or _extract)(note, code)
    if isinstance(found, SkippedNote):
        return found
    return ReadNote(file, tuple(found), fresh=not note.damage, damage=note.damage)


def _extract(note: Note, code: bool) -> Sequence[Occurrence]:
    from crawler.notes.extract import occurrences  # here, since a run over unchanged notes does without

    return occurrences(note, code=code)


def link_up(found: Iterable[Occurrence], sites: Sites, known: dict[str, Identity] | None = None) -> list[Link]:
    """Occurrences grouped by identity, in order of first writing; local targets are links of site `local`.

    `known` are identities by URL as written; those that are found out here are added to it.
    """
    from crawler.sites import Identity  # here, since `crawler links` does without

    identities = {} if known is None else known
    first: dict[str, Identity] = {}
    members: dict[str, list[Occurrence]] = {}
    for occurrence in found:
        url = occurrence.url
        if occurrence.kind is Kind.LOCAL:
            key = local_key(occurrence)
            who = Identity(url, key, key, LOCAL, "", LOCAL)
        else:
            who = identities.get(url) or identities.setdefault(url, sites.identify(url))
            key = who.canonical_url
        first.setdefault(key, who)
        members.setdefault(key, []).append(occurrence)
    return [_link(who, tuple(members[key])) for key, who in first.items()]


def _link(who: Identity, members: tuple[Occurrence, ...]) -> Link:
    """A link whose equal strings are one: of a million links, which hold six each, that is half a gigabyte."""
    url = members[0].url
    canonical = url if who.canonical_url == url else who.canonical_url
    fetched = url if who.fetch_url == url else who.fetch_url
    return Link(url, canonical, fetched, intern(who.site), intern(who.host), intern(who.slot), members)


def link_up_remembered(found: Iterable[Occurrence], sites: Sites, archive: Derived, *, remember: bool) -> list[Link]:
    """`link_up` with the identities that the archive remembers; `remember` keeps there what is found out anew."""
    from crawler.core.url import redact
    from crawler.sites import Identity

    found = list(found)
    if len(found) < MANY:
        return link_up(found, sites)
    stamp = sites.stamp
    known = {who.url: who for who in archive.derived(IDENTITIES, stamp, Identity)}
    before = frozenset(known)
    links = link_up(found, sites, known)
    # What holds a secret of a sharer is never kept; it is worked out each time.
    fresh = {url: who for url, who in known.items() if url not in before and redact(url) == url}
    if fresh and remember:
        archive.put_derived(IDENTITIES, stamp, fresh)
    return links


def link_of(url: str, sites: Sites) -> Link:
    """A link that stands in no note; its host is "" where the URL is malformed."""
    who = sites.identify(url)
    return Link(url, who.canonical_url, who.fetch_url, who.site, who.host, who.slot)


def local_key(occurrence: Occurrence) -> str:
    """The identity of a local target: relative ones mean another file in each folder, `#part` in each note.

    The target of a wiki link is looked for in all notes, so that it means the same everywhere.
    """
    url = occurrence.url
    if url.startswith("#"):
        return f"local:/{occurrence.path}{url}"
    if is_wiki(occurrence):
        return f"local:[[{url}]]"
    if url.startswith("/"):
        return f"local:{url}"
    folder = occurrence.path.rpartition("/")[0]
    return f"local:/{folder}/{url}" if folder else f"local:/{url}"


def local_histories(
    links: Iterable[Link], check: Callable[[Occurrence], LocalAnswer], now: datetime
) -> dict[str, History]:
    """The state of local targets, found out anew each time: asking the disk is cheaper than a memory."""
    found = {}
    for link in links:
        if link.site == LOCAL:
            found[link.canonical_url] = _local_history(link, check(link.occurrences[0]), now)
    return found


_STATES = {"ok": State.ALIVE, "missing-file": State.DEAD, "missing-anchor": State.SUSPECT}


def _local_history(link: Link, answer: LocalAnswer, now: datetime) -> History:
    state = _STATES.get(answer.state, State.UNKNOWN)
    sure = state in (State.ALIVE, State.DEAD)
    return History(
        canonical_url=link.canonical_url,
        url=link.url,
        first_seen=now,
        state=state,
        reason=str(answer.state),
        confidence=Confidence.HIGH if sure else Confidence.MEDIUM,
        evidence=Evidence(
            rule=answer.rule,
            matched=link.url,
            error=f"no such file; {answer.meant} was probably meant" if answer.meant else "",
        ),
        checked_at=now,
        last_alive=now if state is State.ALIVE else None,
        first_failed=now if state in (State.DEAD, State.SUSPECT) else None,
        failures=int(state in (State.DEAD, State.SUSPECT)),
    )


def local_checker(
    notes: NotesRead, options: settings.NotesSettings, written: Sequence[Occurrence] | None = None
) -> LocalTargets:
    """What answers questions about local targets: those of all these notes, or those that are `written`."""
    from crawler.notes.local import LocalTargets  # here, since `crawler links` does without

    files = {note.file.name: note.file.path for note in notes.read}
    return LocalTargets(notes.root, files, options, notes.occurrences if written is None else written)

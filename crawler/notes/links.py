"""From notes on disk to links: what every command does first.

Composition of `notes`, `extract`, `sites` and the archive's memory of unchanged files; nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from crawler.core.model import LOCAL, Confidence, Evidence, History, Kind, Link, Occurrence, State
from crawler.notes.files import NoteFile, SkippedNote, find_notes, local_exists, notes_root, read_note, target_roots

if TYPE_CHECKING:
    from crawler.core import settings
    from crawler.sites import Identity, Sites

IDENTITIES = "identities"  # what the archive remembers them as
EXTRACTION = 1  # raised when extraction finds other links in the same text: notes are then read anew
MANY = 500  # occurrences; below it, working identities out is faster than reading all that are remembered
T = TypeVar("T")


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
    """A note file and what is written in it; `fresh` where it was read just now, not remembered."""

    file: NoteFile
    occurrences: tuple[Occurrence, ...]
    fresh: bool


@dataclass(frozen=True, slots=True)
class NotesRead:
    """All notes of a command's paths."""

    read: tuple[ReadNote, ...] = ()
    skipped: tuple[SkippedNote, ...] = ()
    root: Path = Path()  # what the names of notes are relative to

    @property
    def occurrences(self) -> list[Occurrence]:
        """Every occurrence, note by note."""
        return [occurrence for note in self.read for occurrence in note.occurrences]


def read_notes(
    paths: Sequence[Path],
    options: settings.NotesSettings,
    remembered: Mapping[str, Remembered] | None = None,
    *,
    code: bool = False,
) -> NotesRead:
    """Read the notes of `paths`; files that are as remembered (size and time) by this version are not opened."""
    read, skipped = [], []
    here = Path.cwd()
    for file in find_notes(paths, options, here):
        known = (remembered or {}).get(file.name)
        if known and not code and _is_unchanged(known, file):
            read.append(ReadNote(file, known.occurrences, fresh=False))
            continue
        fresh = read_anew(file, code=code)
        if isinstance(fresh, SkippedNote):
            skipped.append(fresh)
        else:
            read.append(fresh)
    return NotesRead(tuple(read), tuple(skipped), notes_root(paths, options, here))


def _is_unchanged(known: Remembered, file: NoteFile) -> bool:
    return (known.size, known.mtime_ns, known.extraction) == (file.size, file.mtime_ns, EXTRACTION)


def read_anew(file: NoteFile, *, code: bool = False) -> ReadNote | SkippedNote:
    """One note, opened and searched for links."""
    from crawler.notes.extract import occurrences  # here, since a run over unchanged notes does without

    note = read_note(file)
    return note if isinstance(note, SkippedNote) else ReadNote(file, tuple(occurrences(note, code=code)), fresh=True)


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
    return [
        Link(who.url, key, who.fetch_url, who.site, who.host, who.slot, tuple(members[key]))
        for key, who in first.items()
    ]


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
    """The identity of a local target: relative ones mean another file in each folder of notes."""
    if occurrence.url.startswith("/"):
        return f"local:{occurrence.url}"
    folder = occurrence.path.rpartition("/")[0]
    return f"local:/{folder}/{occurrence.url}" if folder else f"local:/{occurrence.url}"


def local_histories(links: Iterable[Link], exists: Callable[[Occurrence], bool], now: datetime) -> dict[str, History]:
    """The state of local targets, found out anew each time: a look at the disk is cheaper than a memory."""
    told = {}
    for link in links:
        if link.site == LOCAL:
            there = exists(link.occurrences[0])
            told[link.canonical_url] = History(
                canonical_url=link.canonical_url,
                url=link.url,
                first_seen=now,
                state=State.ALIVE if there else State.DEAD,
                reason="ok" if there else "missing-file",
                confidence=Confidence.HIGH,
                evidence=Evidence(rule="local/exists" if there else "local/missing-file", matched=link.url),
                checked_at=now,
                last_alive=now if there else None,
                first_failed=None if there else now,
                failures=0 if there else 1,
            )
    return told


def local_checker(notes: NotesRead, options: settings.NotesSettings) -> Callable[[Occurrence], bool]:
    """A question about the disk: does this local target exist?"""
    files = {note.file.name: note.file.path for note in notes.read}
    roots = target_roots(notes.root, options)
    return lambda occurrence: local_exists(occurrence.url, files[occurrence.path], roots)

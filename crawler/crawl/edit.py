"""The check of an edit: which links it wrote or broke, and which of them must be asked.

Composition of git, notes and memory; no command line, no report. What a link's state is, is for `schedule` to say: a
check has no verdicts of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.core.model import (
    LOCAL,
    Check,
    Confidence,
    Evidence,
    Failure,
    History,
    Kind,
    Link,
    Occurrence,
    Snapshot,
    State,
)
from crawler.core.results import Run
from crawler.core.slots import SlotState
from crawler.notes.changes import Changes, broken_targets, new_occurrences
from crawler.notes.choice import Choice
from crawler.notes.extract import occurrences
from crawler.notes.files import NoteFile, SkippedNote, decode_note, find_notes, is_excluded, notes_root
from crawler.notes.git import base_texts
from crawler.notes.links import NotesRead, ReadNote, link_up, local_checker, local_histories, local_key, read_anew
from crawler.notes.local import LocalState
from crawler.schedule.clock import is_ahead

if TYPE_CHECKING:
    from crawler.archive import Archive
    from crawler.archive.deferred import DeferredTerms
    from crawler.archive.nouns import OpenSegment
    from crawler.core import settings
    from crawler.notes.links import Extract
    from crawler.notes.local import LocalTargets
    from crawler.sites import Sites

LOOKUP_FAILED = f"failure/{Failure.DNS}"  # the judge's rule for a name about which the DNS could not be asked
SETTLED = (State.ALIVE, State.DEAD)  # what is believed without asking again, for a while


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit wrote: links with their new places alone, and what the disk says of local targets."""

    links: tuple[Link, ...] = ()
    local: Mapping[str, History] = field(default_factory=dict)
    skipped: tuple[SkippedNote, ...] = ()
    damaged: tuple[SkippedNote, ...] = ()  # notes that were read although some of their bytes mean nothing


def edited_links(
    paths: Sequence[Path],
    options: settings.NotesSettings,
    sites: Sites,
    changes: Changes,
    now: datetime,
    extract: Extract | None = None,
) -> Edited:
    """The links on lines that a change wrote, and local targets that it took from under other notes.

    Only changed notes are read, all of them where files went away. Raises NotesError, GitError.
    """
    here = Path.cwd()
    root = notes_root(paths, options, here)
    if not changes.files and not changes.gone:
        return Edited()
    wanted: Iterable[NoteFile] = find_notes(paths, options, here, None if changes.gone else changes.files.keys())
    named = {here / path for path in paths}  # a hook names files: what the author excludes stays out all the same
    wanted = (f for f in wanted if f.path not in named or not is_excluded(f.path, options, root))
    read, skipped = _read(wanted, extract)
    notes = NotesRead(tuple(read), tuple(skipped), root, Choice.of_settings(options))
    before = [o for path, data in base_texts(root, changes) for o in _old_occurrences(path, data, extract)]
    written = new_occurrences(notes.occurrences, changes, before, _key(sites))
    targets = local_checker(notes, options)
    taken = _taken(notes.occurrences, changes, targets)
    links = link_up(dict.fromkeys([*written, *taken]), sites)
    local = local_histories([link for link in links if link.site == LOCAL], targets, now)
    return Edited(tuple(links), local, notes.skipped, tuple(notes.damaged))


def _read(files: Iterable[NoteFile], extract: Extract | None) -> tuple[list[ReadNote], list[SkippedNote]]:
    read, skipped = [], []
    for file in files:
        note = read_anew(file, extract)
        if isinstance(note, SkippedNote):
            skipped.append(note)
        else:
            read.append(note)
    return read, skipped


def _old_occurrences(path: str, data: bytes, extract: Extract | None) -> Sequence[Occurrence]:
    note = decode_note(path, data)
    if isinstance(note, SkippedNote):
        return []
    found = extract(note, False) if extract else occurrences(note)
    return [] if isinstance(found, SkippedNote) else found


def _key(sites: Sites) -> Callable[[Occurrence], str]:
    known: dict[str, str] = {}

    def key(occurrence: Occurrence) -> str:
        if occurrence.kind is Kind.LOCAL:
            return local_key(occurrence)
        if occurrence.url not in known:
            known[occurrence.url] = sites.identify(occurrence.url).canonical_url
        return known[occurrence.url]

    return key


def _taken(found: Iterable[Occurrence], changes: Changes, targets: LocalTargets) -> list[Occurrence]:
    """Local targets that are gone with this change; whether one is there is asked of the place that names it."""
    local = [o for o in found if o.kind is Kind.LOCAL] if changes.gone else []
    gone = broken_targets(changes.gone, local, lambda _: False, targets.places)
    return [o for o in gone if targets(o).state is LocalState.MISSING]


def to_ask(
    links: Iterable[Link], known: Mapping[str, History], now: datetime, max_age: float, *, everything: bool
) -> list[Link]:
    """The links of which memory does not say enough: `max_age` (seconds) is how long it is believed."""
    return [
        x for x in links if x.site != LOCAL and (everything or not _is_fresh(known.get(x.canonical_url), now, max_age))
    ]


def _is_fresh(history: History | None, now: datetime, max_age: float) -> bool:
    if history is None or history.checked_at is None or history.state not in SETTLED:
        return False
    if is_ahead(history.checked_at, now):
        return False
    return now - history.checked_at <= timedelta(seconds=max_age)


def malformed(links: Iterable[Link], now: datetime) -> dict[str, History]:
    """Links that no browser would open: known without asking anybody."""
    broken = (link for link in links if link.site != LOCAL and not link.host)
    return {link.canonical_url: _dead(link, "malformed-url", now) for link in broken}


def _dead(link: Link, reason: str, now: datetime) -> History:
    evidence = Evidence(rule=f"generic/{reason}", matched=link.url)
    return History(
        link.canonical_url, now, url=link.url, state=State.DEAD, reason=reason, confidence=Confidence.HIGH,
        evidence=evidence, checked_at=now, first_failed=now, failures=1,
    )  # fmt: skip


def is_offline(run: Run, asked: Iterable[Link], histories: Mapping[str, History]) -> bool:
    """Whether it was our line: nothing answered, and no name could even be looked up."""
    remembered = [histories.get(link.canonical_url) for link in asked if link.host]
    return run.network == "down" or (bool(remembered) and all(_could_not_ask(history) for history in remembered))


def _could_not_ask(history: History | None) -> bool:
    return history is not None and (history.evidence.rule == LOOKUP_FAILED or history.reason == "unreachable")


class Borrowed:
    """An archive that is read and not written, as a session's memory; `keep` takes living pages on request."""

    def __init__(self, known: Mapping[str, History], slots: Sequence[SlotState], keep: Archive | None = None) -> None:
        self._known = dict(known)
        self._slots = list(slots)
        self._keep = keep

    def histories(self) -> dict[str, History]:
        """What was known before this check."""
        return dict(self._known)

    def slots(self) -> list[SlotState]:
        """How each slot was left."""
        return self._slots

    def record(self, checks: Sequence[Check]) -> list[Snapshot | None]:
        """Keep the living ones, if anything is to be kept."""
        living = [n for n, check in enumerate(checks) if check.verdict.state is State.ALIVE] if self._keep else []
        kept: list[Snapshot | None] = [None] * len(checks)
        if self._keep and living:
            for n, snapshot in zip(living, self._keep.record([checks[n] for n in living]), strict=True):
                kept[n] = snapshot
        return kept

    def settle(self, run: str, canonical_urls: Sequence[str], *, believed: bool) -> None:
        """What was kept of a check that is believed stays."""
        if self._keep:
            self._keep.settle(run, canonical_urls, believed=believed)

    def open_segment(self) -> OpenSegment | None:
        """That of what is kept."""
        return self._keep.open_segment() if self._keep else None

    def deferring_terms(self) -> AbstractContextManager[DeferredTerms | None]:
        """Those of what is kept."""
        return self._keep.deferring_terms() if self._keep else nullcontext()

    def put_histories(self, histories: Iterable[History], links: Mapping[str, Link] | None = None) -> None:
        """Nothing: a check does not remember."""

    def put_slots(self, states: Iterable[SlotState]) -> None:
        """For the second check of this check, and the archive's politeness where it is written."""
        self._slots = list(states)
        if self._keep:
            self._keep.put_slots(self._slots)

    def put_image(self, capture_id: int, url: str, content_type: str, body: bytes) -> None:
        """Keep a picture of a page that was kept."""
        if self._keep:
            self._keep.put_image(capture_id, url, content_type, body)

    def begin_run(self, run: Run) -> None:
        """Nothing: a check is no run of the archive's."""

    def end_run(self, run: Run) -> None:
        """Nothing."""

"""An edit of a note: what it replaces, how several are made, and the proof that they did what was meant.

Pure: text in, text out. Which edit mends which link is decided in `mending`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import zip_longest

from crawler.core.errors import NotesError
from crawler.core.model import Kind, Note, Occurrence
from crawler.notes.extract import occurrences

MAX_PROOFS = 50  # readings of one note; more edits than that which cannot stand there are a strange note


class Why(StrEnum):
    """What an edit mends; the values are those of `--only`."""

    DEAD = "dead"
    MOVED = "moved"
    HTTPS = "https"
    TRACKING = "tracking"


@dataclass(frozen=True, slots=True)
class Edit:
    """Write `new` where a note's text has `old`, at start:end (code points)."""

    path: str
    start: int
    end: int
    old: str
    new: str
    why: tuple[Why, ...]
    url: str  # what the new text means, i.e. what extracting again gives
    free: bool = False  # the text between start and end may hold any links afterwards, `url` among them


def refers(occurrence: Occurrence) -> bool:
    """Whether the target stands elsewhere, at a definition: `[text][label]`, and for pictures `![text][label]`."""
    picture = occurrence.kind is Kind.IMAGE and occurrence.raw.startswith("![")
    return occurrence.kind is Kind.REFERENCE or picture


def apply(note: Note, edits: Sequence[Edit], current: str | None = None) -> str:
    """The note's text with the edits made. `current`: the text as it is now, where time passed since extraction.

    Raises NotesError, and changes nothing, where the text is not what the edits were made for.
    """
    if current is not None and current != note.text:
        raise NotesError(f"{note.path}: changed since it was read; run the command again")
    parts, at = [], 0
    for edit in sorted(set(edits), key=lambda e: (e.start, e.end)):
        if edit.path != note.path or edit.start < at or note.text[edit.start : edit.end] != edit.old:
            raise NotesError(f"{note.path}: the edit of {edit.old!r} does not fit its text; run the command again")
        parts += [note.text[at : edit.start], edit.new]
        at = edit.end
    return "".join([*parts, note.text[at:]])


def proven(note: Note, edits: Sequence[Edit]) -> list[Edit]:
    """Those edits after which reading the note again gives the intended links, and every other link as it was.

    Escaping is careful, but what stands beside an address (Chinese prose right behind it, another address) may
    still be read as part of it; such an edit is left out. Edits of one note must be proven together.
    """
    before = occurrences(note, code=True)
    kept = sorted(edits, key=lambda edit: edit.start)
    for _ in range(MAX_PROOFS):
        wrong = _first_wrong(before, kept, occurrences(replace(note, text=apply(note, kept)), code=True))
        if wrong is None:
            return kept
        blamed = [edit for edit in kept if edit.start <= wrong]
        kept.remove(blamed[-1] if blamed else kept[0])
    return []


def _first_wrong(before: Sequence[Occurrence], edits: Sequence[Edit], after: Sequence[Occurrence]) -> int | None:
    """Where, in the old text, the first link stands that the new one does not have as intended; `edits` are sorted."""
    meant = {edit.start: edit.url for edit in edits if not edit.free}
    defined = {o.url: meant[o.start] for o in reversed(before) if o.kind is Kind.DEFINITION and o.start in meant}
    free = [edit for edit in edits if edit.free]
    outside = [o for o in before if not any(edit.start <= o.start < edit.end for edit in free)]
    places = _new_places(edits)
    written: dict[int, set[str]] = {edit.start: set() for edit in free}
    others = []
    for new in after:
        inside = next((edit.start for edit, start, end in places if edit.free and start <= new.start < end), None)
        if inside is None:
            others.append(new)
        else:
            written[inside].add(new.url)
    for edit in free:
        if edit.url not in written[edit.start]:
            return edit.start
    for old, found in zip_longest(outside, others):
        if old is None:
            return before[-1].start if before else 0
        expected = defined.get(old.url, old.url) if refers(old) else meant.get(old.start, old.url)
        # A copy may be a file; else another kind means that the syntax round the address broke.
        if found is None or found.url != expected or found.kind not in (old.kind, Kind.LOCAL):
            return old.start
    return None


def _new_places(edits: Sequence[Edit]) -> list[tuple[Edit, int, int]]:
    """Each edit with the place of its new text in the new note."""
    places, grown = [], 0
    for edit in edits:
        start = edit.start + grown
        places.append((edit, start, start + len(edit.new)))
        grown += len(edit.new) - (edit.end - edit.start)
    return places

"""Mends of notes as the viewer offers them: proposed, shown as a difference, written, and taken back by file.

A note is named as in the catalog and looked up among the notes that were found; no path from outside is opened.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from crawler.core.errors import NotesError
from crawler.crawl.context import Context
from crawler.crawl.mend import Mended, Written, propose_edits, take_back, write_note
from crawler.notes.mending import MendOptions
from crawler.notes.patches import unified_diff

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.serve.access import Access
    from crawler.serve.library import Library

MAX_NOTES: Final = 100  # shown with their mends at once
KEPT: Final = 200  # writes that can be taken back


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be written into one note; `digest` names exactly this, so that nothing else can be accepted."""

    note: str
    edits: int
    diff: str
    digest: str


@dataclass(frozen=True, slots=True)
class Undo:
    """A mend that was written, and can be taken back while the note stays as it is."""

    number: int
    note: str
    at: datetime
    written: Written


class Mends:
    """Proposals and undos of one viewer. Every method may be called from any thread."""

    def __init__(self, library: Library, access: Access) -> None:
        self._library = library
        self._access = access
        self._numbers = count(1)
        self._undos: OrderedDict[int, Undo] = OrderedDict()
        self._turn = threading.Lock()  # one write at a time

    def proposals(self, notes: Sequence[str] = (), *, unconfirmed: bool = False) -> list[Proposal]:
        """What could be mended in these notes, by default in all. Raises NotesError for a note that is unknown."""
        return [_proposal(name, mended) for name, mended in self._mended(notes, unconfirmed)[:MAX_NOTES]]

    def accept(self, note: str, digest: str, *, unconfirmed: bool = False) -> Undo:
        """Write what was proposed for a note. Raises NotesError where it is no longer what was shown."""
        with self._turn:
            found = self._mended([note], unconfirmed)
            fitting = [mended for name, mended in found if _proposal(name, mended).digest == digest]
            if not fitting:
                raise NotesError(f"{note}: changed since its mend was shown; look at the new proposal first")
            undo = Undo(next(self._numbers), note, self._library.now(), write_note(fitting[0]))
            self._undos[undo.number] = undo
            while len(self._undos) > KEPT:
                self._undos.popitem(last=False)
            return undo

    def take_back(self, number: int) -> Undo:
        """Put a note back as it was. Raises NotesError where it changed since, or was put back already."""
        with self._turn:
            undo = self._undos.get(number)
            if undo is None:
                raise NotesError("there is nothing to take back: it was taken back, or the viewer was started anew")
            take_back(undo.written)
            del self._undos[number]
            return undo

    def undos(self) -> list[Undo]:
        """What can be taken back, the newest first."""
        return sorted(self._undos.values(), key=lambda undo: -undo.number)

    def _mended(self, notes: Sequence[str], unconfirmed: bool) -> list[tuple[str, Mended]]:
        """Notes with their edits, under the names that the catalog has for them."""
        files = self._library.lists().files
        unknown = [note for note in notes if note not in files]
        if unknown:
            raise NotesError(f"{unknown[0]}: no such note")
        paths: list[Path] = [files[note] for note in notes] or list(files.values())
        public = self._access.public.rstrip("/")
        how = MendOptions(template=f"{public}/snapshot/{{id}}" if public else "", unconfirmed=unconfirmed)
        settings = self._library.settings
        # A page waits for nobody: what the Internet Archive was asked by runs is known, and it is asked no more here.
        quiet = msgspec.structs.replace(settings, wayback=msgspec.structs.replace(settings.wayback, suggest=False))
        with self._library.archive() as archive:
            context = Context(quiet, self._library.sites, archive, self._library.now)
            found = propose_edits(context, paths, how).mended
        names = {path: name for name, path in files.items()}
        return [(names[mended.file.path], mended) for mended in found if mended.file.path in names]


def _proposal(name: str, mended: Mended) -> Proposal:
    diff = unified_diff(mended.note, mended.edits)
    digest = hashlib.sha256(diff.encode("utf-8", "surrogatepass")).hexdigest()
    return Proposal(name, len(mended.edits), diff, digest)

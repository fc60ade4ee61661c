"""The links of notes in formats that a hostile text can keep a parser busy with: found by a reader, within its limits.

Which formats those are is said in `notes.formats`; what a link is, by `notes.extract`. A note past the limits is
skipped and named, as one that cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from crawler.notes.files import SkippedNote
from crawler.notes.formats import format_of

if TYPE_CHECKING:
    from crawler.core.model import Note, Occurrence
    from crawler.core.settings import Settings
    from crawler.crawl.syncreaders import SyncReaders
    from crawler.notes.links import Extract

SMALL = 8 * 1024  # characters; the worst text known to us keeps the parser busy for 0.05 s there, for 0.9 s at 32 kB


@contextmanager
def guarded(settings: Settings) -> Iterator[Extract]:
    """A function that finds the links of a note; its readers start with the first note that needs them."""
    with ExitStack() as stack:
        readers: list[SyncReaders] = []

        def extract(note: Note, code: bool) -> Sequence[Occurrence] | SkippedNote:
            form = format_of(note.path)
            if form is None or not form.parsed or len(note.text) <= SMALL:
                return _read_here(note, code)
            from crawler.crawl.readers import PastLimits, ReaderDied  # few notes need them
            from crawler.crawl.syncreaders import open_sync_readers
            from crawler.sites import load_sites

            if not readers:
                readers.append(stack.enter_context(open_sync_readers(settings, load_sites([]))))
            try:
                return readers[0].call(_read_here, note, code)
            except (PastLimits, ReaderDied) as error:
                return SkippedNote(note.path, f"too complex to be read ({error}); put it into [notes] exclude")

        yield extract


def _read_here(note: Note, code: bool) -> list[Occurrence]:
    from crawler.notes.extract import occurrences  # here, since a run over unchanged notes does without

    return occurrences(note, code=code)

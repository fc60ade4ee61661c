"""Search terms of new texts made by others, many at once, while pages are kept.

`Index` tells of each new text; who has processes takes what waits (`take`), has `treemaking` make trees of it, and
brings them back (`put`). Texts of held checks are among them, so that the end of a run finds most terms made. Which
documents there are is `index`'s; that a killed writer leaves nothing unsearched is `documents.ready`'s.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from crawler.archive import documents, queries, schema, termtrees, treemaking
from crawler.archive.segments import FOLDER, INDEX
from crawler.core.errors import StoreError

if TYPE_CHECKING:
    from crawler.archive.documents import IndexedText, MadeTrees
    from crawler.archive.journal import Span
    from crawler.archive.queries import Where
    from crawler.archive.treemaking import TreeTexts
    from crawler.archive.writing import ArchiveWriter

WORTH: Final = 64  # texts, from which it is worth to have others make their terms
TREE: Final = 128  # texts of a tree: 0.15 s of a reader, and 0.22 ms a text to put it in; of 512 texts 0.18


class DeferredTerms:
    """Texts whose terms are not made yet. All but `is_worth` is for the thread that writes the archive."""

    def __init__(self, writer: ArchiveWriter) -> None:
        self.folder = writer.path / FOLDER  # of the segments, for `treemaking.make_trees`
        self._writer = writer
        self._waiting: dict[int, IndexedText] = {}  # by capture
        self._being_made: dict[int, IndexedText] = {}  # their trees are being made
        self._held: dict[int, tuple[int, Span]] = {}  # where texts of held captures lie, by segment
        self._fits: bool | None = None  # whether trees fit into this index, where that is known
        self._noted = False  # that documents lack their terms
        self._lost_track = False

    # What `Index` tells, inside of its transactions

    def hold(self, document: IndexedText, segment: int, span: Span) -> None:
        """The text of a held check, which is to be searched as soon as it counts."""
        self._held[document.capture] = segment, span
        self._waiting[document.capture] = document

    def add(self, document: IndexedText) -> None:
        """A text that is searched from now on and has no terms yet."""
        if not self._noted:
            documents.note_deferred(self._writer.db)
            self._noted = True
        if self._being_made.get(document.capture) == document:
            self._waiting.pop(document.capture, None)  # it had another title meanwhile
        else:
            self._waiting[document.capture] = document

    def settled(self, capture: int) -> None:
        """A check is not held any more: its capture counts, or never will."""
        self._held.pop(capture, None)

    def forget(self) -> None:
        """After a rollback: what was told last may not be so."""
        self._waiting.clear()
        self._held = {capture: self._held[capture] for capture in self._being_made.keys() & self._held.keys()}
        self._fits, self._noted, self._lost_track = None, False, True

    # For who makes terms

    @property
    def is_worth(self) -> bool:
        """Whether enough texts wait for `take`."""
        return len(self._waiting) >= TREE

    def take(self, least: int = TREE, most: int = TREE) -> list[TreeTexts]:
        """All that waits, where that is `least` texts; `most` for one tree.

        Where no tree fits into this index, terms are made here, and nothing is left for others. Raises ArchiveError.
        """
        if len(self._waiting) < least:
            return []
        if self._fits is None:
            with self._writer.transaction():
                self._writer.index.make_searchable()
                self._fits = termtrees.fits(self._writer.db)
        texts = sorted(self._waiting.values())  # by capture, as FTS5 has it cheapest
        found: list[TreeTexts] = []
        with contextlib.suppress(StoreError):  # of old texts, which nobody can read now: the others wait for no store
            found = list(treemaking.by_tree(self._writer.reader, texts, self._place_of, most)) if self._fits else []
        if not found:
            with self._writer.transaction():
                self._make_here()
            return []
        self._being_made |= self._waiting
        self._waiting = {}
        return found

    def put(self, texts: TreeTexts, made: MadeTrees) -> None:
        """Put the trees of some texts that were taken into the index. Raises ArchiveError.

        Where one of its texts is not searched any more, or by another title, the others wait once more. What could not
        be read where the tree grew is read here: that process may have had no memory or no descriptors left.
        """
        there = [document for document, _ in texts if self._being_made.get(document.capture) == document]
        wanted = documents.still_without_terms(self._writer.db, there, self._held)
        again = wanted
        if len(wanted) == len(texts):
            self._put_trees(made.trees)
            again = []
            if made.lost:
                lost = [document for document in wanted if document.capture in made.lost]
                with self._writer.transaction():
                    documents.fill_with(self._writer.db, lost, self._writer.index.text_of)
            for document in wanted:
                self._held.pop(document.capture, None)
        for document in there:  # what failed until here is left to `finish`
            del self._being_made[document.capture]
        self._waiting = {document.capture: document for document in again} | self._waiting

    def _put_trees(self, trees: termtrees.Trees) -> None:
        self._writer.check_place()
        path = self._writer.path
        # On a connection of its own, as FTS5 knows nothing of trees that came in behind its back.
        with (
            contextlib.closing(schema.open_writer(path / INDEX)) as db,
            schema.transaction(db, path, lambda: None),
        ):
            termtrees.put(db, trees)
            termtrees.merge(db)

    def finish(self) -> None:
        """Make what is left, one by one. Raises ArchiveError."""
        self._waiting = self._being_made | self._waiting
        self._being_made = {}
        if not (self._waiting or self._noted or self._lost_track):
            return
        with self._writer.transaction():
            self._writer.index.make_searchable()
            self._make_here()
            if self._lost_track:
                documents.fill_deferred(self._writer.db, self._writer.index.text_of)
            else:
                documents.forget_deferred(self._writer.db)
        self._noted = self._lost_track = False

    def _make_here(self) -> None:
        """Inside a transaction."""
        wanted = documents.still_without_terms(self._writer.db, self._waiting.values(), self._held)
        documents.fill_with(self._writer.db, wanted, self._writer.index.text_of)
        self._waiting = {}

    def _place_of(self, capture: int) -> Where | None:
        if capture not in self._held:
            return queries.places(self._writer.db, capture).text
        segment, span = self._held[capture]
        row = self._writer.db.execute("SELECT name FROM segments WHERE id = ?", (segment,)).fetchone()
        return (row[0], span) if row else None

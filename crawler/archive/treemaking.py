"""Kept texts read from their segments and made into search trees, in any process.

Which texts, and what becomes of their trees, is decided elsewhere (`spread`, `deferred`); what a tree is, is
`termtrees`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from crawler.archive import termtrees
from crawler.archive.documents import IndexedText, MadeTrees
from crawler.archive.queries import Where
from crawler.archive.segments import SegmentReader, local_reader
from crawler.archive.words import Terms, terms_of
from crawler.core.errors import ArchiveDamaged

MIN_TREE = 256  # texts of a search tree at least, so that there are not many
TREES = 6  # where that leaves so many: some for each process
MAX_TREE = 4096  # texts
MAX_TREE_BYTES = 4 * 1024 * 1024  # of their frames; the tree takes three times as much

TreeTexts = list[tuple[IndexedText, Where | str | None]]
"""The documents of a tree with the place of each text; the text itself, where other processes cannot read it."""


def by_tree(
    reader: SegmentReader, documents: Sequence[IndexedText], place_of: Callable[[int], Where | None], most: int = 0
) -> Iterator[TreeTexts]:
    """Documents by tree: `most` in each, by default as many as make it worth its place and give every process some."""
    most = most or min(max(MIN_TREE, -(-len(documents) // TREES)), MAX_TREE)
    some: TreeTexts = []
    size = 0
    for document in documents:
        place = place_of(document[0])
        size += place[1][1] if place else 0
        away = place is not None and reader.store.is_away(place[0])
        text = _text_at(reader, place) if place and away else None  # where nobody can read it, both find that out
        some.append((document, place if text is None else text))
        if len(some) == most or size > MAX_TREE_BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some


def make_trees(folder: Path, documents: TreeTexts) -> MadeTrees:
    """The trees of some documents of segments in a folder, in any process."""
    return trees_of(local_reader(folder), documents)


def trees_of(reader: SegmentReader, documents: TreeTexts) -> MadeTrees:
    """The same by an open reader."""
    terms: list[Terms] = []
    lost: list[int] = []
    for (capture, title, names), place in documents:
        text = place if isinstance(place, str) else _text_at(reader, place) if place else ""
        if text is None:
            lost.append(capture)
        else:
            terms.append(terms_of(capture, title, names, text))
    return MadeTrees(termtrees.make(terms), lost)  # in turns with their making it takes a fifth longer


def _text_at(reader: SegmentReader, place: Where) -> str | None:
    try:
        return reader.record(*place).block.decode("utf-8", "replace")
    except ArchiveDamaged:
        return None

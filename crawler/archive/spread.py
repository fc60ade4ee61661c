"""Work on segments spread over processes: frames unpacked, digests checked, texts made into terms of the index.

Results come in order and are those of one process: where a range is damaged, reading goes on in this process as if
there were no other (`pieces`). Which pages are kept, and what is wrong, is decided elsewhere.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from crawler.archive import scan, warc
from crawler.archive.documents import IndexedText, MadeTrees
from crawler.archive.journal import TARGET
from crawler.archive.queries import Where
from crawler.archive.segments import SegmentReader, local_reader
from crawler.archive.treemaking import by_tree, make_trees, trees_of
from crawler.core.errors import ArchiveDamaged
from crawler.core.lookahead import in_order

S = TypeVar("S")
T = TypeVar("T")

RANGE = 8 * 1024 * 1024  # bytes of records, unpacked, that a process reads at a time; several ten milliseconds of work
WORTH = 4 * RANGE  # of an archive, from which processes are worth their start


class Spread:
    """Does work in this process, or where `pool` is given, in several."""

    def __init__(self, folder: Path, pool: ProcessPoolExecutor | None = None, processes: int = 1) -> None:
        self.folder = folder  # of the segments
        self._pool = pool
        self._ahead = 3 * processes

    @property
    def is_wide(self) -> bool:
        """Whether there is more than this process."""
        return self._pool is not None

    def map(self, work: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
        """Results in order; a few items are worked on ahead."""
        pool = self._pool
        if pool is None:
            return map(work, items)
        return (result for _, result in in_order(lambda item: pool.submit(work, item), items, self._ahead))


@contextmanager
def spread_over(folder: Path, processes: int, elsewhere: int = 0) -> Iterator[Spread]:
    """Processes for work on the segments in a folder, until the block ends; one process where there is little to do.

    `elsewhere`: bytes of segments that lie somewhere else.
    """
    if processes < 2 or (elsewhere < WORTH and not _is_worth(folder)):
        yield Spread(folder)
        return
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload(["crawler.archive.spread"])
    try:
        pool = ProcessPoolExecutor(processes, context)
        pool.submit(int).result()
    except (OSError, ImportError, RuntimeError):  # no process can be had, BrokenProcessPool among the reasons
        yield Spread(folder)
        return
    with pool:
        yield Spread(folder, pool, processes)


def _is_worth(folder: Path) -> bool:
    """Whether there is enough to read."""
    reader = local_reader(folder)
    left = WORTH
    for name, size in reader.store.sizes().items():
        left -= size  # of gzip, the least that it can be
        with suppress(ArchiveDamaged), reader.store.view(name) as data:
            ranges = scan.ranges(reader.codec(name), data, reader.start(name), RANGE)
            left -= RANGE * sum(1 for _ in islice(ranges, 1 + WORTH // RANGE))
        if left <= 0:
            return True
    return False


def pieces(reader: SegmentReader, name: str, start: int, spread: Spread) -> Generator[scan.Piece]:
    """`scan.pieces` of a whole segment; from processes records come with their type alone, journals aside."""
    codec = reader.codec(name)
    with reader.store.view(name) as data:
        at = start
        if spread.is_wide:
            ranges = scan.ranges(codec, data, start, RANGE)
            folder = reader.store.folder_of(name)
            assert folder is not None  # where there is a view, there is a file
            for found in spread.map(partial(_read_range, folder, name), ranges):
                if found is None:
                    break  # where one place is damaged, the lengths behind it may be wrong
                for offset, length, kind, journal in found:
                    head = {"warc-type": kind} if journal is None else _JOURNAL
                    yield scan.Piece(offset, length, warc.Record(head, journal or b""))
                    at = offset + length
        yield from scan.pieces(codec, data, at)


_JOURNAL: Final = {"warc-type": "metadata", "warc-target-uri": TARGET}
_Read = tuple[int, int, str, bytes | None]  # offset, length, type; the block of a journal


def _read_range(folder: Path, name: str, place: tuple[int, int]) -> list[_Read] | None:
    """The records of a range; None where something else is there, too."""
    reader = local_reader(folder)
    found: list[_Read] = []
    with reader.store.view(name) as data:
        for piece in scan.pieces(reader.codec(name), data, *place):
            if piece.record is None or piece.problem:
                return None
            found.append(
                (piece.offset, piece.length, piece.record.type, piece.record.block if piece.is_journal else None)
            )
    return found


def trees(
    reader: SegmentReader,
    documents: Sequence[IndexedText],
    place_of: Callable[[int], Where | None],
    spread: Spread,
) -> Iterator[MadeTrees]:
    """The search trees of some documents, as many at a time as make a tree."""
    texts = by_tree(reader, documents, place_of)
    if not spread.is_wide:
        yield from (trees_of(reader, some) for some in texts)
        return
    yield from spread.map(partial(make_trees, spread.folder), texts)

"""Work on segments spread over processes: frames unpacked, digests checked, texts made into terms of the index.

Results come in order and are those of one process: where a part is damaged, reading goes on in this process as if
there were no other (`pieces`). Which pages are kept, and what is wrong, is decided elsewhere.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from crawler.archive import scan, warc
from crawler.archive.queries import Where
from crawler.archive.segments import SegmentReader
from crawler.archive.store import LocalStore
from crawler.archive.words import NewText, index_terms
from crawler.core.errors import ArchiveDamaged

S = TypeVar("S")
T = TypeVar("T")

PART = 4 * 1024 * 1024  # bytes of a segment that a process reads at a time; several ten milliseconds of work
TEXTS = 32  # read at a time
WORTH = 4 * PART  # bytes of an archive from which processes are worth their start


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
        if self._pool is None:
            yield from map(work, items)
            return
        waiting: deque[Future[T]] = deque()
        for item in items:
            waiting.append(self._pool.submit(work, item))
            if len(waiting) > self._ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def spread_over(folder: Path, processes: int, elsewhere: int = 0) -> Iterator[Spread]:
    """Processes for work on the segments in a folder, until the block ends; one process where there is little to do.

    `elsewhere`: bytes of segments that lie somewhere else.
    """
    store = LocalStore(folder)
    size = sum(store.sizes().values()) + elsewhere
    store.close()
    if processes < 2 or size < WORTH:
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


def pieces(reader: SegmentReader, name: str, start: int, spread: Spread) -> Generator[scan.Piece]:
    """`scan.pieces` of a whole segment; from processes records come without their blocks, journals aside."""
    codec = reader.codec(name)
    with reader.store.view(name) as data:
        at = start
        if spread.is_wide:
            parts = scan.parts(codec, data, start, PART)
            folder = reader.store.folder_of(name)
            assert folder is not None  # where there is a view, there is a file
            for found in spread.map(partial(_read_part, folder, name), parts):
                if any(piece.problem or piece.record is None for piece in found):
                    break  # where one place is damaged, the lengths behind it may be wrong
                yield from found
                at = found[-1].end
        yield from scan.pieces(codec, data, at)


def _read_part(folder: Path, name: str, part: tuple[int, int]) -> list[scan.Piece]:
    reader = _reader(folder)
    with reader.store.view(name) as data:
        return [_slim(piece) for piece in scan.pieces(reader.codec(name), data, *part)]


def _slim(piece: scan.Piece) -> scan.Piece:
    if piece.record is None or piece.is_journal:
        return piece
    return replace(piece, record=warc.Record(dict(piece.record.headers), b""))


def texts(reader: SegmentReader, places: Iterable[Where | None], spread: Spread) -> Iterator[NewText | None]:
    """The texts at some places, with their terms; None for what cannot be read."""
    if not spread.is_wide:
        yield from (_text(reader, place) for place in places)
        return
    for found in spread.map(partial(_read_texts, spread.folder), _chunks(reader, places)):
        yield from found


def _chunks(reader: SegmentReader, places: Iterable[Where | None]) -> Iterator[list[Where | str | None]]:
    """Places that other processes can read, and texts in the place of those that only this one can."""
    rest = iter(places)
    while chunk := list(islice(rest, TEXTS)):
        yield [_brought(reader, place) if place and reader.store.is_away(place[0]) else place for place in chunk]


def _brought(reader: SegmentReader, place: Where) -> Where | str:
    text = _text_at(reader, place)
    return place if text is None else text  # nobody can read it: the other process finds that out as well


def _read_texts(folder: Path, places: list[Where | str | None]) -> list[NewText | None]:
    return [_text(_reader(folder), place) for place in places]


def _text(reader: SegmentReader, place: Where | str | None) -> NewText | None:
    text = place if isinstance(place, str) else _text_at(reader, place) if place else ""
    return None if text is None else NewText(text, index_terms(text))


def _text_at(reader: SegmentReader, place: Where) -> str | None:
    try:
        return reader.record(*place).block.decode("utf-8", "replace")
    except ArchiveDamaged:
        return None


@lru_cache(maxsize=2)
def _reader(folder: Path) -> SegmentReader:
    """One for each process and folder: that of the segments, and that of copies from an object store."""
    return SegmentReader(LocalStore(folder))

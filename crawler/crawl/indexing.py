"""Search terms of what is kept, made by readers beside the pages: of a run, and of an import.

Which texts wait for their terms, and how trees go in, is `archive.deferred`'s.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import trio

from crawler.archive import treemaking
from crawler.archive.deferred import WORTH, DeferredTerms
from crawler.crawl.readers import NO_READER, Reader

if TYPE_CHECKING:
    from crawler.archive.documents import MadeTrees
    from crawler.archive.treemaking import TreeTexts
    from crawler.crawl.syncreaders import SyncReaders

MANY = 1024  # texts of an import that make two trees; no word finds them until then

log = logging.getLogger(__name__)


class Indexer:
    """Has a reader make the terms of a run, one tree at a time; `write` runs a function in the thread that writes."""

    def __init__(self, terms: DeferredTerms, write: Callable[..., Awaitable[Any]], reader: Reader) -> None:
        self._terms = terms
        self._write = write
        self._reader = reader
        self._wanted = trio.Event()
        self._finishing = False
        self._ended = trio.Event()

    def recorded(self) -> None:
        """Something was recorded."""
        if self._terms.is_worth:
            self._wanted.set()

    async def run(self) -> None:
        """Make terms until `finish`."""
        while not self._finishing:
            await self._wanted.wait()
            self._wanted = trio.Event()
            for texts in await self._write(self._terms.take):
                await self._make(texts)
        self._ended.set()

    async def finish(self) -> None:
        """Make all terms that are left, on all readers, once `run` has made what it is about."""
        self._finishing = True
        self._wanted.set()
        await self._ended.wait()
        async with trio.open_nursery() as nursery:
            for texts in await self._write(self._terms.take, WORTH, WORTH):
                nursery.start_soon(self._make, texts)
        await self._write(self._terms.finish)

    async def _make(self, texts: TreeTexts) -> None:
        try:
            made = await self._reader.work(treemaking.make_trees, self._terms.folder, texts)
        except NO_READER as error:  # on a very busy machine
            log.warning("search terms are made in this process: %s", error)
            made = await self._write(treemaking.make_trees, self._terms.folder, texts)
        await self._write(self._terms.put, texts, made)


class SyncIndexer:
    """The same for a plain function, which calls `recorded` when it has recorded something, and `finish` at last."""

    def __init__(self, terms: DeferredTerms, readers: SyncReaders) -> None:
        self._terms = terms
        self._readers = readers
        self._being_made: deque[tuple[TreeTexts, Future[MadeTrees]]] = deque()

    def recorded(self) -> None:
        """Begin with what waits, and put in what is made."""
        self._begin(MANY)
        while self._being_made and (self._being_made[0][1].done() or len(self._being_made) > self._readers.ahead):
            self._put_first()

    def finish(self) -> None:
        """Make all terms that are left."""
        self._begin(WORTH)
        while self._being_made:
            self._put_first()
        self._terms.finish()

    def _begin(self, least: int) -> None:
        for texts in self._terms.take(least, MANY // 2):
            self._being_made.append((texts, self._readers.begin(self._make, texts)))

    def _make(self, texts: TreeTexts) -> MadeTrees:
        try:
            return self._readers.work(treemaking.make_trees, self._terms.folder, texts)
        except NO_READER:  # on a very busy machine
            return treemaking.make_trees(self._terms.folder, texts)

    def _put_first(self) -> None:
        texts, made = self._being_made.popleft()
        self._terms.put(texts, made.result())

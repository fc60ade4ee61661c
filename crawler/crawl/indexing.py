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

from crawler.archive import growing
from crawler.archive.deferred import WORTH, DeferredTerms
from crawler.crawl.readers import NO_READER, Reader

if TYPE_CHECKING:
    from crawler.archive.documents import Grown
    from crawler.archive.growing import Part
    from crawler.crawl.syncreaders import SyncReaders

MANY = 1024  # texts of an import that make two trees; no word finds them until then

log = logging.getLogger(__name__)


class Indexer:
    """Has a reader make the terms of a run, one part at a time; `write` runs a function in the thread that writes."""

    def __init__(self, terms: DeferredTerms, write: Callable[..., Awaitable[Any]], reader: Reader) -> None:
        self._terms = terms
        self._write = write
        self._reader = reader
        self._wanted = trio.Event()
        self._closed = False

    def recorded(self) -> None:
        """Something was recorded."""
        if self._terms.is_worth:
            self._wanted.set()

    async def run(self) -> None:
        """Make terms until `close`."""
        while not self._closed:
            await self._wanted.wait()
            self._wanted = trio.Event()
            for part in await self._write(self._terms.parts):
                await self._make(part)

    def close(self) -> None:
        """What is being made is the last before `finish`."""
        self._closed = True
        self._wanted.set()

    async def finish(self) -> None:
        """Make all terms that are left, on all readers."""
        async with trio.open_nursery() as nursery:
            for part in await self._write(self._terms.parts, WORTH, WORTH):
                nursery.start_soon(self._make, part)
        await self._write(self._terms.finish)

    async def _make(self, part: Part) -> None:
        try:
            grown = await self._reader.work(growing.grow, self._terms.folder, part)
        except NO_READER as error:  # on a very busy machine
            log.warning("search terms are made in this process: %s", error)
            grown = await self._write(growing.grow, self._terms.folder, part)
        await self._write(self._terms.put, part, grown)


class SyncIndexer:
    """The same for a plain function, which calls `go_on` when it has recorded something, and `finish` at last."""

    def __init__(self, terms: DeferredTerms, readers: SyncReaders) -> None:
        self._terms = terms
        self._readers = readers
        self._growing: deque[tuple[Part, Future[Grown]]] = deque()

    def go_on(self) -> None:
        """Begin with what waits, and put in what is made."""
        self._begin(MANY)
        while self._growing and (self._growing[0][1].done() or len(self._growing) > self._readers.ahead):
            self._put_first()

    def finish(self) -> None:
        """Make all terms that are left."""
        self._begin(WORTH)
        while self._growing:
            self._put_first()
        self._terms.finish()

    def _begin(self, least: int) -> None:
        for part in self._terms.parts(least, MANY // 2):
            self._growing.append((part, self._readers.begin(self._grow, part)))

    def _grow(self, part: Part) -> Grown:
        try:
            return self._readers.work(growing.grow, self._terms.folder, part)
        except NO_READER:  # on a very busy machine
            return growing.grow(self._terms.folder, part)

    def _put_first(self) -> None:
        part, grown = self._growing.popleft()
        self._terms.put(part, grown.result())

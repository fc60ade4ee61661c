"""Search terms made by readers beside the pages: all are made, whatever becomes of a reader."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
import trio

from crawler.archive import Archive, deferred
from crawler.archive.deferred import TREE, DeferredTerms
from crawler.core.model import Check, Evidence, Fetch, Page, State, Verdict
from crawler.core.settings import ReadSettings, Settings
from crawler.crawl import indexing
from crawler.crawl.indexing import Indexer, SyncIndexer
from crawler.crawl.readers import InlineReader, PastLimits, Reader, ReaderDied
from crawler.crawl.recorder import WritingThread
from crawler.crawl.syncreaders import open_sync_readers
from crawler.notes.links import link_of
from crawler.schedule.history import first_seen
from crawler.sites import Sites, load_sites

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SITES: Sites = load_sites([])


def check_of(number: int, *, held: bool) -> Check:
    url = f"https://a.example/{number}"
    link = link_of(url, SITES)
    text = f"第{number}篇讲灯塔"
    fetched = Fetch(url, url, NOW, status=200, headers=(("Content-Type", "text/html"),), body=text.encode())
    page = Page(title=str(number), text=text, digest=f"sha256:{hashlib.sha256(text.encode()).hexdigest()}")
    verdict = Verdict(State.ALIVE, "ok", evidence=Evidence(rule="generic/ok"))
    return Check(link, NOW, fetched, page, verdict, first_seen(link.canonical_url, url, NOW), "run-1", held=held)


def record(archive: Archive, numbers: Sequence[int]) -> None:
    archive.record([check_of(number, held=number % 2 == 0) for number in numbers])


def settle(archive: Archive, numbers: Sequence[int]) -> None:
    urls = [link_of(f"https://a.example/{number}", SITES).canonical_url for number in numbers]
    archive.settle("run-1", urls, believed=True)


def found(archive: Archive) -> int:
    return len(archive.search("灯塔", 10_000))


@dataclass
class Workers:
    """Makes trees at once, or raises."""

    raises: Exception | None = None
    sizes: list[int] = field(default_factory=list)

    async def work(self, function: Callable[..., object], folder: Path, texts: Sequence[object]) -> object:
        self.sizes.append(len(texts))
        await trio.sleep(0.1)
        if self.raises:
            raise self.raises
        return function(folder, texts)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive", now=lambda: NOW) as opened:
        record(opened, [100_001])
        yield opened


@asynccontextmanager
async def running(terms: DeferredTerms, workers: Workers) -> AsyncIterator[Indexer]:
    async def in_line(function: Callable[..., object], *args: object, **_: object) -> object:
        return function(*args)

    indexer = Indexer(terms, WritingThread(in_line), cast("Reader", workers))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(indexer.run)
        yield indexer
        await indexer.finish()


NO_PROCESS = (BlockingIOError("cannot fork"), EOFError("the server that forks died"))


@pytest.mark.parametrize("raises", [None, PastLimits("slow"), ReaderDied("twice"), *NO_PROCESS])
async def test_terms_are_made_while_a_run_goes_on_and_the_rest_at_its_end(
    archive: Archive, autojump_clock: trio.abc.Clock, raises: Exception | None
) -> None:
    workers = Workers(raises)
    with archive.deferring_terms() as terms:
        async with running(terms, workers) as indexer:
            for start in range(0, 3 * TREE, 50):
                record(archive, range(start, start + 50))
                indexer.recorded()
                await trio.sleep(1)
            assert sum(workers.sizes) > 2 * TREE
            settle(archive, range(0, 3 * TREE + 50, 2))
            before = found(archive)
        assert max(workers.sizes) <= TREE
    assert 2 * TREE < before < found(archive) == len(range(0, 3 * TREE, 50)) * 50 + 1


async def test_few_texts_are_indexed_without_a_reader(archive: Archive, autojump_clock: trio.abc.Clock) -> None:
    workers = Workers()
    with archive.deferring_terms() as terms:
        async with running(terms, workers) as indexer:
            record(archive, range(1, deferred.WORTH - 1, 2))
            indexer.recorded()
    assert workers.sizes == []
    assert found(archive) == 1 + len(range(1, deferred.WORTH - 1, 2))


async def test_an_error_of_the_archive_ends_the_run_and_its_terms_are_made_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.abc.Clock
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(DeferredTerms, "put", broken)
    with Archive.open(tmp_path / "archive", now=lambda: NOW) as archive:
        with pytest.RaisesGroup(RuntimeError, flatten_subgroups=True), archive.deferring_terms() as terms:
            async with running(terms, Workers()) as indexer:
                record(archive, range(1, 2 * TREE, 2))
                indexer.recorded()
                await trio.sleep(1)
        assert found(archive) < TREE
    with Archive.open(tmp_path / "archive", now=lambda: NOW) as archive:
        assert found(archive) == TREE


async def test_a_reader_in_this_process_works_at_once() -> None:
    assert await InlineReader(SITES).work(max, 1, 2) == 2


@pytest.mark.parametrize("raises", [None, ReaderDied("twice"), *NO_PROCESS])
def test_an_import_has_terms_made_by_its_readers(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, raises: Exception | None
) -> None:
    monkeypatch.setattr(indexing, "MANY", 2 * deferred.WORTH)
    settings = Settings(read=ReadSettings(processes=1))
    count = 0
    with open_sync_readers(settings, SITES) as readers, archive.deferring_terms() as terms:
        if raises:

            def died(*_: object) -> None:
                raise raises

            monkeypatch.setattr(readers, "work", died)
        indexer = SyncIndexer(terms, readers)
        for start in range(1, 401, 40):
            record(archive, range(start, start + 40, 2))
            count += 20
            indexer.recorded()
        indexer.finish()
        assert found(archive) == count + 1

"""What a reader packs of a page is what the archive would have made of it; where it is not, the archive makes it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crawler.archive import Archive, packing, verify
from crawler.archive.codec import Gz, Zst, zstd
from crawler.archive.nouns import OpenSegment
from crawler.archive.packing import made_of
from crawler.core.model import Check, Fetch, Link, State
from crawler.core.settings import ArchiveSettings
from crawler.crawl import examine, worker
from crawler.crawl.tasks import Depth, PageReading, ReadTask
from crawler.notes.links import link_of
from crawler.schedule.history import first_seen
from crawler.sites import Sites, load_sites

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SITES: Sites = load_sites([])
LINE = "<p>On the {}th day the keeper lit the lamp and wrote into his book what the sea had done.</p>"
PROSE = "".join(map(LINE.format, range(12)))
ARTICLE = (
    f"<html lang=en><title>The lighthouse</title><body><article><h1>The lighthouse</h1>{PROSE}</article></body></html>"
)
LARGE = ARTICLE.replace("</body>", f"<script>{'var lamp = 1;' * 2_000}</script></body>")
LINK: Link = link_of("https://a.example/lighthouse", SITES)


def task_of(body: str, segment: OpenSegment | None, *, known: str = "", status: int = 200) -> ReadTask:
    url = LINK.fetch_url
    fetched = Fetch(url, url, NOW, status=status, headers=(("Content-Type", "text/html"),), body=body.encode())
    return ReadTask(LINK, fetched, NOW, known_digest=known, segment=segment)


def read(task: ReadTask, sites: Sites) -> PageReading:
    return examine.with_records(task, examine.read(task, sites))


def check_of(task: ReadTask, reading: PageReading) -> Check:
    history = first_seen(LINK.canonical_url, LINK.url, NOW)
    return Check(
        task.link, task.at, task.fetched, reading.page, reading.verdict, history, "run-1", reading.readable,
        payload=reading.payload, packed=reading.packed,
    )  # fmt: skip


@pytest.fixture(params=["zst", "gz"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    with open_archive(tmp_path / "archive", codec=request.param) as opened:
        yield opened


def open_archive(path: Path, *, at: datetime = NOW, **options: object) -> Archive:
    return Archive.open(path, ArchiveSettings(**options), now=lambda: at)  # type: ignore[arg-type]  # test shorthand


def kept(archive: Archive) -> list[object]:
    """All that is kept of the link, but for the numbers of records."""
    found: list[object] = []
    for snapshot in archive.snapshots(LINK.canonical_url):
        fetched = archive.fetched(snapshot.id)
        found.append((archive.snapshot(snapshot.id), archive.text(snapshot.id), archive.readable(snapshot.id), fetched))
    return found


@pytest.mark.parametrize("body", [ARTICLE, LARGE, "<p>short"])
@pytest.mark.parametrize("keep_raw", ["changed", "all", "none"])
def test_a_packed_page_is_kept_as_the_archive_keeps_it(tmp_path: Path, body: str, keep_raw: str) -> None:
    with open_archive(tmp_path / "ours", keep_raw=keep_raw) as ours:
        task = task_of(body, replace(ours.open_segment(), large=True))
        reading = read(task, SITES)
        assert reading.packed
        spared: list[str] = []
        monkey = pytest.MonkeyPatch()
        with monkey.context() as patch:
            patch.setattr("crawler.archive.records.write_capture", lambda *_: spared.append("made by the archive"))
            ours.record([check_of(task, reading)])
        assert spared == []
        with open_archive(tmp_path / "theirs", keep_raw=keep_raw) as theirs:
            theirs.record([check_of(task, replace(reading, packed=None))])
            assert kept(ours) == kept(theirs)
        assert len(kept(ours)) == 1
    assert verify(tmp_path / "ours").clean


def test_what_is_no_new_page_is_not_packed(archive: Archive) -> None:
    segment = archive.open_segment()
    page = read(task_of(ARTICLE, segment), SITES)
    assert page.packed
    refreshing = ARTICLE.replace("<title>", '<meta http-equiv=refresh content="0; url=/new"><title>')
    for task in (
        task_of(ARTICLE, segment, known=page.page.digest),
        task_of(ARTICLE, None),
        task_of(ARTICLE, segment, status=404),
        task_of(ARTICLE, segment, status=500),
        task_of("", segment),
        task_of(refreshing, segment),
        replace(task_of(ARTICLE, segment), depth=Depth.VERDICT),
        replace(task_of(ARTICLE, segment), depth=Depth.HEAD),
    ):
        assert read(task, SITES).packed is None


def test_large_pages_wait_for_the_dictionary_of_a_segment(tmp_path: Path) -> None:
    """A dictionary makes a page a tenth; one that was packed without it would be packed twice."""
    with open_archive(tmp_path) as archive:
        segment = archive.open_segment()
        assert not segment.large
        assert read(task_of(LARGE, segment), SITES).packed is None
        assert read(task_of(ARTICLE, segment), SITES).packed is not None
    with open_archive(tmp_path / "gz", codec="gz") as archive:  # has no dictionaries
        assert read(task_of(LARGE, archive.open_segment()), SITES).packed is not None


@pytest.mark.parametrize("body", [ARTICLE, LARGE])
def test_a_page_that_was_packed_for_another_segment_is_kept_all_the_same(tmp_path: Path, body: str) -> None:
    with open_archive(tmp_path) as archive:
        task = task_of(body, replace(archive.open_segment(), large=True))
        reading = read(task, SITES)
    with open_archive(tmp_path, at=NOW + timedelta(days=1)) as archive:  # a new day, a new segment
        archive.record([check_of(task, reading)])
        assert "lit the lamp" in archive.text(archive.snapshots(LINK.canonical_url)[0].id)
    assert verify(tmp_path).clean
    with open_archive(tmp_path / "gz", codec="gz") as archive:
        archive.record([check_of(task, reading)])
    assert verify(tmp_path / "gz").clean


def test_a_page_that_is_doubted_after_it_was_read_is_kept_without_its_text(archive: Archive) -> None:
    task = task_of(ARTICLE, archive.open_segment())
    reading = read(task, SITES)
    doubted = replace(reading, verdict=replace(reading.verdict, state=State.SUSPECT))
    archive.record([check_of(task, doubted)])
    (snapshot,) = archive.snapshots(LINK.canonical_url)
    assert archive.text(snapshot.id) == ""
    assert archive.fetched(snapshot.id) is not None


def test_a_page_that_is_known_from_long_ago_is_kept_as_seen_again(archive: Archive) -> None:
    """It said something else in between, so that its reader could not know."""
    other = ARTICLE.replace("lamp", "lantern")
    for body in (ARTICLE, other, ARTICLE):
        task = task_of(body, archive.open_segment())
        reading = read(task, SITES)
        assert reading.packed
        archive.record([check_of(task, reading)])
    assert [snapshot.revisit for snapshot in archive.snapshots(LINK.canonical_url)] == [False, False, True]


def test_pages_are_packed_before_there_is_a_segment_and_packing_makes_none(archive: Archive) -> None:
    reading = read(task_of(ARTICLE, archive.open_segment()), SITES)
    assert archive.open_segment().name == ""
    assert not list((archive.path / "segments").glob("*"))
    assert reading.packed
    archive.record([check_of(task_of(ARTICLE, None), reading)])
    assert archive.open_segment().name
    assert kept(archive)


def test_where_the_segment_is_gone_the_page_is_read_all_the_same(tmp_path: Path) -> None:
    packing._packer.cache_clear()
    gone = OpenSegment(str(tmp_path), "20260601000000-0001.warc.zst", "zst", raw=True)
    reading = read(task_of(ARTICLE, gone), SITES)
    assert (reading.packed, reading.verdict.state) == (None, State.ALIVE)


@pytest.mark.parametrize("error", [MemoryError(), zstd.ZstdError("Allocation error : not enough memory")])
def test_where_a_reader_lacks_the_memory_to_pack_a_page_its_writer_packs_it(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def no_room(*_: object, **__: object) -> bytes:
        raise error

    task = task_of(ARTICLE, archive.open_segment())
    with monkeypatch.context() as patch:
        for codec in (Gz, Zst):
            patch.setattr(codec, "pack", no_room)
        reading = read(task, SITES)
    assert (reading.packed, reading.verdict.state) == (None, State.ALIVE)
    archive.record([check_of(task, reading)])
    assert len(kept(archive)) == 1


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no limits of CPU here")
def test_what_it_costs_to_pack_a_page_does_not_count_against_it(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """16 MB take a reader 0.7 s to read, and 1.8 s to pack."""
    left: list[float] = []

    def timed(function: Callable[..., object]) -> Callable[..., object]:
        def work(*args: object) -> object:
            left.append(signal.getitimer(signal.ITIMER_PROF)[0])
            return function(*args)

        return work

    monkeypatch.setattr(worker, "_worker", worker._Worker(SITES, worker.Limits(seconds=60.0, memory=1 << 30)))
    monkeypatch.setattr(examine, "read", timed(examine.read))
    monkeypatch.setattr(packing, "pack", timed(packing.pack))
    assert worker.read_one(task_of(ARTICLE, archive.open_segment())).packed
    reading, packed = left
    assert reading > 0
    assert packed == 0


def test_a_packed_page_tells_what_is_kept_of_it(archive: Archive) -> None:
    packed = read(task_of(ARTICLE, archive.open_segment()), SITES).packed
    assert packed
    made = made_of(packed)
    assert made.keep.raw
    assert made.keep.text
    assert made.line.raw_bytes == len(ARTICLE)
    assert len(packed.frames) == 4  # response, request, text, readable copy

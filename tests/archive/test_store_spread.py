"""Segments read in several processes say what one process says, damage included."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from store_samples import NOW, check_of

from crawler.archive import Archive, spread, verify
from crawler.archive.segments import FOLDER, INDEX, SegmentReader
from crawler.archive.store import LocalStore
from crawler.core.settings import ArchiveSettings

CODECS = ("zst", "gz")


@pytest.fixture(autouse=True)
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "RANGE", 2_000)
    monkeypatch.setattr(spread, "WORTH", 1)


def filled(path: Path, codec: str, pages: int = 40) -> Path:
    with Archive.open(path, ArchiveSettings(codec=codec), now=lambda: NOW) as archive:  # type: ignore[arg-type]
        for n in range(pages):
            archive.record([check_of(f"n{n}", f"Some words of page {n}. 语音识别的原理。")])
    return path


@contextmanager
def reader_of(path: Path) -> Iterator[SegmentReader]:
    store = LocalStore(path / FOLDER)
    yield SegmentReader(store)
    store.close()


def places(path: Path, processes: int) -> list[tuple[str, int, int, str, str]]:
    with reader_of(path) as reader, spread.spread_over(path / FOLDER, processes) as over:
        assert over.is_wide == (processes > 1)
        return [
            (name, piece.offset, piece.length, piece.problem, piece.record.type if piece.record else "")
            for name in reader.store.sizes()
            for piece in spread.pieces(reader, name, reader.start(name), over)
        ]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("wound", [None, 0.3, 0.9])
def test_several_processes_find_what_one_finds(tmp_path: Path, codec: str, wound: float | None) -> None:
    path = filled(tmp_path / "archive", codec)
    if wound:
        (segment,) = (path / FOLDER).iterdir()
        data = bytearray(segment.read_bytes())
        at = int(len(data) * wound)
        data[at : at + 60] = bytes(60)
        segment.write_bytes(data)
    assert places(path, 2) == places(path, 1)
    assert verify(path, processes=2) == verify(path)


def rows(path: Path) -> list[object]:
    db = sqlite3.connect(path / INDEX)
    try:
        tables = ("SELECT capture, title, names FROM documents ORDER BY capture", "SELECT id, digest FROM captures")
        found: list[object] = [db.execute(select).fetchall() for select in tables]
        select = "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid"
        found += [db.execute(select, (word,)).fetchall() for word in ('"words"', '"7"', '"语音 音识 识别"')]
        return found
    finally:
        db.close()


def test_an_index_rebuilt_by_several_processes_is_the_one_that_was_there(tmp_path: Path) -> None:
    path = filled(tmp_path / "archive", "zst")
    before = rows(path)
    assert verify(path, rebuild=True, processes=2).clean
    assert rows(path) == before
    with Archive.open(path, write=False) as archive:
        assert archive.search("语音识别")


def test_segments_in_an_object_store_are_read_by_several_processes_as_by_one(tmp_path: Path) -> None:
    pytest.importorskip("obstore", reason="the extra s3 is not installed")
    path, bucket = filled(tmp_path / "archive", "zst"), tmp_path / "bucket"
    bucket.mkdir()
    options = ArchiveSettings(store=bucket.as_uri(), codec="gz")  # another codec seals what the first one wrote
    with Archive.open(path, options, now=lambda: NOW) as archive:
        assert len(list(archive.offload())) == 1
    before = rows(path)
    several, one = verify(path, options=options, processes=2), verify(path, options=options)
    assert replace(several, notices=()) == replace(one, notices=())  # these tell how much was fetched
    assert several.clean
    assert verify(path, options=options, rebuild=True, processes=2).clean
    assert rows(path) == before

"""Sealed segments in an object store: nothing is lost on the way there, and all is read back from there."""

import os
import random
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from store_samples import DOWN_FROM_10, NOW, TEXT, check_of, clock, later, link_of, make_terms, rows, segments_of

from crawler.archive import (
    Archive,
    Moved,
    VerifyReport,
    cache,
    documents,
    holds_archive,
    objects,
    offload,
    tiers,
    verify,
)
from crawler.archive.cache import BLOCK, BlockCache
from crawler.archive.objects import ObjectStore, StoredObject, measured
from crawler.archive.store import LocalStore
from crawler.core.errors import ArchiveDamaged, ConfigError, StoreError, StoreRefused
from crawler.core.settings import ArchiveSettings

pytest.importorskip("obstore", reason="the extra s3 is not installed")


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    folder = tmp_path / "bucket"
    folder.mkdir()
    return folder


def options(bucket: Path | None, **others: object) -> ArchiveSettings:
    return ArchiveSettings(store=bucket.as_uri() if bucket else "", **others)  # type: ignore[arg-type]  # test shorthand


def opened(path: Path, bucket: Path | None, *, days: float = 0, write: bool = True, **others: object) -> Archive:
    return Archive.open(path, options(bucket, **others), write=write, now=clock(later(days)))


def checked(path: Path, bucket: Path | None, **others: object) -> VerifyReport:
    return verify(path, options=options(bucket), now=clock(later(9)), **others)  # type: ignore[arg-type]  # as above


def sealed_archive(path: Path, bucket: Path | None, *, codec: str = "zst", segments: int = 2) -> Path:
    """An archive with sealed segments of one page each, and an open one."""
    for day in range(segments + 1):
        with opened(path, bucket, days=day, codec=codec) as archive:
            at = NOW + timedelta(days=day)
            body = random.Random(day).randbytes(300_000)  # over a block of the cache
            archive.record([check_of(f"page-{day}", f"{TEXT} Nr. {day}", body=body, at=at, run=f"run-{day}")])
    return path


def offloaded(path: Path, bucket: Path, *, days: float = 2, **others: object) -> list[Moved]:
    with opened(path, bucket, days=days, **others) as archive:  # type: ignore[arg-type]  # test shorthand
        return list(archive.offload())


@pytest.fixture
def away(tmp_path: Path, bucket: Path) -> Path:
    """An archive whose two sealed segments are in the store alone."""
    path = sealed_archive(tmp_path / "archive", bucket)
    offloaded(path, bucket)
    return path


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("codec", ["zst", "gz"])
def test_sealed_segments_move_to_the_store_and_are_read_from_there(tmp_path: Path, bucket: Path, codec: str) -> None:
    path = sealed_archive(tmp_path / "archive", bucket, codec=codec)
    before = {file.name: file.read_bytes() for file in segments_of(path)}

    moved = offloaded(path, bucket, codec=codec)

    assert [(one.sent, one.here, one.problem) for one in moved] == [(True, False, "")] * 2
    assert {name: (bucket / name).read_bytes() for name in names(bucket)} == dict(list(before.items())[:2])
    assert [file.name for file in segments_of(path)] == list(before)[2:]
    with opened(path, bucket, write=False) as archive:
        for day in range(3):
            (snapshot,) = archive.snapshots(link_of(f"page-{day}").canonical_url)
            assert archive.text(snapshot.id) == f"{TEXT} Nr. {day}"
            assert archive.body(snapshot.id) == random.Random(day).randbytes(300_000)
        assert {hit.snippet for hit in archive.search("语音识别")} != {""}
        assert len(list(archive.captures())) == 3
    report = checked(path, bucket)
    assert report.clean
    assert report.records > 9


def test_moving_again_moves_nothing(away: Path, bucket: Path) -> None:
    assert offloaded(away, bucket) == []


def test_local_copies_stay_where_that_is_wanted_and_go_later(tmp_path: Path, bucket: Path) -> None:
    path = sealed_archive(tmp_path / "archive", bucket)
    assert [one.here for one in offloaded(path, bucket, keep_local=True)] == [True, True]
    assert len(segments_of(path)) == 3
    assert offloaded(path, bucket, keep_local=True) == []
    assert [(one.sent, one.here) for one in offloaded(path, bucket)] == [(False, False)] * 2
    assert len(segments_of(path)) == 1
    assert checked(path, bucket).clean


def test_the_next_run_goes_on_beside_segments_that_are_away(away: Path, bucket: Path) -> None:
    with opened(away, bucket, days=3) as archive:
        assert archive.notices == ()
        changed = check_of("page-0", f"{TEXT} changed", at=later(3), run="run-3")
        archive.record([changed])
        assert [hit.canonical_url for hit in archive.search("changed")] == [link_of("page-0").canonical_url]
        assert [hit.current for hit in archive.search('"Nr. 0"')] == [False]  # an earlier text, read from the store
    assert checked(away, bucket).clean


def killed(*_: object) -> None:
    """In the place of a step: the process ends before it."""
    raise KeyboardInterrupt


def test_a_kill_before_the_record_repeats_nothing_and_loses_nothing(
    tmp_path: Path, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sealed_archive(tmp_path / "archive", bucket)

    with monkeypatch.context() as patched:
        patched.setattr(offload, "_record", killed)
        with pytest.raises(KeyboardInterrupt):
            offloaded(path, bucket)
    assert len(names(bucket)) == 1
    assert len(segments_of(path)) == 3
    assert [one.sent for one in offloaded(path, bucket)] == [False, True]
    assert len(segments_of(path)) == 1
    assert checked(path, bucket).clean


def test_a_kill_before_the_removal_leaves_a_file_that_goes_next_time(
    tmp_path: Path, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sealed_archive(tmp_path / "archive", bucket)

    with monkeypatch.context() as patched:
        patched.setattr(tiers.TieredStore, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            offloaded(path, bucket)
    assert rows(path, "SELECT count(*) FROM objects") == [(1,)]
    assert checked(path, bucket).clean
    assert [(one.sent, one.here) for one in offloaded(path, bucket)] == [(False, False), (True, False)]


def test_a_file_is_removed_only_after_its_record(tmp_path: Path, bucket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sealed_archive(tmp_path / "archive", bucket)
    remove = tiers.TieredStore.remove
    seen = []

    def watched(self: tiers.TieredStore, name: str) -> None:
        seen.append((name, [row[0] for row in rows(path, "SELECT name FROM objects")]))
        remove(self, name)

    monkeypatch.setattr(tiers.TieredStore, "remove", watched)
    offloaded(path, bucket)
    assert len(seen) == 2
    assert all(name in recorded for name, recorded in seen)


def test_other_bytes_under_the_name_of_a_segment_are_never_replaced(tmp_path: Path, bucket: Path) -> None:
    path = sealed_archive(tmp_path / "archive", None)
    first, second, _ = (file.name for file in segments_of(path))
    (bucket / first).write_bytes(b"somebody else's")

    moved = offloaded(path, bucket)

    assert [(one.name, one.here) for one in moved] == [(first, True), (second, False)]
    assert "other bytes under this name" in moved[0].problem
    assert (bucket / first).read_bytes() == b"somebody else's"
    assert (path / "segments" / first).exists()


def test_a_lost_index_is_made_again_from_the_store_alone(tmp_path: Path, away: Path, bucket: Path) -> None:
    shutil.rmtree(away / "segments")
    (away / "index.sqlite").unlink()
    report = checked(away, bucket, rebuild=True)
    assert report.clean
    assert report.rebuilt
    assert (report.segments, report.captures) == (2, 2)
    with opened(away, bucket, write=False) as archive:
        assert [hit.canonical_url for hit in archive.search('"Nr. 1"')] == [link_of("page-1").canonical_url]
    assert checked(away, bucket).clean
    assert not [name for name in names(away / "cache") if "~" not in name]  # whole copies are gone


@pytest.mark.parametrize("limit", [0, 10**9])
def test_a_rebuild_and_its_verification_copy_a_segment_once_where_there_is_room(
    away: Path, bucket: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    downloaded: list[str] = []
    most = 0
    download = ObjectStore.download

    def counted(self: ObjectStore, one: StoredObject, write: Callable[[bytes], object]) -> str:
        nonlocal most
        downloaded.append(one.name)
        most = max(most, sum("~" not in name for name in names(away / "cache")))
        return download(self, one, write)

    monkeypatch.setattr(ObjectStore, "download", counted)
    assert verify(away, options=options(bucket, cache=limit), rebuild=True, now=clock(later(9))).clean
    assert sorted(downloaded) == sorted(names(bucket) * (1 if limit else 2))
    assert most <= (2 if limit else 1)  # with the one that is being written
    assert not [name for name in names(away / "cache") if "~" not in name]


def test_in_an_empty_folder_a_writer_makes_the_index_of_what_the_store_holds(
    tmp_path: Path, away: Path, bucket: Path
) -> None:
    fresh = tmp_path / "fresh"
    assert holds_archive(fresh, bucket.as_uri())
    with opened(
        fresh, bucket, write=False
    ) as archive:  # a reader asks no store, such as `check` in CI without its keys
        assert archive.histories() == {}
    with opened(fresh, bucket, days=3) as archive:
        assert archive.notices[0].endswith("is missing: made anew from the segments")
        assert len(archive.histories()) == 2
        assert archive.archive_id
    assert checked(fresh, bucket).clean


def test_an_index_from_before_the_move_finds_the_segments_in_the_store(tmp_path: Path, bucket: Path) -> None:
    path = sealed_archive(tmp_path / "archive", bucket, segments=1)
    shutil.copy(path / "index.sqlite", tmp_path / "old.sqlite")  # its second segment is open
    with opened(path, bucket, days=2) as archive:
        archive.record([check_of("more", at=later(2))])
        assert len(list(archive.offload())) == 2
    shutil.copy(tmp_path / "old.sqlite", path / "index.sqlite")
    (path / "index.sqlite-wal").unlink(missing_ok=True)

    with opened(path, bucket, days=3) as archive:
        assert not any("missing" in notice for notice in archive.notices)
        assert {history.canonical_url for history in archive.histories().values()} == {
            link_of(name).canonical_url for name in ("page-0", "page-1", "more")
        }
        archive.record([check_of("last", at=later(3))])
    assert checked(path, bucket).clean


def test_a_flipped_byte_in_the_store_is_found_and_named(away: Path, bucket: Path) -> None:
    name = names(bucket)[0]
    whole = bytearray((bucket / name).read_bytes())
    whole[len(whole) // 2] ^= 1
    (bucket / name).write_bytes(whole)
    report = checked(away, bucket)
    assert not report.clean
    assert any(one.where.startswith(f"{name} at byte") for one in report.damage)


def test_a_segment_that_was_replaced_by_a_whole_other_one_is_named(away: Path, bucket: Path) -> None:
    """Every record of it is whole, so only the checksum of the upload tells."""
    first, second = names(bucket)
    shutil.copy(bucket / second, bucket / first)
    assert any(one.where == first for one in checked(away, bucket).damage)


def test_the_stores_word_is_taken_where_that_is_asked_for(
    away: Path, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(ObjectStore, "range", lambda *_: pytest.fail("nothing is to be fetched"))
        report = checked(away, bucket, trust_store=True)
    assert report.clean
    assert f"2 segments at {bucket.as_uri()}: compared by size and ETag, not read" in report.notices
    with (bucket / names(bucket)[0]).open("ab") as file:
        file.write(b"more")
    assert [one.where for one in checked(away, bucket, trust_store=True).damage] == [names(bucket)[0]]


def test_a_segment_that_is_gone_from_the_store_is_named_at_each_opening_and_its_rows_stay(
    away: Path, bucket: Path
) -> None:
    name = names(bucket)[0]
    (bucket / name).rename(bucket.parent / "aside")
    with opened(away, bucket, days=2) as archive:
        assert archive.notices == (f"{name}: is missing at {bucket.as_uri()}: put it back from a backup",)
        with pytest.raises(ArchiveDamaged, match="put it back from a backup"):
            archive.body(1)
    assert [one.where for one in checked(away, bucket).damage] == [name]
    (bucket.parent / "aside").rename(bucket / name)
    assert checked(away, bucket).clean


def test_what_is_gone_from_the_store_is_given_up_only_with_yes_and_then_named_no_more(away: Path, bucket: Path) -> None:
    (bucket / names(bucket)[0]).unlink()
    assert not checked(away, bucket, repair=True).clean
    with opened(away, bucket, write=False) as archive:
        assert len(list(archive.captures())) == 3
    checked(away, bucket, repair=True, yes=True)
    assert checked(away, bucket).clean
    with opened(away, bucket, days=2) as archive:
        assert archive.notices == ()
        assert len(list(archive.captures())) == 2


def test_a_store_in_which_nothing_of_it_lies_is_not_believed_to_be_its_store(
    tmp_path: Path, away: Path, bucket: Path
) -> None:
    typo = tmp_path / "bukcet"
    typo.mkdir()
    with pytest.raises(
        StoreRefused, match=r"none of 2 sealed segments lies at .*bukcet: moved to .*bucket before; set"
    ):
        checked(away, typo, repair=True, yes=True)
    with opened(away, typo, days=2) as archive:
        assert len(archive.notices) == 1
        assert "moved to" in archive.notices[0]
    for file in bucket.iterdir():  # moved on purpose
        file.rename(typo / file.name)
    assert checked(away, typo).clean


def test_a_copy_that_is_lost_from_the_store_is_named_and_made_again(tmp_path: Path, bucket: Path) -> None:
    path = sealed_archive(tmp_path / "archive", bucket)
    offloaded(path, bucket, keep_local=True)
    name = names(bucket)[0]
    (bucket / name).unlink()
    report = checked(path, bucket)
    assert report.clean
    assert any(notice.startswith(f"{name} is here, but its copy at") for notice in report.notices)
    assert [one.name for one in offloaded(path, bucket, keep_local=True)] == [name]
    assert names(bucket)[0] == name


def test_a_segment_that_is_moved_in_the_middle_of_a_read_is_read(
    tmp_path: Path, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sealed_archive(tmp_path / "archive", bucket)
    read = LocalStore.read

    def late(self: LocalStore, name: str, offset: int, length: int) -> bytes:
        monkeypatch.undo()
        offloaded(path, bucket)
        return read(self, name, offset, length)

    with opened(path, bucket, write=False) as archive:
        monkeypatch.setattr(LocalStore, "read", late)
        assert archive.text(1).endswith("Nr. 0")


def test_segments_copied_home_are_read_without_a_store(away: Path, bucket: Path) -> None:
    for file in bucket.iterdir():
        shutil.copy(file, away / "segments")
    with opened(away, None, days=2) as archive:
        assert archive.text(1).endswith("Nr. 0")
    assert checked(away, None).clean


def test_without_its_store_an_archive_names_it(away: Path, bucket: Path) -> None:
    with opened(away, None, write=False) as archive:
        assert len(archive.histories()) == 3
        with pytest.raises(StoreRefused, match=rf"lie at {bucket.as_uri()}: set \[archive\] store"):
            archive.body(1)
    with pytest.raises(StoreRefused, match="set \\[archive\\] store"):
        checked(away, None)
    assert checked(away, bucket).clean


def test_a_rebuild_without_the_store_keeps_what_the_old_index_knew_of_it(away: Path, bucket: Path) -> None:
    with pytest.raises(StoreRefused):
        checked(away, None, rebuild=True)
    assert checked(away, bucket).clean
    with opened(away, bucket, write=False) as archive:
        assert archive.text(1).endswith("Nr. 0")


def test_foreign_objects_are_named_and_left_alone(away: Path, bucket: Path) -> None:
    (bucket / "deep").mkdir()
    (bucket / "deep" / "20260101000000-0001.warc.zst").write_bytes(b"x")
    (bucket / "holiday.jpg").write_bytes(b"x")
    with opened(away, bucket, days=2) as archive:
        assert archive.notices == ()
    report = checked(away, bucket)
    assert report.clean
    (line,) = (notice for notice in report.notices if "no name of a segment" in notice)
    assert "2 objects" in line
    assert "holiday.jpg" in line


def test_an_object_that_holds_no_record_is_looked_at_once(away: Path, bucket: Path) -> None:
    (bucket / "junk.warc.zst").write_bytes(b"no frame at all")
    with opened(away, bucket, days=2) as archive:
        assert archive.notices == ("junk.warc.zst in the object store holds no whole record: it is left alone",)
    with opened(away, bucket, days=2) as archive:
        assert archive.notices == ()
    assert (bucket / "junk.warc.zst").exists()


def test_an_object_that_goes_before_anybody_has_read_it_is_forgotten(
    away: Path, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(bucket / names(bucket)[0], bucket / "20300101000000-0099.warc.zst")
    with monkeypatch.context() as patched:
        patched.setattr(ObjectStore, "download", lambda *_: (_ for _ in ()).throw(StoreError("silent")))
        with opened(away, bucket, days=2) as archive:
            assert "cannot be taken in now: silent" in archive.notices[0]
    (bucket / "20300101000000-0099.warc.zst").unlink()
    with opened(away, bucket, days=2) as archive:
        assert archive.notices == ()


@pytest.fixture
def silent_store(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A store that answers nothing; the list tells what it was asked."""
    asked: list[str] = []

    def silent(self: ObjectStore, *arguments: object, **_: object) -> None:
        asked.append(str(arguments))
        raise StoreError(f"{self.url} does not answer in time")

    for method in ("listing", "range", "find"):
        monkeypatch.setattr(ObjectStore, method, silent)
    return asked


def test_a_store_that_does_not_answer_stops_no_recording(away: Path, bucket: Path, silent_store: list[str]) -> None:
    with opened(away, bucket, days=3) as archive:
        assert len(archive.notices) == 1
        assert "does not answer in time" in archive.notices[0]
        archive.record([check_of("page-0", "quite another text", at=later(3), run="run-3")])
        assert [hit.canonical_url for hit in archive.search("quite")] == [link_of("page-0").canonical_url]
        with pytest.raises(StoreError):
            archive.text(1)
        with pytest.raises(StoreError):
            list(archive.offload())
    assert len(segments_of(away)) == 2  # that of day 2, sealed now, and the open one


def test_texts_that_a_store_does_not_give_now_end_no_run_that_defers_their_terms(
    away: Path, bucket: Path, monkeypatch: pytest.MonkeyPatch, silent_store: list[str]
) -> None:
    """An index of another version, which is filled anew while the store is silent; the page is as it was."""
    with closing(sqlite3.connect(away / "index.sqlite")) as db, db:
        db.execute("DELETE FROM derived WHERE name = ?", (documents.STAMP,))
    same = random.Random(0).randbytes(300_000)
    with opened(away, bucket, days=3) as archive, archive.deferring_terms() as terms:
        archive.record([check_of("page-0", f"{TEXT} Nr. 0", body=same, at=later(3), run="run-3")])
        archive.record([check_of("page-9", f"{TEXT} Nr. 9", at=later(3), run="run-3")])
        make_terms(terms)
        assert [hit.canonical_url for hit in archive.search('"Nr. 9"')] == [link_of("page-9").canonical_url]
    monkeypatch.undo()
    with opened(away, bucket, days=4) as archive:
        archive.record([check_of("page-8", "another text", at=later(4), run="run-4")])
        assert [hit.canonical_url for hit in archive.search('"Nr. 0"')] == [link_of("page-0").canonical_url]


def test_a_store_that_does_not_answer_leaves_the_index_alone_in_a_rebuild(
    away: Path, bucket: Path, silent_store: list[str]
) -> None:
    before = (away / "index.sqlite").read_bytes()
    with pytest.raises(StoreError):
        checked(away, bucket, rebuild=True)
    assert (away / "index.sqlite").read_bytes() == before


def test_what_was_moved_before_the_store_failed_is_done(
    tmp_path: Path, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sealed_archive(tmp_path / "archive", bucket)
    upload = ObjectStore.upload
    done: list[str] = []

    def once(self: ObjectStore, name: str, *rest: object) -> object:
        if done:
            raise StoreError("the store does not answer in time")
        done.append(name)
        return upload(self, name, *rest)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(ObjectStore, "upload", once)
    with opened(path, bucket, days=2) as archive:
        moving = archive.offload()
        assert next(moving).name == done[0]
        with pytest.raises(StoreError):
            next(moving)
    assert names(bucket) == done
    assert done[0] not in [file.name for file in segments_of(path)]


def test_only_readers_that_look_outside_of_the_folder_need_the_library(
    away: Path, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: str) -> None:
        raise ConfigError("[archive] store needs obstore: pip install 'linkhealth-crawler[s3]'")

    monkeypatch.setattr(objects, "_connected", missing)
    with opened(away, bucket, write=False) as archive:
        assert len(archive.histories()) == 3
        assert archive.text(3).endswith("Nr. 2")
        with pytest.raises(ConfigError, match="pip install"):
            archive.text(1)
    with pytest.raises(ConfigError, match="pip install"):
        opened(away, bucket)


def test_damaged_cached_blocks_are_fetched_again_and_the_cache_may_be_deleted(away: Path, bucket: Path) -> None:
    def read() -> bytes | None:
        with opened(away, bucket, write=False) as archive:
            return archive.body(1)

    body = read()
    blocks = list((away / "cache").iterdir())
    assert blocks
    for block in blocks:
        content = bytearray(block.read_bytes())
        content[-1] ^= 1
        block.write_bytes(content)
    assert read() == body
    shutil.rmtree(away / "cache")
    assert read() == body
    shutil.rmtree(away / "cache")
    (away / "cache").symlink_to(bucket)
    assert read() == body
    assert names(bucket) == [name for name in names(bucket) if "~" not in name]


# The cache by itself


class Source:
    """An object of pseudo-random bytes that counts what is asked of it."""

    def __init__(self, size: int) -> None:
        self.data = random.Random(0).randbytes(size)
        self.one = StoredObject("a.warc.zst", size, "etag")
        self.asked: list[tuple[int, int]] = []

    def fetch(self, name: str, offset: int, length: int) -> bytes:
        assert name == self.one.name
        assert offset + length <= self.one.size
        self.asked.append((offset, length))
        return self.data[offset : offset + length]


def test_any_range_is_what_lies_there(tmp_path: Path) -> None:
    source = Source(5 * BLOCK + 17)
    blocks = BlockCache(tmp_path / "cache", 10**9)
    chance = random.Random(1)
    for _ in range(200):
        offset, length = chance.randrange(source.one.size + 10), chance.randrange(3 * BLOCK)
        assert blocks.read(source.one, offset, length, source.fetch) == source.data[offset : offset + length]
    assert len(source.asked) <= 6  # each block once


def test_reading_straight_on_asks_for_more_at_a_time(tmp_path: Path) -> None:
    source = Source(64 * BLOCK)
    blocks = BlockCache(tmp_path / "cache", 10**9)
    for at in range(0, source.one.size, BLOCK // 2):
        blocks.read(source.one, at, BLOCK // 2, source.fetch)
    assert len(source.asked) < 10
    assert max(length for _, length in source.asked) <= cache.MOST * BLOCK


def test_the_cache_keeps_its_bound_and_what_was_used_last(tmp_path: Path) -> None:
    source = Source(40 * BLOCK)
    blocks = BlockCache(tmp_path / "cache", 10 * BLOCK)
    for number in range(0, 40, 2):  # with gaps, so that none is fetched ahead
        blocks.read(source.one, number * BLOCK, 10, source.fetch)
        for file in (tmp_path / "cache").iterdir():  # file times may be coarse
            age = 40 - int(file.name.rpartition(".")[2])
            os.utime(file, (1e9 - age, 1e9 - age))
    kept = list((tmp_path / "cache").iterdir())
    assert sum(file.stat().st_size for file in kept) <= 10 * BLOCK
    source.asked.clear()
    BlockCache(tmp_path / "cache", 10 * BLOCK).read(source.one, 38 * BLOCK, 10, source.fetch)
    assert source.asked == []


def test_without_a_cache_all_is_read_all_the_same(tmp_path: Path) -> None:
    source = Source(3 * BLOCK)
    (tmp_path / "file").write_bytes(b"")
    for blocks in (
        BlockCache(tmp_path / "cache", 0),
        BlockCache(tmp_path / "file" / "cache", 10**9),
    ):
        assert blocks.read(source.one, 0, source.one.size, source.fetch) == source.data
    assert not (tmp_path / "cache").exists()


def test_other_bytes_under_one_name_do_not_share_blocks(tmp_path: Path) -> None:
    source = Source(BLOCK)
    blocks = BlockCache(tmp_path / "cache", 10**9)
    blocks.read(source.one, 0, 10, source.fetch)
    source.one, source.data = StoredObject("a.warc.zst", BLOCK, "other"), bytes(BLOCK)
    assert blocks.read(source.one, 0, 10, source.fetch) == bytes(10)


# The store by itself


def test_a_file_is_measured_as_s3_does_it(tmp_path: Path) -> None:
    """By the published rule: MD5 of one part, or of the parts' MD5s with their number behind."""
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    with file.open("rb") as stream:
        assert measured(stream).etag == "900150983cd24fb0d6963f7d28e17f72"  # RFC 1321, A.5
        assert measured(stream).digest.startswith("ba7816bf8f01cfea")  # FIPS 180-2, B.1
    file.write_bytes(bytes(objects.PART + 1))
    with file.open("rb") as stream:
        assert measured(stream).etag.endswith("-2")


@pytest.mark.parametrize(
    "url",
    ["bucket/prefix", "s3://", "ftp://host/x", "file://host/x", "s3://KEY:hunter2@bucket/x", "s3://b/x?secret=hunter2"],
)
def test_what_is_no_store_is_refused_at_once_and_no_secret_is_repeated(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match=r"^\[archive\] store") as refused:
        Archive.open(tmp_path, ArchiveSettings(store=url))
    assert "hunter2" not in str(refused.value)
    Archive.open(tmp_path, ArchiveSettings()).close()  # its lock is not held any more


def test_a_folder_that_is_not_there_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="no such bucket or folder"):
        ObjectStore((tmp_path / "unmounted").as_uri()).listing()
    assert not (tmp_path / "unmounted").exists()


def test_a_store_that_did_not_answer_is_left_alone_for_a_while(tmp_path: Path, bucket: Path) -> None:
    store = ObjectStore((tmp_path / "unmounted").as_uri())
    with pytest.raises(StoreRefused):
        store.listing()
    (tmp_path / "unmounted").mkdir()
    with pytest.raises(StoreRefused):
        store.find("a.warc.zst")


def test_an_older_index_opens_and_gets_its_table(tmp_path: Path, bucket: Path) -> None:
    path = sealed_archive(tmp_path / "archive", None)
    db = sqlite3.connect(path / "index.sqlite")
    db.executescript(DOWN_FROM_10 + "DROP TABLE objects; PRAGMA user_version = 8;")
    db.close()
    with opened(path, None, write=False) as archive:
        assert archive.text(1).endswith("Nr. 0")
    assert len(offloaded(path, bucket)) == 2
    assert checked(path, bucket).clean


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no folder without end here")
def test_a_folder_that_goes_on_for_ever_or_waits_for_ever_is_listed_at_once(tmp_path: Path) -> None:
    assert not ObjectStore("file:///proc").listing().segments  # its folders hold themselves
    os.mkfifo(tmp_path / "pipe.warc.zst")
    (tmp_path / "device.warc.zst").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "nowhere.warc.zst").symlink_to("nowhere")
    (tmp_path / "folder.warc.zst").mkdir()
    store = ObjectStore(tmp_path.as_uri())
    assert not store.listing().segments
    for name in ("pipe", "device"):
        with pytest.raises(StoreRefused, match="is a pipe, a device or a folder there"):
            store.find(f"{name}.warc.zst")


def test_a_question_ends_by_its_deadline(bucket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(objects, "_listed_folder", lambda *_: over.wait(30))
    monkeypatch.setattr(ObjectStore._ask, "__kwdefaults__", {"deadline": 0.05})
    try:
        with pytest.raises(StoreError, match="does not answer in time"):
            ObjectStore(bucket.as_uri()).listing()
    finally:
        over.set()

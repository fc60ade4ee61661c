"""Kills, full disks, torn files and old backups: what was acknowledged is there, and the archive opens clean."""

import errno
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from store_samples import TEXT, check_of, later, link_of, open_archive, rows, segments_of

from crawler.archive import disk, verify
from crawler.core.errors import ArchiveDamaged, ArchiveError, ArchiveFull
from crawler.core.model import State

KILLS = int(os.environ.get("CRAWLER_KILLS", "20"))  # `make torture` asks for 200
CODECS = pytest.mark.parametrize("codec", ["zst", "gz"])


def killed_writer(path: Path, codec: str, seed: int, after: float) -> list[tuple[int, str]]:
    """Acknowledged captures (number and text) of a writer that was killed `after` seconds of writing."""
    script = Path(__file__).with_name("crash_writer.py")
    command = [sys.executable, "-S", str(script), str(path), codec, str(seed)]
    # -S and the paths spelled out: a third of the start-up time
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(after)  # the one sleep of these tests: a kill at a random moment of real work
        writer.kill()
        lines = (first + writer.stdout.read()).split("\n")[:-1]  # a last line without end was not told whole
    return [(int(number), text) for number, _, text in (line.partition(" ") for line in lines)]


@pytest.mark.slow
@CODECS
def test_a_kill_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path, codec: str) -> None:
    generator = random.Random(codec)
    for seed in range(KILLS):
        folder = tmp_path / str(seed // 10)  # a fresh archive now and then, so that checking stays quick
        acknowledged = killed_writer(folder, codec, seed, generator.uniform(0, 0.08))
        assert acknowledged
        with open_archive(folder, codec=codec) as archive:
            for number, text in acknowledged:
                assert archive.text(number) == text
                body = archive.body(number)
                assert body is not None
                assert body.endswith(text.encode())
        report = verify(folder)
        assert report.clean, report.damage
        assert report.captures >= len(acknowledged)


def broken_after(writes: int, error: int, torn: bool) -> Callable[[int, bytes, int], None]:
    """A disk that fails at a write, perhaps with half of it done."""
    real, left = disk.write_all, writes

    def write(fd: int, data: bytes, offset: int) -> None:
        nonlocal left
        if left == 0:
            if torn:
                real(fd, data[: len(data) // 2], offset)
            raise OSError(error, os.strerror(error))
        left -= 1
        real(fd, data, offset)

    return write


@CODECS
@pytest.mark.parametrize("torn", [False, True])
def test_a_full_disk_is_told_and_loses_nothing(
    tmp_path: Path, codec: str, torn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_archive(tmp_path, codec=codec) as archive:
        archive.record([check_of("a")])
        with monkeypatch.context() as patched:
            patched.setattr(disk, "write_all", broken_after(0, errno.ENOSPC, torn))
            with pytest.raises(ArchiveFull, match="no space left"):
                archive.record([check_of("b"), check_of("c")])
        assert archive.history(link_of("b").canonical_url) is None
        (snapshot,) = archive.record([check_of("d")])  # room was made: the same archive goes on
        assert snapshot is not None
        assert snapshot.id == 2
    assert verify(tmp_path).clean
    with open_archive(tmp_path, codec=codec) as archive:
        assert (archive.text(1), archive.text(2)) == (TEXT, TEXT)


def test_a_disk_full_at_a_new_segments_header_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_archive(tmp_path) as archive:
        monkeypatch.setattr(disk, "write_all", broken_after(0, errno.EDQUOT, torn=True))
        with pytest.raises(ArchiveFull):
            archive.record([check_of("a")])
        monkeypatch.undo()
        assert segments_of(tmp_path) == []
        archive.record([check_of("a")])
    assert verify(tmp_path).clean


def test_a_full_index_takes_the_batch_back(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a")])
        (pages,) = archive._db.execute("PRAGMA page_count").fetchone()
        archive._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(ArchiveFull):
            archive.record([check_of(f"n{n}", text=f"{n} " * 5000) for n in range(20)])
        archive._db.execute("PRAGMA max_page_count = 1000000")
        archive.record([check_of("b")])
        assert len(archive.histories()) == 2
    assert verify(tmp_path).clean


def test_a_sync_that_fails_acknowledges_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with open_archive(tmp_path) as archive:
        archive.record([check_of("a")])
        monkeypatch.setattr(os, "fdatasync", broken)
        with pytest.raises(ArchiveError, match="Input/output error"):
            archive.record([check_of("b")])
        monkeypatch.undo()
        assert archive.history(link_of("b").canonical_url) is None
    assert verify(tmp_path).clean


@CODECS
def test_a_torn_tail_is_cut_at_opening(tmp_path: Path, codec: str) -> None:
    with open_archive(tmp_path, codec=codec) as archive:
        archive.record([check_of("a")])
    (segment,) = segments_of(tmp_path)
    whole = segment.read_bytes()
    for tail in (b"torn", whole[: len(whole) // 3], whole[:40]):
        segment.write_bytes(whole + tail)
        with open_archive(tmp_path, codec=codec) as archive:
            assert archive.text(1) == TEXT
        assert segment.read_bytes() == whole


@CODECS
def test_batches_that_the_index_never_heard_of_are_taken_in(tmp_path: Path, codec: str) -> None:
    """A kill between sync and commit, a power cut, or an index put back from an older backup."""
    with open_archive(tmp_path, codec=codec) as archive:
        archive.record([check_of("a")])
    backup = tmp_path / "backup.sqlite"
    shutil.copy(tmp_path / "index.sqlite", backup)
    with open_archive(tmp_path, codec=codec) as archive:
        archive.record([check_of("b"), check_of("a", text="新的", at=later(0.1))])
    with open_archive(tmp_path, codec=codec, at=later(1)) as archive:  # the next day: a segment without any row
        archive.record([check_of("c", at=later(1))])
        expected = archive.histories()
    backup.replace(tmp_path / "index.sqlite")

    with open_archive(tmp_path, codec=codec, at=later(1)) as archive:
        assert archive.histories() == expected
        assert [archive.text(n) for n in (1, 2, 3, 4)] == [TEXT, TEXT, "新的", TEXT]
        assert [hit.capture_id for hit in archive.search("新的")] == [3]
        (snapshot,) = archive.record([check_of("d")])
        assert snapshot is not None
        assert snapshot.id == 5
    assert verify(tmp_path).clean


def test_a_header_that_a_kill_left_is_put_aside(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a")])
    (segment,) = segments_of(tmp_path)
    stray = segment.with_name("20260102030406-0002.warc.zst")
    stray.write_bytes(segment.read_bytes()[:50])
    with open_archive(tmp_path) as archive:
        archive.record([check_of("b")])
    assert not stray.exists()
    assert verify(tmp_path).clean


def test_a_segment_shorter_than_known_is_refused_for_writing_and_mended_by_verify(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a")])
        archive.record([check_of("b", text="另一篇")])
    (segment,) = segments_of(tmp_path)
    segment.write_bytes(segment.read_bytes()[:-100])
    with pytest.raises(ArchiveDamaged, match="verify --repair"):
        open_archive(tmp_path)

    assert not verify(tmp_path).clean
    assert not verify(tmp_path, repair=True).clean
    assert verify(tmp_path).clean
    with open_archive(tmp_path) as archive:
        assert archive.text(1) == TEXT
        archive.record([check_of("c")])
    assert verify(tmp_path).clean


@CODECS
def test_damage_in_the_middle_is_found_and_hides_nothing_behind_it(tmp_path: Path, codec: str) -> None:
    with open_archive(tmp_path, codec=codec) as archive:
        for number in range(4):
            archive.record([check_of(f"n{number}", text=f"{number} {TEXT}")])
        archive.record([check_of("dead", state=State.DEAD, reason="not-found")])
    (segment,) = segments_of(tmp_path)
    ((at, length),) = rows(tmp_path, "SELECT response_at, response_len FROM captures WHERE id = 2")
    assert isinstance(at, int)
    assert isinstance(length, int)
    data = bytearray(segment.read_bytes())
    data[at : at + length] = bytes(length)
    segment.write_bytes(data)

    report = verify(tmp_path)
    assert [damage.where for damage in report.damage] == [f"{segment.name} at byte {at}", "captures row 2"]
    assert not any(damage.repaired for damage in report.damage)
    listed = verify(tmp_path, repair=True)
    assert [damage.where for damage in listed.damage if not damage.repaired] == ["captures row 2"]  # its bytes are lost
    assert [damage.where for damage in verify(tmp_path).damage] == ["captures row 2"]
    assert all(damage.repaired for damage in verify(tmp_path, repair=True, yes=True).damage)
    assert verify(tmp_path).clean
    with open_archive(tmp_path, codec=codec) as archive:
        assert [capture.id for capture in archive.captures()] == [1, 2, 3, 4, 5]
        assert archive.body(2) is None
        assert archive.text(2) == f"1 {TEXT}"  # what can be read of it stays
        assert archive.text(4) == f"3 {TEXT}"


def test_a_flipped_bit_anywhere_is_noticed(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a")])
    (segment,) = segments_of(tmp_path)
    whole = segment.read_bytes()
    with open_archive(tmp_path, write=False) as archive:
        known = (archive.body(1), archive.text(1))
    for at in range(0, len(whole), 37):
        segment.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        if verify(tmp_path).clean:  # a few bits of a zstd frame may be either: what comes out is the same
            with open_archive(tmp_path, write=False) as archive:
                assert (archive.body(1), archive.text(1)) == known, at


@CODECS
def test_the_index_is_made_again_from_the_segments(tmp_path: Path, codec: str) -> None:
    titled = check_of(link_of("a", titles=("我的标题",)), readable="<p>x</p>")
    with open_archive(tmp_path, codec=codec) as archive:
        archive.record([titled, check_of("b", text="图片")])
        archive.record([check_of("a", text="改过的", at=later(0.1)), check_of("b", text="图片", at=later(0.1))])
        archive.put_images(1, [("https://img.example/1.jpg", "image/jpeg", b"jpeg")])
        archive.put_slots([])
        wanted = told(tmp_path)
        remembered = archive.histories()
        found = [archive.search(query) for query in ("我的标题", "改过", "图", "语音")]
    for suffix in ("", "-wal", "-shm"):
        (tmp_path / f"index.sqlite{suffix}").unlink(missing_ok=True)

    assert not verify(tmp_path).clean
    report = verify(tmp_path, rebuild=True)

    assert report.clean, report.damage
    assert report.rebuilt
    assert told(tmp_path) == wanted
    with open_archive(tmp_path, codec=codec, write=False) as archive:
        assert archive.histories() == remembered
        assert [archive.search(query) for query in ("我的标题", "改过", "图", "语音")] == found
        assert archive.readable(1) == "<p>x</p>"
        assert archive.images(1)


def told(path: Path) -> list[list[tuple[object, ...]]]:
    """All rows that segments can bring back."""
    tables = ("links", "checks", "captures", "documents", "pictures", "images", "runs", "health")
    return [rows(path, f"SELECT * FROM {table} ORDER BY 1") for table in tables]


def test_a_damaged_index_is_named_and_rebuilt(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a")])
    (tmp_path / "index.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(ArchiveDamaged, match="verify --rebuild"):
        open_archive(tmp_path, write=False)
    assert not verify(tmp_path).clean
    assert verify(tmp_path, rebuild=True).clean
    assert (tmp_path / "index.sqlite.old").exists()


def test_a_missing_segment_is_damage_and_its_rows_go_with_a_repair(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a")])
    segments_of(tmp_path)[0].unlink()
    assert "is missing" in verify(tmp_path).damage[0].what
    assert not verify(tmp_path, repair=True).clean
    with open_archive(tmp_path) as archive:  # the loss is named, and nothing was given up
        assert any("is missing" in notice for notice in archive.notices)
        assert archive.snapshots(link_of("a").canonical_url)
    verify(tmp_path, repair=True, yes=True)
    assert verify(tmp_path).clean
    with open_archive(tmp_path) as archive:
        assert archive.histories()  # memory outlives the bytes
        archive.record([check_of("b")])


def test_records_that_no_row_points_at_are_harmless(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a"), check_of("b")])
        archive._db.execute("DELETE FROM captures WHERE id = 2")
    report = verify(tmp_path)
    assert report.clean
    assert report.orphans == 2  # response and text


def test_an_empty_or_missing_archive_is_clean(tmp_path: Path) -> None:
    assert verify(tmp_path / "none").clean
    with open_archive(tmp_path):
        pass
    assert verify(tmp_path).clean

"""Recovery: indexes gone and behind, bytes flipped, segments lost, put back and merged; nothing readable is lost."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from store_samples import NOW, TEXT, check_of, later, link_of, open_archive, rows, segments_of

from crawler.archive import Archive, verify
from crawler.archive.segments import SegmentReader
from crawler.archive.store import LocalStore
from crawler.core.errors import ArchiveDamaged, ArchiveError, ArchiveGone
from crawler.core.model import History, State

CODECS = pytest.mark.parametrize("codec", ["zst", "gz"])


def forget_index(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        (path / f"index.sqlite{suffix}").unlink(missing_ok=True)


def texts(path: Path) -> set[str]:
    """The text of every snapshot that can be read."""
    with open_archive(path, at=later(60), write=False) as archive:
        return {archive.text(capture.id) for capture in archive.captures()}


def filled(path: Path, days: int = 3, name: str = "n", codec: str = "zst") -> None:
    """A segment a day with one new link each, and one that changes daily."""
    for day in range(days):
        with open_archive(path, at=later(day), codec=codec) as archive:
            each = check_of(f"{name}{day}", text=f"{name} {day} {TEXT}", at=later(day), run=f"{name}-{day}")
            daily = check_of("daily", text=f"{name} daily {day}", at=later(day), run=f"{name}-{day}")
            archive.record([each, daily])


def all_of(name: str, days: int = 3) -> set[str]:
    return {f"{name} {day} {TEXT}" for day in range(days)} | {f"{name} daily {day}" for day in range(days)}


# The index is gone, empty, damaged or behind


@pytest.mark.parametrize("how", ["missing", "empty file", "empty database", "garbage"])
def test_readers_name_the_rebuild_and_writers_take_the_segments_in(tmp_path: Path, how: str) -> None:
    filled(tmp_path)
    forget_index(tmp_path)
    index = tmp_path / "index.sqlite"
    match how:
        case "empty file":
            index.touch()
        case "empty database":
            other = tmp_path / "other"
            with open_archive(other):
                pass
            shutil.copy(other / "index.sqlite", index)
            shutil.rmtree(other)
        case "garbage":
            index.write_bytes(b"garbage" * 1000)
    with pytest.raises(ArchiveDamaged, match="verify --rebuild") as raised:
        open_archive(tmp_path, write=False)
    assert raised.value.exit_code == 2
    assert verify(tmp_path).unusable
    with open_archive(tmp_path, at=later(3)) as archive:
        assert any("made anew" in notice for notice in archive.notices)
        assert len(archive.histories()) == 4
    assert texts(tmp_path) == all_of("n")
    assert verify(tmp_path).clean


def test_an_index_that_is_behind_is_no_damage_and_repair_takes_in_what_it_lacks(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a", text="甲")])
    backup = tmp_path / "backup"
    shutil.copy(tmp_path / "index.sqlite", backup)
    with open_archive(tmp_path) as archive:
        archive.record([check_of("b", text="乙")])
    backup.replace(tmp_path / "index.sqlite")
    (segment,) = segments_of(tmp_path)
    before = segment.read_bytes()

    report = verify(tmp_path)
    assert report.clean
    assert "not yet in the index" in report.notices[0]
    report = verify(tmp_path, repair=True)
    assert report.clean
    assert segment.read_bytes() == before
    assert texts(tmp_path) == {"甲", "乙"}


@CODECS
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_an_index_gone_and_a_byte_flipped_leave_both_sides_and_a_scar(tmp_path: Path, codec: str, share: float) -> None:
    with open_archive(tmp_path, codec=codec) as archive:
        for n in range(12):
            archive.record([check_of(f"n{n}", text=f"{n} {TEXT}", at=later(n / 100))])
    forget_index(tmp_path)
    (segment,) = segments_of(tmp_path)
    data = bytearray(segment.read_bytes())
    data[int(len(data) * share)] ^= 0x5A
    segment.write_bytes(data)
    with open_archive(tmp_path, codec=codec, at=later(1)) as archive:
        archive.record([check_of("after", text="after", at=later(1))])
        assert any(segment.name in notice for notice in archive.notices)  # the scar is named
    assert segment.read_bytes() == data
    assert len(texts(tmp_path)) >= 12  # of 13 one at most is lost
    assert verify(tmp_path).clean  # told of once


@CODECS
def test_pages_whose_journal_is_damaged_are_made_of_their_records(tmp_path: Path, codec: str) -> None:
    with open_archive(tmp_path, codec=codec) as archive:
        archive.record(
            [
                check_of("a", text="甲的文章", readable="<title>甲的标题</title><p>甲的文章</p>"),
                check_of("b", text="乙"),
            ]
        )
        archive.record([check_of("c", text="丙")])
    (segment,) = segments_of(tmp_path)
    store = LocalStore(tmp_path / "segments")
    reader = SegmentReader(store)
    ((end, length),) = rows(tmp_path, "SELECT max(text_at), text_len FROM captures WHERE id = 2")
    assert isinstance(end, int)
    assert isinstance(length, int)
    with store.view(segment.name) as view:
        journal = end + length
        data = bytearray(view)
    data[journal + 30] ^= 0xFF
    reader.close()
    store.close()
    segment.write_bytes(data)
    forget_index(tmp_path)

    report = verify(tmp_path, rebuild=True)
    assert any("from the records alone" in damage.what for damage in report.damage)
    assert texts(tmp_path) == {"甲的文章", "乙", "丙"}
    with open_archive(tmp_path, write=False) as archive:
        history = archive.history(link_of("a").canonical_url)
        assert history is not None
        assert (history.state, history.reason, history.page_title) == (State.UNKNOWN, "recovered", "甲的标题")
        assert history.next_due is None
        assert archive.search("甲的文章")
        fetched = archive.fetched(history.snapshot.id) if history.snapshot else None
        assert fetched is not None
        assert "甲的文章".encode() in fetched.body
    assert verify(tmp_path).clean


def test_a_rebuild_keeps_what_a_readable_old_index_knew_of_a_damaged_journal(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a", text="甲", state=State.ALIVE), check_of("b", text="乙")])
    with open_archive(tmp_path, write=False) as archive:
        before = (archive.histories(), archive.checks(link_of("a").canonical_url))
    (segment,) = segments_of(tmp_path)
    data = bytearray(segment.read_bytes())
    data[-40] ^= 0xFF  # in the journal, the last record
    segment.write_bytes(data)
    verify(tmp_path, rebuild=True)
    with open_archive(tmp_path, write=False) as archive:
        assert (archive.histories(), archive.checks(link_of("a").canonical_url)) == before
        assert (archive.text(1), archive.text(2)) == ("甲", "乙")


def test_a_rebuild_remembers_links_of_a_segment_that_is_lost(tmp_path: Path) -> None:
    filled(tmp_path)
    lost = segments_of(tmp_path)[0]
    aside = tmp_path / lost.name
    lost.rename(aside)
    report = verify(tmp_path, rebuild=True)
    assert [damage.where for damage in report.damage] == [lost.name]  # the loss is named
    with open_archive(tmp_path, at=later(3), write=False) as archive:
        assert len(archive.histories()) == 4
    aside.rename(lost)
    assert verify(tmp_path).clean
    assert texts(tmp_path) == all_of("n")


def test_a_damaged_page_of_the_index_is_told_as_such(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of(f"n{n}", text=f"{n} {TEXT}") for n in range(40)])
    index = tmp_path / "index.sqlite"
    data = bytearray(index.read_bytes())
    for page in range(2, len(data) // 4096):
        data[page * 4096 : page * 4096 + 200] = os.urandom(200)
    index.write_bytes(data)
    with pytest.raises(ArchiveDamaged, match=r"index\.sqlite.*verify --rebuild"):
        read_everything(tmp_path)
    assert not verify(tmp_path).clean
    verify(tmp_path, rebuild=True)
    assert len(texts(tmp_path)) == 40
    assert verify(tmp_path).clean


def read_everything(path: Path) -> None:
    with open_archive(path, write=False) as archive:
        archive.histories()
        archive.search("语音")
        list(archive.captures())


# Torn ends


@CODECS
def test_a_torn_batch_is_moved_aside_and_never_deleted(tmp_path: Path, codec: str) -> None:
    with open_archive(tmp_path, codec=codec) as archive:
        archive.record([check_of("a")])
    (segment,) = segments_of(tmp_path)
    whole = segment.read_bytes()
    segment.write_bytes(whole + whole[: len(whole) // 2])
    with open_archive(tmp_path, codec=codec) as archive:
        assert any("torn-at" in notice for notice in archive.notices)
    (aside,) = (tmp_path / "segments").glob(f"*.torn-at-{len(whole)}")
    assert aside.read_bytes() == whole[: len(whole) // 2]
    assert segment.read_bytes() == whole
    assert verify(tmp_path).clean


@CODECS
def test_whole_batches_behind_damage_behind_the_known_end_are_taken_in(tmp_path: Path, codec: str) -> None:
    with open_archive(tmp_path, codec=codec) as archive:
        archive.record([check_of("a", text="甲")])
    shutil.copy(tmp_path / "index.sqlite", tmp_path / "backup")
    with open_archive(tmp_path, codec=codec) as archive:
        archive.record([check_of("b", text="乙")])
        archive.record([check_of("c", text="丙")])
    ((at, length),) = rows(tmp_path, "SELECT response_at, response_len FROM captures WHERE id = 2")
    assert isinstance(at, int)
    assert isinstance(length, int)
    (tmp_path / "backup").replace(tmp_path / "index.sqlite")
    (segment,) = segments_of(tmp_path)
    data = bytearray(segment.read_bytes())
    data[at + 20 : at + length - 5] = bytes(length - 25)
    segment.write_bytes(data)
    with open_archive(tmp_path, codec=codec) as archive:
        archive.record([check_of("d", text="丁")])
    assert segment.read_bytes()[: len(data)] == data
    assert texts(tmp_path) == {"甲", "乙", "丙", "丁"}  # of 乙 only the raw bytes are lost
    assert verify(tmp_path).clean


# Segments that come and go


def test_a_lost_segment_that_is_put_back_is_whole_again(tmp_path: Path) -> None:
    filled(tmp_path)
    lost = segments_of(tmp_path)[1]
    aside = tmp_path / lost.name
    lost.rename(aside)
    with open_archive(tmp_path, at=later(3)) as archive:
        assert any(lost.name in notice and "missing" in notice for notice in archive.notices)
        archive.record([check_of("new", text="新", at=later(3))])
    assert not verify(tmp_path, repair=True).clean  # lists the loss, gives nothing up
    aside.rename(lost)
    assert verify(tmp_path).clean
    assert texts(tmp_path) == all_of("n") | {"新"}


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("meanwhile", ["repaired", "index lost"])
def test_a_segment_put_back_after_it_was_given_up_comes_in_whole(tmp_path: Path, which: int, meanwhile: str) -> None:
    filled(tmp_path)
    lost = segments_of(tmp_path)[which]
    aside = tmp_path / lost.name
    lost.rename(aside)
    if meanwhile == "repaired":
        assert not verify(tmp_path, repair=True, yes=True).clean
    else:
        forget_index(tmp_path)
    with open_archive(tmp_path, at=later(10)) as archive:
        archive.record(
            [check_of("daily", text="daily 10", at=later(10), run="r10"), check_of("x", text="x", at=later(10))]
        )
    aside.rename(lost)
    with open_archive(tmp_path, at=later(11)) as archive:
        history = archive.history(link_of("daily").canonical_url)
        assert history is not None
        assert history.checked_at == later(10)  # the newer memory stays
        assert history.first_seen <= later(10)
        assert archive.text(history.snapshot.id if history.snapshot else 0) == "daily 10"
        assert [hit.captured_at for hit in archive.search("daily")] == [later(10)]
        assert len(archive.checks(link_of("daily").canonical_url)) == 4
    assert texts(tmp_path) == all_of("n") | {"daily 10", "x"}
    assert verify(tmp_path).clean
    forget_index(tmp_path)
    with open_archive(tmp_path, at=later(12)) as archive:
        again = archive.history(link_of("daily").canonical_url)
        assert again is not None
        assert (again.checked_at, again.state) == (later(10), State.ALIVE)
    assert texts(tmp_path) == all_of("n") | {"daily 10", "x"}


def merged(tmp_path: Path) -> Path:
    """Two archives, the second five days younger and with longer memory of one link, in one folder."""
    one, two = tmp_path / "one", tmp_path / "two"
    filled(one, name="one")
    for day in range(2):
        with open_archive(two, at=later(day + 5)) as archive:
            at = later(day + 5)
            archive.record(
                [
                    check_of(f"two{day}", text=f"two {day} {TEXT}", at=at),
                    check_of("daily", text=f"two daily {day}", at=at),
                ]
            )
            archive.put_images(1, [("https://img.example/two.jpg", "image/jpeg", b"two")])
    for segment in segments_of(two):
        shutil.copy(segment, one / "segments")
    return one


def test_two_archives_in_one_folder_lose_nothing_and_the_newer_memory_wins(tmp_path: Path) -> None:
    one = merged(tmp_path)
    assert verify(one).clean
    with open_archive(one, at=later(8)) as archive:
        history = archive.history(link_of("daily").canonical_url)
        assert history is not None
        assert history.checked_at == later(6)
        assert history.snapshot is not None
        assert archive.text(history.snapshot.id) == "two daily 1"
        ids = [capture.id for capture in archive.captures()]
        assert len(ids) == len(set(ids)) == 10
        (owner,) = [c for c in archive.captures() if archive.images(c.id) and c.canonical_url.endswith("two0")]
        assert [archive.image(image.digest) for image in archive.images(owner.id)] == [b"two"]
    both = all_of("one") | {f"two {day} {TEXT}" for day in range(2)} | {f"two daily {day}" for day in range(2)}
    assert texts(one) == both
    assert verify(one).clean


def test_a_merged_archive_goes_on_and_survives_the_loss_of_its_index(tmp_path: Path) -> None:
    one = merged(tmp_path)
    with open_archive(one, at=later(8)) as archive:
        archive.record(
            [check_of("two0", text=f"two 0 {TEXT}", at=later(8)), check_of("late", text="late", at=later(8))]
        )
        known = archive.history(link_of("two0").canonical_url)
        assert known is not None
        assert known.snapshot is not None
        assert known.snapshot.revisit
    before = texts(one)
    forget_index(one)
    with open_archive(one, at=later(9)) as archive:
        again = archive.history(link_of("two0").canonical_url)
        assert again is not None
        assert again.checked_at == later(8)
        assert again.snapshot is not None
        assert archive.text(again.snapshot.id) == f"two 0 {TEXT}"
        daily = archive.history(link_of("daily").canonical_url)
        assert daily is not None
        assert daily.checked_at == later(6)
    assert texts(one) == before
    assert verify(one).clean


def test_the_same_segment_twice_counts_once(tmp_path: Path) -> None:
    filled(tmp_path, days=2)
    first = segments_of(tmp_path)[0]
    shutil.copy(first, first.with_name("20250101000000-0009.warc.zst"))
    with open_archive(tmp_path, at=later(2)) as archive:
        assert len(list(archive.captures())) == 4
        assert len(archive.checks(link_of("daily").canonical_url)) == 2
    assert verify(tmp_path).clean


@CODECS
@pytest.mark.parametrize("share", [0.1, 0.4, 0.8])
def test_a_partial_copy_that_is_completed_later_ends_right(tmp_path: Path, codec: str, share: float) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    with open_archive(source, codec=codec) as archive:
        for n in range(6):
            archive.record([check_of(f"n{n}", text=f"{n} {TEXT}")])
    (segment,) = segments_of(source)
    whole = segment.read_bytes()
    (copy / "segments").mkdir(parents=True)
    place = copy / "segments" / segment.name
    place.write_bytes(whole[: int(len(whole) * share)])
    with open_archive(copy, codec=codec) as archive:
        archive.record([check_of("own", text="own")])
    place.write_bytes(whole)
    with open_archive(copy, codec=codec) as archive:
        assert len(archive.histories()) == 7
    assert texts(copy) == {f"{n} {TEXT}" for n in range(6)} | {"own"}
    assert verify(copy).clean


@CODECS
def test_a_segment_without_its_head_is_read_as_far_as_it_can_be(tmp_path: Path, codec: str) -> None:
    filled(tmp_path, days=2, codec=codec)
    first = segments_of(tmp_path)[0]
    data = first.read_bytes()
    first.write_bytes(bytes(60) + data[60:])
    forget_index(tmp_path)
    with open_archive(tmp_path, at=later(3), codec=codec):
        pass
    assert texts(tmp_path) == all_of("n", 2)
    assert first.exists()


# Clocks


def test_memory_is_ordered_by_sequence_when_a_night_ran_in_2036(tmp_path: Path) -> None:
    for days, text in ((0, "先"), (3650, "未来"), (1, "后")):
        with open_archive(tmp_path, at=later(days)) as archive:
            archive.record([check_of("a", text=text, at=later(days))])
    for _ in range(2):  # as it was written, and made again
        with open_archive(tmp_path, at=later(1), write=False) as archive:
            history = archive.history(link_of("a").canonical_url)
            assert history is not None
            assert history.checked_at == later(1)
            snapshots = archive.snapshots(link_of("a").canonical_url)
            assert [archive.text(snapshot.id) for snapshot in snapshots] == ["未来", "先", "后"]
            assert archive.checks(link_of("a").canonical_url)[0].at == later(1)
            assert [hit.captured_at for hit in archive.search("后")] == [later(1)]
        forget_index(tmp_path)
        verify(tmp_path, rebuild=True, now=lambda: later(1))


# Hostile and vanishing files


@pytest.mark.parametrize("name", ["lock", "index.sqlite", "index.sqlite-wal"])
@pytest.mark.parametrize("link", ["symbolic", "hard"])
def test_files_of_an_archive_that_lead_elsewhere_are_refused(tmp_path: Path, name: str, link: str) -> None:
    precious = tmp_path / "precious"
    precious.write_text("do not lose me")
    folder = tmp_path / "archive"
    with open_archive(folder) as archive:
        archive.record([check_of("a")])
    (folder / name).unlink(missing_ok=True)
    if link == "symbolic":
        (folder / name).symlink_to(precious)
    elif name == "lock":
        (folder / name).hardlink_to(precious)
    else:
        return
    with pytest.raises(ArchiveError):
        open_archive(folder)
    with pytest.raises(ArchiveError):
        verify(folder, repair=True)
    assert precious.read_text() == "do not lose me"


def test_a_segment_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    with open_archive(tmp_path / "archive") as archive:
        archive.record([check_of("a")])
    (segment,) = segments_of(tmp_path / "archive")
    elsewhere = tmp_path / "elsewhere"
    segment.rename(elsewhere)
    segment.symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    with pytest.raises(ArchiveDamaged):
        open_archive(tmp_path / "archive")
    assert elsewhere.read_bytes() == before


@pytest.mark.parametrize("what", ["folder", "segments", "index.sqlite"])
def test_what_vanishes_in_mid_run_ends_it_with_3(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "archive"
    archive = open_archive(folder)
    archive.record([check_of("a")])
    gone = folder if what == "folder" else folder / what
    gone.rename(tmp_path / "elsewhere")
    with pytest.raises(ArchiveGone) as raised:
        archive.record([check_of("b")])
    assert raised.value.exit_code == 3
    archive.close()


def test_new_files_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with open_archive(tmp_path / "archive") as archive:
            archive.record([check_of("a")])
    finally:
        os.umask(before)
    (segment,) = segments_of(tmp_path / "archive")
    assert segment.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "archive" / "lock").stat().st_mode & 0o777 == 0o640


def test_numbers_of_captures_are_never_given_twice(tmp_path: Path) -> None:
    filled(tmp_path, days=1)
    segments_of(tmp_path)[0].unlink()
    verify(tmp_path, repair=True, yes=True)
    with open_archive(tmp_path, at=later(1)) as archive:
        (snapshot,) = archive.record([check_of("new", at=later(1))])
        assert snapshot is not None
        assert snapshot.id == 3


def test_an_archive_of_an_older_version_takes_its_segments_as_its_own(tmp_path: Path) -> None:
    filled(tmp_path, days=2)
    db = sqlite3.connect(tmp_path / "index.sqlite")
    db.execute("UPDATE segments SET lineage = ''")
    db.execute("UPDATE links SET segment = 0, place = 0")
    db.execute("DELETE FROM facts")
    db.commit()
    db.close()
    with open_archive(tmp_path, at=later(5)) as archive:
        archive.put_histories([History(link_of("daily").canonical_url, NOW, checked_at=later(1), reason="rejudged")])
    with Archive.open(tmp_path, write=False) as archive:
        history = archive.history(link_of("daily").canonical_url)
        assert history is not None
        assert history.reason == "rejudged"
    assert verify(tmp_path).clean

"""An archive from outside: what goes in comes out, and what is acknowledged stays."""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from store_samples import (
    NOW,
    TEXT,
    check_of,
    clock,
    digest,
    failed_check,
    later,
    link_of,
    open_archive,
    rows,
    segments_of,
)

from crawler.archive import Archive, NoteEntry, StoredImage
from crawler.core.errors import ArchiveBusy, ArchiveDamaged, ArchiveError
from crawler.core.model import Evidence, Failure, History, Kind, Occurrence, Redirect, State
from crawler.core.results import Run
from crawler.core.slots import SlotState

CODECS = pytest.mark.parametrize("codec", ["zst", "gz"])


@CODECS
def test_a_page_comes_back_as_it_was_kept(tmp_path: Path, codec: str) -> None:
    check = check_of("a", author="某人", readable="<p>读</p>", headers=(("ETag", '"1"'), ("Content-Encoding", "br")))
    with open_archive(tmp_path, codec=codec) as archive:
        (snapshot,) = archive.record([check])
    assert snapshot is not None

    with open_archive(tmp_path, write=False) as archive:
        capture = archive.snapshot(snapshot.id)
        assert capture is not None
        assert (capture.title, capture.author, capture.status) == ("标题", "某人", 200)
        assert (capture.at, capture.digest, capture.raw) == (NOW, check.page.digest, True)
        assert archive.text(snapshot.id) == TEXT
        assert archive.readable(snapshot.id) == "<p>读</p>"
        assert archive.body(snapshot.id) == check.fetch.body
        fetched = archive.fetched(snapshot.id)
        assert fetched is not None
        assert (fetched.status, fetched.body, fetched.started_at) == (200, check.fetch.body, NOW)
        assert fetched.header("etag") == '"1"'
        assert fetched.header("content-encoding") == "br"


def test_memory_carries_the_snapshot_that_the_check_brought(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        (snapshot,) = archive.record([check_of("a")])
        history = archive.history(link_of("a").canonical_url)
        assert history is not None
        assert history.snapshot == snapshot
        assert archive.histories() == {history.canonical_url: history}


def test_histories_come_back_equal_in_every_field(tmp_path: Path) -> None:
    history = History(
        canonical_url="https://example.org/",
        first_seen=NOW,
        url="https://example.org/#x",
        state=State.DEAD,
        reason="not-found",
        evidence=Evidence("r", "m", 404),
        checked_at=later(1),
        last_alive=NOW,
        failures=2,
        next_due=later(30),
        interval=86400.5,
        page_title="题",
        title_match=0.5,
        moved_to="https://example.org/b",
        etag='"e"',
        honours_validators=True,
        previous_state=State.ALIVE,
        changed_at=NOW,
    )
    with open_archive(tmp_path) as archive:
        archive.put_histories([history], {history.canonical_url: link_of("x", "example.org", "other")})
    with open_archive(tmp_path, write=False) as archive:
        assert archive.histories() == {history.canonical_url: history}


def test_every_check_is_remembered_newest_first(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a"), check_of("a", at=later(1), state=State.BLOCKED, remembered=State.ALIVE)])
        archive.record([failed_check("a", Failure.DNS, later(2))])
        checks = archive.checks(link_of("a").canonical_url)
        assert [check.at for check in checks] == [later(2), later(1), NOW]
        assert [check.verdict for check in checks] == [State.SUSPECT, State.BLOCKED, State.ALIVE]
        assert checks[1].state is State.ALIVE
        assert (checks[0].status, checks[0].error) == (None, "dns-failure")
        assert checks[2].run_id == "run-1"
        assert len(archive.checks(link_of("a").canonical_url, limit=1)) == 1
        assert archive.checks("https://nobody.example/") == []


def test_unchanged_text_adds_a_row_and_no_record(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a", readable="<p>x</p>")])
        (again,) = archive.record([check_of("a", body=b"<html>another nonce</html>", at=later(1))])
        assert again is not None
        assert again.revisit
        assert [s.revisit for s in archive.snapshots(link_of("a").canonical_url)] == [False, True]
        assert archive.text(again.id) == TEXT
        assert archive.readable(again.id) == "<p>x</p>"
        assert archive.body(again.id) == check_of("a").fetch.body
    assert rows(tmp_path, "SELECT count(*) FROM captures WHERE response_at IS NOT NULL") == [(1,)]


def test_with_keep_raw_all_each_body_comes_back_and_equal_ones_are_stored_once(tmp_path: Path) -> None:
    bodies = [b"<html>one</html>", b"<html>two</html>", b"<html>two</html>", b"<html>one</html>"]
    with open_archive(tmp_path, keep_raw="all") as archive:
        for day, body in enumerate(bodies):
            archive.record([check_of("a", body=body, at=later(day / 10))])
        assert [archive.body(s.id) for s in archive.snapshots(link_of("a").canonical_url)] == bodies
    assert rows(tmp_path, "SELECT count(*) FROM captures WHERE response_at IS NOT NULL") == [(2,)]


def test_without_raw_text_is_kept_and_bytes_are_not(tmp_path: Path) -> None:
    with open_archive(tmp_path, keep_raw="none") as archive:
        (snapshot,) = archive.record([check_of("a")])
        assert snapshot is not None
        assert archive.text(snapshot.id) == TEXT
        assert archive.body(snapshot.id) is None
        assert archive.fetched(snapshot.id) is None


def test_a_notice_of_death_is_kept_but_is_no_snapshot(tmp_path: Path) -> None:
    notice = check_of("a", text="已被发布者删除", state=State.DEAD, reason="deleted-by-author", at=later(1))
    with open_archive(tmp_path) as archive:
        (article,) = archive.record([check_of("a")])
        assert archive.record([notice]) == [None]
        assert [s.id for s in archive.snapshots(notice.link.canonical_url)] == [article.id if article else 0]
        assert [c.notice for c in archive.captures()] == [False, True]
        assert archive.body(2) == notice.fetch.body
        assert archive.search("删除") == []


def test_what_nobody_knows_does_not_displace_an_article_seen_alive(tmp_path: Path) -> None:
    shell = check_of("a", text="请稍候", state=State.UNKNOWN, reason="unrecognised", at=later(1))
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a")])
        assert archive.record([shell]) == [None]
        assert archive.body(2) == shell.fetch.body
        assert [hit.capture_id for hit in archive.search("语音识别")] == [1]
        assert archive.search("请稍候") == []


def test_two_looks_at_one_link_in_one_call_see_each_other(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        first, second = archive.record([check_of("a"), check_of("a", at=later(1))])
        assert first is not None
        assert second is not None
        assert (first.revisit, second.revisit) == (False, True)


def test_secrets_of_sharers_and_cookies_are_nowhere_in_the_index(tmp_path: Path) -> None:
    with open_archive(tmp_path, codec="gz") as archive:
        archive.record(
            [check_of("a", headers=(("Set-Cookie", "x=SECRET-SET"), ("Location", "/?pass_ticket=SECRET-P")))]
        )
        capture = archive.snapshot(1)
        assert capture is not None
        assert capture.url.endswith("key=REDACTED")
        assert capture.redirects == (Redirect(302, "https://mp.weixin.qq.com/first?key=REDACTED"),)
    assert b"SECRET" not in (tmp_path / "index.sqlite").read_bytes()


def test_notes_are_remembered_and_forgotten(tmp_path: Path) -> None:
    occurrence = Occurrence("a.md", 1, 2, "https://x.org/", "https://x.org/", Kind.INLINE, "题", 3, 9)
    entries = [NoteEntry("a.md", 10, 123456789, "utf-8", (occurrence,)), NoteEntry("b.md", 1, 2, "gb18030", ())]
    with open_archive(tmp_path) as archive:
        archive.put_notes(entries)
        archive.put_notes([], forget=["b.md", "never.md"])
        assert archive.notes() == {"a.md": entries[0]}


def test_what_was_derived_is_remembered_until_its_stamp_changes(tmp_path: Path) -> None:
    first, second = Redirect(301, "https://a.example/"), Redirect(302, "https://b.example/")
    with open_archive(tmp_path) as archive:
        archive.put_derived("hops", "1", {"a": first})
        archive.put_derived("others", "1", {"a": second})
        archive.put_derived("hops", "1", {"b": second})
        assert archive.derived("hops", "1", Redirect) == [first, second]
        assert archive.derived("hops", "2", Redirect) == []
        archive.put_derived("hops", "2", {"b": second})
        assert archive.derived("hops", "1", Redirect) == []
        assert archive.derived("others", "1", Redirect) == [second]


def test_slots_are_remembered(tmp_path: Path) -> None:
    state = SlotState("weixin", NOW, later(1), 2.0, 7, "2026-01-02")
    with open_archive(tmp_path) as archive:
        archive.put_slots([SlotState("weixin"), SlotState("a.example")])
        archive.put_slots([state])
        assert archive.slots() == [SlotState("a.example"), state]


def test_runs_leave_their_summary_and_health(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.begin_run(Run("run-1", "run", NOW))
        archive.record([check_of("a"), check_of("b"), check_of("c", state=State.DEAD, reason="not-found", status=404)])
        archive.end_run(Run("run-1", "run", NOW, later(0.1)))
        archive.begin_run(Run("run-2", "run", later(1)))
        archive.record(
            [
                check_of("a", at=later(1), run="run-2", state=State.DEAD, reason="deleted-by-author"),
                check_of("b", at=later(1), run="run-2", title="新标题", text="另一篇"),
                check_of("c", at=later(1), run="run-2"),
            ]
        )
        archive.end_run(Run("run-2", "run", later(1), later(1.1)))

        assert [run.id for run in archive.runs()] == ["run-2", "run-1"]
        assert [dict(point.counts) for point in archive.health()] == [{State.ALIVE: 2, State.DEAD: 1}] * 2
        assert archive.health("zhihu") == []


def test_equal_pictures_are_stored_once(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a"), check_of("b")])
        archive.put_image(1, "https://img.example/1.jpg", "image/jpeg", b"jpeg")
        picture_2 = ("https://img.example/2.jpg", "image/jpeg", b"jpeg")
        archive.put_images(2, [picture_2, ("https://img.example/3.jpg", "image/png", b"png"), picture_2])
        assert [image.url[-5:] for image in archive.images(2)] == ["2.jpg", "3.jpg"]
        picture = StoredImage("https://img.example/2.jpg", "image/jpeg", digest(b"jpeg"), 4)
        assert archive.images(2)[0] == picture
        assert archive.image(picture.digest) == b"jpeg"
        assert archive.image("sha256:" + "0" * 64) is None
    assert rows(tmp_path, "SELECT count(*) FROM pictures") == [(2,)]


def test_a_missing_folder_read_is_an_empty_archive_and_stays_missing(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "none", write=False) as archive:
        assert archive.histories() == {}
        assert archive.search("x") == []
        assert archive.notes() == {}
        with pytest.raises(ArchiveError, match="reading only"):
            archive.record([check_of("a")])
    assert not (tmp_path / "none").exists()


def test_a_second_writer_is_told_who_holds_the_archive(tmp_path: Path) -> None:
    with (
        open_archive(tmp_path),
        pytest.raises(ArchiveBusy, match=r"process \d+ on .* \(run, since 2026-01-02T03:04:05.678901\+00:00\)"),
    ):
        open_archive(tmp_path)
    with open_archive(tmp_path):
        pass  # the lock went with its holder


def test_a_reader_sees_what_was_acknowledged_while_a_writer_works(tmp_path: Path) -> None:
    with open_archive(tmp_path) as writer:
        writer.record([check_of("a")])
        with open_archive(tmp_path, write=False) as reader:
            assert len(reader.histories()) == 1
            writer.record([check_of("b")])
            assert len(reader.histories()) == 2
            assert reader.text(2) == TEXT


def test_a_file_in_place_of_the_folder_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for write in (True, False):
        with pytest.raises(ArchiveError, match="file"):
            Archive.open(tmp_path / "file", write=write)


def test_a_segment_ends_with_its_day_and_the_next_begins(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a")])
    with open_archive(tmp_path, at=NOW + timedelta(hours=1)) as archive:
        archive.record([check_of("b")])
    assert len(segments_of(tmp_path)) == 1
    with open_archive(tmp_path, at=later(1)) as archive:
        archive.record([check_of("c")])
        assert [archive.text(n) for n in (1, 2, 3)] == [TEXT] * 3
    assert [path.name for path in segments_of(tmp_path)] == [
        "20260102030405-0001.warc.zst",
        "20260103030405-0002.warc.zst",
    ]


def test_a_full_segment_is_followed_by_another(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        assert archive._writer is not None
        archive._writer.shelf.max_size = 2000
        for number in range(5):
            archive.record([check_of(f"n{number}", text=f"{number} {TEXT}")])
        assert len(segments_of(tmp_path)) > 2
        assert [archive.text(n) for n in range(1, 6)] == [f"{n} {TEXT}" for n in range(5)]


def test_the_codec_may_change_between_runs(tmp_path: Path) -> None:
    with open_archive(tmp_path, codec="gz") as archive:
        archive.record([check_of("a")])
    with open_archive(tmp_path, codec="zst") as archive:
        archive.record([check_of("b")])
        assert archive.text(1) == archive.text(2) == TEXT
    assert [path.suffix for path in segments_of(tmp_path)] == [".gz", ".zst"]


def test_an_archive_without_any_clock_of_ours_opens(tmp_path: Path) -> None:
    with Archive.open(tmp_path) as archive:
        archive.record([check_of("a", at=clock()())])


def test_a_missing_segment_is_named_when_its_text_is_asked_for(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a")])
    segments_of(tmp_path)[0].unlink()
    with open_archive(tmp_path, write=False) as archive:
        with pytest.raises(ArchiveDamaged, match=r"0001\.warc\.zst cannot be read"):
            archive.text(1)
        assert archive.search("语音")[0].snippet == ""
    with pytest.raises(ArchiveDamaged, match="is missing"):
        open_archive(tmp_path)


def test_pages_of_checks_that_do_not_count_yet_make_the_dictionary_of_the_next_segment(tmp_path: Path) -> None:
    shell = os.urandom(400_000).hex().encode()
    with open_archive(tmp_path) as archive:
        for n in range(5):
            page = check_of(str(n), text=f"文章 {n}", body=b"%s<p>%d</p>" % (shell, n))
            archive.record([replace(page, held=True)])
        assert archive.snapshot(5) is None  # not before it counts
        archive.settle("run-1", [link_of(str(n)).canonical_url for n in range(5)], believed=True)
        assert archive.body(5) == b"%s<p>4</p>" % shell
    assert rows(tmp_path, "SELECT dictionary FROM segments ORDER BY id") == [(0,), (1,)]
    small = rows(tmp_path, "SELECT response_len < 10000 FROM captures ORDER BY id")
    assert small[0] == (0,)
    assert small[-1] == (1,)

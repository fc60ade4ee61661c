"""Searching kept pages: what is found, in which order, and what a filter leaves."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from store_samples import DOWN_FROM_10, check_of, later, link_of, make_terms, open_archive, rows

from crawler.archive import Archive, documents, verify
from crawler.core.errors import ArchiveFull, StoreError, UsageError
from crawler.core.model import Check, State


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    zhihu = link_of("z", "zhuanlan.zhihu.com", "zhihu")
    with open_archive(tmp_path) as opened:
        opened.record(
            [
                check_of("a", text="语音识别的原理与实践。" * 3, title="语音识别入门", author="李雷"),
                check_of(link_of("b", titles=("收藏的好文",)), text="图片与语音识别都在这里", title="杂谈"),
                check_of(zhihu, text="Transformers are everywhere", title="An answer", at=later(-400)),
                check_of("d", text="后来不见了的语音", state=State.ALIVE, remembered=State.DEAD),
            ]
        )
        yield opened


def found(archive: Archive, query: str) -> list[str]:
    return [hit.canonical_url.rpartition("/")[2] for hit in archive.search(query)]


def test_a_word_in_the_title_comes_before_a_word_in_the_text(archive: Archive) -> None:
    assert found(archive, "语音识别") == ["a", "b"]


def test_the_index_of_an_older_version_is_written_at_todays_pace(tmp_path: Path) -> None:
    def pace() -> list[tuple[object, ...]]:
        wanted = "SELECT k, v FROM {}_config WHERE k <> 'version' ORDER BY k"
        return [*rows(tmp_path, wanted.format("words")), *rows(tmp_path, wanted.format("characters"))]

    with open_archive(tmp_path) as opened:
        opened.record([check_of("a", text="语音识别的原理")])
        opened._db.execute("DELETE FROM words_config WHERE k <> 'version'")
    assert len(pace()) == len(documents._PACE)
    with open_archive(tmp_path) as opened:
        opened.record([check_of("b", text="语音识别的实践")])
        assert found(opened, "语音识别") == ["a", "b"]
    assert pace() == 2 * sorted(documents._PACE.items())


def test_authors_and_the_note_takers_own_titles_are_searched(archive: Archive) -> None:
    assert found(archive, "李雷") == ["a"]
    assert found(archive, "收藏") == ["b"]


def test_a_single_character_and_a_prefix_are_found(archive: Archive) -> None:
    assert found(archive, "图") == ["b"]
    assert found(archive, "transf*") == ["z"]
    assert found(archive, "transf") == []


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("语音 site:weixin state:dead", ["d"]),
        ("语音 site:zhihu", []),
        ("site:zhihu.com", ["z"]),
        ("everywhere before:2025-06", ["z"]),
        ("everywhere after:2025-06", []),
        ("语音 after:2026-01-02", ["a", "b", "d"]),
        ("state:dead", ["d"]),
        ("语音 -识别", ["d"]),
    ],
)
def test_filters_narrow_what_is_found(archive: Archive, query: str, wanted: list[str]) -> None:
    assert sorted(found(archive, query)) == wanted


def test_a_hit_shows_where_it_matched(archive: Archive) -> None:
    (hit,) = archive.search("图片")
    assert [hit.snippet[start:end] for start, end in hit.spans] == ["图片"]
    assert hit.title == "杂谈"
    assert hit.state is State.ALIVE


def dated(archive: Archive, query: str, *, snapshots: bool = False) -> list[tuple[str, datetime, bool]]:
    hits = archive.search(query, limit=100, snapshots=snapshots)
    return [(hit.canonical_url.rpartition("/")[2], hit.captured_at, hit.current) for hit in hits]


def test_a_changed_page_is_found_by_what_it_said_on_each_day(archive: Archive) -> None:
    archive.record([check_of("a", text="完全不同", title="另一个题目", at=later(1))])
    assert dated(archive, "原理") == [("a", later(0), False)]
    assert dated(archive, "李雷") == [("a", later(0), False)]
    assert dated(archive, "不同") == [("a", later(1), True)]
    archive.record([check_of("a", text="语音识别的原理与实践。" * 3, title="语音识别入门", at=later(2))])
    assert [(name, now) for name, _, now in dated(archive, "原理")] == [("a", True)]
    assert dated(archive, "不同") == [("a", later(1), False)]


def test_a_page_whose_current_text_matches_is_one_hit_unless_every_snapshot_is_asked_for(archive: Archive) -> None:
    for day in range(1, 60):
        archive.record([check_of("a", text=f"语音识别第{day}版", title="语音识别", at=later(day))])
    assert found(archive, "语音识别") == ["a", "b"]
    every = dated(archive, "语音识别", snapshots=True)
    assert [(name, now) for name, _, now in every[:3]] == [("a", True), ("b", True), ("a", False)]
    assert sorted(at for name, at, _ in every if name == "a") == [later(day) for day in range(60)]
    assert dated(archive, "第7版") == [("a", later(7), False)]
    assert {at for _, at, _ in dated(archive, "语音识别 before:2026-01-04")} == {later(0), later(1)}


def test_each_snapshot_of_a_page_that_does_not_say_it_any_more_is_a_hit(archive: Archive) -> None:
    for day, word in enumerate(("桥梁一", "桥梁二", "河流"), start=1):
        archive.record([check_of("r", text=word, title="题", at=later(day))])
    assert sorted(dated(archive, "桥梁")) == [("r", later(1), False), ("r", later(2), False)]
    assert sorted(dated(archive, "梁")) == [("r", later(1), False), ("r", later(2), False)]
    assert dated(archive, "河流") == [("r", later(3), True)]


def test_what_no_snapshot_holds_any_more_crowds_nothing_out(tmp_path: Path) -> None:
    with open_archive(tmp_path, max_snapshots=3) as archive:
        for day in range(80):
            archive.record([check_of("a", text=f"语音识别第{day}版", title="语音识别", at=later(day))])
        hits = archive.search("语音识别", limit=5, snapshots=True)
        assert {hit.capture_id for hit in hits} == {one.id for one in archive.captures()}


def test_earlier_texts_of_an_older_index_are_taken_in_by_the_next_writer(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a", text="旧的文字", title="旧题", author="李雷")])
        archive.record([check_of("a", text="新的文字", title="新题", at=later(1))])
    with closing(sqlite3.connect(tmp_path / "index.sqlite")) as db:
        db.executescript(
            "INSERT INTO words (words, rowid, text, title, names)"
            " VALUES ('delete', 1, ' 旧的 的文 文字 字 ', ' 旧题 题 ', ' 李雷 雷 ');"
            + DOWN_FROM_10
            + "DROP TABLE earlier; DELETE FROM derived WHERE name = 'search-earlier'; PRAGMA user_version = 6;"
        )
    with open_archive(tmp_path, write=False) as archive:
        assert found(archive, "旧的文字") == []
    with open_archive(tmp_path) as archive:
        archive.record([check_of("c", text="别的", title="别的")])
        assert dated(archive, "旧的文字") == [("a", later(0), False)]
        assert dated(archive, "新的文字") == [("a", later(1), True)]
    assert verify(tmp_path, rebuild=True).clean
    with open_archive(tmp_path) as archive:
        assert dated(archive, "旧的文字") == [("a", later(0), False)]
        assert dated(archive, "新的文字") == [("a", later(1), True)]


def test_a_new_note_title_is_found_though_the_page_did_not_change(archive: Archive) -> None:
    archive.record([check_of(link_of("b", titles=("重新命名",)), text="图片与语音识别都在这里", title="杂谈")])
    assert found(archive, "重新命名") == ["b"]
    assert found(archive, "收藏") == []
    assert found(archive, "图片") == ["b"]


def test_limits_hold_and_nothing_asked_finds_nothing(archive: Archive) -> None:
    assert len(archive.search("语音", limit=1)) == 1
    assert archive.search("") == []
    assert archive.search("，。") == []
    with pytest.raises(UsageError, match="no date"):
        archive.search("x before:never")
    with pytest.raises(UsageError, match="a word that must occur"):
        archive.search("site:weixin -语音")


def test_an_older_page_that_is_imported_later_does_not_displace_the_current_text(archive: Archive) -> None:
    archive.record([check_of("a", text="很久以前的旧文字", title="旧题", at=later(-900))])
    assert dated(archive, "旧文字") == [("a", later(-900), False)]
    assert found(archive, "语音识别") == ["a", "b"]
    archive.record([check_of("a", text="明天的新文字", title="新题", at=later(1))])
    assert found(archive, "新文字") == ["a"]


def test_single_characters_are_found_with_words_filters_and_without_others(archive: Archive) -> None:
    assert found(archive, "语") == ["a", "d", "b"], "one in the title comes first, then the newest"
    assert found(archive, "语 图") == ["b"]
    assert found(archive, "识别 图") == ["b"]
    assert found(archive, "识别 -图") == ["a"]
    assert found(archive, "识 -图") == ["a"]
    assert found(archive, "语 state:dead") == ["d"]
    assert found(archive, "收") == ["b"]


def test_single_characters_of_what_a_page_said_once_are_not_those_of_what_it_says(archive: Archive) -> None:
    archive.record([check_of("a", text="完全不同", title="另一个题目")])
    assert dated(archive, "践") == [("a", later(0), False)]
    assert [now for *_, now in dated(archive, "另")] == [True]


def test_both_scripts_find_each_other(archive: Archive) -> None:
    archive.record([check_of("t", text="語音辨識與機器學習", title="繁體")])
    assert found(archive, "机器学习") == ["t"]
    assert found(archive, "機器學習") == ["t"]
    assert found(archive, "語音識別") == ["a", "b"]
    (hit,) = archive.search("机器学习")
    assert [hit.snippet[start:end] for start, end in hit.spans] == ["機器學習"]


def test_an_unknown_state_is_an_error_that_names_the_states(archive: Archive) -> None:
    with pytest.raises(UsageError, match="state:dead, state:suspect"):
        archive.search("state:gone")


def as_before(path: Path) -> None:
    """Make an index as the version before wrote it: its own terms, and no table of characters."""
    db = sqlite3.connect(path / "index.sqlite")
    known = db.execute("SELECT capture, title, names FROM documents").fetchall()
    db.executescript(
        "DROP TABLE words; DROP TABLE characters; DELETE FROM derived WHERE name = 'search-terms';"
        "CREATE VIRTUAL TABLE words USING fts5 (text, title, names, content='',"
        " tokenize='unicode61 remove_diacritics 2');"
    )
    for capture, title, names in known:
        pairs = " ".join(title[n : n + 2] for n in range(len(title)))
        db.execute("INSERT INTO words (rowid, text, title, names) VALUES (?, ?, ?, ?)", (capture, pairs, pairs, names))
    db.commit()
    db.close()


def test_an_index_of_an_older_version_is_searched_as_it_is_and_filled_anew_by_the_next_writer(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a", text="語音識別", title="語音入門"), check_of("b", text="别的", title="别的")])
    as_before(tmp_path)
    with open_archive(tmp_path, write=False) as archive:
        assert found(archive, "語音") == ["a"]
        assert found(archive, "語") == ["a"]
        assert found(archive, "语音") == []
    with open_archive(tmp_path) as archive:
        archive.record([check_of("c", text="新的", title="新的")])
        assert found(archive, "语音识别") == ["a"]
        assert found(archive, "新") == ["c"]
        archive.record([check_of("a", text="改了", title="改了")])
        assert [now for *_, now in dated(archive, "语音")] == [False]


def held(name: str, text: str) -> Check:
    return replace(check_of(name, text=text), held=True)


@pytest.fixture(params=[False, True], ids=["when-they-count", "ahead"])
def ahead(request: pytest.FixtureRequest) -> bool:
    """Whether the terms of held checks are made, as trees, before they count."""
    return bool(request.param)


def record(archive: Archive, checks: list[Check], *, ahead: bool) -> None:
    if not ahead:
        archive.record(checks)
        return
    with archive.deferring_terms() as terms:
        archive.record(checks)
        make_terms(terms)


def settle(archive: Archive, *names: str, believed: bool) -> None:
    archive.settle("run-1", [link_of(name).canonical_url for name in names], believed=believed)


def is_whole(archive: Archive) -> bool:
    """Whether FTS5 finds its own tables whole, and no terms but those of texts that are searched."""
    archive._db.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    archive._db.execute("INSERT INTO characters (characters) VALUES ('integrity-check')")
    (terms,) = archive._db.execute("SELECT count(*) FROM words_docsize").fetchone()
    searched = "SELECT count(*) FROM (SELECT capture FROM documents UNION SELECT capture FROM earlier)"
    return bool((terms,) == archive._db.execute(searched).fetchone())


def test_the_text_of_a_held_check_is_searched_once_it_counts(archive: Archive, ahead: bool) -> None:
    record(archive, [held("e", "渡轮停航"), held("f", "渡轮复航")], ahead=ahead)
    assert found(archive, "渡轮") == []
    assert found(archive, "渡") == []
    settle(archive, "e", believed=True)
    settle(archive, "f", believed=False)
    assert found(archive, "渡轮") == ["e"]
    assert found(archive, "渡") == ["e"]
    assert is_whole(archive)


def test_texts_of_held_checks_hide_no_hit_however_many_they_are(archive: Archive, ahead: bool) -> None:
    """A page that some portal shows for everybody is held a thousand times, and says what somebody looks for."""
    archive.record([check_of("e", text="渡轮停航" + "，港口照常开放" * 40)])
    record(archive, [held(f"portal-{n}", "渡轮") for n in range(100)], ahead=ahead)
    assert found(archive, "渡轮") == ["e"]
    assert found(archive, "渡") == ["e"]


def test_a_held_check_that_a_killed_run_left_counts_with_its_text(tmp_path: Path, ahead: bool) -> None:
    with open_archive(tmp_path) as archive:
        record(archive, [held("e", "渡轮停航"), held("f", "渡轮复航")], ahead=ahead)
    with open_archive(tmp_path) as archive:
        settle(archive, "e", believed=True)
        settle(archive, "f", believed=False)
        assert found(archive, "渡轮") == ["e"]
        assert is_whole(archive)
        archive.record([check_of("g", text="渡轮又停航")])  # under no number that was another's
        assert sorted(found(archive, "渡轮")) == ["e", "g"]
        assert is_whole(archive)


def test_what_was_settled_when_the_run_was_killed_is_taken_in_with_its_text(tmp_path: Path, ahead: bool) -> None:
    """The line that settles is on the disk, the rows that follow from it are not."""
    with open_archive(tmp_path) as archive:
        record(archive, [held("e", "渡轮停航"), held("f", "渡轮复航")], ahead=ahead)
        for suffix in ("", "-wal"):
            shutil.copy(tmp_path / f"index.sqlite{suffix}", tmp_path / f"before{suffix}")
        settle(archive, "e", believed=True)
        settle(archive, "f", believed=False)
    for suffix in ("", "-wal"):
        (tmp_path / f"before{suffix}").replace(tmp_path / f"index.sqlite{suffix}")
    with open_archive(tmp_path) as archive:
        assert found(archive, "渡轮") == ["e"]
        assert is_whole(archive)


def test_a_held_check_that_sees_less_than_the_page_that_is_searched_leaves_no_terms(
    archive: Archive, ahead: bool
) -> None:
    archive.record([check_of("e", text="渡轮停航", at=later(0))])
    unsure = check_of("e", text="请先登录再看渡轮", at=later(1), state=State.UNKNOWN)
    record(archive, [replace(unsure, held=True)], ahead=ahead)
    settle(archive, "e", believed=True)
    assert found(archive, "登录") == []
    assert found(archive, "渡轮") == ["e"]
    assert is_whole(archive)


def test_an_index_of_an_older_version_is_filled_when_a_held_check_comes(tmp_path: Path, ahead: bool) -> None:
    with open_archive(tmp_path) as archive:
        record(archive, [check_of("a", text="语音识别", title="语音"), held("e", "渡轮停航")], ahead=ahead)
    as_before(tmp_path)
    with open_archive(tmp_path) as archive:
        record(archive, [held("f", "渡轮复航")], ahead=ahead)
        settle(archive, "e", "f", believed=True)
        assert sorted(found(archive, "渡轮")) == ["e", "f"]
        assert found(archive, "语音识别") == ["a"]
        assert is_whole(archive)


def test_a_held_check_that_was_taken_back_lends_its_text_to_no_other(archive: Archive) -> None:
    (pages,) = archive._db.execute("PRAGMA page_count").fetchone()
    archive._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(ArchiveFull):
        archive.record([held(f"full-{n}", "渡轮停航") for n in range(500)])
    archive._db.execute("PRAGMA max_page_count = 1000000")
    unchanged = check_of("b", text="图片与语音识别都在这里", title="灯塔")
    archive.record([replace(unchanged, held=True)])  # brings no text, under a number that the first of those had
    archive.settle("run-1", [link_of("b").canonical_url], believed=True)
    assert (found(archive, "渡轮"), found(archive, "灯塔"), found(archive, "图片")) == ([], ["b"], ["b"])


def test_thinning_out_snapshots_leaves_the_text_that_is_searched_and_the_search_whole(tmp_path: Path) -> None:
    looks = [("alpha", State.ALIVE), ("bravo", State.ALIVE), ("charlie", State.UNKNOWN), ("echo", State.ALIVE)]
    for day, (word, state) in enumerate(looks):
        with open_archive(tmp_path, at=later(day), max_snapshots=2) as archive:
            archive.record([check_of("a", f"{word} text " * 30, at=later(day), run=f"r{day}", state=state)])
            if word == "charlie":
                assert len(archive.search("bravo")) == 1
    with open_archive(tmp_path, write=False) as archive:
        assert len(archive.search("echo")) == 1
        assert archive.search("bravo") == []
    db = sqlite3.connect(tmp_path / "index.sqlite")
    db.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    db.close()


def test_what_was_kept_of_guesses_is_searched_no_more_once_the_article_was_seen(tmp_path: Path) -> None:
    looks = [("walled", State.UNKNOWN), ("fenced", State.UNKNOWN), ("article", State.ALIVE)]
    with open_archive(tmp_path, at=later(9)) as archive:
        for day, (word, state) in enumerate(looks):
            archive.record([check_of("a", f"{word} text " * 30, at=later(day), run=f"r{day}", state=state)])
        assert [len(archive.search(word)) for word, _ in looks] == [0, 0, 1]


def test_a_text_that_a_guess_condemned_is_kept_when_the_page_proves_alive(tmp_path: Path) -> None:
    with open_archive(tmp_path, at=later(9)) as archive:
        for day, state in enumerate((State.SUSPECT, State.ALIVE, State.ALIVE)):
            archive.record([check_of("a", "lighthouse text " * 30, at=later(day), run=f"r{day}", state=state)])
        assert len(archive.search("lighthouse")) == 1
        assert "lighthouse" in (archive.text(2) or "")
    assert verify(tmp_path).clean


def test_texts_that_a_store_does_not_give_now_are_searched_again_later(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a", "lighthouse text " * 30), check_of("b", "harbour text " * 30)])
    db = sqlite3.connect(tmp_path / "index.sqlite")
    db.execute("DELETE FROM derived WHERE name = ?", (documents.STAMP,))

    def silent(_: int) -> str:
        raise StoreError("s3://bucket does not answer in time")

    documents.ready(db, silent)
    assert db.execute("SELECT count(*) FROM documents").fetchone() == (0,)
    db.commit()
    db.close()
    with open_archive(tmp_path) as archive:
        archive.record([check_of("c", "island text " * 30)])
        assert [len(archive.search(word)) for word in ("lighthouse", "harbour", "island")] == [1, 1, 1]


def test_a_name_with_its_marks_comes_before_those_without(archive: Archive) -> None:
    archive.record(
        [
            check_of("e", text="C C C, and again C", title="C"),
            check_of("f", text="the net, a net", title="Net"),
            check_of("g", text="一本讲 C++ 和 .NET 的书", title="编程"),
        ]
    )
    assert (found(archive, "C++"), found(archive, ".net")) == (["g", "e"], ["g", "f"])
    assert [hit.canonical_url[-1] for hit in archive.search("c++", 1)] == ["g"]
    assert sorted(found(archive, "c")) == ["e", "g"]


def test_words_with_a_number_written_to_them_are_found_behind_the_words_themselves(archive: Archive) -> None:
    archive.record(
        [
            check_of("e", text="Python3教程与 iPhone15Pro，第一课", title="编程"),
            check_of("f", text="a python lies on the way", title="Snakes"),
        ]
    )
    assert found(archive, "python") == ["f", "e"]
    assert found(archive, "Python 教程") == ["e"]
    assert found(archive, "iphone15") == ["e"]
    for other in ('"python"', "pyth", "iphone16", "python -way iphone16"):
        assert "e" not in found(archive, other)
    assert [hit.canonical_url[-1] for hit in archive.search("python", 1)] == ["f"]
    assert len(archive.search("python", 20, snapshots=True)) == 2

"""Search terms made elsewhere, as finished trees: they say what those say that were put in one by one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_samples import check_of, later, link_of, make_terms, open_archive

from crawler.archive import Archive, documents, termtrees, treemaking, verify
from crawler.archive.segments import INDEX
from crawler.archive.words import Terms, terms_of
from crawler.core.errors import ArchiveFull
from crawler.core.model import State

TEXTS = [f"第{n}篇讲语音识别与图片，page {n} of many. {'很长的正文' * (n % 7)}" for n in range(60)]


def empty(path: Path | None = None) -> sqlite3.Connection:
    db = sqlite3.connect(path or ":memory:", isolation_level=None)
    db.executescript(termtrees.TABLES)
    return db


def terms(numbers: Iterable[int]) -> list[Terms]:
    return [terms_of(n + 1, f"标题 {n}", "某人", TEXTS[n % len(TEXTS)]) for n in numbers]


def said(db: sqlite3.Connection) -> list[object]:
    """All that an index says, once FTS5 found it whole: every term with its places, ranks, and lengths of texts."""
    found: list[object] = []
    for name in ("words", "characters"):
        db.execute(f"INSERT INTO {name} ({name}) VALUES ('integrity-check')")
        db.execute(f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.v{name} USING fts5vocab(main, {name}, 'instance')")
        found += db.execute(f"SELECT * FROM v{name}").fetchall()
    found += db.execute("SELECT rowid, rank FROM words WHERE words MATCH '\"语音\"' ORDER BY rowid").fetchall()
    return found + db.execute("SELECT id, sz FROM words_docsize ORDER BY id").fetchall()


def one_by_one(db: sqlite3.Connection, made: Iterable[Terms]) -> None:
    for one in made:
        termtrees.put_one(db, one)


def as_trees(db: sqlite3.Connection, made: list[Terms], size: int) -> None:
    db.execute("BEGIN")
    assert termtrees.fits(db)
    for start in range(0, len(made), size):
        termtrees.put(db, termtrees.make(made[start : start + size]))
    db.execute("COMMIT")


@given(st.integers(0, 60), st.integers(1, 60))
@settings(max_examples=20, deadline=None)
def test_trees_say_what_texts_say_that_went_in_one_by_one(count: int, size: int) -> None:
    with closing(empty()) as ours, closing(empty()) as theirs:
        as_trees(ours, terms(range(count)), size)
        one_by_one(theirs, terms(range(count)))
        assert said(ours) == said(theirs)


def test_trees_go_into_an_index_that_holds_others_and_is_written_on(tmp_path: Path) -> None:
    with closing(empty(tmp_path / "ours")) as ours, closing(empty()) as theirs:
        for db in (ours, theirs):
            one_by_one(db, terms(range(20)))
        for start in range(20, 300, 10):  # more trees than FTS5 leaves unmerged
            with closing(sqlite3.connect(tmp_path / "ours", isolation_level=None)) as other:
                as_trees(other, terms(range(start, start + 10)), 4)
            one_by_one(theirs, terms(range(start, start + 10)))
        assert said(ours) == said(theirs)
        for db in (ours, theirs):
            for one in terms(range(0, 300, 3)):
                db.execute(
                    "INSERT INTO words (words, rowid, text, title, names) VALUES ('delete', ?, ?, ?, ?)",
                    (one.capture, one.text, one.title, one.names),
                )
                db.execute(
                    "INSERT INTO characters (characters, rowid, text) VALUES ('delete', ?, ?)",
                    (one.capture, one.characters),
                )
            one_by_one(db, terms(range(300, 400)))
        assert said(ours) == said(theirs)
        termtrees.merge(ours)
        assert said(ours) == said(theirs)


def test_many_trees_are_merged_into_one(tmp_path: Path) -> None:
    with closing(empty(tmp_path / "index")) as db:
        as_trees(db, terms(range(40)), 2)
        before = said(db)
    with closing(sqlite3.connect(tmp_path / "index", isolation_level=None)) as db:
        termtrees.merge(db)
        assert said(db) == before
        assert db.execute("SELECT count(DISTINCT segid) FROM words_idx").fetchone() == (1,)


def test_where_tables_are_guarded_or_of_another_form_trees_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(empty()) as db:
        assert termtrees.fits(db)
        db.execute("UPDATE words_data SET block = ? WHERE id = 10", (b"\0\0\0\0\xff\0\0\1\0\0\0",))  # FTS5_STRUCTURE_V2
        assert not termtrees.fits(db)
    with closing(empty()) as db:
        db.execute("PRAGMA query_only = ON")
        assert not termtrees.fits(db)


def written(path: Path) -> list[object]:
    """What the search tables of an archive say."""
    with closing(sqlite3.connect(path / INDEX)) as db:
        return said(db)


@pytest.mark.parametrize("fits", [True, False])
def test_a_rebuilt_index_has_the_terms_of_the_one_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fits: bool
) -> None:
    with open_archive(tmp_path) as archive:
        for n, text in enumerate(TEXTS):
            archive.record([check_of(f"n{n % 40}", text=text, title=f"标题 {n}", at=later(n))])
    before = written(tmp_path)
    put: list[object] = []
    make = termtrees.make

    def noted(made: Iterable[Terms]) -> termtrees.Trees:
        put.append(made)
        return make(made)

    monkeypatch.setattr(termtrees, "make", noted)
    if not fits:
        monkeypatch.setattr(termtrees, "fits", lambda _: False)
    assert verify(tmp_path, rebuild=True).clean
    assert written(tmp_path) == before
    assert bool(put) == fits


def fill(archive: Archive) -> None:
    """New pages, one that changed, one seen again under another title, one seen as it was, and an older capture."""
    archive.record([check_of(f"n{n}", text=text, title=f"标题 {n}") for n, text in enumerate(TEXTS[:20])])
    archive.record([check_of("n3", text="改过的正文，语音", title="改了", at=later(1))])
    archive.record([check_of("n4", text=TEXTS[4], title="另一个标题", at=later(1))])
    archive.record([check_of("n5", text=TEXTS[5], title="标题 5", at=later(1))])
    archive.record([check_of("n6", text="更早的正文，语音", title="从前", at=later(-9))])


@pytest.mark.parametrize("most", [0, 3, 1000], ids=["one-by-one", "many-trees", "one-tree"])
@pytest.mark.parametrize("fits", [True, False])
def test_deferred_terms_are_those_that_are_made_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, fits: bool
) -> None:
    if not fits:
        monkeypatch.setattr(termtrees, "fits", lambda _: False)
    before, after = (
        check_of("n2", text="先前的正文", title="先前", at=later(-1)),
        check_of("n8", text="后来的正文，语音", title="后来", at=later(2)),
    )
    with open_archive(tmp_path / "theirs") as archive:
        archive.record([before])
        fill(archive)
        archive.record([after])
    with open_archive(tmp_path / "ours") as archive:
        archive.record([before])
        with archive.deferring_terms() as terms:
            fill(archive)
            assert "n7" not in [hit.canonical_url[-2:] for hit in archive.search("语音", 50)]
            if most:
                make_terms(terms, most)
                assert "n7" in [hit.canonical_url[-2:] for hit in archive.search("语音", 50)]
            archive.record([after])
        assert len(archive.search("语音", 50)) == 20
    assert written(tmp_path / "ours") == written(tmp_path / "theirs")


def fill_and_stop(archive: Archive) -> None:
    with archive.deferring_terms():
        fill(archive)
        raise KeyboardInterrupt


def test_terms_that_were_deferred_by_who_was_killed_are_made_by_the_next_writer(tmp_path: Path) -> None:
    with open_archive(tmp_path / "theirs") as archive:
        fill(archive)
    with open_archive(tmp_path / "ours") as archive:
        with pytest.raises(KeyboardInterrupt):
            fill_and_stop(archive)
        archive.record([check_of("n9", text=TEXTS[9], title="标题 9")])  # nobody defers any more
    with open_archive(tmp_path / "ours", write=False) as archive:
        assert len(archive.search("语音", 50)) == 1  # the first one, by which the tables were made
    with open_archive(tmp_path / "ours") as archive:
        assert len(archive.search("语音", 50)) == 20
    with open_archive(tmp_path / "theirs") as archive:
        archive.record([check_of("n9", text=TEXTS[9], title="标题 9")])
    assert written(tmp_path / "ours") == written(tmp_path / "theirs")
    with closing(sqlite3.connect(tmp_path / "ours" / INDEX)) as db:
        assert not documents.has_deferred(db)


def test_a_tree_whose_texts_changed_while_it_grew_is_made_again(tmp_path: Path) -> None:
    """One of its texts got another title, one never counted, one is searched no more."""
    doubted = replace(check_of("n1", text=TEXTS[1], title="标题 1"), held=True)
    believed = replace(check_of("n2", text=TEXTS[2], title="标题 2"), held=True)
    first = [check_of(f"n{n}", text=TEXTS[n], title=f"标题 {n}") for n in (3, 4, 5)]
    unsure = check_of("n6", text=TEXTS[6], title="标题 6", state=State.UNKNOWN)

    def go_on(archive: Archive) -> None:
        archive.settle("run-1", [link_of("n1").canonical_url], believed=False)
        archive.settle("run-1", [link_of("n2").canonical_url], believed=True)
        archive.record([check_of("n3", text=TEXTS[3], title="另一个标题", at=later(1))])
        archive.record([check_of("n6", text=TEXTS[7], title="标题 7", at=later(1))])

    with open_archive(tmp_path / "theirs") as archive:
        archive.record([check_of("n0", text="the tables are made with this one")])
        archive.record([doubted, believed, *first, unsure])
        go_on(archive)
    with open_archive(tmp_path / "ours") as archive:
        archive.record([check_of("n0", text="the tables are made with this one")])
        with archive.deferring_terms() as terms:
            archive.record([doubted, believed, *first, unsure])
            (texts,) = terms.take(1)
            tree = treemaking.make_trees(terms.folder, texts)
            go_on(archive)
            terms.put(texts, tree)
            assert [hit.canonical_url[-2:] for hit in archive.search("语音", 50)] == []
            make_terms(terms, 2)
            assert len(archive.search("语音", 50)) == 5
            terms.put(texts, tree)  # nobody waits for it any more
        assert len(archive.search("另一个标题", 50)) == 1
    assert written(tmp_path / "ours") == written(tmp_path / "theirs")


def test_after_a_batch_that_failed_all_terms_are_made_all_the_same(tmp_path: Path) -> None:
    with open_archive(tmp_path / "theirs") as archive:
        archive.record([check_of(f"n{n}", text=TEXTS[n], title=f"标题 {n}") for n in range(9)])
        archive.settle("run-1", [link_of("n8").canonical_url], believed=True)
    held = replace(check_of("n8", text=TEXTS[8], title="标题 8"), held=True)
    with open_archive(tmp_path / "ours") as archive:
        with archive.deferring_terms() as terms:
            archive.record([*(check_of(f"n{n}", text=TEXTS[n], title=f"标题 {n}") for n in range(4))])
            (texts,) = terms.take(1)
            archive.record([*(check_of(f"n{n}", text=TEXTS[n], title=f"标题 {n}") for n in range(4, 8)), held])
            (pages,) = archive._db.execute("PRAGMA page_count").fetchone()
            archive._db.execute(f"PRAGMA max_page_count = {pages}")
            with pytest.raises(ArchiveFull):
                archive.record([check_of(f"full-{n}", text="渡轮停航") for n in range(500)])
            archive._db.execute("PRAGMA max_page_count = 1000000")
            terms.put(texts, treemaking.make_trees(terms.folder, texts))
            archive.settle("run-1", [link_of("n8").canonical_url], believed=True)
        assert len(archive.search("语音", 50)) == 9
    assert written(tmp_path / "ours") == written(tmp_path / "theirs")


def test_of_held_texts_nothing_is_remembered_once_they_have_terms(tmp_path: Path) -> None:
    """A first run holds all it keeps until its end."""
    checks = [replace(check_of(f"n{n}", text=TEXTS[n], title=f"标题 {n}"), held=True) for n in range(6)]
    with open_archive(tmp_path) as archive:
        archive.record([check_of("n9", text="the tables are made with this one")])
        with archive.deferring_terms() as terms:
            archive.record(checks)
            make_terms(terms)
            assert not terms._held
            archive.settle("run-1", [check.link.canonical_url for check in checks[:4]], believed=True)
            archive.settle("run-1", [check.link.canonical_url for check in checks[4:]], believed=False)
        assert len(archive.search("语音", 50)) == 4
    assert verify(tmp_path).clean


def unread(texts: treemaking.TreeTexts, *numbers: int) -> treemaking.TreeTexts:
    """The texts with texts at places where a reader finds none."""
    nowhere = ("no-such-segment.warc.zst", (0, 9))
    return [(document, nowhere if n in numbers else place) for n, (document, place) in enumerate(texts)]


def test_a_text_that_cannot_be_read_any_more_is_left_out_of_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_archive(tmp_path) as archive, archive.deferring_terms() as terms:
        archive.record([check_of("n9", text="the tables are made with this one")])
        archive.record([check_of(f"n{n}", text=TEXTS[n], title=f"标题 {n}") for n in range(3)])
        (texts,) = terms.take(1)
        monkeypatch.setattr(archive._index, "text_of", lambda _: None)
        terms.put(texts, treemaking.make_trees(terms.folder, unread(texts, 1)))
        assert sorted(hit.canonical_url[-2:] for hit in archive.search("语音", 50)) == ["n0", "n2"]


def test_a_text_that_only_its_reader_could_not_read_is_searched(tmp_path: Path) -> None:
    """It had no descriptors left, say, or no memory; one of the texts is of a check that does not count yet."""
    checks = [check_of(f"n{n}", text=TEXTS[n], title=f"标题 {n}") for n in range(6)]
    checks[2] = replace(checks[2], held=True)
    with open_archive(tmp_path / "theirs") as archive:
        archive.record(checks)
        archive.settle("run-1", [checks[2].link.canonical_url], believed=True)
    with open_archive(tmp_path / "ours") as archive:
        with archive.deferring_terms() as terms:
            archive.record(checks)
            (texts,) = terms.take(1)
            terms.put(texts, treemaking.make_trees(terms.folder, unread(texts, 1, 2)))
            assert len(archive.search("语音", 50)) == 5
            archive.settle("run-1", [checks[2].link.canonical_url], believed=True)
        assert len(archive.search("语音", 50)) == 6
    assert written(tmp_path / "ours") == written(tmp_path / "theirs")


def test_texts_whose_tree_did_not_go_in_are_made_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise ArchiveFull("no space left")

    with open_archive(tmp_path) as archive:
        with archive.deferring_terms() as terms:
            archive.record([check_of(f"n{n}", text=TEXTS[n], title=f"标题 {n}") for n in range(3)])
            (texts,) = terms.take(1)
            tree = treemaking.make_trees(terms.folder, texts)
            with monkeypatch.context() as patch:
                patch.setattr(termtrees, "put", full)
                with pytest.raises(ArchiveFull):
                    terms.put(texts, tree)
        assert len(archive.search("语音", 50)) == 3


def test_a_text_that_has_its_first_title_again_while_its_tree_grows_is_searched(tmp_path: Path) -> None:
    """The tree is made again, as another text of it is searched no more."""
    tables = check_of("n0", text="the tables are made with this one")
    unsure = check_of("n2", text=TEXTS[2], title="标题 2", state=State.UNKNOWN)

    def go_on(archive: Archive) -> None:
        archive.record([check_of("n1", text=TEXTS[1], title="另一个标题", at=later(1))])
        archive.record([check_of("n1", text=TEXTS[1], title="标题 1", at=later(2))])
        archive.record([check_of("n2", text=TEXTS[3], title="标题 3", at=later(1))])

    with open_archive(tmp_path / "theirs") as archive:
        archive.record([tables])
        archive.record([check_of("n1", text=TEXTS[1], title="标题 1"), unsure])
        go_on(archive)
    for name in ("put", "not-put"):
        with open_archive(tmp_path / name) as archive:
            archive.record([tables])
            with archive.deferring_terms() as terms:
                archive.record([check_of("n1", text=TEXTS[1], title="标题 1"), unsure])
                (texts,) = terms.take(1)
                go_on(archive)
                if name == "put":
                    terms.put(texts, treemaking.make_trees(terms.folder, texts))
            assert len(archive.search("语音", 50)) == 2
        assert written(tmp_path / name) == written(tmp_path / "theirs")

"""The index file: old ones are migrated, newer and foreign ones refused, and readers disturb nobody."""

import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from store_samples import DOWN_FROM_10, DOWN_FROM_11, TEXT, check_of, link_of, open_archive, rows

from crawler.archive import Archive, schema, verify
from crawler.archive.noted import NoteState
from crawler.core.errors import ArchiveError

DOWN_FROM_4 = (
    DOWN_FROM_10
    + """
DROP TABLE objects;
DROP TABLE facts;
DROP INDEX links_due;
DROP INDEX links_seen;
DROP INDEX links_answered;
DROP INDEX links_not_alive;
ALTER TABLE links DROP COLUMN due;
ALTER TABLE links DROP COLUMN seen;
ALTER TABLE links DROP COLUMN answered;
DROP TABLE renumbered;
ALTER TABLE links DROP COLUMN segment;
ALTER TABLE links DROP COLUMN place;
ALTER TABLE segments DROP COLUMN number;
ALTER TABLE segments DROP COLUMN lineage;
DROP INDEX checks_of_link;
ALTER TABLE checks RENAME TO looks;
ALTER TABLE looks ADD COLUMN before TEXT;
ALTER TABLE looks ADD COLUMN titles BLOB;
CREATE INDEX looks_of_link ON looks (link, at);
CREATE INDEX looks_with_news ON looks (run) WHERE before IS NOT NULL OR titles IS NOT NULL;
"""
)


def make_oldest(path: Path) -> None:
    """An archive as the first version of the schema wrote it."""
    with open_archive(path) as archive:
        archive.record([check_of("a")])
    db = sqlite3.connect(path / "index.sqlite")
    db.executescript(DOWN_FROM_4)
    for table in ("pictures", "images", "scars", "derived"):
        db.execute(f"DROP TABLE {table}")
    db.execute("PRAGMA user_version = 1")
    db.commit()
    db.close()


def test_the_oldest_archive_is_migrated_when_opened_for_writing(tmp_path: Path) -> None:
    make_oldest(tmp_path)
    with open_archive(tmp_path) as archive:
        assert archive.text(1) == TEXT
        assert len(archive.checks(link_of("a").canonical_url)) == 1
        archive.put_images(1, [("https://img.example/1.jpg", "image/jpeg", b"jpeg")])
    assert rows(tmp_path, "PRAGMA user_version") == [(schema.VERSION,)]
    assert verify(tmp_path).clean


def test_the_oldest_archive_is_read_without_being_changed(tmp_path: Path) -> None:
    make_oldest(tmp_path)
    before = (tmp_path / "index.sqlite").read_bytes()
    with open_archive(tmp_path, write=False) as archive:
        assert archive.text(1) == TEXT
        assert archive.images(1) == []
    assert (tmp_path / "index.sqlite").read_bytes() == before


@pytest.mark.parametrize("write", [True, False])
def test_what_a_migration_tells_is_told_once_at_an_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: bool
) -> None:
    make_oldest(tmp_path)
    revised: list[sqlite3.Connection] = []
    known = "SELECT EXISTS (SELECT 1 FROM links)"
    monkeypatch.setattr(schema, "_revise", lambda db: revised.extend([db] * db.execute(known).fetchone()[0]))
    with open_archive(tmp_path, write=write):
        pass
    assert len(revised) == 1


def test_each_migration_makes_the_tables_that_a_new_index_has(tmp_path: Path) -> None:
    step_by_step = sqlite3.connect(":memory:", isolation_level=None)
    for migration in schema.MIGRATIONS:
        if isinstance(migration, str):
            step_by_step.executescript(migration)
        else:
            migration(step_by_step)
    tables = "SELECT sql FROM sqlite_master ORDER BY name"
    new = schema.open_memory()
    assert step_by_step.execute(tables).fetchall() == new.execute(tables).fetchall()
    step_by_step.close()
    new.close()


@pytest.mark.parametrize("write", [True, False])
def test_a_newer_schema_is_refused(tmp_path: Path, write: bool) -> None:
    with open_archive(tmp_path):
        pass
    db = sqlite3.connect(tmp_path / "index.sqlite")
    db.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    db.close()
    with pytest.raises(ArchiveError, match=r"schema \d+, newer than \d+ .*: update it"):
        open_archive(tmp_path, write=write)


@pytest.mark.parametrize("write", [True, False])
def test_another_programs_database_is_refused_and_untouched(tmp_path: Path, write: bool) -> None:
    db = sqlite3.connect(tmp_path / "index.sqlite")
    db.execute("CREATE TABLE bookmarks (url TEXT)")
    db.close()
    before = (tmp_path / "index.sqlite").read_bytes()
    with pytest.raises(ArchiveError, match="another program's"):
        open_archive(tmp_path, write=write)
    with pytest.raises(ArchiveError, match="another program's"):
        verify(tmp_path, rebuild=True)
    assert (tmp_path / "index.sqlite").read_bytes() == before


def test_a_lock_is_free_again_after_a_failed_opening(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite").write_bytes(b"not a database, but long enough to be read as one" * 50)
    for _ in range(2):
        with pytest.raises(ArchiveError, match="not a whole SQLite file"):
            open_archive(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_one_clear_line(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    with open_archive(folder) as archive:
        archive.record([check_of("a")])
    folder.chmod(0o500)
    try:
        with pytest.raises(ArchiveError, match="cannot be"):
            open_archive(folder)
        with open_archive(folder, write=False) as archive:
            assert archive.text(1) == TEXT
    finally:
        folder.chmod(0o700)


def test_an_index_that_cannot_be_opened_read_only_is_read_as_unchanging(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a")])
    real = sqlite3.connect

    def on_a_read_only_medium(name: str, **options: object) -> object:
        return real(name, **options) if "immutable" in name else _Failing()  # type: ignore[call-overload]  # test double

    monkeypatch.setattr(sqlite3, "connect", on_a_read_only_medium)
    with Archive.open(tmp_path, write=False) as archive:
        assert archive.text(1) == TEXT


class _Failing:
    def execute(self, sql: str) -> None:
        raise sqlite3.OperationalError("unable to open database file")

    def close(self) -> None:
        pass


def test_an_archive_of_version_7_finds_held_checks_by_their_link(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([replace(check_of("a"), held=True)])
    db = sqlite3.connect(tmp_path / "index.sqlite")
    db.executescript(DOWN_FROM_10 + "DROP TABLE objects; DROP INDEX held_of_link; PRAGMA user_version = 7;")
    db.close()
    with open_archive(tmp_path) as archive:
        archive.settle("run-1", [link_of("a").canonical_url], believed=True)
        assert [hit.capture_id for hit in archive.search("语音")] == [1]
    plan = rows(tmp_path, "EXPLAIN QUERY PLAN SELECT line FROM held WHERE run = '' AND url = ''")
    assert "held_of_link" in str(plan)


def test_links_of_notes_that_version_10_kept_are_made_again(tmp_path: Path) -> None:
    with open_archive(tmp_path) as archive:
        archive.record([check_of("a")])
    db = sqlite3.connect(tmp_path / "index.sqlite")
    db.executescript(
        DOWN_FROM_11
        + """
        DROP TABLE noted; DROP TABLE noted_hosts;
        CREATE TABLE noted_hosts (id INTEGER PRIMARY KEY, slot TEXT);
        CREATE TABLE noted (
          id INTEGER PRIMARY KEY, canonical_url TEXT NOT NULL UNIQUE, site TEXT NOT NULL, host TEXT NOT NULL,
          slot TEXT NOT NULL, place INTEGER NOT NULL UNIQUE, data BLOB NOT NULL);
        CREATE INDEX noted_of_slot ON noted (slot);
        INSERT INTO noted_stamp VALUES ('stamp');
        PRAGMA user_version = 10;
        """
    )
    db.close()
    with open_archive(tmp_path) as archive:
        assert archive.noted("stamp") is None
        link = link_of("a", titles=("A",))
        archive.put_noted("stamp", [NoteState("a.md", 1, 1)], [link])
        kept = archive.noted("stamp")
        assert kept is not None
        assert list(kept) == [link]

"""The SQLite index: its tables, its versions, and how a connection is opened.

The index can be made again from the segments (`rebuild`), so nothing lives here that exists nowhere else but the notes
cache, what was derived, and the slots' politeness. Version N of the schema is MIGRATIONS[:N], one after another; a step
is SQL, or a function where SQL does not suffice, and once released is never changed.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from crawler.archive import disk, due
from crawler.archive.store import number_of
from crawler.core.counts import Counted
from crawler.core.errors import ArchiveDamaged, ArchiveError
from crawler.core.model import History, State
from crawler.schedule.history import revised

APPLICATION_ID: Final = 0x4C484331  # "LHC1": tells our file from any other SQLite file
BUSY_TIMEOUT: Final = 10.0  # seconds that a reader waits for a checkpoint; a guess

_BASE = """
CREATE TABLE segments (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, codec TEXT NOT NULL, size INTEGER NOT NULL,
  head INTEGER NOT NULL, opened_at INTEGER NOT NULL, dictionary INTEGER NOT NULL, closed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE runs (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, data BLOB);
CREATE TABLE health (
  run INTEGER NOT NULL, at INTEGER NOT NULL, site TEXT NOT NULL, state TEXT NOT NULL, links INTEGER NOT NULL,
  PRIMARY KEY (run, site, state)) WITHOUT ROWID;
CREATE TABLE links (
  id INTEGER PRIMARY KEY, canonical_url TEXT NOT NULL UNIQUE, url TEXT NOT NULL, site TEXT NOT NULL,
  host TEXT NOT NULL, state TEXT NOT NULL, history BLOB NOT NULL);
CREATE TABLE looks (
  id INTEGER PRIMARY KEY, link INTEGER NOT NULL, run INTEGER NOT NULL, at INTEGER NOT NULL, before TEXT,
  state TEXT NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL, rule TEXT NOT NULL, status INTEGER,
  error TEXT NOT NULL, final_url TEXT, seconds REAL NOT NULL, bytes INTEGER NOT NULL, titles BLOB);
CREATE INDEX looks_of_link ON looks (link, at);
CREATE INDEX looks_with_news ON looks (run) WHERE before IS NOT NULL OR titles IS NOT NULL;
CREATE TABLE captures (
  id INTEGER PRIMARY KEY, link INTEGER NOT NULL, at INTEGER NOT NULL, segment INTEGER NOT NULL,
  revisit_of INTEGER, bytes_of INTEGER, notice INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
  digest BLOB, payload BLOB,
  response_at INTEGER, response_len INTEGER, text_at INTEGER, text_len INTEGER,
  readable_at INTEGER, readable_len INTEGER, raw_bytes INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX captures_of_link ON captures (link, at);
CREATE TABLE documents (link INTEGER PRIMARY KEY, capture INTEGER NOT NULL UNIQUE, title TEXT, names TEXT);
-- FTS5 names the column at each (term, document) but the first one: text comes first, which saves a quarter.
CREATE VIRTUAL TABLE words USING fts5 (text, title, names, content='', tokenize="unicode61 remove_diacritics 2");
CREATE TABLE notes (path TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE slots (slot TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
"""

_IMAGES = """
CREATE TABLE pictures (
  id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, segment INTEGER NOT NULL, at INTEGER NOT NULL,
  length INTEGER NOT NULL, content_type TEXT NOT NULL, size INTEGER NOT NULL);
CREATE TABLE scars (  -- damage that `verify --repair` has told of and dropped rows for
  segment INTEGER NOT NULL, at INTEGER NOT NULL, length INTEGER NOT NULL, PRIMARY KEY (segment, at)) WITHOUT ROWID;
CREATE TABLE images (
  capture INTEGER NOT NULL, url TEXT NOT NULL, picture INTEGER NOT NULL, PRIMARY KEY (capture, url)) WITHOUT ROWID;
"""

_DERIVED = """
CREATE TABLE derived (
  name TEXT NOT NULL, stamp TEXT NOT NULL, key TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (name, stamp, key)
) WITHOUT ROWID;
"""

_SEQUENCE = """
-- What changed in a run follows from the histories; the copy of it that this table kept is gone.
DROP INDEX looks_with_news;
DROP INDEX looks_of_link;
ALTER TABLE looks DROP COLUMN before;
ALTER TABLE looks DROP COLUMN titles;
ALTER TABLE looks RENAME TO checks;
CREATE INDEX checks_of_link ON checks (link, at);
-- The order of memory: where in which segment a link's history was written (segment 0: not known), and of which
-- archive a segment is ('': written before archives had names).
ALTER TABLE segments ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE segments ADD COLUMN lineage TEXT NOT NULL DEFAULT '';
ALTER TABLE links ADD COLUMN segment INTEGER NOT NULL DEFAULT 0;
ALTER TABLE links ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
-- Captures whose number was taken when their segment came in; scope: a lineage, or a segment of this archive.
CREATE TABLE renumbered (scope TEXT NOT NULL, old INTEGER NOT NULL, new INTEGER NOT NULL, PRIMARY KEY (scope, old))
  WITHOUT ROWID;
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


def _sequence(db: sqlite3.Connection) -> None:
    """Version 4."""
    run_script(db, _SEQUENCE)
    for ident, name in db.execute("SELECT id, name FROM segments").fetchall():
        db.execute("UPDATE segments SET number = ? WHERE id = ?", (number_of(name), ident))


# Checks that are recorded and do not count yet: their journal lines as they are, applied when the run is believed.
_HELD = """
CREATE TABLE IF NOT EXISTS held (
  id INTEGER PRIMARY KEY, run TEXT NOT NULL, url TEXT NOT NULL, segment INTEGER NOT NULL, capture INTEGER,
  line BLOB NOT NULL);
"""


def _proof(db: sqlite3.Connection) -> None:
    """Version 5."""
    run_script(db, _HELD)
    _revise(db)


# What planning asks of many links at once, so that it unpacks no history (`due`): microseconds, due 0 is at once.
_DUE = """
ALTER TABLE links ADD COLUMN due INTEGER NOT NULL DEFAULT 0;
ALTER TABLE links ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE links ADD COLUMN answered INTEGER;
"""
_DUE_INDEXES = """
CREATE INDEX links_due ON links (due);
CREATE INDEX links_seen ON links (seen);
CREATE INDEX links_answered ON links (host, answered);
CREATE INDEX links_not_alive ON links (state, canonical_url) WHERE state <> 'alive';
"""


def _due(db: sqlite3.Connection) -> None:
    """Version 6."""
    run_script(db, _DUE)
    run_script(db, _DUE_INDEXES)


# Texts of a link that are searched beside the one in `documents`; filled by the first writer (`documents.ready`).
_EARLIER = """
CREATE TABLE IF NOT EXISTS earlier (capture INTEGER PRIMARY KEY, link INTEGER NOT NULL, title TEXT, names TEXT);
"""
# Checks are let count by their link; a run may hold tens of thousands.
_HELD_BY_LINK = "CREATE INDEX IF NOT EXISTS held_of_link ON held (run, url);\n"

# Sealed segments in an object store (`tiers`); digest: SHA-256 in hex, '' where nobody here has read the bytes yet.
_OBJECTS = """
CREATE TABLE IF NOT EXISTS objects (
  name TEXT PRIMARY KEY, url TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, digest TEXT NOT NULL);
"""


# What planning and reports ask beside that, and the links of the notes as they were linked up last (`noted`).
_NOTED = """
ALTER TABLE links ADD COLUMN late INTEGER;
ALTER TABLE links ADD COLUMN wall INTEGER NOT NULL DEFAULT 0;
ALTER TABLE links ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
CREATE INDEX links_late ON links (late) WHERE late IS NOT NULL;
CREATE INDEX links_walls ON links (canonical_url) WHERE wall;
CREATE INDEX links_told ON links (canonical_url) WHERE told;
CREATE TABLE noted_stamp (stamp TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE noted_hosts (
  id INTEGER PRIMARY KEY, slot TEXT NOT NULL, host TEXT NOT NULL, site TEXT NOT NULL, url TEXT NOT NULL,
  links INTEGER NOT NULL);
CREATE TABLE noted (
  id INTEGER PRIMARY KEY, canonical_url TEXT NOT NULL UNIQUE, site TEXT NOT NULL, host TEXT NOT NULL,
  slot TEXT NOT NULL, place INTEGER NOT NULL UNIQUE, data BLOB NOT NULL);
CREATE INDEX noted_of_slot ON noted (slot);
"""


def _noted(db: sqlite3.Connection) -> None:
    """Version 10."""
    run_script(db, _NOTED)
    due.fill(db)


# The same links note by note (`noted.change`); what was kept is made again by the next run.
_NOTED_BY_NOTE = """
DROP TABLE noted;
DROP TABLE noted_hosts;
DELETE FROM noted_stamp;
CREATE TABLE noted_notes (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL);
CREATE TABLE noted (  -- note, start, stop: where it is first written
  id INTEGER PRIMARY KEY, canonical_url TEXT NOT NULL UNIQUE, site TEXT NOT NULL, host TEXT NOT NULL,
  slot TEXT NOT NULL, note INTEGER NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX noted_in_order ON noted (note, start, stop);
CREATE INDEX noted_in_place ON noted (site, note, start);
CREATE INDEX noted_of_host ON noted (slot, host, site, note, start, stop);
CREATE TABLE noted_in (note INTEGER NOT NULL, link INTEGER NOT NULL, PRIMARY KEY (note, link)) WITHOUT ROWID;
CREATE TABLE noted_hosts (  -- url, note, start, stop: of its first link
  slot TEXT NOT NULL, host TEXT NOT NULL, site TEXT NOT NULL, links INTEGER NOT NULL, url TEXT NOT NULL,
  note INTEGER NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL, PRIMARY KEY (slot, host, site)) WITHOUT ROWID;
"""


Migration = str | Callable[[sqlite3.Connection], None]
MIGRATIONS: Final[tuple[Migration, ...]] = (
    _BASE, _IMAGES, _DERIVED, _sequence, _proof, _due, _EARLIER, _HELD_BY_LINK, _OBJECTS, _noted,
    _NOTED_BY_NOTE,
)  # fmt: skip
VERSION: Final = len(MIGRATIONS)

log = logging.getLogger(__name__)


def run_script(db: sqlite3.Connection, script: str) -> None:
    """Statement by statement inside the caller's transaction, which `executescript` would end."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""


def open_writer(path: Path) -> sqlite3.Connection:
    """The index for writing: made where missing, migrated where old. Raises ArchiveError, ArchiveDamaged."""
    refuse_links(path)
    with foreign_errors(path):
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT)
        with _closed_on_error(db):
            _must_be_ours(db, path)
            db.execute("PRAGMA journal_mode = WAL")
            # A power cut may take the last commits with it; the segments, synced before, bring them back (`replay`).
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA cache_size = -16384")  # KiB
            _migrate(db)
        return db


def open_reader(path: Path, *, as_is: bool = False) -> sqlite3.Connection:
    """The index for reading; never blocks the writer, and works on a folder that may not be written.

    `as_is`: in its own schema, however old, to see whether it can be read at all. Raises ArchiveError, ArchiveDamaged.
    """
    refuse_links(path)
    with foreign_errors(path):
        db = _read_only(path)
        with _closed_on_error(db):
            if _must_be_ours(db, path) == VERSION or as_is:
                return db
            copy = open_memory()  # an older schema is migrated in a copy: a reader changes nothing
            with _closed_on_error(copy):
                db.backup(copy)
                _migrate(copy)
        db.close()
        return copy


@contextlib.contextmanager
def transaction(db: sqlite3.Connection, path: Path, undone: Callable[[], None]) -> Iterator[None]:
    """All or nothing; `undone` is called after a rollback. Raises ArchiveFull, ArchiveError (naming `path`)."""
    with disk.translated(path):
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # SQLite rolls back by itself when the disk is full
                db.execute("ROLLBACK")
            undone()
            raise


def open_memory() -> sqlite3.Connection:
    """An empty index that lives nowhere."""
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _migrate(db)
    return db


@contextlib.contextmanager
def _closed_on_error(db: sqlite3.Connection) -> Iterator[None]:
    """An index that cannot be used is not left open."""
    try:
        yield
    except BaseException:
        db.close()
        raise


def refuse_links(path: Path) -> None:
    """SQLite would follow a link at any of its files. Raises ArchiveError."""
    for suffix in ("", "-wal", "-shm"):
        disk.refuse_link(path.with_name(path.name + suffix))


@contextlib.contextmanager
def foreign_errors(path: Path) -> Iterator[None]:
    """Translate SQLite's errors at opening."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if "not a database" in str(error) or "malformed" in str(error):
            raise ArchiveDamaged(
                f"{path} is not a whole SQLite file ({error}): run `crawler verify --rebuild`"
            ) from error
        raise ArchiveError(f"{path} cannot be opened: {error}") from error


def _read_only(path: Path) -> sqlite3.Connection:
    """Read-only; where not even the WAL's shared memory can be made (a read-only medium), as an unchanging file."""
    base = path.absolute().as_uri()
    db = sqlite3.connect(
        f"{base}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT
    )
    try:
        with _closed_on_error(db):
            db.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        db = sqlite3.connect(f"{base}?immutable=1", uri=True, isolation_level=None, check_same_thread=False)
    return db


def _must_be_ours(db: sqlite3.Connection, path: Path) -> int:
    """The schema's version. Raises ArchiveError for another program's file, and for a newer one."""
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    (ident,) = db.execute("PRAGMA application_id").fetchone()
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if tables and ident != APPLICATION_ID:
        raise ArchiveError(f"{path} is another program's SQLite file: choose another --archive folder")
    if version > VERSION:
        raise ArchiveError(f"{path} has schema {version}, newer than {VERSION} that this crawler knows: update it")
    return version


def _migrate(db: sqlite3.Connection) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    for number in range(version, VERSION):
        db.execute("BEGIN IMMEDIATE")  # one transaction a step: a kill leaves the old version or the new one
        try:
            step = MIGRATIONS[number]
            if isinstance(step, str):
                run_script(db, step)
            else:
                step(db)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {number + 1}")
            db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise


def _revise(db: sqlite3.Connection) -> None:
    """Hold what older versions concluded against the table of proof (`schedule.history.revised`), and tell it."""
    unpack, pack = msgspec.msgpack.Decoder(History).decode, msgspec.msgpack.Encoder().encode
    rows = db.execute("SELECT id, history FROM links WHERE state IN (?, ?)", (State.DEAD, State.SUSPECT)).fetchall()
    known = [(ident, unpack(blob)) for ident, blob in rows]
    changed = [(ident, old, new) for ident, old in known if (new := revised(old)) is not old]
    db.executemany(
        "UPDATE links SET state = ?, history = ? WHERE id = ?",
        [(new.state.value, pack(new), ident) for ident, _, new in changed],
    )
    revoked = sum(old.state is not new.state for _, old, new in changed)
    if revoked:
        deaths = f"{Counted(revoked):death|deaths} of an older version"
        log.warning("%s proved nothing: what was called dead is suspect, and asked again", deaths)

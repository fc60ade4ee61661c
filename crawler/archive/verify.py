"""Every record, digest and row of an archive checked against each other; mended where asked.

What is checked: each frame of each segment (whole, digests right), each segment's end, each row that points at a
record. Whole records that no row points at are counted as orphans and are harmless: thinned snapshots leave them. What
the index does not know yet is no damage either: the next command that writes takes it in.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from crawler.archive import disk, schema, texts
from crawler.archive.audit import Audit
from crawler.archive.index import Index
from crawler.archive.lock import Lock
from crawler.archive.nouns import Damage, VerifyReport
from crawler.archive.opening import holds_archive, is_needed
from crawler.archive.rebuild import rebuild as make_index
from crawler.archive.recovery import Recovery
from crawler.archive.repair import mend
from crawler.archive.segments import FOLDER, INDEX, LOCK, SegmentReader
from crawler.archive.spread import Spread, spread_over
from crawler.archive.store import LocalStore
from crawler.core.errors import ArchiveDamaged, ArchiveError


def _utc_now() -> datetime:
    return datetime.now(UTC)


def verify(
    path: Path,
    *,
    repair: bool = False,
    yes: bool = False,
    rebuild: bool = False,
    now: Callable[[], datetime] = _utc_now,
    processes: int = 1,
) -> VerifyReport:
    """Check an archive under its lock.

    `repair` takes in what the index does not know, moves torn ends aside and notes damaged places, so that they are
    reported once; where that would give up something that was acknowledged, it is listed and left, unless `yes`.
    `rebuild` makes the index again first, and keeps the old one as index.sqlite.old. An archive that is not there is
    an empty report. `processes` share the reading. Raises ArchiveBusy, ArchiveError; damage is a value.
    """
    if not holds_archive(path):
        return VerifyReport()
    with _locked(path, needed=repair or rebuild, now=now), spread_over(path / FOLDER, processes) as spread:
        why = is_needed(path)
        if why and not (repair or rebuild):
            damage = Damage(INDEX, f"{why} beside segments: run `crawler verify --rebuild`")
            return VerifyReport(damage=(damage,), unusable=True)
        found: list[Damage] = []
        rebuild = rebuild or bool(why)
        if rebuild:
            found += make_index(path, now, spread)
        report = _verify(path, repair, yes, now, spread)
    reported = {(one.where, one.what) for one in report.damage}
    others = tuple(one for one in found if one.where != INDEX and (one.where, one.what) not in reported)
    of_index = tuple(f"{one.where}: {one.what}" for one in found if one.where == INDEX)  # nothing of the archive itself
    return replace(report, damage=(*others, *report.damage), notices=(*of_index, *report.notices), rebuilt=rebuild)


@contextlib.contextmanager
def _locked(path: Path, *, needed: bool, now: Callable[[], datetime]) -> Iterator[None]:
    lock = Lock(path / LOCK)
    try:
        lock.take("verify", now())
    except ArchiveError as error:
        if needed or error.exit_code != ArchiveError.exit_code or (path / LOCK).is_symlink():
            raise  # busy, or somebody wants to write; a folder that nobody may write needs no lock
    try:
        yield
    finally:
        lock.release()


def _verify(path: Path, repair: bool, yes: bool, now: Callable[[], datetime], spread: Spread) -> VerifyReport:
    store = LocalStore(path / FOLDER)
    reader = SegmentReader(store)
    try:
        db = schema.open_writer(path / INDEX) if repair else schema.open_reader(path / INDEX)
        with contextlib.closing(db):
            return _audited(path, db, reader, repair, yes, now, spread)
    except ArchiveDamaged as error:
        return VerifyReport(damage=(Damage(INDEX, f"{error}"),))
    finally:
        reader.close()
        store.close()


def _audited(
    path: Path, db: sqlite3.Connection, reader: SegmentReader, repair: bool, yes: bool, now: Callable[[], datetime],
    spread: Spread,
) -> VerifyReport:  # fmt: skip
    notices: tuple[str, ...] = ()
    found: list[Damage] = []
    with disk.translated(path):
        if repair:
            index = Index(db, texts.text_reader(db, reader), now)
            recovered = Recovery(path, index, reader, force=True).run()
            notices = tuple(recovered.notices)
            found = [replace(one, repaired=True) for one in recovered.damage if "missing" not in one.what]
        audit = Audit(db, reader, spread)
        with disk.translated(path):
            audit.run()
        if repair:
            with schema.transaction(db, path, lambda: None):
                mend(db, audit, yes=yes)
    seen = {one.where for one in found}
    damage = (*found, *(one for one in audit.damage() if one.where not in seen))
    return VerifyReport(
        audit.segments, audit.records, audit.captures, audit.orphans, damage, (*notices, *audit.notices)
    )

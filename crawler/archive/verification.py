"""Every record, digest and row of an archive checked against each other; mended where asked.

What is checked: each frame of each segment (whole, digests right), each segment's end, each row that points at a
record. Whole records that no row points at are counted as orphans and are harmless: thinned snapshots leave them. What
the index does not know yet is no damage either: the next command that writes takes it in.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from crawler.archive import disk, schema, texts, tiers
from crawler.archive.audit import Audit
from crawler.archive.index import Index
from crawler.archive.lock import Lock
from crawler.archive.nouns import Damage, VerifyReport
from crawler.archive.objects import ObjectListing
from crawler.archive.opening import holds_archive, is_needed
from crawler.archive.rebuild import rebuild as make_index
from crawler.archive.recovery import Recovery
from crawler.archive.repair import mend
from crawler.archive.segments import FOLDER, INDEX, LOCK, SegmentReader
from crawler.archive.spread import Spread, spread_over
from crawler.archive.tiers import Remote, TieredStore
from crawler.core.counts import Counted
from crawler.core.errors import ArchiveDamaged, ArchiveError, StoreRefused
from crawler.core.settings import ArchiveSettings

_NAMED: Final = 3  # foreign objects that are named


def _utc_now() -> datetime:
    return datetime.now(UTC)


def verify(
    path: Path,
    *,
    repair: bool = False,
    yes: bool = False,
    rebuild: bool = False,
    trust_store: bool = False,
    options: ArchiveSettings | None = None,
    now: Callable[[], datetime] = _utc_now,
    processes: int = 1,
) -> VerifyReport:
    """Check an archive under its lock.

    `repair` takes in what the index does not know, moves torn ends aside and notes damaged places, so that they are
    reported once; where that would give up something that was acknowledged, it is listed and left, unless `yes`.
    `rebuild` makes the index again first, and keeps the old one as index.sqlite.old. An archive that is not there is
    an empty report. `processes` share the reading. Segments in the object store of `options` are fetched and read like
    others, unless `trust_store`: then what it lists, sizes and ETags, is compared with what was noted. Raises
    ArchiveBusy, ArchiveError, StoreError; damage is a value.
    """
    options = options or ArchiveSettings()
    if not holds_archive(path, options.store):
        return VerifyReport()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_locked(path, needed=repair or rebuild, now=now))
        remote = stack.enter_context(contextlib.closing(tiers.Remote(path, options)))
        listing = remote.listing()
        elsewhere = sum(one.size for one in listing.segments.values()) if listing and not trust_store else 0
        spread = stack.enter_context(spread_over(path / FOLDER, processes, elsewhere))
        why = is_needed(path, options.store)
        if why and not (repair or rebuild):
            damage = Damage(INDEX, f"{why} beside segments: run `crawler verify --rebuild`")
            return VerifyReport(damage=(damage,), unusable=True)
        found: list[Damage] = []
        rebuild = rebuild or bool(why)
        if rebuild:
            found += make_index(path, now, spread, remote)
        task = _Task(path, remote, listing, trust_store, repair, yes, now, spread)
        report = task.run()
    reported = {(one.where, one.what) for one in report.damage}
    others = tuple(one for one in found if one.where != INDEX and (one.where, one.what) not in reported)
    of_index = tuple(f"{one.where}: {one.what}" for one in found if one.where == INDEX)  # nothing of the archive itself
    return replace(report, damage=(*others, *report.damage), notices=(*of_index, *report.notices), rebuilt=rebuild)


@contextlib.contextmanager
def _locked(path: Path, *, needed: bool, now: Callable[[], datetime]) -> Iterator[None]:
    if needed:  # all of it may be in the store
        with contextlib.suppress(OSError):  # the lock tells
            (path / FOLDER).mkdir(parents=True, exist_ok=True)
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


@dataclass(frozen=True, slots=True)
class _Task:
    """One verification, under the lock."""

    path: Path
    remote: Remote
    listing: ObjectListing | None  # of the object store
    trusting: bool
    repair: bool
    yes: bool
    now: Callable[[], datetime]
    spread: Spread

    def run(self) -> VerifyReport:
        """Open everything, and check it."""
        index = self.path / INDEX
        try:
            db = schema.open_writer(index) if self.repair else schema.open_reader(index)
            with contextlib.ExitStack() as stack:
                stack.callback(db.close)
                store = tiers.opened(self.path, self.remote, db)
                stack.callback(store.close)
                reader = SegmentReader(store)
                stack.callback(reader.close)
                return self._audited(db, store, reader)
        except ArchiveDamaged as error:
            return VerifyReport(damage=(Damage(INDEX, f"{error}"),))

    def _audited(self, db: sqlite3.Connection, store: TieredStore, reader: SegmentReader) -> VerifyReport:
        notices: tuple[str, ...] = ()
        found: list[Damage] = []
        with disk.translated(self.path):
            if self.listing and self.repair:
                tiers.adopt(store, self.listing)
            if self.repair:
                index = Index(db, texts.text_reader(db, reader), self.now)
                recovered = Recovery(self.path, index, reader, force=True).run()
                notices = tuple(recovered.notices)
                found = [replace(one, repaired=True) for one in recovered.damage if "missing" not in one.what]
            notices = (*notices, *self._compare(store))
            audit = Audit(db, reader, self.spread, store.changed, self.trusting)
            audit.run()
            if self.repair:
                with schema.transaction(db, self.path, lambda: None):
                    mend(db, audit, yes=self.yes)
        seen = {one.where for one in found}
        damage = (*found, *(one for one in audit.damage() if one.where not in seen))
        notices = (*notices, *audit.notices, *self._told(store))
        return VerifyReport(audit.segments, audit.records, audit.captures, audit.orphans, damage, notices)

    def _compare(self, store: TieredStore) -> list[str]:
        """From here on the store holds what it lists; a line for each copy there that is not what is here.

        Raises StoreRefused where segments lie in a store that is not the one that is set.
        """
        if self.listing is None:
            if any(store.is_away(name) for name in store.objects):
                store.asked()
            return []
        if moved := tiers.moved_elsewhere(store, self.listing):
            raise StoreRefused(moved)
        altered = tiers.altered(self.listing, store.objects)
        lost = [name for name in store.objects if name not in self.listing.segments]
        copies = [name for name in (*altered, *lost) if not store.is_away(name)]
        if self.trusting:
            store.changed |= altered
        store.objects = tiers.joined(self.listing, store.objects)
        url = store.asked().url
        return [f"{name} is here, but its copy at {url} is missing, or has another size or ETag" for name in copies]

    def _told(self, store: TieredStore) -> Iterator[str]:
        """Lines on the object store: what was read of it, and what lies there that is none of ours."""
        if self.listing is None:
            return
        url, fetched = self.remote.url, self.remote.client.fetched if self.remote.client else 0
        if away := sum(store.is_away(name) for name in store.objects):
            how = "compared by size and ETag, not read" if self.trusting else f"read ({Counted(fetched):byte} fetched)"
            yield f"{Counted(away):segment} at {url}: {how}"
        if others := self.listing.others:
            some = ", ".join(name[:80] for name in others[:_NAMED]) + (", ..." if len(others) > _NAMED else "")
            yield f"{Counted(len(others)):object} at {url} left alone, as no name of a segment: {some}"

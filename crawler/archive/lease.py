"""The lease of an object store: one writes to it at a time, by an object that its holder keeps alive.

Every change of the object is conditional, so that of two who try it one succeeds: it is made only where it is not there
(`If-None-Match: *`), and replaced only where it is as it was seen (`If-Match`). A holder replaces it every `BEAT`
seconds. Who finds one that looks old watches it by a clock of its own, since clocks of two machines differ, and takes
it over where it stands still. A holder that stood still itself (a laptop that slept) finds that out before it records
anything: `Lease.prove`. A store without `If-Match` keeps the old way: nobody is believed dead for a day.

How the object is changed is `conditional`'s business, what is moved meanwhile `offload`'s.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from crawler.archive import conditional
from crawler.archive.conditional import SmallObject, Unconditional
from crawler.archive.objects import WRITER, ObjectStore
from crawler.core.errors import StoreError, StoreRefused

BEAT: Final = 30.0  # seconds between two signs of life
STALE: Final = 300.0  # seconds without one, as the store dates it, after which a holder is watched
WATCHED: Final = 180.0  # seconds in which a watched one must move: longer than a request with its retries takes
FORGOTTEN: Final = 24 * 3600.0  # seconds after which one that gives no signs of life is believed dead; a guess
_ALIVE: Final = f"; alive every {BEAT:.0f} s; "
Sleep = Callable[[float], None]


@dataclass(slots=True)
class Lease:
    """This process as the one that writes to a store."""

    store: ObjectStore
    who: str  # host and folder, for people
    _seen: SmallObject | None = None  # the object as we wrote it last
    _beats: bool = False  # whether the store lets us show that we live
    _beat: int = 0
    _name: str = field(default_factory=lambda: f"{_place()} {os.getpid()} {secrets.token_hex(8)}")
    _lost: StoreRefused | None = None
    _one: threading.Lock = field(default_factory=threading.Lock)

    def prove(self) -> None:
        """Show the store, and know by it, that nobody took our place. Raises StoreRefused where somebody did."""
        with self._one:
            if self._lost:
                raise self._lost
            if self._beats and not (self._replace() or (self._find_ours() and self._replace())):
                self._lost = StoreRefused(
                    f"{self.store.url} was taken over by another writer while this one stood still"
                )
                raise self._lost

    def take(self, sleep: Sleep) -> None:
        """Become the one writer. Raises StoreRefused where another writes, or where a store would let two do so."""
        self._seen = self._created()
        if self._seen is None:
            self._take_over(sleep)
        elif self._created() is not None:
            self.leave()
            raise StoreRefused(
                f"{self.store.url} does not heed If-None-Match, by which two writers are kept apart: choose a store"
                " that does"
            )
        self._begin_to_beat()

    def leave(self) -> None:
        """Let others write. A store that does not answer keeps the object, which is known as ours next time."""
        with contextlib.suppress(StoreError):
            self.prove()
            if self._seen is not None:
                conditional.delete(self.store, WRITER, self._seen)

    def beat_until(self, over: threading.Event) -> None:
        """Show every `BEAT` seconds that we live, until `over` is set or another took our place."""
        while not over.wait(BEAT):
            try:
                self.prove()
            except StoreRefused:
                return
            except StoreError:  # it does not answer now
                continue

    def _created(self) -> SmallObject | None:
        return conditional.create(self.store, WRITER, self.who)

    def _take_over(self, sleep: Sleep) -> None:
        found = conditional.look(self.store, WRITER)
        if found is not None and not self._is_dead(found, sleep):
            holder, _, beats = found.text.partition(_ALIVE)
            after = f"one that was killed is followed after {(STALE + WATCHED) / 60:.0f} minutes" if beats else ""
            raise StoreRefused(
                f"{self.store.url} is being written by {holder}: a place is for one archive;"
                f" {after or f'remove {WRITER} there if nobody writes any more'}"
            )
        try:
            self._seen = self._created() if found is None else conditional.replace(self.store, WRITER, self.who, found)
        except Unconditional:
            if found is not None:
                conditional.delete(self.store, WRITER, found)
            self._seen = self._created()
        if self._seen is None:
            raise StoreRefused(f"{self.store.url} is being written by another since this moment")

    def _is_dead(self, found: SmallObject, sleep: Sleep) -> bool:
        """Whether who made the object writes no more."""
        who, _, beats = found.text.partition(_ALIVE)
        if not beats:  # an older crawler, or a store without If-Match: a run of the same folder would hold its lock
            return who == self.who or found.age >= FORGOTTEN
        place, _, rest = beats.partition(" ")
        pid = rest.partition(" ")[0]
        if place == _place() and pid.isascii() and pid.isdigit() and not _runs(int(pid)):
            return True
        if found.age < STALE:
            return False
        sleep(WATCHED)
        again = conditional.look(self.store, WRITER)
        return again is None or again.text == found.text

    def _begin_to_beat(self) -> None:
        """Give signs of life where the store heeds If-Match; else the object stays as an older crawler makes it."""
        first = self._seen
        try:
            self._beats = self._replace()
            if self._beats and first is not None:
                plain = conditional.replace(self.store, WRITER, self.who, first)
                if plain is not None:  # an old state was replaced: conditions are not heeded
                    self._seen, self._beats = plain, False
        except Unconditional:
            self._beats = False

    def _replace(self) -> bool:
        if self._seen is None:
            return False
        self._beat += 1
        fresh = conditional.replace(self.store, WRITER, f"{self.who}{_ALIVE}{self._name} {self._beat}", self._seen)
        self._seen = fresh or self._seen
        return fresh is not None

    def _find_ours(self) -> bool:
        """Whether the object is ours after all: an answer may be lost although the store did what was asked."""
        found = conditional.look(self.store, WRITER)
        if found is None or self._name not in found.text:
            return False
        self._seen = found
        return True


@contextlib.contextmanager
def written_by(store: ObjectStore, who: str, sleep: Sleep = time.sleep) -> Iterator[Lease]:
    """Nobody else writes to the store meanwhile; `prove` says so at any moment. Raises StoreRefused, StoreError."""
    me = Lease(store, who)
    me.take(sleep)
    over = threading.Event()
    beats = threading.Thread(target=me.beat_until, args=(over,), name="writer", daemon=True)
    beats.start()
    try:
        yield me
    finally:
        over.set()
        me.leave()


def _place() -> str:
    """What tells one running system of processes from another: a start of the machine, and a container on it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return "-"
    return hashlib.sha256(f"{boot} {namespace}".encode()).hexdigest()[:16]


def _runs(pid: int) -> bool:
    """Whether a process of this system has this number; where systems cannot be told apart, it is taken to run."""
    if _place() == "-":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True

"""Memories that are read when they are needed, for archives whose memories should not all be held at once.

A mapping like the dictionary that small archives are read into: what was read or changed is kept, the rest stays in
the index. What is due, and what a memory means, is `schedule`'s business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence, Set
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

from crawler.archive.due import AT_ONCE, batched
from crawler.archive.noted import NotedLinks
from crawler.core.model import History, Link, State
from crawler.schedule.plan import overdue_links

MANY: Final = 5_000  # links from which they and their memories stay in the index; below it a sweep takes no time


class LinkIndex(Protocol):
    """What is asked of an archive about many links at once (`archive.due.Planning`)."""

    def count(self) -> int:
        """How many links are remembered."""

    def due(self, now: datetime) -> set[str]:
        """Canonical URLs of the remembered links that may be asked now."""

    def late(self, now: datetime) -> set[str]:
        """Canonical URLs of the remembered links that have waited too long, or will have in this second."""

    def walls(self) -> set[str]:
        """Canonical URLs of the known walls."""

    def told(self) -> set[str]:
        """Canonical URLs of links that reports name also where they live."""

    def seen_after(self, at: datetime) -> list[History]:
        """Memories of links that were found or checked later than `at`."""

    def histories_of(self, keys: Iterable[str]) -> Iterator[History]:
        """Memories of these links, in no order."""

    def known_of(self, keys: Iterable[str]) -> Iterator[str]:
        """Which of these links are remembered."""

    def not_alive(self) -> dict[str, State]:
        """The states of the links whose state is another than alive."""

    def answers(self) -> dict[str, datetime]:
        """When each host answered last."""


@runtime_checkable
class Indexed(Protocol):
    """A memory that has such an index."""

    def planning(self) -> LinkIndex:
        """The index as it is now."""


class Memories(MutableMapping[str, History]):
    """Histories by canonical URL over an index: `changed` holds what this run learned, `read` what it looked up.

    `frozen` is the same as it was before the run; it stays so because every link that a run may change is read first.
    """

    def __init__(
        self,
        index: LinkIndex,
        changed: Mapping[str, History] | None = None,
        read: dict[str, History | None] | None = None,
    ) -> None:
        self.index = index
        self.changed: dict[str, History] = dict(changed or {})
        self.read: dict[str, History | None] = {} if read is None else read

    def load(self, keys: Iterable[str]) -> None:
        """Read many memories at once."""
        missing = [key for key in keys if key not in self.read]
        self.read.update(dict.fromkeys(missing))
        self.read.update((history.canonical_url, history) for history in self.index.histories_of(missing))

    def frozen(self) -> Memories:
        """What was remembered before this run changed anything."""
        return Memories(self.index, self.changed, self.read)

    def stream(self, keys: Iterable[str]) -> Iterator[tuple[str, History | None]]:
        """Memories of many links in their order, none of them kept; 500 are in memory at a time."""
        for some in batched(keys, AT_ONCE):
            wanted = [key for key in some if key not in self.changed]
            found = {history.canonical_url: history for history in self.index.histories_of(wanted)}
            for key in some:
                yield key, self.changed.get(key) or found.get(key)

    def states(self) -> dict[str, State]:
        """States of all links that are not alive, and of those that changed."""
        return self.index.not_alive() | {key: history.state for key, history in self.changed.items()}

    def __getitem__(self, key: str) -> History:
        if key in self.changed:
            return self.changed[key]
        if key not in self.read:
            self.load([key])
        history = self.read[key]
        if history is None:
            raise KeyError(key)
        return history

    def __setitem__(self, key: str, history: History) -> None:
        if key not in self.read:
            self.load([key])
        self.changed[key] = history

    def __delitem__(self, key: str) -> None:
        raise TypeError("memories are replaced, never forgotten")

    def __iter__(self) -> Iterator[str]:
        yield from self.changed
        yield from (key for key, history in self.read.items() if history and key not in self.changed)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __or__(self, other: Mapping[str, History]) -> Memories:
        return Memories(self.index, self.changed | dict(other), self.read)

    def __ior__(self, other: Mapping[str, History]) -> Memories:
        self.update(other)
        return self


Remembered = dict[str, History] | Memories


def memories_of(memory: Indexed | object) -> Memories | None:
    """The memories of an archive that has many; None where all are to be read at once."""
    if not isinstance(memory, Indexed):
        return None
    index = memory.planning()
    return Memories(index) if index.count() > MANY else None


def before_of(histories: Remembered) -> Remembered:
    """What was remembered, unmoved by what a run learns."""
    return histories.frozen() if isinstance(histories, Memories) else dict(histories)


def overdue(links: Sequence[Link], histories: Mapping[str, History], now: datetime) -> list[str]:
    """Canonical URLs of the links that have waited too long for a check."""
    if not isinstance(histories, Memories):
        return overdue_links(links, histories, now)
    late: list[str] = []
    for some in batched(named(links, histories.index.late(now) | histories.changed.keys()), AT_ONCE):
        known = histories.stream(link.canonical_url for link in some)
        late += overdue_links(some, {key: history for key, history in known if history}, now)
    return late


def named(links: Sequence[Link], keys: Set[str]) -> list[Link]:
    """Those of the links that have these canonical URLs, in their order."""
    if isinstance(links, NotedLinks):
        return links.of(keys)
    return [link for link in links if link.canonical_url in keys]


def touched(histories: Mapping[str, History]) -> Mapping[str, History]:
    """What a run may have changed: all where that is not known."""
    return histories.changed if isinstance(histories, Memories) else histories

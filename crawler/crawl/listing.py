"""The links of unchanged notes with what is remembered of them, both left in the index: questions of a run about all.

Each answer is the one that going through a list of all links and memories would give. What is due, and what a memory
means, is `schedule`'s business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from crawler.archive.noted import NotedLinks
from crawler.core.model import LOCAL, History, Link, State
from crawler.schedule.outage import canaries
from crawler.schedule.plan import by_slot

if TYPE_CHECKING:
    from crawler.archive.noted import NotedHost
    from crawler.crawl.lazy import Memories
    from crawler.schedule.plan import Queues
    from crawler.schedule.politeness import PolitenessOf


class Listing:
    """What planning asks about the links of notes (`schedule.plan.Queued`). `due` are those that may be asked now."""

    def __init__(self, links: NotedLinks, memories: Memories, due: Iterable[Link]) -> None:
        self.links = links
        self.memories = memories
        self._due: dict[str, list[Link]] = defaultdict(list)
        for link in due:
            self._due[link.slot].append(link)
        self._walls: dict[str, list[str]] | None = None

    def queues(self, politeness: PolitenessOf) -> tuple[Queues, list[str]]:
        """Queues by slot in order of first writing, and the links that the user skips."""
        slots, left_out = by_slot(self.links.hosts(), politeness)
        skipped = frozenset(one.host for one in left_out)
        queues: Queues = [(key, ListedSlot(key, hosts, skipped, self), rules) for key, hosts, rules in slots]
        skips = (x.canonical_url for x in self.links if x.host in skipped and x.site != LOCAL) if skipped else ()
        return queues, list(skips)

    def due_of(self, slot: str) -> list[Link]:
        """Those of a slot that may be asked now, in order of first writing."""
        return self._due.get(slot, [])

    def walls_of(self, slot: str) -> list[str]:
        """Canonical URLs of the known walls of a slot."""
        if self._walls is None:
            self._walls = defaultdict(list)
            for link in self.links.of(self.memories.index.walls()):
                self._walls[link.slot].append(link.canonical_url)
        return self._walls.get(slot, [])


@dataclass(frozen=True, slots=True)
class ListedSlot:
    """The links of one slot, without those of skipped hosts."""

    key: str
    hosts: list[NotedHost]
    skipped: frozenset[str]
    listing: Listing

    @property
    def site(self) -> str:
        """Of its first link."""
        return self.hosts[0].site

    def __len__(self) -> int:
        return sum(one.links for one in self.hosts)

    def __iter__(self) -> Iterator[Link]:
        return (link for link in self.listing.links.of_slot(self.key) if link.host not in self.skipped)

    def due(self, now: datetime) -> list[Link]:  # noqa: ARG002  # known already
        """Those that may be asked now."""
        return [link for link in self.listing.due_of(self.key) if link.host not in self.skipped]

    def walls(self) -> Iterable[History | None]:
        """What is remembered of the known walls."""
        return (self.listing.memories.get(key) for key in self.listing.walls_of(self.key))

    def living(self) -> Iterator[tuple[Link, History]]:
        """Those that were alive at their last check, first whose last check is longest ago."""
        changed = self.listing.memories.changed
        for link, history in self.listing.links.living(self.key):
            known = changed.get(link.canonical_url, history)
            if known.state is State.ALIVE and known.checked_at is not None and link.host not in self.skipped:
                yield link, known


def most_recent(
    links: Sequence[Link], histories: Mapping[str, History], asked_hosts: set[str], most: int
) -> Sequence[Link]:
    """Links among which `canaries` finds what it would find among all."""
    if not isinstance(links, NotedLinks):
        return links
    chosen: dict[str, Link] = {}
    for link in links.last_seen():
        if link.host not in chosen and canaries([link], histories, asked_hosts):
            chosen[link.host] = link
            if len(chosen) == most:
                break
    return list(chosen.values())

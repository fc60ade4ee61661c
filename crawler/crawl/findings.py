"""The findings of a large report, made when they are asked for: one pass over memories that stay in the index.

Order and content are those of `results.build_report`; nothing else is decided here.
"""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from types import MappingProxyType
from typing import Final, overload

from crawler.archive.due import AT_ONCE, batched
from crawler.archive.noted import NotedLinks
from crawler.core.model import History, Link, State
from crawler.core.results import Finding, Suggestion
from crawler.crawl.lazy import Memories

STATE_ORDER: Final = {state: rank for rank, state in enumerate(State)}
QUIET: Final = (State.ALIVE, State.UNCHECKED)  # not told of, unless there is news
Offer = Callable[[Link, History], tuple[Suggestion, ...]]


@dataclass(frozen=True, slots=True)
class FindingMaker:
    """What links are findings by: their memories, what can be read instead of them, and which were known before."""

    memories: Memories
    now: datetime
    offer: Offer
    known_before: Collection[str] = ()  # canonical URLs

    def __call__(self, links: Iterable[Link]) -> Iterator[Finding]:
        """The findings of links, in their order; 500 memories are held at a time."""
        for some in batched(links, AT_ONCE):
            for link, (key, known) in zip(some, self.memories.stream([x.canonical_url for x in some]), strict=True):
                history = known or History(key, first_seen=self.now, url=link.url)
                yield Finding(link, history, self.offer(link, history), key in self.known_before)


class Findings(Sequence[Finding]):
    """Findings in report order; each pass reads the memories anew. `order` gives the sort key of a link in a state."""

    def __init__(self, links: Sequence[Link], made: FindingMaker, order: Callable[[Link, State], object]) -> None:
        self._made = made
        self._memories = memories = made.memories
        self._states: Mapping[str, State] = memories.states()
        unknown = self._never_seen(links)
        self._states = {**self._states, **dict.fromkeys(unknown, State.UNCHECKED)}
        self._links = sorted(links, key=lambda link: order(link, self._state(link)))  # type: ignore[arg-type,return-value]  # any order

    def __len__(self) -> int:
        return len(self._links)

    def __iter__(self) -> Iterator[Finding]:
        return self._made(self._links)

    @overload
    def __getitem__(self, at: int) -> Finding: ...
    @overload
    def __getitem__(self, at: slice) -> list[Finding]: ...
    def __getitem__(self, at: int | slice) -> Finding | list[Finding]:
        if isinstance(at, slice):
            return list(self._made(self._links[at]))
        return next(self._made([self._links[at]]))

    def standing(self) -> Counter[tuple[str, State]]:
        """How many links of which site are in which state; no memory is read for it."""
        return Counter((link.site, self._state(link)) for link in self._links)

    def not_alive(self) -> Iterator[Finding]:
        """The findings of links that are not alive, and of those that this run changed."""
        changed = self._memories.changed
        return self._made([x for x in self._links if x.canonical_url in self._states or x.canonical_url in changed])

    def candidates(self, changed: Collection[str]) -> Iterator[Finding]:
        """All but those of links that are alive or unchecked and of which there is nothing to tell, in their order."""
        telling = self._memories.index.told() | self._memories.changed.keys() | set(changed)
        return self._made([x for x in self._links if self._state(x) not in QUIET or x.canonical_url in telling])

    def _state(self, link: Link) -> State:
        return self._states.get(link.canonical_url, State.ALIVE)

    def _never_seen(self, links: Sequence[Link]) -> set[str]:
        keys = {link.canonical_url for link in links} - self._memories.changed.keys() - self._states.keys()
        keys.difference_update(self._memories.index.known_of(list(keys)))
        return keys


class ListedFindings(Sequence[Finding]):
    """The same over links that stay in the index, too: what is held is places of the links that are not alive.

    Living links come last in reports, so that they can be read from the index in its own order.
    """

    def __init__(self, links: NotedLinks, made: FindingMaker) -> None:
        self._links = links
        self._made = made
        self._memories = memories = made.memories
        never_seen = {x.canonical_url: State.UNCHECKED for x in links.new() if x.canonical_url not in memories.changed}
        states = {**memories.states(), **never_seen}
        self._placed = links.placed(states)
        self._states = {key: states[key] for key in self._placed}
        self._others = self._in_order([key for key, state in self._states.items() if state is not State.ALIVE])

    def __len__(self) -> int:
        return len(self._links)

    def __iter__(self) -> Iterator[Finding]:
        yield from self._of(self._others)
        others = frozenset(self._others)
        yield from self._made(link for link in self._links.in_place() if link.canonical_url not in others)

    @overload
    def __getitem__(self, at: int) -> Finding: ...
    @overload
    def __getitem__(self, at: slice) -> list[Finding]: ...
    def __getitem__(self, at: int | slice) -> Finding | list[Finding]:
        wanted = range(len(self))[at]
        if isinstance(wanted, int):
            return next(islice(self, wanted, None))
        found = dict(zip(sorted(wanted), _picked(self, sorted(wanted)), strict=True))
        return [found[n] for n in wanted]

    def standing(self) -> Counter[tuple[str, State]]:
        """How many links of which site are in which state; no memory is read for it."""
        counts = Counter((self._placed[key][1], self._states[key]) for key in self._others)
        told: Counter[str] = Counter()
        for (site, _), links in counts.items():
            told[site] += links
        alive = {(site, State.ALIVE): links - told[site] for site, links in self._links.sites().items()}
        counts.update({at: links for at, links in alive.items() if links})
        return counts

    def not_alive(self) -> Iterator[Finding]:
        """The findings of links that are not alive, and of those that this run changed."""
        return self._of(self._in_order(self._states))

    def candidates(self, changed: Collection[str]) -> Iterator[Finding]:
        """All but those of links that are alive or unchecked and of which there is nothing to tell, in their order."""
        telling = self._memories.index.told() | self._memories.changed.keys() | set(changed)
        missing = self._links.placed(telling - self._placed.keys())
        keys = [key for key, state in self._states.items() if state not in QUIET or key in telling]
        return self._of(self._in_order([*keys, *missing], missing))

    def _in_order(
        self, keys: Iterable[str], further: Mapping[str, tuple[int, str]] = MappingProxyType({})
    ) -> list[str]:
        places = ChainMap(dict(further), self._placed)
        return sorted(keys, key=lambda key: (STATE_ORDER[self._states.get(key, State.ALIVE)], places[key][0], key))

    def _of(self, keys: Iterable[str]) -> Iterator[Finding]:
        for some in batched(keys, AT_ONCE):
            links = {link.canonical_url: link for link in self._links.of(some)}
            yield from self._made(links[key] for key in some)


def _picked(findings: Iterable[Finding], numbers: Sequence[int]) -> Iterator[Finding]:
    """Those at these places, which are in rising order."""
    rest, done = iter(findings), 0
    for number in numbers:
        yield next(islice(rest, number - done, None))
        done = number + 1

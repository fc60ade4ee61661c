"""The findings of a large report, made when they are asked for: one pass over memories that stay in the index.

Order and content are those of `results.build_report`; nothing else is decided here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import overload

from crawler.core.model import Finding, History, Link, State, Suggestion
from crawler.crawl.lazy import Memories

Offer = Callable[[Link, History], tuple[Suggestion, ...]]


class Findings(Sequence[Finding]):
    """Findings in report order; each pass reads the memories anew, 500 at a time.

    `order` gives the sort key of a link in a state, `offer` what can be read instead of it.
    """

    def __init__(
        self,
        links: Sequence[Link],
        memories: Memories,
        now: datetime,
        order: Callable[[Link, State], object],
        offer: Offer,
        known_before: Collection[str] = (),
    ) -> None:
        self._memories = memories
        self._now = now
        self._offer = offer
        self._known_before = known_before
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

    def _state(self, link: Link) -> State:
        return self._states.get(link.canonical_url, State.ALIVE)

    def _never_seen(self, links: Sequence[Link]) -> set[str]:
        keys = {link.canonical_url for link in links} - self._memories.changed.keys() - self._states.keys()
        keys.difference_update(self._memories.index.known_of(list(keys)))
        return keys

    def _made(self, links: Sequence[Link]) -> Iterator[Finding]:
        memories = self._memories.stream(link.canonical_url for link in links)
        for link, (key, known) in zip(links, memories, strict=True):
            history = known or History(key, first_seen=self._now, url=link.url)
            yield Finding(link, history, self._offer(link, history), key in self._known_before)

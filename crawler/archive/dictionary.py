"""Dictionaries of whole pages: why a WeChat page takes 25 KB and not 350.

97 % of such a page is JavaScript that the last one had too (docs/archive.md, "Figures"). A segment therefore begins
with a few whole pages of the busiest hosts as zstd dictionary. It costs some 375 KB itself, so a segment starts without
one, and as soon as pages of hosts that a dictionary would cover have cost as much as one, the next segment begins with
it (the ski-rental rule). Days that bring a handful of pages never pay for one.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from crawler.archive.codec import LEVEL, zstd
from crawler.archive.queries import Where

PRICE: Final = 512 * 1024  # bytes; a dictionary of four large pages takes 375 KB
PAGES_PER_HOST: Final = 2  # a second page halves what a page costs, a third changes little
MAX_SIZE: Final = 8 * 1000 * 1000  # bytes; the IIPC draft allows 8 MB
MAX_PAGE: Final = 4 * 1024 * 1024  # bytes; one giant page must not crowd out the rest
_HEADROOM = 64 * 1024  # bytes that finishing adds at most: entropy tables


class Meter:
    """What pages of repeated hosts have cost in the open segment, which has no dictionary."""

    def __init__(self) -> None:
        self._newest: dict[str, deque[Where]] = {}
        self._costs: Counter[str] = Counter()

    def saw(self, host: str, place: Where) -> None:
        """A page of `host` was written, and lies there."""
        newest = self._newest.setdefault(host, deque(maxlen=PAGES_PER_HOST))
        if newest:
            self._costs[host] += place[1][1]
        newest.appendleft(place)

    @property
    def cost(self) -> int:
        """Bytes that pages took of hosts which had one there before."""
        return self._costs.total()

    def pages(self) -> list[Where]:
        """The newest pages of those hosts, the most costly host first: checks of a new link count only later."""
        return [place for host, _ in self._costs.most_common() for place in self._newest[host]]

    @property
    def worth_it(self) -> bool:
        """Whether a dictionary would have paid for itself by now."""
        return self.cost >= PRICE


def build(pages: Iterable[bytes]) -> zstd.ZstdDict | None:
    """A finished dictionary of whole pages, the most useful first; None where nothing is left to be one."""
    chosen: list[bytes] = []
    room = MAX_SIZE - _HEADROOM
    for page in pages:
        if 0 < len(page) <= min(room, MAX_PAGE):
            chosen.append(page)
            room -= len(page)
    if not chosen:
        return None
    raw = zstd.ZstdDict(b"".join(reversed(chosen)), is_raw=True)  # what lies last is reached most cheaply
    try:
        return zstd.finalize_dict(raw, chosen, MAX_SIZE, LEVEL)
    except zstd.ZstdError:  # too little or too uniform to make statistics of
        return None


def choose(hosts: Sequence[tuple[str, int]], pages_of: Callable[[str, int], Sequence[int]]) -> list[int]:
    """Captures to make a dictionary of: the newest pages of the hosts that took most bytes, busiest first."""
    return [capture for host, _ in hosts for capture in pages_of(host, PAGES_PER_HOST)]

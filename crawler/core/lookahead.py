"""Work begun ahead on other threads or processes, its results taken in order.

What the work is, and who does it, is the caller's business; so is what becomes of a failure.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")


def in_order(
    begin: Callable[[S], Future[T]],
    items: Iterable[S],
    most: int,
    *,
    size: Callable[[S], int] = lambda _: 0,
    most_size: int = sys.maxsize,
) -> Generator[tuple[S, T]]:
    """Each item with the result of its work, in the order of the items; raises what the work raises, at its item.

    At most `most` items are begun and not taken, and no more than one where they are of more than `most_size` together.
    What was begun and is not wanted any more, since the caller went away, is cancelled.
    """
    waiting: deque[tuple[S, Future[T]]] = deque()
    held = 0
    try:
        for item in items:
            waiting.append((item, begin(item)))
            held += size(item)
            while len(waiting) > most or (held > most_size and len(waiting) > 1):
                first, done = waiting.popleft()
                held -= size(first)
                yield first, done.result()
        while waiting:
            first, done = waiting.popleft()
            yield first, done.result()
    finally:
        for _, left in waiting:
            left.cancel()

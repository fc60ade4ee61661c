"""Elements of a DOM by their place and their attributes: what stands round one, whether it is hidden, walking one.

Questions that several readers ask of any element; what a page says is found by those who ask (`document`, `blocks`,
`readable`). The parser itself is imported by none of them here, since it is slow to import.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

MAX_NODES = 400_000  # per walk; the largest real page seen has 40,000
STREAMED = "S:"  # id of the parts that React streams hidden, and moves into place by a script (react-dom, Fizz)
_HIDDEN_STYLE = re.compile(r"(?i)(?:^|[;\s])display\s*:\s*none")


def ancestors(node: LexborNode) -> Iterator[LexborNode]:
    """The elements round a node, the nearest first."""
    above = node.parent
    while above is not None:
        yield above
        above = above.parent


def is_hidden(attributes: Mapping[str, str | None]) -> bool:
    """Whether attributes hide an element: `display:none` or `hidden`, but not `visibility:hidden`.

    WeChat hides every living article by `visibility:hidden` until its script has run.
    """
    if "hidden" in attributes and not (attributes.get("id") or "").startswith(STREAMED):
        return True
    style = attributes.get("style")
    # A pattern that ignores case is slow, and nearly every style has no such word.
    return style is not None and "none" in style.lower() and _HIDDEN_STYLE.search(style) is not None


def walk(
    root: LexborNode,
    enter: Callable[[LexborNode], LexborNode | None],
    leave: Callable[[], None],
    is_enough: Callable[[], bool],
) -> None:
    """Walk a tree depth first, without recursion, since pages nest as deep as they like.

    `enter` takes a node in and gives its first child, or None where there is nothing to descend into. `leave` is called
    behind the last child of each node that was descended into. Once `is_enough`, and after `MAX_NODES`, no further node
    is entered.
    """
    node: LexborNode | None = root
    depth = 0
    for _ in range(MAX_NODES):
        if node is None:
            break
        child = enter(node)
        if child is not None:
            node = child
            depth += 1
            continue
        following = None
        while node is not None and depth and (following := node.next) is None:
            node = node.parent
            depth -= 1
            leave()
        if is_enough():
            break
        node = following
    for _ in range(depth):
        leave()

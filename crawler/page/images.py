"""Which pictures an article shows: real addresses behind lazy loading, absolute, in reading order.

Nothing is fetched here, and no picture is judged by more than its attributes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from selectolax.lexbor import LexborNode

from crawler.core.url import is_http, join

MAX_IMAGES = 200  # of one page
MAX_LOOKED = 2_000  # img elements looked at

# Where lazy loaders keep the real address; the fullest first (Zhihu's data-original is the original size).
LAZY = (
    "data-original", "data-actualsrc", "data-src", "data-lazy-src", "data-original-src", "data-lazyload", "data-lazy",
    "data-echo", "data-url", "data-hi-res-src", "file", "zoomfile",
)  # fmt: skip
_CANDIDATE = re.compile(r"(?:^|,)\s*([^\s,][^\s]*[^\s,])(?:\s+(\d+(?:\.\d+)?)[wx])?\s*(?=,|$)")


def absolute(target: str, base: str) -> str:
    """An http(s) URL, absolute; "" for anything else, also what no browser would load."""
    target = target.strip()
    if not target or target.startswith(("data:", "javascript:", "about:", "#")):
        return ""
    try:
        url = join(base, target)
    except ValueError:
        return ""
    return url if is_http(url) else ""


def image_url(node: LexborNode, base: str) -> str:
    """The address of the picture that an `<img>` comes to show; "" where it has none (yet)."""
    attributes = node.attributes
    for name in LAZY:
        if url := absolute(attributes.get(name) or "", base):
            return url
    for name in ("data-srcset", "srcset"):
        if url := absolute(_largest(attributes.get(name) or ""), base):
            return url
    return absolute(attributes.get("src") or "", base)


def _largest(srcset: str) -> str:
    """The candidate of the greatest width or density."""
    found = [(float(size or 1), url) for url, size in _CANDIDATE.findall(srcset[:20_000])[:50]]
    return max(found, default=(0.0, ""), key=lambda pair: pair[0])[1]


def images_of(nodes: Iterable[LexborNode], base: str, dropped: frozenset[int] = frozenset()) -> tuple[str, ...]:
    """The pictures under some nodes, each once. Those inside `<noscript>` count where there are no others."""
    shown: dict[str, None] = {}
    spare: dict[str, None] = {}
    for node in nodes:
        for image, plain in _pictures(node, dropped):
            if (url := image_url(image, base)) and not _is_pixel(image):
                (shown if plain else spare).setdefault(url)
    return tuple(shown or spare)[:MAX_IMAGES]


def _pictures(root: LexborNode, dropped: frozenset[int]) -> Iterator[tuple[LexborNode, bool]]:
    """Each `<img>` under a node, and whether it is in plain sight (not a `<noscript>` copy)."""
    for image in root.css("img")[:MAX_LOOKED]:
        plain, inside = True, True
        node: LexborNode | None = image
        for _ in range(600):  # deeper than any defused page nests
            if node is None or node.mem_id == root.mem_id:
                break
            plain = plain and node.tag != "noscript"
            inside = inside and node.mem_id not in dropped
            node = node.parent
        if inside:
            yield image, plain


def _is_pixel(node: LexborNode) -> bool:
    """A counter of visits: one or two pixels wide or high."""
    attributes = node.attributes
    return (attributes.get("width") or "") in {"0", "1", "2"} or (attributes.get("height") or "") in {"0", "1", "2"}

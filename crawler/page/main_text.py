"""Which part of an unknown page is the article: a generic extractor for hosts without selectors.

Every visible line gets a value: prose is worth its length, lists of links and remarks in boxes that call themselves
sidebar or comments cost. The article is the box whose lines sum up best, where a box must earn clearly more than
the best box inside it. What is left inside of menus, sharing buttons and recommendations is dropped then.
The metadata of a page stands in metadata, its selectors in the site files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from itertools import accumulate

from selectolax.lexbor import LexborNode

from crawler.page.blocks import HEADINGS, Block, Box, Layout, text_of_blocks, tidy
from crawler.page.cleaning import clean, lead_of
from crawler.page.images import is_ornament
from crawler.page.names import Promise, is_body, name_of

# All figures below were chosen by benchmarks/text.py on the sets that it names.
PROSE = 40.0  # weight from which a line with sentence marks counts as prose
LONG = 90.0  # weight from which any line does
LINKY = 0.45  # share of a line inside links from which it is a menu
GAIN = 1.25  # a box must be worth this many times the best box inside it
SHARES = {Promise.LAYOUT: 0.5, Promise.OTHER: 0.5, Promise.COMMENTS: 0.85}
SOME = 60.0  # value from which a box that calls itself the article is believed
MAX_LOOKED = 2_000  # pictures
QUOTED = 40  # characters that a line and the page's description must begin with in common
DESCRIBED = 300.0  # what such a line is worth more
DOUBTFUL = 500.0  # value of a box below which another one may be the article
ENOUGH = 120.0  # value below which a page holds no article

_SENTENCE = re.compile(r"[。！？；，、：…]|[.!?;,:](?:\s|$|[\"'”’)\]])")
_SMALL = HEADINGS | frozenset("p li ul ol dl dt dd tr figcaption figure pre th hgroup caption legend".split())
_CELLS = HEADINGS | {"td", "th", "li", "dt", "dd", "pre", "figcaption", "blockquote"}


@dataclass(frozen=True, slots=True)
class Main:
    """The article's node, its text, and the `mem_id`s of nodes inside it that are not part of the article."""

    node: LexborNode
    text: str
    dropped: frozenset[int] = frozenset()
    lead: tuple[LexborNode, ...] = ()  # paragraphs before `node` that open the article; `text` begins with them


def find_main(layout: Layout, description: str = "") -> Main | None:
    """The article among the lines of a page; None where none reads like prose.

    `description` is what the page's head says of it: mostly the article's first words, never those of a list beside it.
    Where boxes call themselves something else than an article and nothing is left, their names are not believed.
    """
    if not layout.blocks:
        return None
    junk = _junk_boxes(layout)
    start = tidy(unescape(description))[:QUOTED] if len(description) >= QUOTED else ""  # often escaped twice
    best = _best_box(layout, junk, start)
    found = _found(layout, best, junk, start) or _found(layout, _named_box(layout, junk), junk, start)
    if found is None and any(junk):
        believed = [False] * len(junk)
        found = _found(layout, _best_box(layout, believed, start), believed, start)
    return found


def furniture(layout: Layout) -> frozenset[int]:
    """The `mem_id` of menus, footers and the like, and of logos: what a page of pictures is not there for."""
    junk = _junk_boxes(layout)
    boxes = layout.boxes
    ids = {box.node.mem_id for box, bad in zip(boxes, junk, strict=True) if bad or box.tag == "header"}
    images = boxes[0].node.css("img")[:MAX_LOOKED] if boxes else []
    return frozenset(ids | {image.mem_id for image in images if is_ornament(image)})


def _found(layout: Layout, chosen: int | None, junk: list[bool], start: str) -> Main | None:
    if chosen is None:
        return None
    keep, dropped = clean(layout, chosen, junk)
    if not keep:
        return None
    lead = lead_of(layout, chosen, junk, start)
    nodes = tuple(layout.boxes[block.box].node for block in lead)
    return Main(
        layout.boxes[chosen].node, text_of_blocks([*lead, *keep], layout.boxes), dropped | layout.apparatus, nodes
    )


def _named_box(layout: Layout, junk: list[bool]) -> int | None:
    """Of boxes that say they hold the article, the one with most words outside of links: verse, recipes, lists."""
    sums = [0.0]
    for block in layout.blocks:
        sums.append(sums[-1] + (0.0 if junk[block.box] else block.weight - 2 * block.linked))
    worth = [
        (sums[box.last] - sums[box.first], index)
        for index, box in enumerate(layout.boxes)
        if not junk[index] and is_body(box)
    ]
    most, chosen = max(worth, default=(0.0, 0))
    return chosen if most >= SOME else None


def _junk_boxes(layout: Layout) -> list[bool]:
    """For each box whether it, or a box round it, calls itself something else than an article."""
    sums = [0.0]
    for block in layout.blocks:
        prose = block.weight >= PROSE and block.linked <= LINKY * block.weight and _is_prose(block)
        sums.append(sums[-1] + (block.weight - block.linked if prose else 0.0))
    names = [name_of(box) for box in layout.boxes]
    limits = {promise: sums[-1] * share for promise, share in SHARES.items()}
    inside = [sums[box.last] - sums[box.first] for box in layout.boxes]
    held: dict[str, float] = {}  # by word: the prose of its boxes, of those inside of others not again
    suspect: list[str] = []  # for each box the word by which it, or a box round it, is called junk
    for index, (box, name) in enumerate(zip(layout.boxes, names, strict=True)):
        around = suspect[box.parent] if box.parent >= 0 else ""
        # A frame round article and sidebar is called after the sidebar; a frame of sections is called as they are.
        frame = name.promise is Promise.LAYOUT and bool(sums[-1]) and inside[index] >= limits[name.promise]
        if name.word and not frame and not around:
            held[name.word] = held.get(name.word, 0.0) + inside[index]
        suspect.append(around or ("" if frame else name.word))
    junk: list[bool] = []
    for index, (box, name) in enumerate(zip(layout.boxes, names, strict=True)):
        believed = name.promise is not Promise.NONE and (
            not sums[-1] or max(inside[index], held.get(name.word, 0.0)) < limits[name.promise]
        )
        junk.append(believed or (box.parent >= 0 and junk[box.parent]))
    return junk


def _is_prose(block: Block) -> bool:
    return block.weight >= LONG or _SENTENCE.search(block.text) is not None


def _value(block: Block, tag: str, junk: bool) -> float:
    """What a line adds to the boxes round it."""
    plain = block.weight - block.linked
    if junk:
        return -min(block.weight, 60.0) * 0.25 - 2
    if block.linked > LINKY * block.weight:
        return -min(block.linked, 60.0) * 0.3 - 3
    if block.weight >= LONG or (block.weight >= PROSE and _SENTENCE.search(block.text)):
        return min(plain - block.linked, 2_000.0)
    if tag in _CELLS:
        return plain * 0.3
    return plain * 0.3 if _SENTENCE.search(block.text) else -2.0


def _best_box(layout: Layout, junk: list[bool], start: str) -> int | None:
    """The index of the box worth most.

    Where that is little, a list of teasers may be worth as much as the article: the line with `start` tells them apart.
    """
    values = [_value(block, layout.boxes[block.box].tag, junk[block.box]) for block in layout.blocks]
    worth, chosen = _worth_most(layout.boxes, values)
    if start and worth < DOUBTFUL:
        described = [
            value + DESCRIBED * (value > 0 and block.text.startswith(start))
            for value, block in zip(values, layout.blocks, strict=True)
        ]
        worth, chosen = _worth_most(layout.boxes, described)
    return chosen if worth >= ENOUGH else None


def _worth_most(boxes: list[Box], values: list[float]) -> tuple[float, int]:
    """The box whose lines' `values` sum up best, preferring inner boxes that hold nearly all of it."""
    sums = [0.0, *accumulate(values)]
    best: list[tuple[float, int]] = [(0.0, -1)] * len(boxes)  # the best box at or under each box
    for index in range(len(boxes) - 1, -1, -1):
        box = boxes[index]
        own = (sums[box.last] - sums[box.first]) * _bonus(box)
        inner = best[index]
        if box.tag not in _SMALL and own > inner[0] * GAIN:
            inner = best[index] = (own, index)
        if box.parent >= 0 and inner[0] > best[box.parent][0]:
            best[box.parent] = inner
    return best[0]


def _bonus(box: Box) -> float:
    return 1.2 if is_body(box) else 1.0

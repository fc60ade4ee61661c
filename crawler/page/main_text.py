"""Which part of an unknown page is the article: a generic extractor for hosts without selectors.

Every visible line gets a value: prose is worth its length, lists of links and remarks in boxes that call themselves
sidebar or comments cost. The article is the box whose lines sum up best, where a box must earn clearly more than
the best box inside it. What is left inside of menus, sharing buttons and recommendations is dropped then.
The metadata of a page stands in metadata, its selectors in the site files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from selectolax.lexbor import LexborNode

from crawler.page.blocks import HEADINGS, Block, Box, Layout

# All figures below were chosen by benchmarks/text.py on the sets that it names.
PROSE = 40.0  # weight from which a line with sentence marks counts as prose
LONG = 90.0  # weight from which any line does
LINKY = 0.45  # share of a line inside links from which it is a menu
GAIN = 1.12  # a box must be worth this many times the best box inside it
ENOUGH = 120.0  # value below which a page holds no article

_SENTENCE = re.compile(r"[。！？；，、：…]|[.!?;,:](?:\s|$|[\"'”’)\]])")
_JUNK = re.compile(
    r"(?:^|[\s_-])(?:comments?|commentlist|disqus_thread|respond|replies|sidebar|aside|left-?nav|right-?rail|rail|"
    r"related|recommend\w*|relate\w*|more-?(?:news|stories|articles)|hot\w{0,12}|rank\w{0,12}|popular|trending|"
    r"footer|foot|copyright\w*|breadcrumbs?|crumbs?|pagination|pager|page-?nav|nav\w{0,12}|menu\w{0,8}|toolbar|"
    r"share\w{0,12}|social\w{0,12}|sharing|bdshare\w*|tags?|tag-?list|taglinks|ads?|advert\w*|adsense|sponsor\w*|"
    r"promo\w*|banner|subscribe\w*|newsletter\w*|signup|login\w{0,8}|popup|modal|cookie\w*|consent|qr-?code\w*|"
    r"author-?(?:bio|box|info|card)|byline|masthead|widgets?|outbrain\w*|taboola\w*|feedback|statement|disclaimer|"
    r"print-?only|noprint|no-print|hidden|hide|visually-hidden|sr-only|screen-reader-text|caption-credit|"
    r"prev-?next|post-?nav\w*|interlanguage\w*|mw-editsection|navbox|reflist|toc)(?=[\s_-]|$)"
)
_BODY = re.compile(
    r"(?:^|[\s_-])(?:article[\w-]{0,4}(?:body|content|text|main|detail|con)|post[_-]?(?:body|content|text|entry)|"
    r"entry[_-]?(?:content|body|text)|story[_-]?(?:body|content|text)|(?:body|main)[_-]?(?:content|text|copy)|"
    r"content[_-]?(?:body|main|text|article|detail|views)|news[_-]?(?:content|body|text|txt|detail)|rich[_-]?text|"
    r"markdown-body|article|hentry|blogpost|blog-?content|text_con|txt_con|detail-?content|endtext|arti?body|articlebody|vsb_content)(?=\s|$)"
)
_BODY_ROLES = ("articlebody", "article", "main")
_JUNK_TAGS = frozenset(("nav", "footer", "aside", "menu"))


@dataclass(frozen=True, slots=True)
class Main:
    """The article's node, its text, and the `mem_id`s of nodes inside it that are not part of the article."""

    node: LexborNode
    text: str
    dropped: frozenset[int] = frozenset()


def find_main(layout: Layout) -> Main | None:
    """The article among the lines of a page; None where none reads like prose.

    Where boxes call themselves something else than an article and nothing is left, their names are not believed.
    """
    if not layout.blocks:
        return None
    junk = _junk_boxes(layout.boxes)
    return _find(layout, junk) or (_find(layout, [False] * len(junk)) if any(junk) else None)


def _find(layout: Layout, junk: list[bool]) -> Main | None:
    chosen = _best_box(layout, junk)
    if chosen is None:
        return None
    keep, dropped = _clean(layout, chosen, junk)
    text = "\n".join(block.text for block in keep)
    return Main(layout.boxes[chosen].node, text, dropped) if text else None


def _junk_boxes(boxes: list[Box]) -> list[bool]:
    """For each box whether it, or a box round it, calls itself something else than an article."""
    junk: list[bool] = []
    for box in boxes:
        around = box.parent >= 0 and junk[box.parent]
        junk.append(around or _is_junk(box))
    return junk


def _is_junk(box: Box) -> bool:
    if box.tag in _JUNK_TAGS or box.role in {"navigation", "complementary", "contentinfo"}:
        return True
    if box.tag in {"html", "body", "article", "main"} or not box.names:
        return False
    return _names_junk(box.names)


@lru_cache(maxsize=4096)  # pages give the same few names to most of their boxes
def _names_junk(names: str) -> bool:
    return _JUNK.search(names) is not None and not _names_body(names)


@lru_cache(maxsize=4096)
def _names_body(names: str) -> bool:
    return _BODY.search(names) is not None


def _value(block: Block, tag: str, junk: bool) -> float:
    """What a line adds to the boxes round it."""
    plain = block.weight - block.linked
    if junk:
        return -min(block.weight, 60.0) * 0.25 - 2
    if block.linked > LINKY * block.weight:
        return -min(block.linked, 60.0) * 0.3 - 3
    if block.weight >= LONG or (block.weight >= PROSE and _SENTENCE.search(block.text)):
        return min(plain - block.linked, 2_000.0)
    if tag in HEADINGS:
        return 0.0
    return plain * 0.3 if _SENTENCE.search(block.text) else -2.0


def _best_box(layout: Layout, junk: list[bool]) -> int | None:
    """The index of the box worth most, preferring inner boxes that hold nearly all of it."""
    boxes, blocks = layout.boxes, layout.blocks
    sums = [0.0]
    for block in blocks:
        sums.append(sums[-1] + _value(block, boxes[block.box].tag, junk[block.box]))
    best: list[tuple[float, int]] = [(0.0, -1)] * len(boxes)  # the best box at or under each box
    for index in range(len(boxes) - 1, -1, -1):
        box = boxes[index]
        own = (sums[box.last] - sums[box.first]) * _bonus(box)
        inner = best[index]
        if box.tag not in HEADINGS and own > inner[0] * GAIN:
            inner = best[index] = (own, index)
        if box.parent >= 0 and inner[0] > best[box.parent][0]:
            best[box.parent] = inner
    worth, chosen = best[0]
    return chosen if worth >= ENOUGH else None


def _bonus(box: Box) -> float:
    if box.tag == "article" or box.role.lower() in _BODY_ROLES:
        return 1.25
    return 1.2 if box.names and _names_body(box.names) else 1.0


def _clean(layout: Layout, chosen: int, junk: list[bool]) -> tuple[list[Block], frozenset[int]]:
    """The lines of the chosen box that belong to the article, and the nodes that do not."""
    boxes = layout.boxes
    top = boxes[chosen]
    inside = range(chosen + 1, _end_of(boxes, chosen))
    dropped: set[int] = set()
    for index in inside:
        parent = boxes[index].parent
        if parent in dropped or (junk[index] and not junk[chosen]) or _is_list_of_links(layout, boxes[index]):
            dropped.add(index)
    keep = [block for block in layout.blocks[top.first : top.last] if block.box not in dropped]
    ids = frozenset(boxes[i].node.mem_id for i in dropped if boxes[i].parent not in dropped)
    return keep, ids


def _end_of(boxes: list[Box], index: int) -> int:
    """The index after the last box inside the box at `index`."""
    outside = boxes[index].parent
    end = index + 1
    while end < len(boxes) and boxes[end].parent > outside and boxes[end].parent >= index:
        end += 1
    return end


def _is_list_of_links(layout: Layout, box: Box) -> bool:
    """Whether a list, table or div inside an article is a menu: several lines, nearly all of them links."""
    if box.tag not in {"ul", "ol", "div", "table", "section", "dl"}:
        return False
    lines = layout.blocks[box.first : box.last]
    weight = sum(block.weight for block in lines)
    linked = sum(block.linked for block in lines)
    return len(lines) >= 2 and linked > 0.75 * weight and weight / len(lines) < 60

"""What is left out of an article that was found: boxes that are not of it, and lines that are not.

Sharing buttons, advertising, pointers and teasers of other articles, forms, what stands between title and first
paragraph, and what trails behind the last. Which box is the article is decided in main_text.
"""

from __future__ import annotations

import re

from crawler.page.blocks import HEADINGS, Block, Box, Layout
from crawler.page.lines import SHORT, is_byline, is_credit, is_noise, is_pointer

LISTS = frozenset(("ul", "ol", "div", "table", "section", "dl", "article", "header", "form", "nav", "p"))
MAX_FORM = 0.2  # share of the article's weight up to which a form is left out; ASP.NET wraps whole pages in one
TEASER = 260.0  # weight of text per linked heading up to which a box holds teasers of other articles
REPEATED = 90.0  # weight from which a line that stands there twice is said once
HEAD = 8  # lines before the first paragraph that may be title, byline and date

BEFORE = 40  # lines before the article in which its title is looked for
MAX_LEAD = 1_500.0  # weight of what may stand between title and article

_CAPTION = re.compile(
    r"(?:^|[\s_-])(?:\w{0,8}caption\w{0,6}|bildunterschrift|bildtext|legende?|epigrafe|pie-?(?:de-?)?foto)(?=[\s_-]|$)"
)
MOST_CAPTIONS = 0.3  # share of the text above which captions are the story, and stay

_NUMBERED = re.compile(
    r"(?i)\s*(?:fig(?:ure|\.)?|table|tab\.|abb(?:ildung|\.)?|tabelle|figura|рис(?:унок|\.)|图|表|図)\s*\d"
)
MIN_LINES = 5  # of an article that can end with a portrait of its author
MAX_BIOGRAPHY = 900.0  # weight
MAX_NAME = 45.0  # weight

_SOMEBODY = re.compile(
    r"(?:About the author: )?[A-Z][\w.'’-]*(?:,? [A-Z][\w.'’-]*){0,4},? (?:\([^)]{1,30}\) )?"
    r"(?:is|was|has|covers|writes|joined|works|serves)\b"
)
_END = re.compile(r"[.!?。！？…:：;；\"”’')）]\W*$")


def clean(layout: Layout, chosen: int, junk: list[bool]) -> tuple[list[Block], frozenset[int]]:
    """The lines of the chosen box that belong to the article, and the nodes (mem_id) inside it that do not."""
    boxes = layout.boxes
    top = boxes[chosen]
    dropped = _dropped_boxes(layout, chosen, junk)
    keep = [block for block in layout.blocks[top.first : top.last] if block.box not in dropped]
    keep = _without_captions(_without_sections(keep, boxes), boxes)
    keep = [block for block in keep if not _is_remark(block, boxes[block.box].tag)]
    keep = _without_repeats(_without_tail(_without_head(keep, boxes), boxes))
    ids = frozenset(boxes[i].node.mem_id for i in dropped if boxes[i].parent not in dropped)
    return keep, ids


def lead_of(layout: Layout, chosen: int, junk: list[bool], start: str) -> list[Block]:
    """The paragraphs between the title and the chosen box that open the article: teaser, standfirst, summary.

    Where no `<h1>` says where they begin, only what begins as the page's description does (`start`).
    """
    boxes, first = layout.boxes, layout.boxes[chosen].first
    before = layout.blocks[max(first - BEFORE, 0) : first]
    titles = [place for place, block in enumerate(before) if boxes[block.box].tag == "h1"]
    if junk[chosen]:
        return []
    if not titles:
        described = [b for b in before if start and b.text.startswith(start) and not junk[b.box] and _is_lead(b, boxes)]
        return described[-1:]
    found = [b for b in before[titles[-1] + 1 :] if not junk[b.box] and _is_lead(b, boxes)]
    return found if sum(b.weight for b in found) < MAX_LEAD else []


def _is_lead(block: Block, boxes: list[Box]) -> bool:
    if block.weight < 60 or block.linked > 0.3 * block.weight or not _END.search(block.text):
        return False
    return not (is_caption(boxes, block.box) or is_byline(block.text) or _is_remark(block, boxes[block.box].tag))


def is_caption(boxes: list[Box], index: int) -> bool:
    """Whether a box, or one of the three round it, is what is said of a picture; a caption of a table is not."""
    for _ in range(3):
        if index < 0:
            return False
        box = boxes[index]
        if box.tag in {"table", "caption", "pre", "blockquote", "article", "main", "body"}:
            return False
        if box.tag == "figcaption" or (box.names and _CAPTION.search(box.names)):
            return True
        index = box.parent
    return False


def _without_captions(keep: list[Block], boxes: list[Box]) -> list[Block]:
    """Without captions of pictures, which stands with them in the readable copy and breaks a text without any.

    Numbered captions, to which the text refers, stay; so do all of them where they tell the story.
    """
    said = [b for b in keep if is_caption(boxes, b.box) and not _NUMBERED.match(b.text)]
    if not said or sum(b.weight for b in said) > MOST_CAPTIONS * sum(b.weight for b in keep):
        return keep
    left_out = {id(block) for block in said}
    return [block for block in keep if id(block) not in left_out]


def _dropped_boxes(layout: Layout, chosen: int, junk: list[bool]) -> set[int]:
    boxes = layout.boxes
    weight = sum(block.weight for block in layout.blocks[boxes[chosen].first : boxes[chosen].last])
    dropped: set[int] = set()
    for index in range(chosen + 1, _end_of(boxes, chosen)):
        box = boxes[index]
        called_so = box.parent in dropped or (junk[index] and not junk[chosen])
        if called_so or (box.tag in LISTS and box.last > box.first and _is_foreign(layout, box, weight)):
            dropped.add(index)
    return dropped


def _end_of(boxes: list[Box], index: int) -> int:
    """The index after the last box inside the box at `index`."""
    outside = boxes[index].parent
    end = index + 1
    while end < len(boxes) and boxes[end].parent > outside and boxes[end].parent >= index:
        end += 1
    return end


def _is_foreign(layout: Layout, box: Box, whole: float) -> bool:
    """Whether a box inside an article is a menu, a form, or a list of other articles."""
    lines = layout.blocks[box.first : box.last]
    weight = sum(block.weight for block in lines)
    if box.tag == "form":
        return weight < MAX_FORM * whole
    linked = sum(block.linked for block in lines)
    if len(lines) < 2:
        return False
    if linked > 0.75 * weight and weight / len(lines) < 60:
        return True
    if weight > 0.4 * whole or not linked:
        return False
    titles = sum(block.linked > 0.8 * block.weight and layout.boxes[block.box].tag in HEADINGS for block in lines)
    return titles > 1 and (weight - linked) / titles < TEASER


def _is_remark(block: Block, tag: str) -> bool:
    if block.weight > SHORT or tag == "pre":
        return False
    linked = block.linked > 0.4 * block.weight
    if tag in {"td", "th"}:
        return False
    return is_noise(block.text) or is_pointer(block.text, linked=linked) or is_credit(block.text)


def _without_sections(keep: list[Block], boxes: list[Box]) -> list[Block]:
    """Without what stands under headings like "Related articles", up to the next heading of that rank."""
    found: list[Block] = []
    level = ""
    for place, block in enumerate(keep):
        tag = boxes[block.box].tag
        if tag in HEADINGS:
            if level and tag <= level:
                level = ""
            if (
                not level
                and place > 2
                and block.weight < SHORT
                and (is_pointer(block.text, linked=False) or is_noise(block.text))
            ):
                level = tag
        if not level:
            found.append(block)
    return found if sum(b.weight for b in found) > 0.5 * sum(b.weight for b in keep) else keep


def _without_head(keep: list[Block], boxes: list[Box]) -> list[Block]:
    """Without title, byline and date before the first paragraph."""
    start = 0
    for place, block in enumerate(keep[: 2 * HEAD]):
        if boxes[block.box].tag == "h1" and not any(_is_prose(b) for b in keep[:place][2:]):
            start = place + 1
    end = start
    while end < len(keep) and end - start < HEAD and not _is_prose(keep[end]):
        end += 1
    in_prose = end < len(keep) and _is_prose(keep[end])  # else these are the lines of a verse, a recipe, a list
    return [b for b in keep[start:end] if not _is_heading_matter(b, boxes[b.box].tag, short=in_prose)] + keep[end:]


def _is_prose(block: Block) -> bool:
    return block.weight >= 80 and block.linked < 0.5 * block.weight and not is_byline(block.text)


def _is_heading_matter(block: Block, tag: str, *, short: bool) -> bool:
    if tag in {"td", "th", "li", "pre"}:
        return False
    if block.linked > 0.6 * block.weight or is_byline(block.text):
        return True
    return short and tag not in HEADINGS and block.weight < 30 and not _END.search(block.text)


def _without_tail(keep: list[Block], boxes: list[Box]) -> list[Block]:
    """Without headings that head nothing, and the links and tags behind the last paragraph."""
    end = len(keep)
    while end > 1:
        block, tag = keep[end - 1], boxes[keep[end - 1].box].tag
        loose = tag not in {"td", "th", "li", "pre", "dd"} and block.weight < SHORT
        if tag in HEADINGS or (loose and (block.linked > 0.6 * block.weight or is_byline(block.text))):
            end -= 1
        elif (start := _biography(keep, end)) < end:
            end = start
        else:
            break
    return keep[:end]


def _biography(keep: list[Block], end: int) -> int:
    """Where the author's portrait begins that ends an article: with the name on a line before it; `end` for none.

    A paragraph without such a line stays: it is as often the article's own.
    """
    text = keep[end - 1].text
    if end < MIN_LINES or keep[end - 1].weight > MAX_BIOGRAPHY or not _SOMEBODY.match(text):
        return end
    first = text.partition(" ")[0].lower()
    for place in range(end - 2, max(end - 4, 1), -1):
        name = keep[place]
        if name.weight < MAX_NAME and name.text.istitle() and name.text.lower().partition(" ")[0] == first:
            return place
    return end


def _without_repeats(keep: list[Block]) -> list[Block]:
    """Each long line once: pages repeat captions in galleries, and paragraphs for smaller screens."""
    seen: set[str] = set()
    found = []
    for block in keep:
        if block.weight >= REPEATED:
            if block.text in seen:
                continue
            seen.add(block.text)
        found.append(block)
    return found

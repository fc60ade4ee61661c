"""From a DOM to its visible lines: what a reader would see, in reading order, and inside which boxes.

One iterative walk (pages nest as deep as they like) yields *blocks* (lines of text) and *boxes* (the block-level
elements round them). What the lines are worth is decided in main_text; nothing here knows articles from menus,
but for the words in class names that `Box.mood` carries.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

from selectolax.lexbor import LexborNode

from crawler.page.formulas import drawn_text, is_drawn
from crawler.page.nodes import ancestors, is_hidden, walk

MAX_CHARS = 5_000_000  # of text per walk; longer pages are cut

SILENT = frozenset(
    "script style noscript template head svg math iframe frame object embed applet canvas audio video map "
    "select option optgroup datalist button textarea input dialog rt rp".split()
)
DRAWN = frozenset(("img", "math", "script", "mjx-container"))
BOXES = frozenset(
    "html body address article aside blockquote center dd details div dl dt fieldset figcaption figure footer form "
    "h1 h2 h3 h4 h5 h6 header hgroup hr legend li main nav ol p pre section summary table tbody td tfoot th thead tr "
    "ul frameset caption menu".split()
)
ENDS = frozenset(("br", "hr"))  # of a line
PLAIN = frozenset("b big em font i s small strike strong sub sup u".split())  # never hidden, in practice
_COMMON = (BOXES | PLAIN | {"a", "span"}) - ENDS - SILENT  # most elements: nothing special to ask of them
NONE: dict[str, str | None] = {}
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))

CELL = 200.0  # weight up to which the text of a table's cell stands on the line of its row

_CELLS = frozenset(("td", "th"))
_CODE_LINES = frozenset(("code", "span"))
_LINE = re.compile(r"(?:^|[\s_-])(?:line|code-line|cm-line|view-line)(?=\s|$)")
_GUTTER = re.compile(
    r"(?:^|\s)(?:gutter|line-?numbers?(?:-rows)?|lineno|linenos|blob-num|rouge-gutter|hljs-ln-numbers|hljs-ln-n|lnt|"
    r"code-snippet__line-index|pre-numbering|react-line-number)(?=\s|$)"
)
_PROMPT = re.compile(r"(?:^|\s)(?:jp-(?:In|Out)putPrompt|(?:in|out)put_prompt)(?=\s|$)")  # of a notebook's cell
_BUTTON = re.compile(
    r"(?i)(?:^|\s)(?:lang|code-?lang|\S*extension-lang|copy|copy-?(?:code-?)?(?:btn|button)|\S*copy-?code\S*|hljs-button)(?=\s|$)"
)
_CODE_BOX = re.compile(r"(?i)(?:^|[\s_-])(?:language|highlight|code)(?=[\s_-]|$)")
_APPARATUS = ", ".join(
    f'[class*="{part}"]'
    for part in "katex-html MathJax mjx- gutter line lnt num copy Copy lang hljs-button putPrompt put_prompt".split()
)
MAX_BUTTON = 24  # characters of the name of a language, or of a button, beside code
MAX_CODE = 200  # pieces of code of one page that are looked at for numbers of their lines
MAX_APPARATUS = 5_000  # elements looked at
_NO_DIGITS = {ord(letter): None for letter in "0123456789 \t\r\n\u00a0"}
# Zero-width characters, byte order marks, soft hyphens: nobody sees them, and digests must not either.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]+")


@dataclass(slots=True)
class Box:
    """A block-level element. It holds the blocks `first` up to, not including, `last`."""

    node: LexborNode
    tag: str
    parent: int  # index of the box round it; -1 for the root
    names: str  # class and id, lower case
    role: str
    first: int
    last: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """One visible line."""

    text: str  # whitespace folded, never empty
    weight: float  # reading length: a Chinese character counts two
    linked: float  # the part of `weight` inside links
    box: int  # index of the innermost box


@dataclass(slots=True)
class Layout:
    """All blocks and boxes under one node, both in document order."""

    boxes: list[Box]
    blocks: list[Block]
    apparatus: frozenset[int] = frozenset()  # mem_id of line numbers and drawn formulas, which are not read

    @property
    def text(self) -> str:
        """The lines, joined."""
        return text_of_blocks(self.blocks, self.boxes)


def text_of_blocks(blocks: list[Block], boxes: list[Box]) -> str:
    """A line for each block; the cells of a table's row on one line, where each is one short line."""
    lines: list[str] = []
    row, cells = -1, list[Block]()

    def end_row() -> None:
        lines.extend([" | ".join(cell.text for cell in cells)] if _is_row(cells) else [cell.text for cell in cells])
        cells.clear()

    for block in blocks:
        within = _row_of(boxes, block.box)
        if within != row:
            end_row()
            row = within
        if row < 0:
            lines.append(block.text)
        else:
            cells.append(block)
    end_row()
    return "\n".join(lines)


def _row_of(boxes: list[Box], index: int) -> int:
    """The index of the table row whose cell holds a box, itself or at one remove; -1 for none."""
    for _ in range(2):
        if index < 0:
            return -1
        box = boxes[index]
        if box.tag in _CELLS:
            return box.parent if box.parent >= 0 and boxes[box.parent].tag == "tr" else -1
        index = box.parent
    return -1


def _is_row(cells: list[Block]) -> bool:
    """Whether each cell has one line of its own, and none is a paragraph: tables also lay out old pages."""
    return len(cells) > 1 and len({cell.box for cell in cells}) == len(cells) and max(c.weight for c in cells) < CELL


def is_next_line(node: LexborNode, tag: str, attributes: dict[str, str | None]) -> bool:
    """Whether an element inside `<pre>` is a line that follows another one with no line end between them.

    WeChat writes a `<code>` for each line, highlighters a `<span class="line">`; both are shown as blocks.
    """
    before = node.prev
    if before is None or before.tag != tag:
        return False
    return tag == "code" or _LINE.search(attributes.get("class") or "") is not None


def apparatus(root: LexborNode) -> frozenset[int]:
    """The `mem_id` of line numbers and buttons beside code, and of drawings of formulas whose source stands beside."""
    if root.css_first("pre, .katex-html, .MathJax, .MathJax_Preview") is None:
        return frozenset()  # a third of the time of looking for all of them, and true of most pages
    named = root.css(_APPARATUS)[:MAX_APPARATUS]
    found = {node.mem_id for node in named if _is_apparatus(node, node.attributes.get("class") or "")}
    for code in root.css("pre")[:MAX_CODE]:
        found.update(_numbers(code))
    return frozenset(found)


def _is_apparatus(node: LexborNode, names: str) -> bool:
    if (
        is_drawn(names)
        or _PROMPT.search(names)
        or (_GUTTER.search(names) is not None and node.text().translate(_NO_DIGITS) == "")
    ):
        return True
    return _BUTTON.search(names) is not None and _is_beside_code(node) and len(node.text().strip()) <= MAX_BUTTON


def _is_beside_code(node: LexborNode) -> bool:
    around = islice(ancestors(node), 3)
    return any(above.tag == "pre" or _CODE_BOX.search(above.attributes.get("class") or "") for above in around)


def _numbers(code: LexborNode) -> list[int]:
    """The numbers 1, 2, 3 … that stand in elements of their own, one for each line (cnblogs)."""
    found, child, looked = list[int](), code.child, 0
    while child is not None and looked < MAX_APPARATUS:
        if child.tag == "span" and child.text().strip() == str(len(found) + 1):
            found.append(child.mem_id)
        child, looked = child.next, looked + 1
    lines = (code.text() or "").strip("\n").count("\n") + 1
    return found if len(found) > 1 and len(found) == lines else []


def weigh(text: str) -> float:
    """Reading length in letters: one for ASCII, two for Chinese (three bytes in UTF-8)."""
    if text.isascii():
        return float(len(text))
    return (len(text) + len(text.encode("utf-8", "replace"))) / 2


def tidy(text: str) -> str:
    """One line: invisible characters dropped, runs of white space folded, ends stripped."""
    # A cheap test first: what is printable has no invisible characters, and no white space but plain spaces.
    if text.isprintable() and "  " not in text:
        return text.strip()
    line = " ".join(text.split())
    return line if line.isprintable() else " ".join(_INVISIBLE.sub("", line).split())


def read_layout(root: LexborNode, dropped: frozenset[int] = frozenset(), *, hidden: bool = False) -> Layout:
    """The visible lines under `root`, without the nodes whose `mem_id` is in `dropped`.

    `hidden=True` also reads what `display:none` hides.
    """
    left_out = apparatus(root)
    reader = _Reader(dropped | left_out, hidden)
    walk(root, reader.enter, reader.leave, reader.is_full)
    return Layout(reader.boxes, reader.blocks, left_out)


class _Reader:
    """The state of one walk: open boxes, and the line being collected."""

    def __init__(self, dropped: frozenset[int], hidden: bool) -> None:
        self.boxes: list[Box] = []
        self.blocks: list[Block] = []
        self._dropped = dropped
        self._hidden = hidden
        self._open: list[str] = []  # tags of the open elements
        self._box = -1
        self._links = 0  # open <a> elements
        self._pre = 0  # open <pre> elements
        self._line: list[str] = []
        self._linked: list[str] = []
        self._chars = 0

    def is_full(self) -> bool:
        return self._chars > MAX_CHARS

    def enter(self, node: LexborNode) -> LexborNode | None:
        """Take a node in; its first child where there is something to descend into."""
        tag = node.tag or ""
        if tag == "-text":
            self._take(node.text_content or "")
            return None
        if tag not in _COMMON:
            if tag in ENDS:
                self._flush()
                return None
            if tag in DRAWN and (source := drawn_text(node, tag)) is not None:
                self._take(source)
                return None
            if tag in SILENT or tag[:1] in "-_!":
                return None
        if self._dropped and node.mem_id in self._dropped:
            return None
        child = node.child
        if child is None:
            if tag in BOXES:
                self._flush()
            return None
        attributes = NONE if tag in PLAIN else node.attributes
        if attributes and not self._hidden and is_hidden(attributes):
            return None
        if self._pre and tag in _CODE_LINES and is_next_line(node, tag, attributes):
            self._flush()
        self._push(node, tag, attributes)
        return child

    def _push(self, node: LexborNode, tag: str, attributes: dict[str, str | None]) -> None:
        self._open.append(tag)
        if tag in BOXES:
            self._flush()
            names = role = ""
            if attributes:
                names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}".lower()[:300].strip()
                role = attributes.get("itemprop") or attributes.get("role") or ""
            self.boxes.append(Box(node, tag, self._box, names, role, len(self.blocks)))
            self._box = len(self.boxes) - 1
            self._pre += tag == "pre"
        elif tag == "a":
            self._links += 1

    def leave(self) -> None:
        tag = self._open.pop()
        if tag in BOXES:
            self._flush()
            box = self.boxes[self._box]
            box.last = len(self.blocks)
            self._box = box.parent
            self._pre -= tag == "pre"
        elif tag == "a":
            self._links -= 1

    def _take(self, text: str) -> None:
        if text.isspace() and not self._pre:
            if self._line:
                self._line.append(" ")
            return
        self._chars += len(text)
        if self._pre and "\n" in text:
            *lines, text = text.split("\n")
            for line in lines:
                self._line.append(line)
                self._flush()
        self._line.append(text)
        if self._links:
            self._linked.append(text)

    def _flush(self) -> None:
        if not self._line:
            return
        joined = "".join(self._line)
        text = joined.replace("\xa0", " ").rstrip() if self._pre else tidy(joined)
        if text.strip():
            linked = weigh(tidy("".join(self._linked))) if self._linked else 0.0
            self.blocks.append(Block(text, weigh(text), linked, self._box))
        self._line, self._linked = [], []

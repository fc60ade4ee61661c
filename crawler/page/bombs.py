"""Pages built to hang a parser, made harmless before they are parsed.

HTML's own rules are quadratic in three places: open elements (each `<div>` looks for an open `<p>` up the whole
stack), formatting elements (each block opens all of them again), and attributes (each is compared with those before
it). Measured with lexbor: 100,000 nested `<div>` take 29 s, 2,000 formatting elements 1.5 s, 40,000 attributes 2.4 s.
Browsers stop nesting at 512 elements; so do we, and we leave out the tags beyond our budgets. A page within them is
returned untouched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_DEPTH = 512  # open elements; Blink's limit
MAX_REOPENED = 500_000  # formatting elements that blocks open again, in all; guess, real pages stay under thousands
MAX_TAGS = 1_000_000  # of a page, the rest is cut off; the HTML standard on one page has about 600,000
MAX_ATTRIBUTES = 500  # of one tag; guess, real ones have under 50

_FORMATTING = frozenset("a b big code em font i nobr s small strike strong tt u".split())
# Elements that are never open for long: void ones, and those that their own kind closes.
_SHALLOW = frozenset(
    "area base br col embed hr img input link meta param source track wbr p li dt dd option optgroup tr td th thead "
    "tbody tfoot colgroup rp rt html head body".split()
)
_BARRIERS = frozenset("table caption marquee object applet template svg math foreignobject select button".split())
_SPECIAL = _BARRIERS | frozenset(
    "address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer form frameset "
    "h1 h2 h3 h4 h5 h6 header hgroup iframe listing main menu nav noscript ol pre search section summary ul".split()
)
_RAW = frozenset("script style textarea title xmp iframe noembed noframes".split())
# A comment, or a tag to its end: quotes hold ">" only after "=". Possessive, so that nothing is tried twice.
_MARKUP = re.compile(r"""<(?:!--|(/?)([a-zA-Z][a-zA-Z0-9:-]*+)((?:[^>"'=]++|=\s*+(?:"[^"]*+"|'[^']*+')?|["'])*+)>?)""")
_QUOTED = re.compile(r"""=\s*+(?:"[^"]*+"?|'[^']*+'?)""")
# A tag without ">" in quotes that is long enough for too many attributes; and a ">" in quotes.
_LONG_TAG = re.compile(rf"<[a-zA-Z][^>]{{{MAX_ATTRIBUTES * 2}}}")
_QUOTED_END = re.compile(r"""=\s*+(?:"[^">]*+>|'[^'>]*+>)""")


def defuse(html: str) -> str:
    """The same HTML, without the tags that go over a budget."""
    if _is_harmless(html):
        return html
    parts, position = [], 0
    for start, end in _over_budget(html):
        parts.append(html[position:start])
        position = end
    return "".join([*parts, html[position:]]) if parts else html


def _is_harmless(html: str) -> bool:
    """A quick proof that no budget is touched, for ordinary pages: few elements begin, and no tag is long.

    Fewer than MAX_DEPTH elements cannot nest deeper, nor be opened again more than MAX_DEPTH squared times.
    """
    begun = html.count("<") - html.count("</")
    return begun < MAX_DEPTH and not _LONG_TAG.search(html) and not _QUOTED_END.search(html)


def _over_budget(html: str) -> Iterator[tuple[int, int]]:
    """The spans of tags to leave out, in order."""
    open_elements = _OpenElements()
    formatting, reopened, position, tags = 0, 0, 0, 0
    while match := _MARKUP.search(html, position):
        position = match.end()
        tags += 1
        closing, name = match[1], (match[2] or "").lower()
        if tags > MAX_TAGS:
            yield match.start(), len(html)
            return
        if not name:
            position = _after(html, "-->", position)
        elif closing:
            open_elements.close(name)
            formatting -= formatting > 0 and name in _FORMATTING
        else:
            reopened += formatting
            full = len(open_elements.names) >= MAX_DEPTH or reopened > MAX_REOPENED
            if full or _attributes(match[3]) > MAX_ATTRIBUTES:
                yield match.span()
            elif name in _RAW:
                position = _after(html, f"</{name}", position)
            elif name not in _SHALLOW:
                open_elements.push(name)
                formatting += name in _FORMATTING


class _OpenElements:
    """The parser's stack, as deep as the real one or deeper: what closes nothing there closes nothing here."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._where: dict[str, list[int]] = {}
        self._special: list[int] = []
        self._barriers: list[int] = []

    def push(self, name: str) -> None:
        index = len(self.names)
        self.names.append(name)
        self._where.setdefault(name, []).append(index)
        if name in _SPECIAL:
            self._special.append(index)
        if name in _BARRIERS:
            self._barriers.append(index)

    def close(self, name: str) -> None:
        """A special element is looked for up to a barrier, any other up to a special one (WHATWG 13.2.6.4.7)."""
        where = self._where.get(name)
        limits = self._barriers if name in _SPECIAL else self._special
        if not where or (limits and where[-1] < limits[-1]):
            return
        for index in range(len(self.names) - 1, where[-1] - 1, -1):
            self._where[self.names.pop()].pop()
            for known in (self._special, self._barriers):
                if known and known[-1] == index:
                    known.pop()


def _after(html: str, end: str, position: int) -> int:
    """Where the text that runs up to `end` is over; the end of the page where it never is."""
    found = html.find(end, position)
    return len(html) if found < 0 else found


def _attributes(text: str) -> int:
    """How many attributes a tag has, at most."""
    if len(text) < MAX_ATTRIBUTES * 2:
        return 0
    return len(_QUOTED.sub("=", text).replace("/", " ").split())

"""What the readers of each format hand to `occurrences`, and where offsets lie in lines.

No reading of notes happens here, only the shapes that its parts share. Offsets are code points of the note's text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import accumulate

from crawler.core.model import Kind

BOM = "\ufeff"
_NEWLINE = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Span:
    """Code points `start` up to, not including, `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Found:
    """One link as the reader of a format saw it; `title` is its own text, "" where it has none."""

    start: int
    end: int
    url: str
    kind: Kind
    title: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """All links of one text, and the spans of code in it. `titled`: titles of bare links are worked out already."""

    links: tuple[Found, ...] = ()
    code: tuple[Span, ...] = ()
    titled: bool = False


@dataclass(frozen=True, slots=True)
class Lines:
    """Line numbers, columns and line texts of one note. Lines end as in CommonMark: LF, CR LF or CR."""

    text: str
    texts: tuple[str, ...] = field(init=False)  # without their ends
    starts: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        text = self.text.removeprefix(BOM)
        shift = len(self.text) - len(text)
        if "\r" in text:
            ends = [0, *(match.end() for match in _NEWLINE.finditer(text))]
            texts = tuple(_NEWLINE.split(text))
        else:
            texts = tuple(text.split("\n"))
            ends = list(accumulate((len(line) + 1 for line in texts[:-1]), initial=0))
        object.__setattr__(self, "texts", texts)
        object.__setattr__(self, "starts", tuple(shift + end for end in ends) if shift else tuple(ends))

    def __len__(self) -> int:
        return len(self.starts)

    def index(self, offset: int) -> int:
        """The 0-based line that holds `offset`."""
        return max(0, bisect_right(self.starts, offset) - 1)


@dataclass(frozen=True, slots=True)
class Pieced:
    """A text that was put together of pieces of a note's text, and where each of them stands there."""

    text: str
    starts: list[int]  # offsets in `text`, ascending
    places: list[int]  # offsets in the note

    def place(self, offset: int) -> int:
        """Where a character of it stands in the note."""
        at = bisect_right(self.starts, offset) - 1
        return self.places[at] + offset - self.starts[at] if at >= 0 else 0

    def span(self, span: Span) -> Span:
        """Where a span of it stands, which is not empty."""
        return Span(self.place(span.start), self.place(span.end - 1) + 1)

    def moved(self, link: Found) -> Found:
        """A link of it, at its place in the note."""
        return replace(link, start=self.place(link.start), end=self.place(link.end - 1) + 1)


class Cover:
    """Asks whether an offset lies in any of many spans; where spans overlap, the first one counts."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for span in sorted(spans, key=lambda span: span.start):
            if not self._ends or span.start >= self._ends[-1]:
                self._starts.append(span.start)
                self._ends.append(span.end)

    def __contains__(self, offset: int) -> bool:
        before = bisect_right(self._starts, offset)
        return before > 0 and offset < self._ends[before - 1]


def cover(text: str, spans: Iterable[Span], filler: str) -> str:
    """`text` with every span overwritten by `filler`, a single character; line ends stay, so that lines stay lines."""
    pieces: list[str] = []
    done = 0
    for span in sorted(spans, key=lambda span: span.start):
        if span.end <= done:
            continue
        start = max(span.start, done)
        pieces.append(text[done:start])
        hidden = text[start : span.end]
        pieces.append(filler * len(hidden) if "\n" not in hidden and "\r" not in hidden else _blank(hidden, filler))
        done = span.end
    pieces.append(text[done:])
    return "".join(pieces)


def _blank(hidden: str, filler: str) -> str:
    return re.sub(r"[^\r\n]", lambda _: filler, hidden)

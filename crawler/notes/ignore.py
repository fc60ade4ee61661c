"""Comments by which an author takes links out of every check.

`<!-- crawler: ignore -->` takes the links of its own line, `<!-- crawler: ignore-next -->` those of the next line
that is not empty, and `<!-- crawler: ignore-start -->` all up to `<!-- crawler: ignore-end -->` or the note's end.
Comments that stand in code are text and take nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from crawler.notes.found import Cover, Found, Lines, Span

_COMMENT = re.compile(r"<!--[ \t]*crawler:[ \t]*ignore(?P<what>-next|-start|-end)?[ \t]*-->")


def without_ignored(links: Sequence[Found], lines: Lines, code: Iterable[Span]) -> list[Found]:
    """The links that no comment takes away."""
    text = lines.text
    if "crawler:" not in text:
        return list(links)
    inside = Cover(code)
    taken: set[int] = set()  # 0-based lines
    begin: int | None = None
    for match in _COMMENT.finditer(text):
        if match.start() in inside:
            continue
        line = lines.index(match.start())
        match match["what"]:
            case "-next":
                taken.add(_next_line(lines, lines.index(match.end())))
            case "-start":
                begin = line if begin is None else begin
            case "-end" if begin is not None:
                taken.update(range(begin, line + 1))
                begin = None
            case None:
                taken.add(line)
    if begin is not None:
        taken.update(range(begin, len(lines)))
    return [link for link in links if lines.index(link.start) not in taken]


def _next_line(lines: Lines, line: int) -> int:
    """The next line with anything on it but blanks and the marks of a quotation."""
    following = line + 1
    while following < len(lines) and not lines.texts[following].strip(" \t>"):
        following += 1
    return following

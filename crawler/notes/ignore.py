"""Comments by which an author takes links out of every check.

`<!-- crawler: ignore -->` takes the links of its own line, `<!-- crawler: ignore-next -->` those of the next line
that is not empty, and `<!-- crawler: ignore-start -->` all up to `<!-- crawler: ignore-end -->` or the note's end. The
comment may also be one of MDX, Obsidian, reStructuredText, AsciiDoc or Org. Comments of other checkers are honoured
with the meaning that they have there. Comments that stand in code are text and take nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from crawler.notes.found import Cover, Found, Lines, Span

_OPENER = r"(?:<!--|\{/\*|%%|^[ \t]*(?:\.\.|//|\#))[ \t]*"
# markdown-link-check and linkspector: -disable, -enable, -disable-next-line, -disable-line; mlc: the same; lychee has
# none for a line, remark-validate-links uses `lint disable`. https://github.com/tcort/markdown-link-check#disable-comments
COMMENT = re.compile(
    _OPENER + r"(?:crawler:[ \t]*ignore(?P<own>-next|-start|-end)?"
    r"|(?:markdown-link-check|mlc|linkspector|lychee|linkinator|link-check|lnkchk)[-: ][ \t]*"
    r"(?P<other>disable-next-line|disable-line|disable|enable|ignore-next|ignore-start|ignore-end|ignore))"
    r"[ \t]*(?:-->|\*/\}|%%|\"?,?[ \t]*\r?$|\\n)",
    re.MULTILINE,
)
_MEANING = {
    "disable-next-line": "-next", "ignore-next": "-next", "disable-line": None, "ignore": None,
    "disable": "-start", "ignore-start": "-start", "enable": "-end", "ignore-end": "-end",
}  # fmt: skip
_WORDS = ("crawler:", "markdown-link-check", "mlc", "linkspector", "lychee", "linkinator", "link-check", "lnkchk")


def without_ignored(links: Sequence[Found], lines: Lines, code: Iterable[Span]) -> list[Found]:
    """The links that no comment takes away."""
    text = lines.text
    if not any(word in text for word in _WORDS):
        return list(links)
    inside = Cover(code)
    taken: set[int] = set()  # 0-based lines
    begin: int | None = None
    for match in COMMENT.finditer(text):
        if match.start() in inside:
            continue
        line = lines.index(match.start())
        match _MEANING[match["other"]] if match["other"] else match["own"]:
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

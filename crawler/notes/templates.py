"""What Jekyll reads before or beside Markdown: Liquid, kramdown's comments and `$$` formulas.

Spans only: the Markdown reader covers them. Every pattern is bounded to a line, a paragraph or a pair of tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crawler.notes.found import Span

_LIQUID = re.compile(r"\{\{|\}\}|\{%|%\}|\n")
_CLOSING = {"{{": "}}", "{%": "%}"}
_LIQUID_BLOCK = re.compile(
    r"^[ \t>]*\{%-?[ \t]*(?P<end>end)?(?P<name>comment|highlight|codeblock)\b[^\n]*?%\}", re.MULTILINE
)
_KRAMDOWN_COMMENT = re.compile(r"^\{::(?P<open>comment)\}|^\{:/(?:comment)?\}", re.MULTILINE)
# Within one paragraph: `$$...$$`, and `$...$` on one line as pandoc reads it, so that prices are no formulas.
# What must not stand before is asked behind the first `$`, so that the search can leap from one to the next.
_MATH = re.compile(r"\$(?<!\\\$)\$(?:[^$\n]|\n(?![ \t\r]*\n)|\$(?!\$)){1,20000}\$\$")
_INLINE_MATH = re.compile(r"\$(?<![\\$A-Za-z0-9=/&?%._-]\$)(?![\s$])(?P<body>[^$\n]{1,500})(?<![\s\\])\$(?![0-9$])")


def liquid(text: str) -> Iterator[Span]:
    """Tags and outputs of Liquid, each on one line."""
    if "{{" not in text and "{%" not in text:
        return
    begin, wanted = 0, ""
    for match in _LIQUID.finditer(text):
        mark = match[0]
        if mark == "\n":
            wanted = ""
        elif mark == wanted:
            yield Span(begin, match.end())
            wanted = ""
        elif not wanted and mark in _CLOSING:
            begin, wanted = match.start(), _CLOSING[mark]


def liquid_blocks(text: str) -> Iterator[tuple[str, Span]]:
    """Whole `comment`, `highlight` and (of Hexo) `codeblock` blocks, their tags included."""
    opened: tuple[str, int] | None = None
    for match in _LIQUID_BLOCK.finditer(text) if "{%" in text else ():
        if match["end"] and opened and opened[0] == match["name"]:
            yield opened[0], Span(opened[1], match.end())
            opened = None
        elif not match["end"] and opened is None:
            opened = (match["name"], match.start())


def kramdown_comments(text: str) -> Iterator[Span]:
    """`{::comment}` blocks."""
    begin = -1
    for match in _KRAMDOWN_COMMENT.finditer(text) if "{::comment}" in text else ():
        if match["open"] and begin < 0:
            begin = match.start()
        elif not match["open"] and begin >= 0:
            yield Span(begin, match.end())
            begin = -1


def formulas(text: str) -> Iterator[Span]:
    """Formulas; a `$...$` that holds an address and no command is none."""
    if "$" not in text:
        return
    for match in _MATH.finditer(text):
        yield Span(*match.span())
    for match in _INLINE_MATH.finditer(text):
        if "://" not in match["body"] or "\\" in match["body"]:
            yield Span(*match.span())

"""What Jekyll, Hexo and their like read before or beside Markdown: Liquid, kramdown's comments and `$$` formulas.

Spans only: the Markdown reader covers them. Every pattern is bounded to a line, a paragraph or a pair of tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crawler.notes.found import Cover, Span

_LIQUID = re.compile(r"\{\{|\}\}|\{%|%\}|\n")
_CLOSING = {"{{": "}}", "{%": "%}"}
_LIQUID_BLOCK = re.compile(
    r"^[ \t>]*\{%-?[ \t]*(?P<end>end)?(?P<name>comment|highlight|codeblock)\b[^\n]*?%\}", re.MULTILINE
)
_LIQUID_COMMENT = re.compile(r"(?<!`)\{%-?[ \t]*comment[ \t]*-?%\}[^\n]{0,2000}?\{%-?[ \t]*endcomment[ \t]*-?%\}(?!`)")
# Tags that put nothing in their own place, and leave what stands beside them as it is: what lies between the first
# (Liquid's, Jinja's and Nunjucks' `raw`, Django's `verbatim`) is shown as it is written, the others end a block.
_RAW = re.compile(r"\{%[-+~]?[ \t]*(?P<end>end)?(?P<name>raw|verbatim)\b[^%{}\n]{0,100}%\}")
_RAW_TAG = re.compile(r"\{%[-+~]?[ \t]*(?:raw|verbatim)\b[^%{}\n]{0,100}%\}")
_END = r"\{%[-+~]?[ \t]*end[a-z_]{1,40}\b[^%{}\n]{0,100}%\}"
_END_TAG = re.compile(_END)
_LINE_BEGINS = re.compile(r"(?:\A|(?<=\n))[ \t>*+-]*\Z")
_OPENS_TARGET = ("(", "<", '"', "'", "=")
# What stands behind an end tag and does not go on with an address before it.
_APART = re.compile(rf"""(?:{_END}){{0,5}}(?:[\s)\]}}>"'<*_~|`]|[.,;:!?]+(?:\s|\Z)|[^\x00-\x7f]|\Z)""")
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


def is_nothing(text: str, tag: Span) -> bool:
    """Whether nobody would miss a tag: nothing comes in its place, and what it stands between does not grow together.

    Of one that begins a block, only where a target begins behind it: elsewhere it hides nothing.
    """
    if _RAW_TAG.fullmatch(text, tag.start, tag.end):
        return text[tag.start - 1 : tag.start] in _OPENS_TARGET
    if not _END_TAG.fullmatch(text, tag.start, tag.end) or not _APART.match(text, tag.end):
        return False
    return not _LINE_BEGINS.search(text, max(tag.start - 100, 0), tag.start)  # it would be read as indentation


def raw_tags(text: str) -> Iterator[Span]:
    """The tags round what is shown as it is written, where a note is read whose spaces mean nothing."""
    for tag in liquid(text):
        if is_nothing(text, tag):
            yield tag


def liquid_blocks(text: str) -> Iterator[tuple[str, Span]]:
    """Whole `comment`, `highlight` and (of Hexo) `codeblock` blocks, their tags included; not those that are shown."""
    if "{%" not in text:
        return
    shown = Cover(_shown(text))
    tags = [tag for tag in _LIQUID_BLOCK.finditer(text) if tag.start() not in shown]
    ends = {tag["name"]: tag.start() for tag in tags if tag["end"]}  # the last of each
    opened: re.Match[str] | None = None
    for tag in tags:
        if tag["end"] and opened and opened["name"] == tag["name"]:
            yield tag["name"], Span(opened.start(), tag.end())
            opened = None
        elif not tag["end"] and opened is None and ends.get(tag["name"], -1) > tag.start():
            opened = tag
    for found in _LIQUID_COMMENT.finditer(text) if "endcomment" in text else ():
        if found.start() not in shown:
            yield "comment", Span(*found.span())


def _shown(text: str) -> Iterator[Span]:
    """What stands within raw and verbatim."""
    opened: re.Match[str] | None = None
    for tag in _RAW.finditer(text):
        if opened is None and not tag["end"]:
            opened = tag
        elif opened and tag["end"] and tag["name"] == opened["name"]:
            yield Span(opened.end(), tag.start())
            opened = None


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

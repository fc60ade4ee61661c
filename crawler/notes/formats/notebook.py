"""Links of Jupyter notebooks: each Markdown cell is a Markdown text, code cells are code, outputs are left out.

A notebook is JSON (https://nbformat.readthedocs.io). Places are those in the file, so that lines of `git diff`, editors
and the rule that `raw` is the file's own text hold; a target whose letters JSON escapes stands in `raw` escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from crawler.core.model import Kind
from crawler.notes.found import Found, Lines, Pieced, Reading, Span
from crawler.notes.titles import bare_title

_TOKEN = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"|[{}\[\]:,]|[^\s"{}\[\]:,]+')
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?|.)")
MAX_DEPTH = 200  # guess: no notebook nests deeper


@dataclass(slots=True)
class _Cell:
    kind: str = ""
    strings: list[Span] = field(default_factory=list)  # of `source`, inside of their quotes


def read(text: str) -> Reading:
    """The links of a notebook; none where it is no JSON."""
    links: list[Found] = []
    code: list[Span] = []
    for cell in _cells(text):
        if cell.kind == "code":
            code += cell.strings
        elif cell.kind in ("markdown", "heading"):
            inside = _read_cell(_joined(text, cell.strings))
            links += inside.links
            code += inside.code
    return Reading(tuple(links), tuple(code), titled=True)


def flaw(text: str) -> str:
    """Why the text is no notebook: JSON that is cut off, or that a merge left its marks in; "" for one."""
    try:
        found = json.loads(text) if text.strip() else {"cells": []}
    except json.JSONDecodeError as error:
        return f"no whole JSON (line {error.lineno}: {error.msg})"
    except (ValueError, RecursionError) as error:
        return f"no notebook ({error})"
    return "" if isinstance(found, dict) and ("cells" in found or "worksheets" in found) else "JSON, but no notebook"


def _read_cell(cell: Pieced) -> Reading:
    from crawler.notes.formats import markdown

    reading = markdown.read(cell.text)
    lines = Lines(cell.text)
    links = []
    for link in reading.links:
        bare = link.kind in (Kind.BARE, Kind.AUTOLINK)
        title = bare_title(link, lines) if bare else link.title
        if not link.url.startswith("attachment:"):
            links.append(replace(cell.moved(link), title=title))
    return Reading(tuple(links), tuple(cell.span(span) for span in reading.code if span.end > span.start))


def _joined(text: str, strings: list[Span]) -> Pieced:
    parts: list[str] = []
    starts: list[int] = []
    places: list[int] = []
    length = 0

    def add(piece: str, place: int) -> None:
        nonlocal length
        parts.append(piece)
        starts.append(length)
        places.append(place)
        length += len(piece)

    for span in strings:
        at = span.start
        for escape in _ESCAPE.finditer(text, span.start, span.end):
            add(text[at : escape.start()], at)
            add(_unescaped(escape[0]), escape.start())
            at = escape.end()
        add(text[at : span.end], at)
    return Pieced("".join(parts), starts, places)


def _unescaped(written: str) -> str:
    try:
        return str(json.loads(f'"{written}"')).replace("\0", "\ufffd") or "\ufffd"
    except ValueError:
        return written


def _cells(text: str) -> Iterator[_Cell]:
    """The cells with the strings of their sources; a broken rest is left out."""
    stack: list[str] = []  # "{" or "[" with the key that it is the value of
    keys: list[str] = []
    cell: _Cell | None = None
    key, wants_value = "", False
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in ("{", "["):
            stack.append(mark)
            keys.append(key if wants_value else "")
            if mark == "{" and keys[-2:-1] == ["cells"]:
                cell = _Cell()
            wants_value = False
            if len(stack) > MAX_DEPTH:
                return
        elif mark in ("}", "]") and stack:
            if mark == "}" and cell and keys[-2:-1] == ["cells"]:
                yield cell
                cell = None
            stack.pop()
            keys.pop()
            wants_value = False
        elif mark in (":", ","):
            wants_value = mark == ":"
        elif mark[0] == '"':
            if stack and stack[-1] == "{" and not wants_value:
                key = mark[1:-1]
            elif cell is not None:
                _take(cell, keys, key if wants_value else "", token)


def _take(cell: _Cell, keys: list[str], key: str, token: re.Match[str]) -> None:
    """Note a string of a cell: its kind, or a piece of its source, which is one string or a list of lines."""
    inside = Span(token.start() + 1, token.end() - 1)
    in_cell = len(keys) >= 2 and keys[-2] == "cells"
    in_list = len(keys) >= 3 and keys[-3] == "cells" and keys[-1] == "source"
    if in_cell and key == "cell_type":
        cell.kind = token[0][1:-1]
    elif (in_cell and key == "source") or in_list:
        cell.strings.append(inside)

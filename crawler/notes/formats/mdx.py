"""MDX: Markdown whose comments are those of JavaScript, and whose HTML are components (https://mdxjs.com)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crawler.core.model import Kind
from crawler.notes.formats import markdown
from crawler.notes.found import Found, Pieced, Reading, Span, cover
from crawler.notes.ignore import COMMENT
from crawler.notes.targets import target

MAX_DEPTH = 10  # guess: components within components, each with its indentation
_LINE = re.compile(r"(?P<indent>[ \t]*)(?P<rest>[^\n]*\n?)")
# `href={"https://…"}`, `to={'/x'}`, and template literals without variables.
_BRACED = re.compile(r"(?<![\w-])(?:href|src|to)=\{(?P<quote>[\"'`])(?P<value>[^\"'`{}\n$]{1,2000})(?P=quote)\}")


def read(text: str) -> Reading:
    """The links of an MDX note."""
    hidden = [span for span in _comments(text) if not COMMENT.search(text, span.start, span.end)]
    plain = cover(text, hidden, " ") if hidden else text
    braced = list(_BRACED.finditer(plain))
    reading = _read(cover(plain, [Span(*match.span("value")) for match in braced], " ") if braced else plain)
    links = list(reading.links)
    for match in braced:
        found = target(match["value"], Kind.HTML)
        if found:
            links.append(Found(match.start("value"), match.end("value"), found[0], found[1]))
    return Reading(tuple(links), reading.code)


def _read(text: str, depth: int = 0) -> Reading:
    """As Markdown, but that indentation makes no code: people indent what stands within components."""
    reading = markdown.read(text)
    links, code = list(reading.links), list[Span]()
    for span in reading.code:
        block = _outdented(text, span) if depth < MAX_DEPTH else None
        if block is None:
            code.append(span)
            continue
        inside = _read(block.text, depth + 1)
        links += (block.moved(link) for link in inside.links)
        code += (block.span(each) for each in inside.code if each.end > each.start)
    return Reading(tuple(links), tuple(code))


def _outdented(text: str, span: Span) -> Pieced | None:
    """The lines of a block that only its indentation makes code, without it; None for code of another kind."""
    begin = span.start
    while begin and text[begin - 1] in " \t":
        begin -= 1
    if begin == span.start or (begin and text[begin - 1] != "\n"):
        return None
    lines = list(_LINE.finditer(text, begin, span.end))
    less = min((len(line["indent"]) for line in lines if line["rest"].strip()), default=0)
    starts, places, length = list[int](), list[int](), 0
    for line in lines:
        starts.append(length)
        places.append(line.start() + min(less, len(line["indent"])))
        length += line.end() - places[-1]
    whole = "".join(text[place : line.end()] for place, line in zip(places, lines, strict=True))
    return Pieced(whole, starts, places) if less else None


def _comments(text: str) -> Iterator[Span]:
    at = text.find("{/*")
    while at >= 0 and (end := text.find("*/}", at + 3)) >= 0:
        yield Span(at, end + 3)
        at = text.find("{/*", end + 3)

"""MDX: Markdown whose comments are those of JavaScript, and whose HTML are components (https://mdxjs.com)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crawler.core.model import Kind
from crawler.notes.formats import markdown
from crawler.notes.found import Found, Reading, Span, cover
from crawler.notes.ignore import COMMENT
from crawler.notes.targets import target

# `href={"https://…"}`, `to={'/x'}`, and template literals without variables.
_BRACED = re.compile(r"(?<![\w-])(?:href|src|to)=\{(?P<quote>[\"'`])(?P<value>[^\"'`{}\n$]{1,2000})(?P=quote)\}")


def read(text: str) -> Reading:
    """The links of an MDX note."""
    hidden = [span for span in _comments(text) if not COMMENT.search(text, span.start, span.end)]
    plain = cover(text, hidden, " ") if hidden else text
    braced = list(_BRACED.finditer(plain))
    reading = markdown.read(cover(plain, [Span(*match.span("value")) for match in braced], " ") if braced else plain)
    links = list(reading.links)
    for match in braced:
        found = target(match["value"], Kind.HTML)
        if found:
            links.append(Found(match.start("value"), match.end("value"), found[0], found[1]))
    return Reading(tuple(links), reading.code)


def _comments(text: str) -> Iterator[Span]:
    at = text.find("{/*")
    while at >= 0 and (end := text.find("*/}", at + 3)) >= 0:
        yield Span(at, end + 3)
        at = text.find("{/*", end + 3)

"""MDX: Markdown whose comments are those of JavaScript, and whose HTML are components (https://mdxjs.com)."""

from __future__ import annotations

import re

from crawler.core.model import Kind
from crawler.notes.formats import markdown
from crawler.notes.found import Found, Reading, Span, cover
from crawler.notes.ignore import COMMENT
from crawler.notes.targets import target

_COMMENT = re.compile(r"\{/\*(?:[^*]|\*(?!/\})){0,20000}\*/\}")
# `href={"https://…"}`, `to={'/x'}`, and template literals without variables.
_BRACED = re.compile(r"(?<![\w-])(?:href|src|to)=\{(?P<quote>[\"'`])(?P<value>[^\"'`{}\n$]{1,2000})(?P=quote)\}")


def read(text: str) -> Reading:
    """The links of an MDX note."""
    hidden = [Span(*match.span()) for match in _COMMENT.finditer(text)] if "{/*" in text else []
    hidden = [span for span in hidden if not COMMENT.search(text, span.start, span.end)]
    plain = cover(text, hidden, " ") if hidden else text
    braced = list(_BRACED.finditer(plain))
    reading = markdown.read(cover(plain, [Span(*match.span("value")) for match in braced], " ") if braced else plain)
    links = list(reading.links)
    for match in braced:
        found = target(match["value"], Kind.HTML)
        if found:
            links.append(Found(match.start("value"), match.end("value"), found[0], found[1]))
    return Reading(tuple(links), reading.code)

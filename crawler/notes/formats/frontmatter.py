"""Front matter: the YAML or TOML block that may open a Markdown note, and the links in its values.

It is read line by line and not parsed: a broken block still has links, and every link needs its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crawler.core.model import Kind
from crawler.notes.found import Found, Span
from crawler.notes.scan import bare_urls

_BLOCK = re.compile(r"\ufeff?(---|\+\+\+)[ \t]*\r?\n(?:[^\n]*\n)*?(?:\1|\.\.\.)[ \t]*\r?(?:\n|\Z)")
_COMMENT = re.compile(r"^[ \t]*#.*$|[ \t]#.*$", re.MULTILINE)
# A value that is plainly a file of the site: `cover: /images/x.png`.
_FILE = re.compile(
    r"^[ \t]*[\w.-]+[ \t]*[:=][ \t]*(?P<quote>[\"']?)"
    r"(?P<file>\.{0,2}/[^\s\"'#:]+\.(?:png|jpe?g|gif|webp|svg|avif|mp4|webm|pdf))(?P=quote)[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)


def block_end(text: str) -> int:
    """Where the front matter ends; 0 for a note without any."""
    match = _BLOCK.match(text)
    return match.end() if match else 0


def links(text: str, end: int) -> Iterator[Found]:
    """The links in the values of the block `text[:end]`."""
    if not end:
        return
    block = _COMMENT.sub(lambda match: "\0" * len(match[0]), text[:end])
    for span in bare_urls(block):
        yield _found(text, span, Kind.FRONT_MATTER)
    for match in _FILE.finditer(block):
        yield _found(text, Span(*match.span("file")), Kind.LOCAL)


def _found(text: str, span: Span, kind: Kind) -> Found:
    return Found(span.start, span.end, text[span.start : span.end], kind)

"""Our own sentences that name commands in `backticks`, as markup.

Never for text of strangers: a title with backticks stays text (`markup.escaped`, and autoescape in templates).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from markupsafe import Markup, escape

from crawler.report.markup import escaped

T = TypeVar("T")


def in_html(text: str) -> Markup:
    """The sentence with its commands in `<code>`; everything in it is escaped."""
    return Markup("").join(_parts(text, escape, lambda code: Markup("<code>") + escape(code) + Markup("</code>")))


def in_markdown(text: str) -> str:
    """The sentence with its commands as code; everything beside them is escaped."""
    return "".join(_parts(text, escaped, lambda code: f"`{code}`"))


def _parts(text: str, plain: Callable[[str], T], code: Callable[[str], T]) -> list[T]:
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a backtick without its other half is no code
        return [plain(text)]
    return [code(part) if number % 2 else plain(part) for number, part in enumerate(parts)]

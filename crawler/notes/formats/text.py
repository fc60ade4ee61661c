"""Plain text notes: nothing but bare URLs, written as they are."""

from __future__ import annotations

from crawler.core.model import Kind
from crawler.notes.found import Found, Reading
from crawler.notes.scan import bare_urls


def read(text: str) -> Reading:
    """The bare URLs of a plain text."""
    return Reading(tuple(Found(s.start, s.end, text[s.start : s.end], Kind.BARE) for s in bare_urls(text)))

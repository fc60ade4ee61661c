"""The marker by which the program knows what it wrote itself, so that no report or export is ever read as a note.

A file is ours when its first `SEEN` characters hold the marker where a format has room for such a thing: HTML in
`<meta name="generator">`, Markdown in a comment on its first line or `generator:` in its front matter, Atom in
`<generator>`. Writers take the marker from here; `crawler.notes` asks `is_ours`.
"""

from __future__ import annotations

import re

GENERATOR = "linkhealth-crawler"
HTML_MARK = f'<meta name="generator" content="{GENERATOR}">'
MARKDOWN_MARK = f"<!-- generator: {GENERATOR} -->"
SEEN = 4096  # characters; guess: ten times what stands before the marker in the longest of our templates

_MARK = re.compile(
    rf"\A\ufeff?\s*(?:<!-- generator: {GENERATOR}\b"
    rf"|---\n(?:[^\n]*\n){{0,40}}?generator: *[\"']?{GENERATOR}\b"
    rf"|<(?:!doctype|html|\?xml|feed)\b(?s:.)*?"
    rf"(?:<meta name=[\"']?generator[\"']? content=[\"']?|<generator>){GENERATOR}\b)",
    re.IGNORECASE,
)


def is_ours(text: str) -> bool:
    """Whether a text begins as what this program writes does."""
    head = text[:SEEN]
    return GENERATOR in head and _MARK.match(head) is not None

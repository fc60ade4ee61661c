r"""What the target of a link is: a web address, a file beside the notes, or nothing that can be looked at.

Only text is judged here; whether a file exists is asked in `notes.files`. `unescape` undoes what the author had to
write for Markdown's or HTML's sake (`\_`, `&amp;`), nothing more: the result is not normalised.
"""

from __future__ import annotations

import html
import re

from crawler.core.model import Kind

HIDDEN = "\x1a"  # stands where Liquid stood: nobody knows what Jekyll will put there

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_HTTP = re.compile(r"https?:", re.IGNORECASE)
ENTITY = r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])|" + ENTITY)
_ENTITY = re.compile(ENTITY)


def _written(match: re.Match[str]) -> str:
    return match[1] or html.unescape(match[0])


def unescape(raw: str) -> str:
    """`raw` with Markdown's backslash escapes and complete HTML entities undone; a bare `&copy=` stays."""
    return _ESCAPE.sub(_written, raw) if "\\" in raw or "&" in raw else raw


def unescape_html(raw: str) -> str:
    """`raw` with complete HTML entities undone."""
    return _ENTITY.sub(lambda match: html.unescape(match[0]), raw) if "&" in raw else raw


def target(written: str, kind: Kind) -> tuple[str, Kind] | None:
    """URL and kind of a link whose target is `written`; None where nothing can be checked.

    Malformed http URLs are kept as they are: their author meant a link. An address without a scheme
    (`//host/path`) is read as https. Fragments of this note, other schemes and Liquid are None.
    """
    url = written.strip()
    if not url or HIDDEN in url or url[0] in "#?":
        return None
    if _HTTP.match(url):
        return url, kind
    if url.startswith("//"):
        return f"https:{url}", kind
    return None if _SCHEME.match(url) else (url, Kind.LOCAL)

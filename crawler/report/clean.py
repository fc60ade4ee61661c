"""Making strings from outside harmless for the formats of reports: links that a browser may follow, and JSON.

What terminals, workflow commands and spreadsheets need is `core.display`'s; escaping for a markup language is its
format's own business.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from crawler.core.display import OBEYED, json_escapes

# JSON itself escapes C0; "##[" begins a workflow command anywhere in a line (core.display.without_commands).
_RAW_IN_JSON = re.compile(rf"[{OBEYED}]|(?<=##)\[")
_ASCII = bytes(range(0x7F))  # all but DEL; JSON has no raw C0 but newlines between its parts


def escaped_json(encoded: bytes) -> str:
    r"""JSON that says the same, with every character that a terminal or a workflow runner obeys written as \uXXXX."""
    # Most reports hold none: what is left without ASCII is small, and one pass over it is fast.
    if b"##[" not in encoded and encoded.translate(None, _ASCII).decode().isprintable():
        return encoded.decode()
    return _RAW_IN_JSON.sub(lambda found: json_escapes(found[0]), encoded.decode())


_NOT_IN_URLS = str.maketrans({c: f"%{ord(c):02X}" for c in ' <>"\\^`{|}'})  # RFC 3987 §2.2


def web_link(url: str) -> str:
    """An address for a link that a browser follows: http and https only, with what no URL may hold escaped.

    Everything else gives "": `javascript:` and the like never stand in a report.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url.translate(_NOT_IN_URLS) if parts.scheme in ("http", "https") and parts.netloc else ""


def file_link(path: str) -> str:
    """A relative address of a file; a name is never read as a scheme, a query or a host."""
    quoted = quote(path, safe="/~!$'()*,;=@", errors="replace")
    return "./" + quoted.lstrip("/") if quoted.startswith("/") else quoted

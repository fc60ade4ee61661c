"""Making strings from outside harmless: what a page or an address says must not steer a terminal or a parser.

Only the treatment of strings lives here; escaping for a markup language is its format's own business.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from crawler.core.url import redact

# Characters that no title needs and that terminals, editors or readers obey: C0 and C1 controls (among them ESC and
# the one-byte CSI), marks and overrides of writing direction (CVE-2021-42574), invisible spaces, tags, lone
# surrogates and noncharacters. Zero-width joiners stay: emoji and several scripts are written with them.
_OBEYED = (
    "\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufdd0-\ufdef"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f"
)
_SPACES = re.compile(r"[\s\x1c-\x1f\u0085\u2028\u2029]+")
# A whole terminal sequence goes at once, so that no "[31m" stays behind; parameters are capped, as no real
# sequence is longer.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]{0,32}[ -/]{0,8}[@-~]?"  # CSI
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]{0,2048}(?:\x07|\x1b\\|\x9c)?"  # OSC: titles, links
    r"|\x1b.?"
)
_SEQUENCE_START = re.compile("[\x1b\x9b\x9d]")
_HARMFUL = re.compile(f"[\x00-\x1f{_OBEYED}]")
_RAW_IN_JSON = re.compile(f"[{_OBEYED}]")  # JSON itself escapes C0
_ASCII = bytes(range(0x7F))  # all but DEL; JSON has no raw C0 but newlines between its parts
_SURROGATE = re.compile("[\ud800-\udfff]")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s\"'<>`\u3000-\u303f\uff00-\uffef]{1,4096}")


def plain(text: str) -> str:
    """One line of text without control characters, terminal sequences or overrides of writing direction."""
    if text.isprintable():  # none of the characters above is, and most texts are
        return " ".join(text.split()) if "  " in text else text.strip()
    text = _SEQUENCE.sub("", text) if _SEQUENCE_START.search(text) else text
    return " ".join(_HARMFUL.sub("", _SPACES.sub(" ", text)).split())


def storable(text: str) -> str:
    """The same text, with what UTF-8 cannot say (bytes of a file name, halves of pairs) as U+FFFD."""
    return text if text.isascii() or text.isprintable() else _SURROGATE.sub("\ufffd", text)


def escaped_json(encoded: bytes) -> str:
    r"""JSON that says the same, with every character that a terminal obeys written as \uXXXX."""
    # Most reports hold none: what is left without ASCII is small, and one pass over it is fast.
    if encoded.translate(None, _ASCII).decode().isprintable():
        return encoded.decode()
    return _RAW_IN_JSON.sub(_as_escape, encoded.decode())


def _as_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def redacted(text: str) -> str:
    """Text with the secrets in every address that it holds replaced."""
    return _ADDRESS.sub(lambda found: redact(found[0]), text) if "://" in text else text


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


def clipped(text: str, limit: int) -> str:
    """At most `limit` characters of text, the cut shown by an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"

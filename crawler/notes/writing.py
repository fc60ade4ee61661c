"""How an address is written where another one stands: the escapes of each syntax, so that it reads as what is meant.

Pure: an address and a place in, its characters out. Which address it should be is `mending`'s.
"""

from __future__ import annotations

import re

from crawler.core.model import Kind, Occurrence
from crawler.notes.formats import format_of

_UNSAFE = re.compile(r"[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")  # all but RFC 3986's characters
_ENTITY = re.compile(r"&(?=#?[A-Za-z0-9]+;)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/?#]*")
_INNER_SCHEME = re.compile(r"(?<=http|ttps)(?<![/=]http)(?<![/=]https):(?=//)")  # read as a second bare URL
_JOINS = re.compile(r"[^\x00-\x7f]|https?://", re.IGNORECASE)  # what could be read on as part of a URL before it
_TRAILING = re.compile(r"[.,:;!*_~'()\[\]]+$")  # what a reader of bare URLs takes for the sentence's punctuation


def has_scheme(url: str) -> bool:
    """Whether an address is one of the web, and no path."""
    return _SCHEME.match(url) is not None


def portable(url: str) -> str:
    """The same address in characters that every syntax can carry: others percent-encoded, as browsers send them."""
    return _UNSAFE.sub(lambda found: _percent(found[0]), url)


def write_url(url: str, occurrence: Occurrence, around: str = "") -> tuple[str, str] | None:
    """How a URL is written in the place of an occurrence, and what that reads as; None where it cannot stand."""
    raw = occurrence.raw
    angled = raw.startswith("<") and raw.endswith(">")
    beside = around[occurrence.start - 1 : occurrence.start] + around[occurrence.end : occurrence.end + 1]
    form = format_of(occurrence.path)
    if form is None or form.encoded is None:
        return None
    meaning = _encode(portable(url), form.encoded) if form.encoded else _fitting(portable(url), occurrence.kind)
    if occurrence.kind in (Kind.BARE, Kind.FRONT_MATTER) and _JOINS.match(around, occurrence.end):
        meaning = _ending_clearly(meaning)
    if not meaning:
        return None
    if not has_scheme(meaning) and (path := _as_path(url, meaning, form.name, occurrence, around)):
        return path
    written = meaning if form.encoded else escaped(meaning, occurrence.kind, in_angles=angled or beside == "<>")
    return (f"<{written}>" if angled else written), meaning


def _as_path(url: str, meaning: str, form: str, occurrence: Occurrence, around: str) -> tuple[str, str] | None:
    """A file in the formats that do not take any path for a link's target; None where it stands as it is."""
    if form == "AsciiDoc" and occurrence.kind is Kind.INLINE and not around.endswith("link:", 0, occurrence.start):
        return f"link:{meaning}", meaning
    if form == "Org" and not re.search(r"[\[\]<>\\*\s]", url):  # Org takes a path to the letter: no percent escapes
        path = url if url.startswith((".", "/")) else f"./{url}"
        return path, path
    return None


def _fitting(url: str, kind: Kind) -> str:
    """The URL with percent-encoding for what a place has no other escape for; "" where it cannot stand there."""
    match kind:
        case Kind.BARE | Kind.AUTOLINK | Kind.FRONT_MATTER if not has_scheme(url):
            return ""  # a path is no link there
        case Kind.BARE | Kind.FRONT_MATTER:  # the comma is for YAML's [list, of, URLs]
            return _encode(url, ";'()[]*~" if kind is Kind.BARE else ";'()[]*~,")
        case Kind.AUTOLINK:
            return _encode(url, ";")
        case Kind.HTML:
            return _encode(url, "'")
        case _:
            return url


def escaped(url: str, kind: Kind, *, in_angles: bool) -> str:
    """The address with the escapes of the place where it is to stand."""
    match kind:
        case Kind.INLINE | Kind.IMAGE | Kind.DEFINITION:
            written = _ENTITY.sub("&amp;", url)
            return written if in_angles or _is_balanced(written) else re.sub(r"[()]", r"\\\g<0>", written)
        case Kind.HTML:
            return url.replace("&", "&amp;")
        case _:
            return url


def _encode(url: str, characters: str) -> str:
    """Percent-encode some characters behind the host, and punctuation at the end; an empty query goes."""
    host = found[0] if (found := _AUTHORITY.match(url)) else ""
    rest = url.removeprefix(host).rstrip("?#&")
    rest = re.sub(f"[{re.escape(characters)}]", lambda found: _percent(found[0]), rest)
    rest = _INNER_SCHEME.sub("%3A", rest)
    return host + _TRAILING.sub(lambda found: _percent(found[0]), rest)


def _ending_clearly(url: str) -> str:
    """A bare URL that cannot run into the prose right behind it; "" where only a space could part them."""
    url = re.sub(r"[=\-]+$", lambda found: _percent(found[0]), url)
    host = found[0] if (found := _AUTHORITY.match(url)) else ""
    return host if url == f"{host}/" else "" if url.endswith("/") else url


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "replace"))


def _is_balanced(url: str) -> bool:
    """Whether Markdown reads the parentheses of a bare destination as we do: balanced, and not deep."""
    depth = 0
    for character in url:
        depth += (character == "(") - (character == ")")
        if not 0 <= depth <= 3:  # CommonMark asks for three levels at least
            return False
    return depth == 0

"""Links of Org: `[[target][description]]`, files, headings, keywords, bare and angled URLs.

https://orgmode.org/manual/Hyperlinks.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crawler.core.model import Kind
from crawler.notes.found import Cover, Found, Reading, Span, cover
from crawler.notes.scan import bare_urls
from crawler.notes.targets import target

_BLOCK = re.compile(
    r"^[ \t]*\#\+(?P<what>begin|end)_(?P<name>src|example|comment|export)\b[^\n]*$", re.MULTILINE | re.IGNORECASE
)
_CODE_LINE = re.compile(r"^[ \t]*:(?:[ \t][^\n]*)?$", re.MULTILINE)
_COMMENT_LINE = re.compile(r"^[ \t]*#(?:[ \t][^\n]*)?$", re.MULTILINE)
_VERBATIM = re.compile(r"(?<![\w=~])([=~])(?=[^\s=~])[^\n]{0,500}?(?<=\S)\1(?![\w=~])")
_LINK = re.compile(r"\[\[(?P<url>(?:[^\[\]\\\n]|\\.){1,2000})\](?:\[(?P<text>[^\[\]]{1,1000})\])?\]")
_ABBREVIATION = re.compile(r"^#\+link:[ \t]+(?P<name>\S+)[ \t]+(?P<url>\S+)", re.MULTILINE | re.IGNORECASE)
_FILE = re.compile(r"(?:file(?:\+\w+)?|attachment):", re.IGNORECASE)
_IMAGE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|avif|bmp)\Z", re.IGNORECASE)


def read(text: str) -> Reading:
    """The links of an Org note."""
    blocks = list(_blocks(text))
    code = [span for name, span in blocks if name in ("src", "example")]
    code += [Span(*match.span()) for match in _CODE_LINE.finditer(text)]
    code += [Span(*match.span()) for match in _VERBATIM.finditer(text)]
    silent = [span for name, span in blocks if name not in ("src", "example")]
    silent += [Span(*match.span()) for match in _COMMENT_LINE.finditer(text)]
    silent += [Span(*match.span()) for match in _ABBREVIATION.finditer(text)]
    short = {match["name"]: match["url"] for match in _ABBREVIATION.finditer(text)}
    hidden = Cover([*code, *silent])
    written = [match for match in _LINK.finditer(text) if match.start() not in hidden]
    links = [link for match in written for link in _link(match, short)]
    prose = cover(text, [*code, *silent, *(Span(*match.span()) for match in written)], "\0")
    links += [Found(s.start, s.end, text[s.start : s.end], Kind.BARE) for s in bare_urls(prose)]
    return Reading(tuple(links), tuple(code))


def _blocks(text: str) -> Iterator[tuple[str, Span]]:
    """Name and inside of each block that is closed; what stands in one opens none."""
    opened: tuple[str, int] | None = None
    for mark in _BLOCK.finditer(text):
        name = mark["name"].lower()
        if mark["what"].lower() == "begin":
            opened = opened or (name, mark.end())
        elif opened and opened[0] == name:
            yield name, Span(opened[1], mark.start())
            opened = None


def _link(match: re.Match[str], short: dict[str, str]) -> Iterator[Found]:
    place = match.span("url")
    url = re.sub(r"\\([\[\]\\])", r"\1", match["url"].strip())
    title = " ".join((match["text"] or "").split())
    name, colon, rest = url.partition(":")
    if colon and name in short:
        url = short[name].replace("%s", rest) if "%s" in short[name] else f"{short[name]}{rest}"
    if file := _FILE.match(url):
        path, mark, part = url[file.end() :].partition("::")
        part = part.lstrip("#*") if part.startswith(("#", "*")) else ""
        yield Found(*place, f"{path}#{part}" if mark and part else path, Kind.LOCAL, title)
        return
    if url.startswith(("#", "*")) and len(url) > 1:
        yield Found(*place, f"#{url.lstrip('#')}", Kind.LOCAL, title)
        return
    found = target(url, Kind.IMAGE if _IMAGE.search(url) and not title else Kind.INLINE)
    if found and found[1] is Kind.LOCAL and not url.startswith((".", "/", "~")):
        found = (f"#{url}", Kind.LOCAL)  # a <<target>>, a name or a heading of this note
    if found and not url.startswith("~"):
        yield Found(*place, *found, title)

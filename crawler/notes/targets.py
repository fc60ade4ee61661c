r"""What the target of a link is: a web address, a file beside the notes, or nothing that can be checked.

Only text is judged here; whether a file exists is asked in `notes.local`. `unescape` undoes what the author had to
write for Markdown's or HTML's sake (`\_`, `&amp;`), nothing more: the result is not normalised.
"""

from __future__ import annotations

import html
import re

from crawler.core.model import Kind, Occurrence

HIDDEN = "\x1a"  # stands where Liquid stood: nobody knows what Jekyll will put there

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_JOPLIN = re.compile(r":/[0-9a-f]{32}\b")  # an item of Joplin's own store
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


# Characters that nobody sees and that are part of no address: word processors leave them before `https:`.
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad\u202a\u202c\u202d\u2066\u2069"
_BLANK = re.compile(rf"\A[\s{_INVISIBLE}]+|[\s{_INVISIBLE}]+\Z")
# One or two letters of `https://` missing, doubled, swapped, or typed in full width. RFC 3986 knows no such schemes.
_MISSPELT = re.compile(
    r"(?:[:;,.\s]{0,3})(?P<scheme>h?tt?p?s|h?ttp|htp|hhttps?|ht{3,4}ps?|http{2,3}s?|https{2,3}|hp?t{1,2}ps?|htt[a-z]s|"
    r"http[a-z]s?|htt?sp|https?)[;:.,\s]{0,3}[/\\]{2,3}(?=[^\s/\\])",
    re.IGNORECASE,
)
# What an author put round an address inside of a target: marks that close each other, a link in a link.
_CLOSED_BY = {
    "(": ")", "（": "）", "[": "]", "［": "］", "【": "】", "〔": "〕", "「": "」", "『": "』", "《": "》", "〈": "〉",
    "<": ">", "＜": "＞", "{": "}", "“": "”", "‘": "’", "«": "»", '"': '"', "'": "'", "`": "`", "*": "*", "_": "_",
    "%3C": "%3E", "%22": "%22", "%20": "%20",
}  # fmt: skip
_MARK = re.compile(
    r"\[[^\[\]]{0,500}\]\(|<?a\s[^<>]{0,200}?\bhref\s*=|" + "|".join(map(re.escape, _CLOSED_BY)), re.IGNORECASE
)
MAX_MARKS = 8  # round one address
_TEMPLATE = re.compile(r"\{\{|\{%|<%|<\?|\$\{")  # what some program will fill in
_FULL_WIDTH = str.maketrans({chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)})
# What people type without a scheme; a name that ends in one of a file is a file.
_DOMAIN = re.compile(
    r"(?:www\.[a-z0-9-]+(?:\.[a-z0-9-]+)+|(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+"
    r"(?:com|org|net|edu|gov|cn|io|dev|app|info|jp|tw|hk|kr|de|fr|uk|ru|eu|nl|us|me|tv|cc|xyz|top|site|example|test))"
    r"(?::\d{1,5})?(?:[/?#]\S*)?",
    re.IGNORECASE,
)


def target(written: str, kind: Kind) -> tuple[str, Kind] | None:
    """URL and kind of a link whose target is `written`; None where nothing can be checked.

    Malformed http URLs, and those with a misspelt scheme, are kept as they are: their author meant a link. An address
    without a scheme (`//host/path`) is read as https, one in brackets or quotes (`(https://host/)`) without them. Other
    schemes and templates are None; `#part` is a place in this note, a local target.
    """
    url = _BLANK.sub("", written)
    if not url or HIDDEN in url or url[0] == "?" or url == "#" or _TEMPLATE.search(url):
        return None
    url = _without_marks(url)
    if _HTTP.match(url):
        return url, kind
    if url.startswith("//"):
        return f"https:{url}", kind
    if is_misspelt(url):
        return url, kind
    return None if _SCHEME.match(url) or _JOPLIN.match(url) else (url, Kind.LOCAL)


def _without_marks(url: str) -> str:
    """The http address that stands in brackets or quotes; `url` itself where none does."""
    opened: list[str] = []
    rest = url
    while len(opened) < MAX_MARKS and (mark := _MARK.match(rest)):
        opened.append({"](": "(", "f=": "<", "F=": "<"}.get(mark[0][-2:], mark[0].upper()))
        rest = _BLANK.sub("", rest[mark.end() :])
    if not opened or not _HTTP.match(rest):
        return url
    for opening in opened:
        closing = _CLOSED_BY[opening]
        is_of_address = (
            len(opening) == 1 and opening != closing and rest.count(closing) <= rest.count(opening)
        )  # https://host/a_(b)
        if rest.endswith((closing, closing.lower())) and not is_of_address:
            rest = _BLANK.sub("", rest[: -len(closing)])
    return rest


def is_misspelt(url: str) -> bool:
    """Whether `url` begins with what was meant to be `https://` or `http://`."""
    found = _MISSPELT.match(url.translate(_FULL_WIDTH) if not url.isascii() else url)
    return found is not None and not _HTTP.match(url)


def probable(url: str) -> str:
    """The address that the author of a target that leads nowhere probably meant; "" where none is likely."""
    url = _BLANK.sub("", url)
    plain = url.translate(_FULL_WIDTH) if not url.isascii() else url
    found = _MISSPELT.match(plain)
    if found and is_misspelt(url):
        scheme = "https" if "s" in found["scheme"].lower() else "http"
        return f"{scheme}://{url[found.end() :]}"
    return f"https://{url}" if _DOMAIN.fullmatch(url) else ""


def is_wiki(occurrence: Occurrence) -> bool:
    """Whether the target stands in `[[double brackets]]`: a note that may lie anywhere."""
    return occurrence.kind is Kind.LOCAL and occurrence.raw.startswith(("[[", "![["))

"""Links of AsciiDoc: URL and link macros, cross references, images, includes, bare URLs.

A line-wise reader of the syntax at https://docs.asciidoctor.org/asciidoc/latest/syntax-quick-reference/; attributes
(`{url}`) are those that the note itself sets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crawler.core.model import Kind
from crawler.notes.found import Cover, Found, Reading, Span, cover
from crawler.notes.scan import bare_urls
from crawler.notes.targets import target

MAX_VALUE = 2000  # code points of an attribute's value
MAX_REFERENCES = 10  # attributes in one target or value; guess
MAX_REFERRED = 5  # attributes that refer to attributes, one to the next; guess
_CODE_MARKS = ("----", "....", "++++", "```")
_COMMENT_MARK = "////"
_LITERAL = re.compile(
    r"`\+[^\n]{1,500}?\+`|``[^`\n]{1,500}``|(?<![\w`])`[^`\n]{1,500}`(?![\w`])|(?<![:+])\+{2,3}[^+\n]{1,500}\+{2,3}"
    r"|(?<![\w+:])\+(?![\s+])[^+\n]{1,500}(?<!\s)\+(?![\w+])"
)
_ESCAPED = re.compile(r"\\(?:https?://|link:)[^\s\[\]<>]{0,2000}(?:\[[^\]\n]{0,500}\])?")
# Paragraphs that are code: below `[source]` and its like, or literal by their indentation, which lists have as well.
_CODE_PARAGRAPH = re.compile(
    r"^\[(?:source|listing|literal|,)[^\]\n]*\][ \t]*\r?\n"
    r"(?:(?!-{2,}[ \t]*\r?$|\.{4}|```|\.[^\s.]|\[)[^\s][^\n]*(?:\n|\Z))+"
    r"|(?:\A|(?<=\n\n)|(?<=\n\r\n))[ \t]++(?!\||[-*.+]+[ \t]|\d+\.[ \t]|[^\n]*::(?:[ \t]|\r?$))"
    r"[^\s][^\n]*(?:\n[ \t]*[^\s][^\n]*)*",
    re.MULTILINE,
)
_ATTRIBUTE = re.compile(r"^:(?P<name>[\w-]+):[ \t]+(?P<value>\S[^\n]*?)[ \t]*$", re.MULTILINE)
_URL_MACRO = re.compile(
    r"(?<![\w\\])(?P<link>link:)?(?P<url>(?:https?|htps?)://[^\s\[\]<>\0]{1,2000}|\{[\w-]+\}[^\s\[\]<>\0]{0,2000}|(?:(?<=link:)(?:\+\+[^\n+]{1,500}\+\+|[^\s\[\]\0]{1,500})))"
    r"\[(?P<text>(?:[^\]\\\n]|\\.){0,500})\]"
)
_XREF = re.compile(
    r"xref:(?P<url>[^\s\[\]\0]{1,500})\[(?P<text>[^\]\n]{0,500})\]|<<(?P<id>[^<>,\n\0]{1,300})(?:,(?P<label>[^<>\n]{0,300}))?>>"
)
_FILE = re.compile(
    r"(?<![\w\\])(?P<kind>image|video|audio|include)::?(?P<url>[^\s:\[\]\0][^\[\]\n\0]{0,1000}?)\[(?P<text>[^\]\n]{0,500})\]"
)
_LINK_ATTRIBUTE = re.compile(r"\blink=(?:\"(?P<d>[^\"\n]+)\"|'(?P<s>[^'\n]+)'|(?P<bare>[^\s\"',\]]+))")
_HOSTED = re.compile(r"(?:youtube|vimeo|wistia)\b")  # the target of such a film is its id
_REFERENCE = re.compile(r"\{([\w-]+)\}")


def read(text: str) -> Reading:
    """The links of an AsciiDoc note."""
    code, comments = _blocks(text)
    literal = [Span(*match.span()) for match in _LITERAL.finditer(text)]
    literal += (Span(*match.span()) for match in _CODE_PARAGRAPH.finditer(text))
    comments += (Span(*match.span()) for match in _ESCAPED.finditer(text))
    hidden = Cover([*code, *comments, *literal])
    names = _attributes(text)
    values = Cover(Span(*match.span("value")) for match in _ATTRIBUTE.finditer(text))
    links = [link for link in _explicit(text, names) if link.start not in hidden]
    prose = cover(text, [*code, *comments, *literal, *(Span(link.start, link.end) for link in links)], "\0")
    for span in bare_urls(prose):
        url = text[span.start : span.end]
        if not text.startswith("{", span.end):
            kind = Kind.DEFINITION if span.start in values else Kind.BARE
            links.append(Found(span.start, span.end, url, kind))
    return Reading(tuple(links), (*code, *literal))


def _blocks(text: str) -> tuple[list[Span], list[Span]]:
    """Delimited blocks of code, and comments: blocks and lines."""
    code: list[Span] = []
    comments: list[Span] = []
    mark, begin, at = "", 0, 0
    for line in text.splitlines(keepends=True):
        bare = line.strip()
        if mark:
            if bare == mark:
                (comments if mark.startswith("/") else code).append(Span(begin, at))
                mark = ""
        elif _opens(bare):
            mark, begin = ("```" if bare.startswith("```") else bare), at + len(line)
        elif bare.startswith("//") and not bare.startswith("///"):
            comments.append(Span(at, at + len(line)))
        at += len(line)
    if mark and not mark.startswith("```"):
        (comments if mark.startswith("/") else code).append(Span(begin, at))
    return code, comments


def _opens(line: str) -> bool:
    if line.startswith("```"):
        return "`" not in line[3:]
    return len(line) >= 4 and (line[0] * len(line) == line) and line[:4] in (*_CODE_MARKS, _COMMENT_MARK)


def _explicit(text: str, names: dict[str, str]) -> Iterator[Found]:
    files = {match.start("url") for match in _FILE.finditer(text)}
    for match in _URL_MACRO.finditer(text) if "[" in text else ():
        if match.start("url") in files or (
            match["url"][0] == "{" and not match["link"] and not _is_web(match["url"], names)
        ):
            continue
        kind = Kind.REFERENCE if match["url"][0] == "{" else Kind.INLINE
        yield from _at(match.start("url"), match["url"], names, kind, _label(match["text"]))
    for match in _XREF.finditer(text):
        if match["url"]:
            yield from _xref(match.start("url"), match["url"], _label(match["text"]))
        else:
            yield from _xref(match.start("id"), match["id"], _label(match["label"] or ""))
    for match in _FILE.finditer(text):
        if match["kind"] == "video" and _HOSTED.match(match["text"]):
            continue
        kind = Kind.IMAGE if match["kind"] == "image" else Kind.HTML
        prefix = names.get("imagesdir", "").rstrip("/") if kind is Kind.IMAGE else ""
        url = match["url"]
        whole = f"{prefix}/{url}" if prefix and not re.match(r"/|[a-z]+:|\{", url) else url
        yield from _at(match.start("url"), url, names, kind, _label(match["text"]).split(",")[0], whole)
        if link := _LINK_ATTRIBUTE.search(match["text"]):
            yield from _at(
                match.start("text") + link.start(link.lastgroup or 0), link[link.lastgroup or 0], names, Kind.INLINE, ""
            )


def _xref(start: int, written: str, title: str) -> Iterator[Found]:
    """Another document by its path (and `#part`), or a place in this one by its id or its title."""
    path, mark, part = written.partition("#")
    is_file = re.search(r"\.(?:adoc|asciidoc|html?)\Z", path) is not None
    if "$" in written or "{" in written or "@" in written or ":" in path:  # Antora's families, attributes
        return
    url = written if is_file else f"#{part}" if mark and not path else "" if mark else f"#{written}"
    if url and url != "#":
        yield Found(start, start + len(written), url, Kind.LOCAL, title)


def _at(start: int, written: str, names: dict[str, str], kind: Kind, title: str, whole: str = "") -> Iterator[Found]:
    url = _filled(whole or written.strip("+"), names)
    if "{" in url or "$" in url:
        return
    found = target(url, kind)
    if found:
        yield Found(start, start + len(written), found[0], found[1], title)


def _attributes(text: str) -> dict[str, str]:
    """The attributes that the note sets, with those that they refer to filled in."""
    names = {match["name"]: match["value"][:MAX_VALUE] for match in _ATTRIBUTE.finditer(text)}
    for _ in range(MAX_REFERRED):
        waiting = {name: value for name, value in names.items() if "{" in value}
        if not waiting:
            break
        names |= {name: _filled(value, names)[:MAX_VALUE] for name, value in waiting.items()}
    return names


def _filled(written: str, names: dict[str, str]) -> str:
    """The text with the values of its attributes; those that the note does not set stay."""
    return _REFERENCE.sub(lambda found: names.get(found[1], found[0]), written, count=MAX_REFERENCES)


def _is_web(written: str, names: dict[str, str]) -> bool:
    return re.match(r"https?://[^\s{]", _filled(written, names)) is not None


def _label(text: str) -> str:
    """The text of a macro without its attributes (`window=_blank`, a caret)."""
    text = re.sub(r"\\\]", "]", text).strip()
    if text.startswith('"'):
        return text[1:].partition('"')[0]
    return re.sub(r",?\s*\b[\w-]+=.*\Z", "", text).strip().removesuffix("^").strip()

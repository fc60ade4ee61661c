r"""What writers of notes add to Markdown: wiki links, highlights, comments of Obsidian, shortcodes with addresses.

Spans and links only; the Markdown reader says what is prose. Each pattern is bounded to a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from crawler.core.model import Kind
from crawler.notes.found import Found, Span, cover
from crawler.notes.scan import bare_urls
from crawler.notes.targets import HIDDEN, target, unescape

# https://help.obsidian.md/links; a heading or block follows `#`, a label `|`, which tables escape.
_WIKI = re.compile(
    r"!?\[\[(?P<target>[^\s\[\]|\\\0:!][^\[\]|\\\n\0]{0,300}|\#[^\[\]|\\\n\0]{1,300})(?P<label>\\?\|[^\[\]\n\0]{0,300})?\]\]"
)
_NO_NOTE = re.compile(r"_?TOC_?\Z|[\W\d_]*\Z", re.IGNORECASE)  # a table of contents; a matrix, a number
_TOML_TABLE = re.compile(r"\[\[[\w.-]+\]\][ \t]*\r?\n[ \t]*(?:[\w.-]+[ \t]*=|\[)")
_HIGHLIGHT = re.compile(r"(?<![=\w])==(?=[^\s=])[^\n\0]{0,2000}?[^\s=]==(?![=\w&])")
_COMMENT_MARK = re.compile(r"(?<![\w%/&?=#-])%%(?!%)|(?<=[^\W\d])%%(?!\w)", re.ASCII)
LOGSEQ_TARGET = re.compile(r"\[\[[^\[\]:]{1,300}\]\]|\(\([\w-]{1,100}\)\)")  # of a label: a page, a block
# What a line such as `!!! note "Title"` (admonitions), `=== "Tab"` or `: a definition` opens goes on as far as lines
# are indented, also behind an empty one, as in a list's item: Python-Markdown with its extensions, pandoc, kramdown.
_OPENS_BLOCK = re.compile(
    r"^(?P<indent>[ \t]*)(?:(?P<mark>!!!|\?\?\?\+?|===[!+]?(?=[ \t]+[\"']))[ \t]+(?=\S)|:(?P<space>[ \t]{1,3})(?=\S))",
    re.MULTILINE,
)
# Shortcodes and includes: values of parameters that name a place, and addresses without a parameter.
_PARAMETER = re.compile(
    r"(?<![\w-])(?:src|href|link|image|img|poster|cover)\s*=\s*(?:\"(?P<d>[^\"\n]*)\"|'(?P<s>[^'\n]*)')"
)
_FILE_LIKE = re.compile(r"[^\s:*|<>]{1,300}\.[A-Za-z0-9]{1,8}(?:[?#]\S*)?")


def wiki_links(prose: str) -> Iterator[Found]:
    """`[[note#heading|label]]` and `![[picture.png]]`; the whole construct is the place."""
    for match in _WIKI.finditer(prose) if "[[" in prose else ():
        if _TOML_TABLE.match(prose, match.start()):
            continue
        written = unescape(match["target"]).strip()
        if (_NO_NOTE.match(written.partition("#")[0]) and not written.startswith("#")) or HIDDEN in written:
            continue
        found = target(written, Kind.INLINE)
        label = (match["label"] or "").lstrip("\\|")
        if found and found[1] is Kind.INLINE:
            yield Found(match.start("target"), match.end("target"), found[0], Kind.INLINE, label)
        else:
            yield Found(match.start(), match.end(), written, Kind.LOCAL, label)


def logseq_target(source: str, whole: Span, title: str) -> Iterator[Found]:
    """`[label]([[note]])` of Logseq within `whole`; `[label](((id)))` leads to a block, which nobody checks."""
    for match in _WIKI.finditer(source, whole.start, whole.end):
        if source.endswith("](", whole.start, match.start()):
            yield Found(match.start(), match.end(), unescape(match["target"]).strip(), Kind.LOCAL, title)


def as_list_items(source: str) -> str:
    """The source with what opens an indented block written as a list's item, whose contents CommonMark reads as text.

    Every character keeps its place: `!!! note` becomes `-   note`, since the block is indented by four.
    """
    if "!!!" not in source and "???" not in source and "===" not in source and "\n:" not in source:
        return source
    return _OPENS_BLOCK.sub(_list_item, source)


def _list_item(match: re.Match[str]) -> str:
    written = match[0].removeprefix(match["indent"])
    marker = f"-{match['space']}" if match["space"] else "-   " + "." * (len(written) - 4)
    return match["indent"] + marker


def highlights(prose: str) -> Iterator[tuple[int, int]]:
    """Where `==highlighted==` text ends, and where its mark began."""
    for match in _HIGHLIGHT.finditer(prose) if "==" in prose else ():
        yield match.end() - 2, match.start()


def comments(prose: str) -> Iterator[Span]:
    """`%%comments%%` of Obsidian: on one line, or a block whose first line begins and whose last line ends with it."""
    if "%%" not in prose:
        return
    marks = [match.start() for match in _COMMENT_MARK.finditer(prose)]
    at = 0
    while at + 1 < len(marks):
        begin, end = marks[at], marks[at + 1]
        newline = prose.find("\n", begin, end)
        if newline < 0 or (_begins_line(prose, begin) and _ends_line(prose, end)):
            yield Span(begin, end + 2)
            at += 2
        else:
            at += 1


def _begins_line(text: str, at: int) -> bool:
    return not text[text.rfind("\n", 0, at) + 1 : at].strip()


def _ends_line(text: str, at: int) -> bool:
    return not text[at + 2 : at + 2 + 80].partition("\n")[0].strip()


def shortcodes(text: str, spans: Iterable[Span]) -> Iterator[Found]:
    """The addresses that tags of Liquid, Hugo or Logseq (`spans`) hold in full, and files in their parameters."""
    for span in spans:
        inside = text[span.start : span.end]
        if "=" in inside:
            yield from _parameters(inside, span.start)
        if "://" in inside:
            for url in bare_urls(cover(inside, [Span(0, 2), Span(len(inside) - 2, len(inside))], " ")):
                if "{{" not in inside[2:]:
                    start, end = span.start + url.start, span.start + url.end
                    yield Found(start, end, text[start:end], Kind.BARE)


def _parameters(inside: str, shift: int) -> Iterator[Found]:
    for match in _PARAMETER.finditer(inside):
        group = "d" if match["d"] is not None else "s"
        if "://" not in match[group] and _FILE_LIKE.fullmatch(match[group]) and "{" not in match[group]:
            found = target(match[group], Kind.HTML)
            if found and found[1] is Kind.LOCAL:
                yield Found(shift + match.start(group), shift + match.end(group), found[0], Kind.LOCAL)

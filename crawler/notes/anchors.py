"""The places inside of a note that `#fragment` may name: headings in the spelling of each renderer, and explicit ids.

Pure. The question is not what one renderer would make of a heading but whether any that may be at work would find the
place, since a false alarm costs more than a missed one: GitHub, GitLab, Obsidian, Pandoc, kramdown and Python-Markdown
are spelled out, and markdown-it, docsify and their likes agree with them in letters and digits.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from crawler.notes.formats import ending_of
from crawler.notes.targets import unescape

# Generators whose ways with headings are known; of others nothing is said.
KNOWN = frozenset(("", "jekyll", "hugo", "hexo", "docusaurus", "mkdocs", "mdbook", "vitepress", "vuepress", "gitbook"))
CHECKED = frozenset((".md", ".markdown", ".mdown", ".mkd", ".mkdn", ".html", ".htm", ".xhtml", ".org", ".adoc", ".rst"))

_FENCE = re.compile(r"^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(?P<mark>`{3,}|~{3,})")
_ATX = re.compile(r"^[ \t>]{0,20}(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?#{1,6}[ \t]*(?P<text>[^\n]*?)[ \t]*#*[ \t]*$")
_SETEXT = re.compile(r"^[ \t>]{0,12}(?:=+|-+)[ \t]*$")
_EXPLICIT = re.compile(r"\{:?[ \t]*#(?P<id>[^\s{}]+)[^{}\n]*\}|\{/\*[ \t]*#(?P<mdx>[^\s*]+)[ \t]*\*/\}")
_HTML_ID = re.compile(r"""\b(?:id|name)[ \t]*=[ \t]*(?:"([^"\n]*)"|'([^'\n]*)'|([^\s"'<>=]+))""", re.IGNORECASE)
_BLOCK_ID = re.compile(r"(?:^|\s)\^(?P<id>[A-Za-z0-9-]+)[ \t]*$")
_FOOTNOTE = re.compile(r"\[\^(?P<id>[^\]\s]{1,99})\]")
# What other files and programs bring in, with headings of their own; the badges of https://allcontributors.org lead to
# `#code-name`, which is nowhere by design.
_INCLUDES = re.compile(
    r"\{%-?[ \t]*(?:include|render|capture|for)|\{\{[<%][ \t]*(?!ref|relref|figure)|\{\{\#include|\{\{[ \t]*[a-z_]+\("
    r"|!\[\[|--8<--|<<<[ \t]?@|^:::|^\.\. include::|^include::|\{!|<!--[ \t]*@include"
    r"|ALL-CONTRIBUTORS-LIST:START|<script\b"
    r"|^import[ \t]+\w+[ \t]+from[ \t]+[\"'][^\"'\n]+\.mdx?[\"']",
    re.MULTILINE,
)
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()\s]*(?:\([^()]*\)[^()\s]*)*(?:\s+[\"'][^\"'\n]*[\"'])?\)|\[[^\[\]]*\])")
_PICTURE = re.compile(r"!\[[^\[\]]*\](?:\([^()\s]*(?:\s+[\"'][^\"'\n]*[\"'])?\)|\[[^\[\]]*\])")
_HTML_HEADING = re.compile(r"<h[1-6]\b[^<>]*>(?P<text>.{1,500}?)</h[1-6]>", re.IGNORECASE)
_WIKI = re.compile(r"\[\[([^\[\]|]*)(?:\|([^\[\]]*))?\]\]")
_TAG = re.compile(r"</?[A-Za-z][^<>\n]*>|<!--.*?-->")
_EMOJI_CODE = re.compile(r":([a-z0-9_+-]+):")
# What a search for a headline passes over: its keyword, priority and count (https://orgmode.org/manual/Search-Options.html).
_ORG_MARKS = re.compile(r"^[A-Z]{2,}[ \t]+(?=\S)|\[#[A-Z0-9]\][ \t]*|[ \t]*\[\d*(?:%|/\d*)\]")
_LINES = re.compile(r"L\d+(?:C\d+)?(?:-L?\d+(?:C\d+)?)?\Z")


@dataclass(frozen=True, slots=True)
class Anchors:
    """What a fragment may name in one text. `open`: other files or programs add to it, so that nothing is missing."""

    exact: frozenset[str] = frozenset()  # in small letters, NFC
    loose: frozenset[str] = frozenset()  # letters and digits only
    open: bool = False

    def has(self, fragment: str) -> bool:
        """Whether the place is there; `fragment` without `#`, percent-encoded or not."""
        wanted = {_key(fragment), _key(unquote(fragment))}
        plain = unquote(fragment)
        if self.open or not plain or plain.lower() == "top" or plain[0] in "/!:" or _LINES.match(plain):
            return True
        if ":~:" in plain:
            return plain.startswith(":~:") or self.has(plain.partition(":~:")[0])
        if "#" in plain:  # Obsidian: a heading below a heading
            return all(self.has(part) for part in plain.split("#"))
        if wanted & self.exact:
            return True
        return bool({_letters(fragment), _letters(unquote(fragment))} & self.loose)


def anchors_of(name: str, text: str) -> Anchors:
    """The anchors of a note by the ending of its name."""
    match ending_of(name):
        case ".html" | ".htm" | ".xhtml":
            return _anchors(_html_ids(text), ())
        case ".org":
            heads = [m[1] for m in re.finditer(r"^\*+[ \t]+([^\n]*?)(?:[ \t]+:[\w@:]+:)?[ \t]*$", text, re.MULTILINE)]
            ids = re.findall(
                r":(?:CUSTOM_)?ID:[ \t]*(\S+)|<<([^<>\n]+)>>|^#\+name:[ \t]*(\S+)", text, re.MULTILINE | re.IGNORECASE
            )
            heads += [plain for head in heads if (plain := _ORG_MARKS.sub("", head).strip()) != head]
            return _anchors((*(x for found in ids for x in found if x), *(f"*{head}" for head in heads)), heads)
        case ".adoc":
            return _asciidoc(text)
        case ".rst":
            heads = re.findall(r"^(\S[^\n]*)\n([^\w\s])\2{2,}[ \t]*$", text, re.MULTILINE)
            return _anchors(
                re.findall(r"^[ \t]*\.\. _`?([^:`\n]+)`?:", text, re.MULTILINE), [h for h, _ in heads], _INCLUDES, text
            )
        case _:
            return _anchors(_markdown_ids(text), _headings(text), _INCLUDES, text)


def _anchors(
    ids: Iterable[str], headings: Iterable[str], includes: re.Pattern[str] | None = None, text: str = ""
) -> Anchors:
    headings = list(headings)
    exact = {_key(each) for each in ids} | {_key(slug) for slug in _slugs(headings)}
    loose = {_letters(each) for each in exact}
    return Anchors(frozenset(exact), frozenset(loose), bool(includes and includes.search(text)))


def _asciidoc(text: str) -> Anchors:
    heads = [m[1] for m in re.finditer(r"^(?:={1,6}|#{1,6})[ \t]+(\S[^\n]*?)[ \t]*$", text, re.MULTILINE)]
    found = re.findall(
        r"\[\[([^\[\],\n]+)(?:,[^\]\n]*)?\]\]|^\[[^\]\n]*?#([^\],.%\n]+)|anchor:([^\[\s]+)\[|\[id=[\"']?([^\"'\],\n]+)"
        r"|\[#([^\],.%\n]+)",
        text, re.MULTILINE,
    )  # fmt: skip
    slugs = [re.sub(r"[^\w]+", "_", head.lower()).strip("_") for head in heads]
    return _anchors(
        (*(x for each in found for x in each if x), *(f"_{slug}" for slug in slugs), *slugs), heads, _INCLUDES, text
    )


def _html_ids(text: str) -> Iterator[str]:
    for match in _HTML_ID.finditer(text):
        yield unescape(match[match.lastindex or 1] or "")


def _prose_lines(text: str) -> Iterator[tuple[str, str]]:
    """Each line outside of fenced code with the one before it."""
    fence, before = "", ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if fence:
            if mark and mark["mark"].startswith(fence) and not line.strip(" \t>`~"):
                fence = ""
        elif mark and not (mark["mark"][0] == "`" and "`" in line[mark.end() :]):
            fence, before = mark["mark"], ""
        else:
            yield line, before
            before = line


def _headings(text: str) -> Iterator[str]:
    for line, before in _prose_lines(text):
        if atx := _ATX.match(line):
            yield atx["text"]
        elif before.strip() and not _ATX.match(before) and _SETEXT.match(line):
            yield before.strip(" \t>")
        elif "<h" in line or "<H" in line:
            yield from (heading["text"] for heading in _HTML_HEADING.finditer(line))


def _markdown_ids(text: str) -> Iterator[str]:
    for match in _EXPLICIT.finditer(text) if "{" in text else ():
        yield match["id"] or match["mdx"]
    if "=" in text:
        yield from _html_ids(text)
    for match in _FOOTNOTE.finditer(text) if "[^" in text else ():
        name = match["id"]
        yield from (
            f"fn:{name}",
            f"fnref:{name}",
            f"fn-{name}",
            f"fnref-{name}",
            f"user-content-fn-{name}",
            f"fn{name}",
        )
    if "^" in text:
        for line in text.splitlines():
            if block := _BLOCK_ID.search(line):
                yield f"^{block['id']}"


def plain_heading(written: str) -> str:
    """The text that a reader sees of a heading."""
    text = _EXPLICIT.sub("", written)
    text = _WIKI.sub(lambda m: m[2] or m[1], _LINK.sub(r"\1", text))
    text = unescape(_TAG.sub("", text))
    text = re.sub(r"(?<!\w)(\*{1,3}|_{1,3}|~~|==)(?=\S)(.+?)(?<=\S)\1(?!\w)", r"\2", text)
    return re.sub(r"(\*{1,3})(?=\S)(.+?)(?<=\S)\1", r"\2", text).replace("`", "").strip()


def _slugs(headings: list[str]) -> Iterator[str]:
    """Every spelling of every heading, with the numbers that duplicates get."""
    counts: dict[str, Counter[str]] = {}
    for written in headings:
        text = plain_heading(written)
        # Obsidian and Logseq: the heading itself; some renderers keep the formatting or the links.
        yield text
        yield re.sub(r"[#^|\\:%\[\]]+", " ", text)
        # GitHub leaves out what a picture says, and the space before it becomes a dash.
        bare = _styles(_TAG.sub("", _PICTURE.sub("", written))) if "![" in written else ()
        for style, slug in (
            *_styles(text),
            *((f"{name}!", each) for name, each in _styles(written)),
            *((f"{name}?", each) for name, each in bare),
        ):
            if slug:
                seen = counts.setdefault(style, Counter())
                number = seen[slug]
                seen[slug] += 1
                yield slug if not number else f"{slug}-{number}"
                if number:
                    seen[f"{slug}-{number}"] += 1
                    yield f"{slug}_{number}"


def _styles(text: str) -> Iterator[tuple[str, str]]:
    """A heading's slug by the name of the renderers that write it so."""
    low = text.lower()
    github = "".join(c for c in low if c.isalnum() or c in "-_ " or unicodedata.category(c)[0] == "M").replace(" ", "-")
    yield "github", github  # github.com/gjtorikian/html-pipeline: spaces are not joined
    yield "github trimmed", github.strip("-")
    yield "gitlab", re.sub(r"-{2,}", "-", github)
    yield "emoji", re.sub(r"\s", "-", _EMOJI_CODE.sub(r"\1", low))
    yield "pandoc", re.sub(r"^[^a-z\u0080-\U0010ffff]+", "", re.sub(r"[^\w\-. ]", "", low).strip().replace(" ", "-"))
    kramdown = re.sub(r"^[^a-zA-Z]+", "", text)
    yield "kramdown", re.sub(r"[^a-zA-Z0-9 -]", "", kramdown).replace(" ", "-").lower()
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    yield "python", re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", folded).strip().lower())


def _key(fragment: str) -> str:
    return unicodedata.normalize("NFC", fragment.strip().removeprefix("user-content-")).casefold()


def _letters(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if c.isalnum()) or text

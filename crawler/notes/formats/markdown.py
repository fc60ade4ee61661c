"""Links of Markdown notes: pyromark's events say what is code, HTML or a link, and where; the rest is prose.

Bare URLs are looked for in the source of the prose, never in text events: Markdown reads `__biz=` as emphasis.
Everything that is no prose is covered by control characters of the same length, so that offsets stay true.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyromark

from crawler.core.model import Kind
from crawler.notes import templates
from crawler.notes.formats import dialects, frontmatter, html
from crawler.notes.found import Cover, Found, Reading, Span, cover
from crawler.notes.scan import bare_urls
from crawler.notes.targets import HIDDEN, target, unescape, unescape_html

_PARSER = pyromark.Markdown(
    options=pyromark.Options.ENABLE_TABLES | pyromark.Options.ENABLE_FOOTNOTES | pyromark.Options.ENABLE_STRIKETHROUGH
)
_DEFINITION = re.compile(r"^(?:[ \t>*+-]|\d{1,9}[.)]){0,20}\[(?:[^\]\\\n]|\\.)+\]:", re.MULTILINE)
_DEFINITION_BEFORE = re.compile(r"[ \t>]{0,20}\[(?!\^)[^\]\n]{1,999}\]:[ \t]*<?\Z")  # of a link, no footnote
MAX_LABEL = 1100  # code points; CommonMark ends labels at 999
_DESTINATION = re.compile(r"\s*(?:<(?P<angled>[^<>\n]*)>|(?P<bare>\S+))")
# kramdown takes white space inside of a target, CommonMark does not: the author meant a link all the same.
_SPACED = re.compile(
    r"(?P<image>!?)\[(?P<text>[^\[\]\n]{0,500})\]\("
    r"(?P<url>[^\s()<>\0](?:[^()<>\n\0]|\([^()<>\n\0]{0,200}\)){0,2000})\)"
)
# A title, also in the quotes of Chinese typing, and the size of a picture (`=100x200`, as HackMD writes it).
_SPACED_TITLE = re.compile(
    r"(?:\s+(?:\"[^\"]*\"|'[^']*'|“[^“”]*”|‘[^‘’]*’|=(?:\d{1,5}%?x(?:\d{1,5}%?)?|x\d{1,5}%?))){1,2}\s*\Z"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class _OpenLink:
    """A link or image whose end has not come yet. Offsets are bytes."""

    data: dict[str, Any]
    image: bool
    start: int
    end: int
    inner: int  # where its text ends, as far as the events read so far show
    text: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Seen:
    """What the events of one note tell. Offsets are bytes until they are converted."""

    code: list[Span] = field(default_factory=list)
    html: list[Span] = field(default_factory=list)
    emphasis: list[tuple[Span, int]] = field(default_factory=list)  # with the length of its closing mark
    links: list[_OpenLink] = field(default_factory=list)
    open: list[_OpenLink] = field(default_factory=list)


_BREAKS = frozenset(("SoftBreak", "HardBreak"))
_MARK_LENGTH = {"Emphasis": 1, "Strong": 2, "Strikethrough": 2}


def _collect(source: str) -> _Seen:
    """One pass over the events; nearly all are text and paragraphs, and are let go at once."""
    seen = _Seen()
    unfinished = seen.open
    for event, place in _PARSER.events_with_range(source):
        if isinstance(event, str):
            if unfinished and event in _BREAKS:
                for each in unfinished:
                    each.text.append(" ")
            continue
        if unfinished:
            _inside_link(seen, event, place["end"])
        if "Start" in event:
            tag = event["Start"]
            if tag != "Paragraph":
                _started(seen, tag, place["start"], place["end"])
        elif "Code" in event:
            seen.code.append(Span(place["start"], place["end"]))
        elif "InlineHtml" in event:
            seen.html.append(Span(place["start"], place["end"]))
    return seen


def _started(seen: _Seen, tag: Any, start: int, end: int) -> None:
    if isinstance(tag, str):
        if tag == "HtmlBlock":
            seen.html.append(Span(start, end))
        elif tag in _MARK_LENGTH:
            seen.emphasis.append((Span(start, end), _MARK_LENGTH[tag]))
        return
    name, value = next(iter(tag.items()))
    if name == "CodeBlock":
        seen.code.append(Span(start, end))
    elif name in ("Link", "Image"):
        seen.open.append(_OpenLink(value, name == "Image", start, end, start + (2 if name == "Image" else 1)))


def _inside_link(seen: _Seen, event: Mapping[str, Any], end: int) -> None:
    """Note what an event inside of a link says of its text; close the link at its end."""
    if event.get("End") in ("Link", "Image"):
        seen.links.append(seen.open.pop())
    if seen.open:
        seen.open[-1].inner = max(seen.open[-1].inner, end)
    text = event.get("Text") or event.get("Code")
    if text:
        for each in seen.open:
            each.text.append(text)


class _Offsets:
    """Bytes of the parsed source to code points of the note, for the few offsets that matter."""

    def __init__(self, source: str, shift: int, wanted: Iterable[int]) -> None:
        self._shift = shift
        self._table: dict[int, int] | None = None
        if source.isascii():
            return
        data = source.encode()
        self._table = {}
        before = points = 0
        for offset in sorted(set(wanted)):
            points += len(data[before:offset].decode("utf-8", "replace"))
            before = offset
            self._table[offset] = points

    def __call__(self, offset: int) -> int:
        return self._shift + (offset if self._table is None else self._table[offset])

    def span(self, span: Span) -> Span:
        return Span(self(span.start), self(span.end))


def read(text: str) -> Reading:
    """The links of a Markdown note."""
    text = _encodable(text)
    begin = frontmatter.block_end(text) or (1 if text.startswith("\ufeff") else 0)
    source, liquid_code, tags = _without_templates(text, begin)
    parsed = dialects.as_list_items(source[begin:])
    seen = _collect(parsed)
    definitions = _definitions(parsed)
    offsets = _Offsets(source[begin:], begin, _wanted(seen, definitions))
    code = [offsets.span(span) for span in seen.code]
    math = list(templates.formulas(cover(source, code, " "))) if "$" in source else []
    if "%%" in source:
        math += dialects.comments(cover(source, [Span(0, begin), *code], " "))
    inside = html.pieces(source, list(_tags(source, [offsets.span(span) for span in seen.html])))
    links = [*frontmatter.links(text, begin), *_explicit(source, seen, offsets), *inside.links]
    links += _defined(source, definitions, offsets)
    spans = [Span(offsets(link.start), offsets(link.end)) for link in seen.links]
    spans += [offsets.span(span) for _, span in definitions]
    if tags:
        quoted = Cover(code)
        links += dialects.shortcodes(text, [tag for tag in tags if tag.start not in quoted])
    silent = Cover([*math, *inside.code])
    hidden = [Span(0, begin), *code, *math, *inside.hidden]
    prose = cover(source, [*hidden, *spans], "\0")
    spaced = list(_spaced(prose))
    if spaced:
        links += spaced
        prose = cover(prose, [Span(link.start, link.end) for link in spaced], "\0")
    wiki = list(dialects.wiki_links(prose))
    if wiki:
        links += wiki
        prose = cover(prose, [Span(link.start, link.end) for link in wiki], "\0")
    links += _bare(prose, sorted([*_closers(source, seen, offsets), *dialects.highlights(prose)]))
    return Reading(tuple(link for link in links if link.start not in silent), (*code, *inside.code, *liquid_code))


def _encodable(text: str) -> str:
    """The text without lone surrogates: no file holds one, but nothing forbids it in a string."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text


def _without_templates(text: str, begin: int) -> tuple[str, list[Span], list[Span]]:
    """The text with Liquid and kramdown comments covered, the spans of code in Liquid, and those of its tags."""
    if "{" not in text:
        return text, [], []
    blocks = list(templates.liquid_blocks(text))
    silent = [span for _, span in blocks] + list(templates.kramdown_comments(text))
    source = cover(text, silent, " ") if silent else text
    tags = [span for span in templates.liquid(source) if span.start >= begin]
    nothing = {tag for tag in tags if templates.is_nothing(source, tag)}
    unknown = [tag for tag in tags if tag not in nothing]
    code = [span for name, span in blocks if name != "comment"]
    return cover(cover(source, nothing, " "), unknown, HIDDEN), code, tags


def _definitions(source: str) -> list[tuple[str, Span]]:
    if "]:" not in source or not _DEFINITION.search(source):
        return []
    found = _PARSER.reference_definitions(source).values()
    return [(each["dest"], Span(each["span"]["start"], each["span"]["end"])) for each in found]


def _wanted(seen: _Seen, definitions: list[tuple[str, Span]]) -> Iterator[int]:
    """Every byte offset that will be asked for."""
    for span in (*seen.code, *seen.html, *(s for s, _ in seen.emphasis), *(s for _, s in definitions)):
        yield span.start
        yield span.end
    for link in seen.links:
        yield link.start
        yield link.inner
        yield link.end


def _tags(source: str, spans: Iterable[Span]) -> Iterator[html.Tag]:
    for span in spans:
        yield from html.tags(source, span.start, span.end)


_LINK_KINDS = {"Inline": Kind.INLINE, "Autolink": Kind.AUTOLINK}


def _explicit(source: str, seen: _Seen, offsets: _Offsets) -> Iterator[Found]:
    """The links and images that Markdown itself knows."""
    for link in seen.links:
        written = link.data["link_type"]
        if written == "Email":
            continue
        kind = Kind.IMAGE if link.image else _LINK_KINDS.get(written, Kind.REFERENCE)
        destination = link.data["dest_url"]
        whole = Span(offsets(link.start), offsets(link.end))
        title = "" if written == "Autolink" else _one_line("".join(link.text)) or link.data["title"]
        if dialects.LOGSEQ_TARGET.fullmatch(destination):
            yield from dialects.logseq_target(source, whole, title)
            continue
        # cmark, and so GitHub, undoes entities there as well.
        found = target(unescape_html(destination) if written == "Autolink" else destination, kind)
        if not found:
            continue
        place = _place(source, link, whole, offsets(link.inner))
        yield Found(place.start, place.end, found[0], found[1], title)


def _place(source: str, link: _OpenLink, whole: Span, inner: int) -> Span:
    """Where the target itself stands; for a reference the whole link, since its target stands elsewhere."""
    written = link.data["link_type"]
    if written == "Autolink":
        return Span(whole.start + 1, whole.end - 1)
    if written != "Inline":
        return whole
    opening = source.find("](", inner, whole.end)
    match = _DESTINATION.match(source, opening + 2, whole.end) if opening >= 0 else None
    if match and match["angled"] is not None:
        place = Span(*match.span("angled"))
    elif match:
        place = Span(match.start("bare"), match.end("bare") - (match.end("bare") == whole.end))
    if match and unescape(source[place.start : place.end]) == link.data["dest_url"]:
        return place
    again = source.find(link.data["dest_url"], inner, whole.end)  # such as behind the mark of a quotation
    return Span(again, again + len(link.data["dest_url"])) if again >= 0 else whole


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _defined(source: str, definitions: list[tuple[str, Span]], offsets: _Offsets) -> Iterator[Found]:
    for destination, within in definitions:
        found = target(destination, Kind.DEFINITION)
        whole = offsets.span(within)
        colon = source.find("]:", whole.start, whole.end)
        match = _DESTINATION.match(source, colon + 2, whole.end) if colon >= 0 else None
        if found and match:
            place = match.span("angled" if match["angled"] is not None else "bare")
            yield Found(*place, *found)


def _spaced(prose: str) -> Iterator[Found]:
    """Links and pictures whose target holds white space, which makes them plain text to CommonMark."""
    for match in _SPACED.finditer(prose) if "](" in prose else ():
        url = _SPACED_TITLE.sub("", match["url"]).rstrip()
        written = " " in match["url"]
        found = target(unescape(url), Kind.IMAGE if match["image"] else Kind.INLINE) if written else None
        if found and (found[1] is not Kind.LOCAL or match["image"]):
            start = match.start("url")
            yield Found(start, start + len(url), found[0], found[1], _one_line(match["text"]))


def _closers(source: str, seen: _Seen, offsets: _Offsets) -> list[tuple[int, int]]:
    """Where marks of emphasis close, and where each was opened."""
    closers = []
    for span, length in seen.emphasis:
        place = offsets.span(span)
        mark = 1 if length == 2 and source[place.end - 2] != source[place.end - 1] else length
        closers.append((place.end - mark, place.start))
    return sorted(closers)


def _bare(prose: str, closers: list[tuple[int, int]]) -> Iterator[Found]:
    for span in bare_urls(prose, closers):
        url = unescape(prose[span.start : span.end])
        yield Found(span.start, span.end, url, Kind.DEFINITION if _defines(prose, span.start) else Kind.BARE)


def _defines(prose: str, start: int) -> bool:
    """Whether a label and a colon stand before: a definition that Markdown does not count, such as a second one."""
    if prose[start - 1 : start] not in (":", " ", "\t", "<"):
        return False
    begin = prose.rfind("\n", max(start - MAX_LABEL, 0), start) + 1
    return _DEFINITION_BEFORE.match(prose, begin, start) is not None

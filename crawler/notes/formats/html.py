"""Links of HTML: whole notes, and the pieces of HTML inside of Markdown.

A light tokenizer gives every attribute its place in the source, which no parser does; for whole notes lexbor's tree
says which of them are real, so that a tag in a script or a comment is none. Text between tags is handed to the scanner.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urljoin

from crawler.core.model import Kind
from crawler.notes import templates
from crawler.notes.found import Found, Lines, Reading, Span, cover
from crawler.notes.scan import bare_urls
from crawler.notes.targets import target, unescape_html
from crawler.notes.titles import bare_title

# Attributes that hold one address; `srcset` holds several. Elements that are not named here (custom elements, MDX's
# components) have `OTHER_ATTRIBUTES`, but for those that load what nobody reads.
LINK_ATTRIBUTES = {
    "a": ("href",),
    "area": ("href",),
    "img": ("src", "srcset", "data-src"),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "track": ("src",),
    "iframe": ("src",),
    "frame": ("src",),
    "embed": ("src",),
    "object": ("data",),
}
OTHER_ATTRIBUTES = ("href", "src", "to", "cite")
LOADING_TAGS = frozenset({"link", "script", "base", "meta", "form", "input", "button", "style", "use", "image"})
# With a capital letter these are components of MDX, which lead somewhere: `<Link to="/x">`, `<Image src="…">`.
COMPONENTS = frozenset({"link", "form", "input", "button", "use", "image"})
CODE_TAGS = frozenset({"code", "pre", "kbd", "samp", "tt", "xmp"})
SILENT_TAGS = frozenset({"script", "style", "template", "textarea", "title", "noscript", "svg", "math"})

_TAG = re.compile(
    r"<!--(?:-?>|[\s\S]*?(?:-->|\Z))"
    r"|<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9:._-]{0,60})(?P<attributes>(?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>"
    r"|<[!?][^>]{0,2000}>"  # bounded: a text of openings without an end would be read to its end for each of them
)
# A value without quotes ends at white space, as in browsers: `href=/?a=1` holds a query.
_ATTRIBUTE = re.compile(r"([^\s\"'<>/=]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>][^\s>]*))")
_CANDIDATE = re.compile(r"[^\s,]\S*[^\s,]|[^\s,]")  # of a srcset: the address, then its width or density
_DESCRIPTOR = re.compile(r"\s+[0-9.]+[wxh]\s*(?:,|\Z)|\s*(?:,\s|\Z)")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag of the source; a comment or declaration has the name ""."""

    start: int
    end: int
    name: str = ""
    closing: bool = False
    attributes: Span = Span(0, 0)  # noqa: RUF009 - frozen, so that one default may serve all


@dataclass(frozen=True, slots=True)
class Value:
    """The value of a link attribute, as written."""

    tag: str
    attribute: str
    start: int
    end: int


def tags(text: str, start: int = 0, end: int | None = None) -> Iterator[Tag]:
    """All tags, comments and declarations of `text[start:end]`, in order."""
    for match in _TAG.finditer(text, start, len(text) if end is None else end):
        if match["name"]:
            within = Span(*match.span("attributes"))
            yield Tag(match.start(), match.end(), match["name"].lower(), match["close"] == "/", within)
        else:
            yield Tag(match.start(), match.end())


def attributes_of(name: str) -> tuple[str, ...]:
    """The attributes of an element that hold links."""
    return LINK_ATTRIBUTES.get(name) or (() if not name or name in LOADING_TAGS else OTHER_ATTRIBUTES)


def link_values(text: str, tag: Tag) -> Iterator[Value]:
    """The link attributes of an opening tag."""
    component = tag.name in COMPONENTS and text[tag.start + 1 : tag.start + 3].istitle()
    wanted = OTHER_ATTRIBUTES if component else attributes_of(tag.name)
    if tag.closing or not wanted:
        return
    for match in _ATTRIBUTE.finditer(text, tag.attributes.start, tag.attributes.end):
        name = match[1].lower()
        if name in wanted:
            group = match.lastindex or 4
            yield Value(tag.name, name, match.start(group), match.end(group))


def values_to_links(text: str, value: Value, title: str) -> Iterator[Found]:
    """The links in one attribute value."""
    places = _srcset(text, value.start, value.end) if value.attribute == "srcset" else [_stripped(text, value)]
    for span in places:
        found = target(unescape_html(text[span.start : span.end]), Kind.HTML)
        if found:
            yield Found(span.start, span.end, found[0], found[1], title)


def _stripped(text: str, value: Value) -> Span:
    written = text[value.start : value.end]
    start = value.start + len(written) - len(written.lstrip())
    return Span(start, max(start, value.start + len(written.rstrip())))


def _srcset(text: str, start: int, end: int) -> Iterator[Span]:
    """The addresses of a `srcset`: each up to white space; a comma ends one only at its end."""
    at = start
    while match := _CANDIDATE.search(text, at, end):
        yield Span(match.start(), match.end())
        descriptor = _DESCRIPTOR.match(text, match.end(), end)
        at = descriptor.end() if descriptor and descriptor.end() > match.end() else match.end()


def silent_spans(text: str, found: Sequence[Tag], names: frozenset[str]) -> list[tuple[str, Span]]:
    """Name and inner span of every element of `names`; one that is never closed counts for nothing."""
    spans: list[tuple[str, Span]] = []
    closers = _closers(found, names)
    done = 0
    for tag in found:
        if tag.name not in names or tag.closing or tag.start < done or text.startswith("/>", tag.end - 2):
            continue
        ends = closers[tag.name]
        while ends and ends[-1] < tag.end:
            ends.pop()
        if ends:
            done = ends[-1]
            spans.append((tag.name, Span(tag.end, done)))
    return spans


def _closers(found: Sequence[Tag], names: frozenset[str]) -> dict[str, list[int]]:
    """Where the closing tags of each name begin, the first one last."""
    closers: dict[str, list[int]] = {name: [] for name in names}
    for tag in reversed(found):
        if tag.closing and tag.name in names:
            closers[tag.name].append(tag.start)
    return closers


@dataclass(frozen=True, slots=True)
class Pieces:
    """What HTML holds: links of attributes, spans that are no prose, spans of code."""

    links: tuple[Found, ...]
    hidden: tuple[Span, ...]
    code: tuple[Span, ...]


def pieces(text: str, found: Sequence[Tag]) -> Pieces:
    """Read the tags of `text`; text inside of a link belongs to that link, and is its title."""
    silent = silent_spans(text, found, CODE_TAGS | SILENT_TAGS)
    code = tuple(span for name, span in silent if name in CODE_TAGS)
    anchors = {span.start: span for _, span in silent_spans(text, found, frozenset({"a"}))}
    links: list[Found] = []
    hidden = [Span(tag.start, tag.end) for tag in found] + [span for _, span in silent]
    inside = iter(sorted((span for _, span in silent), key=lambda span: span.start))
    current = next(inside, None)
    for tag in found:
        while current and current.end <= tag.start:
            current = next(inside, None)
        if current and current.start <= tag.start:
            continue
        if _IGNORED.search(text, tag.attributes.start, tag.attributes.end):
            continue
        anchor = anchors.get(tag.end) if tag.name == "a" else None
        title = inner_text(text, anchor) if anchor else _alt(text, tag)
        for value in link_values(text, tag):
            links.extend(values_to_links(text, value, title))
            if anchor:
                hidden.append(anchor)
    return Pieces(tuple(links), tuple(hidden), code)


MAX_TITLE = 2000  # code points of an element that are read for its text


def inner_text(text: str, span: Span) -> str:
    """The text of an element on one line, tags left out."""
    plain = _TAG.sub("", text[span.start : min(span.end, span.start + MAX_TITLE)])
    return _SPACES.sub(" ", unescape_html(plain)).strip()


def _alt(text: str, tag: Tag) -> str:
    if tag.name != "img":
        return ""
    return _SPACES.sub(" ", _attribute(text, tag, "alt") or "").strip()


def _attribute(text: str, tag: Tag, name: str) -> str | None:
    """The value of the first attribute of that name, None where there is none."""
    for match in _ATTRIBUTE.finditer(text, tag.attributes.start, tag.attributes.end):
        if match[1].lower() == name:
            return unescape_html(match[match.lastindex or 4])
    return None


def read(text: str) -> Reading:
    """The links of a whole HTML note."""
    text = cover(text, templates.raw_tags(text), " ")
    found = list(tags(text))
    seen = pieces(text, found)
    real = _real_values(text)
    base = _base(text, found)
    links = [_from_base(base, link) for link in seen.links if _take(real, text, link)]
    links.extend(_bare(text, found, seen.hidden))
    return Reading(tuple(links), seen.code, titled=True)


def _bare(text: str, found: Iterable[Tag], hidden: Iterable[Span]) -> Iterator[Found]:
    """The bare URLs, with the titles that stand beside them once the tags are gone."""
    bare = [
        Found(span.start, span.end, unescape_html(text[span.start : span.end]), Kind.BARE)
        for span in bare_urls(cover(text, hidden, "\0"))
    ]
    lines = Lines(cover(text, (Span(tag.start, tag.end) for tag in found), " ")) if bare else None
    for link in bare:
        yield replace(link, title=bare_title(link, lines)) if lines else link


_WITH_LINKS = ",".join(f"[{name}]" for name in sorted({*OTHER_ATTRIBUTES, *sum(LINK_ATTRIBUTES.values(), ())}))


def _real_values(text: str) -> Counter[str]:
    """How often each address stands in a link attribute of the parsed tree."""
    from selectolax.lexbor import LexborHTMLParser

    real: Counter[str] = Counter()
    for node in LexborHTMLParser(text.encode("utf-8", "replace")).css(_WITH_LINKS):
        attributes = node.attributes
        for attribute in attributes_of(node.tag or ""):
            written = attributes.get(attribute)
            if written and attribute == "srcset":
                real.update(written[span.start : span.end] for span in _srcset(written, 0, len(written)))
            elif written:
                real.update([written.strip()])
    return real


_IGNORED = re.compile(r"\bdata-proofer-ignore\b|\bdata-(?:crawler|linkinator|link-check)-ignore\b")


def _base(text: str, found: Sequence[Tag]) -> str:
    """The address of the first `<base href>`, which relative targets are relative to."""
    for tag in found:
        if tag.name == "base" and not tag.closing:
            href = _attribute(text, tag, "href")
            if href is not None:
                return href.strip()
    return ""


def _from_base(base: str, link: Found) -> Found:
    if link.kind is not Kind.LOCAL or not base or link.url.startswith("#"):
        return link
    try:
        found = target(urljoin(base, link.url), Kind.HTML)
    except ValueError:  # such as http://[ as a base
        return link
    return replace(link, url=found[0], kind=found[1]) if found else link


def _take(real: Counter[str], text: str, link: Found) -> bool:
    """Whether the tree knows this link; each place in the tree serves one place in the source."""
    written = unescape_html(text[link.start : link.end])
    if real[written] <= 0:
        return False
    real[written] -= 1
    return True

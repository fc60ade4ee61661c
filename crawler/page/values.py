"""What sources of a site file give on one page.

The verbs of `FieldSource` are done here, once, for page fields and rules alike. Nothing here decides what a value
means. Nothing raises on hostile pages; a bad selector is a ConfigError, since the site file is ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import msgspec

from crawler.core.errors import ConfigError
from crawler.page.document import Document, text_of
from crawler.page.scripts import literal, read_object, variables
from crawler.sites.schema import FieldSource, Sources
from crawler.sites.steps import compiled

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

MAX_VALUES = 2_000  # elements or values of one source
MEDIA = "img, video, iframe, audio, mpvoice, mp-common-mpaudio, qqmusic"
_BLOCK = re.compile(r"(?i)<(?:p|div|section|br|h[1-6]|li|ul|ol|table|blockquote|article|pre)\b")
IDS = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fragment:
    """An element that holds article text, and the elements within it (by mem_id) that do not belong to it."""

    node: LexborNode
    dropped: frozenset[int] = frozenset()


def read_value(document: Document, sources: Sources, ids: IDS) -> str:
    """The first value that is not empty, "" for none; values of an `all` source on a line each."""
    return next((value for source in sources if (value := "\n".join(_values(document, source, ids)))), "")


def read_values(document: Document, sources: Sources, ids: IDS) -> list[str]:
    """All values of the first source that has any."""
    return next((values for source in sources if (values := _values(document, source, ids))), [])


def read_fragments(document: Document, sources: Sources, ids: IDS) -> list[Fragment]:
    """The elements of the first source with text, else of the first with pictures or sound.

    HTML out of scripts and attributes is parsed for it. The elements live as long as `document`.
    """
    shown: list[Fragment] = []
    for source in sources:
        found = list(_fragments(document, source, ids))
        if any(text_of(f.node, f.dropped, 1) for f in found):
            return found
        if not shown and any(f.node.css_first(MEDIA) for f in found):
            shown = found
    return shown


def select(document: Document, selector: str) -> list[LexborNode]:
    """Every element that a selector finds, in document order. Raises ConfigError for a bad selector."""
    from selectolax.lexbor import SelectolaxError

    key = ("css", selector)
    if key not in document.memo:
        try:
            nodes = document.tree.css(selector)
        except SelectolaxError:
            raise ConfigError(f"bad selector {selector!r}; it must be plain CSS") from None
        document.memo[key] = _in_order(document, nodes) if "," in selector and len(nodes) > 1 else nodes
    return list(document.memo[key])


def _in_order(document: Document, nodes: list[LexborNode]) -> list[LexborNode]:
    """Nodes of a selector list, each once, in document order: the parser gives them in the order of the list."""
    wanted = {node.mem_id: node for node in nodes}
    root = document.tree.root
    return [wanted[n.mem_id] for n in root.traverse() if n.mem_id in wanted] if root is not None else nodes


def fill(text: str, ids: IDS) -> str:
    """`{id}` replaced by the ID of the asked URL; an unknown one stays as written and so finds nothing."""
    for name, value in ids.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _values(document: Document, source: FieldSource, ids: IDS) -> list[str]:
    values = []
    for raw in _raw(document, source, ids):
        if value := _clean(raw, source):
            values.append(value)
            if not source.all or len(values) == MAX_VALUES:
                break
    return values


def _raw(document: Document, source: FieldSource, ids: IDS) -> Iterator[str]:
    if source.css:
        nodes = select(document, fill(source.css, ids))[:MAX_VALUES]
        if source.attr:
            yield from ((node.attributes.get(source.attr) or "") for node in nodes)
        else:
            yield from (text_of(node, _dropped(node, source)) for node in nodes)
    elif source.meta:
        yield from _meta(document, source.meta)
    elif source.var:
        yield from variables(document.html, source.var)
    elif source.object:
        places = _object(document, source.object).get(fill(source.key, ids), [])
        yield from (literal(document.html, place) for place in places)
    else:
        yield from json_values(_json(document, source.json), fill(source.path, ids))


def _clean(value: str, source: FieldSource) -> str:
    if source.html:
        value = _text_of_html(value, source)
    if source.pick:
        match = compiled(source.pick).search(value)
        value = (match[1] or "") if match else ""
    for pattern in source.strip:
        value = compiled(pattern).sub("", value)
    return value.strip()


def _text_of_html(value: str, source: FieldSource) -> str:
    if "<" not in value and "&" not in value:
        return value
    body = _parsed(value).tree.body
    return text_of(body, _dropped(body, source)) if body is not None else ""


def _parsed(fragment: str) -> Document:
    """A fragment of HTML as a page of its own; without blocks its line ends are its paragraphs."""
    if not _BLOCK.search(fragment):
        fragment = "".join(f"<p>{line}</p>" for line in fragment.splitlines() if line.strip())
    marked = f'<meta charset="utf-8"><body>{fragment}'
    return Document(marked.encode("utf-8", "replace"), "text/html; charset=utf-8")


def _fragments(document: Document, source: FieldSource, ids: IDS) -> Iterator[Fragment]:
    if source.css and not source.attr:
        nodes = select(document, fill(source.css, ids))[:MAX_VALUES]
        for node in nodes if source.all else nodes[:1]:
            yield Fragment(node, _dropped(node, source))
        return
    for raw in _raw(document, source, ids):
        parsed = _parsed(raw if source.html else escape(raw, quote=False))
        if parsed.tree.body is not None:
            document.memo.setdefault(("fragments",), []).append(parsed)  # nodes need their tree alive
            yield Fragment(parsed.tree.body, _dropped(parsed.tree.body, source))
        if not source.all:
            return


def _dropped(node: LexborNode, source: FieldSource) -> frozenset[int]:
    return frozenset(gone.mem_id for selector in source.drop for gone in node.css(selector))


def _meta(document: Document, name: str) -> Iterator[str]:
    wanted = name.lower()
    for node in select(document, "meta[content]")[:MAX_VALUES]:
        attributes = node.attributes
        if any((attributes.get(key) or "").lower() == wanted for key in ("property", "name", "itemprop")):
            yield attributes.get("content") or ""


def _object(document: Document, name: str) -> dict[str, list[int]]:
    key = ("object", name)
    if key not in document.memo:
        document.memo[key] = read_object(document.html, name)
    found: dict[str, list[int]] = document.memo[key]
    return found


def _json(document: Document, selector: str) -> Any:
    """The JSON in the first element that the selector finds; None for none, or for what is no JSON."""
    key = ("json", selector)
    if key not in document.memo:
        nodes = select(document, selector)
        try:
            document.memo[key] = msgspec.json.decode(nodes[0].text()) if nodes else None
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            document.memo[key] = None
    return document.memo[key]


def json_values(data: Any, path: str) -> Iterator[str]:
    """The texts at a dotted path; `*` is every element. Objects and lists that hold anything are "object"."""
    level = [data]
    for step in path.split("."):
        level = [inner for value in level for inner in _step(value, step)][:MAX_VALUES]
    yield from (_as_text(value) for value in level)


def _step(value: Any, step: str) -> Iterator[Any]:
    if isinstance(value, dict):
        if step == "*":
            yield from value.values()
        elif step in value:
            yield value[step]
    elif isinstance(value, list):
        if step == "*":
            yield from value
        elif step.isdigit() and int(step) < len(value):
            yield value[int(step)]


def _as_text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case dict() | list():
            return "object" if value else ""
    return str(value)

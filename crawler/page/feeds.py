"""RSS and Atom: the feed's title, and of each entry its title, date, address and words.

Entities that a document declares itself are not expanded: such a file is read as plain text.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from xml.etree import ElementTree  # noqa: ICN001 - the name says what it is

from crawler.core.model import Page
from crawler.page.document import Document, text_of
from crawler.page.images import absolute
from crawler.page.times import timestamp

MAX_ENTRIES = 500
MAX_ENTRY = 50_000  # characters of HTML of one entry


def read_feed(document: Document, url: str) -> Page | None:
    """A Page of a feed; None where it is no XML that can be read safely."""
    text = document.html
    if "<!ENTITY" in text or "<!DOCTYPE" in text[:2_000]:
        return None
    try:
        root = ElementTree.fromstring(_undeclared(text).encode("utf-8", "replace"))  # noqa: S314 - no entities, see above
    except (ElementTree.ParseError, ValueError):
        return None
    channel = next((node for node in root if _name(node) == "channel"), root)
    lines = list(filter(None, (_plain(_child(channel, "description", "subtitle")),)))
    parts = [f"<p>{escape(line)}</p>" for line in lines]
    for entry in _entries(root, channel):
        title, when = _plain(_child(entry, "title")), _child(entry, "pubdate", "published", "updated", "date")
        words = _plain(_child(entry, "encoded", "content", "description", "summary"))
        link = absolute(_link(entry), url)
        lines += filter(None, (title, when.strip(), words))
        shown = (
            f'<a href="{escape(link)}" rel="noreferrer noopener">{escape(title or link)}</a>' if link else escape(title)
        )
        paragraphs = "".join(f"<p>{escape(line)}</p>" for line in words.splitlines())
        parts.append(f"<section><h2>{shown}</h2><p>{escape(when.strip())}</p>{paragraphs}</section>")
    return Page(
        title=_plain(_child(channel, "title")),
        author=_plain(_child(channel, "author", "creator", "managingeditor")),
        published=timestamp(_child(channel, "lastbuilddate", "updated", "pubdate", "date")),
        text="\n".join(lines),
        html="".join(parts),
        charset=document.charset,
    )


def _undeclared(text: str) -> str:
    """Without the XML declaration, whose charset the decoder has heeded already."""
    text = text.lstrip("\ufeff \t\r\n")
    return text[text.find("?>") + 2 :] if text.startswith("<?xml") else text


def _name(node: ElementTree.Element) -> str:
    return str(node.tag).rpartition("}")[2].lower()


def _entries(*places: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """The items of RSS stand in its channel, those of RSS 1.0 beside it, the entries of Atom in its root."""
    seen: set[int] = set()
    for place in places:
        for node in place:
            if _name(node) in {"item", "entry"} and id(node) not in seen and len(seen) < MAX_ENTRIES:
                seen.add(id(node))
                yield node


def _child(node: ElementTree.Element, *names: str) -> str:
    """The text of the first child of these names that has any."""
    for name in names:
        for child in node:
            if _name(child) == name and (text := "".join(child.itertext()).strip()):
                return text[:MAX_ENTRY]
    return ""


def _link(entry: ElementTree.Element) -> str:
    for child in entry:
        if _name(child) == "link" and child.get("rel", "alternate") == "alternate":
            return child.get("href") or (child.text or "").strip()
    return _child(entry, "guid", "id")


def _plain(html: str) -> str:
    if "<" not in html and "&" not in html:
        return " ".join(html.split())
    body = Document(
        f'<meta charset="utf-8"><body>{html}'.encode("utf-8", "replace"), "text/html; charset=utf-8"
    ).tree.body
    return text_of(body) if body is not None else ""

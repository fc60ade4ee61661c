"""The fields of a page whose site we know: what the `[page]` table of its site file finds.

Where a table finds nothing the field stays empty, and the page is read as that of an unknown site (metadata,
main_text). What sources mean stands in values.
"""

from __future__ import annotations

from dataclasses import dataclass

import ada_url

from crawler.page.blocks import read_layout, tidy
from crawler.page.document import Document
from crawler.page.nodes import ancestors
from crawler.page.values import Fragment, read_fragments, read_value, read_values
from crawler.sites import Site
from crawler.sites.steps import apply

MAX_TITLE = 200  # characters; untitled posts put their whole text where the title stands


@dataclass(frozen=True, slots=True)
class Fields:
    """What a site's own sources give; everything as written, "" and () where they give nothing."""

    title: str = ""
    author: str = ""
    published: str = ""
    canonical: str = ""
    lead_image: str = ""
    images: tuple[str, ...] = ()
    fragments: tuple[Fragment, ...] = ()
    text: str = ""


def read_fields(document: Document, site: Site, url: str) -> Fields:
    """Every field that the site file has sources for. `url` tells the IDs that sources may name."""
    ids = site.kind_of(_canonical(url, site))[1]

    def one(name: str) -> str:
        return tidy(read_value(document, site.sources(name), ids))

    fragments = _outermost(read_fragments(document, site.sources("text"), ids))
    return Fields(
        title=_title(read_value(document, site.sources("title"), ids)),
        author=one("author"),
        published=one("published"),
        canonical=one("canonical"),
        lead_image=one("lead_image"),
        images=tuple(read_values(document, site.sources("images"), ids)),
        fragments=fragments,
        text="\n".join(filter(None, (_text(fragment) for fragment in fragments))),
    )


def _canonical(url: str, site: Site) -> str:
    try:
        parsed = ada_url.URL(url.partition("#")[0])
    except ValueError:
        return ""
    apply(parsed, site.file.canonical)
    return parsed.href


def _title(raw: str) -> str:
    """One line; of an untitled post, its first."""
    first = next((line for line in raw.splitlines() if line.strip()), "")
    return tidy(raw if len(raw) <= MAX_TITLE else first)[:MAX_TITLE]


def _text(fragment: Fragment) -> str:
    """The fragment's visible lines; what hides is read only where nothing else is there."""
    shown = read_layout(fragment.node, fragment.dropped).text
    return shown or read_layout(fragment.node, fragment.dropped, hidden=True).text


def _outermost(fragments: list[Fragment]) -> tuple[Fragment, ...]:
    """Without the fragments that lie inside of others: their text would be there twice."""
    if len(fragments) < 2:
        return tuple(fragments)
    chosen = {fragment.node.mem_id for fragment in fragments}
    return tuple(fragment for fragment in fragments if not _is_inside(fragment, chosen))


def _is_inside(fragment: Fragment, chosen: set[int]) -> bool:
    return any(above.mem_id in chosen for above in ancestors(fragment.node))

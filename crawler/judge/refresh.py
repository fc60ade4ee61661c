"""Pages that send their reader on by themselves: a refresh of a few seconds is a redirect.

Which address is meant is found here; fetching it, and the hop in the evidence, are the caller's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crawler.core.model import Fetch
from crawler.core.url import is_http, join, without_fragment
from crawler.page.document import Document
from crawler.page.nodes import ancestors

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

SOON = 5  # seconds up to which a refresh is a redirect; longer ones let people read, and news pages reload themselves
MAX_METAS = 50  # looked at on one page
# HTML, "shared declarative refresh steps": a number, a separator, and an address that may be quoted.
_REFRESH = re.compile(r"(?is)\s*(?=[\d.])(?P<wait>\d{0,9})[\d.]*\s*(?:[;,\s]\s*(?:url\s*=\s*)?(?P<url>.*))?")


def refresh_target(fetch: Fetch, document: Document) -> str | None:
    """Where a 2xx page sends its reader within `SOON` seconds; None for nowhere, for itself, and for other schemes."""
    if fetch.status is None or not 200 <= fetch.status < 300:
        return None
    header = fetch.header("refresh")
    metas = document.tree.css("meta[http-equiv=refresh i]")[:MAX_METAS] if document.is_html else []
    declared = [header, *(str(meta.attributes.get("content") or "") for meta in metas if not _unused(meta))]
    first = next((value for value in declared if value.strip()), "")
    return _target(first, fetch.final_url, document) if first else None


def _target(declared: str, own: str, document: Document) -> str | None:
    found = _REFRESH.fullmatch(declared)
    if found is None or not (url := _unquoted(found["url"] or "")) or int(found["wait"] or 0) > SOON:
        return None
    try:
        target = join(_base(document, own), url)
        if not is_http(target) or without_fragment(target) == without_fragment(join(own, "")):
            return None
    except ValueError:
        return None
    return target


def _unquoted(url: str) -> str:
    """An address without the quotes round it, and without what follows the second one."""
    url = url.strip()
    return url[1:].partition(url[0])[0].strip() if url[:1] in ("'", '"') else url


def _base(document: Document, own: str) -> str:
    """The address that relative ones are resolved against."""
    node = document.tree.css_first("base[href]") if document.is_html else None
    href = str(node.attributes.get("href") or "") if node is not None else ""
    try:
        return join(own, href) if href else own
    except ValueError:
        return own


def _unused(meta: LexborNode) -> bool:
    """Whether browsers that run scripts never see the element."""
    return any(above.tag in ("noscript", "template") for above in ancestors(meta))

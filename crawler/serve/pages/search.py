"""Full-text search over kept pages, with the words marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crawler.archive.listed import Filters
from crawler.archive.words import MAX_QUERY
from crawler.core.display import spaced
from crawler.core.errors import UsageError

if TYPE_CHECKING:
    from starlette.responses import Response

    from crawler.serve.viewer import Visit

MAX_HITS: Final = 50
MAX_LINKS: Final = 10  # further links whose title or address holds the words


def search_page(visit: Visit) -> Response:
    """`GET /search?q=`. Raises UsageError for a search that is too long, or a date that is none."""
    query = visit.value("q")
    if len(query) > MAX_QUERY:
        raise UsageError(f"a search of more than {MAX_QUERY:,} characters is not taken")
    hits = []
    if query:
        with visit.viewer.library.archive() as archive:
            hits = archive.search(query, MAX_HITS + 1)
    found = {hit.canonical_url for hit in hits}
    links = visit.lists.catalog.entries(Filters(query=query), MAX_LINKS + len(found)) if query else []
    return visit.page(
        "search.html",
        query=query,
        hits=[(hit, spaced(hit.snippet)) for hit in hits[:MAX_HITS]],
        more=len(hits) > MAX_HITS,
        links=[entry for entry in links if entry.key not in found][:MAX_LINKS],
    )

"""Notes with the health of their links, and one note with its links in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crawler.archive.listed import NOTE_ORDERS
from crawler.core.errors import UsageError
from crawler.serve.listing import MAX_WORDS, paging
from crawler.serve.viewer import Missing

if TYPE_CHECKING:
    from starlette.responses import Response

    from crawler.serve.viewer import Visit

NOTES_PER_PAGE: Final = 100
LINKS_PER_PAGE: Final = 200


def notes_page(visit: Visit) -> Response:
    """`GET /notes?q=&order=&page=`. Raises UsageError for a name that is too long."""
    query, order = visit.value("q"), visit.value("order")
    if len(query) > MAX_WORDS:
        raise UsageError(f"a name of more than {MAX_WORDS:,} characters is not taken")
    order = order if order in NOTE_ORDERS else NOTE_ORDERS[0]
    catalog = visit.lists.catalog
    page = paging(visit.request.query_params, catalog.note_count(query), NOTES_PER_PAGE)
    return visit.page(
        "notes.html",
        notes=catalog.notes(query, order, page.size, page.offset),
        paging=page,
        query=query,
        order=order,
        orders=NOTE_ORDERS,
        parameters={"q": [query] if query else [], "order": [order] if order != NOTE_ORDERS[0] else []},
        skipped=visit.lists.skipped,
    )


def note_page(visit: Visit) -> Response:
    """`GET /notes/PATH`. Names are looked up in the catalog; nothing on the disk is touched. Raises Missing."""
    path = visit.request.path_params["path"]
    catalog = visit.lists.catalog
    health = catalog.health_of(path)
    if health is None:
        raise Missing("no_such_note", path)
    places = catalog.place_count(path)
    page = paging(visit.request.query_params, places, LINKS_PER_PAGE)
    return visit.page(
        "note.html",
        note=health,
        links=catalog.in_note(path, page.size, page.offset),
        places=places,
        paging=page,
        parameters={},
    )

"""Links with filters, and the feed of what a filter leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode
from uuid import UUID, uuid5

from starlette.responses import Response

from crawler.archive.listed import FACETS, NOWHERE, ORDERS, Filters
from crawler.core.display import clipped, plain
from crawler.core.model import State
from crawler.core.url import redact
from crawler.report.atom import feed_of
from crawler.report.clean import web_link
from crawler.report.reasons import reason_name
from crawler.report.words import words
from crawler.report.xml import element, written
from crawler.serve.listing import PERIODS, paging, question_of
from crawler.serve.rendering import link_address

if TYPE_CHECKING:
    from datetime import datetime
    from xml.etree.ElementTree import Element

    from crawler.archive.listed import ListedLink
    from crawler.serve.viewer import Visit

MAX_ENTRIES: Final = 100  # of a feed; a reader that calls once a week misses nothing


def links_page(visit: Visit) -> Response:
    """`GET /links?state=&site=&reason=&note=&year=&q=&days=&kept=&order=&page=`. Raises UsageError."""
    question = question_of(visit.request.query_params, visit.now)
    catalog = visit.lists.catalog
    total = catalog.count(question.filters)
    page = paging(visit.request.query_params, total)
    return visit.page(
        "links.html",
        question=question,
        entries=catalog.entries(question.filters, page.size, page.offset),
        paging=page,
        parameters=question.parameters,
        facets={name: catalog.facet(name, _without(question.filters, name)) for name in FACETS},
        orders=ORDERS,
        periods=PERIODS,
        nowhere=NOWHERE,
        loose=catalog.loose,
    )


def _without(filters: Filters, name: str) -> Filters:
    """The filters but for one, so that its own choices stay to be made."""
    if name == "state":
        return replace(filters, states=())
    if name == "site":
        return replace(filters, site="")
    return replace(filters, reason="") if name == "reason" else replace(filters, year="")


def feed_page(visit: Visit) -> Response:
    """`GET /feed.xml` with the filters of `/links`: links whose state changed, the newest first. Raises UsageError."""
    question = question_of(visit.request.query_params, visit.now)
    filters = replace(question.filters, order="changed")
    entries = [e for e in visit.lists.catalog.entries(filters, MAX_ENTRIES) if e.changed_at]
    base = visit.viewer.access.public.rstrip("/") or str(visit.request.base_url).rstrip("/")
    query = urlencode([(name, value) for name, values in question.parameters.items() for value in values])
    feed = element("feed", attributes={"xmlns": "http://www.w3.org/2005/Atom", "xml:lang": visit.language})
    title = " · ".join(
        [words(visit.language).title, *(value for values in question.parameters.values() for value in values)]
    )
    feed.append(element("title", plain(title)))
    with visit.viewer.library.archive() as archive:
        own = feed_of(archive.archive_id)  # of this archive: two viewers in one reader are two feeds
    feed.append(element("id", uuid5(own, f"viewer {query}").urn))
    feed.append(element("updated", _time(entries[0].changed_at if entries else None, visit.now)))
    self_link = f"{base}/feed.xml" + (f"?{query}" if query else "")
    feed.append(element("link", attributes={"rel": "self", "href": self_link, "type": "application/atom+xml"}))
    feed.append(
        element("link", attributes={"rel": "alternate", "href": f"{base}/links" + (f"?{query}" if query else "")})
    )
    author = element("author")
    author.append(element("name", "linkhealth-crawler"))
    feed.append(author)
    feed.extend(_entry(entry, base, own, visit) for entry in entries)
    return Response(written(feed), media_type="application/atom+xml; charset=utf-8")


def _entry(entry: ListedLink, base: str, feed: UUID, visit: Visit) -> Element:
    states = words(visit.language).states
    made = element("entry")
    name = clipped(plain(entry.title) or redact(plain(entry.url)), 300)
    made.append(element("title", f"{states[entry.state]}: {name}"))
    at = _time(entry.changed_at, visit.now)
    made.append(element("id", uuid5(feed, f"viewer {entry.key} {entry.state} {at}").urn))
    made.append(element("updated", at))
    made.append(element("link", attributes={"rel": "alternate", "href": base + link_address(entry.key)}))
    if via := web_link(entry.url):
        made.append(element("link", attributes={"rel": "via", "href": via}))
    made.append(element("category", attributes={"term": entry.state.value, "label": states[entry.state]}))
    before = states[entry.previous or State.UNCHECKED]
    lines = [f"{before} → {states[entry.state]}: {reason_name(entry.reason, visit.language)}", redact(plain(entry.url))]
    if entry.path:
        lines.append(f"{plain(entry.path)}:{entry.line}")
    made.append(element("content", "\n".join(lines), {"type": "text"}))
    return made


def _time(at: datetime | None, default: datetime) -> str:
    return f"{at or default:%Y-%m-%dT%H:%M:%SZ}"

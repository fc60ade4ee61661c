"""A feed of changes (Atom, RFC 4287): deaths, resurrections and new titles, the newest first.

The feed is made from what is remembered of every link, not from one run alone, so that a reader that calls once a
week misses nothing although every run writes the file anew.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5
from xml.etree.ElementTree import Element

from crawler.core.marker import GENERATOR
from crawler.core.results import ChangeKind, Report
from crawler.report.annotations import message
from crawler.report.clean import web_link
from crawler.report.document import readable_document
from crawler.report.options import ReportOptions
from crawler.report.parts import ChangePart, LinkPart
from crawler.report.phrases import name, offer_label, offers, places
from crawler.report.words import words
from crawler.report.xml import element, written
from crawler.schedule.news import changes_of_state

MAX_ENTRIES = 200  # a guess: weeks of news, and a file that readers take at once
FEED = uuid5(NAMESPACE_URL, "https://pypi.org/project/linkhealth-crawler/#changes")
EVER = datetime.min.replace(tzinfo=UTC)


def render(report: Report, options: ReportOptions) -> str:
    """The feed as XML. An entry's ID is made of link, kind and time, so it stays the same in every later feed."""
    remembered = [*changes_of_state(report.findings, EVER), *report.changes]
    document = readable_document(replace(report, changes=tuple(dict.fromkeys(remembered))), whole=False)
    by_url = {link.canonical_url: link for link in document.links}
    changes = [change for change in document.changes if change.kind is not ChangeKind.STATE_CHANGED]
    changes.sort(key=lambda change: (change.at, change.canonical_url), reverse=True)
    feed = element("feed", attributes={"xmlns": "http://www.w3.org/2005/Atom", "xml:lang": options.language})
    feed.append(element("title", words(options.language).title))
    own = feed_of(report.archive_id)
    feed.append(element("id", own.urn))
    if options.feed_url:
        feed.append(element("link", attributes={"rel": "self", "href": options.feed_url}))
    feed.append(element("updated", _time(changes[0].at if changes else document.generated_at)))
    feed.append(element("generator", GENERATOR))
    author = element("author")
    author.append(element("name", "linkhealth-crawler"))
    feed.append(author)
    feed.extend(_entry(change, by_url.get(change.canonical_url), options, own) for change in changes[:MAX_ENTRIES])
    return written(feed)


def feed_of(archive_id: str) -> UUID:
    """The feed's own id: the archive's, so that two archives in one reader are two feeds."""
    return UUID(archive_id) if archive_id else FEED


def _entry(change: ChangePart, link: LinkPart | None, options: ReportOptions, feed: UUID) -> Element:
    say = words(options.language)
    entry = element("entry")
    called = name(link) if link else change.canonical_url
    entry.append(element("title", f"{say.changes[change.kind]}: {called}"))
    entry.append(element("id", uuid5(feed, f"{change.kind} {_time(change.at)} {change.canonical_url}").urn))
    entry.append(element("updated", _time(change.at)))
    target = web_link(link.url if link else change.canonical_url)
    if target:
        entry.append(element("link", attributes={"rel": "alternate", "href": target}))
    for offer in offers(link) if link else ():
        if copy := web_link(offer.url):
            entry.append(element("link", attributes={"rel": "related", "href": copy, "title": offer_label(offer, say)}))
    entry.append(element("category", attributes={"term": change.kind.value, "label": say.changes[change.kind]}))
    entry.append(element("content", _content(change, link, options), {"type": "text"}))
    return entry


def _content(change: ChangePart, link: LinkPart | None, options: ReportOptions) -> str:
    lines = [f"{change.before} → {change.after}"]
    if link:
        lines += [message(link, options.language), *places(link)]
    return "\n".join(lines)


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

"""The digest as one HTML page that asks for nothing, in the dress of the report.

What happened is `digest`'s, words are `digest_words`'.
"""

from __future__ import annotations

from crawler.core.marker import HTML_MARK
from crawler.core.model import LOCAL, State
from crawler.core.results import Report
from crawler.report.clean import file_link, web_link
from crawler.report.digest import Digest, headline, health_line, make_digest, period, saved
from crawler.report.digest_words import DigestWords, digest_words
from crawler.report.document import readable_document
from crawler.report.figures import number
from crawler.report.html import TableRow, address, asset, content_policy, found_elsewhere, row, template
from crawler.report.options import ReportOptions
from crawler.report.parts import LinkPart
from crawler.report.phrases import state_counts, warnings
from crawler.report.reasons import reason_name
from crawler.report.words import words

MAX_LISTED = 200  # of one kind; a page of more is no digest

Section = tuple[str, str, int, list[tuple[TableRow, str, str]]]
"""Its id, title, number of links, and of each listed link its row, what was saved of it, and where it moved."""


def render(report: Report, options: ReportOptions) -> str:
    """What happened since `options.since` (default: since the run began)."""
    from markupsafe import Markup

    document = readable_document(report)
    digest = make_digest(document, options.since or document.run.started_at)
    say, about, style = words(options.language), digest_words(options.language), asset("report.css")
    page = template("digest.html")
    return page.render(
        mark=Markup(HTML_MARK),  # noqa: S704 - a constant
        policy=content_policy(style),
        style=Markup(style),  # noqa: S704 - ours, from the package
        language={"en": "en", "zh": "zh-Hans"}[options.language],
        say=say,
        about=about,
        states=list(State),
        headline=headline(digest, options.language),
        period=period(digest, options.language),
        warnings=warnings(document.run, options.language) if document.run.id else [],
        sections=_sections(digest, about, options),
        commands=[("crawler show URL --text", about.steps["read"]), ("crawler fix", about.steps["fix"])],
        kept=[row(link, options) for link in digest.kept[:MAX_LISTED]],
        kept_count=len(digest.kept),
        notes=[(note.path, _note(note.path, options), health_line(note, options.language)) for note in digest.notes],
        counts=" · ".join(state_counts(digest.counts, options.language)),
        number=number,
        address=address,
        searches=lambda shown: found_elsewhere(shown, say),
        reason_name=lambda slug: reason_name(slug, options.language),
    )


def _sections(digest: Digest, about: DigestWords, options: ReportOptions) -> list[Section]:
    listed = (
        ("died", about.died, digest.died),
        ("returned", about.returned, digest.returned),
        ("moved", about.moved, digest.moved),
    )
    return [
        (name, title, len(links), [_card(name, link, options) for link in links[:MAX_LISTED]])
        for name, title, links in listed
        if links
    ]


def _card(name: str, link: LinkPart, options: ReportOptions) -> tuple[TableRow, str, str]:
    told = saved(link, options.language) if name == "died" and link.site != LOCAL else ""
    return row(link, options), told, web_link(link.moved_to or "") if name == "moved" else ""


def _note(path: str, options: ReportOptions) -> str:
    return options.notes_url + file_link(path).removeprefix("./") if options.notes_url else ""

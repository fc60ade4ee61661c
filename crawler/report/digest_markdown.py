"""The digest as Markdown (GitHub's dialect), escaped as the report is.

What happened is `digest`'s, words are `digest_words`'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from crawler.core.marker import MARKDOWN_MARK
from crawler.core.model import LOCAL
from crawler.core.results import Report
from crawler.report.digest import Digest, headline, health_line, make_digest, period, saved, steps
from crawler.report.digest_words import DigestWords, digest_words
from crawler.report.document import readable_document
from crawler.report.figures import number
from crawler.report.markup import bullets, escaped, linked, place_link, titled
from crawler.report.options import ReportOptions
from crawler.report.parts import LinkPart
from crawler.report.phrases import offers, state_counts, verdict
from crawler.report.words import words

MAX_LISTED = 100  # of one kind
MAX_PLACES = 5  # of one link


def render(report: Report, options: ReportOptions) -> str:
    """What happened since `options.since` (default: since the run began)."""
    document = readable_document(report)
    digest = make_digest(document, options.since or document.run.started_at)
    language, say = options.language, digest_words(options.language)
    blocks = [
        MARKDOWN_MARK,
        f"# {say.title}",
        f"**{escaped(headline(digest, language))}**",
        escaped(period(digest, language)),
        *_section(say.died, digest.died, lambda link: _dead(link, options), options),
        *_section(say.returned, digest.returned, lambda link: _line(link, options), options),
        *_section(say.moved, digest.moved, lambda link: _moved(link, options), options),
        *_section(say.kept, digest.kept, lambda link: _line(link, options), options),
        *_notes(digest, say, options),
        *_to_do(digest, say, options),
        _counts(digest, options),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _section(
    title: str, links: Sequence[LinkPart], write: Callable[[LinkPart], str], options: ReportOptions
) -> Iterable[str]:
    if not links:
        return
    limit = len(links) if options.verbose else MAX_LISTED
    yield f"## {title} ({number(len(links))})"
    yield bullets(map(write, links[:limit]))
    if len(links) > limit:
        yield words(options.language).more.format(count=number(len(links) - limit))


def _dead(link: LinkPart, options: ReportOptions) -> str:
    say = words(options.language)
    lines = [_line(link, options), escaped(verdict(link, options.language))]
    if link.site != LOCAL:
        lines.append(escaped(saved(link, options.language)))
    lines += [linked(say.suggestion[offer.kind], offer.url) for offer in offers(link)]
    if link.searches:
        lines.append(f"{say.search} {' · '.join(linked(say.searches[s.name], s.url) for s in link.searches)}")
    return "<br>".join(lines)


def _moved(link: LinkPart, options: ReportOptions) -> str:
    return f"{_line(link, options)}<br>→ {linked(link.moved_to or '', link.moved_to or '')}"


def _line(link: LinkPart, options: ReportOptions) -> str:
    shown = ", ".join(place_link(o, options) for o in link.occurrences[:MAX_PLACES])
    left = len(link.occurrences) - MAX_PLACES
    more = f" {words(options.language).more.format(count=number(left))}" if left > 0 else ""
    return f"{titled(link)} ({shown}{more})" if shown else titled(link)


def _notes(digest: Digest, say: DigestWords, options: ReportOptions) -> list[str]:
    limit = len(digest.notes) if options.verbose else MAX_LISTED
    lines = [f"**{escaped(n.path)}**: {escaped(health_line(n, options.language))}" for n in digest.notes[:limit]]
    return [f"## {say.by_note}", bullets(lines)] if lines else []


def _to_do(digest: Digest, say: DigestWords, options: ReportOptions) -> list[str]:
    lines = [f"`{command}`: {escaped(told)}" for command, told in steps(digest, options.language)]
    return [f"## {say.to_do}", bullets(lines)] if lines else []


def _counts(digest: Digest, options: ReportOptions) -> str:
    say = words(options.language)
    parts = state_counts(digest.counts, options.language)
    return f"{say.all_links}: {' · '.join(parts)}" if parts else say.no_links

"""The report as Markdown (GitHub's dialect): for a step summary, an issue, or a file beside the notes.

Everything from outside is escaped here: no title can open a link, an image, a tag, a mention or a table cell.
"""

from __future__ import annotations

from collections.abc import Sequence

from crawler.core.marker import MARKDOWN_MARK
from crawler.core.model import LOCAL, State
from crawler.core.results import ChangeKind, Report
from crawler.report.code_spans import in_markdown
from crawler.report.document import short_document
from crawler.report.figures import minute, number
from crawler.report.markup import bullets, escaped, lines_of, linked, place_link, place_links, small, table_of, titled
from crawler.report.options import ReportOptions
from crawler.report.parts import ChangePart, LinkPart, ReportDocument
from crawler.report.phrases import (
    about_rounds,
    about_run,
    attention,
    evidence,
    in_state,
    judgement,
    kept,
    memory,
    news,
    offer_label,
    offers,
    other_news,
    site_rank,
    sites_by_weight,
    uncounted,
    with_other_title,
)
from crawler.report.reasons import reason_name
from crawler.report.words import Words, words

MAX_ROWS = 300  # of one table; GitHub drops a step summary of more than 1 MiB whole, and a row has up to 2 kB
MAX_PLACES = 5  # of one link


def render(report: Report, options: ReportOptions) -> str:
    """The report as one Markdown text: counts, news, a table of the dead, one of the suspects, and the run."""
    document, other_titles = short_document(report, MAX_ROWS, site_rank, whole=options.verbose)
    say = words(options.language)
    blocks = [
        MARKDOWN_MARK,
        f"# {say.title}",
        minute(document.generated_at),
        *_summary(document, say),
        bullets(map(escaped, attention(document, options.language))),
        *_news(document, options, say),
        *_findings(document, State.DEAD, options, say),
        *_findings(document, State.SUSPECT, options, say),
        escaped(uncounted(document, options.language)),
        *_walls(document, options, say),
        *_other_titles(document, other_titles, options, say),
        *_notices(document, say),
        f"## {say.run}",
        bullets(map(escaped, [*about_run(document.run, options.language), *about_rounds(document, options.language)])),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _summary(document: ReportDocument, say: Words) -> list[str]:
    if not document.by_site:
        return [say.no_links]
    head = [say.site, *(say.states[state] for state in State), say.total]
    rows = [[escaped(site), *_figures(document.by_site[site])] for site in sites_by_weight(document)]
    rows.append([f"**{say.all_links}**", *_figures(document.counts)])
    table = table_of(head, rows, ["---"] + ["--:"] * (len(State) + 1))
    nothing = not document.counts[State.DEAD] and document.run.network == "ok"
    return [table, f"**{say.nothing_to_do}**"] if nothing else [table]


def _figures(counts: dict[State, int]) -> list[str]:
    return [number(counts[s]) if counts.get(s) else "·" for s in State] + [number(sum(counts.values()))]


def _news(document: ReportDocument, options: ReportOptions, say: Words) -> list[str]:
    if not document.by_site:
        return []
    lines = []
    for kind, changes in news(document):
        lines.append(f"- **{say.changes[kind]}: {number(len(changes))}**")
        for change, link in [] if kind is ChangeKind.FOUND_DEAD else changes[:MAX_ROWS]:
            turn = _turn(kind, change)
            place = f" ({place_link(link.occurrences[0], options)})" if link and link.occurrences else ""
            called = titled(link) if link else escaped(change.canonical_url)
            lines.append(f"  - {called}{turn}{place}")
    lines += [f"- {escaped(line)}" for line in other_news(document, options.language)]
    return [f"## {say.what_changed}", "\n".join(lines)] if lines else []


def _turn(kind: ChangeKind, change: ChangePart) -> str:
    """What a change led to, where that is not its kind alone."""
    match kind:
        case ChangeKind.TITLE_CHANGED:
            return f": {escaped(change.before)} → {escaped(change.after)}"
        case ChangeKind.MOVED:
            return f" → {linked(change.after, change.after)}"
        case _:
            return ""


def _findings(document: ReportDocument, state: State, options: ReportOptions, say: Words) -> list[str]:
    """A heading and a table of the links in one state; nothing where there are none."""
    links = in_state(document, state)
    if not links:
        return []
    heading = {State.DEAD: say.dead, State.SUSPECT: say.suspects}.get(state, say.states[state])
    rows = [_row(link, options, say) for link in links[:MAX_ROWS]]
    table = table_of([say.links, say.reason, say.places, say.kept], rows)
    count = document.counts[state]  # of which the document has those that are shown
    more = [say.more.format(count=number(count - MAX_ROWS))] if count > MAX_ROWS else []
    return [f"## {heading} ({number(count)})", table, *more]


def _row(link: LinkPart, options: ReportOptions, say: Words) -> Sequence[str]:
    seen, remembered = evidence(link), memory(link, options.language)
    why = [
        f"{escaped(reason_name(link.reason, options.language))} `{link.reason}`",
        small(seen),
        small(remembered),
        small(judgement(link, options.language), in_markdown),
    ]
    if link.moved_to:
        why.append(f"{say.moved_to} {linked(link.moved_to, link.moved_to)}")
    instead = [linked(offer_label(o, say), o.url) for o in offers(link)]
    if link.searches:
        places = (linked(say.searches[found.name], found.url) for found in link.searches)
        instead.append(f"<sub>{escaped(say.search)} {' · '.join(places)}</sub>")
    copy = [escaped(kept(link, options.language))] if link.site != LOCAL else []
    return (
        titled(link),
        lines_of(why),
        lines_of(place_links(link.occurrences, MAX_PLACES, options)),
        lines_of([*copy, *instead]),
    )


def _walls(document: ReportDocument, options: ReportOptions, say: Words) -> list[str]:
    if not options.verbose:
        return []
    states = (State.BLOCKED, State.UNKNOWN, State.UNCHECKED)
    return [block for state in states for block in _findings(document, state, options, say)]


def _other_titles(document: ReportDocument, count: int, options: ReportOptions, say: Words) -> list[str]:
    links = with_other_title(document)
    rows = [
        (
            linked(link.url, link.url),
            escaped(link.note_title or ""),
            escaped(link.page_title or ""),
            lines_of(place_links(link.occurrences, MAX_PLACES, options)),
        )
        for link in links[:MAX_ROWS]
    ]
    if not rows:
        return []
    head = [say.links, say.note_says, say.page_says, say.places]
    return [f"## {say.title_differs} ({number(count)})", table_of(head, rows)]


def _notices(document: ReportDocument, say: Words) -> list[str]:
    if not document.new_notices:
        return []
    lines = [
        f"{escaped(n.site)} ×{n.count}: {escaped(n.text)} — {', '.join(linked(url, url) for url in n.urls)}"
        for n in document.new_notices
    ]
    return [f"## {say.new_notices}", bullets(lines), in_markdown(say.notices_hint)]

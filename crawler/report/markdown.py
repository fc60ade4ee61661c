"""The report as Markdown (GitHub's dialect): for a step summary, an issue, or a file beside the notes.

Everything from outside is escaped here: no title can open a link, an image, a tag, a mention or a table cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from crawler.core.marker import MARKDOWN_MARK
from crawler.core.model import ChangeKind, Report, State
from crawler.report.clean import clipped, file_link, web_link
from crawler.report.document import readable_document
from crawler.report.figures import minute, number
from crawler.report.options import ReportOptions
from crawler.report.parts import LinkPart, OccurrencePart, ReportDocument
from crawler.report.phrases import (
    about_rounds,
    about_run,
    attention,
    evidence,
    in_state,
    judgement,
    kept,
    memory,
    name,
    news,
    offer_label,
    offers,
    other_news,
    sites_by_weight,
    uncounted,
    with_other_title,
)
from crawler.report.reasons import reason_name
from crawler.report.words import Words, words

MAX_ROWS = 300  # of one table; GitHub drops a step summary of more than 1 MiB whole, and a row has up to 2 kB
MAX_PLACES = 5  # of one link
MAX_TEXT = 200  # characters of a title or of evidence

_MARKUP = re.compile(r"[\\`*_\[\]<>#|~$&]")
_MENTION = re.compile(r"(?<!\w)@(?=\w)")  # GitHub tells the person; a joiner of no width keeps it text
_AUTOLINK = re.compile(r"(?i)\b(https?|ftp)://|\b(www)\.")  # entities hide these from GitHub, and copy right
_IN_TARGET = str.maketrans({c: f"%{ord(c):02X}" for c in ' <>()|\\`"'})


def render(report: Report, options: ReportOptions) -> str:
    """The report as one Markdown text: counts, news, a table of the dead, one of the suspects, and the run."""
    document = readable_document(report, whole=options.verbose)
    say = words(options.language)
    blocks = [
        MARKDOWN_MARK,
        f"# {say.title}",
        minute(document.generated_at),
        *_summary(document, say),
        _bullets(map(_text, attention(document, options.language))),
        *_news(document, options, say),
        *_findings(document, State.DEAD, options, say),
        *_findings(document, State.SUSPECT, options, say),
        _text(uncounted(document, options.language)),
        *_walls(document, options, say),
        *_other_titles(document, options, say),
        *_notices(document, say),
        f"## {say.run}",
        _bullets(map(_text, [*about_run(document.run, options.language), *about_rounds(document, options.language)])),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _summary(document: ReportDocument, say: Words) -> list[str]:
    if not document.by_site:
        return [say.no_links]
    head = [say.site, *(say.states[state] for state in State), say.total]
    rows = [[_text(site), *_figures(document.by_site[site])] for site in sites_by_weight(document)]
    rows.append([f"**{say.all_links}**", *_figures(document.counts)])
    table = _table(head, rows, ["---"] + ["--:"] * (len(State) + 1))
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
            turn = f": {_text(change.before)} → {_text(change.after)}" if kind is ChangeKind.TITLE_CHANGED else ""
            place = f" ({_place(link.occurrences[0], options)})" if link and link.occurrences else ""
            called = _link(name(link), link.url) if link else _text(change.canonical_url)
            lines.append(f"  - {called}{turn}{place}")
    lines += [f"- {_text(line)}" for line in other_news(document, options.language)]
    return [f"## {say.what_changed}", "\n".join(lines)] if lines else []


def _findings(document: ReportDocument, state: State, options: ReportOptions, say: Words) -> list[str]:
    """A heading and a table of the links in one state; nothing where there are none."""
    links = in_state(document, state)
    if not links:
        return []
    heading = {State.DEAD: say.dead, State.SUSPECT: say.suspects}.get(state, say.states[state])
    rows = [_row(link, options, say) for link in links[:MAX_ROWS]]
    table = _table([say.links, say.reason, say.places, say.kept], rows)
    more = [say.more.format(count=number(len(links) - MAX_ROWS))] if len(links) > MAX_ROWS else []
    return [f"## {heading} ({number(len(links))})", table, *more]


def _row(link: LinkPart, options: ReportOptions, say: Words) -> Sequence[str]:
    seen, remembered = evidence(link), memory(link, options.language)
    why = [
        f"{_text(reason_name(link.reason, options.language))} `{link.reason}`",
        _small(seen),
        _small(remembered),
        _small(judgement(link, options.language)),
    ]
    if link.moved_to:
        why.append(f"{say.moved_to} {_link(link.moved_to, link.moved_to)}")
    instead = [_link(offer_label(o, say), o.url) for o in offers(link)]
    if link.searches:
        places = (_link(say.searches[found.name], found.url) for found in link.searches)
        instead.append(f"<sub>{_text(say.search)} {' · '.join(places)}</sub>")
    copy = [_text(kept(link, options.language))] if link.site != "local" else []
    return (_link(name(link), link.url), _lines(why), _places(link, options, say), _lines([*copy, *instead]))


def _walls(document: ReportDocument, options: ReportOptions, say: Words) -> list[str]:
    if not options.verbose:
        return []
    states = (State.BLOCKED, State.UNKNOWN, State.UNCHECKED)
    return [block for state in states for block in _findings(document, state, options, say)]


def _other_titles(document: ReportDocument, options: ReportOptions, say: Words) -> list[str]:
    links = with_other_title(document)
    rows = [
        (
            _link(link.url, link.url),
            _text(link.note_title or ""),
            _text(link.page_title or ""),
            _places(link, options, say),
        )
        for link in links[:MAX_ROWS]
    ]
    if not rows:
        return []
    head = [say.links, say.note_says, say.page_says, say.places]
    return [f"## {say.title_differs} ({number(len(links))})", _table(head, rows)]


def _notices(document: ReportDocument, say: Words) -> list[str]:
    if not document.new_notices:
        return []
    lines = [
        f"{_text(n.site)} ×{n.count}: {_text(n.text)} — {', '.join(_link(url, url) for url in n.urls)}"
        for n in document.new_notices
    ]
    return [f"## {say.new_notices}", _bullets(lines), say.notices_hint]


def _places(link: LinkPart, options: ReportOptions, say: Words) -> str:
    shown = [_place(o, options) for o in link.occurrences[:MAX_PLACES]]
    left = len(link.occurrences) - len(shown)
    return _lines([*shown, say.more.format(count=number(left)) if left > 0 else ""])


def _place(occurrence: OccurrencePart, options: ReportOptions) -> str:
    text = f"{occurrence.path}:{occurrence.line}"
    if not options.notes_url:
        return _text(text)
    target = options.notes_url + file_link(occurrence.path).removeprefix("./")
    return f"[{_text(text)}]({target.translate(_IN_TARGET)}#L{occurrence.line})"


def _link(text: str, url: str) -> str:
    """A link where a browser may follow the address, or a relative file; otherwise its text."""
    target = web_link(url) or (file_link(url) if ":" not in url and not url.startswith(("/", "\\")) else "")
    shown = _text(text)
    return f"[{shown}]({target.translate(_IN_TARGET)})" if target else shown


def _text(text: str) -> str:
    """Text that stays text: markup escaped, mentions and bare addresses not made into links."""
    escaped = _MARKUP.sub(_entity_or_escape, clipped(text, MAX_TEXT))
    return _AUTOLINK.sub(_unlinked, _MENTION.sub("@\u200d", escaped))


def _entity_or_escape(found: re.Match[str]) -> str:
    match found[0]:
        case "<":
            return "&lt;"
        case ">":
            return "&gt;"
        case "&":
            return "&amp;"
        case character:
            return "\\" + character


def _unlinked(found: re.Match[str]) -> str:
    return f"{found[1]}&#58;//" if found[1] else f"{found[2]}&#46;"


def _small(text: str) -> str:
    return f"<sub>{_text(text)}</sub>" if text else ""


def _lines(parts: Iterable[str]) -> str:
    return "<br>".join(part for part in parts if part)


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(head: Iterable[str], rows: Iterable[Sequence[str]], rule: Sequence[str] = ()) -> str:
    names = list(head)
    lines = [names, list(rule) or ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

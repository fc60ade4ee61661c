"""What the formats for people say about links: which ones, in which order, in which phrases.

Selections and plain sentences only; no markup and no layout, so that terminal, Markdown and HTML say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crawler.core.counts import Counted
from crawler.core.model import LOCAL, State
from crawler.core.results import ChangeKind, Run
from crawler.page.titles import differs
from crawler.report.answers import answers, seen_line
from crawler.report.figures import day, duration, number, size
from crawler.report.parts import ChangePart, LinkPart, ReportDocument, RunPart, SuggestionPart
from crawler.report.reasons import reason_name
from crawler.report.words import Language, Words, in_language, words

NOTES_NAMED = 10  # of those that could not be read; the JSON report has all
OVERDUE_NAMED = 3  # of the links that have waited too long; the JSON report has all
LONG_ROUND = 60.0  # seconds; the JSON report has shorter rounds, too
FOCUS = ("weixin", "zhihu")  # the sites that most links of the notes lead to: their dead come first


def in_state(document: ReportDocument, state: State) -> list[LinkPart]:
    """The links in this state: WeChat and Zhihu first, then in the document's order."""
    return sorted((link for link in document.links if link.state is state), key=lambda link: site_rank(link.site))


def state_counts(counts: Mapping[State, int], language: Language) -> list[str]:
    """How many are in each state that any is in: "1 dead", "11 alive"."""
    say = words(language)
    return [f"{number(counts[state])} {say.states[state]}" for state in State if counts.get(state)]


def site_rank(site: str) -> tuple[int, str]:
    """Sorts the sites that matter most to the front."""
    return (FOCUS.index(site) if site in FOCUS else len(FOCUS), site)


def with_other_title(document: ReportDocument) -> list[LinkPart]:
    """Living links whose page has a title that has nothing to do with the note's."""
    return [link for link in document.links if link.title_differs]


def news(document: ReportDocument) -> list[tuple[ChangeKind, list[tuple[ChangePart, LinkPart | None]]]]:
    """What changed, by kind, each change with its link where the report covers it."""
    by_url = {link.canonical_url: link for link in document.links}
    grouped: dict[ChangeKind, list[tuple[ChangePart, LinkPart | None]]] = {kind: [] for kind in ChangeKind}
    for change in document.changes:
        grouped[change.kind].append((change, by_url.get(change.canonical_url)))
    return [(kind, changes) for kind, changes in grouped.items() if changes]


def other_news(document: ReportDocument, language: Language) -> list[str]:
    """News that is of no single link: new notices, sites that refused us, or that nothing at all changed."""
    say = words(language)
    lines = [say.notices_count.format(count=len(document.new_notices))] if document.new_notices else []
    lines += _given_up(document.run, language)
    quiet = not lines and not document.changes
    return [say.nothing_changed] if quiet and document.run.command == "run" and document.run.network == "ok" else lines


def name(link: LinkPart) -> str:
    """What people call the link: the note's title, the page's, or its address."""
    return link.note_title or link.page_title or link.url


def places(link: LinkPart) -> list[str]:
    """Where it is written: path:line:column."""
    return [f"{o.path}:{o.line}:{o.column}" for o in link.occurrences]


def verdict(link: LinkPart, language: Language) -> str:
    """The reason in words and its slug: "not found (404) [not-found]"."""
    return f"{reason_name(link.reason, language)} [{link.reason}]"


def evidence(link: LinkPart) -> str:
    """What was seen, on one line; "" where nothing is known."""
    return seen_line(link.evidence)


def judgement(link: LinkPart, language: Language) -> str:
    """What that proves, and what would settle it; "" for links that nothing is open about."""
    if link.site == LOCAL or link.state in (State.ALIVE, State.UNCHECKED):
        return ""
    told = answers(link, language)
    return in_language(language, f"{told.proves} {told.settles}", told.proves + told.settles)


def memory(link: LinkPart, language: Language) -> str:
    """What is remembered of it: last alive, failing checks, confidence, when it was checked."""
    say = words(language)
    if link.checked_at is None or link.site == LOCAL:
        return ""
    alive = f"{say.last_alive} {day(link.last_alive_at)}" if link.last_alive_at else say.never_alive
    failures = say.failures.format(count=link.failures) if link.failures else ""
    return " · ".join(
        part
        for part in (
            say.known_before if link.known_before else "",
            alive,
            failures,
            say.confidence[link.confidence],
            f"{say.checked} {day(link.checked_at)}",
        )
        if part
    )


def kept(link: LinkPart, language: Language) -> str:
    """The kept capture in words, or that there is none."""
    say = words(language)
    if link.snapshot is None:
        return say.not_kept
    copy = link.snapshot
    return say.kept_copy.format(day=day(copy.captured_at), characters=Counted(copy.text_chars), id=copy.id)


def about_run(run: RunPart, language: Language) -> list[str]:
    """The run in sentences: what it did, then everything that kept it from doing more."""
    say = words(language)
    seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at else 0.0
    lines = [
        say.run_line.format(
            fetched=number(run.fetched),
            requests=number(run.requests),
            kept=size(run.kept_bytes),
            seconds=duration(seconds, language),
        )
    ]
    return lines + warnings(run, language)


def warnings(run: RunPart | Run, language: Language) -> list[str]:
    """Everything about the run that a reader must know before trusting that it was a whole one.

    Of a `Run` names of slots stand as they are: whoever shows them makes them safe.
    """
    say = words(language)
    lines = [say.network_down] if run.network == "down" else []
    if run.stopped_by and not (run.stopped_by == "network-down" and lines):
        lines.append(say.stopped.get(run.stopped_by, run.stopped_by))
    if not run.complete and not lines:
        lines.append(say.incomplete)
    lines += _given_up(run, language)
    if run.internal_errors:
        lines.append(say.internal_errors.format(count=number(run.internal_errors)))
    return lines


def _given_up(run: RunPart | Run, language: Language) -> list[str]:
    say = words(language)
    return [
        say.given_up.format(slot=s.slot, reason=reason_name(s.reason, language), left=Counted(s.left))
        for s in run.slots_given_up
    ]


def about_rounds(document: ReportDocument, language: Language) -> list[str]:
    """How long a round of each site takes, where it takes long enough to be worth a line."""
    say = words(language)
    lines = []
    for r in (r for r in document.rounds if r.seconds >= LONG_ROUND):
        line = say.round_line.format(site=r.site, links=Counted(r.links), seconds=duration(r.seconds, language))
        lines.append(line + (say.round_runs.format(runs=Counted(r.runs)) if r.runs is not None else ""))
    return lines


def attention(document: ReportDocument, language: Language) -> list[str]:
    """What stands near the top: links that have waited too long, and notes that could not be read, or not whole."""
    say = words(language)
    lines = [say.skipped_note.format(path=note.path, why=note.why) for note in document.skipped_notes[:NOTES_NAMED]]
    if len(document.skipped_notes) > NOTES_NAMED:
        lines.append(say.more_skipped.format(notes=Counted(len(document.skipped_notes) - NOTES_NAMED)))
    lines += [say.damaged_note.format(path=note.path, why=note.why) for note in document.damaged_notes]
    if document.overdue:
        named = ", ".join(document.overdue[:OVERDUE_NAMED]) + (" …" if len(document.overdue) > OVERDUE_NAMED else "")
        lines.insert(0, say.overdue.format(count=number(len(document.overdue)), urls=named))
    return lines


def uncounted(document: ReportDocument, language: Language) -> str:
    """The sentence on links that say nothing of their pages; "" where there are none."""
    say = words(language)
    templates = ((State.BLOCKED, say.blocked), (State.UNKNOWN, say.unknown))
    parts = [told.format(count=number(document.counts[state])) for state, told in templates if document.counts[state]]
    return say.no_judgement.format(what=say.both.join(parts)) if parts else ""


def offers(link: LinkPart) -> list[SuggestionPart]:
    """What can be read instead, as far as it has an address that leads somewhere; `kept` tells of our own copies."""
    return [offer for offer in link.suggestions if not offer.url.startswith("urn:")]


def offer_label(offer: SuggestionPart, say: Words) -> str:
    """What an offer is, of when, and where its title is another one than the notes', that title."""
    label = say.suggestion[offer.kind] + (f" {day(offer.captured_at)}" if offer.captured_at else "")
    is_other = offer.title and differs(offer.title_match)
    return f"{label}: {offer.title}" if is_other else label


def sites_by_weight(document: ReportDocument) -> Sequence[str]:
    """Sites with WeChat and Zhihu first, then by number of links."""
    return sorted(document.by_site, key=lambda site: (site_rank(site)[0], -sum(document.by_site[site].values()), site))

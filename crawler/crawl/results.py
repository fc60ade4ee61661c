"""From links and what is remembered of them to a `Report`: order, and what is new.

Pure assembly lives here: no I/O, no clock. What a report looks like in a format is the business of the module of
`report` that is named after the format.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from crawler.archive.noted import NotedLinks
from crawler.archive.warc import uri
from crawler.core.model import Elsewhere, History, Link, State
from crawler.core.results import Change, ChangeKind, FaultyNote, Finding, Health, Report, Round, Run, Suggestion
from crawler.crawl.findings import STATE_ORDER, FindingMaker, Findings, ListedFindings
from crawler.crawl.lazy import MANY, Memories
from crawler.schedule.news import changes_of_state

if TYPE_CHECKING:
    from crawler.notes.files import SkippedNote

CHANGE_ORDER = {kind: rank for rank, kind in enumerate(ChangeKind)}


def build_report(
    run: Run,
    links: Iterable[Link],
    histories: Mapping[str, History],
    now: datetime,
    *,
    suggestions: Mapping[str, Sequence[Suggestion]] | None = None,
    changes: Iterable[Change] = (),
    trend: Iterable[Health] = (),
    rounds: Iterable[Round] = (),
    overdue: Iterable[str] = (),
    public: str = "",
    notes: FaultyNotes | None = None,
    known_before: Collection[str] = (),
    since: datetime | None = None,
) -> Report:
    """The report of `run` over `links`; `histories` and `suggestions` are by canonical URL.

    A link without a history shows as `unchecked`. `known_before` are the canonical URLs that the archive had checked
    before, `overdue` those that have waited too long. Changes of state are read from the histories (those that
    happened since `since`, or since the run started); `changes` adds what histories do not tell, such as titles that
    changed.
    """
    findings: Sequence[Finding]
    if isinstance(histories, Memories):
        make = FindingMaker(histories, now, partial(_offered, public=public), known_before)
        made = ListedFindings(links, make) if isinstance(links, NotedLinks) else Findings(list(links), make, _place)
        news = [*changes_of_state(made.not_alive(), since or run.started_at), *changes]
        findings = tuple(made) if isinstance(made, Findings) and len(made) <= MANY else made
    else:
        findings = _findings(links, histories, now, suggestions or {}, known_before)
        news = [*changes_of_state(findings, since or run.started_at), *changes]
    news.sort(key=lambda change: (CHANGE_ORDER[change.kind], change.canonical_url))
    return Report(
        generated_at=now,
        run=run,
        findings=findings,
        changes=tuple(dict.fromkeys(news)),
        trend=tuple(sorted(trend, key=lambda point: point.at)),
        rounds=tuple(rounds),
        overdue=tuple(overdue),
        damaged_notes=notes.damaged if notes else (),
        skipped_notes=notes.skipped if notes else (),
    )


def _findings(
    links: Iterable[Link],
    histories: Mapping[str, History],
    now: datetime,
    offered: Mapping[str, Sequence[Suggestion]],
    known_before: Collection[str],
) -> tuple[Finding, ...]:
    findings = [
        Finding(
            link,
            histories.get(link.canonical_url) or History(link.canonical_url, first_seen=now, url=link.url),
            tuple(offered.get(link.canonical_url, ())),
            link.canonical_url in known_before,
        )
        for link in links
    ]
    findings.sort(key=lambda finding: _place(finding.link, finding.history.state))
    return tuple(findings)


def _place(link: Link, state: State) -> tuple[int, str, str, int, int, str]:
    """Where a link stands in a report: by state, site, then the first place that it is written in."""
    return (STATE_ORDER[state], *place_of(link))


def place_of(link: Link) -> tuple[str, str, int, int, str]:
    """Where a link stands in a report among links of one state."""
    first = min([(o.path, o.line, o.column) for o in link.occurrences], default=("", 0, 0))
    return (link.site, *first, link.canonical_url)


def suggestions(
    links: Iterable[Link], histories: Mapping[str, History], public: str = ""
) -> dict[str, Sequence[Suggestion]]:
    """Where the content of failing links can still be read: what we kept, and where it moved.

    `public` is the viewer's address, "" for none: a kept copy then has an address that a reader can follow.
    """
    if isinstance(histories, Memories):
        return {}  # found link by link, when the report is written
    offered: dict[str, Sequence[Suggestion]] = {}
    for link in links:
        history = histories.get(link.canonical_url)
        if history and (found := _offered(link, history, public)):
            offered[link.canonical_url] = found
    return offered


def _offered(link: Link, history: History, public: str) -> tuple[Suggestion, ...]:
    found = []
    if history.snapshot and history.state in (State.DEAD, State.SUSPECT):
        kept = history.snapshot
        copy = f"{public.rstrip('/')}/snapshot/{kept.id}" if public else f"urn:readable:{uri(link.url)}"
        found.append(Suggestion("snapshot", copy, kept.captured_at))
    if history.elsewhere and history.elsewhere.is_tried and history.state in (State.DEAD, State.SUSPECT):
        found.append(wayback_suggestion(history.elsewhere))
    if history.moved_to:
        found.append(Suggestion("moved", history.moved_to))
    return tuple(found)


def wayback_suggestion(known: Elsewhere) -> Suggestion:
    """A capture that was read and shows the page, with the evidence for it."""
    return Suggestion("wayback", known.url, known.captured_at, known.status, known.title, known.title_match)


@dataclass(frozen=True, slots=True)
class FaultyNotes:
    """Notes that reports name: those that were read although damaged, and those that could not be read."""

    damaged: tuple[FaultyNote, ...] = ()
    skipped: tuple[FaultyNote, ...] = ()


def faulty(damaged: Iterable[SkippedNote], skipped: Iterable[SkippedNote]) -> FaultyNotes:
    """What notes say of themselves, as reports name them."""
    named = (tuple(FaultyNote(note.path, note.why) for note in notes) for notes in (damaged, skipped))
    return FaultyNotes(*named)

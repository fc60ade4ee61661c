"""The report as a document: the public keys of `crawler.report/1`, and the way from a `Report` to them.

Every format is written from this document, so that no format can forget to redact an address or to make a title
harmless. The classes are the schema (docs/report.schema.json is made from them); adding a key is allowed, changing or
dropping one makes a new schema. No format's own words or markup live here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Literal

import msgspec

from crawler.model import (
    Change,
    ChangeKind,
    Confidence,
    Evidence,
    Finding,
    History,
    Kind,
    Occurrence,
    Report,
    Run,
    Snapshot,
    State,
    Suggestion,
)
from crawler.report.clean import plain, redacted, storable
from crawler.titles import DIFFERS
from crawler.url import redact

SCHEMA = "crawler.report/1"
MAX_NOTICES = 100  # wordings listed as new; a guess: more than a person reads
NOTICE_EXAMPLES = 3  # addresses shown for each new wording
NOTICE_TEXT = 500  # characters kept of a new wording; a guess

Clean = Callable[[str], str]
Count = Annotated[int, msgspec.Meta(ge=0)]
Position = Annotated[int, msgspec.Meta(ge=1)]


class Part(msgspec.Struct, frozen=True, kw_only=True, gc=False):  # no part holds itself
    """An object of the document; every key is always there."""


class SlotPart(Part, frozen=True):
    """A politeness queue that was left alone; `left` links of it stay due."""

    slot: str
    reason: str
    left: Count


class RunPart(Part, frozen=True):
    """The run that the report is of."""

    id: str
    command: str
    started_at: datetime
    finished_at: datetime | None
    complete: bool
    fetched: Count
    requests: Count
    kept_bytes: Count
    network: Literal["ok", "down"]
    slots_given_up: tuple[SlotPart, ...]
    stopped_by: Literal["budget", "signal", "network-down"] | None
    internal_errors: Count


class RedirectPart(Part, frozen=True):
    """One hop: the status that this URL answered with."""

    status: int
    url: str


class EvidencePart(Part, frozen=True):
    """Why the verdict says what it says."""

    rule: str | None
    matched: str | None
    http_status: int | None
    final_url: str | None
    redirects: tuple[RedirectPart, ...]
    error: str | None
    limited: str | None
    notice: str | None


class SnapshotPart(Part, frozen=True):
    """The newest kept capture."""

    id: int
    captured_at: datetime
    title: str
    text_chars: Count
    digest: str
    revisit: bool


class SuggestionPart(Part, frozen=True):
    """Where the content can still be read."""

    kind: Literal["snapshot", "wayback", "moved"]
    url: str
    captured_at: datetime | None


class OccurrencePart(Part, frozen=True):
    """One place where the link is written; columns count Unicode code points, `end_column` is exclusive."""

    path: str
    line: Position
    column: Position
    end_column: Position | None
    note_title: str | None
    kind: Kind


class LinkPart(Part, frozen=True):
    """One link with everything that is known of it."""

    url: str
    canonical_url: str
    site: str
    host: str
    state: State
    reason: str
    confidence: Confidence
    evidence: EvidencePart
    note_title: str | None
    page_title: str | None
    title_match: Annotated[float, msgspec.Meta(ge=0, le=1)] | None
    title_differs: bool
    moved_to: str | None
    first_seen_at: datetime | None
    checked_at: datetime | None
    last_alive_at: datetime | None
    first_failed_at: datetime | None
    failures: Count
    next_check_at: datetime | None
    previous_state: State | None
    changed_at: datetime | None
    snapshot: SnapshotPart | None
    suggestions: tuple[SuggestionPart, ...]
    occurrences: tuple[OccurrencePart, ...]


class ChangePart(Part, frozen=True):
    """One piece of news since the last run; `before` and `after` are states, or titles for `title-changed`."""

    kind: ChangeKind
    canonical_url: str
    at: datetime
    before: str
    after: str


class NoticePart(Part, frozen=True):
    """A wording in a site's error zone that no rule knows yet."""

    site: str
    text: str
    count: Count
    urls: tuple[str, ...]


class HealthPart(Part, frozen=True):
    """How many links were in which state at the end of one run."""

    at: datetime
    counts: dict[State, Count]


class RoundPart(Part, frozen=True):
    """How long asking every link of a site once takes: seconds, and runs at the budget of one."""

    site: str
    links: Count
    seconds: float
    runs: int | None


class Document(Part, frozen=True):
    """A whole report."""

    schema: Literal["crawler.report/1"]
    generated_at: datetime
    run: RunPart
    counts: dict[State, Count]
    by_site: dict[str, dict[State, Count]]
    changes: tuple[ChangePart, ...]
    new_notices: tuple[NoticePart, ...]
    trend: tuple[HealthPart, ...]
    rounds: tuple[RoundPart, ...]
    overdue: tuple[str, ...]
    links: tuple[LinkPart, ...]


def exact_document(report: Report) -> Document:
    """The document for programs: secrets redacted, everything else as it was found."""
    return _document(report, storable)


def readable_document(report: Report) -> Document:
    """The document for people: every string is one harmless line, too."""
    return _document(report, plain)


def _document(report: Report, clean: Clean) -> Document:
    links = tuple(_link(finding, clean) for finding in report.findings)
    return Document(
        schema="crawler.report/1",
        generated_at=_whole(report.generated_at),
        run=_run(report.run, clean),
        counts=_counts(link.state for link in links),
        by_site=_by_site(links),
        changes=tuple(_change(change, clean) for change in report.changes),
        new_notices=_notices(links),
        trend=tuple(HealthPart(at=_whole(h.at), counts=_all_states(dict(h.counts))) for h in report.trend),
        rounds=tuple(
            RoundPart(site=clean(r.site), links=r.links, seconds=r.seconds, runs=r.runs) for r in report.rounds
        ),
        overdue=tuple(clean(_shown(url)) for url in report.overdue),
        links=links,
    )


def _run(run: Run, clean: Clean) -> RunPart:
    return RunPart(
        id=run.id,
        command=run.command,
        started_at=_whole(run.started_at),
        finished_at=_moment(run.finished_at),
        complete=run.complete,
        fetched=run.fetched,
        requests=run.requests,
        kept_bytes=run.kept_bytes,
        network="down" if run.network == "down" else "ok",
        slots_given_up=tuple(
            SlotPart(slot=clean(s.slot), reason=clean(s.reason), left=s.left) for s in run.slots_given_up
        ),
        stopped_by=_stopped_by(run.stopped_by),
        internal_errors=run.internal_errors,
    )


def _stopped_by(word: str | None) -> Literal["budget", "signal", "network-down"] | None:
    match word:
        case "budget" | "signal" | "network-down" | None:
            return word
        case _:
            raise ValueError(f"a run is stopped by budget, signal or network-down, not by {word!r}")


def _link(finding: Finding, clean: Clean) -> LinkPart:
    link, history = finding.link, finding.history
    return LinkPart(
        url=clean(_shown(link.url)),
        canonical_url=clean(_shown(link.canonical_url)),
        site=link.site,
        host=clean(link.host),
        state=history.state,
        reason=history.reason,
        confidence=history.confidence,
        evidence=_evidence(history.evidence, clean),
        note_title=_text(link.note_title, clean),
        page_title=_text(history.page_title, clean),
        title_match=None if history.title_match is None else round(history.title_match, 4),
        title_differs=_title_differs(history),
        moved_to=_address(history.moved_to, clean),
        first_seen_at=_moment(history.first_seen),
        checked_at=_moment(history.checked_at),
        last_alive_at=_moment(history.last_alive),
        first_failed_at=_moment(history.first_failed),
        failures=history.failures,
        next_check_at=_moment(history.next_due),
        previous_state=history.previous_state,
        changed_at=_moment(history.changed_at),
        snapshot=_snapshot(history.snapshot, clean),
        suggestions=tuple(_suggestion(s, clean) for s in finding.suggestions),
        occurrences=tuple(_occurrence(o, clean) for o in link.occurrences),
    )


def _evidence(evidence: Evidence, clean: Clean) -> EvidencePart:
    return EvidencePart(
        rule=evidence.rule or None,
        matched=_text(evidence.matched, clean),
        http_status=evidence.http_status,
        final_url=_address(evidence.final_url, clean),
        redirects=tuple(RedirectPart(status=r.status, url=clean(_shown(r.url))) for r in evidence.redirects),
        error=_text(evidence.error, clean),
        limited=_text(evidence.limited, clean),
        notice=_text(evidence.notice, clean),
    )


def _snapshot(snapshot: Snapshot | None, clean: Clean) -> SnapshotPart | None:
    if snapshot is None:
        return None
    return SnapshotPart(
        id=snapshot.id,
        captured_at=_whole(snapshot.captured_at),
        title=clean(snapshot.title),
        text_chars=snapshot.text_chars,
        digest=snapshot.digest,
        revisit=snapshot.revisit,
    )


def _suggestion(suggestion: Suggestion, clean: Clean) -> SuggestionPart:
    match suggestion.kind:
        case "snapshot" | "wayback" | "moved" as kind:
            url = clean(redacted(suggestion.url))
            return SuggestionPart(kind=kind, url=url, captured_at=_moment(suggestion.captured_at))
        case other:
            raise ValueError(f"a suggestion is a snapshot, wayback or moved, not {other!r}")


def _occurrence(occurrence: Occurrence, clean: Clean) -> OccurrencePart:
    one_line = occurrence.raw and "\n" not in occurrence.raw
    return OccurrencePart(
        path=clean(occurrence.path),
        line=occurrence.line,
        column=occurrence.column,
        end_column=occurrence.column + len(occurrence.raw) if one_line else None,
        note_title=_text(occurrence.note_title, clean),
        kind=occurrence.kind,
    )


def _change(change: Change, clean: Clean) -> ChangePart:
    return ChangePart(
        kind=change.kind,
        canonical_url=clean(_shown(change.canonical_url)),
        at=_whole(change.at),
        before=clean(change.before),
        after=clean(change.after),
    )


def _notices(links: Iterable[LinkPart]) -> tuple[NoticePart, ...]:
    """Unknown wordings by site, the commonest first; the bytes they came with are kept for whoever writes the rule."""
    seen: dict[tuple[str, str], list[str]] = {}
    for link in links:
        if link.evidence.notice:
            seen.setdefault((link.site, link.evidence.notice[:NOTICE_TEXT]), []).append(link.url)
    commonest = sorted(seen.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(
        NoticePart(site=site, text=text, count=len(urls), urls=tuple(urls[:NOTICE_EXAMPLES]))
        for (site, text), urls in commonest[:MAX_NOTICES]
    )


def _by_site(links: Iterable[LinkPart]) -> dict[str, dict[State, int]]:
    """Counts for each site, only of the states that occur there."""
    pairs = Counter((link.site, link.state) for link in links)
    sites: dict[str, dict[State, int]] = {}
    for site, state in sorted(pairs, key=lambda pair: (pair[0], list(State).index(pair[1]))):
        sites.setdefault(site, {})[state] = pairs[site, state]
    return sites


def _counts(states: Iterable[State]) -> dict[State, int]:
    return _all_states(Counter(states))


def _all_states(counts: dict[State, int]) -> dict[State, int]:
    return {state: counts.get(state, 0) for state in State}


def _title_differs(history: History) -> bool:
    """Does a living page's title have nothing to do with the note's: the wrong link, or a page that changed hands?"""
    return history.state is State.ALIVE and history.title_match is not None and history.title_match < DIFFERS


@lru_cache(maxsize=64)  # a link's URL, canonical URL and final URL are often one
def _shown(url: str) -> str:
    return redact(url)


def _text(text: str, clean: Clean) -> str | None:
    return (clean(redacted(text)) or None) if text else None


def _address(url: str | None, clean: Clean) -> str | None:
    return clean(_shown(url)) if url else None


def _moment(moment: datetime | None) -> datetime | None:
    return None if moment is None else _whole(moment)


def _whole(moment: datetime) -> datetime:
    """UTC, cut to whole seconds: written as 2026-01-02T03:04:05Z."""
    moment = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return moment.replace(microsecond=0) if moment.microsecond else moment

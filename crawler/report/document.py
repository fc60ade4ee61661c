"""From a `Report` to the document that every format is written from: addresses redacted, strings made harmless.

It is done here, once, so that no format can forget it. No format's own words or markup live here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from crawler.core.display import plain, redacted, storable
from crawler.core.model import Evidence, History, Mark, Occurrence, Snapshot, State
from crawler.core.results import Change, ChangeKind, FaultyNote, Finding, Report, Run, Suggestion
from crawler.core.url import redact
from crawler.page.titles import differs
from crawler.report.elsewhere import search_addresses
from crawler.report.parts import (
    ChangePart,
    EvidencePart,
    FaultyNotePart,
    HealthPart,
    LinkPart,
    MarkPart,
    NoticePart,
    OccurrencePart,
    RedirectPart,
    ReportDocument,
    RoundPart,
    RunPart,
    SlotPart,
    SnapshotPart,
    SuggestionPart,
)

MAX_NOTICES = 100  # wordings listed as new; a guess: more than a person reads
NOTICE_EXAMPLES = 3  # addresses shown for each new wording
MICROSECOND = timedelta(microseconds=1)
NOTICE_TEXT = 500  # characters kept of a new wording; a guess

Clean = Callable[[str], str]
Noticed = dict[tuple[str, str], tuple[int, tuple[str, ...]]]  # by site and wording: how many, and the first addresses


def exact_document(report: Report) -> ReportDocument:
    """The document for programs: secrets redacted, everything else as it was found."""
    return _document(report, report.findings, storable)


def exact_stream(report: Report) -> tuple[ReportDocument, Iterator[LinkPart]]:
    """The same without its links, and the links one by one, so that a large report need not be held in memory."""
    noticed = (finding for finding in _candidates(report) if finding.history.evidence.notice)
    head = _without_links(report, _notices(_link(finding, storable) for finding in noticed), storable)
    return head, (_link(finding, storable) for finding in report.findings)


def readable_links(report: Report) -> Iterator[LinkPart]:
    """The links of the document for people, one by one."""
    return (_link(finding, plain) for finding in report.findings)


def readable_document(report: Report, *, whole: bool = True) -> ReportDocument:
    """The document for people: every string is one harmless line, too.

    With `whole` false, `links` holds only what needs attention: formats that show no others need not pay for twenty
    thousand living links. All counts are of all links in any case.
    """
    return _document(report, report.findings if whole else _to_be_told(report), plain)


@dataclass(slots=True)
class _FirstFindings:
    """The findings that come first in some order, of very many; no more than twice `most` are held at a time."""

    most: int
    count: int = 0  # of all that were offered
    _kept: list[tuple[tuple[Any, ...], int, Finding]] = field(default_factory=list)
    _worst: tuple[Any, ...] | None = None

    def offer(self, key: tuple[Any, ...], number: int, finding: Finding) -> None:
        """One more, of this place in the order; `number` counts all findings."""
        self.count += 1
        if self._worst is not None and (*key, number) > self._worst:
            return
        self._kept.append((key, number, finding))
        if len(self._kept) >= 2 * self.most:
            self._cut()

    def kept(self) -> Iterator[tuple[int, Finding]]:
        """Those that come first, with their numbers."""
        self._cut()
        return ((number, finding) for _, number, finding in self._kept)

    def _cut(self) -> None:
        self._kept = sorted(self._kept, key=lambda one: (*one[0], one[1]))[: self.most]
        if len(self._kept) == self.most:
            key, number, _ = self._kept[-1]
            self._worst = (*key, number)


def short_document(
    report: Report, most: int, rank: Callable[[str], tuple[Any, ...]], *, whole: bool = False
) -> tuple[ReportDocument, int]:
    """The document for people with few links, for a format that names at most `most` of a kind; all else is of all.

    It has those of each state that come first by `rank` of their site, of those whose title differs, and of those that
    a change tells of. Living ones for their own sake with `whole` alone. How many titles differ is the second value.
    """
    changed = {change.canonical_url for some in _first_changes(report, most) for change in some}
    of_state, other_titles = {state: _FirstFindings(most) for state in State}, _FirstFindings(most)
    chosen: dict[int, Finding] = {}
    seen: Noticed = {}
    for number, finding in enumerate(report.findings if whole else _candidates(report, changed)):
        state = finding.history.state
        if whole or state not in (State.ALIVE, State.UNCHECKED):
            of_state[state].offer(rank(finding.link.site), number, finding)
        if _title_differs(finding.history):
            other_titles.offer((), number, finding)
        if finding.link.canonical_url in changed:
            chosen[number] = finding
        if finding.history.evidence.notice:
            _notice(seen, _link(finding, plain))
    for kind in (*of_state.values(), other_titles):
        chosen.update(kind.kept())
    links = tuple(_link(chosen[number], plain) for number in sorted(chosen))
    return msgspec.structs.replace(_without_links(report, _notice_parts(seen), plain), links=links), other_titles.count


def _first_changes(report: Report, most: int) -> Iterator[list[Change]]:
    for kind in ChangeKind:
        yield list(islice((change for change in report.changes if change.kind is kind), most))


def _to_be_told(report: Report) -> list[Finding]:
    changed = {change.canonical_url for change in report.changes}
    return [
        finding
        for finding in _candidates(report, changed)
        if finding.history.state not in (State.ALIVE, State.UNCHECKED)
        or finding.link.canonical_url in changed
        or finding.history.evidence.notice
        or _title_differs(finding.history)
    ]


def _document(report: Report, findings: Iterable[Finding], clean: Clean) -> ReportDocument:
    links = tuple(_link(finding, clean) for finding in findings)
    return msgspec.structs.replace(_without_links(report, _notices(links), clean), links=links)


def _without_links(report: Report, notices: tuple[NoticePart, ...], clean: Clean) -> ReportDocument:
    standing = standing_of(report.findings)
    counts: Counter[State] = Counter()
    for (_, state), links in standing.items():
        counts[state] += links
    return ReportDocument(
        schema="crawler.report/1",
        generated_at=_whole_seconds(report.generated_at),
        run=_run(report.run, clean),
        counts=_all_states(counts),
        by_site=_by_site(standing),
        changes=tuple(_change(change, clean) for change in report.changes),
        new_notices=notices,
        trend=tuple(HealthPart(at=_whole_seconds(h.at), counts=_all_states(dict(h.counts))) for h in report.trend),
        rounds=tuple(
            RoundPart(site=clean(r.site), links=r.links, seconds=r.seconds, runs=r.runs) for r in report.rounds
        ),
        overdue=tuple(clean(redact(url)) for url in report.overdue),
        damaged_notes=_faulty(report.damaged_notes, clean),
        skipped_notes=_faulty(report.skipped_notes, clean),
        links=(),
    )


def _faulty(notes: Iterable[FaultyNote], clean: Clean) -> tuple[FaultyNotePart, ...]:
    return tuple(FaultyNotePart(path=clean(note.path), why=clean(note.why)) for note in notes)


@runtime_checkable
class _IndexedFindings(Protocol):
    """Findings that answer some questions without being read, as those of an index do."""

    def standing(self) -> Counter[tuple[str, State]]:
        """How many links of which site are in which state."""

    def candidates(self, changed: Collection[str]) -> Iterable[Finding]:
        """All but those of links that are alive or unchecked and of which there is nothing to tell, in their order."""


def _candidates(report: Report, changed: Collection[str] = ()) -> Iterable[Finding]:
    return report.findings.candidates(changed) if isinstance(report.findings, _IndexedFindings) else report.findings


def standing_of(findings: Iterable[Finding]) -> Counter[tuple[str, State]]:
    """How many links of which site are in which state."""
    if isinstance(findings, _IndexedFindings):
        return findings.standing()
    return Counter((finding.link.site, finding.history.state) for finding in findings)


def _run(run: Run, clean: Clean) -> RunPart:
    return RunPart(
        id=run.id,
        command=run.command,
        started_at=_whole_seconds(run.started_at),
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
        url=clean(redact(link.url)),
        canonical_url=clean(redact(link.canonical_url)),
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
        mark=_mark(history.mark, clean),
        known_before=finding.known_before,
        snapshot=_snapshot(history.snapshot, clean),
        suggestions=tuple([_suggestion(s, clean) for s in finding.suggestions]),
        searches=search_addresses(link, history),
        occurrences=tuple([_occurrence(o, clean) for o in link.occurrences]),
    )


def _evidence(evidence: Evidence, clean: Clean) -> EvidencePart:
    return EvidencePart(
        rule=evidence.rule or None,
        matched=_text(evidence.matched, clean),
        http_status=evidence.http_status,
        final_url=_address(evidence.final_url, clean),
        redirects=tuple([RedirectPart(status=r.status, url=clean(redact(r.url))) for r in evidence.redirects]),
        error=_text(evidence.error, clean),
        limited=_text(evidence.limited, clean),
        notice=_text(evidence.notice, clean),
        proof=evidence.proof,
        agreed=evidence.agreed or None,
    )


def _mark(mark: Mark | None, clean: Clean) -> MarkPart | None:
    if mark is None:
        return None
    return MarkPart(word=mark.word, at=_whole_seconds(mark.at), state=mark.state, reason=clean(mark.reason))


def _snapshot(snapshot: Snapshot | None, clean: Clean) -> SnapshotPart | None:
    if snapshot is None:
        return None
    return SnapshotPart(
        id=snapshot.id,
        captured_at=_whole_seconds(snapshot.captured_at),
        title=clean(redacted(snapshot.title)),
        text_chars=snapshot.text_chars,
        digest=snapshot.digest,
        revisit=snapshot.revisit,
    )


def _suggestion(suggestion: Suggestion, clean: Clean) -> SuggestionPart:
    match suggestion.kind:
        case "snapshot" | "wayback" | "moved" as kind:
            url = clean(redacted(suggestion.url))
            return SuggestionPart(
                kind=kind, url=url, captured_at=_moment(suggestion.captured_at), status=suggestion.status,
                title=_text(suggestion.title, clean), title_match=suggestion.title_match,
            )  # fmt: skip
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
        canonical_url=clean(redact(change.canonical_url)),
        at=_whole_seconds(change.at),
        before=clean(redacted(change.before)),
        after=clean(redacted(change.after)),
    )


def _notices(links: Iterable[LinkPart]) -> tuple[NoticePart, ...]:
    """Unknown wordings by site, the commonest first; the bytes they came with are kept for whoever writes the rule."""
    seen: Noticed = {}
    for link in links:
        _notice(seen, link)
    return _notice_parts(seen)


def _notice(seen: Noticed, link: LinkPart) -> None:
    if link.evidence.notice:
        at = (link.site, link.evidence.notice[:NOTICE_TEXT])
        count, urls = seen.get(at, (0, ()))
        seen[at] = count + 1, urls if count >= NOTICE_EXAMPLES else (*urls, link.url)


def _notice_parts(seen: Noticed) -> tuple[NoticePart, ...]:
    commonest = sorted(seen.items(), key=lambda item: (-item[1][0], item[0]))
    return tuple(
        NoticePart(site=site, text=text, count=count, urls=urls)
        for (site, text), (count, urls) in commonest[:MAX_NOTICES]
    )


def _by_site(standing: Mapping[tuple[str, State], int]) -> dict[str, dict[State, int]]:
    sites = sorted({site for site, _ in standing})
    return {site: {state: standing.get((site, state), 0) for state in State} for site in sites}


def _all_states(counts: dict[State, int]) -> dict[State, int]:
    return {state: counts.get(state, 0) for state in State}


def _title_differs(history: History) -> bool:
    """Whether a living page's title has nothing to do with the note's: the wrong link, or a page that changed hands."""
    return history.state is State.ALIVE and differs(history.title_match)


def _text(text: str, clean: Clean) -> str | None:
    return (clean(redacted(text)) or None) if text else None


def _address(url: str | None, clean: Clean) -> str | None:
    return clean(redact(url)) if url else None


def _moment(moment: datetime | None) -> datetime | None:
    return None if moment is None else _whole_seconds(moment)


def _whole_seconds(moment: datetime) -> datetime:
    """UTC, cut to whole seconds: written as 2026-01-02T03:04:05Z."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment - moment.microsecond * MICROSECOND  # a third of the time of `replace`, of which a report has 100,000

"""From links and what is remembered of them to a `Report`: order, and what is new.

Pure assembly lives here: no I/O, no clock. What a report looks like in a format is the business of the module
that is named after the format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from crawler.core.model import (
    Change,
    ChangeKind,
    Finding,
    Health,
    History,
    Link,
    Report,
    Round,
    Run,
    State,
    Suggestion,
)

STATE_ORDER = {state: rank for rank, state in enumerate(State)}
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
) -> Report:
    """The report of `run` over `links`; `histories` and `suggestions` are by canonical URL.

    A link without a history shows as `unchecked`. Changes of state are read from the histories (those that
    happened since the run started); `changes` adds what histories do not tell, such as titles that changed.
    """
    offered = suggestions or {}
    findings = [
        Finding(
            link,
            histories.get(link.canonical_url) or History(link.canonical_url, first_seen=now, url=link.url),
            tuple(offered.get(link.canonical_url, ())),
        )
        for link in links
    ]
    findings.sort(key=_place)
    news = [*changes_of_state(findings, run.started_at), *changes]
    news.sort(key=lambda change: (CHANGE_ORDER[change.kind], change.canonical_url))
    return Report(
        generated_at=now,
        run=run,
        findings=tuple(findings),
        changes=tuple(dict.fromkeys(news)),
        trend=tuple(sorted(trend, key=lambda point: point.at)),
        rounds=tuple(rounds),
        overdue=tuple(overdue),
    )


def _place(finding: Finding) -> tuple[int, str, str, int, int, str]:
    """Where a finding stands in a report: by state, site, then the first place that it is written in."""
    link = finding.link
    first = min([(o.path, o.line, o.column) for o in link.occurrences], default=("", 0, 0))
    return (STATE_ORDER[finding.history.state], link.site, *first, link.canonical_url)


def changes_of_state(findings: Iterable[Finding], since: datetime) -> Iterable[Change]:
    """What became of links since that moment: deaths, resurrections, and other changes of state.

    A first check that finds a link in order is no news.
    """
    for finding in findings:
        history = finding.history
        if history.changed_at is None or history.changed_at < since or history.previous_state is None:
            continue
        kind = _kind(history.previous_state, history.state)
        if kind is not None:
            before, after = history.previous_state.value, history.state.value
            yield Change(kind, history.canonical_url, history.changed_at, before, after)


def _kind(before: State, after: State) -> ChangeKind | None:
    match before, after:
        case State.UNCHECKED, State.DEAD:
            return ChangeKind.FOUND_DEAD
        case _, State.DEAD:
            return ChangeKind.NEWLY_DEAD
        case State.DEAD, State.ALIVE:
            return ChangeKind.BACK_FROM_THE_DEAD
        case State.UNCHECKED, _:
            return None
        case _:
            return ChangeKind.STATE_CHANGED

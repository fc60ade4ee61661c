"""What is new about links since a moment: deaths, returns, other changes of state, and titles that changed.

Pure functions of histories; how news is written is `report`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from crawler.core.model import History, State
from crawler.core.results import Change, ChangeKind, Finding, Run


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


def moves(run: Run, before: Mapping[str, History], after: Mapping[str, History]) -> list[Change]:
    """Permanent new addresses that this run learned of."""
    return [
        Change(ChangeKind.MOVED, key, history.checked_at, history.url or key, history.moved_to)
        for key, history in after.items()
        if history.moved_to
        and history.checked_at
        and history.checked_at >= run.started_at
        and ((old := before.get(key)) is None or old.moved_to != history.moved_to)
    ]


def title_changes(run: Run, before: Mapping[str, History], after: Mapping[str, History]) -> list[Change]:
    """Living pages whose own title changed in this run."""
    return [
        Change(ChangeKind.TITLE_CHANGED, key, history.checked_at, old.page_title, history.page_title)
        for key, history in after.items()
        if history.checked_at
        and history.checked_at >= run.started_at
        and (old := before.get(key))
        and old.page_title
        and old.page_title != history.page_title
    ]

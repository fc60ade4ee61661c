"""A report of what the archive remembers; no request is sent.

What a report looks like is the business of the room `report`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.core.model import History, State
from crawler.core.results import Change, ChangeKind, Report, Run
from crawler.crawl.observer import SILENT, Observer
from crawler.crawl.reading import FoundLinks, read_links
from crawler.crawl.results import build_report, faulty, suggestions
from crawler.schedule.plan import overdue_links

if TYPE_CHECKING:
    from crawler.archive import Archive
    from crawler.archive.nouns import PastCheck
    from crawler.crawl.context import Context


@dataclass(frozen=True, slots=True)
class Recalled:
    """The links of some notes, and the report of them."""

    found: FoundLinks
    report: Report


def recall(
    context: Context, paths: Sequence[Path] = (), observer: Observer = SILENT, since: datetime | None = None
) -> Recalled:
    """What the archive remembers of the links of `paths` (default: the configured notes). Raises NotesError.

    Its changes are those since that moment (default: since the last run began).
    """
    archive = context.archive
    found = read_links(context, paths, observer, remember=False)
    histories = archive.histories()
    if since:
        histories = {key: with_own_copy(archive, history, since) for key, history in histories.items()}
    histories |= found.local_histories
    report = build_report(
        last_run(context),
        found.links,
        histories,
        context.now(),
        suggestions=suggestions(found.links, histories, context.settings.serve.public),
        changes=moves_since(archive, histories, since) if since else (),
        since=since,
        trend=archive.health(),
        overdue=overdue_links(found.links, histories, context.now()),
        notes=faulty(found.notes.damaged, found.notes.skipped),
    )
    return Recalled(found, replace(report, archive_id=archive.archive_id))


def with_own_copy(archive: Archive, history: History, since: datetime) -> History:
    """A history whose newest copy only says "unchanged", with the copy itself where that was kept after `since`."""
    newest = history.snapshot
    if newest is None or not newest.revisit or newest.captured_at < since:
        return history
    own = [s for s in archive.snapshots(history.canonical_url) if not s.revisit and s.captured_at >= since]
    return replace(history, snapshot=max(own, key=lambda s: s.captured_at)) if own else history


def moves_since(archive: Archive, histories: Mapping[str, History], since: datetime) -> Iterable[Change]:
    """Links that were first seen to have moved for good after that moment, as their checks tell it."""
    for key, history in histories.items():
        if history.moved_to and history.checked_at and history.checked_at >= since:
            reached = [check for check in archive.checks(key) if check.verdict is State.ALIVE]
            first = first_at(reached, since)
            if first is not None:
                yield Change(ChangeKind.MOVED, key, first, history.url or key, history.moved_to)


def first_at(reached: Iterable[PastCheck], since: datetime) -> datetime | None:
    """When the address that is reached now was reached first; None where that was before `since`, or never."""
    in_order = sorted(reached, key=lambda check: check.at)
    same = [check for check in in_order if check.final_url == in_order[-1].final_url]
    return same[0].at if same and same[0].at >= since else None


def last_run(context: Context) -> Run:
    """The newest run of the archive, as what a report of it says it is about; an empty one where there is none."""
    runs = context.archive.runs(1)
    now = context.now()
    return runs[0] if runs else Run(id="", command="report", started_at=now, finished_at=now)

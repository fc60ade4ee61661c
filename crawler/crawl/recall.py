"""A report of what the archive remembers; no request is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.core.model import Report, Run
from crawler.crawl.observer import SILENT, Observer
from crawler.crawl.reading import FoundLinks, read_links
from crawler.crawl.results import build_report, damaged_of, suggestions
from crawler.schedule.plan import overdue_links

if TYPE_CHECKING:
    from crawler.crawl.context import Context


@dataclass(frozen=True, slots=True)
class Recalled:
    """The links of some notes, and the report of them."""

    found: FoundLinks
    report: Report


def recall(context: Context, paths: Sequence[Path] = (), observer: Observer = SILENT) -> Recalled:
    """What the archive remembers of the links of `paths` (default: the configured notes). Raises NotesError."""
    archive = context.archive
    found = read_links(context, paths, observer, remember=False)
    histories = archive.histories() | found.local_histories
    report = build_report(
        last_run(context),
        found.links,
        histories,
        context.now(),
        suggestions=suggestions(found.links, histories, context.settings.serve.public),
        trend=archive.health(),
        overdue=overdue_links(found.links, histories, context.now()),
        damaged=damaged_of(found.notes.damaged),
    )
    return Recalled(found, report)


def last_run(context: Context) -> Run:
    """The newest run of the archive, as what a report of it says it is about; an empty one where there is none."""
    runs = context.archive.runs(1)
    now = context.now()
    return runs[0] if runs else Run(id="", command="report", started_at=now, finished_at=now)

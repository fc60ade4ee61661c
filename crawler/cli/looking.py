"""Looking at links on behalf of a command: the session, its progress, and the report of it.

The part that `run`, `rearchive` and `check` have in common; what each of them asks for stays with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crawler.cli.options import GlobalOptions
from crawler.cli.reporting import suggestions, title_changes
from crawler.cli.work import FoundLinks, now, progress
from crawler.crawl.job import Job, Outcome, run_job, why_unchecked
from crawler.report import build_report
from crawler.schedule.plan import Budget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractAsyncContextManager

    from crawler.core.model import Health, History, Report
    from crawler.core.settings import Settings
    from crawler.crawl.job import Memory
    from crawler.fetch import Fetcher
    from crawler.sites import Sites

    Opener = Callable[..., AbstractAsyncContextManager[Fetcher]]


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of it: the run with its memory, and its report."""

    outcome: Outcome
    report: Report


def look_at_links(
    options: GlobalOptions,
    command: str,
    found: FoundLinks,
    rules: tuple[Settings, Sites],
    memory: Memory,
    budget: Budget,
    *,
    trend: Callable[[], Iterable[Health]] = tuple,
    open_fetcher: Opener | None = None,
    afterwards: Callable[[Outcome], Mapping[str, History]] = lambda _: {},
) -> Looked:
    """Visit what is due of the found links within the budget, remember it, and report on all of them.

    `trend` is asked after the run, so that the run is its last point. `open_fetcher` is another way to fetch;
    `afterwards` may learn more of links before the report is made.
    """
    settings, sites = rules
    with progress(options) as watch:
        job = Job(
            command, found.links, settings, sites, memory, now, budget, watch.looked, watch.planned,
            open_fetcher=open_fetcher,
        )  # fmt: skip
        outcome = run_job(job)
    histories = outcome.histories | dict(afterwards(outcome)) | why_unchecked(outcome) | found.local_histories
    report = build_report(
        outcome.run,
        found.links,
        histories,
        now(),
        suggestions=suggestions(found.links, histories),
        changes=title_changes(outcome.run, outcome.before, outcome.histories),
        trend=trend(),
        rounds=outcome.plan.rounds,
        overdue=outcome.plan.overdue,
    )
    if outcome.run.network == "down":
        options.say("crawler: no network: nothing that failed counts, nothing was called dead")
    return Looked(outcome, report)

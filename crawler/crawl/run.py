"""The scheduled run: what is due of the notes is checked, kept and reported; then the Internet Archive, if wanted.

A use case, callable without a terminal. Which links are due is `schedule`'s, the walk `session`'s.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.core.counts import Counted
from crawler.core.model import History
from crawler.core.results import Health, Report
from crawler.crawl.job import CrawlSpread, Job, Outcome, why_unchecked
from crawler.crawl.lazy import overdue, touched
from crawler.crawl.observer import NO_NETWORK, SILENT, Observer
from crawler.crawl.reading import FoundLinks, read_links
from crawler.crawl.ready import ready_to_run
from crawler.crawl.results import build_report, faulty, suggestions
from crawler.crawl.runner import run_job
from crawler.schedule.news import moves, title_changes
from crawler.schedule.plan import Budget

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from crawler.crawl.context import Context
    from crawler.fetch import Fetcher

    Opener = Callable[..., AbstractAsyncContextManager[Fetcher]]

HEAD = 4096  # bytes at the beginning of a note in which its date stands


@dataclass(frozen=True, slots=True)
class RunResult:
    """What came of a run: the links it was about, the outcome with its memory, and the report."""

    found: FoundLinks
    outcome: Outcome
    report: Report


def run(
    context: Context,
    paths: Sequence[Path] = (),
    budget: Budget | None = None,
    observer: Observer = SILENT,
    environ: Mapping[str, str] = os.environ,
    *,
    spread: CrawlSpread | None = None,
) -> RunResult:
    """Check every link of `paths` (default: the configured notes) that is due, and remember it.

    `budget` defaults to `[schedule] budget`; keys of the Internet Archive are read from `environ`. Returns also after a
    signal. `spread` crawls in other processes (`crawler.cluster`). Raises NotesError, ConfigError, and what the archive
    raises.
    """
    ready_to_run(context.settings, environ=environ)
    limits = budget or Budget(context.settings.schedule.budget)
    found = read_links(context, paths, observer, listed=True)
    return check_links(
        context, "run", found, limits, observer, trend=context.archive.health, spread=spread,
        afterwards=lambda outcome: ask_elsewhere(context, found, outcome, observer, environ),
    )  # fmt: skip


def check_links(
    context: Context,
    command: str,
    found: FoundLinks,
    budget: Budget,
    observer: Observer = SILENT,
    *,
    trend: Callable[[], Iterable[Health]] = tuple,
    open_fetcher: Opener | None = None,
    spread: CrawlSpread | None = None,
    afterwards: Callable[[Outcome], Mapping[str, History]] = lambda _: {},
) -> RunResult:
    """Check what is due of the found links within the budget, remember it in the archive, and report on all of them.

    `trend` is asked after the run, so that the run is its last point. `open_fetcher` is another way to fetch;
    `afterwards` may learn more of links before the report is made.
    """
    job = Job(
        command, found.links, context.settings, context.sites, context.archive, context.now, budget, observer,
        open_fetcher=open_fetcher, spread=spread,
    )  # fmt: skip
    outcome = run_job(job)
    histories = outcome.histories | dict(afterwards(outcome)) | why_unchecked(outcome) | found.local_histories
    report = build_report(
        outcome.run,
        found.links,
        histories,
        context.now(),
        suggestions=suggestions(found.links, histories, context.settings.serve.public),
        public=context.settings.serve.public,
        changes=[
            *moves(outcome.run, outcome.before, touched(outcome.histories)),
            *title_changes(outcome.run, outcome.before, touched(outcome.histories)),
        ],
        trend=trend(),
        rounds=outcome.plan.rounds,
        overdue=overdue(found.links, outcome.histories, context.now()),
        notes=faulty(found.notes.damaged, found.notes.skipped),
    )
    if outcome.run.network == "down":
        observer.say(NO_NETWORK)
    return RunResult(found, outcome, replace(report, archive_id=context.archive.archive_id))


def ask_elsewhere(
    context: Context, found: FoundLinks, outcome: Outcome, observer: Observer, environ: Mapping[str, str]
) -> dict[str, History]:
    """What [wayback] says: captures of the dead, the living offered; what was learned is remembered."""
    settings = context.settings
    if not (settings.wayback.suggest or settings.wayback.submit):
        return {}
    if outcome.run.network == "down" or outcome.run.stopped_by == "signal":
        return {}
    from crawler.crawl.wayback import look_back, written_at
    from crawler.notes.git import LineCommits

    observer.say(f"asking {settings.wayback.endpoint}")
    root = found.notes.root
    files = {note.file.name: note.file.path for note in found.notes.read}  # names are escaped, paths are not
    dated = partial(
        written_at,
        head_of=lambda name: head_of_note(files.get(name, root / name)),
        commit_of=LineCommits(root),
    )
    learned = look_back(context, found.links, outcome.histories, dated, environ)
    context.archive.put_histories(learned.values())
    captures = sum(1 for history in learned.values() if history.elsewhere and history.elsewhere.url)
    observer.say(f"{Counted(captures):capture} there, of {Counted(len(learned)):link}")
    return learned


def head_of_note(file: Path) -> str:
    """Its first bytes; "" where it cannot be read."""
    try:
        with file.open("rb") as stream:
            return stream.read(HEAD).decode("utf-8", "replace")
    except OSError:
        return ""

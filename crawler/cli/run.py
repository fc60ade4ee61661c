"""`crawler run`: the scheduled run."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import (
    Duration,
    Options,
    global_options,
    load_sites_of,
    note_paths,
    output_options,
    pair_outputs,
    paths_argument,
)
from crawler.cli.reporting import (
    REPORTS,
    default_format,
    exit_code,
    parse_states,
    report_options,
    suggestions,
    title_changes,
    write_reports,
)

if TYPE_CHECKING:
    from crawler.model import State


@click.command("run")
@paths_argument
@click.option("--all", "everything", is_flag=True, help="Ask every link, also those that are not due.")
@click.option("--budget", type=Duration(), help='Begin no new link after this time, e.g. "2h".')
@click.option("--max-links", type=click.IntRange(min=1), help="Ask at most so many links, the most urgent first.")
@click.option("--fail-on", callback=parse_states, help="States that make the exit code 1, e.g. dead,suspect [none].")
@click.option("--wait", is_flag=True, help="Wait until another run has left the archive.")
@output_options(*REPORTS)
@global_options
def command(
    options: Options,
    *,
    paths: tuple[Path, ...],
    everything: bool,
    budget: float | None,
    max_links: int | None,
    fail_on: frozenset[State] | None,
    wait: bool,
    formats: tuple[str, ...],
    outputs: tuple[Path, ...],
) -> int:
    """Look at every link that is due, keep its page, and report: the dead WeChat and Zhihu links first."""
    from crawler.cli.work import now, open_archive, progress, read_links
    from crawler.plan import Budget
    from crawler.report import build_report
    from crawler.session import Job, run_job

    pairs = pair_outputs(formats, outputs, default_format())
    settings = options.settings()
    limits = Budget(settings.schedule.budget if budget is None else budget, max_links or 0, everything)
    sites = load_sites_of(settings)
    with ExitStack() as stack:
        archive = stack.enter_context(open_archive(settings, "run", write=True, wait=wait))
        found = read_links(options, note_paths(paths, settings), settings, sites, archive)
        watch = stack.enter_context(progress(options))
        job = Job("run", found.links, settings, sites, archive, now, limits, watch.looked, watch.planned)
        outcome = run_job(job)
        watch.finish()
        histories = outcome.histories | found.local_histories
        report = build_report(
            outcome.run,
            found.links,
            histories,
            now(),
            suggestions=suggestions(found.links, histories),
            changes=title_changes(outcome.run, outcome.before, outcome.histories),
            rounds=outcome.plan.rounds,
            overdue=outcome.plan.overdue,
        )
    failing = fail_on or frozenset()
    write_reports(report, pairs, report_options(options, settings, failing), settings)
    if outcome.run.network == "down":
        options.say("crawler: no network: nothing that failed counts, nothing was called dead")
    return exit_code(report, failing)

"""`crawler run`: the scheduled run."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import (
    Duration,
    GlobalOptions,
    global_options,
    output_options,
    pair_outputs,
    paths_argument,
)
from crawler.cli.reporting import (
    REPORTS,
    check_reports,
    default_format,
    exit_code,
    notify,
    parse_states,
    receivers,
    report_options,
    unless_quiet,
    with_places,
    write_reports,
)
from crawler.cli.watching import TerminalObserver, log_as, watching

if TYPE_CHECKING:
    from crawler.core.model import State
    from crawler.core.settings import Settings
    from crawler.crawl.job import CrawlSpread


@click.command("run")
@paths_argument
@click.option("--all", "everything", is_flag=True, help="Ask every link, also those that are not due.")
@click.option("--budget", type=Duration(), help='Begin no new link after this time: "2h", "10m", or seconds.')
@click.option("--max-links", type=click.IntRange(min=1), help="Ask at most so many links, the most urgent first.")
@click.option("--fail-on", callback=parse_states, help="States that make the exit code 1, e.g. dead,suspect [none].")
@click.option("--workers", type=click.IntRange(min=1), help="Processes that read pages [[read] processes].")
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Crawl on a Dask cluster: tcp://HOST:PORT of its scheduler, or local:N processes here [extra `cluster`].",
)
@click.option("--wait", is_flag=True, help="Wait until another run has left the archive.")
@click.option("--log", type=click.Choice(["text", "json"]), default="text", help="How to talk on stderr [text].")
@output_options(*REPORTS)
@global_options
def command(
    options: GlobalOptions,
    *,
    paths: tuple[Path, ...],
    everything: bool,
    budget: float | None,
    max_links: int | None,
    fail_on: frozenset[State] | None,
    workers: int | None,
    cluster: str | None,
    wait: bool,
    log: str,
    formats: tuple[str, ...],
    outputs: tuple[Path, ...],
) -> int:
    """Check every link that is due, keep its page, and report: the dead WeChat and Zhihu links first."""
    from crawler.crawl.context import open_context
    from crawler.crawl.offload import offload_after
    from crawler.crawl.reading import holds_all_notes
    from crawler.crawl.run import run
    from crawler.schedule.plan import Budget

    options = log_as(options, log)
    pairs = unless_quiet(pair_outputs(formats, outputs, default_format(), REPORTS), formats, options)
    settings = with_workers(options.settings(), workers)
    options.say_what_is_read(paths)
    whole = holds_all_notes(paths, settings.notes)
    check_reports(pairs, settings, of_all_notes=whole, environ=os.environ)
    wanted = receivers(settings)
    limits = Budget(settings.schedule.budget if budget is None else budget, max_links or 0, everything)
    failing = fail_on or frozenset()
    how = with_places(report_options(options, settings, failing), pairs, settings)
    with open_context(settings, "run", write=True, wait=wait) as context:
        with watching(options) as observer, spread_over(cluster) as spread:
            result = run(context, paths, limits, observer, spread=spread)
        # Here, since the report of a large archive is made from it while it is written.
        write_reports(result.report, pairs, how, settings, result.found.notes.root, of_all_notes=whole)
        notify(result.report, how, options, settings, wanted)
        offload_after(result, context, TerminalObserver(options))
        return exit_code(result.report, failing)


def spread_over(cluster: str | None) -> AbstractContextManager[CrawlSpread | None]:
    """Who crawls: the cluster at this address, or this process. Raises UsageError, ClusterError."""
    if cluster is None:
        return nullcontext()
    from crawler.cluster import open_cluster

    return open_cluster(cluster)


def with_workers(settings: Settings, workers: int | None) -> Settings:
    """The settings with another number of readers; None leaves them as they are."""
    import msgspec

    if workers is None:
        return settings
    return msgspec.structs.replace(settings, read=msgspec.structs.replace(settings.read, processes=workers))

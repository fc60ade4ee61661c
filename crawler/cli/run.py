"""`crawler run`: the scheduled run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import (
    Duration,
    GlobalOptions,
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
    tell,
    write_reports,
)

if TYPE_CHECKING:
    from crawler.archive import Archive
    from crawler.cli.work import FoundLinks
    from crawler.core.model import History, State
    from crawler.core.settings import Settings
    from crawler.crawl.job import Outcome

HEAD = 4096  # bytes at the beginning of a note in which its date stands


@click.command("run")
@paths_argument
@click.option("--all", "everything", is_flag=True, help="Ask every link, also those that are not due.")
@click.option("--budget", type=Duration(), help='Begin no new link after this time, e.g. "2h".')
@click.option("--max-links", type=click.IntRange(min=1), help="Ask at most so many links, the most urgent first.")
@click.option("--fail-on", callback=parse_states, help="States that make the exit code 1, e.g. dead,suspect [none].")
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
    wait: bool,
    log: str,
    formats: tuple[str, ...],
    outputs: tuple[Path, ...],
) -> int:
    """Look at every link that is due, keep its page, and report: the dead WeChat and Zhihu links first."""
    from crawler.cli.looking import look_at_links
    from crawler.cli.work import log_as, open_archive, read_links
    from crawler.schedule.plan import Budget

    options = log_as(options, log)
    pairs = pair_outputs(formats, outputs, default_format())
    settings = options.settings()
    limits = Budget(settings.schedule.budget if budget is None else budget, max_links or 0, everything)
    sites = load_sites_of(settings)
    with open_archive(settings, "run", write=True, wait=wait) as archive:
        found = read_links(options, note_paths(paths, settings), settings, sites, archive)
        report = look_at_links(
            options, "run", found, (settings, sites), archive, limits, trend=archive.health,
            afterwards=lambda outcome: ask_elsewhere(options, found, settings, archive, outcome),
        ).report  # fmt: skip
    failing = fail_on or frozenset()
    how = report_options(options, settings, failing)
    write_reports(report, pairs, how, settings, found.notes.root)
    tell(report, how, options, settings)
    return exit_code(report, failing)


def ask_elsewhere(
    options: GlobalOptions, found: FoundLinks, settings: Settings, archive: Archive, outcome: Outcome
) -> dict[str, History]:
    """What [wayback] says: captures of the dead, the living offered; what was learned is remembered."""
    if not (settings.wayback.suggest or settings.wayback.submit):
        return {}
    if outcome.run.network == "down" or outcome.run.stopped_by == "signal":
        return {}
    import os

    from crawler.cli.work import now
    from crawler.crawl.wayback import look_back

    options.say(f"crawler: asking {settings.wayback.endpoint}")
    root = found.notes.root
    learned = look_back(
        found.links, outcome.histories, settings, now, lambda name: head_of_note(root / name), os.environ
    )
    archive.put_histories(learned.values())
    captures = sum(1 for history in learned.values() if history.elsewhere and history.elsewhere.url)
    options.say(f"crawler: {captures} captures there, of {len(learned)} links")
    return learned


def head_of_note(file: Path) -> str:
    """Its first bytes; "" where it cannot be read."""
    try:
        with file.open("rb") as stream:
            return stream.read(HEAD).decode("utf-8", "replace")
    except OSError:
        return ""

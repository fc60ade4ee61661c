"""`crawler report`: what the archive remembers, written without a request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import (
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
    findings_code,
    parse_states,
    report_options,
    suggestions,
    write_reports,
)

if TYPE_CHECKING:
    from crawler.core.model import State


@click.command("report")
@paths_argument
@click.option("--fail-on", callback=parse_states, help="States that make the exit code 1, e.g. dead,suspect [none].")
@output_options(*REPORTS)
@global_options
def command(
    options: GlobalOptions,
    *,
    paths: tuple[Path, ...],
    fail_on: frozenset[State] | None,
    formats: tuple[str, ...],
    outputs: tuple[Path, ...],
) -> int:
    """Write a report of the links of the notes as the archive remembers them; no request is sent."""
    from crawler.cli.work import last_run, now, open_archive, read_links
    from crawler.report import build_report

    pairs = pair_outputs(formats, outputs, default_format())
    settings = options.settings()
    sites = load_sites_of(settings)
    with open_archive(settings, "report", write=False) as archive:
        found = read_links(options, note_paths(paths, settings), settings, sites, archive, remember=False)
        histories = archive.histories() | found.local_histories
        run = last_run(archive)
        report = build_report(
            run, found.links, histories, now(), suggestions=suggestions(found.links, histories), trend=archive.health()
        )
    failing = fail_on or frozenset()
    write_reports(report, pairs, report_options(options, settings, failing), settings, found.notes.root)
    return findings_code(report, failing)  # how the last run ended is told, but is not this command's failure

"""`crawler report`: what the archive remembers, written without a request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import (
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
    findings_code,
    parse_states,
    report_options,
    write_reports,
)
from crawler.cli.watching import TerminalObserver

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
    from crawler.crawl.context import open_context
    from crawler.crawl.recall import recall

    pairs = pair_outputs(formats, outputs, default_format())
    settings = options.settings()
    check_reports(pairs, settings, of_all_notes=not paths)
    with open_context(settings, "report", write=False) as context:
        recalled = recall(context, paths, TerminalObserver(options))
    failing = fail_on or frozenset()
    how = report_options(options, settings, failing)
    write_reports(recalled.report, pairs, how, settings, recalled.found.notes.root, of_all_notes=not paths)
    return findings_code(recalled.report, failing)  # how the last run ended is shown, but is not this command's failure

"""`crawler report`: what the archive remembers, written without a request."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import (
    GlobalOptions,
    Since,
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
    receivers,
    report_options,
    send_news,
    with_places,
    write_reports,
)
from crawler.cli.watching import TerminalObserver
from crawler.core.display import message
from crawler.core.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from crawler.core.model import State
    from crawler.core.results import Report


@click.command("report")
@paths_argument
@click.option(
    "--since", type=Since(), help='Only what died, came back, moved or was kept since, e.g. "7d", 2026-01-31.'
)
@click.option("--notify", "send", is_flag=True, help="Send it to [notify] urls, too, where there is news.")
@click.option("--fail-on", callback=parse_states, help="States that make the exit code 1, e.g. dead,suspect [none].")
@output_options(*REPORTS)
@global_options
def command(
    options: GlobalOptions,
    *,
    paths: tuple[Path, ...],
    since: datetime | None,
    send: bool,
    fail_on: frozenset[State] | None,
    formats: tuple[str, ...],
    outputs: tuple[Path, ...],
) -> int:
    """Write a report of the links of the notes as the archive remembers them; no request is sent.

    With --since it is about what happened since then, also by note, as `terminal`, `mail`, `markdown` or `html`; the
    other formats then tell the changes since. With --quiet too, nothing is written where nothing happened.
    """
    from crawler.crawl.context import open_context
    from crawler.crawl.recall import recall

    pairs = pair_outputs(formats, outputs, "mail" if since and default_format() == "tsv" else default_format(), REPORTS)
    settings = options.settings()
    check_reports(pairs, settings, of_all_notes=not paths and since is None)
    wanted = receivers(settings) if send else []
    if send and not wanted:
        raise UsageError("--notify sends to [notify] urls, and the configuration names none")
    with open_context(settings, "report", write=False) as context:
        recalled = recall(context, paths, TerminalObserver(options), since)
    failing = fail_on or frozenset()
    how = with_places(replace(report_options(options, settings, failing), since=since), pairs, settings)
    if not (options.quiet and since and not has_news(recalled.report, since)):
        whole = not paths and since is None  # a digest is not the report that [report] formats keeps
        root = recalled.found.notes.root
        for file in write_reports(recalled.report, pairs, how, settings, root, of_all_notes=whole):
            options.say(f"crawler: wrote {message(str(file))}")
    if wanted:
        send_news(recalled.report, how, settings, wanted)
    return findings_code(recalled.report, failing)  # how the last run ended is shown, but is not this command's failure


def has_news(report: Report, since: datetime) -> bool:
    """Whether anything died, came back or moved."""
    from crawler.report.digest import make_digest
    from crawler.report.document import readable_document

    return make_digest(readable_document(report, whole=False), since).is_news("news")

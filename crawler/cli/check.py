"""`crawler check`: the CI check of note edits, and the hook before a commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import Duration, GlobalOptions, global_options, output_options, pair_outputs, paths_argument
from crawler.cli.reporting import (
    REPORTS,
    check_reports,
    default_format,
    exit_code,
    parse_states,
    report_options,
    unless_quiet,
    write_reports,
)
from crawler.cli.streams import say
from crawler.cli.watching import watching
from crawler.core.errors import UsageError
from crawler.core.settings import FAIL_ON_CHECK

if TYPE_CHECKING:
    from crawler.core.model import State
    from crawler.core.results import Report
    from crawler.core.settings import Settings
    from crawler.crawl.check import CheckOptions
    from crawler.crawl.untrusted import Untrusted

BUDGET = 300.0  # seconds; an author waits for the answer
MAX_AGE = 86400.0  # seconds; what last night's run saw needs no second check


@click.command("check")
@paths_argument
@click.option("--since", metavar="REV", help="Only links on lines that changed since this commit's merge base.")
@click.option("--staged", is_flag=True, help="Only links on lines that are about to be committed.")
@click.option("--all", "everything", is_flag=True, help="Ask every link, also those that the archive knows well.")
@click.option("--offline/--online", default=False, help="Judge from the archive alone; send nothing [--online].")
@click.option("--fail-on", callback=parse_states, help='States that make the exit code 1, or "none" [dead].')
@click.option(
    "--budget", type=Duration(), default=BUDGET, help='Begin no new link after this time: "10m", or seconds [5m].'
)
@click.option(
    "--max-age",
    type=Duration(),
    default=MAX_AGE,
    help='For how long a check in the archive is taken for an answer: "12h", or seconds [1d].',
)
@click.option("--archive-new", is_flag=True, help="Keep a copy of each living page that is asked.")
@click.option(
    "--untrusted",
    is_flag=True,
    help="The checked tree is a stranger's: its configuration may not redirect, authenticate or leave the tree.",
)
@click.option(
    "--baseline", type=click.Path(path_type=Path), help="A JSON report; findings in it are not reported again."
)
@output_options(*REPORTS)
@global_options
def command(
    options: GlobalOptions,
    *,
    paths: tuple[Path, ...],
    fail_on: frozenset[State] | None,
    formats: tuple[str, ...],
    outputs: tuple[Path, ...],
    since: str | None,
    staged: bool,
    everything: bool,
    offline: bool,
    budget: float,
    max_age: float,
    archive_new: bool,
    untrusted: bool,
    baseline: Path | None,
) -> int:
    """Check the links of an edit, and say which of those that its author wrote are dead.

    A dead link fails: its page is gone (404, 410, the site's own notice), its URL is malformed, its domain does not
    exist. Walls and doubts are warnings. With --since or --staged only links that the edit wrote or broke count, else
    all do. The archive is read where there is one, and written only with --archive-new.

    With --untrusted, what the tree's own configuration says of proxies, headers, cookies, certificates, site files,
    hooks and places outside of the repository is ignored, with a line for each; that of the commit named with --since
    is used instead.
    """
    from crawler.crawl.check import CheckOptions
    from crawler.crawl.untrusted import untrusted_settings

    if since is not None and staged:
        raise UsageError("--since and --staged are two ways to say which lines; give one")
    if offline and archive_new:
        raise UsageError("--offline fetches nothing that --archive-new could keep; give one")
    pairs = unless_quiet(pair_outputs(formats, outputs, default_format(), REPORTS), formats, options)
    failing = frozenset(FAIL_ON_CHECK) if fail_on is None else fail_on
    asked = partial(CheckOptions, since, staged, everything, offline, budget, max_age, archive_new)
    if not untrusted:
        return check_and_report(options, paths, options.settings(), asked(read_baseline(baseline)), pairs, failing)
    with untrusted_settings(options.config, since, options.archive) as stranger:
        for line in stranger.lines:
            say(f"crawler: {line}")  # also with --quiet: whoever reads the result must know
        refuse_outside(paths, stranger)
        wanted = asked(read_baseline(baseline, stranger))
        return check_and_report(options, paths, stranger.settings, wanted, pairs, failing)


def refuse_outside(paths: Sequence[Path], stranger: Untrusted) -> None:
    """PATHS may come from the names of changed files: a link out of the tree is no note. Raises UsageError."""
    from crawler.crawl.untrusted import is_inside

    for path in paths:
        if not is_inside(path, stranger.top):
            raise UsageError(f"{path} leads out of the repository, which --untrusted does not allow")


def check_and_report(
    options: GlobalOptions,
    paths: Sequence[Path],
    settings: Settings,
    wanted: CheckOptions,
    pairs: Sequence[tuple[str, Path | None]],
    failing: frozenset[State],
) -> int:
    """Check, write the reports, and give the exit code."""
    from crawler.archive import holds_archive
    from crawler.crawl.check import repository_places

    check_reports(pairs, settings)
    report = checked(options, paths, settings, wanted)
    how = report_options(options, settings, failing)
    how = replace(
        how, notes_folder=repository_places(paths, settings), remembered=holds_archive(Path(settings.archive.path))
    )
    write_reports(report, pairs, how, settings)
    return exit_code(report, failing)


def checked(options: GlobalOptions, paths: Sequence[Path], settings: Settings, wanted: CheckOptions) -> Report:
    """The report of an edit; where it touched no note, neither archive nor rules are opened."""
    from crawler.crawl.check import changed, check_changes, empty_run, nothing_to_check
    from crawler.crawl.context import open_context, utc_now
    from crawler.crawl.results import build_report

    changes = changed(paths, settings, wanted)
    if nothing_to_check(changes):
        return build_report(empty_run(utc_now()), (), {}, utc_now())
    with open_context(settings, "check", write=wanted.archive_new) as context, watching(options) as observer:
        return check_changes(context, paths, changes, wanted, observer)


def read_baseline(file: Path | None, stranger: Untrusted | None = None) -> frozenset[tuple[str, str]]:
    """What an earlier report says; nothing without one. Of a stranger's tree the base's is read. Raises UsageError."""
    if file is None:
        return frozenset()
    import json

    from crawler.crawl.check import baseline_keys

    try:
        return baseline_keys(json.loads(file.read_bytes() if stranger is None else stranger.read(file)))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{file}: cannot be read as a JSON report: {error}") from None

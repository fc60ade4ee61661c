"""`crawler check`: the CI check of note edits, and the hook before a commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
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
    suggestions,
    write_reports,
)
from crawler.core.errors import UsageError
from crawler.core.model import State
from crawler.core.settings import FAIL_ON_CHECK

if TYPE_CHECKING:
    from crawler.archive import Archive
    from crawler.core.model import History, Link, Report, Run
    from crawler.core.settings import Settings
    from crawler.notes.changes import Changes
    from crawler.sites import Sites

BUDGET = 300.0  # seconds; an author waits for the answer
MAX_AGE = 86400.0  # seconds; what last night's run saw needs no second check


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for."""

    since: str | None
    staged: bool
    everything: bool
    offline: bool
    budget: float
    max_age: float
    archive_new: bool
    baseline: Path | None


@click.command("check")
@paths_argument
@click.option("--since", metavar="REV", help="Only links on lines that changed since this commit's merge base.")
@click.option("--staged", is_flag=True, help="Only links on lines that are about to be committed.")
@click.option("--all", "everything", is_flag=True, help="Ask every link, also those that the archive knows well.")
@click.option("--offline/--online", default=False, help="Judge from the archive alone; send nothing [--online].")
@click.option("--fail-on", callback=parse_states, help='States that make the exit code 1, or "none" [dead].')
@click.option("--budget", type=Duration(), default=BUDGET, help="Begin no new link after this time [5m].")
@click.option("--max-age", type=Duration(), default=MAX_AGE, help="How long the archive's word is taken [1d].")
@click.option("--archive-new", is_flag=True, help="Keep a copy of each living page that is asked.")
@click.option("--baseline", type=click.Path(path_type=Path), help="A JSON report; what it says is not told again.")
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
    baseline: Path | None,
) -> int:
    """Check the links of an edit: which of the links that its author wrote are dead?

    A new link fails at once when its page is gone (404, 410, the site's own notice), its URL is malformed or its
    domain does not exist. Walls and doubts are warnings. Links that were there before fail only when their death is
    confirmed. The archive is read where there is one, and written only with --archive-new.
    """
    asked = Asked(since, staged, everything, offline, budget, max_age, archive_new, baseline)
    if since is not None and staged:
        raise UsageError("--since and --staged are two ways to say which lines; give one")
    if offline and archive_new:
        raise UsageError("--offline fetches nothing that --archive-new could keep; give one")
    pairs = pair_outputs(formats, outputs, default_format())
    settings = options.settings()
    failing = frozenset(FAIL_ON_CHECK) if fail_on is None else fail_on
    report = check(options, note_paths(paths, settings), settings, asked)
    how = report_options(options, settings, failing)
    how = replace(how, notes_folder=repository_places(note_paths(paths, settings), settings))
    write_reports(report, pairs, how, settings)
    return exit_code(report, failing)


def check(options: GlobalOptions, paths: Sequence[Path], settings: Settings, asked: Asked) -> Report:
    """The report of what an edit wrote, or of all links of `paths`."""
    from crawler.cli.work import now, open_archive
    from crawler.core.model import Run
    from crawler.report import build_report

    started = now()
    known_before = read_baseline(asked.baseline)
    changes = changed(paths, settings, asked)
    run = Run(id=f"{started:%Y%m%dT%H%M%SZ}-check", command="check", started_at=started, finished_at=started)
    if changes is not None and not changes.files and not changes.gone:
        return build_report(run, (), {}, started)
    with ExitStack() as stack:
        archive = stack.enter_context(open_archive(settings, "check", write=asked.archive_new))
        sites = load_sites_of(settings)
        links, local = find_links(options, paths, (settings, sites), archive, changes)
        histories, run = ask_about(options, links, (settings, sites), archive, asked, run)
        if changes is None:
            before = {link.canonical_url: archive.history(link.canonical_url) for link in links}
            histories = {key: _graded(history, before.get(key)) for key, history in histories.items()}
        histories |= local
        run = replace(run, finished_at=now())
        report = build_report(run, links, histories, now(), suggestions=suggestions(links, histories))
    return without_baseline(report, known_before)


def _graded(history: History, before: History | None) -> History:
    from crawler.crawl.edit import graded

    return graded(history, before, is_new=False)


def changed(paths: Sequence[Path], settings: Settings, asked: Asked) -> Changes | None:
    """The lines that count; None: all."""
    if asked.since is None and not asked.staged:
        return None
    from crawler.notes.files import notes_root
    from crawler.notes.git import changed_lines, staged_lines

    root = notes_root(paths, settings.notes, Path.cwd())
    if asked.since is not None:
        return changed_lines(root, asked.since, globs(paths, root, settings))
    return staged_lines(root, globs(paths, root, settings))


def globs(paths: Sequence[Path], root: Path, settings: Settings) -> list[str]:
    """What of the work tree are notes: the globs of [notes] include, and files that were named."""
    import re

    named = [(Path.cwd() / path) for path in paths]
    files = [path.relative_to(root).as_posix() for path in named if path.is_file() and path.is_relative_to(root)]
    return [*settings.notes.include, *(re.sub(r"([*?\[\\])", r"\\\1", file) for file in files)]


def find_links(
    options: GlobalOptions,
    paths: Sequence[Path],
    rules: tuple[Settings, Sites],
    archive: Archive,
    changes: Changes | None,
) -> tuple[Sequence[Link], Mapping[str, History]]:
    """The links to report on, and the state of those that are files."""
    from crawler.cli.work import now, read_links
    from crawler.crawl.edit import edited_links

    settings, sites = rules
    if changes is None:
        found = read_links(options, paths, settings, sites, archive, remember=False)
        return found.links, found.local_histories
    edited = edited_links(paths, settings.notes, sites, changes, now())
    for skipped in edited.skipped:
        options.say(f"crawler: {skipped.path} is skipped: {skipped.why}")
    return edited.links, edited.local


def ask_about(
    options: GlobalOptions,
    links: Sequence[Link],
    rules: tuple[Settings, Sites],
    archive: Archive,
    asked: Asked,
    run: Run,
) -> tuple[dict[str, History], Run]:
    """What is known of the links, after asking those of which too little is."""
    from crawler.cli.work import now
    from crawler.crawl.edit import malformed, to_ask

    known = {link.canonical_url: archive.history(link.canonical_url) for link in links}
    histories = {key: history for key, history in known.items() if history is not None}
    histories |= malformed(links, now())
    if asked.offline:
        return histories, run
    wanted = to_ask((x for x in links if x.host), histories, now(), asked.max_age, everything=asked.everything)
    if not wanted:
        return histories, run
    from crawler.cli.asking import ask

    told, run = ask(options, wanted, rules, archive, histories, asked.budget, keep=asked.archive_new)
    return histories | told, run


def read_baseline(file: Path | None) -> frozenset[tuple[str, str]]:
    """What an earlier report says; nothing without one. Raises UsageError."""
    if file is None:
        return frozenset()
    import json

    from crawler.notes.changes import baseline_keys

    try:
        return baseline_keys(json.loads(file.read_bytes()))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{file}: cannot be read as a JSON report: {error}") from None


def without_baseline(report: Report, known: frozenset[tuple[str, str]]) -> Report:
    """The report of what is new against a baseline; living links stay, they are told to nobody as a fault."""
    if not known:
        return report
    from crawler.notes.changes import without_known

    known = frozenset(key for key in known if key[1] != State.ALIVE)
    return replace(report, findings=tuple(without_known(report.findings, known)))


def repository_places(paths: Sequence[Path], settings: Settings) -> str:
    """The notes' root seen from the top of the repository, with a slash; "" at the top, and outside of git."""
    from crawler.notes.files import notes_root

    root = notes_root(paths, settings.notes, Path.cwd())
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)
    prefix = root.relative_to(top).as_posix()
    return "" if prefix == "." else f"{prefix}/"

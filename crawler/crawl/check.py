"""The check of an edit: the links that its author wrote, judged from memory or asked now.

A use case, callable without a terminal. Which links an edit wrote, and which of their faults are its own, is `edit`'s.
The archive is read where there is one, and written only where living pages are to be kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from crawler.core.errors import UsageError
from crawler.core.model import LOCAL, History, Link, State
from crawler.core.results import Report, Run
from crawler.crawl.edit import (
    Borrowed,
    edited_links,
    is_offline,
    malformed,
    to_ask,
)
from crawler.crawl.extraction import guarded
from crawler.crawl.observer import NO_NETWORK, SILENT, Observer
from crawler.crawl.reading import name_skipped, read_links
from crawler.crawl.results import FaultyNotes, build_report, faulty, suggestions
from crawler.notes.changes import Changes
from crawler.notes.files import note_paths, notes_root
from crawler.notes.git import changed_lines, staged_lines
from crawler.schedule.plan import Budget

if TYPE_CHECKING:
    from crawler.core.settings import Settings
    from crawler.crawl.context import Context

BUDGET = 300.0  # seconds; an author waits for the answer
MAX_AGE = 86400.0  # seconds; what last night's run saw needs no second check


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What of the notes is checked, and how. `since` is a commit; with neither `since` nor `staged` all lines count."""

    since: str | None = None
    staged: bool = False
    everything: bool = False  # ask also what the archive knows well
    offline: bool = False  # judge from the archive alone
    budget: float = BUDGET  # seconds; 0: no limit
    max_age: float = MAX_AGE  # seconds for which the archive's word is taken
    archive_new: bool = False  # keep living pages that are asked; the archive must be open for writing
    baseline: frozenset[tuple[str, str]] = frozenset()  # (canonical URL, state) that are known and left out


def changed(paths: Sequence[Path], settings: Settings, options: CheckOptions) -> Changes | None:
    """The lines that count; None: all. Raises GitError, NotesError."""
    if options.since is None and not options.staged:
        return None
    paths = note_paths(paths, settings.notes)
    root = notes_root(paths, settings.notes, Path.cwd())
    if options.since is not None:
        return changed_lines(root, options.since, globs(paths, root, settings))
    return staged_lines(root, globs(paths, root, settings))


def globs(paths: Sequence[Path], root: Path, settings: Settings) -> list[str]:
    """What of the work tree are notes: the globs of [notes] include, and files that were named."""
    named = [(Path.cwd() / path) for path in paths]
    files = [path.relative_to(root).as_posix() for path in named if path.is_file() and path.is_relative_to(root)]
    return [*settings.notes.include, *(re.sub(r"([*?\[\\])", r"\\\1", file) for file in files)]


def nothing_to_check(changes: Changes | None) -> bool:
    """Whether an edit touched no note: then neither archive nor rules need to be opened."""
    return changes is not None and not changes.files and not changes.gone


def check(
    context: Context, paths: Sequence[Path] = (), options: CheckOptions = CheckOptions(), observer: Observer = SILENT
) -> Report:
    """The report of what an edit wrote, or of all links of `paths` (default: the configured notes).

    Raises GitError, NotesError, and what the archive raises.
    """
    return check_changes(context, paths, changed(paths, context.settings, options), options, observer)


def check_changes(
    context: Context,
    paths: Sequence[Path],
    changes: Changes | None,
    options: CheckOptions,
    observer: Observer = SILENT,
) -> Report:
    """`check`, where the lines that count are known already; None: all."""
    now, archive = context.now, context.archive
    run = empty_run(context.now())
    links, local, notes = find_links(context, paths, changes, observer)
    known = {link.canonical_url: archive.history(link.canonical_url) for link in links}
    remembered = {key: history for key, history in known.items() if history is not None}
    histories, run = ask_about(context, links, remembered, options, run, observer)
    histories |= local
    run = replace(run, finished_at=now())
    report = build_report(
        run,
        links,
        histories,
        now(),
        suggestions=suggestions(links, histories, context.settings.serve.public),
        notes=notes,
        known_before={key for key, history in remembered.items() if history.checked_at is not None},
    )
    return without_baseline(report, options.baseline)


def empty_run(started: datetime) -> Run:
    """The run of a check in which nothing was asked yet."""
    return Run(id=f"{started:%Y%m%dT%H%M%SZ}-check", command="check", started_at=started, finished_at=started)


def find_links(
    context: Context, paths: Sequence[Path], changes: Changes | None, observer: Observer
) -> tuple[Sequence[Link], Mapping[str, History], FaultyNotes]:
    """The links to report on, the state of those that are files, and the notes that are to be named."""
    if changes is None:
        found = read_links(context, paths, observer, remember=False)
        return found.links, found.local_histories, faulty(found.notes.damaged, found.notes.skipped)
    notes = note_paths(paths, context.settings.notes)
    with guarded(context.settings) as extract:
        edited = edited_links(notes, context.settings.notes, context.sites, changes, context.now(), extract)
    name_skipped(edited.skipped, observer)
    for damaged in edited.damaged:
        observer.warn(f"{damaged.path}: {damaged.why}; its links are read all the same")
    return edited.links, edited.local, faulty(edited.damaged, edited.skipped)


def ask_about(
    context: Context,
    links: Sequence[Link],
    remembered: Mapping[str, History],
    options: CheckOptions,
    run: Run,
    observer: Observer,
) -> tuple[dict[str, History], Run]:
    """What is known of the links, after asking those of which too little is `remembered`."""
    histories = dict(remembered) | malformed(links, context.now())
    if options.offline:
        return histories, run
    asked = (link for link in links if link.host and link.site != LOCAL)
    wanted = to_ask(asked, histories, context.now(), options.max_age, everything=options.everything)
    if not wanted:
        return histories, run
    after, run = ask(context, wanted, histories, options, observer)
    return histories | after, run


def ask(
    context: Context,
    links: Sequence[Link],
    known: Mapping[str, History],
    options: CheckOptions,
    observer: Observer,
) -> tuple[dict[str, History], Run]:
    """Check links now; what is known of them after, and the run."""
    from crawler.crawl.job import Job, in_line
    from crawler.crawl.runner import run_job
    from crawler.crawl.tasks import Depth

    archive, now = context.archive, context.now
    settings = context.settings if options.archive_new else without_pictures(context.settings)
    memory = Borrowed(known, archive.slots(), archive if options.archive_new else None)
    depth = Depth.PAGE if options.archive_new else Depth.HEAD  # what is not kept need not be read
    job = Job(
        "check", links, settings, context.sites, memory, now, Budget(options.budget, all=True), observer, depth=depth,
        run_sync=None if options.archive_new else in_line,
    )  # fmt: skip
    outcome = run_job(job)
    after = {x.canonical_url: outcome.histories[x.canonical_url] for x in links if x.canonical_url in outcome.histories}
    if is_offline(outcome.run, links, after):
        observer.say(NO_NETWORK)
        return after, replace(outcome.run, network="down", complete=False, stopped_by="network-down")
    return after, outcome.run


def without_pictures(settings: Settings) -> Settings:
    """Pictures are for pages that are kept."""
    return msgspec.structs.replace(settings, archive=msgspec.structs.replace(settings.archive, images="none"))


def baseline_keys(report: object) -> frozenset[tuple[str, str]]:
    """What an earlier report (its JSON, parsed) already says: canonical URL and state. Raises UsageError."""
    match report:
        case {"links": list() as links}:
            found = ((link.get("canonical_url"), link.get("state")) for link in links if isinstance(link, dict))
            return frozenset((str(url), str(state)) for url, state in found)
        case _:
            raise UsageError("the baseline is no report; write one with --format json")


def without_baseline(report: Report, known: frozenset[tuple[str, str]]) -> Report:
    """The report of links that are new against a baseline, or in another state; living ones stay, as no fault."""
    if not known:
        return report
    known = frozenset(key for key in known if key[1] != State.ALIVE)
    new = (f for f in report.findings if (f.link.canonical_url, f.history.state.value) not in known)
    return replace(report, findings=tuple(new))


def repository_places(paths: Sequence[Path], settings: Settings) -> str:
    """The notes' root seen from the top of the repository, with a slash; "" at the top, and outside of git."""
    root = notes_root(note_paths(paths, settings.notes), settings.notes, Path.cwd())
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)
    prefix = root.relative_to(top).as_posix()
    return "" if prefix == "." else f"{prefix}/"

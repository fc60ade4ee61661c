"""From an outcome to reports on stdout and in files, and to an exit code.

Shared by every command that reports; what a format looks like is `report`'s business.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from crawler.cli.options import GlobalOptions
from crawler.cli.output import write_output
from crawler.cli.streams import is_plain_terminal, say
from crawler.core.errors import ConfigError, UsageError
from crawler.core.model import State
from crawler.core.results import Report
from crawler.report import FORMATS, ReportOptions

if TYPE_CHECKING:
    from crawler.core.settings import Settings
    from crawler.report.messages import Receiver

REPORTS = tuple(FORMATS)
EXIT_FINDINGS, EXIT_STOPPED = 1, 3


def parse_states(ctx: click.Context, param: click.Parameter, value: str | None) -> frozenset[State] | None:
    """The states of --fail-on; None where it was not given, an empty set for "none"."""
    if value is None:
        return None
    names = [name.strip() for name in value.split(",") if name.strip() and name.strip() != "none"]
    try:
        return frozenset(State(name) for name in names)
    except ValueError:
        known = ", ".join(State)
        raise click.BadParameter(f"{value!r}: expected states out of {known}, with commas", ctx, param) from None


def report_options(options: GlobalOptions, settings: Settings, fail_on: Iterable[State]) -> ReportOptions:
    """How to write reports here: language, width, colour."""
    terminal = sys.stdout.isatty()
    return ReportOptions(
        language=settings.report.language,
        width=_width() if terminal else 80,
        colour=terminal and not os.environ.get("NO_COLOR") and not is_plain_terminal(),
        verbose=options.verbose,
        fail_on=frozenset(fail_on),
    )


def _width() -> int:
    import shutil

    return max(60, shutil.get_terminal_size().columns)


def default_format() -> str:
    """A table for a person, a line a result for a pipe."""
    return "terminal" if sys.stdout.isatty() else "tsv"


def write_reports(
    report: Report,
    pairs: Sequence[tuple[str, Path | None]],
    how: ReportOptions,
    settings: Settings,
    notes: Path | None = None,
    *,
    of_all_notes: bool = False,
) -> list[Path]:
    """Write what the command line asks for, and where the report is `of_all_notes`, [report] formats and the feed.

    The files that were written come back.

    `notes` is the folder that paths in the report are relative to: a report in a file links to them. What a command
    found in some notes only never replaces the files that tell of all.
    """

    def write(name: str, file: Path | None) -> None:
        if file is None or str(file) == "-":
            write_output(None, FORMATS[name].stream(report, how), commands=name == "github")
            return
        near = how if notes is None else replace(how, notes_url=_way(file, notes))
        if str(file) == settings.notify.feed:
            near = replace(near, feed_url=file.absolute().as_uri())
        from crawler.cli.pages import write_pages

        write_pages(file, lambda named: FORMATS[name].pages(report, replace(near, page_name=named)))

    how = with_places(how, pairs, settings)
    everything = [*pairs, *(own_files(settings) if of_all_notes else ())]
    for name, file in everything:
        write(name, file)
    if any(name == "github" for name, _ in pairs) and (summary := os.environ.get("GITHUB_STEP_SUMMARY")):
        try:
            with Path(summary).open("a", encoding="utf-8") as stream:
                stream.write(step_summary(report, how))
        except OSError as error:
            raise UsageError(f"GITHUB_STEP_SUMMARY={summary} cannot be written: {error.strerror}") from None
    return [file for _, file in everything if file is not None and str(file) != "-"]


def check_reports(
    pairs: Sequence[tuple[str, Path | None]],
    settings: Settings,
    *,
    of_all_notes: bool = False,
    environ: Mapping[str, str] | None = None,
) -> None:
    """Raise, before anything is sent, where what the command is to write or to tell afterwards cannot be.

    `environ` is given by commands that use keys and webhooks. Raises ConfigError, UsageError.
    """
    from crawler.crawl.ready import ready_to_run
    from crawler.report.notify import address_of

    feed = Path(settings.notify.feed)
    own = [("[notify] feed" if file == feed else "[report] path", file) for _, file in own_files(settings)]
    files = [file for _, file in pairs if file is not None]
    if any(name == "github" for name, _ in pairs) and (summary := os.environ.get("GITHUB_STEP_SUMMARY")):
        files.append(Path(summary))
    hook = settings.notify.webhook if environ is not None else ""
    configured = own if of_all_notes else []
    ready_to_run(
        settings, files=files, configured=configured, environ=environ, also=[lambda: address_of(hook)] if hook else []
    )


def own_files(settings: Settings) -> list[tuple[str, Path]]:
    """Format and file of the reports that tell of all notes: [report] formats, and the feed. Raises ConfigError."""
    folder = Path(settings.report.path or settings.archive.path)
    if unknown := [name for name in settings.report.formats if name not in FORMATS]:
        raise ConfigError(f"[report] formats: no format {unknown[0]!r}; known: {', '.join(FORMATS)}")
    files = [(name, folder / f"report{FORMATS[name].suffix}") for name in settings.report.formats]
    return [*files, *([("atom", Path(settings.notify.feed))] if settings.notify.feed else [])]


def step_summary(report: Report, how: ReportOptions) -> str:
    """What a job shows: of a check the review of an edit, with links to its lines; of a run its report."""
    if report.run.command != "check":
        return FORMATS["markdown"].render(report, how)
    from crawler.report import review

    return review.render(report, replace(how, notes_url=how.notes_url or _lines_on_github(how.notes_folder)))


def _lines_on_github(folder: str) -> str:
    """Where the files of this commit are shown, as a job's environment tells it; "" elsewhere."""
    server, repository, commit = (os.environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "SHA"))
    commit = os.environ.get("CRAWLER_HEAD") or commit  # of a pull request: not the merge that GitHub tries
    return f"{server}/{repository}/blob/{quote(commit)}/{quote(folder)}" if server and repository and commit else ""


def with_places(how: ReportOptions, pairs: Sequence[tuple[str, Path | None]], settings: Settings) -> ReportOptions:
    """The options with where the archive and the HTML report lie."""
    html_file = _html_file(pairs, settings, Path(settings.report.path or settings.archive.path))
    return replace(how, archive=settings.archive.path, html_file=html_file)


def _html_file(pairs: Sequence[tuple[str, Path | None]], settings: Settings, folder: Path) -> str:
    """Where this command writes the HTML report; "" where it writes none."""
    asked = next((str(file) for name, file in pairs if name == "html" and file and str(file) != "-"), "")
    return asked or (str(folder / "report.html") if "html" in settings.report.formats else "")


def unless_quiet(
    pairs: list[tuple[str, Path | None]], formats: Sequence[str], options: GlobalOptions
) -> list[tuple[str, Path | None]]:
    """With --quiet the report that nobody asked for by name is not printed; files and named formats stay."""
    return [pair for pair in pairs if formats or pair[1]] if options.quiet else pairs


def _way(file: Path, notes: Path) -> str:
    """How to get from a report's file to the notes, as the beginning of a relative URL."""
    way = os.path.relpath(notes.resolve(), file.resolve().parent)
    return f"{quote(Path(way).as_posix())}/"


def receivers(settings: Settings) -> list[Receiver]:
    """Who gets messages. Raises ConfigError: asked before a run begins, so that no night ends with it."""
    if not settings.notify.urls:
        return []
    from crawler.report.messages import receivers_of

    return receivers_of(settings.notify.urls, os.environ)


def send_news(report: Report, how: ReportOptions, settings: Settings, wanted: Sequence[Receiver]) -> None:
    """A message to each of [notify] urls, where there is what [notify] when waits for."""
    from crawler.report import mail
    from crawler.report.digest import make_digest
    from crawler.report.document import readable_document
    from crawler.report.messages import send_messages

    how = replace(how, since=how.since or report.run.started_at)
    digest = make_digest(readable_document(report, whole=False), how.since or report.run.started_at)
    if not digest.is_news(settings.notify.when) or report.run.network == "down":
        return
    for failure in send_messages(wanted, mail.subject(digest, how), mail.render(report, how)):
        say(f"crawler: a message was not sent: {failure}")


def notify(
    report: Report, how: ReportOptions, options: GlobalOptions, settings: Settings, wanted: Sequence[Receiver] = ()
) -> None:
    """[notify]: the webhook and the receivers `wanted`, which hear only of news."""
    if wanted:
        send_news(report, how, settings, wanted)
    if not settings.notify.webhook:
        return
    from crawler.fetch.side import guarded_post
    from crawler.report.news import news_document
    from crawler.report.notify import TIMEOUT, address_of, send_webhook

    address = address_of(settings.notify.webhook)
    document = news_document(report)
    post = guarded_post(settings.fetch, seconds=TIMEOUT)
    if document and (failure := send_webhook(address, document, post)):
        options.say(f"crawler: the webhook was not reached: {failure}")


def exit_code(report: Report, fail_on: frozenset[State]) -> int:
    """3 before 1 before 0: a run that was stopped or broke says so before what it found."""
    run = report.run
    if run.network == "down" or run.stopped_by == "signal" or run.internal_errors:
        return EXIT_STOPPED
    return findings_code(report, fail_on)


def findings_code(report: Report, fail_on: frozenset[State]) -> int:
    """1 where a link is in one of the states that count as failure."""
    from crawler.report.document import standing_of

    failing = fail_on and any(state in fail_on for (_, state), links in standing_of(report.findings).items() if links)
    return EXIT_FINDINGS if failing else 0

"""`crawler rearchive`: fetch now, whatever is due, and say what changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import GlobalOptions, global_options, output_options, pair_outputs
from crawler.cli.output import rich_text, write_outputs
from crawler.cli.reporting import REPORTS, check_reports, exit_code, report_options, unless_quiet, write_reports
from crawler.cli.watching import watching
from crawler.core.errors import UsageError

if TYPE_CHECKING:
    from crawler.core.results import Finding


@click.command("rearchive")
@click.argument("targets", nargs=-1, required=True, metavar="URL|PATH...")
@click.option("--cookies", type=click.Path(path_type=Path), help="Netscape cookie file, sent to its own hosts only.")
@click.option("--browser", is_flag=True, help="Show the pages in an installed Chromium, and keep what it shows.")
@click.option("--profile", type=click.Path(path_type=Path), help="A browser profile of your own, for --browser.")
@click.option("--wait", is_flag=True, help="Wait until another run has left the archive.")
@output_options("text", *REPORTS)
@global_options
def command(
    options: GlobalOptions,
    *,
    targets: tuple[str, ...],
    cookies: Path | None,
    browser: bool,
    profile: Path | None,
    wait: bool,
    formats: tuple[str, ...],
    outputs: tuple[Path, ...],
) -> int:
    """Fetch these links, or all links of these notes, now, and keep a new snapshot of each.

    With --browser each named page is shown by a headless Chromium: for pages that need scripts, or a login that your
    --profile has. Prints one line a link: its state, what was kept, and what changed against the snapshot before.
    """
    from crawler.crawl.context import open_context
    from crawler.crawl.rearchive import Browser, rearchive, what_was_kept, with_cookies

    pairs = unless_quiet(pair_outputs(formats, outputs, "text", ("text", *REPORTS)), formats, options)
    settings = with_cookies(options.settings(), cookies)
    if profile is not None and not browser:
        raise UsageError("--profile is the browser's; give --browser too")
    check_reports(pairs, settings)
    shown_by = Browser(browser_program(), str(profile.absolute()) if profile else "") if browser else None
    with open_context(settings, "rearchive", write=True, wait=wait) as context, watching(options) as observer:
        result = rearchive(context, targets, observer, shown_by)
        lines = [describe(f, what_was_kept(result, f, context.archive)) for f in result.report.findings]
    how = report_options(options, settings, ())
    write_outputs([pair for pair in pairs if pair[0] == "text"], lambda _: rich_text(*lines) if lines else "")
    write_reports(result.report, [pair for pair in pairs if pair[0] != "text"], how, settings)
    return exit_code(result.report, frozenset())


def browser_program() -> str:
    """The installed browser. Raises BrowserError before anything is opened."""
    import os

    from crawler.fetch.browser import find_browser

    return find_browser(os.environ)


def describe(finding: Finding, kept: str) -> object:
    """One line for a person: state, URL, and what became of the snapshot."""
    from rich.text import Text

    from crawler.core.display import plain, redacted

    history = finding.history
    url = redacted(plain(finding.link.url))
    return Text.assemble((f"{history.state} ({history.reason})", "bold"), "  ", url, "  ", (kept, "dim"))

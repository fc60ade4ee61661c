"""`crawler rearchive`: fetch now, whatever is due, and say what changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import GlobalOptions, global_options, load_sites_of, output_options, pair_outputs
from crawler.cli.output import rich_text, write_outputs
from crawler.cli.reporting import REPORTS, exit_code, report_options, write_reports
from crawler.core.errors import UsageError

if TYPE_CHECKING:
    from crawler.archive import Archive
    from crawler.cli.looking import Opener
    from crawler.cli.work import FoundLinks
    from crawler.core.model import Finding, Snapshot
    from crawler.core.settings import Settings
    from crawler.sites import Sites


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
    from crawler.cli.looking import look_at_links
    from crawler.cli.work import open_archive
    from crawler.schedule.plan import Budget

    pairs = pair_outputs(formats, outputs, "text")
    settings = with_cookies(options.settings(), cookies)
    if profile is not None and not browser:
        raise UsageError("--profile is the browser's; give --browser too")
    program = browser_program() if browser else ""
    sites = load_sites_of(settings)
    with open_archive(settings, "rearchive", write=True, wait=wait) as archive:
        found = wanted(options, targets, settings, sites, archive)
        looked = look_at_links(
            options, "rearchive", found, (settings, sites), archive, Budget(all=True),
            open_fetcher=opener(program, profile, found) if browser else None,
        )  # fmt: skip
        before = {key: history.snapshot for key, history in looked.outcome.before.items()}
        lines = [
            describe(finding, before.get(finding.link.canonical_url), archive) for finding in looked.report.findings
        ]
    how = report_options(options, settings, ())
    write_outputs([pair for pair in pairs if pair[0] == "text"], lambda _: rich_text(*lines) if lines else "")
    write_reports(looked.report, [pair for pair in pairs if pair[0] != "text"], how, settings)
    return exit_code(looked.report, frozenset())


def with_cookies(settings: Settings, cookies: Path | None) -> Settings:
    """The settings with another cookie file."""
    import msgspec

    if cookies is None:
        return settings
    return msgspec.structs.replace(settings, fetch=msgspec.structs.replace(settings.fetch, cookies=str(cookies)))


def browser_program() -> str:
    """The installed browser. Raises BrowserError before anything is opened."""
    import os

    from crawler.fetch.browser import find_browser

    return find_browser(os.environ)


def opener(program: str, profile: Path | None, found: FoundLinks) -> Opener:
    """The fetcher with a browser for the links that were found."""
    from crawler.cli.work import now
    from crawler.fetch.rendering import browser_opener

    folder = str(profile.absolute()) if profile else ""
    return browser_opener(program, folder, [link.fetch_url for link in found.links], now)


def wanted(
    options: GlobalOptions, targets: Sequence[str], settings: Settings, sites: Sites, archive: Archive
) -> FoundLinks:
    """The links that the command line names: URLs as they are, and all links of the notes among the targets."""
    from crawler.cli.work import FoundLinks, read_links
    from crawler.core.model import Link
    from crawler.core.url import is_http
    from crawler.notes.links import NotesRead, link_of

    urls = [target for target in targets if is_http(target)]
    paths = [Path(target) for target in targets if not is_http(target)]
    links: dict[str, Link] = {}
    notes, local = NotesRead(), {}
    if paths:
        found = read_links(options, paths, settings, sites, archive)
        notes, local = found.notes, found.local_histories
        links = {link.canonical_url: link for link in found.links}
    for url in urls:
        link = link_of(url, sites)
        if not link.host:
            raise UsageError(f"{url!r} is not a URL that can be fetched")
        links.setdefault(link.canonical_url, link)
    return FoundLinks(notes, list(links.values()), local)


def describe(finding: Finding, before: Snapshot | None, archive: Archive) -> object:
    """One line for a person: state, URL, and what became of the snapshot."""
    from rich.text import Text

    from crawler.report.clean import plain, redacted

    history = finding.history
    url = redacted(plain(finding.link.url))
    return Text.assemble(
        (f"{history.state} ({history.reason})", "bold"),
        "  ",
        url,
        "  ",
        (kept(history.snapshot, before, archive), "dim"),
    )


def kept(now: Snapshot | None, before: Snapshot | None, archive: Archive) -> str:
    """What was kept, against what was kept before."""
    from crawler.notes.changes import sentence_diff

    if now is None:
        return "nothing kept"
    if before is None:
        return f"snapshot {now.id}, the first, {now.text_chars} characters"
    if now.id == before.id and now.captured_at == before.captured_at:
        return f"nothing new kept; snapshot {before.id} of {before.captured_at:%Y-%m-%d} stays"
    if now.digest == before.digest:
        return f"unchanged since {before.captured_at:%Y-%m-%d}"
    edits = sentence_diff(archive.text(before.id), archive.text(now.id))
    gone = sum(len(edit.old) for edit in edits if edit.change != "same")
    came = sum(len(edit.new) for edit in edits if edit.change != "same")
    return f"snapshot {now.id}: +{came} -{gone} sentences since {before.captured_at:%Y-%m-%d}"

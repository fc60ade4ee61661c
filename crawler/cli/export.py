"""`crawler export`: hand the archive to other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import GlobalOptions, global_options
from crawler.cli.streams import say
from crawler.cli.watching import TerminalObserver
from crawler.core.counts import Counted
from crawler.core.display import message, path_cell
from crawler.core.errors import UsageError

if TYPE_CHECKING:
    from crawler.archive.interchange import Done

FILE = click.Path(path_type=Path)


@click.command("export")
@click.argument("targets", nargs=-1, metavar="[URL|PATH]...")
@click.option("--wacz", metavar="FILE", type=FILE, help="One file that replayweb.page opens.")
@click.option("--warc", metavar="DIR", type=FILE, help="Plain .warc.gz files, for every tool that reads web archives.")
@click.option("--html", metavar="DIR", type=FILE, help="A folder that opens from disk, with a list and search.")
@click.option("--markdown", metavar="DIR", type=FILE, help="A file for each article with front matter, made for git.")
@click.option("--epub", metavar="FILE", type=FILE, help="One book of the articles, for reading devices.")
@click.option("--url", "urls", multiple=True, help="Only this link; may be repeated.")
@global_options
def command(
    options: GlobalOptions,
    *,
    targets: tuple[str, ...],
    wacz: Path | None,
    warc: Path | None,
    html: Path | None,
    markdown: Path | None,
    epub: Path | None,
    urls: tuple[str, ...],
) -> int:
    """Write the archive, or these links and all links of these notes, in forms that other tools read.

    Several forms at once are fine.
    """
    from crawler.crawl.context import open_context
    from crawler.crawl.export import export, not_kept

    chosen = {"wacz": wacz, "warc": warc, "html": html, "markdown": markdown, "epub": epub}
    places = {name: place for name, place in chosen.items() if place is not None}
    if not places:
        raise UsageError("nothing to write: give --wacz FILE, --warc DIR, --html DIR, --markdown DIR or --epub FILE")
    with open_context(options.settings(), "export", write=False, there=True) as context:
        named = (*targets, *urls)
        missing = not_kept(context, named)
        if missing and len(missing) == len(set(named)):
            raise UsageError(f"nothing to write: the archive holds no copy of {', '.join(missing)}")
        done = export(context, places, named, TerminalObserver(options))
    for url in missing:
        say(f"crawler: {url}: the archive holds no copy of it")
    damaged = sum(print_done(places[name], written) for name, written in done.items())
    return 1 if damaged or missing else 0


def print_done(place: Path, done: Done) -> int:
    """A line about what was written, one for each page that could not be read; how many those are."""
    click.echo(f"{path_cell(message(str(place)))}\t{Counted(done.pages):page}")
    for line in done.damaged:
        say(f"crawler: {line}; `crawler verify` tells more")
    return len(done.damaged)

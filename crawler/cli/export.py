"""`crawler export`: hand the archive to other tools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import GlobalOptions, global_options, load_sites_of
from crawler.core.errors import UsageError

if TYPE_CHECKING:
    from crawler.archive import Archive
    from crawler.archive.interchange import Done
    from crawler.archive.interchange.source import CaptureReader
    from crawler.core.settings import Settings

FILE = click.Path(path_type=Path)


@click.command("export")
@click.argument("targets", nargs=-1, metavar="[URL|PATH]...")
@click.option("--wacz", metavar="FILE", type=FILE, help="One file that replayweb.page opens.")
@click.option("--warc", metavar="DIR", type=FILE, help="Plain .warc.gz files, for every tool that reads web archives.")
@click.option("--html", metavar="DIR", type=FILE, help="A folder that opens from disk, with a list and search.")
@click.option("--markdown", metavar="DIR", type=FILE, help="A file for each article with front matter, made for git.")
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
    urls: tuple[str, ...],
) -> int:
    """Write the archive, or these links and all links of these notes, in forms that other tools read.

    Several forms at once are fine.
    """
    from crawler.cli.work import open_archive

    settings = options.settings()
    chosen = {"wacz": wacz, "warc": warc, "html": html, "markdown": markdown}
    if not any(chosen.values()):
        raise UsageError("nothing to write: give --wacz FILE, --warc DIR, --html DIR or --markdown DIR")
    damaged = 0
    with open_archive(settings, "export", write=False) as archive:
        wanted = identities(options, settings, (*targets, *urls), archive)
        for name, place in chosen.items():
            if place is not None:
                done = write(name, place, archive, wanted)
                damaged += tell(place, done)
                if wanted is not None and not done.pages and not done.damaged:
                    options.say(f"crawler: {place}: nothing was kept of these links")
    return 1 if damaged else 0


def identities(
    options: GlobalOptions, settings: Settings, targets: Sequence[str], archive: Archive
) -> frozenset[str] | None:
    """The canonical URLs that the command line names, by address or by note; None: all. Raises UsageError."""
    from crawler.cli.work import read_links
    from crawler.core.url import is_http

    if not targets:
        return None
    sites = load_sites_of(settings)
    named = {sites.identify(target).canonical_url for target in targets if is_http(target)}
    if paths := [Path(target) for target in targets if not is_http(target)]:
        found = read_links(options, paths, settings, sites, archive, remember=False)
        named.update(link.canonical_url for link in found.links)
    return frozenset(named)


def write(name: str, place: Path, archive: Archive, wanted: frozenset[str] | None) -> Done:
    """One export, in one pass over the archive."""
    from crawler.archive.interchange.source import CaptureReader

    return _writer(name)(place, CaptureReader(archive, wanted))


def _writer(name: str) -> Callable[[Path, CaptureReader], Done]:
    from crawler.cli.work import now

    match name:
        case "wacz":
            from crawler.archive.interchange.wacz import write_wacz

            return lambda place, reader: write_wacz(place, reader, now())
        case "warc":
            from crawler.archive.interchange.warc import write_warc

            return lambda place, reader: write_warc(place, reader, now())
        case "html":
            from crawler.archive.interchange.html import write_html

            return lambda place, reader: write_html(place, reader, now())
        case _:
            from crawler.archive.interchange.markdown import write_markdown

            return write_markdown


def tell(place: Path, done: Done) -> int:
    """A line about what was written, one for each page that could not be read; how many those are."""
    click.echo(f"{place}\t{done.pages} pages")
    for line in done.damaged:
        click.echo(f"crawler: {line}; `crawler verify` tells more", err=True)
    return len(done.damaged)

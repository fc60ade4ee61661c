"""`crawler import FILE --url URL`: pages that a person saved become snapshots."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import GlobalOptions, global_options
from crawler.cli.streams import say
from crawler.core.counts import Counted
from crawler.core.display import message, path_cell
from crawler.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from crawler.crawl.imported import Imported, ImportObserver, KeptPage, LostPage

EVERY = 2.0  # seconds between two scans of a watched folder; a file is taken when two of them found it alike


@click.command("import")
@click.argument("targets", nargs=-1, metavar="[FILE|FOLDER|-]...")
@click.option("--url", help="The address that the page was saved from, where the file does not tell it.")
@click.option("--force", is_flag=True, help="Keep it also when the rules see an error page or a wall in it.")
@click.option("--wait", is_flag=True, help="Wait until another run has left the archive.")
@click.option(
    "--watch", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Keep every page that appears in this folder (where your browser saves to), until stopped.",
)  # fmt: skip
@click.option(
    "--from", "source", type=click.Choice(["wayback"]),
    help="Bring captures of the Internet Archive, of the URLs or the links of the notes that are named.",
)  # fmt: skip
@global_options
def command(
    options: GlobalOptions,
    *,
    targets: tuple[str, ...],
    url: str | None,
    force: bool,
    wait: bool,
    watch: Path | None,
    source: str | None,
) -> int:
    """Keep pages that you saved yourself: HTML (also SingleFile), MHTML, .webarchive, PDF, WARC, ARC, WACZ, HAR.

    Each is kept as a snapshot of the time when it was saved; what later checks found stays true. A folder stands for
    the pages in it, "-" for a file (or a tar of files) on standard input. Damage costs what is damaged: 0 all was kept,
    1 something was damaged or refused, 2 nothing could be kept.
    """
    if source:
        return from_wayback(options, targets, wait=wait, others=bool(url or force or watch))
    files = tuple(map(Path, targets))
    if url and (len(files) > 1 or watch or any(file.is_dir() for file in files)):
        raise UsageError("--url says where one file came from; import the files one by one")
    if not files and not watch:
        raise UsageError("nothing to import: name files or folders, or --watch FOLDER")
    run = _importer(options, url, force=force)
    code = _exit_code(run(files, wait)) if files else 0
    return watched(watch, _importer(options, None, force=force, watch=True)) if watch else code


def from_wayback(options: GlobalOptions, targets: tuple[str, ...], *, wait: bool, others: bool) -> int:
    """The capture nearest to the note's date of each link, kept as a snapshot of its time and marked as what it is."""
    from crawler.crawl.context import open_context
    from crawler.crawl.wayback_import import import_captures

    if others or not targets:
        raise UsageError("--from wayback takes URLs, notes or folders, and none of --url, --force, --watch")
    with open_context(options.settings(), "import", write=True, wait=wait) as context:
        return _exit_code(import_captures(context, targets, _teller(options)))


def _importer(
    options: GlobalOptions, url: str | None, *, force: bool, watch: bool = False
) -> Callable[[Iterable[Path], bool], Imported]:
    from crawler.crawl.context import Context, open_archive, sites_of
    from crawler.crawl.importing import import_files

    settings = options.settings()
    sites = sites_of(settings)
    observer = _teller(options)

    def run(paths: Iterable[Path], wait: bool) -> Imported:
        with open_archive(settings, "import", write=True, wait=wait) as archive:
            context = Context(settings, sites, archive)
            return import_files(
                context, paths, url=url, force=force, stdin=sys.stdin.buffer, observer=observer, chosen=not watch
            )

    return run


def _exit_code(done: Imported) -> int:
    if not done.lost:
        return 0
    return 1 if done.kept else UsageError.exit_code


def watched(folder: Path, run: Callable[[Iterable[Path], bool], Imported]) -> int:
    """Import what comes into a folder until SIGINT or SIGTERM; a file that cannot be kept ends nothing."""
    import signal
    import threading

    from crawler.crawl.folderwatch import FolderWatch

    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        watch = FolderWatch(folder)
        while not stop.is_set():
            if ready := watch.settled():
                run(ready, True)
            stop.wait(EVERY)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _teller(options: GlobalOptions) -> ImportObserver:
    """Prints a line about each page: kept ones on stdout, the others on stderr."""
    from crawler.crawl.imported import ImportObserver

    class Teller(ImportObserver):
        def kept(self, page: KeptPage) -> None:
            click.echo(path_cell(message(kept_line(page))))

        def lost(self, page: LostPage) -> None:
            say(f"crawler: {lost_line(page)}")

        def say(self, line: str) -> None:
            options.say(f"crawler: {line}")

    return Teller()


def lost_line(page: LostPage) -> str:
    """What was not kept and why; of a refused page, what the rules see in its place."""
    from crawler.core.display import plain, redacted

    if page.verdict is None:
        return redacted(plain(page.why))
    verdict = page.verdict
    seen = f": {plain(verdict.evidence.matched)}" if verdict.evidence.matched else ""
    found = f"{verdict.state} ({verdict.reason}{seen})"
    return f"{plain(page.file)}: {redacted(plain(page.url))} is not the page but {found}; --force keeps it all the same"


def kept_line(page: KeptPage) -> str:
    """What was kept of a page, in one line."""
    from crawler.core.display import plain, redacted

    file, url, snapshot = plain(page.file), redacted(plain(page.url)), page.snapshot
    if snapshot is None:
        return f"{file}: {url} is kept beside the article that was seen alive, which stays its snapshot"
    title = plain(page.title) or "no title"
    again = ", there already" if page.again else ", its text was there already" if snapshot.revisit else ""
    return (
        f"{file}: snapshot {snapshot.id} of {url} as of {snapshot.captured_at:%Y-%m-%d}{again}, "
        f"{Counted(snapshot.text_chars):character}, {title}"
    )

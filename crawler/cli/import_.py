"""`crawler import FILE --url URL`: a page that a person saved becomes a snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import GlobalOptions, global_options
from crawler.core.errors import UsageError

if TYPE_CHECKING:
    from crawler.archive import Archive
    from crawler.archive.interchange.saved import SavedPage
    from crawler.core.model import Check
    from crawler.core.settings import Settings
    from crawler.crawl.importing import Kept
    from crawler.sites import Sites


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--url", help="The address that the page was saved from, where the file does not tell it.")
@click.option("--force", is_flag=True, help="Keep it also when the rules see an error page or a wall in it.")
@click.option("--wait", is_flag=True, help="Wait until another run has left the archive.")
@global_options
def command(options: GlobalOptions, *, files: tuple[Path, ...], url: str | None, force: bool, wait: bool) -> int:
    """Keep pages that you saved yourself: HTML (also SingleFile), MHTML, .webarchive, WARC, WACZ.

    Each is kept as a snapshot of the time when it was saved; what later checks found stays true. One failure does
    not end a batch; it shows in the exit code.
    """
    from crawler.crawl.context import open_archive, sites_of

    if url and len(files) > 1:
        raise UsageError("--url says where one file came from; import the files one by one")
    settings = options.settings()
    sites = sites_of(settings)
    failed = 0
    with open_archive(settings, "import", write=True, wait=wait) as archive:
        for file in files:
            try:
                failed += import_file(file, url, (settings, sites), archive, force=force)
            except UsageError as error:
                failed += 1
                click.echo(f"crawler: {error}", err=True)
    return UsageError.exit_code if failed else 0


def import_file(file: Path, url: str | None, rules: tuple[Settings, Sites], archive: Archive, *, force: bool) -> int:
    """Keep every page of one file, a line about each; the number that were turned away.

    Raises UsageError for a file that holds no page.
    """
    pages = list(pages_of(file))
    if url and len(pages) > 1:
        raise UsageError(f"{file} holds {len(pages)} pages, each with its own address; leave --url out")
    if not pages:
        raise UsageError(f"{file} holds no page: no HTML that was answered with 200")
    failed = 0
    for page in pages:
        try:
            click.echo(import_page(file, page, url or page.url, rules, archive, force=force))
        except UsageError as error:
            failed += 1
            click.echo(f"crawler: {error}", err=True)
    return failed


def pages_of(file: Path) -> Iterator[SavedPage]:
    """The pages in a file, by what its bytes are."""
    from crawler.archive.interchange.saved import check_size, read_saved

    try:
        if is_web_archive(file):
            from crawler.archive.interchange.incoming import read_web_archive

            yield from read_web_archive(file)
            return
        check_size(str(file), file.stat().st_size)
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    yield read_saved(str(file), data)


def is_web_archive(file: Path) -> bool:
    """WARC, packed or not, or WACZ: by name, or by the first bytes where the name does not tell."""
    if file.suffix in (".warc", ".wacz") or file.name.endswith((".warc.gz", ".warc.zst")):
        return True
    with file.open("rb") as stream:
        return stream.read(5).startswith((b"WARC/", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x5d\x2a\x4d\x18"))


def import_page(
    file: Path, page: SavedPage, url: str | None, rules: tuple[Settings, Sites], archive: Archive, *, force: bool
) -> str:
    """Keep one page; a line for people about it. Raises UsageError for what is none."""
    from crawler.crawl import importing
    from crawler.crawl.context import utc_now as now
    from crawler.notes.links import link_of

    if url is None:
        raise UsageError(f"{file} does not tell where it was saved from; give its address with --url")
    link = link_of(url, rules[1])
    if not link.host:
        raise UsageError(f"{url!r} is not a URL that a page can have")
    at = importing.time_of(page, datetime.fromtimestamp(file.stat().st_mtime, UTC), now())
    history = archive.history(link.canonical_url)
    check = importing.check_saved(page, link, at, rules, history, now())
    if not importing.is_page(check):
        if not force:
            raise UsageError(f"{file}: {why_not(check)}; --force keeps it all the same")
        check = importing.forced(check, history, rules[1], now())
    return told(file, importing.keep(check, page, rules[0], archive))


def why_not(check: Check) -> str:
    """What the rules see in place of a page."""
    from crawler.report.clean import plain, redacted

    verdict = check.verdict
    seen = f": {plain(verdict.evidence.matched)}" if verdict.evidence.matched else ""
    return f"{redacted(plain(check.link.url))} is not the page but {verdict.state} ({verdict.reason}{seen})"


def told(file: Path, kept: Kept) -> str:
    """What was kept of a page, in one line."""
    from crawler.report.clean import plain, redacted

    check, snapshot = kept.check, kept.snapshot
    url = redacted(plain(check.link.url))
    if snapshot is None:
        return f"{file}: {url} is kept beside the article that was seen alive, which stays its snapshot"
    title = plain(check.page.title) or "no title"
    again = ", there already" if kept.again else ", its text was there already" if snapshot.revisit else ""
    return (
        f"{file}: snapshot {snapshot.id} of {url} as of {snapshot.captured_at:%Y-%m-%d}{again}, "
        f"{snapshot.text_chars} characters, {title}"
    )

"""`crawler import FILE --url URL`: a page that a person saved becomes a snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import Options, global_options, load_sites_of
from crawler.errors import UsageError

if TYPE_CHECKING:
    from crawler.model import Look, Snapshot
    from crawler.saved import SavedPage
    from crawler.settings import Settings
    from crawler.sites import Sites
    from crawler.store import Archive


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--url", help="The address that the page was saved from, where the file does not tell it.")
@click.option("--force", is_flag=True, help="Keep it also when the rules see an error page or a wall in it.")
@click.option("--wait", is_flag=True, help="Wait until another run has left the archive.")
@global_options
def command(options: Options, *, files: tuple[Path, ...], url: str | None, force: bool, wait: bool) -> int:
    """Keep pages that you saved yourself: HTML (also SingleFile), MHTML, .webarchive, WARC, WACZ.

    One failure does not end a batch; it shows in the exit code.
    """
    from crawler.cli.work import open_archive

    if url and len(files) > 1:
        raise UsageError("--url says where one file came from; import the files one by one")
    settings = options.settings()
    sites = load_sites_of(settings)
    failed = 0
    with open_archive(settings, "import", write=True, wait=wait) as archive:
        for file in files:
            try:
                for line in import_file(file, url, (settings, sites), archive, force=force):
                    click.echo(line)
            except UsageError as error:
                failed += 1
                click.echo(f"crawler: {error}", err=True)
    return UsageError.exit_code if failed else 0


def import_file(
    file: Path, url: str | None, rules: tuple[Settings, Sites], archive: Archive, *, force: bool
) -> Iterator[str]:
    """Keep every page of one file; a line for people about each. Raises UsageError for what is no saved page."""
    pages = list(pages_of(file))
    if url and len(pages) > 1:
        raise UsageError(f"{file} holds {len(pages)} pages, each with its own address; leave --url out")
    for page in pages:
        yield import_page(file, page, url or page.url, rules, archive, force=force)


def pages_of(file: Path) -> Iterator[SavedPage]:
    """The pages in a file, by what its bytes are."""
    from crawler.saved import check_size, read_saved

    try:
        if file.suffix in (".warc", ".wacz") or file.name.endswith((".warc.gz", ".warc.zst")):
            from crawler.export.incoming import read_web_archive

            yield from read_web_archive(file)
            return
        check_size(str(file), file.stat().st_size)
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    yield read_saved(str(file), data)


def import_page(
    file: Path, page: SavedPage, url: str | None, rules: tuple[Settings, Sites], archive: Archive, *, force: bool
) -> str:
    """Judge a saved page as if it had been answered, and keep it."""
    if url is None:
        raise UsageError(f"{file} does not tell where it was saved from; give its address with --url")
    look = look_at_saved(page, url, rules, archive)
    verdict = look.verdict
    if verdict.state.value not in ("alive", "unknown") and not force:
        told = f"{verdict.state} ({verdict.reason}: {verdict.evidence.matched})"
        raise UsageError(f"{file}: this is not the page but {told}; --force keeps it all the same")
    (snapshot,) = archive.record([look])
    if snapshot is None:
        return f"{file}: nothing in it to keep"
    for image in page.images:
        keep_picture(archive, snapshot, image.url, image.body, rules[0])
    return f"{file}: snapshot {snapshot.id} of {url}, {snapshot.text_chars} characters, {page_title(look)}"


def look_at_saved(page: SavedPage, url: str, rules: tuple[Settings, Sites], archive: Archive) -> Look:
    """A look whose bytes a person brought."""
    from crawler.cli.explain import link_of
    from crawler.cli.work import now
    from crawler.memory import first_seen, remember
    from crawler.model import Fetch, Look
    from crawler.visit import examine

    settings, sites = rules
    link = link_of(url, sites)
    if not link.host:
        raise UsageError(f"{url!r} is not a URL that a page can have")
    at = now()
    headers = (("Content-Type", page.content_type or "text/html"), ("X-Imported-By", "crawler import"))
    fetched = Fetch(link.fetch_url, link.fetch_url, page.saved_at or at, status=200, headers=headers, body=page.body)
    _, read, verdict = examine(link, fetched, sites)
    history = archive.history(link.canonical_url) or first_seen(link.canonical_url, url, at)
    after = remember(history, fetched, read, verdict, at, settings.schedule, history.title_match)
    return Look(link, at, fetched, read, verdict, after, "import")


def keep_picture(archive: Archive, snapshot: Snapshot, url: str, body: bytes, settings: Settings) -> None:
    """Keep a picture that came with the page, if it is one and not too large."""
    from crawler.pictures import kind_of

    kind = kind_of(body)
    if kind and len(body) <= settings.archive.max_image:
        archive.put_image(snapshot.id, url, kind, body)


def page_title(look: Look) -> str:
    """Its title, fit for a terminal."""
    from crawler.report.clean import plain

    return plain(look.page.title) or "no title"

"""What every use case works with: settings, site rules, the archive and the clock, opened once and passed on.

No use case reads a configuration file or asks the time by itself; tests and scripts hand in their own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.core.errors import UsageError
from crawler.core.files import sweep_temporary_folders

if TYPE_CHECKING:
    from crawler.archive import Archive
    from crawler.core.settings import Settings
    from crawler.sites import Sites


def utc_now() -> datetime:
    """The wall clock, in UTC: the one place where a use case's time comes from unless it is given."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Context:
    """One configuration at work. `now` gives aware UTC times."""

    settings: Settings
    sites: Sites
    archive: Archive
    now: Callable[[], datetime] = utc_now


def sites_of(settings: Settings) -> Sites:
    """All site files, shipped and the user's. Raises ConfigError for what a file says wrongly."""
    from crawler.core.config import site_documents
    from crawler.sites import load_sites

    only_shipped = not settings.sites.path  # those are tried by their tests
    sites = load_sites(site_documents(settings), tried=only_shipped)
    if not only_shipped:
        from crawler.judge import check_site

        for site in sites:
            check_site(site)
    return sites


@contextmanager
def open_archive(
    settings: Settings,
    command: str,
    *,
    write: bool,
    wait: bool = False,
    there: bool = False,
    now: Callable[[], datetime] = utc_now,
) -> Iterator[Archive]:
    """The archive of these settings, closed at the end of the block; a missing one is an empty one, unless `there`.

    What a killed run left unjudged is judged first. `command` stands in the lock, so that a second writer can say who
    holds it. What had to be brought into agreement at opening is logged as a warning, a line each.
    Raises UsageError for a missing archive, ArchiveBusy unless `wait`, and the other errors of `Archive.open`.
    """
    from crawler.archive import Archive, holds_archive
    from crawler.crawl.leftovers import judge_leftovers

    if write:
        sweep_temporary_folders()
    path = Path(settings.archive.path)
    if there and not holds_archive(path):
        stored = (
            f"; `crawler verify --rebuild` makes one of what lies at {store}"
            if (store := settings.archive.store)
            else ""
        )
        raise UsageError(f"{path} holds no archive; name one with --archive, or let `crawler run` make it{stored}")
    new = write and not holds_archive(path)
    archive = Archive.open(path, settings.archive, write=write, wait=wait, command=command, now=now)
    try:
        if new:
            explain_folder(path)
        for notice in archive.notices:
            logging.getLogger("crawler.archive").warning("crawler: %s", notice)
        judge_leftovers(archive)
        yield archive
    finally:
        archive.close()


def explain_folder(path: Path) -> None:
    """Put the guide into a new archive; a README that is there stays, and a full disk is the first record's to meet."""
    from crawler.core.config import archive_guide

    try:
        with (path / "README.md").open("xb") as file:
            file.write(archive_guide())
    except OSError:
        pass


@contextmanager
def open_context(
    settings: Settings,
    command: str,
    *,
    write: bool,
    wait: bool = False,
    there: bool = False,
    now: Callable[[], datetime] = utc_now,
) -> Iterator[Context]:
    """Site files and archive of these settings. Raises ConfigError, and the errors of `open_archive`."""
    sites = sites_of(settings)
    with open_archive(settings, command, write=write, wait=wait, there=there, now=now) as archive:
        yield Context(settings, sites, archive, now)

"""The use case `import`: pages that people have in files become snapshots.

Which files and pages there are, under which addresses each is kept, and what was lost and why. How bytes become pages
is `archive.interchange`'s business, how a page becomes a check `brought`'s, what is printed `cli`'s. Pages that are
fetched from elsewhere (captures of the Internet Archive, say) come in by `import_page` like those of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from crawler.archive.interchange.embedded import with_pictures
from crawler.archive.interchange.files import (
    UNFINISHED,
    FilesBeside,
    files_in,
    from_stream,
    is_candidate,
    pages_of,
)
from crawler.core.errors import CrawlerError, UsageError
from crawler.crawl import brought
from crawler.crawl.examine import read as read_here
from crawler.crawl.observer import Observer
from crawler.crawl.readers import PastLimits, ReaderDied, SyncReaders, open_sync_readers
from crawler.notes.links import link_of

if TYPE_CHECKING:
    from crawler.archive.interchange.saved import SavedPage
    from crawler.core.model import Link, Redirect, Snapshot, Verdict
    from crawler.crawl.context import Context

STDIN = Path("-")
NO_PAGE = "holds no page: neither HTML nor a PDF that was answered with 200"


@dataclass(frozen=True, slots=True)
class KeptPage:
    """A page that is in the archive now. `snapshot` is None where the one of an article seen alive stays."""

    file: str
    url: str
    title: str
    snapshot: Snapshot | None
    again: bool = False  # it was there already, from the same time


@dataclass(frozen=True, slots=True)
class LostPage:
    """What of a file was not kept, and why; `verdict` where the rules see no page in it."""

    file: str
    why: str
    url: str = ""
    verdict: Verdict | None = None


@dataclass(slots=True)
class Imported:
    """What became of some files."""

    kept: list[KeptPage] = field(default_factory=list)
    lost: list[LostPage] = field(default_factory=list)


class ImportObserver(Observer):
    """Hears of each page as it comes, and by `say` of what was left out for a reason that is no damage."""

    def kept(self, page: KeptPage) -> None:
        """A page was kept."""

    def lost(self, page: LostPage) -> None:
        """Something was not kept."""


UNHEARD = ImportObserver()


def import_files(
    context: Context, paths: Iterable[Path], *, url: str | None = None, force: bool = False,
    stdin: IO[bytes] | None = None, observer: ImportObserver = UNHEARD,
) -> Imported:  # fmt: skip
    """Keep every page of some files and folders; the path "-" is `stdin`.

    `url`: the address of the one page of the one file. `force`: keep also what the rules take for a notice or a wall.
    One bad file never ends a batch. Raises ArchiveError where the archive cannot be written.
    """
    with open_sync_readers(context.settings, context.sites) as readers:
        work = _Import(context, url, force, observer, readers)
        for path in paths:
            work.path(path, stdin)
    return work.done


@dataclass(slots=True)
class _Import:
    context: Context
    url: str | None
    force: bool
    observer: ImportObserver
    readers: SyncReaders
    done: Imported = field(default_factory=Imported)

    def path(self, path: Path, stdin: IO[bytes] | None) -> None:
        """One path of the command line."""
        try:
            with from_stream(stdin) if path == STDIN and stdin else nullcontext(path) as place:
                name = "standard input" if path == STDIN else ""
                if place.is_dir():
                    self.folder(place)
                else:
                    self.file(place, name or str(path))
        except UsageError as error:
            self.lose(LostPage(str(path), str(error)))

    def folder(self, folder: Path) -> None:
        """Every page in a folder."""
        found = False
        for file in files_in(folder):
            found = True
            self.file(file, str(file), chosen=False)
        if not found:
            self.lose(LostPage(str(folder), f"{folder} holds no file that could be a saved page"))

    def file(self, file: Path, name: str, *, chosen: bool = True) -> None:
        """Every page of one file; of one that nobody chose, it is no fault to be none."""

        def lost(what: str) -> None:
            self.lose(LostPage(name, f"{name}: {what}"))

        try:
            count = 0
            for page in self._pages(file, name, lost):
                count += 1
                self.page(file, name, page)
            if not count and chosen:
                self.lose(LostPage(name, f"{name} {NO_PAGE}"))
        except UsageError as error:
            if chosen or file.suffix.lower() != ".zip":
                self.lose(LostPage(name, str(error).replace(str(file), name)))
        except CrawlerError:
            raise
        except Exception as error:  # one file in ten thousand that breaks a parser costs itself alone
            self.lose(LostPage(name, f"{name}: internal error: {type(error).__name__}: {error}; please report it"))

    def _pages(self, file: Path, name: str, lost: Callable[[str], None]) -> Iterator[SavedPage]:
        found = pages_of(file, lost, lambda what: self.observer.say(f"{name}: {what}"))
        if self.url is None:
            yield from found
            return
        pages = list(found)
        if len(pages) > 1:
            raise UsageError(f"{name} holds {len(pages)} pages, each with its own address; leave --url out")
        yield from pages

    def page(self, file: Path, name: str, page: SavedPage) -> None:
        """One page under each of its addresses."""
        for flaw in page.flaws:
            self.lose(LostPage(name, f"{name}: {flaw}"))
        changed = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        try:
            page = self.readers.call(with_pictures, page, FilesBeside(file.parent))
        except (PastLimits, ReaderDied) as error:
            self.lose(LostPage(name, f"{name}: its pictures: {error}"))
        how = partial(import_page, self.context, page, changed, name=name, url=self.url, force=self.force)
        try:
            for kept in how(read=self.readers.read):
                if isinstance(kept, LostPage):
                    self.lose(kept)
                else:
                    self.done.kept.append(kept)
                    self.observer.kept(kept)
        except UsageError as error:
            self.lose(LostPage(name, str(error)))

    def lose(self, page: LostPage) -> None:
        self.done.lost.append(page)
        self.observer.lost(page)


def import_page(
    context: Context,
    page: SavedPage,
    changed: datetime,
    *,
    name: str,
    url: str | None = None,
    force: bool = False,
    read: brought.Read | None = None,
) -> Iterator[KeptPage | LostPage]:
    """Keep one page under its address and under those that led to it; what became of each.

    `changed`: the time where the page tells none. `read`: who reads it; by default this process, without limits. Raises
    UsageError where it has no address.
    """
    read = read or partial(read_here, sites=context.sites)
    address = url or page.url
    if address is None:
        called = brought.own_address(page)
        hint = f" (the page calls itself {called})" if called else ""
        raise UsageError(f"{name} does not tell where it was saved from; give its address with --url{hint}")
    at = brought.time_of(page, changed, context.now())
    link = link_of(address, context.sites)
    if not link.host:
        raise UsageError(f"{address!r} is not a URL that a page can have")
    yield _kept(context, page, link, (at, ()), name, read, force=force)
    seen = {link.canonical_url}
    for number, hop in enumerate(page.redirects if url is None else ()):
        asked = link_of(hop.url, context.sites)
        if asked.host and asked.canonical_url not in seen:
            seen.add(asked.canonical_url)
            result = _kept(context, page, asked, (at, page.redirects[number:]), name, read, force=False)
            if isinstance(result, KeptPage):  # else it led elsewhere: to a home page, to another article
                yield result


def _kept(
    context: Context, page: SavedPage, link: Link, came: tuple[datetime, tuple[Redirect, ...]], name: str,
    read: brought.Read, *, force: bool,
) -> KeptPage | LostPage:  # fmt: skip
    at, hops = came
    history = context.archive.history(link.canonical_url)
    check = brought.check_saved(page, link, at, context, history, hops, read)
    if not brought.is_page(check):
        if not force:
            return LostPage(name, "no page", link.url, check.verdict)
        check = brought.forced(check, page, history, context)
    snapshot, again = brought.keep(check, page, context.archive)
    return KeptPage(name, link.url, check.page.title, snapshot, again)


@dataclass(slots=True)
class FolderWatch:
    """A folder whose new pages are to be imported; asked again and again, it tells which files came to rest."""

    folder: Path
    _seen: dict[Path, tuple[int, int]] = field(default_factory=dict)
    _done: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def settled(self) -> list[Path]:
        """Files that are new or changed and have kept their size and time since the last call."""
        now: dict[Path, tuple[int, int]] = {}
        for file in self._candidates():
            try:
                about = file.stat()
            except OSError:
                continue
            now[file] = (about.st_size, about.st_mtime_ns)
        ready = [
            f for f, state in now.items() if state[0] and self._seen.get(f) == state and self._done.get(f) != state
        ]
        self._seen = now
        self._done = {file: state for file, state in self._done.items() if file in now}
        self._done.update({file: now[file] for file in ready})
        return ready

    def _candidates(self) -> list[Path]:
        """The folder itself, not what lies in it deeper: browsers put single files there."""
        try:
            found = sorted(self.folder.iterdir())
        except OSError as error:
            raise UsageError(f"{self.folder} cannot be read: {error.strerror}") from None
        names = {file.name for file in found}
        return [
            file
            for file in found
            if is_candidate(file) and file.is_file() and not file.is_symlink()
            and not any(f"{file.name}{ending}" in names for ending in UNFINISHED)
        ]  # fmt: skip

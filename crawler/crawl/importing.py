"""The use case `import`: pages that people have in files become snapshots.

Which files and pages there are, under which addresses each is kept, and what was lost and why. How bytes become pages
is `archive.interchange`'s business, how a page becomes a check `saved_checks`'s, what is printed `cli`'s.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar, cast

from crawler.archive.interchange.files import (
    TARS,
    files_in,
    from_stream,
    is_document,
    pages_of,
    tells_address,
)
from crawler.archive.interchange.origin import SHORTCUT, is_shortcut
from crawler.archive.interchange.saved import reads_as_links
from crawler.archive.segments import FOLDER
from crawler.core.counts import Counted
from crawler.core.errors import CrawlerError, UsageError, summary
from crawler.crawl import saved_checks
from crawler.crawl.imported import UNHEARD, Imported, ImportObserver, KeptPage, LostPage
from crawler.crawl.indexing import SyncIndexer
from crawler.crawl.readahead import Read, ReadAhead
from crawler.crawl.saved_tasks import Address, SavedTask
from crawler.crawl.syncreaders import SyncReaders, open_sync_readers
from crawler.notes.links import link_of
from crawler.page.pdf import UNREADABLE

if TYPE_CHECKING:
    from crawler.archive.interchange.saved import SavedPage
    from crawler.crawl.context import Context
    from crawler.crawl.tasks import PageReading, ReadTask
    from crawler.sites import Sites

T = TypeVar("T")

STDIN = Path("-")
MAX_HELD = 24 * 1024 * 1024  # bytes of pages that are read ahead; when a segment rolls, theirs are packed anew
MAX_NAMED = 8  # kinds of files in a line
NO_PAGE = "holds no page: nothing in HTML, PDF, text, JSON or a feed that was answered with 200"


def import_files(
    context: Context, paths: Iterable[Path], *, url: str | None = None, force: bool = False,
    stdin: IO[bytes] | None = None, observer: ImportObserver = UNHEARD, chosen: bool = True,
) -> Imported:  # fmt: skip
    """Keep every page of some files and folders; the path "-" is `stdin`.

    Not `chosen`: files that lay in some folder, of which it is no fault to hold no page.

    `url`: the address of the one page of the one file. `force`: keep also what the rules take for a notice or a wall.
    One bad file never ends a batch. Raises ArchiveError where the archive cannot be written.
    """
    with (
        open_sync_readers(context.settings, context.sites) as readers,
        context.archive.deferring_terms() as terms,
    ):
        indexer = SyncIndexer(terms, readers)
        work = _Import(context, url, force, observer, readers, indexer.recorded)
        for path in paths:
            work.path(path, stdin, chosen=chosen)
        work.finish()
        indexer.finish()
    return work.done


@dataclass(frozen=True, slots=True)
class _Found:
    """A page of a file, on its way to the archive; its address is None where it has none that a page can have."""

    name: str
    page: SavedPage
    address: Address | None


@dataclass(frozen=True, slots=True)
class _WithReadings:
    """Readers, and what they have read already."""

    readers: SyncReaders
    readings: dict[str, PageReading]

    def read(self, task: ReadTask) -> PageReading:
        """What was read ahead, once; anything else is read now."""
        known = None if task.anyway else self.readings.pop(task.link.canonical_url, None)
        return known or self.readers.read(task)

    def call(self, function: Callable[..., T], *args: object) -> T:
        """Run a function in a worker."""
        return self.readers.call(function, *args)


@dataclass(slots=True)
class _Import:
    context: Context
    url: str | None
    force: bool
    observer: ImportObserver
    readers: SyncReaders
    recorded: Callable[[], None] = lambda: None
    done: Imported = field(default_factory=Imported)
    _waiting: deque[tuple[_Found, Callable[[], Read]] | LostPage] = field(default_factory=deque)
    _held: int = 0  # bytes of the pages that wait
    _batch: saved_checks.Batch = field(init=False)
    _ahead: ReadAhead = field(init=False)

    def __post_init__(self) -> None:
        self._batch = saved_checks.Batch(self.context.archive)
        self._ahead = ReadAhead(self.readers)

    def path(self, path: Path, stdin: IO[bytes] | None, *, chosen: bool = True) -> None:
        """One path of the command line."""
        called = "standard input" if path == STDIN else str(path)
        try:
            with self._opened(path, stdin, lambda what: self.lose(LostPage(called, f"{called}: {what}"))) as place:
                if place.is_dir():
                    self.folder(place, None if place == path else "" if path == STDIN else f"{path}/")
                else:
                    self.file(place, called, chosen=chosen)
                if place != path:
                    self.finish()  # what lies beside its pages goes with the block
        except UsageError as error:
            self.lose(LostPage(str(path), str(error)))

    @staticmethod
    @contextmanager
    def _opened(path: Path, stdin: IO[bytes] | None, lost: Callable[[str], None]) -> Iterator[Path]:
        """Where a path's pages lie: a stream and a tar file are unpacked until the block ends."""
        if path == STDIN and stdin:
            with from_stream(stdin, lost) as place:
                yield place
        elif path.name.lower().endswith(TARS) and path.is_file():
            with path.open("rb") as stream, from_stream(stream, lost) as place:
                yield place
        else:
            yield path

    def folder(self, folder: Path, called: str | None) -> None:
        """Every page in a folder; `called`: what stands before their names, where it was unpacked from something."""
        own = Path(self.context.settings.archive.path, FOLDER).resolve()
        found, left, others = False, False, Counter[str]()
        for file in files_in(folder):
            name = str(file) if called is None else f"{called}{file.relative_to(folder)}"
            if file.resolve().is_relative_to(own):  # what is kept already would be kept once more
                left = True
            elif tells_address(file):
                found = True
                self.file(file, name, chosen=False)
            elif is_document(file):
                found = self._without_address(file, name) or found
            elif not is_shortcut(file):
                others[file.suffix.lower() or file.name] += 1
        if left:
            self.observer.say(f"{called or folder}: the archive's own segments are left out")
        elif not found:
            self.lose(LostPage(str(folder), f"{folder} holds no file that could be a saved page"))
        elif others:
            kinds = ", ".join(sorted(others)[:MAX_NAMED]) + (", …" if len(others) > MAX_NAMED else "")
            shown = folder if called is None else called.rstrip("/") or "standard input"
            what = f"{Counted(others.total()):file is no saved page|files are no saved pages}"
            self.observer.say(f"{shown}: {what} ({kinds})")

    def _without_address(self, file: Path, name: str) -> bool:
        """Name a file that tells no address; True for a PDF, which is meant, as a text may not be."""
        how = f"give it alone with --url, or write it into {name}{SHORTCUT}"
        line = f"{name} does not tell its address; {how}"
        if meant := file.suffix.lower() == ".pdf":
            self.lose(LostPage(name, line))
        else:
            self.observer.say(line)
        return meant

    def file(self, file: Path, name: str, *, chosen: bool = True) -> None:
        """Every page of one file; of one that nobody chose, it is no fault to be none."""

        def lost(what: str) -> None:
            told.append(what)
            self.lose(LostPage(name, f"{name}: {what}"))

        try:
            count, told = 0, list[str]()
            for page in self._pages(file, name, lost):
                count += 1
                self.page(file, name, page)
            if not count and chosen and not told:
                self.lose(LostPage(name, f"{name} {NO_PAGE}"))
        except UsageError as error:
            if chosen or file.suffix.lower() != ".zip":
                self.lose(LostPage(name, str(error).replace(str(file), name)))
        except (CrawlerError, BrokenPipeError):  # the latter: nobody hears any more what was kept
            raise
        except Exception as error:  # one file in ten thousand that breaks a parser costs itself alone
            self.lose(LostPage(name, internal_error_line(name, error)))

    def _pages(self, file: Path, name: str, lost: Callable[[str], None]) -> Iterator[SavedPage]:
        found = pages_of(file, lost, lambda what: self.observer.say(f"{name}: {what}"))
        if self.url is None:
            yield from found
            return
        pages = list(found)
        if len(pages) > 1:
            raise UsageError(f"{name} holds {Counted(len(pages)):page}, each with its own address; leave --url out")
        yield from pages

    def page(self, file: Path, name: str, page: SavedPage) -> None:
        """Have one page read, and keep what has been read before it."""
        for flaw in page.flaws:
            self.lose(LostPage(name, f"{name}: {flaw}"))
        changed = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        found = _Found(name, page, self.address(page, changed))
        segment = self.context.archive.open_segment()
        task = SavedTask(page, str(file.parent), found.address, segment)
        self._waiting.append((found, self._ahead.begin(task)))
        self._held += saved_checks.size_of(page)
        while len(self._waiting) > self._ahead.most or (self._held > MAX_HELD and len(self._waiting) > 1):
            self._finish_first()

    def address(self, page: SavedPage, changed: datetime) -> Address | None:
        """The address of a page, and its time, `changed` where it tells none."""
        address = self.url or page.url
        link = link_of(address, self.context.sites) if address else None
        at = saved_checks.time_of(page, changed, self.context.now())
        return Address(link, at) if link and link.host else None

    def finish(self) -> None:
        """Keep every page that waits."""
        while self._waiting:
            self._finish_first()
        self._batch.flush()

    def _finish_first(self) -> None:
        first = self._waiting.popleft()
        if isinstance(first, LostPage):
            self._tell_in_order(first)
            return
        found, reading = first
        self._held -= saved_checks.size_of(found.page)
        try:
            self._keep(found, reading())
        except UsageError as error:
            self._tell_in_order(LostPage(found.name, str(error)))
        except (CrawlerError, BrokenPipeError):  # the latter: nobody hears any more what was kept
            raise
        except Exception as error:  # one page in ten thousand that breaks a parser costs itself alone
            self._tell_in_order(LostPage(found.name, internal_error_line(found.name, error)))

    def _keep(self, found: _Found, read: Read) -> None:
        """One page under each of its addresses."""
        if read.flaw:
            self._tell_in_order(LostPage(found.name, f"{found.name}: {read.flaw}"))
        known = {found.address.link.canonical_url: read.reading} if found.address and read.reading else {}
        self.keep_addresses(found, read.page, _WithReadings(self.readers, known))

    def keep_addresses(self, found: _Found, page: SavedPage, readers: saved_checks.Readers) -> None:
        """Raises UsageError where the page has no address."""
        address = self.url or page.url
        if address is None:
            if instead := reads_as_links(page):
                raise UsageError(
                    f"{found.name} is a list of links and no saved page: {instead}; --url keeps it all the same"
                )
            called = saved_checks.own_address(page, readers)
            hint = f" (the page calls itself {called})" if called else ""
            raise UsageError(f"{found.name} does not tell where it was saved from; give its address with --url{hint}")
        if found.address is None:
            raise UsageError(f"{address!r} is not a URL that a page can have")
        self._keep_one(found, page, found.address, readers, asked=True)
        seen = {found.address.link.canonical_url}
        for number, hop in enumerate(page.redirects if self.url is None else ()):
            other = link_of(hop.url, self.context.sites)
            if other.host and other.canonical_url not in seen:
                seen.add(other.canonical_url)
                hops = page.redirects[number:]
                self._keep_one(found, page, Address(other, found.address.at, hops), readers, asked=False)

    def _keep_one(
        self,
        found: _Found,
        page: SavedPage,
        address: Address,
        readers: saved_checks.Readers,
        *,
        asked: bool,
    ) -> None:
        """One page under one address. Not `asked`: one that led to it; it may have led elsewhere, to a home page."""
        link, context = address.link, self.context
        if self._batch.holds(link.canonical_url):
            self._batch.flush()
        history = context.archive.history(link.canonical_url)
        check = saved_checks.check_saved(page, address, context, history, readers)
        if not saved_checks.is_page(check):
            if not (asked and self.force):
                if asked:
                    self._tell_in_order(LostPage(found.name, "no page", link.url, check.verdict))
                return
            check = saved_checks.forced(check, page, history, context, readers)

        def tell(kept: saved_checks.Recorded) -> None:
            if kept.error:
                self._tell(LostPage(found.name, internal_error_line(found.name, kept.error)))
                return
            one = KeptPage(found.name, link.url, check.page.title, kept.snapshot, kept.again)
            self.done.kept.append(one)
            self.observer.kept(one)
            if check.page.limited == UNREADABLE:
                self._tell(
                    LostPage(found.name, f"{found.name}: this PDF file is damaged: its bytes are kept, without text")
                )

        self._batch.add(check, page, tell)
        self.recorded()

    def lose(self, page: LostPage) -> None:
        """Tell of a loss, after what came before it."""
        if self._waiting:
            self._waiting.append(page)
        else:
            self._tell_in_order(page)

    def _tell_in_order(self, page: LostPage) -> None:
        self._batch.flush()
        self._tell(page)

    def _tell(self, page: LostPage) -> None:
        self.done.lost.append(page)
        self.observer.lost(page)


class _Here:
    """Reads in this process, for pages that readers got through already."""

    ahead = 1

    def __init__(self, sites: Sites) -> None:
        self._sites = sites

    def read(self, task: ReadTask) -> PageReading:
        """Read at once."""
        from crawler.crawl.examine import read

        return read(task, self._sites)

    def call(self, function: Callable[..., T], *args: object) -> T:
        """Run a function at once."""
        return function(*args)


def import_page(
    context: Context, page: SavedPage, changed: datetime, *, name: str, readings: dict[str, PageReading]
) -> Iterator[KeptPage | LostPage]:
    """Keep one page, which readers got through already, under its addresses; what became of each.

    `changed`: the time where the page tells none. `readings`: what they made of it, by canonical URL; under another
    address it is read here. Raises UsageError where it has no address.
    """
    here = cast("SyncReaders", _Here(context.sites))
    work = _Import(context, None, False, UNHEARD, here)
    work.keep_addresses(_Found(name, page, work.address(page, changed)), page, _WithReadings(here, readings))
    work.finish()
    yield from work.done.kept
    yield from work.done.lost


def internal_error_line(name: str, error: Exception) -> str:
    """The line for a fault of ours."""
    return f"{name}: internal error: {summary(error)}; please report it"

"""Handing the archive on: all of it, or what some links and notes name, in one or several forms.

A use case, callable without a terminal. What a form looks like is `archive.interchange`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from crawler.archive.interchange.converting import HERE, TooComplex, Workers
from crawler.archive.interchange.source import CaptureReader, LinkFacts
from crawler.core.url import is_http
from crawler.crawl.observer import SILENT, Observer
from crawler.crawl.reading import read_links
from crawler.notes.links import link_up_remembered

if TYPE_CHECKING:
    from crawler.archive.interchange import Done
    from crawler.core.settings import Settings
    from crawler.crawl.context import Context
    from crawler.crawl.syncreaders import SyncReaders

S = TypeVar("S")
T = TypeVar("T")


def export(
    context: Context, forms: Mapping[str, Path], targets: Sequence[str] = (), observer: Observer = SILENT
) -> dict[str, Done]:
    """Write each form ("wacz", "warc", "html", "markdown", "epub") to its place; what was written, by form. A place
    that holds something is never replaced by an export of nothing.

    `targets` are URLs, note files and folders; without any, everything is written. Raises what a writer raises.
    """
    from crawler.crawl.readers import process_count

    wanted = identities(context, targets, observer)
    facts = facts_of(context)
    done = {}
    with ExitStack() as stack:
        write = partial(
            writer, report=newest_report(context.settings), workers=_Workers(context, stack),
            threads=process_count(context.settings.read),
        )  # fmt: skip
        for name, place in forms.items():
            if would_empty(context, place, wanted):
                observer.say(f"{place}: there is nothing to write, so what is there stays as it is")
                continue
            done[name] = write(name)(place, CaptureReader(context.archive, wanted, facts), context.now())
    for name, written in done.items():
        place = forms[name]
        for line in written.left_out:
            observer.say(f"{place}: left out: {line}")
        if not written.pages and not written.damaged:
            what = "nothing was kept of these links" if wanted is not None else "nothing was kept yet"
            observer.say(f"{place}: {what}")
    return done


class _Workers:
    """Readers that convert copies, each within the limits of a page; they start with the first copy."""

    def __init__(self, context: Context, stack: ExitStack) -> None:
        self._context = context
        self._stack = stack

    @cached_property
    def _readers(self) -> SyncReaders:
        from crawler.crawl.syncreaders import open_sync_readers  # other forms do without

        return self._stack.enter_context(open_sync_readers(self._context.settings, self._context.sites))

    def call(self, function: Callable[..., T], *args: object) -> T:
        """Call a function in a reader. Raises TooComplex."""
        from crawler.crawl.readers import PastLimits, ReaderDied

        try:
            return self._readers.call(function, *args)
        except (PastLimits, ReaderDied) as error:
            raise TooComplex(str(error)) from None

    def in_order(self, work: Callable[[S], T], items: Iterable[S]) -> Iterator[tuple[S, T]]:
        """Do some work for each item on all readers."""
        rest = iter(items)
        for first in rest:
            yield from self._readers.in_order(work, chain((first,), rest))


def facts_of(context: Context) -> Callable[[str], LinkFacts]:
    """What is remembered of each link, and where the notes of the last run name it."""
    histories = context.archive.histories()
    places: dict[str, list[str]] = {}
    found = [occurrence for entry in context.archive.notes().values() for occurrence in entry.occurrences]
    for link in link_up_remembered(found, context.sites, context.archive, remember=False):
        places[link.canonical_url] = [f"{o.path}:{o.line}" for o in link.occurrences]

    def facts(canonical_url: str) -> LinkFacts:
        history = histories.get(canonical_url)
        notes = tuple(dict.fromkeys(places.get(canonical_url, ())))
        if history is None:
            return LinkFacts(notes=notes)
        return LinkFacts(history.state.value, history.reason, history.last_alive, notes)

    return facts


def newest_report(settings: Settings) -> Path | None:
    """The HTML report that the last run wrote, where the configuration asks for one."""
    path = Path(settings.report.path or settings.archive.path) / "report.html"
    return path if path.is_file() else None


def would_empty(context: Context, place: Path, wanted: frozenset[str] | None) -> bool:
    """Whether an export would replace something by nothing."""
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return False
    return not any(wanted is None or capture.canonical_url in wanted for capture in context.archive.captures())


def identities(context: Context, targets: Sequence[str], observer: Observer = SILENT) -> frozenset[str] | None:
    """The canonical URLs that targets name, by address or by note; None: all. Raises NotesError."""
    if not targets:
        return None
    named = {context.sites.identify(target).canonical_url for target in targets if is_http(target)}
    if paths := [Path(target) for target in targets if not is_http(target)]:
        found = read_links(context, paths, observer, remember=False)
        named.update(link.canonical_url for link in found.links)
    return frozenset(named)


def not_kept(context: Context, targets: Sequence[str]) -> list[str]:
    """The URLs among targets of which the archive holds no snapshot, as they were named."""
    urls = dict.fromkeys(target for target in targets if is_http(target))
    return [url for url in urls if not context.archive.snapshots(context.sites.identify(url).canonical_url)]


def writer(
    name: str, report: Path | None = None, workers: Workers = HERE, threads: int = 1
) -> Callable[[Path, CaptureReader, datetime], Done]:
    """The writer of a form; `report` is linked by the HTML folder, `workers` convert copies, `threads` pack records."""
    match name:
        case "wacz":
            from crawler.archive.interchange.wacz import write_wacz

            return partial(write_wacz, threads=threads)
        case "warc":
            from crawler.archive.interchange.warc import write_warc

            return partial(write_warc, threads=threads)
        case "html":
            from crawler.archive.interchange.html import write_html

            return lambda place, reader, now: write_html(place, reader, now, report=report, workers=workers)
        case "markdown":
            from crawler.archive.interchange.markdown import write_markdown

            return lambda place, reader, _: write_markdown(place, reader, workers)
        case "epub":
            from crawler.archive.interchange.epub import write_epub

            return lambda place, reader, now: write_epub(place, reader, now, workers=workers)
        case _:
            raise ValueError(f"no form {name!r}")

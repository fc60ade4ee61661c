"""Handing the archive on: all of it, or what some links and notes name, in one or several forms.

A use case, callable without a terminal. What a form looks like is `archive.interchange`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.archive.interchange.source import CaptureReader
from crawler.core.url import is_http
from crawler.crawl.observer import SILENT, Observer
from crawler.crawl.reading import read_links

if TYPE_CHECKING:
    from crawler.archive.interchange import Done
    from crawler.crawl.context import Context


def export(
    context: Context, forms: Mapping[str, Path], targets: Sequence[str] = (), observer: Observer = SILENT
) -> dict[str, Done]:
    """Write each form ("wacz", "warc", "html", "markdown") to its place; what was written, by form. A place
    that holds something is never replaced by an export of nothing.

    `targets` are URLs, note files and folders; without any, everything is written. Raises what a writer raises.
    """
    wanted = identities(context, targets, observer)
    done = {}
    for name, place in forms.items():
        if would_empty(context, place, wanted):
            observer.say(f"{place}: there is nothing to write, so what is there stays as it is")
            continue
        done[name] = writer(name)(place, CaptureReader(context.archive, wanted), context.now())
        if wanted is not None and not done[name].pages and not done[name].damaged:
            observer.say(f"{place}: nothing was kept of these links")
    return done


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


def writer(name: str) -> Callable[[Path, CaptureReader, datetime], Done]:
    """The writer of a form."""
    match name:
        case "wacz":
            from crawler.archive.interchange.wacz import write_wacz

            return write_wacz
        case "warc":
            from crawler.archive.interchange.warc import write_warc

            return write_warc
        case "html":
            from crawler.archive.interchange.html import write_html

            return write_html
        case "markdown":
            from crawler.archive.interchange.markdown import write_markdown

            return lambda place, reader, _: write_markdown(place, reader)
        case _:
            raise ValueError(f"no form {name!r}")

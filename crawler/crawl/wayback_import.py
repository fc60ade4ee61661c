"""Captures of the Internet Archive come into the archive, one for each link: the one nearest to the note's date.

A use case, callable without a terminal. Which capture shows a page is `captures`' to say, how a page is kept is
`importing`'s; the capture is marked as the Archive's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import trio

from crawler.archive.interchange.saved import SavedPage
from crawler.core.errors import UsageError
from crawler.core.model import LOCAL, State
from crawler.crawl.captures import CaptureFinder, CaptureQuestion, FoundCapture, question_about
from crawler.crawl.imported import UNHEARD, Imported, ImportObserver, KeptPage, LostPage
from crawler.crawl.importing import import_page
from crawler.crawl.readers import open_readers
from crawler.crawl.rearchive import wanted_links
from crawler.crawl.run import head_of_note
from crawler.crawl.wayback import Dated, is_public, until_signal, written_at
from crawler.fetch.wayback import open_sender, paced
from crawler.notes.git import LineCommits
from crawler.schedule.history import first_seen

if TYPE_CHECKING:
    from crawler.core.model import Link
    from crawler.crawl.context import Context

WHY = {
    "none": "the Internet Archive has no capture of it",
    "unfit": "no capture at the Internet Archive shows the page",
    "excluded": "the Internet Archive may not show it",
    "silent": "the Internet Archive gave no answer; try again later",
}


def import_captures(context: Context, targets: Sequence[str], observer: ImportObserver = UNHEARD) -> Imported:
    """Keep the capture nearest to the note's date of every link that `targets` (URLs, notes, folders) name.

    Raises UsageError, NotesError. A signal ends it early; what was kept stays.
    """
    found = wanted_links(context, targets, observer)
    root = found.notes.root
    dated = partial(written_at, head_of=lambda name: head_of_note(root / name), commit_of=LineCommits(root))
    done = Imported()
    wanted = []
    for link in found.links:
        if link.site == LOCAL:
            continue
        if is_public(link):
            wanted.append(_question(context, link, dated))
        else:
            lose(done, observer, LostPage(link.url, f"{link.url}: nobody is told of an address of somebody's own"))
    trio.run(until_signal, partial(_ask, context, wanted, done, observer))
    return done


def _question(context: Context, link: Link, dated: Dated) -> CaptureQuestion:
    """A page that lives may be brought as it is today; of one that fails, nothing younger than its life counts."""
    known = context.archive.history(link.canonical_url) or first_seen(link.canonical_url, link.url, context.now())
    question = question_about(link, known, dated(link, known))
    lives = known.state in (State.ALIVE, State.UNCHECKED)
    return replace(question, until=None if lives else question.until)


async def _ask(context: Context, wanted: Sequence[CaptureQuestion], done: Imported, observer: ImportObserver) -> None:
    endpoint = context.settings.wayback.endpoint.rstrip("/")
    async with (
        open_readers(context.settings, context.sites) as readers,
        open_sender(context.settings.fetch, endpoint) as send,
    ):
        finder = CaptureFinder(paced(send), readers.read, endpoint)
        for question in wanted:
            search = await finder(question)
            if search.found is None:
                lose(done, observer, LostPage(question.link.url, f"{question.link.url}: {WHY[search.outcome]}"))
            else:
                keep(context, question.link, search.found, done, observer)


def keep(context: Context, link: Link, found: FoundCapture, done: Imported, observer: ImportObserver) -> None:
    """Keep one capture under the link, and where it came by redirects, under its own address too."""
    fetched, taken = found.fetched, found.capture
    page = SavedPage(
        url=taken.original if fetched.redirects else link.url,
        saved_at=taken.captured_at,
        body=fetched.body,
        content_type=fetched.header("content-type"),
        redirects=fetched.redirects,
        source=taken.url,
    )
    try:
        readings = {link.canonical_url: found.reading} if found.reading else {}
        for kept in import_page(context, page, taken.captured_at, name=taken.url, readings=readings):
            if isinstance(kept, KeptPage):
                done.kept.append(kept)
                observer.kept(kept)
            else:
                lose(done, observer, kept)
    except UsageError as error:
        lose(done, observer, LostPage(taken.url, str(error)))


def lose(done: Imported, observer: ImportObserver, page: LostPage) -> None:
    """Something was not kept."""
    done.lost.append(page)
    observer.lost(page)

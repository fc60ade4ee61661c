"""After a run: where the dead can still be read, and saving the living while they live, at the Internet Archive.

Which links are asked about, how many, and what is remembered of the answers lives here; how the Archive is asked is
`fetch.wayback`'s. Nothing of this happens unless `[wayback]` says so, and never for a check.
"""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from itertools import zip_longest
from typing import TYPE_CHECKING

import trio

from crawler.core.model import Elsewhere, History, Link, Occurrence, State
from crawler.crawl.captures import CaptureFinder, CaptureQuestion, CaptureSearch, question_about
from crawler.crawl.readers import open_readers
from crawler.fetch.savepage import SaveOutcome, Service, Submission, read_keys, submit
from crawler.fetch.wayback import open_sender, paced
from crawler.notes.dates import note_date

if TYPE_CHECKING:
    from crawler.core.settings import Settings
    from crawler.crawl.context import Context

MOST = 100  # dead links asked about after one run; the rest has its turn after the next ones
SECONDS = 180.0  # for all of these questions; each takes one for the index and some for captures
SILENCES = 3  # questions in a row without an answer after which the Archive is left alone
SILENCES_OF_A_SITE = 2  # without an answer in all, after which no more is asked about a site
ASK_AGAIN = timedelta(days=30)  # a capture may have come from somebody else
SUBMIT_SECONDS = 300.0  # for all submissions of one run: twenty pages without keys, sixty with them

CommitOf = Callable[[Occurrence], datetime | None]
"""When the line of an occurrence was first committed, None where nobody knows."""

HeadOf = Callable[[str], str]
"""The beginning of a note by its name, "" where it cannot be read."""

Dated = Callable[[Link, History], datetime]
"""When a link was written."""


def written_at(
    link: Link, history: History, head_of: HeadOf = lambda _: "", commit_of: CommitOf = lambda _: None
) -> datetime:
    """When a link was written: by its note (`note_date`), else when it was alive last or first seen."""
    for occurrence in link.occurrences:
        path, head = occurrence.path, head_of(occurrence.path)
        if date := note_date(path, head) or note_date(path, head, commit_of(occurrence)):
            return date
    return history.last_alive or history.first_seen


def questions(
    links: Iterable[Link], histories: Mapping[str, History], now: datetime, dated: Dated = written_at
) -> list[CaptureQuestion]:
    """The dead that nobody knows a good capture of; at most `MOST`.

    Sites take turns, so that none keeps the others waiting. Of a site those that died last come first; those that the
    Archive was silent about come after all others.
    """
    dead = [(link, history) for link, history in _with_history(links, histories) if _is_wanted(history, now)]
    dead.sort(key=lambda pair: (pair[1].changed_at or pair[1].first_seen, pair[0].canonical_url), reverse=True)
    fresh = [pair for pair in dead if not _was_silent(pair[1])]
    silent = sorted((pair for pair in dead if _was_silent(pair[1])), key=_asked_at)
    chosen = [*_taking_turns(fresh), *_taking_turns(silent)][:MOST]
    return [question_about(link, history, dated(link, history)) for link, history in chosen]


def _taking_turns(pairs: Iterable[tuple[Link, History]]) -> Iterator[tuple[Link, History]]:
    by_slot: dict[str, list[tuple[Link, History]]] = {}
    for pair in pairs:
        by_slot.setdefault(pair[0].slot, []).append(pair)
    for turn in zip_longest(*by_slot.values()):
        yield from filter(None, turn)


def _was_silent(history: History) -> bool:
    return history.elsewhere is not None and history.elsewhere.outcome == "silent"


def _asked_at(pair: tuple[Link, History]) -> datetime:
    return pair[1].elsewhere.asked_at if pair[1].elsewhere else pair[1].first_seen


def _with_history(links: Iterable[Link], histories: Mapping[str, History]) -> Iterator[tuple[Link, History]]:
    for link in links:
        history = histories.get(link.canonical_url)
        if history is not None and is_public(link):
            yield link, history


def _is_wanted(history: History, now: datetime) -> bool:
    return history.state is State.DEAD and is_open(history, now)


def is_open(history: History, now: datetime) -> bool:
    """Whether the Archive is to be asked about a dead link: never, silent then, or long enough ago."""
    known = history.elsewhere
    if known is None or known.outcome == "silent" or (known.url and known.outcome == ""):
        return True  # a capture that an older version never tried is no answer
    died_since = history.changed_at is not None and known.asked_at < history.changed_at
    return not known.is_tried and (died_since or now - known.asked_at >= ASK_AGAIN)


def is_public(link: Link) -> bool:
    """May others hear of this link at all? Names without a dot and addresses without a name are somebody's own."""
    host = link.host.strip("[]")
    try:
        ip_address(host)
    except ValueError:
        return "." in host and not host.endswith((".local", ".localhost", ".internal", ".lan", ".home.arpa"))
    return False


Search = Callable[[CaptureQuestion], Awaitable[CaptureSearch]]


async def ask_captures(
    search: Search, wanted: Sequence[CaptureQuestion], now: Callable[[], datetime], heard: Callable[[History], None]
) -> None:
    """Ask about one link after the other; `heard` is called with each memory that holds its answer.

    A silence is remembered as one, so that others have their turn first. Several in a row are the Archive's own, and
    end the questions; a site about which it is silent twice is left alone for now, so that others are asked about.
    """
    silences: Counter[str] = Counter()
    row = 0
    for question in wanted:
        slot = question.link.slot
        if silences[slot] >= SILENCES_OF_A_SITE:
            continue
        answer = await search(question)
        heard(replace(question.history, elsewhere=remembered_search(answer, now())))
        is_silent = answer.outcome == "silent"
        silences[slot] += is_silent
        row = row + 1 if is_silent else 0
        if row >= SILENCES:
            return


def remembered_search(answer: CaptureSearch, now: datetime) -> Elsewhere:
    """What is kept of an answer of the Archive."""
    if answer.found is None:
        return Elsewhere(now, outcome=answer.outcome)
    capture, page = answer.found.capture, answer.found.page
    return Elsewhere(
        now, capture.url, capture.captured_at, answer.outcome, answer.found.fetched.status, page.title,
        answer.found.title_match,
    )  # fmt: skip


def offers(links: Iterable[Link], histories: Mapping[str, History], settings: Settings) -> dict[str, History]:
    """Living links that were never offered, the newest first, by the URL that is submitted.

    Hosts of `[fetch] resolve` are the user's own; with `allow_private` nothing tells an intranet's page from others.
    """
    if settings.fetch.allow_private:
        return {}
    own = {name.rpartition(":")[0] or name for name in settings.fetch.resolve}
    alive = [
        (link, history)
        for link, history in _with_history(links, histories)
        if history.state is State.ALIVE and _was_never_offered(history) and link.host not in own
    ]
    alive.sort(key=lambda pair: (pair[1].first_seen, pair[0].canonical_url), reverse=True)
    return {link.url: history for link, history in alive}


def _was_never_offered(history: History) -> bool:
    return history.elsewhere is None or history.elsewhere.outcome == "silent"


def remembered(submission: Submission, history: History, now: datetime) -> History | None:
    """A link with what became of its page's offer; None where it is to be offered again."""
    match submission.outcome:
        case SaveOutcome.SAVED if submission.capture:
            capture = submission.capture
            return replace(history, elsewhere=Elsewhere(now, capture.url, capture.captured_at, "saved"))
        case SaveOutcome.REFUSED:
            return replace(history, elsewhere=Elsewhere(now, outcome="refused"))
        case _:
            return None


def look_back(
    context: Context,
    links: Sequence[Link],
    histories: Mapping[str, History],
    dated: Dated,
    keys_from: Mapping[str, str],
) -> dict[str, History]:
    """Ask and offer what `[wayback]` says, in bounded time; the memories that changed. A signal ends it early.

    Raises ConfigError for keys that cannot be.
    """
    settings, now = context.settings, context.now
    changed: dict[str, History] = {}

    def heard(history: History) -> None:
        changed[history.canonical_url] = history

    keys = read_keys(settings.wayback.keys, keys_from)
    endpoint = settings.wayback.endpoint.rstrip("/")
    wanted = questions(links, histories, now(), dated) if settings.wayback.suggest else []
    offered = offers(links, histories, settings) if settings.wayback.submit else {}

    async def offer() -> None:
        async with open_sender(settings.fetch, endpoint) as send:

            def done(submission: Submission) -> None:
                if history := remembered(submission, offered[submission.url], now()):
                    heard(history)

            with trio.move_on_after(SUBMIT_SECONDS):
                await submit(Service(send, endpoint, keys), offered, done)

    ask_about(context, wanted, heard)
    if offered:
        trio.run(until_signal, offer)
    return changed


def ask_about(
    context: Context,
    wanted: Sequence[CaptureQuestion],
    heard: Callable[[History], None],
    seconds: float = SECONDS,
) -> None:
    """Ask the Archive about links at its own pace, in bounded time; captures are read in reader processes."""
    settings, sites = context.settings, context.sites

    async def ask() -> None:
        async with open_readers(settings, sites) as readers, open_sender(settings.fetch, endpoint) as send:
            with trio.move_on_after(seconds):
                finder = CaptureFinder(paced(send), readers.read, endpoint)
                await ask_captures(finder, wanted, context.now, heard)

    endpoint = settings.wayback.endpoint.rstrip("/")
    if wanted:
        trio.run(until_signal, ask)


async def until_signal(work: Callable[[], Awaitable[None]]) -> None:
    """Run to the end, or to the first SIGINT or SIGTERM: what was learned until then stays."""
    async with trio.open_nursery() as nursery:

        async def heed() -> None:
            with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                async for _ in signals:
                    nursery.cancel_scope.cancel()

        if threading.current_thread() is threading.main_thread():
            nursery.start_soon(heed)
        await work()
        nursery.cancel_scope.cancel()

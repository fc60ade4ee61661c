"""After a run: where the dead can still be read, and saving the living while they live, at the Internet Archive.

Which links are asked about, how many, and what is remembered of the answers lives here; how the archive is asked is
`wayback`'s. Nothing of this happens unless `[wayback]` says so, and never for a check.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import trio

from crawler.core.model import Elsewhere, History, Link, Occurrence, State
from crawler.fetch.wayback import SaveOutcome, Send, Service, Submission, nearest, open_sender, read_keys, submit
from crawler.notes.dates import note_date

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from crawler.core.settings import Settings

MOST = 100  # dead links asked about after one run; the rest has its turn after the next ones
SECONDS = 60.0  # for all of these questions
PAUSE = 0.5  # seconds between two of them
SILENCES = 3  # questions in a row without an answer after which the archive is left alone
ASK_AGAIN = timedelta(days=30)  # a capture may have come from somebody else
SUBMIT_SECONDS = 300.0  # for all submissions of one run: twenty pages without keys, sixty with them

CommitOf = Callable[[Occurrence], datetime | None]
"""When the line of an occurrence was first committed, None where nobody knows."""

HeadOf = Callable[[str], str]
"""The beginning of a note by its name, "" where it cannot be read."""


@dataclass(frozen=True, slots=True)
class Question:
    """A dead link, and the time whose capture is wanted."""

    history: History
    url: str
    when: datetime


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
    links: Iterable[Link], histories: Mapping[str, History], now: datetime, head_of: HeadOf = lambda _: ""
) -> list[Question]:
    """The dead that nobody knows a capture of, those that died last first; at most `MOST`."""
    dead = [(link, history) for link, history in _with_history(links, histories) if _is_wanted(history, now)]
    dead.sort(key=lambda pair: (pair[1].changed_at or pair[1].first_seen, pair[0].canonical_url), reverse=True)
    return [Question(history, link.url, written_at(link, history, head_of)) for link, history in dead[:MOST]]


def _with_history(links: Iterable[Link], histories: Mapping[str, History]) -> Iterator[tuple[Link, History]]:
    for link in links:
        history = histories.get(link.canonical_url)
        if history is not None and is_public(link):
            yield link, history


def _is_wanted(history: History, now: datetime) -> bool:
    if history.state is not State.DEAD:
        return False
    known = history.elsewhere
    if known is None:
        return True
    died_since = history.changed_at is not None and known.asked_at < history.changed_at
    return not known.url and (died_since or now - known.asked_at >= ASK_AGAIN)


def is_public(link: Link) -> bool:
    """May others hear of this link at all? Names without a dot and addresses without a name are somebody's own."""
    host = link.host.strip("[]")
    try:
        ip_address(host)
    except ValueError:
        return "." in host and not host.endswith((".local", ".localhost", ".internal", ".lan", ".home.arpa"))
    return False


async def ask_captures(
    send: Send, wanted: Sequence[Question], endpoint: str, now: Callable[[], datetime], done: Callable[[History], None]
) -> None:
    """Ask about one link after the other; `done` gets each as remembered with its answer."""
    silences = 0
    for question in wanted:
        found = await nearest(send, question.url, question.when, endpoint)
        if found.answered:
            silences = 0
            capture = next(iter(found.captures), None)
            answer = Elsewhere(now(), capture.url, capture.captured_at) if capture else Elsewhere(now())
            done(replace(question.history, elsewhere=answer))
        else:
            silences += 1
            if silences >= SILENCES:
                return
        await trio.sleep(PAUSE)


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
        if history.state is State.ALIVE and history.elsewhere is None and link.host not in own
    ]
    alive.sort(key=lambda pair: (pair[1].first_seen, pair[0].canonical_url), reverse=True)
    return {link.url: history for link, history in alive}


def remembered(submission: Submission, history: History, now: datetime) -> History | None:
    """A link with what became of its page's offer; None where it is to be offered again."""
    match submission.outcome:
        case SaveOutcome.SAVED if submission.capture:
            capture = submission.capture
            return replace(history, elsewhere=Elsewhere(now, capture.url, capture.captured_at))
        case SaveOutcome.REFUSED:
            return replace(history, elsewhere=Elsewhere(now))
        case _:
            return None


def look_back(
    links: Sequence[Link],
    histories: Mapping[str, History],
    settings: Settings,
    now: Callable[[], datetime],
    head_of: HeadOf,
    keys_from: Mapping[str, str],
) -> dict[str, History]:
    """Ask and offer what `[wayback]` says, in bounded time; the memories that changed. A signal ends it early.

    Raises ConfigError for keys that cannot be.
    """
    changed: dict[str, History] = {}

    def remember(history: History) -> None:
        changed[history.canonical_url] = history

    keys = read_keys(settings.wayback.keys, keys_from)
    endpoint = settings.wayback.endpoint.rstrip("/")
    wanted = questions(links, histories, now(), head_of) if settings.wayback.suggest else []
    offered = offers(links, histories, settings) if settings.wayback.submit else {}

    async def ask() -> None:
        async with _sender(settings) as send:
            with trio.move_on_after(SECONDS):
                await ask_captures(send, wanted, endpoint, now, remember)
            service = Service(send, endpoint, keys)

            def done(submission: Submission) -> None:
                if history := remembered(submission, offered[submission.url], now()):
                    remember(history)

            with trio.move_on_after(SUBMIT_SECONDS):
                await submit(service, offered, done)

    if wanted or offered:
        trio.run(_until_signal, ask)
    return changed


@asynccontextmanager
async def _sender(settings: Settings) -> AsyncIterator[Send]:

    async with open_sender(settings.fetch, settings.wayback.endpoint) as send:
        yield send


async def _until_signal(work: Callable[[], Awaitable[None]]) -> None:
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

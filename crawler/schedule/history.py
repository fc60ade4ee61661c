"""What a check does to what we remember: confirmation of failures, intervals, changes of state.

Only the fold of one look into one `History` lives here; whether a run's failures may be believed at all is
`network`'s question, and what is due is `plan`'s.

The rules, from the design's table of states:

* A site's own notice, 404 and 410 are `dead` at once, with confidence medium; a second check on another day that
  agrees makes it high.
* Every other failure is `suspect`, and becomes `dead` after `confirmations` counted checks; a check counts when the
  one counted before it is at least `confirm_after` old.
* One living look forgets all failures.
* `blocked` and `unknown` say nothing of the page: they count neither towards death nor towards life, so a link
  known to be dead stays dead through them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from crawler.core.model import Confidence, Evidence, Fetch, History, Page, State, Verdict
from crawler.core.settings import DAY, Schedule

GROWTH = 2.0  # of the interval of a page that steadily lives, and of a wall that steadily refuses; a guess
SPREAD = 0.25  # the share of an interval over which a hash spreads the next look, so that nothing comes in waves

QUIET = (State.BLOCKED, State.UNKNOWN, State.UNCHECKED)  # states that say nothing of the page itself


def remember(
    history: History,
    fetch: Fetch,
    page: Page,
    verdict: Verdict,
    now: datetime,
    schedule: Schedule,
    *,
    title_match: float | None = None,
) -> History:
    """Fold one look into the memory of its link."""
    told = _conclude(history, verdict, now, schedule)
    changes: dict[str, Any] = {"checked_at": now, "doubted_at": None}  # told at once: a new memory costs 7 µs each time
    if verdict.state is State.ALIVE and fetch.status != 304:
        changes |= {
            "page_title": page.title or history.page_title,
            "title_match": title_match,
            "etag": fetch.header("etag"),
            "last_modified": fetch.header("last-modified"),
            "honours_validators": honours_validators(history, fetch, page),
        }
    if told.state is not history.state:
        changes |= {"previous_state": history.state, "changed_at": now}
    interval = float(_interval(history, told, schedule))
    due = now + timedelta(seconds=_spread(told, interval))
    return replace(told, **changes, interval=interval, next_due=due)


def remember_past(
    history: History, fetch: Fetch, page: Page, verdict: Verdict, at: datetime, schedule: Schedule
) -> History:
    """Fold a capture of the time `at`, which a person brings, into the memory of its link.

    It proves that the page lived then, and nothing else: what was concluded by a check stays where the capture is
    older or no article, and only a link that nobody ever looked at takes its state from it whatever that is.
    """
    if history.checked_at is None or (history.checked_at < at and verdict.state is State.ALIVE):
        return remember(history, fetch, page, verdict, at, schedule, title_match=history.title_match)
    if verdict.state is not State.ALIVE:
        return history
    lived = max(at, history.last_alive or at)
    return replace(history, last_alive=lived, page_title=history.page_title or page.title)


def honours_validators(history: History, fetch: Fetch, page: Page) -> bool:
    """Has this link proved that its validators follow its text? Then the next look may be conditional.

    The proof is the same validator with the same text on two full looks; a changed text under an unchanged
    validator is the disproof. A host that sends a new validator every time proves nothing, and costs nothing.
    """
    if not fetch.header("etag") and not fetch.header("last-modified"):
        return False
    same = (history.etag, history.last_modified) == (fetch.header("etag"), fetch.header("last-modified"))
    if not same or history.snapshot is None:
        return history.honours_validators
    return page.digest == history.snapshot.digest


def _conclude(history: History, verdict: Verdict, now: datetime, schedule: Schedule) -> History:
    """State, reason, confidence and counters after this check; the times of the next one come later."""
    match verdict.state:
        case State.ALIVE:
            alive = {"last_alive": now, "first_failed": None, "failures": 0, "counted_at": None}
            return _told(history, verdict, State.ALIVE, verdict.confidence, **alive)
        case State.DEAD:
            counted = _count(history, now, DAY)
            known = history.state is State.DEAD
            agreed = known and (history.confidence is Confidence.HIGH or counted.failures > history.failures)
            sure = agreed or verdict.confidence is Confidence.HIGH
            return _told(counted, verdict, State.DEAD, Confidence.HIGH if sure else Confidence.MEDIUM)
        case State.SUSPECT:
            wanted = verdict.confirm_looks or schedule.confirmations
            counted = _count(history, now, DAY if verdict.confirm_looks else schedule.confirm_after)
            if history.state is State.DEAD:
                return counted
            if counted.failures >= wanted:
                return _told(counted, verdict, State.DEAD, Confidence.HIGH)
            return _told(counted, verdict, State.SUSPECT, verdict.confidence)
        case State.BLOCKED | State.UNKNOWN | State.UNCHECKED:
            if history.state is State.DEAD:
                return history
            return _told(history, verdict, verdict.state, verdict.confidence)


def _told(history: History, verdict: Verdict, state: State, confidence: Confidence, **more: Any) -> History:
    return replace(
        history,
        state=state,
        reason=verdict.reason,
        confidence=confidence,
        evidence=verdict.evidence,
        moved_to=verdict.moved_to,
        **more,
    )


def _count(history: History, now: datetime, apart: float) -> History:
    """One more failing check; it counts when the one counted before is at least `apart` seconds old."""
    counts = history.counted_at is None or (now - history.counted_at).total_seconds() >= apart
    return replace(
        history,
        first_failed=history.first_failed or now,
        failures=history.failures + counts,
        counted_at=now if counts else history.counted_at,
    )


def _interval(history: History, told: History, schedule: Schedule) -> float:
    """Seconds that may pass before the next look."""
    steady = history.state is told.state and history.interval > 0
    match told.state:
        case State.ALIVE:
            grown = history.interval * GROWTH if steady else schedule.alive
            return min(max(grown, schedule.alive), schedule.alive_max)
        case State.DEAD:  # one check is no proof yet, so the second comes sooner
            return schedule.dead if told.confidence is Confidence.HIGH else min(schedule.confirm_after, schedule.dead)
        case State.SUSPECT:
            return schedule.suspect
        case State.BLOCKED | State.UNKNOWN | State.UNCHECKED:
            grown = history.interval * GROWTH if steady else schedule.blocked
            return min(max(grown, schedule.blocked), max(schedule.alive, schedule.blocked))


def _spread(told: History, interval: float) -> float:
    """The interval shortened by a share that depends on the link, so that one night's harvest falls apart.

    Failing links are not spread: their looks are counted in whole days, and a shortened one might not count.
    """
    if told.state in (State.SUSPECT, State.DEAD):
        return interval
    share = crc32(f"{told.canonical_url}|{interval}".encode("utf-8", "surrogatepass")) / 2**32
    return interval * (1 - SPREAD * share)


def first_seen(canonical_url: str, url: str, now: datetime) -> History:
    """The memory of a link that was never looked at."""
    return History(canonical_url=canonical_url, url=url, first_seen=now, evidence=Evidence())

"""When a request is sent again: only after failures that pass by themselves, a few times, within a budget of time.

Waiting for a slot's interval or for Retry-After is the limiter's; what a failure means is the judge's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import trio

from crawler.core.model import Cut, Failure, Fetch
from crawler.fetch.limit import LONGEST_PAUSE
from crawler.fetch.request import Ask, Now, Random, Request
from crawler.fetch.retry_after import asked_pause
from crawler.schedule.politeness import PolitenessOf

if TYPE_CHECKING:
    from tenacity import RetryCallState

FIRST_WAIT = 1.0  # seconds before the second attempt, doubled for each further one (guess)
LONGEST_WAIT = 30.0  # seconds
TRANSIENT_STATUSES = frozenset({429, 500, 502, 503, 504})
TRANSIENT_FAILURES = frozenset({Failure.TIMEOUT, Failure.RESET, Failure.DNS})


def retry(ask: Ask, retries: int, politeness: PolitenessOf, now: Now, random: Random) -> Ask:
    """The layer: `ask`, and up to `retries` times again; gives the last answer with what all attempts cost."""

    async def retried(request: Request) -> Fetch:
        first = await ask(request)
        if not retries or not is_transient(first, 1, now):
            return first
        return await _again(first, request)

    async def _again(first: Fetch, request: Request) -> Fetch:
        answers = [first]
        replayed = [first]

        async def attempt() -> Fetch:
            if replayed:  # attempt 1 is what we have already
                return replayed.pop()
            answers.append(await ask(request))
            return answers[-1]

        from tenacity import AsyncRetrying  # 20 ms, and most runs of a few links try nothing again

        stop_at = trio.current_time() + budget(retries, politeness(request.url).timeout)
        # A new object for each fetch: tenacity keeps its state per thread, and all our tasks share one.
        retrying = AsyncRetrying(
            sleep=trio.sleep,
            retry=lambda state: is_transient(answers[-1], state.attempt_number, now),
            stop=lambda state: state.attempt_number > retries or trio.current_time() >= stop_at,
            wait=lambda state: back_off(state.attempt_number, random()),
            retry_error_callback=_last,
        )
        await retrying(attempt)
        return _sum(answers)

    return retried


def is_transient(fetch: Fetch, attempt: int, now: Now) -> bool:
    """Whether asking again may help; `attempt` counts from 1.

    A pause longer than we wait ends the fetch, and binds the slot.
    """
    if fetch.failure is Failure.NO_SUCH_HOST:
        return attempt == 1  # resolvers err now and then, but not twice
    if fetch.failure is not None:
        return fetch.failure in TRANSIENT_FAILURES
    if fetch.status not in TRANSIENT_STATUSES:
        # A body that came late or without end would come so again; of an error page its status says enough.
        return fetch.cut is Cut.RESET and fetch.status is not None and 200 <= fetch.status < 300
    pause = asked_pause(fetch, now())
    return pause is None or (pause - now()).total_seconds() <= LONGEST_PAUSE


def back_off(attempt: int, random: float) -> float:
    """Seconds to wait after attempt 1, 2, …: doubling, with a jitter of a half so that nothing comes in waves."""
    return min(FIRST_WAIT * 2.0 ** min(attempt - 1, 30), LONGEST_WAIT) * (0.5 + random / 2)


def budget(retries: int, timeout: float) -> float:
    """Seconds after the first answer beyond which no further attempt starts."""
    return retries * (timeout + LONGEST_PAUSE)


def _last(state: RetryCallState) -> Fetch:
    """All attempts failed: the last one is the answer, no exception."""
    assert state.outcome is not None
    last: Fetch = state.outcome.result()
    return last


def _sum(answers: list[Fetch]) -> Fetch:
    """The last answer, but one that was seen in part says more than a failure after it."""
    cut = [fetch for fetch in answers if fetch.cut]
    last = answers[-1]
    best = max(cut, key=lambda fetch: len(fetch.body)) if cut and (last.failure or last.cut) else last
    return replace(
        best,
        requests=sum(fetch.requests for fetch in answers),
        wire_bytes=sum(fetch.wire_bytes for fetch in answers),
    )

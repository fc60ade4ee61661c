"""Telling a webhook what changed: one JSON document, sent a few times if need be, never in the way of a run.

Only the sending lives here; what the document says is `report`'s, the feed is a report format. A webhook that cannot
be reached is a line on stderr, not a failure of the run. Messages to people go through `messages`.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from crawler.core.errors import ConfigError
from crawler.core.validation import is_web_address

ATTEMPTS = 3
TIMEOUT = 10.0  # seconds, one attempt
WAIT = 2.0  # seconds before the second attempt, doubled before the third


def address_of(webhook: str) -> str:
    """The URL that [notify] webhook means; "env:NAME" keeps a secret address out of the file."""
    if webhook.startswith("env:"):
        name = webhook.removeprefix("env:")
        found = os.environ.get(name, "")
        if not found:
            raise ConfigError(f"[notify] webhook: the environment variable {name} is not set")
        if not is_web_address(found):
            raise ConfigError(f"[notify] webhook: the environment variable {name} holds no http(s) URL")
        return found
    return webhook


Post = Callable[[str, bytes, tuple[tuple[str, str], ...]], tuple[int, str]]
"""A blocking POST: address, body, headers -> (status, ""), or (0, why nothing came back). Bounded in time."""


def send_webhook(url: str, document: bytes, post: Post, *, sleep: Callable[[float], None] | None = None) -> str:
    """POST a JSON document; "" when it arrived, else one line that says why not. Never raises.

    `sleep` replaces the real waiting in tests.
    """
    from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_exponential
    from tenacity.nap import sleep as real_sleep

    def attempt() -> tuple[bool, str]:
        status, error = post(url, document, HEADERS)
        if not status:
            return True, error
        again = status >= 500 or status in (408, 429)
        return again, "" if 200 <= status < 300 else f"it answered {status}"

    retrying = Retrying(
        retry=retry_if_result(lambda result: bool(result[0] and result[1])),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(multiplier=WAIT),
        sleep=sleep or real_sleep,
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else (False, "not sent"),
    )
    return str(retrying(attempt)[1])


HEADERS = (("Content-Type", "application/json; charset=utf-8"),)

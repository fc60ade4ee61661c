"""Reading `Retry-After`: seconds or an HTTP date (RFC 9110, 10.2.3), from servers that may write anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from crawler.core.model import Fetch
from crawler.core.proof import OF_THE_PAGE

LONGEST = timedelta(days=7)  # a site that asks for more means "never"; we ask again after a week (guess)


def retry_after(text: str, now: datetime) -> datetime | None:
    """The time before which the server wants no request, at most LONGEST from `now`; None where `text` says nothing."""
    text = text.strip()
    try:
        if text.isascii() and text.isdigit():
            return now + min(timedelta(seconds=int(text[:12])), LONGEST)
        when = parsedate_to_datetime(text[:64])
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return min(when, now + LONGEST)


def asked_pause(fetch: Fetch, now: datetime) -> datetime | None:
    """What a refusal asks for; on 2xx and 3xx the header is about something else, on 404 and 410 about one page."""
    if fetch.status is None or fetch.status < 400 or fetch.status in OF_THE_PAGE:
        return None
    return retry_after(fetch.header("Retry-After"), now)

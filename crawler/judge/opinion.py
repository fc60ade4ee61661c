"""What the Internet Archive's second opinion is worth, where only the way to it fails. Pure; asking is elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from crawler.core.proof import OF_THE_PAGE

WAYBACK = "wayback"


def agrees(captures: Iterable[tuple[datetime, int]], first_failed: datetime | None) -> str:
    """ "wayback" where captures (time, status) agree that the page is gone, else "".

    Only captures since the first failure count, and all of them must be 404 or 410: the Archive is walled by the same
    sites, so one good or walled capture among them speaks against, and no capture is no opinion.
    """
    if first_failed is None:
        return ""
    since = [status for at, status in captures if at >= first_failed]
    return WAYBACK if since and all(status in OF_THE_PAGE for status in since) else ""

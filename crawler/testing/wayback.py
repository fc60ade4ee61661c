"""A stand-in for the Internet Archive: an index with its filters, captures of every kind, and its bad days.

`StandInWayback` answers requests for one host of a `StandInPlan` (`handlers`). What it has and what it does is said by
whoever makes it; nothing of the crawler's own client is known here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from crawler.testing.answer import NOT_FOUND, StandInAnswer, StandInRequest

OFFLINE = StandInAnswer(
    b"<!doctype html><title>Internet Archive: Temporarily Offline</title><h1>Temporarily Offline</h1>"
    b"<p>Internet Archive services are temporarily offline. Please check our official accounts for the latest.</p>"
)
LOGIN = StandInAnswer(status=302, location="https://archive.org/account/login")
EXCLUDED = StandInAnswer(
    b"org.archive.util.io.RuntimeIOException: org.archive.wayback.exception.AdministrativeAccessControlException: "
    b"Blocked Site Error\n",
    status=403,
    content_type="text/plain",
)
BUSY = StandInAnswer(b"<html><title>429 Too Many Requests</title>", status=429)
DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


@dataclass(frozen=True, slots=True)
class StandInCapture:
    """One capture. `stamp`: YYYYMMDDhhmmss. `instead`: what is answered in the place of the captured bytes."""

    url: str
    stamp: str
    body: bytes = b""
    status: int = 200
    media_type: str = "text/html"
    location: str = ""  # of a captured redirect
    instead: StandInAnswer | None = None

    @property
    def digest(self) -> str:
        """Equal bytes, equal digest."""
        return f"{hash((self.body, self.location)) & 0xFFFFFFFF:08X}"


class StandInWayback:
    """Captures by URL; `refusals` are what the index answers for some URLs in their place."""

    def __init__(
        self, captures: Iterable[StandInCapture] = (), refusals: Mapping[str, StandInAnswer] | None = None
    ) -> None:
        self.captures = list(captures)
        self.refusals = dict(refusals or {})
        self.asked: list[str] = []
        """Paths and queries in the order in which they came."""

    def __call__(self, request: StandInRequest) -> StandInAnswer:
        """The answer to one request."""
        self.asked.append(request.target)
        if request.target.startswith("/cdx/search/cdx?"):
            return self._index(parse_qs(urlsplit(request.target).query))
        found = re.fullmatch(r"/web/(\d+)id_/(.+)", request.target)
        return self._capture(found[1], found[2]) if found else NOT_FOUND

    def looked_up(self) -> list[str]:
        """The URLs that the index was asked about."""
        queries = (parse_qs(urlsplit(target).query) for target in self.asked if target.startswith("/cdx/"))
        return [query["url"][0] for query in queries]

    def _index(self, query: Mapping[str, list[str]]) -> StandInAnswer:
        url = query["url"][0]
        if refusal := self.refusals.get(url):
            return refusal
        names = query.get("fl", ["urlkey,timestamp,original,mimetype,statuscode,digest,length"])[0].split(",")
        found = [capture for capture in self.captures if _key(capture.url) == _key(url)]
        found = [capture for capture in found if _passes(_row(capture), query)]
        if near := query.get("closest", [""])[0]:
            found.sort(key=lambda capture: abs(int(capture.stamp) - int(near)))
        rows = [[_row(capture).get(name, "-") for name in names] for capture in found]
        told = [names, *rows[: int(query.get("limit", ["100000"])[0])]] if rows else []
        return StandInAnswer(json.dumps(told).encode(), content_type="application/json")

    def _capture(self, stamp: str, url: str) -> StandInAnswer:
        capture = next((c for c in self.captures if c.stamp == stamp and _key(c.url) == _key(url)), None)
        if capture is None:
            return NOT_FOUND
        if capture.instead is not None:
            return capture.instead
        location = f"/web/{capture.stamp}id_/{capture.location}" if capture.location else ""
        return StandInAnswer(
            capture.body,
            capture.status,
            capture.media_type,
            (("Memento-Datetime", _http_date(capture.stamp)), ("X-Archive-Orig-Server", "nginx")),
            location,
        )


def _row(capture: StandInCapture) -> dict[str, str]:
    return {
        "urlkey": _key(capture.url),
        "timestamp": capture.stamp,
        "original": capture.url,
        "mimetype": capture.media_type,
        "statuscode": str(capture.status),
        "digest": capture.digest,
        "length": str(len(capture.body)),
    }


def _passes(row: Mapping[str, str], query: Mapping[str, list[str]]) -> bool:
    for text in query.get("filter", []):
        name, _, pattern = text.partition(":")
        if bool(re.fullmatch(pattern, row.get(name.removeprefix("!"), ""))) == name.startswith("!"):
            return False
    first, last = query.get("from", [""])[0], query.get("to", [""])[0]
    return row["timestamp"] >= first and (not last or row["timestamp"] <= last)


def _key(url: str) -> str:
    return re.sub(r"^https?://(www\.)?", "", url.partition("#")[0].lower()).rstrip("/")


def _http_date(stamp: str) -> str:
    from datetime import datetime

    at = datetime.strptime(stamp, "%Y%m%d%H%M%S")  # noqa: DTZ007 - a time of UTC that is only written out
    return f"{DAYS[at.weekday()]}, {at.day:02d} {MONTHS[at.month - 1]} {at:%Y %H:%M:%S} GMT"

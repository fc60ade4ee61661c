"""What the stand-in web answers: plain data, so that a demo or a test reads as a list of URLs and their fates.

Nothing here knows sockets; `wire` speaks HTTP and `web` listens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import ada_url


class Fault(StrEnum):
    """Ways to break an exchange after its request was read."""

    RESET = "reset"  # the connection is reset
    HANG = "hang"  # nothing is sent until the client goes away
    GARBAGE = "garbage"  # bytes that are not HTTP
    TRUNCATE = "truncate"  # a body shorter than its Content-Length


@dataclass(frozen=True, slots=True)
class StandInRequest:
    """One request as it was read, and what became of it."""

    at: float  # seconds on trio's clock
    scheme: str
    host: str  # as in the Host header, lower case, without a default port
    target: str  # path and query
    method: str
    headers: tuple[tuple[str, str], ...]
    in_flight: int  # requests to this host that were unanswered at that moment, this one included
    status: int = 0  # what it was answered with; 0 where a fault answered

    @property
    def url(self) -> str:
        """The whole URL that was asked for."""
        return f"{self.scheme}://{self.host}{self.target}"

    def header(self, name: str) -> str:
        """The first header of that name; "" where there is none."""
        return next((value for key, value in self.headers if key == name.lower()), "")


Body = bytes | Callable[[StandInRequest], bytes]


@dataclass(frozen=True, slots=True)
class StandInAnswer:
    """What one URL answers with. Times are seconds, sizes bytes."""

    body: Body = b""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    location: str = ""  # makes it a redirect, 302 unless `status` says another 3xx
    delay: float = 0.0  # before the first byte
    drip: float = 0.0  # between two pieces of the body
    endless: int = 0  # send about that many bytes of padding in chunks instead of `body`
    encoding: str = ""  # gzip, br or zstd, where the client accepts it
    etag: str = ""  # answers 304 to the same If-None-Match
    last_modified: str = ""  # answers 304 to the same If-Modified-Since
    fail_first: int = 0  # that many requests meet `fail_with` before the first success
    fail_with: Fault | StandInAnswer = Fault.RESET


ALWAYS = 1 << 30  # for `fail_first`: never heals


def broken(how: Fault) -> StandInAnswer:
    """An answer that meets the same fault for ever."""
    return StandInAnswer(fail_first=ALWAYS, fail_with=how)


def redirect(location: str, status: int = 302) -> StandInAnswer:
    """An answer that sends the client elsewhere."""
    return StandInAnswer(status=status, location=location)


@dataclass(frozen=True, slots=True)
class Wall:
    """A host's patience: more than `requests` within `per` seconds are answered with `answer`."""

    requests: int
    per: float
    answer: StandInAnswer


NOT_FOUND = StandInAnswer(b"<!doctype html><title>404 Not Found</title><h1>Not Found</h1>", status=404)


@dataclass(frozen=True, slots=True)
class StandInPlan:
    """A whole web: URL -> answer, and what some hosts do beside."""

    answers: Mapping[str, StandInAnswer]
    walls: Mapping[str, Wall] = field(default_factory=dict)  # by host
    handlers: Mapping[str, Callable[[StandInRequest], StandInAnswer]] = field(default_factory=dict)  # by host
    refused: frozenset[str] = frozenset()  # hosts where nothing listens
    untrusted: frozenset[str] = frozenset()  # hosts whose certificate no one vouches for
    otherwise: StandInAnswer = NOT_FOUND


def split(url: str) -> tuple[str, str, str]:
    """(scheme, host with port unless it is the default, path and query) of a URL, as a client asks for it."""
    parsed = ada_url.URL(url)
    return parsed.protocol.removesuffix(":"), parsed.host, parsed.pathname + parsed.search

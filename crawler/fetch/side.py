"""What is asked beside the links (a webhook, the Internet Archive), through the same guard, proxy and authorities.

Who is asked what is the caller's. A broken web is a value here too: no answer is a status of 0 with a line that says
why.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from crawler.core.url import host_of
from crawler.fetch import open_transport
from crawler.fetch.body import BodyBuffer, TooLarge
from crawler.fetch.errors import WEB_ERRORS, WebError, explain
from crawler.fetch.exchange import exchange
from crawler.fetch.guard import may_be_named
from crawler.fetch.request import Headers, Transport
from crawler.fetch.wire import USER_AGENT

if TYPE_CHECKING:
    from crawler.core.settings import FetchSettings

TIMEOUT = 60.0  # seconds for one call in all
MAX_ANSWER = 2 * 1024 * 1024  # bytes of an answer that are read


@dataclass(frozen=True, slots=True)
class SideAnswer:
    """What came back; header names in lower case. Status 0: nothing did, and `error` says why, in one line."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""


@dataclass(frozen=True, slots=True)
class SideClient:
    """Sends one request at a time or several; redirects are not followed."""

    transport: Transport
    user_agent: str
    seconds: float = TIMEOUT
    limit: int = MAX_ANSWER

    async def __call__(self, method: str, url: str, headers: Headers = (), body: bytes = b"") -> SideAnswer:
        """Never raises for what comes over the wire, or for an address that is none."""
        sent = (("User-Agent", self.user_agent), *headers)
        try:
            with trio.fail_after(self.seconds):
                status, fields, content = await exchange(
                    self.transport, url, sent, limit=self.limit, method=method, body=body
                )
            named = {name.lower(): value for name, value in fields}
            return SideAnswer(status, named, _decoded(content, named.get("content-encoding", ""), self.limit))
        except trio.TooSlowError:
            return SideAnswer(0, error=f"no answer after {self.seconds:g} s")
        except WEB_ERRORS as error:
            return SideAnswer(0, error=explain(error)[1])
        except ValueError as error:
            return SideAnswer(0, error=f"not an address that can be asked: {error}")


def _decoded(content: bytes, coding: str, limit: int) -> bytes:
    """We ask for none, but some servers code all the same; what cannot be undone is left as it is."""
    if not coding:
        return content
    try:
        body = BodyBuffer(coding, limit)
        body.feed(content)
    except TooLarge as error:
        return error.body
    except WebError:
        return content
    return body.content


@asynccontextmanager
async def open_side_client(settings: FetchSettings, own: str, *, seconds: float = TIMEOUT) -> AsyncIterator[SideClient]:
    """A client under `[fetch]`'s guard, `resolve`, proxy and `ca_bundle`; not its headers or cookies.

    `own` is the URL that the configuration holds: where it writes out a private address, that one may be asked.
    Raises ConfigError.
    """
    host = host_of(own).strip("[]")
    named = frozenset({host}) if may_be_named(host) else frozenset[str]()
    async with open_transport(settings, named=named) as transport:
        yield SideClient(transport, settings.user_agent or USER_AGENT, seconds)


def guarded_post(settings: FetchSettings, *, seconds: float) -> Callable[[str, bytes, Headers], tuple[int, str]]:
    """A blocking POST for code without an event loop: (status, ""), or (0, why nothing came back)."""

    def post(url: str, body: bytes, headers: Headers) -> tuple[int, str]:
        async def run() -> SideAnswer:
            async with open_side_client(settings, url, seconds=seconds) as client:
                return await client("POST", url, headers, body)

        answer = trio.run(run)
        return answer.status, answer.error

    return post

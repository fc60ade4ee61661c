"""Fetching: the onion `retry(redirect(limit(wire)))` over one transport, and what a run asks of it.

`open_fetcher` is the way in. Which links are fetched, and what the answers mean, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import trio

from crawler.core.model import Failure, Fetch
from crawler.core.slots import SlotState
from crawler.core.url import is_http, normalize
from crawler.fetch.cookies import Jars, read_cookie_file
from crawler.fetch.descriptors import affordable
from crawler.fetch.guard import Guard, Resolver, connect_to, system_resolver
from crawler.fetch.holding import BodyBudget
from crawler.fetch.limit import Limiter
from crawler.fetch.proxy import proxy_of
from crawler.fetch.redirect import follow
from crawler.fetch.request import Ask, Now, Random, Request, Transport
from crawler.fetch.retry import retry
from crawler.fetch.robots import obey
from crawler.fetch.transport import PooledTransport
from crawler.fetch.wire import USER_AGENT, Wire

if TYPE_CHECKING:
    import httpx

    from crawler.core.settings import FetchSettings
    from crawler.schedule.politeness import PolitenessOf

__all__ = ["Fetcher", "Request", "open_fetcher"]

Show = Callable[[Request], Awaitable[Fetch | None]]
"""A page as a browser shows it; None for what is no page to show."""

MIN_POOLS = 64  # origins whose connections stay open, at least; each holds a file descriptor or two


class Fetcher:
    """Called with a request or URL, gives a Fetch; never raises for a broken web.

    `hop`: one GET in its slot's time, by this process: no redirect followed, nothing tried again. `hold`: a block
    round one check, to whose end what it fetched is counted as held.
    """

    def __init__(
        self,
        ask: Ask,
        limiter: Limiter,
        transport: Transport,
        *,
        now: Now,
        hop: Ask,
        hold: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._ask = ask
        self._limiter = limiter
        self._transport = transport
        self._now = now
        self.hop = hop
        self.hold = hold

    async def __call__(self, request: Request | str) -> Fetch:
        """GET a URL, redirects followed and hiccups tried again, in its slot's time."""
        if isinstance(request, str):
            request = Request(request)
        try:
            url = normalize(request.url)
        except ValueError:
            return self._unasked(request.url, Failure.MALFORMED_URL, "not a URL")
        if not is_http(url):
            scheme = url.partition(":")[0][:40]
            return self._unasked(request.url, Failure.UNSUPPORTED_SCHEME, f"{scheme}: is no web address")
        if url == request.url:
            return await self._ask(request)
        return replace(await self._ask(replace(request, url=url)), url=request.url)

    def recall(self, states: Iterable[SlotState]) -> None:
        """Slots that somebody else asked meanwhile, as they are now."""
        self._limiter.recall(states)

    @property
    def requests(self) -> int:
        """Requests started so far, hops and retries included."""
        return self._limiter.requests

    def refused(self, slot: str) -> None:
        """The site refused us there (captcha, 429): ask it more slowly."""
        self._limiter.refused(slot)

    def answered(self, slot: str) -> None:
        """A good answer: some in a row bring the pace back."""
        self._limiter.answered(slot)

    def cool_down(self, slot: str, until: datetime) -> None:
        """Leave the slot alone until then."""
        self._limiter.cool_down(slot, until)

    def slot_states(self) -> list[SlotState]:
        """Every slot that was asked, or remembered, as it should be remembered for the next run."""
        return self._limiter.states()

    def slot_states_of(self, slots: Iterable[str]) -> list[SlotState]:
        """The states of these slots alone."""
        return [self._limiter.state(slot) for slot in slots]

    async def lookup(self, host: str) -> tuple[str, ...]:
        """The addresses that the name system gives for a host; () for none, by proxy, and under [fetch] resolve."""
        return await self._transport.lookup(host) if isinstance(self._transport, PooledTransport) else ()

    async def close_slot(self, slot: str) -> None:
        """Close the slot's idle connections: no more links of it are coming."""
        await self._transport.close_slot(slot)

    def _unasked(self, url: str, failure: Failure, error: str) -> Fetch:
        return Fetch(url=url, final_url=url, started_at=self._now(), failure=failure, error=error)


@asynccontextmanager
async def open_fetcher(
    settings: FetchSettings,
    politeness: PolitenessOf,
    *,
    now: Now,
    random: Random,
    states: Iterable[SlotState] = (),
    resolver: Resolver | None = None,
    transport: Transport | httpx.AsyncBaseTransport | None = None,
    rendered: Callable[[str], Show | None] = lambda _: None,
    elsewhere: Callable[[str], Ask | None] = lambda _: None,
) -> AsyncIterator[Fetcher]:
    """Open what fetching needs, and close it at the end. Raises ConfigError for files and values that cannot be used.

    `now` is the wall clock (aware UTC), `random` gives numbers from 0 up to 1, `states` what earlier runs remembered.
    `resolver` (a name to its addresses) and `transport` replace the real ones in tests. `rendered` gives who else
    answers for a URL, redirects included: a browser, in its slot's time like any request. What it cannot show is
    fetched. `elsewhere` gives who asks a URL whose slot another process owns; each hop of a chain is routed by itself.
    """
    jars = Jars(read_cookie_file(settings.cookies))
    politeness = lru_cache(maxsize=1024)(politeness)  # every layer asks
    budget = BodyBudget()
    limiter = Limiter(affordable(settings.concurrency), now, budget, states)
    async with open_transport(settings, resolver, transport) as wires:
        wire = Wire(wires, settings, politeness, jars, now, budget)
        limited = limiter.limit(wire, politeness)

        def onion(core: Ask) -> Ask:
            followed = follow(core, settings.max_redirects, jars.version)
            return retry(followed, settings.retries, politeness, now, random)

        async def routed(request: Request) -> Fetch:
            owner = elsewhere(request.url)
            return await (jars.carry(owner, request) if owner else limited(request))

        agent = settings.user_agent or USER_AGENT

        plain = onion(obey(routed, onion(routed), agent, now) if settings.robots else routed)
        permit = obey(_permitted(now), onion(limited), agent, now) if settings.robots else _permitted(now)

        def limit(core: Ask) -> Ask:
            return limiter.limit(core, politeness)

        ask = _shown_or_fetched(plain, rendered, permit=permit, limit=limit, now=now)
        yield Fetcher(ask, limiter, wires, now=now, hop=limited, hold=budget.hold)


def _permitted(now: Now) -> Ask:
    """An answer to every request, behind which robots.txt may stand; nothing is sent."""

    async def permitted(request: Request) -> Fetch:
        return Fetch(request.url, request.url, now(), status=200)

    return permitted


def _shown_or_fetched(
    plain: Ask, rendered: Callable[[str], Show | None], *, permit: Ask, limit: Callable[[Ask], Ask], now: Now
) -> Ask:
    """What a browser shows of the URLs that `rendered` knows, in their slots' time; what it cannot show is fetched."""

    async def shown_by(show: Show, request: Request) -> Fetch | None:
        page: list[Fetch | None] = []

        async def core(request: Request) -> Fetch:
            page.append(await show(request))
            return page[0] or Fetch(
                request.url, request.url, now(), failure=Failure.INTERNAL, error="no page", requests=1
            )

        await limit(core)(request)
        return page[0]

    async def ask(request: Request) -> Fetch:
        show = rendered(request.url)
        if show is None:
            return await plain(request)
        if (refusal := await permit(request)).failure is Failure.ROBOTS:
            return refusal
        return await shown_by(show, request) or await plain(request)

    return ask


def _adapted(transport: Transport | httpx.AsyncBaseTransport) -> Transport:
    """A stand-in for the web as a transport of ours; httpx is imported only where there is one."""
    import httpx

    from crawler.fetch.adapter import HttpxTransport

    return HttpxTransport(transport) if isinstance(transport, httpx.AsyncBaseTransport) else transport


@asynccontextmanager
async def open_transport(
    settings: FetchSettings,
    resolver: Resolver | None = None,
    instead: Transport | httpx.AsyncBaseTransport | None = None,
    named: frozenset[str] = frozenset(),
) -> AsyncIterator[Transport]:
    """The transport of a run, or what stands in for it. Raises ConfigError for settings that cannot be used.

    `named` are hosts that the guard lets pass, since the user's configuration names them.
    """
    if instead is None:
        proxy = proxy_of(settings.proxy)
        exempt = named | {proxy.host} if proxy else named
        rules = connect_to(settings.resolve)
        guard = Guard(resolver or system_resolver(), rules, settings.allow_private, exempt)
        pools = max(MIN_POOLS, 2 * settings.concurrency)
        agent = settings.user_agent or USER_AGENT
        transport: Transport = PooledTransport(guard, settings.ca_bundle, proxy, pools, agent)
    else:
        transport = _adapted(instead)
    try:
        yield transport
    finally:
        with trio.CancelScope(shield=True):
            await transport.aclose()

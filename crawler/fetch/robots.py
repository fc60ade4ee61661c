"""`[fetch] robots = true`: the layer that keeps us from what a host's robots.txt disallows, hops included.

Off by default, since each request stands for a link that a person wrote. Crawl-delay is not standard and not read:
politeness lives in the limiter, by the user's own rules.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import ada_url
import trio
from protego import Protego

from crawler.core.model import Failure, Fetch
from crawler.fetch.request import Ask, Now, Request

MOST_RULES = 512 * 1024  # bytes of a robots.txt that are read; RFC 9309, 2.5 asks for 500 KiB at least
REMEMBERED = 2000  # origins whose rules are kept in memory

_ALLOW_ALL = Protego.parse("")
_DISALLOW_ALL = Protego.parse("User-agent: *\nDisallow: /\n")


@dataclass(slots=True)
class _Origin:
    lock: trio.Lock = field(default_factory=trio.Lock)
    rules: Protego | None = None


def obey(ask: Ask, ask_for_rules: Ask, user_agent: str, now: Now) -> Ask:
    """The layer: `ask` what is allowed; `ask_for_rules` gets each origin's robots.txt, once."""
    origins: OrderedDict[str, _Origin] = OrderedDict()

    async def obeyed(request: Request) -> Fetch:
        base = ada_url.URL(request.url).origin
        origin = origins.setdefault(base, _Origin())
        origins.move_to_end(base)
        if len(origins) > REMEMBERED:
            origins.popitem(last=False)
        async with origin.lock:
            if origin.rules is None:
                origin.rules = rules_of(await ask_for_rules(Request(f"{base}/robots.txt")))
        if origin.rules.can_fetch(request.url, user_agent):
            return await ask(request)
        return Fetch(
            url=request.url,
            final_url=request.url,
            started_at=now(),
            failure=Failure.ROBOTS,
            error=f"{base}/robots.txt asks robots not to fetch this",
        )

    return obeyed


def rules_of(fetch: Fetch) -> Protego:
    """RFC 9309, 2.3.1: no file allows all, a server that fails disallows all.

    A host that cannot be reached at all disallows nothing here: the request for the page itself will tell why.
    """
    if fetch.status is None or 400 <= fetch.status < 500:
        return _ALLOW_ALL
    if fetch.status >= 500:
        return _DISALLOW_ALL
    return Protego.parse(fetch.body[:MOST_RULES].decode("utf-8-sig", errors="replace"))

"""Does the name system here answer for names that do not exist? Asked once a run, beside it.

A provider or a portal that answers every name with an address of its own makes every dead host look alive. What such a
page is worth is decided by `schedule.stretch`; asking for it is done here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import trio

from crawler.core.model import Link
from crawler.crawl.tasks import Depth, ReadTask
from crawler.fetch import Request
from crawler.schedule.stretch import Hijack
from crawler.sites import OTHER

if TYPE_CHECKING:
    from crawler.core.model import Check
    from crawler.crawl.readers import Reader
    from crawler.fetch import Fetcher

PATIENCE = 10.0  # seconds that a run waits for the answer at most


@dataclass(slots=True)
class HijackWatch:
    """Asks for a name that cannot exist, and holds checks against the answer."""

    fetcher: Fetcher
    reader: Reader
    now: Callable[[], datetime]
    name: str
    found: Hijack | None = None
    done: trio.Event = field(default_factory=trio.Event)

    async def ask(self) -> None:
        """Look the name up, and where it resolves, see what page it shows."""
        with trio.move_on_after(PATIENCE):
            addresses = await self.fetcher.lookup(self.name)
            if addresses:
                self.found = Hijack(frozenset(addresses), await self.said_by(self.name))
        self.done.set()

    async def has(self, check: Check) -> bool:
        """Whether this check saw the page that names without a host are answered with."""
        if check.fetch.status is None:
            return False
        await self.done.wait()
        if self.found is None or not self.found.shows(check.said):
            return False
        return self.found.has(await self.fetcher.lookup(check.link.host), check.said)

    async def said_by(self, host: str) -> str:
        """The fingerprint of a host's first page."""
        url = f"http://{host}/"
        answer = await self.fetcher(Request(url))
        task = ReadTask(Link(url, url, url, OTHER, host, host), answer, self.now(), depth=Depth.HEAD)
        return (await self.reader.read(task)).said

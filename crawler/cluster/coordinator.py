"""The coordinator of a run: has a plan crawled by workers of a cluster, and owns all slots that none of them has.

What is dealt to whom is `dealing`'s to decide, who has what stands in the `ledger`.
"""

from __future__ import annotations

import uuid
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

import trio

from crawler.cluster.dealing import Dealing
from crawler.cluster.ledger import ANSWER, Ledger, queue_of
from crawler.cluster.messages import End, packed
from crawler.core.errors import ClusterError
from crawler.core.model import Check
from crawler.crawl.pipeline import crawl
from crawler.crawl.session import needs_browser

if TYPE_CHECKING:
    from crawler.crawl.job import CrawlWork
    from crawler.fetch.request import Ask


class Coordinator:
    """Crawls a plan on the workers of a Dask client (`crawl.job.CrawlSpread`)."""

    def __init__(self, client: Any) -> None:
        self.ledger = Ledger(client)

    async def crawl(self, work: CrawlWork, send: trio.MemorySendChannel[Check]) -> None:
        """Have the plan crawled; every check goes to `send`, which is closed at the end. Raises ClusterError."""
        ledger, ready = self.ledger, work.ready
        ledger.name = f"crawler-{uuid.uuid4().hex}"
        ledger.up = await ledger.dask(partial(queue_of, ledger.client, f"{ledger.name}-up"))
        own = [slot for slot in ready.plan.slots if any(needs_browser(link, ready) for link in slot.links)]
        kept = {slot.key for slot in own}
        ledger.waiting = deque(slot for slot in ready.plan.slots if slot.key not in kept)
        ledger.states = {state.slot: state for state in work.fetcher.slot_states()}
        dealing = Dealing(ledger, work, send)
        async with send, trio.open_nursery() as own_crawl:
            own_crawl.start_soon(crawl, own, work.walk, send.clone())  # the browser is this process's
            try:
                async with trio.open_nursery() as nursery:
                    dealing.nursery = nursery
                    nursery.start_soon(dealing.receive)
                    await dealing.supervise()
                    nursery.cancel_scope.cancel()
            finally:
                with trio.CancelScope(shield=True), trio.move_on_after(ANSWER):
                    await self._end()

    def elsewhere(self, url: str) -> Ask | None:
        """Who asks this URL while its slot is a worker's."""
        return self.ledger.elsewhere(url)

    async def _end(self) -> None:
        for session in self.ledger.sessions.values():
            session.scope.cancel()
        if self.ledger.lost:
            return
        for session in self.ledger.sessions.values():
            with trio.move_on_after(2.0):
                try:
                    await self.ledger.dask(partial(session.queue.put, packed([End()])))
                except (ClusterError, TimeoutError):
                    return

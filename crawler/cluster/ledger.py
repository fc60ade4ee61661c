"""Who has which slot of a run: sessions of workers, owners of slots, and the client by which they are reached.

What is dealt to whom is `dealing`'s to decide, when a run begins and ends the `coordinator`'s.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import trio

from crawler.cluster.messages import Down, HopAsked
from crawler.cluster.worker import Waiting
from crawler.core.errors import ClusterError
from crawler.core.model import Fetch, Link
from crawler.core.slots import Slot, SlotState
from crawler.fetch import Request

if TYPE_CHECKING:
    from crawler.fetch.request import Ask

ANSWER: Final = 15.0  # seconds within which a scheduler answers; past them it is lost

T = TypeVar("T")


@dataclass(slots=True)
class Session:
    """One worker's part of the run."""

    ident: str
    address: str
    queue: Any  # of Dask, to the worker
    future: Any
    heard: float  # when it was heard last
    slots: dict[str, dict[str, Link]] = field(default_factory=dict)  # by slot: links that are still to come
    outbox: list[Down] = field(default_factory=list)
    wake: trio.Event = field(default_factory=trio.Event)
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)

    def tell(self, message: Down) -> None:
        """Put a message into its queue, in order."""
        self.outbox.append(message)
        self.wake.set()


@dataclass(slots=True)
class Ledger:
    """The state of a run on a cluster: every slot has one owner at any time, a session or this process."""

    client: Any  # of Dask
    name: str = ""  # of the run's queues
    up: Any = None  # the queue from all workers
    sessions: dict[str, Session] = field(default_factory=dict)  # by address
    owners: dict[str, Session] = field(default_factory=dict)  # by slot
    refused: set[str] = field(default_factory=set)  # addresses of workers of another version, and of those that failed
    waiting: deque[Slot] = field(default_factory=deque)
    states: dict[str, SlotState] = field(default_factory=dict)
    asked: dict[str, Waiting] = field(default_factory=dict)  # hops that others were asked for
    lost: bool = False  # the scheduler is gone
    slot_of: Callable[[str], str] | None = None
    hop: Ask | None = None

    def elsewhere(self, url: str) -> Ask | None:
        """Who asks this URL while its slot is a worker's."""
        return self.ask if self.slot_of and self.slot_of(url) in self.owners else None

    async def ask(self, request: Request) -> Fetch:
        """One GET by whoever owns its slot now, be it this process."""
        assert self.slot_of is not None
        assert self.hop is not None
        while True:
            owner = self.owners.get(self.slot_of(request.url))
            if owner is None:
                return await self.hop(request)
            ident = f"{owner.ident}/{uuid.uuid4().hex}"
            waiting = self.asked[ident] = Waiting()
            owner.tell(HopAsked(ident, request))
            try:
                await waiting.event.wait()
            finally:
                del self.asked[ident]
            if isinstance(waiting.answer, Fetch):
                return waiting.answer

    async def dask(self, call: Callable[[], T]) -> T:
        """A call of Dask in a thread. Raises ClusterError where the scheduler is gone or does not answer."""
        try:
            with trio.fail_after(ANSWER):
                return await trio.to_thread.run_sync(call, abandon_on_cancel=True)
        except (OSError, trio.TooSlowError, asyncio.CancelledError, RuntimeError, ValueError) as error:
            if isinstance(error, TimeoutError) and self.client.status == "running":
                raise
            raise ClusterError(f"the scheduler is gone ({type(error).__name__})") from error


def queue_of(client: Any, name: str) -> Any:
    """A queue of the cluster, by its name."""
    from distributed import Queue

    return Queue(name, client=client)  # type: ignore[no-untyped-call]  # Dask has no types here


def workers_of(client: Any) -> set[str]:
    """Addresses of the workers that the scheduler has now."""
    found = client.sync(client.scheduler.identity, n_workers=-1)
    return set(found["workers"])

"""Walking a plan: opens the fetcher, visits the slots, heeds signals and budget, judges the run at its end.

Composition of the pipeline with the edges, and the only module that imports all of them. What a check is belongs to
`visit`, what is kept of it to `keeper`, what is due to `job` and `plan`.
"""

from __future__ import annotations

import random
import signal
import string
import threading
from dataclasses import replace
from datetime import timedelta

import trio

from crawler.core.model import Check, Run
from crawler.crawl.checker import Checker
from crawler.crawl.job import Job, Prepared, Stop
from crawler.crawl.pictures import PictureKeeper
from crawler.crawl.pipeline import Walk, crawl, record
from crawler.crawl.recorder import Keeper, settle
from crawler.fetch import open_fetcher
from crawler.schedule.outage import Watch, known_hosts
from crawler.schedule.plan import Plan

GRACE = 10.0  # seconds that open fetches get to finish after a signal or the end of the budget
COOL_DOWN = timedelta(hours=2)  # how long a slot that refused us `patience` times is left alone; a guess
LETTERS = 25  # of a sibling probe; Bar-Yossef et al. 2004


async def walk_job(job: Job, ready: Prepared) -> Run:
    """Look at every link of the plan; what was learned is in `ready.histories`, and the run's summary comes back."""
    planned = [link for slot in ready.plan.slots for link in slot.links]
    watch = Watch(known_hosts(planned, ready.histories))
    keeper = Keeper(job, ready.histories, watch, dict(ready.histories))
    opener = job.open_fetcher or open_fetcher
    opened = opener(
        job.settings.fetch, ready.politeness, now=job.now, states=ready.states.values(), random=random.random
    )
    async with opened as fetcher:
        checker = Checker(
            fetcher, job.sites, job.settings, ready.politeness, ready.histories, job.now, random_letters, ready.run.id
        )
        walk = Walk(
            visit=checker,
            crashed=checker.internal_error,
            refused=lambda slot: fetcher.refused(slot.key),
            answered=lambda slot: fetcher.answered(slot.key),
            leave=lambda slot: fetcher.close_slot(slot.key),
            stop=job.stop,
        )
        keeper.slot_states = fetcher.slot_states
        if job.settings.archive.images != "none":
            keeper.pictures = PictureKeeper(fetcher, job.sites, job.settings.archive, job.memory, keeper.in_thread)
        await walk_plan(ready.plan, walk, keeper, job)
        for refusal in walk.given_up:
            fetcher.cool_down(refusal.slot, job.now() + COOL_DOWN)
        job.memory.put_slots(fetcher.slot_states())
    return replace(
        ready.run,
        fetched=keeper.fetched,
        requests=keeper.requests + (keeper.pictures.requests if keeper.pictures else 0),
        kept_bytes=keeper.kept_bytes + (keeper.pictures.kept_bytes if keeper.pictures else 0),
        network="down" if keeper.network_down else "ok",
        slots_given_up=tuple(walk.given_up),
        stopped_by="network-down" if keeper.network_down else job.stop.reason,
        internal_errors=walk.internal_errors,
    )


async def walk_plan(plan: Plan, walk: Walk, keeper: Keeper, job: Job) -> None:
    """Crawl under the wishes to stop: the budget, signals, a network that is gone."""
    send, receive = trio.open_memory_channel[Check](0)
    async with trio.open_nursery() as watchers:
        with trio.CancelScope() as scope:
            keeper.hurry = lambda: hurry(scope)
            if job.budget.seconds:
                watchers.start_soon(heed_budget, job.budget.seconds, walk.stop, scope)
            if job.handle_signals and threading.current_thread() is threading.main_thread():
                watchers.start_soon(heed_signals, walk.stop, scope)
            async with trio.open_nursery() as nursery:
                if keeper.pictures:
                    nursery.start_soon(keeper.pictures.run)
                nursery.start_soon(record_all, receive, keeper)
                await crawl(plan.slots, walk, send)
        await settle(job, walk, keeper)  # signals are still heard: a canary may take its time
        watchers.cancel_scope.cancel()


async def record_all(receive: trio.MemoryReceiveChannel[Check], keeper: Keeper) -> None:
    """Record to the last check, also when the walk is cancelled, and then tell the picture keeper that no more come."""
    with trio.CancelScope(shield=True):
        await record(receive, keeper.keep)
    if keeper.pictures:
        await keeper.pictures.send.aclose()


def hurry(scope: trio.CancelScope) -> None:
    """Open fetches have `GRACE` seconds from now."""
    scope.deadline = min(scope.deadline, trio.current_time() + GRACE)


async def heed_budget(seconds: float, stop: Stop, scope: trio.CancelScope) -> None:
    """When the time is spent, no new link is begun."""
    await trio.sleep(seconds)
    stop.ask("budget")
    hurry(scope)


async def heed_signals(stop: Stop, scope: trio.CancelScope) -> None:
    """The first SIGINT or SIGTERM ends the run in good order, the second at once."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            if stop.reason == "signal":
                scope.cancel()
            stop.ask("signal")
            stop.reason = "signal"
            hurry(scope)


def random_letters() -> str:
    """The letters of a sibling probe."""
    return "".join(random.choices(string.ascii_lowercase, k=LETTERS))  # noqa: S311 (not a secret)

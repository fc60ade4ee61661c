"""Walking a plan: opens the fetcher, joins the crawling and the recording half, heeds signals and the budget.

Composition with the edges, and the only module that imports all of them. What a check is belongs to `checker`, what is
kept of it to `recorder`, what is due to `job` and `schedule`.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import trio

from crawler.core.counts import Counted
from crawler.core.errors import BrowserError
from crawler.core.model import Check, Failure, Fetch, History, Link
from crawler.core.proof import NO_SUCH_HOST
from crawler.core.results import Run
from crawler.core.slots import Slot
from crawler.crawl.checker import Checker, random_letters
from crawler.crawl.hijack import HijackWatch
from crawler.crawl.hosts import Hosts, hosts_of
from crawler.crawl.job import CrawlWork, Job, Prepared
from crawler.crawl.listing import most_recent
from crawler.crawl.opinion import Opinion, open_opinion
from crawler.crawl.pictures import ROOMY, WORKERS, PictureKeeper
from crawler.crawl.pipeline import Walk, check_link, crawl, record
from crawler.crawl.readers import open_readers
from crawler.crawl.recorder import Recorder, RecorderTools, WritingThread
from crawler.crawl.stop import Stop
from crawler.fetch import open_fetcher
from crawler.schedule.fingerprint import forms, speaks_against
from crawler.schedule.outage import CANARIES, Watch, canaries, known_hosts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from crawler.core.settings import FetchSettings
    from crawler.crawl.readers import Reader
    from crawler.fetch import Fetcher

    Opener = Callable[..., AbstractAsyncContextManager[Fetcher]]

GRACE = 10.0  # seconds that open fetches get to finish after a signal or the end of the budget
COOL_DOWN = timedelta(hours=2)  # how long a slot that refused us `patience` times is left alone; a guess
ASKED = 2  # hosts that were alive last, asked where a page or failure is in doubt
TOGETHER = 16  # checks of other processes that wait for the recorder; more would be memory where pages are large
AFTER_ALL = ""  # the one queue of all pictures where they wait until the last page is through
WELL_KNOWN = ("a.root-servers.net", "www.iana.org")  # names that resolve wherever names do (RFC 8109 asks the first)
LOOKUP = 5.0  # seconds for looking these up


async def walk_job(job: Job, ready: Prepared) -> Run:
    """Check every link of the plan; what was learned is in `ready.histories`, and the run's summary comes back."""
    opener = job.open_fetcher or browser_for(job, ready) or open_fetcher
    if job.spread:
        opener = partial(opener, elsewhere=job.spread.elsewhere)
    opened = opener(
        job.settings.fetch, ready.politeness, now=job.now, states=ready.states.values(), random=random.random
    )
    async with (
        opened as fetcher,  # first, since it has a thread read certificates
        readers_of(job) as reader,
        open_opinion(job, ready.politeness, reader) as opinion,
    ):
        hosts = hosts_of(ready.histories, proxied=bool(job.settings.fetch.proxy))
        walk = walk_with(fetcher, reader, job, ready, hosts, opinion)
        hijack = HijackWatch(fetcher, reader, job.now, impossible_name())
        scope = trio.CancelScope()
        recorder = recorder_for(fetcher, job, ready, scope, hosts)
        pictures = recorder.tools.pictures
        walk.leave = partial(leave, fetcher, pictures)

        async def crawl_plan(send: trio.MemorySendChannel[Check]) -> None:
            if job.spread:
                await job.spread.crawl(CrawlWork(job, ready, fetcher, walk, hosts), send)
                return
            async with trio.open_nursery() as nursery:  # readers start beside the first requests
                nursery.start_soon(walk.warm_up, ready.plan.links)
                await crawl(ready.plan.slots, walk, send)
                nursery.cancel_scope.cancel()  # nobody waits for one that starts while the last page was read

        async with indexed(job, recorder, reader):
            await walk_plan(crawl_plan, walk, recorder, scope, hijack)
        for refusal in walk.given_up:
            fetcher.cool_down(refusal.slot, job.now() + COOL_DOWN)
        job.memory.put_slots(fetcher.slot_states())
    if pictures and pictures.left_out:
        missing = f"{Counted(pictures.left_out):picture was|pictures were} left out"
        job.observer.say(f"{missing}, for want of time or of an answer of their hosts")
    return summary(ready.run, walk, recorder, fetcher.requests)


@asynccontextmanager
async def indexed(job: Job, recorder: Recorder, reader: Reader) -> AsyncIterator[None]:
    """In the block readers make search terms of what is recorded, until its end has them finish (`walk_plan`)."""
    with job.memory.deferring_terms() as terms:
        if terms is None:
            yield
            return
        from crawler.crawl.indexing import Indexer

        indexer = recorder.indexer = Indexer(terms, recorder.tools.write, reader)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(indexer.run)
            yield


def browser_for(job: Job, ready: Prepared) -> Opener | None:
    """What fetches with a browser beside, for links that say nothing without one; None where there are none.

    Those are the links of hosts with `browser = true`, and those that a browser read last. Without a browser they are
    fetched plainly, with a line that says so.
    """
    wanted = [link.fetch_url for slot in ready.plan.slots for link in slot.links if needs_browser(link, ready)]
    if not wanted:
        return None
    from crawler.fetch.browser import find_browser
    from crawler.fetch.rendering import browser_opener

    try:
        return browser_opener(find_browser(os.environ), "", wanted, job.now)
    except BrowserError as error:
        links = f"{Counted(len(wanted)):link needs|links need}"
        job.observer.say(f"{links} a browser, and none is there; fetched without one: {error}")
        return None


def needs_browser(link: Link, ready: Prepared) -> bool:
    """Whether the user's configuration says so of its host, or a browser read it last."""
    return ready.histories[link.canonical_url].rendered or ready.politeness(link.fetch_url).browser


@asynccontextmanager
async def readers_of(job: Job) -> AsyncIterator[Reader]:
    """Who reads the pages of a job: the reader that it brings, else processes that end with the block."""
    if job.reader is not None:
        yield job.reader
        return
    async with open_readers(job.settings, job.sites) as pool:
        yield pool


def walk_with(
    fetcher: Fetcher, reader: Reader, job: Job, ready: Prepared, hosts: Hosts, opinion: Opinion | None = None
) -> Walk:
    """The crawling half: how links are checked and what slots hear of it."""
    checker = Checker(
        fetcher, reader, job.sites, job.settings, ready.politeness, ready.histories, now=job.now, run_id=ready.run.id,
        depth=job.depth, hosts=hosts, opinion=opinion, segment=job.memory.open_segment,
    )  # fmt: skip
    return Walk(
        check=checker,
        crashed=checker.internal_error,
        refused=lambda slot: fetcher.refused(slot.key),
        answered=lambda slot: fetcher.answered(slot.key),
        leave=partial(leave, fetcher, None),
        stop=job.stop,
        left_alone=job.observer.left_alone,
        warm_up=reader.warm_up,
        hold=fetcher.hold,
        opinion=opinion,
    )


async def leave(fetcher: Fetcher, pictures: PictureKeeper | None, slot: Slot) -> None:
    """The pages of a slot are through: its connections are closed, and its pictures have their turn."""
    await fetcher.close_slot(slot.key)
    if pictures:
        pictures.pages_are_through(slot.key)


def recorder_for(fetcher: Fetcher, job: Job, ready: Prepared, scope: trio.CancelScope, hosts: Hosts) -> Recorder:
    """The recording half; where nothing can be reached, it ends the walk that runs in `scope`."""
    write = WritingThread(job.run_sync)
    pictures = None
    if job.settings.archive.images != "none":
        pictures = picture_keeper(fetcher, job, ready, write)

    def give_up() -> None:
        job.stop.ask("network-down")
        hurry(scope)

    planned = [link for slot in ready.plan.slots for link in slot.links]
    watch = Watch(known_hosts(planned, ready.histories))
    tools = RecorderTools(write, fetcher.slot_states, give_up, pictures)
    return Recorder(job, ready.histories, watch, tools, hosts, ready.run.id)


def picture_keeper(fetcher: Fetcher, job: Job, ready: Prepared, write: WritingThread) -> PictureKeeper:
    """The queue of pictures: beside the pages of other slots where there is room for both, else after all pages."""
    slots = {slot.key for slot in ready.plan.slots}
    is_roomy = job.settings.fetch.concurrency >= ROOMY * WORKERS
    return PictureKeeper(
        fetcher, job.sites, job.settings.archive, job.memory, write,
        slot_of=(lambda url: ready.politeness(url).slot) if is_roomy else (lambda _: AFTER_ALL),
        walking=slots if is_roomy else {AFTER_ALL},
    )  # fmt: skip


def summary(run: Run, walk: Walk, recorder: Recorder, requests: int) -> Run:
    """The run with its figures; `requests` are those of this process."""
    pictures = recorder.tools.pictures
    return replace(
        run,
        fetched=recorder.fetched,
        requests=requests + walk.requests,
        kept_bytes=recorder.kept_bytes + (pictures.kept_bytes if pictures else 0),
        network="down" if recorder.network_down else "ok",
        slots_given_up=tuple(walk.given_up),
        stopped_by="network-down" if recorder.network_down else walk.stop.reason,
        internal_errors=walk.internal_errors,
    )


async def walk_plan(
    crawl_plan: Callable[[trio.MemorySendChannel[Check]], Awaitable[None]],
    walk: Walk,
    recorder: Recorder,
    scope: trio.CancelScope,
    hijack: HijackWatch,
) -> None:
    """Crawl and record side by side under the wishes to stop: the budget, signals, a network that is gone."""
    job, pictures = recorder.job, recorder.tools.pictures
    # Checks of other processes come one behind the other: without room for some, each would be a transaction.
    send, receive = trio.open_memory_channel[Check](TOGETHER if job.spread else 0)
    async with trio.open_nursery() as watchers:
        with scope:
            if job.budget.seconds:
                watchers.start_soon(heed_budget, job.budget.seconds, walk.stop, scope)
            if job.handle_signals and threading.current_thread() is threading.main_thread():
                watchers.start_soon(heed_signals, walk.stop, scope)
            recorder.hijack = hijack.has
            watchers.start_soon(hijack.ask)
            async with trio.open_nursery() as nursery:
                if pictures:
                    nursery.start_soon(pictures.run)
                nursery.start_soon(record_all, receive, recorder)
                await crawl_plan(send)
        await settle(walk, recorder, hijack)  # signals are still heard: a canary may take its time
        if recorder.indexer:
            await recorder.indexer.finish()
        watchers.cancel_scope.cancel()


async def record_all(receive: trio.MemoryReceiveChannel[Check], recorder: Recorder) -> None:
    """Record to the last check, also when the walk is cancelled, and then close the queue of pictures."""
    with trio.CancelScope(shield=True):
        await record(receive, recorder.keep)
    if recorder.tools.pictures:
        await recorder.tools.pictures.close()


async def settle(walk: Walk, recorder: Recorder, hijack: HijackWatch) -> None:
    """Judge the run itself, with canaries where it knows too little, then let its checks count or drop them."""
    recorder.stretch.conclude(recorder.seen)
    if recorder.job.stop.reason in (None, "budget"):
        await ask_canaries(walk, recorder)
        refuted = await ask_about_doubts(walk, recorder, hijack)
        await look_up_again(walk, recorder, hijack.fetcher)
    else:  # nobody waits for canaries: what is in doubt does not count, and stays due
        refuted = frozenset(recorder.stretch.few | recorder.stretch.doubtful)
    await recorder.settle(refuted)


async def ask_canaries(walk: Walk, recorder: Recorder) -> None:
    """Ask hosts that were alive last, where failures leave in doubt whether the line is there."""
    watch, job = recorder.watch, recorder.job
    if watch.wants_canary():
        for link in some_canaries(job, recorder.histories, watch.answered | watch.failed, CANARIES):
            watch.known.add(link.host)
            await recorder.keep([await check_link(link, walk)])
    elif watch.may_be_cut:
        for link in some_canaries(job, recorder.histories, set(watch.since_answer), CANARIES):
            await recorder.keep([await check_link(link, walk)])


def some_canaries(job: Job, histories: Mapping[str, History], asked_hosts: set[str], most: int) -> list[Link]:
    """Known-living links of other hosts, among all links of the job."""
    return canaries(most_recent(job.links, histories, asked_hosts, most), histories, asked_hosts, most)


async def ask_about_doubts(walk: Walk, recorder: Recorder, hijack: HijackWatch) -> frozenset[str]:
    """Settle what too many say and nothing remembered speaks for or against; fingerprints and sorts that are refuted.

    Where few domains were asked, two others that were alive last tell. Nobody is left to be asked: what all say that
    were alive is not believed. Else, and where nothing is remembered, a name that cannot exist tells; not where
    [fetch] resolve answers for such names and few were asked.
    """
    few, doubtful = recorder.stretch.few, recorder.stretch.doubtful
    sayings = await said_by_others(walk, recorder, few) if few else []
    if len(sayings) == ASKED:
        refuted = few & forms(sayings[0]) & forms(sayings[1])
    else:
        refuted = {said for said in recorder.stretch.alone if not any(speaks_against(one, said) for one in sayings)}
    unasked = few and len(sayings) < ASKED and not resolves_all(recorder.job.settings.fetch)
    if doubtful or unasked:
        impossible = await hijack.said_by(impossible_name())
        recorder.judged_again(impossible)
        refuted |= few & forms(impossible) if unasked else set()
    return frozenset(refuted)


async def said_by_others(walk: Walk, recorder: Recorder, doubted: set[str]) -> list[str]:
    """What hosts say that were alive last and are not themselves in doubt: two at most."""
    asked = {
        check.link.host for check in (*recorder.held, *recorder.waiting) if not doubted.isdisjoint(forms(check.said))
    }
    sayings = []
    for link in some_canaries(recorder.job, recorder.before, asked, ASKED):
        check = await check_link(link, walk)
        sayings.append(check.said)
    return sayings


def resolves_all(settings: FetchSettings) -> bool:
    """Whether a rule of [fetch] resolve answers for every host, also for those that nobody registered."""
    return any(key.partition(":")[0] in ("", "*") for key in settings.resolve)


async def look_up_again(walk: Walk, recorder: Recorder, fetcher: Fetcher) -> None:
    """A second look-up of names that do not exist, of links never seen alive: one link a host."""
    missing: dict[str, list[Link]] = {}
    for check in recorder.held:
        known = recorder.before.get(check.link.canonical_url)
        if has_no_name(check.fetch) and (known is None or known.last_alive is None):
            missing.setdefault(check.link.host, []).append(check.link)
    if not missing or not await names_resolve(fetcher, recorder):
        return
    recorder.watch.nameless |= set(missing)
    for links in missing.values():
        again = await check_link(links[0], walk)
        if has_no_name(again.fetch):
            recorder.hosts.gone |= {link.canonical_url for link in links}


async def names_resolve(fetcher: Fetcher, recorder: Recorder) -> bool:
    """Whether other names resolve here: a host answered, or a name does that every resolver knows."""
    if recorder.watch.answered:
        return True
    with trio.move_on_after(LOOKUP):
        for name in WELL_KNOWN:
            if await fetcher.lookup(name):
                return True
    return False


def has_no_name(fetch: Fetch) -> bool:
    """Whether the name of the asked host itself does not exist."""
    missing = fetch.failure is Failure.NO_SUCH_HOST or (
        fetch.failure is Failure.DNS and fetch.error.startswith(NO_SUCH_HOST)
    )
    return missing and not fetch.redirects


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


def impossible_name() -> str:
    """A name that nobody registered. Not under `.invalid`: resolvers answer for that by themselves (RFC 6761, 6.4)."""
    return f"{random_letters()}.com"

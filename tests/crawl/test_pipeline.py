"""The flow of a crawl: slots side by side, patience, one recorder, and crashes that stay small."""

import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import trio

from crawler.core.model import Check, Failure, Fetch, Link, Page, State, Verdict
from crawler.core.slots import Politeness, Slot
from crawler.crawl.pipeline import BATCH, BATCH_BYTES, Walk, crawl, record
from crawler.crawl.stop import Stop
from crawler.schedule.history import first_seen

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def link(name: str, slot: str) -> Link:
    url = f"https://{slot}/{name}"
    return Link(url, url, url, "other", slot, slot)


def slot(key: str, count: int, **rules: Any) -> Slot:
    return Slot(key, "other", Politeness(key, **rules), tuple(link(str(n), key) for n in range(count)))


def check(at: Link, state: State = State.ALIVE, failure: Failure | None = None) -> Check:
    status = None if failure else 200
    fetch = Fetch(at.fetch_url, at.fetch_url, NOW, status=status, failure=failure)
    return Check(at, NOW, fetch, Page(), Verdict(state, "x"), first_seen(at.canonical_url, at.url, NOW))


@dataclass
class Crawl:
    """A crawl with a plain function as its web; `answers` gives a state, or raises."""

    seconds: float = 1.0
    answers: Any = State.ALIVE
    kept: list[Check] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    in_flight: dict[str, int] = field(default_factory=dict)
    most_in_flight: dict[str, int] = field(default_factory=dict)
    stop: Stop = field(default_factory=Stop)
    keep_seconds: float = 0.0
    body: bytes = b""

    async def answer_to(self, at: Link) -> Check:
        count = self.in_flight[at.slot] = self.in_flight.get(at.slot, 0) + 1
        self.most_in_flight[at.slot] = max(count, self.most_in_flight.get(at.slot, 0))
        try:
            await trio.sleep(self.seconds)
        finally:
            self.in_flight[at.slot] -= 1
        answer = self.answers(at) if callable(self.answers) else self.answers
        if isinstance(answer, Exception):
            raise answer
        found = check(at, failure=answer) if isinstance(answer, Failure) else check(at, answer)
        return replace(found, fetch=replace(found.fetch, body=self.body))

    async def leave(self, of: Slot) -> None:
        self.events.append(f"leave {of.key}")

    async def keep(self, batch: list[Check]) -> None:
        await trio.sleep(self.keep_seconds)
        self.batches.append(len(batch))
        self.kept += batch

    async def run(self, *slots: Slot) -> Walk:
        walk = Walk(
            self.answer_to,
            lambda at, _: check(at, State.UNKNOWN, Failure.INTERNAL),
            lambda of: self.events.append(f"refused {of.key}"),
            lambda of: self.events.append(f"answered {of.key}"),
            self.leave,
            self.stop,
        )
        send, receive = trio.open_memory_channel[Check](0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(record, receive, self.keep)
            nursery.start_soon(crawl, slots, walk, send)
        return walk

    def seen(self, key: str) -> list[str]:
        return [x.link.fetch_url.rpartition("/")[2] for x in self.kept if x.link.slot == key]


async def test_slots_are_visited_side_by_side_and_links_of_a_slot_in_order(autojump_clock: trio.abc.Clock) -> None:
    web = Crawl()
    await web.run(slot("a", 5), slot("b", 3))
    assert web.seen("a") == ["0", "1", "2", "3", "4"]
    assert trio.current_time() < 6
    assert web.most_in_flight == {"a": 1, "b": 1}


async def test_per_host_is_how_many_links_of_a_slot_are_in_flight(autojump_clock: trio.abc.Clock) -> None:
    web = Crawl()
    await web.run(slot("a", 9, per_host=3))
    assert web.most_in_flight == {"a": 3}
    assert len(web.kept) == 9


async def test_a_slot_that_refuses_patience_times_in_a_row_is_left_alone(autojump_clock: trio.abc.Clock) -> None:
    web = Crawl(answers=lambda at: State.BLOCKED if at.slot == "wall" else State.ALIVE)
    walk = await web.run(slot("wall", 20, patience=3), slot("open", 20, patience=3))
    assert web.seen("wall") == ["0", "1", "2"]
    assert len(web.seen("open")) == 20
    assert [(g.slot, g.reason, g.left) for g in walk.given_up] == [("wall", "x", 17)]


async def test_one_answer_between_refusals_starts_the_count_anew(autojump_clock: trio.abc.Clock) -> None:
    web = Crawl(answers=lambda at: State.ALIVE if at.fetch_url.endswith("2") else State.BLOCKED)
    await web.run(slot("a", 6, patience=3))
    assert len(web.kept) == 6


async def test_patience_zero_never_gives_up(autojump_clock: trio.abc.Clock) -> None:
    web = Crawl(answers=State.BLOCKED)
    walk = await web.run(slot("a", 30, patience=0))
    assert (len(web.kept), walk.given_up) == (30, [])


async def test_a_slot_that_refuses_its_very_last_links_left_nothing_undone(autojump_clock: trio.abc.Clock) -> None:
    web = Crawl(answers=State.BLOCKED)
    walk = await web.run(slot("a", 3, patience=3))
    assert walk.given_up == []


async def test_a_slot_whose_requests_are_held_back_is_left_alone_at_once(autojump_clock: trio.abc.Clock) -> None:
    web = Crawl(answers=Failure.HELD_BACK)
    walk = await web.run(slot("a", 10))
    assert [(g.reason, g.left) for g in walk.given_up] == [("held-back", 9)]


async def test_a_crash_at_one_link_is_that_links_and_the_others_go_on(autojump_clock: trio.abc.Clock) -> None:
    web = Crawl(answers=lambda at: RuntimeError("poison") if at.fetch_url.endswith("1") else State.ALIVE)
    walk = await web.run(slot("a", 4))
    assert [x.fetch.failure for x in web.kept] == [None, Failure.INTERNAL, None, None]
    assert walk.internal_errors == 1


async def test_a_wish_to_stop_begins_no_new_link(autojump_clock: trio.abc.Clock) -> None:
    web = Crawl()

    def stop_at_two(at: Link) -> State:
        if at.fetch_url.endswith("2"):
            web.stop.ask("signal")
        return State.ALIVE

    web.answers = stop_at_two
    await web.run(slot("a", 50))
    assert web.seen("a") == ["0", "1", "2"]


async def test_results_behind_a_slow_disk_are_kept_together_and_none_is_lost(autojump_clock: trio.abc.Clock) -> None:
    web = Crawl(seconds=0.001, keep_seconds=5.0)
    await web.run(*(slot(f"s{n}", 3) for n in range(200)))
    assert len(web.kept) == 600
    assert max(web.batches) == BATCH


async def test_large_pages_behind_a_slow_disk_are_kept_a_few_at_a_time(autojump_clock: trio.abc.Clock) -> None:
    web = Crawl(seconds=0.001, keep_seconds=5.0, body=bytes(BATCH_BYTES // 4))
    await web.run(*(slot(f"s{n}", 3) for n in range(20)))
    assert len(web.kept) == 60
    assert max(web.batches) == 4


async def test_a_slot_is_left_once_and_only_after_its_last_link(autojump_clock: trio.abc.Clock) -> None:
    web = Crawl()
    await web.run(slot("a", 3, per_host=2))
    assert web.events == ["answered a"] * 3 + ["leave a"]


class WatchedFetch(Fetch):
    """A fetch that can be asked whether it is still there."""


async def test_what_was_handed_over_does_not_live_on_while_the_next_page_is_waited_for(
    autojump_clock: trio.abc.Clock,
) -> None:
    """A thousand slots that wait for their next page would else keep a thousand pages in memory."""
    fetched: list[weakref.ref[Fetch]] = []
    living: list[int] = []

    async def ask(at: Link) -> Check:
        await trio.sleep(5)
        gc.collect()
        living.append(sum(old() is not None for old in fetched))
        found = WatchedFetch(at.fetch_url, at.fetch_url, NOW, status=200, body=b"x")
        fetched.append(weakref.ref(found))
        return replace(check(at), fetch=found)

    async def forget(_: list[Check]) -> None:
        return

    walk = Walk(ask, lambda at, _: check(at), lambda _: None, lambda _: None, Crawl().leave)
    send, receive = trio.open_memory_channel[Check](0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(record, receive, forget)
        nursery.start_soon(crawl, [slot("a", 4)], walk, send)
    assert living == [0, 0, 0, 0]


async def test_a_check_holds_its_bytes_until_the_recorder_has_taken_it(autojump_clock: trio.abc.Clock) -> None:
    story: list[str] = []

    @contextmanager
    def hold() -> Iterator[None]:
        story.append("holds")
        yield
        story.append("lets go")

    held_meanwhile: list[int] = []

    async def keep(_: list[Check]) -> None:
        await trio.sleep(10)
        held_meanwhile.append(story.count("holds") - story.count("lets go"))

    async def ask(at: Link) -> Check:
        return check(at)

    walk = Walk(ask, lambda at, _: check(at), lambda _: None, lambda _: None, Crawl().leave, hold=hold)
    send, receive = trio.open_memory_channel[Check](0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(record, receive, keep)
        nursery.start_soon(crawl, [slot("a", 3)], walk, send)
    assert story.count("holds") == story.count("lets go") == 3
    assert held_meanwhile[0] == 1, "the second one waits, held, while the first is kept"

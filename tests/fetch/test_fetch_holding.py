"""How many bytes a run holds that nobody has read yet: stories of slow readers on the test clock."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import trio
from fetch_web import polite, web

from crawler.core.model import Cut, Fetch
from crawler.fetch import Fetcher
from crawler.fetch.holding import PATIENCE, BodyBudget

CHUNK = 1024


class Slow(httpx.AsyncByteStream):
    """A body in chunks, each some time after the one before; `started` and `done` are when."""

    def __init__(self, size: int, seconds: float) -> None:
        self.size, self.seconds = size, seconds
        self.started = self.done = float("inf")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.started = trio.current_time()
        for _ in range(self.size // CHUNK):
            await trio.sleep(self.seconds)
            yield b"x" * CHUNK
        self.done = trio.current_time()


def answering(body: Callable[[str], Slow | bytes]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        made = body(request.url.path)
        if isinstance(made, Slow):
            return httpx.Response(200, headers={"Content-Length": str(made.size)}, stream=made)
        return httpx.Response(200, content=made)

    return answer


class Reading:
    """Checks that fetch one address each, and hold what came for `seconds`, as if it waited for a reader."""

    def __init__(self, fetcher: Fetcher, seconds: float) -> None:
        self.fetcher, self.seconds = fetcher, seconds
        self.fetched: dict[str, Fetch] = {}
        self.begun: list[float] = []
        self.holding = self.most = 0

    async def check(self, url: str) -> None:
        with self.fetcher.hold():
            fetch = self.fetched[url] = await self.fetcher(url)
            self.begun.append(trio.current_time())
            self.holding += len(fetch.body)
            self.most = max(self.most, self.holding)
            await trio.sleep(self.seconds)
            self.holding -= len(fetch.body)

    async def check_all(self, urls: list[str]) -> None:
        async with trio.open_nursery() as nursery:
            for url in urls:
                nursery.start_soon(self.check, url)
                await trio.testing.wait_all_tasks_blocked()


@pytest.fixture
def small_budget(monkeypatch) -> int:
    limit = 10 * CHUNK
    monkeypatch.setattr("crawler.fetch.BodyBudget", lambda: BodyBudget(limit, ahead=1))
    return limit


HOSTS = [f"https://host{n}.example/" for n in range(40)]


async def test_bodies_that_nobody_has_read_stay_near_the_limit(autojump_clock, small_budget: int) -> None:
    async with web(answering(lambda _: Slow(4 * CHUNK, seconds=0.1)), concurrency=4) as fetcher:
        reading = Reading(fetcher, seconds=1)
        await reading.check_all(HOSTS)
    assert len(reading.fetched) == 40
    assert all(len(fetch.body) == 4 * CHUNK for fetch in reading.fetched.values())
    assert reading.most <= small_budget + 4 * CHUNK


async def test_what_is_read_at_once_waits_for_nothing(autojump_clock, small_budget: int) -> None:
    async with web(answering(lambda _: b"x" * 4 * CHUNK)) as fetcher:
        await Reading(fetcher, seconds=0).check_all(HOSTS)
    assert trio.current_time() == 0


async def test_a_body_larger_than_the_limit_passes(autojump_clock, small_budget: int) -> None:
    async with web(answering(lambda _: b"x" * 5 * small_budget)) as fetcher:
        reading = Reading(fetcher, seconds=1)
        await reading.check_all(HOSTS[:3])
    assert [len(fetch.body) for fetch in reading.fetched.values()] == [5 * small_budget] * 3
    assert not any(fetch.cut for fetch in reading.fetched.values())


async def test_bodies_that_come_together_stand_still_past_the_limit_until_one_is_read(
    autojump_clock, small_budget: int
) -> None:
    """Five bodies come side by side, which are twice the limit together."""
    bodies = [Slow(4 * CHUNK, seconds=0.1) for _ in range(5)]
    streams = iter(bodies)
    async with web(answering(lambda _: next(streams))) as fetcher:
        reading = Reading(fetcher, seconds=3)
        await reading.check_all(HOSTS[:5])
    done = sorted(body.done for body in bodies)
    assert done[0] < 1
    assert done[-1] > 3  # it went on when the first was read
    assert all(len(fetch.body) == 4 * CHUNK and not fetch.cut for fetch in reading.fetched.values())
    assert reading.most < 5 * 4 * CHUNK


async def test_readers_never_run_out_of_answers_for_want_of_room(autojump_clock, monkeypatch) -> None:
    """Three answers may be under way or whole whatever room there is: three come in the time of one."""
    monkeypatch.setattr("crawler.fetch.BodyBudget", lambda: BodyBudget(CHUNK, ahead=3))
    bodies = [Slow(4 * CHUNK, seconds=1) for _ in range(4)]
    streams = iter(bodies)
    async with web(answering(lambda _: next(streams))) as fetcher:
        await Reading(fetcher, seconds=5).check_all(HOSTS[:4])
    assert sorted(body.done for body in bodies) == [4, 4, 4, pytest.approx(12, abs=1)]


async def test_standing_still_for_want_of_room_is_nobodys_timeout(autojump_clock, small_budget: int) -> None:
    """Each body takes 4 of the 5 seconds that it has, and the second one stands still for 6 more."""
    async with web(answering(lambda _: Slow(8 * CHUNK, seconds=0.5)), polite(timeout=5.0)) as fetcher:
        reading = Reading(fetcher, seconds=6)
        await reading.check_all(HOSTS[:2])
    assert [(fetch.cut, len(fetch.body)) for fetch in reading.fetched.values()] == [(Cut.NOT, 8 * CHUNK)] * 2
    assert all(fetch.seconds == pytest.approx(4) for fetch in reading.fetched.values())
    assert trio.current_time() > 12


async def test_a_server_that_stops_sending_has_its_deadline_all_the_same(autojump_clock, small_budget: int) -> None:
    async with web(answering(lambda _: Slow(8 * CHUNK, seconds=2)), polite(timeout=5.0)) as fetcher:
        reading = Reading(fetcher, seconds=6)
        await reading.check_all(HOSTS[:2])
    assert {fetch.cut for fetch in reading.fetched.values()} == {Cut.TIMEOUT}


async def test_no_answer_stands_still_for_longer_than_servers_wait(autojump_clock, small_budget: int) -> None:
    """Two bodies come together, and a reader takes minutes over the first: the second comes to its end all the same."""
    bodies = [Slow(8 * CHUNK, seconds=0.1) for _ in range(2)]
    streams = iter(bodies)
    async with web(answering(lambda _: next(streams))) as fetcher:
        await Reading(fetcher, seconds=300).check_all(HOSTS[:2])
    first, last = sorted(body.done for body in bodies)
    assert last - first == pytest.approx(PATIENCE)


class Asked:
    """A web whose pages take a second, the first as large as the limit, others small; when each was asked for."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.times: list[float] = []

    async def __call__(self, _: httpx.Request) -> httpx.Response:
        self.times.append(trio.current_time())
        size = self.size if len(self.times) == 1 else 10
        await trio.sleep(1)
        return httpx.Response(200, content=b"x" * size)


async def test_requests_wait_for_room_before_they_are_sent(autojump_clock, small_budget: int) -> None:
    asked = Asked(small_budget)
    async with web(asked) as fetcher, trio.open_nursery() as nursery:
        nursery.start_soon(Reading(fetcher, seconds=7).check, HOSTS[0])
        await trio.sleep(2)
        nursery.start_soon(Reading(fetcher, seconds=7).check_all, HOSTS[1:3])
    assert asked.times == [0, 8, 8]


async def test_intervals_count_from_the_start_that_waited_for_room(autojump_clock, small_budget: int) -> None:
    asked = Asked(small_budget)
    async with web(asked, polite(interval=5.0, per_host=3)) as fetcher:
        await Reading(fetcher, seconds=17).check_all([f"https://one.example/{n}" for n in range(3)])
    assert asked.times == [0, 18, 23]


async def test_a_page_that_sends_on_holds_nothing_while_it_waits(autojump_clock, small_budget: int) -> None:
    """Else pages that all send on to a slot whose next request waits for room would wait for ever."""
    async with web(answering(lambda _: b"x" * small_budget), polite(interval=1.0)) as fetcher:

        async def sent_on(n: int) -> None:
            with fetcher.hold():
                await fetcher(HOSTS[n])
                await trio.sleep(3)
                await fetcher(f"https://goal.example/{n}")
                await trio.sleep(3)

        with trio.fail_after(1000):
            async with trio.open_nursery() as nursery:
                for n in range(6):
                    nursery.start_soon(sent_on, n)


async def test_what_is_fetched_outside_of_a_check_neither_waits_nor_counts(autojump_clock, small_budget: int) -> None:
    async with web(answering(lambda _: b"x" * 3 * small_budget)) as fetcher:
        await fetcher(HOSTS[0])
        await Reading(fetcher, seconds=0).check_all(HOSTS[1:3])
        assert trio.current_time() == 0

        async with trio.open_nursery() as nursery:
            nursery.start_soon(Reading(fetcher, seconds=60).check, HOSTS[3])
            await trio.testing.wait_all_tasks_blocked()
            await fetcher(HOSTS[4])
            assert trio.current_time() == 0


async def test_a_check_that_is_cancelled_holds_nothing_any_more(autojump_clock, small_budget: int) -> None:
    async with web(answering(lambda _: b"x" * small_budget)) as fetcher:
        with trio.move_on_after(2), fetcher.hold():
            await fetcher(HOSTS[0])
            await trio.sleep_forever()
        begun = trio.current_time()
        await Reading(fetcher, seconds=0).check_all(HOSTS[1:3])
        assert trio.current_time() == begun

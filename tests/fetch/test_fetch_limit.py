"""When requests start: timing stories on the test clock."""

import itertools
from datetime import timedelta

import httpx
import pytest
import trio
from fetch_web import at, polite, web
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.core.model import Failure, Fetch
from crawler.core.slots import Politeness, SlotState
from crawler.core.url import host_of
from crawler.fetch import Fetcher, Request
from crawler.fetch.holding import BodyBudget
from crawler.fetch.limit import LONGEST_PAUSE, Limiter


class Log:
    """A web that answers after `seconds`, and remembers when it was asked."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.starts: list[tuple[float, str]] = []
        self.open = self.most = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.starts.append((trio.current_time(), str(request.url)))
        self.open += 1
        self.most = max(self.most, self.open)
        await trio.sleep(self.seconds)
        self.open -= 1
        return httpx.Response(200)

    @property
    def times(self) -> list[float]:
        return [round(when, 6) for when, _ in self.starts]


async def fetch_all(fetcher: Fetcher, urls: list[str]) -> None:
    async with trio.open_nursery() as nursery:
        for url in urls:
            nursery.start_soon(fetcher, url)
            await trio.testing.wait_all_tasks_blocked()  # so that they stand in line in this order


async def test_starts_of_a_slot_are_an_interval_apart_however_long_answers_take(autojump_clock) -> None:
    log = Log(seconds=3)
    async with web(log, polite(interval=5.0)) as fetcher:
        for page in "abc":
            await fetcher(f"https://one.example/{page}")
    assert log.times == [0, 5, 10]


async def test_an_interval_of_zero_waits_for_nothing(autojump_clock) -> None:
    log = Log()
    async with web(log) as fetcher:
        for page in "abc":
            await fetcher(f"https://one.example/{page}")
    assert log.times == [0, 0, 0]


async def test_slots_do_not_wait_for_each_other(autojump_clock) -> None:
    log = Log(seconds=1)
    async with web(log, polite(interval=60.0)) as fetcher:
        await fetch_all(fetcher, [f"https://host{n}.example/" for n in range(20)])
    assert log.times == [0] * 20


async def test_per_host_bounds_what_is_in_flight_in_a_slot(autojump_clock) -> None:
    log = Log(seconds=10)
    async with web(log, polite(per_host=2)) as fetcher:
        await fetch_all(fetcher, [f"https://one.example/{n}" for n in range(6)])
    assert log.most == 2
    assert log.times == [0, 0, 10, 10, 20, 20]


async def test_first_come_is_first_served(autojump_clock) -> None:
    log = Log()
    urls = [f"https://one.example/{n}" for n in range(8)]
    async with web(log, polite(interval=2.0, per_host=3)) as fetcher:
        await fetch_all(fetcher, urls)
    assert [url for _, url in log.starts] == urls


async def test_concurrency_bounds_the_whole_run(autojump_clock) -> None:
    log = Log(seconds=10)
    async with web(log, concurrency=3) as fetcher:
        await fetch_all(fetcher, [f"https://host{n}.example/" for n in range(9)])
    assert log.most == 3
    assert log.times == [0] * 3 + [10] * 3 + [20] * 3


async def test_waiting_for_an_interval_takes_no_place_of_the_run(autojump_clock) -> None:
    log = Log(seconds=1)
    async with web(log, polite(interval=100.0, per_host=5), concurrency=1) as fetcher:
        await fetch_all(fetcher, ["https://slow.example/1", "https://slow.example/2", "https://other.example/"])
    assert [(when, host_of(url)) for when, url in log.starts] == [
        (0, "slow.example"),
        (1, "other.example"),
        (100, "slow.example"),
    ]


async def test_a_slot_under_way_goes_before_those_that_begin(autojump_clock) -> None:
    log = Log(seconds=2)
    async with web(log, polite(interval=1.0), concurrency=1) as fetcher:
        await fetch_all(
            fetcher, [f"https://long.example/{n}" for n in range(3)] + [f"https://h{n}.example/" for n in range(3)]
        )
    hosts = [host_of(url) for _, url in log.starts]
    assert hosts == ["long.example", "h0.example", "long.example", "h1.example", "long.example", "h2.example"]
    assert log.times == [0, 2, 4, 6, 8, 10]


async def test_the_longest_interval_of_a_slots_hosts_counts(autojump_clock) -> None:
    log = Log()

    def politeness(url: str) -> Politeness:
        return Politeness(slot="site", interval=7.0 if "slow" in url else 1.0)

    async with web(log, politeness) as fetcher:
        for host in ("quick", "slow", "quick", "quick"):
            await fetcher(f"https://{host}.example/")
    assert log.times == [0, 7, 14, 21]


async def test_a_refused_slot_slows_down_and_comes_back_by_steps(autojump_clock) -> None:
    log = Log()
    async with web(log, polite(interval=1.0)) as fetcher:
        await fetcher("https://one.example/")
        for _ in range(10):
            fetcher.refused("one.example")
        assert fetcher.slot_states()[0].slowdown == 16
        await fetcher("https://one.example/")
        assert log.times == [0, 16]
        for _ in range(20):
            fetcher.answered("one.example")
        assert fetcher.slot_states()[0].slowdown == 1
        await fetcher("https://one.example/")
    assert log.times == [0, 16, 17]


async def test_a_slot_comes_back_in_halves(autojump_clock) -> None:
    async with web(Log(), polite(interval=1.0)) as fetcher:
        await fetcher("https://one.example/")
        fetcher.refused("one.example")
        fetcher.refused("one.example")
        for _ in range(4):
            fetcher.answered("one.example")
        assert fetcher.slot_states()[0].slowdown == 4
        fetcher.answered("one.example")
        assert fetcher.slot_states()[0].slowdown == 2


async def test_retry_after_holds_back_the_whole_slot_and_a_good_answer_elsewhere_does_not_erase_it(
    autojump_clock,
) -> None:
    starts = []

    async def answer(request: httpx.Request) -> httpx.Response:
        starts.append((trio.current_time(), request.url.path))
        if request.url.path == "/busy" and trio.current_time() < 60:
            return httpx.Response(429, headers={"Retry-After": "60"})
        await trio.sleep(1)
        return httpx.Response(200)

    async with web(answer, polite(per_host=3)) as fetcher:
        await fetch_all(fetcher, [f"https://one.example/{page}" for page in ("good", "busy")])
        await fetcher("https://one.example/later")
    assert starts == [(0, "/good"), (0, "/busy"), (60, "/busy"), (61, "/later")]


@pytest.mark.parametrize("status", [404, 410])
async def test_a_missing_page_that_asks_for_a_pause_holds_up_no_other(status: int, autojump_clock) -> None:
    async with web(lambda _: httpx.Response(status, headers={"Retry-After": "86400"}), polite()) as fetcher:
        answers = [await fetcher(f"https://one.example/{n}") for n in range(2)]
    assert [fetch.status for fetch in answers] == [status, status]


async def test_a_pause_longer_than_we_wait_ends_the_fetch_and_binds_the_slot(autojump_clock) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(429, headers={"Retry-After": "7200"})

    async with web(answer) as fetcher:
        first = await fetcher("https://one.example/1")
        second = await fetcher("https://one.example/2")
        states = fetcher.slot_states()
    assert first.status == 429
    assert second.failure is Failure.HELD_BACK
    assert second.requests == 0
    assert "asked for no requests before 2026-01-01 14:00 UTC" in second.error
    assert asked == ["https://one.example/1"]
    assert states[0].not_before == at(7200)


async def test_a_pause_is_never_shortened(autojump_clock) -> None:
    async with web(Log()) as fetcher:
        fetcher.cool_down("one.example", at(100))
        fetcher.cool_down("one.example", at(50))
        assert fetcher.slot_states()[0].not_before == at(100)


async def test_a_pause_asked_for_while_others_wait_binds_them_too(autojump_clock) -> None:
    log = Log()
    async with web(log, polite(interval=10.0)) as fetcher, trio.open_nursery() as nursery:
        await fetcher("https://one.example/1")
        nursery.start_soon(fetcher, "https://one.example/2")
        await trio.sleep(5)
        fetcher.cool_down("one.example", at(40))
    assert log.times == [0, 40]


async def test_intervals_hold_across_runs(autojump_clock) -> None:
    log = Log()
    remembered = SlotState("one.example", last_start=at(-3))
    async with web(log, polite(interval=10.0), states=[remembered]) as fetcher:
        await fetcher("https://one.example/")
    assert log.times == [7]


async def test_a_clock_that_was_set_back_does_not_stop_a_slot(autojump_clock) -> None:
    log = Log()
    remembered = SlotState("one.example", last_start=at(1e8))
    async with web(log, polite(interval=10.0), states=[remembered]) as fetcher:
        await fetcher("https://one.example/")
    assert log.times == [10]


async def test_what_a_run_learned_is_given_to_the_next(autojump_clock) -> None:
    async with web(Log(), polite(interval=3.0)) as fetcher:
        await fetcher("https://one.example/")
        await fetcher("https://one.example/")
        fetcher.refused("one.example")
        fetcher.cool_down("one.example", at(1000))
        (state,) = fetcher.slot_states()
    assert state == SlotState("one.example", at(3), at(1000), 2.0, 2, "2026-01-01")
    async with web(Log(), states=[state]) as fetcher:
        assert fetcher.slot_states() == [state]


async def test_a_day_has_no_more_requests_than_allowed(autojump_clock) -> None:
    log = Log()
    remembered = SlotState("one.example", requests_today=1, today="2026-01-01")
    async with web(log, polite(max_per_day=3), states=[remembered]) as fetcher:
        results = [await fetcher("https://one.example/") for _ in range(4)]
        assert [r.failure for r in results] == [None, None, Failure.HELD_BACK, Failure.HELD_BACK]
        await trio.sleep(timedelta(hours=12).total_seconds())
        assert (await fetcher("https://one.example/")).status == 200  # another day
    assert fetcher.requests == 3


async def test_a_cancelled_wait_leaves_its_place(autojump_clock) -> None:
    log = Log()
    async with web(log, polite(interval=10.0), concurrency=1) as fetcher:
        await fetcher("https://one.example/1")
        with trio.move_on_after(4) as scope:
            await fetcher("https://one.example/2")
        assert scope.cancelled_caught
        await fetcher("https://one.example/3")
    assert log.times == [0, 10]


@given(
    plan=st.lists(st.tuples(st.integers(0, 2), st.floats(0, 30), st.floats(0, 20)), min_size=1, max_size=12),
    interval=st.sampled_from([0.0, 0.5, 5.0]),
    per_host=st.integers(1, 3),
)
@settings(max_examples=50)
def test_no_interval_is_ever_broken(plan: list[tuple[int, float, float]], interval: float, per_host: int) -> None:
    starts: dict[str, list[float]] = {}
    open_now: dict[str, int] = {}

    async def answer(request: httpx.Request) -> httpx.Response:
        host = request.url.host
        starts.setdefault(host, []).append(trio.current_time())
        open_now[host] = open_now.get(host, 0) + 1
        assert open_now[host] <= per_host
        await trio.sleep(float(request.url.params["takes"]))
        open_now[host] -= 1
        return httpx.Response(200)

    async def later(fetcher: Fetcher, delay: float, url: str) -> None:
        await trio.sleep(delay)
        assert (await fetcher(url)).status == 200

    async def story() -> None:
        rules = polite(interval=interval, per_host=per_host)
        async with web(answer, rules, concurrency=4) as fetcher, trio.open_nursery() as nursery:
            for host, delay, takes in plan:
                nursery.start_soon(later, fetcher, delay, f"https://h{host}.example/?takes={takes}")

    trio.run(story, clock=trio.testing.MockClock(autojump_threshold=0))
    for times in starts.values():
        assert all(b - a >= interval - 1e-9 for a, b in itertools.pairwise(times))


@pytest.mark.parametrize("pause", [LONGEST_PAUSE - 1, LONGEST_PAUSE + 1])
async def test_how_long_a_fetch_waits_for_a_pause(pause: float, autojump_clock) -> None:
    async with web(Log(), states=[SlotState("one.example", not_before=at(pause))]) as fetcher:
        fetch = await fetcher("https://one.example/")
    assert (fetch.failure is Failure.HELD_BACK) is (pause > LONGEST_PAUSE)


async def test_requests_are_those_that_were_sent_also_when_nobody_waited_for_the_answer(autojump_clock) -> None:
    async def wire(request: Request) -> Fetch:
        if "slow" in request.url:
            await trio.sleep(60)
        if "nobody" in request.url:
            return Fetch(request.url, request.url, at(0), failure=Failure.NO_SUCH_HOST, requests=0)
        return Fetch(request.url, request.url, at(0), status=200, requests=3)

    limiter = Limiter(8, lambda: at(0), BodyBudget())
    ask = limiter.limit(wire, Politeness)
    with trio.move_on_after(1):
        await ask(Request("https://slow.example/"))
    assert limiter.requests == 1
    await ask(Request("https://nobody.example/"))
    assert limiter.requests == 1
    await ask(Request("https://browser.example/"))
    assert limiter.requests == 4

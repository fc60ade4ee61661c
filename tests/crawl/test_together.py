"""Small pages that wait for a reader travel together: none waits for company, none is lost, none pays for another."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import trio
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.model import Evidence, Fetch, Page, State, Verdict
from crawler.crawl.tasks import PageReading, ReadTask
from crawler.crawl.together import MOST, Together
from crawler.crawl.worker import decoded_readings, encoded, read_many, start_in_line
from crawler.notes.links import link_of
from crawler.sites import Sites, load_sites

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SITES: Sites = load_sites([])


def task(name: str, body: bytes = b"<p>words") -> ReadTask:
    url = f"https://a.example/{name}"
    fetched = Fetch(url, url, NOW, status=200, headers=(("Content-Type", "text/html"),), body=body)
    return ReadTask(link_of(url, SITES), fetched, NOW)


def reading_of(one: ReadTask) -> PageReading:
    return PageReading(Page(title=one.link.url), Verdict(State.ALIVE, "ok"))


@dataclass
class Readers:
    """Two readers that take a second for each message, and what was sent to them."""

    unread: frozenset[str] = frozenset()
    sent: list[int] = field(default_factory=list)

    async def __call__(self, tasks: Sequence[ReadTask]) -> Sequence[PageReading | None]:
        self.sent.append(len(tasks))
        await trio.sleep(1)
        return [None if one.link.url in self.unread else reading_of(one) for one in tasks]


async def read_all(together: Together, tasks: Sequence[ReadTask]) -> dict[str, PageReading | None]:
    found: dict[str, PageReading | None] = {}

    async def read(one: ReadTask) -> None:
        found[one.link.url] = await together.read(one)

    async with trio.open_nursery() as nursery:
        for one in tasks:
            nursery.start_soon(read, one)
    return found


async def test_pages_that_wait_are_read_together(
    autojump_clock: trio.abc.Clock,
) -> None:
    readers = Readers()
    tasks = [task(str(n)) for n in range(12)]
    found = await read_all(Together(readers, trio.CapacityLimiter(2)), tasks)
    assert found == {one.link.url: reading_of(one) for one in tasks}
    assert sum(readers.sent) == len(tasks)
    assert len(readers.sent) < len(tasks) / 2


async def test_nobody_waits_for_company(autojump_clock: trio.abc.Clock) -> None:
    start = trio.current_time()
    await Together(Readers(), trio.CapacityLimiter(2)).read(task("alone"))
    assert trio.current_time() - start == 1


async def test_no_message_holds_more_than_a_few_pages(autojump_clock: trio.abc.Clock) -> None:
    readers = Readers()
    tasks = [task(str(n)) for n in range(200)]
    assert len(await read_all(Together(readers, trio.CapacityLimiter(2)), tasks)) == 200
    assert max(readers.sent) == MOST


async def test_a_page_that_could_not_be_read_is_told_from_those_beside_it(autojump_clock: trio.abc.Clock) -> None:
    tasks = [task(str(n)) for n in range(9)]
    poison = tasks[5].link.url
    found = await read_all(Together(Readers(frozenset({poison})), trio.CapacityLimiter(1)), tasks)
    assert [url for url, reading in found.items() if reading is None] == [poison]


async def test_who_waits_may_be_cancelled_and_who_leads_too_without_harm_to_the_others(
    autojump_clock: trio.abc.Clock,
) -> None:
    readers = Readers()
    together = Together(readers, trio.CapacityLimiter(1))
    found: dict[str, PageReading | None] = {}

    async def read(name: str, patience: float) -> None:
        with trio.move_on_after(patience):
            found[name] = await together.read(task(name))

    async with trio.open_nursery() as nursery:
        for name, patience in (("first", 9), ("leader", 1.5), ("beside", 9), ("gone", 0.5), ("also beside", 9)):
            nursery.start_soon(read, name, patience)
            await trio.sleep(0.01)  # one after the other
    assert found["first"] == reading_of(task("first"))
    assert set(found) == {"first", "beside", "also beside"}
    assert found["beside"] is None, "its message was given up with the leader: it is read alone"
    assert await together.read(task("after all")) == reading_of(task("after all"))


async def test_who_gives_up_in_the_moment_of_its_turn_hands_the_turn_on(autojump_clock: trio.abc.Clock) -> None:
    impatient = trio.CancelScope()

    async def read_many(tasks: Sequence[ReadTask]) -> list[PageReading | None]:
        await trio.sleep(1)
        impatient.cancel()  # and at once the one who waits is told that a reader is free
        return [reading_of(one) for one in tasks]

    together = Together(read_many, trio.CapacityLimiter(1))

    async def give_up() -> None:
        with impatient:
            await together.read(task("impatient"))

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(together.read, task("first"))
            await trio.sleep(0.1)
            nursery.start_soon(give_up)
        assert await together.read(task("after all")) == reading_of(task("after all"))


TENTHS = st.integers(0, 40).map(lambda n: n / 10)


@given(st.lists(TENTHS, max_size=40), st.lists(TENTHS, min_size=1, max_size=40), st.integers(1, 3))
def test_every_page_comes_back_whenever_it_comes_and_whoever_gives_up(
    starts: list[float], patience: list[float], readers: int
) -> None:
    async def main() -> int:
        together = Together(Readers(), trio.CapacityLimiter(readers))
        done = 0

        async def read(number: int, start: float) -> None:
            nonlocal done
            await trio.sleep(start)
            with trio.move_on_after(patience[number % len(patience)]):
                await together.read(task(str(number)))
            done += 1

        with trio.fail_after(1000):
            async with trio.open_nursery() as nursery:
                for number, start in enumerate(starts):
                    nursery.start_soon(read, number, start)
            assert await together.read(task("last")) == reading_of(task("last"))
        return done

    assert trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0)) == len(starts)


async def test_readings_are_the_same_after_the_journey_also_with_half_a_character() -> None:
    start_in_line(SITES)
    good = task("good", b"<title>\xe9\xa2\x98</title><p>" + b"words and words and words. " * 40)
    assert decoded_readings(read_many(encoded([good, good]))) == decoded_readings(read_many([good, good]))
    half = PageReading(Page(title="\ud83d"), Verdict(State.SUSPECT, "soft-404", evidence=Evidence(matched="\udc00")))
    assert decoded_readings(encoded([half, None])) == [half, None]
    assert decoded_readings(encoded([reading_of(good), None])) == [reading_of(good), None]


async def test_what_ends_in_an_exception_is_left_for_a_reader_of_its_own(monkeypatch) -> None:
    start_in_line(SITES)
    from crawler.crawl import examine

    def read(one: ReadTask, _: Sites) -> PageReading:
        if one.link.url.endswith("poison"):
            raise MemoryError
        return reading_of(one)

    monkeypatch.setattr(examine, "read", read)
    found = decoded_readings(read_many(encoded([task("good"), task("poison"), task("fine")])))
    assert found == [reading_of(task("good")), None, reading_of(task("fine"))]

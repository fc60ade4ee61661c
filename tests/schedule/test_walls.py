"""Links behind a wall starve nobody: what is a known wall, in which order a slot is asked, and a simulated quarter."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.core.model import Check, Confidence, Evidence, Fetch, History, Link, Page, Proof, State, Verdict
from crawler.core.settings import DAY, Schedule
from crawler.core.slots import Politeness, Slot
from crawler.crawl.pipeline import Walk, crawl, record
from crawler.schedule.history import first_seen, remember
from crawler.schedule.plan import Budget, make_plan, overdue_links
from crawler.schedule.walls import KNOWN, MOST, after_run, is_known_wall

START = datetime(2026, 1, 1, 3, tzinfo=UTC)
PATIENCE = 3
WALL = Verdict(State.BLOCKED, "captcha", Confidence.HIGH, Evidence(http_status=200))
LIFE = Verdict(State.ALIVE, "content-seen", Confidence.HIGH, Evidence(http_status=200))
NOTICE = Verdict(State.DEAD, "deleted-by-author", Confidence.MEDIUM, Evidence(http_status=200, proof=Proof.PAGE))
TIMEOUT = Verdict(State.SUSPECT, "timeout", Confidence.LOW, Evidence(error="late", proof=Proof.WAY))


def link(number: int, slot: str = "weixin") -> Link:
    url = f"https://mp.weixin.example/s/{number}"
    return Link(url, url, url, slot, "mp.weixin.example", slot)


def polite(_: str) -> Politeness:
    return Politeness(slot="weixin", interval=5.0, patience=PATIENCE)


def fetched(of: Link, at: datetime) -> Fetch:
    return Fetch(of.fetch_url, of.fetch_url, at, status=200, requests=1)


class World:
    """A slot over many nights: `answer` says what a link gives on a day, since the first night."""

    def __init__(self, links: list[Link], answer: object) -> None:
        self.links, self.answer = links, answer
        self.histories = {x.canonical_url: first_seen(x.canonical_url, x.url, START) for x in links}
        self.asked: list[tuple[float, Link, History]] = []  # day, link, what was remembered before

    def night(self, day: float) -> list[Link]:
        now = START + timedelta(days=day)
        before = dict(self.histories)
        plan = make_plan(self.links, before, now, polite)
        walked: list[Link] = []

        async def check(of: Link) -> Check:
            walked.append(of)
            verdict = self.answer(of, day)  # type: ignore[operator]
            known = self.histories[of.canonical_url]
            self.asked.append((day, of, known))
            got = fetched(of, now)
            after = remember(known, got, Page(), verdict, now, Schedule())
            return Check(of, now, got, Page(), verdict, after)

        async def keep(batch: list[Check]) -> None:
            self.histories |= {x.link.canonical_url: x.history for x in batch}

        async def leave(_: Slot) -> None:
            pass

        def crashed(of: Link, error: Exception) -> Check:
            raise error

        async def whole() -> None:
            send, receive = trio.open_memory_channel[Check](0)
            walk = Walk(check, crashed, lambda _: None, lambda _: None, leave)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(record, receive, keep)
                await crawl(plan.slots, walk, send)

        trio.run(whole)
        self.histories |= after_run(self.links, before, self.histories, now, Schedule().alive_max)
        return walked


def state(world: World, of: Link) -> State:
    return world.histories[of.canonical_url].state


@pytest.mark.parametrize("order", ["walls first", "living first", "mixed"])
def test_ten_deaths_among_fifty_walls_are_found_within_ten_days(order: str) -> None:
    links = [link(n) for n in range(100)]
    walls = set(links[:50])
    dying = set(links[60:70])
    placed = links if order == "walls first" else links[::-1]
    if order == "mixed":
        random.Random(4).shuffle(placed)

    def answer(of: Link, day: float) -> Verdict:
        return WALL if of in walls else NOTICE if of in dying and day >= 1 else LIFE

    world = World(placed, answer)
    for day in range(11):
        world.night(day)
    assert {x for x in links if state(world, x) is State.DEAD} == dying
    assert all(state(world, x) is State.ALIVE for x in set(links) - walls - dying)


def test_a_wall_is_known_after_two_runs_in_which_its_slot_was_seen() -> None:
    one, other, host = link(1), link(2), link(3, "elsewhere")
    at = START
    known = replace(first_seen(one.canonical_url, one.url, at), state=State.BLOCKED, refused=1, checked_at=at)
    lives = replace(first_seen(other.canonical_url, other.url, at), state=State.ALIVE, last_alive=at, checked_at=at)
    alone = {one.canonical_url: known}
    assert after_run([one], {}, alone, at, 90 * DAY) == {}
    assert after_run([one, host], {}, alone | {host.canonical_url: lives}, at, 90 * DAY) == {}
    both = alone | {other.canonical_url: lives}
    first = after_run([one, other], {}, both, at, 90 * DAY)[one.canonical_url]
    assert not is_known_wall(first)
    assert is_known_wall(
        after_run([one, other], {}, both | {one.canonical_url: first}, at, 90 * DAY)[one.canonical_url]
    )


def test_a_failure_on_the_way_neither_makes_nor_unmakes_a_wall() -> None:
    known = replace(first_seen("u", "u", START), state=State.BLOCKED, refused=3, walled=2, checked_at=START)
    later = START + timedelta(days=9)
    after = remember(known, fetched(link(1), later), Page(), TIMEOUT, later, Schedule())
    assert (after.refused, after.walled) == (3, 2)
    after = remember(known, fetched(link(1), later), Page(), LIFE, later, Schedule())
    assert (after.refused, after.walled) == (0, 0)


def test_a_known_wall_is_asked_ever_more_rarely_up_to_ninety_days() -> None:
    history = replace(first_seen("u", "u", START), state=State.BLOCKED, refused=2, walled=2, interval=2 * DAY)
    gaps, at = [], START
    for _ in range(7):
        history = remember(history, fetched(link(1), at), Page(), WALL, at, Schedule())
        assert history.next_due
        gaps.append((history.next_due - at).total_seconds() / DAY)
        at = history.next_due
    assert gaps == [4, 8, 16, 32, 64, 90, 90]


def test_refused_links_come_after_the_others_and_known_walls_last() -> None:
    links = [link(n) for n in range(4)]
    old = START - timedelta(days=40)
    base = History("", old, state=State.ALIVE, checked_at=old, interval=7 * DAY, next_due=old)
    known = {
        links[0].canonical_url: replace(base, canonical_url="0", state=State.BLOCKED, refused=9, walled=KNOWN),
        links[1].canonical_url: replace(base, canonical_url="1", state=State.BLOCKED, refused=1),
        links[2].canonical_url: replace(base, canonical_url="2"),
        links[3].canonical_url: replace(base, canonical_url="3", state=State.SUSPECT),
    }
    [slot] = make_plan(links, known, START, polite).slots
    assert [x.canonical_url[-1] for x in slot.links] == ["3", "2", "1", "0"]
    assert slot.walls == {links[0].canonical_url}


def test_one_night_asks_three_known_walls_of_a_slot_in_however_many_runs() -> None:
    links = [link(n) for n in range(9)]
    old = START - timedelta(days=40)
    wall = History(
        "", old, state=State.BLOCKED, checked_at=old, interval=7 * DAY, next_due=old, walled=KNOWN, refused=4
    )
    known = {x.canonical_url: replace(wall, canonical_url=x.canonical_url) for x in links}
    [slot] = make_plan(links, known, START, polite).slots
    assert len(slot.links) == MOST
    for x in slot.links[:2]:
        known[x.canonical_url] = replace(known[x.canonical_url], checked_at=START, next_due=START + timedelta(days=14))
    later = START + timedelta(hours=5)
    assert make_plan(links, known, later, polite).links == 1
    assert make_plan(links, known, later, polite, Budget(all=True)).links == 9


def test_when_one_of_them_opens_all_known_walls_of_the_slot_are_due() -> None:
    links = [link(n) for n in range(20)]
    opens = 30

    def answer(of: Link, day: float) -> Verdict:
        return LIFE if of is links[0] or day >= opens else WALL

    world = World(links, answer)
    for day in range(opens):
        world.night(day)
    assert sum(is_known_wall(history) for history in world.histories.values()) == 19
    day = opens
    while all(state(world, x) is State.BLOCKED for x in links[1:]):
        world.night(day)
        day += 1
    for more in range(19 // MOST + 1):
        world.night(day + more)
    assert all(state(world, x) is State.ALIVE for x in links)


def test_a_slot_that_refuses_what_is_no_known_wall_is_left_alone_after_its_patience() -> None:
    world = World([link(n) for n in range(40)], lambda of, day: WALL)
    assert len(world.night(0)) == PATIENCE
    world = World([link(n) for n in range(40)], lambda of, day: LIFE if day < 5 else WALL)
    world.night(0)
    assert len(world.night(20)) == PATIENCE


def test_refusals_of_known_walls_do_not_use_up_the_patience_of_their_slot() -> None:
    links = [link(n) for n in range(5)]
    old = START - timedelta(days=40)
    wall = History(
        "", old, state=State.BLOCKED, checked_at=old, interval=7 * DAY, next_due=old, walled=KNOWN, refused=4
    )
    world = World(links, lambda of, day: WALL)
    world.histories |= {x.canonical_url: replace(wall, canonical_url=x.canonical_url) for x in links[:3]}
    world.histories |= {
        x.canonical_url: replace(wall, canonical_url=x.canonical_url, walled=0, refused=1) for x in links[3:]
    }
    assert len(world.night(0)) == 5  # two refusals that count, three that do not


def test_a_new_link_that_was_never_reached_is_told_as_overdue() -> None:
    links = [link(n) for n in range(2)]
    known = {
        links[0].canonical_url: first_seen(links[0].canonical_url, "", START - timedelta(days=20)),
        links[1].canonical_url: first_seen(links[1].canonical_url, "", START - timedelta(days=2)),
    }
    assert overdue_links(links, known, START) == [links[0].canonical_url]


fates = st.sampled_from(["lives", "walls", "dies", "opens", "flickers"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(fates, min_size=1, max_size=45), st.integers(0, 2**32))
def test_over_a_quarter_nobody_waits_twice_its_interval_and_no_wall_is_asked_too_often(
    mix: list[str], seed: int
) -> None:
    """Any mix of links in one slot, ninety nights, with budget enough."""
    links = [link(n) for n in range(len(mix))]
    fate = dict(zip(links, mix, strict=True))
    day_of = {x: random.Random(f"{seed}{x.url}").uniform(1, 90) for x in links}

    def answer(of: Link, day: float) -> Verdict:
        match fate[of]:
            case "walls":
                return WALL
            case "dies":
                return NOTICE if day >= day_of[of] else LIFE
            case "opens":
                return LIFE if day >= day_of[of] else WALL
            case "flickers":
                return random.Random(f"{seed}{of.url}{day}").choice([LIFE, WALL])
            case _:
                return LIFE

    world = World(links, answer)
    hungry = "lives" in mix  # a slot in which nothing answers tells nobody from nobody
    for day in range(90):
        walked = world.night(day)
        assert sum(is_known_wall(h) for d, x, h in world.asked if d == day) <= MOST
        for d, _, known in world.asked[-len(walked) :] if walked else ():
            if is_known_wall(known) and known.checked_at and known.next_due:
                assert (START + timedelta(days=d) - known.checked_at).total_seconds() >= known.interval - 0.1 * DAY
        now = START + timedelta(days=day)
        for x in links:
            history = world.histories[x.canonical_url]
            if hungry and fate[x] in ("lives", "dies") and history.checked_at and history.interval:
                assert (now - history.checked_at).total_seconds() <= 2 * history.interval
    if hungry:
        assert all(state(world, x) in (State.ALIVE, State.DEAD) for x in links if fate[x] in ("lives", "dies"))

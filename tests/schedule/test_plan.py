"""What is looked at when: priorities, budgets, politeness, and that no site is ever in two slots."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from crawler.core.model import History, Link, State
from crawler.core.settings import DAY
from crawler.core.slots import Politeness, SlotState
from crawler.schedule.plan import Budget, Plan, is_due, make_plan

NOW = datetime(2026, 6, 1, 3, tzinfo=UTC)


def link(number: int, host: str = "example.org", slot: str = "") -> Link:
    url = f"https://{host}/{number}"
    return Link(url, url, url, slot or "other", host, slot or host)


def seen(of: Link, days_ago: float, interval_days: float = 7, state: State = State.ALIVE) -> History:
    at = NOW - timedelta(days=days_ago)
    return History(
        of.canonical_url, at, state=state, checked_at=at,
        interval=interval_days * DAY, next_due=at + timedelta(days=interval_days),
    )  # fmt: skip


def histories(*members: History) -> dict[str, History]:
    return {history.canonical_url: history for history in members}


def polite(url: str) -> Politeness:
    host = url.split("/")[2]
    return Politeness(slot=host, interval=5.0 if "slow" in host else 1.0, skip="skipped" in host)


def order(plan: Plan) -> list[str]:
    return [link.canonical_url.rpartition("/")[2] for slot in plan.slots for link in slot.links]


def test_what_is_not_due_is_not_asked_and_all_asks_it_all_the_same() -> None:
    one, two = link(1), link(2)
    known = histories(seen(one, 1), seen(two, 8))
    assert order(make_plan([one, two], known, NOW, polite)) == ["2"]
    assert sorted(order(make_plan([one, two], known, NOW, polite, Budget(all=True)))) == ["1", "2"]


def test_a_nightly_run_that_starts_a_little_earlier_skips_no_night() -> None:
    history = seen(link(1), 0.95, interval_days=1)
    assert is_due(history, NOW)
    assert not is_due(seen(link(1), 0.5, interval_days=1), NOW)


def test_new_links_come_first_then_suspects_then_the_longest_waiting() -> None:
    links = [link(n) for n in range(4)]
    known = histories(seen(links[0], 8), seen(links[1], 30), seen(links[2], 2, 1, State.SUSPECT))
    assert order(make_plan(links, known, NOW, polite)) == ["3", "2", "1", "0"]


def test_the_slot_that_takes_longest_starts_first() -> None:
    links = [link(n, "fast.org") for n in range(6)] + [link(n, "slow.org") for n in range(2)]
    assert [slot.key for slot in make_plan(links, {}, NOW, polite).slots] == ["slow.org", "fast.org"]


def test_a_skipped_host_and_a_local_target_are_in_no_slot() -> None:
    local = Link("/images/x.png", "local:/images/x.png", "", "local", "", "local")
    plan = make_plan([link(1, "skipped.org"), local], {}, NOW, polite)
    assert plan.slots == ()
    assert plan.skipped == ("https://skipped.org/1",)


def test_max_links_takes_the_most_urgent_of_all_slots() -> None:
    links = [link(1, "a.org"), link(2, "b.org"), link(3, "c.org")]
    known = histories(seen(links[0], 20), seen(links[1], 10))
    plan = make_plan(links, known, NOW, polite, Budget(links=2))
    assert sorted(order(plan)) == ["1", "3"]


def test_a_slot_in_its_cool_down_is_left_out_and_the_plan_says_so() -> None:
    until = NOW + timedelta(hours=1)
    plan = make_plan([link(1), link(2)], {}, NOW, polite, states={"example.org": SlotState("example.org", None, until)})
    assert plan.slots == ()
    assert (plan.left[0].slot, plan.left[0].left) == ("example.org", 2)
    assert "2026-06-01T04:00:00Z" in plan.left[0].reason


def test_a_short_wait_is_the_limiters_and_does_not_close_a_slot() -> None:
    states = {"example.org": SlotState("example.org", None, NOW + timedelta(seconds=30))}
    assert order(make_plan([link(1)], {}, NOW, polite, states=states)) == ["1"]


def test_what_one_run_and_one_day_may_ask_bounds_a_slot() -> None:
    links = [link(n) for n in range(10)]

    def limited(url: str) -> Politeness:
        return Politeness(slot=url.split("/")[2], max_per_run=4, max_per_day=6)

    assert make_plan(links, {}, NOW, limited).links == 4
    spent = {"example.org": SlotState("example.org", requests_today=5, today="2026-06-01")}
    assert make_plan(links, {}, NOW, limited, states=spent).links == 1
    used_up = {"example.org": SlotState("example.org", requests_today=6, today="2026-06-01")}
    plan = make_plan(links, {}, NOW, limited, states=used_up)
    assert (plan.links, plan.left[0].left) == (0, 10)
    yesterday = {"example.org": SlotState("example.org", requests_today=6, today="2026-05-31")}
    assert make_plan(links, {}, NOW, limited, states=yesterday).links == 4


def test_the_plan_tells_how_long_a_full_round_of_a_site_takes_and_in_how_many_runs() -> None:
    links = [link(n, "mp.slow.cn", "weixin") for n in range(100)]
    [told] = make_plan(links, {}, NOW, polite, Budget(seconds=50)).rounds
    assert (told.site, told.links, told.seconds, told.runs) == ("weixin", 100, 500.0, 10)


def test_a_link_that_waited_twice_its_interval_is_named() -> None:
    one, two = link(1), link(2)
    plan = make_plan([one, two], histories(seen(one, 15), seen(two, 8)), NOW, polite)
    assert plan.overdue == (one.canonical_url,)


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["a.cn", "b.cn", "c.org"]), st.booleans()), max_size=60))
def test_no_plan_puts_a_link_in_two_slots_or_two_links_of_a_site_apart(rows: list[tuple[int, str, bool]]) -> None:
    links = {link(n, host, "site" if host.endswith(".cn") else ""): old for n, host, old in rows}
    known = histories(*(seen(x, 1) for x, old in links.items() if old))
    plan = make_plan(links, known, NOW, polite)
    placed = [x.canonical_url for slot in plan.slots for x in slot.links]
    assert len(placed) == len(set(placed)) == sum(x.canonical_url not in known for x in links)
    assert len({slot.key for slot in plan.slots}) == len(plan.slots)
    assert all(x.slot == slot.key for slot in plan.slots for x in slot.links)


def test_due_links_that_a_limit_leaves_out_are_named() -> None:
    links = [link(n) for n in range(5)]
    plan = make_plan(links, {}, NOW, lambda _: Politeness("example.org", max_per_run=3))
    assert len(plan.limited) == 2
    planned = {x.canonical_url for slot in plan.slots for x in slot.links}
    assert {*plan.limited} | planned == {x.canonical_url for x in links}
    assert len(make_plan(links, {}, NOW, polite, Budget(links=1)).limited) == 4
    assert make_plan(links, {}, NOW, polite).limited == ()

"""What to check now: links, memories, the time and the budgets in; slots out.

Pure: `now` is an argument, nothing is fetched, nothing is remembered. Waiting is the limiter's work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from crawler.core.model import LOCAL, History, Link, Politeness, Round, Slot, SlotGivenUp, SlotState, State
from crawler.schedule.politeness import PolitenessOf, strictest

SLACK = 0.1  # of its interval a link may be looked at early, or a nightly run would skip every second night
COOLING = 600.0  # seconds; a slot that may not be asked for longer than this is left out of a run
LATE = 2.0  # times its interval after which a link has waited too long


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one run; 0 means no limit."""

    seconds: float = 0.0
    links: int = 0
    all: bool = False  # due dates are ignored


@dataclass(frozen=True, slots=True)
class Plan:
    """Slots to check, the longest first, and what is left out with the reason."""

    slots: tuple[Slot, ...] = ()
    left: tuple[SlotGivenUp, ...] = ()
    rounds: tuple[Round, ...] = ()  # a site each; hosts without a site file count together
    overdue: tuple[str, ...] = ()  # links that have waited more than `LATE` times their interval
    skipped: tuple[str, ...] = ()  # links that the user's [host] skip leaves out
    limited: tuple[str, ...] = ()  # due links that the limits of a run or a day leave out

    @property
    def links(self) -> int:
        """How many links will be visited."""
        return sum(len(slot.links) for slot in self.slots)


def make_plan(
    links: Iterable[Link],
    histories: Mapping[str, History],
    now: datetime,
    politeness: PolitenessOf,
    budget: Budget = Budget(),
    states: Mapping[str, SlotState] | None = None,
) -> Plan:
    """Choose the links that are due and order them: `politeness` is asked for the URL of every host once."""
    slots, left, overdue = [], [], []
    wanted: list[str] = []
    rounds: dict[str, Round] = {}
    queues, skipped = _queues(links, politeness)
    for key, members, rules in queues:
        due = [link for link in members if budget.all or is_due(histories.get(link.canonical_url), now)]
        state = (states or {}).get(key)
        site = members[0].site
        rounds[site] = _round(rounds.get(site), site, len(members), rules, budget)
        overdue += [x.canonical_url for x in due if _is_late(histories.get(x.canonical_url), now)]
        if not due:
            continue
        if refusal := _closed(rules, state, now):
            left.append(SlotGivenUp(key, refusal, len(due)))
            continue
        wanted += [link.canonical_url for link in due]
        due.sort(key=lambda link: urgency(histories.get(link.canonical_url), now))
        slots.append(Slot(key, site, rules, tuple(due[: _allowance(rules, state, now)])))
    if budget.links:
        slots = _most_urgent(slots, histories, now, budget.links)
    slots.sort(key=lambda slot: (-len(slot.links) * slot.politeness.interval / slot.politeness.per_host, slot.key))
    planned = {link.canonical_url for slot in slots for link in slot.links}
    limited = tuple(url for url in wanted if url not in planned)
    return Plan(tuple(slots), tuple(left), tuple(rounds.values()), tuple(overdue), tuple(skipped), limited)


def _queues(
    links: Iterable[Link], politeness: PolitenessOf
) -> tuple[list[tuple[str, list[Link], Politeness]], list[str]]:
    """Links by slot, with the slot's rules, and what the user skips; what is not on the web is left out."""
    by_host: dict[str, Politeness] = {}
    by_slot: dict[str, list[Link]] = defaultdict(list)
    skipped = []
    for link in links:
        if link.site == LOCAL:
            continue
        rules = by_host.get(link.host) or by_host.setdefault(link.host, politeness(link.fetch_url))
        if rules.skip:
            skipped.append(link.canonical_url)
        else:
            by_slot[link.slot].append(link)
    queues = [
        (key, members, strictest(by_host[host] for host in {link.host for link in members}))
        for key, members in by_slot.items()
    ]
    return queues, skipped


def _closed(rules: Politeness, state: SlotState | None, now: datetime) -> str:
    """Why a slot may not be asked in this run, "" when it may."""
    if state and state.not_before and (state.not_before - now).total_seconds() > COOLING:
        return f"cooling down until {state.not_before:%Y-%m-%dT%H:%M:%SZ}"
    if rules.max_per_day and _spent(state, now) >= rules.max_per_day:
        return f"its {rules.max_per_day} requests of today are spent"
    return ""


def _spent(state: SlotState | None, now: datetime) -> int:
    return state.requests_today if state and state.today == f"{now:%Y-%m-%d}" else 0


def is_due(history: History | None, now: datetime) -> bool:
    """May this link be asked again?"""
    if history is None or history.next_due is None:
        return True
    return (history.next_due - now).total_seconds() <= SLACK * history.interval


def urgency(history: History | None, now: datetime) -> tuple[int, float]:
    """A sort key: new links first, then suspects due for confirmation, then by age over the allowed interval."""
    if history is None or history.checked_at is None:
        return 0, 0.0
    age = (now - history.checked_at).total_seconds()
    return (1 if history.state is State.SUSPECT else 2), -age / max(history.interval, 1.0)


def _allowance(rules: Politeness, state: SlotState | None, now: datetime) -> int | None:
    """How many links of a slot one run may check; None for no limit.

    The limiter counts the requests of the day; here the day's rest only bounds the list.
    """
    limits = [rules.max_per_run] if rules.max_per_run else []
    if rules.max_per_day:
        limits.append(rules.max_per_day - _spent(state, now))
    return min(limits, default=None)


def _most_urgent(slots: list[Slot], histories: Mapping[str, History], now: datetime, most: int) -> list[Slot]:
    """The `most` most urgent links of all slots, each still in its slot."""
    ranked = sorted(
        (link for slot in slots for link in slot.links),
        key=lambda link: urgency(histories.get(link.canonical_url), now),
    )
    chosen: Collection[str] = {link.canonical_url for link in ranked[:most]}
    kept = [
        Slot(slot.key, slot.site, slot.politeness, tuple(x for x in slot.links if x.canonical_url in chosen))
        for slot in slots
    ]
    return [slot for slot in kept if slot.links]


def _round(known: Round | None, site: str, links: int, rules: Politeness, budget: Budget) -> Round:
    """The round of a site with one more slot: slots are asked side by side, so the slowest one counts."""
    per_run = min(
        budget.seconds / rules.interval if budget.seconds and rules.interval else links,
        rules.max_per_run or links,
        rules.max_per_day or links,
    )
    runs = -(-links // max(1, int(per_run))) if budget.seconds or rules.max_per_run or rules.max_per_day else None
    if known is None:
        return Round(site, links, links * rules.interval, runs)
    slowest = max(known.seconds, links * rules.interval)
    return Round(site, known.links + links, slowest, max(known.runs or 0, runs or 0) or None)


def _is_late(history: History | None, now: datetime) -> bool:
    if history is None or history.checked_at is None or not history.interval:
        return False
    return (now - history.checked_at).total_seconds() > LATE * history.interval

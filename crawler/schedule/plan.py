"""What to check now: links, memories, the time and the budgets in; slots out.

Pure: `now` is an argument, nothing is fetched, nothing is remembered. Waiting is the limiter's work, and what a known
wall is stands in `walls`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol, TypeVar, runtime_checkable
from zlib import crc32

from crawler.core.counts import Counted
from crawler.core.model import LOCAL, History, Link, State
from crawler.core.results import Round, SlotGivenUp
from crawler.core.slots import Politeness, Slot, SlotState
from crawler.schedule import walls
from crawler.schedule.politeness import PolitenessOf, strictest

SLACK = 0.1  # of its interval a link may be checked early, or a nightly run would skip every second night
COOLING = 600.0  # seconds; a slot that may not be asked for longer than this is left out of a run
LATE = 2.0  # times its interval after which a link has waited too long
LATE_NEW = timedelta(days=14)  # after which a link that was never checked has waited too long: a living one's LATE
CANARIES = 50  # links of a slot, at most, that tell whether it refuses us or only some links; a guess


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
    first: bool = False  # no link of it was ever checked

    @property
    def links(self) -> int:
        """How many links will be checked."""
        return sum(len(slot.links) for slot in self.slots)


class SlotLinks(Protocol):
    """The links of one slot, as planning asks about them."""

    @property
    def site(self) -> str:
        """Of its first link."""

    def __len__(self) -> int:
        """How many links."""

    def __iter__(self) -> Iterator[Link]:
        """In order of first writing."""

    def due(self, now: datetime) -> list[Link]:
        """Those that may be asked now."""

    def walls(self) -> Iterable[History | None]:
        """What is remembered of them, of the known walls at least."""

    def living(self) -> Iterable[tuple[Link, History]]:
        """Those that were alive at their last check, first whose last check is longest ago."""


Queues = list[tuple[str, SlotLinks, Politeness]]  # by slot, with the slot's rules


@runtime_checkable
class Queued(Protocol):
    """Links that stand in queues already, so that planning need not go through them."""

    def queues(self, politeness: PolitenessOf) -> tuple[Queues, list[str]]:
        """Queues by slot in order of first writing, and the links that the user skips."""


class InSlot(Protocol):
    """What asks for something of a host: a link, or the links of the host together."""

    @property
    def site(self) -> str:
        """Its name, or LOCAL."""

    @property
    def host(self) -> str:
        """As in `model.Link`."""

    @property
    def slot(self) -> str:
        """As in `model.Link`."""

    @property
    def fetch_url(self) -> str:
        """An address of the host."""


T = TypeVar("T", bound=InSlot)


@dataclass(frozen=True, slots=True)
class Members:
    """The links of one slot in a list."""

    links: list[Link]
    histories: Mapping[str, History]
    due_keys: Collection[str] | None  # where that is known without histories

    @property
    def site(self) -> str:
        """Of its first link."""
        return self.links[0].site

    def __len__(self) -> int:
        return len(self.links)

    def __iter__(self) -> Iterator[Link]:
        return iter(self.links)

    def due(self, now: datetime) -> list[Link]:
        """Those that may be asked now."""
        if self.due_keys is not None:
            return [link for link in self.links if link.canonical_url in self.due_keys]
        return [link for link in self.links if is_due(self.histories.get(link.canonical_url), now)]

    def walls(self) -> Iterable[History | None]:
        """What is remembered of them."""
        return (self.histories.get(link.canonical_url) for link in self.links)

    def living(self) -> Iterable[tuple[Link, History]]:
        """Those that were alive at their last check, first whose last check is longest ago."""
        living = [
            (history.checked_at, link, history)
            for link in self.links
            if (history := self.histories.get(link.canonical_url)) is not None
            and history.checked_at is not None
            and history.state is State.ALIVE
        ]
        return ((link, history) for _, link, history in sorted(living, key=lambda found: found[0]))


def make_plan(
    links: Iterable[Link] | Queued,
    histories: Mapping[str, History],
    now: datetime,
    politeness: PolitenessOf,
    budget: Budget = Budget(),
    states: Mapping[str, SlotState] | None = None,
    *,
    due_keys: Collection[str] | None = None,
) -> Plan:
    """Choose the links that are due and order them: `politeness` is asked for the URL of every host once.

    `due_keys` are the canonical URLs of links that are due, where that is known without their histories.
    """
    slots, left, overdue = [], [], []
    wanted: list[str] = []
    rounds: dict[str, Round] = {}
    if isinstance(links, Queued):
        queues, skipped = links.queues(politeness)
    else:
        queues, skipped = _queues(links, histories, politeness, due_keys)
    for key, members, rules in queues:
        due = list(members) if budget.all else members.due(now)
        state = (states or {}).get(key)
        site = members.site
        rounds[site] = _round(rounds.get(site), site, len(members), rules, budget)
        overdue += overdue_links(due, histories, now)
        if not due:
            continue
        if refusal := _closed(rules, state, now):
            left.append(SlotGivenUp(key, refusal, len(due)))
            continue
        chosen = _in_order(due, histories, now, rules.patience)
        if not budget.all:
            chosen = _few_walls(chosen, members, histories, now)
        if chosen:
            wanted += [link.canonical_url for link in chosen]
            allowance = _allowance(rules, state, now)
            slot = Slot(key, site, rules, tuple(chosen[:allowance]))
            slots.append(slot if budget.all else _with_walls(slot, members, histories, allowance))
    if budget.links:
        slots = [replace(slot, spare=0) for slot in _most_urgent(slots, histories, now, budget.links)]
    first = not any(_was_checked(histories.get(x.canonical_url)) for slot in slots for x in slot.links)
    slots.sort(key=lambda slot: (-len(slot.links) * slot.politeness.interval / slot.politeness.per_host, slot.key))
    planned = {link.canonical_url for slot in slots for link in slot.links}
    limited = tuple(url for url in wanted if url not in planned)
    return Plan(tuple(slots), tuple(left), tuple(rounds.values()), tuple(overdue), tuple(skipped), limited, first)


def _was_checked(history: History | None) -> bool:
    return history is not None and history.checked_at is not None


def by_slot(found: Iterable[T], politeness: PolitenessOf) -> tuple[list[tuple[str, list[T], Politeness]], list[T]]:
    """What asks for something, by slot in the order given with the slot's rules, and what the user skips.

    What is not on the web is left out of both.
    """
    by_host: dict[str, Politeness] = {}
    members: dict[str, list[T]] = defaultdict(list)
    skipped = []
    for one in found:
        if one.site == LOCAL:
            continue
        rules = by_host.get(one.host) or by_host.setdefault(one.host, politeness(one.fetch_url))
        if rules.skip:
            skipped.append(one)
        else:
            members[one.slot].append(one)
    hosts = {slot: dict.fromkeys(one.host for one in some) for slot, some in members.items()}
    return [(slot, some, strictest(by_host[host] for host in hosts[slot])) for slot, some in members.items()], skipped


def _queues(
    links: Iterable[Link], histories: Mapping[str, History], politeness: PolitenessOf, due_keys: Collection[str] | None
) -> tuple[Queues, list[str]]:
    """As `Queued.queues`, of links in a list."""
    slots, skipped = by_slot(links, politeness)
    queues: Queues = [(key, Members(members, histories, due_keys), rules) for key, members, rules in slots]
    return queues, [link.canonical_url for link in skipped]


def _closed(rules: Politeness, state: SlotState | None, now: datetime) -> str:
    """Why a slot may not be asked in this run, "" when it may."""
    if state and state.not_before and (state.not_before - now).total_seconds() > COOLING:
        return f"cooling down until {state.not_before:%Y-%m-%dT%H:%M:%SZ}"
    if rules.max_per_day and _spent(state, now) >= rules.max_per_day:
        return f"its {Counted(rules.max_per_day):request of today is|requests of today are} spent"
    return ""


def _spent(state: SlotState | None, now: datetime) -> int:
    return state.requests_today if state and state.today == f"{now:%Y-%m-%d}" else 0


def is_due(history: History | None, now: datetime) -> bool:
    """Whether this link may be asked again; one without a memory may."""
    at = due_at(history) if history else None
    return at is None or at <= now


def due_at(history: History) -> datetime | None:
    """From when on a link may be asked again; None: at once.

    The archive keeps this moment as a column, so another rule here needs a migration there (`archive.due`).
    """
    slack = SLACK * history.interval
    if walls.is_known_wall(history):
        slack = min(slack, walls.SLACK)
    return history.next_due and history.next_due - timedelta(seconds=slack)


def urgency(history: History | None, now: datetime) -> tuple[int, float]:
    """A sort key: new links, suspects due for confirmation, others, those refused at their last check, known walls.

    Among equals, by age over the allowed interval.
    """
    if history is None or history.checked_at is None:
        return 0, 0.0
    age = (now - history.checked_at).total_seconds()
    return _rank(history), -age / max(history.interval, 1.0)


def _rank(history: History) -> int:
    if walls.is_known_wall(history):
        return 4
    if walls.was_refused(history):
        return 3
    return 1 if history.state is State.SUSPECT else 2


def overdue_links(links: Iterable[Link], histories: Mapping[str, History], now: datetime) -> list[str]:
    """Canonical URLs of the links that have waited too long for a check; local targets never wait."""
    return [x.canonical_url for x in links if x.site != LOCAL and _is_late(histories.get(x.canonical_url), now)]


def _in_order(due: list[Link], histories: Mapping[str, History], now: datetime, patience: int) -> list[Link]:
    """The links of a slot in the order in which they are asked.

    Where more are due than its patience allows to be refused, equals stand in an order of no meaning: the links of one
    note often share their fate, and a note of walls at the head of the slot would hide all others night after night.
    """
    mixed = 0 < patience < len(due)

    def place(link: Link) -> tuple[int, float, int]:
        return *urgency(histories.get(link.canonical_url), now), _spread_by_hash(link) if mixed else 0

    return sorted(due, key=place)


def _spread_by_hash(link: Link) -> int:
    return crc32(link.canonical_url.encode("utf-8", "surrogatepass"))


def _few_walls(chosen: list[Link], members: SlotLinks, histories: Mapping[str, History], now: datetime) -> list[Link]:
    """The links without the known walls that are more than one night asks; `chosen` has them last."""
    first = next((n for n, x in enumerate(chosen) if walls.is_known_wall(histories.get(x.canonical_url))), len(chosen))
    if first == len(chosen):
        return chosen
    asked = walls.asked_today(members.walls(), now)
    return chosen[: first + max(0, walls.MOST - asked)]


def _with_walls(slot: Slot, members: SlotLinks, histories: Mapping[str, History], allowance: int | None) -> Slot:
    """The slot with what its walk must know of walls: which links are known ones, and who is asked about the slot."""
    known = frozenset(x.canonical_url for x in slot.links if walls.is_known_wall(histories.get(x.canonical_url)))
    spare = CANARIES if allowance is None else min(CANARIES, allowance - len(slot.links))
    needed = min(spare, len(slot.links) - len(known))  # more refusals than links cannot come
    if slot.politeness.patience < 2 or needed <= 0:
        return replace(slot, walls=known)
    planned = {link.canonical_url for link in slot.links}
    living = (
        link for link, history in members.living()
        if not walls.was_refused(history) and link.canonical_url not in planned
    )  # fmt: skip
    return replace(slot, walls=known, canaries=tuple(islice(living, needed)), spare=spare)


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
    kept = [replace(slot, links=tuple(x for x in slot.links if x.canonical_url in chosen)) for slot in slots]
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


def late_at(history: History) -> datetime | None:
    """After when a link has waited too long; None: never. The archive keeps this moment as a column, too."""
    if history.checked_at is None:
        return history.first_seen + LATE_NEW
    try:
        return history.checked_at + timedelta(seconds=LATE * history.interval) if history.interval else None
    except OverflowError:  # beyond the year 9999
        return None


def _is_late(history: History | None, now: datetime) -> bool:
    late = late_at(history) if history else None
    return late is not None and now > late

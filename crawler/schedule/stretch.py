"""Whether it is the web that answers: what most domains say within ten minutes, and did not say before.

Pure bookkeeping: a page or failure that most domains give at once comes from whoever answers for everybody: a portal, a
filter, a hijacked name system. Such pages may hold random words, so that no two are equal: their *sort* (the status of
an error, the title of a page) is counted, too, with a higher share. Whether our own line is there is `outage`'s; asking
a canary, and keeping what is not believed from counting, is the recorder's work.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from crawler.core.model import Check, History, State
from crawler.core.proof import PORTAL
from crawler.core.url import registrable
from crawler.schedule.fingerprint import FAILED, forms, sort_of, speaks_against

STRETCH = timedelta(minutes=10)
DOMAINS = 5  # registrable domains asked in a stretch, from which a share of them tells something
OF_A_SORT = 0.75  # share of living domains from which a sort tells: unrelated errors share a status by chance (guess)
NEAR = timedelta(minutes=1)  # before and after a page that everybody gave, its sort is not believed (guess)
ALONE = 3  # domains that say one thing now, from which they are not believed where nobody else can be asked (guess)
ALIKE = 3  # links of one domain that say one thing, and something else before, from which others are asked


@dataclass(frozen=True, slots=True)
class Seen:
    """One check as the judgement of a stretch needs it."""

    at: datetime
    domain: str  # registrable
    said: str  # its fingerprint; "" for what is no group's
    remembered: bool  # the link was checked before
    changed: bool  # and said something else then
    alive: bool  # and was alive at its last check
    changed_sort: bool = False  # and its sort was another, too
    doubted: bool = False  # it was alive, its last answer was not believed, and it still says something else


def seen(check: Check, before: History) -> Seen:
    """A check held against what was remembered of its link."""
    return seen_as(check.at, check.link.host, check.said, before)


def seen_as(at: datetime, host: str, said: str, before: History) -> Seen:
    """`seen` for a check that is known by its record."""
    known, alive = before.checked_at is not None, before.state is State.ALIVE
    changed = known and not _said_before(said, before)
    if before.doubted_at:
        return Seen(at, registrable(host), said, False, False, False, doubted=changed and alive)
    other_sort = changed and _is_of_other_sort(said, before)
    return Seen(at, registrable(host), said, known, changed, known and alive, other_sort)


def by_sort(check: Seen) -> Seen:
    """A check as it is counted among sorts."""
    return replace(check, said=sort_of(check.said), changed=check.changed_sort)


def _is_of_other_sort(said: str, before: History) -> bool:
    """Whether a link's answer was of another sort at its last check; False where no title of then is known."""
    if "." in before.said:
        return sort_of(said) != sort_of(before.said)
    return sort_of(said).isdigit() and sort_of(said) != str(before.evidence.http_status)


def _said_before(said: str, before: History) -> bool:
    """Whether a link said the same at its last check.

    Of memories without a fingerprint, or with one of the older form (without a dot), failure and status tell.
    """
    if said == before.said:
        return True
    if "." in before.said or before.said.startswith(FAILED):
        return False
    evidence = before.evidence
    if evidence.rule.startswith("failure/"):
        return said == FAILED + evidence.rule.removeprefix("failure/")
    status = evidence.http_status or 0
    return not 200 <= status < 300 and said.startswith(str(status))


@dataclass(slots=True)
class Latest:
    """What each domain said last, and how many domains say each thing."""

    by_domain: dict[str, Seen] = field(default_factory=dict)
    saying: Counter[str] = field(default_factory=Counter)

    def put(self, check: Seen) -> None:
        """The newest check of its domain."""
        if (old := self.by_domain.get(check.domain)) is not None:
            self.saying[old.said] -= 1
        self.by_domain[check.domain] = check
        self.saying[check.said] += 1

    def drop(self, check: Seen) -> None:
        """A check that grew too old; nothing where its domain said something since."""
        if self.by_domain.get(check.domain) is check:
            del self.by_domain[check.domain]
            self.saying[check.said] -= 1

    def most_say(self, said: str) -> bool:
        """Whether more than half of the domains say this last."""
        return self.saying[said] * 2 > len(self.by_domain)

    def changed_to(self, said: str) -> int:
        """How many domains say this last and said something else before."""
        return sum(one.changed for one in self.by_domain.values() if one.said == said)

    def say_again(self, said: str) -> bool:
        """Whether most domains that say this, and enough of them, were alive and were not believed lately."""
        members = [one for one in self.by_domain.values() if one.said == said]
        doubted = sum(one.doubted for one in members)
        return doubted >= DOMAINS and doubted * 2 > len(members)

    def has_share(self, said: str, share: float) -> bool:
        """Whether this share of the domains, or more, says this last."""
        return self.saying[said] >= share * len(self.by_domain)


@dataclass(frozen=True, slots=True)
class Open:
    """What others must be asked about: a page or sort, when it was said, and whether all that were alive say it."""

    said: str
    first: datetime
    last: datetime
    alone: bool


def any_other(said: str, checks: Iterable[Seen]) -> bool:
    """Whether a domain that was alive answers last with something else: somebody is reached."""
    latest = Latest()
    for one in checks:
        latest.put(one)
    return any(one.alive and speaks_against(one.said, said) for one in latest.by_domain.values())


@dataclass(slots=True)
class Group:
    """What the domains of a stretch said last, as `form` counts it: all of them, and those of links that were alive."""

    form: Callable[[Seen], Seen]
    latest: Latest = field(default_factory=Latest)
    living: Latest = field(default_factory=Latest)
    window: deque[Seen] = field(default_factory=deque)
    early: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)  # shared by most of few domains so far
    changes: Counter[str] = field(default_factory=Counter)  # links in the window that say this and did not before

    def put(self, check: Seen) -> Seen:
        """The newest check of its domain, as it is counted here; what grew too old is dropped."""
        check = self.form(check)
        self.window.append(check)
        self.latest.put(check)
        if check.alive:
            self.living.put(check)
        self.changes[check.said] += check.changed
        while self.window and self.window[0].at <= check.at - STRETCH:
            gone = self.window.popleft()
            self.changes[gone.said] -= gone.changed
            self.latest.drop(gone)
            self.living.drop(gone)
        return check

    def begun(self, said: str) -> datetime:
        """When this was said first in the window; it was."""
        return next(one.at for one in self.window if one.said == said)

    def open_of(self, checks: Sequence[Seen]) -> Iterator[Open]:
        """What was shared by most of few domains, or by those that were doubted, where most still say it in the end."""
        for said, (first, last) in self.early.items():
            near = [one for one in checks if first - STRETCH < one.at < last + STRETCH]
            living = [one for one in near if one.alive or one.doubted] if "~" in said or said.isdigit() else []
            enough = said.isdigit() or len({one.domain for one in living}) >= DOMAINS
            latest = Latest()
            for one in living if enough else near:
                latest.put(self.form(one))
            if latest.most_say(said):
                yield Open(said, first, last, latest.saying[said] >= ALONE and not any_other(said, near))


@dataclass(slots=True)
class Stretch:
    """The last ten minutes of a run, kept up check by check, and what was found unbelievable in them so far.

    A domain is counted with what it said last, so one that answers again is out of the group. `impossible` is what a
    name that cannot exist was answered with, "" where it was not asked or not answered. Pages and their sorts are
    counted side by side; what was found of either is kept together, under its form (`forms`).
    """

    impossible: str = ""
    pages: Group = field(default_factory=lambda: Group(lambda check: check))
    sorts: Group = field(default_factory=lambda: Group(by_sort))
    unbelieved: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)  # shared by most, and nothing remembered to hold it against
    few: set[str] = field(default_factory=set)  # shared by most of few: two others are to be asked (`conclude`)
    alone: set[str] = field(default_factory=set)  # of those, what nobody who was alive speaks against

    def saw(self, check: Seen) -> None:
        """Take one check into account; they come in the order of time, or nearly so."""
        page, sort = self.pages.put(check), self.sorts.put(check)
        self._found(self.pages, page, self._share_of_page(page.said))
        self._found(self.sorts, sort, shared_sort(self.sorts, sort.said))

    def _share_of_page(self, said: str) -> Share:
        latest, living, stock = self.pages.latest, self.pages.living, "~" in said
        known = living if stock and len(living.by_domain) >= DOMAINS else latest
        few = len(known.by_domain) < DOMAINS or (stock and known is latest)
        return shared(known, said, self.impossible, self.pages.changes[said], few=few)

    def _found(self, group: Group, check: Seen, share: Share) -> None:
        match share:
            case Share.UNBELIEVED:
                first = group.begun(check.said)
                self._unbelieve(check.said, first, check.at)
                # Who answers for everybody may say it in other words to one, and before and after those counted here.
                if check.changed:
                    self._unbelieve(sort_of(check.said), first - NEAR, check.at + NEAR)
            case Share.DOUBTFUL:
                self.doubtful.add(check.said)
            case Share.FEW:
                first, _ = group.early.get(check.said, (check.at, check.at))
                group.early[check.said] = (first, check.at)
            case Share.BELIEVED:
                pass

    def _unbelieve(self, form: str, first: datetime, last: datetime) -> None:
        if not form:
            return
        spans = self.unbelieved.setdefault(form, [])
        if spans and spans[-1][1] >= first:
            spans[-1] = (min(spans[-1][0], first), max(spans[-1][1], last))
        else:
            spans.append((first, last))

    def conclude(self, checks: Sequence[Seen]) -> None:
        """All checks are in: what few domains had said at first is open where those that came after said it, too."""
        self.few.clear()
        self.alone.clear()
        for found in (*self.pages.open_of(checks), *self.sorts.open_of(checks)):
            if found.said.startswith(str(PORTAL)):
                self._unbelieve(found.said, found.first, found.last)
            else:
                self.few.add(found.said)
                self.alone |= {found.said} if found.alone else set()

    def is_open(self, said: str) -> bool:
        """Whether somebody must be asked, or must have answered, before a check that said this may count."""
        counted = forms(said)
        return not counted.isdisjoint(self.doubtful) or any(
            form in group.early for group in (self.pages, self.sorts) for form in counted
        )

    def believes(self, said: str, at: datetime) -> bool:
        """Whether a check that said this then may count."""
        return not any(start <= at <= end for form in forms(said) for start, end in self.unbelieved.get(form, ()))


HIJACKED = "hijacked-dns"


@dataclass(frozen=True, slots=True)
class Hijack:
    """A name that cannot exist resolves: its addresses, and the fingerprint of the page it shows."""

    addresses: frozenset[str]
    said: str

    def has(self, addresses: Iterable[str], said: str) -> bool:
        """Whether a host with these addresses and this page is none of its own."""
        found = set(addresses)
        return bool(found) and found <= self.addresses and self.shows(said)

    def shows(self, said: str) -> bool:
        """Whether an answer is this page, or one of its sort: such pages may hold random words."""
        return not forms(said).isdisjoint(forms(self.said))


class Share(StrEnum):
    """What the share of domains that say one thing makes of it."""

    BELIEVED = "believed"
    DOUBTFUL = "doubtful"
    FEW = "few"
    UNBELIEVED = "unbelieved"


def shared(latest: Latest, said: str, impossible: str = "", changes: int = 0, *, few: bool = False) -> Share:
    """Whether most domains say this one thing, and most of those said something else before.

    `latest` holds the last check of each domain of a stretch; for a server's stock page ("~") only of links that were
    alive at their last check, since such pages are alike on thousands of hosts. `changes` counts the links that say
    this only now; `few` says that the domains are too few to tell by themselves.
    """
    if not said or not latest.most_say(said):
        return Share.BELIEVED
    if said.startswith(str(PORTAL)):
        return Share.FEW if few else Share.UNBELIEVED
    members = [one for one in latest.by_domain.values() if one.said == said]
    changed, remembered = sum(one.changed for one in members), sum(one.remembered for one in members)
    if few:
        if said.startswith(FAILED):
            return Share.BELIEVED  # `Watch` asks canaries where failures are in doubt
        ends = not said.startswith("2") and any(one.changed for one in members)
        alike = changed * 2 > len(members) and (len(members) > 1 or changes >= ALIKE)
        return Share.FEW if ends or alike else Share.BELIEVED
    if changed * 2 > len(members) or said == impossible:
        return Share.UNBELIEVED
    if latest.say_again(said):
        return Share.FEW
    return Share.DOUBTFUL if remembered * 2 <= len(members) else Share.BELIEVED


def shared_sort(group: Group, sort: str) -> Share:
    """Whether most living domains answer with this sort, and did not before (see `Share`).

    Where few lived, one page with another title is no doubt. Where nothing is remembered, a sort says nothing: most
    links of old notes may be dead, each in its own words.
    """
    living, latest = group.living, group.latest
    if not sort:
        return Share.BELIEVED
    if len(living.by_domain) < DOMAINS:
        changed = living.changed_to(sort)
        if changed * 2 > len(living.by_domain) and (sort.isdigit() or changed > 1):
            return Share.FEW
    elif living.has_share(sort, OF_A_SORT) and living.changed_to(sort) >= OF_A_SORT * len(living.by_domain):
        return Share.UNBELIEVED if living.saying[sort] >= DOMAINS else Share.BELIEVED
    return Share.FEW if latest.has_share(sort, OF_A_SORT) and latest.say_again(sort) else Share.BELIEVED

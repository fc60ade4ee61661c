"""Whether the network is there, and whether it is the web that answers: what a run says of *us*, not of the pages.

Pure bookkeeping: which hosts answered, which domains gave one and the same page or failure within ten minutes. Asking a
canary, and keeping what is not believed from counting, is the recorder's work.

* A run counts for nothing when most of the hosts that answered at their last check fail in it. Where too few such hosts
  are due to tell, known-living links of other hosts are asked as canaries; on a first run, which knows no host, only
  complete silence tells.
* A page or failure that most domains give at once, and that most of them did not give before, comes from whoever
  answers for everybody: a portal, a filter, a hijacked name system.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from crawler.core.model import Check, Failure, Fetch, History, Link, State
from crawler.core.proof import NO_SUCH_HOST, PORTAL

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

# Failures that a broken line of ours explains as well as a broken host does.
OF_THE_NETWORK = frozenset(
    {
        Failure.NO_SUCH_HOST, Failure.DNS, Failure.REFUSED, Failure.UNREACHABLE, Failure.RESET, Failure.TLS,
        Failure.TIMEOUT,
    }
)  # fmt: skip
ENOUGH = 3  # known hosts from which a majority tells something; a guess
CANARIES = 3  # known-living links asked at most when fewer hosts than that are due
HOPELESS_HOSTS = 8  # silent hosts, none having answered, after which a run stops early; a guess
HOPELESS_AFTER = 60.0  # seconds since the run's start, so that fast failures do not outrun slow answers


@dataclass(slots=True)
class Watch:
    """What this run has seen of each host."""

    known: set[str]  # hosts that answered at their last check
    answered: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    nameless: set[str] = field(default_factory=set)  # hosts whose names do not exist, while other names resolve
    since_answer: set[str] = field(default_factory=set)  # hosts that failed after the last answer of any
    last_answer: datetime | None = None

    def saw(self, link: Link, fetch: Fetch) -> None:
        """Take one fetch into account."""
        if fetch.status is not None or fetch.redirects:
            self.answered.add(link.host)
            self.since_answer.clear()
            self.last_answer = fetch.started_at
        elif fetch.failure in OF_THE_NETWORK:
            self.failed.add(link.host)
            self.since_answer.add(link.host)

    @property
    def may_be_cut(self) -> bool:
        """Whether so many domains failed since the last answer that the line may have been cut in mid-run."""
        return bool(self.answered) and len({registrable(host) for host in self.since_answer}) >= DOMAINS

    @property
    def silent(self) -> set[str]:
        """Hosts that failed and never answered in this run; a name that does not exist says nothing of our line."""
        return self.failed - self.answered - self.nameless

    def hopeless(self, seconds: float) -> bool:
        """Whether a run should end early, `seconds` after its start: nobody answered, and many hosts are silent."""
        return not self.answered and len(self.silent) >= HOPELESS_HOSTS and seconds >= HOPELESS_AFTER

    def wants_canary(self) -> bool:
        """Whether there are failures, and too few known hosts to judge them by."""
        if not self.silent:
            return False
        return not self.answered or len(self.known & (self.failed | self.answered)) < ENOUGH

    def is_down(self) -> bool:
        """Whether this run counts for nothing, since the network is down."""
        if not self.silent:
            return False
        if not self.answered:
            # One silent host alone is more likely dead than our line is, unless it was known to live.
            return len(self.silent) > 1 or bool(self.silent & self.known)
        sample = self.known & (self.failed | self.answered)
        if len(sample) < ENOUGH:
            sample |= self.answered
        return len(sample & self.silent) > len(sample) / 2


def is_network_failure(fetch: Fetch) -> bool:
    """Whether our own line could explain this failure: of such a kind, and no hop of it answered."""
    return fetch.failure in OF_THE_NETWORK and not fetch.redirects


def known_hosts(links: Iterable[Link], histories: Mapping[str, History]) -> set[str]:
    """Hosts of these links that answered at their last check, and did not fail since in a run that counted nothing."""
    known = set()
    for link in links:
        history = histories.get(link.canonical_url)
        if history and history.checked_at and history.evidence.http_status is not None and not history.doubted_at:
            known.add(link.host)
    return known


def canaries(
    links: Iterable[Link], histories: Mapping[str, History], asked_hosts: set[str], most: int = CANARIES
) -> list[Link]:
    """Known-living links of hosts that this run has not asked, one a host, the most recently seen first."""
    living: dict[str, tuple[float, Link]] = {}
    for link in links:
        history = histories.get(link.canonical_url)
        if not history or history.state is not State.ALIVE or not history.last_alive or history.doubted_at:
            continue
        seen = history.last_alive.timestamp()
        if link.host and link.host not in asked_hosts and seen > living.get(link.host, (0.0, link))[0]:
            living[link.host] = (seen, link)
    ranked = sorted(living.values(), key=lambda pair: -pair[0])
    return [link for _, link in ranked[:most]]


# --- one page, or one failure, for everybody --------------------------------------------------------


STRETCH = timedelta(minutes=10)
DOMAINS = 5  # registrable domains asked in a stretch, from which a share of them tells something
ALIKE = 3  # links of one domain that say one thing, and something else before, from which others are asked
STOCK = 400  # visible characters of an error page below which it may be a server's own: nginx's, Apache's, GitHub's
COMPARED = 4_000  # characters of a page that its fingerprint is made of
FAILED = "failure:"  # how the fingerprint of a failure begins

# Looks ahead for what a match begins with first: tried in full at every letter, these cost a third of reading a page.
_TIMES = re.compile(
    r"(?=[\da-f])(?:(?=\d)(?:\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}:\d{2}(?::\d{2})?|\d{1,2} \w{3} \d{4}"
    r"|\d{9,}|[0-9a-f]{16,})|[a-f][0-9a-f]{15,})"
)  # dates, clocks, seconds since 1970, and what identifies one request
# Every word that holds a digit: counters, tickets, addresses, minutes left. Articles that differ by a number alone have
# it in their titles, where it counts.
_COUNTERS = re.compile(r"(?=[a-z0-9_\d-])(?<![a-z0-9_-])[a-z0-9_-]*\d[a-z0-9_-]*")
_NOT_SAID = frozenset({Failure.NO_SUCH_HOST, Failure.HELD_BACK, Failure.ROBOTS, Failure.INTERNAL, Failure.NOT_PUBLIC,
                       Failure.UNSUPPORTED_SCHEME, Failure.MALFORMED_URL})  # fmt: skip


def fingerprint(fetch: Fetch, title: str, text: str) -> str:
    """What was answered, so that equal answers of different hosts are equal: host, path and times masked.

    "failure:<slug>" for failures; "" for what no line of ours explains: a missing name, and what was never asked.
    """
    if fetch.failure is not None:
        unsaid = fetch.failure in _NOT_SAID or fetch.error.startswith(NO_SUCH_HOST)
        return "" if unsaid else f"{FAILED}{fetch.failure}"
    shown = text if len(text) >= 12 else fetch.body[: 4 * COMPARED].decode("latin-1")
    own = _own_addresses(fetch)
    masked = f"{_masked(title[:COMPARED], own)}\n{_COUNTERS.sub('#', _masked(shown[:COMPARED], own))}"
    stock = "~" if (fetch.status or 0) >= 400 and len(text) <= STOCK else ""
    return f"{fetch.status}{stock}:{sha256(masked.encode('utf-8', 'replace')).hexdigest()[:16]}"


def _own_addresses(fetch: Fetch) -> list[str]:
    """How a page may name where it stands, casefolded: its addresses, their hosts and paths."""
    own = []
    for url in dict.fromkeys((fetch.url, fetch.final_url)):  # in this order every night: one may hold the other
        try:
            parts = urlsplit(url)
        except ValueError:
            continue
        host = (parts.hostname or "").removeprefix("www.")
        known = (url, quote(url, safe=""), host, f"{parts.path}?{parts.query}", parts.path)
        own += [name.casefold() for name in known if len(name) > 3]
    return own


def _masked(text: str, own: Iterable[str]) -> str:
    text = text.casefold()
    for name in own:
        text = text.replace(name, "@")
    return " ".join(_TIMES.sub("#", text).split())


@dataclass(frozen=True, slots=True)
class Seen:
    """One check as the judgement of a stretch needs it."""

    at: datetime
    domain: str  # registrable
    said: str  # its fingerprint; "" for what is no group's
    remembered: bool  # the link was checked before
    changed: bool  # and said something else then
    alive: bool  # and was alive at its last check


def seen(check: Check, before: History) -> Seen:
    """A check held against what was remembered of its link."""
    return seen_as(check.at, check.link.host, check.said, before)


def seen_as(at: datetime, host: str, said: str, before: History) -> Seen:
    """`seen` for a check that is known by its record."""
    remembered = before.checked_at is not None and not before.doubted_at
    changed = remembered and not _said_before(said, before)
    return Seen(at, registrable(host), said, remembered, changed, remembered and before.state is State.ALIVE)


def _said_before(said: str, before: History) -> bool:
    """Whether a link said the same at its last check; of memories without a fingerprint, failure and status tell."""
    if before.said:
        return said == before.said
    evidence = before.evidence
    if evidence.rule.startswith("failure/"):
        return said == FAILED + evidence.rule.removeprefix("failure/")
    status = evidence.http_status or 0
    return not 200 <= status < 300 and said.startswith(str(status))


@lru_cache(maxsize=4096)
def registrable(host: str) -> str:
    """The domain that somebody registered: `b.example.co.uk` -> `example.co.uk`; addresses stand for themselves."""
    if not host or ":" in host or host.rpartition(".")[2].isdigit():
        return host
    return _suffixes().privatesuffix(host) or host


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList  # reads its list, 30 ms: only where something was asked

    return PublicSuffixList()


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


@dataclass(slots=True)
class Stretch:
    """The last ten minutes of a run, kept up check by check, and what was found unbelievable in them so far.

    A domain is counted with what it said last, so one that answers again is out of the group. `impossible` is what a
    name that cannot exist was answered with, "" where it was not asked or not answered.
    """

    impossible: str = ""
    window: deque[Seen] = field(default_factory=deque)
    latest: Latest = field(default_factory=Latest)
    living: Latest = field(default_factory=Latest)  # of links that were alive at their last check
    unbelieved: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=dict)  # by fingerprint
    doubtful: set[str] = field(default_factory=set)  # shared by most, and nothing remembered to hold it against
    # Shared by most of too few domains so far.
    early: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    few: set[str] = field(default_factory=set)  # of `early`, what two others are to be asked about (`conclude`)
    changes: Counter[str] = field(default_factory=Counter)  # links in the window that say this and did not before

    def saw(self, check: Seen) -> None:
        """Take one check into account; they come in the order of time, or nearly so."""
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
        stock = "~" in check.said
        known = self.living if stock and len(self.living.by_domain) >= DOMAINS else self.latest
        few = len(known.by_domain) < DOMAINS or (stock and known is self.latest)
        match shared(known, check.said, self.impossible, self.changes[check.said], few=few):
            case Share.UNBELIEVED:
                self._strike(check)
            case Share.DOUBTFUL:
                self.doubtful.add(check.said)
            case Share.FEW:
                first, _ = self.early.get(check.said, (check.at, check.at))
                self.early[check.said] = (first, check.at)
            case Share.BELIEVED:
                pass

    def _strike(self, check: Seen) -> None:
        first = next(one.at for one in self.window if one.said == check.said)
        spans = self.unbelieved.setdefault(check.said, [])
        if spans and spans[-1][1] >= first:
            spans[-1] = (min(spans[-1][0], first), check.at)
        else:
            spans.append((first, check.at))

    def conclude(self, checks: Sequence[Seen]) -> None:
        """All checks are in: what few domains had said at first is open where those that came after said it, too."""
        self.few.clear()
        for said, (first, last) in self.early.items():
            near = [one for one in checks if first - STRETCH < one.at < last + STRETCH]
            living = [one for one in near if one.alive] if "~" in said else []
            latest = Latest()
            for one in living if len({one.domain for one in living}) >= DOMAINS else near:
                latest.put(one)
            if latest.most_say(said) and said.startswith(str(PORTAL)):
                self.unbelieved.setdefault(said, []).append((first, last))
            elif latest.most_say(said):
                self.few.add(said)

    def is_open(self, said: str) -> bool:
        """Whether somebody must be asked, or must have answered, before a check that said this may count."""
        return said in self.doubtful or said in self.early

    def believes(self, said: str, at: datetime) -> bool:
        """Whether a check that said this then may count."""
        return not any(start <= at <= end for start, end in self.unbelieved.get(said, ()))


HIJACKED = "hijacked-dns"


@dataclass(frozen=True, slots=True)
class Hijack:
    """A name that cannot exist resolves: its addresses, and the fingerprint of the page it shows."""

    addresses: frozenset[str]
    said: str

    def has(self, addresses: Iterable[str], said: str) -> bool:
        """Whether a host with these addresses and this page is none of its own."""
        found = set(addresses)
        return bool(found) and found <= self.addresses and said == self.said


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
    return Share.DOUBTFUL if remembered * 2 <= len(members) else Share.BELIEVED

"""Whether the network is there: what a run says of *our* line, before it is held against pages.

Pure bookkeeping of which hosts answered. Whether it is the web that answered is `stretch`'s; asking a canary is the
recorder's work.

* A run counts for nothing when most of the hosts that answered at their last check fail in it. Where too few such hosts
  are due to tell, known-living links of other hosts are asked as canaries; on a first run, which knows no host, only
  complete silence tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from crawler.core.model import Failure, Fetch, History, Link, State
from crawler.core.url import registrable
from crawler.schedule.stretch import DOMAINS

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

"""What is known of hosts beside the memories of their single links: when each was answered last from here.

Made from all memories when a run begins, and kept up with every check that counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from crawler.core.model import Check, History, Link
from crawler.core.url import host_of
from crawler.crawl.lazy import Memories
from crawler.schedule.proof import Circumstances, answers_by_host, host_answered


@dataclass(slots=True)
class Hosts:
    """`gone` holds the canonical URLs whose name a first look-up of this run did not find, while others were found."""

    answered: dict[str, datetime] = field(default_factory=dict)
    proxied: bool = False
    gone: set[str] = field(default_factory=set)

    def around(self, link: Link) -> Circumstances:
        """The circumstances of a check of this link."""
        at = self.answered.get(link.host)
        others = len(self.answered) > (at is not None)
        return Circumstances(at, others, self.proxied, link.canonical_url in self.gone)

    def counted(self, check: Check) -> None:
        """A check that counts: its host answered, or it did not."""
        if host_answered(check.verdict):
            self.answered[check.link.host] = check.at


def hosts_of(histories: Mapping[str, History], *, proxied: bool) -> Hosts:
    """What all memories together tell of their hosts."""
    if isinstance(histories, Memories):
        return Hosts(histories.index.answers(), proxied)
    return Hosts(answers_by_host((host_of(h.url or h.canonical_url), h) for h in histories.values()), proxied)

"""A kept page that is to be judged again, as it travels to a reader: the reader itself fetches its bytes.

Bytes that went through the asking process would cost it more than all else that it does for a page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from crawler.archive.answers import KeptAnswer
from crawler.crawl.tasks import Depth, PageReading, ReadTask
from crawler.notes.links import link_of

if TYPE_CHECKING:
    from crawler.core.model import Fetch
    from crawler.sites import Sites


@dataclass(frozen=True, slots=True)
class KeptTask:
    """A capture to judge: of which link, when, and by which answer; `capture` is the one that holds its bytes."""

    capture: int
    url: str
    canonical_url: str
    at: datetime
    answer: KeptAnswer

    @property
    def size(self) -> int:
        """Bytes, about: of the answer, or of the frame that it lies in."""
        return len(self.answer.known.body) or self.answer.span[1]


def read_task(task: KeptTask, fetched: Fetch, sites: Sites) -> ReadTask:
    """The reading of an answer, for its verdict."""
    link = replace(link_of(task.url, sites), canonical_url=task.canonical_url)
    return ReadTask(link, fetched, task.at, depth=Depth.VERDICT)


def read_kept(task: KeptTask, sites: Sites) -> PageReading:
    """Fetch and judge. Raises ArchiveDamaged."""
    from crawler.crawl.examine import read  # the parser, for readers alone

    return read(read_task(task, task.answer.read(), sites), sites)

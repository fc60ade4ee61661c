"""What becomes of pages that are imported, kept or lost, and who hears of it.

Declarations only, shared by those who import pages: `importing` from files, `wayback_import` from the Internet Archive.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crawler.crawl.observer import Observer

if TYPE_CHECKING:
    from crawler.core.model import Snapshot, Verdict


@dataclass(frozen=True, slots=True)
class KeptPage:
    """A page that is in the archive now. `snapshot` is None where the one of an article seen alive stays."""

    file: str
    url: str
    title: str
    snapshot: Snapshot | None
    again: bool = False  # it was there already, from the same time


@dataclass(frozen=True, slots=True)
class LostPage:
    """What of a file was not kept, and why; `verdict` where the rules see no page in it."""

    file: str
    why: str
    url: str = ""
    verdict: Verdict | None = None


@dataclass(slots=True)
class Imported:
    """What became of some files."""

    kept: list[KeptPage] = field(default_factory=list)
    lost: list[LostPage] = field(default_factory=list)


class ImportObserver(Observer):
    """Hears of each page as it comes, and by `say` of what was left out for a reason that is no damage."""

    def kept(self, page: KeptPage) -> None:
        """A page was kept."""

    def lost(self, page: LostPage) -> None:
        """Something was not kept."""


UNHEARD = ImportObserver()

"""The nouns of the archive: what is asked of it and what it answers.

Frozen data only; how it is stored is the business of the other modules of this package.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from crawler.core.model import Occurrence, Redirect, State


@dataclass(frozen=True, slots=True)
class NoteEntry:
    """A note file as it was when it was read last; same size and time, same occurrences."""

    path: str  # relative to the notes' root
    size: int
    mtime_ns: int
    encoding: str
    occurrences: tuple[Occurrence, ...]
    extraction: int = 0  # version of the extraction that found them


@dataclass(frozen=True, slots=True)
class PastCheck:
    """One check of a link as it was recorded: the verdict of the check itself, and the state that memory made of it."""

    at: datetime
    state: State  # of the link after the check
    verdict: State  # of the check alone
    reason: str
    rule: str
    status: int | None
    error: str  # a failure's slug, "" where there was a response
    final_url: str
    seconds: float
    bytes: int  # of the decoded body
    run_id: str


@dataclass(frozen=True, slots=True)
class HeldCheck:
    """A check of a run that was killed before it judged its checks; `held` is false for those that count already."""

    run: str
    canonical_url: str
    host: str
    at: datetime
    said: str  # its fingerprint
    error: str  # a failure's slug, "" where there was a response
    verdict: State
    held: bool


@dataclass(frozen=True, slots=True)
class Capture:
    """One kept capture of a page; a revisit shares text and bytes with the capture `revisit_of`.

    `notice` marks a kept error page: evidence of a death, not a snapshot of the article.
    """

    id: int
    url: str
    canonical_url: str
    site: str
    host: str
    at: datetime
    status: int
    final_url: str
    content_type: str
    state: State
    reason: str
    title: str = ""
    author: str = ""
    published: str = ""
    digest: str = ""
    text_chars: int = 0
    charset: str = ""
    lead_image: str = ""
    page_url: str = ""  # what the page calls itself
    redirects: tuple[Redirect, ...] = ()
    revisit_of: int | None = None
    notice: bool = False
    raw: bool = False  # raw bytes were kept

    @property
    def revisit(self) -> bool:
        """Seen again with the same text, no new bytes stored."""
        return self.revisit_of is not None


def holder_of(capture: Capture) -> int:
    """The capture that holds the bytes of this one."""
    return capture.id if capture.raw or capture.revisit_of is None else capture.revisit_of


@dataclass(frozen=True, slots=True)
class OpenSegment:
    """The segment of an archive that is being written, for which readers pack records."""

    folder: str
    name: str  # "" before the first record: one without a dictionary
    codec: str
    raw: bool  # whether raw bytes are kept
    large: bool = True  # pack large pages, too: the segment has its dictionary, or will have none


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A picture kept with a capture; equal pictures are stored once."""

    url: str
    content_type: str
    digest: str  # "sha256:<hex>" of the body
    size: int


@dataclass(frozen=True, slots=True)
class Hit:
    """One snapshot that was found. `spans` are the marked parts of `snippet`, as (start, end) in code points."""

    url: str
    canonical_url: str
    capture_id: int
    captured_at: datetime
    state: State
    site: str
    title: str
    snippet: str
    spans: tuple[tuple[int, int], ...]
    rank: float  # smaller is better
    current: bool = True  # its text is the page's current one


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is wrong with an archive: where, and what.

    `loses`: mending it would give up something that was acknowledged, so it is done only when asked for by name.
    """

    where: str
    what: str
    repaired: bool = False
    loses: bool = False


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What `verify` checked and found; orphans are whole records that no row points at, and harmless."""

    segments: int = 0
    records: int = 0
    captures: int = 0
    orphans: int = 0
    damage: tuple[Damage, ...] = field(default=())
    notices: tuple[str, ...] = ()  # what is no damage: bytes that the index does not know yet, what was taken in
    rebuilt: bool = False
    unusable: bool = False  # segments without an index that can be read

    @property
    def clean(self) -> bool:
        """Whether nothing was wrong, not even something that was repaired."""
        return not self.damage


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one sealed segment; `problem`: why it stays as it is, "" for none."""

    name: str
    size: int  # bytes
    sent: bool  # now; else the store had it already
    here: bool  # whether a file is still here
    problem: str = ""

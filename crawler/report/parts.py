"""The keys of a report: the public schema `crawler.report/1` as classes, from which docs/report.schema.json is made.

Adding a key is allowed; changing or dropping one makes a new schema. Declarations only: how a `Report` becomes these is
`document`'s business.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from crawler.core.model import Confidence, Kind, Proof, State, Word
from crawler.core.results import ChangeKind

Count = Annotated[int, msgspec.Meta(ge=0)]
Position = Annotated[int, msgspec.Meta(ge=1)]


class Part(msgspec.Struct, frozen=True, kw_only=True, gc=False):  # no part holds itself
    """An object of the document; every key is always there."""


class SlotPart(Part, frozen=True):
    """A politeness queue that was left alone; `left` links of it stay due."""

    slot: str
    reason: str
    left: Count


class RunPart(Part, frozen=True):
    """The run that the report is of."""

    id: str
    command: str
    started_at: datetime
    finished_at: datetime | None
    complete: bool
    fetched: Count
    requests: Count
    kept_bytes: Count
    network: Literal["ok", "down"]
    slots_given_up: tuple[SlotPart, ...]
    stopped_by: Literal["budget", "signal", "network-down"] | None
    internal_errors: Count


class RedirectPart(Part, frozen=True):
    """One hop: the status that this URL answered with."""

    status: int
    url: str


class EvidencePart(Part, frozen=True):
    """Why the verdict says what it says."""

    rule: str | None
    matched: str | None
    http_status: int | None
    final_url: str | None
    redirects: tuple[RedirectPart, ...]
    error: str | None
    limited: str | None
    notice: str | None
    proof: Proof | None
    agreed: str | None  # who else agrees that it is gone


class MarkPart(Part, frozen=True):
    """A person's word, and what the checks conclude beneath it."""

    word: Word
    at: datetime
    state: State
    reason: str


class SnapshotPart(Part, frozen=True):
    """The newest kept capture."""

    id: int
    captured_at: datetime
    title: str
    text_chars: Count
    digest: str
    revisit: bool


class SuggestionPart(Part, frozen=True):
    """Where the content can still be read."""

    kind: Literal["snapshot", "wayback", "moved"]
    url: str
    captured_at: datetime | None
    status: int | None
    title: str | None
    title_match: Annotated[float, msgspec.Meta(ge=0, le=1)] | None


class SearchPart(Part, frozen=True):
    """Where a person may look for a page that is gone; nothing is fetched from there."""

    name: str
    url: str


class OccurrencePart(Part, frozen=True):
    """One place where the link is written; columns count Unicode code points, `end_column` is exclusive."""

    path: str
    line: Position
    column: Position
    end_column: Position | None
    note_title: str | None
    kind: Kind


class LinkPart(Part, frozen=True):
    """One link with everything that is known of it."""

    url: str
    canonical_url: str
    site: str
    host: str
    state: State
    reason: str
    confidence: Confidence
    evidence: EvidencePart
    note_title: str | None
    page_title: str | None
    title_match: Annotated[float, msgspec.Meta(ge=0, le=1)] | None
    title_differs: bool
    moved_to: str | None
    first_seen_at: datetime | None
    checked_at: datetime | None
    last_alive_at: datetime | None
    first_failed_at: datetime | None
    failures: Count
    next_check_at: datetime | None
    previous_state: State | None
    changed_at: datetime | None
    mark: MarkPart | None
    known_before: bool
    snapshot: SnapshotPart | None
    suggestions: tuple[SuggestionPart, ...]
    searches: tuple[SearchPart, ...]
    occurrences: tuple[OccurrencePart, ...]


class ChangePart(Part, frozen=True):
    """What is new since the last run; `before` and `after` are states, titles of `title-changed`, URLs of `moved`."""

    kind: ChangeKind
    canonical_url: str
    at: datetime
    before: str
    after: str


class NoticePart(Part, frozen=True):
    """A wording in a site's error zone that no rule knows yet."""

    site: str
    text: str
    count: Count
    urls: tuple[str, ...]


class HealthPart(Part, frozen=True):
    """How many links were in which state at the end of one run."""

    at: datetime
    counts: dict[State, Count]


class RoundPart(Part, frozen=True):
    """How long asking every link of a site once takes: seconds, and runs at the budget of one."""

    site: str
    links: Count
    seconds: float
    runs: int | None


class FaultyNotePart(Part, frozen=True):
    """A note that cannot be read, or not whole, and why."""

    path: str
    why: str


class ReportDocument(Part, frozen=True):
    """A whole report."""

    schema: Literal["crawler.report/1"]
    generated_at: datetime
    run: RunPart
    counts: dict[State, Count]
    by_site: dict[str, dict[State, Count]]
    changes: tuple[ChangePart, ...]
    new_notices: tuple[NoticePart, ...]
    trend: tuple[HealthPart, ...]
    rounds: tuple[RoundPart, ...]
    overdue: tuple[str, ...]
    damaged_notes: tuple[FaultyNotePart, ...]
    skipped_notes: tuple[FaultyNotePart, ...]
    links: tuple[LinkPart, ...]

"""What the coordinator of a run and its workers send each other; everything here can be pickled.

Who may ask a host is decided by these messages alone: a slot belongs to the worker that it was dealt to until that
worker says `SlotDone`, or until it is lost.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from typing import Any, Final

from crawler.core.model import Check, Fetch, History, Link, Verdict
from crawler.core.results import SlotGivenUp
from crawler.core.settings import Settings
from crawler.core.slots import Slot, SlotState
from crawler.crawl.tasks import Depth
from crawler.fetch import Request

BATCH: Final = 64  # checks in one message at most
BATCH_BYTES: Final = 4 * 1024 * 1024  # of bodies, from which a message leaves with fewer
BEAT: Final = 1.0  # seconds between two signs of life, and the longest that a check waits for company
LEASE: Final = 10.0  # seconds of silence after which a worker's slots are dealt to others; it has stopped by then


@dataclass(frozen=True, slots=True)
class RunSetup:
    """What a worker needs for a run; site files travel with it, so that it need have none."""

    run_id: str
    settings: Settings
    documents: list[tuple[str, dict[str, Any]]]
    depth: Depth
    opinions: bool = False  # whether somebody else is asked about deaths (`OpinionAsked`)


@dataclass(frozen=True, slots=True)
class Deal:
    """Down: a slot to crawl, with what is remembered of its links and of its pace."""

    slot: Slot
    histories: dict[str, History]
    state: SlotState | None


@dataclass(frozen=True, slots=True)
class Halt:
    """Down: begin no new link."""

    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """Down: the run is over, let go of everything."""


@dataclass(frozen=True, slots=True)
class HopAsked:
    """Both ways: one GET in a slot that the other side owns, or knows the owner of."""

    ident: str
    request: Request


@dataclass(frozen=True, slots=True)
class HopAnswered:
    """Both ways: its answer; None where the slot is not the asked worker's any more."""

    ident: str
    fetch: Fetch | None


@dataclass(frozen=True, slots=True)
class OpinionAsked:
    """Up: who else agrees that a link is dead? The coordinator asks, since their number is limited in a run."""

    ident: str
    link: Link
    history: History
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class OpinionAnswered:
    """Down: who agrees, "" for nobody."""

    ident: str
    agreed: str


@dataclass(frozen=True, slots=True)
class SlotDone:
    """Up: a slot is through, or was given up, and belongs to the coordinator again."""

    key: str
    state: SlotState
    given_up: tuple[SlotGivenUp, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckBatch:
    """Up: what happened since the last one, in order; an empty one is a sign of life."""

    session: str
    checks: list[Check] = field(default_factory=list)
    states: list[SlotState] = field(default_factory=list)  # of the slots of these checks
    done: list[SlotDone] = field(default_factory=list)  # their checks came before, or in this batch
    hops: list[HopAsked | HopAnswered] = field(default_factory=list)
    opinions: list[OpinionAsked] = field(default_factory=list)
    internal_errors: int = 0
    requests: int = 0  # sent since


Down = Deal | Halt | End | HopAsked | HopAnswered | OpinionAnswered


def packed(message: CheckBatch | RunSetup | list[Down]) -> bytes:
    """A message as it travels: Dask passes bytes on as they are."""
    return pickle.dumps(message, protocol=5)


def unpacked(data: bytes) -> Any:
    """The message again; both ends are the user's own processes."""
    return pickle.loads(data)  # noqa: S301  # whoever may join the scheduler runs code there anyway

"""What follows from each kind of failing check: the table by which a link dies, as data.

`docs/judgement.md` prints it, a property test walks all of it, and `history` does what it says. Which failure or status
is knowledge of what stands in `core.proof`; here it is narrowed by what is known of the host and of the line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from crawler.core.model import Confidence, History, Proof, State, Verdict
from crawler.core.proof import GUESSES

SILENT_CHECKS = 6  # checks of a silent host, on as many days, before `[schedule] silent` may call it dead


class Knowledge(StrEnum):
    """What one check is worth: the row of the table that it follows."""

    LIFE = "life"
    NOTICE = "notice"
    DOUBT = "doubt"
    NO_NAME = "no-name"
    HOST = "host"
    SUPPORTED_GUESS = "supported-guess"
    GUESS = "guess"
    CLIENT = "client"
    WAY_AGREED = "way-agreed"
    WAY = "way"
    NEVER_SEEN = "never-seen"
    NOTHING = "nothing"


class Dies(StrEnum):
    """By what a link may become dead at such a check."""

    AT_ONCE = "at once"
    CONFIRMED = "after `confirmations` counted checks"
    SILENT = "after `silent`"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Effect:
    """One row: what such a check counts, what it resets, and what a link can become by it."""

    proof: Proof | None
    example: str
    counts: bool  # as a failure; with `dies` never, only to be shown
    resets: bool  # forgets every failure before it
    silence: str  # of the host: "adds" one more day, "ends", or "keeps" as it is
    dies: Dies
    confidence: Confidence | None = None  # of that death


EFFECTS: Mapping[Knowledge, Effect] = {
    Knowledge.LIFE: Effect(None, "the content was seen", False, True, "ends", Dies.NEVER),
    Knowledge.NOTICE: Effect(
        Proof.PAGE, "the site's own notice, 404, 410, a malformed URL, a missing file", True, False, "ends",
        Dies.AT_ONCE, Confidence.MEDIUM,
    ),
    Knowledge.DOUBT: Effect(
        Proof.PAGE, "the site's own words that are no proof at once", True, False, "ends",
        Dies.CONFIRMED, Confidence.HIGH,
    ),
    Knowledge.NO_NAME: Effect(
        Proof.HOST, "a name that does not exist, of a link never seen alive; a second look-up agrees, others resolve",
        True, False, "keeps", Dies.AT_ONCE, Confidence.LOW,
    ),
    Knowledge.HOST: Effect(
        Proof.HOST, "a name that does not exist; refused by a host that once answered from here; 500, 501, 505",
        True, False, "keeps", Dies.CONFIRMED, Confidence.HIGH,
    ),
    Knowledge.SUPPORTED_GUESS: Effect(
        Proof.HOST, "soft 404, parked, redirect home, shared target, and a second kind of evidence agrees",
        True, False, "ends", Dies.CONFIRMED, Confidence.MEDIUM,
    ),
    Knowledge.GUESS: Effect(
        Proof.HOST, "soft 404, parked, redirect home, shared target, and nothing else agrees",
        True, False, "ends", Dies.NEVER,
    ),
    Knowledge.CLIENT: Effect(
        Proof.CLIENT, "TLS, broken HTTP, other 4xx and odd statuses, redirect loops, a body we cannot take",
        False, False, "ends", Dies.NEVER,
    ),
    Knowledge.WAY_AGREED: Effect(
        Proof.WAY, "as the next two rows, and a second opinion agrees", False, False, "adds",
        Dies.AT_ONCE, Confidence.LOW,
    ),
    Knowledge.WAY: Effect(
        Proof.WAY, "timeout, reset, unreachable, no answer from DNS, other 5xx, of a host that once answered from here",
        False, False, "adds", Dies.SILENT, Confidence.LOW,
    ),
    Knowledge.NEVER_SEEN: Effect(
        Proof.WAY, "the same, or refused, of a host that never answered from here", False, False, "adds", Dies.NEVER
    ),
    Knowledge.NOTHING: Effect(
        None, "blocked, unknown, unchecked; a 2xx answer that was cut before it could be judged",
        False, False, "ends", Dies.NEVER,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known at a check beside the memory of its own link."""

    host_answered_at: datetime | None = None  # when any link of the host was answered last
    others_answer: bool = True  # other hosts answered from here
    proxied: bool = False  # a proxy looks names up, and its word is not the name system's
    no_such_name: bool = False  # a second look-up in this run agrees, and other names resolve


PLAIN = Circumstances()


def knowledge_of(verdict: Verdict, history: History, around: Circumstances) -> Knowledge:
    """The row of the table that a check follows."""
    match verdict.state:
        case State.ALIVE:
            return Knowledge.LIFE
        case State.DEAD:
            return Knowledge.NOTICE
        case State.SUSPECT:
            return _of_suspect(verdict, history, around)
        case State.BLOCKED | State.UNKNOWN | State.UNCHECKED:
            return Knowledge.NOTHING


def _of_suspect(verdict: Verdict, history: History, around: Circumstances) -> Knowledge:
    match verdict.evidence.proof:
        case Proof.PAGE:
            return Knowledge.DOUBT
        case Proof.HOST:
            return _of_host(verdict, history, around)
        case Proof.WAY:
            return _of_way(verdict, history, around)
        case _:
            return Knowledge.CLIENT


def _of_host(verdict: Verdict, history: History, around: Circumstances) -> Knowledge:
    if verdict.reason in GUESSES:
        return Knowledge.SUPPORTED_GUESS if verdict.evidence.agreed else Knowledge.GUESS
    if verdict.reason == "dns-failure":
        if around.proxied:
            return _of_way(verdict, history, around)
        fresh = around.no_such_name and history.last_alive is None and not verdict.evidence.redirects
        return Knowledge.NO_NAME if fresh else Knowledge.HOST
    if verdict.reason == "connection-refused" and not once_answered(history, around, verdict):
        return _of_way(verdict, history, around)
    return Knowledge.HOST


def _of_way(verdict: Verdict, history: History, around: Circumstances) -> Knowledge:
    if verdict.evidence.agreed:
        return Knowledge.WAY_AGREED
    return Knowledge.WAY if once_answered(history, around, verdict) else Knowledge.NEVER_SEEN


def once_answered(history: History, around: Circumstances, verdict: Verdict) -> bool:
    """Whether the host that failed ever answered from here; behind a redirect only the link's own life tells."""
    if verdict.evidence.redirects:
        return history.last_alive is not None
    return (history.last_alive or history.answered_at or around.host_answered_at) is not None


def host_answered(verdict: Verdict) -> bool:
    """Whether something at the host answered, however badly: then it is not silent."""
    proof = verdict.evidence.proof
    return proof is Proof.CLIENT or (verdict.evidence.http_status is not None and proof is not Proof.WAY)


def last_answer(history: History) -> datetime | None:
    """When the host answered this link last; older archives tell it by the last check that had a status."""
    if history.answered_at:
        return max(history.answered_at, history.last_alive or history.answered_at)
    status = history.evidence.http_status
    answered = history.checked_at if status is not None and not 500 <= status < 600 else None
    return max(filter(None, (history.last_alive, answered)), default=None)


def answers_by_host(pairs: Iterable[tuple[str, History]]) -> dict[str, datetime]:
    """When each host answered last, from the memories of all its links (host, history)."""
    latest: dict[str, datetime] = {}
    for host, history in pairs:
        at = last_answer(history)
        if host and at and (host not in latest or at > latest[host]):
            latest[host] = at
    return latest


def table() -> str:
    """The table as `docs/judgement.md` prints it."""
    columns = ("check", "proof", "counted", "forgets failures", "silence of the host", "dead", "confidence then")
    head = f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|"
    rows = [
        f"| {effect.example} | {effect.proof or ''} | {_yes(effect.counts)} | {_yes(effect.resets)} | {effect.silence}"
        f" | {effect.dies} | {effect.confidence or ''} |"
        for effect in EFFECTS.values()
    ]
    return "\n".join([head, *rows])


def _yes(value: bool) -> str:
    return "yes" if value else "no"

"""What the wire alone says, on every host: failures and statuses other than 2xx.

Nothing here looks into a page; what a 2xx page says is for `site_rules` and `generic`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from crawler.core.counts import Counted
from crawler.core.model import Confidence, Cut, Failure, Fetch, Proof, State, Verdict
from crawler.core.proof import NO_SUCH_HOST, PORTAL, proof_of_failure, proof_of_status
from crawler.judge.verdicts import verdict


def judge_failure(fetch: Fetch, failure: Failure) -> Verdict:
    """The verdict of a fetch that brought no response. One check never makes death, but for a malformed URL."""
    if failure is Failure.DNS and fetch.error.startswith(NO_SUCH_HOST):
        failure = Failure.NO_SUCH_HOST
    if failure is Failure.MALFORMED_URL and fetch.redirects:
        failure = Failure.PROTOCOL  # the note's own URL was asked, and answered: its server names an impossible target
    state, confidence = _of_failure(failure)
    proof = proof_of_failure(failure, fetch.error)
    if failure is Failure.UNSUPPORTED_SCHEME and fetch.redirects:
        # It was asked, and its server sends everybody to an app: a redirect without a usable target.
        state, confidence, proof = State.SUSPECT, Confidence.LOW, Proof.CLIENT
    return verdict(fetch, state, failure.reason, f"failure/{failure.value}", confidence=confidence, proof=proof)


# What a cut body is called where too little of it came to be judged as a page.
CUT_REASONS = {
    Cut.TIMEOUT: Failure.TIMEOUT.value,
    Cut.ENDLESS: Failure.TIMEOUT.value,
    Cut.RESET: Failure.RESET.value,
    Cut.TOO_LARGE: Failure.TOO_LARGE.value,
    Cut.BAD_CODING: Failure.BAD_ENCODING.value,
}


def judge_cut(fetch: Fetch, found: Verdict, *, is_readable: bool) -> Verdict:
    """The verdict of a 2xx whose body is only a part: alive and limited where text of it was read, else unknown.

    Guesses from a part (an empty page, a soft 404) say nothing of the whole.
    """
    if found.state in (State.DEAD, State.BLOCKED, State.UNCHECKED):
        return found
    if found.state is State.ALIVE and is_readable:
        limited = f"cut: {fetch.cut}, {Counted(len(fetch.body)):byte} came"
        return replace(found, evidence=replace(found.evidence, limited=found.evidence.limited or limited))
    return verdict(fetch, State.UNKNOWN, CUT_REASONS[fetch.cut], f"generic/cut-{fetch.cut}")


def _of_failure(failure: Failure) -> tuple[State, Confidence]:
    match failure:
        case Failure.MALFORMED_URL:
            return State.DEAD, Confidence.HIGH
        case Failure.NOT_PUBLIC | Failure.UNSUPPORTED_SCHEME | Failure.HELD_BACK | Failure.ROBOTS:
            return State.UNCHECKED, Confidence.HIGH
        case Failure.TOO_LARGE | Failure.BAD_ENCODING:
            return State.UNKNOWN, Confidence.MEDIUM  # it answered; we could not take what it gave
        case Failure.INTERNAL:
            return State.UNKNOWN, Confidence.LOW  # our own crash says nothing of the page
        case Failure.NO_SUCH_HOST | Failure.REFUSED | Failure.TLS:
            return State.SUSPECT, Confidence.MEDIUM
        case (
            Failure.DNS | Failure.UNREACHABLE | Failure.RESET | Failure.TIMEOUT | Failure.PROTOCOL
            | Failure.REDIRECT_LOOP | Failure.TOO_MANY_REDIRECTS | Failure.REDIRECTED_TO_PRIVATE
        ):  # fmt: skip
            return State.SUSPECT, Confidence.LOW
    assert_never(failure)


# Servers of Chinese sites say "go away" in many ways: 405 and 412 are WAF answers, 444 nginx's silence, 521 the
# acw_sc cookie wall, 999 LinkedIn's. None says anything about the page. 451 is the server's own refusal by law.
STATUSES: dict[int, tuple[State, str, Confidence]] = {
    401: (State.BLOCKED, "login-required", Confidence.HIGH),
    402: (State.BLOCKED, "payment-required", Confidence.MEDIUM),
    403: (State.BLOCKED, "forbidden", Confidence.HIGH),
    404: (State.DEAD, "not-found", Confidence.MEDIUM),
    405: (State.BLOCKED, "forbidden", Confidence.MEDIUM),
    406: (State.BLOCKED, "forbidden", Confidence.MEDIUM),
    407: (State.BLOCKED, "forbidden", Confidence.MEDIUM),
    408: (State.SUSPECT, "timeout", Confidence.LOW),
    410: (State.DEAD, "gone", Confidence.MEDIUM),
    412: (State.BLOCKED, "forbidden", Confidence.MEDIUM),
    418: (State.BLOCKED, "forbidden", Confidence.MEDIUM),
    423: (State.BLOCKED, "forbidden", Confidence.MEDIUM),
    429: (State.BLOCKED, "rate-limited", Confidence.HIGH),
    444: (State.BLOCKED, "forbidden", Confidence.MEDIUM),
    451: (State.BLOCKED, "unavailable-for-legal-reasons", Confidence.HIGH),
    521: (State.BLOCKED, "forbidden", Confidence.MEDIUM),
    999: (State.BLOCKED, "forbidden", Confidence.HIGH),
}


def judge_status(fetch: Fetch, status: int) -> Verdict:
    """The verdict of a status that is not 2xx."""
    state, reason, confidence = STATUSES.get(status) or _by_class(status)
    proof = None if state is State.BLOCKED else proof_of_status(status)
    rule = f"generic/status-{status}"
    return verdict(fetch, state, reason, rule, f"status {status}", confidence=confidence, proof=proof)


def _by_class(status: int) -> tuple[State, str, Confidence]:
    if status == PORTAL:
        return State.SUSPECT, "captive-portal", Confidence.LOW
    if 500 <= status < 600:
        return State.SUSPECT, "server-error", Confidence.LOW
    if 400 <= status < 500:
        return State.SUSPECT, "client-error", Confidence.LOW
    return State.UNKNOWN, "unexpected-status", Confidence.LOW  # a redirect without a target, 1xx, or no status at all

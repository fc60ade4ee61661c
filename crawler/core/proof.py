"""What kind of knowledge a failing check is: of the page, of the host, of our client, of the way there.

Only the sorting of failures, statuses and reasons lives here, as tables; what follows from each kind over time is
`schedule.proof`'s. Both the judge and the memory of older archives sort by them.
"""

from __future__ import annotations

from crawler.core.model import Failure, Proof

PROOF_OF_FAILURE: dict[Failure, Proof | None] = {
    Failure.MALFORMED_URL: Proof.PAGE,
    Failure.NO_SUCH_HOST: Proof.HOST,
    Failure.REFUSED: Proof.HOST,  # of a host that never answered from here it is of the way: `schedule.proof`
    Failure.DNS: Proof.WAY,
    Failure.UNREACHABLE: Proof.WAY,
    Failure.RESET: Proof.WAY,
    Failure.TIMEOUT: Proof.WAY,
    Failure.TLS: Proof.CLIENT,
    Failure.PROTOCOL: Proof.CLIENT,
    Failure.TOO_LARGE: Proof.CLIENT,
    Failure.BAD_ENCODING: Proof.CLIENT,
    Failure.REDIRECT_LOOP: Proof.CLIENT,
    Failure.TOO_MANY_REDIRECTS: Proof.CLIENT,
    Failure.REDIRECTED_TO_PRIVATE: Proof.CLIENT,
    Failure.INTERNAL: Proof.CLIENT,
    Failure.UNSUPPORTED_SCHEME: None,
    Failure.NOT_PUBLIC: None,
    Failure.HELD_BACK: None,
    Failure.ROBOTS: None,
}

NEVER_ANSWERED = "unreachable-from-here"
"""The reason of links whose host has never answered from here: no proof that anything is gone."""

OF_THE_PAGE = frozenset((404, 410))  # RFC 9110, 15.5.5 and 15.5.11: the resource itself is named
OF_THE_HOST = frozenset((500, 501, 505))  # RFC 9110, 15.6.1, 15.6.2, 15.6.6: the origin server speaks of itself
PORTAL = 511  # RFC 6585, 6: an intercepting proxy speaks, never the asked server

GUESSES = frozenset(("soft-404", "parked-domain", "default-page", "redirected-to-home", "shared-target"))
"""Reasons that read an answer as a page that is gone, without the site or the server saying so."""

OF_THE_WAY = frozenset(("site-error",))
"""Reasons of site files that say nothing of the page: the site could not answer this time."""

NO_SUCH_HOST = "no such host"  # how the error of a name that does not exist begins, in older archives too


def proof_of_failure(failure: Failure, error: str = "") -> Proof | None:
    """What a failure is knowledge of; `error` tells a missing name from a name system that did not answer."""
    if failure is Failure.DNS and error.startswith(NO_SUCH_HOST):
        return Proof.HOST
    return PROOF_OF_FAILURE[failure]


def proof_of_status(status: int) -> Proof | None:
    """What a status is knowledge of that is neither 2xx nor a refusal; None for 2xx."""
    if 200 <= status < 300:
        return None
    if status in OF_THE_PAGE:
        return Proof.PAGE
    if status in OF_THE_HOST:
        return Proof.HOST
    return Proof.WAY if 500 <= status < 600 else Proof.CLIENT


def proof_of_rule(reason: str) -> Proof:
    """What a verdict of a site's own rule is knowledge of."""
    if reason in OF_THE_WAY:
        return Proof.WAY
    return Proof.HOST if reason in GUESSES else Proof.PAGE


def proof_of_record(rule: str, reason: str, status: int | None, error: str) -> Proof | None:
    """What a failing check that an older version recorded was knowledge of; None where the record cannot tell."""
    kind, _, name = rule.partition("/")
    if kind == "failure":
        try:
            return proof_of_failure(Failure(name), error)
        except ValueError:
            return None
    if reason in GUESSES:
        return Proof.HOST
    if kind == "generic" and name.startswith("status-"):
        return proof_of_status(status) if status else None
    if kind in ("", "generic", "internal-error") and reason not in ("malformed-url", "missing-file"):
        return None
    return proof_of_rule(reason)

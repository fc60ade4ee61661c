"""How a verdict is put together: state, reason and the evidence that every verdict carries.

No rule stands here: what a page is was decided before.
"""

from __future__ import annotations

from crawler.core.model import Confidence, Evidence, Fetch, Proof, State, Verdict
from crawler.core.proof import proof_of_rule

MAX_MATCHED = 300  # characters of evidence shown


def verdict(
    fetch: Fetch, state: State, reason: str, rule: str, matched: str = "", *, confidence: Confidence | None = None,
    limited: str = "", notice: str = "", follow: str | None = None, proof: Proof | None = None,
) -> Verdict:  # fmt: skip
    """A verdict with what the wire said as evidence.

    `confidence` None: medium for what may still change its mind (dead, suspect), else high. `proof` None: of the page
    for what failed by a rule, of the host for guesses, nothing for every other state.
    """
    if proof is None and state in (State.DEAD, State.SUSPECT):
        proof = proof_of_rule(reason)
    if confidence is None:
        confidence = Confidence.MEDIUM if state in (State.DEAD, State.SUSPECT) else Confidence.HIGH
    evidence = Evidence(
        rule=rule,
        matched=one_line(matched),
        http_status=fetch.status,
        final_url=fetch.final_url,
        redirects=fetch.redirects,
        error=fetch.error,
        limited=limited,
        notice=one_line(notice),
        proof=proof,
    )
    return Verdict(state, reason, confidence, evidence, follow=follow)


def one_line(text: str) -> str:
    """White space collapsed, and not longer than evidence may be."""
    line = " ".join(text[: MAX_MATCHED * 4].split())
    return line if len(line) <= MAX_MATCHED else line[: MAX_MATCHED - 1] + "…"

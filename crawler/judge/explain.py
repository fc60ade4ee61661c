"""How a verdict came about: every rule that was tried, every condition of it, and what each saw.

The same conditions as in judging, but all of a rule's are looked at, also after one that does not hold.
"""

from __future__ import annotations

from dataclasses import dataclass

from crawler.core.model import Fetch, Link
from crawler.judge.conditions import Tried, tried
from crawler.judge.facts import Facts
from crawler.page.document import Document
from crawler.sites import Site


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One rule that was tried; rules after the first hit are not."""

    rule: str  # "site/rule id"
    state: str
    reason: str
    hit: bool
    conditions: tuple[Tried, ...]


def explain(link: Link, fetch: Fetch, document: Document, site: Site | None) -> list[TraceStep]:
    """The rules of the link's site that were tried on this answer, in order; empty where no rule speaks."""
    if site is None or fetch.status is None:
        return []
    facts = Facts(link, fetch, document, site)
    steps = []
    for rule in site.rules:
        checks = tuple(tried(rule, facts))
        hit = all(check.holds for check in checks)
        steps.append(TraceStep(f"{site.name}/{rule.id}", rule.state, rule.reason, hit, checks))
        if hit:
            break
    return steps

"""A site's own rules, in order: the first whose conditions all hold decides.

Files order them so: walls, proof of the asked content, notices of the error zone (docs/site-rules.md says why). What no
rule knows is said to be unknown, with the words of the error zone, so that people hear of new notices. Site knowledge
is in config/sites, not here; whether a file can be used at all is `site_checks`'s.
"""

from __future__ import annotations

import html
from dataclasses import replace

from crawler.core.model import State, Verdict
from crawler.core.url import join, without_fragment
from crawler.judge.conditions import TELLING, Tried, tried
from crawler.judge.facts import Facts
from crawler.judge.verdicts import verdict
from crawler.sites.schema import Rule
from crawler.sites.steps import compiled


def judge_by_rules(facts: Facts) -> Verdict | None:
    """The verdict of the first rule that holds, None where none does."""
    for rule in facts.site.rules:
        checks = []
        for check in tried(rule, facts):
            checks.append(check)
            if not check.holds:
                break
        else:
            return rule_verdict(rule, facts, checks)
    return None


def rule_verdict(rule: Rule, facts: Facts, checks: list[Tried]) -> Verdict:
    """What a rule says whose conditions all hold."""
    telling = [check.saw for key in TELLING for check in checks if check.condition == key]
    found = verdict(
        facts.fetch,
        State(rule.state),
        rule.reason,
        f"{facts.site.name}/{rule.id}",
        "; ".join(telling or [check.saw for check in checks]),
        confidence=rule.confidence,
        limited=_limited(rule, facts),
        follow=_followed(rule, facts),
    )
    return replace(found, confirmations=rule.confirmations)


def unknown_page(facts: Facts) -> Verdict:
    """What a 2xx page of a site with rules is when no rule knows it."""
    rule = f"{facts.site.name}/none"
    if facts.zone:
        notice = " | ".join(dict.fromkeys(text for _, text in facts.zone))
        matched = f"{facts.zone[0][0]}: {facts.zone[0][1]}"
        return verdict(facts.fetch, State.UNKNOWN, "unseen-notice", rule, matched, notice=notice)
    if not facts.document.body.strip():
        return verdict(facts.fetch, State.UNKNOWN, "empty-page", rule)
    if not facts.document.is_html:
        return verdict(facts.fetch, State.UNKNOWN, "not-html", rule, facts.document.content_type)
    return verdict(facts.fetch, State.UNKNOWN, "no-rule-matched", rule)


def _limited(rule: Rule, facts: Facts) -> str:
    """Why only a part is shown, and how much of it there is."""
    if not rule.limited:
        return ""
    shown = len("".join(facts.value("text").split()))
    return f"{rule.limited}: {shown} characters visible"


def _followed(rule: Rule, facts: Facts) -> str | None:
    """The article to check instead; None where the page names none that may be followed."""
    raw = html.unescape(facts.value(rule.follow)) if rule.follow else ""
    if not raw:
        return None
    try:
        url = without_fragment(join(facts.final_url, raw))
    except ValueError:
        return None
    allowed = compiled(facts.site.file.follow_only).fullmatch(url)
    return url if allowed and url != without_fragment(facts.final_url) else None

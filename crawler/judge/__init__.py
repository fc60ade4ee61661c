"""What one check concludes: from a fetch and its page to a verdict, pure.

`judge` asks, in this order: the user's `accept`, the wire's failures, the site's rules, the status, and then either "no
rule knows this" or the rules for any host. `rejudge` calls the same function on kept bytes.
"""

from __future__ import annotations

from dataclasses import replace

from crawler.core.model import Fetch, Link, State, Verdict
from crawler.core.proof import OF_THE_HOST
from crawler.judge.explain import TraceStep, explain
from crawler.judge.facts import Facts
from crawler.judge.generic import judge_generic
from crawler.judge.shown import with_page
from crawler.judge.site_checks import check_site
from crawler.judge.site_rules import judge_by_rules, unknown_page
from crawler.judge.status import judge_cut, judge_failure
from crawler.judge.verdicts import verdict
from crawler.judge.walls import wall_of
from crawler.page.document import Document
from crawler.sites import Site

ENOUGH_TEXT = 200  # visible characters of a cut page from which it is judged as a whole one would be (guess)

__all__ = ["TraceStep", "check_site", "explain", "judge"]


def judge(link: Link, fetch: Fetch, document: Document, site: Site | None, accept: tuple[int, ...] = ()) -> Verdict:
    """The verdict of one check. `accept`: statuses that the user calls alive on this host.

    Raises ConfigError for a regex or selector of a site file that `check_site` would have refused.
    """
    if fetch.failure is not None:
        return judge_failure(fetch, fetch.failure)
    found = _judge_answer(link, fetch, document, site, accept)
    if fetch.cut and 200 <= (fetch.status or 0) < 300:
        is_readable = document.is_html and len(document.visible_text()) >= ENOUGH_TEXT
        return judge_cut(fetch, found, is_readable=is_readable)
    return found


def _judge_answer(link: Link, fetch: Fetch, document: Document, site: Site | None, accept: tuple[int, ...]) -> Verdict:
    status = fetch.status or 0
    if status in accept:
        return verdict(fetch, State.ALIVE, "accepted-status", "host/accept", f"status {status}")
    if site is None or not site.rules:
        return judge_generic(link, fetch, document)
    facts = Facts(link, fetch, document, site)
    if (found := judge_by_rules(facts)) is not None:
        return found
    if status in OF_THE_HOST and (seen := _seen_all_the_same(facts)):
        return with_page(fetch, seen)
    of_no_kind = site.file.other_pages == "generic" and not facts.kind and not facts.zone
    if not 200 <= status < 300 or of_no_kind:
        return judge_generic(link, fetch, document)
    return wall_of(fetch, document) or unknown_page(facts)


def _seen_all_the_same(facts: Facts) -> str:
    """What a site's own proof of its content saw in an answer by which the server calls itself broken; "" for none."""
    fine = Facts(facts.link, replace(facts.fetch, status=200), facts.document, facts.site)
    found = judge_by_rules(fine)
    return found.evidence.matched if found is not None and found.state is State.ALIVE else ""

"""The verdict of a page whose site has no rules: 1,890 of the 1,900 hosts in a person's notes.

In this order: walls, the status, where redirects led, what the page says of itself. What is left is alive.
The single findings live in walls, redirects, parked, soft404, shells, probe and false404; this module only puts them in
order.
"""

from __future__ import annotations

from dataclasses import replace

from crawler.core.counts import Counted
from crawler.core.model import Confidence, Fetch, Link, State, Verdict
from crawler.judge.false404 import false404_of
from crawler.judge.parked import parked_of
from crawler.judge.probe import judge_probe, probe_url
from crawler.judge.redirects import moved_to, redirect_verdict, shared_target
from crawler.judge.shells import shell_of
from crawler.judge.soft404 import soft404_of
from crawler.judge.status import judge_status
from crawler.judge.verdicts import verdict
from crawler.judge.walls import wall_of
from crawler.page.document import Document

__all__ = ["judge_generic", "judge_probe", "probe_url", "shared_target"]


def judge_generic(link: Link, fetch: Fetch, document: Document) -> Verdict:
    """What one answer says of a link of any host. `fetch` must have a status."""
    if (wall := wall_of(fetch, document)) is not None:
        return wall
    status = fetch.status or 0
    if not 200 <= status < 300:
        return false404_of(link, fetch, document) or judge_status(fetch, status)
    found = redirect_verdict(link.fetch_url, fetch, document) or _page_verdict(fetch, document)
    if found is not None:
        return found
    shown = f"title: {document.title}" if document.is_html and document.title else f"{Counted(len(document.body)):byte}"
    alive = verdict(fetch, State.ALIVE, "ok", "generic/ok", shown, confidence=Confidence.MEDIUM)
    return replace(alive, moved_to=moved_to(fetch))


def _page_verdict(fetch: Fetch, document: Document) -> Verdict | None:
    """What a page with 2xx says of itself: given up, missing, or nothing."""
    parked = parked_of(fetch, document) if document.is_html else None
    return parked or soft404_of(fetch, document) or shell_of(fetch, document)

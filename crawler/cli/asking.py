"""Asking for a check: one session without a memory of its own, and a second look at domains that do not exist.

Imported only when something is to be asked: the network stack takes half a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from crawler.cli.work import now, progress
from crawler.crawl.edit import Borrowed, has_no_host, is_offline, twice_without_host
from crawler.crawl.job import Job, run_job
from crawler.schedule.plan import Budget

if TYPE_CHECKING:
    from crawler.archive import Archive
    from crawler.cli.options import GlobalOptions
    from crawler.core.model import History, Link, Run
    from crawler.core.settings import Settings
    from crawler.sites import Sites


def ask(
    options: GlobalOptions,
    links: Sequence[Link],
    rules: tuple[Settings, Sites],
    archive: Archive,
    known: Mapping[str, History],
    budget: float,
    *,
    keep: bool,
) -> tuple[dict[str, History], Run]:
    """Look at links now, within `budget` seconds; what is known of them after, and the run."""
    settings, sites = rules
    if not keep:
        settings = without_pictures(settings)
    memory = Borrowed(known, archive.slots(), archive if keep else None)
    with progress(options) as watch:
        job = Job("check", links, settings, sites, memory, now, Budget(budget, all=True), watch.looked, watch.planned)
        outcome = run_job(job)
    told = {x.canonical_url: outcome.histories[x.canonical_url] for x in links if x.canonical_url in outcome.histories}
    if is_offline(outcome.run, links, told):
        options.say("crawler: no network: nothing that failed counts, nothing was called dead")
        return told, replace(outcome.run, network="down", complete=False, stopped_by="network-down")
    doubtful = [link for link in links if has_no_host(told.get(link.canonical_url))]
    left = budget - (now() - outcome.run.started_at).total_seconds()
    if not doubtful or outcome.run.stopped_by or (budget and left <= 0):
        return told, outcome.run
    again = Job("check", doubtful, settings, sites, memory, now, Budget(left if budget else 0.0, all=True))
    second = run_job(again)
    for link in doubtful:
        key = link.canonical_url
        told[key] = twice_without_host(told[key], second.histories.get(key))
    run = replace(outcome.run, requests=outcome.run.requests + second.run.requests, finished_at=second.run.finished_at)
    return told, run


def without_pictures(settings: Settings) -> Settings:
    """Pictures are for pages that are kept."""
    return msgspec.structs.replace(settings, archive=msgspec.structs.replace(settings.archive, images="none"))

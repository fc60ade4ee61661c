"""Runs, and what a machine cannot settle: sites that refuse us, pages to save by hand, links that wait too long."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from crawler.archive.listed import Filters
from crawler.core.display import plain
from crawler.core.model import State
from crawler.report.phrases import warnings
from crawler.report.reasons import reason_name

if TYPE_CHECKING:
    from starlette.responses import Response

    from crawler.serve.viewer import Visit

SHOWN: Final = 10  # links of each kind
OVERDUE: Final = 7  # days behind its date before a link counts as overdue; a guess: a week's runs did not reach it


def runs_page(visit: Visit) -> Response:
    """`GET /runs`."""
    return visit.page("runs.html", runs=[(run, warnings(run, visit.language)) for run in visit.lists.runs])


def help_page(visit: Visit) -> Response:
    """`GET /waiting`: what would help, most of it by hand."""
    catalog = visit.lists.catalog
    walled = Filters(states=(State.BLOCKED.value,))
    scripted = Filters(reason="needs-javascript")
    unsaved = Filters(states=(State.SUSPECT.value, State.UNKNOWN.value), kept="no", order="changed")
    overdue = Filters(waiting_at=visit.now - timedelta(days=OVERDUE), order="checked")
    run = visit.lists.runs[0] if visit.lists.runs else None
    return visit.page(
        "waiting.html",
        walls=[
            (
                site,
                count,
                catalog.facet("reason", replace(walled, site=site)),
                catalog.entries(replace(walled, site=site), 3),
            )
            for site, count in catalog.facet("site", walled)[:SHOWN]
        ],
        walled_count=catalog.count(walled),
        scripted=catalog.entries(scripted, SHOWN),
        scripted_count=catalog.count(scripted),
        unsaved=catalog.entries(unsaved, SHOWN),
        unsaved_count=catalog.count(unsaved),
        overdue=catalog.entries(overdue, SHOWN),
        overdue_count=catalog.count(overdue),
        overdue_days=OVERDUE,
        given_up=[
            (plain(slot.slot), reason_name(slot.reason, visit.language), slot.left)
            for slot in (run.slots_given_up if run else ())
        ],
    )

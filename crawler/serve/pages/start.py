"""The start page: what died, what came back, what was saved, health over time, sites and worst notes."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from crawler.archive.listed import Filters
from crawler.core.model import State
from crawler.report.charts import health
from crawler.report.parts import HealthPart
from crawler.report.phrases import site_rank
from crawler.report.words import Language, words
from crawler.serve.listing import PERIODS, whole_number
from crawler.serve.pages.runs import warnings_of

if TYPE_CHECKING:
    from starlette.responses import Response

    from crawler.serve.library import Library, Lists
    from crawler.serve.viewer import Visit

SHOWN: Final = 8  # links in each column of news
WORST: Final = 8  # notes
CHANGED: Final = "changed"


def start_page(visit: Visit) -> Response:
    """`GET /?days=`."""
    days = whole_number(visit.value("days"), 36_500) or PERIODS[0]
    since = visit.now - timedelta(days=days)
    catalog = visit.lists.catalog
    died = Filters(states=(State.DEAD.value,), since=since, order=CHANGED)
    run = visit.lists.runs[0] if visit.lists.runs else None
    returned = catalog.returned(since, 1_000)
    return visit.page(
        "start.html",
        days=days,
        periods=PERIODS,
        died=catalog.entries(died, SHOWN),
        died_count=catalog.count(died),
        returned=returned[:SHOWN],
        returned_count=len(returned),
        saved=catalog.newest_saved(since, SHOWN),
        saved_count=catalog.saved(since),
        snapshots=catalog.snapshots,
        worst=[note for note in catalog.notes("", "worst", WORST, 0) if note.states[State.DEAD]],
        notes=catalog.note_count(),
        loose=catalog.loose,
        skipped=visit.lists.skipped,
        run=run,
        warnings=warnings_of(run, visit.language) if run else [],
        **_overview(visit.lists, visit.language),
    )


def warm(library: Library) -> None:
    """Draw what every first visit needs: the chart, in the configured language, and with it the library that draws."""
    _overview(library.lists(), library.settings.report.language)


@lru_cache(maxsize=4)
def _overview(lists: Lists, language: Language) -> dict[str, Any]:
    """Counts, sites and chart, which stay as they are until there are newer lists."""
    by_site = lists.catalog.by_site()
    sites = sorted(by_site, key=lambda site: (site_rank(site)[0], -sum(by_site[site].values()), site))
    trend = [
        HealthPart(at=point.at, counts={state: dict(point.counts).get(state, 0) for state in State})
        for point in lists.health
    ]
    chart = health(trend, words(language))
    return {
        "counts": {state: sum(counts[state] for counts in by_site.values()) for state in State},
        "sites": [(site, by_site[site], sum(by_site[site].values())) for site in sites],
        "chart": chart,
        "drawing": Markup(chart.svg) if chart else "",  # noqa: S704 - drawn by us, names escaped by ElementTree
    }

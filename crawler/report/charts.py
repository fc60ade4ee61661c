"""What the charts of a report show: health over time, and the dead by year of the note.

Numbers and labels only; `svg` draws them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from crawler.core.model import State
from crawler.report.figures import day, number
from crawler.report.parts import HealthPart, LinkPart
from crawler.report.svg import bars, stacked
from crawler.report.words import Words

MAX_LABELS = 12  # years under the bars: more run into each other
MAX_POINTS = 120  # of the chart of health: more are narrower than a pixel on a phone
NOT_IN_ORDER = (State.DEAD, State.SUSPECT, State.UNKNOWN, State.BLOCKED)

# 2016-1-17-title.md, 2019/07/9, 20160117: a date with its month first, then a folder or a name that is a year.
_DATED = re.compile(
    r"(?<!\d)((?:19|20)\d{2})(?:[-_./年](?:0?[1-9]|1[0-2])(?!\d)|(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])(?!\d))"
)
_YEAR_FOLDER = re.compile(r"(?:^|/)((?:19|20)\d{2})(?=年?(?:/|\.\w+$))")


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture with its numbers: `svg` is safe to stand in a page, `rows` are what it shows, for readers of text."""

    svg: str
    states: Sequence[State]  # in the order of its legend
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def year_of(path: str) -> str:
    """The year in a note's path: of a date in its name, else in its folders, else a folder that is a year; or ""."""
    *folders, file = path.split("/")
    for text in (file, "/".join(folders)):
        if dated := _DATED.search(text):
            return dated[1]
    year = _YEAR_FOLDER.search(path)
    return year[1] if year else ""


def years_of(link: LinkPart) -> set[str]:
    """The years of all notes that the link is written in."""
    return {year_of(o.path) for o in link.occurrences}


def health(trend: Sequence[HealthPart], say: Words) -> Chart | None:
    """Links that are not in order at the end of each run, stacked; None where all are, or for a single point.

    The living are left to the table: beside twenty thousand of them a hundred dead would be a line of no width.
    """
    points = _thinned(trend)
    states = [state for state in NOT_IN_ORDER if any(point.counts[state] for point in points)]
    if len(points) < 2 or not states:
        return None
    days = _once([day(point.at) for point in points])
    series = [(state, say.states[state], [point.counts[state] for point in points]) for state in states]
    rows = [[day(point.at), *(number(point.counts[state]) for state in State)] for point in points]
    svg = stacked(days, _some([label for label in days if label]), series, say.health)
    return Chart(svg, states, [say.date, *(say.states[state] for state in State)], rows)


@dataclass(frozen=True, slots=True)
class Years:
    """How many links the notes of each year have, and how many of them are dead."""

    links: Counter[str] = field(default_factory=Counter)
    dead: Counter[str] = field(default_factory=Counter)

    def count(self, link: LinkPart) -> None:
        """One link more."""
        years = years_of(link)
        self.links.update(years)
        if link.state is State.DEAD:
            self.dead.update(years)


def dead_by_year(years: Years, say: Words) -> Chart | None:
    """Dead links by year of their notes; None where nothing is dead."""
    everything, dead = years.links, years.dead
    if not dead:
        return None
    span = _without_gaps(everything)
    labels = [year or "?" for year in span]
    shown = ["?", *span[:: 1 + len(span) // MAX_LABELS]]
    series = [(State.DEAD, say.states[State.DEAD], [dead[year] for year in span])]
    rows = [
        [year or say.no_year, number(everything[year]), number(dead[year]), _share(dead[year], everything[year])]
        for year in span
    ]
    svg = bars(labels, shown, series, say.dead_by_year)
    return Chart(svg, [State.DEAD], [say.year, say.links, say.states[State.DEAD], say.share], rows)


def _without_gaps(years: Counter[str]) -> list[str]:
    """All years from the first to the last, then those of notes without a year."""
    known = sorted(int(year) for year in years if year)
    span = [str(year) for year in range(known[0], known[-1] + 1)] if known else []
    return span + ([""] if "" in years else [])


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "–"


def _thinned(trend: Sequence[HealthPart]) -> Sequence[HealthPart]:
    """At most MAX_POINTS of the points, evenly spread, the first and the last among them."""
    if len(trend) <= MAX_POINTS:
        return trend
    step = (len(trend) - 1) / (MAX_POINTS - 1)
    return [trend[round(i * step)] for i in range(MAX_POINTS)]


def _once(days: Sequence[str]) -> list[str]:
    """The days, and "" for one that was there before: several runs of a day have one date."""
    return ["" if i and day == days[i - 1] else day for i, day in enumerate(days)]


def _some(labels: Sequence[str]) -> list[str]:
    """At most five labels of many, evenly spread, the first and the last among them."""
    last = len(labels) - 1
    gaps = max(1, min(last, 4))
    return [labels[i * last // gaps] for i in range(gaps + 1)]

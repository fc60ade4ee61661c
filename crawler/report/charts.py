"""Charts as inline SVG, drawn by pygal: health over time, and the dead by year of the note.

pygal is pure Python and writes SVG that a page can style; its own scripts, styles and tooltips are taken out here,
so that a chart asks for nothing, follows light and dark, and passes a strict content security policy.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from xml.etree import ElementTree as ET

import pygal
from pygal.style import Style

from crawler.model import State
from crawler.report.document import HealthPart, LinkPart
from crawler.report.figures import day, number
from crawler.report.words import Words

MAX_LABELS = 12  # years under the bars: more run into each other
MAX_POINTS = 120  # of the chart of health: more are narrower than a pixel on a phone
WIDTH, HEIGHT = 520, 250  # units of the view box
TROUBLES = (State.DEAD, State.SUSPECT, State.UNKNOWN, State.BLOCKED)
SVG = "{http://www.w3.org/2000/svg}"
LABEL = 12  # units; on a phone a chart is not drawn smaller than half its size

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
    """Links that are not in order at the end of each run, stacked; None where one point or none is known.

    The living are left to the table: beside twenty thousand of them a hundred dead would be a line of no width.
    """
    if len(trend) < 2:
        return None
    points = _thinned(trend)
    states = [state for state in TROUBLES if any(point.counts[state] for point in points)]
    chart = pygal.StackedLine(_config(), fill=True, show_dots=False)
    chart.x_labels = [day(point.at) for point in points]
    chart.x_labels_major = _some([day(point.at) for point in points])
    chart.show_minor_x_labels = False
    chart.y_labels = _ticks(max(sum(point.counts[state] for state in states) for point in points))
    for state in states:
        chart.add(say.states[state], [point.counts[state] for point in points])
    rows = [[day(point.at), *(number(point.counts[state]) for state in State)] for point in points]
    svg = _inline(chart, say.health, states)
    return Chart(svg, states, [say.date, *(say.states[state] for state in State)], rows)


def dead_by_year(links: Iterable[LinkPart], say: Words) -> Chart | None:
    """Dead links by year of their notes; None where nothing is dead."""
    everything: Counter[str] = Counter()
    dead: Counter[str] = Counter()
    for link in links:
        years = years_of(link)
        everything.update(years)
        if link.state is State.DEAD:
            dead.update(years)
    if not dead:
        return None
    span = _without_gaps(everything)
    chart = pygal.Bar(_config())
    chart.x_labels = [year or "?" for year in span]
    chart.x_labels_major = ["?", *span[:: 1 + len(span) // MAX_LABELS]]
    chart.show_minor_x_labels = False
    chart.y_labels = _ticks(max(dead.values()))
    chart.add(say.states[State.DEAD], [dead[year] for year in span])
    rows = [
        [year or say.no_year, number(everything[year]), number(dead[year]), _share(dead[year], everything[year])]
        for year in span
    ]
    svg = _inline(chart, say.dead_by_year, [State.DEAD])
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


def _some(labels: Sequence[str]) -> list[str]:
    """About five labels of many, evenly spread."""
    step = max(1, (len(labels) - 1) // 4)
    return list(labels[::step])


def _ticks(top: int) -> list[int]:
    """Round whole numbers from 0 to at least `top`, six at most."""
    step = next(s for power in count() for digit in (1, 2, 5) if (s := digit * 10**power) * 5 >= top)
    return list(range(0, top + step, step))


def _config() -> pygal.Config:
    return pygal.Config(
        width=WIDTH,
        height=HEIGHT,
        margin=12,
        js=[],
        show_legend=False,
        no_prefix=True,
        truncate_label=-1,
        value_formatter=lambda count: f"{count:,.0f}",
        style=Style(label_font_size=LABEL, major_label_font_size=LABEL),
    )


def _inline(chart: pygal.Graph, title: str, states: Sequence[State]) -> str:
    """The chart as an SVG element for a page: only shapes and text, named for those who do not see it."""
    # Our own output, read again because pygal's tree is lxml's where that is installed.
    root = ET.fromstring(chart.render(is_unicode=True))  # noqa: S314
    _name_bars(root)
    for parent in list(root.iter()):
        for child in list(parent):
            if _is_furniture(child):
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG)
        series = re.search(r"\bserie-(\d+)\b", element.get("class", ""))
        if series:
            element.set("class", f"series state-{states[int(series[1])]}")
        for key in ("d", "x", "y", "width", "height"):
            if key in element.attrib:
                element.set(key, re.sub(r"\d+\.\d+", lambda found: f"{float(found[0]):.1f}", element.attrib[key]))
    root.attrib.clear()
    for key, value in {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img", "aria-label": title}.items():
        root.set(key, value)
    return ET.tostring(root, encoding="unicode")


def _name_bars(root: ET.Element) -> None:
    """Give each bar a title that browsers show on hovering: its label and its value."""
    for bar in root.iter(f"{SVG}g"):
        if bar.get("class") == "bar":
            told = {item.get("class"): item.text or "" for item in bar.iter(f"{SVG}desc")}
            ET.SubElement(bar, f"{SVG}title", {"class": "tip"}).text = f"{told.get('x_label')}: {told.get('value')}"


def _is_furniture(element: ET.Element) -> bool:
    """What a chart in a page does not need: scripts, styles, pygal's tooltips and the figures made for them."""
    tag, kind = element.tag.removeprefix(SVG), element.get("class", "")
    named = tag == "title" and kind != "tip"
    return named or tag in ("defs", "desc", "script", "style") or "overlay" in kind or kind == "titles"

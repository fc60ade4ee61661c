"""The border to pygal, which draws: charts as SVG elements that may stand in a page.

pygal is pure Python and writes SVG that a page can style. Its own scripts, styles and tooltips are taken out here, so
that a chart asks for nothing, follows light and dark, and passes a strict content security policy. What is drawn is
`charts`' business.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from itertools import count
from xml.etree import ElementTree as ET

import pygal
from pygal.style import Style

from crawler.core.model import State

# pygal leaves a finder for its map plugins behind, of a protocol that Python 3.11 warns of at every import and 3.12
# ignores. We draw no maps.
sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, pygal.PluginImportFixer)]

WIDTH, HEIGHT = 520, 250  # units of the view box
HALF_DATE = 40  # units; the last date is centred below the right end, and half of it stands beyond
LABEL = 12  # units; on a phone a chart is not drawn smaller than two thirds of its size
SVG = "{http://www.w3.org/2000/svg}"

Series = Sequence[tuple[State, str, Sequence[int]]]  # state, its name, a number for each label


def stacked(labels: Sequence[str], shown: Sequence[str], series: Series, title: str) -> str:
    """Areas on top of each other, the first series at the bottom; `shown` are the labels that are written."""
    chart = pygal.StackedLine(_config(), fill=True, show_dots=False, margin_right=HALF_DATE)
    return _drawn(
        chart, labels, shown, series, title, max(map(sum, zip(*(values for _, _, values in series), strict=True)))
    )


def bars(labels: Sequence[str], shown: Sequence[str], series: Series, title: str) -> str:
    """A bar for each label; `shown` are the labels that are written."""
    return _drawn(pygal.Bar(_config()), labels, shown, series, title, max(max(values) for _, _, values in series))


def _drawn(
    chart: pygal.Graph, labels: Sequence[str], shown: Sequence[str], series: Series, title: str, top: int
) -> str:
    chart.x_labels = list(labels)
    chart.x_labels_major = list(shown)
    chart.show_minor_x_labels = False
    chart.y_labels = ticks(top)
    for _, name, values in series:
        chart.add(name, list(values))
    return _inline(chart, title, [state for state, _, _ in series])


def ticks(top: int) -> list[int]:
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
            value = {item.get("class"): item.text or "" for item in bar.iter(f"{SVG}desc")}
            ET.SubElement(bar, f"{SVG}title", {"class": "tip"}).text = f"{value.get('x_label')}: {value.get('value')}"


def _is_furniture(element: ET.Element) -> bool:
    """Whether a chart in a page does not need it: scripts, styles, pygal's tooltips and the figures made for them."""
    tag, kind = element.tag.removeprefix(SVG), element.get("class", "")
    named = tag == "title" and kind != "tip"
    return named or tag in ("defs", "desc", "script", "style") or "overlay" in kind or kind == "titles"

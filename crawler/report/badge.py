"""A badge for a README or a page: how many links are dead, or that all is well, as one small SVG.

It asks for nothing: no font, no script, no address. Widths are reckoned, since SVG does not measure text by itself.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from rich.cells import cell_len

from crawler.core.model import State
from crawler.core.results import Report
from crawler.report.figures import number
from crawler.report.options import ReportOptions
from crawler.report.words import Words, words

HEIGHT = 20
CELL = 6.6  # pixels of one column of 11 px sans serif; Chinese characters take two columns
PADDING = 6
COLOURS = {State.DEAD: "#b3261e", State.SUSPECT: "#8a5a00", State.ALIVE: "#2b6e3a", State.UNCHECKED: "#6b6965"}


def render(report: Report, options: ReportOptions) -> str:
    """The badge of all links of the report; its words are what a screen reader reads."""
    say = words(options.language)
    counts = dict.fromkeys(State, 0)
    for finding in report.findings:
        counts[finding.history.state] += 1
    text, state = _message(counts, say)
    left, right = _width(say.links), _width(text)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(f"{say.links}: {text}")}">\n'
        f'<clipPath id="r"><rect width="{left + right}" height="{HEIGHT}" rx="3"/></clipPath>\n'
        f'<g clip-path="url(#r)"><rect width="{left}" height="{HEIGHT}" fill="#494743"/>'
        f'<rect x="{left}" width="{right}" height="{HEIGHT}" fill="{COLOURS[state]}"/></g>\n'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{left / 2}" y="14">{escape(say.links)}</text>'
        f'<text x="{left + right / 2}" y="14">{escape(text)}</text></g>\n</svg>\n'
    )


def _message(counts: dict[State, int], say: Words) -> tuple[str, State]:
    """The worst that is true of the links, as words and as the state that gives the colour."""
    for state in (State.DEAD, State.SUSPECT):
        if counts[state]:
            return f"{number(counts[state])} {say.states[state]}", state
    asked = sum(counts.values()) - counts[State.UNCHECKED]
    if not asked:
        return say.states[State.UNCHECKED], State.UNCHECKED
    return f"{number(counts[State.ALIVE])} {say.states[State.ALIVE]}", State.ALIVE


def _width(text: str) -> int:
    return round(cell_len(text) * CELL) + 2 * PADDING

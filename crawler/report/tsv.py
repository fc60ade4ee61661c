"""One result a line, tab-separated: what other programs read from a pipe. Nothing is coloured, wrapped or cut.

Cells are such that no spreadsheet reads a formula: see `core.display.cell`.
"""

from __future__ import annotations

from collections.abc import Iterator

from crawler.core.display import cell, path_cell
from crawler.core.model import LOCAL
from crawler.core.results import Report
from crawler.report.document import readable_links
from crawler.report.options import ReportOptions
from crawler.report.parts import LinkPart


def render(report: Report, _options: ReportOptions) -> str:
    """Lines of state, reason, url, note title, and every path:line:column, separated by spaces; no header line."""
    return "".join(stream(report, _options))


def stream(report: Report, _options: ReportOptions) -> Iterator[str]:
    """The same line by line."""
    return map(_line, readable_links(report))


def _line(link: LinkPart) -> str:
    places = " ".join(f"{path_cell(o.path)}:{o.line}:{o.column}" for o in link.occurrences)
    url = path_cell(link.url) if link.site == LOCAL else cell(link.url)
    return "\t".join((link.state, link.reason, url, places, cell(link.note_title or ""))) + "\n"

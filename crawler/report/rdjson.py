"""Diagnostics for reviewdog (`-f=rdjson`), which posts them to a code host.

reviewdog counts columns in bytes of UTF-8 and reports know code points, so a column is only given where both are
surely equal: at the start of a line.
"""

from __future__ import annotations

import msgspec

from crawler.core.results import Report
from crawler.report.annotations import Item, Level, items, message
from crawler.report.clean import escaped_json
from crawler.report.document import readable_document
from crawler.report.options import ReportOptions

SEVERITIES = {Level.ERROR: "ERROR", Level.WARNING: "WARNING"}


def render(report: Report, options: ReportOptions) -> str:
    """One JSON object with a diagnostic for each place of each link that fails."""
    diagnostics = [_diagnostic(item, options) for item in items(readable_document(report, whole=False), options)]
    result = {"source": {"name": "linkhealth-crawler"}, "diagnostics": diagnostics}
    return escaped_json(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")


def _diagnostic(item: Item, options: ReportOptions) -> dict[str, object]:
    place = item.occurrence
    start = {"line": place.line, "column": 1} if place.column == 1 else {"line": place.line}
    return {
        "message": message(item.link, options.language),
        "location": {"path": item.file, "range": {"start": start}},
        "severity": SEVERITIES[item.level],
        "code": {"value": item.link.reason},
    }

"""The report as JSON, schema `crawler.report/1`: every key always there, one link a line.

The keys are declared in `document`; only their writing lives here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import msgspec

from crawler.core.results import Report
from crawler.report.clean import escaped_json
from crawler.report.document import exact_stream
from crawler.report.options import ReportOptions
from crawler.report.parts import ReportDocument

PIECE: Final = 500  # links encoded at once

_ENCODER = msgspec.json.Encoder()


def render(report: Report, _options: ReportOptions) -> str:
    """The report as one JSON object; a line for each top-level key and each link, so that files diff and grep well."""
    return "".join(stream(report, _options))


def stream(report: Report, _options: ReportOptions) -> Iterator[str]:
    """The same in pieces of some hundred links, none of which is kept."""
    document, links = exact_stream(report)
    names = [name for name in document.__struct_fields__ if name != "links"]
    parts = [b'"%b": %b' % (name.encode(), _ENCODER.encode(getattr(document, name))) for name in names]
    yield escaped_json(b"{%b,\n" % b",\n".join(parts))
    between = b'"links": [\n'
    while some := list(islice(links, PIECE)):
        yield escaped_json(between + _ENCODER.encode_lines(some).rstrip(b"\n").replace(b"\n", b",\n"))
        between = b",\n"
    yield "\n]}\n" if between == b",\n" else '"links": []}\n'


def read(text: str | bytes) -> ReportDocument:
    """A report that was written before, for comparisons; raises msgspec.ValidationError where it is none."""
    return msgspec.json.decode(text, type=ReportDocument)


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of what `render` writes."""
    made = msgspec.json.schema(ReportDocument)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Report of linkhealth-crawler, crawler.report/1",
        **made,
    }

"""The report as JSON, schema `crawler.report/1`: every key always there, one link a line.

The keys are declared in `document`; only their writing lives here.
"""

from __future__ import annotations

from typing import Any

import msgspec

from crawler.core.model import Report
from crawler.report.clean import escaped_json
from crawler.report.document import exact_document
from crawler.report.options import ReportOptions
from crawler.report.parts import ReportDocument

_ENCODER = msgspec.json.Encoder()


def render(report: Report, _options: ReportOptions) -> str:
    """The report as one JSON object; a line for each top-level key and each link, so that files diff and grep well."""
    document = exact_document(report)
    names = [name for name in document.__struct_fields__ if name != "links"]
    parts = [b'"%b": %b' % (name.encode(), _ENCODER.encode(getattr(document, name))) for name in names]
    links = _ENCODER.encode_lines(document.links).rstrip(b"\n").replace(b"\n", b",\n")
    parts.append(b'"links": [\n%b\n]' % links if links else b'"links": []')
    return escaped_json(b"{%b}\n" % b",\n".join(parts))


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

"""Annotations for GitHub Actions: workflow commands that put findings on the lines of a pull request.

Escaping is `core.display`'s: what the runner undoes, and nothing in it that the runner would obey.
"""

from __future__ import annotations

from crawler.core.display import clipped, command_data, command_property
from crawler.core.results import Report
from crawler.report.annotations import Item, headline, items, message
from crawler.report.document import readable_document
from crawler.report.figures import number
from crawler.report.options import ReportOptions
from crawler.report.words import words

MAX_ANNOTATIONS = 50  # of one run of a job; GitHub shows no more
MAX_MESSAGE = 2000  # characters; GitHub cuts at 4096 bytes


def render(report: Report, options: ReportOptions) -> str:
    """At most 50 workflow commands, errors first; where more were found, the last one counts the rest."""
    found = list(items(readable_document(report, whole=False), options))
    listed = found if len(found) <= MAX_ANNOTATIONS else found[: MAX_ANNOTATIONS - 1]
    lines = [_command(item, options) for item in listed]
    if left := len(found) - len(listed):
        rest = words(options.language).more.format(count=number(left))
        lines.append(f"::{found[len(listed)].level} title=linkhealth-crawler::{command_data(rest)}")
    return "".join(line + "\n" for line in lines)


def _command(item: Item, options: ReportOptions) -> str:
    place = item.occurrence
    properties = {"file": item.file, "line": str(place.line), "col": str(place.column)}
    if place.end_column is not None:
        properties |= {"endLine": str(place.line), "endColumn": str(place.end_column)}
    properties["title"] = headline(item.link, options.language)
    written = ",".join(f"{key}={command_property(value)}" for key, value in properties.items())
    text = clipped(message(item.link, options.language), MAX_MESSAGE)
    return f"::{item.level} {written}::{command_data(text)}"

"""The report as JUnit XML, which most CI servers show: a suite for each note, a case for each place of a link."""

from __future__ import annotations

from collections import Counter
from xml.etree.ElementTree import Element

from crawler.core.model import State
from crawler.core.results import Report
from crawler.report.annotations import headline, message
from crawler.report.document import readable_document
from crawler.report.options import ReportOptions
from crawler.report.parts import LinkPart, OccurrencePart, ReportDocument
from crawler.report.xml import element, written

SKIPPED = (State.UNCHECKED, State.BLOCKED, State.UNKNOWN)  # nothing is known of the page


def render(report: Report, options: ReportOptions) -> str:
    """Failures are the states of `fail_on`; walls and what was not looked at are skipped; other findings are output."""
    document = readable_document(report)
    cases: dict[str, list[tuple[OccurrencePart, LinkPart]]] = {}
    for link in document.links:
        for place in link.occurrences:
            cases.setdefault(place.path, []).append((place, link))
    root = element("testsuites", attributes={"name": "linkhealth-crawler", **_totals(list(_all(cases)), options)})
    for path in sorted(cases):
        root.append(_suite(path, cases[path], document, options))
    return written(root)


def _all(cases: dict[str, list[tuple[OccurrencePart, LinkPart]]]) -> list[LinkPart]:
    return [link for suite in cases.values() for _, link in suite]


def _suite(
    path: str, cases: list[tuple[OccurrencePart, LinkPart]], document: ReportDocument, options: ReportOptions
) -> Element:
    links = [link for _, link in cases]
    stamp = document.generated_at.strftime("%Y-%m-%dT%H:%M:%S")  # the schema of JUnit has no zone
    suite = element(
        "testsuite", attributes={"name": path, **_totals(links, options), "errors": "0", "timestamp": stamp}
    )
    for place, link in sorted(cases, key=lambda case: (case[0].line, case[0].column)):
        suite.append(_case(place, link, options))
    return suite


def _totals(links: list[LinkPart], options: ReportOptions) -> dict[str, str]:
    states = Counter(link.state for link in links)
    failures = sum(states[state] for state in options.fail_on)
    skipped = sum(states[state] for state in SKIPPED if state not in options.fail_on)
    return {"tests": str(len(links)), "failures": str(failures), "skipped": str(skipped), "time": "0"}


def _case(place: OccurrencePart, link: LinkPart, options: ReportOptions) -> Element:
    case = element(
        "testcase",
        attributes={
            "name": f"{place.line}:{place.column} {link.url}",
            "classname": place.path,
            "file": options.notes_folder + place.path,
            "line": str(place.line),
            "time": "0",
        },
    )
    said = {"message": headline(link, options.language)}
    if link.state in options.fail_on:
        case.append(element("failure", message(link, options.language), {**said, "type": link.reason}))
    elif link.state in SKIPPED:
        case.append(element("skipped", attributes=said))
    elif link.state is not State.ALIVE:
        case.append(element("system-out", message(link, options.language)))
    return case

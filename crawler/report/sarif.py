"""The report as SARIF 2.1.0, which code scanning tracks over time.

A result is one link in one file; its fingerprint is made of both and of no line, so that a link that moves within
its note stays the same alert. The specification: https://docs.oasis-open.org/sarif/sarif/v2.1.0/.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

import msgspec

from crawler.core.counts import Counted
from crawler.core.results import Report
from crawler.report.annotations import Item, Level, items, message
from crawler.report.clean import escaped_json, file_link
from crawler.report.document import readable_document
from crawler.report.options import ReportOptions
from crawler.report.parts import ReportDocument
from crawler.report.phrases import warnings
from crawler.report.reasons import reason_help, reason_name

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MAX_RESULTS = 25_000  # of one run; GitHub refuses files with more


def render(report: Report, options: ReportOptions) -> str:
    """One SARIF log with one run: a rule for each reason that occurs, a result for each link in each note."""
    document = readable_document(report, whole=False)
    found = _one_per_note(items(document, options))
    reasons = sorted({places[0].link.reason for places in found})
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "linkhealth-crawler",
                        "semanticVersion": _version(),
                        "rules": [_rule(reason, options) for reason in reasons],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "invocations": [_invocation(document, len(found) - MAX_RESULTS, options)],
                "results": [_result(places, reasons, options) for places in found[:MAX_RESULTS]],
            }
        ],
    }
    return escaped_json(msgspec.json.format(msgspec.json.encode(log), indent=1) + b"\n")


def _one_per_note(found: Iterable[Item]) -> list[list[Item]]:
    """Places grouped by link and note, in the order they came in."""
    groups: dict[tuple[str, str], list[Item]] = {}
    for item in found:
        groups.setdefault((item.link.canonical_url, item.occurrence.path), []).append(item)
    return list(groups.values())


def _rule(reason: str, options: ReportOptions) -> dict[str, object]:
    explained = reason_help(reason)
    return {
        "id": reason,
        "shortDescription": {"text": reason_name(reason, options.language)},
        "fullDescription": {"text": explained},
        "help": {"text": explained, "markdown": explained},
        "defaultConfiguration": {"level": Level.WARNING.value},
        "properties": {"tags": ["links"]},
    }


def _result(places: list[Item], reasons: list[str], options: ReportOptions) -> dict[str, object]:
    link = places[0].link
    first, *others = [_location(item) for item in places]
    identity = f"{link.canonical_url}\n{places[0].occurrence.path}"
    digest = hashlib.sha256(identity.encode()).hexdigest()
    return {
        "ruleId": link.reason,
        "ruleIndex": reasons.index(link.reason),
        "level": places[0].level.value,
        "message": {"text": _message(message(link, options.language))},
        "locations": [first],
        # The first is ours; the second is the only name that GitHub looks at.
        "partialFingerprints": {"linkAndNote/v1": digest, "primaryLocationLineHash": f"{digest[:16]}:1"},
        "properties": {"state": link.state.value, "url": link.url, "canonicalUrl": link.canonical_url},
        **({"relatedLocations": others} if others else {}),
    }


def _location(item: Item) -> dict[str, object]:
    place = item.occurrence
    region = {"startLine": place.line, "startColumn": place.column}
    if place.end_column is not None:
        region["endColumn"] = place.end_column
    return {"physicalLocation": {"artifactLocation": {"uri": file_link(item.file)}, "region": region}}


def _invocation(document: ReportDocument, left_out: int, options: ReportOptions) -> dict[str, object]:
    """Whether the run was a whole one; everything that kept it from that is a notification."""
    run = document.run
    notes = warnings(run, options.language)
    if left_out > 0:
        notes.append(f"{Counted(left_out):result is|results are} left out")
    return {
        "executionSuccessful": run.network == "ok" and run.stopped_by != "signal",
        "startTimeUtc": run.started_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "toolExecutionNotifications": [{"level": "warning", "message": {"text": _message(note)}} for note in notes],
        **({"endTimeUtc": run.finished_at.strftime("%Y-%m-%dT%H:%M:%SZ")} if run.finished_at else {}),
    }


def _message(text: str) -> str:
    """Text in which SARIF sees no placeholder (§3.11.5) and no link (§3.11.6)."""
    return text.replace("{", "{{").replace("}", "}}").replace("](", "] (")


def _version() -> str:
    try:
        return version("linkhealth-crawler")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0.0.0"

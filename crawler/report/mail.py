"""The digest as the body of a mail or a chat message, and its subject."""

from __future__ import annotations

from dataclasses import replace

from crawler.core.results import Report
from crawler.report import digest_text
from crawler.report.digest import Digest, headline
from crawler.report.options import ReportOptions
from crawler.report.words import words

WIDTH = 76  # columns: RFC 3676 §4.2 asks for lines of at most 78 characters


def render(report: Report, options: ReportOptions) -> str:
    """The digest since `options.since` (default: since the run began), without colour."""
    return digest_text.render(report, replace(options, width=WIDTH, colour=False))


def subject(digest: Digest, options: ReportOptions) -> str:
    """What happened, in one line."""
    return f"{words(options.language).title}: {headline(digest, options.language)}"

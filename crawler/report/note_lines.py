"""A health line for each note: its path, a tab, and its links by state, notes with dead links first."""

from __future__ import annotations

from crawler.core.model import State
from crawler.core.results import Report
from crawler.report.digest import health_line, note_health
from crawler.report.document import readable_document
from crawler.report.options import ReportOptions


def render(report: Report, options: ReportOptions) -> str:
    """One note a line."""
    notes = sorted(note_health(readable_document(report)), key=lambda note: -note.counts[State.DEAD])
    return "".join(f"{note.path}\t{health_line(note, options.language)}\n" for note in notes)

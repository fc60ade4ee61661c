"""Link health and archive for Markdown notes: what a script would use of it.

`extract` finds the links of a note, `run` and `check` are the two jobs of the command line, `open_context` opens what
they work with, `Archive` is where they keep it. Nothing is imported before it is asked for.

>>> import crawler
>>> note = crawler.Note("2026-01-02-speech.md", "[How chunked attention works](https://blog.example/chunks)")
>>> [(link.url, link.note_title, link.line) for link in crawler.extract(note)]
[('https://blog.example/chunks', 'How chunked attention works', 1)]

A check of a folder of notes, judged from what the archive knows already and without a request:

>>> import pathlib, tempfile
>>> folder = pathlib.Path(tempfile.mkdtemp())
>>> _ = (folder / "note.md").write_text("See ![the picture](gone.png) and https://blog.example/chunks")
>>> settings = crawler.Settings(archive=crawler.ArchiveSettings(path=str(folder / "archive")))
>>> with crawler.open_context(settings, "check", write=False) as context:
...     report = crawler.check(context, [folder], crawler.CheckOptions(offline=True))
>>> [(finding.link.url, str(finding.history.state), finding.history.reason) for finding in report.findings]
[('gone.png', 'dead', 'missing-file'), ('https://blog.example/chunks', 'unchecked', 'never-checked')]
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__: str

if TYPE_CHECKING:
    from crawler.archive import Archive
    from crawler.core.config import load_settings
    from crawler.core.errors import CrawlerError
    from crawler.core.model import Check, History, Link, Note, Occurrence, Snapshot, State, Verdict
    from crawler.core.results import Finding, Report
    from crawler.core.settings import ArchiveSettings, Settings
    from crawler.crawl.check import CheckOptions, check
    from crawler.crawl.context import Context, open_context
    from crawler.crawl.observer import Observer
    from crawler.crawl.rearchive import rearchive
    from crawler.crawl.run import run
    from crawler.notes.extract import occurrences as extract
    from crawler.schedule.plan import Budget

_HOME = {  # name -> (module, its name there)
    "Archive": ("crawler.archive", "Archive"),
    "ArchiveSettings": ("crawler.core.settings", "ArchiveSettings"),
    "Budget": ("crawler.schedule.plan", "Budget"),
    "Check": ("crawler.core.model", "Check"),
    "CheckOptions": ("crawler.crawl.check", "CheckOptions"),
    "Context": ("crawler.crawl.context", "Context"),
    "CrawlerError": ("crawler.core.errors", "CrawlerError"),
    "Finding": ("crawler.core.results", "Finding"),
    "History": ("crawler.core.model", "History"),
    "Link": ("crawler.core.model", "Link"),
    "Note": ("crawler.core.model", "Note"),
    "Observer": ("crawler.crawl.observer", "Observer"),
    "Occurrence": ("crawler.core.model", "Occurrence"),
    "Report": ("crawler.core.results", "Report"),
    "Settings": ("crawler.core.settings", "Settings"),
    "Snapshot": ("crawler.core.model", "Snapshot"),
    "State": ("crawler.core.model", "State"),
    "Verdict": ("crawler.core.model", "Verdict"),
    "check": ("crawler.crawl.check", "check"),
    "extract": ("crawler.notes.extract", "occurrences"),
    "load_settings": ("crawler.core.config", "load_settings"),
    "open_context": ("crawler.crawl.context", "open_context"),
    "rearchive": ("crawler.crawl.rearchive", "rearchive"),
    "run": ("crawler.crawl.run", "run"),
}

__all__ = [
    "Archive",
    "ArchiveSettings",
    "Budget",
    "Check",
    "CheckOptions",
    "Context",
    "CrawlerError",
    "Finding",
    "History",
    "Link",
    "Note",
    "Observer",
    "Occurrence",
    "Report",
    "Settings",
    "Snapshot",
    "State",
    "Verdict",
    "__version__",
    "check",
    "extract",
    "load_settings",
    "open_context",
    "rearchive",
    "run",
]


def __getattr__(name: str) -> object:
    """A public name, imported at its first use: `crawler --help` waits for none of them."""
    if name == "__version__":
        return _version()
    if name not in _HOME:
        raise AttributeError(f"module 'crawler' has no attribute {name!r}")
    module, there = _HOME[name]
    value: object = getattr(import_module(module), there)
    globals()[name] = value
    return value


def _version() -> str:
    """Looked up when asked for: reading package metadata takes longer than extracting a note's links."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("linkhealth-crawler")
    except PackageNotFoundError:  # run from a tree that was never installed
        return "0+unknown"

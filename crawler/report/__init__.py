"""Reports: one module for each format, and the table of formats that the command line offers.

A `Format` turns a `Report` into text. Renderers return strings and write nothing: where a report goes is the command
line's business. Modules of formats are imported when their format is asked for, because some need a library that takes
long to import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import cast

from crawler.core.results import Report
from crawler.report.options import ReportOptions

__all__ = ["FORMATS", "Format", "Render", "ReportOptions"]

Render = Callable[[Report, ReportOptions], str]
Stream = Callable[[Report, ReportOptions], Iterator[str]]
Pages = Callable[[Report, ReportOptions], Iterator[tuple[int, Iterable[str]]]]  # number and text, the first last


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a report; `suffix` is what its files end with."""

    name: str
    suffix: str
    render: Render
    stream: Stream  # the same in pieces; one piece where the format cannot be written in several
    pages: Pages  # the same as several files that lie beside each other; one where the format has no pages


# Formats that have a view of their own on what happened since a moment.
DIGESTS: Mapping[str, str] = MappingProxyType(
    {"terminal": "digest_text", "markdown": "digest_markdown", "html": "digest_html"}
)


def _later(module: str) -> Render:
    """The `render` of a module of this package, imported at its first use."""

    def render(report: Report, options: ReportOptions) -> str:
        return cast(Render, _module(module, options).render)(report, options)

    return render


def _module(name: str, options: ReportOptions) -> ModuleType:
    return import_module(f"crawler.report.{DIGESTS.get(name, name) if options.since else name}")


def _stream_later(module: str) -> Stream:
    """The `stream` of a module of this package, or its `render` as one piece."""

    def stream(report: Report, options: ReportOptions) -> Iterator[str]:
        loaded = _module(module, options)
        if hasattr(loaded, "stream"):
            yield from cast(Stream, loaded.stream)(report, options)
        else:
            yield cast(Render, loaded.render)(report, options)

    return stream


def _pages_later(module: str) -> Pages:
    """The `pages` of a module of this package, or its `stream` as one page."""

    def pages(report: Report, options: ReportOptions) -> Iterator[tuple[int, Iterable[str]]]:
        loaded = _module(module, options)
        if hasattr(loaded, "pages"):
            yield from cast(Pages, loaded.pages)(report, options)
        else:
            yield 1, _stream_later(module)(report, options)

    return pages


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        name: Format(name, suffix, _later(module), _stream_later(module), _pages_later(module))
        for name, suffix, module in (
            ("terminal", ".txt", "terminal"),
            ("json", ".json", "json_report"),
            ("markdown", ".md", "markdown"),
            ("html", ".html", "html"),
            ("github", ".txt", "github"),
            ("sarif", ".sarif", "sarif"),
            ("junit", ".xml", "junit"),
            ("rdjson", ".rdjson", "rdjson"),
            ("atom", ".atom", "atom"),
            ("tsv", ".tsv", "tsv"),
            ("mail", ".mail.txt", "mail"),
            ("notes", ".notes.tsv", "note_lines"),
            ("badge", ".svg", "badge"),
        )
    }
)

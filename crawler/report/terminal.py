"""The report for a person at a terminal: what changed first, then the dead with evidence.

Addresses and places in notes are never wrapped or cut, so that they can be copied; everything else wraps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO

from rich import box
from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from crawler.core.model import ChangeKind, Report, State
from crawler.report.clean import clipped
from crawler.report.document import readable_document
from crawler.report.figures import minute, number
from crawler.report.options import ReportOptions
from crawler.report.parts import ChangePart, LinkPart, ReportDocument
from crawler.report.phrases import (
    about_rounds,
    about_run,
    attention,
    evidence,
    in_state,
    kept,
    memory,
    name,
    news,
    offers,
    other_news,
    places,
    sites_by_weight,
    uncounted,
    verdict,
    with_other_title,
)
from crawler.report.words import Words, words

MAX_LISTED = 20  # of suspects, of each kind of news, of other titles; --verbose lists all
MAX_PLACES = 5  # of one link; a link in every note of a year is one finding, not fifty lines
MAX_TEXT = 300  # characters of a title or of evidence
STYLES = {
    State.DEAD: "bold red",
    State.SUSPECT: "yellow",
    State.UNKNOWN: "magenta",
    State.BLOCKED: "cyan",
    State.UNCHECKED: "bright_black",
    State.ALIVE: "green",
}
INDENT = 3
STATE_WORDS = frozenset(state.value for state in State)


def render(report: Report, options: ReportOptions) -> str:
    """The report as text, with colour sequences only where `options.colour` asks for them."""
    paper = _Paper(max(options.width, 20), options.colour)
    _Page(paper, readable_document(report, whole=options.verbose), options, words(options.language)).write()
    lines = [line.rstrip() for line in paper.out.getvalue().strip("\n").split("\n")]
    return "".join(line + "\n" for line, before in zip(lines, ["", *lines], strict=False) if line or before)


class _Paper:
    """Lines with a style. rich lays out tables and breaks lines; plain lines it would take a millisecond each for."""

    def __init__(self, width: int, colour: bool) -> None:
        self.out = StringIO()
        self.width = width
        self._colours = ColorSystem.STANDARD if colour else None
        self._console = Console(
            file=self.out,
            width=width,
            force_terminal=colour,
            color_system="standard" if colour else None,
            no_color=not colour,
            legacy_windows=False,
            _environ={},  # a report does not depend on COLUMNS or TERM
        )

    def line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        """One line, never broken or cut."""
        styled = Style.parse(style).render(text, color_system=self._colours) if style and self._colours else text
        self.out.write(f"{' ' * indent}{styled}\n")

    def wrapped(self, text: str, style: str = "", indent: int = 0) -> None:
        """Text broken to the width, every line of it indented."""
        width = self.width - indent
        if cell_len(text) <= width:
            self.line(text, style, indent)
            return
        for part in Text(text).wrap(self._console, width, overflow="fold"):
            self.line(part.plain.rstrip(), style, indent)

    def table(self, table: Table) -> None:
        """A table, as wide as it must be."""
        self._console.print(table)


@dataclass(frozen=True, slots=True)
class _Page:
    """A report on its way to paper."""

    paper: _Paper
    document: ReportDocument
    options: ReportOptions
    say: Words

    def write(self) -> None:
        self.paper.wrapped(f"{self.say.title} · {minute(self.document.generated_at)}", "bold")
        if self.document.by_site:
            self._summary()
        else:
            self.paper.wrapped(self.say.no_links)
        for line in attention(self.document, self.options.language):
            self.paper.wrapped(line, "yellow")
        self._news()
        self._dead()
        self._suspects()
        self._uncounted()
        self._other_titles()
        self._notices()
        self._run()

    def _summary(self) -> None:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, header_style="")
        table.add_column(Text(self.say.site, style="bold"), overflow="fold")
        for state in State:
            table.add_column(Text(self.say.states[state], style=STYLES[state]), justify="right")
        table.add_column(Text(self.say.total, style="bold"), justify="right")
        for site in sites_by_weight(self.document):
            table.add_row(Text(site), *_figures(self.document.by_site[site]))
        table.add_section()
        table.add_row(Text(self.say.all_links, style="bold"), *_figures(self.document.counts))
        self.paper.table(table)

    def _news(self) -> None:
        groups, others = news(self.document), other_news(self.document, self.options.language)
        if not (groups or others) or not self.document.by_site:
            return
        self._heading(self.say.what_changed)
        for kind, changes in groups:
            listed = [] if kind is ChangeKind.FOUND_DEAD else changes[: self._limit()]
            self.paper.wrapped(f"{self.say.changes[kind]}: {number(len(changes))}", "bold")
            for change, link in listed:
                self._change(change, link)
            self._more(len(changes) - len(listed) if listed else 0)
        for line in others:
            self.paper.wrapped(line, "bold")

    def _change(self, change: ChangePart, link: LinkPart | None) -> None:
        called = name(link) if link else change.canonical_url
        turn = f"{self._word(change.before)} → {self._word(change.after)}"
        if called == (link.url if link else change.canonical_url):
            self.paper.line(called, "", INDENT)
        else:
            self.paper.wrapped(called, "", INDENT)
        if change.kind in (ChangeKind.TITLE_CHANGED, ChangeKind.STATE_CHANGED):
            self.paper.wrapped(turn, "dim", INDENT * 2)

    def _dead(self) -> None:
        dead = in_state(self.document, State.DEAD)
        if dead:
            self._heading(f"{self.say.dead} ({number(len(dead))})", STYLES[State.DEAD])
            self._findings(dead)
        elif self.document.by_site and self.document.run.network == "ok":
            self.paper.wrapped(self.say.nothing_to_do, STYLES[State.ALIVE])

    def _suspects(self) -> None:
        suspects = in_state(self.document, State.SUSPECT)
        if suspects:
            self._heading(f"{self.say.suspects} ({number(len(suspects))})", STYLES[State.SUSPECT])
            self._findings(suspects[: self._limit()])
            self._more(len(suspects) - self._limit())

    def _uncounted(self) -> None:
        sentence = uncounted(self.document, self.options.language)
        if not sentence:
            return
        self.paper.line()
        if not self.options.verbose:
            self.paper.wrapped(f"{sentence} {self.say.hint_verbose}", "dim")
            return
        self.paper.wrapped(sentence, "dim")
        for state in (State.BLOCKED, State.UNKNOWN, State.UNCHECKED):
            links = in_state(self.document, state)
            if links:
                self._heading(f"{self.say.states[state]} ({number(len(links))})", STYLES[state])
                self._findings(links)

    def _other_titles(self) -> None:
        links = with_other_title(self.document)
        if not links:
            return
        self._heading(f"{self.say.title_differs} ({number(len(links))})", "yellow")
        for link in links[: self._limit()]:
            self.paper.line(link.url)
            self.paper.wrapped(f"{self.say.note_says}: {_short(link.note_title or self.say.no_title)}", "", INDENT)
            self.paper.wrapped(f"{self.say.page_says}: {_short(link.page_title or self.say.no_title)}", "", INDENT)
            self._places(link)
        self._more(len(links) - self._limit())

    def _notices(self) -> None:
        if not self.document.new_notices:
            return
        self._heading(self.say.new_notices, "magenta")
        for notice in self.document.new_notices:
            self.paper.wrapped(f"{notice.site} ×{notice.count}: {notice.text}")
            for url in notice.urls:
                self.paper.line(url, "", INDENT)
        self.paper.wrapped(self.say.notices_hint, "dim")

    def _run(self) -> None:
        self._heading(self.say.run)
        done, *troubles = about_run(self.document.run, self.options.language)
        self.paper.wrapped(done)
        for trouble in troubles:
            self.paper.wrapped(trouble, "yellow")
        for line in about_rounds(self.document, self.options.language):
            self.paper.wrapped(line, "dim")

    def _findings(self, links: Sequence[LinkPart]) -> None:
        for rank, link in enumerate(links):
            if rank:
                self.paper.line()
            self._finding(link)

    def _finding(self, link: LinkPart) -> None:
        language = self.options.language
        if name(link) != link.url:
            self.paper.wrapped(_short(name(link)), "bold")
        self.paper.line(link.url, "", 0 if name(link) == link.url else INDENT)
        self.paper.wrapped(verdict(link, language), STYLES[link.state], INDENT)
        for line in (_short(evidence(link)), memory(link, language)):
            if line:
                self.paper.wrapped(line, "dim", INDENT)
        if link.moved_to:
            self.paper.line(f"{self.say.moved_to}: {link.moved_to}", "", INDENT)
        self._places(link)
        if link.state is State.DEAD and link.site != "local":
            self.paper.wrapped(kept(link, language), "green" if link.snapshot else "dim", INDENT)
        for offer in offers(link):
            self.paper.line(f"{self.say.read_instead}: {offer.url}", "green", INDENT)

    def _places(self, link: LinkPart) -> None:
        written = places(link)
        limit = len(written) if self.options.verbose else MAX_PLACES
        for place in written[:limit]:
            self.paper.line(place, "blue", INDENT)
        self._more(len(written) - limit)

    def _heading(self, text: str, style: str = "") -> None:
        self.paper.line()
        self.paper.wrapped(text, f"bold {style}".strip())
        self.paper.line("─" * min(cell_len(text), self.paper.width), "dim")

    def _more(self, count: int) -> None:
        if count > 0:
            self.paper.wrapped(self.say.more.format(count=number(count)), "dim", INDENT)

    def _limit(self) -> int:
        return len(self.document.links) if self.options.verbose else MAX_LISTED

    def _word(self, text: str) -> str:
        """A state in the reader's language; a title as it is."""
        return self.say.states[State(text)] if text in STATE_WORDS else _short(text or self.say.no_title)


def _figures(counts: dict[State, int]) -> Sequence[Text]:
    cells = [
        Text(number(counts[state]), style=STYLES[state]) if counts.get(state) else Text("·", style="dim")
        for state in State
    ]
    return [*cells, Text(number(sum(counts.values())), style="bold")]


def _short(text: str) -> str:
    return clipped(text, MAX_TEXT)

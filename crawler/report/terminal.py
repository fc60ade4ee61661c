"""The report for a person at a terminal: what changed first, then the dead with evidence.

Addresses and places in notes are never wrapped or cut, so that they can be copied; everything else wraps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from crawler.model import ChangeKind, Report, State
from crawler.report.clean import clipped
from crawler.report.document import ChangePart, Document, LinkPart, readable_document
from crawler.report.figures import minute, number
from crawler.report.options import Options
from crawler.report.phrases import (
    about_rounds,
    about_run,
    evidence,
    in_state,
    kept,
    memory,
    name,
    news,
    offers,
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


def render(report: Report, options: Options) -> str:
    """The report as text, with colour sequences only where `options.colour` asks for them."""
    written = StringIO()
    console = Console(
        file=written,
        width=max(options.width, 20),
        force_terminal=options.colour,
        color_system="standard" if options.colour else None,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    _Page(console, readable_document(report), options, words(options.language)).write()
    lines = [line.rstrip() for line in written.getvalue().strip("\n").split("\n")]
    return "".join(line + "\n" for line, before in zip(lines, ["", *lines], strict=False) if line or before)


@dataclass(frozen=True, slots=True)
class _Page:
    """A report on its way to a console."""

    console: Console
    document: Document
    options: Options
    say: Words

    def write(self) -> None:
        self.console.print(Text(f"{self.say.title} · {minute(self.document.generated_at)}", style="bold"))
        if self.document.links:
            self._summary()
        else:
            self.console.print(Text(self.say.no_links))
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
        self.console.print(table)

    def _news(self) -> None:
        groups = news(self.document)
        if not groups:
            return
        self._heading(self.say.what_changed)
        for kind, changes in groups:
            listed = [] if kind is ChangeKind.FOUND_DEAD else changes[: self._limit()]
            self.console.print(Text(f"{self.say.changes[kind]}: {number(len(changes))}", style="bold"))
            for change, link in listed:
                self._change(change, link)
            self._more(len(changes) - len(listed) if listed else 0)

    def _change(self, change: ChangePart, link: LinkPart | None) -> None:
        called = name(link) if link else change.canonical_url
        turn = f"{self._word(change.before)} → {self._word(change.after)}"
        if called == (link.url if link else change.canonical_url):
            self._copyable(called)
        else:
            self._wrapped(called)
        if change.kind in (ChangeKind.TITLE_CHANGED, ChangeKind.STATE_CHANGED):
            self._wrapped(turn, "dim", INDENT * 2)

    def _dead(self) -> None:
        dead = in_state(self.document, State.DEAD)
        if dead:
            self._heading(f"{self.say.dead} ({number(len(dead))})", STYLES[State.DEAD])
            self._findings(dead)
        elif self.document.links and self.document.run.network == "ok":
            self.console.print(Text(self.say.nothing_to_do, style=STYLES[State.ALIVE]))

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
        self.console.print()
        if not self.options.verbose:
            self.console.print(Text(f"{sentence} {self.say.hint_verbose}", style="dim"))
            return
        self.console.print(Text(sentence, style="dim"))
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
            self._copyable(link.url, 0)
            self._wrapped(f"{self.say.note_says}: {_short(link.note_title or self.say.no_title)}")
            self._wrapped(f"{self.say.page_says}: {_short(link.page_title or self.say.no_title)}")
            self._places(link)
        self._more(len(links) - self._limit())

    def _notices(self) -> None:
        if not self.document.new_notices:
            return
        self._heading(self.say.new_notices, "magenta")
        for notice in self.document.new_notices:
            self._wrapped(f"{notice.site} ×{notice.count}: {notice.text}", "", 0)
            for url in notice.urls:
                self._copyable(url)
        self.console.print(Text(self.say.notices_hint, style="dim"))

    def _run(self) -> None:
        self._heading(self.say.run)
        done, *troubles = about_run(self.document.run, self.options.language)
        self._wrapped(done, "", 0)
        for trouble in troubles:
            self._wrapped(trouble, "yellow", 0)
        for line in about_rounds(self.document, self.options.language):
            self._wrapped(line, "dim", 0)

    def _findings(self, links: Sequence[LinkPart]) -> None:
        for rank, link in enumerate(links):
            if rank:
                self.console.print()
            self._finding(link)

    def _finding(self, link: LinkPart) -> None:
        language = self.options.language
        if name(link) != link.url:
            self._wrapped(_short(name(link)), "bold", 0)
        self._copyable(link.url, 0 if name(link) == link.url else INDENT)
        self._wrapped(verdict(link, language), STYLES[link.state])
        for line in (_short(evidence(link)), memory(link, language)):
            if line:
                self._wrapped(line, "dim")
        if link.moved_to:
            self._copyable(f"{self.say.moved_to}: {link.moved_to}")
        self._places(link)
        if link.state is State.DEAD and link.site != "local":
            self._wrapped(kept(link, language), "green" if link.snapshot else "dim")
        for offer in offers(link):
            self._copyable(f"{self.say.read_instead}: {offer.url}", INDENT, "green")

    def _places(self, link: LinkPart) -> None:
        written = places(link)
        limit = len(written) if self.options.verbose else MAX_PLACES
        for place in written[:limit]:
            self._copyable(place, INDENT, "blue")
        self._more(len(written) - limit)

    def _heading(self, text: str, style: str = "") -> None:
        self.console.print()
        self.console.print(Text(text, style=f"bold {style}".strip()))
        self.console.print(Text("─" * min(cell_len(text), self.console.width), style="dim"))

    def _wrapped(self, text: str, style: str = "", indent: int = INDENT) -> None:
        self.console.print(Padding(Text(text, style=style, overflow="fold"), (0, 0, 0, indent), expand=False))

    def _copyable(self, text: str, indent: int = INDENT, style: str = "") -> None:
        self.console.print(Text(" " * indent + text, style=style), soft_wrap=True)

    def _more(self, count: int) -> None:
        if count > 0:
            self._wrapped(self.say.more.format(count=number(count)), "dim")

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

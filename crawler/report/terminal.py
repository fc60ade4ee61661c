"""The report for a person at a terminal: what changed first, then the dead with evidence.

Addresses and places in notes are never wrapped or cut, so that they can be copied; everything else wraps.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from crawler.core.counts import Counted
from crawler.core.display import clipped
from crawler.core.model import LOCAL, State
from crawler.core.results import ChangeKind, Report
from crawler.report.document import readable_document
from crawler.report.figures import minute, number
from crawler.report.options import ReportOptions
from crawler.report.paper import Paper, fitted
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
    state_counts,
    uncounted,
    verdict,
    warnings,
    with_other_title,
)
from crawler.report.words import Words, words

MAX_FINDINGS = 16  # dead and suspect links together, so that they fit two screens; --verbose lists all
MAX_DETAILED = 5  # as few findings as these are shown with all that is known of them
MAX_LISTED = 3  # of each kind of news, of other titles, of unknown messages
MAX_SITES = 12  # rows of the table
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
    paper = Paper(max(options.width, 20), options.colour)
    _Page(paper, readable_document(report, whole=options.verbose), options, words(options.language)).write()
    return paper.text()


@dataclass(frozen=True, slots=True)
class _Page:
    """A report on its way to paper."""

    paper: Paper
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
        dead, suspects = in_state(self.document, State.DEAD), in_state(self.document, State.SUSPECT)
        self._dead(dead)
        self._suspects(suspects, self._limit(MAX_FINDINGS) - len(dead))
        self._uncounted()
        self._other_titles()
        self._notices()
        self._run()
        self._closing()

    def _summary(self) -> None:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, header_style="")
        table.add_column(Text(self.say.site, style="bold"), overflow="fold")
        for state in State:
            table.add_column(Text(self.say.states[state], style=STYLES[state]), justify="right")
        table.add_column(Text(self.say.total, style="bold"), justify="right")
        sites = sites_by_weight(self.document)
        for site in sites[: self._limit(MAX_SITES)]:
            table.add_row(Text(site), *_figures(self.document.by_site[site]))
        if rest := sites[self._limit(MAX_SITES) :]:
            sums = {state: sum(self.document.by_site[site].get(state, 0) for site in rest) for state in State}
            table.add_row(Text(self.say.more.format(count=number(len(rest))), style="dim"), *_figures(sums))
        table.add_section()
        table.add_row(Text(self.say.all_links, style="bold"), *_figures(self.document.counts))
        self.paper.table(table)

    def _news(self) -> None:
        groups, told = news(self.document), warnings(self.document.run, self.options.language)
        others = [line for line in other_news(self.document, self.options.language) if line not in told]
        unlisted = {ChangeKind.NEWLY_DEAD, ChangeKind.FOUND_DEAD}  # the dead are listed below
        unlisted |= set() if self._in_detail else {ChangeKind.STATE_CHANGED}
        if not (groups or others) or not self.document.by_site:
            return
        self.paper.heading(self.say.what_changed)
        for kind, changes in groups:
            listed = [] if kind in unlisted else changes[: self._limit(MAX_LISTED)]
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
        if change.kind is ChangeKind.MOVED:
            self.paper.line(f"→ {change.after}", "dim", INDENT * 2)
        if change.kind in (ChangeKind.TITLE_CHANGED, ChangeKind.STATE_CHANGED):
            self.paper.wrapped(turn, "dim", INDENT * 2)

    def _dead(self, dead: list[LinkPart]) -> None:
        if dead:
            self.paper.heading(f"{self.say.dead} ({number(len(dead))})", STYLES[State.DEAD])
            new = {change.canonical_url for change in self.document.changes if change.kind is ChangeKind.NEWLY_DEAD}
            dead.sort(key=lambda link: link.canonical_url not in new)  # what died last night first, else as it was
            self._findings(dead, self._limit(MAX_FINDINGS), new)
        elif self.document.by_site and self.document.run.network == "ok":
            self.paper.wrapped(self.say.nothing_to_do, STYLES[State.ALIVE])

    def _suspects(self, suspects: list[LinkPart], room: int) -> None:
        if suspects:
            self.paper.heading(f"{self.say.suspects} ({number(len(suspects))})", STYLES[State.SUSPECT])
            self._findings(suspects, max(0, room))

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
                self.paper.heading(f"{self.say.states[state]} ({number(len(links))})", STYLES[state])
                self._findings(links, len(links))

    def _other_titles(self) -> None:
        links = with_other_title(self.document)
        if not links:
            return
        self.paper.heading(f"{self.say.title_differs} ({number(len(links))})", "yellow")
        limit = self._limit(MAX_LISTED)
        for link in links[:limit]:
            self.paper.line(link.url)
            self.paper.wrapped(f"{self.say.note_says}: {_short(link.note_title or self.say.no_title)}", "", INDENT)
            self.paper.wrapped(f"{self.say.page_says}: {_short(link.page_title or self.say.no_title)}", "", INDENT)
            self._places(link, MAX_PLACES if self._in_detail else 1)
        self._more(len(links) - limit)

    def _notices(self) -> None:
        if not self.document.new_notices:
            return
        self.paper.heading(self.say.new_notices, "magenta")
        limit = self._limit(MAX_LISTED)
        for notice in self.document.new_notices[:limit]:
            self.paper.wrapped(_short(f"{notice.site} ×{notice.count}: {notice.text}"))
            for url in notice.urls[: self._limit(1)]:
                self.paper.line(url, "", INDENT)
        self._more(len(self.document.new_notices) - limit)
        self.paper.wrapped(self.say.notices_hint, "dim")

    def _run(self) -> None:
        self.paper.heading(self.say.run)
        done, *warned = about_run(self.document.run, self.options.language)
        self.paper.wrapped(done)
        for warning in warned:
            self.paper.wrapped(warning, "yellow")
        for line in about_rounds(self.document, self.options.language):
            self.paper.wrapped(line, "dim")

    def _closing(self) -> None:
        """The counts once more, where things lie, and what to type next: what a long report leaves on the screen."""
        if not self.document.by_site:
            return
        self.paper.line()
        counts = self.document.counts
        parts = state_counts(counts, self.options.language)
        total = f"{self.say.all_links}: {number(sum(counts.values()))}"
        self.paper.wrapped(" · ".join([*parts, total]), "bold")
        for label, place in ((self.say.html_report, self.options.html_file), (self.say.archive, self.options.archive)):
            if place:
                self.paper.line(f"{label}: {place}")
        if steps := self._next_steps():
            self.paper.line(f"{self.say.next}:")
            self.paper.beside(steps, "dim", INDENT)

    def _next_steps(self) -> list[tuple[str, str]]:
        """Commands with what they do; none where nothing is to be done."""
        counts, what = self.document.counts, self.say.next_steps
        if not self.options.archive or not (counts[State.DEAD] or counts[State.SUSPECT]):
            return []
        steps = [("crawler show URL", what["show"]), ("crawler fix", what["fix"])]
        if not self.options.html_file:
            steps.append(("crawler report -f html -o report.html", what["html"]))
        return [*steps, ("crawler report --since 7d", what["since"])]

    @property
    def _in_detail(self) -> bool:
        """Whether findings are so few, or so much wanted, that all that is known of each is shown."""
        counts = self.document.counts
        return self.options.verbose or counts[State.DEAD] + counts[State.SUSPECT] <= MAX_DETAILED

    def _findings(self, links: Sequence[LinkPart], limit: int, new: Set[str] = frozenset()) -> None:
        for rank, link in enumerate(links[:limit]):
            if self._in_detail:
                if rank:
                    self.paper.line()
                self._finding(link)
            else:
                self._in_short(link, new=link.canonical_url in new)
        self._more(len(links) - limit)

    def _in_short(self, link: LinkPart, *, new: bool) -> None:
        """Title, address, why, and where: four lines of one finding among many."""
        language = self.options.language
        mark = f"[{self.say.new}] " if new else ""
        if name(link) != link.url:
            self.paper.line(mark + fitted(name(link), self.paper.width - cell_len(mark)), "bold")
            mark = ""
        self.paper.line(mark + link.url, "", 0 if name(link) == link.url else INDENT)
        why = [verdict(link, language), evidence(link)]
        if link.state is State.DEAD and link.site != LOCAL:
            why.insert(1, self.say.kept if link.snapshot else self.say.not_kept)
        self.paper.line(fitted(" · ".join(filter(None, why)), self.paper.width - INDENT), STYLES[link.state], INDENT)
        self._places(link, 1)

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
        if link.state is State.DEAD and link.site != LOCAL:
            self.paper.wrapped(kept(link, language), "green" if link.snapshot else "dim", INDENT)
        for offer in offers(link):
            self.paper.line(f"{self.say.read_instead}: {offer.url}", "green", INDENT)

    def _places(self, link: LinkPart, limit: int = MAX_PLACES) -> None:
        written = places(link)
        limit = len(written) if self.options.verbose else limit
        if limit == 1 and len(written) > 1:
            left = self.say.and_places.format(count=Counted(len(written) - 1))
            self.paper.line(f"{written[0]}  {left}", "blue", INDENT)
            return
        for place in written[:limit]:
            self.paper.line(place, "blue", INDENT)
        if len(written) > limit:
            self.paper.wrapped(self.say.more.format(count=number(len(written) - limit)), "dim", INDENT)

    def _more(self, count: int) -> None:
        if count > 0:
            self.paper.wrapped(self.say.more_verbose.format(count=number(count)), "dim", INDENT)

    def _limit(self, usual: int) -> int:
        """How many to list: all of them with --verbose."""
        return max(len(self.document.links), len(self.document.changes), usual) if self.options.verbose else usual

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

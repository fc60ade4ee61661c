"""The digest as text: at a terminal, and as the body of a mail.

Addresses are never broken or cut, so that mail programs and terminals make links of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crawler.core.display import clipped
from crawler.core.model import LOCAL
from crawler.core.results import Report
from crawler.report.digest import Digest, headline, health_line, make_digest, period, saved, steps
from crawler.report.digest_words import DigestWords, digest_words
from crawler.report.document import readable_document
from crawler.report.figures import day, number
from crawler.report.options import ReportOptions
from crawler.report.paper import Paper, fitted
from crawler.report.parts import LinkPart
from crawler.report.phrases import name, offers, places, state_counts, verdict, warnings
from crawler.report.words import words

MAX_DEAD = 30  # told in full
MAX_OTHERS = 10  # of each other kind
MAX_PLACES = 3  # of one link
MAX_TEXT = 200  # characters of a title
INDENT = 2


def render(report: Report, options: ReportOptions) -> str:
    """The digest since `options.since` (default: since the run began), for a terminal."""
    paper = Paper(max(options.width, 40), options.colour)
    document = readable_document(report)
    digest = make_digest(document, options.since or document.run.started_at)
    _Sheet(paper, digest, options, digest_words(options.language)).write(
        warnings(document.run, options.language) if document.run.id else []
    )
    return paper.text()


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A digest on its way to paper."""

    paper: Paper
    digest: Digest
    options: ReportOptions
    say: DigestWords

    def write(self, warned: Sequence[str]) -> None:
        language = self.options.language
        self.paper.wrapped(f"{self.say.title}: {headline(self.digest, language)}", "bold")
        self.paper.wrapped(period(self.digest, language), "dim")
        self._section(self.say.died, self.digest.died, MAX_DEAD, self._dead, "red")
        self._section(self.say.returned, self.digest.returned, MAX_OTHERS, self._other, "green")
        self._section(self.say.moved, self.digest.moved, MAX_OTHERS, self._moved)
        self._section(self.say.kept, self.digest.kept, MAX_OTHERS, self._kept)
        self._notes()
        self._to_do()
        self._closing(warned)

    def _section(
        self, title: str, links: Sequence[LinkPart], limit: int, write: Callable[[LinkPart], None], style: str = ""
    ) -> None:
        if not links:
            return
        limit = len(links) if self.options.verbose else limit
        self.paper.heading(f"{title} ({number(len(links))})", style)
        for link in links[:limit]:
            write(link)
        if len(links) > limit:
            self.paper.wrapped(words(self.options.language).more.format(count=number(len(links) - limit)), "dim")

    def _dead(self, link: LinkPart) -> None:
        say = words(self.options.language)
        self._head(link)
        alive = f"{say.last_alive} {day(link.last_alive_at)}" if link.last_alive_at else say.never_alive
        self.paper.wrapped(f"{verdict(link, self.options.language)} · {alive}", "red", INDENT)
        if link.site != LOCAL:
            self.paper.wrapped(saved(link, self.options.language), "green" if link.snapshot else "dim", INDENT)
        for offer in offers(link):
            self.paper.line(f"{say.suggestion[offer.kind]}: {offer.url}", "green", INDENT)
        if link.searches and not (link.snapshot or offers(link)):
            self.paper.line(f"{say.search}: {link.searches[0].url}", "dim", INDENT)
        self._places(link)
        self.paper.line()

    def _other(self, link: LinkPart) -> None:
        self._head(link)
        self._places(link)

    def _moved(self, link: LinkPart) -> None:
        self._head(link)
        self.paper.line(f"→ {link.moved_to}", "", INDENT)
        self._places(link)

    def _kept(self, link: LinkPart) -> None:
        self.paper.line(fitted(name(link), self.paper.width))

    def _head(self, link: LinkPart) -> None:
        if name(link) != link.url:
            self.paper.wrapped(clipped(name(link), MAX_TEXT), "bold")
        self.paper.line(link.url, "", INDENT if name(link) != link.url else 0)

    def _places(self, link: LinkPart) -> None:
        written = places(link)
        limit = len(written) if self.options.verbose else MAX_PLACES
        for place in written[:limit]:
            self.paper.line(place, "blue", INDENT)
        if len(written) > limit:
            more = words(self.options.language).more.format(count=number(len(written) - limit))
            self.paper.wrapped(more, "dim", INDENT)

    def _notes(self) -> None:
        notes = self.digest.notes
        if not notes:
            return
        limit = len(notes) if self.options.verbose else MAX_DEAD
        self.paper.heading(f"{self.say.by_note} ({number(len(notes))})")
        for note in notes[:limit]:
            self.paper.line(note.path)
            self.paper.wrapped(health_line(note, self.options.language), "dim", INDENT)
        if len(notes) > limit:
            self.paper.wrapped(words(self.options.language).more.format(count=number(len(notes) - limit)), "dim")

    def _to_do(self) -> None:
        if commands := steps(self.digest, self.options.language):
            self.paper.heading(self.say.to_do)
            self.paper.beside(commands)

    def _closing(self, warned: Sequence[str]) -> None:
        say = words(self.options.language)
        self.paper.line()
        for warning in warned:
            self.paper.wrapped(warning, "yellow")
        parts = state_counts(self.digest.counts, self.options.language)
        self.paper.wrapped(f"{say.all_links}: {' · '.join(parts)}" if parts else say.no_links, "bold")
        for label, place in ((say.html_report, self.options.html_file), (say.archive, self.options.archive)):
            if place:
                self.paper.line(f"{label}: {place}")

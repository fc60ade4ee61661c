"""The digest: what happened to links since a moment, and how each note fares.

Pure selections from a report document; `digest_text`, `digest_markdown` and `digest_html` write them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never

from crawler.core.counts import Counted
from crawler.core.model import State
from crawler.core.results import ChangeKind
from crawler.report.digest_words import DigestWords, digest_words
from crawler.report.figures import day, minute, number
from crawler.report.parts import LinkPart, ReportDocument
from crawler.report.phrases import site_rank, state_counts
from crawler.report.words import Language

When = Literal["news", "dead", "always"]


@dataclass(frozen=True, slots=True)
class NoteDigest:
    """One note: its links by state, and how many of them are news."""

    path: str
    counts: Counter[State]
    died: int = 0
    returned: int = 0
    moved: int = 0
    kept: int = 0


@dataclass(frozen=True, slots=True)
class Digest:
    """What happened between two moments; WeChat and Zhihu come first in every list."""

    since: datetime
    until: datetime
    counts: Mapping[State, int]
    died: tuple[LinkPart, ...]
    returned: tuple[LinkPart, ...]
    moved: tuple[LinkPart, ...]  # `moved_to` of each is its new address
    kept: tuple[LinkPart, ...]
    notes: tuple[NoteDigest, ...]  # those that a death, return or move concerns, by path

    def is_news(self, when: When) -> bool:
        """Whether there is something to tell somebody who wants to hear of that."""
        match when:
            case "news":
                return bool(self.died or self.returned or self.moved)
            case "dead":
                return bool(self.died)
            case "always":
                return True
            case _:
                assert_never(when)


def make_digest(document: ReportDocument, since: datetime) -> Digest:
    """The digest of a document that covers at least what needs attention and what changed."""
    since = since.replace(microsecond=0)  # as all times of a document
    moved_since = {c.canonical_url for c in document.changes if c.kind is ChangeKind.MOVED and c.at >= since}
    changed = [link for link in document.links if link.changed_at and link.changed_at >= since]
    died = _ordered(link for link in changed if link.state is State.DEAD and link.previous_state)
    returned = _ordered(link for link in changed if link.state is State.ALIVE and link.previous_state is State.DEAD)
    moved = _ordered(link for link in document.links if link.canonical_url in moved_since and link.moved_to)
    kept = _ordered(
        link
        for link in document.links
        if link.snapshot and not link.snapshot.revisit and link.snapshot.captured_at >= since
    )
    news = {"died": died, "returned": returned, "moved": moved, "kept": kept}
    touched = {o.path for name in ("died", "returned", "moved") for link in news[name] for o in link.occurrences}
    notes = tuple(note for note in _notes(document.links, news) if note.path in touched)
    return Digest(since, document.generated_at, document.counts, died, returned, moved, kept, notes)


def note_health(document: ReportDocument) -> tuple[NoteDigest, ...]:
    """Every note of a whole document, by path."""
    return tuple(_notes(document.links, {}))


def _notes(links: Iterable[LinkPart], news: Mapping[str, Iterable[LinkPart]]) -> Iterable[NoteDigest]:
    counts: dict[str, Counter[State]] = {}
    for link in links:
        for path in {o.path for o in link.occurrences}:
            counts.setdefault(path, Counter())[link.state] += 1
    told = {
        name: Counter(path for link in found for path in {o.path for o in link.occurrences})
        for name, found in news.items()
    }
    for path in sorted(counts):
        yield NoteDigest(path, counts[path], **{name: count[path] for name, count in told.items()})


def _ordered(links: Iterable[LinkPart]) -> tuple[LinkPart, ...]:
    return tuple(sorted(links, key=lambda link: site_rank(link.site)))


# --- in words ----------------------------------------------------------------------------------------


def headline(digest: Digest, language: Language) -> str:
    """All that happened, in one line: "2 died, 1 came back, 1 moved, 5 kept"."""
    say = digest_words(language)
    counts = (("died", digest.died), ("returned", digest.returned), ("moved", digest.moved), ("kept", digest.kept))
    parts = [say.counted[name].format(count=number(len(links))) for name, links in counts if links]
    return say.comma.join(parts) or say.nothing


def period(digest: Digest, language: Language) -> str:
    """From when to when."""
    return digest_words(language).period.format(since=minute(digest.since), until=minute(digest.until))


def health_line(note: NoteDigest, language: Language) -> str:
    """How a note fares, in one line: "12 links: 1 dead, 11 alive"."""
    say = digest_words(language)
    parts = say.comma.join(state_counts(note.counts, language))
    line = say.of_links.format(links=Counted(sum(note.counts.values())), parts=parts)
    told = [
        say.counted[name].format(count=number(count))
        for name, count in (("died", note.died), ("returned", note.returned), ("moved", note.moved))
        if count
    ]
    return line + (say.of_them.format(parts=say.comma.join(told)) if told else "")


def steps(digest: Digest, language: Language) -> list[tuple[str, str]]:
    """Commands that do something about the news, each with what it does; none where nothing died or moved."""
    if not (digest.died or digest.moved):
        return []
    commands = {"read": "crawler show URL --text", "fix": "crawler fix", "mark": "crawler mark URL fine"}
    say = digest_words(language)
    return [(command, say.steps[key]) for key, command in commands.items() if digest.died or key == "fix"]


def saved(link: LinkPart, language: Language) -> str:
    """What was saved of a dead link, and how to read it."""
    say: DigestWords = digest_words(language)
    if link.snapshot is None:
        return say.not_saved
    copy = link.snapshot
    return say.saved.format(day=day(copy.captured_at), characters=Counted(copy.text_chars), id=copy.id)

"""From the text of a note to every link that is written in it.

`occurrences` chooses a reader by the file's ending, and gives every link its place, and its title. The grammar of bare
URLs is in `scan`, `hosts` and `prose`; the readers are those of `formats`. No file is opened here.
"""

from __future__ import annotations

from itertools import chain

from crawler.core.model import Kind, Note, Occurrence
from crawler.notes.formats import format_of
from crawler.notes.found import Found, Lines, Reading, Span, cover
from crawler.notes.ignore import without_ignored
from crawler.notes.scan import bare_urls
from crawler.notes.titles import bare_title, link_title


def occurrences(note: Note, *, code: bool = False) -> list[Occurrence]:
    """Every link of `note` in the order of the text; links inside of code only if `code` is true.

    `url` is the target as its author meant it (entities and Markdown escapes undone, `//host` read as https) and is
    not normalised; it may be malformed where link syntax makes plain that a link was meant. `raw` is
    `note.text[start:end]`: the target as written, but for a reference such as `[text][label]`, where it is the whole
    reference, since the target stands in its definition, which is an occurrence of its own, and for a wiki link, where
    it is all of `[[target|label]]` (`url` is the target). In a notebook it is the target as its JSON writes it. A note
    whose ending no format has gives nothing.

    Links that the comments of `crawler.notes.ignore` take away are left out. Never raises.
    """
    reading = _read(note)
    lines = Lines(note.text)
    links = chain(reading.links, _in_code(note.text, reading.code) if code else ())
    kept = without_ignored(sorted(links, key=lambda link: (link.start, link.end)), lines, reading.code)
    return [_occurrence(note, lines, link, titled=reading.titled) for link in kept]


def _read(note: Note) -> Reading:
    form = format_of(note.path)
    return form.read(note.text) if form else Reading()


def _in_code(text: str, code: tuple[Span, ...]) -> list[Found]:
    """The addresses in code, as written there."""
    outside, done = [], 0
    for span in sorted(code, key=lambda span: span.start):
        outside.append(Span(done, max(span.start, done)))
        done = max(done, span.end)
    outside.append(Span(done, len(text)))
    hidden = cover(text, outside, "\0")
    return [Found(s.start, s.end, text[s.start : s.end], Kind.CODE) for s in bare_urls(hidden)]


def _occurrence(note: Note, lines: Lines, link: Found, *, titled: bool) -> Occurrence:
    line = lines.index(link.start)
    bare = link.kind in (Kind.BARE, Kind.AUTOLINK) and not titled
    return Occurrence(
        path=note.path,
        line=line + 1,
        column=link.start - lines.starts[line] + 1,
        url=link.url,
        raw=note.text[link.start : link.end],
        kind=link.kind,
        note_title=bare_title(link, lines) if bare else link_title(link.title),
        start=link.start,
        end=link.end,
    )

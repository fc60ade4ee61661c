"""What an edit changed: which lines of which notes, which links on them are new, which local targets it took away.

Pure: reads the text that `git diff` printed. Running git is `git`'s work; what changed on a page, `page.sentences`'s.

The rule for new links. A link is new when it is written on an added line *and* its address stood on no line that
the same change removed, in whatever file. So a moved paragraph, a renamed note, a corrected title beside an old
address, and new line endings give no new link.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from crawler.core.model import Kind, Occurrence

Span = tuple[int, int]  # first and last line, 1-based, both included


@dataclass(frozen=True, slots=True)
class FileChange:
    """Lines of one file that a change touched. `whole`: every line is new, or git sees no lines (UTF-16)."""

    path: str
    old_path: str | None = None  # None: the file is new
    added: tuple[Span, ...] = ()  # ascending, of the new text
    removed: tuple[Span, ...] = ()  # ascending, of the old text
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """A change from `base` to the files as they are. Paths are POSIX, relative to the notes' root."""

    base: str = ""  # commit that was compared with; "" where there is none yet
    files: Mapping[str, FileChange] = field(default_factory=dict)  # by new path; deleted notes by their old one
    gone: frozenset[str] = frozenset()  # files of any kind that the change deleted or renamed away


_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ESCAPE = re.compile(rb"\\([abtnvfr\"\\]|[0-7]{3})")
_ESCAPED = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}
_LINK_MODES = (b"120000", b"160000")  # symbolic link, submodule: their "text" is not a note's


def parse_patch(patch: bytes) -> Iterator[FileChange]:
    """Read a patch made with `--unified=0 --src-prefix=a/ --dst-prefix=b/`; one value for each file with hunks.

    Lines inside hunks are counted, never interpreted, so a note about patches cannot pretend to be one.
    """
    lines = iter(patch.split(b"\n"))
    section = _Section()
    for line in lines:
        if line.startswith(b"diff --git "):
            yield from section.close()
            section = _Section()
        elif line.startswith((b"new file mode ", b"deleted file mode ", b"index ")):
            section.is_link |= line.endswith(_LINK_MODES)
        elif line.startswith(b"--- "):
            section.old = _name(line[4:], b"a/")
        elif line.startswith(b"+++ "):
            section.new = _name(line[4:], b"b/")
        elif hunk := _HUNK.match(line):
            section.add_hunk(hunk, lines)
    yield from section.close()


class _Section:
    """One file of a patch while it is read."""

    def __init__(self) -> None:
        self.old: str | None = None
        self.new: str | None = None
        self.added: list[Span] = []
        self.removed: list[Span] = []
        self.is_link = False

    def add_hunk(self, hunk: re.Match[bytes], lines: Iterator[bytes]) -> None:
        old_start, old_count, new_start, new_count = (1 if g is None else int(g) for g in hunk.groups())
        if old_count:
            self.removed.append((old_start, old_start + old_count - 1))
        if new_count:
            self.added.append((new_start, new_start + new_count - 1))
        for _ in range(old_count + new_count):
            if next(lines, b"").startswith(b"\\"):  # "\ No newline at end of file" between the two halves
                next(lines, None)

    def close(self) -> Iterator[FileChange]:
        path = self.new or self.old
        if path is not None and not self.is_link:
            yield FileChange(path, self.old, tuple(self.added), tuple(self.removed))


def _name(written: bytes, prefix: bytes) -> str | None:
    """A path after `---` or `+++`: C-quoted where it holds odd bytes, with a tab behind it where it holds spaces."""
    if written == b"/dev/null":
        return None
    if written.startswith(b'"'):
        written = _ESCAPE.sub(_unescape, written[1:].rstrip(b"\t").removesuffix(b'"'))
    else:
        written = written.removesuffix(b"\t")
    return written.removeprefix(prefix).decode("utf-8", "surrogateescape")


def _unescape(found: re.Match[bytes]) -> bytes:
    code = found[1]
    return bytes([int(code, 8) & 0xFF]) if len(code) == 3 else _ESCAPED.get(code, code)


def touches(spans: tuple[Span, ...], first: int, last: int) -> bool:
    """Whether any span shares a line with first..last."""
    at = bisect_right(spans, (last, float("inf")))
    return at > 0 and spans[at - 1][1] >= first


def new_occurrences(
    now: Iterable[Occurrence],
    changes: Changes,
    before: Iterable[Occurrence] = (),
    key: Callable[[Occurrence], str] = lambda occurrence: occurrence.url,
) -> list[Occurrence]:
    """The links that a change wrote.

    `now`: occurrences in the notes as they are; `before`: those in the base's text of the changed notes
    (`git.base_texts`), under their old paths; `key`: what makes two links the same, at best the canonical URL.
    """
    old_files = {file.old_path: file for file in changes.files.values() if file.old_path is not None}
    old_keys = {key(o) for o in before if o.path in old_files and _is_on(o, old_files[o.path], old=True)}
    written = (o for o in now if o.path in changes.files and _is_on(o, changes.files[o.path], old=False))
    return [o for o in written if key(o) not in old_keys]


def _is_on(occurrence: Occurrence, file: FileChange, *, old: bool) -> bool:
    last = occurrence.line + occurrence.raw.count("\n")
    return file.whole or touches(file.removed if old else file.added, occurrence.line, last)


def broken_targets(
    gone: Collection[str],
    occurrences: Iterable[Occurrence],
    exists: Callable[[str], bool],
    places_of: Callable[[Occurrence], Iterable[str]],
) -> list[Occurrence]:
    """Local targets that the change took away: they, or a folder that held them, are among `gone` files.

    `places_of` names every path that would do for a target; `exists` is asked only about those that the change touched.
    Both speak of paths relative to the notes' root.
    """
    touched = {part for path in gone for part in (*_with_folders(path), *_permalinks(path))}
    found = []
    for occurrence in occurrences if touched else ():
        at = [place for place in places_of(occurrence) if place in touched]
        if occurrence.kind is Kind.LOCAL and at and not any(exists(place) for place in at):
            found.append(occurrence)
    return found


def _with_folders(path: str) -> Iterator[str]:
    while path and path != ".":
        yield path
        path = posixpath.dirname(path)


_POST = re.compile(r"(?:.*/)?(\d{4})-(\d{1,2})-(\d{1,2})-([^/]+)\.[a-z]+")


def _permalinks(path: str) -> Iterator[str]:
    """What other notes call a post of Jekyll's: by its date and name."""
    if found := _POST.fullmatch(path):
        yield from ("/".join(found.groups()), f"{'/'.join(found.groups())}.html")

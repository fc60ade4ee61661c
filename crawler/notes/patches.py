"""Edits of a note as a unified diff: for eyes, and in the note's own bytes for `git apply` and `patch`.

Pure. What is edited is `mending`'s, how edits are made `edits`'.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from crawler.core.model import Note
from crawler.notes.edits import Edit, apply

CONTEXT = 3  # unchanged lines round a change in a unified diff; what `diff -u` and git print


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines first..last-1 (0-based) of the old text, and what becomes of them."""

    first: int
    last: int
    new: tuple[str, ...]


def unified_diff(note: Note, edits: Sequence[Edit]) -> str:
    """The edits as `git apply` and `patch -p1` read them; "" for none. Takes time linear in the note."""
    apply(note, edits)  # refuses what does not fit
    old = note.text.split("\n")
    ends = [*accumulate(len(line) + 1 for line in old)]
    hunks: list[list[_Block]] = []
    for block in _blocks(note, edits, ends):
        if hunks and block.first - hunks[-1][-1].last <= 2 * CONTEXT:
            hunks[-1].append(block)
        else:
            hunks.append([block])
    if not hunks:
        return ""
    lines, grown = [f"--- {_quoted(f'a/{note.path}')}", f"+++ {_quoted(f'b/{note.path}')}"], 0
    for hunk in hunks:
        lines += _hunk(old, hunk, grown)
        grown += sum(len(block.new) - (block.last - block.first) for block in hunk)
    return "\n".join(lines) + "\n"


def patch(note: Note, edits: Sequence[Edit]) -> bytes:
    """`unified_diff` in the note's own bytes, so that `git apply` takes it whatever the encoding; b"" for none.

    Lines are those of the bytes, as git sees them: it knows nothing of UTF-16.
    """
    starts = [*accumulate((len(part.encode(note.encoding)) for part in _between(note.text, edits)), initial=0)]
    ordered = sorted(set(edits), key=lambda edit: edit.start)
    as_bytes = [
        replace(
            edit,
            start=starts[2 * n + 1],
            end=starts[2 * n + 2],
            old=edit.old.encode(note.encoding).decode("latin-1"),
            new=edit.new.encode(note.encoding).decode("latin-1"),
        )
        for n, edit in enumerate(ordered)
    ]
    body = unified_diff(replace(note, text=note.text.encode(note.encoding).decode("latin-1")), as_bytes)
    if not body:
        return b""
    _, _, rest = body.split("\n", 2)
    head = f"--- {_quoted(f'a/{note.path}')}\n+++ {_quoted(f'b/{note.path}')}\n"
    return head.encode("utf-8", "surrogateescape") + rest.encode("latin-1")


def _between(text: str, edits: Sequence[Edit]) -> Iterator[str]:
    """The text cut at every edit: what stands before the first, the first, what stands before the second, ..."""
    at = 0
    for edit in sorted(set(edits), key=lambda edit: edit.start):
        yield text[at : edit.start]
        yield text[edit.start : edit.end]
        at = edit.end


def _blocks(note: Note, edits: Sequence[Edit], ends: list[int]) -> Iterator[_Block]:
    """The changed runs of lines; edits that share a line share a run."""
    runs: list[tuple[int, int, list[Edit]]] = []
    for edit in sorted(set(edits), key=lambda e: e.start):
        first, last = bisect_right(ends, edit.start), bisect_right(ends, max(edit.start, edit.end - 1)) + 1
        if runs and first < runs[-1][1]:
            runs[-1] = (runs[-1][0], last, [*runs[-1][2], edit])
        else:
            runs.append((first, last, [edit]))
    for first, last, inside in runs:
        start = ends[first - 1] if first else 0
        moved = [replace(edit, start=edit.start - start, end=edit.end - start) for edit in inside]
        slice_of_it = replace(note, text=note.text[start : ends[last - 1] - 1])
        yield _Block(first, last, tuple(apply(slice_of_it, moved).split("\n")))


def _hunk(old: list[str], blocks: list[_Block], grown: int) -> Iterator[str]:
    count = len(old) - (old[-1] == "")  # a text that ends with a line feed has no line behind it
    first, last = max(0, blocks[0].first - CONTEXT), min(count, blocks[-1].last + CONTEXT)
    size = last - first + sum(len(block.new) - (block.last - block.first) for block in blocks)
    yield f"@@ -{first + 1},{last - first} +{first + 1 + grown},{size} @@"
    at = first
    for block in blocks:
        yield from (f" {line}" for line in old[at : block.first])
        yield from _marked("-", old[block.first : block.last], at_end=block.last == len(old))
        yield from _marked("+", block.new, at_end=block.last == len(old))
        at = block.last
    yield from _marked(" ", old[at:last], at_end=last == len(old) and at < last)


def _marked(sign: str, lines: Sequence[str], *, at_end: bool) -> Iterator[str]:
    yield from (f"{sign}{line}" for line in lines)
    if at_end:
        yield "\\ No newline at end of file"


def _quoted(path: str) -> str:
    """A path as git writes it: C-quoted where it holds odd characters, with a tab behind one with spaces."""
    if re.search(r'[\x00-\x1f"\\\x7f\ud800-\udfff]', path):
        encoded = path.encode("utf-8", "surrogateescape")
        return '"' + "".join(_octal(byte) for byte in encoded) + '"'
    return f"{path}\t" if " " in path else path


def _octal(byte: int) -> str:
    return chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\{byte:03o}"

"""The sentences of a text, and which of them are others in the text of a later capture.

Pure: whoever shows the difference fetched or read both texts. Which lines of a note changed is `notes.changes`'s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

MAX_SENTENCES = 20_000  # a text of more is compared with its rest as one; bounds memory to n*m/8 bytes (50 MB)


class SentenceChange(StrEnum):
    """What became of a run of sentences."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class SentenceEdit:
    """A run of sentences that share one fate; `old` is empty where they were added, `new` where removed."""

    change: SentenceChange
    old: tuple[str, ...]
    new: tuple[str, ...]


# A sentence ends after full-width stops with the quotes that close it, or after an English stop that a space and
# something other than a small letter follow ("e.g. this" goes on), or at the end of a line.
_END = re.compile(r"[。！？；…]+[”’」』）】》\"']*|[.!?]+[\"'”’)\]]*(?=\s+[^\sa-z])|\n+")


def sentences(text: str) -> list[str]:
    """The sentences of a Chinese or English text, trimmed, without empty ones."""
    found, start = [], 0
    for end in _END.finditer(text):
        found.append(text[start : end.end()])
        start = end.end()
    found.append(text[start:])
    return [" ".join(sentence.split()) for sentence in found if sentence.strip()]


def sentence_diff(old: str, new: str) -> list[SentenceEdit]:
    """Compare two texts sentence by sentence; equal texts give at most one SAME run."""
    before, after = _bounded(sentences(old)), _bounded(sentences(new))
    edits: list[SentenceEdit] = []
    for tag, i1, i2, j1, j2 in _opcodes(before, after):
        one, other = tuple(before[i1:i2]), tuple(after[j1:j2])
        if tag == "equal":
            edits.append(SentenceEdit(SentenceChange.SAME, one, other))
        elif edits and edits[-1].change is not SentenceChange.SAME:
            edits[-1] = _edit(edits[-1].old + one, edits[-1].new + other)
        else:
            edits.append(_edit(one, other))
    return edits


def _opcodes(before: list[str], after: list[str]) -> list[tuple[str, int, int, int, int]]:
    from rapidfuzz.distance import Indel  # a page that is only split does not wait for it

    return [(op.tag, op.src_start, op.src_end, op.dest_start, op.dest_end) for op in Indel.opcodes(before, after)]


def _edit(old: tuple[str, ...], new: tuple[str, ...]) -> SentenceEdit:
    change = SentenceChange.REPLACED if old and new else SentenceChange.REMOVED if old else SentenceChange.ADDED
    return SentenceEdit(change, old, new)


def _bounded(found: list[str]) -> list[str]:
    if len(found) <= MAX_SENTENCES:
        return found
    return [*found[:MAX_SENTENCES], "\n".join(found[MAX_SENTENCES:])]

"""Chinese text for a word index: pairs of characters, made here, so that SQLite's own tokenizer can do the rest.

Pure functions: text to index terms, a person's query to an FTS5 expression, text to a snippet. Tables and ranking
are `search`'s. 语音识别 is indexed as 语音 音识 识别 别 (the last character alone, so that a single character is found
as the beginning of some term), and asked for as the phrase "语音 音识 识别".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import add
from typing import Final

MAX_TEXT: Final = 200_000  # characters of one page that are indexed; the longest real article has 79,000
MAX_QUERY: Final = 1_000  # characters
_MAX_TERMS = 32

_CJK = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(f"[{_CJK}]+")
_RUNS = re.compile(f"([{_CJK}]+)")  # to split by: runs are what stands at odd places
_WIDE = {wide: unicodedata.normalize("NFKC", wide) for wide in "，：；！？（）"}  # what Chinese text is full of
_TERM = re.compile(r'(-?)(?:(site|state|before|after):)?(?:"([^"]*)"?|(\S+))')
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")
_SPACE = re.compile(r"\s+")


def folded(text: str) -> str:
    """Full-width letters and compatibility forms as the plain ones."""
    if text.isascii():
        return text
    for wide, plain in _WIDE.items():  # one by one: most pages need no more, and normalising takes 20 times as long
        text = text.replace(wide, plain)
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)


def terms(text: str) -> str:
    """Text as it is indexed; the tokenizer of SQLite splits the rest."""
    if text.isascii():
        return text[:MAX_TEXT]
    pieces = _RUNS.split(folded(text[:MAX_TEXT]))
    pieces[1::2] = map(_pairs, pieces[1::2])
    return "".join(pieces)


def _pairs(run: str) -> str:
    return f" {' '.join(map(add, run, run[1:]))} {run[-1]} "


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed search: an FTS5 expression, the words to mark, and filters.

    Days are UTC; `after` includes its day, `before` does not.
    """

    match: str  # "" where only filters were given
    needles: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    before: date | None = None
    after: date | None = None


@dataclass(slots=True)
class _Parts:
    wanted: list[str] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)
    needles: list[str] = field(default_factory=list)
    filters: dict[str, list[str]] = field(default_factory=dict)


def parse_query(text: str) -> Query:
    """Words (all must occur), "phrases", word*, -word, site:, state:, before: and after: dates. Raises ValueError."""
    parts = _Parts()
    for match in list(_TERM.finditer(text[:MAX_QUERY]))[:_MAX_TERMS]:
        _take(parts, match)
    expression = " AND ".join(parts.wanted)
    if parts.unwanted and expression:
        expression = f"({expression}) NOT ({' OR '.join(parts.unwanted)})"
    return Query(
        expression,
        tuple(parts.needles),
        tuple(parts.filters.get("site", ())),
        tuple(parts.filters.get("state", ())),
        _day(parts.filters, "before"),
        _day(parts.filters, "after"),
    )


def _take(parts: _Parts, match: re.Match[str]) -> None:
    minus, name, quoted, plain = match.groups()
    value = quoted if quoted is not None else plain
    if name and value:
        parts.filters.setdefault(name, []).append(value.lower())
        return
    phrase = expression(value, prefix=quoted is None and value.endswith("*"))
    if phrase and minus:
        parts.unwanted.append(phrase)
    elif phrase:
        parts.wanted.append(phrase)
        parts.needles.append(folded(value).strip("*"))


def expression(text: str, *, prefix: bool = False) -> str:
    """One word or phrase as an FTS5 string; "" where nothing in it can be searched for."""
    text = folded(text.replace('"', " ").replace("\0", " ")).strip("* ")
    if not any(character.isalnum() for character in text):
        return ""
    last = _RUN.search(text, max(len(text) - 1, 0))
    runs = list(_RUN.finditer(text))
    pieces, at = [], 0
    for run in runs:
        pieces.append(text[at : run.start()])
        whole = run.end() == len(text) and len(run[0]) > 1  # the term of its last character alone may be elsewhere
        pieces.append(" ".join(map(add, run[0], run[0][1:])) if whole else _pairs(run[0]))
        at = run.end()
    pieces.append(text[at:])
    single = last is not None and len(runs[-1][0]) == 1  # one character: the beginning of a pair, or a run's last
    phrase = _SPACE.sub(" ", " ".join(pieces)).strip()
    return f'"{phrase}"{"*" if prefix or single else ""}'


def _day(filters: dict[str, list[str]], name: str) -> date | None:
    values = filters.get(name)
    if not values:
        return None
    match = _DATE.fullmatch(values[-1])
    if not match:
        raise ValueError(f"{name}:{values[-1]} is no date: write {name}:2024-05-31, {name}:2024-05 or {name}:2024")
    year, month, day = (int(part) if part else None for part in match.groups())
    return date(year or 1, month or 1, day or 1)


def snippet(text: str, needles: Sequence[str], width: int = 120) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Some `width` characters round the first needle on one line, and where needles stand in them."""
    wanted = [_SPACE.sub(r"\\s+", re.escape(needle)) for needle in needles if needle]
    pattern = re.compile("|".join(sorted(wanted, key=len, reverse=True)), re.IGNORECASE) if wanted else None
    first = pattern.search(text) if pattern else None
    start = max(0, first.start() - width // 3) if first else 0
    cut = text[start : start + width]
    line = _SPACE.sub(" ", cut).strip()
    line = ("…" if start else "") + line + ("…" if start + width < len(text) else "")
    return line, tuple(match.span() for match in pattern.finditer(line)) if pattern else ()

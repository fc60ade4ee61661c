"""Chinese text for a word index: pairs of characters, made here, so that SQLite's own tokenizer can do the rest.

Pure functions: text to index terms, a person's query to FTS5 expressions, text to a snippet. Tables are `documents`',
ranking is `search`'s. 语音识别 is indexed as 语音 音识 识别 别 (the last character alone, so that a phrase may end
there), and asked for as the phrase "语音 音识 识别". Traditional characters count as their simplified ones, and a word
that a line break of the source cuts in two is one word.
"""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from operator import add
from typing import Final

from crawler.archive.spellings import as_model, goes_on, indexed_beside, marked, written_also
from crawler.core.model import State
from crawler.core.patterns import LazyPattern

MAX_TEXT: Final = 200_000  # characters of one page that are indexed; the longest real article has 79,000
MAX_QUERY: Final = 1_000  # characters
TERMS: Final = 5  # version of what `terms` and `characters` make of a text
_MAX_TERMS = 32

_CJK = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_UNSPACED: Final = f"{_CJK}\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff"  # and Thai, Lao, Burmese, Khmer
_RUN = LazyPattern(f"[{_UNSPACED}]+")
_RUNS = LazyPattern(f"([{_UNSPACED}]+)")  # to split by: runs are what stands at odd places
# Vowels of these scripts are marks, at which SQLite's tokenizer would split: letters of private use stand for them.
_VOWELS: Final = (
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u1056-\u1059\u17b4-\u17d3"
)
_VOWEL = LazyPattern(f"[{_VOWELS}]")
_BREAK = LazyPattern(f"[ \\n](?<=[{_CJK}].)(?=[{_CJK}])", re.DOTALL)  # HTML turns a line break into a space
_HAN = LazyPattern("[\u3400-\u4dbf\u4e00-\u9fff]")
# Points and strokes of Arabic (U+0640 is a stroke that makes words longer) and Hebrew, which few people type.
_POINTS: Final = (
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed"
)
_POINTED = LazyPattern("[\u0591-\u06ff]")
# Soft hyphens and the like stand inside words.
_UNSEEN = LazyPattern(f"[\u00ad\u200b-\u200d\u2060\ufe0e\ufe0f\ufeff{_POINTS}]+")
# Forms of one letter that people type for each other: Arabic's (as Lucene's ArabicNormalizer has them), Persian's.
_ALIKE: Final = str.maketrans("أإآٱىةیک", "اااايهيك")
_DRAWN: Final = "\u231a\u231b\u23e9-\u23fa\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"  # emoji, for a class
_EMOJI = LazyPattern(f"[{_DRAWN}]")
_SPELLED: Final = (("ß", "ss"), ("ё", "е"), ("Ё", "Е"))  # letters that people type as others, and SQLite does not fold
_WIDE = {wide: unicodedata.normalize("NFKC", wide) for wide in "，：；！？（）"}  # what Chinese text is full of
_QUOTES: Final = dict.fromkeys(map(ord, "“”„‟«»‹›「」『』｢｣〝〞〟＂《》〈〉【】〖〗"), '"')
_NAMED = LazyPattern(r"(?i)\b(site|state|before|after)：")
_TERM = LazyPattern(r'([-－]?)(?:(site|state|before|after):)?(?:"([^"]*)"?|([^\s"]+))')
_STOPS = LazyPattern(f"[，。！？；：、…—～·（）［］｛｝〔〕‘’]+|(?<=[{_CJK}])[,;:!?/|]+(?=[{_CJK}])")
_EDGES = LazyPattern(rf"^(?:[^\w{_DRAWN}{_VOWELS}]|_)+|(?:[^\w{_DRAWN}{_VOWELS}]|_)+$")
_DATE = LazyPattern(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")
_SPACE = LazyPattern(r"\s+")
_SEPARATOR = "\x01"  # stands in no run
_CODES = f"utf-32-{sys.byteorder[0]}e"  # a number of four bytes for each character


@dataclass(frozen=True, slots=True)
class IndexTerms:
    """A text as the search index holds it."""

    text: str
    characters: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What is indexed of one kept text: the columns of `words`, and all single characters."""

    capture: int
    text: str
    title: str
    names: str
    characters: str


@functools.cache
def stamp() -> str:
    """What the terms of an index depend on: their version here, and that of the table of characters."""
    from importlib import metadata  # 10 ms, and readers do without

    return f"{TERMS}/{metadata.version('opencc')}"


@functools.cache
def _simplified() -> tuple[dict[str, str], re.Pattern[str]]:
    """Traditional characters with their simplified ones, one to one, by OpenCC's table; and what finds one."""
    import opencc  # 30 ms, and most commands never search

    characters = [chr(n) for n in (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000))]
    plain = opencc.OpenCC("t2s").convert("\n".join(characters)).split("\n")
    table = {a: b for a, b in zip(characters, plain, strict=True) if a != b and len(b) == 1}
    return table, re.compile(f"[{''.join(table)}]")


def simplified(text: str) -> str:
    """The text with simplified characters, of the same length."""
    if text.isascii() or not _HAN.search(text):
        return text
    table, any_traditional = _simplified()
    return any_traditional.sub(lambda found: table[found[0]], text)  # `translate` raises inside for all others


def folded(text: str, *, simplify: bool = True) -> str:
    """Text as it is compared: plain letters for full-width and compatibility forms, simplified for traditional ones."""
    if text.isascii():
        return text
    for wide, plain in _WIDE.items():  # one by one: most pages need no more, and normalising takes 20 times as long
        text = text.replace(wide, plain)
    text = text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)
    if not simplify:
        return text
    for letter, plain in _SPELLED:
        text = text.replace(letter, plain)
    text = text.translate(_ALIKE) if _POINTED.search(text) else text
    return _BREAK.sub("", _UNSEEN.sub("", simplified(text)))


def _emoji(text: str) -> list[str]:
    """A word for each emoji in a folded text: SQLite's tokenizer leaves them out, so that a phrase goes on past one."""
    return [] if text.isascii() else [f"u{ord(one):x}" for one in dict.fromkeys(_EMOJI.findall(text))]


def terms(text: str) -> str:
    """Text as it is indexed; the tokenizer of SQLite splits the rest."""
    return index_terms(text).text


def index_terms(text: str) -> IndexTerms:
    """`terms` and `characters` of a text at once."""
    plain = folded(text[:MAX_TEXT])
    also = [f" {name}" for name in (*indexed_beside(plain), *_emoji(plain))]
    if text.isascii():
        return IndexTerms("".join([plain, *also]), "")
    pieces = _RUNS.split(plain)
    runs = pieces[1::2]
    pieces[1::2] = _all_pairs(runs)
    pieces += also
    return IndexTerms("".join(pieces), " ".join(dict.fromkeys(_lettered("".join(runs)))))


def terms_of(capture: int, title: str, names: str, text: str) -> Terms:
    """Everything that is indexed of a text."""
    made = index_terms(text)
    return Terms(capture, made.text, terms(title), terms(names), characters_of(title, names, text, made))


def characters_of(title: str, names: str, text: str, made: IndexTerms) -> str:
    """`characters` of a document; `made` are the terms of its text alone."""
    if len(title) + len(names) + len(text) + 2 > MAX_TEXT:  # else the cut is where it always was
        return characters(f"{title}\n{names}\n{text}")
    others = characters(f"{title}\n{names}")
    new = f" {made.characters}"
    for one in others.split():  # a few, and the text has hundreds
        new = new.replace(f" {one}", "")
    return f"{others}{new}".strip()


def _all_pairs(runs: list[str]) -> list[str]:
    """The terms of each run. All runs at once by slices of one array, which is many times faster than one by one."""
    if not runs:
        return []
    joined = array("I", _lettered(_SEPARATOR.join(runs)).encode(_CODES, "surrogatepass"))
    made = array("I", [ord(" ")]) * (3 * len(joined))
    made[0::3] = joined
    joined.append(ord(_SEPARATOR))
    made[1::3] = joined[1:]
    # Now "ab bc c\x01 \x01d de e\x01 ": what lies between two runs begins with the second one's first character.
    text = made.tobytes().decode(_CODES, "surrogatepass")
    first, *others = text[:-2].split(f"{_SEPARATOR} {_SEPARATOR}")
    return [f" {first} ", *(f" {other[2:]} " for other in others)]


def _lettered(run: str) -> str:
    """A run whose vowel marks are letters to the tokenizer: of private use."""
    return _VOWEL.sub(lambda found: chr(0xE000 + (ord(found[0]) & 0xFFF)), run)


def characters(text: str) -> str:
    """The different Chinese characters of a text, as terms of their own: a single one is asked for by them."""
    if text.isascii():
        return ""
    return " ".join(dict.fromkeys(_lettered("".join(_RUN.findall(folded(text[:MAX_TEXT]))))))


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed search: FTS5 expressions, the words to mark, and filters.

    Days are UTC; `after` includes its day, `before` does not.
    """

    match: str  # of everything that is asked, "" where only filters were given
    needles: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    before: date | None = None
    after: date | None = None
    ranked: str = ""  # the same without single Chinese characters, which are
    singles: str = ""  # asked for here, in `characters`
    without: str = ""  # and must not stand there


@dataclass(slots=True)
class _Parts:
    simplify: bool
    numbered: bool
    wanted: list[str] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)
    wanted_singles: list[str] = field(default_factory=list)
    unwanted_singles: list[str] = field(default_factory=list)
    needles: list[str] = field(default_factory=list)
    before: str = ""  # the word that was taken last, where it is the last of `wanted`
    filters: dict[str, list[str]] = field(default_factory=dict)


def parse_query(text: str, *, simplify: bool = True, numbered: bool = False) -> Query:
    """Words (all must occur), "phrases", word*, -word, site:, state:, before: and after: dates. Raises ValueError.

    `numbered`: a word counts also where a number is written to it, and in other spellings (`spellings`).

    Quotation marks of any script are quotation marks, other punctuation round a word is none of it.
    """
    parts = _Parts(simplify, numbered)
    plain = _NAMED.sub(r"\1:", text[:MAX_QUERY].translate(_QUOTES))
    for match in list(_TERM.finditer(plain))[:_MAX_TERMS]:
        _take(parts, match)
    if (parts.unwanted or parts.unwanted_singles) and not (parts.wanted or parts.wanted_singles):
        raise ValueError("-word only leaves pages out: write a word that must occur, too")
    singles = [f'"{single}"*' for single in parts.wanted_singles]
    unwanted = [f'"{single}"*' for single in parts.unwanted_singles]
    return Query(
        _expression([*parts.wanted, *singles], [*parts.unwanted, *unwanted]),
        tuple(parts.needles),
        tuple(parts.filters.get("site", ())),
        tuple(parts.filters.get("state", ())),
        _day(parts.filters, "before"),
        _day(parts.filters, "after"),
        _expression(parts.wanted, parts.unwanted),
        " AND ".join(f'"{single}"' for single in parts.wanted_singles),
        " OR ".join(f'"{single}"' for single in parts.unwanted_singles) if parts.wanted or singles else "",
    )


def _expression(wanted: list[str], unwanted: list[str]) -> str:
    expression = " AND ".join(wanted)
    return f"({expression}) NOT ({' OR '.join(unwanted)})" if unwanted and expression else expression


def _take(parts: _Parts, match: re.Match[str]) -> None:
    minus, name, quoted, plain = match.groups()
    value = quoted if quoted is not None else plain
    if name and value:
        parts.filters.setdefault(name, []).append(_filter(name, value.lower()))
        return
    for word in [value] if quoted is not None else _STOPS.split(value):
        text = _word(word, simplify=parts.simplify)
        if not text:
            continue
        if not minus:
            parts.needles.append(text)
        if len(text) == 1 and _RUN.match(text):
            (parts.unwanted_singles if minus else parts.wanted_singles).append(_lettered(text))
        else:
            found = parts.unwanted if minus else parts.wanted
            if drawn := _emoji(text):
                found += [f'"{name}"' for name in drawn]
                parts.before = ""
            if not _EMOJI.sub("", text).strip():
                continue
            prefix = quoted is None and word.endswith("*")
            if minus or prefix or quoted is not None or not parts.numbered:
                mark = marked(folded(word)) if parts.simplify and quoted is None else ""
                found.append(f'"{mark}"' if mark else _phrase(text, prefix=prefix))
                parts.before = ""
            else:
                _take_any(parts, text)


def _take_any(parts: _Parts, word: str) -> None:
    """A word in any of its spellings; a name and the number behind it also as one word."""
    parts.wanted.append(_any(_wider(parts, word)))
    if parts.before and (model := as_model(parts.before, word)):
        number, name = parts.wanted.pop(), parts.wanted.pop()
        parts.wanted.append(_any([f"({name} AND {number})", *_wider(parts, model)]))
        word = ""
    parts.before = word


def _wider(parts: _Parts, word: str) -> list[str]:
    """FTS5 strings any of which stands for a word, the word itself first; other spellings are needles, too."""
    ways = written_also(word)
    parts.needles += ways
    return [_phrase(word), *map(_phrase, ways), *(f'"{beginning}"*' for beginning in goes_on(word))]


def _any(expressions: list[str]) -> str:
    return expressions[0] if len(expressions) == 1 else f"({' OR '.join(expressions)})"


def _filter(name: str, value: str) -> str:
    """The value of a filter. Raises ValueError for a state that is none."""
    if name == "state" and value not in (states := [state.value for state in State]):
        raise ValueError(f"state:{value} is no state: write one of {', '.join(f'state:{state}' for state in states)}")
    return value


def _word(text: str, *, simplify: bool) -> str:
    """A word or phrase as it is compared, without punctuation round it; "" where nothing in it can be searched for."""
    return _EDGES.sub("", folded(text.replace('"', " ").replace("\0", " "), simplify=simplify))


def expression(text: str, *, prefix: bool = False) -> str:
    """One word or phrase as an FTS5 string; "" where nothing in it can be searched for."""
    word = _word(text, simplify=True)
    return _phrase(word, prefix=prefix) if word else ""


def _phrase(text: str, *, prefix: bool = False) -> str:
    """A word or phrase that `_word` made, as an FTS5 string."""
    runs = list(_RUN.finditer(text))
    pieces, at = [], 0
    for run in runs:
        pieces.append(text[at : run.start()])
        whole = run.end() == len(text) and len(run[0]) > 1  # the term of its last character alone may be elsewhere
        letters = _lettered(run[0])
        pieces.append(" ".join(map(add, letters, letters[1:])) if whole else _all_pairs([run[0]])[0])
        at = run.end()
    pieces.append(text[at:])
    single = bool(runs) and runs[-1].end() == len(text) and len(runs[-1][0]) == 1  # the beginning of a pair, or alone
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


_PLAIN: Final = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}  # full-width forms, one to one


def snippet(text: str, needles: Sequence[str], width: int = 120) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Some `width` characters round the first needle on one line, and where needles stand in them.

    Needles are found as they are searched for: in either script, and across a line break of the source.
    """
    wanted = [_pattern(needle) for needle in needles if needle]
    pattern = re.compile("|".join(sorted(wanted, key=len, reverse=True)), re.IGNORECASE) if wanted else None
    compared = _compared(text)
    first = pattern.search(compared) if pattern else None
    start = max(0, first.start() - width // 3) if first else 0
    cut = text[start : start + width]
    line = _SPACE.sub(" ", cut).strip()
    line = ("…" if start else "") + line + ("…" if start + width < len(text) else "")
    return line, tuple(match.span() for match in pattern.finditer(_compared(line))) if pattern else ()


def _compared(text: str) -> str:
    """The text as needles are, of the same length."""
    return text if text.isascii() else simplified(text.translate(_PLAIN).translate(_ALIKE))


def _pattern(needle: str) -> str:
    """A needle with any white space where it has some, and one between Chinese characters."""
    parts = [re.escape(needle[0])]
    for before, after in pairwise(needle):
        between = r"\s?" if _RUN.match(before) and _RUN.match(after) else ""
        if _POINTED.match(before):
            between = f"[{_POINTS}]*"
        parts.append(between + (r"\s+" if after.isspace() else re.escape(after)))
    return "".join(parts).replace(r"\s+\s+", r"\s+")

"""Ways to write one word: e-mail and email, GPT-4o and GPT4o, a name with its version or its marks (C++, .NET).

Pure functions for both sides of a search: which words are indexed beside a text, and what else a person may mean by
one. What is said of any text or expression as a whole is `words`'s.
"""

from __future__ import annotations

from typing import Final

from crawler.core.patterns import LazyPattern

MAX_NUMBERS: Final = 200  # of one text; a list of all releases has more
_APART: Final = "\uf8fe"  # a word that nobody types: no phrase goes from one of these words to the next

_HYPHENED = LazyPattern(r"(?<![\w-])[A-Za-z\u00c0-\u052f]{1,20}(?:-[A-Za-z\u00c0-\u052f]{1,20}){1,2}(?![\w-])")
# The numbers of v18.2.1, Python3.11.4, 3.5mm: the tokenizer makes one word of a letter and what is written to it.
_VERSION = LazyPattern(r"(?<=[A-Za-z])\d{1,6}(?:\.\d{1,6}){1,4}|(?<![\d.])\d{1,6}(?:\.\d{1,6}){1,4}(?=[A-Za-z])")
_MARKED = LazyPattern(r"(?<![A-Za-z0-9_+#])[A-Za-z]{1,20}(?:\+\+(?![A-Za-z_+#])|[+#](?![A-Za-z0-9_+#]))")  # C++, C#
_DOTTED = LazyPattern(r"(?<![A-Za-z0-9_.])\.[A-Za-z]{2,12}(?![A-Za-z0-9_])")  # .NET
_SUFFIXED = LazyPattern(r"(?<![A-Za-z0-9_.])[A-Za-z][A-Za-z0-9]{0,19}\.(?i:js|net|io|ai)(?![A-Za-z0-9_]|\.[A-Za-z])")
# What a text must hold for three of these to match, found sooner than they are.
_POINT = LazyPattern(r"\.(?<![A-Za-z0-9_.]\.)[A-Za-z]")
_SUFFIX = LazyPattern(r"\.(?i:js|net|io|ai)(?![A-Za-z0-9_])")
_DECIMAL = LazyPattern(r"\.(?<=\d\.)\d")
_MARKS: Final = str.maketrans({"+": "plus", "#": "sharp", ".": "dot"})

_LETTERS = LazyPattern("[A-Za-z]{2,30}")
_MODEL = LazyPattern(r"([A-Za-z]{1,30})([-.]?)(\d[A-Za-z0-9]{0,10}(?:\.\d{1,6}){0,4})")  # iPhone15, GPT-4o
_NUMBER = LazyPattern(r"\d[A-Za-z0-9]{0,10}(?:\.\d{1,6}){0,4}")
_DIGITS = LazyPattern(r"\d{1,6}(?:-\d{1,6}){1,4}")  # of telephones
_DAY = LazyPattern(r"(\d{4})([-./]|年)(\d{1,2})(?:[-./]|月)(\d{1,2})日?")


def indexed_beside(text: str) -> list[str]:
    """The words that are indexed behind a folded text, so that they are found in it."""
    text = text.replace("\u2010", "-")
    words = text.split()  # a pattern would try each letter of those without a sign, which most are

    def found(pattern: LazyPattern, sign: str, near: LazyPattern | None = None) -> list[str]:
        if sign not in text or (near and not near.search(text)):
            return []
        return pattern.findall(" ".join([word for word in words if sign in word]))

    beside = dict.fromkeys(word.replace("-", "") for word in found(_HYPHENED, "-"))
    marks = (*found(_MARKED, "+"), *found(_MARKED, "#"), *found(_DOTTED, ".", _POINT))
    beside |= dict.fromkeys(word.translate(_MARKS) for word in marks)
    beside |= dict.fromkeys(word.replace(".", "") for word in found(_SUFFIXED, ".", _SUFFIX))
    numbers = list(dict.fromkeys(found(_VERSION, ".", _DECIMAL)))[:MAX_NUMBERS]
    return [*beside, *(f"{_APART} {number}" for number in numbers)]


def marked(word: str) -> str:
    """The word that is indexed for a name with its marks, which the tokenizer leaves out (C++, .NET); "" for others."""
    word = word.strip("\"'()[]{},;:!?“”‘’")
    return word.translate(_MARKS) if _MARKED.fullmatch(word) or _DOTTED.fullmatch(word) else ""


def written_also(word: str) -> tuple[str, ...]:
    """Other ways to write a word, each a word or phrase; nothing where there is none."""
    if day := _DAY.fullmatch(word):
        year, month, of_month = day[1], int(day[3]), int(day[4])
        ways = [f"{year}-{month:02}-{of_month:02}", f"{year}-{month}-{of_month}"]
        ways += [f"{year}年{month}月{of_month}日", f"{year}年{month:02}月{of_month:02}日"]
    elif model := _MODEL.fullmatch(word):
        name, between, number = model.groups()
        ways = [f"{name}{number}" if between else f"{name} {number}"]
        ways += [number] if name in "vV" and "." in number else []
    elif _HYPHENED.fullmatch(word.replace("\u2010", "-")):
        ways = [word.replace("\u2010", "-").replace("-", "")]
    elif _SUFFIXED.fullmatch(word):
        ways = [word.replace(".", "")]
    else:
        ways = [word.replace("-", "")] if _DIGITS.fullmatch(word) else []
    return tuple(way for way in dict.fromkeys(ways) if way != word)


def goes_on(word: str) -> list[str]:
    """The beginnings of words that count as this one: a name with a number written to it, a number with letters.

    A version is whole: 3.11 is no kind of 3.1.
    """
    if _LETTERS.fullmatch(word):
        return [f"{word}{digit}" for digit in range(10)]
    model = _MODEL.fullmatch(word)
    if not model or "." in model[3] or len(model[1]) < 2:
        return []
    return [word, f"{model[1]}{model[3]}"] if model[2] else [word]


def as_model(name: str, number: str) -> str:
    """A name and the number that follows it, written as one word (`iPhone 15`); "" where they are none."""
    return f"{name}-{number}" if _LETTERS.fullmatch(name) and _NUMBER.fullmatch(number) else ""

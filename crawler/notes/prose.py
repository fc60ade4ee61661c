"""Where Chinese (and other letters beyond ASCII) behind a URL is its path, and where it is prose glued to it.

Pure judgement of one address; the rest of the grammar is in `scan`.
"""

from __future__ import annotations

import re
import unicodedata

from crawler.notes.hosts import is_chinese

LINE_TAIL = 80  # code points behind an address that are read to see whether its line ends there

_RUN = re.compile(r"[^\x00-\x7f]+")
_NAME_BEGINS = "/=#_-&?+~("  # a URL begins a name behind these
_GOES_ON = re.compile(r"(?:/|[-_=&#%?](?=[^\s])|\.[A-Za-z0-9])")
_GOES_ON_FAR = re.compile(r"/|\.(?:html?|php|aspx?|md|pdf)\b")
_JOINERS = "·‧・\u2010\u2011\u2013\u2212"  # between letters these are part of a name: Maxwell–Boltzmann
# Folders and query keys whose entries are words, as Chinese sites name them: /item/C语言, ?wd=python教程.
_NAMES_WORD = (
    r"/(?:wiki|item|tags?|categor(?:y|ies)|topics?|keywords?|search|view|entry|title|name|lemma)/"
    r"|[?&#](?:q|wd|word|query|keywords?|kw|search|tag)="
)
_WORD = re.compile(rf"(?:{_NAMES_WORD})[^/?&#=]*\Z", re.IGNORECASE)
_WORD_OR_TEXT = re.compile(rf"(?:{_NAMES_WORD}|[?&#](?:p|s|key|title|name|text)=|#)[^/?&#=]*\Z", re.IGNORECASE)
_SHORT_WORD = re.compile(r"[/=][A-Za-z+]{1,4}\Z")  # C语言, AI芯片, Java教程
# Words that only prose begins with, right behind an address.
_PROSE_WORDS = re.compile(
    r"(?:的|了|是|这[个里篇些是种]|那[个里篇些]|该|里[的面有]|上[的面有]|中的|[和与及或]|等等|即可|可以|可[见参]|来[下查看]|查看|下载|进行|有[个一很])"
)


def prose_cut(text: str, start: int, authority: int, end: int, begins_line: bool) -> int:
    """End of the address `text[start:end]` whose host ends at `authority`, without prose glued to it."""
    alone = begins_line and _line_ends(text, end)
    spaced = alone or ((start == 0 or text[start - 1].isspace() or begins_line) and _space_follows(text, end))
    open_name = False  # the present segment holds accepted Chinese already
    last = authority
    for run in _RUN.finditer(text, authority, end):
        if text.find("/", last, run.start()) >= 0 or text.find("=", last, run.start()) >= 0:
            open_name = False
        if not _accepted(text, authority, run, end, open_name=open_name, alone=alone, spaced=spaced):
            return run.start()
        cut = _punctuation_cut(text, run, end, alone)
        if cut < run.end():
            return cut
        open_name, last = open_name or is_chinese(run[0][0]) or is_chinese(run[0][-1]), run.end()
    return end


def _line_ends(text: str, end: int) -> bool:
    return not text[end : end + LINE_TAIL].split("\n", 1)[0].strip()


def _space_follows(text: str, end: int) -> bool:
    return end >= len(text) or text[end].isspace()


def _accepted(
    text: str, authority: int, run: re.Match[str], end: int, *, open_name: bool, alone: bool, spaced: bool
) -> bool:
    """Whether the run of letters beyond ASCII begins as part of the address."""
    first, before = run[0][0], text[run.start() - 1]
    if not _is_letter(first):
        joins = first in _JOINERS and before.isalnum() and text[run.start() + 1 : min(run.start() + 2, end)].isalnum()
        return joins or (open_name and alone and _goes_on_far(text, run.end(), end))
    if before.isalnum() and run.start() > authority:
        return open_name or not is_chinese(first) or _glued_belongs(text, authority, run, end, spaced)
    if run.start() == authority or before not in _NAME_BEGINS:
        return False
    return _belongs(text, authority, run, end, spaced)


def _belongs(text: str, authority: int, run: re.Match[str], end: int, spaced: bool) -> bool:
    """Whether Chinese behind a mark where names begin is a name; in the midst of a sentence it needs a reason."""
    if _GOES_ON.match(text, run.end(), end):
        return True
    path = text[authority : run.start()]
    return (spaced or not path.isascii() or bool(_WORD_OR_TEXT.search(path))) and not _PROSE_WORDS.match(run[0])


def _glued_belongs(text: str, authority: int, run: re.Match[str], end: int, spaced: bool) -> bool:
    """Whether Chinese right behind a letter or digit is the rest of a name, such as C语言."""
    if _GOES_ON.match(text, run.end(), end):
        return True
    if not spaced and not _SHORT_WORD.search(text, authority, run.start()):
        return False
    return bool(_WORD.search(text[authority : run.start()])) and not _PROSE_WORDS.match(run[0])


def _punctuation_cut(text: str, run: re.Match[str], end: int, alone: bool) -> int:
    """The first full-width mark in the run that ends the address; the run's end where none does."""
    for offset, character in enumerate(run[0]):
        if _is_letter(character) or character in _JOINERS:
            continue
        if not (alone and _goes_on_far(text, run.start() + offset, end)):
            return run.start() + offset
    return run.end()


def _goes_on_far(text: str, start: int, end: int) -> bool:
    return _GOES_ON_FAR.search(text, start, end) is not None


def _is_letter(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character)[0] == "M"

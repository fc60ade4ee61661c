r"""The scanner of bare URLs: where an address that somebody typed into prose begins and ends.

Only this grammar lives here; which parts of a note are prose is decided by the readers, which cover all else with
control characters. The rules, from the URL grammar (RFC 3986, WHATWG) and from how Chinese is typeset:

* An address begins at `http://` or `https://`, whatever stands before, and needs a host.
* It ends at white space, quotes, `<>`, `{}`, `|`, a backslash that escapes nothing, and where a second address
  begins: after a letter, a digit, `,`, `;`, `.` or a bracket. After `/` or `=` it is part of the first.
* Chinese begins prose, unless it stands where a URL begins a name: after `/`, `=`, `#`, `-`, `_` and the like, and
  what follows says that it belongs (see `prose`). Full-width punctuation ends a URL, but for one that has a line
  to itself and goes on behind it.
* Brackets are part of it in pairs; a pair that holds only Chinese is a remark.
* Closing punctuation and markup that was opened before the address are not part of it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice

from crawler.notes.found import Span
from crawler.notes.hosts import host_end
from crawler.notes.prose import prose_cut
from crawler.notes.targets import ENTITY, HIDDEN, unescape_html

MAX_URL = 4096  # code points; half of the request line that nginx and Apache take by default
MAX_BRACKETS = 100  # guess: no address has more
LOOK_BEHIND = 200  # code points before an address that are read to see whether it has a line to itself

_SLASHES = re.compile("://")
# Every character that can only be part of an address, up to white space: nine of ten addresses are just that.
_PLAIN = re.compile(
    r"https?://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}(?:/[A-Za-z0-9._~/?=&%#+-]{0,2000}[A-Za-z0-9/_=-])?"
    r"(?=[ \t\r\n]|\Z)"
)
_STOPS = r"\s\x00-\x20\x7f<>\"`{}|\\\u00ad\u200b-\u200f\u2028-\u202f\u2060\ufeff\ufffc\ufffd"
_TAIL = re.compile(rf"[^{_STOPS}]*(?:\\[!#-;=?@\[\]^_~*|][^{_STOPS}]*)*")
_SPLIT_AFTER = re.compile(r"[A-Za-z0-9,;.()\[\]]|[^\x00-\x7f]")  # a scheme behind one of these begins a new address
_TRAILING_ENTITY = re.compile(ENTITY + r"\Z")
_ENTITY = re.compile(ENTITY)
_MARKUP_BEFORE = re.compile(r"(\*{1,3}|_{1,3}|~~|'|==)\Z")
_LINE_BEGIN = re.compile(r"[ \t>]*(?:[-*+]|\d{1,9}[.)])?[ \t]*(?:\[[ xX]\][ \t]+)?[*_~]*\Z")
_BRACKET = re.compile(r"[()\[\]]")
# The mark of a footnote, or one of a forum that closes: https://a.example/x.png[/img]
_MARK_BEHIND = re.compile(r"(?<![=?&])\[(?:\^[^\[\]\s]{1,100}|/[A-Za-z]{1,10})\](?![\w/?=&])")
_WORD = re.compile(r"[A-Za-z0-9]")
_ONLY_HAN = re.compile(r"[^\x00-\x7f]+\Z")


def bare_urls(text: str, closers: Sequence[tuple[int, int]] = ()) -> Iterator[Span]:
    """Spans of the bare URLs in `text`, in order.

    `closers` are pairs of offsets, sorted: where emphasis that a Markdown reader saw ends, and where it began.
    """
    schemes = list(_schemes(text))
    limits = _limits(text, schemes)
    done = 0
    for start, limit in zip(schemes, limits, strict=True):
        if start < done:
            continue
        end = _end(text, start, limit, closers, done)
        if end and not text.startswith(HIDDEN, end):
            yield Span(start, end)
        done = max(end, done)


def _schemes(text: str) -> Iterator[int]:
    """Where `http://` or `https://` begins, in any case of letters."""
    for slashes in _SLASHES.finditer(text):
        at = slashes.start()
        scheme = text[max(at - 5, 0) : at].lower()
        if scheme == "https":
            yield at - 5
        elif scheme.endswith("http"):
            yield at - 4


def _limits(text: str, schemes: list[int]) -> list[int]:
    """For each scheme, where the next address must begin: computed once from behind, so that all stays linear."""
    limits: list[int] = []
    nearest = len(text)
    for start in reversed(schemes):
        limits.append(min(nearest, start + MAX_URL))
        if start and _SPLIT_AFTER.match(text[start - 1]):
            nearest = start
    limits.reverse()
    return limits


def _end(text: str, start: int, limit: int, closers: Sequence[tuple[int, int]], done: int) -> int:
    """End of the address at `start`; 0 where there is none."""
    plain = _PLAIN.match(text, start)
    if plain and plain.end() <= limit and not _MARKUP_BEFORE.search(text, max(start - 3, 0), start):
        return _closed(text, start, plain.end(), closers, done)
    host = text.index("/", start) + 2
    authority = host_end(text, host, limit)
    if not authority:
        return 0
    tail = _TAIL.match(text, authority, limit) if text.startswith(("/", "?", "#"), authority) else None
    end = tail.end() if tail else authority
    end = _markup_cut(text, start, end, closers, done)
    end = _entity_cut(text, authority, end)
    if not text[authority:end].isascii():
        end = prose_cut(text, start, authority, end, begins_line(text, start))
    end = _bracket_cut(text, authority, end)
    end = _trim(text, start, authority, end)
    return end if end > authority or _stands_alone(text, host, authority) else 0


def begins_line(text: str, start: int) -> bool:
    """Whether nothing but the marks of a list, a quotation or emphasis stands before `start` on its line."""
    floor = max(start - LOOK_BEHIND, 0)
    begin = max(text.rfind("\n", floor, start), text.rfind("\r", floor, start))
    if begin < 0 and floor > 0:
        return False
    return _LINE_BEGIN.match(text[begin + 1 : start].lstrip("\ufeff")) is not None


def _stands_alone(text: str, host: int, end: int) -> bool:
    """Whether a host without any path is an address and not a placeholder, such as http://xxx."""
    name = text[host:end].rpartition("@")[2]
    return "." in name or ":" in name or name.lower() == "localhost"


def _markup_cut(text: str, start: int, end: int, closers: Sequence[tuple[int, int]], done: int) -> int:
    """Where markup that was opened before the address closes inside of it."""
    before = _MARKUP_BEFORE.search(text, max(start - 3, 0), start)
    mark = before[1] if before else ""
    if mark in ("**", "***", "~~", "'"):
        close = text.find(mark, start, end)
        return _closed(text, start, end if close < 0 else close, closers, done)
    # An id may hold `_` and `*`, a query `==`, so that only the last ones are markup.
    if mark and text.endswith(mark, start, end):
        return end - len(mark)
    return _closed(text, start, end, closers, done)


def _closed(text: str, start: int, end: int, closers: Sequence[tuple[int, int]], done: int) -> int:
    """Where emphasis closes that was opened before the address, but not inside of the address before it."""
    at = bisect_right(closers, (start, end))
    while at < len(closers) and closers[at][0] < end:
        closer, opener = closers[at]
        # An id may hold `_-`, which closes emphasis by the letter of CommonMark: only the last `_` can be markup.
        if done <= opener < start and (text[closer] != "_" or not _WORD.search(text, closer, end)):
            return closer
        at += 1
    return end


def _entity_cut(text: str, start: int, end: int) -> int:
    """Where an entity stands for a character that no URL holds, such as `&gt;`."""
    if text.find("&", start, end) < 0:
        return end
    for entity in _ENTITY.finditer(text, start, end):
        character = unescape_html(entity[0])
        if character != entity[0] and not _TAIL.fullmatch(character):
            return entity.start()
    return end


def _bracket_cut(text: str, start: int, end: int) -> int:
    """Where a bracket closes that nobody opened, opens and is never closed, holds only Chinese, or is a mark's."""
    opened: list[int] = []
    for bracket in islice(_BRACKET.finditer(text, start, end), MAX_BRACKETS):
        at = bracket.start()
        if text[at] in "([":
            if not opened and _MARK_BEHIND.match(text, at):
                return at
            opened.append(at)
            continue
        if not opened or text[opened[-1]] + text[at] not in ("()", "[]"):
            return opened[0] if opened else at
        begin = opened.pop()
        remark = _ONLY_HAN.match(text[begin + 1 : at].replace("\\", ""))
        if remark and text[begin - 1] not in "_-":
            return begin
    return opened[0] if opened else end


def _trim(text: str, start: int, authority: int, end: int) -> int:
    """The end without closing punctuation. One `?` stays where an address begins its line: an empty query."""
    while end > authority:
        last = text[end - 1]
        entity = _TRAILING_ENTITY.search(text, max(end - 34, authority), end) if last == ";" else None
        if entity:
            end = entity.start()
        elif text.endswith("~~", authority, end):  # of struck text; one alone is of the address (`/~`)
            end -= 2
        elif _closes(text, start, end):
            end -= 1
        else:
            return end
    return end


def _closes(text: str, start: int, end: int) -> bool:
    """Whether the last character before `end` is punctuation of the sentence and not of the address."""
    last = text[end - 1]
    if last == "?":
        return text[end - 2] in "?!." or not begins_line(text, start)
    return last in ".,;:!'\"*^\\(["

"""Values out of page scripts, without running them: literals only, found where they are assigned.

Scripts are read as text, since the values we need are plain literals that the server wrote: strings, numbers, decoder
calls round a string, and chains of alternatives. Anything computed is passed over. No DOM here.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

MAX_TRIES = 2_000  # places of one name that are looked at
MAX_NESTING = 40  # brackets open at once in an object; WeChat's has 4
MAX_SPACE = 200  # white space between a comma and the next key
MAX_OBJECT = 4 * 1024 * 1024  # characters of one object; WeChat's holds the whole article twice

_STRING = r"""(?:'(?:[^'\\\n]++|\\[\s\S])*+'|"(?:[^"\\\n]++|\\[\s\S])*+")"""
_DECODER = r"(?:htmlDecode|JsDecode|decodeURIComponent|String)"
_LITERAL = rf"(?:{_DECODER}\s*\(\s*{_STRING}\s*\)|{_STRING}(?:\.html\(\w*\))?|-?\d+(?:\.\d+)?(?![\w.]))"
_CHAIN = re.compile(rf"\s*+(?:\(\s*)?({_LITERAL}(?:\s*+\|\|\s*+{_LITERAL})*+)")
_ALTERNATIVE = re.compile(rf"(htmlDecode\s*\(\s*)?(?:{_DECODER}\s*\(\s*)?(?:({_STRING})|(-?\d[\d.]*))(\.html\()?")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|(\r\n|[\s\S]))")
_SHORT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": "", "\r\n": ""}
# A string that never ends is skipped to the end of its line, or every quote in it would be tried again.
_SKIPPED = r"""(?:'(?:[^'\\\n]++|\\[\s\S])*+(?:'|(?=\n)|\Z|\\)|"(?:[^"\\\n]++|\\[\s\S])*+(?:"|(?=\n)|\Z|\\))"""
# Keys may be quoted, as in JSON; a string before a colon is none in `a ? 'b' : 'c'`, which `_is_key` finds out.
_QUOTED_KEY = r"""(?:"([A-Za-z_$][\w$]*)"|'([A-Za-z_$][\w$]*)')\s*+:"""
_TOKEN = re.compile(rf"{_QUOTED_KEY}|{_SKIPPED}|(?<![\w$.])([A-Za-z_$][\w$]*)\s*:|[{{}}\[\]]|</script")


def variables(text: str, name: str) -> Iterator[str]:
    """The non-empty values that `var NAME = …` and `window.NAME = …` give, in order of the page."""
    for position in _assignments(text, name):
        if value := literal(text, position):
            yield value


def _assignments(text: str, name: str) -> list[int]:
    """Where the assigned expressions begin. By plain search first: patterns are slow over megabytes."""
    assigned = re.compile(rf"{re.escape(name)}\s*=(?!=)")
    found = []
    for declared in ("var ", "let ", "const ", "window."):
        position = -1
        for _ in range(MAX_TRIES):
            position = text.find(declared + name, position + 1)
            if position < 0:
                break
            if match := assigned.match(text, position + len(declared)):
                found.append(match.end())
    return sorted(found)


def literal(text: str, position: int) -> str:
    """The value of the literal, or chain of alternatives, at `position`: the last that is not empty, else ""."""
    chain = _CHAIN.match(text, position)
    if chain is None:
        return ""
    values = [_value(match) for match in _ALTERNATIVE.finditer(chain[1])]
    return next((value for value in reversed(values) if value), "")


def read_object(text: str, name: str) -> dict[str, list[int]]:
    """Where the values of the object or list assigned to `name` begin, by dotted key; give them to `literal`.

    Lists have no index in the key: `a: 1, b: [{c: 'x'}, {c: 'y'}]` has the keys "a" and "b.c", the latter twice.
    Values are not decoded here, since one of them is a whole article.
    """
    start = _opening(text, name)
    if start < 0:
        return {}
    found: dict[str, list[int]] = {}
    path: list[str] = []  # one key for each open bracket
    key = ""
    position, end = start, min(len(text), start + MAX_OBJECT)
    while match := _TOKEN.search(text, position, end):
        position = match.end()
        bracket = match[0]
        named = match[1] or match[2] or match[3]
        if named and (match[3] or _is_key(text, match.start())):
            key = named
            found.setdefault(".".join([*filter(None, path[1:]), key]), []).append(position)
        elif named:
            continue
        elif bracket in "{[":
            path.append(key)
            key = ""
        elif bracket in "}]":
            path.pop()
            key = ""
        if bracket == "</script" or not 0 < len(path) <= MAX_NESTING:
            break
    return found


def _is_key(text: str, position: int) -> bool:
    """Whether a quoted name before a colon stands where a key may stand: after a bracket or a comma."""
    before = text[max(position - MAX_SPACE, 0) : position].rstrip()
    return before[-1:] in ("{", ",")


def _opening(text: str, name: str) -> int:
    """Where the object or list assigned to `name` opens, -1 for nowhere."""
    opening = re.compile(rf"{re.escape(name)}\s*=\s*(?=[{{\[])")
    position = -1
    for _ in range(MAX_TRIES):
        position = text.find(name, position + 1)
        if position < 0:
            return -1
        if match := opening.match(text, position):
            return match.end()
    return -1


def _value(match: re.Match[str]) -> str:
    if match[3]:
        return match[3]
    text = unescape(match[2][1:-1])
    return html.unescape(text) if match[1] or match[4] else text


def unescape(text: str) -> str:
    r"""A JavaScript string's inside: `\x3c`, `\u4e2d`, `\n`, `\'` decoded."""
    if "\\" not in text:
        return text
    decoded = _ESCAPE.sub(_escaped, text)
    return decoded.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # \ud83d\ude00 is one character


def _escaped(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code:
        number = int(code, 16)
        return chr(number) if number < 0x110000 else "\ufffd"
    return _SHORT.get(match[4], match[4])

"""From the bytes of a note to its text: which encoding it has, and what is broken in it.

Pure; no file is opened. A note that is valid in one encoding gives its bytes back (`text.encode(encoding)`); one that
is not is read with replacement characters, so that its links are still found, and says what is wrong (`damage`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

NUL_SAMPLE = 65536  # bytes in which a NUL makes a file binary
MIN_COMMON = 0.9  # part of the letters beyond ASCII that must be common ones of the encoding's own language; guess

# A well-formed sequence of UTF-8 beyond ASCII, or the beginning of one that was cut (RFC 3629, section 4).
_UTF8 = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}|(?P<cut>[\xe0-\xf4][\x80-\xbf]{1,2})"
)
_BEYOND = re.compile(rb"[\x80-\xff]")
_CP1252_MARKS = "€‚ƒ„…†‡ˆ‰‹‘’“”•–—˜™›\xa0¡¢£¤¥¦§¨©«¬\xad®¯°±²³´¶·¸¹»¼½¾¿×÷"


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text of a note; `damage` says what was replaced, "" where the text gives its bytes back."""

    text: str
    encoding: str
    damage: str = ""


def decode(data: bytes) -> Decoded | str:
    """The text of `data`, or why it is no text, in words for its author."""
    if data.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "UTF-32 is not read; save it as UTF-8"
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return _utf16(data, encoding)
    if b"\0" in data[:NUL_SAMPLE]:
        encoding = _utf16_without_mark(data)
        if encoding:
            return _utf16(data, encoding)
        return _with_nuls(data) or "a binary file, no text; put it into [notes] exclude"
    for encoding, fits in _CANDIDATES:
        text = _exact(data, encoding)
        if text is not None and fits(text):
            return Decoded(text, encoding)
    return _damaged(data)


def _with_nuls(data: bytes) -> Decoded | None:
    """UTF-8 in which a lost write or a slip of an editor left some NUL bytes; None for what is mostly no text."""
    text = _exact(data, "utf-8")
    if text is None or data.count(0) * 2 > len(data) or any(c < " " and c not in "\0\t\r\n\f" for c in set(text)):
        return None
    return Decoded(text.replace("\0", "\ufffd"), "utf-8", f"NUL bytes in it, the first at byte {data.index(0)}")


def _exact(data: bytes, encoding: str) -> str | None:
    """The text, if it gives the same bytes back."""
    try:
        text = data.decode(encoding)
        return text if text.encode(encoding) == data else None
    except UnicodeError:
        return None


def _utf16(data: bytes, encoding: str) -> Decoded:
    text = _exact(data, encoding)
    if text is not None:
        return Decoded(text, encoding)
    return Decoded(data.decode(encoding, "replace"), encoding, "broken UTF-16; save it as UTF-8")


def _utf16_without_mark(data: bytes) -> str:
    """UTF-16 of mostly ASCII text has a NUL in every other byte, always on the same side."""
    sample = data[:NUL_SAMPLE]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    text = _exact(data, encoding) if max(even, odd) > 9 * min(even, odd) and max(even, odd) > len(sample) / 20 else None
    if text is None or any(unicodedata.category(c) in ("Cc", "Cn") and c not in "\t\r\n\f" for c in set(text)):
        return ""
    return encoding


def _beyond(text: str) -> list[str]:
    return [character for character in text if character > "\x7f"]


def _any(_: str) -> bool:
    return True


def _reads_as_chinese(text: str) -> bool:
    """Whether most letters beyond ASCII are among the 6,763 common ones of GB2312.

    GB18030 decodes nearly every sequence of bytes; Latin-1, Big5 and Shift_JIS then give mostly rare characters.
    """
    beyond = _beyond(text)
    return len("".join(beyond).encode("gb2312", "ignore")) // 2 >= MIN_COMMON * len(beyond)


def _reads_as_traditional(text: str) -> bool:
    """Whether most are among the 5,401 frequent ones, or the punctuation, of Big5 (lead bytes A1 to C6)."""
    beyond = _beyond(text)
    data = "".join(beyond).encode("big5", "ignore")
    return sum(0xA1 <= lead <= 0xC6 for lead in data[::2]) >= MIN_COMMON * len(beyond)


def _reads_as_japanese(text: str) -> bool:
    """Whether there are kana, and most others are kana, punctuation or level 1 of JIS X 0208 (lead bytes to 97)."""
    beyond = _beyond(text)
    kana = sum("\u3041" <= character <= "\u30fe" for character in beyond)
    data = "".join(c for c in beyond if not "\uff61" <= c <= "\uff9f").encode("shift_jis", "ignore")
    return kana >= len(beyond) / 20 and sum(lead <= 0x97 for lead in data[::2]) >= MIN_COMMON * len(beyond)


def _reads_as_western(text: str) -> bool:
    """Whether what is beyond ASCII are letters in words and usual marks, not the halves of another encoding."""
    beyond = _beyond(text)
    letters = sum(character.isalpha() for character in beyond)
    usual = letters + sum(character in _CP1252_MARKS for character in beyond)
    return usual == len(beyond) and len(beyond) <= len(text) / 3


def _is_latin(text: str) -> bool:
    return _reads_as_western(text) and not _UTF8.search(text.encode("cp1252"))


_CANDIDATES: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("utf-8", _any),
    ("gb18030", _reads_as_chinese),
    ("big5", _reads_as_traditional),
    ("shift_jis", _reads_as_japanese),
    ("cp1252", _is_latin),
)


def _damaged(data: bytes) -> Decoded:
    """The most likely text of bytes that are valid in no encoding."""
    utf8 = list(_UTF8.finditer(data))
    inside = sum(len(match[0]) for match in utf8)
    others = len(_BEYOND.findall(data)) - inside
    if inside >= others:
        return Decoded(data.decode("utf-8", "replace"), "utf-8", f"not valid UTF-8{first_bad_byte(data)}")
    chinese = data.decode("gb18030", "replace")
    if _reads_as_chinese(chinese.replace("\ufffd", "")) and chinese.count("\ufffd") * 20 <= len(_beyond(chinese)):
        return Decoded(chinese, "gb18030", "not valid GBK; save it as UTF-8")
    western = _exact(data, "cp1252")
    if western is not None and _reads_as_western(western):
        return Decoded(western, "cp1252")
    return Decoded(data.decode("utf-8", "replace"), "utf-8", f"neither UTF-8 nor GBK{first_bad_byte(data)}")


def first_bad_byte(data: bytes) -> str:
    """Where the bytes stop being UTF-8, as " (byte 17, line 2)"."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return f" (byte {error.start}, line {line})"
    return ""

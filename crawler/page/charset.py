"""From bytes to text as browsers do it, and a little more forgiving.

Order: byte order mark, HTTP charset, `<meta>` in the first 1,024 bytes, then detection on a sample. Labels mean what
the WHATWG Encoding Standard says (gb2312 is gb18030, latin-1 is windows-1252). Where a declared charset is plainly
wrong, the bytes win: a body that is valid UTF-8 with multi-byte characters is UTF-8 whatever it was called (text in
another charset practically never is), and a body with many undecodable bytes is detected anew.
Nothing here knows HTML beyond the charset declaration.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

import webencodings

PRESCAN = 1024  # bytes; WHATWG HTML, "prescan a byte stream to determine its encoding"
WIDE = 16  # bytes by which UTF-16 is told
SAMPLE = 64 * 1024  # bytes given to detection: it is slow, and charsets do not change in mid-page
LATE = 32 * 1024  # bytes in which a late declaration is looked for
PIECE = 64 * 1024  # bytes of a large body decoded at once
TOLERANCE = 20  # whole characters for each broken one from which a text is UTF-8 all the same; guess
KANA, HANGUL, HAN = 0.1, 0.9, 0.5  # shares of letters by which East Asian charsets are distinguished; guesses
BROKEN = 0.1  # undecodable characters per non-ASCII byte from which a declared charset is not believed; guess

_META = re.compile(rb"""(?i)<meta[^>]{0,400}?charset\s*=\s*["']?\s*([a-z0-9_:.\-]{2,40})""")
_HEADER = re.compile(r"""(?i)charset\s*=\s*["']?\s*([^\s"';,]{2,40})""")
_HIGH = re.compile(rb"[\x80-\xff]")
_WITHOUT = {"replacement": "", "x-user-defined": ""}  # encodings of the standard that Python has no codec for
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def decode(body: bytes, content_type: str = "") -> tuple[str, str]:
    """The text and the charset that was used; undecodable bytes become U+FFFD, never an error."""
    for bom, name in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(name, "replace"), name
    if wide := wide_charset(body):
        return body.decode(wide, "replace"), wide
    declared = _declared(body, content_type)
    if declared and declared != "utf-8" and _is_utf8(body):
        declared = "utf-8"
    name = declared or _detect(body)
    if name == "utf-8" and (text := _strictly(body)):  # nearly every page; nothing in it is to be counted
        return text, name
    text = body.decode(name, "replace")
    if declared and _broken(text, body):
        other = _detect(body)
        again = body.decode(other, "replace")
        if again.count("\ufffd") * 2 < text.count("\ufffd"):
            return again, other
    return text, name


def is_plain_utf8(body: bytes, content_type: str = "") -> bool:
    """Whether `decode` would take all of a body as UTF-8, and change nothing: found out without making a text of it."""
    if any(body.startswith(bom) for bom, _ in _BOMS) or wide_charset(body):
        return False
    declared = _declared(body, content_type)
    if declared == "utf-8" or not declared:
        return _is_whole_utf8(body)
    return _is_utf8(body) and _is_whole_utf8(body)


def wide_charset(body: bytes) -> str:
    """UTF-16 without a byte order mark, by the ASCII with which markup begins; "" for anything else."""
    start = body[:WIDE]
    for name, zeros, letters in (("utf-16-le", start[1::2], start[0::2]), ("utf-16-be", start[0::2], start[1::2])):
        if len(letters) == WIDE // 2 and not any(zeros) and letters.isascii() and letters.lstrip().startswith(b"<"):
            return name
    return ""


def _declared(body: bytes, content_type: str) -> str:
    """What header or `<meta>` say; servers that call everything latin-1 by default are not believed over the page."""
    header, meta = _from_header(content_type), _from_meta(body)
    if header == "cp1252" and meta and _decodes(body, meta):
        return meta
    return header or meta


def _strictly(body: bytes) -> str:
    """The text of valid UTF-8; "" for anything else."""
    try:
        return "".join(_pieces(body)) if len(body) > PIECE else body.decode("utf-8")
    except UnicodeDecodeError:
        return ""


def _is_whole_utf8(body: bytes) -> bool:
    """Whether all of a body is valid UTF-8, its last character too."""
    try:
        for _ in _pieces(body):
            pass
    except UnicodeDecodeError:
        return False
    return True


def _pieces(body: bytes) -> Iterator[str]:
    """The text of UTF-8, piece by piece: most of a large page is script in plain ASCII, which costs next to nothing.

    In one text with its Chinese each letter takes two bytes; a page of 3 MB is decoded so in a third of the time, and
    only looked at in a tenth (0.8 and 0.25 ms for 2.3). Raises UnicodeDecodeError.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    view = memoryview(body)
    for start in range(0, len(view), PIECE):
        yield decoder.decode(view[start : start + PIECE])
    yield decoder.decode(b"", final=True)


def _codec(label: str) -> str:
    """The Python codec of a label, "" for labels that nobody knows.

    So are those of "replacement" (hz-gb-2312, iso-2022-kr) and "x-user-defined", which are no charsets of a text.
    """
    found = webencodings.lookup(label)
    name = str(found.codec_info.name) if found else ""
    return {"gbk": "gb18030", "iso8859-1": "cp1252", "ascii": "cp1252", **_WITHOUT}.get(name, name)


def _from_header(content_type: str) -> str:
    match = _HEADER.search(content_type)
    return _codec(match[1]) if match else ""


def _from_meta(body: bytes) -> str:
    match = _META.search(body, 0, PRESCAN)
    name = _codec(match[1].decode("ascii")) if match else ""
    # A page whose declaration could be read byte by byte is not UTF-16, whatever it says (WHATWG).
    return "utf-8" if name.startswith("utf-16") else name


def _is_utf8(body: bytes) -> bool:
    """Whether this is valid UTF-8 with at least one multi-byte character; a cut last character is forgiven."""
    return not body.isascii() and _decodes(body, "utf-8")


def _broken(text: str, body: bytes) -> bool:
    bad = text.count("\ufffd")
    return bad > 2 and bad > (len(body) - len(body.decode("ascii", "ignore"))) * BROKEN


def _detect(body: bytes) -> str:
    """A guess from the bytes alone; UTF-8 where nothing speaks for anything."""
    if body.isascii() or _is_utf8(body) or _is_mostly_utf8(body):
        return "utf-8"
    if late := _from_late_meta(body):
        return late
    first = _HIGH.search(body)
    start = first.start() if first else 0  # a page may begin with more ASCII than a sample holds
    sample = body[start : start + SAMPLE]
    if eastern := _eastern(body, sample):
        return eastern
    from charset_normalizer import from_bytes  # slow to import, and rarely needed

    best = from_bytes(sample).best()
    return _codec(best.encoding) if best is not None and _codec(best.encoding) else "utf-8"


def _is_mostly_utf8(body: bytes) -> bool:
    """Whether this is UTF-8 with a few broken characters: cut by the server, or from an advertisement."""
    text = body.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    whole = len(text) - len(text.encode("ascii", "ignore")) - bad
    return whole > TOLERANCE * bad


def _from_late_meta(body: bytes) -> str:
    """A declaration behind the first 1,024 bytes, at which browsers change their mind too; UTF-8 is ruled out here."""
    match = _META.search(body, PRESCAN // 2, LATE)
    name = _codec(match[1].decode("ascii")) if match else ""
    return "" if name.startswith("utf") else name


def _eastern(body: bytes, sample: bytes) -> str:
    """The charset of Chinese, Japanese or Korean text, by the letters that each reading of it gives; "" for none."""
    # Other charsets, read as Shift_JIS, are half-width kana in the main.
    kana, narrow = (_share(sample, "cp932", *ends) for ends in (("\u3040", "\u30ff"), ("\uff61", "\uff9f")))
    if kana > KANA > narrow and _decodes(body, "cp932"):
        return "cp932"
    if not _decodes(body, "gb18030"):
        return ""
    if _share(sample, "euc_jp", "\u3040", "\u30ff") > KANA:
        return "euc_jp"
    if _share(sample, "euc_kr", "\uac00", "\ud7a3") > HANGUL:
        return "euc_kr"
    # What a Chinese page without a charset is; detection of short texts guesses wildly.
    return "gb18030" if _share(sample, "gb18030", "\u4e00", "\u9fff") > HAN else ""


def _share(sample: bytes, name: str, first: str, last: str) -> float:
    """The share of letters between `first` and `last` among those that are not ASCII; 0 where too few are read."""
    high = [letter for letter in sample.decode(name, "ignore") if letter > "\x7f"]
    return sum(first <= letter <= last for letter in high) / len(high) if len(high) > 1 else 0.0


def _decodes(body: bytes, name: str) -> bool:
    """Whether a charset has a meaning for all of it; a cut last character is forgiven."""
    decoder, view = codecs.getincrementaldecoder(name)("strict"), memoryview(body)
    try:
        for start in range(0, len(view), PIECE):
            decoder.decode(view[start : start + PIECE])
    except UnicodeDecodeError:
        return False
    return True

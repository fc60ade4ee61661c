"""Points in time as pages write them, to RFC 3339 or to a date where no time is given.

A time without an offset is a time of day nowhere in particular: Chinese pages mean UTC+8, of others only the date
is kept. No clock here: what no calendar knows is no time.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from crawler.core.patterns import LazyPattern

CHINA = timezone(timedelta(hours=8))
OLDEST = 1985  # year; no page is older
EPOCHS = (473_385_600, 4_102_444_800)  # seconds: `OLDEST` to 2100

_ISO = LazyPattern(
    r"(?<!\d)(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?!\d)\s*日?"
    r"(?:\s*[T,，]?\s*(\d{1,2})\s*[:：时]\s*(\d{1,2})(?:\s*[:：分]\s*(\d{1,2}))?(?:\.\d{1,9})?"
    r"\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_COMPACT = LazyPattern(r"^(\d{4})(\d{2})(\d{2})(?:T?(\d{2})(\d{2})(\d{2})?(Z|[+-]\d{2}:?\d{2})?)?$")
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = rf"({'|'.join(_MONTHS)})[a-z]{{0,6}}\.?"
_CLOCK = r"(?:,?\s+(?:at\s+)?(\d{1,2}):(\d{2})(?::(\d{2}))?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?(?![\w:]))?"
_DAY_FIRST = LazyPattern(rf"(?i)\b(\d{{1,2}})(?:st|nd|rd|th)?[\s-]+{_MONTH}[\s,-]+(\d{{4}}){_CLOCK}")
_MONTH_FIRST = LazyPattern(rf"(?i)\b{_MONTH}\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}}){_CLOCK}")
# What every form but epochs and compact dates has: a year before a separator or after one. Lines of prose have none.
# It begins with a digit that none precedes, said in this order because patterns that begin with a look-behind are slow.
_YEAR = LazyPattern(r"\d(?<!\d\d)\d{3}(?:\s*[-/.年]|(?<=[\s,-]\d{4}))")
_FOUR_DIGITS = re.compile(r"\d{4}")  # every form has them
_EPOCH = LazyPattern(r"\d{10}(?:\d{3})?")


def timestamp(raw: str, *, chinese: bool = False) -> str:
    """RFC 3339 with offset, or `YYYY-MM-DD`; "" where `raw` (its first 200 characters) tells no time.

    Takes ISO dates, Chinese ones (2019年9月7日), English ones (Sat, 7 Sep 2019 05:43:45 GMT) and epochs.
    """
    raw = raw[:200].strip()
    if not _FOUR_DIGITS.search(raw):  # nearly every line of prose
        return ""
    if _EPOCH.fullmatch(raw):
        return _from_epoch(int(raw[:10]), chinese)
    if match := _COMPACT.match(raw):
        return _build(match.groups(), chinese)
    if not _YEAR.search(raw):
        return ""
    if match := _ISO.search(raw):
        return _build(match.groups(), chinese)
    if match := _DAY_FIRST.search(raw):
        day, month, year, *clock = match.groups()
        return _build((year, _number(month), day, *clock), chinese)
    if match := _MONTH_FIRST.search(raw):
        month, day, year, *clock = match.groups()
        return _build((year, _number(month), day, *clock), chinese)
    return ""


def _number(month: str) -> str:
    return str(_MONTHS.index(month[:3].casefold()) + 1)  # also of ſep, which matches


def _from_epoch(seconds: int, chinese: bool) -> str:
    if not EPOCHS[0] <= seconds < EPOCHS[1]:
        return ""
    return datetime.fromtimestamp(seconds, CHINA if chinese else UTC).isoformat().replace("+00:00", "Z")


def _build(parts: tuple[str | None, ...], chinese: bool) -> str:
    year, month, day, hour, minute, second, offset = parts
    try:
        when = datetime(*(int(part or 0) for part in (year, month, day, hour, minute, second)), tzinfo=UTC)  # type: ignore[arg-type,misc]  # six integers, of which mypy cannot see the number
    except ValueError:
        return ""
    if when.year < OLDEST:
        return ""
    zone = _offset(offset or "") or ("+08:00" if chinese else "")
    if hour is None or not zone:
        return when.strftime("%Y-%m-%d")
    return when.strftime("%Y-%m-%dT%H:%M:%S") + zone


def _offset(written: str) -> str:
    if not written:
        return ""
    if written in {"Z", "UTC", "GMT"}:
        return "Z"
    return f"{written[:3]}:{written[-2:]}"

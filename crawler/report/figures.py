"""Figures for people: durations, sizes, days and numbers as reports write them."""

from __future__ import annotations

from datetime import UTC, datetime

from crawler.report.words import Language, in_language

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_UNITS_ZH = {"d": "天", "h": "小时", "min": "分", "s": "秒"}


def duration(seconds: float, language: Language = "en") -> str:
    """The two greatest units of a duration: "2 h 5 min", "19 h", "12 s"."""
    left = round(seconds)
    parts: list[str] = []
    for size, unit in _UNITS:
        if left >= size and len(parts) < 2:
            parts.append(_amount(left // size, unit, language))
        elif parts:
            break  # never "1 d 3 s"
        left %= size
    return in_language(language, " ", "").join(parts) or _amount(0, "s", language)


def _amount(count: int, unit: str, language: Language) -> str:
    return in_language(language, f"{count} {unit}", f"{count}{_UNITS_ZH[unit]}")


def size(count: int) -> str:
    """Bytes in powers of 1024, as configuration writes them: "3.4 MB"."""
    if count < 1024:
        return f"{count} B"
    amount = float(count)
    for unit in ("KB", "MB", "GB"):
        amount /= 1024
        if amount < 1024:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1024:.1f} TB"


def day(moment: datetime) -> str:
    """The UTC date: "2026-01-02"."""
    return moment.astimezone(UTC).date().isoformat()


def minute(moment: datetime) -> str:
    """The UTC date and time: "2026-01-02 03:04 UTC"."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def number(count: int) -> str:
    """Digits in groups of three: "13,663"."""
    return f"{count:,}"

"""When a note was written: by its name, its folders, its front matter, else the first commit of its line.

Pure: what git says is an argument.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from itertools import pairwise

from crawler.core.patterns import LazyPattern

MAX_HEAD = 16 * 1024  # code points of a note in which front matter is looked for
_YEARS = r"(?:19[7-9]\d|20\d\d)"
_NAME = LazyPattern(
    rf"(?<!\d)(?P<y>{_YEARS})(?:"
    r"(?P<sep>[-_./ ])(?P<m>1[0-2]|0?[1-9])(?P=sep)(?P<d>3[01]|[12]\d|0?[1-9])(?!\d)"
    r"|\s?年\s?(?P<cm>1[0-2]|0?[1-9])\s?月\s?(?P<cd>3[01]|[12]\d|0?[1-9])\s?[日号]"
    r"|(?P<pm>1[0-2]|0[1-9])(?P<pd>3[01]|[12]\d|0[1-9])(?:[T_-]?\d{4}(?:\d\d)?)?(?!\d))"
)
_MONTH_NAME = LazyPattern(
    rf"(?<!\d)(?P<y>{_YEARS})(?:[-_./ ]?(?P<m>1[0-2]|0[1-9])(?!\d)|\s?年\s?(?P<cm>1[0-2]|0?[1-9])\s?月)"
)
_YEAR_FOLDER = LazyPattern(rf"(?:^|\D)(?P<y>{_YEARS})\s?年?$")
_MONTH_FOLDER = LazyPattern(r"^(?P<m>1[0-2]|0?[1-9])\s?月?$|^(?P<n>1[0-2]|0[1-9])[-_ .]?[A-Za-z]{3,9}$")
_DAY_FOLDER = LazyPattern(r"^(?P<d>3[01]|[12]\d|0?[1-9])\s?[日号]?$")
_DAY_NAME = LazyPattern(r"^(?P<d>3[01]|[12]\d|0?[1-9])(?:\s?[日号]|[-_. ]|$)")
_DATE_KEY = LazyPattern(
    r"^[ \t]*(?:\#\+|:)?[\"']?(?P<key>date|revdate|pubdate|publishdate|publish_date|"
    r"published|published_at|published_on|created|created_at|"
    r"created_time|date_created|createdat|creation_date|datecreated|发布时间|创建时间|日期|date published|"
    r"lastmod|updated|modified)[\"']?[ \t]*(?:::|[:=])[ \t]*(?P<value>[^\n]{4,80})",
    re.IGNORECASE | re.MULTILINE,
)
_LATER_KEYS = frozenset(("lastmod", "updated", "modified"))  # the last change says less than the first
_BLOCK = LazyPattern(r"\ufeff?\s*(?P<mark>---|\+\+\+|;;;)[^\n]*\n(?P<body>(?:[^\n]*\n)*?)(?P=mark)", re.MULTILINE)
_JSON_BLOCK = LazyPattern(r"\ufeff?\s*\{\s*\n(?P<body>(?:[^\n]*\n){1,60}?)\s*\}\s*\n")
# Without marks: a title, lines of "key: value" (Pelican, MultiMarkdown, Org, AsciiDoc, Logseq, fields of
# reStructuredText), blank lines and underlines.
_META_LINE = LazyPattern(
    r"[ \t]*(?:(?:\#\+|:)?[A-Za-z\u4e00-\u9fff][\w \u4e00-\u9fff-]{0,30}:{1,2}[ \t].*"
    r"|=+ .*|\#+ .*|[=\-~*^]{3,}[ \t]*|[ \t]*)\r?\Z"
)
_META_TAG = LazyPattern(
    r"<meta\s+(?:name|property)\s*=\s*[\"']?(?:date|dc\.date|dcterms\.(?:date|created)|article:published_time|pubdate)[\"']?"
    r"\s+content\s*=\s*[\"']?(?P<value>[^\"'>]{4,80})",
    re.IGNORECASE,
)
_MAX_META_LINES = 40
_PROSE = LazyPattern(r"[a-z]{2,} [a-z]{2,}|[，。]")  # without marks, a sentence that begins with a date is one
_DAY_FIRST = LazyPattern(r"(?<!\d)(?P<d>3[01]|[12]\d|0?[1-9])[./](?P<m>1[0-2]|0?[1-9])[./](?P<y>(?:19|20)\d\d)(?!\d)")
_MONTHS = {name: n for n, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_WORDS = LazyPattern(
    r"(?P<m>[A-Za-z]{3,9})\.?\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>\d{4})"
    r"|(?P<d2>\d{1,2})(?:st|nd|rd|th)?\s+(?P<m2>[A-Za-z]{3,9})\.?,?\s+(?P<y2>\d{4})"
)


def note_date(path: str, text: str = "", first_commit: datetime | None = None) -> datetime | None:
    """When the note at `path` (POSIX) was written, as UTC; None where nothing says so.

    In this order: a whole date in the file's name, in its front matter (`text` is the note or its beginning), in its
    folders; a month or year of name and folders: `first_commit` (of the link's line, as git says) if that lies within,
    else its first day; `first_commit`.
    """
    name = path.rpartition("/")[2]
    found = _in_name(name) or _in_front_matter(text[:MAX_HEAD]) or _in_folders(path)
    if found:
        return datetime.combine(found, time(), UTC)
    span = next(_months(path), None)
    if span is None:
        return first_commit.astimezone(UTC) if first_commit is not None else None
    if first_commit is not None and span[0] <= first_commit.astimezone(UTC).date() <= span[1]:
        return first_commit.astimezone(UTC)
    return datetime.combine(span[0], time(), UTC)


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _in_name(text: str) -> date | None:
    for match in _NAME.finditer(text):
        month, day = match["m"] or match["cm"] or match["pm"], match["d"] or match["cd"] or match["pd"]
        if found := _date(match["y"], month, day):
            return found
    return None


def _in_front_matter(text: str) -> date | None:
    block = _BLOCK.match(text) or _JSON_BLOCK.match(text)
    body = block["body"] if block else _meta_lines(text)
    keys = sorted(_DATE_KEY.finditer(body), key=lambda match: match["key"].lower() in _LATER_KEYS)
    written = [match["value"] for match in keys if block or not _PROSE.search(match["value"])]
    if tag := _META_TAG.search(text) if "<meta" in text else None:
        written.append(tag["value"])
    return next((found for value in written if (found := date_of(value))), None)


def _meta_lines(text: str) -> str:
    """The lines that a note without marked front matter begins with, one of any kind (a title) among them."""
    found, titles = [], 0
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n")[:_MAX_META_LINES]):
        if not _META_LINE.match(line):
            titles += 1
            if titles > 1 or number > 2:
                break
        found.append(line)
    return "\n".join(found) + "\n"


def date_of(written: str) -> date | None:
    """The day that a date in front matter names, in its own time zone: ISO 8601, RFC 2822, words."""
    written = written.strip().strip("\"'<>[],")
    if found := _in_name(written):
        return found
    if match := _DAY_FIRST.search(written):
        return _date(match["y"], match["m"], match["d"])
    if match := _WORDS.search(written):
        month = _MONTHS.get((match["m"] or match["m2"])[:3].lower())
        return _date(match["y"] or match["y2"], str(month), match["d"] or match["d2"]) if month else None
    from email.utils import parsedate_to_datetime  # rarely asked, and slow to import

    try:
        return parsedate_to_datetime(written).date()
    except (ValueError, TypeError, IndexError):
        return None


def _in_folders(path: str) -> date | None:
    """A day that the folders and the name make together: `2012/03/05/x.md`, `2012/3月/5日.md`, `2012-03-05/x.md`."""
    *folders, name = path.split("/")
    for folder in reversed(folders):
        if found := _in_name(folder):
            return found
    day_in_name = _DAY_NAME.match(name.rpartition(".")[0] or name)
    parts = [*folders, day_in_name["d"]] if day_in_name else folders
    for year, month, day in zip(parts, parts[1:], parts[2:], strict=False):
        y, m, d = _YEAR_FOLDER.search(year), _MONTH_FOLDER.match(month), _DAY_FOLDER.match(day)
        if y and m and d and (found := _date(y["y"], m["m"] or m["n"], d["d"])):
            return found
    if day_in_name and folders and (month_folder := _MONTH_NAME.search(folders[-1])):
        return _date(month_folder["y"], month_folder["m"] or month_folder["cm"], day_in_name["d"])
    return None


def _months(path: str) -> Iterator[tuple[date, date]]:
    """First and last day of the months and years that name and folders name, the most exact first."""
    *folders, name = path.split("/")
    stem = name.rpartition(".")[0] or name
    for part in (stem, *reversed(folders)):
        if match := _MONTH_NAME.search(part):
            yield from _month(match["y"], match["m"] or match["cm"])
    for year, month in pairwise((*folders, stem)):
        y, m = _YEAR_FOLDER.search(year), _MONTH_FOLDER.match(month)
        if y and m:
            yield from _month(y["y"], m["m"] or m["n"])
    for part in (stem, *reversed(folders)):
        if match := _YEAR_FOLDER.search(part):
            yield date(int(match["y"]), 1, 1), date(int(match["y"]), 12, 31)


def _month(year: str, month: str) -> Iterator[tuple[date, date]]:
    if first := _date(year, month, "1"):
        yield first, date(first.year, first.month, monthrange(first.year, first.month)[1])

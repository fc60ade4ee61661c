"""GitHub's Markdown, safe for text from strangers: no title can open a link, an image, a tag, a mention or a cell.

Only markup lives here; what stands in it is the business of `markdown` and `digest_markdown`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from crawler.core.display import clipped
from crawler.core.model import LOCAL
from crawler.report.clean import file_link, web_link
from crawler.report.figures import number
from crawler.report.options import ReportOptions
from crawler.report.parts import LinkPart, OccurrencePart
from crawler.report.phrases import name
from crawler.report.words import words

MAX_TEXT = 200  # characters of a title or of evidence

_MARKUP = re.compile(r"[\\`*_\[\]<>#|~$&]")
_MENTION = re.compile(r"(?<!\w)@(?=\w)")  # GitHub tells the person; a joiner of no width keeps it text
_AUTOLINK = re.compile(r"(?i)\b(https?|ftp)://|\b(www)\.")  # entities hide these from GitHub, and copy right
_IN_TARGET = str.maketrans({c: f"%{ord(c):02X}" for c in ' <>()|\\`"'})


def place_link(occurrence: OccurrencePart, options: ReportOptions) -> str:
    """Where a link is written, as a link to that line where notes have an address."""
    text = f"{occurrence.path}:{occurrence.line}"
    if not options.notes_url:
        return escaped(text)
    target = options.notes_url + file_link(occurrence.path).removeprefix("./")
    return f"[{escaped(text)}]({target.translate(_IN_TARGET)}#L{occurrence.line})"


def place_links(occurrences: Sequence[OccurrencePart], most: int, options: ReportOptions) -> list[str]:
    """Where a link is written, at most `most` places, and behind them how many more there are."""
    shown = [place_link(each, options) for each in occurrences[:most]]
    left = len(occurrences) - len(shown)
    return [*shown, words(options.language).more.format(count=number(left))] if left > 0 else shown


def linked(text: str, url: str) -> str:
    """A link where a browser may follow the address, or a relative file; otherwise its text."""
    target = web_link(url) or (file_link(url) if ":" not in url and not url.startswith(("/", "\\")) else "")
    shown = escaped(text)
    return f"[{shown}]({target.translate(_IN_TARGET)})" if target else shown


def titled(link: LinkPart) -> str:
    """What people call a link, leading to it. A local target is relative to its note: nothing here leads to it."""
    return escaped(name(link)) if link.site == LOCAL else linked(name(link), link.url)


def escaped(text: str) -> str:
    """Text that stays text: markup escaped, mentions and bare addresses not made into links."""
    marked = _MARKUP.sub(_entity_or_escape, clipped(text, MAX_TEXT))
    return _AUTOLINK.sub(_unlinked, _MENTION.sub("@\u200d", marked))


def _entity_or_escape(found: re.Match[str]) -> str:
    match found[0]:
        case "<":
            return "&lt;"
        case ">":
            return "&gt;"
        case "&":
            return "&amp;"
        case character:
            return "\\" + character


def _unlinked(found: re.Match[str]) -> str:
    return f"{found[1]}&#58;//" if found[1] else f"{found[2]}&#46;"


def small(text: str, markup: Callable[[str], str] = escaped) -> str:
    """Text in small print, made into markup by `markup`; "" stays ""."""
    return f"<sub>{markup(text)}</sub>" if text else ""


def lines_of(parts: Iterable[str]) -> str:
    """Markup on lines of its own inside of a table cell or a list item; empty parts are left out."""
    return "<br>".join(part for part in parts if part)


def bullets(lines: Iterable[str]) -> str:
    """Markup as a list."""
    return "\n".join(f"- {line}" for line in lines)


def table_of(head: Iterable[str], rows: Iterable[Sequence[str]], rule: Sequence[str] = ()) -> str:
    """Cells of markup as a table; `rule` aligns its columns."""
    names = list(head)
    lines = [names, list(rule) or ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

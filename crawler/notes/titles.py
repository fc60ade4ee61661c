"""The title that the author of a note wrote for a bare link.

The convention of these notes is a line with the URL, an empty line, and the title as the next paragraph. A label or a
title on the same line counts as well. What a link syntax holds as its own text is the business of the readers.

Never a title: a heading, another URL, a picture, a rule, a list, a quotation beside the link, code, a formula, a
paragraph that ends in a colon, and a sentence behind a link that a label such as 官网：has introduced already.
"""

from __future__ import annotations

import re

from crawler.notes.found import Found, Lines
from crawler.notes.targets import HIDDEN, unescape

MAX_TITLE = 300  # code points; guess: titles of WeChat end at 64, questions with their asker's remark go beyond 200
MAX_LABEL = 60  # code points of a label or title on the line of the link
SEPARATORS = " -—–:：|"  # between a title and a link on one line
MAX_BESIDE = 1000  # code points beside a link on its line that are looked at
MAX_PARAGRAPH = 3  # lines that a wrapped title may have

_QUOTE = re.compile(r"\A[ \t]{0,3}(?:>[ \t]?)+")
_LIST_MARK = re.compile(
    r"\A[ \t]*(?:[-*+]|\d{1,9}[.)、）])(?:[ \t]+|(?=\S)|\Z)(?:\[[ xX]\][ \t]+)?|\A[ \t]*\[\^[^\]]{1,99}\]:[ \t]*"
)
_URL = re.compile(r"https?://", re.IGNORECASE)
_ENDS_IN_URL = re.compile(r"https?://[!-~]+\Z", re.IGNORECASE)
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_LETTER = re.compile(r"[^\W\d_]")
_COLON = ("：", ":")
_SENTENCE_ENDS = ("。", "；", ";")
# A sentence that begins like this goes on from the text around it.
_GOES_ON = re.compile(r"(?:这|但|由于|因此|所以|后者|前者|上面|从上面|此外|另外|其中|可以|如果|最近|注意|然后|于是)")
_WITHIN_SENTENCE = re.compile(r"[。；，,;！？]")
# A paragraph that begins like this is no title, whatever it says.
_NO_TITLE = re.compile(
    r"#{1,6}(?:\s|$)|!\[|\[[^\]]*\](?:\(|\[|:)|(?:[-*_][ \t]*){3,}$|[-*+][ \t]|>|```|~~~|\||<|\{[%{:]|\$|\t| {4}|[/\\=]"
    r"|\.\. |\d{1,3}[.、)）](?!\d)|`[^`]*`\W*$|[(（]\d{1,3}[)）]"
)
_COPY_LINE = re.compile(r"[ \t>]*\[kept copy\]\([^()\s]*\)[ \t]*$")  # what `fix --copies` writes below a link
_UNDERLINE = re.compile(r"[ \t]*(?:=+|-+)[ \t]*$")
# Labels that only say that a link follows: the title is still to come.
_POINTERS = re.compile(
    r"(?:原文|文章|本文|视频|资料)?(?:链接|地址|网址|链接地址|来源|出处|原文|转自|来自|url|link|source|via)\s*[:：]\Z",
    re.IGNORECASE,
)
_POINTING_TEXT = re.compile(
    r"\W*(?:(?:原文|官方|下载|阅读|参考|视频|文章)?(?:链接|地址|网址|连接)\W*\d*"
    r"|(?:点击|点|戳|看|见|在)?(?:这里|此处|这儿|此)|点击(?:查看|阅读|下载|进入|跳转)?"
    r"|原文|来源|出处|下载|查看|传送门|(?:click )?here|link ?\d*|this|source|url|\d{1,3})\W*",
    re.IGNORECASE,
)
_SEE = re.compile(
    r"(?:请|可|详情)?(?:参?[见看阅]|详见|查看|参考|参照|戳|点击|点|在|从|用|来自|转自|via|see|at|from)\Z", re.IGNORECASE
)
# Labels that name a site which the text has just spoken of: what follows is about something else.
_SITES = re.compile(
    r"(?:官网|官方网站|主页|网站|homepage|home page|website)(?:是|为|地址|网址)?\s*[:：]\Z", re.IGNORECASE
)
# What may stand behind a link without being its title: the password of a shared folder.
_PASSWORD = re.compile(
    r"[（(]?\s*(?:提取码|提取密码|访问码|密码|pwd|password|code)\s*[:：]?\s*\w{1,12}\s*[)）]?\Z", re.IGNORECASE
)


def bare_title(link: Found, lines: Lines) -> str:
    """The title of a bare link or autolink; "" where its author wrote none."""
    index = lines.index(link.start)
    begin, end = lines.starts[index], lines.starts[index] + len(lines.texts[index])
    if link.start - begin > MAX_BESIDE or end - link.end > MAX_BESIDE:
        return ""  # a long line is prose
    line = lines.texts[index]
    before, after = line[: link.start - begin].rstrip("<"), line[link.end - begin :].lstrip(">")
    quoted = _depth(before)
    before = _LIST_MARK.sub("", _QUOTE.sub("", before)).strip() if before else ""
    if not before and not after.strip():
        return _next_title(lines, index, quoted)
    if before.startswith("|"):
        return _cell_title(line)
    glued = bool(after) and not after[0].isspace()
    rest = "" if _PASSWORD.match(after.strip()) else after.strip()
    if not before and (glued or not rest):
        return _next_title(lines, index, quoted)
    if before.endswith(("（", "(")) and rest in ("）", ")"):
        return _same_line(before[:-1])
    if rest:
        return "" if before else _same_line(rest.lstrip(SEPARATORS))
    if before.endswith(_COLON):
        return _next_title(lines, index, quoted) if _POINTERS.match(before) else _same_line(before[:-1])
    apart = line[link.start - begin - 1].isspace() or before.endswith(("》", "】", "」", "|"))
    return _same_line(before.rstrip(SEPARATORS)) if apart else ""


def link_title(text: str) -> str:
    """The text of a link, where it may be a title: neither an address nor words such as "here" that only point."""
    if HIDDEN in text:  # what a template will put there is known to nobody
        text = " ".join(text.replace(HIDDEN, " ").split())
    pointing = len(text) <= MAX_LABEL and _POINTING_TEXT.fullmatch(text)
    return "" if pointing or _URL.match(text) else text


def _same_line(text: str) -> str:
    """`text` if it may be a label or title beside its link: short, with letters, and no part of a sentence."""
    title = clean(text)
    if len(title) > MAX_LABEL or not _LETTER.search(title) or _SEE.match(title):
        return ""
    if _URL.search(title) or _WITHIN_SENTENCE.search(title):
        return ""
    return "" if title.count("(") != title.count(")") or title.count("（") != title.count("）") else title


def _cell_title(line: str) -> str:
    """The first cell of a table's row that is text."""
    cells = (clean(cell) for cell in line.strip().strip("|").split("|"))
    return next((cell for cell in cells if _LETTER.search(cell) and not _URL.search(cell)), "")


def _next_title(lines: Lines, index: int, quoted: int) -> str:
    """The paragraph behind the line `index`, if it is a title."""
    texts = lines.texts
    above = _title_above(texts, index)
    if above:
        return above
    first = index + 1
    if first < len(texts) and _COPY_LINE.match(texts[first]):
        first += 1
    while first < len(texts) and not _content(texts[first]):
        first += 1
    if first >= len(texts):
        return ""
    raw = texts[first]
    if ">" in raw:
        depth = _depth(raw)
        if depth != quoted and depth > 0:
            return ""
        raw = _QUOTE.sub("", raw)
    if _NO_TITLE.match(raw):
        return ""
    paragraph = _paragraph(texts, first)
    return _as_title(clean(" ".join(paragraph)), _before(texts, index)) if paragraph else ""


def _title_above(texts: tuple[str, ...], index: int) -> str:
    """The line right above a link that ends its paragraph: the custom of those who write the title first."""
    if index == 0 or not texts[index - 1].strip():
        return ""
    if index > 1 and _content(texts[index - 2]) and not _LIST_MARK.match(texts[index - 1]):
        return ""  # the last line of some wrapped prose
    following = texts[index + 1] if index + 1 < len(texts) else ""
    if _content(following) and not _NO_TITLE.match(_QUOTE.sub("", following)):
        return ""
    raw = _LIST_MARK.sub("", _QUOTE.sub("", texts[index - 1]))
    title = clean(raw)
    if (
        _NO_TITLE.match(raw)
        or _SEE.match(title)
        or _URL.search(title)
        or title.endswith((*_COLON, *_SENTENCE_ENDS, "，", ","))
    ):
        return ""
    return title if _LETTER.search(title) and len(title) <= MAX_TITLE else ""


def _paragraph(texts: tuple[str, ...], first: int) -> list[str]:
    """The lines of the paragraph at `first`; none for a heading, a long one, and one with a URL for a line."""
    paragraph: list[str] = []
    for line in texts[first : first + MAX_PARAGRAPH + 1]:
        content = _content(line)
        if not content:
            break
        if _URL.match(content) or (paragraph and _UNDERLINE.match(content)):
            return []
        paragraph.append(content)
    return paragraph if len(paragraph) <= MAX_PARAGRAPH else []


def _as_title(title: str, before: str) -> str:
    if not _LETTER.search(title) or len(title) > MAX_TITLE or title.endswith(_COLON) or _ends_in_url(title):
        return ""
    labelled = before.endswith(_COLON)
    if labelled and _SITES.search(before):
        return ""
    if title.rstrip('”’"').endswith(_SENTENCE_ENDS):
        introduced = labelled or _URL.match(before)
        return "" if introduced or _GOES_ON.match(title) or _URL.search(title) else title
    return title


def _ends_in_url(title: str) -> bool:
    return "://" in title and _ENDS_IN_URL.search(title) is not None


def _before(texts: tuple[str, ...], index: int) -> str:
    """The nearest line above `index` that holds anything."""
    above = index - 1
    while above >= 0:
        content = _content(texts[above])
        if content:
            return content
        above -= 1
    return ""


def _content(line: str) -> str:
    line = line.strip()
    return _QUOTE.sub("", line).strip() if line[:1] == ">" else line


def _depth(line: str) -> int:
    """How many marks of quotation open the line."""
    match = _QUOTE.match(line)
    return match[0].count(">") if match else 0


def clean(text: str) -> str:
    """A title on one line: escapes and entities undone, invisible characters and enclosing emphasis left out."""
    text = unescape(text)
    title = " ".join((text if text.isascii() else _INVISIBLE.sub("", text)).split())
    if title[:1] not in "*_~":
        return title
    for mark in ("**", "__", "~~"):
        if len(title) > 2 * len(mark) and title.startswith(mark) and title.endswith(mark):
            title = title[len(mark) : -len(mark)].strip()
    return title

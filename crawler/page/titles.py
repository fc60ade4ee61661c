"""How well a note's title fits a page's title: the wrong link, or a page that changed hands, stands out.

Authors shorten titles, cut them, change punctuation and brackets, leave out sub-title, series and site name: all that
is forgiven. Numbers are not: part （一） is not part （二）, #371 not #372, 2015 not 2016, 3.8 not 3.9. The measurement
behind the figures is benchmarks/titles.py; docs/titles.md tells its result.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from html import unescape

from crawler.core.patterns import LazyPattern

DIFFERS = 0.35  # below: the titles have nothing to do with each other; measured, see docs/titles.md
MAX_TITLE = 300  # characters compared
NUMBERS_DIFFER = 0.3  # greatest match of two titles that count differently; below DIFFERS
CHANCE = 0.3  # likeness that two unrelated Chinese titles reach by chance; counts as nothing

_EMPTY = frozenset(
    "微信公众平台 weixinofficialaccountsplatform 知乎 知乎专栏 首页 首页知乎 链接 原文 原文链接 阅读原文 "
    "这里 此处 点击这里 参考 参考链接 来源 出处 下载 地址 官网 主页 网址 详情 "
    "here link this url source home homepage index untitled "
    "untitleddocument welcome blog website 无标题 无标题文档 新标签页 csdn博客 简书 博客园 github 正文".split()
)
_SITE = LazyPattern(
    r"\s*[-_|–—·]+\s*(?:知乎(?:专栏)?|csdn(?:博客|\.net)?|[\w .]{0,30}csdn博客|博客园|简书|腾讯新闻|腾讯网|"
    r"新浪\w{0,6}|网易\w{0,6}|搜狐\w{0,6}|凤凰\w{0,6}|澎湃新闻\S{0,12}|百度\w{0,6}|豆瓣|哔哩哔哩\S{0,12}|bilibili|微博|今日头条|维基百科\S{0,20}|wikipedia\S{0,30}|github|medium|"
    r"stack ?overflow|youtube|掘金|开源中国\S{0,8}|51cto\S{0,12}|infoq\S{0,8}|雪球|虎嗅\S{0,6}|36氪)\s*$",
    re.IGNORECASE,
)
_COUNTER = LazyPattern(r"^\(\d+\+? 封私信(?: / \d+\+? 条消息)?\)\s*")
_PREFIX = LazyPattern(r"^(?:\[[^\]]{1,8}\]|【[^】]{1,8}】|\((?:转载?|译|原创?)\)|(?:转载?|译文?|原创)\s*[:|])\s*")

_CHINESE = "零一二三四五六七八九"
_NUMERAL = r"[零〇一二三四五六七八九十百两]{1,7}"
_MARKS = LazyPattern(
    rf"[(\[【「]\s*(?:part|第|之|其)?\s*(?P<bracket>{_NUMERAL}|[上中下终完]|[ivx]{{1,5}})\s*[篇部集章节讲回期卷弹]?\s*[)\]】」]"
    rf"|第\s*(?P<nth>{_NUMERAL})"
    rf"|(?:^|[\s:|—-])(?P<list>{_NUMERAL})\s*[、.:]"
    rf"|之(?P<last>{_NUMERAL})(?=$|[\s:—-])"
    rf"|(?:^|[\s:|—(-])(?P<half>[上中下])(?=[篇集部卷册]?(?:$|[\s:)|—-]))"
    r"|(?<![a-z0-9])(?P<roman>i{2,3}|iv|vi{1,3}|ix)(?![a-z0-9])|(?<=[a-z] )(?P<one>[ivx])(?=$|\s*[:)-])"
)
_NUMBER = LazyPattern(r"\d+(?:\.\d+)*")
_THOUSANDS = LazyPattern(r"(?<=\d),(?=\d{3}(?!\d))")
_CUT = LazyPattern(r"[\d.]*\d(?:\.\.\.|…)$")  # the rest of a number that the title was cut in
_ROMAN = {"i": 1, "v": 5, "x": 10}
_WORDS = LazyPattern(r"[a-z0-9]+|[^\W_]", re.UNICODE)


def differs(match: float | None) -> bool:
    """Whether two titles have nothing to do with each other; not where nothing can be compared (None)."""
    return match is not None and match < DIFFERS


def title_match(note_title: str, page_title: str) -> float | None:
    """1.0 for the same title, down to 0.0 for titles without anything in common; below `DIFFERS` they differ.

    None where either is empty or says nothing ("here", 微信公众平台): nothing can be compared then.
    """
    note, page = _folded(note_title), _folded(page_title)
    left, right = letters(note), letters(page)
    if _says_nothing(left) or _says_nothing(right):
        return None
    likeness = _likeness(left, right, note, page)
    if _numbers_differ(note, page):
        return min(likeness, NUMBERS_DIFFER)
    return round(likeness, 4)


def _folded(title: str) -> str:
    """Widths, case, entities, site names and remarks like 【转】 taken away; punctuation still there."""
    text = unescape(title[: 2 * MAX_TITLE]).replace("（", "(").replace("）", ")")
    text = unicodedata.normalize("NFKC", text).casefold()
    text = _COUNTER.sub("", " ".join(text.split()))[:MAX_TITLE]
    shorter = _SITE.sub("", text)
    text = shorter or text
    return _PREFIX.sub("", text) or text


def letters(text: str) -> str:
    """The letters and digits of a text, case folded: what two spellings of it have in common."""
    return "".join(filter(str.isalnum, text.casefold()))


def _says_nothing(spelled: str) -> bool:
    return len(spelled) < 2 or spelled in _EMPTY or spelled.startswith(("http", "www"))


def _likeness(left: str, right: str, note: str, page: str) -> float:
    """The best of: alike as a whole, one inside the other, the same words in another order."""
    short, long = sorted((left, right), key=len)
    if short in long and _stands_alone(short, note if long is left else page):
        return 1.0 if len(short) == len(long) else 0.9
    from rapidfuzz import fuzz  # here, since reports want of this module nothing but its constant

    whole = fuzz.ratio(left, right) / 100
    words = fuzz.token_sort_ratio(" ".join(_WORDS.findall(note)), " ".join(_WORDS.findall(page))) / 100
    part = fuzz.partial_ratio(short, long) / 100 if len(short) >= 4 else 0.0
    best = max(whole, 0.9 * words if min(len(note.split()), len(page.split())) > 2 else 0.0, 0.95 * part)
    return max(0.0, (best - CHANCE) / (1 - CHANCE))


def _stands_alone(short: str, text: str) -> bool:
    """Whether a short title inside a long one is there as a word, and not `ai` in `fairness`."""
    return not short.isascii() or len(short) > 5 or short in re.findall(r"[a-z0-9]+", text) or text.startswith(short)


def _numbers_differ(note: str, page: str) -> bool:
    """Whether each title counts something that the other does not: a sub-title may add numbers, not change them."""
    left = _numbers(note)
    if not left:
        return False
    right = _numbers(page)
    return bool(left - right) and bool(right - left)


def _numbers(text: str) -> Counter[str]:
    """Every number with how often it stands there, also those written as numerals that count parts."""
    text = _THOUSANDS.sub("", _CUT.sub("", text))
    found = Counter(".".join(part.lstrip("0") or "0" for part in n.split(".")) for n in _NUMBER.findall(text))
    for match in _MARKS.finditer(text):
        kind, mark = next((name, value) for name, value in match.groupdict().items() if value)
        found[_value(mark, kind)] += 1
    return found


def _value(mark: str, kind: str) -> str:
    """The number that a numeral means, as digits; 上, 中, 下 as they are."""
    if kind == "half" or mark in "上中下终完":
        return mark
    if mark.isascii():
        values = [_ROMAN[letter] for letter in mark]
        return str(sum(-v if v < max(values[i:]) else v for i, v in enumerate(values)))
    return str(_chinese(mark.replace("〇", "零").replace("两", "二")))


def _chinese(numeral: str) -> int:
    """十二 is 12, 一百零五 is 105, 二三 (digits in a row) is 23."""
    if not set(numeral) & {"十", "百"}:
        return int("".join(str(_CHINESE.index(digit)) for digit in numeral))
    total = digit = 0
    for letter in numeral:
        if letter in "十百":
            total += (digit or 1) * (10 if letter == "十" else 100)
            digit = 0
        else:
            digit = _CHINESE.index(letter)
    return total + digit

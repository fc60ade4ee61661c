"""A verdict in plain words: what was seen, what it proves, and what would settle it.

Pure: a memory in, sentences out, in both languages. Which page gets which verdict is the judge's business, and
which case a memory is, `report.answers`'s; what lives here is what a page has room for beyond those short words.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from crawler.core.counts import Counted
from crawler.core.display import clipped, plain, redacted
from crawler.core.model import LOCAL, Confidence, Evidence, History, State
from crawler.core.url import redact
from crawler.report.answers import Case, LinkAnswers, answers_of, case_of_memory
from crawler.report.figures import day
from crawler.report.reasons import reason_name
from crawler.report.words import Language

MAX_SEEN: Final = 400  # characters of what a rule matched

_BY_SITE = frozenset(("deleted-by-author", "removed-for-violation", "account-banned", "account-closed"))
_SCRIPTED = frozenset(("needs-javascript", "empty-page"))

_PROVES: Final[dict[str, tuple[str, str]]] = {
    "alive": ("The content itself was seen.", "已见到内容本身。"),
    "site": (
        "The site itself says that the page is gone. That is knowledge of the page, and one such answer is enough.",
        "网站自己声明页面已不存在。这是关于页面本身的证据，一次即可确定。",
    ),
    "page": (
        "The server answers, and says that it has no such page. That is knowledge of the page.",
        "服务器有应答，并表示没有此页面。这是关于页面本身的证据。",
    ),
    "host": (
        "It speaks of the whole site, not of this page. Only the same answer on several days counts as proof.",
        "这涉及整个站点而非此页面。只有多日结果相同才算证据。",
    ),
    "client": (
        (
            "It speaks of how this crawler and the server understand each other. However often it happens, it never "
            "proves that the page is gone."
        ),
        "这只说明爬虫与服务器之间的问题。无论重复多少次，都不能证明页面已失效。",
    ),
    "way": (
        (
            "It speaks of the way there: this machine’s line, the country, a server that is down for now. It says "
            "little of the page."
        ),
        "这只说明通往网站的线路或服务器一时的状况，对页面本身说明不了什么。",
    ),
    "wall": (
        "The site refused the crawler. It says nothing of the page, which may well be alive.",
        "网站拒绝了爬虫。这不说明页面本身，页面很可能仍有效。",
    ),
    "unknown": (
        "Something was answered, and no rule knows it as the page or as its end.",
        "有应答，但没有规则能认出它是正文还是失效提示。",
    ),
    "unchecked": ("Nothing: it was not asked for.", "没有：尚未访问。"),
    "local": ("The file was looked for on this disk.", "已在本机磁盘上查找该文件。"),
}

_KINDS: Final = {
    Case.ALIVE: "alive",
    Case.UNCHECKED: "unchecked",
    Case.BLOCKED: "wall",
    Case.UNKNOWN: "unknown",
    Case.DEAD_PAGE: "page",
    Case.DEAD_ONCE: "page",
    Case.PAGE: "page",
    Case.DEAD_HOST: "host",
    Case.HOST: "host",
    Case.CLIENT: "client",
    Case.WAY: "way",
}
"""The row of `_PROVES` that says a case at more length; every other case is said as in the reports."""

_SETTLES: Final[dict[str, tuple[str, str]]] = {
    "nothing": ("Nothing more is needed.", "无需更多。"),
    "later": ("The next check, when it is due, sees to it.", "到期后的下一次检查会处理。"),
    "second": (
        "A second check on another day makes it certain; it comes by itself.",
        "另一天的第二次检查会使其确定，届时自动进行。",
    ),
    "look": (
        "Open it in your browser. If the page is there, the crawler is wrong, and you can say so.",
        "在浏览器中打开。若页面还在，就是爬虫错了，您可以纠正。",
    ),
    "save": (
        "Open it in your browser; if it is there, save it and import the file: nobody else can get it.",
        "在浏览器中打开；若还在，请保存并导入：别人无法代劳。",
    ),
    "browser": (
        "A browser that runs its scripts: `crawler rearchive ADDRESS --browser`.",
        "用能运行脚本的浏览器：`crawler rearchive 网址 --browser`。",
    ),
    "cookies": (
        "Your own cookies of that site: `crawler rearchive ADDRESS --cookies FILE`.",
        "使用您在该网站的 Cookie：`crawler rearchive 网址 --cookies 文件`。",
    ),
    "run": (
        "`crawler run`, or `crawler rearchive ADDRESS`, asks for it.",
        "`crawler run` 或 `crawler rearchive 网址`。",
    ),
    "read": ("Read the kept copy below.", "可阅读下方的存档副本。"),
    "mend": (
        "`crawler fix` can put the address of a copy into your note.",
        "`crawler fix` 可将副本的地址写入笔记。",
    ),
    "moved": (
        "`crawler fix` can write the new address into your note.",
        "`crawler fix` 可将新地址写入笔记。",
    ),
    "write": ("Put the file there, or mend the note.", "放回该文件，或修改笔记。"),
}


@dataclass(frozen=True, slots=True)
class PlainWords:
    """A verdict for a person."""

    seen: tuple[str, ...]
    proves: str
    settles: tuple[str, ...]


def explanation(history: History, site: str, language: Language) -> PlainWords:
    """What is remembered of a link, in words."""
    which = 1 if language == "zh" else 0
    case, told = case_of_memory(history), answers_of(history, language)
    kind = _kind(history, site, case)
    proves = _PROVES[kind][which] if kind else told.proves
    steps = _steps(history, site, case)
    return PlainWords(tuple(_seen(history, language)), proves, _in_words(steps, told, which))


def _kind(history: History, site: str, case: Case) -> str | None:
    """The row of `_PROVES`; None where the words of the reports say it."""
    if site == LOCAL:
        return "local"
    return "site" if case is Case.DEAD_PAGE and history.reason in _BY_SITE else _KINDS.get(case)


def _in_words(steps: list[str], told: LinkAnswers, which: int) -> tuple[str, ...]:
    return tuple(told.settles if step == "told" else _SETTLES[step][which] for step in steps)


def _steps(history: History, site: str, told_as: Case) -> list[str]:
    """Keys of `_SETTLES`; "told" is what the reports say."""
    if site == LOCAL:
        return ["nothing"] if history.state is State.ALIVE else ["write"]
    if history.mark:
        return ["told"]
    match history.state:
        case State.ALIVE:
            return ["moved"] if history.moved_to else ["nothing"]
        case State.UNCHECKED:
            return ["run"]
        case State.BLOCKED:
            return ["save", "cookies", "browser"]
        case State.UNKNOWN:
            return ["browser", "look"] if history.reason in _SCRIPTED else ["look", "later"]
        case State.SUSPECT:
            return ["told"] if history.snapshot else ["told", "save"]
        case State.DEAD:
            return [_first(history, told_as), *(("read", "mend") if history.snapshot else ("mend",))]


def _first(history: History, told_as: Case) -> str:
    if told_as not in (Case.DEAD_PAGE, Case.DEAD_ONCE, Case.DEAD_HOST):
        return "told"
    return "nothing" if history.confidence is Confidence.HIGH else "second"


def _seen(history: History, language: Language) -> list[str]:
    """One line for each thing that was seen."""
    seen, zh = history.evidence, language == "zh"
    lines = []
    if seen.http_status is not None:
        status = f"{seen.http_status} {_phrase(seen.http_status)}".strip()
        lines.append(f"服务器回应 HTTP {status}" if zh else f"The server answered HTTP {status}")
    if seen.redirects:
        count, end = len(seen.redirects), clipped(redact(plain(seen.final_url)), MAX_SEEN)
        lines.append(f"经 {count} 次跳转到 {end}" if zh else f"After {Counted(count):redirect} it led to {end}")
    if seen.matched:
        matched = clipped(redacted(plain(seen.matched)), MAX_SEEN)
        lines.append(f"匹配到：{matched}" if zh else f"Matched: {matched}")
    lines += [clipped(redacted(plain(text)), MAX_SEEN) for text in (seen.error, seen.limited, seen.notice) if text]
    if history.failures and history.first_failed:
        first = day(history.first_failed)
        lines.append(
            f"自 {first} 起失败 {history.failures} 次" if zh else f"Failing since {first}, {history.failures} counted"
        )
    if history.last_alive and history.state is not State.ALIVE:
        lines.append(f"最后有效 {day(history.last_alive)}" if zh else f"Last seen alive {day(history.last_alive)}")
    elif history.state in (State.DEAD, State.SUSPECT):
        lines.append("从未见其有效" if zh else "Never seen alive from here")
    return lines or [reason_name(history.reason, language)]


def rule_of(evidence: Evidence) -> str:
    """The rule that decided, for those who want to look it up with `crawler explain`."""
    return plain(evidence.rule)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""

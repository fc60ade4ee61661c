"""Three answers about one link, for people: what was seen, what that proves, and what would settle it.

Pure: from a state and its evidence to sentences, in English and Chinese. Which check proves what is decided by the
judge and by `schedule.proof`; only the words for it live here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from crawler.core.model import Confidence, Evidence, History, Proof, State, Word
from crawler.core.proof import GUESSES, NEVER_ANSWERED
from crawler.report.parts import EvidencePart, LinkPart
from crawler.report.words import Language, in_language


class Case(StrEnum):
    """What can be said of a link; every case has a row of words in each language."""

    MARKED_FINE = "marked-fine"
    MARKED_DEAD = "marked-dead"
    ALIVE = "alive"
    MALFORMED = "malformed"
    DEAD_PAGE = "dead-page"
    DEAD_HOST = "dead-host"
    DEAD_GUESS = "dead-guess"
    DEAD_WAY = "dead-way"
    DEAD_ONCE = "dead-once"
    PAGE = "page"
    HOST = "host"
    GUESS = "guess"
    CLIENT = "client"
    WAY = "way"
    UNSEEN = "unseen"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    UNCHECKED = "unchecked"


# What it proves, what would settle it.
_ENGLISH: dict[Case, tuple[str, str]] = {
    Case.MARKED_FINE: ("You said that it is fine.", "`crawler mark URL clear` takes that back."),
    Case.MARKED_DEAD: ("You said that it is dead.", "`crawler mark URL clear` takes that back."),
    Case.ALIVE: ("The page is there.", "Nothing is open."),
    Case.MALFORMED: ("The note has no address there that could be asked for.", "Mend the note."),
    Case.DEAD_PAGE: ("The site itself says that the page is gone, on two days.", "Nothing is open."),
    Case.DEAD_ONCE: (
        "The site itself says that the page is gone, on one day.",
        "A second check on another day will settle it.",
    ),
    Case.DEAD_HOST: ("The host does not serve the page any more.", "Only a page seen alive would change that."),
    Case.DEAD_GUESS: (
        "It looks like a page that is gone, several times, and a second kind of evidence agrees.",
        "Open it in a browser; `crawler mark URL fine` if it is there.",
    ),
    Case.DEAD_WAY: (
        "The host has been silent for very long, or others see it gone, too; that is no certainty.",
        "Open it in a browser on another line; `crawler mark URL fine` if it is there.",
    ),
    Case.PAGE: (
        "The site says something is wrong with the page, not that it is gone.",
        "More checks on other days will tell.",
    ),
    Case.HOST: ("The host fails; bad days pass.", "More checks on other days that find the same would settle it."),
    Case.GUESS: (
        "It looks like a page that is gone; that is a guess, and nothing else agrees with it.",
        "The title of the note, a kept copy or `[fetch] probe` can agree; or open it and use `crawler mark`.",
    ),
    Case.CLIENT: (
        "Our client and this server do not understand each other; that says nothing of the page.",
        "Open it in a browser, then `crawler mark URL fine` or `dead`; `rearchive --browser` keeps what it shows.",
    ),
    Case.WAY: (
        "The way there failed; the page may be fine.",
        "A living check, a long silence of the whole host, or a second opinion would settle it.",
    ),
    Case.UNSEEN: (
        "The host never answered from here while others did; elsewhere it may.",
        "Another line or a proxy, a second opinion, or your word (`crawler mark URL fine` or `dead`) would settle it.",
    ),
    Case.BLOCKED: (
        "The site refused us; that says nothing of the page.",
        "Open it in a browser; `rearchive --browser` or `--cookies` may be let in.",
    ),
    Case.UNKNOWN: (
        "Something answered, and nothing we know tells whether it is the page.",
        "Open it in a browser, then `crawler mark URL fine` or `dead`.",
    ),
    Case.UNCHECKED: ("Nothing: it was not asked.", "A check will tell."),
}
_CHINESE: dict[Case, tuple[str, str]] = {
    Case.MARKED_FINE: ("你说它没有问题。", "用 `crawler mark URL clear` 可以撤回。"),
    Case.MARKED_DEAD: ("你说它已失效。", "用 `crawler mark URL clear` 可以撤回。"),
    Case.ALIVE: ("页面还在。", "没有疑问。"),
    Case.MALFORMED: ("笔记里写的不是可以访问的网址。", "修改笔记。"),
    Case.DEAD_PAGE: ("网站自己在两天里都说页面已不在。", "没有疑问。"),
    Case.DEAD_ONCE: ("网站自己说页面已不在，只看到一天。", "改天再检查一次。"),
    Case.DEAD_HOST: ("主机不再提供这个页面。", "只有再次看到页面才会改变结论。"),
    Case.DEAD_GUESS: (
        "多次看起来像已不在的页面，并有第二种证据支持。",
        "用浏览器打开看看；如果还在，用 `crawler mark URL fine`。",
    ),
    Case.DEAD_WAY: (
        "主机沉默了很久，或别处也看到它已不在；但并不确定。",
        "换一条网络用浏览器打开；如果还在，用 `crawler mark URL fine`。",
    ),
    Case.PAGE: ("网站说页面有问题，但没有说它已不在。", "改天再检查几次。"),
    Case.HOST: ("主机出错；也可能只是一时。", "改天再检查几次，结果相同才算。"),
    Case.GUESS: (
        "看起来像已不在的页面；这只是猜测，没有别的证据支持。",
        "笔记里的标题、保存的副本或 `[fetch] probe` 可以佐证；或打开看看，再用 `crawler mark`。",
    ),
    Case.CLIENT: (
        "我们的客户端和这台服务器无法沟通；这与页面本身无关。",
        "用浏览器打开，再用 `crawler mark URL fine` 或 `dead`；`rearchive --browser` 可以保存看到的内容。",
    ),
    Case.WAY: ("去那里的路不通；页面可能没有问题。", "再次看到它有效、整台主机长期沉默，或第二方的意见，都可以确定。"),
    Case.UNSEEN: (
        "这台主机从这里从未应答，而其他主机应答了；在别处也许可以打开。",
        "换一条网络或代理、第二方的意见，或你的话（`crawler mark URL fine` 或 `dead`），都可以确定。",
    ),
    Case.BLOCKED: (
        "网站拒绝了我们；这与页面本身无关。",
        "用浏览器打开；`rearchive --browser` 或 `--cookies` 也许能进去。",
    ),
    Case.UNKNOWN: (
        "有应答，但没有规则能说明它是不是那个页面。",
        "用浏览器打开，再用 `crawler mark URL fine` 或 `dead`。",
    ),
    Case.UNCHECKED: ("什么也没有：没有检查过。", "检查一次。"),
}


@dataclass(frozen=True, slots=True)
class LinkAnswers:
    """What was seen ("" nothing), what that proves, and what would settle it."""

    seen: str
    proves: str
    settles: str


def answers(link: LinkPart, language: Language) -> LinkAnswers:
    """The three answers about a link of a report."""
    mark = link.mark.word if link.mark else None
    case = _case(link.state, link.reason, link.confidence, link.evidence.proof, mark)
    return _answers(case, link.evidence, language)


def answers_of(history: History, language: Language = "en") -> LinkAnswers:
    """The three answers about a link that is remembered."""
    return _answers(case_of_memory(history), history.evidence, language)


def case_of_memory(history: History) -> Case:
    """Which row of words fits a link that is remembered."""
    mark = history.mark.word if history.mark else None
    return _case(history.state, history.reason, history.confidence, history.evidence.proof, mark)


def _answers(case: Case, seen: Evidence | EvidencePart, language: Language) -> LinkAnswers:
    proves, settles = in_language(language, _ENGLISH, _CHINESE)[case]
    return LinkAnswers(seen_line(seen), proves, settles)


def _case(state: State, reason: str, confidence: Confidence, proof: Proof | None, mark: Word | None) -> Case:
    if mark:
        return Case.MARKED_FINE if mark is Word.FINE else Case.MARKED_DEAD
    match state:
        case State.DEAD:
            return _dead(reason, confidence, proof)
        case State.SUSPECT:
            return _suspect(reason, proof)
        case _:
            return Case(state.value)


def _dead(reason: str, confidence: Confidence, proof: Proof | None) -> Case:
    if reason == "malformed-url":
        return Case.MALFORMED
    if reason in GUESSES:
        return Case.DEAD_GUESS
    if proof is Proof.WAY:
        return Case.DEAD_WAY
    if proof is Proof.HOST:
        return Case.DEAD_HOST
    return Case.DEAD_PAGE if confidence is Confidence.HIGH else Case.DEAD_ONCE


def _suspect(reason: str, proof: Proof | None) -> Case:
    if reason in GUESSES:
        return Case.GUESS
    if reason == NEVER_ANSWERED:
        return Case.UNSEEN
    return Case.PAGE if proof is None else Case(proof.value)


def seen_line(seen: Evidence | EvidencePart) -> str:
    """What was seen, on one line; "" where nothing is known."""
    status = f"HTTP {seen.http_status}" if seen.http_status is not None else None
    hops = [f"{hop.status} {hop.url}" for hop in seen.redirects]
    moved = " → ".join([*hops, seen.final_url or "?"]) if hops else None
    return " · ".join(part for part in (seen.rule, seen.matched, status, moved, seen.error, seen.limited) if part)

"""What the author of an edit can do about a link, in one sentence.

For code reviews: short, and about the note; what would settle a doubt in the archive's memory is told by `answers`.
"""

from __future__ import annotations

from crawler.core.model import LOCAL, State
from crawler.report.parts import LinkPart
from crawler.report.words import Language, in_language

_WORDS: dict[str, tuple[str, str]] = {
    "local": ("Add the file, or correct the path.", "补上文件，或改正路径。"),
    "anchor": ("Correct the part behind #.", "改正 # 之后的部分。"),
    "malformed": ("Correct the address.", "改正网址。"),
    "name": ("Check the spelling of the host.", "检查域名的拼写。"),
    "copy": ("Link to the copy instead, or to another source.", "改为链接到副本，或换一个来源。"),
    "dead": ("Remove the link, or find another source.", "删去这个链接，或另找来源。"),
    "moved": ("Write the new address.", "改写为新网址。"),
    "browser": (
        "Open it in your browser; if the page is there, nothing is to be done.",
        "用浏览器打开看看；若页面还在，无需处理。",
    ),
}


def to_do(link: LinkPart, language: Language) -> str:
    """What to do; "" for links that are in order."""
    key = _key(link)
    return in_language(language, *_WORDS[key]) if key else ""


def _key(link: LinkPart) -> str:
    match link.state:
        case State.ALIVE | State.UNCHECKED:
            return ""
        case State.DEAD if link.site == LOCAL:
            return "local"
        case State.DEAD if link.reason in ("malformed-url", "unsupported-scheme"):
            return "malformed"
        case State.DEAD if link.moved_to:
            return "moved"
        case State.DEAD if any(not offer.url.startswith("urn:") for offer in link.suggestions):
            return "copy"
        case State.DEAD if link.reason == "dns-failure":
            return "name"
        case State.DEAD:
            return "dead"
        case _ if link.reason == "missing-anchor":
            return "anchor"
        case _ if link.site == LOCAL:
            return "local"
        case _:
            return "browser"

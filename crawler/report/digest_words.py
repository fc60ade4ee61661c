"""The words of digests in English and Chinese; those that reports share stand in `words`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from crawler.report.words import Language, in_language


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestWords:
    """Every phrase of a digest; templates in braces take the named values."""

    title: str
    period: str
    comma: str
    counted: Mapping[str, str]
    nothing: str
    died: str
    returned: str
    moved: str
    kept: str
    by_note: str
    of_links: str
    of_them: str
    saved: str
    not_saved: str
    week: str
    to_do: str
    steps: Mapping[str, str]


ENGLISH = DigestWords(
    title="What happened to your links",
    period="{since} to {until}",
    comma=", ",
    counted=MappingProxyType(
        {"died": "{count} died", "returned": "{count} came back", "moved": "{count} moved", "kept": "{count} kept"}
    ),
    nothing="nothing died, came back or moved",
    died="Died",
    returned="Came back",
    moved="Moved for good",
    kept="Newly kept",
    by_note="By note",
    of_links="links: {links} ({parts})",
    of_them=" · new: {parts}",
    saved="saved: your copy of {day}, {characters:character} (snapshot {id})",
    not_saved="saved: nothing",
    week="Died in the last 7 days",
    to_do="What to do",
    steps=MappingProxyType(
        {
            "read": "the copy that was saved of a dead link",
            "fix": "edits for your notes, with copies and new addresses; --write makes them",
            "mark": "if your browser shows it all the same",
        }
    ),
)

CHINESE = DigestWords(
    title="链接近况",
    period="{since} 至 {until}",
    comma="，",
    counted=MappingProxyType(
        {"died": "{count} 个失效", "returned": "{count} 个恢复", "moved": "{count} 个迁移", "kept": "{count} 个新存档"}
    ),
    nothing="没有失效、恢复或迁移",
    died="失效",
    returned="恢复",
    moved="永久迁移",
    kept="新存档",
    by_note="各篇笔记",
    of_links="{links} 个链接（{parts}）",
    of_them=" · 新变化：{parts}",
    saved="已保存：{day} 的副本，{characters} 字（存档 {id}）",
    not_saved="没有存档",
    week="最近 7 天失效",
    to_do="接下来可以",
    steps=MappingProxyType(
        {
            "read": "阅读失效链接的存档副本",
            "fix": "查看修改建议：把副本或新地址写进笔记（加 --write 才写入）",
            "mark": "若浏览器能打开，声明该链接正常",
        }
    ),
)


def digest_words(language: Language) -> DigestWords:
    """The phrases of one language."""
    return in_language(language, ENGLISH, CHINESE)

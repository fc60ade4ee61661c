"""Where `title_match` should call titles different: false alarms and misses over the titles of a folder of notes.

    python benchmarks/titles.py NOTES [PAIRS.tsv]

NOTES is a folder of Markdown notes (their note titles are read with the crawler's own extractor), or a file with one
title a line. Matched pairs are a title and the same title changed as authors and sites change titles; mismatched
pairs are two titles drawn from different notes, titles of one note, and titles whose number was changed. PAIRS.tsv
(two columns: note title, page title) adds real matched pairs. The draw is seeded: the same notes give the same figures.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from crawler.page.titles import DIFFERS, title_match

SEED = 20_26
DRAWN = 20_000  # mismatched pairs
SUFFIXES = (" - 知乎", "_澎湃新闻-The Paper", "-CSDN博客", " | Medium", "_新浪网", " - 我的技术小站")
PREFIXES = ("【转】", "[译] ", "原创 | ", "深度学习前沿 | ", "周末荐读：")
SUBTITLES = ("——一文读懂", "：从入门到放弃", "（附代码）", "，看这一篇就够了", " (with code)")
BRACKETS = re.compile(r"[（(【\[《][^）)】\]》\d一二三四五六七八九十上中下]*[）)】\]》]")  # without a number
BORDERS = re.compile(r"(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[\u4e00-\u9fff])")
THRESHOLDS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6)


def titles_of(source: Path) -> list[tuple[str, str]]:
    """(note, title), each title once."""
    if source.is_file():
        lines = source.read_text(encoding="utf-8").splitlines()
        return [(str(number), line.strip()) for number, line in enumerate(dict.fromkeys(lines)) if line.strip()]
    from crawler.core.model import Note
    from crawler.notes.extract import occurrences

    found: dict[str, str] = {}
    for path in sorted([*source.rglob("*.md"), *source.rglob("*.markdown")]):
        for occurrence in occurrences(Note(path.name, path.read_text(encoding="utf-8", errors="replace"))):
            if occurrence.note_title:
                found.setdefault(occurrence.note_title, path.name)
    return [(note, title) for title, note in found.items()]


def _main_part(title: str) -> str:
    return re.split(r"[:：—|]+", title)[0] if len(re.split(r"[:：—|]+", title)[0]) >= 5 else title


def _typo(title: str, draw: random.Random) -> str:
    places = [i for i, letter in enumerate(title) if letter.isalpha()]
    if len(places) < 8:
        return title
    place = draw.choice(places)
    return title[:place] + draw.choice("的了是在AX") + title[place + 1 :]


CHANGES: dict[str, Callable[[str, random.Random], str]] = {
    "site suffix": lambda t, d: t + d.choice(SUFFIXES),
    "account prefix": lambda t, d: d.choice(PREFIXES) + t,
    "sub-title left out": lambda t, _: _main_part(t),
    "sub-title added": lambda t, d: t + d.choice(SUBTITLES),
    "cut": lambda t, _: t[: max(8, len(t) * 2 // 3)] + "…",
    "half-width": lambda t, _: t.translate(str.maketrans("，。：；！？（）【】“”", ",.:;!?()[]\"\"")),
    "brackets dropped": lambda t, _: BRACKETS.sub("", t) or t,
    "spaces round Latin": lambda t, _: BORDERS.sub(" ", t),
    "one letter wrong": _typo,
    "upper case": lambda t, _: t.upper(),
}  # fmt: skip


def renumbered(title: str) -> str:
    """The same title with its first number changed; the title itself where it has none."""
    chinese = re.search(r"[（(]([一二三四五六七八])[）)]", title)
    if chinese:
        following = "一二三四五六七八九"["一二三四五六七八".index(chinese[1]) + 1]
        return title[: chinese.start(1)] + following + title[chinese.end(1) :]
    half = re.search(r"[（(]([上中])[）)]", title)
    if half:
        return title[: half.start(1)] + "下" + title[half.end(1) :]
    return re.sub(r"\d+", lambda m: str(int(m[0]) + 1), title, count=1)


def table(name: str, scores: list[float | None], *, alarm_below: bool) -> None:
    """One line: the share of scores on the wrong side of each threshold."""
    known = [score for score in scores if score is not None]
    cells = [sum((s < t) == alarm_below for s in known) / max(len(known), 1) for t in THRESHOLDS]
    print(f"{name:34} {len(known):6} " + " ".join(f"{100 * cell:6.2f}" for cell in cells))


def main() -> int:
    """The command line."""
    if len(sys.argv) not in (2, 3):
        print(__doc__)
        return 2
    titles = titles_of(Path(sys.argv[1]))
    draw = random.Random(SEED)
    print(f"{len(titles)} titles; DIFFERS = {DIFFERS}; per cent of pairs, by threshold")
    print(f"{'':34} {'pairs':>6} " + " ".join(f"{t:6.2f}" for t in THRESHOLDS))
    print("false alarms (matched pairs called different)")
    every: list[float | None] = []
    for name, change in CHANGES.items():
        scores = [title_match(title, change(title, draw)) for _, title in titles]
        every += scores
        table("  " + name, scores, alarm_below=True)
    table("  all changes", every, alarm_below=True)
    if len(sys.argv) == 3:
        pairs = [
            line.split("\t")[:2] for line in Path(sys.argv[2]).read_text(encoding="utf-8").splitlines() if "\t" in line
        ]
        table("  real pairs", [title_match(a, b) for a, b in pairs], alarm_below=True)
    print("misses (mismatched pairs called the same)")
    drawn = [(draw.choice(titles), draw.choice(titles)) for _ in range(DRAWN)]
    table("  different notes", [title_match(a[1], b[1]) for a, b in drawn if a[0] != b[0]], alarm_below=False)
    beside = [(a[1], b[1]) for a, b in pairwise(titles) if a[0] == b[0]]
    table("  neighbours in one note", [title_match(a, b) for a, b in beside], alarm_below=False)
    changed = [(title, renumbered(title)) for _, title in titles if renumbered(title) != title]
    table("  another number", [title_match(a, b) for a, b in changed], alarm_below=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Chinese prose that costs what real prose costs: a vocabulary of 30,000 words out of 3,500 characters, by Zipf's law.

Made from a seed, so that two machines measure the same pages. No sentence of it means anything.
"""

from __future__ import annotations

import random
from itertools import accumulate

CHARACTERS = 3_500  # what a newspaper uses
WORDS = 30_000
LENGTHS = (1, 2, 2, 2, 2, 2, 3, 4)  # characters of a word
LATIN = "API GPT-4 transformer Python Linux dataset 2024 v1.2 benchmark GitHub token LLM".split()


class ChineseProse:
    """Sentences without end."""

    def __init__(self, seed: int = 1) -> None:
        self.dice = random.Random(seed)
        characters = self.dice.sample([chr(n) for n in range(0x4E00, 0x9FA5)], CHARACTERS)
        ranks = list(accumulate(1 / (rank + 20) for rank in range(CHARACTERS)))
        self.words = [
            "".join(self.dice.choices(characters, cum_weights=ranks, k=self.dice.choice(LENGTHS))) for _ in range(WORDS)
        ]
        self.weights = list(accumulate(1 / (rank + 5) for rank in range(WORDS)))

    def sentence(self) -> str:
        """Some thirty characters."""
        words = self.dice.choices(self.words, cum_weights=self.weights, k=self.dice.randint(8, 24))
        if self.dice.random() < 0.15:
            words.insert(len(words) // 2, f" {self.dice.choice(LATIN)} ")
        words.insert(len(words) // 2, "，")
        return "".join(words) + "。"

    def paragraph(self, characters: int = 120) -> str:
        """At least so many characters."""
        text = ""
        while len(text) < characters:
            text += self.sentence()
        return text

    def title(self) -> str:
        """The name of an article."""
        return "".join(self.dice.choices(self.words, cum_weights=self.weights, k=7))


PAGE = 10_000  # bytes
WECHAT = 2_400_000  # bytes
STYLE = ".article p { margin: 0 0 1em; color: #333 }\n"
SCRIPT = 'window.config.push({"id": "x", "show": false});\n'
LINK = '<a class="item" href="/p1.html">首页</a>\n'


def page(n: int, prose: ChineseProse) -> str:
    """An article of about PAGE bytes, unlike any other: a good third is text, the rest markup, style and script."""
    head = (
        f"<!DOCTYPE html><html><head><meta charset=utf-8><title>文章 {n} {prose.title()}</title><style>{STYLE * 20}"
        f"</style><script>{SCRIPT * 25}</script></head><body><nav>{LINK * 20}</nav><article><h1>文章 {n}</h1>"
    )
    body, size = [], len(head.encode())
    while size < PAGE - 100:
        body.append(f'<p class="paragraph"><span style="font-size: 16px">{prose.paragraph(60)}</span></p>\n')
        size += len(body[-1].encode())
    return head + "".join(body) + "</article></body></html>"


def wechat_page(n: int, prose: ChineseProse) -> str:
    """An article of 2,500 characters in a shell of script that most pages share, as WeChat's are."""
    dice = random.Random(7)
    shell = "".join(f"function f{k}(a,b){{return a[{dice.getrandbits(40)}]+b}}\n" for k in range(WECHAT // 38))
    style = 'style="margin-bottom:24px;line-height:2em;letter-spacing:1px"'
    article = "".join(f"<p {style}><span>{prose.paragraph(120)}</span></p>" for _ in range(20))
    return (
        f"<!DOCTYPE html><html><head><meta charset=utf-8><title>文章 {n} {prose.title()}</title></head><body>"
        f'<script>{shell}</script><div id="js_article"><h1>文章 {n}</h1><div id="js_content">{article}</div></div>'
        f"<script>var nonce = '{prose.dice.getrandbits(64)}';</script></body></html>"
    )

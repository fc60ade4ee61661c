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

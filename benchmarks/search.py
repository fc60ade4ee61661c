"""How long a search takes, over made-up Chinese documents: `python benchmarks/search.py [DOCUMENTS]`.

The corpus comes from a seed: characters and words with Zipf's frequencies (的 stands in every document), 1,100
characters each, and some English; beside these current texts, every fourth page has an earlier one. Rows are written as
the archive writes them; texts are held in memory, so that the index is measured and not the disk. Prints a table: what
was asked, hits, median and worst milliseconds of CPU.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import sys
import tempfile
import time
from itertools import accumulate
from pathlib import Path

from crawler.archive import schema, search, words

SEED = 20_260_102
COMMON = "的一是了我不在人有他这中大来上个国说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后"
LATIN = ("model", "python", "data", "transformer", "GPT", "github", "the", "of")
LENGTH = 1_100  # characters of a document; the mean of the posts that were measured once
QUERIES = (
    "的", "我们", "一个", "图", "之后", "大学", "model", "github", "的 一 是", "我们 大学", "学习机器", "“大学”？",
    "gpt site:weixin", "的 site:zhihu", "家学 -model", "我们 -的", "transf*", "大學", "鑫",
)  # fmt: skip
REPEATS = 5
CHANGED = 4  # of so many pages one has an earlier text


def vocabulary(rng: random.Random) -> tuple[list[str], list[float]]:
    """Words of one to three characters with falling weights."""
    rare = [chr(0x4E00 + n) for n in rng.sample(range(0x5000), 3_000)]
    characters = [*COMMON, *rare]
    weights = list(accumulate(1 / (n + 2) for n in range(len(characters))))
    found = [*COMMON[:40], "我们", "一个", "大学", "之后", "学习", "机器", "图", *LATIN]
    while len(found) < 20_000:
        found.append("".join(rng.choices(characters, cum_weights=weights, k=rng.choice((1, 2, 2, 2, 3)))))
    return found, list(accumulate(1 / (n + 3) for n in range(len(found))))


def documents(count: int) -> list[str]:
    """The texts."""
    rng = random.Random(SEED)
    vocabulary_, weights = vocabulary(rng)
    texts = []
    for _ in range(count):
        parts = []
        for word in rng.choices(vocabulary_, cum_weights=weights, k=LENGTH // 2):
            parts.append(f" {word} " if word.isascii() else word)
            if rng.random() < 0.12:
                parts.append(rng.choice("，。，、！？\n"))
        texts.append("".join(parts))
    return texts


def fill(db: sqlite3.Connection, texts: list[str]) -> None:
    """Rows of links, captures and documents, a hundred to a transaction, as a run writes them."""
    for start in range(0, len(texts), 100):
        db.execute("BEGIN")
        for number in range(start, min(start + 100, len(texts))):
            site = "weixin" if number % 2 else "zhihu"
            db.execute(
                "INSERT INTO links (id, canonical_url, url, site, host, state, history)"
                " VALUES (?, ?, '', ?, '', 'alive', '')",
                (number + 1, f"https://a.example/{number}", site),
            )
            db.execute(
                "INSERT INTO captures (id, link, at, segment, notice, state, reason, raw_bytes, data)"
                " VALUES (?, ?, ?, 1, 0, 'alive', '', 0, '')",
                (number + 1, number + 1, number * 1_000_000),
            )
            search.put(db, number + 1, number + 1, texts[number][:12], "", texts[number])
        db.execute("COMMIT")


def fill_earlier(db: sqlite3.Connection, texts: list[str]) -> None:
    """An earlier text for some of the links, which are the last of all captures."""
    count = len(texts)
    db.execute("BEGIN")
    for link in range(1, count + 1, CHANGED):
        text = texts[-link]
        db.execute(
            "INSERT INTO captures (id, link, at, segment, notice, state, reason, raw_bytes, data)"
            " VALUES (?, ?, ?, 1, 0, 'alive', '', 0, '')",
            (count + link, link, link * 1_000),
        )
        search.put_earlier(db, link, count + link, text[:12], "", text)
    db.execute("COMMIT")


def measure(db: sqlite3.Connection, texts: list[str], query: str) -> tuple[int, list[float]]:
    """Hits, and milliseconds of CPU of each repeat."""
    took = []
    for _ in range(REPEATS):
        begun = time.process_time()
        hits = search.find(db, query, 20, lambda ident: texts[(ident - 1) % len(texts)])
        took.append((time.process_time() - begun) * 1000)
    return len(hits), took


def main() -> None:
    """Build, ask, print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    texts = documents(count)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "index.sqlite")
        db = schema.open_writer(path)
        search.ready(db, lambda _: "")
        begun = time.process_time()
        fill(db, texts)
        seconds = time.process_time() - begun
        size = path.stat().st_size / sum(len(text.encode()) for text in texts)
        begun = time.process_time()
        for text in texts[:2_000]:
            words.terms(text)
        terms = (time.process_time() - begun) * 1000 / min(len(texts), 2_000)
        print(
            f"{count:,} documents: {1000 * seconds / count:.2f} ms each (terms {terms:.2f} ms), index {size:.2f} x text"
        )
        fill_earlier(db, texts)
        for query in QUERIES:
            hits, took = measure(db, texts, query)
            print(f"{query:<20}\t{hits:>3} hits\tmedian {statistics.median(took):7.1f} ms\tworst {max(took):7.1f} ms")
        db.close()


if __name__ == "__main__":
    main()

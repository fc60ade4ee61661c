"""What the archive costs: bytes and CPU a page, looks a second, milliseconds a search.

    python benchmarks/archive.py [FOLDER] [--notes FOLDER] [--pages N]

FOLDER holds saved pages; the article inside each WeChat page (#js_content) and Zhihu column (RichText) is replaced by
other text, so that one real shell stands for many articles. The text is made of the paragraphs of the Markdown files in
--notes. Without either, shells and text are made up: compare those figures with each other only.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import random
import re
import resource
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from crawler.archive import Archive, NoteEntry, verify
from crawler.core.model import Check, Evidence, Fetch, History, Kind, Link, Occurrence, Page, State, Verdict
from crawler.core.settings import ArchiveSettings as Options

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
QUERIES = (
    "图",
    "语音",
    "语音识别",
    "人工智能",
    "深圳",
    "transformer",
    '"机器 学习"',
    "学习 模型",
    "开源 -github",
    "我的",
    "的",
    "微信 site:weixin after:2026-01-01",
    "神经*",
    "不在其中的词",
)
BATCH = 64  # what the recorder takes together at most
COMMON = 1_500  # Chinese characters that make up nearly all text; drawn by Zipf's law
WORDS = ["".join(chr(0x4E00 + (n * 7919 + k * 104729) % 20_000) for k in range(2)) for n in range(COMMON)]
WEIGHTS = [1 / (rank + 5) for rank in range(COMMON)]


def made_up(generator: random.Random, characters: int) -> str:
    """Chinese of which no character means anything."""
    words = generator.choices(WORDS, WEIGHTS, k=characters // 2)
    return "".join(word + ("。" if n % 17 == 16 else "") for n, word in enumerate(words))


class Prose:
    """Text to fill pages with: each paragraph of the notes once, then from the start again, shuffled."""

    def __init__(self, notes: Path | None) -> None:
        files = sorted(notes.rglob("*.m*d*")) if notes else []
        lines = [line.strip() for file in files for line in file.read_text("utf-8", "replace").splitlines()]
        self.paragraphs = [line for line in lines if len(line) > 40 and "http" not in line]
        self.generator = random.Random(3)
        self.at = 0

    def text(self, characters: int) -> str:
        """At least that many characters."""
        if not self.paragraphs:
            return made_up(self.generator, characters)
        taken: list[str] = []
        while sum(map(len, taken)) < characters:
            if self.at % len(self.paragraphs) == 0:
                self.generator.shuffle(self.paragraphs)
            taken.append(self.paragraphs[self.at % len(self.paragraphs)])
            self.at += 1
        return "\n".join(taken)


def check(site: str, host: str, number: int, text: str, body: bytes, at: datetime = NOW) -> Check:
    """A look at a living page."""
    url = f"https://{host}/{number}"
    link = Link(url, url, url, site, host, site, (Occurrence("a.md", 1, 1, url, url, Kind.BARE, text[:12]),))
    headers = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Server", "nginx"),
        ("Date", "Fri, 02 Jan 2026 03:04:05 GMT"),
    )
    asked = (("Host", host), ("User-Agent", "Mozilla/5.0 crawler"), ("Accept", "text/html"))
    fetch = Fetch(url, url, at, 0.3, 200, headers=headers, request_headers=asked, body=body)
    digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    page = Page(title=text[:20], author="某人", text=text, digest=digest)
    evidence = Evidence(rule=f"{site}/article", matched="#js_content", http_status=200, final_url=url)
    history = History(
        url, at, url, State.ALIVE, "ok", evidence=evidence, checked_at=at, last_alive=at, page_title=text[:20]
    )
    readable = f"<!doctype html><meta charset=utf-8><title>{text[:20]}</title><article>{paragraphs(text)}</article>"
    verdict = Verdict(State.ALIVE, "ok", evidence=evidence)
    return Check(link, at, fetch, page, verdict, history, "run", readable)


def paragraphs(text: str, style: str = "") -> str:
    """Text as HTML paragraphs of 120 characters."""
    return "".join(f"<p{style}>{text[n : n + 120]}</p>" for n in range(0, len(text), 120))


def shells(folder: Path | None, pattern: str, begin: str, made_up: int) -> list[tuple[str, str]]:
    """(before, after) the article of each page of a kind."""
    if folder is None:
        generator = random.Random(made_up)
        script = "".join(f"function f{n}(a,b){{return a[{generator.getrandbits(40)}]+b}}" for n in range(made_up // 36))
        return [(f"<html><script>{script}</script><div>", "</div></html>")]
    found = []
    for file in sorted(folder.glob(pattern)):
        page = file.read_text("utf-8", "replace")
        if match := re.search(begin, page):
            found.append((page[: match.end()], page[match.end() + article_length(page, match.end()) :]))
    return found


def article_length(page: str, start: int) -> int:
    """Characters of the element that begins at `start`, by counting its tags; near enough for a shell."""
    depth = 1
    for tag in re.finditer(r"<(/?)div\b", page[start:]):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return tag.start()
    return 0


def pages(site: str, host: str, shell: Sequence[tuple[str, str]], numbers: range, prose: Prose) -> Iterator[Check]:
    """Pages of a site: the same shells, another article and another nonce in each."""
    for n in numbers:
        text = prose.text(prose.generator.choice((400, 1500, 2500, 5000)))
        before, after = shell[n % len(shell)]
        article = paragraphs(text, ' style="margin-bottom:24px;line-height:2em;letter-spacing:1px"')
        nonce = hashlib.sha256(str(n).encode()).hexdigest()
        yield check(site, host, n, text, f"{before}{article}{after}<!-- {nonce} -->".encode())


def fetched_again(one: Check) -> Check:
    """The same article under another nonce, the next day."""
    at = one.at + timedelta(days=1)
    return replace(one, at=at, fetch=replace(one.fetch, started_at=at, body=one.fetch.body + b"<!-- another nonce -->"))


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def measured(folder: Path, checks: Iterable[Check], batch: int) -> tuple[int, float, float]:
    """Looks, CPU seconds and bytes on disk of keeping them; making them up is not counted."""
    count = 0
    cpu = 0.0
    size = size_of(folder)
    with Archive.open(folder, Options(), now=lambda: NOW) as archive:
        waiting: list[Check] = []
        for one in checks:
            waiting.append(one)
            count += 1
            if len(waiting) == batch:
                cpu += spent(lambda: archive.record(waiting))
                waiting.clear()
        cpu += spent(lambda: archive.record(waiting))
    return count, cpu, size_of(folder) - size


def spent(work: Callable[[], object]) -> float:
    """CPU seconds of some work."""
    start = time.process_time()
    work()
    return time.process_time() - start


def large_pages(name: str, site: str, host: str, shell: list[tuple[str, str]], number: int, prose: Prose) -> None:
    """Bytes and CPU a page of a site whose pages share a large shell."""
    folder = Path(tempfile.mkdtemp(prefix="archive-"))
    first = list(pages(site, host, shell, range(number), prose))
    raw = sum(len(one.fetch.body) for one in first) / number
    print(
        f"{name}: {raw / 1000:.0f} KB raw, {sum(len(one.page.text) for one in first) / number:.0f} characters;"
        f" {number} pages:"
    )
    rounds: list[tuple[str, Iterable[Check]]] = [
        ("first, dictionary included", first),
        ("more, the dictionary being there", pages(site, host, shell, range(number, 2 * number), prose)),
        ("again, text unchanged", map(fetched_again, first)),
    ]
    for what, checks in rounds:
        count, cpu, size = measured(folder, checks, 4)
        print(f"  {size / count / 1000:6.1f} KB and {cpu / count * 1000:5.1f} ms CPU a page: {what}")
    tell_parts(folder)
    start = time.perf_counter()
    report = verify(folder, rebuild=True)
    print(
        f"  rebuilt and verified {report.captures} captures in {time.perf_counter() - start:.1f} s,"
        f" clean: {report.clean}"
    )
    shutil.rmtree(folder)


def tell_parts(folder: Path) -> None:
    """What the bytes of a page are made of."""
    with contextlib.closing(sqlite3.connect(folder / "index.sqlite")) as db:
        row = db.execute(
            "SELECT avg(response_len), avg(text_len), avg(readable_len) FROM captures WHERE response_at IS NOT NULL"
        ).fetchone()
        index = (folder / "index.sqlite").stat().st_size
        (captures,) = db.execute("SELECT count(*) FROM captures WHERE revisit_of IS NULL").fetchone()
    parts = ", ".join(f"{what} {size / 1000:.1f}" for what, size in zip(("raw", "text", "readable"), row, strict=True))
    print(f"  KB of a page with bytes: {parts}, index {index / captures / 1000:.1f}")


def small_pages(number: int) -> None:
    """Looks a second of pages of 9 KB from 50 hosts, in the recorder's batches."""
    generator = random.Random(1)
    words = [f"{'bcdfghklm'[n % 9]}{'aeiou'[n % 5]}{n:x}" for n in range(4_000)]
    checks = []
    for n in range(number):
        text = " ".join(generator.choices(words, k=500))
        body = f"<html><head>{'<link rel=x>' * 200}</head><body><p>{text}</p>{'<div>menu</div>' * 250}</body></html>"
        checks.append(check("other", f"host{n % 50}.example", n, text, body.encode()))
    for codec in ("zst", "gz"):
        folder = Path(tempfile.mkdtemp(prefix="archive-"))
        with Archive.open(folder, Options(codec=codec), now=lambda: NOW) as archive:  # type: ignore[arg-type]  # a literal
            start, cpu = time.perf_counter(), time.process_time()
            for at in range(0, number, BATCH):
                archive.record(checks[at : at + BATCH])
            wall, cpu = time.perf_counter() - start, time.process_time() - cpu
        kb = size_of(folder) / number / 1000
        print(
            f"small pages ({len(checks[0].fetch.body)} bytes), {codec}: {number / wall:.0f}/s,"
            f" {number / cpu:.0f} per CPU second, {kb:.1f} KB each"
        )
        shutil.rmtree(folder)


def searches(number: int, prose: Prose) -> None:
    """Milliseconds a search, its snippets included."""
    folder = Path(tempfile.mkdtemp(prefix="archive-"))
    with Archive.open(folder, Options(keep_raw="none"), now=lambda: NOW) as archive:
        for at in range(0, number, 500):
            batch = [
                check("weixin", "mp.weixin.qq.com", n, prose.text(1145), b"x") for n in range(at, min(at + 500, number))
            ]
            archive.record([replace(one, readable="") for one in batch])
        queries = list(QUERIES) if prose.paragraphs else [WORDS[n] for n in (3, 30, 100, 300, 600, 1000, 1400)]
        times = []
        for query in queries:
            rounds = []
            for _ in range(5):
                start = time.perf_counter()
                hits = archive.search(query)
                rounds.append((time.perf_counter() - start) * 1000)
            times.append(statistics.median(rounds))
            print(f"  {query}: {len(hits)} hits, {times[-1]:.1f} ms")
    print(f"search over {number} documents: median {statistics.median(times):.1f} ms, max {max(times):.1f} ms")
    shutil.rmtree(folder)


def memory(links: int, files: int) -> None:
    """Seconds to remember all links and notes, and to read them back."""
    folder = Path(tempfile.mkdtemp(prefix="archive-"))
    one = check("weixin", "mp.weixin.qq.com", 1, "文" * 50, b"x")
    histories = [replace(one.history, canonical_url=f"https://mp.weixin.qq.com/s/{n}") for n in range(links)]
    places = tuple(
        Occurrence("posts/a.md", n, 1, one.link.url, one.link.url, Kind.BARE, "标题标题标题", n, n + 40)
        for n in range(links // files)
    )
    with Archive.open(folder, Options(), now=lambda: NOW) as archive:
        start = time.perf_counter()
        archive.put_histories(histories)
        put = time.perf_counter() - start
        archive.put_notes([NoteEntry(f"posts/{n}.md", 1, 2, "utf-8", places) for n in range(files)])
    start = time.perf_counter()
    with Archive.open(folder, write=False) as archive:
        archive.histories()
        middle = time.perf_counter()
        archive.notes()
        end = time.perf_counter()
    print(
        f"{links} histories: kept in {put:.2f} s, read in {middle - start:.3f} s with opening;"
        f" {files} notes: read in {end - middle:.3f} s"
    )
    shutil.rmtree(folder)


def main() -> None:
    """Run everything; some two minutes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--notes", type=Path)
    parser.add_argument("--pages", type=int, default=120)
    options = parser.parse_args()
    prose = Prose(options.notes)
    weixin = shells(options.folder, "weixin-alive-plain-*.html", r"""id=["']js_content["'][^>]*>""", 2_400_000)
    zhihu = shells(
        options.folder, "zhihu-column-alive-?.html", r"""class=["'][^"']*RichText[^"']*["'][^>]*>""", 200_000
    )
    large_pages("WeChat", "weixin", "mp.weixin.qq.com", weixin, options.pages, prose)
    large_pages("Zhihu column", "zhihu", "zhuanlan.zhihu.com", zhihu, options.pages, prose)
    small_pages(3_000)
    memory(25_000, 817)
    searches(20_000, prose)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MB, the looks of this script included")


if __name__ == "__main__":
    main()

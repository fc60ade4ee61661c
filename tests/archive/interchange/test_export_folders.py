"""Folders of HTML and of Markdown: safe, stable, and whole."""

import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pyromark
import pytest
import yaml
from export_samples import BAD_TITLE, BLOG, PNG, WEIXIN, check
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.archive import Archive
from crawler.archive.interchange.converting import Here, TooComplex
from crawler.archive.interchange.epub import write_epub, xhtml
from crawler.archive.interchange.html import local_document, write_html
from crawler.archive.interchange.markdown import article_to_markdown, escaped, write_markdown
from crawler.archive.interchange.names import newest_page, page_name, picture_name, url_digest
from crawler.archive.interchange.source import CaptureReader, LinkFacts
from crawler.archive.interchange.wacz import write_wacz
from crawler.archive.interchange.warc import write_warc
from crawler.core.errors import UsageError
from crawler.core.model import State
from crawler.crawl.export import writer

NOW = datetime(2026, 2, 3, tzinfo=UTC)
T = TypeVar("T")


def only(tree: LexborHTMLParser, selector: str) -> LexborNode:
    (node,) = tree.css(selector)
    return node


def page_of(folder: Path, url: str, suffix: str = "html") -> Path:
    """The newest page of a URL."""
    return max(folder.rglob(f"*-{url_digest(url)}.{suffix}"), key=lambda file: file.name)


def contents(folder: Path) -> dict[str, bytes]:
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_every_capture_has_a_page_named_by_date_and_title(reader: CaptureReader, tmp_path: Path) -> None:
    done = write_html(tmp_path, reader, NOW)
    assert (done.pages, done.damaged, done.left_out) == (4, (), ())
    old, new = sorted((tmp_path / "pages/mp.weixin.qq.com").glob("*.html"))
    assert [file.name[:14] for file in (old, new)] == ["2026-01-02-标题-", "2026-01-11-标题-"]
    assert "旧的正文" in old.read_text()
    assert "新的正文" in new.read_text()
    assert newest_page(tmp_path, WEIXIN) == new
    for file, other in ((old, new), (new, old)):
        links = LexborHTMLParser(file.read_text()).css("nav a")
        found = [(file.parent / unquote(link.attributes["href"] or "")).resolve() for link in links]
        assert found == [tmp_path / "index.html", other]


def test_pages_know_state_notes_and_report(archive: Archive, tmp_path: Path) -> None:
    def facts(url: str) -> LinkFacts:
        return LinkFacts("dead", "deleted-by-author", NOW, ("posts/a.md:12",)) if url == WEIXIN else LinkFacts()

    report = tmp_path / "reports" / "report.html"
    report.parent.mkdir()
    report.write_text("")
    write_html(tmp_path / "out", CaptureReader(archive, facts=facts), NOW, report=report)
    page = LexborHTMLParser(page_of(tmp_path / "out", WEIXIN).read_text()).css_first("nav")
    assert page is not None
    assert "This link is dead (deleted-by-author), last seen alive 2026-02-03" in page.text()
    assert "posts/a.md:12" in page.text()
    index = LexborHTMLParser((tmp_path / "out/index.html").read_text())
    assert "posts/a.md:12" in only(index, "#list").text()
    (link,) = [node for node in index.css("p a") if node.text() == "the report"]
    assert (tmp_path / "out" / (link.attributes["href"] or "")).resolve() == report


def test_what_is_no_page_is_a_file_that_its_page_links(archive: Archive, tmp_path: Path) -> None:
    url = "https://a.example/paper.pdf"
    paper = check(url, "", "")
    raw = replace(paper.fetch, body=b"%PDF-1.7 paper", headers=(("Content-Type", "application/pdf"),))
    archive.record([replace(paper, fetch=raw, page=replace(paper.page, text="", digest=""), readable="")])
    write_html(tmp_path / "h", CaptureReader(archive), NOW)
    write_markdown(tmp_path / "m", CaptureReader(archive))
    file = page_of(tmp_path / "h", url)
    (link,) = [node for node in LexborHTMLParser(file.read_text()).css("nav a") if node.text() == "The kept file"]
    assert (file.parent / (link.attributes["href"] or "")).read_bytes() == b"%PDF-1.7 paper"
    text = page_of(tmp_path / "m", url, "md").read_text()
    assert re.search(r"\[The kept file\]\(\.\./files/a\.example/.*\.pdf\)", text)


def test_notices_that_a_folder_leaves_out_are_named(archive: Archive, tmp_path: Path) -> None:
    archive.record([check("https://gone.example/a", "Gone", "Not here.", state=State.DEAD)])
    for done in (
        write_html(tmp_path / "h", CaptureReader(archive), NOW),
        write_markdown(tmp_path / "m", CaptureReader(archive)),
    ):
        assert done.left_out == ("1 kept notice of a dead page: --wacz and --warc hold them",)


def test_an_export_of_nothing_replaces_nothing(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "empty") as empty:
        good = tmp_path / "good.wacz"
        good.write_bytes(b"good")
        for write in (write_wacz, write_epub):
            assert write(good, CaptureReader(empty), NOW).pages == 0
            assert good.read_bytes() == b"good"
        for into in (write_html, write_warc):
            assert into(tmp_path / "out", CaptureReader(empty), NOW).files == ()
        assert not (tmp_path / "out").exists()


LINES = (
    r"a * b_c_ `x` <b> [l](u) # h | 1. x & &amp; ~~s~~ !i \ $x$ ==m== - 1) + >", "# no heading", "1. no list",
    "12) none", "- none", "+ none", "> none", "---", "===", "| a | b |", "***", "https://a.example/a_b_c", "[x]: y",
    "<!-- no -->",
)  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_plain_text_stays_text_in_markdown(line: str) -> None:
    tree = LexborHTMLParser(pyromark.html(escaped(line)))
    assert [node.tag for node in tree.css("body *")] == ["p"]
    assert tree.body is not None
    assert tree.body.text().strip() == line


def test_a_title_and_a_text_that_look_like_markup_stay_text(archive: Archive, tmp_path: Path) -> None:
    for url, readable in (("https://m.example/a", ""), ("https://m.example/b", "copy")):
        made = check(url, "# [t](u)", "1. &lt;i&gt;x *y* _z_ [a](b)")
        archive.record([replace(made, readable=made.readable if readable else "")])
    write_markdown(tmp_path, CaptureReader(archive))
    for url in ("https://m.example/a", "https://m.example/b"):
        body = page_of(tmp_path, url, "md").read_text().split("---\n", 2)[2]
        tree = LexborHTMLParser(pyromark.html(body))
        assert {node.tag for node in tree.css("body *")} <= {"h1", "p"}, body


def test_a_book_is_well_formed_and_holds_articles_and_pictures(reader: CaptureReader, tmp_path: Path) -> None:
    done = write_epub(tmp_path / "a.epub", reader, NOW)
    assert done.pages == 3
    with zipfile.ZipFile(tmp_path / "a.epub") as book:
        first = book.infolist()[0]
        assert (first.filename, first.compress_type, book.read(first)) == ("mimetype", 0, b"application/epub+zip")
        package = ET.fromstring(book.read("OEBPS/content.opf"))
        listed = {item.attrib["href"] for item in package.iter("{http://www.idpf.org/2007/opf}item")}
        assert {f"OEBPS/{name}" for name in listed} < set(book.namelist())
        for name in book.namelist():
            if name.endswith((".xhtml", ".opf", ".xml")):
                ET.fromstring(book.read(name))
        texts = [book.read(f"OEBPS/{n:05d}.xhtml").decode() for n in (1, 2, 3)]
        assert "新的正文" in texts[0]
        (source,) = re.findall(r'<img src="([^"]+)"', texts[0])
        assert book.read(f"OEBPS/{source}") == PNG
        assert "not kept" in texts[0]
        assert "&lt;script&gt;" in texts[1]
    assert any("1 older version of articles" in line for line in done.left_out)


ODD = ("<p>", "<b><i></b>", "<br>", "<img src=x>", "<a href='javascript:x'>", "<svg:x y=1>", "<td a:b=c colspan='<'>")


@given(st.text(max_size=60), st.sampled_from(ODD))
def test_no_copy_makes_a_book_that_is_not_well_formed(text: str, markup: str) -> None:
    ET.fromstring(f"<x>{xhtml(f'<article>{text}{markup}{text}</article>', {})}</x>")


def test_nothing_in_the_folder_loads_from_the_network(reader: CaptureReader, tmp_path: Path) -> None:
    done = write_html(tmp_path, reader, NOW)
    for file in done.files:
        tree = LexborHTMLParser(file.read_text())
        loaded = [node.attributes.get("src") or "" for node in tree.css("[src]")] + [
            node.attributes.get("href") or "" for node in tree.css("link[href]")
        ]
        assert not [url for url in loaded if "//" in url]
        for picture in (file.parent / url for url in loaded if url.endswith(".png")):
            assert picture.read_bytes() == PNG
        assert file.name == "index.html" or "img-src 'self' file: data:" in (tree.html or "")


def test_the_list_links_every_page_and_escapes_what_pages_say(reader: CaptureReader, tmp_path: Path) -> None:
    write_html(tmp_path, reader, NOW)
    tree = LexborHTMLParser((tmp_path / "index.html").read_text())
    links = tree.css("#list li > a:first-child")
    assert [link.text() for link in links] == ["标题", BAD_TITLE, "Moved"]
    assert all((tmp_path / unquote(link.attributes["href"] or "")).is_file() for link in tree.css("#list a:not(.web)"))
    assert [script.attributes for script in tree.css("script")] == [{"src": "search.js"}]


def test_search_texts_stand_in_the_order_of_the_list(
    reader: CaptureReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.archive.interchange.html.CHUNK_CHARS", 10)
    write_html(tmp_path, reader, NOW)
    tree = LexborHTMLParser((tmp_path / "index.html").read_text())
    names = json.loads(only(tree, "#list").attributes["data-scripts"] or "")
    read = [(tmp_path / name).read_text() for name in names]
    texts = [text for script in read for text in json.loads(script.removeprefix("searchTexts.push(")[:-3])]
    assert ["正文" in texts[0], "english words" in texts[1], "moved here" in texts[2]] == [True] * 3
    assert len(names) > 1


def test_writing_again_touches_nothing_that_says_the_same(archive: Archive, tmp_path: Path) -> None:
    for write in (
        lambda: write_html(tmp_path / "h", CaptureReader(archive), NOW),
        lambda: write_markdown(tmp_path / "m", CaptureReader(archive)),
    ):
        before = {file: file.stat().st_mtime_ns for file in write().files}
        assert {file: file.stat().st_mtime_ns for file in write().files} == before


def test_a_changed_article_is_a_file_of_its_own(archive: Archive, tmp_path: Path) -> None:
    write_markdown(tmp_path / "out", CaptureReader(archive))
    before = contents(tmp_path / "out")
    archive.record([check(BLOG, BAD_TITLE, "Other words.", day=20)])
    write_markdown(tmp_path / "out", CaptureReader(archive))
    after = contents(tmp_path / "out")
    (new,) = {name for name in after if after[name] != before.get(name)}
    assert re.fullmatch(rf"blog\.example/2026-01-22-.*-{url_digest(BLOG)}\.md", new)


def test_a_markdown_file_has_front_matter_that_means_what_the_page_said(reader: CaptureReader, tmp_path: Path) -> None:
    write_markdown(tmp_path, reader)
    _, front, body = page_of(tmp_path, BLOG, "md").read_text().split("---\n", 2)
    facts = yaml.safe_load(front)
    assert (facts["title"], facts["url"], facts["author"]) == (BAD_TITLE, BLOG, "作者")
    assert "English words" in body
    assert "by" not in body.split()


def test_pictures_of_a_markdown_file_are_files_beside_it(reader: CaptureReader, tmp_path: Path) -> None:
    write_markdown(tmp_path, reader)
    file = page_of(tmp_path, WEIXIN, "md")
    (kept, lost) = re.findall(r"!\[picture\]\(([^)]+)\)", file.read_text())
    assert (file.parent / kept).read_bytes() == PNG
    assert lost == "https://img.example/lost.png"


def test_a_copy_too_deep_to_convert_is_written_as_text(
    reader: CaptureReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = "<article>" + "<div>" * 5_000 + "x"
    assert article_to_markdown(deep, {}) == ""
    page = next(iter(reader.latest()))
    monkeypatch.setattr(reader, "load", lambda capture: replace(page, capture=capture, text="正文", readable=deep))
    write_markdown(tmp_path, reader)
    assert "正文" in page_of(tmp_path, WEIXIN, "md").read_text()


@pytest.mark.parametrize("form", ["html", "markdown", "epub"])
def test_a_copy_that_no_worker_gets_through_is_told_of_and_its_text_written(
    reader: CaptureReader, tmp_path: Path, form: str
) -> None:
    class Overwhelmed(Here):
        def call(self, function: Callable[..., T], *args: object) -> T:
            if "English words" in str(args):
                raise TooComplex("not read within 3 s of CPU")
            return function(*args)

    done = writer(form, workers=Overwhelmed())(tmp_path / "out", reader, NOW)
    (line,) = done.damaged
    assert line.startswith(f"{BLOG} of 2026-")
    assert line.endswith("its copy is too complex (not read within 3 s of CPU); its text is in its place")
    written = (tmp_path / "out").rglob("*") if form != "epub" else [tmp_path / "out"]
    texts = [text for file in written if file.is_file() for text in unpacked(file)]
    assert any("English words" in text for text in texts)


def unpacked(file: Path) -> list[str]:
    """The texts of a file, or of the members of a book."""
    if not zipfile.is_zipfile(file):
        return [file.read_bytes().decode("utf-8", "replace")]
    with zipfile.ZipFile(file) as book:
        return [book.read(name).decode("utf-8", "replace") for name in book.namelist()]


def test_a_file_is_no_name_for_a_folder(reader: CaptureReader, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError):
        write_html(tmp_path / "file", reader, NOW)
    with pytest.raises(UsageError):
        write_markdown(tmp_path / "file", reader)


def test_a_picture_inside_a_copy_stays_and_one_that_was_not_kept_says_so() -> None:
    html = local_document('<img src="data:image/png;base64,AA"><img src="https://x.example/a.png" alt="a">', {})
    tree = LexborHTMLParser(html)
    (inside,), (lost,) = tree.css("img"), tree.css("a")
    assert inside.attributes["src"] == "data:image/png;base64,AA"
    assert (lost.attributes["href"], lost.text()) == ("https://x.example/a.png", "[a: not kept]")


@given(st.text(max_size=80), st.text(max_size=200))
def test_names_stay_in_their_folder_and_are_safe_everywhere(url: str, title: str) -> None:
    for address in (f"https://a.example/{url}", url):
        name = page_name(address, NOW, title)
        assert re.fullmatch(r"[a-z0-9.-]+/2026-02-03-[\w-]+", name)
        assert not re.search(r"\.\.|\.$|^-|/[.-]", name)
        assert len(name.rpartition("/")[2].encode()) < 200


def test_secrets_of_sharers_are_in_no_name() -> None:
    assert "hush" not in page_name("https://mp.weixin.qq.com/s/x?pass_ticket=hush&key=hush", NOW, "")


def test_two_captures_of_a_day_have_two_pages(archive: Archive, tmp_path: Path) -> None:
    first = check("https://twice.example/a", "Twice", "Morning.")
    later = check("https://twice.example/a", "Twice", "Evening.")
    archive.record([first])
    archive.record([replace(later, at=later.at + timedelta(hours=9))])
    write_html(tmp_path, CaptureReader(archive), NOW)
    said = [file.read_text() for file in tmp_path.glob("pages/twice.example/*.html")]
    assert len(said) == 2
    assert any("Morning." in text for text in said)


def test_only_pictures_get_the_suffix_of_one() -> None:
    digest = f"sha256:{'ab' * 32}"
    assert picture_name(digest, "image/JPEG; x=y") == f"{'ab' * 16}.jpg"
    assert picture_name(digest, "image/svg+xml") == f"{'ab' * 16}.bin"
    assert picture_name("sha256:../../etc", "text/html") == "ec.bin"


def test_a_capture_without_a_readable_copy_gets_one_of_its_text(archive: Archive, tmp_path: Path) -> None:
    archive.record([replace(check("https://plain.example/a", "Plain", "Words < & more."), readable="")])
    write_html(tmp_path, CaptureReader(archive), NOW)
    assert "<p>Words &lt; &amp; more.</p>" in page_of(tmp_path, "https://plain.example/a").read_text()

"""Folders of HTML and of Markdown: safe, stable, and whole."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from export_samples import BAD_TITLE, BLOG, PNG, WEIXIN, check
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from crawler.archive import Archive
from crawler.archive.interchange.html import local_document, write_html
from crawler.archive.interchange.markdown import to_markdown, write_markdown
from crawler.archive.interchange.names import page_name, picture_name
from crawler.archive.interchange.source import CaptureReader, ExportedPage
from crawler.core.errors import UsageError

NOW = datetime(2026, 2, 3, tzinfo=UTC)


def contents(folder: Path) -> dict[str, bytes]:
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_the_newest_capture_of_each_article_has_a_page(reader: CaptureReader, tmp_path: Path) -> None:
    done = write_html(tmp_path, reader, NOW)
    assert (done.pages, done.damaged) == (3, ())
    page = (tmp_path / f"pages/{page_name(WEIXIN)}.html").read_text()
    assert "新的正文" in page
    assert "旧的正文" not in page


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
        assert file.name == "index.html" or "img-src 'self' file: data:" in tree.html


def test_the_list_links_every_page_and_escapes_what_pages_say(reader: CaptureReader, tmp_path: Path) -> None:
    write_html(tmp_path, reader, NOW)
    tree = LexborHTMLParser((tmp_path / "index.html").read_text())
    links = tree.css("#list li > a:first-child")
    assert [link.text() for link in links] == ["标题", BAD_TITLE, "Moved"]
    assert all((tmp_path / (link.attributes["href"] or "")).is_file() for link in links)
    assert [script.attributes for script in tree.css("script")] == [{"src": "search.js"}]


def test_search_texts_stand_in_the_order_of_the_list(
    reader: CaptureReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.archive.interchange.html.CHUNK_CHARS", 10)
    write_html(tmp_path, reader, NOW)
    tree = LexborHTMLParser((tmp_path / "index.html").read_text())
    names = json.loads(tree.css_first("#list").attributes["data-scripts"] or "")
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


def test_a_changed_article_changes_its_own_file_only(archive: Archive, tmp_path: Path) -> None:
    write_markdown(tmp_path / "out", CaptureReader(archive))
    before = contents(tmp_path / "out")
    archive.record([check(BLOG, BAD_TITLE, "Other words.", day=20)])
    write_markdown(tmp_path / "out", CaptureReader(archive))
    after = contents(tmp_path / "out")
    assert {name for name in after if after[name] != before.get(name)} == {f"{page_name(BLOG)}.md"}


def test_a_markdown_file_has_front_matter_that_means_what_the_page_said(reader: CaptureReader, tmp_path: Path) -> None:
    write_markdown(tmp_path, reader)
    _, front, body = (tmp_path / f"{page_name(BLOG)}.md").read_text().split("---\n", 2)
    facts = yaml.safe_load(front)
    assert (facts["title"], facts["url"], facts["author"]) == (BAD_TITLE, BLOG, "作者")
    assert "English words" in body
    assert "by" not in body.split()


def test_pictures_of_a_markdown_file_are_files_beside_it(reader: CaptureReader, tmp_path: Path) -> None:
    write_markdown(tmp_path, reader)
    file = tmp_path / f"{page_name(WEIXIN)}.md"
    (kept, lost) = re.findall(r"!\[picture\]\(([^)]+)\)", file.read_text())
    assert (file.parent / kept).read_bytes() == PNG
    assert lost == "https://img.example/lost.png"


def test_a_copy_too_deep_to_convert_is_written_as_text(reader: CaptureReader) -> None:
    page = next(iter(reader.latest()))
    deep = ExportedPage(page.capture, None, "标题\n正文", "<article>" + "<div>" * 5_000 + "x", ())
    assert "正文" in to_markdown(deep, {})


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


@given(st.text(max_size=80))
def test_names_stay_in_their_folder_and_are_safe_everywhere(rest: str) -> None:
    name = page_name(f"https://a.example/{rest}")
    assert re.fullmatch(r"a\.example/[a-z0-9.-]{10,80}", name)
    assert not re.search(r"\.\.|\.$|^-|/[.-]", name)


@given(st.text(max_size=80))
def test_names_of_broken_addresses_are_safe_too(url: str) -> None:
    assert re.fullmatch(r"[a-z0-9.-]+/[a-z0-9.-]{10,80}", page_name(url))


def test_secrets_of_sharers_are_in_no_name() -> None:
    assert "hush" not in page_name("https://mp.weixin.qq.com/s/x?pass_ticket=hush&key=hush")


def test_only_pictures_get_the_suffix_of_one() -> None:
    digest = f"sha256:{'ab' * 32}"
    assert picture_name(digest, "image/JPEG; x=y") == f"{'ab' * 16}.jpg"
    assert picture_name(digest, "image/svg+xml") == f"{'ab' * 16}.bin"
    assert picture_name("sha256:../../etc", "text/html") == "ec.bin"


def test_a_capture_without_a_readable_copy_gets_one_of_its_text(archive: Archive, tmp_path: Path) -> None:
    archive.record([replace(check("https://plain.example/a", "Plain", "Words < & more."), readable="")])
    write_html(tmp_path, CaptureReader(archive), NOW)
    assert (
        "<p>Words &lt; &amp; more.</p>" in (tmp_path / f"pages/{page_name('https://plain.example/a')}.html").read_text()
    )

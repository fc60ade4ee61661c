"""HAR files as browsers, proxies and test tools write them: what holds a page is read, anything else named."""

from __future__ import annotations

import base64
import gzip
import json
import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import brotli
import pytest

from crawler.archive.codec import zstd
from crawler.archive.interchange.files import is_candidate, pages_of
from crawler.core.errors import UsageError

URL = "https://a.example/page"
HTML = "<!doctype html><title>标题</title><p>some words, 正文 “quoted”"


def entry(content: Any, *, status: Any = 200, url: str = URL, **headers: str) -> dict[str, Any]:
    named = [{"name": name.replace("_", "-"), "value": value} for name, value in headers.items()]
    return {
        "startedDateTime": "2025-03-04T05:06:07.000+08:00",
        "request": {"method": "GET", "url": url, "headers": []},
        "response": {"status": status, "headers": named, "content": content, "redirectURL": ""},
    }


def har(*entries: Any) -> str:
    return json.dumps(
        {"log": {"version": "1.2", "creator": {"name": "a tool"}, "entries": entries}}, ensure_ascii=False
    )


def text(body: Any = HTML, **more: Any) -> dict[str, Any]:
    return {"mimeType": "text/html; charset=gbk", "size": len(body or ""), "text": body, **more}


def in_base64(body: bytes, **more: Any) -> dict[str, Any]:
    return text(base64.b64encode(body).decode(), encoding="base64", **more)


def read(folder: Path, data: str | bytes, name: str = "a.har") -> tuple[list[tuple[str, str]], list[str]]:
    """Bodies and content types of the pages that came, and what was lost."""
    path, lost = folder / name, list[str]()
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    pages = list(pages_of(path, lost.append, pytest.fail))
    assert all(page.url == URL for page in pages)
    return [(page.body.decode("utf-8", "replace"), page.content_type) for page in pages], lost


WHOLE: tuple[list[tuple[str, str]], list[str]] = ([(HTML, "text/html; charset=utf-8")], [])


@pytest.mark.parametrize("name", ["a.har", "a.json", "standard-input"])
@pytest.mark.parametrize("how", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-16-be-bom", "utf-32"])
def test_a_har_file_may_be_in_any_of_unicodes_encodings(tmp_path: Path, how: str, name: str) -> None:
    data = har(entry(text()))
    written = ("\ufeff" + data).encode("utf-16-be") if how == "utf-16-be-bom" else data.encode(how)
    assert read(tmp_path, written, name) == WHOLE
    spaced = ("\r\n " + data).encode("utf-16" if how == "utf-16-be-bom" else how)
    assert read(tmp_path, spaced, name) == WHOLE


@pytest.mark.parametrize("name", ["a.har.gz", "a.HAR.GZ", "a.gz", "a.har.zst", "a.har"])
def test_a_har_file_may_be_packed(tmp_path: Path, name: str) -> None:
    data = har(entry(text())).encode("utf-16" if name == "a.gz" else "utf-8")
    packed = zstd.compress(data) if name.endswith("zst") else gzip.compress(data)
    assert read(tmp_path, packed, name) == WHOLE
    assert is_candidate(Path(name)) == (name != "a.gz")


def test_a_packed_file_whose_check_sum_is_wrong_or_missing_is_read_and_named(tmp_path: Path) -> None:
    packed = gzip.compress(har(entry(text())).encode())
    for data in (packed[:-8], packed[:-8] + bytes(8)):
        pages, lost = read(tmp_path, data, "a.har.gz")
        assert (pages, len(lost)) == (WHOLE[0], 1)


def test_a_packed_file_that_is_cut_off_gives_its_whole_entries(tmp_path: Path) -> None:
    data = gzip.compress(har(entry(text()), *[entry(text(), url=f"{URL}?{n:099}") for n in range(99)]).encode())
    lost = list[str]()
    (tmp_path / "a.har.gz").write_bytes(data[: len(data) // 2])
    assert len(list(pages_of(tmp_path / "a.har.gz", lost.append, pytest.fail))) > 1
    assert len(lost) == 2


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_saved_pages_of_other_kinds_may_be_packed_too(tmp_path: Path, ending: str) -> None:
    page = f"<!-- saved from url=({len(URL):04}){URL} -->{HTML}".encode()
    mail = f"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\nContent-Location: {URL}\r\n\r\n{HTML}"
    for name, data in (("a.html", page), ("a.mhtml", mail.encode())):
        packed = gzip.compress(data) if ending == "gz" else zstd.compress(data)
        (pages, lost) = read(tmp_path, packed, f"{name}.{ending}")
        assert (len(pages), lost) == (1, [])
        assert pages[0][0].endswith(HTML)


def test_a_packed_file_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.har.gz"
    file.write_bytes(gzip.compress(har(entry(text("x" * (140 << 20)))).encode(), 1))
    with pytest.raises(UsageError, match="at most 128 MB"):
        list(pages_of(file, pytest.fail, pytest.fail))


@pytest.mark.parametrize("encoding", ["base64", "Base64"])
def test_bodies_in_base_64_are_bytes_in_the_charset_of_their_page(tmp_path: Path, encoding: str) -> None:
    content = in_base64(HTML.encode()) | {"encoding": encoding}
    assert read(tmp_path, har(entry(content))) == ([(HTML, "text/html; charset=gbk")], [])


def test_base_64_may_be_wrapped_without_its_end_or_of_the_kind_for_urls(tmp_path: Path) -> None:
    body = HTML.encode() + b"\xfb\xff\xfe??>>~~"
    plain, safe = base64.b64encode(body).decode(), base64.urlsafe_b64encode(body).decode()
    assert plain != safe
    wrapped = "\r\n".join(plain[at : at + 20] for at in range(0, len(plain), 20))
    for written in (wrapped, safe, plain.rstrip("="), safe.rstrip("=")):
        (tmp_path / "a.har").write_text(har(entry(text(written, encoding="base64"))))
        (page,) = pages_of(tmp_path / "a.har", pytest.fail, pytest.fail)
        assert page.body == body


def test_what_calls_itself_base_64_and_is_none_is_text_and_the_other_way_round(tmp_path: Path) -> None:
    assert read(tmp_path, har(entry(text(encoding="base64")))) == WHOLE
    content = in_base64(HTML.encode()) | {"encoding": ""}
    assert read(tmp_path, har(entry(content))) == ([(HTML, "text/html; charset=gbk")], [])
    assert read(tmp_path, har(entry(text("plain words"))))[0] == [("plain words", "text/html; charset=utf-8")]


def test_a_body_of_much_white_space_is_looked_at_once(tmp_path: Path) -> None:
    """A pattern that tries each space of these as the end of base 64 takes minutes."""
    body = " " * 400_000 + HTML
    assert read(tmp_path, har(entry(text(body)))) == ([(body, "text/html; charset=utf-8")], [])


def test_bytes_that_were_written_as_characters_one_by_one_are_bytes(tmp_path: Path) -> None:
    png = b"\x89PNG\r\n\x1a\n\0\xff\xfe"
    picture = {"mimeType": "image/png", "text": png.decode("latin-1")}
    page = text(f'{HTML}<img src="https://i.example/a.png">')
    (tmp_path / "a.har").write_text(har(entry(page), entry(picture, url="https://i.example/a.png")))
    (found,) = pages_of(tmp_path / "a.har", pytest.fail, pytest.fail)
    assert [image.body for image in found.images] == [png]


@pytest.mark.parametrize("charset", ["gb18030", "windows-1252"])
def test_a_har_file_that_is_not_in_utf_8_is_read_in_its_charset(tmp_path: Path, charset: str) -> None:
    body = {"gb18030": "<p>这是一篇关于灯塔的文章，写得很长。" * 9, "windows-1252": "<p>Où est le café à côté ?" * 9}[
        charset
    ]
    (tmp_path / "a.har").write_bytes(har(entry(text(body))).encode(charset))
    notes = list[str]()
    (page,) = pages_of(tmp_path / "a.har", pytest.fail, notes.append)
    assert page.body.decode() == body
    assert notes[0].startswith("it is not written in UTF-8, and was read as ")


def test_characters_of_a_har_file_that_are_broken_are_named(tmp_path: Path) -> None:
    pages, lost = read(tmp_path, har(entry(text(HTML * 20))).encode().replace("题".encode(), b"\xe9\xa2", 1))
    assert len(pages) == 1
    assert lost == ["some of its characters are broken, and are left out"]


CODINGS = {
    "gzip": gzip.compress, "br": brotli.compress, "deflate": zlib.compress, "zstd": zstd.compress,
    "x-gzip": gzip.compress,
}  # fmt: skip


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("how", ["base64", "text", "decoded"])
def test_a_body_that_is_still_packed_is_unpacked(tmp_path: Path, coding: str, how: str) -> None:
    packed = CODINGS[coding](HTML.encode())
    content = {"base64": in_base64(packed), "text": text(packed.decode("latin-1")), "decoded": text()}[how]
    pages, lost = read(tmp_path, har(entry(content, content_encoding=coding)))
    assert ([body for body, _ in pages], lost) == ([HTML], [])


def test_a_packed_body_is_known_without_a_header(tmp_path: Path) -> None:
    packed = gzip.compress(HTML.encode())
    for content in (in_base64(packed), text(packed.decode("latin-1"))):
        assert [body for body, _ in read(tmp_path, har(entry(content)))[0]] == [HTML]


@pytest.mark.parametrize("coding", CODINGS)
def test_a_packed_body_that_was_broken_by_being_taken_for_text_is_named_with_what_to_do(
    tmp_path: Path, coding: str
) -> None:
    broken = CODINGS[coding](HTML.encode()).decode("utf-8", "replace")
    pages, lost = read(tmp_path, har(entry(text(broken), content_encoding=coding)))
    assert pages == []
    assert lost == [
        f"the body of {URL} is still packed ({coding}), and damaged; save that page by itself, or with another tool"
    ]


@pytest.mark.parametrize("content", [{}, None, {"mimeType": "text/html", "size": 0}, text(None), text("")])
@pytest.mark.parametrize("status", [200, 304])
def test_a_page_without_its_content_is_named_with_what_to_do(tmp_path: Path, content: Any, status: int) -> None:
    pages, lost = read(tmp_path, har(entry(content, status=status, Content_Type="text/html")))
    assert pages == []
    assert lost == ["1 page came without its content; save the file as “HAR with content”"]


def test_a_page_that_was_loaded_again_is_what_was_shown(tmp_path: Path) -> None:
    assert read(tmp_path, har(entry(text(), status=304))) == WHOLE


@pytest.mark.parametrize(
    "other",
    [
        {"request": {"method": "GET", "url": URL}, "response": None},
        {"request": {"method": "GET", "url": URL}, "response": {"status": None, "headers": None, "content": None}},
        {"request": {"method": "GET", "url": URL}, "response": {"status": 0, "headers": [{"name": "a", "value": 1}]}},
        entry(text(None, encoding=None, comment=None), status="0"),
    ],
)
def test_what_was_not_answered_costs_nothing(tmp_path: Path, other: Any) -> None:
    assert read(tmp_path, har(other, entry(text()), other)) == WHOLE


@pytest.mark.parametrize("other", [None, 7, {}, {"request": {"url": 7}, "response": {}}, {"request": {"url": URL}}])
def test_an_entry_that_is_none_costs_itself(tmp_path: Path, other: Any) -> None:
    pages, lost = read(tmp_path, har(other, entry(text())))
    assert pages == WHOLE[0]
    assert lost[0].startswith("its entry 1 cannot be read: ")


def test_json_that_is_laxly_written_is_no_damage(tmp_path: Path) -> None:
    data = har(entry(text(f"{HTML}HALF"), url=URL)).replace('"entries": [{', '"entries": [{"time": NaN, ')
    pages, lost = read(tmp_path, data.replace("HALF", "\\ud83d \x01"))
    assert (pages[0][0], lost) == (f"{HTML}? \x01", [])


def test_a_har_file_keeps_bodies_in_files_beside_it(tmp_path: Path) -> None:
    data = har(entry({"mimeType": "text/html", "size": 9, "_file": "body.html"}, Content_Type="text/html"))
    pages, lost = read(tmp_path, data)
    assert pages == []
    assert lost == [f"the body of {URL} lies in body.html, which is not beside the HAR file"]
    (tmp_path / "body.html").write_text(HTML)
    assert read(tmp_path, data) == ([(HTML, "text/html")], [])
    outside = data.replace("body.html", "../outside.html")
    (tmp_path.parent / "outside.html").write_text(HTML)
    assert read(tmp_path, outside)[0] == []


def test_a_zip_may_hold_har_files_and_what_lies_beside_them(tmp_path: Path) -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("x/one.har", har(entry({"mimeType": "text/html", "_file": "body.html"})))
        package.writestr("x/body.html", HTML)
        package.writestr("x/two.har", har(entry(text())))
    assert read(tmp_path, out.getvalue(), "a.zip") == ([(HTML, "text/html"), *WHOLE[0]], [])


@pytest.mark.parametrize("data", ["{}", '{"entries": []}', '{"log": 7}', '{"log": {"entries": 7}}', '{"log"'])
def test_json_under_the_name_of_a_har_file_is_refused_as_one(tmp_path: Path, data: str) -> None:
    with pytest.raises(UsageError, match="damaged, or no HAR file"):
        read(tmp_path, data)

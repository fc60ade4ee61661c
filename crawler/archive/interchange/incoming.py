"""The way back: pages out of WARC and WACZ files that other tools wrote, to be imported.

Every length in such a file may lie, and every body may be a bomb: sizes are capped, and what does not fit together is
one clear line. What makes a response a *page* is simple: HTML that was answered with 200.
"""

from __future__ import annotations

import gzip
import json
import re
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import IO, Final, cast

from crawler.archive import warc
from crawler.archive.codec import SKIPPABLE_HEAD, read_dictionary, zstd
from crawler.archive.interchange.saved import SavedImage, SavedPage
from crawler.archive.segments import MAX_DICTIONARY
from crawler.core.errors import ArchiveDamaged, UsageError
from crawler.core.url import is_http
from crawler.fetch.body import TooLarge, read_body
from crawler.fetch.trouble import WebTrouble

MAX_FILE: Final = 1024**3  # bytes of one file; larger collections are cut by their own tools
MAX_RECORD: Final = 64 * 1024 * 1024  # bytes of one record, and of one decoded body; longer ones are films
MAX_KEPT: Final = 256 * 1024 * 1024  # bytes of pages and pictures of one import, all in memory
MAX_LINE: Final = 64 * 1024  # bytes of one header line
MAX_UNPACKED: Final = 64 * 1024**3  # bytes of one stream; a gigabyte of ours unpacks to forty
MAX_LINES: Final = 50_000_000  # header lines of one stream; a gigabyte of the smallest records has half of them


@dataclass(frozen=True, slots=True)
class _Response:
    """A response as it was recorded, its body decoded."""

    url: str
    at: datetime | None
    content_type: str
    body: bytes


def read_web_archive(path: Path) -> Iterator[SavedPage]:
    """The pages of a `.warc`, `.warc.gz`, `.warc.zst` or `.wacz` file, each with those kept pictures that it shows.

    A WACZ that lists its pages gives only those. Raises UsageError for what is too large or damaged.
    """
    size = path.stat().st_size
    if size > MAX_FILE:
        raise UsageError(f"{path}: {size >> 20:,} MB; web archives of at most {MAX_FILE >> 20} MB can be imported")
    with _told_of(path):
        if zipfile.is_zipfile(path):
            responses, listed = _of_wacz(path)
        else:
            with path.open("rb") as file:
                responses, listed = _kept(path, _responses(_unpacked(file, path.name))), frozenset()
        yield from _pages(responses, listed)


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """Damage of any kind as one line with the file's name."""
    try:
        yield
    except (ArchiveDamaged, zipfile.BadZipFile, zlib.error, zstd.ZstdError, EOFError, ValueError, OSError) as error:
        raise UsageError(f"{path}: damaged, or no web archive: {error}") from error


def _of_wacz(path: Path) -> tuple[list[_Response], frozenset[str]]:
    found: list[_Response] = []
    with zipfile.ZipFile(path) as package:
        names = [name for name in package.namelist() if re.fullmatch(r"archive/[^/]+\.warc(\.gz|\.zst)?", name)]
        if not names:
            raise UsageError(f"{path}: a zip file without archive/*.warc.gz; it is no WACZ")
        for name in names:
            with package.open(name) as member:
                found += _kept(path, _responses(_unpacked(member, name)), _weight(found))
        return found, _listed(package)


def _listed(package: zipfile.ZipFile) -> frozenset[str]:
    """The addresses in the list of pages; readable copies of ours among them count for their page."""
    if "pages/pages.jsonl" not in package.namelist():
        return frozenset()
    urls: set[str] = set()
    with package.open("pages/pages.jsonl") as lines:
        for line in BytesIO(lines.read(MAX_RECORD)):
            try:
                told = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(told, dict) and isinstance(told.get("url"), str):
                urls.add(told["url"].removeprefix("urn:readable:"))
    return frozenset(urls)


def _unpacked(file: IO[bytes], name: str) -> IO[bytes]:
    """The records one after the other, whatever they are packed in; the first bytes tell."""
    magic = file.read(4)
    file.seek(0)
    if magic[:2] == b"\x1f\x8b":
        return cast(IO[bytes], gzip.GzipFile(fileobj=file))
    if magic == b"\x28\xb5\x2f\xfd" or name.endswith(".zst"):
        head = file.read(SKIPPABLE_HEAD)
        file.seek(0)
        size = int.from_bytes(head[4:], "little") if len(head) == SKIPPABLE_HEAD else 0
        dictionary, _ = read_dictionary(file.read(min(size, MAX_DICTIONARY) + SKIPPABLE_HEAD), MAX_DICTIONARY)
        file.seek(0)
        return cast(IO[bytes], zstd.ZstdFile(file, zstd_dict=dictionary))
    return file


def _responses(stream: IO[bytes]) -> Iterator[_Response]:
    """Every HTTP response of 200 with a body, and every resource."""
    for record in _records(stream):
        try:
            if record.type == "response" and is_http(record.target):
                status, headers, body = warc.split_http(record.block)
                if status == 200:
                    yield _response(record, headers, body)
            elif record.type == "resource" and is_http(record.target):
                yield _Response(record.target, _date(record), record.headers.get("content-type", ""), record.block)
        except (ArchiveDamaged, WebTrouble, TooLarge):
            continue  # one response that nobody can read costs itself alone


def _records(stream: IO[bytes]) -> Iterator[warc.Record]:
    """Records of any writer: lengths are believed only as far as bytes follow. Larger ones are passed over."""
    unpacked, lines = 0, 0
    while (line := stream.readline(MAX_LINE)) != b"":
        lines += 1
        if lines > MAX_LINES:
            raise ArchiveDamaged(f"it has over {MAX_LINES:,} lines of headers")
        if not line.strip():
            continue
        if not line.startswith(b"WARC/"):
            raise ArchiveDamaged("a record does not begin where the one before it says that it ends")
        head = [line.rstrip(b"\r\n")]
        while (field := stream.readline(MAX_LINE)) not in (b"\r\n", b"\n", b""):
            head.append(field.rstrip(b"\r\n"))
            if len(head) > 1_000:
                raise ArchiveDamaged("a record with over a thousand header lines")
        lines += len(head)
        headers = warc.parse_headers(b"\r\n".join(head))
        length = headers.get("content-length", "")
        if not re.fullmatch(r"\d{1,15}", length, re.ASCII):
            raise ArchiveDamaged("a record without a length")
        unpacked += int(length)
        if unpacked > MAX_UNPACKED:
            raise ArchiveDamaged(f"it unpacks to over {MAX_UNPACKED >> 30} GB")
        if int(length) > MAX_RECORD:
            _skip(stream, int(length))
            continue
        block = stream.read(int(length))
        if len(block) < int(length):
            raise ArchiveDamaged(f"the last record says it has {length} bytes, and has {len(block)}")
        yield warc.Record(headers, block)


def _skip(stream: IO[bytes], length: int) -> None:
    while length > 0:
        passed = len(stream.read(min(length, 1 << 20)))
        if not passed:
            raise ArchiveDamaged("the last record is cut off")
        length -= passed


def _response(record: warc.Record, headers: tuple[tuple[str, str], ...], body: bytes) -> _Response:
    """The body as a browser saw it: some writers keep it as it came over the wire, some decode it and say so."""
    names = {name.lower(): value for name, value in headers}
    if "chunked" in names.get("transfer-encoding", "").lower():
        body = _without_chunks(body)
    coding = names.get("content-encoding", "")
    try:
        body = _decoded(body, coding) if coding else body
    except WebTrouble:
        pass  # a writer that decoded the body and left the header
    return _Response(record.target.strip("<>"), _date(record), names.get("content-type", ""), body)


_CHUNK = re.compile(rb"\s{0,2}([0-9A-Fa-f]{1,8})[^\r\n]{0,200}\r\n")


def _without_chunks(body: bytes) -> bytes:
    """RFC 9112, 7.1, undone; a body that is not in chunks stays as it is."""
    parts: list[bytes] = []
    at = 0
    while found := _CHUNK.match(body, at):
        size = int(found[1], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(body[found.end() : found.end() + size])
        at = found.end() + size
    return body


def _decoded(body: bytes, codings: str) -> bytes:
    """The fetcher's decoder, with its caps, on bytes that are all here: it never has to wait."""

    async def at_once() -> AsyncIterator[bytes]:
        yield body

    reading = read_body(at_once(), codings, MAX_RECORD, framed=True)
    try:
        reading.send(None)
    except StopIteration as done:
        return cast(bytes, done.value.content)
    raise AssertionError("a body that is all here was waited for")


def _date(record: warc.Record) -> datetime | None:
    try:
        return datetime.fromisoformat(record.headers.get("warc-date", "")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _kept(path: Path, responses: Iterable[_Response], before: int = 0) -> list[_Response]:
    """Pages and pictures, in memory; too many are refused."""
    found, size = [], before
    for response in responses:
        if _is_page(response) or response.content_type.startswith("image/"):
            size += len(response.body)
            if size > MAX_KEPT:
                raise UsageError(f"{path}: over {MAX_KEPT >> 20} MB of pages and pictures; import it in parts")
            found.append(response)
    return found


def _weight(responses: Iterable[_Response]) -> int:
    return sum(len(response.body) for response in responses)


def _is_page(response: _Response) -> bool:
    return response.content_type.lower().startswith(("text/html", "application/xhtml")) and bool(response.body)


_ADDRESS = re.compile(rb"https?://[^\s\"'<>\\)]{1,4000}")


def _pages(responses: list[_Response], listed: frozenset[str]) -> Iterator[SavedPage]:
    pictures = {r.url: SavedImage(r.url, r.content_type, r.body) for r in responses if not _is_page(r)}
    pages = [r for r in responses if _is_page(r)]
    chosen = [r for r in pages if r.url in listed] or pages
    for page in chosen:
        saved = SavedPage(page.url, page.at, page.body, page.content_type)
        yield replace(saved, images=tuple(_shown(page.body, pictures))) if pictures else saved


def _shown(body: bytes, pictures: dict[str, SavedImage]) -> Iterator[SavedImage]:
    """The pictures whose address stands in the page."""
    named = {unescape(found.decode("utf-8", "replace")) for found in _ADDRESS.findall(body)}
    return (pictures[url] for url in sorted(named & pictures.keys()))

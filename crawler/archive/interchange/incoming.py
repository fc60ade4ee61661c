"""The way back: pages out of WARC, ARC, WACZ and HAR files that other tools wrote, to be imported.

Every length in such a file may lie, and every body may be a bomb: sizes are capped, what is damaged is named and costs
itself alone. What makes a response a *page* is simple: HTML or PDF that was answered with 200.
"""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Final, cast

from crawler.archive import warc
from crawler.archive.interchange import zips
from crawler.archive.interchange.answers import Answer, Answers, Say
from crawler.archive.interchange.foreign import MAX_RECORD, date_of, records
from crawler.archive.interchange.saved import SavedPage
from crawler.archive.interchange.unlisted import Unlisted
from crawler.archive.interchange.unpack import gzip_members, plain, unpacked
from crawler.core.counts import Counted
from crawler.core.errors import ArchiveDamaged, UsageError
from crawler.core.url import is_http, join
from crawler.fetch.body import TooLarge, read_body
from crawler.fetch.errors import WebError

MAX_FILE: Final = 1024**3  # bytes of one file; larger collections are cut by their own tools
MAX_DEPTH: Final = 3  # a WACZ in a WACZ in a WACZ
MAX_LISTED: Final = 500_000  # pages that one WACZ lists
MAX_MEMBERS: Final = 2_000  # archives in one WACZ
MAX_LOSSES: Final = 50  # of one file that are named one by one
RECORDS: Final = re.compile(r"(?i).+\.w?arc(\.gz|\.zst)?")


_SENDING: Final = (b"POST ", b"PUT ", b"PATCH ", b"DELETE ")


def is_web_archive(name: str, head: bytes) -> bool:
    """WARC or ARC, packed or not, or WACZ: by name, or by the first bytes where the name does not tell."""
    if RECORDS.fullmatch(name) or name.lower().endswith(".wacz"):
        return True
    return head.startswith((b"WARC/", b"filedesc:", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x5d\x2a\x4d\x18"))


def read_web_archive(path: Path, lost: Say | None = None, note: Say | None = None) -> Iterator[SavedPage]:
    """The pages of a WARC, ARC or WACZ file, each with those kept pictures that it shows.

    A WACZ that lists its pages gives only those. `lost` hears of everything that could not be read, `note` of what was
    left out for a reason. Raises UsageError for what is too large, and for what is damaged and gives no page at all.
    """
    size = path.stat().st_size
    if size > MAX_FILE:
        raise UsageError(f"{path}: {size >> 20:,} MB; web archives of at most {MAX_FILE >> 20} MB can be imported")
    if not size:
        raise UsageError(f"{path}: damaged, or no web archive: it is empty")
    losses = _Losses()
    any_page = False
    with path.open("rb") as file, Answers() as answers:
        listed: dict[str, None] = {}
        file.seek(0)
        if file.read(4) == b"PK\x03\x04" or zipfile.is_zipfile(file):
            try:
                _read_wacz(file, answers, listed, losses.add, MAX_DEPTH)
            except UsageError as error:
                raise UsageError(f"{path}: {error}") from error
        else:
            file.seek(0)
            _read_records(file, path.name, answers, losses.add)
        for page in answers.pages(listed, losses.add, note or losses.forget):
            any_page = True
            yield page
    if losses.first and not any_page:
        raise UsageError(f"{path}: damaged, or no web archive: {'; '.join(losses.first[:3])}")
    if lost is not None:
        for what in losses.lines():
            lost(what)


class _Losses:
    """What could not be read; the first of them by name, the rest by number."""

    def __init__(self) -> None:
        self.first: list[str] = []
        self._more = 0

    def add(self, what: str) -> None:
        if len(self.first) < MAX_LOSSES:
            self.first.append(what)
        else:
            self._more += 1

    def forget(self, what: str) -> None:
        """For notes that nobody reads."""

    def lines(self) -> list[str]:
        return [*self.first, *([f"and {Counted(self._more):more place}"] if self._more else [])]


def _read_wacz(file: IO[bytes], answers: Answers, listed: dict[str, None], lost: Say, depth: int) -> None:
    """All records of a package, and of the packages in it.

    Of one whose directory cannot be read, or never came, every record: they are stored in it as they are.
    """
    try:
        opened = zips.open_zip(file)
    except zips.DAMAGE as error:
        lost(f"cut off, or without its directory ({error}): the records that are whole are taken")
        _read_unlisted(file, answers)
        return
    if isinstance(opened, Unlisted):
        lost("cut off, or without its directory: what is whole in it is taken")
    try:
        with opened as package:
            names = package.namelist()
            found = [name for name in names if RECORDS.fullmatch(name) or name.lower().endswith(".wacz")]
            if not found and isinstance(package, Unlisted):
                _read_unlisted(file, answers)
            elif not found:
                raise UsageError("a zip file without archive/*.warc.gz; it is no WACZ")
            if isinstance(package, Unlisted):  # its lists may be cut off, too: what is there is taken
                for name in found[:MAX_MEMBERS]:
                    said = _ignored if name == names[-1] else lost  # that it was cut off is said
                    _read_member(package, name, answers, listed, said, depth)
                return
            _read_lists(package, listed, lost)
            for name in found[:MAX_MEMBERS]:
                _read_member(package, name, answers, listed, lost, depth)
            _name_absent(package, lost)
    except zips.DAMAGE as error:
        lost(str(error))


def _read_unlisted(file: IO[bytes], answers: Answers) -> None:
    """Every whole record that stands in a package as it is, whatever lies round it."""
    for pieces in (gzip_members(file), plain(file)):
        file.seek(0)
        _take_records(records(pieces, _ignored, MAX_FILE), answers, _ignored)


def _read_member(
    package: zips.Package, name: str, answers: Answers, listed: dict[str, None], lost: Say, depth: int
) -> None:
    """One archive of a package, copied out first: reading it goes back and forth."""

    def named(what: str) -> None:
        lost(f"{name}: {what}")

    with tempfile.TemporaryFile() as copy:
        try:
            for piece in zips.member_pieces(package, name, MAX_FILE):
                copy.write(piece)
        except UsageError as error:
            lost(str(error))
            return
        except zips.DAMAGE as error:
            named(f"damaged: {error}")  # what came before the damage is read
        copy.seek(0)
        if not name.lower().endswith(".wacz"):
            _read_records(copy, name, answers, named)
        elif depth > 0:
            try:
                _read_wacz(copy, answers, listed, named, depth - 1)
            except UsageError as error:
                named(str(error))
        else:
            named("packages are nested too deep")


def _read_lists(package: zips.Package, listed: dict[str, None], lost: Say) -> None:
    """The addresses in the lists of pages; readable copies of ours among them count for their page."""
    for name in package.namelist():
        if not re.fullmatch(r"pages/[^/]+\.jsonl", name):
            continue
        try:
            text = zips.read_member(package, name, MAX_RECORD)
        except (UsageError, *zips.DAMAGE) as error:
            lost(f"{name}: {error}")
            continue
        for line in BytesIO(text):
            try:
                page = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(page, dict) and isinstance(page.get("url"), str) and len(listed) < MAX_LISTED:
                url = page["url"].removeprefix("urn:readable:")
                if is_http(url):
                    listed.setdefault(url)


def _name_absent(package: zips.Package, lost: Say) -> None:
    """A multi-WACZ may name packages that lie elsewhere; they are not fetched."""
    if "datapackage.json" not in package.namelist():
        return
    try:
        described = json.loads(zips.read_member(package, "datapackage.json", MAX_RECORD))
    except (UsageError, RecursionError, *zips.DAMAGE):
        return
    resources = described.get("resources") if isinstance(described, dict) else None
    inside = set(package.namelist())
    for resource in resources if isinstance(resources, list) else ():
        path = resource.get("path") if isinstance(resource, dict) else None
        if isinstance(path, str) and path.partition("?")[0].endswith(".wacz") and path not in inside:
            lost(f"the package {path[:300]} is named and not inside; import it by itself")


def _read_records(file: IO[bytes], name: str, answers: Answers, lost: Say) -> None:
    """Every response and resource of a WARC or ARC file."""
    size = file.seek(0, 2)
    file.seek(0)
    _take_records(records(unpacked(file, name), lost, size), answers, lost)


def _ignored(_what: str) -> None:
    """Of what lies between records, where one line said that it is damaged."""


def _take_records(found: Iterator[warc.Record], answers: Answers, lost: Say) -> None:
    revisits: list[warc.Record] = []
    for record in found:
        if not is_http(record.target):
            continue
        try:
            if record.type == "response":
                _add_response(record, answers, lost)
            elif record.type == "resource":
                kind = record.headers.get("content-type", "")
                answers.add(
                    Answer(record.target, date_of(record.headers.get("warc-date", "")), 200, kind), record.block, lost
                )
            elif record.type == "revisit":
                revisits.append(record)
            elif record.type == "request" and record.block.lstrip().startswith(_SENDING):
                answers.sent(_names(record))
            elif record.type == "continuation":
                lost(f"a part of {record.target}, which is split over several records")
        except (ArchiveDamaged, WebError, TooLarge) as error:
            lost(f"the record of {record.target} cannot be read: {error}")
    for record in revisits:
        _add_revisit(record, answers)


def _names(record: warc.Record) -> tuple[str, ...]:
    """What a record is called, and the one that it was written together with."""
    return tuple(filter(None, map(record.headers.get, ("warc-record-id", "warc-concurrent-to"))))


def _add_revisit(record: warc.Record, answers: Answers) -> None:
    """A page seen again. One whose body lies in another file is none that could be kept: that file tells it."""
    status = warc.split_http(_normal_head(record.block))[0] if record.block.startswith(b"HTTP/") else 200
    if status == 200:
        date = date_of(record.headers.get("warc-date", ""))
        answers.revisit(record.target, date, record.headers.get("warc-payload-digest", ""))


def _add_response(record: warc.Record, answers: Answers, lost: Say) -> None:
    status, fields, body = warc.split_http(_normal_head(record.block))
    headers = {name.strip().lower(): value for name, value in fields}
    location = headers.get("location", "")
    try:
        location = join(record.target, location) if location else ""
    except ValueError:
        location = ""
    if record.headers.get("warc-truncated"):
        lost(f"the record of {record.target} was cut by its writer; what came is taken")
    at = date_of(record.headers.get("warc-date", ""))
    answer = Answer(record.target, at, status, headers.get("content-type", ""), location, records=_names(record))
    payload = record.headers.get("warc-payload-digest", "")
    answers.add(answer, decoded(headers, body) if status == 200 else b"", lost, payload)


_STATUS_LINE = re.compile(rb"HTTP[^\s]{0,10}[ \t]+(\d{3})[^\r\n]*")


def _normal_head(block: bytes) -> bytes:
    """A response whose head ends with CR LF CR LF: old servers and crawlers wrote bare line feeds."""
    block = block.lstrip(b"\r\n")
    status = _STATUS_LINE.match(block)
    if status is None:
        raise ArchiveDamaged("no HTTP response in it")
    found = re.search(rb"\r*\n\r*\n", block[: warc.MAX_HEAD])
    head, body = (block[: found.start()], block[found.end() :]) if found else (block[: warc.MAX_HEAD], b"")
    lines = head[status.end() :].replace(b"\r", b"").strip(b"\n").split(b"\n")
    return b"\r\n".join((b"HTTP/1.1 " + status[1], *filter(None, lines))) + b"\r\n\r\n" + body


def decoded(headers: dict[str, str], body: bytes) -> bytes:
    """The body as a browser saw it: some writers keep it as it came over the wire, some decode it and say so."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = _without_chunks(body)
    coding = headers.get("content-encoding", "")
    try:
        return _decode(body, coding) if coding else body
    except WebError:
        return body  # a writer that decoded the body and left the header


_CHUNK = re.compile(rb"\s{0,2}([0-9A-Fa-f]{1,8})[^\r\n]{0,200}\r\n")


def _without_chunks(body: bytes) -> bytes:
    """RFC 9112, 7.1, undone; a body that is not in chunks stays as it is."""
    parts: list[bytes] = []
    at = 0
    while found := _CHUNK.match(body, at):
        size = int(found[1], 16)
        if size == 0:
            return b"".join(parts)
        if not parts and found.end() + size > len(body) + 2:
            break  # a length that leads out of the body at once: words that look like one
        parts.append(body[found.end() : found.end() + size])
        at = found.end() + size
    return body


def _decode(body: bytes, codings: str) -> bytes:
    """The fetcher's decoder, with its caps, on bytes that are all here: it never has to wait."""

    async def at_once() -> AsyncIterator[bytes]:
        yield body

    reading = read_body(at_once(), codings, MAX_RECORD, framed=True)
    try:
        reading.send(None)
    except StopIteration as done:
        return cast(bytes, done.value.content)
    raise AssertionError("a body that is all here was waited for")

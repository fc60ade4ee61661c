"""`--wacz FILE`: one file that replayweb.page opens by drag and drop.

WACZ 1.1.1: a zip of WARC data (stored, not deflated), a compressed index with an index of its own, a list of pages,
and a data package that names every file with its hash. https://specs.webrecorder.net/wacz/1.1.1/
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final

from crawler.archive.codec import Gz
from crawler.archive.interchange.keys import keys
from crawler.archive.interchange.records import Entry, packed, readable_url, start_url
from crawler.archive.interchange.source import CaptureReader, Done, ExportedPage, new_file
from crawler.archive.segments import header
from crawler.core.errors import UsageError

VERSION: Final = "1.1.1"
DATA: Final = "data.warc.gz"
LINES: Final = 3_000  # of the index in one gzip member; what the indexer of Webrecorder uses
_UNIX_TIME: Final = 0x5455  # header of the extra field "extended timestamp"
_SOFTWARE: Final = "linkhealth-crawler"


def write_wacz(out: Path, reader: CaptureReader, now: datetime, title: str = "Kept pages", *, threads: int = 1) -> Done:
    """Write one WACZ file; originals and readable copies are both in its list of pages.

    Nothing is written, or replaced, where there is no capture. Raises UsageError where `out` is a folder, ArchiveError
    where it cannot be written.
    """
    if out.is_dir():
        raise UsageError(f"{out}: is a folder; --wacz needs the name of a file")
    captures = reader.captures()
    first = next(captures, None)
    if first is None:
        return Done(0, (), tuple(reader.damaged))
    pages = 0
    with (
        new_file(out) as file,
        zipfile.ZipFile(file, "w") as package,
        tempfile.TemporaryFile() as listed,
        closing(_Index()) as index,
    ):
        box = _Box(package, now)
        _add(listed, {"format": "json-pages-1.0", "id": "pages", "title": title, "hasText": True})
        with box.member(f"archive/{DATA}") as write:
            place = write(header("gz", DATA, now, None))
            for page in packed(chain((first,), captures), threads):
                pages += 1
                _list(listed, page.page)
                for entry, member in page.entries:
                    length = write(member)
                    index.add(entry, place, length)
                    place += length
        _write_index(box, index)
        with box.member("pages/pages.jsonl", zipfile.ZIP_DEFLATED) as write:
            listed.seek(0)
            for line in listed:
                write(line)
        box.close(title)
    return Done(pages, (out,), tuple(reader.damaged))


class _Box:
    """The zip file with a hash of everything in it."""

    def __init__(self, package: zipfile.ZipFile, now: datetime) -> None:
        self._package = package
        self._now = now
        self._resources: list[dict[str, Any]] = []

    @contextmanager
    def member(self, path: str, compression: int = zipfile.ZIP_STORED) -> Iterator[Callable[[bytes], int]]:
        """A file of the zip, written piece by piece."""
        digest, size = hashlib.sha256(), 0

        def write(data: bytes) -> int:
            nonlocal size
            digest.update(data)
            size += len(data)
            return stream.write(data)

        with self._package.open(self._info(path, compression), "w", force_zip64=True) as stream:
            yield write
        name = path.rpartition("/")[2]
        self._resources.append({"name": name, "path": path, "hash": f"sha256:{digest.hexdigest()}", "bytes": size})

    def close(self, title: str) -> None:
        """Write the data package, and the digest that could be signed."""
        described = {
            "profile": "data-package",
            "resources": self._resources,
            "wacz_version": VERSION,
            "title": title,
            "created": f"{self._now:%Y-%m-%dT%H:%M:%SZ}",
            "software": _SOFTWARE,
        }
        package = json.dumps(described, indent=2).encode()
        digest = {"path": "datapackage.json", "hash": f"sha256:{hashlib.sha256(package).hexdigest()}"}
        self._package.writestr(self._info("datapackage.json", zipfile.ZIP_DEFLATED), package)
        self._package.writestr(self._info("datapackage-digest.json", zipfile.ZIP_DEFLATED), json.dumps(digest))

    def _info(self, path: str, compression: int) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(path, self._now.timetuple()[:6])
        info.compress_type, info.external_attr = compression, 0o644 << 16
        # Tells the time in UTC; and ReplayWeb.page finds where a member begins only where the directory has some such
        # field too: it takes it then from the member's own header, which is longer for `force_zip64`.
        info.extra = struct.pack("<HHBI", _UNIX_TIME, 5, 1, int(self._now.timestamp()) & 0xFFFFFFFF)
        return info


class _Index:
    """CDXJ lines in order; on disk, for an archive has millions."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("")  # "": a temporary file that SQLite removes
        self._db.execute("CREATE TABLE line (text BLOB)")

    def add(self, entry: Entry, offset: int, length: int) -> None:
        if entry.status:
            lines = ((line.encode(),) for line in cdxj(entry, offset, length))
            self._db.executemany("INSERT INTO line VALUES (?)", lines)

    def blocks(self) -> Iterator[list[bytes]]:
        """Lines in the order of their bytes, some thousands at a time."""
        found = self._db.execute("SELECT text FROM line ORDER BY text")
        while rows := found.fetchmany(LINES):
            yield [row[0] for row in rows]

    def close(self) -> None:
        """The temporary file goes."""
        self._db.close()


def cdxj(entry: Entry, offset: int, length: int) -> list[str]:
    """The lines of a CDXJ index, one for each key: sortable key, time stamp, JSON."""
    fields = {"url": entry.url, "mime": entry.mime, "status": entry.status, "digest": entry.digest}
    place = {"length": str(length), "offset": str(offset), "filename": DATA}
    return [f"{key} {entry.at:%Y%m%d%H%M%S} {json.dumps(fields | place)}\n" for key in keys(entry.url)]


def _write_index(box: _Box, index: _Index) -> None:
    """index.cdx.gz in members of some thousand lines, and index.idx that says where each begins."""
    beginnings = [json.dumps({"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"}).join(("!meta 0 ", "\n"))]
    codec, offset = Gz(), 0
    with box.member("indexes/index.cdx.gz") as write:
        for lines in index.blocks():
            member = codec.pack(b"".join(lines))
            key = lines[0].partition(b" {")[0].decode()
            place = {"offset": offset, "length": len(member), "digest": f"sha256:{hashlib.sha256(member).hexdigest()}"}
            beginnings.append(f"{key} {json.dumps(place)}\n")
            offset += write(member)
    with box.member("indexes/index.idx", zipfile.ZIP_DEFLATED) as write:
        write("".join(beginnings).encode())


def _list(listed: IO[bytes], page: ExportedPage) -> None:
    """The original and the readable copy in the list of pages; kept notices are evidence, and not listed."""
    if page.capture.notice:
        return
    title = page.capture.title or page.capture.url
    if page.raw is not None:
        _add(listed, _line(start_url(page), page, title))
    if page.readable:
        _add(listed, _line(readable_url(page), page, f"{title} (readable copy)") | {"text": page.text})


def _line(url: str, page: ExportedPage, title: str) -> dict[str, Any]:
    at = f"{page.capture.at:%Y-%m-%dT%H:%M:%SZ}"
    ident = hashlib.sha256(f"{url} {at}".encode("utf-8", "replace")).hexdigest()[:20]
    return {"id": ident, "url": url, "ts": at, "title": title}


def _add(listed: IO[bytes], line: dict[str, Any]) -> None:
    listed.write(json.dumps(line).encode() + b"\n")

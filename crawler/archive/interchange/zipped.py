"""Pages in zip files: SingleFile's zipped form, Firefox's archives (MAFF), pages and HAR files that somebody zipped.

Bytes in, `SavedPage`s out, each with the pictures that lie beside it. How members are unpacked safely is known in
`zips`, what a page says of itself in `saved`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from html import unescape
from io import BytesIO

from crawler.archive.interchange import zips
from crawler.archive.interchange.answers import Say
from crawler.archive.interchange.har import read_har
from crawler.archive.interchange.saved import (
    HEAD,
    IMAGE_TYPES,
    MAX_FILE,
    MAX_PARTS,
    SavedImage,
    SavedPage,
    address_of,
    html_page,
    js_date,
    mail_date,
)
from crawler.archive.interchange.unlisted import Unlisted
from crawler.core.errors import UsageError

_INDEX = "index.rdf"  # what Firefox's archives say of each of their pages
_MAFF = re.compile(
    r"""<(?:[\w-]+:)?(originalurl|archivetime|indexfilename|charset)\s[^>]{0,200}?resource\s*=\s*("[^"]{1,4000}"|'[^']{1,4000}')"""
)


def is_zipped(data: bytes) -> bool:
    """Whether a file is a zip, or an HTML page that unpacks the zip behind it."""
    return data.startswith(b"PK\x03\x04") or (b"SingleFile" in data[:HEAD] and b"PK\x05\x06" in data[-HEAD:])


def read_zipped(name: str, data: bytes, lost: Say, note: Say) -> Iterator[SavedPage]:
    """The pages of a zip file: each that an index.rdf describes, those of HAR files, else the one that stands for all.

    Of several pages, one that cannot be read costs itself, and `lost` hears of it. Raises UsageError where none can.
    """
    try:
        with zips.open_zip(BytesIO(data)) as archive:
            if isinstance(archive, Unlisted):
                lost("cut off, or without its directory: what is whole in it is taken")
            yield from _pages(archive, html_page(data[:HEAD]), lost, note)
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from error
    except (LookupError, RecursionError, *zips.DAMAGE) as error:
        raise UsageError(f"{name}: damaged, or not what it says it is: {error}") from error


def _pages(archive: zips.Package, outer: SavedPage, lost: Say, note: Say) -> Iterator[SavedPage]:
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > MAX_PARTS or sum(member.file_size for member in members) > MAX_FILE:
        raise UsageError(f"unpacks to more than {MAX_FILE >> 20} MB or {MAX_PARTS:,} files; no saved page")
    names = [member.filename for member in members]
    folders = [name.removesuffix(_INDEX) for name in names if name.rpartition("/")[2] == _INDEX]
    logs = [name for name in names if name.lower().endswith(".har")]
    if logs and not folders and "index.html" not in names:
        for log in logs:
            yield from read_har(log, zips.read_member(archive, log, MAX_FILE), lost, note, _Beside(archive, log))
        return
    if len(folders) < 2:
        yield _page(archive, names, folders[0] if folders else None, outer)
        return
    for folder in folders:
        try:
            yield _page(archive, names, folder, outer)
        except (UsageError, *zips.DAMAGE) as error:
            lost(f"{folder}: {error}")


@dataclass(frozen=True, slots=True)
class _Beside:
    """Reads the bodies that a HAR file keeps beside itself (Playwright); None for what is not there, or is damaged."""

    archive: zips.Package
    log: str

    def __call__(self, name: str) -> bytes | None:
        try:
            return zips.read_member(self.archive, f"{self.log[: self.log.rfind('/') + 1]}{name}", MAX_FILE)
        except (LookupError, UsageError, *zips.DAMAGE):
            return None


def _page(archive: zips.Package, names: list[str], folder: str | None, outer: SavedPage) -> SavedPage:
    """The page of a zip, or of one `folder` in it that an index.rdf describes; `outer` is the page round the zip."""
    about = _read_about(archive, folder) if folder is not None else _About()
    within = [name for name in names if name.startswith(folder or "")]
    told = f"{folder}{about.file}" if about.file else ""
    main = told if told in within else _main_member(within)
    if not main:
        raise UsageError("a zip file without index.html; unpack it and import the folder")
    try:
        page = html_page(zips.read_member(archive, main, MAX_FILE))
    except zips.DAMAGE as error:
        raise UsageError(f"{main} is damaged: {error}") from error
    images, flaws = _images(archive, within, main[: main.rfind("/") + 1])
    kind = f"text/html; charset={about.charset}" if about.charset else "text/html"
    return replace(
        page,
        url=page.url or about.url or outer.url,
        saved_at=page.saved_at or about.saved_at or outer.saved_at,
        content_type=kind,
        images=images,
        flaws=flaws,
    )


def _main_member(names: list[str]) -> str:
    """The page among some members: index.html, else the only HTML file above those of frames; "" for none."""
    pages = sorted((n for n in names if n.lower().endswith((".html", ".htm"))), key=lambda name: name.count("/"))
    top = [name for name in pages if name.count("/") == pages[0].count("/")]
    return next((name for name in pages if name == "index.html"), top[0] if len(top) == 1 else "")


@dataclass(frozen=True, slots=True)
class _About:
    """What an index.rdf says of its page."""

    url: str | None = None
    saved_at: datetime | None = None
    file: str = ""
    charset: str = ""


def _read_about(archive: zips.Package, folder: str) -> _About:
    """Read by a pattern: savers write this one shape, some of them as no well-formed XML."""
    text = zips.read_member(archive, f"{folder}{_INDEX}", HEAD).decode("utf-8", "replace")
    said = {key: unescape(value[1:-1]).strip() for key, value in _MAFF.findall(text)}
    return _About(
        address_of(said.get("originalurl")), _time_of(said.get("archivetime", "")), said.get("indexfilename", ""),
        _charset(said.get("charset", "")),
    )  # fmt: skip


def _time_of(written: str) -> datetime | None:
    """As JavaScript prints a date, or as a mail's."""
    return js_date(written.encode()) or mail_date(written)


def _charset(name: str) -> str:
    try:
        return codecs.lookup(name).name if name.isascii() else ""
    except (LookupError, ValueError):
        return ""


def _images(archive: zips.Package, names: list[str], folder: str) -> tuple[tuple[SavedImage, ...], tuple[str, ...]]:
    """The pictures beside a page by the names that it has for them, and what could not be read."""
    images, flaws, left = [], [], MAX_FILE
    for member in names:
        kind = IMAGE_TYPES.get(member.rpartition(".")[2].lower(), "")
        if not kind:
            continue
        try:
            body = zips.read_member(archive, member, left)
        except UsageError as error:
            flaws.append(str(error))
        except zips.DAMAGE as error:
            flaws.append(f"{member} is damaged: {error}")
        else:
            left -= len(body)
            images.append(SavedImage(member.removeprefix(folder), kind, body))
    return tuple(images), tuple(flaws)

"""Files, folders and streams that may hold saved pages: which of them do, and the pages in each.

The only module of `interchange` that decides by names and first bytes who reads a file. What becomes of a page is the
caller's business.
"""

from __future__ import annotations

import json
import lzma
import os
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final

from crawler.archive.interchange import har, zips
from crawler.archive.interchange.answers import Say
from crawler.archive.interchange.embedded import MAX_PICTURE
from crawler.archive.interchange.foreign import begins_record
from crawler.archive.interchange.incoming import MAX_FILE, RECORDS, is_web_archive, read_web_archive
from crawler.archive.interchange.origin import address_beside
from crawler.archive.interchange.saved import DOCUMENTS, SavedPage, check_size, read_saved
from crawler.archive.interchange.unpack import GZIP, ZSTD, Gap, unpacked
from crawler.archive.interchange.zipped import is_zipped, read_zipped
from crawler.core.errors import UsageError

ENDINGS: Final = (
    ".html", ".htm", ".xhtml", ".xht", ".mhtml", ".mht", ".webarchive", ".wacz", ".har", ".zip",
    ".maff",
)  # fmt: skip
_PACKED = re.compile(r"(?i)\.(?:gz|zst)\Z")  # behind any of them
UNFINISHED: Final = (
    ".crdownload",
    ".part",
    ".partial",
    ".download",
    ".opdownload",
    ".aria2",
    ".tmp",
)  # what browsers call a file on its way
TARS: Final = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
MAX_FILES: Final = 200_000  # of one folder
MAX_TAR: Final = 4 * 1024**3  # bytes that a stream of files may unpack to
_HEAD: Final = 8 * 1024
_MULTI: Final = b'"multi-wacz'


def is_candidate(path: Path) -> bool:
    """Whether a file of a folder has a name as saved pages have."""
    name = path.name.lower()
    return _PACKED.sub("", name).endswith(ENDINGS) or RECORDS.fullmatch(name) is not None


def is_document(path: Path) -> bool:
    """Whether a file of a folder has a name of what is kept as it is, and tells no address of its own."""
    return path.suffix.lower().removeprefix(".") in DOCUMENTS


def tells_address(path: Path) -> bool:
    """Whether a file of a folder may say where it is from: in itself, or by what lies beside it."""
    return is_candidate(path) or (is_document(path) and bool(address_beside(path)))


def files_in(folder: Path) -> Iterator[Path]:
    """All files of a folder and its subfolders, in order; links are not followed.

    The folder that a browser puts beside a page that it saves ("page_files") belongs to that page.
    """
    count = 0
    for place, folders, names in os.walk(folder):
        stems = {Path(name).stem for name in names if name.lower().endswith((".html", ".htm"))}
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not _belongs(name, stems))
        for name in sorted(names):
            path = Path(place, name)
            if path.is_symlink() or not path.is_file():
                continue
            count += is_candidate(path) or is_document(path)
            if count > MAX_FILES:
                raise UsageError(f"{folder}: over {MAX_FILES:,} files; import its folders one by one")
            yield path


def _belongs(folder: str, stems: set[str]) -> bool:
    """ "page_files", "page.files", "page-Dateien", "page_fichiers", … beside "page.html"."""
    found = re.fullmatch(r"(.+?)[_.-][^\W\d_]{4,12}", folder)
    return found is not None and found[1] in stems


def pages_of(file: Path, lost: Say, note: Say) -> Iterator[SavedPage]:
    """The pages in one file, by what its bytes are. Raises UsageError for what is none, or cannot be read."""
    if file.exists() and not file.is_file():  # a device may have no end, a pipe is read once
        raise UsageError(f"{file} is no regular file; write it to one first")
    name = str(file)
    try:
        with file.open("rb") as stream:
            head = stream.read(_HEAD)
            packed = head.startswith(b"PK") and _holds_records(stream)
            data = None if RECORDS.fullmatch(file.name) else _one_packed(stream, name, lost)
        if data is not None:
            name, head = _PACKED.sub("", name), data[:_HEAD]
        elif packed or is_web_archive(file.name, head):
            yield from read_web_archive(file, lost, note)
            return
        else:
            check_size(name, file.stat().st_size)
            data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}") from None
    if _MULTI in head and head.lstrip().startswith(b"{"):
        yield from _multi(file, data, lost, note)
    elif har.is_har(name, head):
        yield from har.read_har(name, data, lost, note, FilesBeside(file.parent))
    elif is_zipped(data):
        yield from read_zipped(name, data, lost, note)
    else:
        page = read_saved(name, data)
        yield page if page.url else replace(page, url=address_beside(file))


def _one_packed(stream: IO[bytes], name: str, lost: Say) -> bytes | None:
    """What a gzip or zstd file holds, where that is another file and no records of a web archive.

    Raises UsageError for what unpacks to more than a saved page may have.
    """
    stream.seek(0)
    if not stream.read(len(ZSTD)).startswith((GZIP, ZSTD)):
        return None
    stream.seek(0)
    parts, size, begun = list[bytes](), 0, False
    for piece in unpacked(stream):
        if isinstance(piece, Gap):
            if not parts:
                return None
            lost(piece.what)
            continue
        if not begun and begins_record(piece):
            return None
        begun = begun or bool(piece.strip(b"\r\n"))
        parts.append(piece)
        size += len(piece)
        check_size(name, size)
    return b"".join(parts) if size else None


def _holds_records(stream: IO[bytes]) -> bool:
    """Whether a zip file holds WARC, ARC or WACZ files."""
    try:
        with zips.open_zip(stream) as package:
            return any(RECORDS.fullmatch(name) or name.lower().endswith(".wacz") for name in package.namelist())
    except (UsageError, *zips.DAMAGE):
        return False


def _multi(file: Path, data: bytes, lost: Say, note: Say) -> Iterator[SavedPage]:
    """A multi-WACZ as a JSON file beside its packages; such that lie elsewhere are named."""
    try:
        described = json.loads(data)
        paths = [resource["path"] for resource in described["resources"]]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise UsageError(f"{file}: damaged, or no list of WACZ files: {error}") from error
    for path in paths:
        inside = _inside(file.parent, path) if isinstance(path, str) and "://" not in path else None
        if inside is None:
            lost(f"the package {str(path)[:300]} does not lie beside it; import it by itself")
            continue
        try:
            yield from read_web_archive(inside, lost, note)
        except UsageError as error:
            lost(str(error))


@dataclass(frozen=True, slots=True)
class FilesBeside:
    """Reads what a saved page names, as long as it lies in the page's own folder; None for anything else."""

    folder: Path

    def __call__(self, name: str) -> bytes | None:
        """The bytes of one file."""
        path = _inside(self.folder, name)
        try:
            return path.read_bytes() if path and path.stat().st_size <= MAX_PICTURE else None
        except OSError:
            return None


def _inside(folder: Path, name: str) -> Path | None:
    """A regular file below a folder, links resolved; None for anything else."""
    if not name or "\0" in name or name.startswith(("/", "\\")):
        return None
    try:
        path = (folder / name).resolve()
        return path if path.is_relative_to(folder.resolve()) and path.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None


@contextmanager
def from_stream(stream: IO[bytes], lost: Say) -> Iterator[Path]:
    """What comes on a stream, as a file or, from `tar`, as a folder; it goes with the context. Raises UsageError.

    `lost` hears what of a tar could not be unpacked.
    """
    with tempfile.TemporaryDirectory(prefix="crawler-import-") as place:
        path = Path(place, "standard-input")
        with path.open("wb") as copy:
            size = 0
            while piece := stream.read(1 << 20):
                size += len(piece)
                if size > MAX_TAR:
                    raise UsageError(f"a stream of over {MAX_TAR >> 30} GB; import it in parts")
                copy.write(piece)
        if not _begins_as_zip(path) and tarfile.is_tarfile(path):
            folder = Path(place, "files")
            _unpack_tar(path, folder, lost)
            yield folder
        elif size > MAX_FILE:
            raise UsageError(f"a stream of over {MAX_FILE >> 20} MB; import it in parts")
        else:
            yield path


def _begins_as_zip(path: Path) -> bool:
    """Not whether it ends as one: a tar may end with a zip."""
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def _unpack_tar(path: Path, folder: Path, lost: Say) -> None:
    """Regular files alone, within bounds; names that lead out are refused by `filter="data"`.

    What is refused costs itself alone, damage what lies behind it.
    """
    folder.mkdir()
    left, count = MAX_TAR, 0
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if not member.isfile():
                    continue
                left, count = left - member.size, count + 1
                if left < 0 or count > MAX_FILES:
                    raise UsageError("a tar that unpacks to too much; import it in parts")
                try:
                    archive.extract(member, folder, filter="data")
                except tarfile.FilterError as error:
                    lost(f"refused: {error}")
                except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
                    (folder / member.name).unlink(missing_ok=True)  # inside, or the filter would have refused it
                    raise
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        lost(f"a damaged tar, the rest of it is left out: {error}")

"""`--warc DIR`: plain WARC files, a gzip member per record, for every tool that reads web archives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from crawler.archive.interchange.records import packed
from crawler.archive.interchange.source import CaptureReader, Done, new_file
from crawler.archive.segments import header
from crawler.core.errors import UsageError

MAX_SIZE: Final = 1024**3  # bytes; what the WARC guidelines of the IIPC advise for one file


def write_warc(
    folder: Path, reader: CaptureReader, now: datetime, max_size: int = MAX_SIZE, *, threads: int = 1
) -> Done:
    """Write `<time>-0001.warc.gz`, -0002, … of about `max_size` bytes each; nothing where there is no capture.

    Raises UsageError where the folder already holds WARC files: two exports in one place would show every page twice.
    Raises ArchiveError where it cannot be written.
    """
    if folder.is_dir() and any(folder.glob("*.warc.gz")):
        raise UsageError(f"{folder}: already holds WARC files; name another folder")
    pages = 0

    def members() -> Iterator[bytes]:
        nonlocal pages
        for page in packed(reader.captures(), threads):
            pages += 1
            yield from (member for _, member in page.entries)

    records = members()
    files: list[Path] = []
    upcoming = next(records, None)
    while upcoming is not None:
        path = folder / f"{now:%Y%m%d%H%M%S}-{len(files) + 1:04d}.warc.gz"
        with new_file(path) as file:
            size = file.write(header("gz", path.name, now, None))
            while upcoming is not None and size < max_size:
                size += file.write(upcoming)
                upcoming = next(records, None)
        files.append(path)
    return Done(pages, tuple(files), tuple(reader.damaged))

"""Writing reports that are several files: further pages lie beside the file that was asked for.

Files are written by `output`; what is on which page is `report`'s business.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from crawler.cli.output import write_file
from crawler.cli.streams import say
from crawler.core.files import is_replaceable
from crawler.core.marker import SEEN, is_ours
from crawler.report.html_pages import first_page_link, page_file

Pages = Callable[[str], Iterable[tuple[int, Iterable[str]]]]  # under a name, "" for one page alone


def write_pages(file: Path, pages: Pages) -> None:
    """Write the pages that a report has under this file's name, the first one last, and remove what it had more.

    Only the file itself was named by a person: where something else stands in the place of a further page, there is
    one page alone, and a line says so. Raises UsageError.
    """
    several = is_replaceable(file)
    beside = _beside(file) if several else {}
    foreign = {number: path for number, path in beside.items() if not _is_further(path, file.name)}
    written = set()
    for number, text in pages(file.name if several else ""):
        if in_the_way := [path for n, path in foreign.items() if n <= number]:
            say(f"crawler: {in_the_way[0]} is no page of {file.name} and stays: the list ends with the first page")
            write_pages_alone(file, pages)
            break
        written.add(number)
        write_file(file.with_name(page_file(file.name, number)), text)
    for number, path in beside.items():
        if number not in written and number not in foreign:
            path.unlink(missing_ok=True)


def write_pages_alone(file: Path, pages: Pages) -> None:
    """Write the one page that a report without further ones has. Raises UsageError."""
    for _, text in pages(""):
        write_file(file, text)


def _beside(file: Path) -> dict[int, Path]:
    """What stands where further pages of a report would, by number."""
    pattern = re.compile(rf"{re.escape(file.stem)}-([1-9]\d{{0,8}}){re.escape(file.suffix)}")
    try:
        names = [entry.name for entry in os.scandir(file.parent)]
    except OSError:  # it is made when the report is written
        return {}
    found = {int(match[1]): file.with_name(name) for name in names if (match := pattern.fullmatch(name))}
    return {number: path for number, path in found.items() if number > 1}


def _is_further(path: Path, name: str) -> bool:
    """Whether the crawler wrote this file as a further page of the report of this name."""
    try:
        with path.open("rb") as stream:
            head = stream.read(4 * SEEN).decode("utf-8", "replace")
    except OSError:
        return False
    return not path.is_symlink() and is_ours(head) and first_page_link(name) in head[:SEEN]

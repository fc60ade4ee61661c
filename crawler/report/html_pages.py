"""The list of an HTML report in pieces, so that no file of it is larger than browsers and mails take well.

Rows as bytes of the page's data block, in the page's order, and how many of them fit; where they wait until that is
known. What a row shows is `html`'s.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import PurePath
from tempfile import SpooledTemporaryFile, gettempdir
from typing import Final
from urllib.parse import quote

import msgspec

from crawler.core.errors import UsageError
from crawler.core.model import State
from crawler.report.parts import LinkPart
from crawler.report.phrases import site_rank

LIMIT: Final = 4_900_000  # bytes of one file: below 5 MB with all of its lines counted
HELD: Final = 4 * 1024 * 1024  # bytes of rows in memory, beyond which they are in a file
LEAST: Final = 500_000  # bytes of rows in the first file, whatever else stands there
_RANKS: Final = {state: rank for rank, state in enumerate(State)}


@dataclass(slots=True)
class PageRows:
    """The rows of one file: how many, and from where to where they lie."""

    rows: int = 0
    ranges: list[tuple[int, int]] = field(default_factory=list)


class Rows:
    """Encoded rows, a line each, by the place of their state and site. Many are in a temporary file until the end.

    What is held is where each run of neighbours lies. All methods raise UsageError where there is no room for the file.
    """

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=HELD)  # noqa: SIM115  # until `close`
        self._of: dict[tuple[int, tuple[int, str]], list[tuple[int, int]]] = defaultdict(list)
        self._end = 0
        self.reasons: set[str] = set()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def add(self, link: LinkPart, row: msgspec.Struct) -> None:
        """One more, behind those of its state and site."""
        line = harmless(msgspec.json.encode(row)) + b"\n"
        with _room():
            self._file.write(line)
        ranges, end = self._of[_RANKS[link.state], site_rank(link.site)], self._end + len(line)
        start = ranges.pop()[0] if ranges and ranges[-1][1] == self._end else self._end
        ranges.append((start, end))
        self._end = end
        self.reasons.add(link.reason)

    def pieces(self, first: int) -> list[PageRows]:
        """All rows: as many as fit into `first` bytes, then into files of their own. At least one piece."""
        pieces, room = [PageRows()], max(first, LEAST)
        for begin, end in chain.from_iterable(self._of[place] for place in sorted(self._of)):
            start = at = begin
            for line in self._lines(begin, end):
                room -= len(line)
                if room < 0 and pieces[-1].rows:
                    if at > start:
                        pieces[-1].ranges.append((start, at))
                    pieces.append(PageRows())
                    start, room = at, LIMIT - LEAST - len(line)
                pieces[-1].rows += 1
                at += len(line)
            pieces[-1].ranges.append((start, end))
        return pieces

    def of(self, piece: PageRows) -> Iterator[bytes]:
        """The rows of a piece."""
        return (line[:-1] for begin, end in piece.ranges for line in self._lines(begin, end))

    def _lines(self, begin: int, end: int) -> Iterator[bytes]:
        with _room():
            self._file.seek(begin)
        while begin < end:
            line = self._file.readline()
            begin += len(line)
            yield line


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f"{gettempdir()} cannot hold the rows of an HTML report: {error.strerror}"
        raise UsageError(f"{where}; make room, or set TMPDIR") from None


def data_block(rows: Iterable[bytes], others: dict[str, object]) -> str:
    """The data of a page's script: rows and other values; nothing in it can end the script element."""
    return (b'{"rows":[%b],%b' % (b",".join(rows), harmless(msgspec.json.encode(others))[1:])).decode()


def harmless(encoded: bytes) -> bytes:
    """JSON that no HTML parser takes for markup, and no script for the end of a line."""
    for character in "<>&\u2028\u2029":
        encoded = encoded.replace(character.encode(), b"\\u%04x" % ord(character))
    return encoded


def first_page_link(name: str) -> str:
    """The element by which a further page names the report that it belongs to."""
    return f'<link rel="first" href="{quote(name)}">'


def page_file(name: str, number: int) -> str:
    """The name of a report's file with this number: "report.html", "report-2.html"."""
    path = PurePath(name)
    return name if number == 1 else str(path.with_name(f"{path.stem}-{number}{path.suffix}"))

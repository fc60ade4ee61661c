"""The list of an HTML report in pieces, so that no file of it is larger than browsers and mails take well.

Rows as bytes of the page's data block, in the page's order, and how many of them fit. What a row shows is `html`'s.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import PurePath
from typing import Final
from urllib.parse import quote

import msgspec

from crawler.core.model import State
from crawler.report.parts import LinkPart
from crawler.report.phrases import site_rank

LIMIT: Final = 4_900_000  # bytes of one file: below 5 MB with all of its lines counted
LEAST: Final = 500_000  # bytes of rows in the first file, whatever else stands there
_RANKS: Final = {state: rank for rank, state in enumerate(State)}


class Rows:
    """Encoded rows by the place of their state and site."""

    def __init__(self) -> None:
        self._of: dict[tuple[int, tuple[int, str]], list[bytes]] = defaultdict(list)
        self.reasons: set[str] = set()

    def add(self, link: LinkPart, row: msgspec.Struct) -> None:
        """One more, behind those of its state and site."""
        self._of[_RANKS[link.state], site_rank(link.site)].append(harmless(msgspec.json.encode(row)))
        self.reasons.add(link.reason)

    def pieces(self, first: int) -> list[list[bytes]]:
        """All rows: as many as fit into `first` bytes, then into files of their own. At least one piece."""
        return list(_filled(chain.from_iterable(self._of[place] for place in sorted(self._of)), max(first, LEAST)))


def _filled(rows: Iterable[bytes], room: int) -> Iterator[list[bytes]]:
    piece: list[bytes] = []
    for row in rows:
        room -= len(row) + 1
        if room < 0 and piece:
            yield piece
            piece, room = [], LIMIT - LEAST - len(row)
        piece.append(row)
    yield piece


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

"""Where a kept answer lies, so that any process of this machine can read it.

What is asked of an archive as a whole, and what only its own process can read (an object store), is `archive`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from crawler.archive import warc
from crawler.archive.journal import Span
from crawler.archive.segments import local_reader
from crawler.core.model import Fetch


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer without what its record tells: headers and body. Where no segment is named, they are here."""

    known: Fetch
    folder: str = ""
    segment: str = ""
    span: Span = (0, 0)

    def read(self) -> Fetch:
        """The answer as it was fetched. Raises ArchiveDamaged."""
        if not self.segment:
            return self.known
        return as_fetched(self.known, local_reader(Path(self.folder)).record(self.segment, self.span))


def as_fetched(known: Fetch, record: warc.Record) -> Fetch:
    """An answer with what its record tells. Raises ArchiveDamaged."""
    status, headers, body = warc.split_http(record.block)
    return replace(known, status=status, headers=headers, body=body)

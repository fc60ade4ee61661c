"""The archive: WARC segments that keep what was fetched, and an SQLite index that finds it again.

`Archive` is the whole public face, with the nouns that it answers with; everything else here is its inside.
"""

from crawler.archive.archive import Archive
from crawler.archive.nouns import (
    Capture,
    Damage,
    HeldCheck,
    Hit,
    Moved,
    NoteEntry,
    PastCheck,
    StoredImage,
    VerifyReport,
)
from crawler.archive.opening import holds_archive
from crawler.archive.verify import verify

__all__ = [
    "Archive",
    "Capture",
    "Damage",
    "HeldCheck",
    "Hit",
    "Moved",
    "NoteEntry",
    "PastCheck",
    "StoredImage",
    "VerifyReport",
    "holds_archive",
    "verify",
]

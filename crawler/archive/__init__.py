"""The archive: WARC segments that keep what was fetched, and an SQLite index that finds it again.

`Archive` is the whole public face, with the nouns that it answers with; everything else here is its inside. Nothing is
imported before it is asked for: a reader process needs one module of these.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    from crawler.archive.verification import verify

_HOME = {"Archive": "archive", "holds_archive": "opening", "verify": "verification"}  # all others: "nouns"

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


def __getattr__(name: str) -> object:
    """A public name, imported at its first use."""
    if name not in __all__:
        raise AttributeError(f"module 'crawler.archive' has no attribute {name!r}")
    value: object = getattr(import_module(f"crawler.archive.{_HOME.get(name, 'nouns')}"), name)
    globals()[name] = value
    return value

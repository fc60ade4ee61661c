"""The archive: WARC segments that keep what was fetched, and an SQLite index that finds it again.

`Archive` is the whole public face, with the nouns that it answers with; everything else here is its inside.
"""

from crawler.store.archive import Archive
from crawler.store.nouns import Capture, Damage, Hit, NoteEntry, PastLook, StoredImage, VerifyReport
from crawler.store.verify import verify

__all__ = ["Archive", "Capture", "Damage", "Hit", "NoteEntry", "PastLook", "StoredImage", "VerifyReport", "verify"]

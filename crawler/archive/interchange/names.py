"""Names of files in an exported folder: date and title for people, an end made of the URL for programs; all safe."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Final

from crawler.core.url import host_of

_SLUG: Final = 50  # characters of the title that stay in a name
_SLUG_BYTES: Final = 150  # in UTF-8; file systems take 255 for a name
_SUFFIXES: Final = {
    "image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp", "image/avif": "avif",
    "image/bmp": "bmp", "image/x-icon": "ico",
}  # fmt: skip
_FILES: Final = _SUFFIXES | {
    "application/pdf": "pdf", "text/plain": "txt", "text/markdown": "txt", "text/csv": "csv",
    "application/json": "json", "application/epub+zip": "epub", "application/zip": "zip", "audio/mpeg": "mp3",
    "video/mp4": "mp4",
}  # fmt: skip


def page_name(canonical_url: str, at: datetime, title: str, *, exact: bool = False) -> str:
    """`<host>/<date>-<title>-<ten hex digits of the URL>`, without a suffix; `exact` for a second one of a day."""
    date = f"{at:%Y-%m-%d-%H%M%S}" if exact else f"{at:%Y-%m-%d}"
    slug = _slug(title)
    return f"{_host(canonical_url)}/{'-'.join(part for part in (date, slug, url_digest(canonical_url)) if part)}"


def url_digest(canonical_url: str) -> str:
    """The end of every name of a URL's pages."""
    return hashlib.sha256(canonical_url.encode("utf-8", "replace")).hexdigest()[:10]


def newest_page(folder: Path, canonical_url: str) -> Path | None:
    """The newest page of a URL in an exported folder of HTML; None where it holds none."""
    place = folder / "pages" / _host(canonical_url)
    return max(place.glob(f"*-{url_digest(canonical_url)}.html"), key=lambda file: file.name, default=None)


def picture_name(digest: str, content_type: str) -> str:
    """A picture's name by what it shows. SVG and what nobody knows get a suffix that no browser runs."""
    kind = content_type.partition(";")[0].strip().lower()
    return f"{re.sub(r'[^0-9a-f]', '', digest.rpartition(':')[2])[:32]}.{_SUFFIXES.get(kind, 'bin')}"


def file_suffix(content_type: str) -> str:
    """The suffix of a kept file that is no page; "bin" for what a browser might run, or nobody knows."""
    return _FILES.get(content_type.partition(";")[0].strip().lower(), "bin")


def _host(url: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", host_of(url).lower().replace("..", ".")).strip("-.") or "other"


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKC", title)
    slug = re.sub(r"[\W_]+", "-", plain).strip("-")[:_SLUG]
    return slug.encode("utf-8", "ignore")[:_SLUG_BYTES].decode("utf-8", "ignore").strip("-")

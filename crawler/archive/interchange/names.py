"""Names of files in an exported folder: made of a URL alone, so that they never change, and safe on every system."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from crawler.core.url import host_of, redact

_SLUG: Final = 60  # characters of the path that stay readable in a name
_SUFFIXES: Final = {
    "image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp", "image/avif": "avif",
    "image/bmp": "bmp", "image/x-icon": "ico",
}  # fmt: skip


def page_name(canonical_url: str) -> str:
    """`<host>/<path>-<ten hex digits>`, without a suffix: equal URLs give equal names, others others."""
    digest = hashlib.sha256(canonical_url.encode("utf-8", "replace")).hexdigest()[:10]
    host = _safe(host_of(canonical_url)) or "other"
    path = redact(canonical_url).partition("://")[2].partition("/")[2]
    slug = _safe(path.partition("?")[0])[:_SLUG].strip("-.")
    return f"{host}/{slug}-{digest}" if slug else f"{host}/{digest}"


def picture_name(digest: str, content_type: str) -> str:
    """A picture's name by what it shows. SVG and what nobody knows get a suffix that no browser runs."""
    kind = content_type.partition(";")[0].strip().lower()
    return f"{re.sub(r'[^0-9a-f]', '', digest.rpartition(':')[2])[:32]}.{_SUFFIXES.get(kind, 'bin')}"


def _safe(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower().replace("..", ".")).strip("-.")

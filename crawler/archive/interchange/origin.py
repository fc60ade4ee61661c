"""Where a downloaded file came from, as what lies beside it says: a shortcut, a download mark, an extended attribute.

A PDF or a text tells no address of its own. Nothing here reads the file itself.
"""

from __future__ import annotations

import codecs
import os
import re
from pathlib import Path
from typing import Final

from crawler.core.url import is_http

SHORTCUT: Final = ".url"
MARK: Final = ":Zone.Identifier"  # the stream in which Windows keeps it becomes a file of this name elsewhere
ATTRIBUTE: Final = "user.xdg.origin.url"  # freedesktop.org, written by curl --xattr and wget --xattr
_MAX: Final = 64 * 1024  # bytes of a shortcut
_ADDRESS = re.compile(r"(?im)^\s*(?:(?:URL|HostUrl)\s*=\s*)?(https?://\S+)\s*$")


def address_beside(file: Path) -> str | None:
    """The address of a file, from `FILE.url`, `STEM.url`, Windows' download mark or its extended attribute."""
    shortcuts = dict.fromkeys((f"{file.name}{SHORTCUT}", f"{file.stem}{SHORTCUT}", f"{file.name}{MARK}"))
    found = (_address_in(file.with_name(name)) for name in shortcuts if name != file.name)
    return next(filter(None, found), None) or _attribute(file)


def is_shortcut(file: Path) -> bool:
    """Whether a file only says where another one came from."""
    return file.name.lower().endswith((SHORTCUT, MARK.lower()))


def _address_in(shortcut: Path) -> str | None:
    """What an Internet shortcut, a download mark, or a line with nothing else says."""
    try:
        if shortcut.is_symlink() or not shortcut.is_file():
            return None
        with shortcut.open("rb") as stream:
            data = stream.read(_MAX)
    except (OSError, ValueError):
        return None
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    found = _ADDRESS.search(data.decode("utf-16" if wide else "utf-8-sig", "replace"))
    return found[1] if found and is_http(found[1]) else None


def _attribute(file: Path) -> str | None:
    if not hasattr(os, "getxattr"):
        return None
    try:
        written = os.getxattr(file, ATTRIBUTE, follow_symlinks=False).decode("utf-8", "replace").strip("\0 \n")
    except OSError:
        return None
    return written if is_http(written) else None

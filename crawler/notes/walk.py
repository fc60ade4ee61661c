"""What lies below a folder of notes: its files, which of them are notes, and the front matter of one.

Bounded reading of names and heads for those who answer where a target leads (`local`, `wiki`); which notes a command
reads is found by `files`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from crawler.notes.files import SKIPPED_FOLDERS, read_bounded
from crawler.notes.formats import ENDINGS, ending_of

MAX_FILES = 200_000  # names of one site that are looked at for routes and wiki links
MAX_HEAD = 4096  # bytes of a note that are read for its front matter


def is_note(name: str) -> bool:
    """Whether a file of this name is a note, in any format."""
    return ending_of(name) in ENDINGS


def walk(top: Path, unseen: Callable[[OSError], object] | None = None) -> Iterator[Path]:
    """Files below `top`, at most `MAX_FILES`; hidden folders and links to folders are left out.

    `unseen` is called for each folder that cannot be read.
    """
    count = 0
    for folder, folders, names in os.walk(top, onerror=unseen):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in SKIPPED_FOLDERS)
        for name in sorted(names):
            count += 1
            if count > MAX_FILES:
                return
            yield Path(folder, name)


def read_up_to(file: Path, limit: int) -> bytes:
    """At most `limit` + 1 bytes of a file; b"" where it cannot be read."""
    try:
        return read_bounded(file, limit)
    except OSError:
        return b""


_PROPERTIES = re.compile(r"(?:[ \t]*(?:- )?[\w.-]+::[^\n]*(?:\n|\Z))+")


def properties_of(file: Path) -> str:
    """The properties that a page of Logseq begins with (`alias:: a, b`), as front matter writes them."""
    found = _PROPERTIES.match(_begin(file))
    return re.sub(r"(?m)^[ \t]*(?:- )?([\w.-]+)::", r"\1:", found[0]) if found else ""


def _begin(file: Path) -> str:
    return read_up_to(file, MAX_HEAD)[:MAX_HEAD].decode("utf-8", "replace").removeprefix("\ufeff")


def head_of(file: Path) -> str:
    """The front matter of a note, as far as it is within reach; "" where it has none."""
    text = _begin(file)
    mark = text[:3]
    if mark not in ("---", "+++"):
        return ""
    end = text.find(f"\n{mark}", 3)
    return text[: end + 4] if end > 0 else ""

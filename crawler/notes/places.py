"""Where a target may lie on the disk: its spellings, the paths that each means, and the file that is there for one.

From a target and the folders of its site (`sitefolders`) to paths; whether a target that is nowhere is missing is
decided in `local`.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from crawler.notes.files import absolute
from crawler.notes.formats import ENDINGS, ending_of
from crawler.notes.sitefolders import SiteFolders

MAX_SEGMENT = 255  # bytes of a file's name; what Linux, macOS and Windows allow
INDEXES = ("index", "readme", "_index")
PAGES = (".md", ".markdown", ".html", ".htm", ".mdx", ".rst", ".adoc", ".org", ".ipynb", ".qmd", ".rmd")
# Endings of what people put beside their notes: nobody generates it.
FILES = frozenset(
    f".{ending}"
    for ending in "png jpg jpeg gif webp svg avif bmp ico tif tiff heic pdf doc docx xls xlsx ppt pptx odt ods odp "
    "epub mobi djvu zip gz tgz bz2 xz 7z rar tar zst jar apk dmg exe msi iso deb rpm mp3 m4a ogg oga wav flac mp4 m4v "
    "mov webm avi mkv ogv csv tsv sqlite db psd ai drawio excalidraw ttf otf woff woff2 py c h cpp hpp cc java go rs "
    "rb sh bat ps1 ts tsx jsx php pl lua sql yaml yml toml ini cfg conf log patch diff bib tex key pem crt".split()
)
_ALIAS = re.compile(r"@site/|[~]?@/|\{(?:filename|static|attach|index)\}/?|\|filename\|/?")
# docusaurus.io/docs/i18n/introduction: where translations lie; what is not translated is taken from the original.
_TRANSLATION = re.compile(
    r"(?P<site>.*/)i18n/[^/]+/docusaurus-plugin-content-(?P<plugin>docs|blog|pages)/(?:current/)?(?P<rest>.*)"
)
_ORIGINALS = {"docs": "docs", "blog": "blog", "pages": "src/pages"}


def path_of(url: str) -> str:
    """A target without query and fragment."""
    return re.split(r"[?#]", url, maxsplit=1)[0]


def fragment_of(url: str) -> str:
    """What stands behind the `#`; "" for nothing."""
    return url.partition("#")[2]


def spellings(*written: str) -> Iterator[str]:
    """A target as written and without its percent escapes, composed and decomposed, with slashes for backslashes."""
    seen: dict[str, None] = {}
    for each in written:
        for one in (unquote(each), each, unquote(each).replace("\\", "/")):
            for form in ("NFC", "NFD") if not one.isascii() else ():
                seen.setdefault(unicodedata.normalize(form, one))
            seen.setdefault(one)
    yield from seen


def places_for(target: str, note: Path, site: SiteFolders) -> Iterator[Path]:
    """Every path that would do for `target`, before endings and indexes."""
    alias = _ALIAS.match(target)
    if alias:
        target = target[alias.end() :] if alias[0][0] != "{" or alias[0][-1] != "/" else f"/{target[alias.end() :]}"
        yield from (absolute(root, target.lstrip("/")) for root in site.roots)
        yield absolute(note.parent, target.lstrip("/"))
    elif target.startswith("/"):
        for root in site.roots:
            place = absolute(root, target.lstrip("/"))
            if place.is_relative_to(root):
                yield place
    else:
        yield absolute(note.parent, target)
        if site.generator == "antora":
            yield from _in_module(target, note)
        if site.vault:
            yield from (absolute(root, target) for root in site.roots if not target.startswith("."))


def _in_module(target: str, note: Path) -> Iterator[Path]:
    """Where a page of Antora finds its pictures, other pages and attachments: by the kind, not by the path.

    https://docs.antora.org/antora/latest/standard-directories/
    """
    for folder in note.parents:
        if folder.name in ("pages", "partials", "examples") and folder.parent.parent.name == "modules":
            yield from (absolute(folder.parent / kind, target) for kind in ("images", "pages", "attachments"))


def pages_at(place: Path) -> Iterator[Path]:
    """The sources that a page at this place may be made from."""
    source = place.with_suffix("") if place.suffix in (".html", ".htm") else place
    yield from (source.with_name(source.name + ending) for ending in PAGES)
    yield from (place / f"{name}{ending}" for name in INDEXES for ending in PAGES)


def there_for(place: Path) -> Path | None:
    """The file or folder that is there for a target."""
    if not place.name or any(len(part.encode("utf-8", "replace")) > MAX_SEGMENT for part in place.parts):
        return place if place.is_dir() else None
    if place.is_file():
        return place
    source = place.with_suffix("") if place.suffix in (".html", ".htm") else place
    for ending in PAGES:
        beside = source.with_name(source.name + ending)
        if beside.is_file():
            return beside
    if place.is_dir():
        try:
            names = {entry.lower(): entry for entry in os.listdir(place)}  # noqa: PTH208 - names alone are wanted
        except PermissionError:  # it is there, whatever is in it
            return place
        index = next(
            (names[f"{name}{ending}"] for name in INDEXES for ending in PAGES if f"{name}{ending}" in names), ""
        )
        return place / index if index else place
    if place.stem.lower() in ("readme", "index") and place.parent.is_dir():
        names = {entry.lower(): entry for entry in os.listdir(place.parent)}  # noqa: PTH208 - as above
        return place.parent / names[place.name.lower()] if place.name.lower() in names else None
    return None


def cannot_be(path: str) -> bool:
    """Whether no disk and no generator can have such a path: too long, with a NUL, or above the root."""
    if "\0" in path or any(len(part.encode("utf-8", "replace")) > MAX_SEGMENT for part in path.split("/")):
        return True
    return path.startswith("/") and os.path.normpath(f"x{path}").startswith("..")


def is_path_to_file(target: str) -> bool:
    """Whether the target names a file, and no page that a generator makes of one."""
    ending = ending_of(target.rstrip("/"))
    return ending in FILES or (ending in ENDINGS and ending not in (".html", ".htm"))


def of_default_language(target: str, note: Path, site: SiteFolders) -> Path | None:
    """The file beside the original of a translated note."""
    found = _TRANSLATION.fullmatch(note.as_posix()) if site.generator == "docusaurus" else None
    if found is None or target.startswith("/"):
        return None
    original = Path(found["site"], _ORIGINALS[found["plugin"]], found["rest"])
    return next(filter(None, map(there_for, places_for(target, original, site))), None)

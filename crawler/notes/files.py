"""Notes on disk: which files they are, what text they hold, and whether the files that they link to are there.

Nothing is written here and no link is looked for. What can be wrong with one note is a value (`SkippedNote`), so that
the others are still read; what is wrong with the whole question is a `NotesError`.

Names and roots. The notes' root is `[notes] root`, else the notes folder: the folder PATH, the folder of a file PATH,
the nearest common folder of several. Names in reports are relative to it. A target such as `/images/x.png` is looked
for in the root and, where `[notes] root` is not set, also in the folder of the site or repository that the notes are
part of (the nearest one above with `_config.yml`, `.git` and the like), as Jekyll and GitHub would resolve it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from crawler.core.errors import NotesError
from crawler.core.model import Note
from crawler.core.settings import NotesSettings

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MAX_NOTE = 32 * 1024 * 1024  # bytes; guess: a thousand times the longest post of a large blog
IGNORE_FILE = ".crawlerignore"
SKIPPED_FOLDERS = frozenset({"node_modules", "_site"})  # and hidden ones: nobody keeps notes there
SITE_MARKS = ("_config.yml", "_config.toml", ".git", "mkdocs.yml", "hugo.toml", "hugo.yaml")
MAX_LEVELS = 30  # folders above the notes in which a site's mark is looked for
NUL_SAMPLE = 65536  # bytes in which a NUL makes a file binary

_PAGES = (".md", ".markdown", ".html", ".htm", ".mdx")  # sources that a site generator makes pages of
_INDEXES = ("index.html", "index.md", "index.markdown", "README.md", "_index.md")
_POST = re.compile(r"/(\d{4})/(\d{1,2})/(\d{1,2})/([^/]+?)(?:\.html?)?/?\Z")  # Jekyll's default permalink


@dataclass(frozen=True, slots=True)
class NoteFile:
    """One note on disk."""

    path: Path  # absolute
    name: str  # relative to the notes' root, POSIX separators
    size: int  # bytes
    mtime_ns: int  # of the last change, nanoseconds since the epoch


@dataclass(frozen=True, slots=True)
class SkippedNote:
    """A note that could not be read, and why, in words for its author."""

    path: str  # as NoteFile.name
    why: str


def note_paths(paths: Sequence[Path], settings: NotesSettings) -> list[Path]:
    """The paths that were given, else the configured ones."""
    return list(paths) or [Path(path) for path in settings.paths]


def notes_root(paths: Sequence[Path], settings: NotesSettings, base: Path) -> Path:
    """The absolute folder that note names and targets such as `/images/x.png` are relative to."""
    if settings.root:
        return _absolute(base, Path(settings.root))
    folders = [_folder_of(_absolute(base, path)) for path in paths]
    return Path(os.path.commonpath(folders)) if folders else _absolute(base, Path())


def find_notes(paths: Sequence[Path], settings: NotesSettings, base: Path) -> list[NoteFile]:
    """All notes under `paths`, relative ones to `base`, sorted by name, each once.

    In folders `[notes] include` and `exclude`, hidden folders and `.crawlerignore` decide; a file that is named is
    taken whatever its ending. Links to folders are followed, each folder is read once. Raises NotesError.
    """
    root = notes_root(paths, settings, base)
    found: dict[Path, NoteFile] = {}
    seen: set[tuple[int, int]] = set()
    for path in (_absolute(base, path) for path in paths):
        status = _status(path)
        if stat.S_ISREG(status.st_mode):
            found.setdefault(path, _note_file(path, root, status))
        elif stat.S_ISDIR(status.st_mode):
            for note in _walk(path, root, _Rules.of(settings, root, path), seen):
                found.setdefault(note.path, note)
        else:
            raise NotesError(f"{path}: neither a file nor a folder; name a note or a folder of notes")
    return sorted(found.values(), key=lambda note: note.name)


def is_excluded(path: Path, settings: NotesSettings, root: Path) -> bool:
    """Whether `[notes] exclude` or a `.crawlerignore` between `root` and the file leaves `path` out."""
    rules = _Rules.of(settings, root, path.parent).inside(path.parent)
    return rules.exclude.match_file(_name(path, root)) or rules.ignored(path, folder=False)


def _absolute(base: Path, path: Path) -> Path:
    return Path(os.path.abspath(base / path))  # noqa: PTH100 - resolve() would follow links: names are the user's


def _folder_of(path: Path) -> Path:
    try:
        return path if path.is_dir() else path.parent
    except (OSError, ValueError):  # a name that no file can have: `find_notes` says so
        return path.parent


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except FileNotFoundError:
        raise NotesError(f"{path}: no such file or folder; name notes that exist, or set [notes] paths") from None
    except (OSError, ValueError) as error:
        raise NotesError(f"{path}: cannot be read ({_reason(error)}); check its name and permissions") from None


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _name(path: Path, root: Path) -> str:
    return (
        path.relative_to(root).as_posix() if path.is_relative_to(root) else Path(os.path.relpath(path, root)).as_posix()
    )


def _note_file(path: Path, root: Path, status: os.stat_result) -> NoteFile:
    return NoteFile(path, _name(path, root), status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class _Rules:
    """What is taken below one folder. Patterns are those of gitignore; the last rule that matches wins."""

    root: Path
    include: GitIgnoreSpec
    exclude: GitIgnoreSpec
    ignore: tuple[tuple[Path, GitIgnoreSpec], ...] = ()  # folders with their `.crawlerignore`, outermost first

    @staticmethod
    def of(settings: NotesSettings, root: Path, folder: Path) -> _Rules:
        """The rules of `folder` before its own `.crawlerignore`, but with those of all folders between."""
        rules = _Rules(root, _patterns(settings.include), _patterns(settings.exclude))
        above = [parent for parent in folder.parents if parent.is_relative_to(root)]
        for parent in reversed(above):
            rules = rules.inside(parent)
        return rules

    def inside(self, folder: Path) -> _Rules:
        """These rules and those of the folder's own `.crawlerignore`."""
        try:
            lines = (folder / IGNORE_FILE).read_text(encoding="utf-8-sig", errors="replace").splitlines()
        except OSError:
            return self
        return _Rules(self.root, self.include, self.exclude, (*self.ignore, (folder, _patterns(lines))))

    def ignored(self, path: Path, *, folder: bool) -> bool:
        """Whether a `.crawlerignore` leaves the path out; an inner file has the last word, as in git."""
        for place, spec in reversed(self.ignore):
            verdict = spec.check_file(path.relative_to(place).as_posix() + ("/" if folder else "")).include
            if verdict is not None:
                return verdict
        return False

    def takes(self, path: Path) -> bool:
        name = _name(path, self.root)
        wanted = self.include.match_file(name) or self.include.match_file(name.lower())
        return wanted and not self.exclude.match_file(name) and not self.ignored(path, folder=False)

    def enters(self, path: Path) -> bool:
        if path.name.startswith(".") or path.name in SKIPPED_FOLDERS:
            return False
        return not self.exclude.match_file(_name(path, self.root) + "/") and not self.ignored(path, folder=True)


def _patterns(lines: Sequence[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise NotesError(f"{error}; mend the pattern in [notes] include, exclude or {IGNORE_FILE}") from None


def _walk(top: Path, root: Path, rules: _Rules, seen: set[tuple[int, int]]) -> Iterator[NoteFile]:
    """Notes below `top`, without recursion, so that no depth of folders is too deep."""
    waiting = [(top, rules)]
    while waiting:
        folder, above = waiting.pop()
        status = _status(folder)
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        here = above.inside(folder)
        for entry in _entries(folder):
            path = folder / entry.name
            if _is_folder(entry):
                if here.enters(path):
                    waiting.append((path, here))
            elif here.takes(path):
                yield from _regular(path, root)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        message = f"{folder}: cannot be read ({_reason(error)}); check its permissions, or put it into [notes] exclude"
        raise NotesError(message) from None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _regular(path: Path, root: Path) -> Iterator[NoteFile]:
    """The note at `path`; none for a broken link, a socket and the like."""
    try:
        status = path.stat()
    except OSError:
        return
    if stat.S_ISREG(status.st_mode):
        yield _note_file(path, root, status)


def read_note(file: NoteFile) -> Note | SkippedNote:
    """The text of a note: UTF-8, UTF-16 with a byte order mark, or GB18030 (GBK, GB2312) where that makes sense.

    `note.text.encode(note.encoding)` gives the file's bytes back: line ends and byte order mark stay.
    """
    try:
        with file.path.open("rb") as stream:
            data = stream.read(MAX_NOTE + 1)
    except (OSError, ValueError) as error:
        return SkippedNote(file.name, f"cannot be read ({_reason(error)}); check its permissions")
    if len(data) > MAX_NOTE:
        return SkippedNote(
            file.name, f"larger than {MAX_NOTE // 1024 // 1024} MB; split it, or put it into [notes] exclude"
        )
    return decode_note(file.name, data)


def decode_note(name: str, data: bytes) -> Note | SkippedNote:
    """The note that `data` is; see `read_note`."""
    if data.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return SkippedNote(name, "UTF-32 is not read; save it as UTF-8")
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            text = _decoded(data, encoding)
            return (
                Note(name, text, encoding) if text is not None else SkippedNote(name, "broken UTF-16; save it as UTF-8")
            )
    if b"\0" in data[:NUL_SAMPLE]:
        return SkippedNote(name, "a binary file, no text; put it into [notes] exclude")
    for encoding in ("utf-8", "gb18030"):
        text = _decoded(data, encoding)
        if text is not None and (encoding == "utf-8" or _reads_as_chinese(text)):
            return Note(name, text, encoding)
    return SkippedNote(name, f"neither UTF-8 nor GBK{_first_bad_byte(data)}; save it as UTF-8")


def _decoded(data: bytes, encoding: str) -> str | None:
    """The text, if it gives the same bytes back."""
    try:
        text = data.decode(encoding)
        return text if text.encode(encoding) == data else None
    except UnicodeError:
        return None


def _reads_as_chinese(text: str) -> bool:
    """Whether most letters beyond ASCII are among the 6,763 common ones of GB2312.

    GB18030 decodes nearly every sequence of bytes; Latin-1, Big5 and Shift_JIS then give mostly rare characters.
    """
    beyond = [character for character in text if character > "\x7f"]
    common = "".join(beyond).encode("gb2312", "ignore")
    return len(common) // 2 >= 0.9 * len(beyond)


def _first_bad_byte(data: bytes) -> str:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return f" (byte {error.start}, line {line})"
    return ""


def target_roots(root: Path, settings: NotesSettings) -> tuple[Path, ...]:
    """Folders that a target such as `/images/x.png` may be relative to, the likeliest first."""
    if settings.root:
        return (root,)
    above = [root, *root.parents][:MAX_LEVELS]
    site = next((folder for folder in above if any((folder / mark).exists() for mark in SITE_MARKS)), root)
    return (root,) if site == root else (root, site)


def local_exists(url: str, note: Path, roots: Sequence[Path]) -> bool:
    """Whether the file that a local target names is there; `note` is the absolute path of the note it stands in.

    Query and fragment do not count, percent escapes are undone. A folder needs an index. `/a/b.html` may also be made
    from `b.md`, and `/2020/01/31/b.html` from a post. A target that begins with `/` never leaves its root.
    """
    written = re.split(r"[?#]", url, maxsplit=1)[0]
    if not written:
        return True
    spellings = dict.fromkeys((unquote(written), written))
    return any(_there(place) for spelling in spellings for place in _places(spelling, note, roots))


def _places(target: str, note: Path, roots: Sequence[Path]) -> Iterator[Path]:
    """Every path that would do for `target`."""
    if target.startswith("/"):
        for root in roots:
            place = _absolute(root, Path(target.lstrip("/")))
            if place.is_relative_to(root):
                yield place
    else:
        yield _absolute(note.parent, Path(target))
    post = _POST.search(f"/{target}")
    if post:
        folders = dict.fromkeys((note.parent, *roots, *(root / "_posts" for root in roots)))
        for folder in folders:
            yield from (folder / name for name in _post_names(*post.groups()))


def _post_names(year: str, month: str, day: str, slug: str) -> Iterator[str]:
    for m, d in dict.fromkeys(((month, day), (f"{int(month):02}", f"{int(day):02}"), (str(int(month)), str(int(day))))):
        yield from (f"{year}-{m}-{d}-{slug}{ending}" for ending in _PAGES)


def _there(place: Path) -> bool:
    try:
        if place.is_dir():
            return any((place / index).is_file() for index in _INDEXES)
        source = place.with_suffix("") if place.suffix in (".html", ".htm") else place
        return place.is_file() or any(source.with_name(source.name + ending).is_file() for ending in _PAGES)
    except (OSError, ValueError):  # a name too long, or one that no file can have
        return False

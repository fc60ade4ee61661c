"""Notes on disk: which files they are, and what text they hold.

Nothing is written here and no link is looked for; where targets lie is the business of `local`. What can be wrong with
one note, or with a folder among the notes, is a value (`SkippedNote`), so that the others are still read; what is wrong
with the whole question is a `NotesError`.

The notes' root is `[notes] root` (the first one of a list), else the notes folder: the folder PATH, the folder of a
file PATH, the nearest common folder of several. Names in reports are relative to it.

No symbolic link leads out of the notes: what lies below a PATH must really lie below it or below the root. A PATH
itself may be a link, since the user named it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.core.errors import NotesError
from crawler.core.marker import is_ours
from crawler.core.model import Note
from crawler.core.settings import NotesSettings
from crawler.notes.encodings import decode
from crawler.notes.formats import format_of, refusal

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_URL = re.compile(r"(?:\A|/)(https?):/+")  # a path that was meant as an address; its second slash is gone
MAX_NOTE = 32 * 1024 * 1024  # bytes; guess: a thousand times the longest post of a large blog
IGNORE_FILE = ".crawlerignore"
SKIPPED_FOLDERS = frozenset({"node_modules", "_site"})  # and hidden ones: nobody keeps notes there
MAX_IGNORE_FILE = 1024 * 1024  # bytes; guess: a thousand times the longest .gitignore


@dataclass(frozen=True, slots=True)
class NoteFile:
    """One note on disk."""

    path: Path  # absolute
    name: str  # relative to the notes' root, POSIX separators; bytes that are not UTF-8 stand as \\xff
    size: int  # bytes
    mtime_ns: int  # of the last change, nanoseconds since the epoch
    unread: str = ""  # why it is not opened, "" where it may be
    unseen: bool = False  # a folder, or a note in one, that cannot be looked into: what it holds now is not known


@dataclass(frozen=True, slots=True)
class SkippedNote:
    """A note that could not be read, or a folder with all in it, and why, in words for its author."""

    path: str  # as NoteFile.name
    why: str
    unseen: bool = False  # what it holds now is not known, so that what was read there before may still stand


def note_paths(paths: Sequence[Path], settings: NotesSettings) -> list[Path]:
    """The paths that were given, else the configured ones."""
    return list(paths) or [Path(path) for path in settings.paths]


def notes_root(paths: Sequence[Path], settings: NotesSettings, base: Path) -> Path:
    """The absolute folder that note names and targets such as `/images/x.png` are relative to."""
    roots = configured_roots(settings)
    if roots:
        return absolute(base, Path(roots[0]))
    folders = [_folder_of(absolute(base, path)) for path in paths]
    return Path(os.path.commonpath(folders)) if folders else absolute(base)


def configured_roots(settings: NotesSettings) -> tuple[str, ...]:
    """`[notes] root` as a list; empty where it is not set."""
    return ((settings.root,) if settings.root else ()) if isinstance(settings.root, str) else settings.root


def find_notes(
    paths: Sequence[Path], settings: NotesSettings, base: Path, names: Collection[str] | None = None
) -> list[NoteFile]:
    """All notes under `paths`, relative ones to `base`, sorted by name, each once; with `names` those alone.

    In folders `[notes] include` and `exclude`, hidden folders and `.crawlerignore` decide; a file that is named is
    taken if its ending is one of a format of notes. Each folder is read once; one below the root that cannot hold any
    of `names` (as NoteFile.name) is not. A folder among them that cannot be read stands for its notes, as an `unseen`
    one. Raises NotesError, also where one of `paths` cannot be read.
    """
    root = notes_root(paths, settings, base)
    found: dict[Path, NoteFile] = {}
    seen: set[tuple[int, int]] = set()
    wanted = None if names is None else {*names, *(folder for name in names for folder in _folders_of(name))}
    for path in (absolute(base, path) for path in paths):
        status = _status(path)
        if stat.S_ISREG(status.st_mode):
            if format_of(path.name) is None:
                raise NotesError(f"{shown(str(path))}: {refusal(path.name)}")
            found.setdefault(path, _note_file(path, root, status))
        elif stat.S_ISDIR(status.st_mode):
            for note in _walk(path, root, _Rules.of(settings, root, path), seen, wanted):
                found.setdefault(note.path, note)
        else:
            raise NotesError(f"{path}: neither a file nor a folder; name a note or a folder of notes")
    links = {path: _real(path) for path, note in found.items() if not note.unseen and path.is_symlink()}
    again = {path for path, real in links.items() if real in found and real != path}
    asked = (note for note in found.values() if names is None or note.name in names or note.unseen)
    notes = [note for note in asked if note.path not in again]
    return sorted(notes, key=lambda note: note.name)


def is_excluded(path: Path, settings: NotesSettings, root: Path) -> bool:
    """Whether `[notes] exclude` or a `.crawlerignore` between `root` and the file leaves `path` out."""
    rules = _Rules.of(settings, root, path.parent).inside(path.parent)
    return rules.exclude.match_file(_name(path, root)) or rules.ignored(path, folder=False)


def absolute(base: Path, path: str | Path = "") -> Path:
    """A path without `.` and `..`, a relative one below `base`; no link is followed, since names are the user's."""
    return Path(os.path.abspath(base / path))  # noqa: PTH100 - resolve() would follow links


def _folder_of(path: Path) -> Path:
    try:
        return path if path.is_dir() else path.parent
    except (OSError, ValueError):  # a name that no file can have: `find_notes` says so
        return path.parent


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except FileNotFoundError:
        if found := _URL.search(str(path)):
            url = f"{found[1]}://{str(path)[found.end() :]}"
            raise NotesError(
                f"{url} is no note: `crawler rearchive URL` fetches an address, `crawler show URL` tells of it"
            ) from None
        raise NotesError(f"{path}: no such file or folder; name notes that exist, or set [notes] paths") from None
    except (OSError, ValueError) as error:
        raise NotesError(f"{path}: cannot be read ({_reason(error)}); check its name and permissions") from None


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _name(path: Path, root: Path) -> str:
    name = path.relative_to(root) if path.is_relative_to(root) else Path(os.path.relpath(path, root))
    return shown(name.as_posix())


def shown(name: str) -> str:
    """A file's name with bytes that are not UTF-8 written as \\xff, so that every output can hold it."""
    return name if name.isprintable() else name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _note_file(path: Path, root: Path, status: os.stat_result) -> NoteFile:
    return NoteFile(path, _name(path, root), status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class _Rules:
    """What is taken below one folder. Patterns are those of gitignore; the last rule that matches wins."""

    root: Path
    tops: tuple[Path, ...]  # real folders below which everything must lie
    include: GitIgnoreSpec
    exclude: GitIgnoreSpec
    ignore: tuple[tuple[Path, GitIgnoreSpec], ...] = ()  # folders with their `.crawlerignore`, outermost first

    @staticmethod
    def of(settings: NotesSettings, root: Path, folder: Path) -> _Rules:
        """The rules of `folder` before its own `.crawlerignore`, but with those of all folders between."""
        tops = tuple(_real(top) for top in dict.fromkeys((folder, root)))
        rules = _Rules(root, tops, _patterns(settings.include), _patterns(settings.exclude))
        above = [parent for parent in folder.parents if parent.is_relative_to(root)]
        for parent in reversed(above):
            rules = rules.inside(parent)
        return rules

    def inside(self, folder: Path) -> _Rules:
        """These rules and those of the folder's own `.crawlerignore`."""
        file = folder / IGNORE_FILE
        if not os.path.lexists(file):
            return self
        try:
            data = b"" if self.leaves(file) else read_bounded(file, MAX_IGNORE_FILE)
        except OSError as error:
            raise _Unseen(f"its {IGNORE_FILE} cannot be read ({_reason(error)})") from None
        if len(data) > MAX_IGNORE_FILE or self.leaves(file):
            what = f"larger than {MAX_IGNORE_FILE} bytes" if data else "a symbolic link that leaves the notes"
            raise NotesError(f"{file}: {what}; put its lines into a file of its own")
        lines = data.decode("utf-8-sig", "replace").splitlines()
        return replace(self, ignore=(*self.ignore, (folder, _patterns(lines))))

    def leaves(self, path: Path) -> bool:
        """Whether a symbolic link at `path` leads out of the notes."""
        return path.is_symlink() and not any(_real(path).is_relative_to(top) for top in self.tops)

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


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def read_bounded(file: Path, limit: int) -> bytes:
    """At most `limit` + 1 bytes of a regular file; none of a device, a pipe, or what cannot be opened."""
    try:
        handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        with os.fdopen(handle, "rb") as stream:
            return stream.read(limit + 1) if stat.S_ISREG(os.fstat(stream.fileno()).st_mode) else b""
    except IsADirectoryError:
        return b""


def _patterns(lines: Sequence[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise NotesError(f"{error}; mend the pattern in [notes] include, exclude or {IGNORE_FILE}") from None


def names_within(names: Iterable[str], places: Set[str]) -> set[str]:
    """Those of `names` (as NoteFile.name) that are one of `places` or lie below one."""
    return {name for name in names if not places.isdisjoint((name, *_folders_of(name)))} if places else set()


def _folders_of(name: str) -> Iterator[str]:
    """The folders between the notes' root and a note: "a", "a/b" for "a/b/c.md"."""
    parts = name.split("/")[:-1]
    return ("/".join(parts[: n + 1]) for n in range(len(parts)))


class _Unseen(Exception):
    """A folder among the notes cannot be looked into; the message says why."""


def _walk(
    top: Path, root: Path, rules: _Rules, seen: set[tuple[int, int]], wanted: Set[str] | None = None
) -> Iterator[NoteFile]:
    """Notes below `top`, without recursion, so that no depth of folders is too deep.

    `wanted`: names of notes and folders below `root`, as NoteFile.name, beyond which nothing there is looked at; None:
    everything is.
    """
    waiting = [(top, rules)]
    while waiting:
        folder, above = waiting.pop()
        try:
            status = _folder_status(folder)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            here = above.inside(folder)
            entries = _entries(folder)
        except FileNotFoundError:  # gone since its name was read
            continue
        except _Unseen as unseen:
            if folder == top:
                raise NotesError(f"{folder}: {unseen}; check its permissions, or put it into [notes] exclude") from None
            yield _unseen(folder, root, str(unseen))
            continue
        only = wanted if folder.is_relative_to(root) else None
        prefix = "" if folder == root else f"{_name(folder, root)}/"
        for entry in entries:
            if only is not None and f"{prefix}{shown(entry.name)}" not in only:
                continue
            path = folder / entry.name
            outside = entry.is_symlink() and here.leaves(path)
            if _is_folder(entry):
                if here.enters(path) and outside:
                    yield _outside(path, root)
                elif here.enters(path):
                    waiting.append((path, here))
            elif here.takes(path):
                yield from (_outside(path, root),) if outside and path.exists() else _regular(path, root)


def _folder_status(folder: Path) -> os.stat_result:
    try:
        return folder.stat()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _Unseen(f"cannot be read ({_reason(error)})") from None


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _Unseen(f"cannot be read ({_reason(error)})") from None


def _unseen(path: Path, root: Path, why: str) -> NoteFile:
    return NoteFile(
        path, _name(path, root), 0, 0, f"{why}; check its permissions, or put it into [notes] exclude", True
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _outside(path: Path, root: Path) -> NoteFile:
    return NoteFile(path, _name(path, root), 0, 0, "a symbolic link out of the notes; name its target in [notes] paths")


def _regular(path: Path, root: Path) -> Iterator[NoteFile]:
    """The note at `path`; none for a broken link, a socket and the like."""
    try:
        status = path.stat()
    except PermissionError as error:  # of the folder: names may be listed there, and no more
        yield _unseen(path, root, f"cannot be read ({_reason(error)})")
        return
    except OSError:
        return
    if stat.S_ISREG(status.st_mode):
        yield _note_file(path, root, status)


def read_note(file: NoteFile) -> Note | SkippedNote:
    """The text of a note: UTF-8, UTF-16, GB18030 (GBK, GB2312), Big5, Shift_JIS, CP1252 (Latin-1).

    `note.text.encode(note.encoding)` gives the file's bytes back (line ends and byte order mark stay), unless
    `note.damage` says what was replaced. A report or export of this program is an empty note.
    """
    if file.unread:
        return SkippedNote(file.name, file.unread, file.unseen)
    if format_of(file.path.name) is None:
        return SkippedNote(file.name, refusal(file.path.name))
    try:
        data = read_bounded(file.path, MAX_NOTE)
    except (OSError, ValueError) as error:
        unseen = not isinstance(error, FileNotFoundError)
        return SkippedNote(file.name, f"cannot be read ({_reason(error)}); check its permissions", unseen)
    if len(data) > MAX_NOTE:
        return SkippedNote(
            file.name, f"larger than {MAX_NOTE // 1024 // 1024} MB; split it, or put it into [notes] exclude"
        )
    note = decode_note(file.name, data)
    return replace(note, text="") if isinstance(note, Note) and is_ours(note.text) else note


def decode_note(name: str, data: bytes) -> Note | SkippedNote:
    """The note that `data` is; see `read_note`."""
    found = decode(data)
    if isinstance(found, str):
        return SkippedNote(name, found)
    form = format_of(name)
    flaw = form.flaw(found.text) if form and form.flaw and not found.damage else ""
    return Note(name, found.text, found.encoding, found.damage or flaw)

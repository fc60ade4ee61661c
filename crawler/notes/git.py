"""Asking git what changed: the one place that runs the program, with a deadline on every call.

No shell, nothing of the user's read as an option, no write to the repository. What the answers mean for links is
decided in `changes`. Every failure is a `GitError` of one line that says how to mend it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from crawler.core.errors import GitError
from crawler.core.model import Occurrence
from crawler.notes.changes import Changes, FileChange, parse_patch
from crawler.notes.files import shown
from crawler.notes.formats import GLOBS

DEADLINE = 60.0  # seconds for one call; guess: `git diff` over a million files takes a few
MAX_NOTE = 16 * 1024 * 1024  # bytes; git compares larger files as binary, so all their lines count as changed
NOTE_FILES = GLOBS

# Settings of the user or the repository that would change what git prints, or run a program of their choice. A folder
# that looks like a bare repository is no repository of ours, since its files may come with the notes.
_PLAIN = (
    "-c", "core.quotePath=false", "-c", "core.fsmonitor=false", "-c", f"core.bigFileThreshold={MAX_NOTE}",
    "-c", "safe.bareRepository=explicit", "-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never",
)  # fmt: skip
_FILTERS = r"^filter\..*\.(clean|smudge|process|required)$"  # programs that git would run over files it compares
_DIFF = ("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--no-relative", "-O/dev/null", "--raw", "-z")
_RENAMES = ("--find-renames", "--ignore-submodules=all")
_PATCH = ("--patch", "--unified=0", "--inter-hunk-context=0", "--src-prefix=a/", "--dst-prefix=b/")
_PATHSPEC_MOODS = ("GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS")


def changed_lines(root: Path, rev: str, include: Sequence[str] = NOTE_FILES) -> Changes:
    """What changed between the merge base of `rev` and HEAD, and the working tree with its untracked notes.

    `root` is the notes' root, a folder in a work tree; `include` are globs of notes below it. Raises GitError where
    git or the repository is missing, `rev` names no commit, or a shallow clone lacks the base.
    """
    repo = _open(root)
    changes = _compare(repo, _merge_base(repo, rev), include)
    files = dict(changes.files)
    for path in map(repo.relative, _names(repo, "ls-files", "-z", "--others", "--exclude-standard", *_only(include))):
        if (root / path).is_file() and not (root / path).is_symlink():
            files[path] = replace(files.get(path, FileChange(path)), whole=True)
    return _shown(replace(changes, files=files))


def staged_lines(root: Path, include: Sequence[str] = NOTE_FILES) -> Changes:
    """What changed between HEAD and those files that have staged changes, as they lie in the working tree.

    A hook runner that stashes the rest makes index and working tree one; without it, line numbers still fit the
    files that are read. Before the first commit every staged note is new.
    """
    repo = _open(root)
    if not _commit(repo, "HEAD"):
        listed = _names(repo, "ls-files", "-z", "--cached", *_only(include))
        return _shown(Changes(files={path: FileChange(path, whole=True) for path in map(repo.relative, listed)}))
    staged = {repo.relative(entry.path) for entry in _entries(_git(repo, *_DIFF, *_RENAMES[1:], "--cached", "HEAD"))}
    changes = _compare(repo, "HEAD", include) if staged else Changes("HEAD")
    files = {path: file for path, file in changes.files.items() if path in staged}
    return _shown(replace(changes, files=files, gone=changes.gone & staged))


def _shown(changes: Changes) -> Changes:
    """The changes with new paths spelled as names of notes are: bytes that are not UTF-8 escaped."""
    files = {shown(path): replace(file, path=shown(file.path)) for path, file in changes.files.items()}
    return replace(changes, files=files)


def line_dates(root: Path, path: str) -> list[datetime]:
    """When each line of a committed note came into being, as `git blame` knows; [] where it does not.

    `path` is relative to `root`. Lines that are not committed yet are of the time of asking.
    """
    try:
        repo = _open(root)
        answer = _git(repo, "blame", "--no-textconv", "--porcelain", "--", path)
    except GitError:
        return []
    return list(_blamed(answer))


class LineCommits:
    """When the line of an occurrence was first committed; git is asked once for each note, and only when asked."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._dates: dict[str, list[datetime]] = {}

    def __call__(self, occurrence: Occurrence) -> datetime | None:
        """None where git does not know the note or the line."""
        if occurrence.path not in self._dates:
            self._dates[occurrence.path] = line_dates(self._root, occurrence.path)
        dates = self._dates[occurrence.path]
        return dates[occurrence.line - 1] if 0 < occurrence.line <= len(dates) else None


def _blamed(answer: bytes) -> Iterator[datetime]:
    times: dict[bytes, datetime] = {}
    commit = b""
    for line in answer.split(b"\n"):
        if line.startswith(b"\t"):
            yield times.get(commit, datetime.fromtimestamp(0, UTC))
        elif (head := line.split(b" ", 1)[0]) and len(head) in (40, 64) and not head.strip(b"0123456789abcdef"):
            commit = head
        elif line.startswith(b"author-time "):
            times[commit] = datetime.fromtimestamp(int(line.removeprefix(b"author-time ")), UTC)


def base_texts(root: Path, changes: Changes) -> Iterator[tuple[str, bytes]]:
    """Old path and old bytes of every changed note that had some: what `changes.new_occurrences` calls `before`."""
    old = sorted({f.old_path for f in changes.files.values() if f.old_path is not None and (f.removed or f.whole)})
    paths = [path for path in old if "\n" not in path]  # the protocol below names one object a line
    if not paths or not changes.base:
        return
    repo = _open(root)
    sizes = _git(repo, "cat-file", "--batch-check", asked=_objects(repo, changes.base, paths)).splitlines()
    small = [path for path, line in zip(paths, sizes, strict=True) if _blob_size(line) <= MAX_NOTE]
    answer, at = _git(repo, "cat-file", "--batch", asked=_objects(repo, changes.base, small)), 0
    for path in small:
        end = answer.index(b"\n", at) + 1
        size = int(_blob_size(answer[at : end - 1]))
        yield path, answer[end : end + size]
        at = end + size + 1


def top_of(root: Path) -> Path:
    """The top of the work tree that a folder belongs to. Raises GitError outside of one."""
    repo = _open(root)
    return root.joinpath(*([".."] * (repo.prefix.count("/") + 1))).resolve() if repo.prefix else root.resolve()


def files_at(root: Path, rev: str, path: str) -> dict[str, bytes]:
    """The regular files at or below a path in a commit: name seen from the top of the work tree -> bytes.

    Links, submodules and files above MAX_NOTE are left out; a path that is not there gives none. Raises GitError.
    """
    repo = _open(root)
    if not (commit := _commit(repo, rev)):
        raise GitError(f"git knows no commit {rev!r} here{_mend(repo, rev)}")
    found = {}
    for entry in _split(_git(repo, "ls-tree", "-r", "-l", "-z", "--full-tree", commit, "--", path)):
        head, _, name = entry.partition("\t")
        mode, kind, blob, size = head.split()
        if mode.startswith("100") and kind == "blob" and int(size) <= MAX_NOTE:
            found[name] = _git(repo, "cat-file", "blob", blob)
    return found


def tracked(root: Path, path: Path) -> list[str]:
    """Names of what git keeps at or below a path; both are seen from the top of the work tree. Raises GitError."""
    return _names(_open(root), "ls-files", "-z", "--cached", "--", f":(top,literal){path.as_posix()}")


def _objects(repo: _Repo, base: str, paths: Sequence[str]) -> bytes:
    return "".join(f"{base}:{repo.from_top(path)}\n" for path in paths).encode("utf-8", "surrogateescape")


def _blob_size(line: bytes) -> float:
    """The size in "<id> blob <size>"; infinite for what is missing or no file."""
    words = line.rsplit(b" ", 2)
    return int(words[2]) if len(words) == 3 and words[1] == b"blob" else float("inf")


@dataclass(frozen=True, slots=True)
class _Repo:
    """Where git runs, and how its paths, relative to the top of the work tree, become the notes' own."""

    folder: Path
    prefix: str  # the notes' root seen from the top: "", "notes", "a/b"
    settings: tuple[str, ...] = _PLAIN

    @property
    def up(self) -> str:
        """The top seen from the notes' root: "", "..", "../.."."""
        return "/".join([".."] * (self.prefix.count("/") + 1)) if self.prefix else ""

    def relative(self, path: str) -> str:
        """A path relative to the top, as one from the notes' root."""
        if not self.prefix:
            return path
        return path.removeprefix(f"{self.prefix}/") if path.startswith(f"{self.prefix}/") else f"{self.up}/{path}"

    def from_top(self, path: str) -> str:
        """The other way round."""
        if self.prefix and path.startswith(f"{self.up}/"):
            return path.removeprefix(f"{self.up}/")
        return f"{self.prefix}/{path}" if self.prefix else path


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of `git diff --raw`: modes, status, and the path with the one it was renamed from."""

    old_mode: str
    new_mode: str
    status: str
    path: str
    old_path: str

    @property
    def change(self) -> FileChange:
        """Without lines yet."""
        had_text = self.old_mode.startswith("100") and self.status != "A"
        return FileChange(self.path, self.old_path if had_text else None)


def _open(root: Path) -> _Repo:
    repo = _Repo(root, "", (*_PLAIN, *_without_filters(root)))
    where = _git(repo, "rev-parse", "--is-inside-work-tree", "--show-prefix").decode("utf-8", "surrogateescape")
    inside, _, prefix = where.partition("\n")
    if inside != "true":
        raise GitError(f"{root}: a git repository without files beside it; name a folder of its work tree")
    return replace(repo, prefix=prefix.removesuffix("\n").removesuffix("/"))


def _without_filters(root: Path) -> list[str]:
    """Arguments that switch every configured filter off: an empty command is none (gitattributes(5), `filter`)."""
    names = _git(_Repo(root, ""), "config", "--null", "--name-only", "--get-regexp", _FILTERS, may_fail=True)
    found = [name for name in names.decode("utf-8", "surrogateescape").split("\0") if name]
    return [part for name in found for part in ("-c", f"{name}={'false' if name.endswith('.required') else ''}")]


def _merge_base(repo: _Repo, rev: str) -> str:
    if not rev.strip() or "\0" in rev:
        raise GitError("--since needs the name of a commit, e.g. --since origin/main")
    commit = _commit(repo, rev)
    if not commit and (tree := _object(repo, rev, "tree")):  # the empty tree: everything is new
        return tree
    if not commit:
        raise GitError(f"git knows no commit {rev!r} here{_mend(repo, rev)}")
    if not _commit(repo, "HEAD"):
        raise GitError("this branch has no commit yet, so nothing is new since one; leave --since out")
    base = _git(repo, "merge-base", commit, "HEAD", may_fail=True).decode().strip()
    if not base:
        raise GitError(f"git finds no common ancestor of {rev!r} and HEAD{_mend(repo, rev)}")
    return base


def _commit(repo: _Repo, rev: str) -> str:
    """The id of a commit, "" where there is none of that name."""
    return _object(repo, rev, "commit")


def _object(repo: _Repo, rev: str, kind: str) -> str:
    answer = _git(repo, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{{kind}}}", may_fail=True)
    return answer.decode("ascii", "replace").strip()


def _mend(repo: _Repo, rev: str) -> str:
    if set(rev) == {"0"}:
        return ": all zeros is what GitHub says for a new branch; name the default branch instead"
    if _git(repo, "rev-parse", "--is-shallow-repository", may_fail=True).strip() == b"true":
        return ": this clone is shallow; run `git fetch --unshallow`, or give actions/checkout `fetch-depth: 0`"
    return "; fetch it first (`git fetch origin`), or name another commit"


def _compare(repo: _Repo, base: str, include: Sequence[str]) -> Changes:
    """Two questions: the names of everything that changed, then the lines of the notes."""
    gone = {repo.relative(e.old_path) for e in _entries(_git(repo, *_DIFF, *_RENAMES, base)) if e.status in "DR"}
    answer = _git(repo, *_DIFF, *_RENAMES, *_PATCH, base, *_only(include))
    names, _, patch = answer.partition(b"\0\0")
    lines = {file.path: file for file in parse_patch(patch)}
    notes = (_with_lines(entry, lines.get(entry.path)) for entry in _entries(names) if _is_note(entry))
    return Changes(base, {n.path: n for n in (_relative(repo, note) for note in notes)}, frozenset(gone))


def _is_note(entry: _Entry) -> bool:
    """Whether it is a regular file, or was one before it was deleted; symbolic links and submodules are not."""
    return (entry.old_mode if entry.status == "D" else entry.new_mode).startswith(("100", "000"))


def _with_lines(entry: _Entry, lines: FileChange | None) -> FileChange:
    if lines is not None:
        return replace(entry.change, added=lines.added, removed=lines.removed)
    return replace(entry.change, whole=entry.status != "R")  # a rename without hunks changed no line


def _relative(repo: _Repo, file: FileChange) -> FileChange:
    old = None if file.old_path is None else repo.relative(file.old_path)
    return replace(file, path=repo.relative(file.path), old_path=old)


def _only(include: Sequence[str]) -> list[str]:
    return ["--", *(f":(glob){glob}" for glob in include)]


def _entries(raw: bytes) -> Iterator[_Entry]:
    """Read `--raw -z`: ":<mode> <mode> <id> <id> <status>", then one path, or two after R and C."""
    fields = iter(_split(raw))
    for head in fields:
        old_mode, new_mode, _, _, status = head.removeprefix(":").split(" ")
        old_path = next(fields)
        path = next(fields) if status[0] in "RC" else old_path
        yield _Entry(old_mode, new_mode, status[0], path, old_path)


def _names(repo: _Repo, *arguments: str) -> list[str]:
    """What `ls-files` lists, relative to the top of the work tree."""
    return _split(_git(repo, arguments[0], "--full-name", *arguments[1:]))


def _split(answer: bytes) -> list[str]:
    return [field for field in answer.decode("utf-8", "surrogateescape").split("\0") if field]


def _git(repo: _Repo, *arguments: str, asked: bytes = b"", may_fail: bool = False) -> bytes:
    """Run git and return what it printed; `may_fail`: "" where it says no."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell; what the user wrote stands behind --end-of-options or --
            ["git", *repo.settings, *arguments],  # noqa: S607 - whichever git the user has
            cwd=repo.folder, env=_environment(), input=asked, capture_output=True, timeout=DEADLINE, check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        missing = "git" if repo.folder.is_dir() else str(repo.folder)
        raise GitError(f"{missing} is not there; --since and --staged need git and a folder in a work tree") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitError(f"git {arguments[0]} did not answer: {error}") from error
    if done.returncode and not may_fail:
        raise GitError(_complaint(repo, arguments[0], done.stderr.decode("utf-8", "replace")))
    return done.stdout if not done.returncode else b""


def _environment() -> dict[str, str]:
    """Plain English, no prompt, no lock taken for refreshing; GIT_DIR and GIT_INDEX_FILE of a hook stay."""
    kept = {name: value for name, value in os.environ.items() if name not in _PATHSPEC_MOODS}
    return {**kept, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


def _complaint(repo: _Repo, command: str, stderr: str) -> str:
    if "not a git repository" in stderr:
        return f"{repo.folder}: not in a git repository; leave --since and --staged out to check every link"
    if "dubious ownership" in stderr:
        return f"{repo.folder}: belongs to another user; run `git config --global --add safe.directory '*'` first"
    if "safe.bareRepository" in stderr or "bare repository" in stderr:
        return f"{repo.folder}: looks like a bare git repository, which is not trusted; name a folder of a work tree"
    said = next((line for line in stderr.splitlines() if line.strip()), "no reason given")
    return f"{repo.folder}: git {command} failed: {said}"

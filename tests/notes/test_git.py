"""Which lines an edit wrote, asked of real repositories that these tests make."""

import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from crawler.core.errors import GitError
from crawler.core.model import Kind, Occurrence
from crawler.core.settings import NotesSettings
from crawler.notes.changes import Changes, new_occurrences
from crawler.notes.files import find_notes
from crawler.notes.git import base_texts, changed_lines, line_dates, staged_lines


class Repo:
    """A repository in a folder, with nobody's configuration but ours."""

    def __init__(self, top: Path) -> None:
        self.top = top
        top.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=A. Writer", "-c", "user.email=writer@example.org", "-c", "commit.gpgsign=false")
        allowed = ("-c", "protocol.file.allow=always")  # submodules of these tests are folders
        done = subprocess.run(["git", *identity, *allowed, *arguments], cwd=self.top, capture_output=True, check=True)
        return done.stdout.decode()

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "an edit")
        return self.git("rev-parse", "HEAD").strip()


@pytest.fixture(autouse=True)
def nobodys_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = Repo(tmp_path / "notes")
    made.write("old.md", "one\ntwo\nthree\n")
    made.commit()
    return made


def links(text: str, path: str) -> list[Occurrence]:
    """Every line that begins with http is a link: enough of an extractor for these tests."""
    lines = enumerate(text.splitlines(), start=1)
    return [Occurrence(path, n, 1, line, line, Kind.BARE) for n, line in lines if line.startswith("http")]


def new_links(repo: Repo, changes: Changes) -> list[tuple[str, str]]:
    now = [o for f in sorted(repo.top.rglob("*.md")) for o in links(f.read_text(), f.relative_to(repo.top).as_posix())]
    before = [o for path, text in base_texts(repo.top, changes) for o in links(text.decode(), path)]
    return [(o.path, o.url) for o in new_occurrences(now, changes, before)]


def test_committed_staged_unstaged_and_untracked_lines_are_all_new(repo: Repo) -> None:
    repo.write("committed.md", "https://a.example/committed\n")
    repo.commit()
    repo.write("old.md", "one\nhttps://a.example/staged\ntwo\nthree\n")
    repo.git("add", "old.md")
    repo.write("old.md", "one\nhttps://a.example/staged\ntwo\nhttps://a.example/unstaged\nthree\n")
    repo.write("untracked.md", "https://a.example/untracked\n")
    assert {url.rpartition("/")[2] for _, url in new_links(repo, changed_lines(repo.top, "HEAD~1"))} == {
        "committed", "staged", "unstaged", "untracked",
    }  # fmt: skip


def test_lines_of_the_other_branch_are_not_ours(repo: Repo) -> None:
    repo.git("checkout", "--quiet", "-b", "ours")
    repo.write("ours.md", "https://a.example/ours\n")
    repo.commit()
    repo.git("checkout", "--quiet", "main")
    repo.write("theirs.md", "https://a.example/theirs\n")
    repo.write("old.md", "one\ntwo\nthree\nhttps://a.example/theirs-too\n")
    repo.commit()
    repo.git("checkout", "--quiet", "ours")
    assert set(changed_lines(repo.top, "main").files) == {"ours.md"}


def test_an_unchanged_line_beside_a_changed_one_is_not_new(repo: Repo) -> None:
    repo.write("note.md", "https://a.example/old\nprose\n")
    repo.commit()
    repo.write("note.md", "https://a.example/old\nother prose\nhttps://a.example/new\n")
    assert new_links(repo, changed_lines(repo.top, "HEAD")) == [("note.md", "https://a.example/new")]


def test_a_moved_paragraph_gives_no_new_link_within_a_note_or_across_notes(repo: Repo) -> None:
    filler = "".join(f"line {n}\n" for n in range(30))
    repo.write("from.md", f"https://a.example/1\n{filler}https://a.example/2\n")
    repo.write("to.md", filler)
    repo.commit()
    repo.write("from.md", f"{filler}https://a.example/1\n")
    repo.write("to.md", f"{filler}https://a.example/2\nhttps://a.example/new\n")
    assert new_links(repo, changed_lines(repo.top, "HEAD")) == [("to.md", "https://a.example/new")]


def test_a_renamed_note_is_followed_and_its_old_links_are_not_new(repo: Repo) -> None:
    text = "https://a.example/old\n" + "".join(f"line {n}\n" for n in range(30))
    repo.write("before.md", text)
    repo.commit()
    repo.git("mv", "before.md", "after.md")
    repo.write("after.md", f"{text}https://a.example/new\n")
    changes = changed_lines(repo.top, "HEAD")
    assert changes.files["after.md"].old_path == "before.md"
    assert changes.gone == {"before.md"}
    assert new_links(repo, changes) == [("after.md", "https://a.example/new")]


def test_a_note_renamed_as_it_was_has_no_changed_line(repo: Repo) -> None:
    repo.git("mv", "old.md", "renamed.md")
    assert not changed_lines(repo.top, "HEAD").files["renamed.md"].whole


def test_other_line_endings_give_no_new_link(repo: Repo) -> None:
    repo.write("note.md", "https://a.example/old\nprose\n")
    repo.commit()
    repo.write("note.md", "https://a.example/old\r\nprose\r\n")
    assert new_links(repo, changed_lines(repo.top, "HEAD")) == []


def test_files_that_the_change_took_away_are_named_whatever_they_are(repo: Repo) -> None:
    repo.write("图 片/a b.png", b"\x89PNG\0\0")
    repo.write("moved.png", b"\x89PNG\0\1" * 50)
    repo.commit()
    (repo.top / "图 片/a b.png").unlink()
    repo.git("mv", "moved.png", "elsewhere.png")
    assert changed_lines(repo.top, "HEAD").gone == {"图 片/a b.png", "moved.png"}


@pytest.mark.parametrize(
    "name",
    ["a b.md", '"quoted".md', "tab\t.md", "中文 笔记.md", "\\n.md", "--output=x.md", ":(top)x.md", "\n.md", "{x}*.md"],
)
def test_names_of_every_kind_are_read_exactly(repo: Repo, name: str) -> None:
    repo.write(name, "one\nhttps://a.example/old\n")
    repo.commit()
    repo.write(name, "one\nhttps://a.example/old\nhttps://a.example/new\n")
    changes = changed_lines(repo.top, "HEAD")
    assert changes.files[name].added == ((3, 3),)
    assert new_links(repo, changes) == [(name, "https://a.example/new")]


def test_names_that_are_not_utf8_come_escaped_as_names_of_notes_are(repo: Repo) -> None:
    name = "笔记.md".encode("gb18030")
    repo.write(os.fsdecode(name), "https://a.example/new\n")
    (note,) = [file for file in find_notes([repo.top], NotesSettings(), repo.top) if "\\" in file.name]
    assert changed_lines(repo.top, "HEAD").files[note.name].whole
    assert staged_lines(repo.top).files == {}
    repo.commit()
    assert changed_lines(repo.top, "HEAD~1").files[note.name].added == ((1, 1),)


def bare_looking(folder: Path, program: Path) -> None:
    """A folder of notes with all that git takes for a bare repository, whose filter would run a program."""
    for name in ("objects", "refs"):
        (folder / name).mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "config").write_text(
        f'[core]\n\tbare = false\n\tworktree = .\n[filter "x"]\n\tclean = touch {program}\n\trequired = true\n'
    )
    (folder / ".gitattributes").write_text("*.md filter=x\n")
    (folder / "a.md").write_text("https://a.example/\n")


def test_notes_that_look_like_a_bare_repository_run_no_program_of_theirs(repo: Repo, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    bare_looking(repo.top / "notes", ran)
    subprocess.run(["git", "add", "--all"], cwd=repo.top / "notes", capture_output=True, check=False)
    ran.unlink(missing_ok=True)
    (repo.top / "notes/a.md").write_text("https://a.example/changed\n")
    with pytest.raises(GitError, match="looks like a bare git repository"):
        changed_lines(repo.top / "notes", "HEAD")
    assert not ran.exists()


def test_no_filter_hook_or_monitor_of_the_repository_runs(repo: Repo, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    repo.write("a.md", "one\n")
    repo.commit()
    repo.write(".gitattributes", "*.md filter=x diff=x\n")
    hook = repo.write("hook", f"#!/bin/sh\ntouch {ran}\n")
    hook.chmod(0o755)
    for key in ("filter.x.clean", "filter.x.process", "core.fsmonitor", "diff.x.textconv", "diff.x.command"):
        repo.git("config", key, str(hook))
    repo.git("config", "filter.x.required", "true")
    repo.write("a.md", "one\ntwo\n")
    assert changed_lines(repo.top, "HEAD").files["a.md"].added == ((2, 2),)
    assert line_dates(repo.top, "a.md") != []
    assert not ran.exists()


def test_each_line_has_the_day_of_its_commit(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    for day, text in (("2015-01-02", "one\n"), ("2020-03-04", "one\ntwo\n")):
        monkeypatch.setenv("GIT_AUTHOR_DATE", f"{day}T12:00:00Z")
        repo.write("sub/a.md", text)
        repo.commit()
    assert [f"{at:%Y-%m-%d}" for at in line_dates(repo.top / "sub", "a.md")] == ["2015-01-02", "2020-03-04"]


def test_lines_of_notes_that_git_does_not_know_have_no_day(repo: Repo, tmp_path: Path) -> None:
    repo.write("a.md", "one\n")
    assert line_dates(repo.top, "a.md") == []
    assert line_dates(tmp_path, "gone.md") == []


def test_paths_are_told_from_the_notes_root_wherever_that_lies(repo: Repo) -> None:
    repo.write("site/posts/deep/a.md", "one\n")
    repo.write("site/img.png", b"\0")
    repo.write("site/posts/img.png", b"\0\0\0")
    repo.commit()
    repo.write("site/posts/deep/a.md", "one\nhttps://a.example/new\n")
    repo.write("site/posts/b.md", "https://a.example/untracked\n")
    (repo.top / "site/img.png").unlink()
    (repo.top / "site/posts/img.png").unlink()
    root = repo.top / "site/posts"
    changes = changed_lines(root, "HEAD")
    assert set(changes.files) == {"deep/a.md", "b.md"}
    assert changes.gone == {"../../site/img.png", "img.png"}
    assert dict(base_texts(root, changed_lines(root, "HEAD~1"))) == {}


def test_a_note_that_git_takes_for_binary_counts_whole(repo: Repo) -> None:
    repo.write("utf16.md", "https://a.example/old\n".encode("utf-16"))
    repo.commit()
    repo.write("utf16.md", "https://a.example/old\nhttps://a.example/new\n".encode("utf-16"))
    changes = changed_lines(repo.top, "HEAD")
    assert changes.files["utf16.md"].whole
    assert [text.decode("utf-16") for _, text in base_texts(repo.top, changes)] == ["https://a.example/old\n"]


@pytest.mark.slow
def test_a_huge_note_counts_whole_and_its_old_text_is_not_read(repo: Repo) -> None:
    repo.write("huge.md", b"prose\n" * 3_000_000)
    repo.commit()
    repo.write("huge.md", b"prose\n" * 3_000_000 + b"https://a.example/new\n")
    changes = changed_lines(repo.top, "HEAD")
    assert changes.files["huge.md"].whole
    assert dict(base_texts(repo.top, changes)) == {}


def test_a_symbolic_link_is_no_text_and_a_loop_of_them_hurts_nobody(repo: Repo) -> None:
    (repo.top / "link.md").symlink_to("old.md")
    (repo.top / "loop.md").symlink_to("loop.md")
    assert changed_lines(repo.top, "HEAD").files == {}
    repo.commit()
    assert changed_lines(repo.top, "HEAD~1").files == {}


def test_a_submodule_is_not_looked_into(repo: Repo, tmp_path: Path) -> None:
    other = Repo(tmp_path / "other")
    other.write("inside.md", "https://a.example/inside\n")
    other.commit()
    repo.git("submodule", "--quiet", "add", str(other.top), "sub")
    repo.commit()
    repo.write("sub/inside.md", "https://a.example/changed\n")
    assert set(changed_lines(repo.top, "HEAD~1").files) <= {".gitmodules"}
    assert changed_lines(repo.top / "sub", "HEAD").files["inside.md"].added == ((1, 1),)


def test_a_repository_within_the_notes_is_not_looked_into(repo: Repo) -> None:
    Repo(repo.top / "nested").write("inside.md", "https://a.example/inside\n")
    assert changed_lines(repo.top, "HEAD").files == {}


def test_ignored_files_are_not_new(repo: Repo) -> None:
    repo.write(".gitignore", "draft.md\n")
    repo.write("draft.md", "https://a.example/draft\n")
    assert "draft.md" not in changed_lines(repo.top, "HEAD").files


def test_settings_that_change_what_git_prints_change_nothing_here(repo: Repo) -> None:
    settings = {
        "diff.noprefix": "true", "diff.mnemonicPrefix": "true", "diff.relative": "true", "diff.renames": "copies",
        "diff.orderFile": "nowhere", "diff.external": "false", "color.ui": "always", "core.quotePath": "true",
        "diff.context": "3", "diff.interHunkContext": "9", "diff.ignoreSubmodules": "none", "diff.submodule": "log",
    }  # fmt: skip
    for key, value in settings.items():
        repo.git("config", key, value)
    repo.write("old.md", "one\n中\ntwo\nthree\nfour\n")
    assert changed_lines(repo.top, "HEAD").files["old.md"].added == ((2, 2), (5, 5))


def test_both_sides_of_an_unmerged_note_are_lines_like_others(repo: Repo) -> None:
    repo.git("checkout", "--quiet", "-b", "other")
    repo.write("old.md", "one\nother\nthree\n")
    repo.commit()
    repo.git("checkout", "--quiet", "main")
    repo.write("old.md", "one\nmain\nthree\n")
    repo.commit()
    with pytest.raises(subprocess.CalledProcessError):
        repo.git("merge", "other")
    assert changed_lines(repo.top, "HEAD").files["old.md"].added == ((2, 2), (4, 6))


def test_only_files_with_staged_changes_count_for_a_hook(repo: Repo) -> None:
    repo.write("other.md", "one\n")
    repo.write("picture.png", b"\0")
    repo.commit()
    repo.write("old.md", "one\ntwo\nthree\nhttps://a.example/staged\n")
    repo.git("add", "old.md")
    repo.git("rm", "--quiet", "picture.png")
    repo.write("other.md", "one\nhttps://a.example/unstaged\n")
    repo.write("untracked.md", "https://a.example/untracked\n")
    changes = staged_lines(repo.top)
    assert set(changes.files) == {"old.md"}
    assert changes.gone == {"picture.png"}


def test_nothing_staged_is_nothing_changed(repo: Repo) -> None:
    repo.write("old.md", "other\n")
    assert staged_lines(repo.top).files == {}


def test_before_the_first_commit_every_staged_note_is_new(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    repo.write("first.md", "https://a.example/first\n")
    repo.git("add", "first.md")
    assert staged_lines(repo.top).files["first.md"].whole


def test_inside_a_commit_hook_the_index_of_the_commit_counts(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.write("old.md", "one\ntwo\nthree\nfour\n")
    repo.git("add", "old.md")
    monkeypatch.setenv("GIT_INDEX_FILE", str(repo.top / ".git/index"))
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    assert staged_lines(repo.top).files["old.md"].added == ((4, 4),)


def failing(act: Callable[[], object]) -> str:
    with pytest.raises(GitError) as caught:
        act()
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("rev", ["nowhere", "--help", "-O", "--output=/tmp/x", "main..main", "HEAD:old.md", "e\tf"])
def test_a_name_that_is_no_commit_is_one_clear_line(repo: Repo, rev: str) -> None:
    assert "knows no commit" in failing(lambda: changed_lines(repo.top, rev))


@pytest.mark.parametrize("rev", ["", " ", "a\0b"])
def test_a_name_that_cannot_be_is_refused(repo: Repo, rev: str) -> None:
    assert "--since" in failing(lambda: changed_lines(repo.top, rev))


def test_a_new_branch_on_github_is_explained(repo: Repo) -> None:
    assert "default branch" in failing(lambda: changed_lines(repo.top, "0" * 40))


def test_a_shallow_clone_without_the_base_says_how_to_deepen_it(repo: Repo, tmp_path: Path) -> None:
    base = repo.git("rev-parse", "HEAD").strip()
    repo.write("new.md", "new\n")
    repo.commit()
    clone = Repo(tmp_path / "clone")
    clone.git("fetch", "--quiet", "--depth=1", f"file://{repo.top}", "main")
    clone.git("checkout", "--quiet", "FETCH_HEAD")
    for rev in ("HEAD~1", base):
        assert "fetch-depth: 0" in failing(partial(changed_lines, clone.top, rev))


def test_histories_without_a_common_ancestor_are_one_clear_line(repo: Repo) -> None:
    repo.git("checkout", "--quiet", "--orphan", "other")
    repo.write("other.md", "other\n")
    repo.commit()
    assert "no common ancestor" in failing(lambda: changed_lines(repo.top, "main"))


def test_a_branch_without_a_commit_is_one_clear_line(repo: Repo) -> None:
    repo.git("checkout", "--quiet", "--orphan", "other")
    assert "no commit yet" in failing(lambda: changed_lines(repo.top, "main"))


def test_outside_git_the_error_says_what_to_leave_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "leave --since" in failing(lambda: changed_lines(tmp_path, "HEAD"))
    assert "leave --since" in failing(lambda: staged_lines(tmp_path))


def test_a_bare_repository_has_no_files_to_check(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path], check=True)
    assert "work tree" in failing(lambda: changed_lines(tmp_path, "HEAD"))


def test_a_missing_git_and_a_missing_folder_are_told_apart(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "nowhere" in failing(lambda: changed_lines(repo.top / "nowhere", "HEAD"))
    monkeypatch.setenv("PATH", "/nonexistent")
    assert failing(lambda: changed_lines(repo.top, "HEAD")).startswith("git is not there")


def test_a_git_that_hangs_is_given_up(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.notes.git.DEADLINE", 0.0)
    assert "did not answer" in failing(lambda: changed_lines(repo.top, "HEAD"))


def test_since_the_empty_tree_everything_is_new(repo: Repo) -> None:
    repo.write("a.md", "https://a.example/\n")
    repo.commit()
    changes = changed_lines(repo.top, repo.git("hash-object", "-t", "tree", "/dev/null").strip())
    assert changes.files["a.md"].added == ((1, 1),)
    assert list(base_texts(repo.top, changes)) == []

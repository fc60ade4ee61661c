"""Notes on disk, in folders made by the tests."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.errors import NotesError
from crawler.core.model import Note
from crawler.core.settings import NotesSettings
from crawler.notes.files import (
    MAX_NOTE,
    SkippedNote,
    decode_note,
    find_notes,
    is_excluded,
    local_exists,
    notes_root,
    read_note,
    target_roots,
)


def put(root: Path, *names: str, content: bytes = b"text") -> None:
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def names(base: Path, /, *paths: str, **settings: object) -> list[str]:
    notes = NotesSettings(**settings)  # type: ignore[arg-type] # values differ by test
    return [note.name for note in find_notes([Path(path) for path in paths], notes, base)]


# Which files are notes.


def test_a_folder_gives_its_notes_sorted_with_names_relative_to_it(tmp_path: Path) -> None:
    put(tmp_path, "notes/b.md", "notes/a/z.markdown", "notes/c.txt", "notes/d.html", "notes/picture.png")
    assert names(tmp_path, "notes") == ["a/z.markdown", "b.md", "c.txt", "d.html"]


def test_a_named_file_is_taken_whatever_its_ending_and_its_folder_is_the_root(tmp_path: Path) -> None:
    put(tmp_path, "notes/README")
    assert names(tmp_path, "notes/README") == ["README"]


def test_endings_are_read_whatever_their_case(tmp_path: Path) -> None:
    put(tmp_path, "A.MD")
    assert names(tmp_path, ".") == ["A.MD"]


def test_several_paths_share_their_nearest_common_folder(tmp_path: Path) -> None:
    put(tmp_path, "x/one/a.md", "x/two/b.md")
    assert names(tmp_path, "x/one", "x/two/b.md") == ["one/a.md", "two/b.md"]


def test_a_note_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    put(tmp_path, "x/a.md")
    assert names(tmp_path, "x", "x/a.md", "x/../x") == ["a.md"]


def test_the_configured_root_names_the_notes(tmp_path: Path) -> None:
    put(tmp_path, "site/_posts/a.md")
    assert names(tmp_path, "site/_posts", root="site") == ["_posts/a.md"]


def test_notes_outside_of_the_configured_root_keep_a_name(tmp_path: Path) -> None:
    put(tmp_path, "site/x", "else/a.md")
    assert names(tmp_path, "else", root="site") == ["../else/a.md"]


def test_hidden_and_generated_folders_are_not_entered(tmp_path: Path) -> None:
    put(tmp_path, ".git/a.md", ".obsidian/a.md", "node_modules/x/a.md", "_site/a.html", "kept/a.md")
    assert names(tmp_path, ".") == ["kept/a.md"]


def test_exclude_globs_leave_files_and_folders_out(tmp_path: Path) -> None:
    put(tmp_path, "a.md", "drafts/b.md", "old/c.md", "old/keep/d.md")
    assert names(tmp_path, ".", exclude=("drafts/", "old/*.md")) == ["a.md", "old/keep/d.md"]


def test_include_globs_choose_the_notes(tmp_path: Path) -> None:
    put(tmp_path, "a.md", "b.rst", "posts/c.md")
    assert names(tmp_path, ".", include=("posts/**", "*.rst")) == ["b.rst", "posts/c.md"]


def test_crawlerignore_speaks_gitignore_and_the_inner_file_has_the_last_word(tmp_path: Path) -> None:
    put(tmp_path, "a.md", "draft-1.md", "sub/draft-2.md", "sub/b.md", "private/c.md")
    (tmp_path / ".crawlerignore").write_text("# not yet\ndraft-*.md\n/private/\n")
    (tmp_path / "sub/.crawlerignore").write_text("!draft-2.md\nb.md\n")
    assert names(tmp_path, ".") == ["a.md", "sub/draft-2.md"]


def test_crawlerignore_of_the_root_counts_for_a_folder_below_it(tmp_path: Path) -> None:
    put(tmp_path, "site/_posts/a.md", "site/_posts/b.md")
    (tmp_path / "site/.crawlerignore").write_text("_posts/a.md\n")
    assert names(tmp_path, "site/_posts", root="site") == ["_posts/b.md"]


def test_exclusion_of_a_single_file_can_be_asked_for(tmp_path: Path) -> None:
    put(tmp_path, "a.md", "drafts/b.md", "c.md")
    (tmp_path / ".crawlerignore").write_text("c.md\n")
    settings = NotesSettings(exclude=("drafts/**",))
    assert [is_excluded(tmp_path / name, settings, tmp_path) for name in ("a.md", "drafts/b.md", "c.md")] == [
        False,
        True,
        True,
    ]


def test_loops_of_links_end_and_each_folder_is_read_once(tmp_path: Path) -> None:
    put(tmp_path, "notes/a.md", "elsewhere/b.md")
    (tmp_path / "notes/loop").symlink_to(tmp_path / "notes")
    (tmp_path / "notes/self").symlink_to(tmp_path / "notes/self")
    (tmp_path / "notes/self.md").symlink_to(tmp_path / "notes/self.md")
    (tmp_path / "notes/linked").symlink_to(tmp_path / "elsewhere")
    assert names(tmp_path, "notes") == ["a.md", "linked/b.md"]


def test_names_with_spaces_quotes_and_chinese_are_kept(tmp_path: Path) -> None:
    put(tmp_path, '我的 笔记/it\'s "a" note.md')
    assert names(tmp_path, "我的 笔记") == ['it\'s "a" note.md']


def test_a_missing_path_is_named_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(NotesError, match=r"gone\.md: no such file or folder; name notes that exist"):
        names(tmp_path, "gone.md")


def test_a_path_that_is_neither_file_nor_folder_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotesError, match="neither a file nor a folder"):
        names(tmp_path, "pipe")


def test_a_path_that_no_file_can_have_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotesError, match="cannot be read"):
        names(tmp_path, "x" * 5000)


def test_a_pattern_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotesError, match="mend the pattern"):
        names(tmp_path, ".", exclude=("!",))


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_an_error(tmp_path: Path) -> None:
    put(tmp_path, "closed/a.md")
    (tmp_path / "closed").chmod(0)
    try:
        with pytest.raises(NotesError, match="check its permissions"):
            names(tmp_path, ".")
    finally:
        (tmp_path / "closed").chmod(0o700)


# What text they hold.


def read(folder: Path, content: bytes) -> Note | SkippedNote:
    put(folder, "a.md", content=content)
    (file,) = find_notes([folder], NotesSettings(), folder)
    return read_note(file)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gbk", "gb18030"])
def test_notes_in_usual_encodings_are_read_and_give_their_bytes_back(tmp_path: Path, encoding: str) -> None:
    text = "语音识别资源\r\n\r\nhttps://example.com/甲\n"
    content = ("\ufeff" + text if encoding == "utf-16-be" else text).encode(encoding)
    note = read(tmp_path, content)
    assert isinstance(note, Note)
    assert note.text.removeprefix("\ufeff") == text
    assert note.text.encode(note.encoding) == content


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0", "binary"),
        ("naïve café über".encode("latin-1"), "neither UTF-8 nor GBK"),
        ("語音識別資源與開源計畫".encode("big5"), "neither UTF-8 nor GBK"),
        ("音声認識のための資料です".encode("shift_jis"), "neither UTF-8 nor GBK"),
        (b"fine line\nbroken \xff\xfe\xfa", r"byte 17, line 2"),
        (b"\xff\xfea", "broken UTF-16"),
        ("text".encode("utf-32"), "UTF-32"),
    ],
)
def test_other_notes_are_skipped_by_name_with_a_reason(tmp_path: Path, content: bytes, why: str) -> None:
    import re

    skipped = read(tmp_path, content)
    assert isinstance(skipped, SkippedNote)
    assert skipped.path == "a.md"
    assert re.search(why, skipped.why)


def test_a_huge_note_is_skipped_unread(tmp_path: Path) -> None:
    with (tmp_path / "a.md").open("wb") as stream:
        stream.truncate(MAX_NOTE + 1)
    (file,) = find_notes([tmp_path], NotesSettings(), tmp_path)
    skipped = read_note(file)
    assert isinstance(skipped, SkippedNote)
    assert "larger than 32 MB" in skipped.why


def test_a_note_that_vanished_is_skipped(tmp_path: Path) -> None:
    put(tmp_path, "a.md")
    (file,) = find_notes([tmp_path], NotesSettings(), tmp_path)
    file.path.unlink()
    skipped = read_note(file)
    assert isinstance(skipped, SkippedNote)
    assert "No such file" in skipped.why


@given(st.binary(max_size=200))
def test_whatever_is_read_gives_its_bytes_back(content: bytes) -> None:
    note = decode_note("a.md", content)
    if isinstance(note, Note):
        assert note.text.encode(note.encoding) == content


# Whether the files that they link to are there.


@pytest.fixture
def site(tmp_path: Path) -> Path:
    put(
        tmp_path,
        "_config.yml",
        "_posts/2020-1-31-speech.markdown",
        "_posts/2020-01-02-other.md",
        "_posts/a.md",
        "_posts/near.png",
        "images/x.png",
        "images/a b(1).png",
        "images/100%.png",
        "about.md",
        "docs/index.html",
        "empty/x.txt",
    )
    return tmp_path


@pytest.mark.parametrize(
    ("target", "there"),
    [
        ("/images/x.png", True),
        ("/images/x.png?raw=1#top", True),
        ("/images/gone.png", False),
        ("/images/a%20b(1).png", True),
        ("/images/a b(1).png", True),
        ("/images/100%.png", True),
        ("near.png", True),
        ("./near.png", True),
        ("../images/x.png", True),
        ("gone.png", False),
        ("/about.html", True),
        ("/about", True),
        ("/docs/", True),
        ("/docs", True),
        ("/empty/", False),
        ("/speech/2020/01/31/speech.html#part", True),
        ("/2020/1/2/other/", True),
        ("/speech/2020/02/30/speech.html", False),
        ("/../../../../../../etc/passwd", False),
        ("/images/../images/x.png", True),
        ("#part", True),
        ("x" * 5000, False),
        ("a%00b", False),
    ],
)
def test_local_targets_are_found_as_the_site_would(site: Path, target: str, there: bool) -> None:
    roots = target_roots(site / "_posts", NotesSettings())
    assert roots == (site / "_posts", site)
    assert local_exists(target, site / "_posts/a.md", roots) is there


def test_a_configured_root_is_the_only_one(site: Path) -> None:
    settings = NotesSettings(root="docs")
    root = notes_root([Path("_posts")], settings, site)
    assert target_roots(root, settings) == (site / "docs",)


def test_the_working_folder_is_the_root_when_no_path_is_given(tmp_path: Path) -> None:
    assert notes_root([], NotesSettings(), tmp_path) == tmp_path

"""Notes on disk, in folders made by the tests."""

import os
import sys
from pathlib import Path

import pytest
from closing import closed
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.errors import NotesError
from crawler.core.marker import GENERATOR, HTML_MARK, MARKDOWN_MARK
from crawler.core.model import Note
from crawler.core.settings import NotesSettings
from crawler.notes.files import (
    MAX_IGNORE_FILE,
    MAX_NOTE,
    SkippedNote,
    decode_note,
    find_notes,
    is_excluded,
    names_within,
    notes_root,
    read_note,
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


def test_a_named_file_without_an_ending_is_taken_and_its_folder_is_the_root(tmp_path: Path) -> None:
    put(tmp_path, "notes/README")
    assert names(tmp_path, "notes/README") == ["README"]


@pytest.mark.parametrize("name", ["paper.docx", "a.log", "notes.md.bak"])
def test_a_named_file_whose_ending_nobody_reads_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    put(tmp_path, name)
    with pytest.raises(NotesError, match=r"nobody reads \.\w+ files; notes end in \.md") as refused:
        names(tmp_path, name)
    assert "\n" not in str(refused.value)


def test_an_included_file_whose_ending_nobody_reads_is_skipped_and_never_read_as_markdown(tmp_path: Path) -> None:
    put(tmp_path, "a.log", content=b"https://e.example/")
    (file,) = find_notes([tmp_path], NotesSettings(include=("*.log",)), tmp_path)
    skipped = read_note(file)
    assert isinstance(skipped, SkippedNote)
    assert "nobody reads .log files" in skipped.why


def test_endings_are_read_whatever_their_case(tmp_path: Path) -> None:
    put(tmp_path, "A.MD")
    assert names(tmp_path, ".") == ["A.MD"]


def test_of_a_folder_those_notes_can_be_asked_for_that_an_edit_touched(tmp_path: Path) -> None:
    """What is found is what all notes would give, and no folder is opened that cannot hold one."""
    put(tmp_path, "n/a/b/c.md", "n/a/d.md", "n/e.md", "n/.hidden/f.md", "n/a/out.md", "n/closed/g.md", "n/名/h h.md")
    put(tmp_path, "n/a/.crawlerignore", content=b"out.md")
    put(tmp_path, "n/closed/.crawlerignore", content=b"x" * (MAX_IGNORE_FILE + 1))  # would be an error
    wanted = {"a/b/c.md", "e.md", ".hidden/f.md", "a/out.md", "gone.md", "picture.png", "名/h h.md"}
    notes = find_notes([Path("n")], NotesSettings(), tmp_path, wanted)
    assert [note.name for note in notes] == ["a/b/c.md", "e.md", "名/h h.md"]
    with pytest.raises(NotesError):
        find_notes([Path("n")], NotesSettings(), tmp_path)


def test_notes_that_an_edit_touched_are_found_under_any_root(tmp_path: Path) -> None:
    put(tmp_path, "n/a/b.md", "n/c.md", "m/a/b.md")
    for root, wanted in (("n/a", {"../c.md", "b.md"}), (".", {"n/c.md", "n/a/b.md"})):
        settings = NotesSettings(root=str(tmp_path / root))
        found = find_notes([Path("n")], settings, tmp_path, wanted)
        assert {note.name for note in found} == wanted


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
    (tmp_path / "notes/inside").mkdir()
    (tmp_path / "notes/inside/c.md").write_text("text")
    (tmp_path / "notes/again").symlink_to(tmp_path / "notes/inside")
    assert names(tmp_path, "notes") == ["a.md", "inside/c.md"]


@pytest.mark.parametrize("target", ["elsewhere", "elsewhere/b.md"])
def test_what_a_symbolic_link_would_lead_out_to_is_named_and_not_read(tmp_path: Path, target: str) -> None:
    put(tmp_path, "notes/a.md", "elsewhere/b.md", content=b"https://secret.example/")
    (tmp_path / "notes/out.md").symlink_to(tmp_path / target)
    _, out = find_notes([tmp_path / "notes"], NotesSettings(), tmp_path)
    skipped = read_note(out)
    assert isinstance(skipped, SkippedNote)
    assert skipped.path == "out.md"
    assert "name its target in [notes] paths" in skipped.why


def test_a_path_that_is_a_symbolic_link_is_followed_since_the_user_named_it(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/b.md")
    (tmp_path / "notes").symlink_to(tmp_path / "elsewhere")
    assert names(tmp_path, "notes") == ["b.md"]


@pytest.mark.parametrize("target", ["/dev/zero", "outside"])
def test_an_ignore_file_that_is_a_link_out_of_the_notes_is_refused_unread(tmp_path: Path, target: str) -> None:
    put(tmp_path, "notes/a.md", "outside")
    (tmp_path / "notes/.crawlerignore").symlink_to(tmp_path / target)
    with pytest.raises(NotesError, match="a symbolic link that leaves the notes"):
        names(tmp_path, "notes")


def test_an_ignore_file_of_many_megabytes_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "a.md")
    with (tmp_path / ".crawlerignore").open("wb") as stream:
        stream.truncate(MAX_IGNORE_FILE + 1)
    with pytest.raises(NotesError, match="larger than"):
        names(tmp_path, ".")


def test_a_device_behind_a_note_that_was_swapped_gives_nothing(tmp_path: Path) -> None:
    put(tmp_path, "a.md")
    (file,) = find_notes([tmp_path], NotesSettings(), tmp_path)
    file.path.unlink()
    os.mkfifo(file.path)
    note = read_note(file)
    assert isinstance(note, Note)
    assert note.text == ""


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems hold no such names")
def test_a_name_that_is_not_utf8_is_shown_escaped_and_read(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md")).write_text("https://e.example/")
    (file,) = find_notes([tmp_path], NotesSettings(), tmp_path)
    note = read_note(file)
    assert file.name == "caf\\xe9.md"
    assert isinstance(note, Note)
    assert note.text == "https://e.example/"


@pytest.mark.parametrize(
    "text",
    [
        f"{MARKDOWN_MARK}\n# Links\nhttps://e.example/",
        f"<!DOCTYPE html>\n<html><head><meta charset=utf-8>\n{HTML_MARK}</head>https://e.example/",
        f'---\ntitle: "x"\ngenerator: {GENERATOR}\n---\nhttps://e.example/',
    ],
)
def test_what_the_program_wrote_itself_is_an_empty_note(tmp_path: Path, text: str) -> None:
    note = read(tmp_path, text.encode())
    assert isinstance(note, Note)
    assert note.text == ""


def test_a_note_that_speaks_of_the_program_is_a_note(tmp_path: Path) -> None:
    text = f"How to find what `{GENERATOR}` wrote: {MARKDOWN_MARK}"
    note = read(tmp_path, text.encode())
    assert isinstance(note, Note)
    assert note.text == text


def test_names_with_spaces_quotes_and_chinese_are_kept(tmp_path: Path) -> None:
    put(tmp_path, '我的 笔记/it\'s "a" note.md')
    assert names(tmp_path, "我的 笔记") == ['it\'s "a" note.md']


def test_a_missing_path_is_named_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(NotesError, match=r"gone\.md: no such file or folder; name notes that exist"):
        names(tmp_path, "gone.md")


def test_an_address_in_the_place_of_a_path_is_told_where_it_belongs(tmp_path: Path) -> None:
    with pytest.raises(NotesError, match=r"https://a\.example/x is no note: `crawler rearchive URL`"):
        names(tmp_path, "https://a.example/x")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"cells": [{"cell_type": "markdown", "source": ["https://a.example/"]}', "no whole JSON (line 1:"),
        ('<<<<<<< HEAD\n{"cells": []}', "no whole JSON (line 1:"),
        ('{"a": 1}', "JSON, but no notebook"),
        ("[" * 100_000, "no notebook"),
        ('{"cells": []}', ""),
        ("", ""),
    ],
)
def test_a_broken_notebook_is_read_as_far_as_it_goes_and_named(tmp_path: Path, text: str, why: str) -> None:
    note = decode_note("a.ipynb", text.encode())
    assert isinstance(note, Note)
    assert note.damage.startswith(why)
    assert bool(note.damage) == bool(why)


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


def test_a_path_that_may_not_be_read_is_an_error(tmp_path: Path) -> None:
    put(tmp_path, "closed/a.md")
    with closed(tmp_path / "closed"), pytest.raises(NotesError, match="check its permissions"):
        names(tmp_path, "closed")


@pytest.mark.parametrize("mode", [0, 0o400, 0o100])
def test_a_folder_among_the_notes_that_may_not_be_read_is_named_and_the_others_are_read(
    tmp_path: Path, mode: int
) -> None:
    put(tmp_path, "a.md", "closed/b.md", "closed/deep/c.md", "d/e.md")
    with closed(tmp_path / "closed", mode=mode):
        found = find_notes([Path()], NotesSettings(), tmp_path)
        told = [note for note in map(read_note, found) if isinstance(note, SkippedNote)]
    assert [note.name for note in found if not note.unread] == ["a.md", "d/e.md"]
    assert told
    assert all(note.unseen and "check its permissions" in note.why for note in told)
    assert {note.path for note in told} <= {"closed", "closed/b.md", "closed/deep"}


def test_a_folder_whose_ignore_file_may_not_be_read_is_named(tmp_path: Path) -> None:
    put(tmp_path, "a.md", "private/b.md")
    put(tmp_path, "private/.crawlerignore", content=b"b.md")
    with closed(tmp_path / "private/.crawlerignore"):
        found = find_notes([Path()], NotesSettings(), tmp_path)
    assert [(note.name, note.unseen) for note in found] == [("a.md", False), ("private", True)]
    assert ".crawlerignore cannot be read" in found[1].unread


def test_names_within_places_are_those_places_and_what_lies_below_them() -> None:
    names = ["a.md", "b/c.md", "b/c/d.md", "bb.md", "b"]
    assert names_within(names, {"b"}) == {"b", "b/c.md", "b/c/d.md"}
    assert names_within(names, {"a.md"}) == {"a.md"}
    assert names_within(names, set()) == set()


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
        ("text".encode("utf-32"), "UTF-32"),
    ],
)
def test_what_is_no_text_is_skipped_by_name_with_a_reason(tmp_path: Path, content: bytes, why: str) -> None:
    skipped = read(tmp_path, content)
    assert isinstance(skipped, SkippedNote)
    assert skipped.path == "a.md"
    assert why in skipped.why


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
    if isinstance(note, Note) and not note.damage:
        assert note.text.encode(note.encoding) == content


def test_the_working_folder_is_the_root_when_no_path_is_given(tmp_path: Path) -> None:
    assert notes_root([], NotesSettings(), tmp_path) == tmp_path

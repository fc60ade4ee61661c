"""What a patch says, which links are new, and which local targets are gone."""

from hypothesis import given
from hypothesis import strategies as st

from crawler.core.model import Kind, Occurrence
from crawler.notes.changes import (
    Changes,
    FileChange,
    broken_targets,
    new_occurrences,
    parse_patch,
    touches,
)

PATCH = b"""\
diff --git a/plain.md b/plain.md
index 1111111..2222222 100644
--- a/plain.md
+++ b/plain.md
@@ -2 +2,2 @@ one
--- a/not-a-header.md
+@@ -1 +1 @@
++++ b/not-a-header.md
@@ -9,2 +11,0 @@
-gone
-gone too
\\ No newline at end of file
diff --git a/with space.md b/with space.md
index 1111111..2222222 100644
--- a/with space.md\t
+++ b/with space.md\t
@@ -1 +1 @@
-old
\\ No newline at end of file
+new
\\ No newline at end of file
diff --git "a/\\"\\344\\270\\255\\t.md" "b/\\"\\344\\270\\255\\t.md"
new file mode 100644
index 0000000..2222222
--- /dev/null
+++ "b/\\"\\344\\270\\255\\t.md"
@@ -0,0 +1,3 @@
+one
+two
+three
diff --git a/link.md b/link.md
new file mode 120000
index 0000000..2222222
--- /dev/null
+++ b/link.md
@@ -0,0 +1 @@
+plain.md
diff --git a/picture.png b/picture.png
index 1111111..2222222 100644
Binary files a/picture.png and b/picture.png differ
diff --git a/gone.md b/gone.md
deleted file mode 100644
index 1111111..0000000
--- a/gone.md
+++ /dev/null
@@ -1,2 +0,0 @@
-one
-two
"""


def test_a_patch_gives_the_lines_of_every_file_with_text() -> None:
    assert list(parse_patch(PATCH)) == [
        FileChange("plain.md", "plain.md", added=((2, 3),), removed=((2, 2), (9, 10))),
        FileChange("with space.md", "with space.md", added=((1, 1),), removed=((1, 1),)),
        FileChange('"中\t.md', None, added=((1, 3),)),
        FileChange("gone.md", "gone.md", removed=((1, 2),)),
    ]


@given(st.binary())
def test_no_bytes_break_the_reading_of_a_patch(patch: bytes) -> None:
    list(parse_patch(patch))


@given(st.integers(0, len(PATCH)))
def test_a_patch_cut_anywhere_is_read_as_far_as_it_goes(at: int) -> None:
    list(parse_patch(PATCH[:at]))


@given(st.sets(st.integers(1, 40)), st.integers(1, 40), st.integers(0, 5))
def test_touching_is_sharing_a_line(lines: set[int], first: int, more: int) -> None:
    spans = tuple((n, n) for n in sorted(lines))
    assert touches(spans, first, first + more) == bool(lines & set(range(first, first + more + 1)))


def link(path: str, line: int, url: str, raw: str | None = None, kind: Kind = Kind.BARE) -> Occurrence:
    return Occurrence(path, line, 1, url, raw or url, kind)


def changed(path: str, *, added: tuple[int, ...] = (), removed: tuple[int, ...] = (), old: str = "") -> Changes:
    file = FileChange(path, old or path, tuple((n, n) for n in added), tuple((n, n) for n in removed))
    return Changes("base", {path: file})


def test_a_link_on_an_added_line_is_new_and_one_beside_it_is_not() -> None:
    old, new = link("a.md", 3, "https://a.example/old"), link("a.md", 4, "https://a.example/new")
    assert new_occurrences([old, new], changed("a.md", added=(4,)), [old]) == [new]


def test_a_corrected_title_does_not_blame_the_old_address() -> None:
    was, now = link("a.md", 3, "https://a.example/x"), link("a.md", 3, "https://a.example/x")
    assert new_occurrences([now], changed("a.md", added=(3,), removed=(3,)), [was]) == []


def test_a_link_over_several_lines_is_new_if_any_of_them_is() -> None:
    spread = link("a.md", 3, "https://a.example/x", raw="https://a.example/x\n'title'")
    assert new_occurrences([spread], changed("a.md", added=(4,))) == [spread]


def test_the_same_address_copied_from_an_unchanged_line_is_new_where_it_was_written() -> None:
    kept, copy = link("a.md", 1, "https://a.example/x"), link("a.md", 9, "https://a.example/x")
    assert new_occurrences([kept, copy], changed("a.md", added=(9,)), [kept]) == [copy]


def test_sameness_is_what_the_caller_says_it_is() -> None:
    was, now = link("a.md", 1, "http://a.example/x"), link("a.md", 1, "https://a.example/x")
    same = changed("a.md", added=(1,), removed=(1,))
    assert new_occurrences([now], same, [was]) == [now]
    assert new_occurrences([now], same, [was], key=lambda o: o.url.partition(":")[2]) == []


def test_links_of_a_renamed_note_are_compared_under_its_old_name() -> None:
    was, now = link("old.md", 1, "https://a.example/x"), link("new.md", 1, "https://a.example/x")
    assert new_occurrences([now], changed("new.md", added=(1,), removed=(1,), old="old.md"), [was]) == []


def test_targets_that_the_change_took_away_are_broken_where_notes_still_use_them() -> None:
    picture = link("posts/a.md", 1, "../img/x.png", kind=Kind.LOCAL)
    folder = link("posts/a.md", 2, "../img/", kind=Kind.LOCAL)
    long_broken = link("posts/a.md", 3, "never.png", kind=Kind.LOCAL)
    restored = link("posts/a.md", 4, "/y.png", kind=Kind.LOCAL)
    web = link("posts/a.md", 5, "img/x.png")
    places = {"../img/x.png": "img/x.png", "../img/": "img", "never.png": "posts/never.png", "/y.png": "y.png"}
    found = broken_targets(
        {"img/x.png", "y.png"},
        [picture, folder, long_broken, restored, web],
        {"y.png"}.__contains__,
        lambda occurrence: [places.get(occurrence.url, "")],
    )
    assert found == [picture, folder]

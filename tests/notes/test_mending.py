"""Which address should stand in a note, how it is written there, and that nothing else changes."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.errors import NotesError, UsageError
from crawler.core.model import Confidence, Evidence, History, Kind, Link, Note, Occurrence, Redirect, Snapshot, State
from crawler.core.results import Finding, Suggestion
from crawler.notes.edits import Edit, Why, apply, proven
from crawler.notes.extract import occurrences
from crawler.notes.mending import MendOptions, drop_parameters, propose
from crawler.notes.patches import patch, unified_diff
from crawler.notes.writing import portable

THEN = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
OLD = "http://old.example/a?x=1&utm_source=y"
KEPT = Suggestion("snapshot", "../archive/readable/7.html", THEN)
WAYBACK = Suggestion("wayback", "https://web.archive.org/web/20240506/http://old.example/a(b", THEN)


def finding(state: State = State.DEAD, url: str = OLD, **facts: object) -> Finding:
    known = {"confidence": Confidence.HIGH, "snapshot": Snapshot(7, THEN, "title", 9, "sha256:0"), **facts}
    history = replace(History(url, THEN, url=url, state=state, reason="x"), **known)  # type: ignore[arg-type]
    link = Link(url, url, url, "other", "old.example", "old.example")
    return Finding(link, history, (WAYBACK, KEPT) if state is State.DEAD else ())


def at(text: str, raw: str = OLD, kind: Kind = Kind.INLINE, url: str = "") -> tuple[Occurrence, str]:
    start = text.index(raw)
    line = text.count("\n", 0, start) + 1
    return Occurrence("a.md", line, 1, url or raw, raw, kind, start=start, end=start + len(raw)), text


def mended(text: str, about: Finding, options: MendOptions, raw: str = OLD, kind: Kind = Kind.INLINE) -> str:
    occurrence, _ = at(text, raw, kind, url=about.link.url)
    edit = propose(occurrence, about, options, text)
    return text if edit is None else apply(Note("a.md", text), [edit])


ALL = MendOptions(only=frozenset(Why))


def test_a_dead_link_becomes_its_kept_copy_or_else_the_wayback_capture() -> None:
    text = f"see [it]({OLD})."
    assert mended(text, finding(), ALL) == "see [it](../archive/readable/7.html)."
    only_wayback = MendOptions(prefer=("wayback",))
    assert mended(text, finding(), only_wayback) == f"see [it]({WAYBACK.url.replace('(', chr(92) + '(')})."
    assert mended(text, replace(finding(), suggestions=()), ALL) == text


def test_a_template_says_where_kept_copies_are_served() -> None:
    options = MendOptions(template="https://keep.example/{id}/{timestamp}")
    assert mended(OLD, finding(), options, kind=Kind.BARE) == "https://keep.example/7/20240506070809"


@pytest.mark.parametrize("template", ["{nothing}", "{id", "{0}", "{id.real}"])
def test_a_template_that_cannot_be_filled_is_refused(template: str) -> None:
    with pytest.raises(UsageError):
        MendOptions(template=template)


def test_what_one_check_alone_calls_dead_is_left_unless_asked_for() -> None:
    doubtful = finding(confidence=Confidence.MEDIUM)
    assert mended(f"[it]({OLD})", doubtful, ALL) == f"[it]({OLD})"
    assert "archive" in mended(f"[it]({OLD})", doubtful, replace(ALL, unconfirmed=True))


@pytest.mark.parametrize("state", [State.SUSPECT, State.BLOCKED, State.UNKNOWN, State.UNCHECKED])
def test_a_link_that_nobody_is_sure_of_is_left_alone(state: State) -> None:
    assert mended(OLD, finding(state, moved_to="https://new.example/"), ALL, kind=Kind.BARE) == OLD


def test_a_moved_link_gets_its_new_address() -> None:
    moved = finding(State.ALIVE, moved_to="https://new.example/a b")
    assert mended(f"<{OLD}>", moved, ALL, kind=Kind.AUTOLINK) == "<https://new.example/a%20b>"


def test_http_becomes_https_only_where_the_page_was_seen_there() -> None:
    redirected = Evidence(final_url=f"https{OLD[4:]}", redirects=(Redirect(301, OLD),))
    elsewhere = Evidence(final_url="https://old.example/login", redirects=(Redirect(302, OLD),))
    keep = MendOptions()
    assert mended(OLD, finding(State.ALIVE, evidence=redirected), keep, kind=Kind.BARE) == f"https{OLD[4:]}"
    assert mended(OLD, finding(State.ALIVE, evidence=elsewhere), keep, kind=Kind.BARE) == OLD
    assert mended(OLD, finding(State.ALIVE), keep, kind=Kind.BARE) == OLD


def test_a_move_from_http_to_https_alone_is_of_the_kind_https() -> None:
    moved = finding(State.ALIVE, url="http://Old.Example", moved_to="https://old.example/")
    text = "http://Old.Example#part"
    assert mended(text, moved, MendOptions(only=frozenset({Why.MOVED})), raw="http://Old.Example") == text
    assert mended(text, moved, ALL, raw="http://Old.Example") == "https://Old.Example#part"


def test_tracking_parameters_go_on_request_only() -> None:
    living = finding(State.ALIVE)
    assert mended(OLD, living, MendOptions(), kind=Kind.BARE) == OLD
    assert mended(OLD, living, ALL, kind=Kind.BARE) == "http://old.example/a?x=1"


def test_dropping_parameters_keeps_every_other_letter() -> None:
    assert drop_parameters("https://a.example/?utm_source=x#top") == "https://a.example/#top"
    assert drop_parameters("https://a.example/?b=%20&UTM_ID=1&c") == "https://a.example/?b=%20&c"
    assert drop_parameters("https://mp.weixin.qq.com/s?chksm=1&&x#utm_id=1") == (
        "https://mp.weixin.qq.com/s?chksm=1&&x#utm_id=1"
    )


@pytest.mark.parametrize("kind", [Kind.CODE, Kind.LOCAL, Kind.REFERENCE])
def test_code_files_and_references_are_never_edited(kind: Kind) -> None:
    assert mended(OLD, finding(), ALL, kind=kind) == OLD


@pytest.mark.parametrize(
    ("text", "kind", "copy", "expected"),
    [
        ("[a]({})", Kind.INLINE, "https://n.example/a_(b)?x=1&y", "[a](https://n.example/a_(b)?x=1&y)"),
        ("[a]({})", Kind.INLINE, "https://n.example/a)b", r"[a](https://n.example/a\)b)"),
        ("[a]({})", Kind.INLINE, "https://n.example/?x=1&copy;", "[a](https://n.example/?x=1&amp;copy;)"),
        ("[a](<{}>)", Kind.INLINE, "https://n.example/a)b", "[a](<https://n.example/a)b>)"),
        ("| [a]({}) | b |", Kind.INLINE, "https://n.example/a|b", "| [a](https://n.example/a%7Cb) | b |"),
        ("[r]: {} 'title'", Kind.DEFINITION, "https://n.example/a b", "[r]: https://n.example/a%20b 'title'"),
        ('<a href="{}">', Kind.HTML, 'https://n.example/"?x=1&y=2', '<a href="https://n.example/%22?x=1&amp;y=2">'),
        ("<a href='{}'>", Kind.HTML, "https://n.example/it's", "<a href='https://n.example/it%27s'>"),
        ("source: {}", Kind.FRONT_MATTER, "笔记/a.html", None),
        ("source: {}", Kind.FRONT_MATTER, "https://n.example/笔记", "source: https://n.example/%E7%AC%94%E8%AE%B0"),
        ("all: [{}, x]", Kind.FRONT_MATTER, "https://n.example/a,b", "all: [https://n.example/a%2Cb, x]"),
        ("见{}，很好", Kind.BARE, "https://n.example/(a).", "见https://n.example/%28a%29%2E，很好"),
        ("见{}很好", Kind.BARE, "https://n.example/", "见https://n.example很好"),
        ("见{}很好", Kind.BARE, "https://n.example/a/", None),
        ("{}https://next.example", Kind.BARE, "https://n.example/?a=", "https://n.example/?a%3Dhttps://next.example"),
        ("{} ", Kind.BARE, "https://n.example/,https://m.example/a#", "https://n.example/,https%3A//m.example/a "),
        ("{} ", Kind.BARE, "https://w.example/web/1/http://a.example/", "https://w.example/web/1/http://a.example/ "),
        ("{}", Kind.BARE, "archive/7.html", f"{OLD}\n[kept copy](archive/7.html)"),
        ("<{}>", Kind.AUTOLINK, "archive/7.html", f"<{OLD}>\n[kept copy](archive/7.html)"),
    ],
)
def test_an_address_is_written_as_its_place_needs(text: str, kind: Kind, copy: str, expected: str | None) -> None:
    dead = replace(finding(), suggestions=(Suggestion("snapshot", copy),))
    written = text.format(OLD)
    assert mended(written, dead, MendOptions(), kind=kind) == (expected or written)


@pytest.mark.parametrize("text", ['{{"url": "{}"}}', "<a\nhref='{}'\n>x", "import X from '{}'"])
def test_no_copy_is_written_into_a_quoted_value(text: str) -> None:
    dead = replace(finding(), suggestions=(Suggestion("snapshot", "archive/7.html"),))
    assert mended(text.format(OLD), dead, MendOptions(), kind=Kind.BARE) == text.format(OLD)


def all_mended(text: str, new: str) -> str:
    """The note with the proven edits of all its links, each moved to `new`."""
    note = Note("a.md", text)
    edits = [
        edit
        for each in occurrences(note)
        if (edit := propose(each, finding(State.ALIVE, url=each.url, moved_to=new), MendOptions(), text))
    ]
    return apply(note, proven(note, edits))


@pytest.mark.parametrize(
    "text",
    [
        "![badge]\n\n[badge]: {}",
        "[![badge][b]]({})\n\n[b]: {}",
        "- [q]: {}\n\n[q]",
        "1. a\n2. [q]: <{}>\n\n[x][q]",
        "[a\\]b][]\n\n[a\\]b]: {}",
    ],
)
def test_a_definition_is_mended_wherever_it_stands_and_what_refers_to_it_stays(text: str) -> None:
    assert all_mended(text.replace("{}", OLD), "https://new.example/y") == text.replace("{}", "https://new.example/y")


def test_an_edit_that_would_break_the_tag_round_an_address_is_left_out() -> None:
    text = f"<a href={OLD.partition('?')[0]}>x</a>"
    assert all_mended(text, "https://new.example/?a=1") == text
    assert all_mended(text, "https://new.example/y") == "<a href=https://new.example/y>x</a>"


def test_an_address_whose_range_holds_its_brackets_keeps_them() -> None:
    text = f"[a](<{OLD}>)"
    assert mended(text, finding(), MendOptions(), raw=f"<{OLD}>") == "[a](<../archive/readable/7.html>)"


@pytest.mark.parametrize(
    ("style", "text", "expected"),
    [
        ("below", "{}\n\nThe Title\n", "{}\n[kept copy](c/7.html)\n\nThe Title\n"),
        ("below", "{}\r\n\r\nThe Title\r\n", "{}\r\n[kept copy](c/7.html)\r\n\r\nThe Title\r\n"),
        ("below", "> - {}\n", "> - {}\n>   [kept copy](c/7.html)\n"),
        ("below", "see {} for it\n", "see {} ([kept copy](c/7.html)) for it\n"),
        ("link", "{}\n\nThe [Title]\n", "[The \\[Title\\]](c/7.html)\n\nThe [Title]\n"),
        ("~~{url}~~ [{title}]({copy})", "{}\n\nThe Title\n", "~~{}~~ [The Title](c/7.html)\n\nThe Title\n"),
    ],
)
def test_a_bare_link_gets_its_kept_file_beside_it_and_everything_else_reads_as_before(
    style: str, text: str, expected: str
) -> None:
    note = Note("a.md", f"https://first.example/\n\n{text.replace('{}', OLD)}\nhttps://last.example/\n")
    dead = replace(finding(), suggestions=(Suggestion("snapshot", "c/7.html"),))
    (occurrence,) = [o for o in occurrences(note) if o.url == OLD]
    edit = propose(occurrence, dead, MendOptions(bare=style), note.text)
    assert edit is not None
    (kept,) = proven(note, [edit])
    assert expected.replace("{}", OLD) in apply(note, [kept])
    assert occurrences(replace(note, text=apply(note, [kept])))[-1].url == "https://last.example/"


def test_the_title_below_a_kept_copy_is_still_the_title_of_its_link() -> None:
    note = Note("a.md", "https://a.example/\n[kept copy](c/7.html)\n\nThe Title\n")
    assert [(o.url, o.note_title) for o in occurrences(note)] == [
        ("https://a.example/", "The Title"),
        ("c/7.html", "kept copy"),
    ]


@pytest.mark.parametrize("bare", ["beside", "{url}", "{copy} {nothing}", "{copy"])
def test_a_style_for_bare_links_that_cannot_be_written_is_refused(bare: str) -> None:
    with pytest.raises(UsageError, match="--bare"):
        MendOptions(bare=bare)


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        ("https://new.example/y", "https://new.example/y#install"),
        ("https://new.example/y#b", "https://new.example/y#b"),
    ],
)
def test_a_moved_link_keeps_its_fragment_unless_the_new_address_has_one(moved: str, expected: str) -> None:
    url = f"{OLD}#install"
    about = finding(State.ALIVE, url=url, moved_to=moved)
    assert mended(f"[a]({url})", about, MendOptions(), raw=url) == f"[a]({expected})"


def test_an_edit_to_https_adds_one_letter_and_leaves_all_others_as_they_were_written() -> None:
    raw = "HTTP://Old.example/中文?a=b&amp;c=\\_d"
    url = "HTTP://Old.example/中文?a=b&c=_d"
    about = finding(
        State.ALIVE, url=url, evidence=Evidence(final_url=f"https{url[4:]}", redirects=(Redirect(301, url),))
    )
    occurrence, text = at(f"[a]({raw})", raw, url=url)
    edit = propose(occurrence, about, MendOptions(), text)
    assert edit is not None
    assert apply(Note("a.md", text), [edit]) == f"[a](HTTPs{raw[4:]})"


def test_a_format_without_an_escape_gets_the_address_percent_encoded() -> None:
    dead = replace(finding(), suggestions=(Suggestion("wayback", "https://w.example/a(b`c"),))
    occurrence, text = at(f"`a <{OLD}>`_")
    edit = propose(replace(occurrence, path="a.rst"), dead, MendOptions(), text)
    assert edit is not None
    assert edit.new == "https://w.example/a%28b%60c"
    assert propose(replace(occurrence, path="a.ipynb"), dead, MendOptions(), text) is None


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le", "utf-16-be", "big5", "cp1252", "shift_jis"])
def test_git_applies_the_patch_of_a_note_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    words = {"cp1252": "café", "big5": "語音", "shift_jis": "音声"}.get(encoding, "上语音")
    mark = "\ufeff" if encoding.startswith("utf-16") else ""
    text = mark + "".join(f"{words} line {n}\r\n" for n in range(20))
    note = Note("笔 记.md", text, encoding)
    start = text.index("line 9")
    edits = [Edit(note.path, start, start + 6, "line 9", "y", (Why.DEAD,), "y")]
    (tmp_path / note.path).write_bytes(text.encode(encoding))
    subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], cwd=tmp_path, input=patch(note, edits), check=True)
    assert (tmp_path / note.path).read_bytes() == apply(note, edits).encode(encoding)


@given(st.text())
def test_portable_addresses_are_ascii_and_stay_as_they_are(url: str) -> None:
    once = portable(url)
    assert once.isascii()
    assert portable(once) == once


def edit(text: str, old: str, new: str) -> Edit:
    start = text.index(old)
    return Edit("a.md", start, start + len(old), old, new, (Why.DEAD,), new)


def test_edits_of_a_text_that_changed_are_refused_whole() -> None:
    note = Note("a.md", "one two three")
    fits, elsewhere = edit(note.text, "one", "1"), replace(edit(note.text, "two", "2"), start=5, end=8)
    overlap = replace(edit(note.text, "one", "1"), end=7, old="one two")
    for edits in ([fits, elsewhere], [fits, overlap], [replace(fits, path="b.md")]):
        with pytest.raises(NotesError, match=r"a\.md"):
            apply(note, edits)
    with pytest.raises(NotesError, match="changed since"):
        apply(note, [fits], current="one two three four")


@given(st.lists(st.text("abc\r\n\ufeff中", max_size=8), max_size=8), st.data())
def test_applying_edits_changes_exactly_their_ranges(pieces: list[str], data: st.DataObject) -> None:
    new = [data.draw(st.sampled_from([piece, "X" * (len(piece) + 1)])) for piece in pieces]
    starts = [sum(map(len, pieces[:n])) for n in range(len(pieces))]
    whole = zip(starts, pieces, new, strict=True)
    edits = [Edit("a.md", s, s + len(p), p, n, (), n) for s, p, n in whole if p != n and p]
    expected = "".join(n if p else "" for p, n in zip(pieces, new, strict=True))
    assert apply(Note("a.md", "".join(pieces)), edits) == expected


def test_no_edit_is_no_diff() -> None:
    assert unified_diff(Note("a.md", "one\n"), []) == ""


LINES = [f"line {n}" for n in range(30)]


@pytest.mark.parametrize("path", ["a.md", "a b.md", '"中文".md', "tab\t.md"])
@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize("changed", [(0,), (29,), (3, 4, 12), (0, 15, 29), (10, 20), tuple(range(30))])
def test_git_applies_the_diff_to_the_byte(tmp_path: Path, path: str, end: str, changed: tuple[int, ...]) -> None:
    text = "\r\n".join(LINES) + end
    note = Note(path, text)
    edits = [
        replace(edit(text, f"line {n}\r" if n < 29 else "line 29", "x\r" if n < 29 else "y"), path=path)
        for n in changed
    ]
    (tmp_path / path).write_bytes(text.encode())
    diff = unified_diff(note, edits).encode()
    subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], cwd=tmp_path, input=diff, check=True)
    assert (tmp_path / path).read_bytes() == apply(note, edits).encode()


def test_an_edit_over_a_line_end_is_shown_with_both_lines(tmp_path: Path) -> None:
    note = Note("a.md", "<a href='http://x\n/y'>\nend")
    edits = [edit(note.text, "http://x\n/y", "z")]
    (tmp_path / "a.md").write_text(note.text)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=unified_diff(note, edits).encode(), check=True)
    assert (tmp_path / "a.md").read_text() == "<a href='z'>\nend"


def test_a_hundred_thousand_edits_of_one_note_are_no_trouble() -> None:
    text = "x y\n" * 100_000
    edits = [Edit("a.md", n * 4, n * 4 + 1, "x", "z", (), "z") for n in range(100_000)]
    assert unified_diff(Note("a.md", text), edits).count("\n+z y") == 100_000

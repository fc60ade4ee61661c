"""Mending a note and reading it again gives the links that were meant, and changes nothing else."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_mending import OLD, finding

from crawler.core.model import Kind, Note
from crawler.core.results import Finding, Suggestion
from crawler.notes.edits import Edit, Why, apply, proven
from crawler.notes.extract import occurrences
from crawler.notes.mending import MendOptions, propose
from crawler.notes.writing import write_url

# {} is an address. Every syntax, beside everything that may stand next to it.
PIECES = (
    "[text]({})", "[text](<{}>)", "[text]({} 'title')", "![picture]({})", "<{}>", "{} ", "{}，然后", "见{}看这里",
    "（{}）",
    "**{}**", "({})", "\"{}\"", "| [cell]({}) | {} |\n", "- [ ] {}\n", "> {}\n", "# {}\n", "{}\n", "{}.\n", "{}、{}\n",
    "[{}]({})", "[r]: {}\n", "[r]: <{}> 'title'\n", "[r]", '<a href="{}">x</a>', "<a href='{}'>x</a>",
    '<img src="{}">', "`{}`", "\n```\n{}\n```\n", "<!-- {} -->", "    {}\n", "标题：\n{}\n\n", "_{}_", "~~{}~~",
    "{}{}\n", "&amp; {} &lt;\n", "words\n", "\n\n", "中文。", "\r\n", "<!-- crawler: ignore --> {}\n", "[a]({})[b]({})",
    "{}<br>", "[{}][r]",
)  # fmt: skip
ADDRESSES = (
    "http://a.example/x", "https://b.example/a_(b)", "http://c.example/?x=1&amp;y=2", "http://d.example/%E4%B8%AD",
    "https://mp.weixin.qq.com/s?__biz=MzI=&mid=1#rd", "http://e.example", "http://f.example/", "http://g.example/~x/",
)  # fmt: skip
TARGETS = (
    "https://web.archive.org/web/20200102030405/http://a.example/x?a=1&b=2", "https://n.example/a)b",
    "https://n.example/((", "https://n.example/?q=中文 空格", "https://n.example/x|y*z_~`\\",
    "https://n.example/&copy;&#35;", "../archive/7 中.html", "https://n.example/", "https://n.example/a/",
    "https://n.example/?a=", "https://n.example/a.", "https://n.example/#", "https://n.example/'\"<>",
    "https://n.example/[x]{y}", "https://n.example/a,https://m.example/b", "https://n.example/?",
    "https://n.example/__init__.py", "https://[::1]/x", "https://n.example:8080", "https://n.example/a;b=c,d!e$f+g@h",
)  # fmt: skip

bodies = st.lists(
    st.tuples(st.sampled_from(PIECES), st.sampled_from(ADDRESSES), st.sampled_from(ADDRESSES)), max_size=8
)
FRONT = ("", "", "---\nsource: {}\nother: '{}'\n---\n", '---\nlist: [{}, "{}"]\n---\n', '+++\nsource = "{}"\n+++\n')


def mend(note: Note, targets: list[str]) -> tuple[Note, list[Edit]]:
    edits = []
    for occurrence, target in zip(occurrences(note, code=True), targets, strict=False):
        dead: Finding = finding(url=occurrence.url)
        about = Finding(dead.link, dead.history, (Suggestion("snapshot", target),))
        edits.append(propose(occurrence, about, MendOptions(), note.text))
    made = proven(note, [edit for edit in edits if edit])
    return Note(note.path, apply(note, made)), made


@settings(max_examples=200)
@given(
    bodies,
    st.sampled_from(FRONT),
    st.sampled_from(("a.md", "a.html", "a.txt")),
    st.lists(st.sampled_from(TARGETS), min_size=24, max_size=24),
)
@example([("{}{}\n", ADDRESSES[0], ADDRESSES[5])], "", "a.md", list(TARGETS[7:9] + TARGETS))
def test_extracting_again_gives_the_intended_links_and_nothing_else_changed(
    parts: list[tuple[str, str, str]], front: str, path: str, targets: list[str]
) -> None:
    body = "".join(piece.format(one, other) for piece, one, other in parts)
    note = Note(path, front.format(OLD, OLD) + body)
    mended, edits = mend(note, targets)
    by_start = {edit.start: edit for edit in edits}
    before, after = occurrences(note, code=True), occurrences(mended, code=True)
    defined = next((o for o in before if o.kind is Kind.DEFINITION), None)
    sources = [defined if o.kind is Kind.REFERENCE and defined else o for o in before]
    expected = []
    for o in sources:
        edit = by_start.get(o.start) or by_start.get(o.start - 1)
        if edit is not None and edit.free and edit.end >= o.end:
            expected += [o.url, edit.url]  # a file is offered beside a bare link, which stays
        else:
            expected.append(by_start[o.start].url if o.start in by_start else o.url)
    assert [o.url for o in after] == expected, mended.text
    assert all(o.kind is not Kind.CODE for o in before if o.start in by_start)


@pytest.mark.parametrize(
    ("path", "text", "mended"),
    [
        ("a.adoc", "http://old.example/a[t]", "link:copies/x.html[t]"),
        ("a.adoc", "link:http://old.example/a[t]", "link:copies/x.html[t]"),
        ("a.org", "[[http://old.example/a][t]]", "[[./copies/x.html][t]]"),
        ("a.rst", "`t <http://old.example/a>`_", "`t <copies/x.html>`_"),
    ],
)
def test_a_file_is_written_as_each_format_takes_a_path(path: str, text: str, mended: str) -> None:
    (link,) = occurrences(Note(path, text))
    written = write_url("copies/x.html", link, text)
    assert written is not None
    edit = Edit(path, link.start, link.end, link.raw, written[0], (Why.DEAD,), written[1])
    assert proven(Note(path, text), [edit]) == [edit]
    assert apply(Note(path, text), [edit]) == mended

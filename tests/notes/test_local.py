"""What local targets name: files in the roots that are found, pages of generators, notes to come, headings."""

import os
import signal
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from closing import closed

from crawler.core.model import LOCAL, Kind, Link, State
from crawler.core.settings import NotesSettings
from crawler.notes.links import local_checker, local_histories, local_key, read_notes
from crawler.notes.local import LocalState, LocalTargets

NOW = datetime(2024, 1, 1, tzinfo=UTC)
THERE, MISSING, GENERATED, UNWRITTEN, NO_ANCHOR, UNSEEN = (
    LocalState.THERE,
    LocalState.MISSING,
    LocalState.GENERATED,
    LocalState.UNWRITTEN,
    LocalState.NO_ANCHOR,
    LocalState.UNSEEN,
)


@contextmanager
def fails_after(seconds: int) -> Iterator[None]:
    """A generous limit for what would otherwise wait for ever."""

    def late(*_: object) -> None:
        raise AssertionError(f"still waiting after {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def put(root: Path, *names: str, **texts: str) -> None:
    for name in names:
        file = root / name
        if name.endswith("/"):
            file.mkdir(parents=True, exist_ok=True)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(texts.get(name, ""), encoding="utf-8")


def states(top: Path, note: str, text: str, *, path: str = ".", **options: object) -> dict[str, LocalState]:
    """The state of each local target that is written in `note`, by the target."""
    put(top, note, **{note: text})
    settings = NotesSettings(**options)  # type: ignore[arg-type] # values differ by test
    notes = read_notes([top / path], settings)
    check = local_checker(notes, settings)
    return {
        o.url: check(o).state for o in notes.occurrences if o.kind is Kind.LOCAL and o.path.endswith(Path(note).name)
    }


def test_hugo_pictures_lie_in_static_and_pages_are_made_of_content(tmp_path: Path) -> None:
    put(tmp_path, "hugo.toml", "static/img/a.png", "content/about.md")
    text = (
        "![](/img/a.png) [b](/posts/b/) [c](/about/) [t](/tags/x/) [f](/feed.xml) ![](/img/gone.png) [g](/nobody/knows)"
    )
    found = {
        "/img/a.png": THERE, "/posts/b/": THERE, "/about/": THERE, "/tags/x/": GENERATED, "/feed.xml": GENERATED,
        "/img/gone.png": MISSING, "/nobody/knows": GENERATED,
    }  # fmt: skip
    assert states(tmp_path, "content/posts/b.md", text) == found
    assert states(tmp_path, "content/posts/b.md", text, path="content") == found
    assert states(tmp_path, "content/posts/b.md", text, path="content/posts") == found


def test_hexo_serves_source_and_publishes_posts_by_their_day(tmp_path: Path) -> None:
    put(tmp_path, "_config.yml", "source/images/a.png")
    text = "---\ndate: 2020-1-2 10:00:00\n---\n![](/images/a.png) [b](/2020/01/02/b/) [t](/tags/x/) [a](/archives/)"
    assert states(tmp_path, "source/_posts/b.md", text, path="source/_posts") == {
        "/images/a.png": THERE, "/2020/01/02/b/": THERE, "/tags/x/": GENERATED, "/archives/": GENERATED,
    }  # fmt: skip


def test_jekyll_without_git_or_configuration_is_known_by_its_posts(tmp_path: Path) -> None:
    put(tmp_path, "images/a.png", "_posts/2020-1-31-other.markdown")
    text = (
        "![](/images/a.png) [b](/2020/01/02/b.html) [c](/cat/2020/1/31/other/) [g](/2020/01/02/gone.html) "
        "[t](/tags/x/) [f](/feed.xml)"
    )
    assert states(tmp_path, "_posts/2020-01-02-b.md", text, path="_posts") == {
        "/images/a.png": THERE, "/2020/01/02/b.html": THERE, "/cat/2020/1/31/other/": THERE,
        "/2020/01/02/gone.html": MISSING, "/tags/x/": GENERATED, "/feed.xml": GENERATED,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("permalink", "route"),
    [
        ("/:year/:title/", "/2020/b/"),
        ("pretty", "/2020/01/02/b/"),
        ("/blog/:slug.html", "/blog/b.html"),
        ("/:categories/:i_month-:i_day/:title", "/news/1-2/b"),
    ],
)
def test_the_permalink_of_the_configuration_is_honoured(tmp_path: Path, permalink: str, route: str) -> None:
    put(tmp_path, "_config.yml", **{"_config.yml": f"title: x\npermalink: {permalink}  # as configured\n"})
    text = f"---\ncategories: [news]\n---\n[a]({route}) [b](/2020/01/03/gone.html)"
    found = states(tmp_path, "_posts/2020-01-02-b.md", text)
    assert found[route] is THERE
    assert found["/2020/01/03/gone.html"] is (MISSING if permalink == "pretty" else GENERATED)


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ("hugo.toml", '[permalinks]\nposts = "/:year/:month/:slug/"\n'),
        ("config/_default/hugo.toml", '[permalinks.page]\nposts = "/:year/:month/:slug/"\n'),
        ("hugo.yaml", "permalinks:\n  posts: /:year/:month/:slug/\n"),
    ],
)
def test_hugos_permalinks_are_those_of_their_section(tmp_path: Path, config: str, text: str) -> None:
    put(tmp_path, config, "content/posts/b.md", **{config: text, "content/posts/b.md": "+++\ndate = 2021-03-04\n+++\n"})
    assert states(tmp_path, "content/a.md", "[b](/2021/03/b/)") == {"/2021/03/b/": THERE}


@pytest.mark.parametrize(
    "front",
    [
        "permalink: /my/page/",
        "url: /my/page",
        "aliases: [/old, /my/page/]",
        "aliases:\n  - /my/page/",
        "slug: /my/page",
    ],
)
def test_the_front_matter_says_where_a_note_is_published(tmp_path: Path, front: str) -> None:
    put(tmp_path, "_config.yml", "b.md", **{"b.md": f"---\ntitle: x\n{front}\n---\n# Part\n"})
    assert states(tmp_path, "a.md", "[b](/my/page/) [c](/my/page#part) [d](/my/page#gone)") == {
        "/my/page/": THERE, "/my/page#part": THERE, "/my/page#gone": NO_ANCHOR,
    }  # fmt: skip


def test_docusaurus_and_vitepress_have_folders_of_their_own(tmp_path: Path) -> None:
    put(tmp_path, "docusaurus.config.js", "static/img/a.png", "docs/02-next.md")
    text = "[a](@site/static/img/a.png) [b](/docs/intro) [c](./02-next.md) [n](next) [z](@site/static/img/b.png)"
    assert states(tmp_path, "docs/01-intro.md", text) == {
        "@site/static/img/a.png": THERE, "/docs/intro": THERE, "./02-next.md": THERE, "next": THERE,
        "@site/static/img/b.png": MISSING,
    }  # fmt: skip
    put(tmp_path, "site/.vitepress/", "site/src/public/logo.svg")
    assert states(tmp_path, "site/src/x.md", "![](/logo.svg)") == {"/logo.svg": THERE}


def test_a_translated_note_of_docusaurus_has_the_originals_neighbours(tmp_path: Path) -> None:
    here = "i18n/fr/docusaurus-plugin-content-docs/current/guide"
    put(tmp_path, "docusaurus.config.js", "docs/guide/b.md", "docs/guide/a.md", f"{here}/a.md")
    found = states(tmp_path, f"{here}/a.md", "[b](./b.md) [c](./c.md)")
    assert found == {"./b.md": THERE, "./c.md": MISSING}


def test_a_plain_folder_has_files_folders_and_indexes(tmp_path: Path) -> None:
    put(tmp_path, "docs/x.txt", "guide.md", "guide/", "README.md", "b c.md", "100%.png", "C#.md", "sub/readme.MD")
    text = (
        "[c](docs/) [d](docs) [g](guide) [h](guide.md/) [x](nope/) [y](nope) [r](readme.md) [s](<b c.md>) "
        "[t](b%20c.md) ![](100%.png) [u](C#.md) [v](sub/) [w](.\\docs\\x.txt) [z](./guide.md?raw=1)"
    )
    assert states(tmp_path, "a.md", text) == {
        "docs/": THERE, "docs": THERE, "guide": THERE, "guide.md/": MISSING, "nope/": MISSING, "nope": MISSING,
        "readme.md": THERE, "b c.md": THERE, "b%20c.md": THERE, "100%.png": THERE, "C#.md": THERE, "sub/": THERE,
        ".\\docs\\x.txt": THERE, "./guide.md?raw=1": THERE,
    }  # fmt: skip


@pytest.mark.parametrize("written", ["NFC", "NFD"])
@pytest.mark.parametrize("stored", ["NFC", "NFD"])
def test_composed_and_decomposed_names_are_one(tmp_path: Path, stored: str, written: str) -> None:
    put(tmp_path, unicodedata.normalize(stored, "café.md"))  # type: ignore[arg-type]
    target = unicodedata.normalize(written, "café.md")  # type: ignore[arg-type]
    assert states(tmp_path, "a.md", f"[x]({target})") == {target: THERE}


@pytest.mark.parametrize(
    ("target", "state"),
    [
        ("/../../../../etc/passwd", MISSING),
        ("/images/../images/x.png", THERE),
        ("x" * 5000, MISSING),
        ("a%00b", MISSING),
        ("../../issues/12", GENERATED),
        ("../../wiki", GENERATED),
        ("{static}/images/x.png", THERE),
        ("{filename}/gone.md", MISSING),
    ],
)
def test_targets_of_every_shape_have_an_answer(tmp_path: Path, target: str, state: LocalState) -> None:
    put(tmp_path, "images/x.png", ".git/")
    assert states(tmp_path, "a.md", f"[x]({target})") == {target: state}


def test_what_was_probably_meant_is_said(tmp_path: Path) -> None:
    put(tmp_path, "a.md", **{"a.md": "[x](example.com/page)"})
    notes = read_notes([tmp_path], NotesSettings())
    (target,) = notes.occurrences
    link = Link(target.url, local_key(target), target.url, LOCAL, "", LOCAL, (target,))
    (history,) = local_histories(
        [link], local_checker(notes, NotesSettings()), datetime(2024, 1, 1, tzinfo=UTC)
    ).values()
    assert (history.state, history.reason) == (State.DEAD, "missing-file")
    assert "https://example.com/page was probably meant" in history.evidence.error


# Roots.


PICTURES = "![](/i/1.png) ![](/i/2.png) ![](/i/3.png)"


def checker(top: Path, **options: object) -> LocalTargets:
    settings = NotesSettings(**options)  # type: ignore[arg-type] # values differ by test
    return local_checker(read_notes([top / "notes"], settings), settings)


def test_a_root_below_which_nothing_is_found_is_asked_about_instead_of_many_deaths(tmp_path: Path) -> None:
    put(tmp_path, "notes/a.md", **{"notes/a.md": PICTURES})
    check = checker(tmp_path)
    assert {check(o).state for o in check.occurrences} == {GENERATED}
    assert (
        check.question()
        == f"none of the files such as /i/1.png is found below {tmp_path}/notes; is [notes] root right?"
    )


@pytest.mark.parametrize(
    ("files", "options"), [(["notes/i/1.png"], {}), (["notes/static/x"], {}), ([], {"root": "notes"})]
)
def test_a_root_that_holds_something_or_was_configured_is_believed(
    tmp_path: Path, files: list[str], options: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "notes/a.md", *files, **{"notes/a.md": PICTURES})
    check = checker(tmp_path, **options)
    assert [check(o).state for o in check.occurrences].count(MISSING) == (2 if files == ["notes/i/1.png"] else 3)
    assert check.question() == ""


def test_the_root_may_be_a_list_of_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "one/a.png", "two/b.png")
    text = "![](/a.png) ![](/b.png) ![](/c.png)"
    found = states(tmp_path, "one/notes/a.md", text, path="one/notes", root=("one", str(tmp_path / "two")))
    assert found == {"/a.png": THERE, "/b.png": THERE, "/c.png": MISSING}


# Wiki links.


def test_wiki_links_find_notes_wherever_they_lie(tmp_path: Path) -> None:
    head = "---\naliases: [Al, Bl]\n---\n# H\n\nText ^block\n"
    put(tmp_path, "x/deep/note.md", "att/pic.png", "b-note.md", "y/note.md", **{"x/deep/note.md": head})
    text = (
        "[[note]] [[NOTE.md]] [[deep/note#H|x]] [[x/deep/note#^block]] [[x/deep/note#Nope]] ![[pic.png]] ![[gone.png]] "
        "[[To come]] [[Al]] [[#Me]] [[b note]] [[gone/note]] | [[a\\|b]] |\n\n# Me\n"
    )
    assert states(tmp_path, "a.md", text) == {
        "note": THERE, "NOTE.md": THERE, "deep/note#H": THERE, "x/deep/note#^block": THERE,
        "x/deep/note#Nope": NO_ANCHOR, "pic.png": THERE, "gone.png": MISSING, "To come": UNWRITTEN, "Al": THERE,
        "#Me": THERE, "b note": THERE, "gone/note": UNWRITTEN, "a": THERE,
    }  # fmt: skip


def test_links_of_an_obsidian_vault_may_leave_folders_out(tmp_path: Path) -> None:
    put(tmp_path, ".obsidian/", "x/deep/note.md")
    assert states(tmp_path, "y/a.md", "[a](note.md) [b](x/deep/note.md) [c](gone.md)") == {
        "note.md": THERE, "x/deep/note.md": THERE, "gone.md": MISSING,
    }  # fmt: skip


def test_states_have_the_reasons_of_reports(tmp_path: Path) -> None:
    put(tmp_path, "a.md", **{"a.md": "[[To come]] [a](/tags/x/) [b](#gone) [c](a.md) [d](gone.png)"})
    notes = read_notes([tmp_path], NotesSettings())
    links = [Link(o.url, local_key(o), o.url, LOCAL, "", LOCAL, (o,)) for o in notes.occurrences]
    found = local_histories(links, local_checker(notes, NotesSettings()), NOW)
    assert {h.url: (h.state.value, h.reason) for h in found.values()} == {
        "To come": ("unknown", "unwritten-note"),
        "/tags/x/": ("unknown", "generated-page"),
        "#gone": ("suspect", "missing-anchor"),
        "a.md": ("alive", "ok"),
        "gone.png": ("dead", "missing-file"),
    }


@pytest.mark.parametrize(
    ("mode", "there", "gone"), [(0, UNSEEN, UNSEEN), (0o400, UNSEEN, UNSEEN), (0o100, THERE, MISSING)]
)
def test_what_may_lie_in_a_folder_that_may_not_be_read_is_not_missing(
    tmp_path: Path, mode: int, there: LocalState, gone: LocalState
) -> None:
    put(tmp_path, "closed/there.md", "closed/pic.png")
    text = "[a](closed/there.md) [b](closed/gone.md) [c](closed/) ![[pic.png]] [d](gone.png)"
    with closed(tmp_path / "closed", mode=mode):
        found = states(tmp_path, "a.md", text)
    assert found == {
        "closed/there.md": there, "closed/gone.md": gone, "closed/": THERE, "gone.png": MISSING,
        "pic.png": THERE if mode == 0o400 else UNSEEN,
    }  # fmt: skip


# Anchors.


HEADINGS = """# 标题 一
## 标题 一
### Install & run `it` ([docs](https://e.example/))
Setext heading
==============
## With id {#given}
## a.b_c
```sh
# not a heading
```
<a name="named"></a> <span id='spanned'></span> text[^1]

[^1]: note
> ## Quoted
"""


@pytest.mark.parametrize(
    ("fragment", "there"),
    [
        ("标题-一", True), ("标题-一-1", True), ("标题-一-2", False), ("%E6%A0%87%E9%A2%98-%E4%B8%80", True),
        ("install--run-it-docs", True), ("install-run-it-docs", True), ("setext-heading", True), ("given", True),
        ("with-id", True), ("ab_c", True), ("Setext heading", True), ("Setext%20heading", True),
        ("SETEXT-HEADING", True),
        ("not-a-heading", False), ("named", True), ("spanned", True), ("fn:1", True), ("quoted", True), ("gone", False),
        ("top", True), ("L10", True), ("L1-L2", True), (":~:text=x", True), ("/route", True),
        ("标题-一:~:text=x", True),
    ],
)  # fmt: skip
def test_headings_and_ids_are_found_as_renderers_spell_them(tmp_path: Path, fragment: str, there: bool) -> None:
    put(tmp_path, "b.md", **{"b.md": HEADINGS})
    wanted = THERE if there else NO_ANCHOR
    assert set(states(tmp_path, "a.md", f"[x](<b.md#{fragment}>)").values()) == {wanted}
    assert states(tmp_path, "a.md", f"[x](<b.md#{fragment}>)", anchors=False) == {f"b.md#{fragment}": THERE}


@pytest.mark.parametrize(
    ("name", "text", "there", "gone"),
    [
        ("b.html", '<h2 id="one">x</h2><a name=two></a>', "two", "x"),
        ("b.rst", ".. _label:\n\nA Title\n=======\n", "label", "x"),
        ("b.rst", "A Title\n=======\n", "a-title", "x"),
        ("b.adoc", "= T\n\n[[one]]\n== Some Title\n", "_some_title", "x"),
        ("b.org", "* Some Head\n:PROPERTIES:\n:CUSTOM_ID: own\n:END:\n", "own", "x"),
    ],
)
def test_each_format_has_anchors_of_its_own(tmp_path: Path, name: str, text: str, there: str, gone: str) -> None:
    put(tmp_path, name, **{name: text})
    assert states(tmp_path, "a.md", f"[x]({name}#{there}) [y]({name}#{gone})") == {
        f"{name}#{there}": THERE, f"{name}#{gone}": NO_ANCHOR,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("marks", "name", "text"),
    [
        ("astro.config.mjs", "b.md", "# x"),  # a generator whose slugs are not known
        (".git/", "b.py", "x = 1"),
        (".git/", "b.pdf", "%PDF"),
        (".git/", "b.md", "{% include more.md %}"),
        (".git/", "b.md", "<!-- ALL-CONTRIBUTORS-LIST:START -->"),
        (".git/", "b.mdx", "<Parts />"),
    ],
)
def test_anchors_that_something_else_may_make_are_left_alone(tmp_path: Path, marks: str, name: str, text: str) -> None:
    put(tmp_path, marks, name, **{name: text})
    assert states(tmp_path, "a.md", f"[x]({name}#part)") == {f"{name}#part": THERE}


@pytest.mark.parametrize("target", ["/2020/01/02/first/", "[[Somewhere]]", "pipe.md#part"])
def test_a_pipe_among_the_notes_is_never_waited_for(tmp_path: Path, target: str) -> None:
    put(tmp_path, "_config.yml", "_posts/2020-01-02-first.md")
    os.mkfifo(tmp_path / "_posts" / "2020-01-03-pipe.md")
    os.mkfifo(tmp_path / "pipe.md")
    with fails_after(10):
        states(tmp_path, "a.md", target if target.startswith("[[") else f"[x]({target})")


def test_a_post_below_hexos_source_belongs_to_hexo(tmp_path: Path) -> None:
    put(tmp_path, "_config.yml", "source/_posts/bar/2.png", "themes/")
    text = "---\ndate: 2020-03-04\n---\n![a](2.png) ![b](/2020/03/04/bar/2.png) ![c](/2020/03/04/bar/3.png)"
    text += " [d](/2021/01/02/none/)"
    assert states(tmp_path, "source/_posts/bar.md", text) == {
        "2.png": THERE,
        "/2020/03/04/bar/2.png": THERE,
        "/2020/03/04/bar/3.png": MISSING,
        "/2021/01/02/none/": GENERATED,
    }


def test_pages_of_antora_find_their_pictures_by_kind(tmp_path: Path) -> None:
    put(tmp_path, "antora.yml", "modules/ROOT/images/i.png", "modules/ROOT/pages/b.adoc")
    text = "image::i.png[] image::no.png[] xref:b.adoc[B]"
    assert states(tmp_path, "modules/ROOT/pages/sub/a.adoc", text) == {
        "i.png": THERE,
        "no.png": MISSING,
        "b.adoc": THERE,
    }


def test_pages_of_logseq_are_known_by_alias_title_and_namespace(tmp_path: Path) -> None:
    foo = {"pages/foo.md": "title:: 别的\nalias:: f1, f2\n\n- x"}
    put(tmp_path, "logseq/", "pages/foo.md", "pages/a___b.md", "pages/a%2Fc.md", **foo)
    text = "- [[foo]] [[f2]] [[别的]] [[a/b]] [[a/c]] [l]([[F1]]) [g]([[ghost]]) [r](((64f1)))"
    assert states(tmp_path, "pages/x.md", text) == {
        **dict.fromkeys(("foo", "f2", "别的", "a/b", "a/c", "F1"), THERE),
        "ghost": UNWRITTEN,
    }


def test_a_headline_of_org_is_found_without_its_keyword_priority_and_count(tmp_path: Path) -> None:
    text = "* TODO [#A] Buy milk [1/2] :tag:\n[[*Buy milk]] [[*TODO Buy milk]] [[*Sell milk]]"
    assert states(tmp_path, "a.org", text)["#*Buy milk"] is THERE
    assert states(tmp_path, "a.org", text)["#*Sell milk"] is NO_ANCHOR


def test_headings_with_pictures_and_headings_of_html_are_found(tmp_path: Path) -> None:
    text = "# Map ![badge](x.png)\n\n<h2 align='center'>Plain <b>Heading</b></h2>\n\n"
    links = ["#map-", "#map", "#map-badge", "#plain-heading", "#badge"]
    found = states(tmp_path, "a.md", text + " ".join(f"[l]({link})" for link in links))
    assert {link: found[link] for link in links} == {**dict.fromkeys(links[:4], THERE), "#badge": NO_ANCHOR}


def test_an_item_of_joplins_store_is_nothing_that_can_be_checked(tmp_path: Path) -> None:
    assert states(tmp_path, "a.md", "![x](:/ab12cd34ef56ab12cd34ef56ab12cd34) [y](b.md)") == {"b.md": MISSING}

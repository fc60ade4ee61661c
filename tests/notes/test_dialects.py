"""What writers add to Markdown: wiki links, highlights, comments, shortcodes, components, misspelt addresses."""

import pytest

from crawler.core.model import Note
from crawler.notes.extract import occurrences
from crawler.notes.targets import probable


def found(text: str, path: str = "a.md") -> list[str]:
    links = occurrences(Note(path, text), code=False)
    assert all(text[o.start : o.end] == o.raw for o in links)
    return [o.url for o in links]


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("==https://e.example/x==", ["https://e.example/x"]),
        ("==see https://e.example/x== and", ["https://e.example/x"]),
        ("https://e.example/?__biz=Mz==&mid=1== end", ["https://e.example/?__biz=Mz==&mid=1=="]),
        ("a==b https://e.example/?x==", ["https://e.example/?x=="]),
        ("**==https://e.example/x==**", ["https://e.example/x"]),
    ],
)
def test_marks_of_highlighting_are_not_part_of_an_address(text: str, urls: list[str]) -> None:
    assert found(text) == urls


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ('{{< figure src="https://e.example/f.png" >}}', ["https://e.example/f.png"]),
        ("{{% youtube https://e.example/v %}}", ["https://e.example/v"]),
        (
            "{{video https://e.example/v}} {{youtube https://e.example/w}}",
            ["https://e.example/v", "https://e.example/w"],
        ),
        ('{% include x.html url="https://e.example/u" %}', ["https://e.example/u"]),
        ("{% embed https://e.example/u %}", ["https://e.example/u"]),
        ('{{< img src="/img/a.png" alt="x" >}}', ["/img/a.png"]),
        ('{{ "https://e.example/x" | absolute_url }} {{ site.url }}/a', ["https://e.example/x"]),
        ('`{{< figure src="https://e.example/no" >}}`', []),
        ('{% comment %}\n{{< figure src="https://e.example/no" >}}\n{% endcomment %}', []),
        ("https://e.example/{{ page.id }} {% link a.md %}", []),
    ],
)
def test_shortcodes_and_includes_give_the_addresses_that_they_hold_whole(text: str, urls: list[str]) -> None:
    assert found(text) == urls


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ('<Card href="https://e.example/c" to="/x" />', ["https://e.example/c", "/x"]),
        ('<my-el src="https://e.example/d"></my-el>', ["https://e.example/d"]),
        ('<Foo.Bar href="https://e.example/e"/>', ["https://e.example/e"]),
        ('<link rel="preconnect" href="https://e.example/no"><script src="https://e.example/no"></script>', []),
        ('<a href="https://e.example/no" data-proofer-ignore>x</a>', []),
        ('<img srcset="/a 1x,/b 2x">', ["/a", "/b"]),
    ],
)
@pytest.mark.parametrize("path", ["a.md", "a.mdx", "a.html"])
def test_attributes_of_any_element_that_lead_somewhere_are_links(text: str, urls: list[str], path: str) -> None:
    assert found(text, path) == urls


def test_mdx_has_comments_and_braces_of_its_own() -> None:
    text = '{/* https://e.example/no */}\n<Card href={"https://e.example/c"} to={`/x`} />\n\nhttps://e.example/yes\n'
    assert found(text, "a.mdx") == ["https://e.example/c", "/x", "https://e.example/yes"]


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ('<base href="https://e.example/d/"><a href="x">t</a><a href="#y">u</a>', ["https://e.example/d/x", "#y"]),
        ('<base href="/docs/"><a href="x.html">t</a>', ["/docs/x.html"]),
        ('<base href="http://["><a href="x.html">t</a>', ["x.html"]),
        ('<base target="_blank"><a href="x.html">t</a>', ["x.html"]),
    ],
)
def test_the_base_of_a_page_is_what_its_targets_are_relative_to(text: str, urls: list[str]) -> None:
    assert found(text, "a.html") == urls


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("%% https://e.example/no %% https://e.example/yes", ["https://e.example/yes"]),
        ("%%\nhttps://e.example/no\n\n%%\nhttps://e.example/yes", ["https://e.example/yes"]),
        (
            "100%% sure https://e.example/yes and 50%% of https://e.example/two",
            ["https://e.example/yes", "https://e.example/two"],
        ),
        ("```\n%%time\n```\nhttps://e.example/yes\n```\n%%bash\n```\n", ["https://e.example/yes"]),
        ("https://e.example/a%%20b%%", ["https://e.example/a%%20b%%"]),
    ],
)
def test_comments_of_obsidian_are_left_out(text: str, urls: list[str]) -> None:
    assert found(text) == urls


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        (
            "[[note]] ![[picture.png|300]] [[note#heading|text]] [[#here]]",
            ["note", "picture.png", "note#heading", "#here"],
        ),
        ("| [[a\\|b]] | https://e.example/a\\|b |\n|---|---|\n| x | y |\n", ["a", "https://e.example/a|b"]),
        ("[[https://e.example/x|label]]", ["https://e.example/x"]),
        ("[[1]] [[0.1, 2]] [[TOC]] [[_TOC_]] [[ -f x ]] [[:alpha:]] `[[code]]` $[[x]]$", []),
        (
            "[[x]](https://e.example/) [[y]]\n\n[y]: https://e.example/y\n",
            ["https://e.example/", "https://e.example/y"] * 1 + ["https://e.example/y"],
        ),
        ("[[params]]\nname = 'x'\n", []),
    ],
)
def test_wiki_links_are_local_targets_and_brackets_of_other_kinds_are_not(text: str, urls: list[str]) -> None:
    assert found(text) == urls


def test_a_wiki_link_has_its_label_for_a_title_and_the_whole_for_a_place() -> None:
    (link,) = occurrences(Note("a.md", "x ![[b c#d|The Label]]"))
    assert (link.url, link.raw, link.note_title, link.column) == ("b c#d", "![[b c#d|The Label]]", "The Label", 3)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("htps://e.example/w", "https://e.example/w"), ("htp://e.example", "http://e.example"),
        ("ttps://e.example", "https://e.example"), ("hhttps://e.example", "https://e.example"),
        ("：https://e.example/q", "https://e.example/q"), ("https：//e.example/q", "https://e.example/q"),
        ("http//e.example", "http://e.example"), ("https;//e.example", "https://e.example"),
        ("example.com", "https://example.com"), ("www.e-x.co/a?b", "https://www.e-x.co/a?b"),
        ("https:///e.example", ""), ("https/x", ""), ("a.md", ""), ("note", ""), ("ftp://e.example", ""), ("/http", ""),
        ("config.py", ""), ("ftps://e.example/", ""), ("tftp://e.example/", ""), ("ssh://e.example/", ""),
        ("http.md", ""), ("https/x.md", ""),
    ],
)  # fmt: skip
def test_what_a_misspelt_target_probably_means(written: str, meant: str) -> None:
    assert probable(written) == meant


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("[x](\u200bhttps://e.example/z)", ["https://e.example/z"]),
        ("\ufeff\u200bhttps://e.example/b", ["https://e.example/b"]),
        ("[y](：https://e.example/q)", ["：https://e.example/q"]),
        ("[z](htps://e.example/w)", ["htps://e.example/w"]),
        ("[m](mailto:a@b.c) [f](ftp://e.example/x) [t](tel:1) [o](obsidian://open?x)", []),
    ],
)
def test_misspelt_addresses_are_links_and_invisible_characters_are_nothing(text: str, urls: list[str]) -> None:
    assert found(text) == urls


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.md", "<!-- markdown-link-check-disable -->\nNO\n<!-- markdown-link-check-enable -->\nYES"),
        ("a.md", "<!-- markdown-link-check-disable-next-line -->\nNO\nYES"),
        ("a.md", "NO <!-- markdown-link-check-disable-line -->\nYES"),
        ("a.md", "<!-- mlc-disable-next-line -->\nNO\nYES"),
        ("a.md", "%% crawler: ignore-next %%\nNO\nYES"),
        ("a.mdx", "{/* crawler: ignore-next */}\nNO\n\nYES"),
        ("a.rst", ".. crawler: ignore-next\n\nNO\n\nYES"),
        ("a.adoc", "// crawler: ignore-next\nNO\nYES"),
        ("a.org", "# crawler: ignore-next\nNO\nYES"),
        ("a.html", "<!-- crawler: ignore-next -->\n<p>NO\n<p>YES"),
    ],
)
def test_comments_of_every_format_and_of_other_checkers_leave_links_out(path: str, text: str) -> None:
    text = text.replace("NO", "https://e.example/no").replace("YES", "https://e.example/yes")
    assert found(text, path) == ["https://e.example/yes"]


@pytest.mark.parametrize(
    "opening",
    ['!!! note "T"', "??? tip", "???+ tip", '=== "Tab"', '===! "Tab"', "Term\n\n:   Definition"],
)
def test_what_stands_indented_below_an_admonition_a_tab_or_a_definition_is_no_code(opening: str) -> None:
    body = (
        "    [x](https://e.example/a) https://e.example/b\n\n"
        "    ```sh\n    https://e.example/no\n    ```\n\n"
        "    !!! note\n\n        https://e.example/c\n"
    )
    assert found(f"{opening}\n\n{body}") == [f"https://e.example/{each}" for each in "abc"]
    assert found(f"text\n\n{body}") == []


def test_setext_headings_and_fenced_examples_of_tabs_stay_what_they_are() -> None:
    assert found('[a](https://e.example/a)\n===\n\n```\n=== "A"\n\n    https://e.example/no\n```\n') == [
        "https://e.example/a"
    ]


def test_indentation_within_components_of_mdx_makes_no_code() -> None:
    text = (
        '<Tabs>\n  <Tab label="中">\n\n      [x](https://e.example/a)\n\n'
        "      ```js\n      https://e.example/no\n      ```\n\n"
        '        <Card href="https://e.example/b">\n\n            https://e.example/c\n        </Card>\n\n'
        "  </Tab>\n</Tabs>\n\n"
        "```\n    https://e.example/no\n```\n"
    )
    assert found(text, "a.mdx") == [f"https://e.example/{each}" for each in "abc"]
    (first, *_) = occurrences(Note("a.mdx", text))
    assert (first.line, first.column, first.note_title) == (4, 11, "x")
    assert found(text, "a.md") == []


def test_labels_of_logseq_lead_to_pages_and_never_to_blocks() -> None:
    links = occurrences(Note("a.md", "- [label]([[note]]) [b](((64f1-aa))) [p]([[中/文]])"))
    assert [(o.url, o.raw, o.note_title) for o in links] == [("note", "[[note]]", "label"), ("中/文", "[[中/文]]", "p")]


def test_a_forums_closing_mark_is_not_part_of_an_address() -> None:
    text = "[img]https://e.example/i.png[/img] [url=https://e.example/u]t[/url] https://e.example/?a[/x]=1"
    assert found(text) == ["https://e.example/i.png", "https://e.example/u", "https://e.example/?a[/x]=1"]


def test_components_that_are_called_as_elements_lead_somewhere() -> None:
    text = '<Link to="/a">x</Link> <Button href="https://e.example/b" /> <Image src="/c.png" />'
    assert found(text, "a.mdx") == ["/a", "https://e.example/b", "/c.png"]
    assert found(text.lower().replace("to=", "href=") + text.upper(), "a.md") == []

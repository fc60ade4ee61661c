"""The registry of formats, and the readers beside Markdown and HTML."""

import json
import re
from pathlib import Path

import pytest
import yaml
from docutils import nodes
from docutils.core import publish_doctree

from crawler.core.model import Note
from crawler.core.settings import NotesSettings
from crawler.notes.extract import occurrences
from crawler.notes.formats import ENDINGS, FORMATS, GLOBS, HOOK_TYPES, format_of

ROOT = Path(__file__).parent.parent.parent


def found(path: str, text: str, *, code: bool = False) -> list[tuple[int, str, str, str]]:
    links = occurrences(Note(path, text), code=code)
    assert all(text[o.start : o.end] == o.raw for o in links)
    return [(o.line, o.url, o.kind.value, o.note_title) for o in links]


def test_the_globs_of_the_settings_are_those_of_the_formats() -> None:
    assert NotesSettings().include == GLOBS


def test_the_hooks_see_every_format() -> None:
    for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")):
        assert hook.get("always_run") or set(HOOK_TYPES) <= set(hook["types_or"])


def test_every_format_and_ending_stands_in_the_guide() -> None:
    guide = (ROOT / "docs" / "extraction.md").read_text(encoding="utf-8")
    for form in FORMATS:
        (row,) = re.findall(rf"^\| {re.escape(form.name)} \|.*$", guide, re.MULTILINE)
        assert all(f"`{ending}`" in row for ending in form.endings), form.name


def test_names_without_an_ending_are_markdown_and_unknown_endings_are_nobodys() -> None:
    assert format_of("a/README") is FORMATS[0]
    assert format_of("a/.profile") is FORMATS[0]
    assert format_of("a/x.RST") is ENDINGS[".rst"]
    assert format_of("a/x.docx") is None
    assert occurrences(Note("x.docx", "https://e.example/")) == []


RST = """Title
=====

See `docs <https://e.example/a>`_ and https://e.example/b. Also `ref`_ and ``https://e.example/no``.

.. _ref: https://e.example/c
.. _long one:
   https://e.example/long
.. a comment https://e.example/no
   that goes on https://e.example/no

.. image:: img/x.png
   :target: https://e.example/d

.. code-block:: sh

   curl https://e.example/no

Literal::

    https://e.example/no

After :doc:`guide/intro` and :doc:`T <x>`. `part <#sec>`__

https://e.example/bare

The Title
"""


def test_links_of_restructured_text_are_found_in_every_form() -> None:
    assert found("a.rst", RST) == [
        (4, "https://e.example/a", "inline", "docs"),
        (4, "https://e.example/b", "bare", ""),
        (6, "https://e.example/c", "definition", "ref"),
        (8, "https://e.example/long", "definition", ""),
        (12, "img/x.png", "local", ""),
        (13, "https://e.example/d", "inline", ""),
        (23, "guide/intro", "local", ""),
        (23, "x", "local", "T"),
        (23, "#sec", "local", "part"),
        (25, "https://e.example/bare", "bare", "The Title"),
    ]


def test_restructured_text_has_the_links_that_docutils_finds() -> None:
    text = RST.replace(":doc:", "")
    tree = publish_doctree(text, settings_overrides={"report_level": 5, "file_insertion_enabled": False})
    theirs = {node["refuri"] for node in tree.findall(nodes.reference) if "refuri" in node}
    ours = {url for _, url, _, _ in found("a.rst", text)}
    assert {url for url in theirs if "://" in url} == {url for url in ours if "://" in url and not url.endswith("long")}


@pytest.mark.parametrize(
    "text",
    [
        ".. _a: https://e.example/x/\n   y/z\n\na_\n",
        ".. _a: https://e.example/x/\n   y/\n   z\n\na_\n",
        ".. _a: https://e.example/x\n\n   y\n\na_\n",
        "* .. _a: https://e.example/x\n  .. _b: https://e.example/y\n\na_ b_\n",
        ".. _a: https://e.example/x\ny\n\na_\n",
    ],
)
def test_a_wrapped_target_is_the_one_that_docutils_joins(text: str) -> None:
    tree = publish_doctree(text, settings_overrides={"report_level": 5})
    theirs = {node["refuri"] for node in tree.findall(nodes.reference) if "refuri" in node}
    assert {url for _, url, _, _ in found("a.rst", text)} == theirs


ADOC = """= Title
:url-x: https://e.example/attr
:imagesdir: img

https://e.example/a[Text A^] and link:https://e.example/b[B, window=_blank] link:local.adoc[L] <<sec,Sec>>
xref:other.adoc#id[O] https://e.example/c `https://e.example/no` {url-x}[attr]
image::x.png[Alt, link=https://e.example/l]
// https://e.example/no
----
https://e.example/no
----
////
https://e.example/no
////
<https://e.example/d>

== Heading

link:++https://e.example/e?a=[1]++[E]
include::part.adoc[]
"""


def test_links_of_asciidoc_are_found_in_every_form() -> None:
    assert found("a.adoc", ADOC) == [
        (2, "https://e.example/attr", "definition", ""),
        (5, "https://e.example/a", "inline", "Text A"),
        (5, "https://e.example/b", "inline", "B"),
        (5, "local.adoc", "local", "L"),
        (5, "#sec", "local", "Sec"),
        (6, "other.adoc#id", "local", "O"),
        (6, "https://e.example/c", "bare", ""),
        (6, "https://e.example/attr", "reference", "attr"),
        (7, "img/x.png", "local", "Alt"),
        (7, "https://e.example/l", "inline", ""),
        (15, "https://e.example/d", "bare", ""),
        (19, "https://e.example/e?a=[1]", "inline", "E"),
        (20, "part.adoc", "local", ""),
    ]


@pytest.mark.parametrize("macro", ["image::{}[A]", "image:{}[A]", "video::{}[A]"])
def test_a_picture_of_asciidoc_is_one_link(macro: str) -> None:
    assert [url for _, url, _, _ in found("a.adoc", macro.format("https://e.example/x.png"))] == [
        "https://e.example/x.png"
    ]


def test_what_asciidoc_passes_through_is_code() -> None:
    text = "+https://e.example/no+ https://e.example/?q=a+b+c C++ and https://e.example/c+ "
    assert [url for _, url, _, _ in found("a.adoc", text)] == ["https://e.example/?q=a+b+c", "https://e.example/c+"]


ORG = """* Head
#+LINK: bug https://e.example/bug?id=
[[https://e.example/a][Text]] [[https://e.example/b]] https://e.example/c <https://e.example/d> [[bug:7]]
[[file:img/x.png]] [[file:y.org::*Head][y]] [[#custom][c]] [[*Head]] =https://e.example/no= ~https://e.example/no~
# https://e.example/no
#+BEGIN_SRC sh
https://e.example/no
#+END_SRC
: https://e.example/no
[[https://e.example/?a=1=b][x=]]

https://e.example/bare

The Title
"""


def test_links_of_org_are_found_in_every_form() -> None:
    assert found("a.org", ORG) == [
        (3, "https://e.example/a", "inline", "Text"),
        (3, "https://e.example/b", "inline", ""),
        (3, "https://e.example/c", "bare", ""),
        (3, "https://e.example/d", "bare", ""),
        (3, "https://e.example/bug?id=7", "inline", ""),
        (4, "img/x.png", "local", ""),
        (4, "y.org#Head", "local", "y"),
        (4, "#custom", "local", "c"),
        (4, "#*Head", "local", ""),
        (10, "https://e.example/?a=1=b", "inline", "x="),
        (12, "https://e.example/bare", "bare", "The Title"),
    ]


CELLS = [
    {
        "cell_type": "markdown",
        "metadata": {"cell_type": "x"},
        "source": [
            "# T\n",
            "https://e.example/a\n",
            "\n",
            "The Title\n",
            "\n",
            '[q](https://e.example/b?x="1") ![](x.png)',
        ],
        "attachments": {"a": {"text": "https://e.example/no"}},
    },
    {"cell_type": "code", "source": ["# https://e.example/code\n"], "outputs": [{"text": ["https://e.example/no"]}]},
    {"cell_type": "markdown", "source": "one https://e.example/中 `https://e.example/in-code`"},
    {"cell_type": "raw", "source": "https://e.example/no"},
]


@pytest.mark.parametrize("indent", [1, None])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_notebooks_are_read_cell_by_cell_with_places_in_the_file(indent: int | None, ascii_only: bool) -> None:
    text = json.dumps({"cells": CELLS, "nbformat": 4}, indent=indent, ensure_ascii=ascii_only)
    links = found("a.ipynb", text)
    assert [link[1:] for link in links] == [
        ("https://e.example/a", "bare", "The Title"),
        ('https://e.example/b?x="1"', "inline", "q"),
        ("x.png", "local", ""),
        ("https://e.example/中", "bare", ""),
    ]
    if indent:
        assert [link[0] for link in links][:2] == [10, 14]
    assert [link[1] for link in found("a.ipynb", text, code=True) if link[2] == "code"] == [
        "https://e.example/code",
        "https://e.example/in-code",
    ]


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 10_000, '{"cells": [{"cell_type": "markdown", "source": "https://e', "}{"]
)
def test_a_broken_notebook_is_no_error(text: str) -> None:
    assert found("a.ipynb", text) == []


@pytest.mark.parametrize(
    ("path", "text", "urls"),
    [
        ("a.rst", ">>> get('https://e.example/no')\n'https://e.example/no'\n\nhttps://e.example/a", ["a"]),
        (
            "a.adoc",
            "\\https://e.example/no[x] \\https://e.example/no \\link:https://e.example/no[x] https://e.example/a[y]",
            ["a"],
        ),
        ("a.adoc", "[source,sh]\ncurl https://e.example/no\n\nhttps://e.example/a", ["a"]),
        ("a.adoc", " curl https://e.example/no\n\n * https://e.example/a\n\ntext\n https://e.example/b", ["a", "b"]),
        (
            "a.adoc",
            ":r: https://e.example\n:u: {r}/x\n\n{u}[a] {u}/y[b] link:{u}/z[c] {none}/w[d]",
            ["", "x", "x/y", "x/z"],
        ),
        ("a.adoc", 'image::https://e.example/i.png[x,link="https://e.example/l?a=1,2"]', ["i.png", "l?a=1,2"]),
        ("a.adoc", "video::abc[youtube] video::https://e.example/v.mp4[]", ["v.mp4"]),
    ],
)
def test_what_other_formats_call_code_or_fill_in_is_read_so(path: str, text: str, urls: list[str]) -> None:
    assert [url for _, url, _, _ in found(path, text)] == [f"https://e.example/{url}".rstrip("/") for url in urls]


def test_titles_beside_bare_addresses_of_html_hold_no_tags() -> None:
    text = "<p>标题一：https://e.example/a</p>\n<dt>\n<dd>描述 https://e.example/b\n"
    assert [(url, title) for _, url, _, title in found("a.html", text)] == [
        ("https://e.example/a", "标题一"),
        ("https://e.example/b", "描述"),
    ]

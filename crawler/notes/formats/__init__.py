"""The registry of note formats: which endings are read, by which reader, and how a URL is escaped in them.

The globs of `[notes] include`, the types of the pre-commit hooks and the table in `docs/extraction.md` say the same;
tests compare them. Readers are imported when a note of theirs is met. No file is opened here and no link is looked for.

To add a format: a module with `read(text) -> Reading`, a function below that imports it, and a line in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from crawler.notes.found import Reading

Reader = Callable[[str], Reading]


def _markdown(text: str) -> Reading:
    from crawler.notes.formats import markdown

    return markdown.read(text)


def _mdx(text: str) -> Reading:
    from crawler.notes.formats import mdx

    return mdx.read(text)


def _html(text: str) -> Reading:
    from crawler.notes.formats import html

    return html.read(text)


def _text(text: str) -> Reading:
    from crawler.notes.formats import text as plain

    return plain.read(text)


def _rst(text: str) -> Reading:
    from crawler.notes.formats import rst

    return rst.read(text)


def _asciidoc(text: str) -> Reading:
    from crawler.notes.formats import asciidoc

    return asciidoc.read(text)


def _org(text: str) -> Reading:
    from crawler.notes.formats import org

    return org.read(text)


def _notebook(text: str) -> Reading:
    from crawler.notes.formats import notebook

    return notebook.read(text)


def _notebook_flaw(text: str) -> str:
    from crawler.notes.formats import notebook

    return notebook.flaw(text)


@dataclass(frozen=True, slots=True)
class NoteFormat:
    """One format of notes. `version` is raised when its reader finds other links in the same text."""

    name: str  # for people
    endings: tuple[str, ...]  # lower case, with the dot
    read: Reader
    version: int
    hook_types: tuple[str, ...]  # what pre-commit's `identify` calls such files
    # Characters that `fix` percent-encodes since the format has no other escape for them; "": as each kind of link
    # asks for; None: `fix` never writes into such notes.
    encoded: str | None = ""
    parsed: bool = False  # by a parser of markup that a hostile text can keep busy for minutes
    flaw: Callable[[str], str] | None = None  # what is wrong with a text of the format, "" for nothing


RST = "`<>*|_\\()[]'\";"
ASCIIDOC = "`<>*[]{}+^~'\";()"
ORG = "[]<>\\*'\";()"
FORMATS: tuple[NoteFormat, ...] = (
    NoteFormat(
        "Markdown", (".md", ".markdown", ".mdown", ".mkd", ".mkdn", ".qmd", ".rmd"), _markdown, 5, ("markdown",)
    ),
    NoteFormat("MDX", (".mdx",), _mdx, 4, ("mdx",)),
    NoteFormat("HTML", (".html", ".htm", ".xhtml"), _html, 5, ("html",), parsed=True),
    NoteFormat("plain text", (".txt", ".text"), _text, 3, ("plain-text",)),
    NoteFormat("reStructuredText", (".rst",), _rst, 3, ("rst",), RST),
    NoteFormat("AsciiDoc", (".adoc", ".asciidoc"), _asciidoc, 3, ("asciidoc",), ASCIIDOC),
    NoteFormat("Org", (".org",), _org, 3, ("org",), ORG),
    NoteFormat("Jupyter notebook", (".ipynb",), _notebook, 4, ("jupyter",), None, flaw=_notebook_flaw),
)
MARKDOWN = FORMATS[0]
ENDINGS: dict[str, NoteFormat] = {ending: each for each in FORMATS for ending in each.endings}
GLOBS: tuple[str, ...] = tuple(f"**/*{ending}" for each in FORMATS for ending in each.endings)
HOOK_TYPES: tuple[str, ...] = tuple(kind for each in FORMATS for kind in each.hook_types)
VERSION = sum(each.version for each in FORMATS)  # of all readers together: what is remembered of notes depends on it


def ending_of(name: str) -> str:
    """The ending of a file's name in lower case with its dot, "" where it has none (`README`, `.profile`)."""
    base = name.rpartition("/")[2]
    stem, dot, ending = base.rpartition(".")
    return f".{ending.lower()}" if dot and stem.strip(".") and ending else ""


def format_of(name: str) -> NoteFormat | None:
    """The format of a note by its file's name; a name without an ending is Markdown; None: nobody reads it."""
    ending = ending_of(name)
    return ENDINGS.get(ending) if ending else MARKDOWN


def refusal(name: str) -> str:
    """Why a file is not read, for its author."""
    return f"nobody reads {ending_of(name)} files; notes end in {', '.join(ENDINGS)}"

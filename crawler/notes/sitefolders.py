"""Which site a note belongs to: its folders that `/images/x.png` may mean, and the generator that makes its pages.

Only names of files are asked for here, and a configuration's permalink; what a target means is `local`'s business.
Nothing has to be configured: the roots of a note are the notes' root, the repository, the folder of a generator's
configuration, the folder above `_posts`, `content`, `source` and `docs`, and in each of them the folders from which
generators copy files as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crawler.notes.walk import read_up_to

MAX_LEVELS = 30  # folders above a note in which a site's mark is looked for
MAX_CONFIG = 256 * 1024  # bytes of a generator's configuration that are read

# Folders that hold the sources of pages: the folder above them is a site's.
SOURCE_FOLDERS = frozenset({"_posts", "_drafts", "content", "source", "docs"})
# Folders whose contents a generator serves from `/`: Hugo and Docusaurus, Hexo, Vite's and Astro's, some themes.
SERVED_FOLDERS = ("static", "source", "public", "assets")
PAGE_FOLDERS = ("content", "docs", "src", "src/pages", "src/content", "pages", "site")
# A file that only one generator has, and its name; a folder is written with a slash.
MARKS = (
    ("hugo.toml", "hugo"), ("hugo.yaml", "hugo"), ("hugo.yml", "hugo"), ("hugo.json", "hugo"),
    ("config/_default/", "hugo"), ("archetypes/", "hugo"), ("docusaurus.config.js", "docusaurus"),
    ("docusaurus.config.ts", "docusaurus"), ("docusaurus.config.mjs", "docusaurus"), ("source/_posts/", "hexo"),
    ("_config.yml", "jekyll"), ("_config.toml", "jekyll"), ("_posts/", "jekyll"), ("mkdocs.yml", "mkdocs"),
    ("mkdocs.yaml", "mkdocs"), ("book.toml", "mdbook"), (".vitepress/", "vitepress"), (".vuepress/", "vuepress"),
    ("docs/.vitepress/", "vitepress"), ("docs/.vuepress/", "vuepress"), ("conf.py", "sphinx"),
    ("docs/conf.py", "sphinx"), ("astro.config.mjs", "astro"), ("astro.config.ts", "astro"),
    (".eleventy.js", "eleventy"), ("eleventy.config.js", "eleventy"), ("gatsby-config.js", "gatsby"),
    ("gatsby-config.ts", "gatsby"), ("_quarto.yml", "quarto"), ("pelicanconf.py", "pelican"),
    ("next.config.js", "next"), ("next.config.mjs", "next"), ("nuxt.config.ts", "nuxt"), ("nuxt.config.js", "nuxt"),
    ("antora.yml", "antora"), ("book.json", "gitbook"), ("SUMMARY.md", "gitbook"), (".gitbook.yaml", "gitbook"),
    ("zensical.toml", "mkdocs"),
)  # fmt: skip
# Folders that are the top of something without a generator.
TOPS = (".obsidian", "logseq", ".git", ".foam", ".hg")
_PERMALINK = re.compile(r"^permalink[ \t]*:[ \t]*[\"']?([^\s\"'#]+)", re.MULTILINE)
_HUGO_SECTION = re.compile(
    r"^\[permalinks(?:\.page)?\][ \t]*$(?P<toml>(?:\n(?![ \t]*\[)[^\n]*){1,40})"
    r"|^permalinks:[ \t]*$(?P<yaml>(?:\n[ \t]+[^\n]*){1,40})",
    re.MULTILINE,
)
_HUGO_LINE = re.compile(
    r"^[ \t]*[\"']?([\w/-]+)[\"']?[ \t]*[=:][ \t]*[\"']?(/?:[^\s\"']+|/[^\s\"']*:[^\s\"']+)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class SiteFolders:
    """What is known of the site of one folder of notes. All paths are absolute, the likeliest first."""

    bases: tuple[Path, ...]  # tops: the notes' root, the folder of a configuration, of a repository
    roots: tuple[Path, ...]  # what `/x` may be relative to
    generator: str = ""  # "" where nothing says that pages are generated
    vault: bool = False  # Obsidian's: links may leave folders out
    permalinks: tuple[tuple[str, str], ...] = ()  # section ("" for all) and template, by the generator's configuration
    walked: tuple[Path, ...] = ()  # where notes may lie that routes lead to; none holds another

    @property
    def serves(self) -> bool:
        """Whether one of the folders that are served as they are is there."""
        return any(root.name in SERVED_FOLDERS for root in self.roots)


def site_folders(folder: Path, notes_root: Path, configured: Sequence[Path] = ()) -> SiteFolders:
    """The site of the notes in `folder`; with `configured` roots nothing above them is looked at."""
    bases = list(dict.fromkeys(configured or (notes_root, *_bases(folder, notes_root))))
    generator, at = next(((found, base) for base in reversed_depth(bases) if (found := generator_of(base))), ("", None))
    roots = [root for base in bases for root in _roots(base)]
    vault = any(_is_folder(base / ".obsidian") for base in bases)
    permalinks = tuple(_permalinks(at, generator)) if at else ()
    walked = [base for base in bases if base in configured or base == notes_root or _is_top(base)]
    outer = tuple(one for one in walked if not any(one != other and one.is_relative_to(other) for other in walked))
    return SiteFolders(tuple(bases), tuple(dict.fromkeys(roots)), generator, vault, permalinks, outer)


def reversed_depth(bases: Sequence[Path]) -> list[Path]:
    """The bases, the innermost first."""
    return sorted(bases, key=lambda base: -len(base.parts))


def _bases(folder: Path, notes_root: Path) -> Iterator[Path]:
    """Folders from `folder` upwards that are the top of something; above the notes only the nearest of each kind."""
    marked = False
    for at in [folder, *folder.parents][:MAX_LEVELS]:
        inside = at.is_relative_to(notes_root)
        site = generator_of(at) != ""
        if at.name in SOURCE_FOLDERS and at.parent != at:
            yield at.parent
        if (site and (inside or not marked)) or any(_is_there(at / name) for name in TOPS):
            yield at
        marked = marked or site
        if _is_there(at / ".git"):
            return


def _is_top(base: Path) -> bool:
    return generator_of(base) != "" or any(_is_there(base / name) for name in TOPS)


def generator_of(base: Path) -> str:
    """The generator whose configuration or folders this folder holds; "" for none."""
    for mark, name in MARKS:
        if mark == "_posts/" and base.name == "source":
            continue  # Hexo's, whose configuration lies above
        if _is_folder(base / mark) if mark.endswith("/") else _is_file(base / mark):
            return name
    for name in ("config.toml", "config.yaml", "config.yml"):
        if _is_file(base / name) and _is_folder(base / "content"):
            return "hugo"
    return ""


def _is_folder(path: Path) -> bool:
    return _asked(path.is_dir)


def _is_file(path: Path) -> bool:
    return _asked(path.is_file)


def _is_there(path: Path) -> bool:
    return _asked(path.exists)


def _asked(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except OSError:  # of a folder that may not be looked into
        return False


def _roots(base: Path) -> Iterator[Path]:
    yield base
    for name in (*SERVED_FOLDERS, *PAGE_FOLDERS, ".vuepress/public", "docs/.vuepress/public"):
        if _is_folder(base / name):
            yield base / name
    for pages in PAGE_FOLDERS:
        for name in SERVED_FOLDERS:
            if _is_folder(base / pages / name):
                yield base / pages / name


def _permalinks(base: Path, generator: str) -> Iterator[tuple[str, str]]:
    """Section and template of each permalink that the configuration sets."""
    if generator in ("jekyll", "hexo"):
        found = _PERMALINK.search(_text(base / "_config.yml"))
        if found:
            yield "", found[1]
    elif generator == "hugo":
        for name in ("hugo", "config", "config/_default/hugo", "config/_default/config", "config/_default/permalinks"):
            for ending in (".toml", ".yaml", ".yml"):
                for section in _HUGO_SECTION.finditer(_text(base / f"{name}{ending}")):
                    for line in _HUGO_LINE.finditer(section["toml"] or section["yaml"] or ""):
                        yield line[1].strip("/"), line[2]


def _text(file: Path) -> str:
    return read_up_to(file, MAX_CONFIG).decode("utf-8", "replace")

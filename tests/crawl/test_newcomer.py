"""A newcomer's folder: which generator it is, what its configuration says, and what a first run costs."""

import tomllib
from pathlib import Path

import pytest

from crawler.core.config import load_settings
from crawler.core.settings import Settings
from crawler.crawl.newcomer import configuration, layout_of, newcomer
from crawler.notes.links import local_checker, read_notes
from crawler.notes.local import LocalState


def grow(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.write_text("![x](/img/a.png)\n" if name.endswith(".md") else "")
    return folder


SITES = {
    "Jekyll": (["_config.yml", "_posts/2020-1-1-a.md", "img/a.png"], ["."], ["."]),
    "Hugo": (["hugo.toml", "content/posts/a.md", "static/img/a.png"], ["content"], [".", "static", "content"]),
    "Hexo": (["_config.yml", "source/_posts/a.md", "source/img/a.png"], ["source"], [".", "source"]),
    "Docusaurus": (
        ["docusaurus.config.js", "docs/a.md", "blog/b.md", "static/img/a.png"], ["docs", "blog"], [".", "static"],
    ),
    "MkDocs": (["mkdocs.yml", "docs/a.md", "docs/img/a.png"], ["docs"], [".", "docs"]),
    "Obsidian": ([".obsidian/", "a.md", "img/a.png"], ["."], ["."]),
}  # fmt: skip


@pytest.mark.parametrize("title", SITES)
def test_a_generators_folder_gets_its_paths_and_roots(title: str, tmp_path: Path) -> None:
    names, paths, roots = SITES[title]
    layout = layout_of(grow(tmp_path, *names))
    assert layout.title == title
    notes = tomllib.loads(configuration(layout))["notes"]
    assert (notes["paths"], notes["root"]) == (paths, roots)


@pytest.mark.parametrize("title", SITES)
def test_with_that_configuration_pictures_are_found(title: str, tmp_path: Path) -> None:
    grow(tmp_path, *SITES[title][0])
    file = tmp_path / "crawler.toml"
    file.write_text(configuration(layout_of(tmp_path)), encoding="utf-8")
    settings = load_settings(file)
    notes = read_notes([Path(path) for path in settings.notes.paths], settings.notes)
    check = local_checker(notes, settings.notes)
    found = [o for o in notes.occurrences if o.url == "/img/a.png"]
    assert found
    assert {check(occurrence).state for occurrence in found} == {LocalState.THERE}


def test_a_plain_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    notes = tomllib.loads(configuration(layout_of(grow(tmp_path, "a.md"))))["notes"]
    assert (notes["paths"], notes["root"]) == (["."], "")


def test_a_generator_without_a_layout_of_its_own_gets_the_usual_folders(tmp_path: Path) -> None:
    layout = layout_of(grow(tmp_path, "astro.config.mjs", "src/content/a.md", "public/img/a.png"))
    assert (layout.title, layout.paths, layout.roots) == ("astro", ("src",), ("public",))


def test_what_a_generator_builds_and_what_others_wrote_is_no_note(tmp_path: Path) -> None:
    grow(tmp_path, "_config.yml", "_posts/a.md", "_site/a.md", "node_modules/x/README.md")
    assert newcomer(tmp_path, Settings()).notes == 1


def test_a_first_run_costs_what_its_longest_queue_costs(tmp_path: Path) -> None:
    links = [f"https://mp.weixin.qq.com/s/{i:022}" for i in range(30)] + ["https://example.com/1", "https://b.example/"]
    (tmp_path / "a.md").write_text("\n\n".join(links))
    found = newcomer(tmp_path, Settings())
    assert (found.notes, found.links) == (1, 32)
    assert [(q.site, q.links, q.interval) for q in found.queues][:2] == [("weixin", 30, 5.0), ("b.example", 1, 1.0)]
    assert found.seconds == 150


def test_an_empty_folder_costs_nothing(tmp_path: Path) -> None:
    assert newcomer(tmp_path, Settings()).seconds == 0

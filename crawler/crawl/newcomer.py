"""What a newcomer's folder is: its generator, where its notes and pictures lie, and what a first run costs.

Looks and reckons only; what is written and said of it is the command line's (`cli.init`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from crawler.core.settings import NotesSettings, Settings
from crawler.crawl.context import sites_of, utc_now
from crawler.crawl.extraction import guarded
from crawler.crawl.job import politeness_for
from crawler.notes.links import link_up, read_notes
from crawler.notes.sitefolders import PAGE_FOLDERS, SERVED_FOLDERS, generator_of
from crawler.schedule.plan import make_plan

if TYPE_CHECKING:
    from crawler.core.slots import Slot


@dataclass(frozen=True, slots=True)
class SiteLayout:
    """How one kind of site lays out its sources; folders that are not there are left out."""

    title: str
    paths: tuple[str, ...] = (".",)  # where notes are
    roots: tuple[str, ...] = ()  # what `/images/x.png` is relative to, beside the folder itself
    exclude: tuple[str, ...] = ()  # what is built or brought, not written


INSTALLED = ("node_modules/**", "vendor/**")
LAYOUTS = {
    "jekyll": SiteLayout("Jekyll", exclude=("_site/**", *INSTALLED)),
    "hugo": SiteLayout(
        "Hugo", ("content",), ("static", "content", "assets"), ("public/**", "resources/**", *INSTALLED)
    ),
    "hexo": SiteLayout("Hexo", ("source",), ("source",), ("public/**", *INSTALLED)),
    "docusaurus": SiteLayout(
        "Docusaurus", ("docs", "blog", "src/pages"), ("static",), ("build/**", ".docusaurus/**", *INSTALLED)
    ),
    "mkdocs": SiteLayout("MkDocs", ("docs",), ("docs",), ("site/**",)),
    "obsidian": SiteLayout("Obsidian", exclude=(".trash/**",)),
    "": SiteLayout("Plain notes"),
}


@dataclass(frozen=True, slots=True)
class FirstRun:
    """One site's links in a first run: they wait for each other, and for nobody else."""

    site: str
    links: int
    interval: float  # seconds between two starts

    @property
    def seconds(self) -> float:
        """How long the first run takes for them at least."""
        return self.links * self.interval


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A folder of notes as it was found."""

    folder: Path
    layout: SiteLayout
    notes: int
    links: int  # on the web, each once
    queues: tuple[FirstRun, ...]  # the longest first

    @property
    def seconds(self) -> float:
        """How long a first run takes: as long as its longest queue."""
        return self.queues[0].seconds if self.queues else 0.0


def layout_of(folder: Path) -> SiteLayout:
    """The layout of a folder, with what is there of it."""
    generator = generator_of(folder)
    if not generator and (folder / ".obsidian").is_dir():
        generator = "obsidian"
    known = LAYOUTS.get(generator) or _usual(folder, generator)
    paths = tuple(path for path in known.paths if (folder / path).is_dir())
    roots = tuple(root for root in known.roots if (folder / root).is_dir())
    return replace(known, paths=paths or (".",), roots=roots)


def _usual(folder: Path, generator: str) -> SiteLayout:
    """A generator without a layout of its own: the folders that such programs usually have."""
    pages = [path for path in PAGE_FOLDERS if (folder / path).is_dir()]
    return SiteLayout(generator, tuple(pages[:1]) or (".",), SERVED_FOLDERS, INSTALLED)


def newcomer(folder: Path, settings: Settings) -> Newcomer:
    """Read the notes of a folder and reckon what a first run costs. Sends nothing. Raises NotesError."""
    layout = layout_of(folder)
    sites = sites_of(settings)
    wanted = msgspec.structs.replace(
        settings.notes, paths=_absolute(folder, layout.paths), exclude=layout.exclude, root=_roots(folder, layout)
    )
    with guarded(settings) as extract:
        notes = read_notes([Path(path) for path in wanted.paths], wanted, extract=extract)
    planned = make_plan(link_up(notes.occurrences, sites), {}, utc_now(), politeness_for(settings, sites))
    queues = sorted(map(_queue, planned.slots), key=lambda queue: (-queue.seconds, queue.site))
    return Newcomer(folder, layout, len(notes.read), sum(queue.links for queue in queues), tuple(queues))


def _queue(slot: Slot) -> FirstRun:
    return FirstRun(slot.key, len(slot.links), slot.politeness.interval / slot.politeness.per_host)


def _absolute(folder: Path, paths: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(folder / path) for path in paths)


def _roots(folder: Path, layout: SiteLayout) -> tuple[str, ...] | str:
    return _absolute(folder, (".", *layout.roots)) if layout != LAYOUTS[""] else NotesSettings().root


def configuration(layout: SiteLayout) -> str:
    """A commented `crawler.toml` for that layout: what must be set is set, what is worth knowing is shown."""
    return f"""\
# What the crawler does with these notes ({layout.title}). Every option and its default: `config/crawler.toml` of the
# crawler, or docs/configuration.md. Paths are relative to this file.

[notes]
paths = {_list(layout.paths)}  # where your notes are
root = {_list((".", *layout.roots)) if layout.roots or layout.title != LAYOUTS[""].title else '""'}  \
# what a target such as /images/x.png is relative to
exclude = {_list(layout.exclude)}  # what is built or brought, not written

[archive]
path = "archive"  # kept pages and history; keep it out of git and of the published site

[report]
formats = ["html"]  # written after each run, into the archive's folder
language = "en"  # or "zh"

[schedule]
budget = "2h"  # a night ends after this; the next one goes on

# News by mail or in a chat when something died, came back or moved; the variable holds an Apprise address.
# [notify]
# urls = ["env:LINKS_MAIL"]

# One host, asked more gently, or not at all.
# [host."example.com"]
# interval = 5
# skip = true
"""


def _list(values: Sequence[str]) -> str:
    """A TOML array of strings; JSON's escapes are TOML's."""
    import json

    return json.dumps(list(values), ensure_ascii=False)

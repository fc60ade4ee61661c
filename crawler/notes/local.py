"""Whether what a local target names is there: a file, a folder, a page that a generator makes, a note, a heading.

The only questions asked are about files; which folders a target may be relative to is found by `sitefolders`, which
paths it may mean by `places`, what a note is published as by `routes`, what it is called by `wiki`, its headings by
`anchors`. In doubt a target is not missing: what a generator may make is `GENERATED`. A target that begins with `/`
never leaves its root.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urljoin

from crawler.core.model import Kind, Occurrence
from crawler.core.settings import NotesSettings
from crawler.notes.anchors import CHECKED, KNOWN, Anchors, anchors_of
from crawler.notes.dates import note_date
from crawler.notes.encodings import decode
from crawler.notes.files import absolute, configured_roots
from crawler.notes.formats import ENDINGS, ending_of
from crawler.notes.places import (
    FILES,
    cannot_be,
    fragment_of,
    is_path_to_file,
    of_default_language,
    pages_at,
    path_of,
    places_for,
    spellings,
    there_for,
)
from crawler.notes.routes import STYLES, normal, routes_of
from crawler.notes.sitefolders import SiteFolders, site_folders
from crawler.notes.targets import is_wiki, probable
from crawler.notes.walk import head_of, is_note, read_up_to, walk
from crawler.notes.wiki import WikiNames

MAX_ANCHORED = 8 * 1024 * 1024  # bytes of a note that is searched for headings
FEW = 3  # distinct targets from the root of which none is found, before the root is doubted; guess

GENERATED_ENDINGS = frozenset((".xml", ".json", ".css", ".js", ".mjs", ".rss", ".atom", ".ics", ".webmanifest", ".map"))
_DATED = re.compile(r"(?:\A|/)(\d{4})/(\d{1,2})/(\d{1,2})/([^/]+?)(?:\.html?)?/?\Z")  # Jekyll's default permalink
# Pages of GitHub and GitLab about the repository, seen from `blob/main/README.md`.
_REPOSITORY_PAGE = re.compile(
    r"(?:\./)?(?:\.\./){2,}(?:-/)?(?:issues|pulls?|merge_requests|graphs|wiki|releases|tags|actions|discussions|blob|tree|raw|"
    r"commits?|compare|security|projects|milestones?|labels|stargazers|network|contributors|edit|new|archive|workflows|"
    r"pulse|deployments|packages|forks|watchers|settings)(?:/|\Z)"
)


class LocalState(StrEnum):
    """What is true of a local target; the values are reasons, "ok" apart."""

    THERE = "ok"
    MISSING = "missing-file"
    NO_ANCHOR = "missing-anchor"
    GENERATED = "generated-page"
    UNWRITTEN = "unwritten-note"
    UNSEEN = "unreadable-folder"


@dataclass(frozen=True, slots=True)
class LocalAnswer:
    """A state with what led to it; `meant` is what the author probably wanted to write, "" unknown."""

    state: LocalState
    rule: str
    meant: str = ""


THERE = LocalAnswer(LocalState.THERE, "local/exists")
MISSING = LocalAnswer(LocalState.MISSING, "local/missing-file")
GENERATED = LocalAnswer(LocalState.GENERATED, "local/generated-page")
NO_ROOT = LocalAnswer(LocalState.GENERATED, "local/no-root")
NO_ANCHOR = LocalAnswer(LocalState.NO_ANCHOR, "local/missing-anchor")
UNWRITTEN = LocalAnswer(LocalState.UNWRITTEN, "local/unwritten-note")
UNSEEN = LocalAnswer(LocalState.UNSEEN, "local/unreadable-folder")


@dataclass(slots=True)
class LocalTargets:
    """Answers about the local targets of some notes; what is read from disk is read once."""

    root: Path  # of the notes: what names of notes are relative to
    files: Mapping[str, Path]  # note's name -> where it lies
    options: NotesSettings
    occurrences: Sequence[Occurrence] = ()  # of all these notes: a root is doubted when none of them is found
    _sites: dict[Path, SiteFolders] = field(default_factory=dict)
    _routes: dict[tuple[Path, ...], dict[str, list[Path]]] = field(default_factory=dict)
    _own_routes: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    _wiki_names: WikiNames | None = None
    _anchors: dict[Path, Anchors | None] = field(default_factory=dict)
    _doubted: bool | None = None

    def __call__(self, occurrence: Occurrence) -> LocalAnswer:
        """What is true of the target of `occurrence`, whose note is one of `files`. Never raises."""
        note = self.files[occurrence.path]
        try:
            answer, place = self._answer(occurrence, note)
        except PermissionError:  # of a folder on the way: whether the target is there, nobody here can see
            return UNSEEN
        except (OSError, ValueError):  # a name that no file can have
            return MISSING
        fragment = fragment_of(occurrence.url)
        if place is not None and fragment and self.options.anchors and not self._has_anchor(place, fragment, note):
            return NO_ANCHOR
        return answer

    def question(self) -> str:
        """What to ask the user where no target from the root is found at all; "" where there is nothing to ask."""
        if not self._doubted:
            return ""
        first = next(url for url in _from_root(self.occurrences))
        return f"none of the files such as {first} is found below {self.root}; is [notes] root right?"

    def places(self, occurrence: Occurrence) -> Iterator[str]:
        """Every path that would do, relative to the notes' root (POSIX)."""
        note = self.files.get(occurrence.path, self.root / occurrence.path)
        site = self._site(note.parent)
        for spelling in spellings(path_of(occurrence.url)):
            for place in places_for(spelling, note, site):
                for each in (place, *pages_at(place)):
                    yield Path(os.path.relpath(each, self.root)).as_posix()
            for route in _meant_routes(spelling, self._own(note, site)):
                for file in self._routes_of(site).get(route, ()):
                    yield Path(os.path.relpath(file, self.root)).as_posix()

    def _answer(self, occurrence: Occurrence, note: Path) -> tuple[LocalAnswer, Path | None]:
        url = occurrence.url
        if url.startswith("#"):
            return THERE, note
        if is_wiki(occurrence):
            return self._wiki(url, note)
        site = self._site(note.parent)
        for spelling in spellings(path_of(url)):
            place = self._found(spelling, note, site)
            if place is not None:
                return THERE, place
        whole = spellings(url) if "#" in url or "?" in url else ()  # as part of a name: `C#.md`
        if any(there_for(place) for spelling in whole for place in places_for(spelling, note, site)):
            return THERE, None
        answer = self._not_found(path_of(url), site)
        return (UNSEEN if answer.state is LocalState.MISSING and site.vault and self._names().partial else answer), None

    def _site(self, folder: Path) -> SiteFolders:
        if folder not in self._sites:
            here = absolute(self.root)
            configured = [here if n == 0 else Path(root) for n, root in enumerate(configured_roots(self.options))]
            self._sites[folder] = site_folders(folder, here, configured)
        return self._sites[folder]

    def _found(self, target: str, note: Path, site: SiteFolders) -> Path | None:
        for place in places_for(target, note, site):
            there = there_for(place)
            if there is not None and not (target.endswith("/") and there == place and not there.is_dir()):
                return there
        if is_path_to_file(target):
            return (
                self._in_vault(target, site)
                or self._from_page(target, note, site)
                or self._beside_post(target, site)
                or of_default_language(target, note, site)
            )
        routes = self._routes_of(site)
        for route in _meant_routes(target, self._own(note, site)):
            if route in routes:
                return routes[route][0]
        dated = _DATED.search(target)
        if dated:
            year, month, day, slug = dated.groups()
            at_day = routes.get(f"{year}/{int(month):02}/{int(day):02}/{normal(slug)}")
            return at_day[0] if at_day else None
        return None

    def _from_page(self, target: str, note: Path, site: SiteFolders) -> Path | None:
        """A file as seen from the address of the note's page, which HTML inside of Markdown is written for."""
        if site.generator and not target.startswith("/"):
            for route in self._own(note, site):
                for place in places_for(urljoin(f"/{route}/", target), note, site):
                    if place.is_file():
                        return place
        return None

    def _beside_post(self, target: str, site: SiteFolders) -> Path | None:
        """A file of a post by the post's address: of Hexo's folder of its name, or of Hugo's bundle."""
        page, slash, name = target.rpartition("/")
        if site.generator and slash and page.startswith("/"):
            for post in self._routes_of(site).get(normal(page), ()):
                for place in (post.with_suffix("") / name, post.parent / name):
                    if place.is_file():
                        return place
        return None

    def _in_vault(self, target: str, site: SiteFolders) -> Path | None:
        """Obsidian's shortest path, in links of Markdown."""
        if not site.vault or target.startswith(("/", ".")):
            return None
        return self._names().by_name(target)

    def _not_found(self, target: str, site: SiteFolders) -> LocalAnswer:
        meant = probable(target)
        if meant:
            return LocalAnswer(LocalState.MISSING, "local/missing-file", meant)
        path = unquote(target)
        if cannot_be(path):
            return MISSING
        if _REPOSITORY_PAGE.match(path):
            return GENERATED
        ending = ending_of(path.rstrip("/"))
        if ending in FILES or (ending in ENDINGS and ending not in (".html", ".htm", ".xhtml")):
            return NO_ROOT if path.startswith("/") and self._root_is_doubtful(site) else MISSING
        if ending in GENERATED_ENDINGS:
            return GENERATED if site.generator or path.startswith("/") else MISSING
        if _DATED.search(path) and _publishes_by_date(site):
            return MISSING
        return GENERATED if site.generator or path.startswith(("/", "@", "~")) else MISSING

    def _root_is_doubtful(self, site: SiteFolders) -> bool:
        """Whether none of several files is found from the root, so that the root is wrong rather than the notes."""
        if configured_roots(self.options) or site.serves:
            return False
        if self._doubted is None:
            asked = {(o.url, self.files[o.path].parent) for o in self.occurrences if o.url in set(_from_root([o]))}
            found = (
                self._found(s, folder / "x", self._site(folder))
                for url, folder in asked
                for s in spellings(path_of(url))
            )
            self._doubted = len({url for url, _ in asked}) >= FEW and not any(found)
        return self._doubted

    def _wiki(self, url: str, note: Path) -> tuple[LocalAnswer, Path | None]:
        """https://help.obsidian.md/links: by path from the note or the vault, else by name, wherever it lies."""
        name = unquote(url.partition("#")[0]).strip().replace("\\", "/")
        site = self._site(note.parent)
        for place in (note.parent / name, *(root / name.lstrip("/") for root in site.roots)):
            there = there_for(absolute(place))
            if there is not None:
                return THERE, there
        found = self._names().find(name)
        if found is not None:
            return THERE, found
        missing = UNSEEN if self._names().partial else MISSING
        return (missing if ending_of(name) in FILES else UNWRITTEN), None

    def _names(self) -> WikiNames:
        self._wiki_names = self._wiki_names or WikiNames(self.root)
        return self._wiki_names

    def _routes_of(self, site: SiteFolders) -> dict[str, list[Path]]:
        """The notes of a site by the routes that lead to them."""
        if site.bases not in self._routes:
            routes = self._routes[site.bases] = {}
            for base in site.walked:
                for file in walk(base):
                    if is_note(file.name):
                        for route in _routes_of_note(file, site):
                            routes.setdefault(route, []).append(file)
        return self._routes[site.bases]

    def _own(self, note: Path, site: SiteFolders) -> tuple[str, ...]:
        if note not in self._own_routes:
            self._own_routes[note] = tuple(_routes_of_note(note, site))
        return self._own_routes[note]

    def _has_anchor(self, place: Path, fragment: str, note: Path) -> bool:
        generator = self._site(note.parent).generator
        if ending_of(place.name) not in CHECKED or generator not in KNOWN:
            return True
        if place not in self._anchors:
            data = read_up_to(place, MAX_ANCHORED)
            text = decode(data) if len(data) <= MAX_ANCHORED else "too long"
            self._anchors[place] = None if isinstance(text, str) else anchors_of(place.name, text.text)
        anchors = self._anchors[place]
        return anchors is None or anchors.has(fragment)


def _routes_of_note(file: Path, site: SiteFolders) -> Iterator[str]:
    head = head_of(file)
    for root in site.roots:
        if file.is_relative_to(root):
            path = file.relative_to(root).as_posix()
            day = note_date(path, head)
            yield from routes_of(path, head, day.date() if day else None, site.generator, site.permalinks)
            if day and (dated := re.match(r"\d{4}-\d{1,2}-\d{1,2}-(.+)\.\w+\Z", file.name)):
                yield f"{day:%Y/%m/%d}/{normal(dated[1])}"


def _publishes_by_date(site: SiteFolders) -> bool:
    """Whether posts lie below their day for certain: Jekyll, unless it is configured otherwise."""
    templates = [STYLES.get(template, template) for _, template in site.permalinks]
    return site.generator == "jekyll" and all(t in (STYLES["date"], STYLES["pretty"]) for t in templates)


def _meant_routes(target: str, own: Iterable[str]) -> Iterator[str]:
    """The routes that a target means: from the root, or seen from the addresses of its own note."""
    if target.startswith("/"):
        yield normal(target)
    else:
        for route in own:
            yield normal(urljoin(f"/{route}/", target))
            yield normal(urljoin(f"/{route}", target))


def _from_root(occurrences: Iterable[Occurrence]) -> Iterator[str]:
    """Targets such as `/images/x.png`."""
    for o in occurrences:
        if o.kind is Kind.LOCAL and o.url.startswith("/") and ending_of(path_of(o.url)) in FILES:
            yield o.url

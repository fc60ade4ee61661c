"""Under which addresses a generator publishes a note: by its name, its front matter and the configured permalink.

Pure. Routes are compared in one spelling (`normal`): without slashes at the ends, without `index` and `.html`, in
small letters, since Hugo and others write names so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import unquote

# Jekyll's styles, https://jekyllrb.com/docs/permalinks/#built-in-formats
STYLES = {
    "date": "/:categories/:year/:month/:day/:title.html",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title.html",
    "weekdate": "/:categories/:year/W:week/:short_day/:title.html",
    "none": "/:categories/:title.html",
}
DEFAULTS = {"jekyll": STYLES["date"], "hexo": ":year/:month/:day/:title/"}  # Hexo: its own _config.yml
_DATED = re.compile(r"(?:(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})-)?(?P<slug>.+)")
_NUMBERED = re.compile(r"^\d+[-_. ]+(?=\S)")  # Docusaurus: `01-intro.md` is `intro`
_KEY = re.compile(
    r"^(?P<key>permalink|url|slug|id|aliases|alias|redirect_from|categories|category|title)"
    r"[ \t]*[:=][ \t]*(?P<value>[^\n]*)"
    r"(?P<list>(?:\n[ \t]*-[ \t]+[^\n]*){0,50})",
    re.MULTILINE | re.IGNORECASE,
)
_ITEM = re.compile(r"\"([^\"\n]*)\"|'([^'\n]*)'|([^\s,\[\]\"'-][^,\[\]\"'\n]*)")
_VARIABLE = re.compile(r":([a-z_]+)")


def normal(route: str) -> str:
    """One spelling of a route."""
    route = unquote(route).strip("/").casefold().replace(" ", "-")
    route = re.sub(r"(?:\.html?|\.md|\.mdx)\Z", "", route)
    return re.sub(r"(?:\A|/)_?index\Z", "", route)


def front_values(head: str) -> dict[str, list[str]]:
    """The values of a note's front matter that say where it is published, by their key in small letters."""
    values: dict[str, list[str]] = {}
    for match in _KEY.finditer(head):
        written = match["value"].split(" #")[0] + match["list"]
        items = [next(filter(None, item.groups()), "").strip() for item in _ITEM.finditer(written)]
        values.setdefault(match["key"].lower(), []).extend(item for item in items if item)
    return values


def routes_of(
    path: str, head: str, day: date | None, generator: str, permalinks: Sequence[tuple[str, str]]
) -> Iterator[str]:
    """Normal routes of the note at `path` (from the folder of its sources, POSIX). `head` is its front matter."""
    values = front_values(head)
    for key in ("permalink", "url", "aliases", "alias", "redirect_from"):
        for value in values.get(key, ()):
            if ":" not in value:
                yield normal(value)
    stem = re.sub(r"\.[A-Za-z]+\Z", "", path)
    folder, _, name = stem.rpartition("/")
    slugs = [*values.get("slug", ()), *values.get("id", ())]
    yield normal(stem)
    yield normal("/".join(_NUMBERED.sub("", part) for part in stem.split("/")))
    for slug in slugs:
        yield normal(slug)
        yield normal(f"{folder}/{slug}")
    dated = _DATED.fullmatch(name)
    titles = (*slugs, dated["slug"] if dated else name, name, *values.get("title", ()))
    note = _Published(stem, titles, values, day)
    yield from _templated(note, permalinks or (("", DEFAULTS.get(generator, STYLES["date"])),))


@dataclass(frozen=True, slots=True)
class _Published:
    """What the variables of a permalink are filled from."""

    stem: str  # path without its ending
    titles: Sequence[str]  # each may stand for `:title`
    values: dict[str, list[str]]  # of its front matter
    day: date | None


def _templated(note: _Published, permalinks: Sequence[tuple[str, str]]) -> Iterator[str]:
    section = next((part for part in note.stem.split("/") if part != "content"), "")
    for where, template in permalinks:
        if where in ("", section, note.stem.rpartition("/")[0]):
            for title in dict.fromkeys(note.titles):
                yield from _filled(STYLES.get(template, template), title, note)


def _filled(template: str, title: str, note: _Published) -> Iterator[str]:
    day, values = note.day, note.values
    folder = re.sub(r"(?:\A|/)(?:_posts|_drafts|content|source)(?=/|\Z)", "", note.stem.rpartition("/")[0]).strip("/")
    names = {
        "title": title, "slug": title, "filename": title, "name": title, "post_title": title, "slugorfilename": title,
        "contentbasename": title, "slugorcontentbasename": title, "section": folder.split("/")[0], "sections": folder,
        "path": folder, "basename": title, "output_ext": "",
    }  # fmt: skip
    if day:
        names |= {
            "year": f"{day.year}", "month": f"{day.month:02}", "day": f"{day.day:02}", "i_month": f"{day.month}",
            "i_day": f"{day.day}", "short_year": f"{day.year % 100:02}", "y_day": f"{day.timetuple().tm_yday:03}",
            "yearday": f"{day.timetuple().tm_yday}",
        }  # fmt: skip
    categories = [*values.get("categories", ()), *values.get("category", ())]
    for chosen in dict.fromkeys(("/".join(categories), *categories[:1], folder, "")):
        filled = {**names, "categories": chosen, "category": chosen}
        written = _VARIABLE.sub(lambda found: filled.get(found[1], found[0]), template)  # noqa: B023 - used at once
        if ":" not in written:
            yield normal(re.sub(r"/{2,}", "/", written))

"""The vocabulary of site files: every table, key and default, and nothing that acts.

`docs/site-rules.md` explains each one to people; a test keeps the two equal. A key that is missing here is an error.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from crawler.core.model import Confidence


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a site file; unknown keys are errors."""


class PolitenessTable(Table, frozen=True):
    """`[politeness]`: how the site wants to be asked; what is not said here comes from [fetch]."""

    per_host: int | None = None
    interval: float | None = None  # seconds
    timeout: float | None = None  # seconds
    patience: int | None = None
    max_per_run: int | None = None
    max_per_day: int | None = None
    headers: dict[str, str] = {}
    image_referer: str = ""


class IdentityStep(Table, frozen=True):
    """One `[[fetch]]` or `[[canonical]]` step: which URLs it is about, then what is done to them, in this order."""

    host: tuple[str, ...] = ()  # exact, or "*.example.com"; empty: every host of the site
    path: str = ""  # regex over the whole path
    params: tuple[str, ...] = ()  # query parameters that must be there, after `alias`
    unescape: bool = False
    unwrap: str = ""
    https: bool = False
    alias: dict[str, str] = {}
    label_to_path: bool = False  # the host's first label becomes the first segment of the path
    set_host: str = ""
    set_path: str = ""  # with \1 of `path`
    drop: tuple[str, ...] = ()  # names, or "utm_*"
    keep: tuple[str, ...] = ()  # in this order; everything else goes
    base64: tuple[str, ...] = ()


class PageKind(Table, frozen=True):
    """`[[kind]]`: what sort of page a canonical URL asks for, and the IDs in it (named groups)."""

    name: str
    url: str  # regex over the whole canonical URL


class FieldSource(Table, frozen=True):
    """One place where a value may stand; exactly one of css, meta, var, object, json."""

    css: str = ""
    attr: str = ""
    meta: str = ""
    var: str = ""
    object: str = ""
    key: str = ""
    json: str = ""
    path: str = ""
    all: bool = False
    html: bool = False
    drop: tuple[str, ...] = ()
    pick: str = ""  # regex with one group
    strip: tuple[str, ...] = ()  # regexes


Sources = tuple[FieldSource, ...]


class PageTable(Table, frozen=True):
    """`[page]`: where each field stands, best source first."""

    title: tuple[str | FieldSource, ...] = ()
    author: tuple[str | FieldSource, ...] = ()
    published: tuple[str | FieldSource, ...] = ()
    text: tuple[str | FieldSource, ...] = ()
    images: tuple[str | FieldSource, ...] = ()
    lead_image: tuple[str | FieldSource, ...] = ()
    canonical: tuple[str | FieldSource, ...] = ()


class Rule(Table, frozen=True):
    """`[[rule]]` (once `[[row]]`): a verdict and the conditions that must all hold for it."""

    id: str
    state: Literal["alive", "dead", "suspect", "blocked", "unknown"]
    reason: str
    confidence: Confidence | None = None
    confirmations: int = 0  # checks on different days that make a suspect dead; 0: what [schedule] says
    limited: str = ""
    follow: str = ""  # name of the value that holds the URL

    kind: tuple[str, ...] = ()
    status: tuple[int | str, ...] = ()  # 404 or "5xx"; empty: 2xx
    header: dict[str, str] = {}  # name = regex
    asked_url: str = ""  # regex
    final_url: str = ""  # regex
    redirected_home: bool | None = None
    has: tuple[str, ...] = ()  # selectors, all
    lacks: tuple[str, ...] = ()  # selectors, none
    says: dict[str, tuple[str, ...]] = {}  # selector = wordings, one of them
    notice: tuple[str, ...] = ()  # wordings, one of them, in the error zone
    title: tuple[str, ...] = ()  # wordings
    visible: tuple[str, ...] = ()  # wordings
    markup: tuple[str, ...] = ()  # wordings, letter by letter
    equals: dict[str, str] = {}
    differs: dict[str, str] = {}
    matches: dict[str, str] = {}
    filled: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    bytes_over: int | None = None
    bytes_under: int | None = None
    visible_over: int | None = None
    visible_under: int | None = None


class Example(Table, frozen=True):
    """`[[example]]`: what becomes of a URL; every one is a test."""

    url: str
    canonical: str
    fetch: str | None = None
    kind: str | None = None


class SiteFile(Table, frozen=True):
    """A whole site file."""

    name: str = ""
    hosts: tuple[str, ...] = ()
    politeness: PolitenessTable = PolitenessTable()
    error_zone: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    other_pages: Literal["unknown", "generic"] = "unknown"
    follow_only: str = ""
    fetch: tuple[IdentityStep, ...] = ()
    canonical: tuple[IdentityStep, ...] = ()
    kind: tuple[PageKind, ...] = ()
    value: dict[str, tuple[str | FieldSource, ...]] = {}
    page: PageTable = PageTable()
    rule: tuple[Rule, ...] = ()
    example: tuple[Example, ...] = ()

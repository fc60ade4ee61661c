"""The nouns of configuration: every option, its type and its default.

Only declarations live here; reading files and command lines is `config`'s work. `config/crawler.toml` shows the
same options with unit and meaning, and a test keeps the two equal.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from crawler.core.model import State


class Seconds(float):
    """A duration; written in TOML as a plain number of seconds, or "30s", "10m", "2h", "7d", "4w"."""


class Size(int):
    """A number of bytes; written in TOML as a plain number, or "64KB", "16MB", "1GB" (powers of 1024)."""


Count = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Status = Annotated[int, msgspec.Meta(ge=100, le=999)]

DAY = 86400.0
MB = 1024 * 1024


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the configuration file; unknown keys are errors."""


class NotesSettings(Section, frozen=True):
    """Which files are notes, and what their paths are relative to."""

    paths: tuple[str, ...] = (".",)
    include: tuple[str, ...] = (  # those of `crawler.notes.formats`; a test compares them
        "**/*.md", "**/*.markdown", "**/*.mdown", "**/*.mkd", "**/*.mkdn", "**/*.qmd", "**/*.rmd", "**/*.mdx",
        "**/*.html", "**/*.htm", "**/*.xhtml", "**/*.txt", "**/*.text", "**/*.rst", "**/*.adoc", "**/*.asciidoc",
        "**/*.org", "**/*.ipynb",
    )  # fmt: skip
    exclude: tuple[str, ...] = ()
    root: str | tuple[str, ...] = ""  # "": the notes folder
    ignore: tuple[str, ...] = ()  # regular expressions of URLs and local targets
    anchors: bool = True
    rewrite: dict[str, str] = {}  # regular expression -> what stands for the part that matches


class FetchSettings(Section, frozen=True):
    """How pages are asked for."""

    concurrency: Positive = 64
    per_host: Positive = 1
    interval: Seconds = Seconds(1.0)
    timeout: Seconds = Seconds(30)
    connect_timeout: Seconds = Seconds(10)
    max_body: Size = Size(16 * MB)
    max_redirects: Count = 10
    retries: Count = 3
    patience: Count = 5
    max_per_run: Count = 0
    max_per_day: Count = 0
    probe: bool = False
    robots: bool = False
    second_opinion: Literal["none", "browser", "wayback"] = "none"
    user_agent: str = ""  # "": the built-in browser-like one that names this project
    headers: dict[str, str] = {}
    cookies: str = ""  # a Netscape cookie file
    proxy: str = ""
    ca_bundle: str = ""
    allow_private: bool = False
    resolve: dict[str, str] = {}
    settle: Seconds = Seconds(10)  # after its load, for a page that a browser shows


class Schedule(Section, frozen=True):
    """When a link is checked again, and when failures become death."""

    alive: Seconds = Seconds(7 * DAY)
    alive_max: Seconds = Seconds(90 * DAY)
    suspect: Seconds = Seconds(DAY)
    blocked: Seconds = Seconds(DAY)
    dead: Seconds = Seconds(30 * DAY)
    confirmations: Positive = 3
    confirm_after: Seconds = Seconds(3 * DAY)
    silent: Seconds = Seconds(90 * DAY)
    budget: Seconds = Seconds(0)  # 0: no limit


class ArchiveSettings(Section, frozen=True):
    """Where runs keep what they save, and how much of it."""

    path: str = "archive"
    keep_raw: Literal["changed", "all", "none"] = "changed"
    codec: Literal["zst", "gz"] = "zst"
    store: str = ""  # URL of an object store for sealed segments; "": they stay in the archive's folder
    keep_local: bool = False  # sealed segments stay in the folder, too
    cache: Size = Size(1024 * MB)  # of what was read back from the store
    images: Literal["none", "cover", "all"] = "cover"
    max_image: Size = Size(5 * MB)
    max_snapshots: Count = 0


class ReportSettings(Section, frozen=True):
    """Which reports a run writes without being asked, and in which language."""

    formats: tuple[str, ...] = ()
    path: str = ""
    language: Literal["en", "zh"] = "en"


class Notify(Section, frozen=True):
    """Who is notified of changes."""

    webhook: str = ""
    feed: str = ""
    urls: tuple[str, ...] = ()  # addresses as Apprise writes them, or "env:NAME" for a variable that holds some
    when: Literal["news", "dead", "always"] = "news"


class Wayback(Section, frozen=True):
    """What is asked of the Internet Archive."""

    suggest: bool = False
    submit: bool = False
    endpoint: str = "https://web.archive.org"
    keys: str = ""  # "access:secret", or "env:NAME" for a variable that holds it


class ReadSettings(Section, frozen=True):
    """How pages are read: in processes of their own, each page within these limits."""

    processes: Count = 0  # 0: one for each core
    seconds: Seconds = Seconds(3)  # CPU
    memory: Size = Size(1024 * MB)


class ServeSettings(Section, frozen=True):
    """Where the viewer listens, and what it is called from outside."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8765
    public: str = ""  # "": nobody else reaches it


class SiteFiles(Section, frozen=True):
    """Site files of the user's own."""

    path: str = ""


class Host(Section, frozen=True):
    """What one host (or "*.example.com": its subdomains) wants otherwise; None: not said here."""

    per_host: Positive | None = None
    interval: Seconds | None = None
    timeout: Seconds | None = None
    patience: Count | None = None
    max_per_run: Count | None = None
    max_per_day: Count | None = None
    headers: dict[str, str] = {}
    accept: tuple[Status, ...] = ()
    skip: bool = False
    browser: bool = False


class Settings(Section, frozen=True):
    """The whole configuration file."""

    notes: NotesSettings = NotesSettings()
    fetch: FetchSettings = FetchSettings()
    schedule: Schedule = Schedule()
    archive: ArchiveSettings = ArchiveSettings()
    report: ReportSettings = ReportSettings()
    notify: Notify = Notify()
    wayback: Wayback = Wayback()
    read: ReadSettings = ReadSettings()
    serve: ServeSettings = ServeSettings()
    sites: SiteFiles = SiteFiles()
    host: dict[str, Host] = {}


FAIL_ON_CHECK = (State.DEAD,)  # `check` without --fail-on; `run` fails on nothing by default

"""How a report is to be written: the options of a format, beside the report itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from crawler.core.model import State
from crawler.report.words import Language


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What every renderer is given; each uses what concerns it."""

    language: Language = "en"
    width: int = 80  # columns; terminal only
    colour: bool = False  # terminal only
    verbose: bool = False  # list what is otherwise only counted
    fail_on: frozenset[State] = field(default=frozenset({State.DEAD}))  # the states that are errors
    notes_url: str = ""  # what a note's path is appended to, to make a link: "../notes/", "https://…/blob/main/"
    page_name: str = ""  # of the file that a report goes to, "" for none: its further pages are named after it
    feed_url: str = ""  # where the feed is, for its link to itself
    since: datetime | None = None  # not the whole report, but what happened since
    archive: str = ""  # where the archive lies, to be named to the reader; "": not named
    html_file: str = ""  # where the HTML report lies, likewise
    remembered: bool = True  # whether an archive was there to know links from
    notes_folder: str = ""  # from the repository's root to the notes' root, for formats of code review: "notes/"

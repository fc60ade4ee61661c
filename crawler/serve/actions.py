"""What the viewer does: re-archive, import, mark, mend and undo. Each is one call of a use case in `crawl`.

Only forms of our own pages come here, with the token: the guard asks for the one, `acting` for the other.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import anyio.to_thread
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from crawler.core.display import clipped, plain
from crawler.core.errors import UsageError
from crawler.core.model import State, Word
from crawler.core.url import redact
from crawler.crawl.context import Context, open_archive
from crawler.crawl.importing import import_files
from crawler.crawl.marking import mark
from crawler.crawl.reading import FoundLinks, read_links
from crawler.crawl.rearchive import what_was_kept
from crawler.crawl.run import check_links
from crawler.notes.links import link_of
from crawler.schedule.plan import Budget
from crawler.serve.listing import whole_number
from crawler.serve.rendering import link_address, note_address
from crawler.serve.tasks import Line, Task
from crawler.serve.viewer import Missing, Visit, answered

if TYPE_CHECKING:
    from starlette.requests import Request

    from crawler.archive.listed import ListedLink
    from crawler.core.model import Link
    from crawler.crawl.observer import Observer
    from crawler.serve.library import Library
    from crawler.serve.viewer import Endpoint, Viewer

MAX_UPLOAD: Final = 256 * 1024 * 1024  # bytes of everything that is dropped at once
MAX_FILES: Final = 20
CLEAR: Final = "clear"
WORDS: Final = ("fine", "dead", CLEAR)
UPLOADS: Final = {"/do/import": MAX_UPLOAD}
# Names of files decide how they are read only by their ending, and only by one of these.
ENDINGS: Final = (
    ".warc.gz", ".warc.zst", ".warc", ".wacz", ".mhtml", ".mht", ".html", ".htm", ".xhtml", ".webarchive", ".pdf",
    ".zip",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that was dropped; `body` is read while the request lasts."""

    name: str  # as its sender calls it, for people
    body: BinaryIO


@dataclass(frozen=True, slots=True)
class Form:
    """A form of ours."""

    values: Mapping[str, str]
    files: tuple[Uploaded, ...] = field(default=())

    def value(self, name: str) -> str:
        """A value, trimmed; "" for none."""
        return self.values.get(name, "").strip()


Action = Callable[[Visit, Form], Response]


def acting(viewer: Viewer, action: Action) -> Endpoint:
    """An action as an ASGI endpoint: a form of ours, or 403."""

    async def answer(request: Request) -> Response:
        visit = Visit(viewer, request)
        async with request.form(max_files=MAX_FILES, max_fields=20) as data:
            form = _form(data)
            if not viewer.access.is_ours(form.value("csrf") or request.headers.get("x-csrf-token", "")):
                raise HTTPException(403, "this form is not one of ours")
            return await anyio.to_thread.run_sync(answered, visit, lambda visit: action(visit, form))

    return answer


def _form(data: FormData) -> Form:
    values = {name: value for name, value in data.multi_items() if isinstance(value, str)}
    files = [value for _, value in data.multi_items() if isinstance(value, UploadFile) and value.filename]
    return Form(values, tuple(Uploaded(clipped(plain(file.filename or ""), 200), file.file) for file in files))


def rearchive_action(visit: Visit, form: Form) -> Response:
    """`POST /do/rearchive` with `url`, or `note` for all links of a note. Raises Missing."""
    library, catalog = visit.viewer.library, visit.lists.catalog
    if note := form.value("note"):
        if catalog.health_of(note) is None:
            raise Missing("no_such_note", note)
        return _started(
            visit, "rearchive", note, note_address(note), lambda watch: _rearchive_note(library, note, watch)
        )
    entry = _entry(visit, form)
    back = link_address(entry.key)
    return _started(visit, "rearchive", entry.title or entry.url, back, lambda watch: _rearchive(library, entry, watch))


def _entry(visit: Visit, form: Form) -> ListedLink:
    entry = visit.lists.catalog.entry(form.value("url"))
    if entry is None:
        raise Missing("no_such_link", form.value("url"))
    return entry


def _started(visit: Visit, kind: str, about: str, back: str, work: Callable[[Observer], Iterable[Line]]) -> Response:
    task: Task = visit.viewer.tasks.start(kind, about, back, work)
    return RedirectResponse(f"/task/{task.id}", 303)


def _rearchive(library: Library, entry: ListedLink, observer: Observer) -> Iterable[Line]:
    """Fetch one link now. Its address is the note's own, since what is shown lacks the secrets of sharers."""
    with _writing(library, "rearchive") as context:
        found = read_links(context, library.paths)
        links = [link for link in found.links if redact(link.canonical_url) == entry.key]
        return _check(context, found, links or [link_of(entry.url, library.sites)], observer)


def _rearchive_note(library: Library, note: str, observer: Observer) -> Iterable[Line]:
    with _writing(library, "rearchive") as context:
        found = read_links(context, library.paths)
        links = [link for link in found.links if any(o.path == note for o in link.occurrences)]
        return _check(context, found, links, observer)


def _check(context: Context, found: FoundLinks, links: list[Link], observer: Observer) -> list[Line]:
    wanted = FoundLinks(found.notes, links, found.local_histories)
    result = check_links(context, "rearchive", wanted, Budget(all=True), observer)
    return [
        Line(
            f"{redact(plain(finding.link.url))}: {what_was_kept(result, finding, context.archive)}",
            finding.history.state,
            redact(finding.link.canonical_url),
        )
        for finding in result.report.findings
    ]


@contextmanager
def _writing(library: Library, command: str) -> Iterator[Context]:
    """The archive for writing. Raises ArchiveBusy while a run has it."""
    with open_archive(library.settings, command, write=True, now=library.now) as archive:
        yield Context(library.settings, library.sites, archive, library.now)


def mend_action(visit: Visit, form: Form) -> Response:
    """`POST /do/mend` with `note` and the `digest` of what was shown. Raises NotesError."""
    note = form.value("note")
    undo = visit.viewer.mends.accept(note, form.value("digest"), unconfirmed=form.value("unconfirmed") == "1")
    visit.viewer.library.refresh()
    return RedirectResponse(f"/mend?done={undo.number}", 303)


def undo_action(visit: Visit, form: Form) -> Response:
    """`POST /do/undo` with the `number` of what was written. Raises NotesError."""
    undo = visit.viewer.mends.take_back(whole_number(form.value("number"), 10**9))
    visit.viewer.library.refresh()
    return RedirectResponse(note_address(undo.note), 303)


def import_action(visit: Visit, form: Form) -> Response:
    """`POST /do/import` with files, and the `url` that one of them was saved from. Raises UsageError."""
    if not form.files:
        raise UsageError("no file was sent: choose one, or drop it onto the page")
    url = form.value("url")
    if url and len(form.files) > 1:
        raise UsageError("an address says where one file came from: import the files one by one, or leave it out")
    folder = Path(tempfile.mkdtemp(prefix="crawler-import-"))
    names = {}
    for number, file in enumerate(form.files, 1):
        place = folder / f"{number}{_ending(file.name)}"
        names[place] = file.name
        with place.open("wb") as stream:
            shutil.copyfileobj(file.body, stream)
    if (changed := whole_number(form.value("changed"), 2**43)) and len(names) == 1:  # milliseconds, from the browser
        os.utime(next(iter(names)), (changed / 1000, changed / 1000))
    back = link_address(url) if url and visit.lists.catalog.entry(url) else "/waiting"
    force = form.value("force") == "1"

    def work(_: Observer) -> Iterable[Line]:
        try:
            yield from _import(visit.viewer.library, names, url, force=force)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    try:
        return _started(visit, "import", ", ".join(names.values()), back, work)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _import(library: Library, names: Mapping[Path, str], url: str, *, force: bool) -> Iterable[Line]:
    with _writing(library, "import") as context:
        done = import_files(context, list(names), url=url or None, force=force)
    for kept in done.kept:
        link = redact(link_of(kept.url, library.sites).canonical_url)
        yield Line(f"{_called(kept.file, names)}: {redact(plain(kept.url))}", State.ALIVE, link)
    for lost in done.lost:
        name, why = _called(lost.file, names), _called(lost.why, names)
        yield Line(why if why.startswith(name) else f"{name}: {why}")
    if not done.kept:
        raise UsageError("nothing was kept")


def mark_action(visit: Visit, form: Form) -> Response:
    """`POST /do/mark` with `url` and `word`: fine, dead, or clear to take a word back. Raises UsageError."""
    entry, word = _entry(visit, form), form.value("word")
    if word not in WORDS:
        raise UsageError(f"a link is marked with one of: {', '.join(WORDS)}")
    library = visit.viewer.library
    with _writing(library, "mark") as context:
        mark(context, entry.url, None if word == CLEAR else Word(word))
    library.refresh()
    return RedirectResponse(link_address(entry.key), 303)


def _called(text: str, names: Mapping[Path, str]) -> str:
    """A line about a file, with the name that its sender gave it."""
    for place, name in names.items():
        text = text.replace(str(place), name).replace(place.name, name)
    return plain(text)


def _ending(name: str) -> str:
    return next((ending for ending in ENDINGS if name.lower().endswith(ending)), ".bin")

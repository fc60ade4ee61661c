"""`crawler fix`: propose edits to notes, and make them with --write."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import GlobalOptions, global_options, load_sites_of, note_paths, paths_argument
from crawler.core.errors import NotesError, UsageError
from crawler.notes.mending import Edit, MendOptions, Why, apply, propose, proven, unified_diff

if TYPE_CHECKING:
    from crawler.archive import Archive
    from crawler.core.model import Finding, History, Link, Note, Suggestion
    from crawler.core.settings import Settings
    from crawler.fetch.wayback import WaybackCapture
    from crawler.notes.files import NoteFile
    from crawler.sites import Sites

MAX_QUESTIONS = 500  # captures looked up at the Internet Archive in one go; more would take hours at its pace


@dataclass(frozen=True, slots=True)
class Mended:
    """A note with the edits that were proposed for it."""

    file: NoteFile
    note: Note
    edits: tuple[Edit, ...]


@click.command("fix")
@paths_argument
@click.option("--only", "only", multiple=True, type=click.Choice([str(why) for why in Why]),
              help="Mend only these; may be repeated [dead, moved, https].")  # fmt: skip
@click.option("--copies", type=click.Path(path_type=Path), help="A folder that `export --html` wrote: link into it.")
@click.option("--template", default="", help="Address of a kept copy, with {id}, {url} and {timestamp}.")
@click.option("--unconfirmed", is_flag=True, help="Mend also what one look alone calls dead.")
@click.option("--write", is_flag=True, help="Make the edits [only print them].")
@global_options
def command(
    options: GlobalOptions,
    *,
    paths: tuple[Path, ...],
    only: tuple[str, ...],
    copies: Path | None,
    template: str,
    unconfirmed: bool,
    write: bool,
) -> int:
    """Propose edits: kept copies for dead links, new addresses for moved ones, https where the page was seen there.

    Prints a unified diff. Edits replace the characters of URLs and nothing else, never in code. Dead links get a copy
    from --copies or --template, or the nearest capture of the Internet Archive where [wayback] suggest is set.
    """
    from crawler.cli.work import open_archive

    if copies is not None and template:
        raise UsageError("--copies and --template are two addresses of one copy; give one")
    settings = options.settings()
    chosen = frozenset(map(Why, only)) or MendOptions().only
    how = MendOptions(only=chosen, template=template, unconfirmed=unconfirmed)
    sites = load_sites_of(settings)
    with open_archive(settings, "fix", write=False) as archive:
        files = read_files(note_paths(paths, settings), settings, options)
        findings = known_findings(files, sites, archive, how)
        findings = with_wayback(options, findings, settings, how)
        mended = [m for file, note in files if (m := mend(file, note, findings, sites, how, copies)).edits]
    for item in mended:
        click.echo(unified_diff(item.note, item.edits), nl=False)
    if write:
        for item in mended:
            write_note(item)
    tell(options, mended, findings, written=write)
    return 0


def read_files(paths: Sequence[Path], settings: Settings, options: GlobalOptions) -> list[tuple[NoteFile, Note]]:
    """Every note, read now: an edit must fit the text as it is."""
    from crawler.notes.files import SkippedNote, find_notes, read_note

    found = []
    for file in find_notes(paths, settings.notes, Path.cwd()):
        note = read_note(file)
        if isinstance(note, SkippedNote):
            options.say(f"crawler: {note.path} is skipped: {note.why}")
        else:
            found.append((file, note))
    return found


def known_findings(
    files: Iterable[tuple[NoteFile, Note]], sites: Sites, archive: Archive, how: MendOptions
) -> dict[str, Finding]:
    """The links that something is known of, by canonical URL, with the copies that are kept."""
    from crawler.core.model import LOCAL, Finding
    from crawler.notes.extract import occurrences
    from crawler.notes.links import link_up

    links = link_up((o for _, note in files for o in occurrences(note)), sites)
    histories = archive.histories()
    known = ((link, histories.get(link.canonical_url)) for link in links if link.site != LOCAL)
    return {link.canonical_url: Finding(link, history, kept(link, history, how)) for link, history in known if history}


def kept(link: Link, history: History, how: MendOptions) -> tuple[Suggestion, ...]:
    """The copy that a template leads to, and the capture elsewhere that a run found.

    A copy without a template has no address that a note could link to.
    """
    from crawler.core.model import Suggestion

    found = []
    if history.snapshot is not None and how.template:
        found.append(Suggestion("snapshot", link.url, history.snapshot.captured_at))
    if history.elsewhere is not None and history.elsewhere.url:
        found.append(Suggestion("wayback", history.elsewhere.url, history.elsewhere.captured_at))
    return tuple(found)


def with_wayback(
    options: GlobalOptions,
    findings: Mapping[str, Finding],
    settings: Settings,
    how: MendOptions,
) -> dict[str, Finding]:
    """Dead links with the capture nearest to their note's date, where the user lets us ask."""
    from crawler.core.model import Confidence, State, Suggestion
    from crawler.crawl.wayback import is_told_of, written_at

    if not settings.wayback.suggest or Why.DEAD not in how.only:
        return dict(findings)
    dead = [
        f for f in findings.values()
        if f.history.state is State.DEAD
        and is_told_of(f.link)
        and not (f.history.elsewhere and f.history.elsewhere.url)
        and (how.unconfirmed or f.history.confidence is Confidence.HIGH)
    ][:MAX_QUESTIONS]  # fmt: skip
    if not dead:
        return dict(findings)
    options.say(f"crawler: asking {settings.wayback.endpoint} for captures of {len(dead)} dead links")
    found = ask_wayback([(f.link.url, written_at(f.link, f.history)) for f in dead], settings)
    told = dict(findings)
    for finding, capture in zip(dead, found, strict=True):
        if capture is not None:
            suggestion = Suggestion("wayback", capture.url, capture.captured_at)
            told[finding.link.canonical_url] = replace(finding, suggestions=(*finding.suggestions, suggestion))
    return told


def ask_wayback(wanted: Sequence[tuple[str, datetime]], settings: Settings) -> list[WaybackCapture | None]:
    """The nearest capture of each URL, one question after the other: the archive asks for patience."""
    import trio

    from crawler.fetch.wayback import nearest, open_sender
    from crawler.fetch.wire import USER_AGENT

    async def ask() -> list[WaybackCapture | None]:
        agent = settings.fetch.user_agent or USER_AGENT
        async with open_sender(agent, settings.fetch.proxy, settings.fetch.ca_bundle) as send:
            endpoint = settings.wayback.endpoint.rstrip("/")
            found = [await nearest(send, url, when, endpoint) for url, when in wanted]
        return [next(iter(lookup.captures), None) for lookup in found]

    return trio.run(ask)


def mend(
    file: NoteFile, note: Note, findings: Mapping[str, Finding], sites: Sites, how: MendOptions, copies: Path | None
) -> Mended:
    """The edits of one note, proven by reading it again."""
    from crawler.notes.extract import occurrences

    edits = []
    for occurrence in occurrences(note):
        finding = findings.get(sites.identify(occurrence.url).canonical_url)
        if finding is not None:
            offered = with_copy(finding, file, copies)
            edit = propose(occurrence, offered, how, note.text)
            edits += [edit] if edit else []
    return Mended(file, note, tuple(proven(note, edits)) if edits else ())


def with_copy(finding: Finding, file: NoteFile, copies: Path | None) -> Finding:
    """The finding with its page in an exported folder first, told as seen from the note."""
    from crawler.archive.interchange.names import page_name
    from crawler.core.model import Suggestion

    if copies is None:
        return finding
    page = Path(os.path.abspath(copies)) / "pages" / f"{page_name(finding.link.canonical_url)}.html"  # noqa: PTH100 - names stay the user's
    if not page.is_file():
        return finding
    target = Path(os.path.relpath(page, file.path.parent)).as_posix()
    return replace(finding, suggestions=(Suggestion("snapshot", target), *finding.suggestions))


def write_note(item: Mended) -> None:
    """Replace a note by its mended text, if it is still what was read. Raises NotesError."""
    place = item.file.path.resolve()
    try:
        if place.read_bytes() != item.note.text.encode(item.note.encoding):
            raise NotesError(f"{place}: changed since it was read; run the command again")
        data = apply(item.note, item.edits).encode(item.note.encoding)
        handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            shutil.copymode(place, temporary)
            Path(temporary).replace(place)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise NotesError(f"{place}: cannot be written: {error.strerror}") from None


def tell(options: GlobalOptions, mended: Sequence[Mended], findings: Mapping[str, Finding], *, written: bool) -> None:
    """What was done, and how many dead links stay as they are for want of a copy."""
    from crawler.core.model import State

    edits = [edit for item in mended for edit in item.edits]
    options.say(
        f"crawler: {len(edits)} edits in {len(mended)} notes{'' if written or not edits else '; --write makes them'}"
    )
    dead = sum(finding.history.state is State.DEAD and not finding.suggestions for finding in findings.values())
    if dead and not any(Why.DEAD in edit.why for edit in edits):
        ways = "--copies, --template, or [wayback] suggest = true"
        options.say(f"crawler: {dead} dead links have no address to offer; give {ways}")
